// SPDX-License-Identifier: PostgreSQL
// Lengths of time: see duration.h. A number without a unit is refused, since other tools take it for minutes or milliseconds;
// 0 needs none.
#include "base/duration.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

static const struct {
	char letter;
	long long seconds;
} units[] = { { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };
enum { N_UNITS = sizeof units / sizeof *units };

static const long long longest_s = 3650LL * 86400;

bool duration_parse(const char *text, const char *code, const char *what, long long *seconds, struct err *err)
{
	char *end = NULL;
	errno = 0;
	long long n = *text >= '0' && *text <= '9' ? strtoll(text, &end, 10) : -1;
	bool no_unit = n == 0 && *end == '\0';
	for (size_t i = 0; n >= 0 && errno == 0 && i < N_UNITS; i++) {
		if ((no_unit || (*end == units[i].letter && end[1] == '\0')) && n <= longest_s / units[i].seconds) {
			*seconds = n * units[i].seconds;
			return true;
		}
	}
	return err_set(err, code, NULL, "write 90s, 10m, 2h or 1d (ten years at most)", "%s: \"%s\" is no length of time", what, text);
}

const char *duration_text(struct arena *arena, long long seconds)
{
	size_t i = 0;
	while (i < N_UNITS - 1 && (seconds == 0 || seconds % units[i].seconds != 0))
		i++;
	return arena_printf(arena, "%lld%c", seconds / units[i].seconds, units[i].letter);
}

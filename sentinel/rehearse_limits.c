// SPDX-License-Identifier: PostgreSQL
// The numbers of a rehearsal: see rehearse_limits.h. How to add one: a row in the table, its key in rehearse_keys, a line in
// docs/rehearsal.md.
#include "sentinel/rehearse_limits.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "migrations/framework.h"

const char *const rehearse_keys[] = {
	"lock_timeout", "statement_timeout", "foreign_keys", "max_hold", "max_queue", "scan_rows", "lock_tries", "lock_success", "boot_lock",
	"pgbench", "pgbench_clients", "pgbench_rate", "pgbench_protocol", NULL,
};

enum { CLIENTS_DEFAULT = 4, CLIENTS_MOST = 50, RATE_DEFAULT = 100, TRIES_DEFAULT = 5, SCRIPT_BYTES = 1 << 20 };

bool rehearse_configured(struct run *run, const char *key, const char **text, const char **where, struct err *err)
{
	const struct config_section *section = config_section(run->config, "rehearse");
	*text = NULL;
	for (size_t i = 0; section->keys[i] != NULL; i++) {
		if (strcmp(section->keys[i], key) != 0 || section->values[i].text == NULL)
			continue;
		*where = arena_printf(run->arena, "%s:%u", run->config->path, section->values[i].line);
		return config_expand(run->arena, run->config, &section->values[i], text, err);
	}
	return true;
}

double setting_ms(const char *text)
{
	static const struct { const char *unit; double ms; } units[] = {
		{ "", 1 }, { "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	};
	char *end;
	double n = strtod(text, &end);
	end += strspn(end, " ");
	for (size_t i = 0; end != text && isfinite(n) && n >= 0 && i < sizeof units / sizeof *units; i++) {
		if (strcmp(units[i].unit, end) == 0)
			return n * units[i].ms;
	}
	return -1;
}

// What a number is, and what it may be.
enum number { DURATION, DURATION_NOT_0, COUNT, FRACTION, RATE, N_NUMBER_KINDS };

static const struct {
	double least, most;
	const char *is, *hint;
} number_kinds[N_NUMBER_KINDS] = {
	[DURATION] = { 0, INFINITY, "duration", "write 500ms, 3s, 2m" },
	[DURATION_NOT_0] = { 1e-3, INFINITY, "duration above 0", "write 500ms, 3s, 2m" },
	[COUNT] = { 1, 1e15, "number from 1", "write 1000" },
	[FRACTION] = { 1e-6, 1, "fraction above 0 and up to 1", "write 0.9" },
	[RATE] = { 0, 1e6, "number from 0", "write 50, or 0 for as fast as they go" },
};

static bool read_number(const char *text, enum number kind, double *number)
{
	char *end;
	double n = kind <= DURATION_NOT_0 ? setting_ms(text) : strtod(text, &end);
	bool whole = kind != COUNT || n == floor(n);
	if ((kind > DURATION_NOT_0 && (end == text || *end != '\0')) || !whole || !(n >= number_kinds[kind].least && n <= number_kinds[kind].most))
		return false;
	*number = n;
	return true;
}

// A number of the configuration; *given: there is one.
static bool find_number(struct run *run, const char *key, enum number kind, double *number, bool *given, struct err *err)
{
	const char *text, *where;
	if (!rehearse_configured(run, key, &text, &where, err))
		return false;
	*given = text != NULL;
	return text == NULL || read_number(text, kind, number) || err_set(err, "config", where, number_kinds[kind].hint, "%s: \"%s\" is no %s", key, text, number_kinds[kind].is);
}

static void take_setting(const struct statistics *statistics, const char *key, double *ms)
{
	for (size_t i = 0; statistics != NULL && i < statistics->n_settings; i++) {
		if (strcmp(statistics->settings[i].name, key) == 0)
			*ms = setting_ms(statistics->settings[i].value);
	}
}

bool rehearse_limits_find(struct run *run, const struct statistics *statistics, struct rehearsal_request *request, const char **from,
                          struct err *err)
{
	struct thresholds *thresholds = &request->thresholds;
	double n_tries = TRIES_DEFAULT;
	const struct { const char *key; enum number kind; double *number; } numbers[] = {
		{ "lock_timeout", DURATION, &thresholds->lock_timeout_ms }, { "statement_timeout", DURATION, &thresholds->statement_timeout_ms },
		{ "max_hold", DURATION_NOT_0, &thresholds->hold_ms }, { "max_queue", DURATION_NOT_0, &thresholds->queue_ms },
		{ "scan_rows", COUNT, &thresholds->scan_rows }, { "lock_tries", COUNT, &n_tries }, { "lock_success", FRACTION, &thresholds->success_rate },
		{ "boot_lock", DURATION, &thresholds->boot_lock_ms },
	};
	enum { TIMEOUTS = 2, N_NUMBERS = sizeof numbers / sizeof *numbers, BOOT_LOCK = N_NUMBERS - 1 };
	bool given[N_NUMBERS];
	for (size_t i = 0; i < N_NUMBERS; i++) {
		if (!find_number(run, numbers[i].key, numbers[i].kind, numbers[i].number, &given[i], err))
			return false;
		if (i < TIMEOUTS && !given[i])
			take_setting(statistics, numbers[i].key, numbers[i].number);
		else if (i < TIMEOUTS)
			*from = run->config->path;
	}
	request->n_lock_tries = n_tries > 1000 ? 1000 : (int)n_tries;
	const struct framework *framework = request->set->framework;
	if (request->sqlite_path != NULL) // its frameworks take no lock there that another process would see
		return true;
	thresholds->boot_lock_assumed = !given[BOOT_LOCK];
	thresholds->boot_lock_end = framework->lock_wait_end;
	if (!given[BOOT_LOCK])
		thresholds->boot_lock_ms = framework->lock_wait_s * 1000.0;
	return true;
}

// The user's own traffic.

static bool read_script(struct run *run, const char *text, bool from_config, const char *where, struct pgbench_script *script, struct err *err)
{
	if (!pgbench_script_read(run->arena, text, script, err))
		return false;
	if (from_config)
		script->path = config_path(run->arena, run->config, script->path);
	auto_file file = fopen(script->path, "re");
	auto_buf content = BUF_INIT;
	char some[4096];
	size_t n = 1;
	while (file != NULL && n > 0 && content.length < SCRIPT_BYTES) {
		n = fread(some, 1, sizeof some, file);
		buf_add(&content, some, n);
	}
	if (file == NULL || ferror(file))
		return err_set(err, "pgbench", where, "--pgbench FILE: a script as pgbench --file takes it", "%s cannot be read: %s", script->path, strerror(errno));
	script->operation = content.data == NULL ? OPERATION_READ : pgbench_script_operation(content.data);
	return true;
}

// The scripts of the command line, else those of the configuration: file names with blanks between them.
static bool find_scripts(struct run *run, struct pgbench_request *pgbench, struct err *err)
{
	const struct words *given = &run->options->pgbench;
	const char *text = NULL, *where = "--pgbench";
	if (given->n == 0 && !rehearse_configured(run, "pgbench", &text, &where, err))
		return false;
	struct pgbench_script *scripts = arena_array(run->arena, given->n + (text == NULL ? 0 : strlen(text) / 2 + 1), sizeof *scripts);
	for (size_t i = 0; i < given->n; i++) {
		if (!read_script(run, given->items[i], false, where, &scripts[pgbench->n_scripts++], err))
			return false;
	}
	for (size_t length; text != NULL && *(text += strspn(text, " \t\n,")) != '\0'; text += length) {
		length = strcspn(text, " \t\n,");
		if (!read_script(run, arena_strndup(run->arena, text, length), true, where, &scripts[pgbench->n_scripts++], err))
			return false;
	}
	pgbench->scripts = scripts;
	return true;
}

static bool find_protocol(struct run *run, struct pgbench_request *pgbench, struct err *err)
{
	static const char *const protocols[] = { "simple", "extended", "prepared" };
	const char *text = run->options->pgbench_protocol, *where = "--pgbench-protocol";
	if (text == NULL && !rehearse_configured(run, "pgbench_protocol", &text, &where, err))
		return false;
	pgbench->protocol = text == NULL ? protocols[0] : text;
	for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++) {
		if (strcmp(protocols[i], pgbench->protocol) == 0)
			return true;
	}
	return err_set(err, "config", where, "simple, extended or prepared", "\"%s\" is no protocol of pgbench", text);
}

bool rehearse_pgbench_find(struct run *run, struct rehearsal_request *request, struct err *err)
{
	const struct options *options = run->options;
	struct pgbench_request *pgbench = arena_alloc(run->arena, sizeof *pgbench);
	double clients = CLIENTS_DEFAULT, rate = RATE_DEFAULT;
	bool given;
	if (!find_scripts(run, pgbench, err) || !find_protocol(run, pgbench, err) || !find_number(run, "pgbench_clients", COUNT, &clients, &given, err) ||
	    !find_number(run, "pgbench_rate", RATE, &rate, &given, err))
		return false;
	if (options->pgbench_rate != NULL && !read_number(options->pgbench_rate, RATE, &rate))
		return err_set(err, "usage", NULL, number_kinds[RATE].hint, "--pgbench-rate: \"%s\" is no %s", options->pgbench_rate, number_kinds[RATE].is);
	clients = options->pgbench_clients > 0 ? options->pgbench_clients : clients;
	if (clients > CLIENTS_MOST)
		return err_set(err, "config", NULL, NULL, "pgbench_clients: at most %d, each of which is a process", CLIENTS_MOST);
	bool asked = options->pgbench_rate != NULL || options->pgbench_clients > 0 || options->pgbench_protocol != NULL;
	if (pgbench->n_scripts == 0)
		return !asked || err_set(err, "usage", NULL, "add --pgbench FILE", "--pgbench-clients, -rate and -protocol are of --pgbench");
	if (request->sqlite_path != NULL)
		return options->pgbench.n == 0 || err_set(err, "usage", NULL, NULL, "--pgbench: pgbench knows only PostgreSQL, and the environment is a SQLite file");
	pgbench->n_clients = clients < (double)pgbench->n_scripts ? (int)pgbench->n_scripts : (int)clients;
	pgbench->rate = rate;
	pgbench->program = pgbench_find(run->arena, request->scratch->bindir, request->major, err);
	request->pgbench = pgbench;
	return pgbench->program != NULL;
}

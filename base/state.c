// SPDX-License-Identifier: PostgreSQL
// Documents and locks in the state folder: see state.h. A lock is flock's: the kernel lets go of it when its holder dies.
#include <config.h>

#include "base/state.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"

enum { NAME_SHOWN = 60, LOCK_STEP_MS = 100, DIGEST_SHOWN = 12, DOCUMENT_MAX = 64 << 20 };

const char *state_folder(struct arena *arena)
{
	return file_xdg_folder(arena, "XDG_STATE_HOME", ".local/state", "driftcheck/v1");
}

const char *state_path(struct arena *arena, const char *folder, const char *name, const char *suffix)
{
	auto_buf path = BUF_INIT;
	buf_addf(&path, "%s/", folder);
	for (const char *p = name; *p != '\0' && p - name < NAME_SHOWN; p++)
		buf_addc(&path, isalnum((unsigned char)*p) || strchr("-_.", *p) != NULL ? *p : '_');
	char digest[DIGEST_SHA256_HEX];
	digest_sha256_hex(name, strlen(name), digest);
	buf_addf(&path, "-%.*s%s", DIGEST_SHOWN, digest, suffix);
	return buf_copy(&path, arena);
}

json_t *state_get(const char *folder, const char *name)
{
	auto_arena arena = arena_new();
	size_t length;
	const char *text = folder == NULL ? NULL : file_read(arena, state_path(arena, folder, name, ".json"), DOCUMENT_MAX, &length);
	return text == NULL ? NULL : json_loadb(text, length, 0, NULL);
}

static bool fail(struct err *err, const char *path)
{
	return err_set(err, "state", path, "the folder must be writable, or set XDG_STATE_HOME to one that is", "cannot be written: %s",
	               strerror(errno));
}

bool state_put(const char *folder, const char *name, const json_t *document, struct err *err)
{
	auto_arena arena = arena_new();
	const char *path = state_path(arena, folder, name, ".json");
	if (document == NULL)
		return unlink(path) == 0 || errno == ENOENT || fail(err, path);
	auto_free text = json_dumps(document, JSON_INDENT(1) | JSON_SORT_KEYS | JSON_ENCODE_ANY);
	invariant(text != NULL, "JSON text");
	auto_buf out = BUF_INIT;
	buf_addf(&out, "%s\n", text);
	return file_write(&out, path, err) || err_set(err, "state", path, err->hint, "%s", err->text);
}

int state_lock(const char *folder, const char *name, long long wait_ms, struct err *err)
{
	auto_arena arena = arena_new();
	const char *path = state_path(arena, folder, name, ".lock");
	long long end_us = clock_us() + wait_ms * 1000;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0) {
		fail(err, path);
		return -1;
	}
	for (int error = 0; flock(fd, LOCK_EX | LOCK_NB) != 0;) {
		error = errno;
		if (error == EINTR)
			continue;
		if (error != EWOULDBLOCK || clock_us() >= end_us) {
			close(fd);
			if (error == EWOULDBLOCK)
				err_set(err, "locked", path, "it goes on when the other run has ended", "another run of driftcheck is at work on \"%s\"", name);
			else
				fail(err, path);
			return -1;
		}
		clock_sleep_ms(LOCK_STEP_MS);
	}
	return fd;
}

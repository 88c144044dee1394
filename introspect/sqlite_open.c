// SPDX-License-Identifier: PostgreSQL
// Opening a live SQLite file: see sqlite_open.h.
//
// The connection can do nothing but read: the file is opened read-only, PRAGMA query_only holds for what is not the file
// (temporary tables), and an authorizer refuses every statement that is no SELECT, so that ATTACH, which would create files, is
// out as well. `immutable` is never used: on a live file it misses what is in the WAL and shows what a crashed writer did not
// commit. Nor is trusted_schema switched off: SQLite 3.40 then refuses to open any database that has a JSON function in a
// CHECK, a generated column or an index ("unsafe use of json_valid()"), and there is nothing to trust: no function with side
// effects is there to be called.
//
// A file in WAL mode is the hard case (measured, SQLite 3.40): to read it, SQLite needs -wal and -shm beside it, makes them
// if it may, and leaves them there. Made by its owner, or by root (SQLite gives them to the owner then), they do no harm, and
// the owner's next connection takes them away; we do not, since somebody may be using them by then. Made by anyone else they
// make the owner's next write fail. So anyone else reads the file in place only if both are there, and else reads a copy in a
// folder of its own; the copy counts only if nothing moved meanwhile.
#include "introspect/sqlite_open.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "introspect/reader.h"

enum {
	HEADER_BYTES = 100, WAL_HEADER_BYTES = 32,
	HEADER_WRITE_VERSION = 18, HEADER_READ_VERSION = 19, // both 2: WAL mode (https://www.sqlite.org/fileformat2.html)
	COPY_TRIES = 5, COPY_BLOCK_BYTES = 256 * 1024,
	CLOCK_TICK_MS = 20, // file times advance in steps of at most this
	PROGRESS_STEPS = 10000,
	LOCK_TIMEOUT_MS = 2000, STATEMENT_TIMEOUT_MS = 60000,
};

// Errors.

static const struct { int result; const char *code, *hint; } known_errors[] = {
	{ SQLITE_READONLY_ROLLBACK, "hot-journal",
	  "a writer died in the middle of a transaction. Its application, or `sqlite3 FILE .schema` as the file's owner, rolls "
	  "it back when it opens the file; then run again" },
	{ SQLITE_NOTADB, "not-a-database", "check the path; an encrypted SQLite file looks like this as well" },
	{ SQLITE_CORRUPT, "corrupt",
	  "look at it with `sqlite3 FILE 'PRAGMA integrity_check'`; a schema written by a newer SQLite than this one looks like "
	  "this as well" },
	{ SQLITE_BUSY, "locked", "another process holds an exclusive lock: run again when it is done" },
	{ SQLITE_LOCKED, "locked", "another process holds an exclusive lock: run again when it is done" },
	{ SQLITE_PROTOCOL, "locked", "other processes keep the file too busy to be read: run again" },
	{ SQLITE_READONLY, "wal", "run driftcheck as the file's owner, or name a copy made with `sqlite3 FILE '.backup COPY'`" },
	{ SQLITE_CANTOPEN, "permission", "run driftcheck as a user that may read the file and what lies beside it" },
	{ SQLITE_PERM, "permission", "run driftcheck as a user that may read the file" },
	{ SQLITE_AUTH, "permission", "driftcheck runs nothing but SELECT on a live database" },
	{ SQLITE_INTERRUPT, "timeout", "the file is slow to read: try again" },
	{ SQLITE_IOERR, "unreachable", "the file system cannot be read: look into the system's log" },
};

static bool result_error(const char *where, int result, const char *message, const char *doing, struct err *err)
{
	const char *code = "query", *hint = "run with --show-queries to see the statement";
	for (size_t i = 0; i < sizeof known_errors / sizeof *known_errors; i++) {
		if (known_errors[i].result == result || known_errors[i].result == (result & 0xff)) {
			code = known_errors[i].code;
			hint = known_errors[i].hint;
			break;
		}
	}
	return err_set(err, code, where, hint, "while %s: %s", doing, message);
}

bool sqlite_session_error(const struct sqlite_session *session, const char *doing, struct err *err)
{
	return result_error(session->where, sqlite3_extended_errcode(session->db), sqlite3_errmsg(session->db), doing, err);
}

static bool system_error(const char *where, const char *path, int number, struct err *err)
{
	if (number == EACCES || number == EPERM)
		return err_set(err, "permission", where, "run driftcheck as a user that may read the file", "%s: %s", path,
		               strerror(number));
	return err_set(err, "unreachable", where, "check the path: driftcheck never creates a database", "%s: %s", path,
	               strerror(number));
}

// The file.

struct place {
	char *path; // absolute, without symbolic links: SQLite keeps -wal and -shm beside the file itself
	struct stat status;
	bool wal;       // it is in WAL mode
	bool has_files; // both -wal and -shm are there
	bool ours;      // what we leave beside it does not hinder its owner
};

static void place_release(struct place *place)
{
	free(place->path);
}

static bool stat_beside(const char *path, const char *suffix, struct stat *status)
{
	auto_buf name = BUF_INIT;
	buf_adds(&name, path);
	buf_adds(&name, suffix);
	return stat(name.data, status) == 0;
}

// The database file, through SQLite's own file layer: closing any other descriptor of it would drop the locks that other
// connections of this process have on it (fcntl(2)).
struct raw_file {
	sqlite3_file *file;
	const char *name;
};

static void raw_close(struct raw_file *raw)
{
	if (raw->file != NULL && raw->file->pMethods != NULL)
		raw->file->pMethods->xClose(raw->file);
	free(raw->file);
	sqlite3_free_filename((char *)raw->name);
}
#define auto_raw_file __attribute__((cleanup(raw_close))) struct raw_file

static int raw_open(struct raw_file *raw, const char *path)
{
	sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);
	raw->file = calloc(1, (size_t)vfs->szOsFile);
	raw->name = sqlite3_create_filename(path, "", "", 0, NULL);
	invariant(raw->file != NULL && raw->name != NULL, "out of memory");
	int flags;
	return vfs->xOpen(vfs, raw->name, raw->file, SQLITE_OPEN_READONLY | SQLITE_OPEN_MAIN_DB, &flags);
}

// What lies behind the end reads as zero.
static bool raw_read(struct raw_file *raw, void *into, int n, off_t offset)
{
	int result = raw->file->pMethods->xRead(raw->file, into, n, offset);
	return result == SQLITE_OK || result == SQLITE_IOERR_SHORT_READ;
}

static bool header_read(const char *path, unsigned char header[HEADER_BYTES], const char *where, struct err *err)
{
	auto_raw_file raw = { NULL, NULL };
	int result = raw_open(&raw, path);
	if (result != SQLITE_OK)
		return result_error(where, result, sqlite3_errstr(result), "opening the file", err);
	if (!raw_read(&raw, header, HEADER_BYTES, 0))
		return result_error(where, SQLITE_IOERR, sqlite3_errstr(SQLITE_IOERR), "reading the file", err);
	return true;
}

static bool place_find(struct place *place, const char *path, const char *where, struct err *err)
{
	place->path = realpath(path, NULL);
	if (place->path == NULL || stat(place->path, &place->status) != 0)
		return system_error(where, path, errno, err);
	if (!S_ISREG(place->status.st_mode))
		return err_set(err, "unreachable", where, "name the database file itself",
		               S_ISDIR(place->status.st_mode) ? "%s is a folder" : "%s is no regular file", path);
	if (faccessat(AT_FDCWD, place->path, R_OK, AT_EACCESS) != 0)
		return system_error(where, path, errno, err);
	unsigned char header[HEADER_BYTES];
	if (!header_read(place->path, header, where, err))
		return false;
	place->wal = header[HEADER_WRITE_VERSION] == 2 && header[HEADER_READ_VERSION] == 2;
	struct stat ignored;
	place->has_files = stat_beside(place->path, "-wal", &ignored) && stat_beside(place->path, "-shm", &ignored);
	place->ours = geteuid() == 0 || geteuid() == place->status.st_uid;
	return true;
}

// The copy.

// What changes when somebody writes to the database.
struct state {
	struct file_state {
		bool exists;
		ino_t inode;
		off_t size;
		struct timespec modified;
	} files[2], shm;
	unsigned char header[HEADER_BYTES]; // with the change counter
	unsigned char wal_header[WAL_HEADER_BYTES];
};

static const char *const copied_suffixes[] = { "", "-wal" };

static void file_state_read(struct file_state *state, const char *path, const char *suffix)
{
	struct stat status;
	if (stat_beside(path, suffix, &status))
		*state = (struct file_state){ true, status.st_ino, status.st_size, status.st_mtim };
}

static bool file_state_equal(const struct file_state *a, const struct file_state *b)
{
	return a->exists == b->exists && a->inode == b->inode && a->size == b->size && a->modified.tv_sec == b->modified.tv_sec &&
	       a->modified.tv_nsec == b->modified.tv_nsec;
}

static bool state_read(struct state *state, const char *path, const char *where, struct err *err)
{
	*state = (struct state){ 0 };
	for (int i = 0; i < 2; i++)
		file_state_read(&state->files[i], path, copied_suffixes[i]);
	file_state_read(&state->shm, path, "-shm");
	state->shm.modified = (struct timespec){ 0 }; // readers write to it
	auto_buf wal = BUF_INIT;
	buf_addf(&wal, "%s-wal", path);
	auto_file file = fopen(wal.data, "re");
	if (file != NULL && fread(state->wal_header, 1, WAL_HEADER_BYTES, file) < WAL_HEADER_BYTES && ferror(file))
		return system_error(where, wal.data, errno, err);
	return header_read(path, state->header, where, err);
}

static bool state_equal(const struct state *a, const struct state *b)
{
	return file_state_equal(&a->files[0], &b->files[0]) && file_state_equal(&a->files[1], &b->files[1]) &&
	       file_state_equal(&a->shm, &b->shm) && memcmp(a->header, b->header, HEADER_BYTES) == 0 &&
	       memcmp(a->wal_header, b->wal_header, WAL_HEADER_BYTES) == 0;
}

static bool copy_failed(const char *where, const char *what, int number, struct err *err)
{
	return err_set(err, "wal", where,
	               "run driftcheck as the file's owner, set TMPDIR to a folder with room for a copy, or name a copy made "
	               "with `sqlite3 FILE '.backup COPY'`",
	               "the file is in WAL mode and cannot be read in place, and a private copy cannot be made: %s: %s", what,
	               strerror(number));
}

static bool copy_database(const char *from, const char *to, off_t size, const char *where, struct err *err)
{
	auto_raw_file raw = { NULL, NULL };
	int result = raw_open(&raw, from);
	if (result != SQLITE_OK)
		return result_error(where, result, sqlite3_errstr(result), "copying the file", err);
	auto_file out = fopen(to, "wxe");
	auto_free block = malloc(COPY_BLOCK_BYTES);
	invariant(block != NULL, "out of memory");
	if (out == NULL)
		return copy_failed(where, to, errno, err);
	for (off_t offset = 0; offset < size; offset += COPY_BLOCK_BYTES) {
		int n = size - offset < COPY_BLOCK_BYTES ? (int)(size - offset) : COPY_BLOCK_BYTES;
		if (!raw_read(&raw, block, n, offset))
			return result_error(where, SQLITE_IOERR, sqlite3_errstr(SQLITE_IOERR), "copying the file", err);
		if (fwrite(block, 1, (size_t)n, out) != (size_t)n)
			return copy_failed(where, to, errno, err);
	}
	return fflush(out) == 0 || copy_failed(where, to, errno, err);
}

static bool copy_wal(const char *from, const char *to, const char *where, struct err *err)
{
	auto_file in = fopen(from, "re");
	if (in == NULL)
		return errno == ENOENT || system_error(where, from, errno, err);
	auto_file out = fopen(to, "wxe");
	auto_free block = malloc(COPY_BLOCK_BYTES);
	invariant(block != NULL, "out of memory");
	if (out == NULL)
		return copy_failed(where, to, errno, err);
	for (size_t n; (n = fread(block, 1, COPY_BLOCK_BYTES, in)) > 0;) {
		if (fwrite(block, 1, n, out) != n)
			return copy_failed(where, to, errno, err);
	}
	if (ferror(in))
		return system_error(where, from, errno, err);
	return fflush(out) == 0 || copy_failed(where, to, errno, err);
}

static void folder_name(struct buf *name, const char *folder, const char *suffix)
{
	buf_reset(name);
	buf_addf(name, "%s/copy.db%s", folder, suffix);
}

static void folder_remove(char **folder)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-journal" };
	if (*folder == NULL)
		return;
	auto_buf name = BUF_INIT;
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		folder_name(&name, *folder, suffixes[i]);
		unlink(name.data);
	}
	rmdir(*folder);
	free(*folder);
	*folder = NULL;
}

// A file in WAL mode has a rollback journal only while it changes its mode; without it the copy would show what was never
// committed. Its first byte is zero once it is spent.
static bool journal_is_hot(const char *path)
{
	auto_buf name = BUF_INIT;
	buf_addf(&name, "%s-journal", path);
	auto_file journal = fopen(name.data, "re");
	int first = journal == NULL ? 0 : fgetc(journal);
	return first != 0 && first != EOF;
}

// Copies the database into a folder that nobody else can enter. Whatever was written before the first look shows in
// the copy; whatever is written after the pause shows in the second look, since file times have moved on by then.
static bool copy_make(char **folder, const struct place *place, const char *where, struct err *err)
{
	const char *temporary = getenv("TMPDIR");
	auto_buf template = BUF_INIT, name = BUF_INIT, wal = BUF_INIT;
	buf_addf(&template, "%s/driftcheck-XXXXXX", temporary == NULL || *temporary == '\0' ? "/tmp" : temporary);
	buf_addf(&wal, "%s-wal", place->path);
	for (int i = 0; i < COPY_TRIES; i++) {
		struct state before, after;
		if (journal_is_hot(place->path))
			return result_error(where, SQLITE_READONLY_ROLLBACK, "a rollback journal is beside it", "opening the file",
			                    err);
		if (!state_read(&before, place->path, where, err))
			return false;
		clock_wait_ms(CLOCK_TICK_MS);
		if (mkdtemp(template.data) == NULL)
			return copy_failed(where, template.data, errno, err);
		*folder = strdup(template.data);
		invariant(*folder != NULL, "out of memory");
		folder_name(&name, *folder, "");
		if (!copy_database(place->path, name.data, before.files[0].size, where, err))
			return false;
		folder_name(&name, *folder, "-wal");
		if (!copy_wal(wal.data, name.data, where, err) || !state_read(&after, place->path, where, err))
			return false;
		if (state_equal(&before, &after))
			return true;
		folder_remove(folder);
		memcpy(template.data + template.length - 6, "XXXXXX", 6);
	}
	return err_set(err, "locked", where, "run again when nothing writes to it, or run as the file's owner",
	               "the file is written to all the time: a copy of it would not be consistent");
}

// The connection.

// SQLite's parser asks for each thing that a statement would do. Pragmas are those of our own queries, and of the virtual
// tables that it opens by itself when it lists tables.
static int authorize(void *argument, int action, const char *first, const char *second, const char *database, const char *trigger)
{
(void)argument, (void)database, (void)trigger;
	static const char *const pragmas[] = { "table_list", "page_size", "data_version" };
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
	case SQLITE_TRANSACTION:
		return SQLITE_OK;
	case SQLITE_FUNCTION:
		return sqlite3_stricmp(second, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
	case SQLITE_PRAGMA:
		for (size_t i = 0; i < sizeof pragmas / sizeof *pragmas; i++) {
			if (sqlite3_stricmp(first, pragmas[i]) == 0)
				return SQLITE_OK;
		}
		return SQLITE_DENY;
	default:
		return SQLITE_DENY;
	}
}

static int past_deadline(void *argument)
{
	const struct sqlite_session *session = argument;
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec > session->deadline.tv_sec ||
	       (now.tv_sec == session->deadline.tv_sec && now.tv_nsec > session->deadline.tv_nsec);
}

// Everything but letters, digits and a few marks, so that no part of a path is read as a parameter.
static void add_uri_path(struct buf *uri, const char *path)
{
	for (const char *c = path; *c != '\0'; c++) {
		bool letter = (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z');
		if (letter || (*c >= '0' && *c <= '9') || strchr("/-_.", *c) != NULL)
			buf_addc(uri, *c);
		else
			buf_addf(uri, "%%%02X", (unsigned char)*c);
	}
}

static bool connect_file(struct sqlite_session *session, const char *path, const struct read_options *options, struct err *err)
{
	static const struct { int option, value; } settings[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 }, { SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 }, { SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0 },
	};
	auto_buf uri = BUF_INIT;
	buf_adds(&uri, "file:");
	add_uri_path(&uri, path);
	buf_adds(&uri, "?mode=ro");
	int flags = SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_PRIVATECACHE;
	if (sqlite3_open_v2(uri.data, &session->db, flags, NULL) != SQLITE_OK)
		return sqlite_session_error(session, "opening the file", err);
	sqlite3_extended_result_codes(session->db, 1);
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
		sqlite3_db_config(session->db, settings[i].option, settings[i].value, NULL);
	sqlite3_limit(session->db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_busy_timeout(session->db, options->lock_timeout_ms > 0 ? options->lock_timeout_ms : LOCK_TIMEOUT_MS);
	int timeout_ms = options->statement_timeout_ms > 0 ? options->statement_timeout_ms : STATEMENT_TIMEOUT_MS;
	clock_gettime(CLOCK_MONOTONIC, &session->deadline);
	long nanoseconds = session->deadline.tv_nsec + timeout_ms % 1000 * 1000000L;
	session->deadline.tv_sec += timeout_ms / 1000 + nanoseconds / 1000000000;
	session->deadline.tv_nsec = nanoseconds % 1000000000;
	sqlite3_progress_handler(session->db, PROGRESS_STEPS, past_deadline, session);
	// mmap_size: a file that somebody truncates must not kill us. The last statement is the first that looks into the file.
	static const char *const first_statements[] = {
		"PRAGMA query_only = 1", "PRAGMA cell_size_check = 1", "PRAGMA mmap_size = 0",
		"SELECT 1 FROM sqlite_schema LIMIT 1",
	};
	for (size_t i = 0; i < sizeof first_statements / sizeof *first_statements; i++) {
		log_query(options->log, session->where, first_statements[i]);
		if (sqlite3_exec(session->db, first_statements[i], NULL, NULL, NULL) != SQLITE_OK)
			return sqlite_session_error(session, "opening the file", err);
	}
	sqlite3_set_authorizer(session->db, authorize, NULL);
	return true;
}

bool sqlite_session_open(struct sqlite_session *session, const char *path, const struct read_options *options, struct err *err)
{
	*session = (struct sqlite_session){ .where = options->name != NULL ? options->name : path };
	__attribute__((cleanup(place_release))) struct place place = { 0 };
	if (!place_find(&place, path, session->where, err))
		return false;
	if (!place.wal || place.has_files || place.ours) {
		if (connect_file(session, place.path, options, err))
			return true;
		// in WAL mode these say that -wal and -shm can be neither made nor used, even by the owner
		int result = sqlite3_errcode(session->db) & 0xff;
		bool unusable = place.wal && (result == SQLITE_READONLY || result == SQLITE_CANTOPEN) &&
		                strcmp(err->code, "hot-journal") != 0;
		sqlite_session_close(session);
		if (!unusable)
			return false;
	}
	log_info(options->log, "%s: reading a private copy of %s: it is in WAL mode, and -wal and -shm may not be made beside it",
	         session->where, path);
	// SQLite has all of the copy open once it has read from it: the names can go, so that not even a kill leaves it behind
	__attribute__((cleanup(folder_remove))) char *folder = NULL;
	if (!copy_make(&folder, &place, session->where, err))
		return false;
	auto_buf copy = BUF_INIT;
	folder_name(&copy, folder, "");
	return connect_file(session, copy.data, options, err);
}

void sqlite_session_close(struct sqlite_session *session)
{
	sqlite3_close(session->db);
	session->db = NULL;
}

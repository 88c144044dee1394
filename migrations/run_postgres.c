// SPDX-License-Identifier: PostgreSQL
// Running steps on PostgreSQL: see run.h. A unit is sent as one simple query, since what a message holds decides what is a
// transaction (several statements in one message are one). Results are awaited with the clock and the disk in view. What
// the owner may not do is not worked around here, but for CREATE EXTENSION of the allowed ones.
#include "config.h"

#include "migrations/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "base/sql.h"
#include "introspect/pg.h"
#include "migrations/dump.h"
#include "migrations/lexer.h"
#include "migrations/split.h"

enum { COPY_CHUNK = 256 * 1024 };

struct session {
	const struct run *run;
	struct arena *arena; // of the step
	PGconn *conn;
	const struct run_step *step;
	struct run_failure *failure;
};

// What the server made of a message.
struct outcome {
	size_t n_done;   // statements that it completed
	PGresult *error; // NULL: all of them
};

static void outcome_release(struct outcome *outcome)
{
	PQclear(outcome->error);
}
#define auto_outcome __attribute__((cleanup(outcome_release))) struct outcome

static PGconn *session_connect(const struct run *run, bool superuser, struct err *err)
{
	PGconn *conn = PQconnectdb(scratch_conninfo(run->scratch, superuser));
	PQsetNoticeReceiver(conn, pg_ignore_notice, NULL);
	if (PQstatus(conn) == CONNECTION_OK)
		return conn;
	err_set(err, "scratch", NULL, NULL, "cannot connect to the scratch server: %s", PQerrorMessage(conn));
	PQfinish(conn);
	return NULL;
}

// Sending.

static bool copy_in(struct session *session, const char *data, size_t length, struct err *err)
{
	for (size_t sent = 0, n; data != NULL && sent < length; sent += n) {
		n = length - sent < COPY_CHUNK ? length - sent : COPY_CHUNK;
		if (PQputCopyData(session->conn, data + sent, (int)n) != 1)
			break; // the server's error comes with the result
		if (!scratch_watch(session->run->scratch, err))
			return false;
	}
	PQputCopyEnd(session->conn, data == NULL ? "no data follows the statement in the same message" : NULL);
	return true;
}

static void copy_out(PGconn *conn)
{
	char *row;
	while (PQgetCopyData(conn, &row, 0) > 0)
		PQfreemem(row);
}

// One simple query. False only if the watch ended the server; that the server refuses it is in the outcome.
static bool message_send(struct session *session, const char *sql, const char *data, size_t data_length, struct outcome *outcome,
                 struct err *err)
{
	log_query(session->run->log, "scratch", sql);
	PGconn *conn = session->conn;
	if (!PQsendQuery(conn, sql)) {
		outcome->error = PQmakeEmptyPGresult(conn, PGRES_FATAL_ERROR);
		return true;
	}
	for (;;) {
		if (!scratch_wait(session->run->scratch, conn, err))
			return false;
		PGresult *result = PQgetResult(conn);
		if (result == NULL)
			return true;
		ExecStatusType status = PQresultStatus(result);
		if (status == PGRES_FATAL_ERROR && outcome->error == NULL) {
			outcome->error = result;
			continue;
		}
		outcome->n_done += status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
		PQclear(result);
		if (status == PGRES_COPY_OUT)
			copy_out(conn);
		if (status == PGRES_COPY_IN && !copy_in(session, data, data_length, err))
			return false;
	}
}

// Failing.

static const char *field(const struct outcome *outcome, int code)
{
	return PQresultErrorField(outcome->error, code);
}

static bool opens_and_holds(const char *text, const char *part)
{
	return part == NULL || (text != NULL && strstr(text, part) != NULL);
}

// Where the server's error position (counted in characters, from 1) lies in the text that was sent; NULL: it gave none.
static const char *error_position(const struct outcome *outcome, const char *sent)
{
	const char *text = field(outcome, PG_DIAG_STATEMENT_POSITION);
	int n = text == NULL ? 0 : atoi(text);
	if (n < 1)
		return NULL;
	const char *at = sent;
	for (n--; n > 0 && *at != '\0'; n--) {
		at++;
		while (((unsigned char)*at & 0xc0) == 0x80)
			at++;
	}
	return at;
}

// The statement of the unit that failed: the one with the error's position in it, else the one after those completed.
// What was sent may differ from the unit's text, but has the same statements and line ends.
static const struct statement *failed_statement(struct session *session, const char *unit, const char *sent,
                                                const struct outcome *outcome, const char *position)
{
	size_t n, n_sent;
	const struct statement *statements = split_statements(session->arena, ENGINE_POSTGRESQL, unit, &n);
	size_t i = outcome->n_done;
	if (position != NULL) {
		const struct statement *of_sent = split_statements(session->arena, ENGINE_POSTGRESQL, sent, &n_sent);
		for (i = 0; i + 1 < n_sent && of_sent[i + 1].offset <= (size_t)(position - sent);)
			i++;
	}
	return n == 0 ? NULL : &statements[i < n ? i : n - 1];
}

const char *first_line_of(struct arena *arena, const char *statement)
{
	enum { SHOWN = 160 };
	size_t length = strcspn(statement, "\r\n");
	bool cut = length > SHOWN;
	if (cut) {
		length = SHOWN;
		while (((unsigned char)statement[length] & 0xc0) == 0x80)
			length--;
	}
	return arena_printf(arena, "%.*s%s", (int)length, statement, cut ? " ..." : "");
}

unsigned unit_first_line(const struct unit *unit)
{
	unsigned blank_lines = 0;
	for (const char *c = unit->text; *c != '\0' && strchr(" \t\r\n\f\v", *c) != NULL; c++)
		blank_lines += *c == '\n';
	return unit->line > blank_lines ? unit->line - blank_lines : 1;
}

// The extension that the message is about: extension "x" is not available, .../extension/x.control: No such file.
static const char *extension_of(struct arena *arena, const char *message)
{
	const char *name = strstr(message, "extension \"");
	const char *end = strstr(message, ".control\"");
	if (name != NULL && end == NULL) {
		name += strlen("extension \"");
		return arena_strndup(arena, name, strcspn(name, "\""));
	}
	if (end == NULL)
		return "?";
	for (name = end; name > message && name[-1] != '/';)
		name--;
	return arena_strndup(arena, name, (size_t)(end - name));
}

// Debian's package of an extension; %d stands for the major.
static const char *package_of(struct arena *arena, const char *extension, int major)
{
	static const struct { const char *prefix, *before, *after; } packages[] = {
		{ "postgis", "postgresql-", "-postgis-3" }, { "address_standardizer", "postgresql-", "-postgis-3" },
		{ "vector", "postgresql-", "-pgvector" },   { "pg_cron", "postgresql-", "-cron" },
		{ "pg_partman", "postgresql-", "-partman" }, { "pgtap", "postgresql-", "-pgtap" },
		{ "hypopg", "postgresql-", "-hypopg" },     { "pgrouting", "postgresql-", "-pgrouting" },
		{ "pgaudit", "postgresql-", "-pgaudit" },   { "ip4r", "postgresql-", "-ip4r" },
		{ "hll", "postgresql-", "-hll" },           { "rum", "postgresql-", "-rum" },
		{ "orafce", "postgresql-", "-orafce" },     { "semver", "postgresql-", "-semver" },
		{ "plpython3u", "postgresql-plpython3-", "" }, { "plperl", "postgresql-plperl-", "" },
		{ "pltcl", "postgresql-pltcl-", "" },
	};
	for (size_t i = 0; i < sizeof packages / sizeof *packages; i++) {
		if (strncmp(extension, packages[i].prefix, strlen(packages[i].prefix)) == 0)
			return arena_printf(arena, " (Debian: %s%d%s)", packages[i].before, major, packages[i].after);
	}
	return "";
}

#define EXTENSION_DENIED "permission denied to create extension"
#define PRELUDE_HINT \
	"if the platform or another repository provides it, put it into an SQL file and name that as prelude in scratch { }"
#define SUPERUSER_HINT \
	"replays run as a plain owner; if these migrations need more, set role = \"superuser\" in scratch { }: their SQL then has all " \
	"rights of the scratch server, and through it those of the operating system's user that it runs as"

// What an error means here: its code, and what to do next. The first row that fits counts.
static const struct meaning {
	const char *sqlstate, *part, *code, *hint;
} meanings[] = {
	{ "42501", EXTENSION_DENIED, "privilege",
	  "allow it with extensions = {...} in scratch { }; or set role = \"superuser\" there: the migrations' SQL then has all rights of "
	  "the scratch server, and through it those of the operating system's user that it runs as" },
	{ "42501", NULL, "privilege", SUPERUSER_HINT },
	{ "25001", "cannot run inside a transaction block", "replay", NULL }, // worded below: it depends on the framework
	{ "25001", "cannot be executed from", "replay", NULL },
	{ "42601", "\xef\xbb\xbf", "replay", "the file begins with a byte order mark, which is sent along: save the file without it" },
	{ "53100", NULL, "disk", "the scratch's files go to the folder that TMPDIR names" },
	{ "42704", "text search", "replay", PRELUDE_HINT },
	{ "42704", "type", "replay", PRELUDE_HINT },
	{ "42704", "role", "replay", PRELUDE_HINT },
	{ "42704", "configuration parameter", "replay", PRELUDE_HINT },
	{ "42883", NULL, "replay", PRELUDE_HINT },
	{ "3F000", NULL, "replay", PRELUDE_HINT },
	{ "42P01", NULL, "replay", PRELUDE_HINT },
	{ NULL, NULL, "replay", NULL },
};

static const char *hint_for(struct session *session, const struct meaning *meaning, const char *server_hint)
{
	const char *hint = meaning->hint;
	if (meaning->sqlstate != NULL && strcmp(meaning->sqlstate, "25001") == 0)
		hint = session->step->script.transaction
		           ? arena_printf(session->arena, "%s wraps this migration in a transaction: use its switch for running without one",
		                          session->run->framework)
		           : "several statements in one message are one transaction: give this statement a migration of its own";
	if (server_hint == NULL || hint == NULL)
		return hint != NULL ? hint : server_hint;
	size_t length = strlen(server_hint);
	length -= length > 0 && server_hint[length - 1] == '.';
	return arena_printf(session->arena, "%.*s; %s", (int)length, server_hint, hint);
}

static const char *missing_role(struct arena *arena, const char *sqlstate, const char *message)
{
	const char *name = strncmp(message, "role \"", 6) == 0 ? message + 6 : NULL;
	const char *end = name == NULL ? NULL : strstr(name, "\" does not exist");
	return strcmp(sqlstate, "42704") == 0 && end != NULL ? arena_strndup(arena, name, (size_t)(end - name)) : NULL;
}

// Fills the failure and the error for what the server refused. `line` is that of the unit's text.
static bool refused(struct session *session, const char *unit, const char *sent, unsigned line, const struct outcome *outcome,
                    struct err *err)
{
	struct arena *arena = session->arena;
	const char *sqlstate = field(outcome, PG_DIAG_SQLSTATE), *message = field(outcome, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = field(outcome, PG_DIAG_MESSAGE_DETAIL), *position = error_position(outcome, sent);
	const char *inner = field(outcome, PG_DIAG_CONTEXT);
	if (message == NULL)
		message = PQstatus(session->conn) == CONNECTION_OK ? PQresultErrorMessage(outcome->error) : PQerrorMessage(session->conn);
	if (sqlstate == NULL)
		sqlstate = "";
	const struct statement *statement = failed_statement(session, unit, sent, outcome, position);
	const char *shown = first_line_of(arena, statement == NULL ? unit : statement->text);
	unsigned statement_line = line + (statement == NULL ? 0 : statement->line - 1);
	*session->failure = (struct run_failure){
		.step = session->step,
		.line = statement_line,
		.statement = arena_strdup(session->run->arena, shown),
		.sqlstate = arena_strdup(session->run->arena, sqlstate),
		.missing_role = missing_role(session->run->arena, sqlstate, message),
	};

	auto_buf text = BUF_INIT;
	buf_addf(&text, "%s: %s", shown, message);
	unsigned position_line = line;
	for (const char *c = sent; position != NULL && c < position; c++)
		position_line += *c == '\n';
	if (position != NULL && position_line != statement_line) {
		const char *start = position;
		while (start > sent && start[-1] != '\n')
			start--;
		buf_addf(&text, " (line %u: %s)", position_line, first_line_of(arena, start + strspn(start, " \t")));
	}
	if (detail != NULL)
		buf_addf(&text, ". %s", detail);
	if (position == NULL && inner != NULL) // where in a function or DO block
		buf_addf(&text, " (%s)", first_line_of(arena, inner));

	const struct meaning *meaning = meanings;
	while (meaning->sqlstate != NULL && !(strcmp(meaning->sqlstate, sqlstate) == 0 && opens_and_holds(message, meaning->part)))
		meaning++;
	err_set(err, meaning->code, NULL, hint_for(session, meaning, field(outcome, PG_DIAG_MESSAGE_HINT)), "%s", text.data);
	if (meaning->part != NULL && strcmp(meaning->part, EXTENSION_DENIED) == 0 &&
	    scratch_allows(session->run->settings, extension_of(arena, message)))
		err_hint(err, "the extension is allowed, but inside of DO or a function the statement cannot be lent the rights: create it in "
		              "an SQL file, and name that as prelude in scratch { }");
	bool no_extension = (strcmp(sqlstate, "0A000") == 0 && strstr(message, "is not available") != NULL) ||
	                    (strcmp(sqlstate, "58P01") == 0 && strstr(message, ".control") != NULL);
	if (no_extension) {
		const char *extension = extension_of(arena, message);
		int major = scratch_major(session->run->scratch);
		err_set(err, "missing-extension", NULL, NULL, "%s: the scratch server, PostgreSQL %s, does not have the extension \"%s\"", shown,
		        scratch_server(session->run->scratch), extension);
		err_hint(err, "install it for PostgreSQL %d where driftcheck runs%s, or name a server that has it as url in scratch { }",
		         major, package_of(arena, extension, major));
	}
	return err_where(err, "%s:%u", session->step->path, statement_line);
}

// CREATE EXTENSION.

struct extension_statement {
	const char *name, *schema, *version;
	bool if_not_exists, cascade;
};

static bool extension_parse(struct arena *arena, const char *text, struct extension_statement *extension)
{
	struct lexer lexer = { ENGINE_POSTGRESQL, text, text + strlen(text) };
	struct lexeme lexeme;
	*extension = (struct extension_statement){ NULL };
	if (!text_opens_with(ENGINE_POSTGRESQL, text, "CREATE EXTENSION"))
		return false;
	extension->if_not_exists = text_opens_with(ENGINE_POSTGRESQL, text, "CREATE EXTENSION IF NOT EXISTS");
	for (int i = extension->if_not_exists ? 5 : 2; i > 0; i--)
		lexer_next(&lexer, &lexeme);
	if (!lexer_next(&lexer, &lexeme))
		return false;
	extension->name = lexeme_text(arena, &lexeme);
	while (lexer_next(&lexer, &lexeme)) {
		bool schema = lexeme_is_word(&lexeme, "schema"), version = lexeme_is_word(&lexeme, "version");
		if (lexeme_is_word(&lexeme, "cascade"))
			extension->cascade = true;
		else if ((schema || version) && lexer_next(&lexer, &lexeme))
			*(schema ? &extension->schema : &extension->version) = lexeme_text(arena, &lexeme);
		else if (!lexeme_is_word(&lexeme, "with"))
			return false;
	}
	return true;
}

static void add_value(struct buf *sql, const char *text)
{
	if (text == NULL)
		buf_adds(sql, "NULL");
	else
		sql_literal(sql, text);
}

// The unit with each CREATE EXTENSION of an allowed extension turned into a call of what the scratch lends for it, in the
// same place and on as many lines, so that it is still part of its transaction.
static bool elevate(struct session *session, const char *unit, const char **sent, struct err *err)
{
	*sent = unit;
	if (session->run->settings->extensions == NULL || session->step->superuser || strcasestr(unit, "extension") == NULL)
		return true;
	size_t n;
	const struct statement *statements = split_statements(session->arena, ENGINE_POSTGRESQL, unit, &n);
	auto_buf text = BUF_INIT;
	const char *copied = unit;
	for (size_t i = 0; i < n; i++) {
		struct extension_statement extension;
		bool elevated = false;
		if (!extension_parse(session->arena, statements[i].text, &extension) ||
		    !scratch_allows(session->run->settings, extension.name))
			continue;
		if (!scratch_elevate(session->run->scratch, &elevated, err))
			return false;
		if (!elevated)
			continue;
		buf_add(&text, copied, (size_t)(unit + statements[i].offset - copied));
		buf_adds(&text, "SELECT pg_catalog.driftcheck_create_extension(");
		add_value(&text, extension.name);
		buf_addc(&text, ',');
		add_value(&text, extension.schema);
		buf_addc(&text, ',');
		add_value(&text, extension.version);
		buf_addf(&text, ",%s,%s,current_schema())", extension.if_not_exists ? "true" : "false",
		         extension.cascade ? "true" : "false");
		copied = unit + statements[i].offset;
		for (const char *end = copied + strlen(statements[i].text); copied < end; copied++) {
			if (*copied == '\n')
				buf_addc(&text, '\n');
		}
	}
	if (copied == unit)
		return true;
	buf_adds(&text, copied);
	*sent = buf_copy(&text, session->arena);
	return true;
}

// Units and steps.

static bool meta_command(struct session *session, const char *command, unsigned line, struct err *err)
{
	*session->failure = (struct run_failure){
		.step = session->step, .line = line, .statement = arena_strdup(session->run->arena, command), .sqlstate = "",
	};
	err_set(err, "meta-command", NULL, NULL, "%s: this is a command of psql, not SQL", command);
	if (session->step->migration != NULL)
		err_hint(err, "%s sends files to the server without psql, so it cannot run this either: write it as SQL",
		         session->run->framework);
	else
		err_hint(err, "of psql's commands only \\restrict, \\unrestrict and the data of COPY are understood: take it out, or make "
		              "the file with `pg_dump --schema-only` (without --create)");
	return err_where(err, "%s:%u", session->step->path, line);
}

// Sends a message and, if it fails, tells of it.
static bool run_message(struct session *session, const char *text, unsigned line, const char *data, size_t data_length,
                        struct err *err)
{
	auto_outcome outcome = { 0 };
	const char *sent;
	if (!elevate(session, text, &sent, err) || !message_send(session, sent, data, data_length, &outcome, err)) {
		*session->failure = (struct run_failure){
			.step = session->step, .line = line, .sqlstate = "",
			.statement = arena_strdup(session->run->arena, first_line_of(session->arena, text)),
		};
		return err_where(err, "%s:%u", session->step->path, line);
	}
	return outcome.error == NULL || refused(session, text, sent, line, &outcome, err);
}

static bool run_unit(struct session *session, const struct unit *unit, struct err *err)
{
	unsigned line = unit_first_line(unit);
	if (text_opens_with(ENGINE_POSTGRESQL, unit->text, "COPY")) { // with its data, from a framework that understands that
		struct dump dump = { unit->text, line };
		struct dump_piece piece;
		if (dump_next(session->arena, &dump, &piece) && piece.type == DUMP_COPY)
			return run_message(session, piece.text, piece.line, piece.data, piece.data_length, err);
	}
	unsigned meta_line;
	const char *meta = split_meta_command(session->arena, unit->text, &meta_line);
	if (meta != NULL)
		return meta_command(session, meta, line + meta_line - 1, err);
	return run_message(session, unit->text, line, NULL, 0, err);
}

// What a dump of a newer server, or of a database with another `public`, may say in vain.
static bool is_tolerated(const char *statement, const struct outcome *outcome)
{
	static const struct { const char *opens, *sqlstate, *part; } tolerated[] = {
		{ "SET", "42704", "unrecognized configuration parameter" }, // transaction_timeout is of 17
		{ "GRANT", "42601", "unrecognized privilege type" },        // MAINTAIN is of 17
		{ "REVOKE", "42601", "unrecognized privilege type" },
		{ "CREATE SCHEMA public", "42P06", NULL },
	};
	const char *sqlstate = field(outcome, PG_DIAG_SQLSTATE), *message = field(outcome, PG_DIAG_MESSAGE_PRIMARY);
	for (size_t i = 0; sqlstate != NULL && i < sizeof tolerated / sizeof *tolerated; i++) {
		if (text_opens_with(ENGINE_POSTGRESQL, statement, tolerated[i].opens) && strcmp(sqlstate, tolerated[i].sqlstate) == 0 &&
		    opens_and_holds(message, tolerated[i].part))
			return true;
	}
	return false;
}

static bool run_dump_sql(struct session *session, const struct dump_piece *piece, struct err *err)
{
	size_t n;
	const struct statement *statements = split_statements(session->arena, ENGINE_POSTGRESQL, piece->text, &n);
	for (size_t i = 0; i < n; i++) {
		auto_outcome outcome = { 0 };
		const char *sent;
		unsigned line = piece->line + statements[i].line - 1;
		if (!elevate(session, statements[i].text, &sent, err) || !message_send(session, sent, NULL, 0, &outcome, err))
			return err_where(err, "%s:%u", session->step->path, line);
		if (outcome.error != NULL && !is_tolerated(statements[i].text, &outcome))
			return refused(session, statements[i].text, sent, line, &outcome, err);
	}
	return true;
}

static bool is_dropped_meta(const char *command)
{
	static const char *const dropped[] = { "\\restrict", "\\unrestrict" };
	for (size_t i = 0; i < sizeof dropped / sizeof *dropped; i++) {
		size_t length = strlen(dropped[i]);
		if (strncmp(command, dropped[i], length) == 0 && strchr(" \t", command[length]) != NULL)
			return true;
	}
	return false;
}

static bool run_dump(struct session *session, const struct unit *unit, struct err *err)
{
	struct dump dump = { unit->text, unit_first_line(unit) };
	struct dump_piece piece;
	while (dump_next(session->arena, &dump, &piece)) {
		if (piece.type == DUMP_META && !is_dropped_meta(piece.text))
			return meta_command(session, piece.text, piece.line, err);
		if (piece.type == DUMP_COPY && !run_message(session, piece.text, piece.line, piece.data, piece.data_length, err))
			return false;
		if (piece.type == DUMP_SQL && !run_dump_sql(session, &piece, err))
			return false;
	}
	return true;
}

// A transaction that a file opens and does not end is lost with the connection, whoever runs it.
static bool left_open(struct session *session, struct err *err)
{
	*session->failure = (struct run_failure){ .step = session->step, .line = 1, .statement = "", .sqlstate = "" };
	return err_set(err, "replay", session->step->path, "end it with COMMIT", "it opens a transaction and leaves it open");
}

static bool run_step(struct session *session, struct err *err)
{
	const struct run_step *step = session->step;
	const struct script *script = &step->script;
	unsigned last_line = script->n_units > 0 ? script->units[script->n_units - 1].line : 1;
	if (script->transaction && !run_message(session, "BEGIN", 1, NULL, 0, err))
		return false;
	for (size_t i = 0; i < script->n_units; i++) {
		if (!(step->dump ? run_dump : run_unit)(session, &script->units[i], err))
			return false;
	}
	if (step->record != NULL && !run_message(session, step->record, last_line, NULL, 0, err))
		return false;
	if (script->transaction && !run_message(session, "COMMIT", last_line, NULL, 0, err))
		return false;
	return PQtransactionStatus(session->conn) == PQTRANS_IDLE || left_open(session, err);
}

bool run_postgres(const struct run *run, struct run_failure *failure, struct err *err)
{
	*failure = (struct run_failure){ NULL };
	auto_pgconn owner = session_connect(run, false, err);
	if (owner == NULL || !run->reached(run->argument, 0, err))
		return false;
	for (size_t i = 0; i < run->n_steps; i++) {
		auto_arena arena = arena_new();
		auto_pgconn own = run->steps[i].superuser ? session_connect(run, true, err) : NULL;
		if (run->steps[i].superuser && own == NULL)
			return false;
		struct session session = { run, arena, own != NULL ? own : owner, &run->steps[i], failure };
		if (i >= run->n_setup)
			log_progress(run->log, "replay %zu/%zu %s", i + 1 - run->n_setup, run->n_steps - run->n_setup, run->steps[i].label);
		if (!run_step(&session, err) || !run->reached(run->argument, i + 1, err))
			return false;
	}
	return true;
}

// SPDX-License-Identifier: PostgreSQL
// pressly/goose, as of v3.27.3 (commit 520411a). Its parser goes by lines, not by SQL: outside StatementBegin and
// StatementEnd a statement ends with a line that ends in a semicolon, be it within quotes. ENVSUB replaces variables of the
// environment as mfridman/interpolate does. Migrations in Go are listed and cannot be run. It stores no checksums.
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/sql.h"
#include "migrations/listing.h"

enum { LINE_BYTES_MAX = 4 << 20 };

enum annotation {
	ANNOTATION_NONE,
	ANNOTATION_UP,
	ANNOTATION_DOWN,
	ANNOTATION_BEGIN,
	ANNOTATION_END,
	ANNOTATION_NO_TRANSACTION,
	ANNOTATION_ENVSUB_ON,
	ANNOTATION_ENVSUB_OFF,
	ANNOTATION_BROKEN,
};

static const char *const annotations[] = {
	[ANNOTATION_UP] = "Up",
	[ANNOTATION_DOWN] = "Down",
	[ANNOTATION_BEGIN] = "StatementBegin",
	[ANNOTATION_END] = "StatementEnd",
	[ANNOTATION_NO_TRANSACTION] = "NO TRANSACTION",
	[ANNOTATION_ENVSUB_ON] = "ENVSUB ON",
	[ANNOTATION_ENVSUB_OFF] = "ENVSUB OFF",
};

enum place { PLACE_START, PLACE_UP, PLACE_UP_BLOCK, PLACE_DOWN, PLACE_DOWN_BLOCK };

// Where an annotation may stand, and where it leads. NO TRANSACTION and ENVSUB may stand anywhere.
static const struct step {
	enum annotation annotation;
	enum place from, to;
} steps[] = {
	{ ANNOTATION_UP, PLACE_START, PLACE_UP },          { ANNOTATION_DOWN, PLACE_UP, PLACE_DOWN },
	{ ANNOTATION_BEGIN, PLACE_UP, PLACE_UP_BLOCK },    { ANNOTATION_END, PLACE_UP_BLOCK, PLACE_UP },
	{ ANNOTATION_BEGIN, PLACE_DOWN, PLACE_DOWN_BLOCK }, { ANNOTATION_END, PLACE_DOWN_BLOCK, PLACE_DOWN },
};

struct parser {
	struct arena *arena;
	const struct migration *migration;
	struct script *script; // NULL: only look whether the file can be read
	size_t capacity;
	struct err *err;
	enum place place;
	unsigned line;
	bool substitutes;
	struct buf statement;
	unsigned statement_line;
};

static bool broken(struct parser *parser, unsigned line, const char *text)
{
	err_set(parser->err, "migrations", NULL,
	        "a goose migration is `-- +goose Up`, statements that each end with `;` at the end of a line, `-- +goose Down`, "
	        "statements; one with `;` inside stands between `-- +goose StatementBegin` and `-- +goose StatementEnd`",
	        "%s", text);
	return err_where(parser->err, "%s:%u", parser->migration->path, line);
}

static bool is_blank(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (!isspace((unsigned char)text[i]))
			return false;
	}
	return true;
}

static bool starts_comment(const char *line, size_t length)
{
	while (length > 0 && isspace((unsigned char)*line)) {
		line++;
		length--;
	}
	return length >= 2 && line[0] == '-' && line[1] == '-';
}

// The annotation of a line. One that is indented, doubled or unknown is an error to goose.
static enum annotation read_annotation(const char *line, size_t length)
{
	static const char mark[] = "+goose";
	const char *at = memmem(line, length, mark, sizeof mark - 1);
	if (at == NULL || !starts_comment(line, length))
		return ANNOTATION_NONE;
	auto_buf rest = BUF_INIT; // the line without dashes in pairs and without the mark
	for (const char *c = line; c < line + length; c++) {
		if (c == at)
			c += sizeof mark - 2;
		else if (c + 1 < line + length && c[0] == '-' && c[1] == '-')
			c++;
		else
			buf_addc(&rest, *c);
	}
	const char *start = rest.data + strspn(rest.data, " \t\r");
	size_t n = strlen(start);
	while (n > 0 && isspace((unsigned char)start[n - 1]))
		n--;
	for (enum annotation i = ANNOTATION_UP; i < ANNOTATION_BROKEN && !isspace((unsigned char)*line); i++) {
		if (strlen(annotations[i]) == n && strncasecmp(start, annotations[i], n) == 0)
			return i;
	}
	return ANNOTATION_BROKEN;
}

// Whether the last word before a comment ends in a semicolon.
static bool ends_statement(const char *line, size_t length)
{
	bool ends = false;
	for (size_t i = 0; i < length;) {
		if (isspace((unsigned char)line[i])) {
			i++;
			continue;
		}
		if (length - i >= 2 && line[i] == '-' && line[i + 1] == '-')
			break;
		while (i < length && !isspace((unsigned char)line[i]))
			i++;
		ends = line[i - 1] == ';';
	}
	return ends;
}

static bool is_name(char c, bool first)
{
	return isalpha((unsigned char)c) || c == '_' || (!first && isdigit((unsigned char)c));
}

static const char *substitute(struct buf *out, const char *at, const char *end, char close);

// What stands in ${...} behind the name: the text for it goes to `out`. Returns the closing brace, or NULL.
static const char *substitute_operator(struct buf *out, const char *value, const char *at, const char *end)
{
	bool colon = *at == ':';
	bool empty = value == NULL || (colon && *value == '\0');
	const char *operator = at + colon;
	if (*at == '}') {
		buf_adds(out, value);
		return at;
	}
	if (operator < end && (*operator == '-' || *operator == '?')) { // the default, or the complaint
		auto_buf word = BUF_INIT;
		const char *brace = substitute(&word, operator + 1, end, '}');
		if (brace == NULL || (*operator == '?' && empty))
			return NULL;
		buf_adds(out, empty ? word.data : value);
		return brace;
	}
	char *after;
	long offset = colon ? strtol(operator, &after, 10) : -1, length = -1;
	if (!colon || after == operator)
		return NULL;
	if (*after == ':')
		length = strtol(after + 1, &after, 10);
	if (after >= end || *after != '}')
		return NULL;
	long whole = value == NULL ? 0 : (long)strlen(value);
	offset = offset < 0 ? (whole + offset < 0 ? 0 : whole + offset) : offset > whole ? whole : offset;
	length = length < 0 || length > whole - offset ? whole - offset : length;
	if (value != NULL)
		buf_add(out, value + offset, (size_t)length);
	return after;
}

// Copies [at, end) with variables replaced, up to `close` (0: to the end). Returns where it stopped, NULL on bad syntax
// or a variable that must be set and is not.
static const char *substitute(struct buf *out, const char *at, const char *end, char close)
{
	for (; at < end && (close == '\0' || *at != close); at++) {
		bool escapes = *at == '\\' && at + 1 < end && at[1] == '$';
		if (escapes || (*at == '$' && at + 1 < end && at[1] == '$')) {
			buf_addc(out, '$');
			at++;
			continue;
		}
		bool braced = *at == '$' && at + 1 < end && at[1] == '{';
		const char *name = at + 1 + braced, *name_end = name;
		while (*at == '$' && name_end < end && is_name(*name_end, name_end == name))
			name_end++;
		if (name_end == name) {
			if (braced)
				return NULL;
			buf_addc(out, *at);
			continue;
		}
		auto_buf variable = BUF_INIT;
		buf_add(&variable, name, (size_t)(name_end - name));
		const char *value = getenv(variable.data);
		if (!braced)
			buf_adds(out, value);
		at = braced ? (name_end < end ? substitute_operator(out, value, name_end, end) : NULL) : name_end - 1;
		if (at == NULL)
			return NULL;
	}
	return at < end || close == '\0' ? at : NULL;
}

static void finish_statement(struct parser *parser)
{
	struct buf *statement = &parser->statement;
	bool up = parser->place == PLACE_UP || parser->place == PLACE_UP_BLOCK;
	while (statement->length > 0 && isspace((unsigned char)statement->data[statement->length - 1]))
		statement->data[--statement->length] = '\0';
	if (up && parser->script != NULL)
		script_add(parser->arena, parser->script, &parser->capacity, buf_copy(statement, parser->arena), parser->statement_line);
	buf_reset(statement);
}

static bool take_annotation(struct parser *parser, enum annotation annotation)
{
	bool pending = !is_blank(parser->statement.data, parser->statement.length);
	if (annotation == ANNOTATION_BROKEN)
		return broken(parser, parser->line, "goose knows no such annotation, or it does not start its line");
	if (annotation == ANNOTATION_DOWN && parser->place == PLACE_UP && pending)
		return broken(parser, parser->statement_line, "the statement has no semicolon at the end of a line");
	if (annotation == ANNOTATION_NO_TRANSACTION && parser->script != NULL)
		parser->script->transaction = false;
	if (annotation == ANNOTATION_ENVSUB_ON || annotation == ANNOTATION_ENVSUB_OFF)
		parser->substitutes = annotation == ANNOTATION_ENVSUB_ON;
	if (annotation >= ANNOTATION_NO_TRANSACTION)
		return true;
	for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
		if (steps[i].annotation != annotation || steps[i].from != parser->place)
			continue;
		if (annotation == ANNOTATION_END)
			finish_statement(parser);
		parser->place = steps[i].to;
		return true;
	}
	return broken(parser, parser->line, parser->place == PLACE_START ? "no `-- +goose Up` stands before this annotation"
	                                                                 : "this annotation cannot stand here");
}

static bool take_line(struct parser *parser, const char *line, size_t length)
{
	if (length > LINE_BYTES_MAX)
		return broken(parser, parser->line, "the line is longer than 4 MiB: goose cannot read it");
	enum annotation annotation = read_annotation(line, length);
	if (annotation != ANNOTATION_NONE)
		return take_annotation(parser, annotation);
	bool empty = parser->statement.length == 0;
	if (empty && (length == 0 || starts_comment(line, length)))
		return true;
	if (parser->place == PLACE_START)
		return is_blank(line, length) || broken(parser, parser->line, "a statement stands before `-- +goose Up`");
	if (empty)
		parser->statement_line = parser->line;
	bool substitutes = parser->substitutes && parser->script != NULL;
	if (substitutes && substitute(&parser->statement, line, line + length, '\0') == NULL)
		return broken(parser, parser->line, "ENVSUB: a variable of the environment is not set, or is not written as ${NAME}");
	if (!substitutes)
		buf_add(&parser->statement, line, length);
	buf_addc(&parser->statement, '\n');
	if ((parser->place == PLACE_UP || parser->place == PLACE_DOWN) && ends_statement(line, length))
		finish_statement(parser);
	return true;
}

static bool parse_lines(struct parser *parser)
{
	for (const char *at = parser->migration->text; *at != '\0'; parser->line++) {
		size_t length = strcspn(at, "\n"), kept = length > 0 && at[length - 1] == '\r' ? length - 1 : length;
		if (!take_line(parser, at, kept))
			return false;
		at += length;
		at += *at == '\n';
	}
	if (parser->place == PLACE_START)
		return broken(parser, 1, "it has no line `-- +goose Up`");
	if (parser->place == PLACE_UP_BLOCK || parser->place == PLACE_DOWN_BLOCK)
		return broken(parser, parser->statement_line, "`-- +goose StatementBegin` has no `-- +goose StatementEnd`");
	return is_blank(parser->statement.data, parser->statement.length) ||
	       broken(parser, parser->statement_line, "the statement has no semicolon at the end of a line");
}

static bool parse(struct arena *arena, const struct migration *migration, struct script *script, struct err *err)
{
	struct parser parser = {
		.arena = arena, .migration = migration, .script = script, .err = err,
		.line = 1, .statement = BUF_INIT, .statement_line = 1,
	};
	bool parsed = parse_lines(&parser);
	buf_release(&parser.statement);
	return parsed;
}

static const char *detect(struct arena *arena, const struct folder *folder)
{
	const char *marker = folder_comment(arena, folder, "*.sql", "+goose Up");
	for (size_t i = 0; i < folder->n_files && marker == NULL; i++) {
		const struct folder_file *file = &folder->files[i];
		if (folder_is_flat(file) && ends_with(file->name, ".go") && file->text != NULL && strstr(file->text, "goose.Add") != NULL)
			marker = arena_printf(arena, "%s calls goose.Add...", file->name);
	}
	return marker;
}

// The text before the first underscore, as an int64 from 1; other files are none of its own.
static const char *version_of(struct arena *arena, const struct folder_file *file)
{
	size_t digits = digits_length(file->name), zeros = strspn(file->name, "0");
	bool go = ends_with(file->name, ".go") && !ends_with(file->name, "_test.go");
	if (!folder_is_flat(file) || !(go || ends_with(file->name, ".sql")) || file->name[digits] != '_' || digits == zeros ||
	    digits_compare(file->name, "9223372036854775807") > 0)
		return NULL;
	return arena_strndup(arena, file->name + zeros, digits - zeros);
}

static bool list(struct migrations *set, const struct folder *folders, size_t n_folders, struct err *err)
{
	if (set->settings.table == NULL)
		set->settings.table = getenv("GOOSE_TABLE");
	struct listing listing = listing_of(set);
	for (size_t f = 0; f < n_folders; f++) {
		for (size_t i = 0; i < folders[f].n_files; i++) {
			const struct folder_file *file = &folders[f].files[i];
			const char *version = version_of(set->arena, file);
			if (version != NULL && ends_with(file->name, ".go"))
				listing_add_bare(&listing, file, version, "a Go migration");
			if (version == NULL || ends_with(file->name, ".go"))
				continue;
			const struct migration *item = listing_add(&listing, file, version, err);
			if (item == NULL || !parse(set->arena, item, NULL, err))
				return false;
		}
	}
	listing_sort(set, false);
	return true;
}

static bool script(struct arena *arena, const struct migrations *set, enum engine engine, const struct migration *migration,
                   struct script *script, struct err *err)
{
	(void)set;
	(void)engine;
	*script = (struct script){ .transaction = true };
	return parse(arena, migration, script, err);
}

static void create_table(struct buf *sql, enum engine engine, const char *table)
{
	if (engine == ENGINE_POSTGRESQL)
		buf_addf(sql,
		         "CREATE TABLE IF NOT EXISTS %s (id integer PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, "
		         "version_id bigint NOT NULL, is_applied boolean NOT NULL, tstamp timestamp NOT NULL DEFAULT now());\n"
		         "INSERT INTO %s (version_id, is_applied) VALUES (0, true);\n",
		         table, table);
	else
		buf_addf(sql,
		         "CREATE TABLE IF NOT EXISTS %s (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, "
		         "is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')));\n"
		         "INSERT INTO %s (version_id, is_applied) VALUES (0, 1);\n",
		         table, table);
}

static void record(struct buf *sql, enum engine engine, const char *table, const struct migration *migration, size_t rank)
{
	(void)rank;
	buf_addf(sql, "INSERT INTO %s (version_id, is_applied) VALUES (%s, %s);\n", table, migration->version,
	         engine == ENGINE_POSTGRESQL ? "true" : "1");
}

// The newest row of a version counts: older goose wrote a second one, not applied, on the way down. Row 0 is there from the
// beginning.
static bool applied(struct arena *arena, const struct migrations *set, const struct version_table *table,
                    struct applied_set *applied, struct err *err)
{
	recorded_begin(arena, set, table, applied);
	enum { VERSION, IS_APPLIED, AT };
	size_t columns[3];
	if (table->name == NULL)
		return true;
	if (!recorded_columns(set, table, (const char *const[]){ "version_id", "is_applied", "tstamp" }, 3, columns, err))
		return false;
	for (size_t i = 0; i < table->n_rows; i++) {
		const char *const *row = table->rows[i];
		const char *version = row[columns[VERSION]];
		if (version == NULL || strcmp(version, "0") == 0)
			continue;
		bool superseded = false;
		for (size_t j = i + 1; j < table->n_rows && !superseded; j++) {
			const char *later = table->rows[j][columns[VERSION]];
			superseded = later != NULL && strcmp(later, version) == 0;
		}
		if (!superseded && recorded_true(row[columns[IS_APPLIED]]))
			*recorded_add(applied) = (struct applied){ .version = version, .at = row[columns[AT]] };
	}
	recorded_end(set, applied);
	return true;
}

const struct framework framework_goose = {
	.name = "goose",
	.summary = "pressly/goose: one SQL file for each version, with `-- +goose Up` and `-- +goose Down`",
	.files = "N_name.sql with a line `-- +goose Up`",
	.deploy = "goose -dir DIR postgres \"$DATABASE_URL\" up",
	.no_transaction = "-- +goose NO TRANSACTION",
	.late = LATE_REFUSES,
	.late_flag = "-allow-missing",
	.table = "goose_db_version",
	.detect = detect,
	.list = list,
	VERSION_BY_NUMBER,
	.script = script,
	.create_table = create_table,
	.record = record,
	.order = "id",
	.applied = applied,
};

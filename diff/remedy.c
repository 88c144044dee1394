// SPDX-License-Identifier: PostgreSQL
// Remedies: see remedy.h. The kinds write the statements; this file puts them in order, says what each of them locks, reads
// or loses (one table, from measurements on PostgreSQL 12-18 and SQLite 3.40), and comments out what destroys.
#include "diff/remedy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/sql.h"
#include "introspect/ddl.h"

// What precedes a statement.
enum guard { GUARD_NONE, GUARD_TIMEOUT, GUARD_NO_TIMEOUT };

struct rule {
	const char *words; // in this order, '*' for anything between; keywords as the kinds write them: in capitals
	enum guard guard;
	bool destructive;
	const char *risk; // NULL: nothing to say
};

#define MOMENT "locks the table for a moment"
#define REWRITES "rewrites the table; reads and writes wait meanwhile"
#define READS_USERS "reads every table that uses the domain; writes to them wait meanwhile"
#define CONCURRENT "not in a transaction; reads and writes go on"

// The first that fits.
static const struct rule postgresql_rules[] = {
	{ "CREATE INDEX CONCURRENTLY", GUARD_NO_TIMEOUT, false, CONCURRENT "; drop what a failure leaves" },
	{ "CREATE UNIQUE INDEX CONCURRENTLY", GUARD_NO_TIMEOUT, false, CONCURRENT "; fails on duplicates: drop what that leaves" },
	{ "DROP INDEX CONCURRENTLY", GUARD_NO_TIMEOUT, false, CONCURRENT },
	{ "REINDEX INDEX CONCURRENTLY", GUARD_NO_TIMEOUT, false, CONCURRENT },
	{ "REINDEX", GUARD_TIMEOUT, false, "blocks writes, and in practice reads, while the index is built" },
	{ "CREATE INDEX", GUARD_TIMEOUT, false, "blocks writes to the table while the index is built" },
	{ "CREATE UNIQUE INDEX", GUARD_TIMEOUT, false, "blocks writes to the table while the index is built" },
	{ "DROP INDEX", GUARD_TIMEOUT, false, MOMENT },
	{ "ALTER INDEX * SET TABLESPACE", GUARD_TIMEOUT, false, "copies the index; reads and writes wait meanwhile" },
	{ "ALTER INDEX", GUARD_NONE, false, NULL },

	{ "ALTER TABLE * ADD COLUMN * STORED", GUARD_TIMEOUT, false, REWRITES },
	{ "ALTER TABLE * ADD COLUMN * AS IDENTITY", GUARD_TIMEOUT, false, REWRITES },
	{ "ALTER TABLE * ADD COLUMN", GUARD_TIMEOUT, false, MOMENT },
	{ "ALTER TABLE * DROP COLUMN", GUARD_TIMEOUT, true, "the column's data is lost" },
	{ "ALTER TABLE * ADD CONSTRAINT * FOREIGN KEY * NOT VALID", GUARD_TIMEOUT, false, "blocks writes to both tables for a moment" },
	{ "ALTER TABLE * ADD CONSTRAINT * NOT VALID", GUARD_TIMEOUT, false, MOMENT },
	{ "ALTER TABLE * ADD CONSTRAINT * USING INDEX", GUARD_TIMEOUT, false, MOMENT },
	{ "ALTER TABLE * VALIDATE CONSTRAINT", GUARD_NONE, false, "reads the whole table; reads and writes go on" },
	{ "ALTER TABLE * ADD CONSTRAINT * FOREIGN KEY", GUARD_TIMEOUT, false, "blocks writes to both tables while all rows are checked" },
	{ "ALTER TABLE * ADD CONSTRAINT", GUARD_TIMEOUT, false, "reads the whole table; reads and writes wait meanwhile" },
	{ "ALTER TABLE * DROP CONSTRAINT", GUARD_TIMEOUT, false, MOMENT },
	{ "ALTER TABLE * SET NOT NULL", GUARD_TIMEOUT, false, MOMENT },
	{ "ALTER TABLE * SET STATISTICS", GUARD_NONE, false, NULL },
	{ "ALTER TABLE * SET EXPRESSION", GUARD_TIMEOUT, false, REWRITES },
	{ "ALTER TABLE * SET LOGGED", GUARD_TIMEOUT, false, REWRITES },
	{ "ALTER TABLE * SET UNLOGGED", GUARD_TIMEOUT, true, REWRITES ". A crash empties an unlogged table, and standbys do not have it" },
	{ "ALTER TABLE * SET ACCESS METHOD", GUARD_TIMEOUT, false, REWRITES },
	{ "ALTER TABLE * SET TABLESPACE", GUARD_TIMEOUT, false, "copies the table; reads and writes wait meanwhile" },
	{ "ALTER TABLE * ATTACH PARTITION", GUARD_TIMEOUT, false, "reads the new partition and the default one while both are locked" },
	{ "ALTER TABLE * DETACH PARTITION", GUARD_TIMEOUT, false, "stops reads and writes of all partitions for a moment" },
	{ "ALTER TABLE * TRIGGER ALL", GUARD_TIMEOUT, false, "needs a superuser; takes triggers along that were disabled on purpose" },
	{ "ALTER TABLE * TRIGGER", GUARD_TIMEOUT, false, "blocks writes to the table for a moment" },
	{ "ALTER TABLE * REPLICA IDENTITY", GUARD_TIMEOUT, false, MOMENT },
	{ "ALTER TABLE * CLUSTER", GUARD_NONE, false, NULL },
	{ "ALTER TABLE * SET (", GUARD_NONE, false, NULL },
	{ "ALTER TABLE * RESET (", GUARD_NONE, false, NULL },
	{ "ALTER TABLE", GUARD_TIMEOUT, false, MOMENT },
	{ "DROP TABLE", GUARD_TIMEOUT, true, "the table's data is lost" },

	{ "CREATE TABLE * PARTITION OF", GUARD_TIMEOUT, false, "stops reads and writes of all partitions for a moment" },
	{ "CREATE MATERIALIZED VIEW", GUARD_NONE, false, "runs its query once" },
	{ "REFRESH MATERIALIZED VIEW", GUARD_TIMEOUT, false, "runs its query; reads of the view wait meanwhile" },
	{ "DROP MATERIALIZED VIEW", GUARD_TIMEOUT, false, "fails while other views use it; privileges on it are lost" },
	{ "DROP VIEW", GUARD_TIMEOUT, false, "fails while other views use it; privileges on it are lost" },
	{ "CREATE OR REPLACE VIEW", GUARD_TIMEOUT, false, NULL },
	{ "ALTER VIEW", GUARD_TIMEOUT, false, NULL },
	{ "DROP FUNCTION", GUARD_NONE, false, "fails while something uses it; privileges on it are lost" },
	{ "DROP PROCEDURE", GUARD_NONE, false, "privileges on it are lost" },
	{ "DROP AGGREGATE", GUARD_NONE, false, "fails while something uses it; privileges on it are lost" },
	{ "CREATE TRIGGER", GUARD_TIMEOUT, false, "blocks writes to the table for a moment" },
	{ "CREATE CONSTRAINT TRIGGER", GUARD_TIMEOUT, false, "blocks writes to the table for a moment" },
	{ "DROP TRIGGER", GUARD_TIMEOUT, false, MOMENT "; what comes after it belongs into the same transaction" },
	{ "CREATE RULE", GUARD_TIMEOUT, false, MOMENT },
	{ "DROP RULE", GUARD_TIMEOUT, false, MOMENT "; what comes after it belongs into the same transaction" },
	{ "CREATE POLICY", GUARD_TIMEOUT, false, MOMENT "; changes which rows roles can see" },
	{ "ALTER POLICY", GUARD_TIMEOUT, false, MOMENT "; changes which rows roles can see" },
	{ "DROP POLICY", GUARD_TIMEOUT, false, MOMENT "; changes which rows roles can see, so what comes after it belongs into the same "
	                                      "transaction" },

	{ "ALTER TYPE * ADD VALUE", GUARD_NONE, false, "cannot be taken back; usable once the transaction that adds it has committed" },
	{ "ALTER TYPE * DROP ATTRIBUTE", GUARD_TIMEOUT, true, "the attribute's data is lost in every column of the type" },
	{ "ALTER TYPE", GUARD_TIMEOUT, false, "fails while a column of a table has the type" },
	{ "ALTER DOMAIN * ADD CONSTRAINT * NOT VALID", GUARD_NONE, false, "new values are checked at once" },
	{ "ALTER DOMAIN * VALIDATE CONSTRAINT", GUARD_TIMEOUT, false, READS_USERS },
	{ "ALTER DOMAIN * SET NOT NULL", GUARD_TIMEOUT, false, READS_USERS },
	{ "DROP TYPE", GUARD_NONE, false, "fails while a column uses it" },
	{ "DROP DOMAIN", GUARD_NONE, false, "fails while a column uses it" },
	{ "DROP SEQUENCE", GUARD_TIMEOUT, true, "its current value is lost" },
	{ "DROP SCHEMA * CASCADE", GUARD_TIMEOUT, true, "everything in the schema is lost" },
	{ "DROP EXTENSION", GUARD_TIMEOUT, true, "what it made is lost; fails while columns use its types" },
	{ "ALTER SEQUENCE", GUARD_TIMEOUT, false, NULL },
	{ "", GUARD_NONE, false, NULL },
};

static const struct rule sqlite_rules[] = {
	{ "ALTER TABLE * DROP COLUMN", GUARD_NONE, true, "the column's data is lost; fails while an index, view, trigger or constraint names it" },
	{ "DROP TABLE", GUARD_NONE, true, "the table's data is lost; with foreign_keys on, rows that refer to it may go too" },
	{ "CREATE INDEX", GUARD_NONE, false, "writers wait while the index is built" },
	{ "CREATE UNIQUE INDEX", GUARD_NONE, false, "writers wait while the index is built; fails on duplicates" },
	{ "", GUARD_NONE, false, NULL },
};

static const struct rule lossy_type_change = { "", GUARD_TIMEOUT, true, REWRITES "; values that do not fit are cut, or make it fail" };
static const struct rule rewriting_type_change = { "", GUARD_TIMEOUT, false, REWRITES ", indexes too" };
static const struct rule cheap_type_change = { "", GUARD_TIMEOUT, false, MOMENT
	"; longer if a CHECK, or an index by expression or predicate, names the column" };
static const struct rule dropped_key = { "", GUARD_TIMEOUT, false, "locks both tables for a moment" };
static const struct rule key_of_fresh = { "", GUARD_TIMEOUT, false, "blocks writes to the table that it refers to for a moment" };
static const struct rule no_rule = { "", GUARD_NONE, false, NULL };

static const char blanks[] = " \t\r\n";

// The next word outside quotes from *at on: a run of letters, or a single other character. Quoted names and strings are
// skipped, since no rule speaks of them.
static size_t next_word(const char **at)
{
	const char *c = *at;
	for (c += strspn(c, blanks); *c == '"' || *c == '\''; c += strspn(c, blanks)) {
		const char *close = strchr(c + 1, *c);
		c = close == NULL ? c + strlen(c) : close + 1;
	}
	*at = c;
	size_t length = strspn(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
	return length == 0 && *c != '\0' ? 1 : length;
}

// Whether the words follow each other in the statement, the first of them right here or (after '*') anywhere.
static bool words_fit(const char *words, const char *sql, bool anywhere)
{
	words += strspn(words, " ");
	if (*words == '\0')
		return true;
	size_t length = strcspn(words, " ");
	if (*words == '*')
		return words_fit(words + length, sql, true);
	for (size_t found; (found = next_word(&sql)) > 0; sql += found) {
		bool same = found == length && strncmp(sql, words, length) == 0;
		if (same && words_fit(words + length, sql + found, false))
			return true;
		if (!anywhere)
			return false;
	}
	return false;
}

// "timestamp(3) without time zone" in its parts: the type without its modifier, and the one or two numbers of that.
static const char *type_base(struct arena *arena, const char *type, int *first, int *second)
{
	size_t length = strcspn(type, "(");
	*first = *second = -1;
	if (type[length] == '\0')
		return type;
	char *end;
	*first = (int)strtol(type + length + 1, &end, 10);
	*second = *end == ',' ? (int)strtol(end + 1, &end, 10) : 0;
	return arena_printf(arena, "%.*s%s", (int)length, type, end + strcspn(end, ")") + 1);
}

int remedy_type_change(const char *from, const char *to)
{
	static const char *const wider[][2] = { // every value of the one is a value of the other, in other bytes
		{ "smallint", "integer" }, { "smallint", "bigint" }, { "integer", "bigint" }, { "smallint", "numeric" },
		{ "integer", "numeric" }, { "bigint", "numeric" }, { "real", "double precision" }, { "date", "timestamp without time zone" },
	};
	int from_first, from_second, to_first, to_second;
	if (strchr(from, '[') != NULL || strchr(to, '[') != NULL)
		return 0;
	auto_arena arena = arena_new();
	const char *old = type_base(arena, from, &from_first, &from_second), *new = type_base(arena, to, &to_first, &to_second);
	bool unlimited = to_first < 0;
	if (strcmp(old, new) == 0) { // the same, with another modifier
		bool fits = unlimited || (from_first >= 0 && to_first >= from_first && from_second == to_second);
		return !fits ? 0 : strcmp(old, "character") == 0 ? 1 : 2;
	}
	bool was_text = strcmp(old, "text") == 0 || strcmp(old, "character varying") == 0;
	if (strcmp(new, "text") == 0 || strcmp(new, "character varying") == 0)
		return !unlimited ? 0 : was_text ? 2 : 1; // anything can be written as text
	for (size_t i = 0; i < sizeof wider / sizeof *wider; i++) {
		if (strcmp(from, wider[i][0]) == 0 && strcmp(to, wider[i][1]) == 0)
			return 1;
	}
	return 0;
}

static const struct rule *type_change_rule(const struct object *from, const struct object *to)
{
	static const struct rule *const rules[] = { &lossy_type_change, &rewriting_type_change, &cheap_type_change };
	int type = kind_attr(to->kind, "type");
	const char *old = from == NULL || type < 0 ? NULL : from->values[type], *new = type < 0 ? NULL : to->values[type];
	if (old == NULL || new == NULL)
		return &lossy_type_change;
	if (strcmp(old, new) == 0) // the collation alone: indexes are built anew
		return &rewriting_type_change;
	return rules[remedy_type_change(old, new)];
}

// What belongs to a table that is made right now is nobody's yet; only the tables that its keys refer to are.
static bool is_of_fresh(const char *sql)
{
	static const char *const starts[] = {
		"ALTER ", "CREATE INDEX ", "CREATE UNIQUE INDEX ", "CREATE TRIGGER ", "CREATE POLICY ", "CREATE RULE ",
	};
	for (size_t i = 0; i < sizeof starts / sizeof *starts; i++) {
		if (strncmp(sql, starts[i], strlen(starts[i])) == 0)
			return true;
	}
	return false;
}

static const struct rule *rule_of(enum engine engine, const char *sql, const struct object *from, const struct object *to)
{
	if (engine == ENGINE_SQLITE) {
		const struct rule *rule = sqlite_rules;
		while (!words_fit(rule->words, sql, false))
			rule++;
		return rule;
	}
	int references = from == NULL ? -1 : kind_attr(from->kind, "references");
	if (from != NULL && to != NULL && words_fit("ALTER TABLE * ALTER COLUMN * TYPE", sql, false))
		return type_change_rule(from, to);
	if (references >= 0 && from->values[references] != NULL && words_fit("ALTER TABLE * DROP CONSTRAINT", sql, false))
		return &dropped_key;
	if (from == NULL && !to->kind->child && is_of_fresh(sql))
		return words_fit("ALTER TABLE * FOREIGN KEY", sql, false) ? &key_of_fresh : &no_rule;
	const struct rule *rule = postgresql_rules;
	while (!words_fit(rule->words, sql, false))
		rule++;
	return rule;
}

// The end of the statement at `sql`, behind its semicolon and line end; semicolons within quotes, dollar quotes and BEGIN ...
// END are its own. A remark is a line.
static const char *statement_end(const char *sql)
{
	if (strncmp(sql, "--", 2) == 0)
		return sql + strcspn(sql, "\n") + (sql[strcspn(sql, "\n")] == '\n');
	int depth = 0; // of BEGIN and CASE in a body
	bool is_trigger = strncmp(sql, "CREATE TRIGGER ", 15) == 0;
	const char *c = sql;
	while (*c != '\0') {
		if (*c == '\'' || *c == '"') {
			bool escapes = *c == '\'' && c > sql && c[-1] == 'E';
			const char quote = *c++;
			while (*c != '\0' && *c != quote)
				c += escapes && *c == '\\' && c[1] != '\0' ? 2 : 1;
			c += *c != '\0';
		} else if (*c == '$' && (c == sql || !(c[-1] == '_' || strspn(c - 1, "abcdefghijklmnopqrstuvwxyz0123456789") > 0))) {
			size_t tag = 1 + strspn(c + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
			if (c[tag] != '$') {
				c++;
				continue;
			}
			auto_buf quote = BUF_INIT;
			buf_add(&quote, c, tag + 1);
			const char *close = strstr(c + tag + 1, quote.data);
			c = close == NULL ? c + strlen(c) : close + tag + 1;
		} else if (*c == ';' && depth == 0) {
			return c + 1 + (c[1] == '\n');
		} else {
			size_t length = strspn(c, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789");
			bool begins = length == 5 && strncasecmp(c, "BEGIN", 5) == 0 && (is_trigger || strncasecmp(c + 5, " ATOMIC", 7) == 0);
			depth += begins || (depth > 0 && length == 4 && strncasecmp(c, "CASE", 4) == 0);
			depth -= depth > 0 && length == 3 && strncasecmp(c, "END", 3) == 0;
			c += length == 0 ? 1 : length;
		}
	}
	return c;
}

struct list {
	struct remedy_statement *items;
	size_t n, capacity;
};

static void list_add(struct arena *arena, struct list *list, const char *sql, const char *risk)
{
	list->items = arena_grow(arena, list->items, list->n, &list->capacity, sizeof *list->items);
	list->items[list->n++] = (struct remedy_statement){ sql, risk };
}

const char *remedy_comment_out(struct arena *arena, const char *sql)
{
	static const char line_ends[] = "\r\n"; // PostgreSQL ends a comment at either
	auto_buf out = BUF_INIT;
	while (*sql != '\0') {
		size_t length = strcspn(sql, line_ends), ends = strspn(sql + length, line_ends);
		buf_adds(&out, strncmp(sql, "-- ", 3) == 0 ? "" : "-- ");
		buf_add(&out, sql, length + ends);
		sql += length + ends;
	}
	return buf_copy(&out, arena);
}

// Cuts the kinds' text into statements and gives each what belongs before it. All is commented out where one of them
// destroys: what comes after it would rest on it.
static struct list finish(struct arena *arena, enum engine engine, const char *sql, const struct object *from,
                          const struct object *to)
{
	struct list list = { 0 };
	enum guard current = GUARD_NONE;
	bool destructive = false;
	for (const char *end; *sql != '\0'; sql = end) {
		end = statement_end(sql);
		size_t length = (size_t)(end - sql);
		while (length > 0 && sql[length - 1] == '\n')
			length--;
		if (length == 0)
			continue;
		const char *statement = arena_strndup(arena, sql, length);
		if (strncmp(statement, "-- ", 3) == 0) {
			list_add(arena, &list, statement, NULL);
			continue;
		}
		const struct rule *rule = rule_of(engine, statement, from, to);
		if (rule->guard != GUARD_NONE && rule->guard != current) {
			list_add(arena, &list, rule->guard == GUARD_TIMEOUT ? "SET lock_timeout = '3s';" : "SET lock_timeout = 0;", NULL);
			current = rule->guard;
		}
		destructive |= rule->destructive;
		list_add(arena, &list, statement, rule->risk);
	}
	for (size_t i = 0; destructive && i < list.n; i++)
		list.items[i].sql = remedy_comment_out(arena, list.items[i].sql);
	return list;
}

static void create_children(struct buf *sql, const struct snapshot *in, const struct object *object, bool references)
{
	size_t first, n = snapshot_range(in, object->path, object->n_path, &first);
	for (size_t k = 0; kinds[k] != NULL; k++) { // in the order of reading: what is referred to comes first
		int refers = kind_attr(kinds[k], "references");
		for (size_t i = first; i < first + n; i++) {
			const struct object *child = in->objects[i];
			if (child->kind != kinds[k] || !child->kind->child || child->kind == &kind_column || child->n_path <= object->n_path)
				continue;
			if (in->engine == ENGINE_SQLITE && child->kind == &kind_constraint) // made with the table
				continue;
			if ((refers >= 0 && child->values[refers] != NULL) == references && child->kind->create != NULL)
				child->kind->create(sql, in, child);
		}
	}
}

// An object that nobody uses yet, with all that hangs on it.
static bool create_whole(struct buf *sql, const struct snapshot *in, const struct object *object)
{
	if (object->kind->create == NULL || !object->kind->create(sql, in, object))
		return false;
	if (object->kind->namespace) {
		for (int references = 0; references < 2; references++) {
			for (size_t k = 0; kinds[k] != NULL; k++) {
				for (size_t i = 0; i < in->n_objects; i++) {
					const struct object *inside = in->objects[i];
					if (inside->kind != kinds[k] || inside->n_path != 2 || strcmp(inside->path[0], object->path[0]) != 0)
						continue;
					bool owned = inside->kind->owned_by > 0 && inside->values[inside->kind->owned_by] != NULL;
					if (references == 0 && !owned && inside->kind->create != NULL)
						inside->kind->create(sql, in, inside);
					create_children(sql, in, inside, references);
				}
			}
		}
	} else if (object->kind->relation) {
		create_children(sql, in, object, false);
		create_children(sql, in, object, true);
	}
	return true;
}

static bool write_change(struct buf *sql, const struct snapshot *in_from, const struct object *from, const struct snapshot *in_to,
                         const struct object *to, uint32_t attrs)
{
	if (from != NULL && to != NULL && from->kind == to->kind)
		return to->kind->alter != NULL && to->kind->alter(sql, in_to, from, to, attrs);
	if (from != NULL) {
		bool (*drop)(struct buf *, const struct snapshot *, const struct object *) =
			from->kind->drop_online != NULL ? from->kind->drop_online : from->kind->drop;
		if (drop == NULL || !drop(sql, in_from, from))
			return false;
	}
	if (to == NULL)
		return true;
	if (to->kind->child && to->kind->create_online != NULL)
		return to->kind->create_online(sql, in_to, to);
	return create_whole(sql, in_to, to);
}

struct remedy_statement *remedy_statements(struct arena *arena, const struct snapshot *in_from, const struct object *from,
                                           const struct snapshot *in_to, const struct object *to, uint32_t attrs, size_t *n)
{
	auto_buf sql = BUF_INIT;
	struct list list = { 0 };
	if (write_change(&sql, in_from, from, in_to, to, attrs))
		list = finish(arena, in_to->engine, sql.data, from, to);
	*n = list.n;
	return list.items;
}

// Whether the origin's statement makes the object and nothing but it: CREATE [OR REPLACE] <kind> [IF NOT EXISTS] <its name>,
// for what has nothing beneath it. An unqualified name is good only where everybody's search_path finds it.
static bool origin_makes_it(const struct snapshot *in, const struct finding *finding)
{
	const struct object *object = finding->want;
	size_t first;
	if (finding->origin == NULL || !finding->origin->exact || finding->origin->statement == NULL)
		return false;
	if (object == NULL || object->kind->child || object->kind->namespace ||
	    snapshot_range(in, object->path, object->n_path, &first) != 1)
		return false;
	auto_arena arena = arena_new();
	const char *c = finding->origin->statement;
	const char *const skipped[] = { "CREATE", "OR", "REPLACE", object->kind->sql, "IF", "NOT", "EXISTS" };
	for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++) {
		size_t length = strlen(skipped[i]);
		bool optional = i != 0 && i != 3;
		if (strncasecmp(c, skipped[i], length) == 0 && strchr(blanks, c[length]) != NULL)
			c += length + strspn(c + length, blanks);
		else if (!optional)
			return false;
	}
	const char *parts[2], *own = object->path[object->n_path - 1];
	size_t length = strcspn(c, " \t\r\n(;"), n = sql_name_split(arena, arena_strndup(arena, c, length), parts, 2);
	size_t own_length = object->kind->arguments ? strcspn(own, "(") : strlen(own);
	if (n == 0 || strlen(parts[n - 1]) != own_length || strncasecmp(parts[n - 1], own, own_length) != 0)
		return false;
	if (in->engine == ENGINE_SQLITE || object->n_path < 2)
		return n == 1;
	return n == 2 ? strcasecmp(parts[0], object->path[0]) == 0 : strcmp(object->path[0], "public") == 0;
}

// Statements that skip what is there already, for a migration that will also run where the change was made by hand.
static const char *skipping(struct arena *arena, enum engine engine, const char *sql, bool *skips)
{
	static const struct { unsigned engines; const char *start, *inside, *with; } forms[] = {
		{ ENGINE_POSTGRESQL, "CREATE OR REPLACE ", NULL, "" },
		{ ENGINE_POSTGRESQL, "CREATE VIEW ", NULL, "CREATE OR REPLACE VIEW " },
		{ ENGINE_POSTGRESQL, "CREATE RULE ", NULL, "CREATE OR REPLACE RULE " },
		{ ENGINE_POSTGRESQL | ENGINE_SQLITE, "CREATE TABLE ", NULL, "CREATE TABLE IF NOT EXISTS " },
		{ ENGINE_POSTGRESQL, "CREATE UNLOGGED TABLE ", NULL, "CREATE UNLOGGED TABLE IF NOT EXISTS " },
		{ ENGINE_POSTGRESQL, "CREATE SCHEMA ", NULL, "CREATE SCHEMA IF NOT EXISTS " },
		{ ENGINE_POSTGRESQL, "CREATE EXTENSION ", NULL, "CREATE EXTENSION IF NOT EXISTS " },
		{ ENGINE_POSTGRESQL, "CREATE SEQUENCE ", NULL, "CREATE SEQUENCE IF NOT EXISTS " },
		{ ENGINE_POSTGRESQL, "CREATE UNLOGGED SEQUENCE ", NULL, "CREATE UNLOGGED SEQUENCE IF NOT EXISTS " },
		{ ENGINE_POSTGRESQL, "CREATE MATERIALIZED VIEW ", NULL, "CREATE MATERIALIZED VIEW IF NOT EXISTS " },
		{ ENGINE_POSTGRESQL, "CREATE INDEX CONCURRENTLY ", NULL, "CREATE INDEX CONCURRENTLY IF NOT EXISTS " },
		{ ENGINE_POSTGRESQL, "CREATE UNIQUE INDEX CONCURRENTLY ", NULL, "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS " },
		{ ENGINE_POSTGRESQL | ENGINE_SQLITE, "CREATE INDEX ", NULL, "CREATE INDEX IF NOT EXISTS " },
		{ ENGINE_POSTGRESQL | ENGINE_SQLITE, "CREATE UNIQUE INDEX ", NULL, "CREATE UNIQUE INDEX IF NOT EXISTS " },
		{ ENGINE_SQLITE, "CREATE VIRTUAL TABLE ", NULL, "CREATE VIRTUAL TABLE IF NOT EXISTS " },
		{ ENGINE_SQLITE, "CREATE VIEW ", NULL, "CREATE VIEW IF NOT EXISTS " },
		{ ENGINE_SQLITE, "CREATE TRIGGER ", NULL, "CREATE TRIGGER IF NOT EXISTS " },
		{ ENGINE_POSTGRESQL, "ALTER TABLE ", " ADD COLUMN ", " ADD COLUMN IF NOT EXISTS " },
		{ ENGINE_POSTGRESQL, "ALTER TABLE ", " DROP COLUMN ", " DROP COLUMN IF EXISTS " },
		{ ENGINE_POSTGRESQL, "ALTER TABLE ", " DROP CONSTRAINT ", " DROP CONSTRAINT IF EXISTS " },
		{ ENGINE_POSTGRESQL, "ALTER DOMAIN ", " DROP CONSTRAINT ", " DROP CONSTRAINT IF EXISTS " },
		{ ENGINE_POSTGRESQL, "DROP INDEX CONCURRENTLY ", NULL, "DROP INDEX CONCURRENTLY IF EXISTS " },
		{ ENGINE_POSTGRESQL, "DROP MATERIALIZED VIEW ", NULL, "DROP MATERIALIZED VIEW IF EXISTS " },
		{ ENGINE_POSTGRESQL, "ALTER TYPE ", " ADD VALUE ", " ADD VALUE IF NOT EXISTS " },
	};
	*skips = true;
	for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
		size_t length = strlen(forms[i].start);
		const char *inside = forms[i].inside == NULL ? sql : strstr(sql, forms[i].inside);
		if (!(forms[i].engines & engine) || strncmp(sql, forms[i].start, length) != 0 || inside == NULL)
			continue;
		if (*forms[i].with == '\0')
			return sql;
		size_t replaced = forms[i].inside == NULL ? length : strlen(forms[i].inside);
		return arena_printf(arena, "%.*s%s%s", (int)(inside - sql), sql, forms[i].with, inside + replaced);
	}
	if (strncmp(sql, "DROP ", 5) == 0) { // DROP <one word> name
		size_t word = 5 + strcspn(sql + 5, " ");
		return arena_printf(arena, "%.*s IF EXISTS%s", (int)word, sql, sql + word);
	}
	*skips = strncmp(sql, "CREATE ", 7) != 0 && strstr(sql, " ADD CONSTRAINT ") == NULL && strstr(sql, " ADD COLUMN ") == NULL &&
	         strstr(sql, " DROP COLUMN ") == NULL;
	return sql;
}

// Whether there is nothing to run: a remark that SQL has no statement for it.
static bool only_remarks(const struct remedy_statement *statements, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (strncmp(statements[i].sql, "-- ", 3) != 0 || statements[i].risk != NULL)
			return false;
	}
	return true;
}

static void adopt(struct arena *arena, enum engine engine, struct finding *finding)
{
	bool all_skip = true;
	for (size_t i = 0; i < finding->n_repo; i++) {
		const char *sql = finding->repo[i].sql;
		bool skips, commented = strncmp(sql, "-- ", 3) == 0;
		const char *form = skipping(arena, engine, commented ? sql + 3 : sql, &skips);
		finding->repo[i].sql = !commented || form == sql + 3 ? form == sql + 3 ? sql : form : arena_printf(arena, "-- %s", form);
		all_skip = all_skip && skips;
	}
	if (all_skip || finding->change == CHANGE_ALTERED)
		return;
	struct list list = { 0 };
	list_add(arena, &list, "-- fails where it was done by hand already: record this migration as applied there", NULL);
	for (size_t i = 0; i < finding->n_repo; i++)
		list_add(arena, &list, finding->repo[i].sql, finding->repo[i].risk);
	finding->repo = list.items;
	finding->n_repo = list.n;
}

void remedy_find(struct arena *arena, const struct snapshot *live, const struct snapshot *base, const struct snapshot *head,
                 struct finding *finding, const char *deploy)
{
	// what the next deploy does by itself
	bool deploys = finding->class == CLASS_VERSION_SKEW || (finding->class == CLASS_SKIPPED && finding->severity == SEVERITY_WARN);
	if (deploys) {
		if (finding->class == CLASS_VERSION_SKEW && finding->severity != SEVERITY_INFO)
			return; // a version that the checkout lacks
		struct list list = { 0 };
		if (deploy != NULL)
			list_add(arena, &list, arena_printf(arena, "-- %s", deploy), NULL);
		finding->env = list.items;
		finding->n_env = list.n;
		return;
	}
	uint32_t attrs = 0;
	for (size_t i = 0; i < finding->n_attrs; i++)
		attrs |= 1u << finding->attrs[i].attr;
	// a pending migration expects what is applied; anything else what the repository has
	bool to_base = finding->class == CLASS_AHEAD || finding->class == CLASS_COLLISION;
	const struct object *target = finding->class == CLASS_COLLISION ? finding->base : finding->want;
	const struct snapshot *in_target = to_base ? base : head;
	if (target != NULL && finding->have == NULL && !to_base && origin_makes_it(head, finding)) {
		auto_buf sql = BUF_INIT;
		buf_addf(&sql, "%s;\n", finding->origin->statement);
		struct list list = finish(arena, head->engine, sql.data, NULL, target);
		finding->env = list.items;
		finding->n_env = list.n;
	} else if (target != NULL || finding->have != NULL) {
		finding->env = remedy_statements(arena, live, finding->have, in_target, target, attrs, &finding->n_env);
	}
	if (to_base)
		return;
	finding->repo = remedy_statements(arena, head, finding->want, live, finding->have, attrs, &finding->n_repo);
	if (only_remarks(finding->env, finding->n_env) && only_remarks(finding->repo, finding->n_repo))
		finding->n_repo = 0; // the same remark
	adopt(arena, live->engine, finding);
}

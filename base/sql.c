// SPDX-License-Identifier: PostgreSQL
// The only place that quotes SQL: see sql.h.
#include "base/sql.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

// Every word that PostgreSQL 12-18 does not list as plain UNRESERVED in its keyword table (pg_get_keywords(), catcode
// other than U), and the words that SQLite 3 reserves on top of them, if only
// in some places (CREATE INDEX if, SELECT raise); sorted for bsearch.
static const char *const reserved_words[] = {
	"add", "all", "alter", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "autoincrement",
	"between", "bigint", "binary", "bit", "boolean", "both", "case", "cast", "char", "character", "check", "coalesce", "collate",
	"collation", "column", "commit", "concurrently", "constraint", "create", "cross", "current_catalog", "current_date",
	"current_role", "current_schema", "current_time", "current_timestamp", "current_user", "dec", "decimal", "default",
	"deferrable", "delete", "desc", "distinct", "do", "drop", "else", "end", "escape", "except", "exists", "extract", "false",
	"fetch", "float", "for", "foreign", "freeze", "from", "full", "grant", "greatest", "group", "grouping", "having", "if", "ilike",
	"in", "index", "initially", "inner", "inout", "insert", "int", "integer", "intersect", "interval", "into", "is", "isnull",
	"join", "json", "json_array", "json_arrayagg", "json_exists", "json_object", "json_objectagg", "json_query",
	"json_scalar", "json_serialize", "json_table", "json_value", "lateral", "leading", "least", "left", "like", "limit",
	"localtime", "localtimestamp", "merge_action", "national", "natural", "nchar", "none", "normalize", "not", "nothing",
	"notnull", "null", "nullif", "numeric", "offset", "on", "only", "or", "order", "out", "outer", "overlaps", "overlay",
	"placing", "position", "precision", "primary", "raise", "real", "references", "returning", "right", "row", "select",
	"session_user", "set", "setof", "similar", "smallint", "some", "substring", "symmetric", "system_user", "table",
	"tablesample", "then", "time", "timestamp", "to", "trailing", "transaction", "treat", "trim", "true", "union", "unique",
	"update", "user", "using", "values", "varchar", "variadic", "verbose", "when", "where", "window", "with", "xmlattributes",
	"xmlconcat", "xmlelement", "xmlexists", "xmlforest", "xmlnamespaces", "xmlparse", "xmlpi", "xmlroot", "xmlserialize",
	"xmltable",
};

static int word_compare(const void *a, const void *b)
{
	return strcmp(a, *(const char *const *)b);
}

static bool is_plain(const char *name)
{
	if (!((*name >= 'a' && *name <= 'z') || *name == '_'))
		return false;
	for (const char *c = name; *c != '\0'; c++) {
		if (!((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') || *c == '_'))
			return false;
	}
	return bsearch(name, reserved_words, sizeof reserved_words / sizeof *reserved_words, sizeof *reserved_words,
	               word_compare) == NULL;
}

static void add_doubling(struct buf *buf, const char *text, char quote)
{
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == quote)
			buf_addc(buf, quote);
		buf_addc(buf, *c);
	}
}

void sql_ident(struct buf *buf, const char *name)
{
	if (is_plain(name)) {
		buf_adds(buf, name);
		return;
	}
	buf_addc(buf, '"');
	add_doubling(buf, name, '"');
	buf_addc(buf, '"');
}

void sql_name(struct buf *buf, const char *const *parts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_addc(buf, '.');
		sql_ident(buf, parts[i]);
	}
}

char *sql_name_copy(struct arena *arena, const char *const *parts, size_t n)
{
	auto_buf name = BUF_INIT;
	sql_name(&name, parts, n);
	return buf_copy(&name, arena);
}

void sql_literal(struct buf *buf, const char *text)
{
	if (strchr(text, '\\') == NULL) {
		buf_addc(buf, '\'');
		add_doubling(buf, text, '\'');
		buf_addc(buf, '\'');
		return;
	}
	buf_adds(buf, "E'");
	for (const char *c = text; *c != '\0'; c++) {
		if (*c == '\'' || *c == '\\')
			buf_addc(buf, *c);
		buf_addc(buf, *c);
	}
	buf_addc(buf, '\'');
}

size_t sql_name_split(struct arena *arena, const char *text, const char **parts, size_t size)
{
	size_t n = 0;
	const char *c = text;
	for (;;) {
		auto_buf part = BUF_INIT;
		if (*c == '"') {
			for (c++; *c != '\0' && !(c[0] == '"' && c[1] != '"'); c++) {
				if (*c == '"')
					c++;
				buf_addc(&part, *c);
			}
			if (*c != '"')
				return 0;
			c++;
		} else {
			size_t length = strcspn(c, ".\"");
			buf_add(&part, c, length);
			c += length;
		}
		if (part.length == 0 || n == size || (*c != '.' && *c != '\0'))
			return 0;
		parts[n++] = buf_copy(&part, arena);
		if (*c++ == '\0')
			return n;
	}
}

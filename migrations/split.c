// SPDX-License-Identifier: PostgreSQL
// Cutting SQL text into statements: see split.h. For PostgreSQL the cuts are libpg_query's: its parser's where it accepts the
// text, else those at semicolons among its scanner's tokens. (Both keep their state per thread.) For SQLite a statement ends
// at the first semicolon at which sqlite3_complete is content, since triggers hold semicolons of their own.
#include "migrations/split.h"

#include <pg_query.h>
#include <pg_query/pg_query.pb-c.h>
#include <sqlite3.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "migrations/lexer.h"

struct splitter {
	struct arena *arena;
	enum engine engine;
	const char *text;
	struct statement *statements;
	size_t n, capacity;
	const char *counted; // lines are counted up to here
	unsigned line;
};

// Adds the statement in [start, end), if there is more in it than blanks, comments and semicolons.
static void add_piece(struct splitter *splitter, const char *start, const char *end)
{
	struct lexer lexer = { splitter->engine, start, end };
	struct lexeme lexeme;
	const char *first = NULL, *last = NULL;
	while (lexer_next(&lexer, &lexeme)) {
		if (lexeme_is_sign(&lexeme, ';')) {
			if (first == NULL)
				continue;
			if (lexer.at == end) // the ending one
				break;
		}
		if (first == NULL)
			first = lexeme.start;
		last = lexeme.start + lexeme.length;
	}
	if (first == NULL)
		return;
	for (; splitter->counted < first; splitter->counted++)
		splitter->line += *splitter->counted == '\n';
	splitter->statements =
		arena_grow(splitter->arena, splitter->statements, splitter->n, &splitter->capacity, sizeof *splitter->statements);
	splitter->statements[splitter->n++] = (struct statement){
		.text = arena_strndup(splitter->arena, first, (size_t)(last - first)),
		.offset = (size_t)(first - splitter->text),
		.line = splitter->line,
	};
}

static bool split_by_parser(struct splitter *splitter)
{
	PgQuerySplitResult result = pg_query_split_with_parser(splitter->text);
	bool parsed = result.error == NULL;
	for (int i = 0; parsed && i < result.n_stmts; i++) {
		const char *start = splitter->text + result.stmts[i]->stmt_location;
		int length = result.stmts[i]->stmt_len;
		add_piece(splitter, start, length > 0 ? start + length : start + strlen(start));
	}
	pg_query_free_split_result(result);
	return parsed;
}

// Cuts at semicolons outside parentheses and BEGIN ATOMIC ... END. A text that the scanner does not take (an unterminated
// quote) stays one statement: the server is to say what is wrong with it.
static void split_by_scanner(struct splitter *splitter)
{
	const char *start = splitter->text, *end = start + strlen(start);
	PgQueryScanResult result = pg_query_scan(start);
	PgQuery__ScanResult *scan =
		result.error == NULL ? pg_query__scan_result__unpack(NULL, result.pbuf.len, (const void *)result.pbuf.data) : NULL;
	int parentheses = 0, blocks = 0;
	PgQuery__Token before = PG_QUERY__TOKEN__NUL;
	for (size_t i = 0; scan != NULL && i < scan->n_tokens; i++) {
		PgQuery__Token token = scan->tokens[i]->token;
		parentheses += (token == PG_QUERY__TOKEN__ASCII_40) - (token == PG_QUERY__TOKEN__ASCII_41);
		if (token == PG_QUERY__TOKEN__ATOMIC && before == PG_QUERY__TOKEN__BEGIN_P)
			blocks = 1;
		else if (blocks > 0)
			blocks += (token == PG_QUERY__TOKEN__CASE) - (token == PG_QUERY__TOKEN__END_P);
		if (token == PG_QUERY__TOKEN__ASCII_59 && parentheses <= 0 && blocks == 0) {
			const char *cut = splitter->text + scan->tokens[i]->end;
			add_piece(splitter, start, cut);
			start = cut;
			parentheses = 0;
		}
		before = token;
	}
	add_piece(splitter, start, end);
	if (scan != NULL)
		pg_query__scan_result__free_unpacked(scan, NULL);
	pg_query_free_scan_result(result);
}

static void split_sqlite(struct splitter *splitter)
{
	const char *start = splitter->text, *seen = start, *end = start + strlen(start);
	struct lexer lexer = { ENGINE_SQLITE, start, end };
	struct lexeme lexeme;
	auto_buf statement = BUF_INIT;
	while (lexer_next(&lexer, &lexeme)) {
		if (!lexeme_is_sign(&lexeme, ';'))
			continue;
		buf_add(&statement, seen, (size_t)(lexer.at - seen));
		seen = lexer.at;
		if (!sqlite3_complete(statement.data))
			continue;
		add_piece(splitter, start, lexer.at);
		start = lexer.at;
		buf_reset(&statement);
	}
	add_piece(splitter, start, end);
}

struct statement *split_statements(struct arena *arena, enum engine engine, const char *text, size_t *n)
{
	struct splitter splitter = { .arena = arena, .engine = engine, .text = text, .counted = text, .line = 1 };
	if (engine == ENGINE_SQLITE)
		split_sqlite(&splitter);
	else if (!split_by_parser(&splitter))
		split_by_scanner(&splitter);
	*n = splitter.n;
	return splitter.statements;
}

const char *split_meta_command(struct arena *arena, const char *text, unsigned *line)
{
	struct lexer lexer = { ENGINE_POSTGRESQL, text, text + strlen(text) };
	struct lexeme lexeme;
	while (lexer_next(&lexer, &lexeme)) {
		if (!lexeme_is_sign(&lexeme, '\\'))
			continue;
		*line = 1;
		for (const char *c = text; c < lexeme.start; c++)
			*line += *c == '\n';
		return arena_strndup(arena, lexeme.start, strcspn(lexeme.start, "\r\n"));
	}
	return NULL;
}

// SPDX-License-Identifier: PostgreSQL
// An SQL file as psql reads it: see dump.h. The SQL between is not cut into statements here: that is split.c's.
#include "config.h"

#include "migrations/dump.h"

#include <string.h>

#include "base/arena.h"
#include "migrations/lexer.h"

static unsigned newlines(const char *from, const char *to)
{
	unsigned n = 0;
	for (; from < to; from++)
		n += *from == '\n';
	return n;
}

// Cuts [start, end) off the front as a piece; what is before `start` are blanks and comments.
static void take(struct arena *arena, struct dump *dump, const char *start, const char *end, enum dump_type type,
                 struct dump_piece *piece)
{
	*piece = (struct dump_piece){ type, arena_strndup(arena, start, (size_t)(end - start)), 0, NULL, 0 };
	piece->line = dump->line + newlines(dump->at, start);
	dump->line = piece->line + newlines(start, end);
	dump->at = end;
}

// From the COPY at its start, the end of `COPY ... FROM stdin ...;`; NULL if it is another COPY.
static const char *copy_end(struct lexer lexer)
{
	struct lexeme lexeme, before = { .length = 0 };
	bool from_stdin = false;
	while (lexer_next(&lexer, &lexeme)) {
		if (lexeme_is_sign(&lexeme, ';'))
			return from_stdin ? lexer.at : NULL;
		if (lexeme_is_word(&lexeme, "stdin") && lexeme_is_word(&before, "from"))
			from_stdin = true;
		before = lexeme;
	}
	return NULL;
}

// The data begins on the line after the statement and ends before the line "\.", or with the file.
static void take_data(struct dump *dump, struct dump_piece *piece)
{
	const char *at = dump->at + strcspn(dump->at, "\n");
	at += *at == '\n';
	piece->data = at;
	while (*at != '\0') {
		size_t length = strcspn(at, "\n");
		size_t bare = length > 0 && at[length - 1] == '\r' ? length - 1 : length;
		bool last = bare == 2 && at[0] == '\\' && at[1] == '.';
		if (last)
			piece->data_length = (size_t)(at - piece->data);
		at += length + (at[length] == '\n');
		if (last)
			break;
		piece->data_length = (size_t)(at - piece->data);
	}
	dump->line += newlines(dump->at, at);
	dump->at = at;
}

bool dump_next(struct arena *arena, struct dump *dump, struct dump_piece *piece)
{
	struct lexer lexer = { ENGINE_POSTGRESQL, dump->at, dump->at + strlen(dump->at) };
	struct lexeme lexeme;
	const char *sql = NULL, *end = NULL; // the SQL so far
	bool starts = true;                  // a statement may start here
	while (lexer_next(&lexer, &lexeme)) {
		bool meta = lexeme_is_sign(&lexeme, '\\');
		const char *copied = starts && lexeme_is_word(&lexeme, "copy") ? copy_end(lexer) : NULL;
		if ((meta || copied != NULL) && sql != NULL)
			break; // what is before comes first
		if (meta) {
			take(arena, dump, lexeme.start, lexeme.start + strcspn(lexeme.start, "\r\n"), DUMP_META, piece);
			return true;
		}
		if (copied != NULL) {
			take(arena, dump, lexeme.start, copied, DUMP_COPY, piece);
			take_data(dump, piece);
			return true;
		}
		starts = lexeme_is_sign(&lexeme, ';');
		if (sql == NULL)
			sql = lexeme.start;
		end = lexer.at;
	}
	if (sql == NULL)
		return false;
	take(arena, dump, sql, end, DUMP_SQL, piece);
	return true;
}

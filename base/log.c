// SPDX-License-Identifier: PostgreSQL
// What is said beside the result: see log.h.
#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/secret.h"
#include "base/visible.h"

void log_text(struct buf *out, const char *text)
{
	auto_buf masked = BUF_INIT, shown = BUF_INIT;
	secret_mask(&masked, text);
	visible(&shown, masked.data, "\n\t");
	for (const char *c = shown.data; *c != '\0'; c++) {
		if (*c != '\n')
			buf_addc(out, *c);
		else if (c[1] != '\0')
			buf_adds(out, "\n  | ");
	}
}

bool log_is_journal(int fd)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat is;
	if (stream == NULL || fstat(fd, &is) != 0)
		return false;
	auto_buf name = BUF_INIT;
	buf_addf(&name, "%ju:%ju", (uintmax_t)is.st_dev, (uintmax_t)is.st_ino);
	return strcmp(name.data, stream) == 0;
}

void log_add_lines(struct buf *out, enum log_priority priority, const char *text)
{
	for (size_t length; *text != '\0'; text += length) {
		const char *end = strchr(text, '\n');
		length = end == NULL ? strlen(text) : (size_t)(end - text) + 1;
		buf_addf(out, "<%d>", (int)priority);
		buf_add(out, text, length);
	}
}

static void put(struct log *log, enum log_priority priority, const struct buf *text)
{
	auto_buf lines = BUF_INIT;
	if (log->journal)
		log_add_lines(&lines, priority, text->data);
	const struct buf *out = log->journal ? &lines : text;
	fwrite(out->data, 1, out->length, log->stream); // one call: stdio locks the stream around it
	fflush(log->stream);
}

static void say(struct log *log, enum log_priority priority, const char *prefix, const char *end, const char *format, va_list arguments)
	__attribute__((format(printf, 5, 0)));
static void say(struct log *log, enum log_priority priority, const char *prefix, const char *end, const char *format, va_list arguments)
{
	auto_buf text = BUF_INIT, line = BUF_INIT;
	buf_vaddf(&text, format, arguments);
	buf_adds(&line, prefix);
	log_text(&line, text.data);
	buf_adds(&line, end);
	put(log, priority, &line);
}

void log_error(struct log *log, const struct err *err)
{
	auto_buf text = BUF_INIT;
	buf_adds(&text, "driftcheck: ");
	log_text(&text, err->where);
	buf_adds(&text, err->where[0] == '\0' ? "" : ": ");
	log_text(&text, err->text);
	if (err->hint[0] != '\0') {
		buf_adds(&text, "\n  hint: ");
		log_text(&text, err->hint);
	}
	buf_addc(&text, '\n');
	put(log, LOG_ERROR, &text);
}

#define CLEAR_LINE "\r\033[K"

void log_warn(struct log *log, const char *format, ...)
{
	if (log == NULL)
		return;
	va_list arguments;
	va_start(arguments, format);
	say(log, LOG_WARNING, log->progress ? CLEAR_LINE "driftcheck: " : "driftcheck: ", "\n", format, arguments);
	va_end(arguments);
}

void log_info(struct log *log, const char *format, ...)
{
	if (log == NULL || !log->verbose)
		return;
	va_list arguments;
	va_start(arguments, format);
	say(log, LOG_INFORMATION, log->progress ? CLEAR_LINE "driftcheck: " : "driftcheck: ", "\n", format, arguments);
	va_end(arguments);
}

void log_progress(struct log *log, const char *format, ...)
{
	if (log == NULL || !log->progress)
		return;
	va_list arguments;
	va_start(arguments, format);
	say(log, LOG_INFORMATION, CLEAR_LINE, "", format, arguments);
	va_end(arguments);
}

void log_query(struct log *log, const char *where, const char *sql)
{
	if (log == NULL || !log->show_queries)
		return;
	auto_buf text = BUF_INIT, masked = BUF_INIT, line = BUF_INIT;
	buf_addf(&text, "-- %s\n%s;\n", where, sql);
	secret_mask(&masked, text.data);
	visible(&line, masked.data, "\n\t");
	put(log, LOG_DETAIL, &line);
}

// SPDX-License-Identifier: PostgreSQL
// What is said beside the result: see log.h.
#include "base/log.h"

#include <stdarg.h>

#include "base/buf.h"
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

static void say(struct log *log, const char *prefix, const char *end, const char *format, va_list arguments)
	__attribute__((format(printf, 4, 0)));
static void say(struct log *log, const char *prefix, const char *end, const char *format, va_list arguments)
{
	auto_buf text = BUF_INIT, line = BUF_INIT;
	buf_vaddf(&text, format, arguments);
	buf_adds(&line, prefix);
	log_text(&line, text.data);
	buf_adds(&line, end);
	fwrite(line.data, 1, line.length, log->stream); // one call: stdio locks the stream around it
	fflush(log->stream);
}

#define CLEAR_LINE "\r\033[K"

void log_warn(struct log *log, const char *format, ...)
{
	if (log == NULL)
		return;
	va_list arguments;
	va_start(arguments, format);
	say(log, log->progress ? CLEAR_LINE "driftcheck: " : "driftcheck: ", "\n", format, arguments);
	va_end(arguments);
}

void log_info(struct log *log, const char *format, ...)
{
	if (log == NULL || !log->verbose)
		return;
	va_list arguments;
	va_start(arguments, format);
	say(log, log->progress ? CLEAR_LINE "driftcheck: " : "driftcheck: ", "\n", format, arguments);
	va_end(arguments);
}

void log_progress(struct log *log, const char *format, ...)
{
	if (log == NULL || !log->progress)
		return;
	va_list arguments;
	va_start(arguments, format);
	say(log, CLEAR_LINE, "", format, arguments);
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
	fwrite(line.data, 1, line.length, log->stream);
}

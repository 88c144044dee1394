// SPDX-License-Identifier: PostgreSQL
// What is said beside the result: see log.h.
#include "base/log.h"

#include <stdarg.h>

#include "base/buf.h"

static void say(struct log *log, const char *prefix, const char *end, const char *format, va_list arguments)
	__attribute__((format(printf, 4, 0)));
static void say(struct log *log, const char *prefix, const char *end, const char *format, va_list arguments)
{
	auto_buf line = BUF_INIT;
	buf_adds(&line, prefix);
	buf_vaddf(&line, format, arguments);
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
	auto_buf line = BUF_INIT;
	buf_addf(&line, "-- %s\n%s;\n", where, sql);
	fwrite(line.data, 1, line.length, log->stream);
}

// SPDX-License-Identifier: PostgreSQL
// Errors as values: see err.h.
#include "base/err.h"

#include <stdarg.h>
#include <string.h>

static void put(char *into, size_t size, const char *text)
{
	snprintf(into, size, "%s", text == NULL ? "" : text);
}

bool err_set(struct err *err, const char *code, const char *where, const char *hint, const char *format, ...)
{
	struct err fresh; // the arguments may point into *err
	put(fresh.code, sizeof fresh.code, code);
	put(fresh.where, sizeof fresh.where, where);
	put(fresh.hint, sizeof fresh.hint, hint);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(fresh.text, sizeof fresh.text, format, arguments);
	va_end(arguments);
	for (size_t n = strlen(fresh.text); n > 0 && fresh.text[n - 1] == '\n'; n--) // libpq ends its messages so
		fresh.text[n - 1] = '\0';
	*err = fresh;
	return false;
}

bool err_hint(struct err *err, const char *format, ...)
{
	char text[sizeof err->hint];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	put(err->hint, sizeof err->hint, text);
	return false;
}

bool err_where(struct err *err, const char *format, ...)
{
	char text[sizeof err->where];
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	put(err->where, sizeof err->where, text);
	return false;
}

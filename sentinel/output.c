// SPDX-License-Identifier: PostgreSQL
// Where results go: see output.h. Nothing is said here about what is written.
#include <config.h>

#include "sentinel/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

bool output_write(const struct buf *text, const char *path, struct err *err)
{
	if (path != NULL && strcmp(path, "-") != 0)
		return file_write(text, path, err);
	if (file_write_all(STDOUT_FILENO, text) || errno == EPIPE)
		return true;
	return err_set(err, "output", NULL, NULL, "the result cannot be written to stdout: %s", strerror(errno));
}

void output_json(struct buf *out, const char *key, json_t *value)
{
	json_t *document = json_pack("{ss si so}", "driftcheck", PACKAGE_VERSION, "schema", 1, key, value);
	invariant(document != NULL, "JSON document");
	auto_free text = json_dumps(document, JSON_INDENT(2));
	invariant(text != NULL, "JSON text");
	json_decref(document);
	buf_addf(out, "%s\n", text);
}

// SPDX-License-Identifier: PostgreSQL
// The table of sinks: see sink.h.
#include "reporters/sink.h"

#include <string.h>

#include "base/err.h"

#define SINK(name) extern const struct sink sink_##name;
#include "reporters/sinks.def"
#undef SINK

const struct sink *const sinks[] = {
#define SINK(name) &sink_##name,
#include "reporters/sinks.def"
#undef SINK
	NULL,
};

const struct sink *sink_find(const char *name)
{
	for (size_t i = 0; sinks[i] != NULL; i++) {
		if (strcmp(sinks[i]->name, name) == 0)
			return sinks[i];
	}
	return NULL;
}

const char *delivery_value(const struct delivery *delivery, const char *key)
{
	for (size_t i = 0; delivery->sink->keys[i] != NULL; i++) {
		if (strcmp(delivery->sink->keys[i], key) == 0)
			return delivery->values[i];
	}
	invariant(false, "the sink has no such key");
	return NULL;
}

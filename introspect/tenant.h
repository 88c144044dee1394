// SPDX-License-Identifier: PostgreSQL
// One database in which each tenant has a schema. A tenant's part of a snapshot is made comparable with the parts of the
// others, and with a replay, by one name in place of the schema's own: the placeholder. The replay runs in a schema that
// really has this name, so that a part can be compared, asked about and remedied like any other snapshot.
//
// Where a text names the schema: PostgreSQL deparses with an empty search path (see postgres_read.h), so every reference is
// qualified and quoted where it must be; bodies, settings, comments and literals are as somebody typed them. A word in such
// a text may also be something else that happens to have the tenant's name (an alias, a label, a part of a host's name). Only
// the other direction is certain: the placeholder is nobody's word. So a text that is the reference's text (that of the replay)
// with the schema in place of the placeholder becomes the reference's text, letter by letter; only what differs from it is
// rewritten by rule. Every rewritten text gives the tenant's own back: tenant_text.
#ifndef INTROSPECT_TENANT_H
#define INTROSPECT_TENANT_H

#include "base/digest.h"
#include "introspect/snapshot.h"

extern const char TENANT_PLACEHOLDER[];

// The part of `schema` in a database's snapshot, sorted, its objects copied into the arena with the placeholder in place of
// the name. `references` are sorted snapshots that hold the placeholder; they are asked in their order. A table of another
// schema stays what it is. The version table is the tenant's; what is unread elsewhere, and notes, are not taken along.
struct snapshot *tenant_part(struct arena *arena, const struct snapshot *database, const struct tenant *tenant,
                             const struct snapshot *const *references, size_t n_references);

// What belongs to no tenant; the objects are those of `database`.
struct snapshot *tenant_shared(struct arena *arena, const struct snapshot *database);

// Of a snapshot that holds the placeholder: keeps the tenant's part, or what is outside of it.
void tenant_keep(struct snapshot *snapshot, bool part);

// A text with the schema's name again in place of the placeholder: quoted as an identifier where it stands for one.
const char *tenant_text(struct arena *arena, const char *text, const char *schema);
// The same without the schema, for a statement that is run with it on the search path.
const char *tenant_text_unqualified(struct arena *arena, const char *text, const char *schema);
// A value of an attribute, likewise; NULL and VALUE_UNREAD stay.
const char *tenant_value(struct arena *arena, const char *value, const struct attr *attr, const char *schema);
// A copy of an object of the part, as the tenant has it.
struct object *tenant_object(struct arena *arena, const struct object *object, const char *schema);

// Digests of everything that is compared, and of that and the evidence (GROUP_EVIDENCE).
struct tenant_digest {
	char structure[DIGEST_SHA256_HEX], whole[DIGEST_SHA256_HEX];
};
void tenant_digest(const struct snapshot *part, struct tenant_digest *digest);

#endif

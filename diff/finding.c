// SPDX-License-Identifier: PostgreSQL
// Findings: their words, their identity and their order. What a finding is comes from classify.c, what to do about it from
// remedy.c; nothing here decides either.
#include "diff/finding.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"

const char *const finding_class_names[] = {
	[CLASS_HAND_EDIT] = "hand-edit", [CLASS_SKIPPED] = "skipped", [CLASS_VERSION_SKEW] = "version-skew",
	[CLASS_AHEAD] = "ahead", [CLASS_COLLISION] = "collision",
};
const char *const severity_names[] = { [SEVERITY_INFO] = "info", [SEVERITY_WARN] = "warn", [SEVERITY_ALARM] = "alarm" };
const char *const change_names[] = { [CHANGE_ADDED] = "added", [CHANGE_REMOVED] = "removed", [CHANGE_ALTERED] = "altered" };

// The order of reports. Hand edits and skipped migrations share a rank: which of them is worse is told by the severity.
static const int class_ranks[] = {
	[CLASS_COLLISION] = 0, [CLASS_HAND_EDIT] = 1, [CLASS_SKIPPED] = 1, [CLASS_AHEAD] = 2, [CLASS_VERSION_SKEW] = 3,
};

static void add_field(struct buf *fields, const char *text)
{
	buf_addf(fields, "%zu:", strlen(text)); // the length keeps two lists of fields apart whatever the names hold
	buf_adds(fields, text);
}

void finding_identify(struct finding *finding)
{
	const struct object *object = finding->object;
	auto_buf fields = BUF_INIT;
	add_field(&fields, object->kind->name);
	buf_addf(&fields, "%u/", object->n_path);
	for (unsigned i = 0; i < object->n_path; i++)
		add_field(&fields, object->path[i]);
	add_field(&fields, finding_class_names[finding->class]);
	add_field(&fields, change_names[finding->change]);
	for (size_t i = 0; i < finding->n_attrs; i++)
		add_field(&fields, object->kind->attrs[finding->attrs[i].attr].name);

	unsigned char digest[EVP_MAX_MD_SIZE];
	invariant(EVP_Digest(fields.data, fields.length, digest, NULL, EVP_sha256(), NULL) == 1, "SHA-256 failed");
	for (size_t i = 0; i < (sizeof finding->id - 1) / 2; i++)
		snprintf(finding->id + 2 * i, 3, "%02x", digest[i]);
}

int finding_compare(enum engine engine, const struct finding *a, const struct finding *b)
{
	int ranks = class_ranks[a->class] - class_ranks[b->class];
	if (ranks != 0)
		return ranks;
	if (a->severity != b->severity)
		return (int)b->severity - (int)a->severity;
	int objects = object_compare(engine, a->object, b->object);
	if (objects != 0)
		return objects;
	return a->class != b->class ? (int)a->class - (int)b->class : (int)a->change - (int)b->change;
}

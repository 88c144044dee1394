// SPDX-License-Identifier: PostgreSQL
// What an issue is about, as a set that can be compared from run to run: its fingerprint says whether anything is different,
// its list (short enough for a hidden line of the issue) says what. Nothing in it changes while the database and the
// repository stay: no times, no places, no order.
#ifndef REPORTERS_GITHUB_ITEMS_H
#define REPORTERS_GITHUB_ITEMS_H

#include "base/digest.h"
#include "reporters/report.h"

struct arena;
struct buf;

enum item_sort {
	ITEM_FINDING = 'f', // drift
	ITEM_VERSION = 'v', // drift that the versions alone show: dirty, skipped
	ITEM_SKEW = 's',    // pending, unknown, edited versions; findings of class version-skew
};

enum { ITEM_ID = 16 + 1, ITEM_VALUE = 8 + 1 };

struct item {
	enum item_sort sort;
	char id[ITEM_ID];       // the finding's own, or that of a version
	char value[ITEM_VALUE]; // a digest of all that is compared
	const struct env_report *env;
	const struct finding *finding; // NULL: a version
};

struct items {
	struct item *items; // sorted by id and value
	size_t n, n_findings, n_versions, n_skew;
	char fingerprint[DIGEST_SHA256_HEX];
};

// Of the environments that share an issue.
struct items items_of(struct arena *arena, const struct env_report *const *envs, size_t n_envs);

// The fingerprint of nothing.
void items_none(char fingerprint[DIGEST_SHA256_HEX]);

// As a list, "f0123456789abcdef-01234567 ..."; nothing where there are too many for a hidden line.
void items_list(struct buf *out, const struct items *items);

// What is different since a list was written.
struct items_change {
	bool known;    // false: the list does not say
	size_t n_new, n_gone, n_changed, n_kept; // findings
	bool versions; // something with dirty or skipped ones
	bool *is_new;  // for each item, whether it is new or changed
};
struct items_change items_compare(struct arena *arena, const struct items *items, const char *list);

#endif

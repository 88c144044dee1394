// SPDX-License-Identifier: PostgreSQL
// The reports of a rehearsal. How to add one: write show_<name>.c with its function and add its row to the table in render.c. What
// they have in common, the words and which statements deserve any, is words.c's.
#ifndef REHEARSE_SHOW_RENDER_H
#define REHEARSE_SHOW_RENDER_H

#include "rehearse/rehearsal.h"
#include "reporters/reporter.h"

struct buf;

struct rehearsal_reporter {
	const char *name; // the word of --format
	void (*render)(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options);
};

extern const struct rehearsal_reporter rehearsal_reporters[]; // ended by a NULL name
const struct rehearsal_reporter *rehearsal_reporter_find(const char *name);

void rehearsal_text(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options);
void rehearsal_json(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options);
void rehearsal_markdown(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options);
void rehearsal_html(struct buf *out, const struct rehearsal *rehearsal, const struct render_options *options);

// Whether a finding's remedy is to be said: there is one, and no finding before it has said the same.
bool show_remedy(const struct step *step, size_t i);
bool remedy_is_sql(const char *remedy); // statements, not advice

void show_duration(struct buf *out, double ms);     // "0.4 ms", "340 ms", "2.1 s", "12 min 5 s", "3 h 20 min"
void show_number(struct buf *out, long long n);     // "5,000,000"
void show_bytes(struct buf *out, long long bytes);  // "340 MB"

// How much is to be said of a statement, the most first.
enum step_weight { STEP_FAILS, STEP_WARNS, STEP_FELT, STEP_QUIET }; // felt: clients waited for it, within the limits
enum step_weight step_weigh(const struct step *step);
// Whether it is one of the migrations' own; the others (BEGIN, the version table) are the framework's.
bool step_is_of_migration(const struct step *step);
// Who waits for a lock of this mode: "readers and writers", "writers", "other DDL"; NULL: nobody but locks that are stronger.
const char *lock_stops(const char *mode);
// Whether a lock of a step makes clients wait, and is not merely on an index of a table that the step locks as well.
bool lock_is_worth_a_word(const struct rehearsal *rehearsal, const struct step *step, const struct step_lock *lock);
double step_worst_wait_ms(const struct step *step); // of a client that was blocked; 0: none was
double step_release_ms(const struct step *step);    // when its last lock was given back, its end at the earliest

// Sentences. `quote` writes foreign words: see reporters/show.h.
void show_headline(struct buf *out, const struct rehearsal *rehearsal, void (*quote)(struct buf *, const char *));
// "31 statements of 10 migrations in 41 s"
void show_course(struct buf *out, const struct rehearsal *rehearsal);
// The longest wait of all: whose, where, and behind which statement. Nothing where it is not worth a word.
void show_worst(struct buf *out, const struct rehearsal *rehearsal, void (*quote)(struct buf *, const char *));
void show_place(struct buf *out, const struct step *step, void (*quote)(struct buf *, const char *)); // "db/0042.sql:3"
// "AccessExclusiveLock on public.orders for 41 s, after waiting 2 s: readers and writers wait"
void show_lock(struct buf *out, const struct step_lock *lock, void (*quote)(struct buf *, const char *));
const char *victim_noun(const struct step_victim *victim); // "read", "write", "transaction"
bool victim_is_worth_a_word(const struct step_victim *victim);
void show_victim(struct buf *out, const struct step_victim *victim, void (*quote)(struct buf *, const char *));
const struct step_finding *step_finding_at(const struct step *step, size_t i); // the i-th, what fails before what warns
void show_took(struct buf *out, const struct step *step);   // "41 s, 2 s of it waiting for locks"
void show_growth(struct buf *out, const struct step *step); // nothing if it is not known
void show_work(struct buf *out, const struct step *step, void (*quote)(struct buf *, const char *)); // what it read, rewrote and wrote
void show_tries(struct buf *out, const struct step *step);  // of its locks; nothing if there were none
void show_limits(struct buf *out, const struct rehearsal *rehearsal, void (*quote)(struct buf *, const char *));
void show_clone(struct buf *out, const struct rehearsal *rehearsal); // "synthetic, 12 tables, 5,400,000 rows, 1.9 GB"
// What came of the safer statements (--try-rewrite): of a step's, and of all of them; nothing where that was not asked for.
void show_rewriting(struct buf *out, const struct step *step, void (*quote)(struct buf *, const char *));
void show_rewriting_file(struct buf *out, const struct step *step, void (*quote)(struct buf *, const char *)); // what they mean for its file
void show_rewritten(struct buf *out, const struct rehearsal *rehearsal, void (*quote)(struct buf *, const char *));
// "PostgreSQL 15.20; other than in prod (there): shared_buffers 256MB (8GB)"; nothing for SQLite.
void show_clone_server(struct buf *out, const struct rehearsal *rehearsal, void (*quote)(struct buf *, const char *));
// "public.orders, which was not rehearsed as it is in prod: column note is only in prod"
void show_unrehearsed(struct buf *out, const struct rehearsal *rehearsal, const struct unrehearsed *of, void (*quote)(struct buf *, const char *));
// The statements that need no words of their own; nothing if there are none.
void show_quiet(struct buf *out, const struct rehearsal *rehearsal);

#endif

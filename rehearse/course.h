// SPDX-License-Identifier: PostgreSQL
// What the ways to a clone share: a rehearsal under way, and its runs over the statements.
#ifndef REHEARSE_COURSE_H
#define REHEARSE_COURSE_H

#include "introspect/snapshot.h"
#include "rehearse/progress.h"
#include "rehearse/rehearse.h"
#include "rehearse/sequence.h"

enum { PASSES_MAX = 3, ROWS_DEFAULT = 100000 };

// One run over all statements on one clone.
struct pass {
	const char *own, *superuser;      // how to connect: as who runs migrations; as who may see everything
	const struct sequenced *statements;
	size_t n_statements;
	double scale;                     // of a synthetic clone
	bool quiet;                       // without clients
	const struct pass *known;         // an earlier run of the same statements; NULL: none
	const char *const *touched;       // tables that clients use meanwhile; NULL-ended; NULL: no clients
	struct step *steps;
	size_t n_steps;                   // that were run
	struct clone_table *tables;
	size_t n_tables;
	double duration_ms;               // of the statements, without our own questions
};

struct job {
	struct arena *arena;
	struct rehearsal_request *request; // a copy: where the clone says what is pending, that is put into it
	struct rehearsal *rehearsal;
	struct sequenced *statements;
	size_t n_statements;
	struct pass passes[PASSES_MAX];
	size_t n_passes;
	struct pass *pass;                // the one that runs
	bool again;                       // it has the pending statements with safer ones among them
	struct snapshot *before, *after;  // the schema before the last one, and (with try_rewrite) after it
	struct progress progress;
	bool looked;                      // request->look was told
};

void job_note(struct job *job, const char *text);
void job_trouble(struct job *job, const struct err *trouble); // of the rehearsal, which goes on

bool job_list(struct job *job, struct err *err); // the pending migrations as statements

// Tells request->look what the clone is, the first time; `scratch` NULL: it is request->clone.
bool job_look(struct job *job, struct scratch *scratch, struct err *err);

// Leaves the clone to the user where that is wanted. Nobody may be connected to it.
bool job_keep(struct job *job, struct scratch *scratch, struct err *err);

// The settings of a server of our own for a clone.
struct scratch_settings job_scratch(struct job *job);

// job_list's statements as job->pass, whose clone is there: own, superuser and tables are set.
bool job_run(struct job *job, struct err *err);

// Runs job->pass. Errors: those of measure.h and traffic.h.
bool pass_run(struct job *job, struct err *err);

// Relations that its statements locked so that somebody has to wait, and that it did not make itself; NULL-ended.
const char *const *pass_touched(struct job *job, const struct pass *pass);

// What a single size says of a step's growth, by the tables of job->pass.
void job_grow(const struct job *job, struct step *step);

// Runs what job->pass ran once more, with the safer statements, and fills what the rehearsal says of them. `run` makes a fresh clone and
// runs job->pass on it. Errors: those of `run`.
bool job_run_rewritten(struct job *job, bool (*run)(struct job *job, struct err *err), struct err *err);

// On a database that the user gives up to it (request->clone): see clone.h.
bool rehearse_on_clone(struct job *job, struct err *err);

// On a throwaway server into which a dump is restored (request->dump).
bool rehearse_on_dump(struct job *job, struct err *err);
bool dump_again(struct job *job, struct err *err); // job->pass, on what it restores to

#endif

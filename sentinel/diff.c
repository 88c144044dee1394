// SPDX-License-Identifier: PostgreSQL
// `driftcheck diff WANT HAVE`: what differs in HAVE from WANT, whatever the two are. No migrations are weighed here, so
// nothing is classified: that is `check`.
#include <pthread.h>
#include <string.h>

#include "base/arena.h"
#include "base/sql.h"
#include "diff/align.h"
#include "diff/compare.h"
#include "diff/ignore.h"
#include "migrations/grants.h"
#include "prove/rebuild.h"
#include "prove/round_trip.h"
#include "sentinel/run_report.h"
#include "sentinel/source_read.h"

enum { WANT, HAVE, N_SIDES };

struct side {
	struct source source;
	const char *env_name; // where it is a configured environment
	struct snapshot *snapshot;
	unsigned groups; // to be read
	const struct grants *grants; // of the repository's migrations; NULL: it is another source
	struct arena *arena; // of the snapshot; threads do not share one
};

// What a side that is replayed takes from the other one.
static struct read_for read_for(const struct side *side, const struct side *other)
{
	struct read_for for_ = {
		.engine = source_engine(&other->source), .env_name = other->env_name, .settings = &other->source.settings,
	};
	if (other->snapshot != NULL) {
		for_.engine = other->snapshot->engine;
		for_.major = other->snapshot->engine == ENGINE_POSTGRESQL ? other->snapshot->major : 0;
		const char *runner = align_runner(other->snapshot);
		for_.runner = runner != NULL && side->grants != NULL && role_has(&side->grants->roles, runner) ? runner : NULL;
	}
	return for_;
}

static bool is_replayed(const struct side *side)
{
	return side->source.type == SOURCE_REPO || side->source.type == SOURCE_SQL;
}

// One side that is to be read, maybe in a thread of its own.
struct reading {
	struct run *run;
	struct envs *envs;
	struct side *side;
	struct env env;
	struct read_options options;
	struct read_for for_;
	struct arena *arena;
	struct err err;
};

static struct reading reading_of(struct run *run, struct envs *envs, struct side *side, const struct side *other, struct arena *arena)
{
	struct env env = { .name = side->env_name != NULL ? side->env_name : side->source.shown, .source = side->source, .groups = side->groups };
	struct reading reading = { run, envs, side, env, env_read_options(run, &env), read_for(side, other), arena, { "" } };
	if (source_is_live(&side->source))
		reading.options.versions = source_versions(run, envs, &side->source, side->env_name);
	return reading;
}

static void *read_side(void *argument)
{
	struct reading *reading = argument;
	reading->side->snapshot = source_read(reading->run, reading->envs, &reading->side->source, &reading->options, reading->for_,
	                                      reading->arena, &reading->err);
	return NULL;
}

// Two live databases are read at the same time. What is replayed comes last: by then it is known for which engine and major.
static bool read_sides(struct run *run, struct envs *envs, struct side *sides, struct err *err)
{
	pthread_t thread;
	bool threaded = false;
	struct reading readings[N_SIDES];
	log_progress(run->log, "reading");
	for (int i = 0; i < N_SIDES; i++)
		readings[i] = reading_of(run, envs, &sides[i], &sides[N_SIDES - 1 - i], sides[i].arena);
	if (source_is_live(&sides[0].source) && source_is_live(&sides[1].source))
		threaded = pthread_create(&thread, NULL, read_side, &readings[1]) == 0;
	bool ok = true;
	for (int replayed = 0; replayed <= 1; replayed++) {
		for (int i = 0; ok && i < N_SIDES - threaded; i++) {
			if (is_replayed(&sides[i]) != (replayed == 1))
				continue;
			readings[i].for_ = read_for(&sides[i], &sides[N_SIDES - 1 - i]);
			read_side(&readings[i]);
			ok = sides[i].snapshot != NULL;
		}
	}
	if (threaded)
		pthread_join(thread, NULL);
	for (int i = 0; i < N_SIDES; i++) {
		if (sides[i].snapshot == NULL && readings[i].err.code[0] != '\0') {
			*err = readings[i].err;
			return false;
		}
	}
	static const char *const names[] = { [ENGINE_POSTGRESQL] = "PostgreSQL", [ENGINE_SQLITE] = "SQLite" };
	enum engine want = sides[WANT].snapshot->engine, have = sides[HAVE].snapshot->engine;
	if (want == have)
		return true;
	return err_set(err, "engines", NULL, "compare two databases of one engine", "%s is of %s, %s of %s", sides[WANT].source.shown,
	               names[want], sides[HAVE].source.shown, names[have]);
}

// What is compared besides the structure: what was asked for and, against the repository, what its migrations set.
static void choose_groups(struct run *run, struct envs *envs, struct side *sides)
{
	unsigned groups = run->options->groups;
	for (int i = 0; i < N_SIDES; i++) {
		const struct side *other = &sides[N_SIDES - 1 - i];
		struct err ignored; // said when the side is read
		if (sides[i].source.type != SOURCE_REPO || source_engine(&other->source) == ENGINE_SQLITE)
			continue;
		const struct migrations *set = set_resolve(run, envs, other->env_name, &other->source.settings, &ignored);
		sides[i].grants = set == NULL ? NULL : migrations_grants(run->arena, set);
		groups |= sides[i].grants == NULL ? 0 : sides[i].grants->groups;
	}
	sides[WANT].groups = sides[HAVE].groups = groups;
}

// Owners and privileges, where neither side says by name who owns, are made comparable. The one that was replayed, if one
// was, says what is wanted by name.
static unsigned align_sides(struct run *run, struct side *sides, struct alignment *alignment)
{
	unsigned groups = sides[WANT].groups & sides[WANT].snapshot->groups & sides[HAVE].snapshot->groups;
	for (unsigned group = GROUP_STRUCTURE + 1; group < GROUP_EVIDENCE; group++) {
		for (int i = 0; i < N_SIDES; i++) {
			if (sides[i].groups & ~sides[i].snapshot->groups & 1u << group)
				log_warn(run->log, "%s was taken without --include %s, which is not compared", sides[i].source.shown, attr_group_names[group]);
		}
	}
	int base = sides[HAVE].snapshot->runner != NULL && sides[WANT].snapshot->runner == NULL ? HAVE : WANT;
	struct snapshot *live = sides[N_SIDES - 1 - base].snapshot, *made = sides[base].snapshot;
	align_find(alignment, run->arena, groups, live, made, made);
	align(alignment, live, false);
	align(alignment, made, true);
	return groups;
}

// The framework's own table is no drift; a side that knows of none (a schema file) may have it all the same.
static void leave_out_version_tables(struct arena *arena, const struct side *sides)
{
	for (int i = 0; i < N_SIDES; i++) {
		const char *path[2], *name = sides[i].snapshot->version.name;
		size_t n = name == NULL ? 0 : sql_name_split(arena, name, path, 2);
		for (int j = 0; n > 0 && j < N_SIDES; j++)
			snapshot_drop_path(sides[j].snapshot, path, (unsigned)n);
	}
}

static void add_attr(struct arena *arena, struct finding *finding, size_t *capacity, unsigned attr)
{
	finding->attrs = arena_grow(arena, finding->attrs, finding->n_attrs, capacity, sizeof *finding->attrs);
	finding->attrs[finding->n_attrs++] = (struct finding_attr){
		.attr = (int)attr,
		.want = finding->want == NULL ? NULL : finding->want->values[attr],
		.have = finding->have == NULL ? NULL : finding->have->values[attr],
	};
}

static struct finding *make_finding(const struct comparer *comparer, const struct change *change)
{
	struct finding *finding = arena_alloc(comparer->arena, sizeof *finding);
	finding->severity = SEVERITY_ALARM;
	finding->want = change->want;
	finding->have = change->have;
	finding->object = change->have != NULL ? change->have : change->want;
	finding->name = object_name_copy(comparer->arena, finding->object);
	finding->change = change->have == NULL ? CHANGE_REMOVED : change->want == NULL ? CHANGE_ADDED : CHANGE_ALTERED;
	const struct kind *kind = finding->object->kind;
	size_t capacity = 0;
	for (unsigned attr = 0; attr < kind->n_attrs; attr++) {
		bool differs = finding->change == CHANGE_ALTERED ? (change->attrs & 1u << attr) != 0
		                                                : comparer_compares(comparer, &kind->attrs[attr]) &&
		                                                          finding->object->values[attr] != NULL;
		if (differs)
			add_attr(comparer->arena, finding, &capacity, attr);
	}
	finding_identify(finding);
	return finding;
}

// Texts that only a server can judge are asked of a scratch that holds the side that is wanted: replayed where it is the
// repository, else made again from its snapshot.
struct asking {
	struct run *run;
	struct envs *envs;
	struct comparer *comparer;
	const struct snapshot *base;
	const char *server;
};

static bool ask(struct scratch *scratch, void *argument, struct err *err)
{
	struct asking *asking = argument;
	return round_trip(asking->comparer, asking->base, scratch, asking->server, asking->envs->cache, asking->run->log, err);
}

static bool ask_rebuilt(struct asking *asking, struct err *err)
{
	auto_scratch scratch = scratch_open(&asking->envs->scratch, asking->base->engine, asking->base->major, err);
	return scratch != NULL && rebuild(scratch, asking->base, asking->run->log, err) && ask(scratch, asking, err);
}

// Without a scratch the texts count as different, which is said.
static bool answer_questions(struct run *run, struct envs *envs, struct side *sides, struct comparer *comparer, struct err *err)
{
	if (comparer->n_questions == 0)
		return true;
	int base = sides[HAVE].source.type == SOURCE_REPO ? HAVE : WANT;
	const struct side *other = &sides[N_SIDES - 1 - base];
	bool replayed = sides[base].source.type == SOURCE_REPO;
	struct asking asking = { run, envs, comparer, sides[base].snapshot, NULL };
	struct err why;
	if (!scratch_find(&envs->scratch, asking.base->engine, other->snapshot->major, run->arena, &asking.server, replayed ? err : &why)) {
		if (!replayed)
			log_warn(run->log, "%zu texts count as different, since there is no scratch server to judge them: %s", comparer->n_questions, why.text);
		return !replayed;
	}
	if (round_trip_recall(comparer, asking.base, asking.server, envs->cache) == 0)
		return true;
	return replayed ? source_visit(run, envs, &sides[base].source, read_for(&sides[base], other), ask, &asking, err) : ask_rebuilt(&asking, err);
}

static void fill(struct run *run, const struct side *sides, struct comparer *comparer, const struct changes *changes,
                 const struct alignment *alignment, struct report *report, struct env_report *env)
{
	const struct snapshot *want = sides[WANT].snapshot, *have = sides[HAVE].snapshot;
	env->findings = arena_array(run->arena, changes->n, sizeof *env->findings);
	for (size_t i = 0; i < changes->n; i++) {
		if (!change_implied(want, have, &changes->items[i]))
			env->findings[env->n_findings++] = make_finding(comparer, &changes->items[i]);
	}
	env->unread = arena_array(run->arena, want->n_unread + have->n_unread, sizeof *env->unread);
	env->notes = arena_array(run->arena, want->n_notes + have->n_notes + alignment->n_notes, sizeof *env->notes);
	for (size_t i = 0; i < alignment->n_notes; i++)
		env->notes[env->n_notes++] = alignment->notes[i];
	for (int s = 0; s < N_SIDES; s++) {
		const struct snapshot *snapshot = sides[s].snapshot;
		for (size_t i = 0; i < snapshot->n_unread; i++)
			env->unread[env->n_unread++] = snapshot->unread[i];
		for (size_t i = 0; i < snapshot->n_notes; i++)
			env->notes[env->n_notes++] = arena_printf(run->arena, "%s: %s", sides[s].source.shown, snapshot->notes[i]);
	}
	env->engine = have->engine;
	env->server = have->server;
	env->database = have->database;
	env->reached = true;
	env->complete = want->complete && have->complete;
	env->verdict = !env->complete ? VERDICT_TROUBLE : env->n_findings > 0 ? VERDICT_DRIFT : VERDICT_CLEAN;
	report->equal = env->n_findings == 0 && env->complete;
}

enum exit_status command_diff(struct run *run, struct err *err)
{
	auto_arena second = arena_new();
	struct side sides[N_SIDES] = { { .arena = run->arena }, { .arena = second } };
	struct env named[N_SIDES] = { 0 };
	struct envs envs = { .items = named, .n = N_SIDES };
	for (int i = 0; i < N_SIDES; i++) {
		if (!source_resolve(run, run->words[i], &sides[i].source, err))
			return EXIT_TROUBLE;
		sides[i].env_name = config_env(run->config, run->words[i]) != NULL ? run->words[i] : NULL;
		named[i] = (struct env){ .name = sides[i].source.shown, .configured = sides[i].env_name, .source = sides[i].source };
	}
	if (!envs_settings(run, &envs, err))
		return EXIT_TROUBLE;
	choose_groups(run, &envs, sides);
	if (!read_sides(run, &envs, sides, err))
		return EXIT_TROUBLE;
	leave_out_version_tables(run->arena, sides);
	struct alignment alignment;
	const unsigned groups = align_sides(run, sides, &alignment);
	for (int i = 0; i < N_SIDES; i++)
		ignore_apply(sides[i].snapshot, envs.ignore, envs.n_ignore);
	struct comparer comparer;
	comparer_init(&comparer, run->arena, sides[HAVE].snapshot->engine, groups);
	struct changes changes = compare_snapshots(&comparer, sides[WANT].snapshot, sides[HAVE].snapshot);
	if (!answer_questions(run, &envs, sides, &comparer, err))
		return EXIT_TROUBLE;
	changes = compare_snapshots(&comparer, sides[WANT].snapshot, sides[HAVE].snapshot);
	struct report *report = report_start(run, NULL);
	struct env_report *env = arena_alloc(run->arena, sizeof *env);
	env->name = report->have_name;
	report->envs = arena_alloc(run->arena, sizeof *report->envs);
	report->envs[report->n_envs++] = env;
	fill(run, sides, &comparer, &changes, &alignment, report, env);
	return report_finish(run, report);
}

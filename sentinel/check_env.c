// SPDX-License-Identifier: PostgreSQL
// The check of one environment: what it has applied becomes a chain, the chain and the repository's HEAD are replayed, and
// the three snapshots are classified. Questions go to the scratch server and the effects of single migrations are replayed
// only where something differs, so that a clean run with a warm cache starts nothing.
#include "sentinel/check.h"

#include <string.h>

#include "base/arena.h"
#include "base/log.h"
#include "base/sql.h"
#include "diff/ignore.h"
#include "introspect/tenant.h"
#include "migrations/replay.h"
#include "prove/round_trip.h"
#include "sentinel/check_state.h"
#include "sentinel/replays.h"
#include "sentinel/servers.h"
#include "sentinel/source_read.h"

enum { QUESTION_ROUNDS_MAX = 3, RE_READS_MAX = 2 };

// Takes the version table out of a snapshot, what is not of the part that is compared, and what is ignored.
static void prepare(struct snapshot *snapshot, void *argument)
{
	struct check *check = argument;
	const char *path[2];
	size_t n = check->live->version.name == NULL ? 0 : sql_name_split(check->arena, check->live->version.name, path, 2);
	if (n > 0)
		snapshot_drop_path(snapshot, path, (unsigned)n);
	if (check->env->part != PART_ALL)
		tenant_keep(snapshot, check->env->part == PART_TENANT);
	size_t n_ignored = 0;
	while (check->envs->ignore != NULL && check->envs->ignore[n_ignored] != NULL)
		n_ignored++;
	const char *schema = check->env->part == PART_TENANT ? TENANT_PLACEHOLDER : NULL;
	ignore_apply_as(snapshot, check->envs->ignore, n_ignored, schema, check->env->tenant);
}

static struct replay_request request(struct check *check, const struct chain *chain)
{
	return (struct replay_request){
		.set = &check->set, .engine = check->live->engine, .major = check->live->engine == ENGINE_POSTGRESQL ? check->live->major : 0,
		.chain = chain_migrations(check->arena, chain), .n_chain = chain->n, .groups = check->groups, .runner = check->runner,
		.scratch = &check->envs->scratch, .cache = check->envs->cache, .log = check->run->log,
	};
}

// The snapshots are shared with other environments of this run: nobody may change them.
static bool replay_at(struct check *check, const struct chain *chain, const size_t *stops, size_t n_stops,
                      struct snapshot *const **snapshots, struct err *err)
{
	struct replay_request whole = request(check, chain);
	whole.stops = stops;
	whole.n_stops = n_stops;
	// what `prepare` leaves of a snapshot follows from these
	const char *prepared = arena_printf(check->arena, "%s\n%d\n%s", check->live->version.name == NULL ? "" : check->live->version.name,
	                                    (int)check->env->part, check->envs->n_ignore > 0 && check->env->tenant != NULL ? check->env->tenant : "");
	return replays_run(check->envs->replays, check->envs->servers, &whole, prepared, prepare, check, snapshots, err);
}

static bool is_prefix(const struct chain *base, const struct chain *repo)
{
	if (base->n > repo->n)
		return false;
	for (size_t i = 0; i < base->n; i++) {
		if (base->links[i].migration != repo->links[i].migration || base->links[i].text_unknown)
			return false;
	}
	return true;
}

static bool replay_one(struct check *check, const struct chain *chain, struct snapshot **snapshot, struct err *err)
{
	struct snapshot *const *snapshots;
	if (!replay_at(check, chain, &chain->n, 1, &snapshots, err))
		return false;
	*snapshot = snapshots[0];
	return true;
}

// Replays what is applied and what the repository has; one replay where the first is how the second begins.
static bool replay_both(struct check *check, struct err *err)
{
	check->prefix = is_prefix(&check->base_chain, &check->repo_chain);
	size_t stops[2] = { check->base_chain.n, check->repo_chain.n };
	if (check->prefix) {
		bool same = stops[0] == stops[1];
		struct snapshot *const *snapshots;
		if (!replay_at(check, &check->repo_chain, stops, same ? 1 : 2, &snapshots, err))
			return false;
		check->base = snapshots[0];
		check->head = snapshots[same ? 0 : 1];
		return true;
	}
	if (!replay_one(check, &check->repo_chain, &check->head, err))
		return false;
	if (replay_one(check, &check->base_chain, &check->base, err))
		return true;
	if (check->standings.n[STANDING_SKIPPED] == 0)
		return false;
	// a hole that the later ones cannot do without: replayed with the late migrations, whose effects then show as missing
	struct chain filled = chain_filled(check->arena, &check->set, &check->standings, &check->base_chain);
	log_info(check->run->log, "%s: the applied set does not run as it is (%s); replaying it with the late migrations", check->env->name,
	         err->text);
	if (!replay_one(check, &filled, &check->base, err))
		return false;
	check->base_chain = filled;
	return true;
}

// Effects.

static enum effects_role repo_role(const struct check *check, size_t i)
{
	static const enum effects_role roles[] = {
		[STANDING_APPLIED] = ROLE_APPLIED, [STANDING_PENDING] = ROLE_PENDING, [STANDING_SKIPPED] = ROLE_LATE,
		[STANDING_EDITED] = ROLE_EDITED, [STANDING_DIRTY] = ROLE_FAILED,
	};
	return roles[check->standings.of[i]];
}

static bool base_text_unknown(const struct check *check, const struct migration *migration)
{
	for (size_t i = 0; i < check->base_chain.n; i++) {
		const struct link *link = &check->base_chain.links[i];
		if (link->text_unknown && link->migration == migration)
			return true;
	}
	return false;
}

// The effects of a chain's migrations, one by one.
static bool effects_of(struct check *check, const struct chain *chain, const enum effects_role *roles, const bool *unknown,
                       struct effects **effects, struct err *err)
{
	size_t *stops = arena_array(check->arena, chain->n + 1, sizeof *stops);
	for (size_t i = 0; i <= chain->n; i++)
		stops[i] = i;
	struct snapshot *const *snapshots;
	if (!replay_at(check, chain, stops, chain->n + 1, &snapshots, err))
		return false;
	struct snapshot **aligned = arena_array(check->arena, chain->n + 1, sizeof *aligned);
	for (size_t i = 0; i <= chain->n; i++)
		aligned[i] = align_copy(&check->alignment, check->arena, snapshots[i], true);
	*effects = effects_compare(&check->comparer, chain_migrations(check->arena, chain), chain->n, aligned, roles, unknown);
	return true;
}

static bool read_effects(struct check *check, struct err *err)
{
	size_t n = check->repo_chain.n;
	enum effects_role *roles = arena_array(check->arena, n, sizeof *roles);
	bool *unknown = arena_array(check->arena, n, sizeof *unknown);
	for (size_t i = 0; i < n; i++) {
		roles[i] = repo_role(check, i);
		unknown[i] = base_text_unknown(check, check->repo_chain.links[i].migration);
	}
	if (!effects_of(check, &check->repo_chain, roles, unknown, &check->repo_effects, err))
		return false;
	if (check->prefix) {
		check->base_effects = check->repo_effects;
		return true;
	}
	enum effects_role *base_roles = arena_array(check->arena, check->base_chain.n, sizeof *base_roles);
	for (size_t i = 0; i < check->base_chain.n; i++) {
		const struct link *link = &check->base_chain.links[i];
		base_roles[i] = link->foreign ? ROLE_FOREIGN : link->late ? ROLE_LATE : ROLE_APPLIED;
	}
	return effects_of(check, &check->base_chain, base_roles, NULL, &check->base_effects, err);
}

// Questions.

static bool ask_scratch(struct scratch *scratch, void *argument, struct err *err)
{
	struct check *check = argument;
	return round_trip(&check->comparer, check->base, scratch, check->server, check->envs->cache, check->run->log, err);
}

static bool answer_questions(struct check *check, bool *answered, struct err *err)
{
	*answered = false;
	size_t n_open = 0;
	for (size_t i = 0; i < check->comparer.n_questions; i++)
		n_open += !check->comparer.questions[i]->answered;
	if (n_open == 0)
		return true;
	*answered = true;
	if (!scratch_find(&check->envs->scratch, check->live->engine, check->live->major, check->arena, &check->server, err))
		return false;
	if (round_trip_recall(&check->comparer, check->base, check->server, check->envs->cache) == 0)
		return true;
	struct replay_request whole = request(check, &check->base_chain);
	whole.visit = ask_scratch;
	whole.argument = check;
	return replays_visit(check->envs->servers, check->arena, &whole, err);
}

// Untracked environments: how far they are follows from what is there. Migrations at the end of the order of which nothing is
// there are pending; what is missing of earlier ones is for the classification.
static bool guess_applied(struct check *check, struct err *err)
{
	size_t n = check->repo_chain.n, n_applied = 0;
	const unsigned groups = check->comparer.groups; // roles cannot be compared before it is known what is applied
	check->comparer.groups &= ~(1u << GROUP_OWNER | 1u << GROUP_ACL);
	if (check->live->n_objects > (check->live->engine == ENGINE_POSTGRESQL ? 1 : 0)) { // more than the schema public
		enum effects_role *roles = arena_array(check->arena, n, sizeof *roles);
		struct effects *effects;
		if (!effects_of(check, &check->repo_chain, roles, NULL, &effects, err))
			return false;
		size_t *n_missing = arena_array(check->arena, n, sizeof *n_missing), *n_effects = arena_array(check->arena, n, sizeof *n_effects);
		effects_missing(&check->comparer, effects, n, check->live, n_missing, n_effects);
		for (size_t i = 0; i < n; i++) {
			if (n_missing[i] < n_effects[i])
				n_applied = i + 1;
		}
		while (n_applied > 0 && n_applied < n && effects[n_applied].changes.n == 0) // nothing to be seen of them either way
			n_applied++;
	}
	check->comparer.groups = groups;
	check->base_chain = check->repo_chain;
	check->base_chain.n = n_applied;
	for (size_t i = 0; i < n; i++) {
		enum standing standing = i < n_applied ? STANDING_APPLIED : STANDING_PENDING;
		check->standings.n[check->standings.of[i]]--;
		check->standings.n[standing]++;
		check->standings.of[i] = standing;
	}
	return true;
}

// Late migrations, in the words of their framework.
static const char *late_text(struct check *check)
{
	const struct framework *framework = check->set.framework;
	bool runs = framework->late == LATE_RUNS || check->set.settings.out_of_order;
	if (runs)
		return arena_printf(check->arena, "runs at the next `%s`", framework->deploy);
	if (framework->late_flag != NULL)
		return arena_printf(check->arena, "%s %s it without %s", framework->name, framework->late == LATE_REFUSES ? "refuses" : "never runs",
		                    framework->late_flag);
	return arena_printf(check->arena, "%s never runs it: give it a newer version, or apply it by hand", framework->name);
}

static const char *join(struct arena *arena, const char *const *items, size_t n)
{
	const char *list = NULL;
	for (size_t i = 0; i < n; i++)
		list = list == NULL ? items[i] : arena_printf(arena, "%s, %s", list, items[i]);
	return list;
}

// Applied versions whose effects cannot be known: lost ones, and those that are no SQL.
static const char *unknown_versions(struct check *check)
{
	const char *lost = join(check->arena, check->base_chain.lost, check->base_chain.n_lost);
	if (lost != NULL)
		return arena_printf(check->arena, "%s, which this checkout lacks", lost);
	for (size_t i = 0; i < check->base_chain.n; i++) {
		const struct migration *migration = check->base_chain.links[i].migration;
		if (migration->not_runnable != NULL)
			return arena_printf(check->arena, "%s, which is %s", migration->version, migration->not_runnable);
	}
	return NULL;
}

// Classifies until no question is open and the effects are known if they are needed.
static bool classify_all(struct check *check, struct classification *result, struct err *err)
{
	for (int round = 0;; round++) {
		const struct classify_input input = {
			.live = check->live, .base = check->base, .head = check->head, .effects_known = check->repo_effects != NULL,
			.applied = check->base_effects, .n_applied = check->base_chain.n, .repo = check->repo_effects, .n_repo = check->repo_chain.n,
			.untracked = !check->applied.tracked, .unknown = unknown_versions(check), .late_text = late_text(check),
			.late_runs = check->set.framework->late == LATE_RUNS || check->set.settings.out_of_order,
		};
		*result = classify(&check->comparer, &input);
		bool answered;
		if (round < QUESTION_ROUNDS_MAX && !answer_questions(check, &answered, err))
			return false;
		if (round < QUESTION_ROUNDS_MAX && answered)
			continue;
		if (!result->needs_effects)
			return true;
		if (!read_effects(check, err))
			return false;
	}
}

// A difference is looked at a second time at once, in a new snapshot, before it is believed.
static bool confirmed(struct check *check, const struct classification *result, bool *changed, struct err *err)
{
	*changed = false;
	if (result->n_findings == 0 || check->env->part != PART_ALL || !source_is_live(&check->env->source)) // tenants: see tenants.c
		return true;
	struct read_options options = env_read_options(check->run, check->env);
	size_t index = (size_t)(check->env - check->envs->items);
	servers_enter(check->envs->servers, index);
	struct snapshot *again = env_read(check->run, check->envs, check->env, &options, check->arena, err);
	servers_leave(check->envs->servers, index);
	if (again == NULL)
		return false;
	prepare(again, check);
	align(&check->alignment, again, false);
	struct comparer comparer;
	comparer_init(&comparer, check->arena, check->live->engine, check->groups);
	*changed = compare_snapshots(&comparer, check->live, again).n > 0;
	check->live = again;
	return true;
}

// What is there of the schema in which the version table lies, beside that table: then the migrations were run with it on the
// search path.
static void find_schema(struct check *check)
{
	const char *path[2];
	if (check->set.settings.schema != NULL || check->live->version.name == NULL || check->live->engine != ENGINE_POSTGRESQL ||
	    sql_name_split(check->arena, check->live->version.name, path, 2) != 2 || strcmp(path[0], "public") == 0)
		return;
	size_t first, n = snapshot_range(check->live, path, 1, &first);
	if (n > 1) // more than the schema itself; the version table is already taken out
		check->set.settings.schema = path[0];
}

static bool read_applied(struct check *check, struct err *err)
{
	const struct framework *framework = check->set.framework;
	if (framework->table == NULL)
		check->applied = (struct applied_set){ 0 };
	else if (!framework->applied(check->arena, &check->set, &check->live->version, &check->applied, err))
		return false;
	check->recorded = check->live->version;
	check->standings = standings_of(check->arena, &check->set, &check->applied);
	check->base_chain = chain_applied(check->arena, &check->set, &check->applied);
	check->repo_chain = chain_repo(check->arena, &check->set);
	return true;
}

// What is compared besides the structure: what was asked for, and what the migrations set, if it was read.
static void choose_groups(struct check *check)
{
	static const char *const words[GROUP_EVIDENCE] = {
		[GROUP_COMMENT] = "comments", [GROUP_COLUMN_ORDER] = "the order of columns", [GROUP_OWNER] = "owners",
		[GROUP_ACL] = "privileges", [GROUP_COSMETIC] = "cosmetics",
	};
	const struct grants *grants = check->env->grants;
	unsigned wanted = env_read_options(check->run, check->env).groups;
	check->groups = wanted & check->live->groups;
	for (unsigned group = GROUP_STRUCTURE + 1; group < GROUP_EVIDENCE; group++) {
		if (wanted & ~check->live->groups & 1u << group)
			check_note(check, "%s are not compared: the snapshot was taken without --include %s", words[group], attr_group_names[group]);
		else if (grants != NULL && grants->first[group] != NULL && !(check->run->options->groups & 1u << group) && check->run->options->verbose)
			check_note(check, "%s are compared, since migrations set them (the first: %s)", words[group], grants->first[group]);
	}
}

static bool run_check(struct check *check, struct classification *result, struct err *err)
{
	struct snapshot *live = check->live;
	choose_groups(check);
	const char *runner = align_runner(live);
	if (runner != NULL && check->env->grants != NULL && role_has(&check->env->grants->roles, runner))
		check->runner = runner;
	prepare(live, check);
	find_schema(check);
	comparer_init(&check->comparer, check->arena, live->engine, check->groups);
	if (!read_applied(check, err) || (!check->applied.tracked && !guess_applied(check, err)))
		return false;
	report_versions(check->run, check->report, &check->set, &check->applied, &check->standings, live->version.name);
	if (!replay_both(check, err))
		return false;
	align_find(&check->alignment, check->arena, check->groups, live, check->base, check->head);
	align(&check->alignment, live, false);
	check->base = align_copy(&check->alignment, check->arena, check->base, true);
	check->head = align_copy(&check->alignment, check->arena, check->head, true);
	for (int attempt = 0;; attempt++) {
		bool changed;
		if (!classify_all(check, result, err) || !confirmed(check, result, &changed, err))
			return false;
		if (!changed)
			break;
		if (attempt == RE_READS_MAX)
			return err_set(err, "changing", check->env->name, "run again when nobody changes the schema",
			               "the schema changed each time that it was read");
		if (!read_applied(check, err))
			return false;
		check->base_effects = check->repo_effects = NULL;
		comparer_init(&check->comparer, check->arena, live->engine, check->groups);
	}
	if (check->head->n_objects <= (live->engine == ENGINE_POSTGRESQL ? 1 : 0) && check->set.n_items > 0 && live->n_objects > check->head->n_objects)
		return err_set(err, "replay", check->set.folders[0], "check the path and the framework; `driftcheck replay` shows what is run",
		               "the migrations made no object at all, but the environment has some");
	return true;
}

void check_env(struct run *run, struct envs *envs, const struct env *env, struct snapshot *live, struct arena *arena,
               struct env_report *report)
{
	struct check check = { .run = run, .envs = envs, .env = env, .arena = arena, .report = report, .live = live, .set = *env->set };
	report->reached = true;
	report->complete = true;
	report->engine = live->engine;
	report->server = live->server;
	report->database = live->database;
	struct classification result = { 0 };
	struct err err;
	replays_trim(envs->replays);
	if (!run_check(&check, &result, &err))
		report_trouble(run, report, &err);
	check_report(&check, &result);
}

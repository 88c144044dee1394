// SPDX-License-Identifier: PostgreSQL
// The differ without a server: snapshots and effects are handed to it as data. Outlines are written as text, one object a
// line: `kind path[.path] attribute=value; attribute=value`.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "diff/align.h"
#include "diff/classify.h"
#include "diff/ignore.h"

static const char *trimmed(struct arena *arena, const char *start, const char *end)
{
	while (start < end && *start == ' ')
		start++;
	while (end > start && end[-1] == ' ')
		end--;
	return arena_strndup(arena, start, (size_t)(end - start));
}

// "column public.users.email type=text; not_null=true"
static void add_line(struct snapshot *snapshot, const char *line)
{
	struct arena *arena = snapshot->arena;
	const struct kind *kind = NULL;
	for (size_t i = 0; kinds[i] != NULL; i++) {
		size_t length = strlen(kinds[i]->name);
		if (strncmp(line, kinds[i]->name, length) == 0 && line[length] == ' ' && (kind == NULL || strlen(kind->name) < length))
			kind = kinds[i];
	}
	assert_non_null(kind);
	const char *c = line + strlen(kind->name) + 1;
	const char *path[3];
	unsigned n = 0;
	for (;;) {
		size_t length = strcspn(c, ". ");
		path[n++] = arena_strndup(arena, c, length);
		c += length;
		if (*c != '.')
			break;
		c++;
	}
	struct object *object = snapshot_add(snapshot, kind, path, n);
	while (*c != '\0') {
		const char *end = c + strcspn(c, ";"), *equals = memchr(c, '=', (size_t)(end - c));
		if (equals != NULL) {
			int attr = kind_attr(kind, trimmed(arena, c, equals));
			assert_true(attr >= 0);
			object->values[attr] = trimmed(arena, equals + 1, end);
		}
		c = *end == '\0' ? end : end + 1;
	}
}

static struct snapshot *outline_of(struct arena *arena, enum engine engine, const char *text)
{
	struct snapshot *snapshot = snapshot_new(arena, engine);
	for (const char *c = text; *c != '\0';) {
		const char *end = c + strcspn(c, "\n");
		const char *line = trimmed(arena, c, end);
		if (*line != '\0')
			add_line(snapshot, line);
		c = *end == '\0' ? end : end + 1;
	}
	snapshot_sort(snapshot);
	return snapshot;
}

static struct snapshot *outline(struct arena *arena, const char *text)
{
	return outline_of(arena, ENGINE_POSTGRESQL, text);
}

// "class change kind name: attribute want>have, ...\n" for each finding, in their order.
static const char *shown(struct arena *arena, const struct classification *result)
{
	auto_buf text = BUF_INIT;
	for (size_t i = 0; i < result->n_findings; i++) {
		const struct finding *finding = result->findings[i];
		buf_addf(&text, "%s %s %s %s:", finding_class_names[finding->class], change_names[finding->change], finding->object->kind->name,
		         finding->name);
		for (size_t j = 0; j < finding->n_attrs; j++) {
			const struct finding_attr *attr = &finding->attrs[j];
			buf_addf(&text, " %s %s>%s", finding->object->kind->attrs[attr->attr].name, attr->want == NULL ? "-" : attr->want,
			         attr->have == NULL ? "-" : attr->have);
		}
		buf_addc(&text, '\n');
	}
	return buf_copy(&text, arena);
}

// One migration for each outline: what it makes of the one before. The first starts from nothing.
static struct effects *effects_of(struct comparer *comparer, const char *const *outlines, const enum effects_role *roles, size_t n)
{
	struct effects *effects = arena_array(comparer->arena, n, sizeof *effects);
	struct snapshot *before = outline_of(comparer->arena, comparer->engine, "schema public");
	for (size_t i = 0; i < n; i++) {
		struct snapshot *after = outline_of(comparer->arena, comparer->engine, outlines[i]);
		effects[i] = (struct effects){ .version = arena_printf(comparer->arena, "%04zu", i + 1), .label = "x", .role = roles[i],
		                               .before = before, .after = after, .changes = compare_snapshots(comparer, before, after) };
		before = after;
	}
	return effects;
}

enum { MIGRATIONS_MAX = 6 };

struct scenario {
	const char *name;
	const char *after[MIGRATIONS_MAX]; // the outline after each migration; the applied ones first
	size_t n_applied;
	enum effects_role roles[MIGRATIONS_MAX]; // of those that are not applied; 0 stands for pending
	const char *live;
	const char *want; // see shown()
	const char *evidence; // of the first finding, or NULL for any
};

#define P "schema public\n"
#define T1 P "table public.t\ncolumn public.t.a type=integer\n"
#define T2 T1 "column public.t.b type=text\n"

static const struct scenario scenarios[] = {
	{ "clean", { T1 }, 1, { 0 }, T1, "", NULL },
	{ "version skew: pending makes it", { T1, T2 }, 1, { 0 }, T1, "version-skew removed column public.t.b: type text>-\n", NULL },
	{ "hand edit: altered", { T1, T2 }, 2, { 0 }, P "table public.t\ncolumn public.t.a type=bigint\ncolumn public.t.b type=text\n",
	  "hand-edit altered column public.t.a: type integer>bigint\n", NULL },
	{ "hand edit: added", { T1 }, 1, { 0 }, T2, "hand-edit added column public.t.b: type ->text\n", NULL },
	{ "hand edit: removed, the rest of the migration is there", { T1, T1 "column public.t.b\nindex public.t.i\n" }, 2, { 0 },
	  T1 "column public.t.b\n", "hand-edit removed index public.t.i:\n", "1 of 2 effects of 0002 are there: it ran" },
	{ "skipped: all effects are missing", { T1, T1 "column public.t.b\nindex public.t.i\n" }, 2, { 0 }, T1,
	  "skipped removed column public.t.b:\nskipped removed index public.t.i:\n",
	  "0002 is recorded as applied, but 2 of 2 effects are missing" },
	{ "skipped: a single effect cannot be told from an undone one", { T1, T2 }, 2, { 0 }, T1,
	  "skipped removed column public.t.b: type text>-\n",
	  "0002 is recorded as applied, but its only effect is missing: never run, or undone by hand" },
	{ "skipped: a drop that never ran", { T2, T1 }, 2, { 0 }, T2, "skipped added column public.t.b: type ->text\n", NULL },
	{ "hand edit: more dropped columns than the replay has", { T1, T2 }, 2, { 0 },
	  P "table public.t dropped_columns=1\ncolumn public.t.a type=integer\n", "hand-edit removed column public.t.b: type text>-\n", NULL },
	{ "hand edit: a column dropped by hand proves that its migration ran", { T1, T2 "index public.t.i\n" }, 2, { 0 },
	  P "table public.t dropped_columns=1\ncolumn public.t.a type=integer\n",
	  "hand-edit removed column public.t.b: type text>-\nhand-edit removed index public.t.i:\n", NULL },
	{ "skipped: one dropped column does not account for two that are missing", { T1, T2, T2 "column public.t.c\n" }, 3, { 0 },
	  P "table public.t dropped_columns=1\ncolumn public.t.a type=integer\n",
	  "skipped removed column public.t.b: type text>-\nskipped removed column public.t.c:\n", NULL },
	{ "hand edit: dropped although later ones built on it", { T1, T2, T2 "index public.t.i\ntable public.u\n" }, 3, { 0 },
	  P "table public.u\n", "hand-edit removed table public.t:\n", NULL },
	{ "hand edit: a table is gone on which a later migration built", { T1, T1 "table public.u\ncolumn public.u.x\n",
	    T1 "table public.u\ncolumn public.u.x\nindex public.u.i\nview public.v definition=select x from u\n" }, 3, { 0 }, T1,
	  "hand-edit removed table public.u:\nhand-edit removed view public.v: definition select x from u>-\n", NULL },
	{ "collision: the environment has something else of the name that a pending one makes", { T1, T1 "index public.t.i columns=a\n" }, 1, { 0 },
	  T1 "index public.t.i columns=b\n", "collision altered index public.t.i: columns a>b\n", NULL },
	{ "skipped: a late migration", { T1, T1 "index public.t.i\n" }, 1, { 0, ROLE_LATE }, T1, "skipped removed index public.t.i:\n",
	  "0002 sorts below the newest applied migration and has not run; LATE" },
	{ "ahead: the environment has what a pending one makes", { T1, T2 }, 1, { 0 }, T2, "ahead added column public.t.b: type ->text\n", NULL },
	{ "ahead: left by a failed one", { T1, T2 }, 1, { 0, ROLE_FAILED }, T2, "ahead added column public.t.b: type ->text\n",
	  "left by the failed 0002" },
	{ "collision: a hand edit of what a pending one changes", { T1, P "table public.t\ncolumn public.t.a type=text\n" }, 1, { 0 },
	  P "table public.t\ncolumn public.t.a type=bigint\n", "collision altered column public.t.a: type text>bigint\n", NULL },
	{ "collision: a hand edit beneath something that a pending one drops", { T1, P }, 1, { 0 }, T2,
	  "collision added column public.t.b: type ->text\nversion-skew added table public.t:\n", NULL },
	{ "edited: the new text never ran", { T1, T2 }, 1, { 0, ROLE_EDITED }, T1, "skipped removed column public.t.b: type text>-\n",
	  "0002 was edited after it was applied here; the new text never ran" },
	{ "implied: a table dropped by hand takes its columns along", { T2, T2 "table public.u\ncolumn public.u.x type=integer\n" }, 2, { 0 },
	  T2, "skipped removed table public.u:\n", NULL },
	{ "implied: a schema that the repository never names is one finding", { T1 }, 1, { 0 },
	  T1 "schema audit\ntable audit.log\ncolumn audit.log.x type=integer\n", "hand-edit added schema audit:\n", NULL },
	{ "implied: an owned sequence goes with its column", { T1 }, 1, { 0 },
	  T1 "column public.t.id type=bigint\nsequence public.t_id_seq type=bigint; owned_by=public.t.id\n",
	  "hand-edit added column public.t.id: type ->bigint\n", NULL },
	{ "implied: a partition detached by hand has columns of its own from then on",
	  { P "table public.p partition_key=RANGE (at)\ncolumn public.p.at\ntable public.p1 partition_of=public.p\n" }, 1, { 0 },
	  P "table public.p partition_key=RANGE (at)\ncolumn public.p.at\ntable public.p1\ncolumn public.p1.at\n",
	  "hand-edit altered table public.p1: partition_of public.p>-\n", NULL },
	{ "implied: a view's columns follow those that it reads", { T1 "view public.v definition=select a from t; columns=a integer\n" }, 1, { 0 },
	  P "table public.t\ncolumn public.t.a type=bigint\nview public.v definition=select a from t; columns=a bigint\n",
	  "hand-edit altered column public.t.a: type integer>bigint\n", NULL },
	{ "a view's columns that follow from nothing else are said", { T1 "view public.v definition=select a from t; columns=a integer\n" }, 1, { 0 },
	  T1 "view public.v definition=select a from t; columns=a bigint\n", "hand-edit altered view public.v: columns a integer>a bigint\n", NULL },
	{ "a composite type's attributes follow from nothing", { T1 "composite type public.c attributes=x integer\n" }, 1, { 0 },
	  P "table public.t\ncolumn public.t.a type=bigint\ncomposite type public.c attributes=x integer, y integer\n",
	  "hand-edit altered composite type public.c: attributes x integer>x integer, y integer\nhand-edit altered column public.t.a: type integer>bigint\n", NULL },
	{ "partitions made at run time are no drift", { P "table public.p partition_key=RANGE (at)\n" }, 1, { 0 },
	  P "table public.p partition_key=RANGE (at)\ntable public.p1 partition_of=public.p\ntable public.p2 partition_of=public.p\n", "", NULL },
	{ "white space between tokens", { P "table public.t\nconstraint public.t.c expression=(a  >\t0)\n" }, 1, { 0 },
	  P "table public.t\nconstraint public.t.c expression=(a > 0)\n", "", NULL },
	{ "evidence attributes never differ", { P "table public.t dropped_columns=3\n" }, 1, { 0 }, P "table public.t\n", "", NULL },
};

static const char *differs(struct arena *arena, const struct scenario *scenario)
{
	struct comparer comparer;
	comparer_init(&comparer, arena, ENGINE_POSTGRESQL, 0);
	size_t n = 0;
	enum effects_role roles[MIGRATIONS_MAX];
	for (; n < MIGRATIONS_MAX && scenario->after[n] != NULL; n++)
		roles[n] = n < scenario->n_applied ? ROLE_APPLIED : scenario->roles[n] == 0 ? ROLE_PENDING : scenario->roles[n];
	const struct effects *effects = effects_of(&comparer, scenario->after, roles, n);
	struct classify_input input = {
		.live = outline(arena, scenario->live),
		.base = outline(arena, scenario->after[scenario->n_applied - 1]),
		.head = outline(arena, scenario->after[n - 1]),
		.applied = effects, .repo = effects, .n_applied = scenario->n_applied, .n_repo = n, .late_text = "LATE",
	};
	struct classification result = classify(&comparer, &input);
	if (result.needs_effects != (*scenario->want != '\0'))
		return "asks for effects where nothing differs, or does not ask";
	input.effects_known = true;
	result = classify(&comparer, &input);
	const char *have = shown(arena, &result);
	if (strcmp(have, scenario->want) != 0)
		return have;
	if (scenario->evidence != NULL && (result.findings[0]->evidence == NULL || strcmp(result.findings[0]->evidence, scenario->evidence) != 0))
		return result.findings[0]->evidence == NULL ? "no evidence" : result.findings[0]->evidence;
	return NULL;
}

static void classification_follows_the_table(void **state)
{
	(void)state;
	int n_failed = 0;
	for (size_t i = 0; i < sizeof scenarios / sizeof *scenarios; i++) {
		auto_arena arena = arena_new();
		const char *difference = differs(arena, &scenarios[i]);
		if (difference != NULL) {
			print_error("%s: want\n%sbut have\n%s\n", scenarios[i].name, scenarios[i].want, difference);
			n_failed++;
		}
	}
	assert_int_equal(n_failed, 0);
}

static void unknown_versions_put_hand_edits_in_doubt(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct comparer comparer;
	comparer_init(&comparer, arena, ENGINE_POSTGRESQL, 0);
	const char *const after[] = { T1 };
	const enum effects_role roles[] = { ROLE_APPLIED };
	const struct effects *effects = effects_of(&comparer, after, roles, 1);
	const struct classify_input input = { .live = outline(arena, T2), .base = outline(arena, T1), .head = outline(arena, T1), .effects_known = true,
	                                      .applied = effects, .repo = effects, .n_applied = 1, .n_repo = 1,
	                                      .unknown = "0043, which this checkout lacks" };
	const struct classification result = classify(&comparer, &input);
	assert_string_equal(shown(arena, &result), "version-skew added column public.t.b: type ->text\n");
	assert_int_equal(result.findings[0]->severity, SEVERITY_WARN);
	assert_string_equal(result.findings[0]->evidence, "0043, which this checkout lacks, or a hand");
}

static void unread_values_are_neither_equal_nor_different(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct comparer comparer;
	comparer_init(&comparer, arena, ENGINE_POSTGRESQL, 0);
	struct snapshot *live = outline(arena, P "table public.t\nconstraint public.t.c expression=x\n");
	struct snapshot *base = outline(arena, P "table public.t\nconstraint public.t.c expression=(a > 0)\n");
	live->objects[2]->values[kind_attr(live->objects[2]->kind, "expression")] = VALUE_UNREAD;
	const struct classify_input input = { .live = live, .base = base, .head = base };
	const struct classification result = classify(&comparer, &input);
	assert_false(result.needs_effects);
	assert_int_equal(compare_snapshots(&comparer, live, base).n, 0);
}

static void texts_that_only_a_server_can_judge_are_questions(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct comparer comparer;
	comparer_init(&comparer, arena, ENGINE_POSTGRESQL, 0);
	struct snapshot *a = outline(arena, P "table public.t\nconstraint public.t.c expression=(a)::text\n");
	struct snapshot *b = outline(arena, P "table public.t\nconstraint public.t.c expression=a::text\n");
	assert_int_equal(compare_snapshots(&comparer, a, b).n, 1);
	assert_int_equal(comparer.n_questions, 1);
	assert_int_equal(compare_snapshots(&comparer, a, b).n, 1);
	assert_int_equal(comparer.n_questions, 1);
	comparer.questions[0]->answered = comparer.questions[0]->equal = true;
	assert_int_equal(compare_snapshots(&comparer, a, b).n, 0);
}

static void tokens_fold_white_space_only_outside_quotes(void **state)
{
	(void)state;
	static const struct { const char *a, *b; bool equal; } cases[] = {
		{ "a  +b", "a + b", true }, { "a b", "ab", false }, { "'a  b'", "'a b'", false }, { "\"a  b\"", "\"a b\"", false },
		{ "$x$ a  b $x$", "$x$ a b $x$", false }, { "'it''s'  || x", "'it''s' ||x", true }, { "1.5", "1 .5", false },
		{ "f( a )", "f(a)", true }, { "a\n=\tb", "a = b", true }, { "", " ", true }, { "a", "a b", false },
		{ "$1 + x", "$1+x", true }, { "'unended", "'unended ", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_int_equal(normalise_compare(FORM_EXPRESSION, cases[i].a, cases[i].b) != RUNG_DIFFERENT, cases[i].equal);
	assert_int_equal(normalise_compare(FORM_BODY, "a  b", "a b"), RUNG_DIFFERENT);
	assert_int_equal(normalise_compare(FORM_TEXT, NULL, NULL), RUNG_SAME);
	assert_int_equal(normalise_compare(FORM_TEXT, NULL, ""), RUNG_DIFFERENT);
}

// What align makes of one attribute of an object in an environment and in a replay, which ran as the role `replay`.
static void assert_aligned(const char *live, const char *base, const char *path, int attr, const char *have, const char *want)
{
	auto_arena arena = arena_new();
	struct snapshot *there = outline(arena, live), *made = outline(arena, base);
	const char *parts[] = { "public", path };
	const unsigned n = path == NULL ? 1 : 2;
	there->major = 15;
	made->major = 16;
	there->reader = "looker";
	made->runner = "replay";
	there->groups = made->groups = GROUPS_ALL;
	struct alignment alignment;
	align_find(&alignment, arena, 1u << GROUP_OWNER | 1u << GROUP_ACL, there, made, made);
	for (int i = 0; i < 2; i++) { // a second time changes nothing
		align(&alignment, there, false);
		align(&alignment, made, true);
		const char *had = snapshot_find(there, path == NULL ? &kind_schema : &kind_table, parts, n)->values[attr];
		const char *made_so = snapshot_find(made, path == NULL ? &kind_schema : &kind_table, parts, n)->values[attr];
		assert_string_equal(had == NULL ? "-" : had, have);
		assert_string_equal(made_so == NULL ? "-" : made_so, want);
	}
}

static void roles_are_aligned(void **state)
{
	(void)state;
	static const char two[] = "table public.a owner=app\ntable public.b owner=app\n", made[] = "table public.a owner=replay\ntable public.b owner=replay\n";
	assert_aligned(two, made, "a", ATTR_OWNER, "-", "-"); // whoever runs the migrations
	assert_aligned("table public.a owner=app\ntable public.b owner=app\ntable public.c owner=other", // a hand gave one away
	               "table public.a owner=replay\ntable public.b owner=replay\ntable public.c owner=replay", "c", ATTR_OWNER, "other", "-");
	assert_aligned("table public.a owner=app\ntable public.b owner=shop", // the migrations did
	               "table public.a owner=replay\ntable public.b owner=shop", "b", ATTR_OWNER, "shop", "shop");
	assert_aligned("table public.a owner=app\ntable public.b owner=other",
	               "table public.a owner=replay\ntable public.b owner=shop", "b", ATTR_OWNER, "other", "shop");
	assert_aligned("table public.a owner=app\ntable public.b owner=x\ntable public.c owner=x\ntable public.d owner=x", // all of it
	               "table public.a owner=replay\ntable public.b owner=y\ntable public.c owner=y\ntable public.d owner=y", "b", ATTR_OWNER, "x", "x");
	assert_aligned("table public.a owner=app\ntable public.b owner=x\ntable public.c owner=x\ntable public.d owner=y", // but for one
	               "table public.a owner=replay\ntable public.b owner=y\ntable public.c owner=y\ntable public.d owner=y", "b", ATTR_OWNER, "x", "y");
}

static void privileges_are_aligned(void **state)
{
	(void)state;
	// granted to who owns it all there
	assert_aligned("table public.a owner=app", "table public.a owner=replay; privileges=app: SELECT", "a", ATTR_PRIVILEGES, "-", "-");
	assert_aligned("table public.a owner=app\ntable public.b owner=shop; privileges=app: SELECT",
	               "table public.a owner=replay\ntable public.b owner=shop; privileges=app: SELECT", "b", ATTR_PRIVILEGES, "app: SELECT", "app: SELECT");
	assert_aligned("table public.a owner=app\ntable public.b owner=shop; privileges=app: SELECT",
	               "table public.a owner=replay\ntable public.b owner=shop; privileges=replay: SELECT", "b", ATTR_PRIVILEGES, "app: SELECT", "app: SELECT");
	// who looks needs some, unless the migrations give some
	assert_aligned("table public.a owner=app; privileges=looker: SELECT", "table public.a owner=replay", "a", ATTR_PRIVILEGES, "-", "-");
	assert_aligned("table public.a owner=app; privileges=looker: DELETE, SELECT", "table public.a owner=replay; privileges=looker: SELECT", "a",
	               ATTR_PRIVILEGES, "looker: DELETE, SELECT", "looker: SELECT");
	// what one of the two servers does not know
	assert_aligned("table public.a owner=app; privileges=x: SELECT", "table public.a owner=replay; privileges=x: MAINTAIN, SELECT", "a",
	               ATTR_PRIVILEGES, "x: SELECT", "x: SELECT");
	// the schema public: as made by 15, by an older server, and with rights for who runs the migrations
	assert_aligned("schema public owner=pg_database_owner; privileges=PUBLIC: CREATE", "schema public owner=pg_database_owner", NULL,
	               ATTR_PRIVILEGES, "PUBLIC: CREATE", "-");
	assert_aligned("schema public owner=postgres; privileges=PUBLIC: CREATE", "schema public owner=pg_database_owner", NULL,
	               ATTR_PRIVILEGES, "-", "-");
	assert_aligned("schema public owner=postgres; privileges=PUBLIC: no USAGE", "schema public owner=pg_database_owner", NULL,
	               ATTR_PRIVILEGES, "PUBLIC: no USAGE", "-");
	assert_aligned("schema public owner=pg_database_owner; privileges=app: CREATE\ntable public.a owner=app",
	               "schema public owner=pg_database_owner\ntable public.a owner=replay", NULL, ATTR_PRIVILEGES, "-", "-");
	assert_aligned("schema public owner=postgres", "schema public owner=pg_database_owner", NULL, ATTR_OWNER, "-", "-");
}

static void ignored_objects_take_their_children_along(void **state)
{
	(void)state;
	static const char everything[] = P "schema audit\ntable audit.log\ncolumn audit.log.x\ntable public.tmp_1\ncolumn public.tmp_1.id\n"
		"sequence public.tmp_1_id_seq owned_by=public.tmp_1.id\nview public.tmp_v\ntable public.kept\ncolumn public.kept.a\n";
	static const struct { const char *pattern; size_t n_left; } cases[] = {
		{ "audit.*", 7 }, { "audit", 7 }, { "table:public.tmp_*", 7 }, { "public.tmp_*", 6 }, { "column:public.kept.*", 9 },
		{ "nothing", 10 }, { "*", 0 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		auto_arena arena = arena_new();
		struct snapshot *snapshot = outline(arena, everything);
		ignore_apply(snapshot, &cases[i].pattern, 1);
		assert_int_equal(snapshot->n_objects, cases[i].n_left);
	}
}

static void sqlite_names_compare_without_case(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct comparer comparer;
	comparer_init(&comparer, arena, ENGINE_SQLITE, 0);
	struct snapshot *a = outline_of(arena, ENGINE_SQLITE, "table Users\ncolumn Users.Id type=INTEGER\n");
	struct snapshot *b = outline_of(arena, ENGINE_SQLITE, "table users\ncolumn users.id type=INTEGER\n");
	assert_int_equal(compare_snapshots(&comparer, a, b).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classification_follows_the_table),
		cmocka_unit_test(unknown_versions_put_hand_edits_in_doubt),
		cmocka_unit_test(unread_values_are_neither_equal_nor_different),
		cmocka_unit_test(texts_that_only_a_server_can_judge_are_questions),
		cmocka_unit_test(tokens_fold_white_space_only_outside_quotes),
		cmocka_unit_test(roles_are_aligned), cmocka_unit_test(privileges_are_aligned),
		cmocka_unit_test(ignored_objects_take_their_children_along),
		cmocka_unit_test(sqlite_names_compare_without_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

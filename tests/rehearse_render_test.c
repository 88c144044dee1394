// SPDX-License-Identifier: PostgreSQL
// The reports of a rehearsal, rendered from made-up measurements: goldens of the text and the Markdown (UPDATE=1 rewrites them), pages
// that html_check.py reads, names that try to break out, and the axis of time. PAGES=DIR keeps the pages, to be looked at.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "rehearse/show/html.h"
#include "rehearse/show/render.h"
#include "rehearse/verdict.h"

#define LENGTH(array) (sizeof array / sizeof *array)
#define AX "AccessExclusiveLock"

// A release under way: what is added to it runs at the present time.
struct release {
	struct arena *arena;
	struct step steps[64];
	size_t n;
	struct clone_table tables[8];
	size_t n_tables;
	double now_ms;
	int transaction;
	const char *version, *label, *file;
};

static struct step *add(struct release *release, unsigned line, const char *sql, double ms)
{
	struct step *step = &release->steps[release->n++];
	*step = (struct step){ .version = release->version, .label = release->label, .file = line > 0 ? release->file : NULL, .line = line, .sql = sql,
	                       .transaction = release->transaction, .start_ms = release->now_ms, .duration_ms = ms, .growth = GROWTH_CONSTANT,
	                       .predicted_ms = ms, .predicted_error_ms = 5, .success_rate = -1 };
	release->now_ms += ms + 0.4;
	return step;
}

static void begin(struct release *release, const char *version, const char *name)
{
	release->version = version;
	release->label = arena_printf(release->arena, "%s_%s.sql", version, name);
	release->file = arena_printf(release->arena, "db/migrations/%s", release->label);
	release->now_ms += 240; // the tries of locks
	release->transaction++;
	add(release, 0, "BEGIN", 0.1);
}

static void end(struct release *release)
{
	add(release, 0, "INSERT INTO schema_migrations (version) VALUES ('x')", 0.3);
	add(release, 0, "COMMIT", 2.1);
}

// A lock that the step takes `after` its start and keeps for so long.
static void lock(struct release *release, struct step *step, const char *relation, const char *mode, double after_ms, double held_ms, double wait_ms)
{
	struct step_lock *locks = arena_array(release->arena, step->n_locks + 1, sizeof *locks);
	if (step->n_locks > 0)
		memcpy(locks, step->locks, step->n_locks * sizeof *locks);
	locks[step->n_locks++] = (struct step_lock){ relation, mode, step->start_ms + after_ms, held_ms, wait_ms };
	step->locks = locks;
}

static struct step_victim *victim(struct release *release, struct step *step, const char *relation, enum operation operation, size_t n_tries,
                                  size_t n_blocked, double max_ms, double p99_ms)
{
	struct step_victim *victims = arena_array(release->arena, step->n_victims + 1, sizeof *victims);
	if (step->n_victims > 0)
		memcpy(victims, step->victims, step->n_victims * sizeof *victims);
	victims[step->n_victims] = (struct step_victim){
		.relation = relation, .operation = operation, .n_tries = n_tries, .n_blocked = n_blocked, .max_ms = max_ms, .p99_ms = p99_ms,
		.baseline_p99_ms = operation == OPERATION_READ ? 0.6 : 1.8,
	};
	step->victims = victims;
	return &victims[step->n_victims++];
}

static void table(struct release *release, const char *name, long long rows, long long bytes, long long rows_of_env, const char *rests_on)
{
	release->tables[release->n_tables++] = (struct clone_table){ name, rows, bytes, rows_of_env, rests_on };
}

// A statement that takes a lock for a moment, and that somebody meets.
static void harmless(struct release *release, unsigned line, const char *sql, double ms, const char *relation, const char *mode)
{
	struct step *step = add(release, line, sql, ms);
	lock(release, step, relation, mode, 0.1, ms + 3, 0);
	victim(release, step, relation, OPERATION_READ, 2, lock_blocks(mode, OPERATION_READ), 4.1, 4.1);
	victim(release, step, relation, OPERATION_WRITE, 2, 1, 5.3, 5.3);
}

static const struct thresholds limits = { .lock_timeout_ms = 2000, .statement_timeout_ms = 60000 };

static struct rehearsal *finish(struct release *release)
{
	struct rehearsal *rehearsal = arena_alloc(release->arena, sizeof *rehearsal);
	*rehearsal = (struct rehearsal){ .env = "prod", .clone_kind = "synthetic", .lock_timeout_ms = 2000, .statement_timeout_ms = 60000,
	                                 .limits_from = "driftcheck.conf", .started = "2026-11-20T07:00:00Z", .duration_ms = release->now_ms };
	rehearsal->steps = release->steps;
	rehearsal->n_steps = release->n;
	rehearsal->tables = release->tables;
	rehearsal->n_tables = release->n_tables;
	return rehearsal;
}

static struct release *release_new(struct arena *arena)
{
	struct release *release = arena_alloc(arena, sizeof *release);
	*release = (struct release){ .arena = arena };
	table(release, "public.users", 1200000, 190LL << 20, 1200000, NULL);
	table(release, "public.orders", 5000000, 812LL << 20, 5000000, NULL);
	table(release, "public.events", 900000, 131LL << 20, 900000, "pg_stats cannot be read: rows and widths from reltuples and relpages");
	table(release, "public.invoices", 42, 8192, 42, NULL);
	return release;
}

// Ten migrations: one changes a type (rewrites 5 million rows under an exclusive lock), one validates a foreign key in the same
// transaction as a cheap statement that takes the stronger lock, one waits behind a long reader.
static struct rehearsal *dangerous(struct arena *arena)
{
	struct release *release = release_new(arena);
	begin(release, "0041", "vip");
	harmless(release, 1, "ALTER TABLE public.users ADD COLUMN vip boolean DEFAULT false NOT NULL", 2.2, "public.users", AX);
	end(release);
	begin(release, "0042", "invoices");
	struct step *step = add(release, 1, "CREATE TABLE public.refunds (id bigint PRIMARY KEY, order_id bigint)", 6.5);
	static const char *made[] = { "public.refunds" };
	step->made = made;
	step->n_made = 1;
	lock(release, step, "public.refunds", AX, 0.1, 9, 0);
	harmless(release, 5, "ALTER TABLE public.invoices ALTER COLUMN note SET DEFAULT ''", 0.9, "public.invoices", AX);
	end(release);
	begin(release, "0043", "total_bigint");
	step = add(release, 3, "ALTER TABLE public.orders\n\tALTER COLUMN total TYPE bigint", 38400);
	step->rows_read = 5000000;
	step->wal_bytes = 934LL << 20;
	step->temp_bytes = 118LL << 20;
	static const char *rewrites[] = { "public.orders" };
	step->rewrites = rewrites;
	step->n_rewrites = 1;
	step->growth = GROWTH_LINEAR;
	step->predicted_ms = 38400;
	step->predicted_error_ms = 900;
	step->n_tries = 5;
	step->success_rate = 1;
	lock(release, step, "public.orders", AX, 2, 38405, 0);
	lock(release, step, "public.orders_pkey", AX, 31000, 7400, 0);
	victim(release, step, "public.orders", OPERATION_READ, 14, 3, 38398, 38398)->n_errors = 2;
	victim(release, step, "public.orders", OPERATION_WRITE, 11, 3, 38399, 38399);
	end(release);
	begin(release, "0044", "state_check");
	harmless(release, 1, "ALTER TABLE public.orders ADD CONSTRAINT orders_state_ck CHECK (state <> '') NOT VALID", 1.1, "public.orders", AX);
	end(release);
	begin(release, "0045", "index");
	step = add(release, 1, "CREATE INDEX CONCURRENTLY events_at_idx ON public.events (at)", 4700);
	step->rows_read = 1800000;
	step->growth = GROWTH_LINEAR;
	step->predicted_ms = 4700;
	step->predicted_error_ms = 120;
	lock(release, step, "public.events", "ShareUpdateExclusiveLock", 0.3, 4699, 0);
	victim(release, step, "public.events", OPERATION_READ, 611, 0, 7.2, 1.1);
	victim(release, step, "public.events", OPERATION_WRITE, 540, 0, 11, 3.4);
	begin(release, "0046", "email");
	step = add(release, 2, "ALTER TABLE public.users ALTER COLUMN email SET DEFAULT ''", 1412);
	step->lock_wait_ms = 1409;
	step->n_tries = 5;
	step->success_rate = 1;
	lock(release, step, "public.users", AX, 1409, 6, 1409);
	struct step_victim *behind = victim(release, step, "public.users", OPERATION_READ, 12, 2, 1405, 1405);
	behind->behind_waiting_ms = 2790;
	victim(release, step, "public.users", OPERATION_WRITE, 9, 2, 1402, 1402)->behind_waiting_ms = 2780;
	end(release);
	begin(release, "0047", "refund_fk");
	step = add(release, 1, "ALTER TABLE public.orders ADD COLUMN refund_id bigint", 1.8);
	double start_ms = step->start_ms;
	lock(release, step, "public.orders", AX, 0.2, 3103, 0);
	victim(release, step, "public.orders", OPERATION_READ, 9, 2, 3096, 3096);
	victim(release, step, "public.orders", OPERATION_WRITE, 8, 2, 3097, 3097);
	step = add(release, 2, "ALTER TABLE public.orders ADD CONSTRAINT orders_user_fk FOREIGN KEY (user_id) REFERENCES public.users (id)", 3090);
	step->rows_read = 6200000;
	step->growth = GROWTH_LINEAR;
	step->predicted_ms = 3090;
	step->predicted_error_ms = 40;
	lock(release, step, "public.orders", "ShareRowExclusiveLock", 0.3, 3100 - (step->start_ms - start_ms), 0);
	lock(release, step, "public.users", "ShareRowExclusiveLock", 0.4, 3100 - (step->start_ms - start_ms), 0);
	victim(release, step, "public.orders", OPERATION_READ, 9, 2, 3096, 3096);
	victim(release, step, "public.orders", OPERATION_WRITE, 8, 2, 3097, 3097);
	victim(release, step, "public.users", OPERATION_READ, 480, 0, 6.1, 0.8);
	victim(release, step, "public.users", OPERATION_WRITE, 7, 2, 3092, 3092);
	end(release);
	begin(release, "0048", "drop_default");
	harmless(release, 1, "ALTER TABLE public.users ALTER COLUMN vip DROP DEFAULT", 1, "public.users", AX);
	end(release);
	begin(release, "0049", "comment");
	add(release, 1, "COMMENT ON TABLE public.users IS 'people'", 0.4);
	end(release);
	begin(release, "0050", "view");
	add(release, 1, "CREATE VIEW public.paid AS SELECT id FROM public.orders WHERE state = 'paid'", 3.3);
	end(release);
	struct rehearsal *rehearsal = finish(release);
	static const char *notes[] = {
		"max_wal_size is 1GB here, 4GB in the environment: this machine has less memory",
		"public.events.payload is generated as plain text: its CHECK could not be satisfied, so the constraint was left out",
	};
	rehearsal->notes = notes;
	rehearsal->n_notes = LENGTH(notes);
	verdict_reach(arena, rehearsal, &limits);
	return rehearsal;
}

static struct rehearsal *clean(struct arena *arena)
{
	struct release *release = release_new(arena);
	begin(release, "0041", "vip");
	harmless(release, 1, "ALTER TABLE public.users ADD COLUMN vip boolean DEFAULT false NOT NULL", 2.2, "public.users", AX);
	end(release);
	begin(release, "0042", "refunds");
	struct step *step = add(release, 1, "CREATE TABLE public.refunds (id bigint PRIMARY KEY)", 6.5);
	static const char *made[] = { "public.refunds" };
	step->made = made;
	step->n_made = 1;
	lock(release, step, "public.refunds", AX, 0.1, 9, 0);
	end(release);
	begin(release, "0043", "index");
	step = add(release, 1, "CREATE INDEX CONCURRENTLY events_at_idx ON public.events (at)", 4700);
	lock(release, step, "public.events", "ShareUpdateExclusiveLock", 0.3, 4699, 0);
	struct rehearsal *rehearsal = finish(release);
	verdict_reach(arena, rehearsal, &limits);
	return rehearsal;
}

// The third statement is refused; what comes after it did not run. Nothing limits anything.
static struct rehearsal *failing(struct arena *arena)
{
	struct release *release = release_new(arena);
	begin(release, "0041", "not_null");
	harmless(release, 1, "ALTER TABLE public.users ADD COLUMN vip boolean", 1.2, "public.users", AX);
	struct step *step = add(release, 2, "ALTER TABLE public.users ALTER COLUMN email SET NOT NULL", 412);
	step->error = "column \"email\" of relation \"users\" contains null values";
	step->sqlstate = "23502";
	step->growth = GROWTH_UNKNOWN;
	lock(release, step, "public.users", AX, 0.1, 413, 0);
	victim(release, step, "public.users", OPERATION_READ, 70, 6, 409, 409);
	struct rehearsal *rehearsal = finish(release);
	rehearsal->lock_timeout_ms = rehearsal->statement_timeout_ms = 0;
	rehearsal->limits_from = NULL;
	verdict_reach(arena, rehearsal, &(struct thresholds){ 0 });
	return rehearsal;
}

static struct rehearsal *in_trouble(struct arena *arena)
{
	struct rehearsal *rehearsal = failing(arena);
	struct err *trouble = arena_alloc(arena, sizeof *trouble);
	err_set(trouble, "watch", "db/migrations/0041_not_null.sql:2", "run it again; if it happens again, the server's log says more",
	        "the second connection was lost: server closed the connection unexpectedly");
	rehearsal->troubles = trouble;
	rehearsal->n_troubles = 1;
	rehearsal->verdict = REHEARSAL_TROUBLE;
	return rehearsal;
}

// A blocking statement of five minutes between those of a millisecond, and many statements that were felt.
static struct rehearsal *lopsided(struct arena *arena)
{
	struct release *release = release_new(arena);
	begin(release, "0041", "many");
	for (unsigned i = 0; i < 24; i++) {
		struct step *step = add(release, i + 1, "UPDATE public.users SET vip = false WHERE id % 24 = 1", i % 5 == 0 ? 640 : 3);
		lock(release, step, "public.users", "RowExclusiveLock", 0.1, 5000, 0);
		if (i % 5 == 0)
			victim(release, step, "public.users", OPERATION_WRITE, 60, 4, 400 + 60 * i, 380 + 50 * i);
	}
	end(release);
	begin(release, "0042", "index");
	struct step *step = add(release, 1, "CREATE INDEX orders_at_idx ON public.orders (at)", 304000);
	lock(release, step, "public.orders", "ShareLock", 0.1, 304004, 0);
	victim(release, step, "public.orders", OPERATION_READ, 40000, 0, 14, 1.2);
	victim(release, step, "public.orders", OPERATION_WRITE, 12, 9, 30000, 30000)->n_errors = 9;
	end(release);
	struct rehearsal *rehearsal = finish(release);
	verdict_reach(arena, rehearsal, &limits);
	return rehearsal;
}

// A statement in its place, and the run that it was in.
static struct step *replacing(struct release *again, const struct step *of, const char *sql, double ms, const char *mode)
{
	struct step *step = add(again, of->line, sql, ms);
	step->version = of->version;
	step->label = of->label;
	step->file = of->file;
	lock(again, step, "public.orders", mode, 0.2, ms, 0);
	return step;
}

static struct step_rewriting *rewrite(struct step *step, struct step *steps, size_t n)
{
	struct step_rewriting *rewriting = (struct step_rewriting *)step->rewriting;
	rewriting->steps = steps;
	rewriting->n_steps = rewriting->n_statements = n;
	rewriting->before = &step->locks[0];
	rewriting->after = lock_blocks(steps[0].locks[0].mode, OPERATION_WRITE) ? &steps[0].locks[0] : NULL;
	rewriting->schema = SCHEMA_EQUAL;
	return rewriting;
}

// Safer statements: an index, a constraint that ends in another schema, one that is refused, advice.
static struct rehearsal *rewritten(struct arena *arena)
{
	static const char *const differences[] = { "constraint public.orders.c: not valid differs" };
	struct release *release = release_new(arena), *again = release_new(arena);
	struct step *steps[4];
	begin(release, "0041", "orders");
	static const char *const sql[] = { "CREATE INDEX orders_at_idx ON public.orders (at)", "ALTER TABLE public.orders ADD CONSTRAINT c CHECK (total >= 0)",
	                                   "ALTER TABLE public.orders ADD UNIQUE (no)", "ALTER TABLE public.orders ALTER COLUMN total TYPE bigint" };
	static const char *const safer[] = { "-- outside of a transaction\nCREATE INDEX CONCURRENTLY orders_at_idx ON public.orders (at);",
	                                     "ALTER TABLE public.orders ADD CONSTRAINT c CHECK (total >= 0) NOT VALID;", "...;", "add a new column" };
	for (unsigned i = 0; i < LENGTH(steps); i++) {
		steps[i] = add(release, i + 1, sql[i], 4100);
		steps[i]->rows_read = 5000000;
		steps[i]->safer = safer[i];
		steps[i]->rewriting = arena_alloc(arena, sizeof *steps[i]->rewriting);
		lock(release, steps[i], "public.orders", i == 0 ? "ShareLock" : AX, 0.2, 4100, 0);
	}
	end(release);
	struct rehearsal *rehearsal = finish(release);
	struct step *index = replacing(again, steps[0], "CREATE INDEX CONCURRENTLY orders_at_idx ON public.orders (at)", 9000, "ShareUpdateExclusiveLock");
	struct step *check = replacing(again, steps[1], "ALTER TABLE public.orders ADD CONSTRAINT c CHECK (total >= 0) NOT VALID", 2.4, AX);
	for (size_t i = 2; i < LENGTH(steps); i++)
		replacing(again, steps[i], steps[i]->sql, 4100, AX);
	rewrite(steps[0], index, 1)->file = "out of this one, into a migration of its own, which says `-- +goose NO TRANSACTION`";
	struct step_rewriting *other = rewrite(steps[1], check, 1);
	other->schema = SCHEMA_DIFFERENT;
	other->differences = differences;
	other->n_differences = LENGTH(differences);
	other->file = "out of this one, into a migration of its own";
	((struct step_rewriting *)steps[2]->rewriting)->failure = "relation \"orders_no_key\" already exists (CREATE UNIQUE INDEX CONCURRENTLY ...)";
	((struct step_rewriting *)steps[3]->rewriting)->why_not = "it is advice, no statements that could be run";
	struct rewritten *result = arena_alloc(arena, sizeof *result);
	*result = (struct rewritten){ .run = *finish(again), .schema = SCHEMA_DIFFERENT, .differences = differences, .n_differences = LENGTH(differences),
	                              .n_replaced = 2, .n_runs = 2, .took_ms = 94000 };
	verdict_reach(arena, &result->run, &limits);
	verdict_reach(arena, rehearsal, &limits);
	rehearsal->rewritten = result;
	return rehearsal;
}

static const char *const hostile_texts[] = {
	"<script>alert(1)</script>", "</style><script>", "\"><img src=x onerror=alert(1)>", "' onmouseover='alert(1)", "</pre></details></body>",
	"&lt;b&gt; &amp; &#60;", "<!-- -->", "<![CDATA[", "]]>", "url(#x)", "a\nb\r\nc", "\x1b[31m", "admin\xe2\x80\xaetxt", "zero\xe2\x80\x8bwidth",
	"\xff\xfe raw", ("\xc2\x9b" "31m"), "\t", "", "`<b>`", "```\n```", "`", "@octocat", "#1", "| a | b |", "[x](javascript:alert(1))", "%s%n",
	"a_very_long_name_without_any_break_that_goes_on_and_on_and_on_and_on_until_no_lane_can_hold_it_any_more_and_then_some",
};

static struct rehearsal *hostile(struct arena *arena, const char *text)
{
	struct release *release = release_new(arena);
	release->tables[0].name = release->tables[0].rests_on = text;
	begin(release, text, text);
	release->label = release->file = text;
	for (int i = 0; i < 3; i++) {
		struct step *step = add(release, 1, text, 4000);
		lock(release, step, text, AX, 1000, 3000, 900);
		victim(release, step, text, OPERATION_READ, 5, 5, 3900, 3900);
		step->error = text;
		const char **names = arena_array(arena, 1, sizeof *names);
		*names = text;
		struct step_rewriting *rewriting = arena_alloc(arena, sizeof *rewriting);
		*rewriting = (struct step_rewriting){ .file = text, .failure = i == 0 ? text : NULL, .why_not = i == 1 ? text : NULL, .schema = SCHEMA_DIFFERENT,
		                                      .differences = names, .n_differences = 1 };
		step->rewriting = rewriting;
		step->rewrites = step->invalid_indexes = names;
		step->n_rewrites = step->n_invalid_indexes = 1;
	}
	struct rehearsal *rehearsal = finish(release);
	const char **notes = arena_array(arena, 1, sizeof *notes);
	*notes = text;
	rehearsal->notes = notes;
	rehearsal->n_notes = 1;
	rehearsal->env = rehearsal->limits_from = rehearsal->started = text;
	verdict_reach(arena, rehearsal, &limits);
	struct rewritten *rewritten = arena_alloc(arena, sizeof *rewritten);
	*rewritten = (struct rewritten){ .run = *rehearsal, .schema = SCHEMA_DIFFERENT, .differences = notes, .n_differences = 1, .why_not_compared = text, .n_runs = 1 };
	rehearsal->rewritten = rewritten;
	rehearsal->troubles = arena_alloc(arena, sizeof *rehearsal->troubles);
	err_set(rehearsal->troubles, "x", text, text, "%s", text);
	rehearsal->n_troubles = 1;
	return rehearsal;
}

static struct rehearsal *empty(struct arena *arena)
{
	struct rehearsal *rehearsal = arena_alloc(arena, sizeof *rehearsal);
	*rehearsal = (struct rehearsal){ .clone_kind = "clone" };
	return rehearsal;
}

static const char *render(struct arena *arena, const char *name, const struct rehearsal *rehearsal, struct render_options options)
{
	auto_buf out = BUF_INIT;
	rehearsal_reporter_find(name)->render(&out, rehearsal, &options);
	return buf_copy(&out, arena);
}

static char *read_whole(const char *path)
{
	auto_file file = fopen(path, "r");
	auto_buf content = BUF_INIT;
	char chunk[4096];
	for (size_t n; file != NULL && (n = fread(chunk, 1, sizeof chunk, file)) > 0;)
		buf_add(&content, chunk, n);
	return strdup(content.data);
}

static void write_whole(const char *path, const char *text)
{
	auto_file file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
}

static const char *source_folder(void)
{
	return getenv("srcdir") != NULL ? getenv("srcdir") : ".";
}

static void reports_look_as_blessed(void **state)
{
	(void)state;
	static const struct {
		const char *golden, *reporter;
		struct rehearsal *(*rehearsal)(struct arena *arena);
		struct render_options options;
	} cases[] = {
		{ "rehearse-dangerous.txt", "text", dangerous, { .width = 110 } },
		{ "rehearse-80.txt", "text", dangerous, { .width = 80 } },
		{ "rehearse-color.txt", "text", failing, { .width = 100, .color = true } },
		{ "rehearse-verbose.txt", "text", clean, { .width = 110, .verbose = true } },
		{ "rehearse-clean.txt", "text", clean, { .width = 0 } },
		{ "rehearse-failing.txt", "text", failing, { .width = 0 } },
		{ "rehearse-trouble.txt", "text", in_trouble, { .width = 0 } },
		{ "rehearse-empty.txt", "text", empty, { .width = 0 } },
		{ "rehearse-rewritten.txt", "text", rewritten, { .width = 110 } },
		{ "rehearse-rewritten.md", "markdown", rewritten, { .width = 0 } },
		{ "rehearse-dangerous.md", "markdown", dangerous, { .width = 0 } },
		{ "rehearse-clean.md", "markdown", clean, { .width = 0 } },
		{ "rehearse-trouble.md", "markdown", in_trouble, { .width = 0 } },
	};
	for (size_t i = 0; i < LENGTH(cases); i++) {
		auto_arena arena = arena_new();
		const char *text = render(arena, cases[i].reporter, cases[i].rehearsal(arena), cases[i].options);
		const char *path = arena_printf(arena, "%s/tests/golden/%s", source_folder(), cases[i].golden);
		if (getenv("UPDATE") != NULL) {
			write_whole(path, text);
			continue;
		}
		auto_free golden = read_whole(path);
		assert_string_equal(text, golden);
	}
}

static void quiet_is_silent_when_it_may_ship(void **state)
{
	(void)state;
	static const char *const names[] = { "text", "markdown", "html" };
	for (size_t i = 0; i < LENGTH(names); i++) {
		auto_arena arena = arena_new();
		assert_string_equal(render(arena, names[i], clean(arena), (struct render_options){ .quiet = true }), "");
		assert_true(strlen(render(arena, names[i], failing(arena), (struct render_options){ .quiet = true })) > 0);
	}
}

// Each page through html_check.py, all in one call.
static void pages_are_well_made(void **state)
{
	(void)state;
	static const struct { const char *name; struct rehearsal *(*rehearsal)(struct arena *arena); } cases[] = {
		{ "dangerous", dangerous }, { "clean", clean }, { "failing", failing }, { "trouble", in_trouble }, { "lopsided", lopsided }, { "empty", empty },
		{ "rewritten", rewritten },
	};
	auto_arena arena = arena_new();
	char folder[] = "/tmp/driftcheck-pages-XXXXXX";
	const char *kept = getenv("PAGES"), *into = kept != NULL ? kept : mkdtemp(folder);
	assert_non_null(into);
	auto_buf check = BUF_INIT, clean_up = BUF_INIT;
	buf_addf(&check, "python3 '%s/tests/html_check.py'", source_folder());
	buf_addf(&clean_up, "rm -rf '%s'", folder);
	for (size_t i = 0; i < LENGTH(cases) + LENGTH(hostile_texts); i++) {
		bool is_case = i < LENGTH(cases);
		const char *path = is_case ? arena_printf(arena, "%s/%s.html", into, cases[i].name) : arena_printf(arena, "%s/hostile-%zu.html", into, i - LENGTH(cases));
		const struct rehearsal *rehearsal = is_case ? cases[i].rehearsal(arena) : hostile(arena, hostile_texts[i - LENGTH(cases)]);
		write_whole(path, render(arena, "html", rehearsal, (struct render_options){ 0 }));
		buf_addf(&check, " '%s'", path);
	}
	int status = system(check.data);
	assert_int_equal(kept != NULL ? 0 : system(clean_up.data), 0);
	assert_int_equal(status, 0);
}

static size_t count(const char *text, const char *word)
{
	size_t n = 0;
	for (const char *at = text; (at = strstr(at, word)) != NULL; at += strlen(word))
		n++;
	return n;
}

static void nothing_breaks_out(void **state)
{
	(void)state;
	for (size_t i = 0; i < LENGTH(hostile_texts); i++) {
		auto_arena arena = arena_new();
		const struct rehearsal *rehearsal = hostile(arena, hostile_texts[i]);
		const char *page = render(arena, "html", rehearsal, (struct render_options){ 0 }), *body = strstr(page, "<body");
		assert_int_equal(count(body, "<script") + count(body, "<img") + count(page, "</style>") - 1, 0);
		const char *text = render(arena, "text", rehearsal, (struct render_options){ .verbose = true });
		assert_null(strchr(text, '\x1b'));
		assert_null(strstr(text, "\xe2\x80\xae"));
		const char *markdown = render(arena, "markdown", rehearsal, (struct render_options){ .verbose = true });
		assert_null(strchr(markdown, '\x1b'));
		assert_null(strstr(markdown, ": @octocat")); // always within a code span
		assert_null(strstr(markdown, ": <script"));
	}
}

// What a person must see: the failing statements have a lane and a card, the quiet ones are folded, the clean page has neither.
static void the_page_shows_who_stalls_whom(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	const char *page = render(arena, "html", dangerous(arena), (struct render_options){ 0 });
	assert_int_equal(count(page, "class=\"row statement fails\""), 3);
	assert_int_equal(count(page, "class=\"column fails\""), 3);
	assert_int_equal(count(page, "<article class=\"card alarm\""), 3);
	assert_int_equal(count(page, "class=\"row calm\""), 3);
	assert_non_null(strstr(page, "class=\"max over\""));
	assert_non_null(strstr(page, "class=\"wait\""));
	assert_non_null(strstr(page, "class=\"limit\""));
	assert_null(strstr(page, "<span class=\"name\">public.refunds")); // nobody's yet
	const char *calm = render(arena, "html", clean(arena), (struct render_options){ 0 });
	assert_null(strstr(calm, "<figure"));
	assert_null(strstr(calm, "<article"));
	assert_null(strstr(calm, "<nav"));
}

static void time_is_compressed_in_order(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	struct step steps[] = {
		{ .file = "a", .start_ms = 0, .duration_ms = 1 }, { .file = "a", .start_ms = 1000, .duration_ms = 300000 },
		{ .file = "a", .start_ms = 301500, .duration_ms = 0 },
	};
	struct rehearsal rehearsal = { .steps = steps, .n_steps = LENGTH(steps), .clone_kind = "clone" };
	struct shown_step shown[] = { { &steps[0], 0 }, { &steps[1], 0 }, { &steps[2], 0 } };
	struct rehearsal_page page = { .arena = arena, .rehearsal = &rehearsal, .shown = shown, .n_shown = LENGTH(shown) };
	struct time_axis axis;
	time_axis_make(&axis, &page);
	assert_true(time_axis_x(&axis, -5) == 0 && time_axis_x(&axis, 0) == 0);
	assert_true(time_axis_x(&axis, 1e9) > 99.99 && time_axis_x(&axis, 1e9) < 100.01);
	double before = 0;
	for (double ms = 0; ms < 302000; ms += 0.37) {
		double x = time_axis_x(&axis, ms);
		assert_true(x >= before);
		before = x;
	}
	double first = time_axis_x(&axis, 1), second = time_axis_x(&axis, 301000) - time_axis_x(&axis, 1000);
	assert_true(first > 3 && second > 5 * first && second < 20 * first);
}

static void figures_are_short(void **state)
{
	(void)state;
	static const struct { double ms; const char *text; } durations[] = {
		{ 0, "0 ms" }, { 0.04, "0 ms" }, { 0.4, "0.4 ms" }, { 9.94, "9.9 ms" }, { 9.96, "10 ms" }, { 340, "340 ms" }, { 999.4, "999 ms" },
		{ 999.6, "1.0 s" }, { 2140, "2.1 s" }, { 99940, "99.9 s" }, { 100000, "1 min 40 s" }, { 149000, "2 min 29 s" }, { 719600, "12 min" },
		{ 3600000, "1 h" }, { 12000000, "3 h 20 min" },
	};
	static const struct { long long n; const char *number, *bytes; } amounts[] = {
		{ 0, "0", "0 bytes" }, { 999, "999", "999 bytes" }, { 1000, "1,000", "1000 bytes" }, { 1024, "1,024", "1.0 kB" },
		{ 5000000, "5,000,000", "4.8 MB" }, { -1234, "-1,234", "-1234 bytes" }, { 1LL << 40, "1,099,511,627,776", "1.0 TB" },
	};
	for (size_t i = 0; i < LENGTH(durations); i++) {
		auto_buf out = BUF_INIT;
		show_duration(&out, durations[i].ms);
		assert_string_equal(out.data, durations[i].text);
	}
	for (size_t i = 0; i < LENGTH(amounts); i++) {
		auto_buf number = BUF_INIT, bytes = BUF_INIT;
		show_number(&number, amounts[i].n);
		show_bytes(&bytes, amounts[i].n);
		assert_string_equal(number.data, amounts[i].number);
		assert_string_equal(bytes.data, amounts[i].bytes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reports_look_as_blessed), cmocka_unit_test(quiet_is_silent_when_it_may_ship), cmocka_unit_test(pages_are_well_made),
		cmocka_unit_test(nothing_breaks_out), cmocka_unit_test(the_page_shows_who_stalls_whom), cmocka_unit_test(time_is_compressed_in_order),
		cmocka_unit_test(figures_are_short),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: PostgreSQL
// Safer statements: what is named for a statement, as text; what they do to a schema is rehearse_clone_test's.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "introspect/snapshot.h"
#include "rehearse/rewrite.h"

// Two tables: an ordinary one with a NOT NULL column, and one with two partitions.
static struct snapshot *snapshot(struct arena *arena)
{
	struct snapshot *snapshot = snapshot_new(arena, ENGINE_POSTGRESQL);
	static const char *const t[] = { "public", "t" }, *const t_id[] = { "public", "t", "id" }, *const p[] = { "s", "p" }, *const p1[] = { "s", "p1" },
	                        *const p2[] = { "s", "p2" };
	snapshot_add(snapshot, &kind_table, t, 2);
	snapshot_add(snapshot, &kind_column, t_id, 3)->values[kind_attr(&kind_column, "not_null")] = "true";
	snapshot_add(snapshot, &kind_table, p, 2)->values[kind_attr(&kind_table, "partition_key")] = "RANGE (id)";
	snapshot_add(snapshot, &kind_table, p1, 2)->values[kind_attr(&kind_table, "partition_of")] = "s.p";
	snapshot_add(snapshot, &kind_table, p2, 2)->values[kind_attr(&kind_table, "partition_of")] = "s.p";
	snapshot_sort(snapshot);
	return snapshot;
}

static const char *safer(struct arena *arena, const char *sql, bool rewrites, int major)
{
	struct rewrite_request request = { .sql = sql, .snapshot = snapshot(arena), .major = major, .rewrites = rewrites };
	struct rewriting rewriting;
	auto_buf out = BUF_INIT;
	rewrite_find(arena, &request, &rewriting);
	for (size_t i = 0; i < rewriting.n; i++)
		buf_addf(&out, "%s%s", i == 0 ? "" : "\n", rewriting.statements[i]);
	return buf_copy(&out, arena);
}

static void statements_have_a_safer_form(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const struct { const char *sql, *safer; bool rewrites; } table[] = {
		{ "create index on t (a, lower(b))", "CREATE INDEX CONCURRENTLY ON t USING btree (a, lower(b))" },
		{ "CREATE UNIQUE INDEX x ON public.t (a) WHERE b > '{}'", "CREATE UNIQUE INDEX CONCURRENTLY x ON public.t USING btree (a) WHERE b > '{}'" },
		{ "CREATE INDEX CONCURRENTLY x ON t (a)", "" },
		{ "CREATE INDEX x ON s.p (a)", "CREATE INDEX x ON ONLY s.p USING btree (a)\nCREATE INDEX CONCURRENTLY p1_a_idx ON s.p1 USING btree (a)\n"
		  "ALTER INDEX s.x ATTACH PARTITION s.p1_a_idx\nCREATE INDEX CONCURRENTLY p2_a_idx ON s.p2 USING btree (a)\n"
		  "ALTER INDEX s.x ATTACH PARTITION s.p2_a_idx" },
		{ "DROP INDEX a, s.b", "DROP INDEX CONCURRENTLY a\nDROP INDEX CONCURRENTLY s.b" },
		{ "DROP INDEX a CASCADE", "" },
		{ "DROP TABLE t", "" },
		{ "REINDEX TABLE t", "REINDEX (CONCURRENTLY) TABLE t" },
		{ "REFRESH MATERIALIZED VIEW m", "REFRESH MATERIALIZED VIEW CONCURRENTLY m" },
		{ "ALTER TABLE t ADD CHECK (a > 0)", "ALTER TABLE t ADD CONSTRAINT t_a_check CHECK (a > 0) NOT VALID\nALTER TABLE t VALIDATE CONSTRAINT t_a_check" },
		{ "ALTER TABLE t ADD CHECK (a > b)", "ALTER TABLE t ADD CONSTRAINT t_check CHECK (a > b) NOT VALID\nALTER TABLE t VALIDATE CONSTRAINT t_check" },
		{ "ALTER TABLE ONLY public.t ADD CONSTRAINT \"C\" CHECK (a > 0)",
		  "ALTER TABLE ONLY public.t ADD CONSTRAINT \"C\" CHECK (a > 0) NOT VALID\nALTER TABLE ONLY public.t VALIDATE CONSTRAINT \"C\"" },
		{ "ALTER TABLE t ADD CHECK (a > 0) NOT VALID", "" },
		{ "ALTER TABLE t ADD FOREIGN KEY (a, b) REFERENCES u (c, d) ON DELETE CASCADE",
		  "ALTER TABLE t ADD CONSTRAINT t_a_b_fkey FOREIGN KEY (a, b) REFERENCES u (c, d) ON DELETE CASCADE NOT VALID\n"
		  "ALTER TABLE t VALIDATE CONSTRAINT t_a_b_fkey" },
		{ "ALTER TABLE s.p ADD FOREIGN KEY (a) REFERENCES u", "" },
		{ "ALTER TABLE t ALTER a SET NOT NULL", "ALTER TABLE t ADD CONSTRAINT t_a_is_set CHECK (a IS NOT NULL) NOT VALID\n"
		  "ALTER TABLE t VALIDATE CONSTRAINT t_a_is_set\nALTER TABLE t ALTER COLUMN a SET NOT NULL\nALTER TABLE t DROP CONSTRAINT t_a_is_set" },
		{ "ALTER TABLE t ALTER id SET NOT NULL", "" },
		{ "ALTER TABLE t ADD UNIQUE (a, b) DEFERRABLE INITIALLY DEFERRED", "CREATE UNIQUE INDEX CONCURRENTLY t_a_b_key ON t USING btree (a, b)\n"
		  "ALTER TABLE t ADD CONSTRAINT t_a_b_key UNIQUE USING INDEX t_a_b_key DEFERRABLE INITIALLY DEFERRED" },
		{ "ALTER TABLE t ADD PRIMARY KEY (id)", "CREATE UNIQUE INDEX CONCURRENTLY t_pkey ON t USING btree (id)\n"
		  "ALTER TABLE t ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_pkey" },
		{ "ALTER TABLE t ADD UNIQUE USING INDEX x", "" },
		{ "ALTER TABLE s.p ADD UNIQUE (a)", "" },
		{ "ALTER TABLE t ADD b int, ADD CHECK (b > 0), DROP c", "ALTER TABLE t ADD COLUMN b int\n"
		  "ALTER TABLE t ADD CONSTRAINT t_b_check CHECK (b > 0) NOT VALID\nALTER TABLE t VALIDATE CONSTRAINT t_b_check\nALTER TABLE t DROP c" },
		{ "ALTER TABLE t ADD b int DEFAULT 1 CHECK (b > 0)", "ALTER TABLE t ADD COLUMN b int DEFAULT 1\n"
		  "ALTER TABLE t ADD CONSTRAINT t_b_check CHECK (b > 0) NOT VALID\nALTER TABLE t VALIDATE CONSTRAINT t_b_check" },
		{ "ALTER TABLE t ADD b int REFERENCES u", "ALTER TABLE t ADD COLUMN b int\n"
		  "ALTER TABLE t ADD CONSTRAINT t_b_fkey FOREIGN KEY (b) REFERENCES u NOT VALID\nALTER TABLE t VALIDATE CONSTRAINT t_b_fkey" },
		{ "ALTER TABLE t ADD b uuid DEFAULT gen_random_uuid()", "" },
		{ "ALTER TABLE t ADD b uuid NOT NULL DEFAULT gen_random_uuid()", "ALTER TABLE t ADD COLUMN b uuid, ALTER COLUMN b SET DEFAULT gen_random_uuid()\n"
		  "DO $$\nBEGIN\n  FOR page IN 0 .. pg_relation_size('t') / current_setting('block_size')::bigint BY 1000 LOOP\n"
		  "    UPDATE t SET b = DEFAULT WHERE b IS NULL AND ctid >= format('(%s,0)', page)::tid AND ctid < format('(%s,0)', page + 1000)::tid;\n"
		  "    COMMIT;\n  END LOOP;\nEND $$\n"
		  "ALTER TABLE t ADD CONSTRAINT t_b_is_set CHECK (b IS NOT NULL) NOT VALID\nALTER TABLE t VALIDATE CONSTRAINT t_b_is_set\n"
		  "ALTER TABLE t ALTER COLUMN b SET NOT NULL\nALTER TABLE t DROP CONSTRAINT t_b_is_set", true },
		{ "ALTER TABLE t ADD b timestamptz DEFAULT now()", "", true },
		{ "ALTER TABLE t ADD b int GENERATED ALWAYS AS IDENTITY", "", true },
		{ "ALTER TABLE s.p DETACH PARTITION s.p1", "ALTER TABLE s.p DETACH PARTITION s.p1 CONCURRENTLY" },
		{ "ALTER TABLE t ALTER a TYPE bigint", "" },
		{ "nonsense", "" },
		{ "SELECT 1; CREATE INDEX ON t (a)", "" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		print_message("%s\n", table[i].sql);
		assert_string_equal(safer(arena, table[i].sql, table[i].rewrites, 15), table[i].safer);
	}
	assert_string_equal(safer(arena, "ALTER TABLE s.p ADD FOREIGN KEY (a) REFERENCES u", false, 18),
	                    "ALTER TABLE s.p ADD CONSTRAINT p_a_fkey FOREIGN KEY (a) REFERENCES u NOT VALID\nALTER TABLE s.p VALIDATE CONSTRAINT p_a_fkey");
	assert_string_equal(safer(arena, "ALTER TABLE t ALTER a SET NOT NULL", false, 11), "");
}

static void others_have_advice(void **state)
{
	(void)state;
	auto_arena arena = arena_new();
	static const char *const table[] = {
		"ALTER TABLE t ALTER a TYPE bigint", "VACUUM FULL t", "CLUSTER t", "UPDATE t SET a = 1", "DROP TABLE t", "ALTER TABLE t SET UNLOGGED",
		"ALTER TABLE s.p ADD UNIQUE (a)", "ALTER TABLE s.p ATTACH PARTITION x DEFAULT", "ALTER TABLE t ADD EXCLUDE USING gist (a WITH =)",
		"ALTER DOMAIN d ADD CHECK (VALUE > 0)", "CREATE INDEX IF NOT EXISTS x ON s.p (a)",
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct rewrite_request request = { .sql = table[i], .snapshot = snapshot(arena), .major = 15 };
		struct rewriting rewriting;
		print_message("%s\n", table[i]);
		assert_true(rewrite_find(arena, &request, &rewriting));
		assert_int_equal(rewriting.n, 0);
		assert_non_null(rewriting.text);
	}
	struct rewriting rewriting;
	assert_false(rewrite_find(arena, &(struct rewrite_request){ .sql = "SELECT 1", .major = 15 }, &rewriting));
	assert_true(rewrite_find(arena, &(struct rewrite_request){ .sql = "CREATE INDEX x ON t (a)", .major = 15 }, &rewriting));
	assert_string_equal(rewriting.text, "-- outside of a transaction\nCREATE INDEX CONCURRENTLY x ON t USING btree (a);");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(statements_have_a_safer_form), cmocka_unit_test(others_have_advice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

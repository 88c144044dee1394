// SPDX-License-Identifier: PostgreSQL
// Safer statements: what is named for a statement, as text; what they do to a schema is shown by rehearse_rewrite.sh.
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
#include "rehearse/rewrite/rewrite.h"

// Two tables: an ordinary one with a NOT NULL column, and one with two partitions.
static struct snapshot *snapshot(struct arena *arena)
{
	struct snapshot *snapshot = snapshot_new(arena, ENGINE_POSTGRESQL);
	static const char *const t[] = { "public", "t" }, *const t_id[] = { "public", "t", "id" }, *const p[] = { "s", "p" }, *const p1[] = { "s", "p1" },
	                        *const p2[] = { "s", "p2" };
	static const char *const t_at[] = { "public", "t", "at" }, *const t_c_check[] = { "public", "t", "t_c_check" };
	snapshot_add(snapshot, &kind_table, t, 2);
	snapshot_add(snapshot, &kind_column, t_at, 3)->values[kind_attr(&kind_column, "type")] = "timestamp without time zone";
	snapshot_add(snapshot, &kind_constraint, t_c_check, 3);
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
		{ "create /* the index */ unique index x on t ((a::text))", "create /* the index */ unique index CONCURRENTLY x on t ((a::text))" },
		{ "CREATE INDEX x ON s.p (a)", "CREATE INDEX x ON ONLY s.p USING btree (a)\nCREATE INDEX CONCURRENTLY p1_a_idx ON s.p1 USING btree (a)\n"
		  "ALTER INDEX s.x ATTACH PARTITION s.p1_a_idx\nCREATE INDEX CONCURRENTLY p2_a_idx ON s.p2 USING btree (a)\n"
		  "ALTER INDEX s.x ATTACH PARTITION s.p2_a_idx" },
		{ "DROP INDEX a, s.b", "DROP INDEX CONCURRENTLY a\nDROP INDEX CONCURRENTLY s.b" },
		{ "DROP INDEX a CASCADE", "" },
		{ "DROP TABLE t", "" },
		{ "REINDEX TABLE t", "REINDEX (CONCURRENTLY) TABLE t" },
		{ "REINDEX (VERBOSE) INDEX x", "REINDEX (VERBOSE, CONCURRENTLY) INDEX x" },
		{ "REINDEX TABLE CONCURRENTLY t", "" },
		{ "CREATE INDEX x ON s.p (lower(a)) INCLUDE (b)", "CREATE INDEX x ON ONLY s.p USING btree (lower(a)) INCLUDE (b)\n"
		  "CREATE INDEX CONCURRENTLY p1_lower_b_idx ON s.p1 USING btree (lower(a)) INCLUDE (b)\nALTER INDEX s.x ATTACH PARTITION s.p1_lower_b_idx\n"
		  "CREATE INDEX CONCURRENTLY p2_lower_b_idx ON s.p2 USING btree (lower(a)) INCLUDE (b)\nALTER INDEX s.x ATTACH PARTITION s.p2_lower_b_idx" },
		{ "REFRESH MATERIALIZED VIEW m", "REFRESH MATERIALIZED VIEW CONCURRENTLY m" },
		{ "ALTER TABLE t ADD CHECK (a > 0)", "ALTER TABLE t ADD CONSTRAINT t_a_check CHECK (a > 0) NOT VALID\nALTER TABLE t VALIDATE CONSTRAINT t_a_check" },
		{ "ALTER TABLE t ADD CHECK (a > b)", "ALTER TABLE t ADD CONSTRAINT t_check CHECK (a > b) NOT VALID\nALTER TABLE t VALIDATE CONSTRAINT t_check" },
		{ "ALTER TABLE t ADD CHECK (c > 0), ADD CHECK (c < 9)", "ALTER TABLE t ADD CONSTRAINT t_c_check1 CHECK (c > 0) NOT VALID\n"
		  "ALTER TABLE t VALIDATE CONSTRAINT t_c_check1\nALTER TABLE t ADD CONSTRAINT t_c_check2 CHECK (c < 9) NOT VALID\n"
		  "ALTER TABLE t VALIDATE CONSTRAINT t_c_check2" },
		{ "ALTER TABLE t VALIDATE CONSTRAINT c", "" },
		{ "ALTER TABLE t VALIDATE CONSTRAINT c, DROP d", "ALTER TABLE t VALIDATE CONSTRAINT c\nALTER TABLE t DROP d" },
		{ "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID, VALIDATE CONSTRAINT c",
		  "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID\nALTER TABLE t VALIDATE CONSTRAINT c" },
		{ "ALTER TABLE t ADD b int, ADD UNIQUE (b)", "ALTER TABLE t ADD COLUMN b int\nCREATE UNIQUE INDEX CONCURRENTLY t_b_key ON t USING btree (b)\n"
		  "ALTER TABLE t ADD CONSTRAINT t_b_key UNIQUE USING INDEX t_b_key" },
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
	static const struct { const char *sql, *advice; bool rewrites; int major; } table[] = {
		{ "ALTER TABLE t ALTER a TYPE bigint", "new column of the new type", .rewrites = true },
		{ "ALTER TABLE t ALTER a TYPE text", "build it again CONCURRENTLY" },
		{ "ALTER TABLE t ALTER at TYPE timestamptz", "SET LOCAL timezone = 'UTC'", .rewrites = true },
		{ "ALTER TABLE t ALTER a TYPE timestamptz", "new column of the new type", .rewrites = true },
		{ "VACUUM FULL t", "pg_repack" }, { "CLUSTER t", "pg_repack" }, { "UPDATE t SET a = 1", "in batches" }, { "INSERT INTO t SELECT 1", "in batches" },
		{ "DROP TABLE t", "lock_timeout" }, { "ALTER TABLE t SET UNLOGGED", "copy in batches" },
		{ "ALTER TABLE t SET ACCESS METHOD heap", "copy in batches" }, { "ALTER TABLE s.p ADD UNIQUE (a)", "ATTACH PARTITION" },
		{ "ALTER TABLE s.p ATTACH PARTITION x DEFAULT", "reads no rows" }, { "ALTER TABLE t ADD EXCLUDE USING gist (a WITH =)", "make a new table" },
		{ "ALTER DOMAIN d ADD CHECK (VALUE > 0)", "on the tables instead" }, { "CREATE INDEX IF NOT EXISTS x ON s.p (a)", "each partition" },
		{ "CREATE INDEX CONCURRENTLY x ON t (a)", "statement_timeout = 0" }, { "ALTER TABLE t VALIDATE CONSTRAINT c", "statement_timeout = 0" },
		{ "REINDEX TABLE CONCURRENTLY t", "statement_timeout = 0" },
		{ "REINDEX SYSTEM d", "at a quiet time" }, { "REFRESH MATERIALIZED VIEW m WITH NO DATA", "for a moment only" },
		{ "ALTER TABLE t ADD PRIMARY KEY USING INDEX x", "NOT NULL before" }, { "ALTER TABLE t ADD UNIQUE USING INDEX x", "for a moment only" },
		{ "ALTER TABLE t ALTER id SET NOT NULL", "VALIDATE CONSTRAINT the column's", .major = 18 },
		{ "ALTER TABLE t ADD b int GENERATED ALWAYS AS IDENTITY", "AS IDENTITY and let", .rewrites = true },
		{ "ALTER TABLE t ADD b int GENERATED ALWAYS AS (id) STORED", "by a trigger", .rewrites = true },
		{ "ALTER TABLE t ADD b positive", "domain's base type", .rewrites = true }, { "ALTER TABLE t ADD b int", "for a moment only" },
		{ "ALTER TABLE t ADD b int, SET LOGGED", "that is logged", .rewrites = false }, { "ALTER TABLE t ALTER a SET DEFAULT 1", "for a moment only" },
		{ "ALTER TABLE t RENAME a TO b", "the old name" }, { "ALTER TABLE t SET SCHEMA s", "the old name" },
		{ "CREATE POLICY p ON t", "for a moment only" }, { "CREATE RULE r AS ON INSERT TO t DO NOTHING", "for a moment only" },
		{ "DO 'BEGIN END'", "one by one" },
	};
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct rewrite_request request = { .sql = table[i].sql, .snapshot = snapshot(arena), .major = table[i].major > 0 ? table[i].major : 15,
		                                   .rewrites = table[i].rewrites };
		struct rewriting rewriting;
		print_message("%s\n", table[i].sql);
		assert_true(rewrite_find(arena, &request, &rewriting));
		assert_int_equal(rewriting.n, 0);
		assert_non_null(strstr(rewriting.text, table[i].advice));
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

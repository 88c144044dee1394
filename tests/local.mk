# A test program: one file that mirrors a folder of the tree, linked with the library and cmocka.
LIBS_OF_TESTS = libdriftcheck.a $(LIBS_OF_OTHERS) $(CMOCKA_LIBS)
AM_TESTS_ENVIRONMENT = srcdir='$(abs_srcdir)' builddir='$(abs_builddir)' DRIFTCHECK='$(abs_builddir)/driftcheck'; \
  export srcdir builddir DRIFTCHECK;

check_PROGRAMS += tests/base_test
tests_base_test_SOURCES = tests/base_test.c
tests_base_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/split_test
tests_split_test_SOURCES = tests/split_test.c
tests_split_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/diff_test
tests_diff_test_SOURCES = tests/diff_test.c
tests_diff_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/tenant_test
tests_tenant_test_SOURCES = tests/tenant_test.c
tests_tenant_test_LDADD = $(LIBS_OF_TESTS)
check_SCRIPTS += tests/tenants.sh
EXTRA_DIST += tests/tenants tests/tenants.sh

check_PROGRAMS += tests/cache_test tests/scratch_test tests/replay_test
tests_cache_test_SOURCES = tests/cache_test.c tests/scratch_env.h
tests_cache_test_LDADD = $(LIBS_OF_TESTS)
tests_scratch_test_SOURCES = tests/scratch_test.c tests/scratch_env.h
tests_scratch_test_LDADD = $(LIBS_OF_TESTS)
tests_replay_test_SOURCES = tests/replay_test.c tests/scratch_env.h
tests_replay_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/tap_test tests/tap_split_test tests/tap_fuzz_test
tests_tap_test_SOURCES = tests/tap_test.c tests/tap_env.h tests/tap_raw.h tests/scratch_env.h
tests_tap_test_LDADD = $(LIBS_OF_TESTS)
tests_tap_split_test_SOURCES = tests/tap_split_test.c tests/tap_env.h tests/tap_raw.h tests/scratch_env.h
tests_tap_split_test_LDADD = $(LIBS_OF_TESTS)
tests_tap_fuzz_test_SOURCES = tests/tap_fuzz_test.c tests/tap_env.h tests/tap_raw.h tests/scratch_env.h
tests_tap_fuzz_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/migrations_test
tests_migrations_test_SOURCES = tests/migrations_test.c
tests_migrations_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/sentinel_test
tests_sentinel_test_SOURCES = tests/sentinel_test.c
tests_sentinel_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/cron_test
tests_cron_test_SOURCES = tests/cron_test.c
tests_cron_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/reporters_test
tests_reporters_test_SOURCES = tests/reporters_test.c
tests_reporters_test_LDADD = $(LIBS_OF_TESTS)
EXTRA_DIST += tests/golden

check_PROGRAMS += tests/fleet_test
tests_fleet_test_SOURCES = tests/fleet_test.c
tests_fleet_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/html_test
tests_html_test_SOURCES = tests/html_test.c
tests_html_test_LDADD = $(LIBS_OF_TESTS)
EXTRA_DIST += tests/html_check.py

check_PROGRAMS += tests/secret_test
tests_secret_test_SOURCES = tests/secret_test.c
tests_secret_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/github_test tests/github_rules_test
tests_github_test_SOURCES = tests/github_test.c
tests_github_test_LDADD = $(LIBS_OF_TESTS)
tests_github_rules_test_SOURCES = tests/github_rules_test.c
tests_github_rules_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/remedy_test
tests_remedy_test_SOURCES = tests/remedy_test.c tests/scratch_env.h
tests_remedy_test_LDADD = $(LIBS_OF_TESTS)
EXTRA_DIST += tests/remedy

check_PROGRAMS += tests/rehearse_fill_test
tests_rehearse_fill_test_SOURCES = tests/rehearse_fill_test.c tests/scratch_env.h
tests_rehearse_fill_test_LDADD = $(LIBS_OF_TESTS)

# The cases, and the scripts around them: see CONTRIBUTING.md.
check_SCRIPTS += tests/cases.sh tests/cli_test.sh tests/cron.sh tests/dating.sh tests/examples.sh tests/fleet.sh tests/formats.sh tests/mistakes.sh \
  tests/privileges.sh tests/promises.sh tests/rehearse.sh tests/rehearse_clone.sh tests/rehearse_options.sh tests/rehearse_gone.sh tests/rehearse_exec.sh tests/rehearse_pgbench.sh tests/rehearse_rewrite.sh tests/rehearse_sequences.sh tests/rehearse_sqlite.sh tests/safety.sh tests/webhook.sh
EXTRA_DIST += .ci/run docs examples scripts tests/cases tests/cases.sh tests/cli_test.sh tests/cron.sh tests/dating.sh tests/environment.sh tests/examples.py tests/examples.sh tests/examples_alerts.yml tests/privileges.sh tests/harness.sh \
  tests/fleet.sh tests/kubernetes.py tests/formats.sh tests/mistakes.sh tests/oracle.py tests/promises.sh tests/safety.sh tests/sandbox.py \
  tests/chat.py tests/rehearse.sh tests/rehearse_clone.sh tests/rehearse_options.sh tests/rehearse_gone.sh tests/rehearse_exec.sh tests/rehearse_pgbench.sh tests/rehearse_rewrite.sh tests/rehearse_sequences.sh tests/rehearse_sqlite.sh tests/webhook.sh

# The GitHub sink against a fake GitHub, which needs python3, openssl and jq: see tests/github/fake.py.
GITHUB_TESTS = tests/github_fake.py tests/github_life.py tests/github_settings.py tests/github_faults.py tests/github_tls.py \
  tests/github_race.py tests/github_month.sh
check_SCRIPTS += $(GITHUB_TESTS)
EXTRA_DIST += tests/github $(GITHUB_TESTS)

# The same calls held against GitHub's own description of them, fetched by npm into the build folder: see tests/contract/contract.py.
check-contract: driftcheck$(EXEEXT)
	DRIFTCHECK='$(abs_builddir)/driftcheck' python3 $(srcdir)/tests/contract/contract.py contract
EXTRA_DIST += tests/contract

# Rewrites the goldens of all cases, or of CASES="name ..." alone. Look at them before it, and at git diff afterwards.
bless: driftcheck$(EXEEXT)
	DRIFTCHECK='$(abs_builddir)/driftcheck' $(srcdir)/tests/cases.sh --bless $(CASES)

# Rewrites the month of nights with GitHub: tests/golden/github-month.txt.
bless-month: driftcheck$(EXEEXT)
	DRIFTCHECK='$(abs_builddir)/driftcheck' $(srcdir)/tests/github_month.sh --bless

EXTRA_PROGRAMS = tests/measure
tests_measure_SOURCES = tests/measure.c
tests_measure_LDADD = $(LIBS_OF_TESTS)
CLEANFILES += $(EXTRA_PROGRAMS)

bench: driftcheck$(EXEEXT) tests/measure$(EXEEXT)
	DRIFTCHECK='$(abs_builddir)/driftcheck' MEASURE='$(abs_builddir)/tests/measure' $(srcdir)/scripts/bench.sh

bench-rehearse: driftcheck$(EXEEXT) tests/measure$(EXEEXT)
	DRIFTCHECK='$(abs_builddir)/driftcheck' MEASURE='$(abs_builddir)/tests/measure' $(srcdir)/scripts/bench_rehearse.sh

bench-fleet: driftcheck$(EXEEXT) tests/measure$(EXEEXT)
	DRIFTCHECK='$(abs_builddir)/driftcheck' MEASURE='$(abs_builddir)/tests/measure' $(srcdir)/scripts/bench_fleet.sh

# A fleet of many schemas: see scripts/bench_tenants.sh.
bench-tenants: driftcheck$(EXEEXT) tests/measure$(EXEEXT)
	DRIFTCHECK='$(abs_builddir)/driftcheck' MEASURE='$(abs_builddir)/tests/measure' $(srcdir)/scripts/bench_tenants.sh

# Every major from 12 to 18, whose binaries are fetched once: see scripts/matrix.sh. MAJORS="12 18" for some of them.
matrix: driftcheck$(EXEEXT) tests/rehearse_locks_test$(EXEEXT)
	DRIFTCHECK='$(abs_builddir)/driftcheck' LOCKS_TEST='$(abs_builddir)/tests/rehearse_locks_test' $(srcdir)/scripts/matrix.sh $(MAJORS)
EXTRA_DIST += tests/matrix

# Reports against what others publish of the formats: the schema of SARIF (by npm), promtool. See tests/schemas.sh.
check-schemas: driftcheck$(EXEEXT)
	DRIFTCHECK='$(abs_builddir)/driftcheck' $(srcdir)/tests/schemas.sh
EXTRA_DIST += tests/schemas.sh

.PHONY: bench bench-fleet bench-rehearse bench-tenants bless bless-month check-contract check-schemas matrix
check_PROGRAMS += tests/introspect_sqlite_test
tests_introspect_sqlite_test_SOURCES = tests/introspect_sqlite_test.c tests/sqlite_files.c tests/sqlite_files.h tests/sqlite_fixtures.c
tests_introspect_sqlite_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/introspect_sqlite_oracle_test
tests_introspect_sqlite_oracle_test_SOURCES = tests/introspect_sqlite_oracle_test.c tests/sqlite_files.c tests/sqlite_files.h tests/sqlite_fixtures.c
tests_introspect_sqlite_oracle_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/introspect_sqlite_open_test
tests_introspect_sqlite_open_test_SOURCES = tests/introspect_sqlite_open_test.c tests/sqlite_files.c tests/sqlite_files.h
tests_introspect_sqlite_open_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/introspect_postgres_test
tests_introspect_postgres_test_SOURCES = tests/introspect_postgres_test.c tests/scratch_env.h
tests_introspect_postgres_test_LDADD = $(LIBS_OF_TESTS)

TESTS += $(check_PROGRAMS) $(check_SCRIPTS)

check_PROGRAMS += tests/rehearse_locks_test
tests_rehearse_locks_test_SOURCES = tests/rehearse_locks_test.c tests/rehearse_locks_rows.h tests/scratch_env.h
tests_rehearse_locks_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/rehearse_verdict_test
tests_rehearse_verdict_test_SOURCES = tests/rehearse_verdict_test.c
tests_rehearse_verdict_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/rehearse_victims_test
tests_rehearse_victims_test_SOURCES = tests/rehearse_victims_test.c
tests_rehearse_victims_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/rehearse_render_test
tests_rehearse_render_test_SOURCES = tests/rehearse_render_test.c
tests_rehearse_render_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/rehearse_rewrite_test
tests_rehearse_rewrite_test_SOURCES = tests/rehearse_rewrite_test.c
tests_rehearse_rewrite_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/rehearse_sqlite_test
tests_rehearse_sqlite_test_SOURCES = tests/rehearse_sqlite_test.c tests/scratch_env.h
tests_rehearse_sqlite_test_LDADD = $(LIBS_OF_TESTS)

check_PROGRAMS += tests/rehearse_progress_test
tests_rehearse_progress_test_SOURCES = tests/rehearse_progress_test.c
tests_rehearse_progress_test_LDADD = $(LIBS_OF_TESTS)

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

check_PROGRAMS += tests/cache_test tests/scratch_test
tests_cache_test_SOURCES = tests/cache_test.c tests/scratch_env.h
tests_cache_test_LDADD = $(LIBS_OF_TESTS)
tests_scratch_test_SOURCES = tests/scratch_test.c tests/scratch_env.h
tests_scratch_test_LDADD = $(LIBS_OF_TESTS)

TESTS += $(check_PROGRAMS) $(check_SCRIPTS)

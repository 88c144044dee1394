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

check_PROGRAMS += tests/introspect_sqlite_test
tests_introspect_sqlite_test_SOURCES = tests/introspect_sqlite_test.c
tests_introspect_sqlite_test_LDADD = $(LIBS_OF_TESTS)

TESTS += $(check_PROGRAMS) $(check_SCRIPTS)

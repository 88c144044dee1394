libdriftcheck_a_SOURCES += migrations/migration.h migrations/framework.h migrations/split.h migrations/scratch.h migrations/replay.h \
  migrations/cache.h migrations/lexer.h migrations/lexer.c migrations/split.c migrations/names.c
libdriftcheck_a_SOURCES += migrations/cache.c
libdriftcheck_a_SOURCES += migrations/process.c migrations/process.h migrations/scratch_folder.c migrations/scratch_folder.h
libdriftcheck_a_SOURCES += migrations/cluster.c migrations/cluster.h migrations/scratch.c
libdriftcheck_a_SOURCES += migrations/dump.c migrations/dump.h migrations/run.h migrations/run_postgres.c migrations/run_sqlite.c
libdriftcheck_a_SOURCES += migrations/replay.c
libdriftcheck_a_SOURCES += migrations/roles.c migrations/roles.h
EXTRA_DIST += migrations/frameworks.def

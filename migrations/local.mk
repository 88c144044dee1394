libdriftcheck_a_SOURCES += migrations/migration.h migrations/framework.h migrations/split.h migrations/scratch.h migrations/replay.h \
  migrations/cache.h migrations/lexer.h migrations/lexer.c migrations/split.c migrations/names.c
EXTRA_DIST += migrations/frameworks.def
libdriftcheck_a_SOURCES += migrations/chain.c migrations/chain.h
libdriftcheck_a_SOURCES += migrations/git.c migrations/git.h

libdriftcheck_a_SOURCES += migrations/migration.h migrations/framework.h migrations/split.h migrations/scratch.h migrations/replay.h \
  migrations/cache.h
EXTRA_DIST += migrations/frameworks.def

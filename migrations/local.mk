libdriftcheck_a_SOURCES += migrations/migration.h migrations/framework.h migrations/split.h migrations/scratch.h migrations/replay.h \
  migrations/cache.h migrations/lexer.h migrations/lexer.c migrations/split.c migrations/names.c
libdriftcheck_a_SOURCES += migrations/folder.h migrations/folder.c migrations/listing.h migrations/listing.c migrations/detect.c \
  migrations/framework.c migrations/migration.c
libdriftcheck_a_SOURCES += migrations/frameworks/dbmate.c migrations/frameworks/flyway.c migrations/frameworks/golang_migrate.c \
  migrations/frameworks/goose.c migrations/frameworks/plain.c migrations/frameworks/prisma.c
libdriftcheck_a_SOURCES += migrations/cache.c
libdriftcheck_a_SOURCES += migrations/process.c migrations/process.h migrations/scratch_folder.c migrations/scratch_folder.h
libdriftcheck_a_SOURCES += migrations/binaries.c migrations/cluster.c migrations/cluster.h migrations/scratch.c migrations/scratch_state.h migrations/scratch_url.c migrations/scratch_keep.c
libdriftcheck_a_SOURCES += migrations/dump.c migrations/dump.h migrations/run.h migrations/run_postgres.c migrations/run_sqlite.c
libdriftcheck_a_SOURCES += migrations/replay.c
libdriftcheck_a_SOURCES += migrations/roles.c migrations/roles.h
libdriftcheck_a_SOURCES += migrations/grants.c migrations/grants.h
EXTRA_DIST += migrations/frameworks.def
libdriftcheck_a_SOURCES += migrations/chain.c migrations/chain.h
libdriftcheck_a_SOURCES += migrations/git.c migrations/git.h

libdriftcheck_a_SOURCES += base/arena.c base/arena.h base/auto.h base/buf.c base/buf.h base/err.c base/err.h base/log.c base/log.h \
  base/sql.c base/sql.h base/digest.c base/digest.h base/clock.c base/clock.h base/file.c base/file.h base/secret.c base/secret.h base/secret_assigned.c base/secret_find.h base/secret_mask.c \
  base/state.c base/state.h base/visible.c base/visible.h base/duration.c base/duration.h

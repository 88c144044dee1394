# What the commands share is in the library, where tests reach it; main and the commands are not.
libdriftcheck_a_SOURCES += sentinel/command.h sentinel/config.c sentinel/config.h sentinel/env.c sentinel/env.h sentinel/folders.c \
  sentinel/folders.h sentinel/options.c sentinel/options.h sentinel/output.c sentinel/output.h \
  sentinel/run_report.c sentinel/run_report.h sentinel/secret.c sentinel/secret.h sentinel/source.c sentinel/source.h \
  sentinel/suggest.c sentinel/suggest.h
driftcheck_SOURCES = sentinel/main.c

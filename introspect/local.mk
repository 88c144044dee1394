libdriftcheck_a_SOURCES += introspect/kind.h introspect/snapshot.h introspect/reader.h introspect/sqlite_read.h
libdriftcheck_a_SOURCES += introspect/kind.c
libdriftcheck_a_SOURCES += introspect/snapshot.c
EXTRA_DIST += introspect/kinds.def

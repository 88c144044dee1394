libdriftcheck_a_SOURCES += introspect/kind.h introspect/snapshot.h introspect/reader.h introspect/sqlite_read.h introspect/postgres_read.h \
  introspect/pg.h introspect/oid_map.h
libdriftcheck_a_SOURCES += introspect/kind.c
libdriftcheck_a_SOURCES += introspect/snapshot.c
libdriftcheck_a_SOURCES += introspect/sqlite.c introspect/sqlite_open.c introspect/sqlite_open.h introspect/sqlite_handles.h \
  introspect/sqlite_parse.c introspect/sqlite_parse.h introspect/sqlite_parser.c introspect/sqlite_parser.h introspect/sqlite_table.c \
  introspect/sqlite_token.c introspect/sqlite_token.h
libdriftcheck_a_SOURCES += introspect/postgres.c introspect/postgres_flight.c introspect/postgres_flight.h introspect/postgres_session.c introspect/postgres_session.h introspect/postgres_versions.c
libdriftcheck_a_SOURCES += introspect/tenant.c introspect/tenant.h
libdriftcheck_a_SOURCES += introspect/dating.c introspect/dating.h
libdriftcheck_a_SOURCES += introspect/lookup.c
libdriftcheck_a_SOURCES += introspect/oid_map.c
libdriftcheck_a_SOURCES += introspect/ddl.c introspect/ddl.h introspect/privileges.c introspect/privileges.h
libdriftcheck_a_SOURCES += introspect/kinds/aggregate.c
libdriftcheck_a_SOURCES += introspect/kinds/column.c
libdriftcheck_a_SOURCES += introspect/kinds/composite_type.c
libdriftcheck_a_SOURCES += introspect/kinds/constraint.c
libdriftcheck_a_SOURCES += introspect/kinds/domain.c
libdriftcheck_a_SOURCES += introspect/kinds/enum.c
libdriftcheck_a_SOURCES += introspect/kinds/extension.c
libdriftcheck_a_SOURCES += introspect/kinds/function.c
libdriftcheck_a_SOURCES += introspect/kinds/index.c
libdriftcheck_a_SOURCES += introspect/kinds/materialized_view.c
libdriftcheck_a_SOURCES += introspect/kinds/policy.c
libdriftcheck_a_SOURCES += introspect/kinds/rule.c
libdriftcheck_a_SOURCES += introspect/kinds/schema.c
libdriftcheck_a_SOURCES += introspect/kinds/sequence.c
libdriftcheck_a_SOURCES += introspect/kinds/table.c
libdriftcheck_a_SOURCES += introspect/kinds/trigger.c
libdriftcheck_a_SOURCES += introspect/kinds/view.c
EXTRA_DIST += introspect/kinds.def

libdriftcheck_a_SOURCES += reporters/report.h reporters/reporter.h reporters/line_diff.h reporters/show.h reporters/sink.h reporters/http.h
libdriftcheck_a_SOURCES += reporters/report.c reporters/reporter.c reporters/line_diff.c reporters/show.c reporters/sink.c reporters/http.c
libdriftcheck_a_SOURCES += reporters/text.c reporters/json.c reporters/markdown.c reporters/github.c
libdriftcheck_a_SOURCES += reporters/redact.c reporters/redact.h reporters/brief.c reporters/brief.h reporters/sarif.c reporters/junit.c \
  reporters/prometheus.c reporters/actions.c
EXTRA_DIST += reporters/reporters.def reporters/sinks.def

libdriftcheck_a_SOURCES += reporters/report.h reporters/reporter.h reporters/line_diff.h reporters/show.h reporters/sink.h
libdriftcheck_a_SOURCES += reporters/report.c reporters/reporter.c reporters/line_diff.c reporters/show.c reporters/sink.c reporters/view.c reporters/view.h reporters/report_json.c reporters/report_json.h
libdriftcheck_a_SOURCES += reporters/text.c reporters/json.c reporters/markdown.c reporters/github.c
EXTRA_DIST += reporters/reporters.def reporters/sinks.def

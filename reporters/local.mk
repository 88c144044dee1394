libdriftcheck_a_SOURCES += reporters/report.h reporters/reporter.h reporters/line_diff.h reporters/show.h
libdriftcheck_a_SOURCES += reporters/report.c reporters/reporter.c reporters/line_diff.c reporters/show.c
libdriftcheck_a_SOURCES += reporters/text.c reporters/json.c reporters/markdown.c
EXTRA_DIST += reporters/reporters.def

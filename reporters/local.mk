libdriftcheck_a_SOURCES += reporters/report.h reporters/reporter.h
EXTRA_DIST += reporters/reporters.def

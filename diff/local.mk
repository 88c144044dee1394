libdriftcheck_a_SOURCES += diff/finding.h

libdriftcheck_a_SOURCES += diff/finding.c diff/finding.h
libdriftcheck_a_SOURCES += diff/normalise.c diff/normalise.h
libdriftcheck_a_SOURCES += diff/align.c diff/align.h
libdriftcheck_a_SOURCES += diff/compare.c diff/compare.h
libdriftcheck_a_SOURCES += diff/ignore.c diff/ignore.h
libdriftcheck_a_SOURCES += diff/evidence.c diff/evidence.h
libdriftcheck_a_SOURCES += diff/classify.c diff/classify.h
libdriftcheck_a_SOURCES += diff/remedy.c diff/remedy.h

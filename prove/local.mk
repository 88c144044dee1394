libdriftcheck_a_SOURCES += prove/effects.c prove/effects.h
libdriftcheck_a_SOURCES += prove/origin.c prove/origin.h
libdriftcheck_a_SOURCES += prove/round_trip.c prove/round_trip.h
libdriftcheck_a_SOURCES += prove/rebuild.c prove/rebuild.h

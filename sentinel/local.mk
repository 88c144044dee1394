driftcheck_SOURCES = sentinel/main.c

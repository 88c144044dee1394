libdriftcheck_a_SOURCES += rehearse/rehearsal.h rehearse/statistics.h rehearse/fill.h rehearse/watch.h rehearse/traffic.h rehearse/tap.h \
  rehearse/measure.h rehearse/verdict.h rehearse/rehearse.h rehearse/watch.c rehearse/measure.c rehearse/sequence.c rehearse/sequence.h rehearse/verdict.c \
  rehearse/growth.c rehearse/statistics.c rehearse/traffic.c rehearse/rehearse.c rehearse/fill.c rehearse/render.h rehearse/render.c \
  rehearse/show_json.c rehearse/show_text.c
EXTRA_DIST += rehearse/rules.def
libdriftcheck_a_SOURCES += rehearse/sqlite.c rehearse/sqlite_vfs.h rehearse/sqlite_vfs.c rehearse/sqlite_worker.h rehearse/sqlite_worker.c \
  rehearse/sqlite_clients.h rehearse/sqlite_clients.c rehearse/sqlite_clone.h rehearse/sqlite_clone.c rehearse/sqlite_losses.h rehearse/sqlite_losses.c

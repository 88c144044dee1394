# The course of a rehearsal and its verdict; what it rests on is in the folders beneath.
libdriftcheck_a_SOURCES += rehearse/clone.c rehearse/clone.h rehearse/course.h rehearse/exec.c rehearse/exec.h \
  rehearse/growth.c rehearse/pass.c rehearse/progress.c rehearse/progress.h rehearse/rehearsal.h rehearse/rehearse.c \
  rehearse/rehearse.h rehearse/restore.c rehearse/room.c rehearse/room.h rehearse/sequence.c rehearse/sequence.h \
  rehearse/server.c rehearse/server.h rehearse/statistics.c rehearse/statistics.h rehearse/verdict.c rehearse/verdict.h
EXTRA_DIST += rehearse/rules.def

# Rows for a synthetic clone.
libdriftcheck_a_SOURCES += rehearse/fill/catalog.c rehearse/fill/check.c rehearse/fill/decide.c rehearse/fill/fill.c \
  rehearse/fill/fill.h rehearse/fill/load.c rehearse/fill/plan.h rehearse/fill/rank.c rehearse/fill/rank.h \
  rehearse/fill/value.c

# What a statement does: locks, waits, files, rows, WAL.
libdriftcheck_a_SOURCES += rehearse/measure/measure.c rehearse/measure/measure.h rehearse/measure/scans.c \
  rehearse/measure/scans.h rehearse/measure/state.h rehearse/measure/take.c rehearse/measure/tapped.c rehearse/measure/watch.c \
  rehearse/measure/watch.h

# Who uses the clone meanwhile, and what they feel.
libdriftcheck_a_SOURCES += rehearse/clients/felt.c rehearse/clients/felt.h rehearse/clients/lookout.c \
  rehearse/clients/lookout.h rehearse/clients/pgbench.c rehearse/clients/pgbench.h rehearse/clients/pgbench_log.c \
  rehearse/clients/pgbench_log.h rehearse/clients/pgbench_process.c rehearse/clients/pgbench_process.h \
  rehearse/clients/traffic.c rehearse/clients/traffic.h

# Safer statements, and their trial.
libdriftcheck_a_SOURCES += rehearse/rewrite/alter.c rehearse/rewrite/build.h rehearse/rewrite/parse_tree.c \
  rehearse/rewrite/parse_tree.h rehearse/rewrite/rewrite.c rehearse/rewrite/rewrite.h rehearse/rewrite/rewritten.c

# The relay before the server, for --exec.
libdriftcheck_a_SOURCES += rehearse/tap/protocol.c rehearse/tap/relay.c rehearse/tap/relay.h rehearse/tap/split.c \
  rehearse/tap/tap.c rehearse/tap/tap.h

# The rehearsal of a SQLite database.
libdriftcheck_a_SOURCES += rehearse/sqlite/clients.c rehearse/sqlite/clients.h rehearse/sqlite/clone.c \
  rehearse/sqlite/clone.h rehearse/sqlite/losses.c rehearse/sqlite/losses.h rehearse/sqlite/sqlite.c rehearse/sqlite/vfs.c \
  rehearse/sqlite/vfs.h rehearse/sqlite/worker.c rehearse/sqlite/worker.h

# Reports.
libdriftcheck_a_SOURCES += rehearse/show/html.c rehearse/show/html.h rehearse/show/html_axis.c \
  rehearse/show/html_timeline.c rehearse/show/json.c rehearse/show/markdown.c rehearse/show/render.c \
  rehearse/show/render.h rehearse/show/rewritten.c rehearse/show/text.c rehearse/show/words.c

# What the page of a rehearsal adds to the style of the HTML report: made into C as reporters/html.css is.
nodist_libdriftcheck_a_SOURCES += rehearse/show/rehearsal_css.h
EXTRA_DIST += rehearse/show/rehearsal.css
CLEANFILES += rehearse/show/rehearsal_css.h
rehearse/show/html.$(OBJEXT): rehearse/show/rehearsal_css.h
rehearse/show/rehearsal_css.h: $(srcdir)/rehearse/show/rehearsal.css
	$(AM_V_GEN)$(MKDIR_P) rehearse/show && { echo 'static const char rehearsal_css[] ='; \
	  sed -e 's|/[*].*[*]/||' -e 's/^[[:space:]]*//' -e '/^$$/d' -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' \
	  $(srcdir)/rehearse/show/rehearsal.css; echo ';'; } >$@.tmp && mv $@.tmp $@

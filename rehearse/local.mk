libdriftcheck_a_SOURCES += rehearse/rehearsal.h rehearse/statistics.h rehearse/fill.h rehearse/watch.h rehearse/traffic.h rehearse/tap.h \
  rehearse/measure.h rehearse/verdict.h rehearse/rehearse.h rehearse/watch.c rehearse/measure.c rehearse/sequence.c rehearse/sequence.h rehearse/verdict.c \
  rehearse/growth.c rehearse/statistics.c rehearse/traffic.c rehearse/felt.h rehearse/felt.c rehearse/lookout.h rehearse/lookout.c \
  rehearse/pgbench.h rehearse/pgbench.c rehearse/pgbench_process.h rehearse/pgbench_process.c rehearse/pgbench_log.h rehearse/pgbench_log.c rehearse/rehearse.c rehearse/fill.c rehearse/render.h rehearse/render.c \
  rehearse/show_json.c rehearse/show_text.c rehearse/show_words.c rehearse/show_rewritten.c rehearse/show_markdown.c \
  rehearse/show_html.h rehearse/show_html.c rehearse/show_html_axis.c rehearse/show_html_timeline.c rehearse/fill_plan.h rehearse/fill_catalog.c rehearse/fill_decide.c \
  rehearse/fill_load.c rehearse/fill_value.c rehearse/fill_check.c rehearse/fill_rank.c rehearse/fill_rank.h
libdriftcheck_a_SOURCES += rehearse/tap.c rehearse/tap_relay.h rehearse/tap_relay.c rehearse/tap_protocol.c rehearse/tap_split.c
libdriftcheck_a_SOURCES += rehearse/progress.h rehearse/progress.c rehearse/room.h rehearse/room.c rehearse/server.h rehearse/server.c
libdriftcheck_a_SOURCES += rehearse/course.h rehearse/pass.c rehearse/rewritten.c rehearse/clone.h rehearse/clone.c rehearse/restore.c rehearse/rewrite.h rehearse/rewrite.c rehearse/rewrite_build.h rehearse/rewrite_alter.c \
  rehearse/parse_tree.h rehearse/parse_tree.c rehearse/exec.h rehearse/exec.c rehearse/measure_state.h rehearse/measure_tapped.c rehearse/scans.h rehearse/scans.c
EXTRA_DIST += rehearse/rules.def
libdriftcheck_a_SOURCES += rehearse/sqlite.c rehearse/sqlite_vfs.h rehearse/sqlite_vfs.c rehearse/sqlite_worker.h rehearse/sqlite_worker.c \
  rehearse/sqlite_clients.h rehearse/sqlite_clients.c rehearse/sqlite_clone.h rehearse/sqlite_clone.c rehearse/sqlite_losses.h rehearse/sqlite_losses.c

# What the page of a rehearsal adds to the style of the HTML report: made into C as reporters/html.css is.
nodist_libdriftcheck_a_SOURCES += rehearse/rehearsal_css.h
EXTRA_DIST += rehearse/rehearsal.css
CLEANFILES += rehearse/rehearsal_css.h
rehearse/show_html.$(OBJEXT): rehearse/rehearsal_css.h
rehearse/rehearsal_css.h: $(srcdir)/rehearse/rehearsal.css
	$(AM_V_GEN)$(MKDIR_P) rehearse && { echo 'static const char rehearsal_css[] ='; \
	  sed -e 's|/[*].*[*]/||' -e 's/^[[:space:]]*//' -e '/^$$/d' -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' \
	  $(srcdir)/rehearse/rehearsal.css; echo ';'; } >$@.tmp && mv $@.tmp $@

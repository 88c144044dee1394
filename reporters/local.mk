libdriftcheck_a_SOURCES += reporters/report.h reporters/reporter.h reporters/line_diff.h reporters/show.h reporters/sink.h reporters/http.h reporters/markdown.h
libdriftcheck_a_SOURCES += reporters/report.c reporters/reporter.c reporters/line_diff.c reporters/show.c reporters/sink.c reporters/http.c
libdriftcheck_a_SOURCES += reporters/text.c reporters/json.c reporters/markdown.c reporters/markdown_text.c reporters/markdown_finding.c reporters/github.c
libdriftcheck_a_SOURCES += reporters/view.c reporters/view.h reporters/report_json.c reporters/report_json.h
libdriftcheck_a_SOURCES += reporters/redact.c reporters/redact.h reporters/brief.c reporters/brief.h reporters/sarif.c reporters/junit.c \
  reporters/prometheus.c reporters/actions.c reporters/slack.c reporters/slack.h reporters/webhook.c
libdriftcheck_a_SOURCES += reporters/github.h reporters/github_api.h reporters/github_body.h reporters/github_items.h reporters/github_marker.h
libdriftcheck_a_SOURCES += reporters/github_settings.c reporters/github_look.c reporters/github_api.c reporters/github_rules.c \
  reporters/github_body.c reporters/github_items.c reporters/github_marker.c
EXTRA_DIST += reporters/reporters.def reporters/sinks.def

# The HTML report, whose style becomes a string of C: a line of the file is one of the string, comments and indents left out.
libdriftcheck_a_SOURCES += reporters/html.h reporters/html.c reporters/html_text.c reporters/html_overview.c \
  reporters/html_findings.c reporters/html_definition.c reporters/html_timeline.h reporters/html_timeline.c \
  reporters/html_migrations.c
nodist_libdriftcheck_a_SOURCES = reporters/html_css.h
EXTRA_DIST += reporters/html.css
CLEANFILES += reporters/html_css.h
reporters/html.$(OBJEXT): reporters/html_css.h
reporters/html_css.h: $(srcdir)/reporters/html.css
	$(AM_V_GEN)$(MKDIR_P) reporters && { echo 'static const char html_css[] ='; \
	  sed -e 's|/[*].*[*]/||' -e 's/^[[:space:]]*//' -e '/^$$/d' -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' \
	  $(srcdir)/reporters/html.css; echo ';'; } >$@.tmp && mv $@.tmp $@

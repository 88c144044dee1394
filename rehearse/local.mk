libdriftcheck_a_SOURCES += rehearse/rehearsal.h rehearse/statistics.h rehearse/fill.h rehearse/watch.h rehearse/traffic.h rehearse/tap.h \
  rehearse/measure.h rehearse/verdict.h rehearse/rehearse.h rehearse/watch.c rehearse/measure.c rehearse/sequence.c rehearse/sequence.h rehearse/verdict.c \
  rehearse/growth.c rehearse/statistics.c rehearse/traffic.c rehearse/rehearse.c rehearse/fill.c rehearse/render.h rehearse/render.c \
  rehearse/show_json.c rehearse/show_text.c rehearse/fill_plan.h rehearse/fill_catalog.c rehearse/fill_decide.c \
  rehearse/fill_load.c rehearse/fill_value.c rehearse/fill_check.c rehearse/fill_rank.c rehearse/fill_rank.h \
  rehearse/course.h rehearse/pass.c rehearse/clone.h rehearse/clone.c rehearse/rewrite.h rehearse/rewrite.c rehearse/rewrite_build.h rehearse/rewrite_alter.c \
  rehearse/parse_tree.h rehearse/parse_tree.c
EXTRA_DIST += rehearse/rules.def

# What the commands share is in the library, where tests reach it; main and the commands are not.
libdriftcheck_a_SOURCES += sentinel/command.h sentinel/config.c sentinel/config.h sentinel/confirm.c sentinel/confirm.h \
  sentinel/cron.c sentinel/cron.h sentinel/dating.c sentinel/dating.h sentinel/deliver.c sentinel/deliver.h sentinel/env.c sentinel/env.h sentinel/fleet.c sentinel/fleet.h sentinel/folders.c \
  sentinel/folders.h sentinel/last_success.c sentinel/last_success.h sentinel/merge.c sentinel/merge.h \
  sentinel/options.c sentinel/options.h sentinel/output.c sentinel/output.h sentinel/platform.c \
  sentinel/platform.h sentinel/ping.c sentinel/ping.h sentinel/rehearse_limits.c sentinel/rehearse_limits.h sentinel/replays.c sentinel/replays.h sentinel/run_report.c \
  sentinel/run_report.h sentinel/servers.c sentinel/servers.h sentinel/shard.c sentinel/shard.h sentinel/source.c \
  sentinel/source.h sentinel/source_read.c sentinel/source_read.h sentinel/suggest.c sentinel/suggest.h sentinel/versions.c \
  sentinel/versions.h
driftcheck_SOURCES = sentinel/main.c sentinel/assert.c sentinel/check.c sentinel/check.h sentinel/check_env.c sentinel/check_report.c sentinel/check_state.h sentinel/diff.c \
  sentinel/doctor.c sentinel/frameworks.c sentinel/init.c sentinel/kinds.c sentinel/rehearse.c sentinel/rehearse_clone.c sentinel/rehearse_clone.h sentinel/rehearse_drift.c sentinel/rehearse_drift.h sentinel/rehearse_target.c \
  sentinel/rehearse_target.h sentinel/replay.c sentinel/report.c sentinel/snapshot.c \
  sentinel/status.c sentinel/tenants.c sentinel/tenants.h sentinel/tenants_look.c sentinel/tenants_look.h sentinel/tenants_report.c sentinel/tenants_report.h \
  sentinel/tenants_versions.c sentinel/tenants_versions.h

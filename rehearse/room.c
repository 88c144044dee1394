// SPDX-License-Identifier: PostgreSQL
// Room for a clone: see room.h. It is asked before anything is made, since a full disk would end other people's work as well.
#include "rehearse/room.h"

#include <sys/statvfs.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "migrations/scratch_folder.h"
#include "rehearse/show/render.h"

bool room_check_at(struct log *log, const char *folder, long long bytes, int tell, const char *hint, struct err *err)
{
	struct statvfs space;
	auto_buf text = BUF_INIT;
	if (statvfs(folder, &space) != 0)
		return true;
	long long free_bytes = (long long)space.f_bavail * (long long)space.f_frsize;
	buf_adds(&text, "the clone takes about ");
	show_bytes(&text, bytes);
	buf_adds(&text, ", and as much again while tables are rewritten; ");
	show_bytes(&text, free_bytes);
	buf_addf(&text, " are free in %s", folder);
	if (bytes >= free_bytes / 2)
		return err_set(err, "space", NULL, hint, "%s", text.data);
	if (tell == ROOM_TELL && log != NULL && log->progress)
		log_warn(log, "%s", text.data);
	else if (tell == ROOM_TELL)
		log_info(log, "%s", text.data);
	return true;
}

bool room_check(struct log *log, const struct scratch_settings *scratch, long long bytes, int tell, const char *hint, struct err *err)
{
	auto_arena arena = arena_new();
	struct run_user user;
	struct err ignored;
	const char *folder = scratch->url != NULL || !run_user_find(arena, &user, &ignored) ? NULL : scratch_folder_parent(&user);
	return folder == NULL || room_check_at(log, folder, bytes, tell, hint, err);
}

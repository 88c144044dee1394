// SPDX-License-Identifier: PostgreSQL
// A scratch that is left to the user: see scratch_keep. No sweep finds it, so what is said of it is all that leads to it.
#include "config.h"

#include "migrations/scratch_state.h"

#include <string.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/err.h"
#include "introspect/pg.h"

// A word of a shell's command.
static const char *word(struct arena *arena, const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:=,@%";
	auto_buf quoted = BUF_INIT;
	if (*text != '\0' && text[strspn(text, plain)] == '\0')
		return arena_strdup(arena, text);
	buf_addc(&quoted, '\'');
	for (; *text != '\0'; text++)
		*text == '\'' ? buf_adds(&quoted, "'\\''") : buf_addc(&quoted, *text);
	buf_addc(&quoted, '\'');
	return buf_copy(&quoted, arena);
}

static bool keep_cluster(struct scratch *scratch, struct arena *arena, struct scratch_kept *kept, struct err *err)
{
	struct cluster *cluster = &scratch->cluster;
	PQfinish(scratch->admin);
	scratch->admin = NULL;
	if (!cluster_keep(cluster, err))
		return false;
	const char *path = arena_strdup(arena, cluster->folder.path), *data = arena_printf(arena, "%s/data", path);
	kept->where = path;
	kept->connect = arena_printf(arena, "psql %s", word(arena, arena_printf(arena, "host=%s port=5432 user=" CLUSTER_SUPERUSER
	                             " dbname=" CLUSTER_DATABASE, path)));
	kept->remove = arena_printf(arena, "%s%s%s%s stop -m immediate -D %s && rm -r %s", cluster->user.other ? "runuser -u " : "",
	                            cluster->user.other ? cluster->user.name : "", cluster->user.other ? " -- " : "",
	                            word(arena, arena_printf(arena, "%s/pg_ctl", cluster->binaries.bindir)), word(arena, data), word(arena, path));
	cluster->folder = (struct scratch_folder){ "", -1 };
	cluster->pid = 0;
	return true;
}

static bool keep_file(struct scratch *scratch, struct arena *arena, struct scratch_kept *kept, struct err *err)
{
	if (!scratch_folder_keep(&scratch->folder, err))
		return false;
	const char *path = arena_printf(arena, "%s/scratch.db", scratch->folder.path);
	kept->where = path;
	kept->connect = arena_printf(arena, "sqlite3 %s", word(arena, path));
	kept->remove = arena_printf(arena, "rm -r %s", word(arena, scratch->folder.path));
	scratch->folder = (struct scratch_folder){ "", -1 };
	return true;
}

// Without the comment by which it would be swept.
static bool keep_database(struct scratch *scratch, struct arena *arena, struct scratch_kept *kept, struct err *err)
{
	const char *name = scratch->database, *host = PQhost(scratch->url);
	PQfinish(scratch->admin);
	scratch->admin = NULL;
	if (!scratch_runf(scratch->url, err, "COMMENT ON DATABASE %s IS 'driftcheck: kept'", name))
		return false;
	kept->where = arena_printf(arena, "database %s on the scratch url's server", name);
	kept->connect = arena_printf(arena, "psql %s", word(arena, arena_printf(arena, "host=%s port=%s user=%s dbname=%s", host == NULL ? "" : host,
	                             PQport(scratch->url), PQuser(scratch->url), name)));
	auto_buf sql = BUF_INIT;
	buf_addf(&sql, "DROP DATABASE %s;", name);
	for (size_t i = 0; i < scratch->n_roles; i++)
		buf_addf(&sql, " DROP ROLE %s;", scratch_quoted(scratch, scratch->roles[i]));
	if (scratch->role_made)
		buf_addf(&sql, " DROP ROLE %s;", scratch->owner);
	kept->remove = buf_copy(&sql, arena);
	scratch->database = NULL;
	scratch->n_roles = 0;
	scratch->role_made = false;
	return true;
}

bool scratch_keep(struct scratch *scratch, struct arena *arena, struct scratch_kept *kept, struct err *err)
{
	if (scratch->engine == ENGINE_SQLITE)
		return keep_file(scratch, arena, kept, err);
	return (scratch->settings.url != NULL ? keep_database : keep_cluster)(scratch, arena, kept, err);
}

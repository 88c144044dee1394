// SPDX-License-Identifier: PostgreSQL
// A throwaway PostgreSQL cluster: see cluster.h. initdb takes most of a second, so its result, with the replay's roles and
// database in it, is kept as a template and copied. The postmaster is our direct child: pg_ctl would put a shell and a
// daemon between us, and then the kernel could not end it for us.
#include "config.h"

#include "migrations/cluster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <libpq-fe.h>
#include <locale.h>
#include <signal.h>
#include <string.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "introspect/pg.h"
#include "migrations/cache.h"

// Raised when what a template holds changes.
#define TEMPLATE_VERSION "1"

enum { START_MS = 60 * 1000, STOP_MS = 8 * 1000, KEEP_STOP_MS = 600 * 1000, POLL_MS = 2, LOG_TAIL_BYTES = 1200 };
enum { HALF_MADE_S = 60 * 60, TEMPLATE_KEPT_S = 90 * 24 * 60 * 60 };

// Connecting.

void conninfo_add(struct buf *conninfo, const char *keyword, const char *value)
{
	buf_addf(conninfo, "%s%s='", conninfo->length > 0 ? " " : "", keyword);
	for (const char *c = value; *c != '\0'; c++) {
		if (*c == '\'' || *c == '\\')
			buf_addc(conninfo, '\\');
		buf_addc(conninfo, *c);
	}
	buf_addc(conninfo, '\'');
}

const char *cluster_conninfo(const struct cluster *cluster, struct arena *arena, const char *user, const char *database)
{
	auto_buf conninfo = BUF_INIT;
	conninfo_add(&conninfo, "host", cluster->folder.path);
	conninfo_add(&conninfo, "user", user);
	conninfo_add(&conninfo, "dbname", database);
	buf_adds(&conninfo, " port=5432 hostaddr='' options='' sslmode=disable gssencmode=disable channel_binding=disable"
	                    " target_session_attrs=any requirepeer='' client_encoding=UTF8 application_name=driftcheck");
	return buf_copy(&conninfo, arena);
}

// The server.

const char *cluster_log_tail(const struct cluster *cluster, struct arena *arena)
{
	auto_file log = fopen(arena_printf(arena, "%s/log", cluster->folder.path), "re");
	char tail[LOG_TAIL_BYTES + 1] = "";
	if (log == NULL)
		return "";
	if (fseek(log, -LOG_TAIL_BYTES, SEEK_END) != 0)
		rewind(log);
	tail[fread(tail, 1, LOG_TAIL_BYTES, log)] = '\0';
	return arena_strdup(arena, tail);
}

static int log_open(const struct cluster *cluster)
{
	auto_arena arena = arena_new();
	return open(arena_printf(arena, "%s/log", cluster->folder.path), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
}

static bool failed(const struct cluster *cluster, const char *what, struct err *err)
{
	auto_arena arena = arena_new();
	const char *log = cluster_log_tail(cluster, arena);
	bool nameless = strstr(log, "could not look up effective user ID") != NULL; // a container that runs as some number
	return err_set(err, "scratch", cluster->binaries.bindir,
	               nameless ? "PostgreSQL needs a name for the user that it runs as: give this user id an entry in /etc/passwd (nss_wrapper "
	                          "does it without), or run as a user that has one"
	                        : "its files go to the folder that TMPDIR names: is there room?",
	               "the scratch server %s; the end of its log: %s", what, log);
}

// `more` is set over what every throwaway server has. `tied`: it dies with us.
static bool server_start(struct cluster *cluster, const char *const *more, bool tied, struct err *err)
{
	static const char *const settings[] = {
		"listen_addresses=", "unix_socket_permissions=0700", "port=5432", "max_connections=20", "ssl=off",
		"fsync=off", "synchronous_commit=off", "full_page_writes=off", "wal_level=minimal", "max_wal_senders=0",
		"max_wal_size=1GB", "checkpoint_timeout=1h", "wal_writer_delay=10s", "bgwriter_delay=10s", "autovacuum=off", "jit=off",
		"shared_buffers=32MB", "huge_pages=off", "max_locks_per_transaction=1024", "max_logical_replication_workers=0",
		"dynamic_shared_memory_type=mmap", // in the data folder: nothing of it is left in /dev/shm
		"restart_after_crash=off", "logging_collector=off", "log_destination=stderr", "timezone=UTC", "log_timezone=UTC",
	};
	enum { N_SETTINGS = sizeof settings / sizeof *settings };
	auto_arena arena = arena_new();
	size_t n_more = 0;
	while (more != NULL && more[n_more] != NULL)
		n_more++;
	const char **argv = arena_array(arena, 5 + 2 * (N_SETTINGS + n_more) + 1, sizeof *argv);
	memcpy(argv, (const char *const[5]){ arena_printf(arena, "%s/postgres", cluster->binaries.bindir), "-D", cluster->data, "-k",
	                                     cluster->folder.path }, 5 * sizeof *argv);
	for (size_t i = 0; i < N_SETTINGS + n_more; i++) {
		argv[5 + 2 * i] = "-c";
		argv[6 + 2 * i] = i < N_SETTINGS ? settings[i] : more[i - N_SETTINGS]; // the last one counts
	}
	auto_fd log = log_open(cluster);
	if (log < 0)
		return err_set(err, "scratch", cluster->folder.path, NULL, "cannot write the log: %s", strerror(errno));
	pid_t pid = (tied ? process_start : process_start_free)(argv, cluster->folder.path, log, &cluster->user, err);
	if (pid < 0)
		return false;
	cluster->pid = pid;
	const char *conninfo = cluster_conninfo(cluster, arena, CLUSTER_SUPERUSER, "template1");
	for (int waited_ms = 0; waited_ms < START_MS; waited_ms += POLL_MS) {
		if (waitpid(pid, NULL, WNOHANG) == pid) {
			cluster->pid = 0;
			return failed(cluster, "ended at its start", err);
		}
		if (PQping(conninfo) == PQPING_OK)
			return true;
		clock_wait_ms(POLL_MS);
	}
	cluster_kill(cluster);
	return failed(cluster, "was not ready within 60 seconds", err);
}

// A server that was killed could not clear away: what still runs of it, and its shared memory.
static void clear_away(const struct cluster *cluster)
{
	auto_fd folder = open(cluster->folder.path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (folder >= 0 && faccessat(folder, "data/postmaster.pid", F_OK, 0) == 0)
		cluster_reap(folder, cluster->folder.path, NULL);
}

// Sends the signal and waits; a server that does not end is killed.
static void server_stop(struct cluster *cluster, int signal, int wait_ms)
{
	if (cluster->pid == 0)
		return;
	kill(cluster->pid, signal);
	for (int waited_ms = 0; waited_ms < wait_ms && cluster->pid != 0; waited_ms += POLL_MS) {
		if (waitpid(cluster->pid, NULL, WNOHANG) != 0)
			cluster->pid = 0;
		else
			clock_wait_ms(POLL_MS);
	}
	clear_away(cluster);
	if (cluster->pid != 0)
		waitpid(cluster->pid, NULL, 0);
	cluster->pid = 0;
}

void cluster_kill(struct cluster *cluster)
{
	server_stop(cluster, SIGQUIT, STOP_MS); // immediate shutdown
}

// The template.

static const char *template_path(struct arena *arena, const struct binaries *binaries, const char *locale)
{
	const char *cache = cache_folder(arena);
	if (cache == NULL)
		return NULL;
	struct cache_key *key = cache_key_new(arena);
	cache_key_adds(key, TEMPLATE_VERSION);
	cache_key_adds(key, binaries->bindir);
	cache_key_adds(key, binaries->version);
	cache_key_adds(key, locale);
	return arena_printf(arena, "%s/template-%d-%.16s", cache, binaries->major, cache_key_hex(key));
}

// C.UTF-8, so that upper(), regular expressions and the like know letters; C where the system lacks it.
static const char *usable_locale(void)
{
	locale_t locale = newlocale(LC_ALL_MASK, "C.UTF-8", (locale_t)0);
	if (locale == (locale_t)0)
		return "C";
	freelocale(locale);
	return "C.UTF-8";
}

static bool initdb_run(struct cluster *cluster, const char *locale, struct err *err)
{
	auto_arena arena = arena_new();
	const char *argv[] = {
		arena_printf(arena, "%s/initdb", cluster->binaries.bindir), "-D", cluster->data, "-U", CLUSTER_SUPERUSER, "-A", "trust",
		"-E", "UTF8", "--locale", locale, "--wal-segsize=1", "--no-sync", NULL,
	};
	auto_fd log = log_open(cluster);
	pid_t pid = log < 0 ? -1 : process_start(argv, cluster->folder.path, log, &cluster->user, err);
	if (pid < 0)
		return log < 0 ? failed(cluster, "has no log", err) : false;
	int status;
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return (WIFEXITED(status) && WEXITSTATUS(status) == 0) || failed(cluster, "could not be made (initdb)", err);
}

static bool setup_run(struct cluster *cluster, const char *database, const char *const *statements, struct err *err)
{
	auto_arena arena = arena_new();
	auto_pgconn conn = PQconnectdb(cluster_conninfo(cluster, arena, CLUSTER_SUPERUSER, database));
	for (; *statements != NULL; statements++) {
		auto_pgresult result = PQexec(conn, *statements);
		if (PQresultStatus(result) != PGRES_COMMAND_OK)
			return err_set(err, "scratch", cluster->binaries.bindir, NULL, "cannot set up the scratch server: %s",
			               PQerrorMessage(conn));
	}
	return true;
}

// The roles, the database, and what its owner has on the platforms that migrations are written for: plpgsql is the
// owner's (dumps comment on it), and before 15 so is the schema public (since 15 it belongs to the database's owner).
static bool template_setup(struct cluster *cluster, struct err *err)
{
	static const char *const server_wide[] = {
		"CREATE ROLE " CLUSTER_OWNER " LOGIN",
		"ALTER DATABASE postgres RENAME TO " CLUSTER_DATABASE,
		"ALTER DATABASE " CLUSTER_DATABASE " OWNER TO " CLUSTER_OWNER,
		"UPDATE pg_database SET datistemplate = false WHERE datname = 'template0'",
		"DROP DATABASE template0", // a third of what has to be copied
		NULL,
	};
	static const char *const in_database[] = {
		"ALTER LANGUAGE plpgsql OWNER TO " CLUSTER_OWNER,
		"UPDATE pg_extension SET extowner = '" CLUSTER_OWNER "'::regrole WHERE extname = 'plpgsql'",
		NULL,
	};
	static const char *const before_15[] = { "ALTER SCHEMA public OWNER TO " CLUSTER_OWNER, NULL };
	return setup_run(cluster, "template1", server_wide, err) && setup_run(cluster, CLUSTER_DATABASE, in_database, err) &&
	       (cluster->binaries.major >= 15 || setup_run(cluster, CLUSTER_DATABASE, before_15, err));
}

// Keeps a copy of the data folder for the next time, and removes what earlier ones left. That it cannot be kept is no error. Two who make the same one at once
// both succeed: the second rename fails, and its copy goes.
static void template_keep(const struct cluster *cluster, const char *path)
{
	auto_arena arena = arena_new();
	char *temporary = arena_printf(arena, "%s.XXXXXX", path);
	struct run_user ourselves = { "", geteuid(), getegid(), false };
	struct err ignored;
	glob_t old = { 0 };
	glob(arena_printf(arena, "%.*s/template-*", (int)(strrchr(path, '/') - path), path), 0, NULL, &old);
	for (size_t i = 0; i < old.gl_pathc; i++) {
		bool half_made = strchr(strrchr(old.gl_pathv[i], '/'), '.') != NULL;
		struct stat is;
		if (lstat(old.gl_pathv[i], &is) == 0 && time(NULL) - is.st_mtime > (half_made ? HALF_MADE_S : TEMPLATE_KEPT_S))
			tree_remove(old.gl_pathv[i]);
	}
	globfree(&old);
	if (mkdtemp(temporary) == NULL)
		return;
	const char *copy = arena_printf(arena, "%s/data", temporary);
	if (tree_copy(cluster->data, copy, &ourselves, &ignored))
		rename(copy, path);
	tree_remove(temporary);
}

static bool template_make(struct cluster *cluster, const char *locale, const char *keep_at, struct err *err)
{
	if (!initdb_run(cluster, locale, err) || !server_start(cluster, NULL, true, err) || !template_setup(cluster, err))
		return false;
	server_stop(cluster, SIGINT, STOP_MS); // a clean shutdown: what is copied needs no recovery
	if (keep_at != NULL)
		template_keep(cluster, keep_at);
	return true;
}

bool cluster_open(struct arena *arena, const struct binaries *binaries, const char *const *settings, struct cluster *cluster, struct err *err)
{
	invariant(getpid() == (pid_t)syscall(SYS_gettid), "a scratch server is tied to the thread that starts it: the main one");
	*cluster = (struct cluster){ .arena = arena, .binaries = *binaries, .settings = settings };
	cluster->folder.lock = -1;
	if (!run_user_find(arena, &cluster->user, err) || !scratch_folder_open(&cluster->folder, &cluster->user, err))
		return false;
	cluster->data = arena_printf(arena, "%s/data", cluster->folder.path);
	const char *locale = usable_locale(), *template = template_path(arena, binaries, locale);
	if (template != NULL && access(template, F_OK) == 0) {
		if (tree_copy(template, cluster->data, &cluster->user, err) && server_start(cluster, settings, true, err))
			return true;
		tree_remove(template); // damaged (the machine went down while it was written): once more from the start
		tree_remove(cluster->data);
	}
	if (template_make(cluster, locale, template, err) && server_start(cluster, settings, true, err))
		return true;
	cluster_close(cluster);
	return false;
}

void cluster_close(struct cluster *cluster)
{
	cluster_kill(cluster);
	scratch_folder_close(&cluster->folder);
}

// The kernel's tie to us is the process's own and cannot be undone from outside, so the server is stopped and started anew; the name by
// which it is swept goes in between.
bool cluster_keep(struct cluster *cluster, struct err *err)
{
	server_stop(cluster, SIGINT, KEEP_STOP_MS);
	if (!scratch_folder_keep(&cluster->folder, err))
		return false;
	cluster->data = arena_printf(cluster->arena, "%s/data", cluster->folder.path);
	return server_start(cluster, cluster->settings, false, err);
}

// What a killed run left.

// Whether a process works in the folder and is its owner's.
static bool works_in(pid_t pid, const struct stat *data)
{
	char path[64];
	struct stat process, folder;
	snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
	if (pid <= 1 || stat(path, &folder) != 0 || folder.st_dev != data->st_dev || folder.st_ino != data->st_ino)
		return false;
	*strrchr(path, '/') = '\0';
	return stat(path, &process) == 0 && process.st_uid == data->st_uid;
}

static int kill_all_in(const struct stat *data)
{
	int n = 0;
	auto_dir processes = opendir("/proc");
	for (const struct dirent *entry; processes != NULL && (entry = readdir(processes)) != NULL;) {
		pid_t pid = atoi(entry->d_name);
		if (works_in(pid, data)) {
			n++;
			kill(pid, SIGKILL);
		}
	}
	return n;
}

void cluster_reap(int folder, const char *path, void *log)
{
	log_info(log, "removing what a run that was killed left: %s", path);
	auto_fd data = openat(folder, "data", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat is;
	if (data < 0 || fstat(data, &is) != 0)
		return;
	int fd = openat(data, "postmaster.pid", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	auto_file pid_file = fd < 0 ? NULL : fdopen(fd, "r");
	if (pid_file == NULL)
		return; // it never started, or ended well
	// miscadmin.h: pid, data folder, start time, port, socket folder, address, "key id" of the shared memory, status
	char line[1024];
	int shm_key = 0, shm_id = -1, pid = 0;
	for (int i = 1; i <= 7 && fgets(line, sizeof line, pid_file) != NULL; i++) {
		if (i == 1)
			pid = atoi(line);
		if (i == 7 && sscanf(line, "%d %d", &shm_key, &shm_id) != 2)
			shm_id = -1;
	}
	if (works_in(pid, &is)) {
		kill(pid, SIGQUIT); // it ends the others itself, and removes its shared memory
		for (int waited_ms = 0; waited_ms < STOP_MS && works_in(pid, &is); waited_ms += POLL_MS)
			clock_wait_ms(POLL_MS);
	}
	for (int waited_ms = 0; waited_ms < STOP_MS && kill_all_in(&is) > 0; waited_ms += POLL_MS)
		clock_wait_ms(POLL_MS);
	struct shmid_ds segment;
	if (shm_id >= 0 && shmctl(shm_id, IPC_STAT, &segment) == 0 && segment.shm_perm.__key == shm_key &&
	    segment.shm_perm.uid == is.st_uid && segment.shm_nattch == 0)
		shmctl(shm_id, IPC_RMID, NULL);
}

// SPDX-License-Identifier: PostgreSQL
// The server of a clone: see server.h. Times that are measured there are worth something only if it writes its WAL as the environment
// does and has as much memory for an index. What a server of this machine could refuse at its start is not taken over, and listed.
#include "rehearse/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "introspect/pg.h"

enum { VALUE_MOST = 80 };

static const long long mb = 1 << 20;

static const char *value_of(const struct server_setting *settings, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(settings[i].name, name) == 0)
			return settings[i].value;
	}
	return NULL;
}

long long setting_bytes(const char *text)
{
	static const struct { const char *unit; int shift; } units[] = { { "", 0 }, { "B", 0 }, { "kB", 10 }, { "MB", 20 }, { "GB", 30 }, { "TB", 40 } };
	char *end;
	long long n = strtoll(text, &end, 10);
	for (size_t i = 0; end != text && n >= 0 && i < sizeof units / sizeof *units; i++) {
		if (strcmp(units[i].unit, end) == 0 && n <= INT64_MAX >> units[i].shift)
			return n << units[i].shift;
	}
	return -1;
}

// The memory that can be had: of the machine, or of the group that a container is.
static long long memory_available(void)
{
	static const char *const groups[] = { "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes" };
	long long available = (long long)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE), n;
	auto_file memory = fopen("/proc/meminfo", "re");
	char line[128];
	while (memory != NULL && fgets(line, sizeof line, memory) != NULL) {
		if (sscanf(line, "MemAvailable: %lld kB", &n) == 1)
			available = n << 10;
	}
	for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
		auto_file group = fopen(groups[i], "re");
		if (group != NULL && fscanf(group, "%lld", &n) == 1 && n > 0 && n < available)
			available = n;
	}
	return available;
}

long long server_buffers(long long wanted, long long memory_bytes)
{
	long long most = memory_bytes / 4, bytes = wanted > 0 ? wanted : 256 * mb;
	bytes = bytes > most ? most : bytes;
	return bytes < 32 * mb ? 32 * mb : bytes / mb * mb;
}

// Whether a value of the environment's means something here.

static bool always(const char *value)
{
	return *value != '\0';
}

static bool is_time_zone(const char *value)
{
	char path[256];
	bool plain = *value != '\0' && value[0] != '.' && strchr(value, '<') == NULL && strstr(value, "..") == NULL;
	return plain && snprintf(path, sizeof path, "/usr/share/zoneinfo/%s", value) < (int)sizeof path && access(path, R_OK) == 0;
}

static bool is_switch(const char *value) // a method of compression may not be built in
{
	return strcmp(value, "on") == 0 || strcmp(value, "off") == 0;
}

static bool is_above_replica(const char *value)
{
	return strcmp(value, "logical") == 0;
}

static bool is_more_locks(const char *value)
{
	return atoi(value) > 1024; // of every throwaway server
}

static const struct taken {
	const char *name;
	bool (*fits)(const char *value);
} taken[] = {
	{ "max_wal_size", always }, { "maintenance_work_mem", always }, { "work_mem", always }, { "max_parallel_maintenance_workers", always },
	{ "max_parallel_workers", always }, { "max_worker_processes", always }, { "TimeZone", is_time_zone }, { "deadlock_timeout", always },
	{ "checkpoint_timeout", always }, { "checkpoint_completion_target", always }, { "wal_compression", is_switch },
	{ "wal_level", is_above_replica }, { "wal_buffers", always }, { "effective_io_concurrency", always }, { "max_locks_per_transaction", is_more_locks },
};
enum { N_TAKEN = sizeof taken / sizeof *taken };

const char *const *server_settings(struct arena *arena, const struct statistics *statistics)
{
	static const char *const durable[] = {
		"fsync=on", "synchronous_commit=on", "full_page_writes=on", "wal_level=replica", "max_wal_senders=10", "wal_writer_delay=200ms",
		"bgwriter_delay=200ms", "checkpoint_timeout=5min", "max_connections=100",
	};
	enum { N_DURABLE = sizeof durable / sizeof *durable };
	const char **settings = arena_array(arena, N_DURABLE + N_TAKEN + 2, sizeof *settings);
	size_t n = 0;
	for (size_t i = 0; i < N_DURABLE; i++)
		settings[n++] = durable[i];
	for (size_t i = 0; statistics != NULL && i < N_TAKEN; i++) {
		const char *value = value_of(statistics->settings, statistics->n_settings, taken[i].name);
		if (value != NULL && taken[i].fits(value))
			settings[n++] = arena_printf(arena, "%s=%s", taken[i].name, value);
	}
	const char *buffers = statistics == NULL ? NULL : value_of(statistics->settings, statistics->n_settings, "shared_buffers");
	settings[n++] = arena_printf(arena, "shared_buffers=%lldMB", server_buffers(buffers == NULL ? 0 : setting_bytes(buffers), memory_available()) / mb);
	return settings;
}

// Timeouts are limits, which are said elsewhere; room for locks costs no time.
static bool is_held_against(const char *name)
{
	static const char *const others[] = { "lock_timeout", "statement_timeout", "max_locks_per_transaction" };
	for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
		if (strcmp(others[i], name) == 0)
			return false;
	}
	return true;
}

static const char *shortened(struct arena *arena, const char *value)
{
	return strlen(value) <= VALUE_MOST ? value : arena_printf(arena, "%.*s...", (int)VALUE_MOST, value);
}

void server_compare(struct arena *arena, const char *conninfo, const struct statistics *statistics, struct rehearsal *rehearsal)
{
	auto_pgconn conn = PQconnectdb(conninfo);
	auto_pgresult result = PQstatus(conn) != CONNECTION_OK ? NULL : PQexec(conn, server_settings_sql);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return;
	const char *version = PQparameterStatus(conn, "server_version");
	rehearsal->server = version == NULL ? NULL : arena_strndup(arena, version, strcspn(version, " "));
	size_t n = (size_t)PQntuples(result);
	struct server_setting *here = arena_array(arena, n + 1, sizeof *here);
	for (size_t i = 0; i < n; i++)
		here[i] = (struct server_setting){ arena_strdup(arena, PQgetvalue(result, (int)i, 0)), arena_strdup(arena, PQgetvalue(result, (int)i, 1)) };
	if (statistics == NULL)
		return;
	rehearsal->settings = arena_array(arena, statistics->n_settings + 1, sizeof *rehearsal->settings);
	rehearsal->n_settings = 0;
	if (rehearsal->server != NULL && strcmp(rehearsal->server, statistics->server) != 0)
		rehearsal->settings[rehearsal->n_settings++] = (struct setting_difference){ "version", rehearsal->server, statistics->server };
	for (size_t i = 0; i < statistics->n_settings; i++) { // what only a newer one has says nothing that the version does not
		const struct server_setting *there = &statistics->settings[i];
		const char *value = value_of(here, n, there->name);
		if (value != NULL && is_held_against(there->name) && strcmp(value, there->value) != 0)
			rehearsal->settings[rehearsal->n_settings++] =
				(struct setting_difference){ there->name, shortened(arena, value), shortened(arena, there->value) };
	}
}

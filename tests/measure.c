// SPDX-License-Identifier: PostgreSQL
// The stopwatch of scripts/bench.sh and scripts/bench_rehearse.sh. `measure run COMMAND...` runs a command with its output thrown away, and prints the
// milliseconds it took and the most memory it held, in kB; it ends with the command's exit status. `measure compare
// A.json B.json` prints the milliseconds of loading two snapshots, and of comparing them once they are loaded. `measure fill
// SOURCE CLONE` fills the second database like the first, and prints the milliseconds, the rows and the bytes. `measure tap SOCKET
// CONNINFO` prints the milliseconds of 10,000 small queries and of 300 MB of rows to the server on that socket, and then the same
// through the tap. It takes no averages: the script does.
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "diff/compare.h"
#include "introspect/pg.h"
#include "introspect/reader.h"
#include "introspect/snapshot.h"
#include "rehearse/fill/fill.h"
#include "rehearse/tap/tap.h"

static double now_ms(void)
{
	struct timespec time;
	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static int run(char **command)
{
	double start_ms = now_ms();
	pid_t pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY);
		if (null >= 0)
			dup2(null, STDOUT_FILENO);
		execvp(command[0], command);
		perror(command[0]);
		_exit(127);
	}
	int status;
	struct rusage usage;
	if (pid < 0 || wait4(pid, &status, 0, &usage) != pid) {
		perror("measure");
		return 127;
	}
	printf("%.1f %ld\n", now_ms() - start_ms, usage.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static struct snapshot *load(struct arena *arena, const char *path, struct err *err)
{
	json_error_t error;
	json_t *json = json_load_file(path, 0, &error);
	if (json == NULL) {
		err_set(err, "snapshot", path, NULL, "%s", error.text);
		return NULL;
	}
	struct snapshot *snapshot = snapshot_from_json(arena, json, path, err);
	json_decref(json);
	return snapshot;
}

static int compare(const char *a, const char *b)
{
	auto_arena arena = arena_new();
	struct err err = { 0 };
	double start_ms = now_ms();
	struct snapshot *want = load(arena, a, &err);
	struct snapshot *have = want == NULL ? NULL : load(arena, b, &err);
	if (have == NULL) {
		fprintf(stderr, "%s: %s\n", err.where, err.text);
		return 2;
	}
	double loaded_ms = now_ms();
	struct comparer comparer;
	comparer_init(&comparer, arena, want->engine, 0);
	struct changes changes = compare_snapshots(&comparer, want, have);
	printf("%.1f %.1f %zu\n", loaded_ms - start_ms, now_ms() - loaded_ms, changes.n);
	return 0;
}

// Both as superuser; the clone has the schema and no rows.
static int fill_clone(const char *source, const char *clone)
{
	auto_arena arena = arena_new();
	struct err err = { 0 };
	const struct read_options options = { .name = "source" };
	struct statistics *statistics = statistics_read(arena, source, &options, &err);
	const struct fill_request request = { .conninfo = clone, .statistics = statistics, .scale = 1, .n_connections = 2 };
	struct clone_table *tables;
	const char **notes;
	size_t n_tables, n_notes;
	double start_ms = now_ms();
	if (statistics == NULL || !fill(arena, &request, &tables, &n_tables, &notes, &n_notes, &err)) {
		fprintf(stderr, "%s: %s\n", err.where, err.text);
		return 2;
	}
	long long rows = 0, bytes = 0;
	for (size_t i = 0; i < n_tables; i++) {
		rows += tables[i].rows;
		bytes += tables[i].bytes;
	}
	printf("%.1f %lld %lld\n", now_ms() - start_ms, rows, bytes);
	return 0;
}

static bool answers(PGconn *conn, const char *sql, int n)
{
	for (int i = 0; i < n; i++) {
		if (PQsendQuery(conn, sql) != 1 || PQsetSingleRowMode(conn) != 1)
			return false;
		for (PGresult *result; (result = PQgetResult(conn)) != NULL; PQclear(result)) {
			if (PQresultStatus(result) == PGRES_FATAL_ERROR)
				return false;
		}
	}
	return PQstatus(conn) == CONNECTION_OK;
}

static int tap(const char *socket, const char *conninfo)
{
	auto_arena arena = arena_new();
	struct err err = { 0 };
	const struct tap_request request = { .server_socket = socket, .split = true };
	struct tap *tap = tap_start(&request, &err);
	if (tap == NULL) {
		fprintf(stderr, "%s: %s\n", err.where, err.text);
		return 2;
	}
	const char *through = arena_printf(arena, "%s host=%s port=%d", conninfo, tap_folder(tap), tap_port(tap));
	bool ok = true;
	for (int i = 0; ok && i < 2; i++) {
		auto_pgconn conn = PQconnectdb(i == 0 ? conninfo : through);
		double start_ms = now_ms();
		ok = answers(conn, "select 1", 10000);
		double small_ms = now_ms();
		ok = ok && answers(conn, "select repeat('x', 1000) from generate_series(1, 300000)", 1);
		printf("%.1f %.1f%c", small_ms - start_ms, now_ms() - small_ms, i == 0 ? ' ' : '\n');
		if (!ok)
			fprintf(stderr, "%s\n", PQerrorMessage(conn));
	}
	size_t n;
	return tap_stop(tap, arena, true, &n, &err) != NULL && ok ? 0 : 2;
}

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "run") == 0)
		return run(argv + 2);
	if (argc == 4 && strcmp(argv[1], "compare") == 0)
		return compare(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "fill") == 0)
		return fill_clone(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "tap") == 0)
		return tap(argv[2], argv[3]);
	fprintf(stderr, "usage: measure run COMMAND... | measure compare A.json B.json | measure fill SOURCE CLONE | measure tap SOCKET CONNINFO\n");
	return 2;
}

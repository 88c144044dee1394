// SPDX-License-Identifier: PostgreSQL
// The stopwatch of scripts/bench.sh. `measure run COMMAND...` runs a command with its output thrown away, and prints the
// milliseconds it took and the most memory it held, in kB; it ends with the command's exit status. `measure compare
// A.json B.json` prints the milliseconds of loading two snapshots, and of comparing them once they are loaded. It takes
// no averages: the script does.
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
#include "introspect/snapshot.h"

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

int main(int argc, char **argv)
{
	if (argc >= 3 && strcmp(argv[1], "run") == 0)
		return run(argv + 2);
	if (argc == 4 && strcmp(argv[1], "compare") == 0)
		return compare(argv[2], argv[3]);
	fprintf(stderr, "usage: measure run COMMAND... | measure compare A.json B.json\n");
	return 2;
}

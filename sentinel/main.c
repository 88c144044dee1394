// SPDX-License-Identifier: PostgreSQL
// The program: the commands as an array, the way from argv to one of them, its result to stdout or a file, its error to
// stderr, and the only exit. The work is done in a child of this process, so that whatever ends it (Ctrl-C, a crash) the
// scratch servers and files that it leaves are cleared away before we return. What a command does is in its own file.
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/auto.h"
#include "migrations/scratch.h"
#include "sentinel/command.h"
#include "sentinel/deliver.h"
#include "sentinel/output.h"
#include "sentinel/run_report.h"
#include "base/secret.h"
#include "sentinel/suggest.h"

// The first is the one that is meant where none is named.
static const struct command commands[] = {
	{ "check", "[ENV...]", "check environments against the repository's migrations",
	  "ENV is the name of an environment or a fleet in driftcheck.conf, or NAME=SOURCE; without any, everything that is\n"
	  "configured is checked.\n"
	  "The word `check` may be left out: driftcheck staging prod\n",
	  0, -1, FORMATS_REPORT, .sends = true, .function = command_check },
	{ "diff", "WANT HAVE", "compare any two sources: what differs in HAVE from WANT", NULL, 2, 2, FORMATS_REPORT,
	  .function = command_diff },
	{ "snapshot", "SOURCE", "print a canonical JSON snapshot of a source",
	  "The snapshot can be checked elsewhere: driftcheck prod=prod.json\n", 1, 1, FORMATS_JSON, .function = command_snapshot },
	{ "status", "[ENV...]", "applied, pending, skipped, unknown, edited and dirty migrations (reads versions only)", NULL, 0, -1,
	  FORMATS_REPORT, .function = command_status },
	{ "assert", "ENV", "deploy or boot gate: the environment is exactly at the repository's head (reads versions only)", NULL,
	  1, 1, FORMATS_REPORT, .function = command_assert },
	{ "replay", "[ENV]", "replay the migrations into a scratch database",
	  "ENV says which set of migrations and which engine is meant, where that is not clear without.\n", 0, 1, FORMATS_TEXT,
	  .function = command_replay },
	{ "report", "FILE...", "render or send saved JSON results; merge the results of shards",
	  "FILE is what `driftcheck check --format json` printed; -: stdin.\n"
	  "Shards of one run: driftcheck report --merge --expect N shard-*.json --report github\n", 1, -1, FORMATS_REPORT, .sends = true,
	  .function = command_report },
	{ "init", "", "write a commented driftcheck.conf for what is found here", NULL, 0, 0, FORMATS_TEXT, .no_config = true,
	  .function = command_init },
	{ "doctor", "[ENV...]", "check what driftcheck needs: servers, rights, TLS, scratch, migrations", NULL, 0, -1, FORMATS_TEXT,
	  .function = command_doctor },
	{ "kinds", "", "the kinds of objects that are compared, and their attributes", NULL, 0, 0, FORMATS_LIST, .no_config = true,
	  .function = command_kinds },
	{ "frameworks", "", "the migration frameworks that are understood", NULL, 0, 0, FORMATS_LIST, .no_config = true,
	  .function = command_frameworks },
};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static const char sources_help[] =
	"SOURCE is the name of an environment, postgresql://..., service=..., sqlite:PATH (or the path of an SQLite file),\n"
	"repo or repo@VERSION (the migrations, replayed), FILE.json (a snapshot) or FILE.sql (a plain schema, replayed).\n"
	"\nExit status: 0 clean, 1 findings, 2 trouble (trouble wins).\n";

static void help(struct buf *out, const struct command *command)
{
	if (command == NULL) {
		buf_adds(out, "driftcheck: is what runs in your databases what your repository's migrations say?\n\n"
		         "Usage: driftcheck [COMMAND] [OPTION...] [WORD...]\n\nCommands (without one: check):\n");
		for (size_t i = 0; i < N_COMMANDS; i++) {
			auto_buf left = BUF_INIT;
			buf_addf(&left, "%s %s", commands[i].name, commands[i].usage);
			buf_addf(out, "  %-18s  %s\n", left.data, commands[i].summary);
		}
	} else {
		buf_addf(out, "driftcheck %s: %s\n\nUsage: driftcheck %s [OPTION...]%s%s\n", command->name, command->summary,
		         command->name, *command->usage == '\0' ? "" : " ", command->usage);
		if (command->help != NULL)
			buf_addf(out, "\n%s", command->help);
	}
	buf_adds(out, "\nOptions:\n");
	options_help(out, command == NULL ? NULL : command->name);
	buf_addf(out, "\n%s", sources_help);
}

static void print_error(const struct err *err)
{
	fprintf(stderr, "driftcheck: %s%s%s\n", err->where, err->where[0] == '\0' ? "" : ": ", err->text);
	if (err->hint[0] != '\0')
		fprintf(stderr, "  hint: %s\n", err->hint);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

// A first word that is no command is an environment (then the command is check); one that is neither may be either, mistyped.
static bool unknown_word(const struct run *run, const char *word, struct err *err)
{
	if (strchr(word, '=') != NULL || config_env(run->config, word) != NULL || config_fleet(run->config, word) != NULL)
		return false;
	size_t n = 0;
	const char **names = arena_array(run->arena, N_COMMANDS + run->config->n_envs + run->config->n_fleets, sizeof *names);
	for (size_t i = 0; i < N_COMMANDS; i++)
		names[n++] = commands[i].name;
	for (size_t i = 0; i < run->config->n_envs; i++)
		names[n++] = run->config->envs[i].name;
	for (size_t i = 0; i < run->config->n_fleets; i++)
		names[n++] = run->config->fleets[i].name;
	const char *shown = secret_redact(run->arena, word);
	err_set(err, "unknown-command", run->config->path, NULL, "\"%s\" is no command and no environment", shown);
	const char *nearest = suggest_nearest(word, names, n);
	if (nearest != NULL)
		err_hint(err, "did you mean \"%s\"?", nearest);
	else if (strchr(word, '/') != NULL || strchr(word, '.') != NULL)
		err_hint(err, "give a source a name to check it: prod=%s", shown);
	else if (run->config->path == NULL)
		err_hint(err, "`driftcheck --help` lists the commands; there is no driftcheck.conf here or above that could name environments: "
		         "`driftcheck init` writes one, or give a source: %s=postgresql://...", shown);
	else
		err_hint(err, "`driftcheck --help` lists the commands; environments are the sections env \"NAME\" of %s", run->config->path);
	return true;
}

static bool check_words(const struct run *run, struct err *err)
{
	const struct command *command = run->command;
	if (run->n_words >= command->least && run->n_words <= command->most)
		return true;
	return err_set(err, "usage", NULL, arena_printf(run->arena, "see `driftcheck %s --help`", command->name),
	               "usage: driftcheck %s %s", command->name, command->usage);
}

static bool check_format(struct run *run, struct err *err)
{
	static const char *const allowed[] = { [FORMATS_LIST] = "text, json", [FORMATS_TEXT] = "text", [FORMATS_JSON] = "json" };
	const char *format = run->options->format;
	enum formats formats = run->command->formats;
	if (formats == FORMATS_REPORT) {
		run->reporter = reporter_find(format);
		if (run->reporter != NULL)
			return true;
		const char *names[16];
		size_t n = 0;
		for (; reporters[n] != NULL && n < sizeof names / sizeof *names; n++)
			names[n] = reporters[n]->name;
		err_set(err, "usage", NULL, NULL, "--format: there is no format \"%s\"", format);
		return suggest_hint(err, format, names, n);
	}
	if (!run->options->format_given || strstr(allowed[formats], format) != NULL)
		return true;
	return err_set(err, "usage", NULL, NULL, "--format %s: `driftcheck %s` prints %s only", format, run->command->name,
	               allowed[formats]);
}

// Where the report goes is settled before the work is done.
static bool check_reports(struct run *run, struct err *err)
{
	if (run->options->reports.n > 0 && !run->command->sends)
		return err_set(err, "usage", NULL, "drop --report, or use `driftcheck check`", "--report does not apply to `driftcheck %s`",
		               run->command->name);
	run->deliveries = deliveries_prepare(run, err);
	return run->deliveries != NULL;
}

static bool find_color(const struct options *options)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
	if (strcmp(options->color, "auto") != 0)
		return strcmp(options->color, "always") == 0;
	return options->output == NULL && isatty(STDOUT_FILENO) && (no_color == NULL || *no_color == '\0') &&
	       (term == NULL || strcmp(term, "dumb") != 0);
}

static int find_width(const struct options *options)
{
	struct winsize size;
	if (options->output != NULL || !isatty(STDOUT_FILENO))
		return 0;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

// From the words to a command with everything that it needs.
static bool prepare(struct run *run, struct err *err)
{
	const struct options *options = run->options;
	const struct words *words = &options->words;
	run->words = words->items;
	run->n_words = words->n;
	if (words->n > 0 && !options->first_after_end)
		run->command = find_command(words->items[0]);
	bool named = run->command != NULL;
	if (named) {
		run->words++;
		run->n_words--;
	} else {
		run->command = &commands[0];
	}
	if (options->help && (named || words->n == 0))
		return true;
	const char *path = NULL;
	struct config *config = NULL;
	if ((!run->command->no_config && !config_find(run->arena, options->config, &path, err)) ||
	    (config = config_read(run->arena, path, err)) == NULL)
		return false;
	run->config = config;
	if (!options_apply(options, run->command->name, err) || !check_format(run, err) || !check_reports(run, err))
		return false;
	if (!named && run->n_words > 0 && !options->first_after_end && unknown_word(run, run->words[0], err))
		return false;
	return check_words(run, err);
}

static enum exit_status run_command(struct run *run, struct err *err)
{
	if (run->options->version) {
		buf_adds(&run->out, "driftcheck " PACKAGE_VERSION "\n");
		return EXIT_CLEAN;
	}
	if (!prepare(run, err))
		return EXIT_TROUBLE;
	if (run->options->help) {
		help(&run->out, run->n_words < run->options->words.n ? run->command : NULL);
		return EXIT_CLEAN;
	}
	log_info(run->log, "%s", run->config->path == NULL ? "no configuration" : run->config->path);
	return run->command->function(run, err);
}

static enum exit_status work(int argc, char **argv)
{
	auto_arena arena = arena_new();
	struct err err = { 0 };
	struct options options;
	if (!options_parse(arena, argc, (const char *const *)argv, &options, &err)) {
		print_error(&err);
		return EXIT_TROUBLE;
	}
	for (int i = 1; i < argc; i++)
		secret_overwrite(argv[i]); // the options are copies
	struct log log = {
		.stream = stderr, .verbose = options.verbose, .show_queries = options.show_queries,
		.progress = isatty(STDERR_FILENO) && !options.quiet,
	};
	struct run run = {
		.options = &options, .arena = arena, .log = &log, .out = BUF_INIT, .started = clock_rfc3339(arena, clock_now()),
		.started_us = clock_us(),
		.render = { find_color(&options), find_width(&options), options.verbose, options.quiet },
	};
	enum exit_status status = run_command(&run, &err);
	log_progress(&log, "%s", "");
	if (err.code[0] != '\0') {
		report_failure(&run, &err);
		print_error(&err);
		status = EXIT_TROUBLE;
	}
	// where nothing came of it, a file that is there from before stays
	if ((run.out.length > 0 || status != EXIT_TROUBLE) && !output_write(&run.out, options.output, &err)) {
		print_error(&err);
		status = EXIT_TROUBLE;
	}
	buf_release(&run.out);
	return status;
}

// Waits for the worker and hands on what asks us to end; returns the exit status: 128 + the signal's number where it was
// asked to end, trouble where it crashed or was killed.
static int supervise(pid_t worker, const sigset_t *signals)
{
	for (;;) {
		int signal, state;
		if (sigwait(signals, &signal) != 0)
			continue;
		if (signal != SIGCHLD) {
			kill(worker, signal);
			continue;
		}
		if (waitpid(worker, &state, WNOHANG) != worker)
			continue;
		if (WIFEXITED(state))
			return WEXITSTATUS(state);
		if (!WIFSIGNALED(state))
			continue;
		scratch_sweep(NULL);
		if (sigismember(signals, WTERMSIG(state)) == 1)
			return 128 + WTERMSIG(state);
		fprintf(stderr, "driftcheck: internal error: ended by a signal (%s)\n", strsignal(WTERMSIG(state)));
		return EXIT_TROUBLE;
	}
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN); // a reader that went away (`| head`) shows as a failed write
	sigset_t signals, before;
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, &before);
	pid_t parent = getpid(), worker = fork();
	if (worker < 0) {
		fprintf(stderr, "driftcheck: cannot start: %s\n", strerror(errno));
		return EXIT_TROUBLE;
	}
	if (worker == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); // kill -9 of the process that people see ends all
		if (getppid() != parent)
			_exit(EXIT_TROUBLE);
		sigprocmask(SIG_SETMASK, &before, NULL);
		return (int)work(argc, argv);
	}
	for (int i = 1; i < argc; i++)
		secret_overwrite(argv[i]); // `ps` shows this process, too
	return supervise(worker, &signals);
}

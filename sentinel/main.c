// SPDX-License-Identifier: PostgreSQL
// The program: the commands as an array, the way from argv to one of them, its result to stdout or a file, its error to
// stderr, and the only exit. The work is done in a child of this process, so that whatever ends it (Ctrl-C, a crash) the
// scratch servers and files that it leaves are cleared away before we return. What a command does is in its own file.
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/auto.h"
#include "migrations/scratch.h"
#include "sentinel/command.h"
#include "sentinel/cron.h"
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
	{ "rehearse", "[ENV]", "what the pending migrations would lock, for how long, and who would wait: measured on a clone",
	  "The clone is a throwaway server with as many rows as the environment's statistics say; of a SQLite file it is a private copy,\n"
	  "or with --rows made-up rows. Without an environment, --rows N makes up N rows in each table, of the schema before the last\n"
	  "migration (or --from V), which is rehearsed; --dump and --clone bring their own version table. Exit status: 0 ship, 1 do not ship, 2 trouble; --fail-on warn makes warnings 1.\n", 0, 1, FORMATS_OWN, .function = command_rehearse },
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
enum { N_COMMANDS = sizeof commands / sizeof *commands, KILL_AFTER_US = 5000000 };

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
	if (formats == FORMATS_OWN)
		return true;
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
	if (!options_apply(options, run->command->name, err) || !cron_prepare(run, err) || !check_format(run, err) || !check_reports(run, err))
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

// Where the result goes to the journal, its lines carry a priority: what is found there is a warning.
static void prepare_output(struct run *run, enum exit_status status)
{
	static const enum log_priority priorities[] = {
		[EXIT_CLEAN] = LOG_INFORMATION, [EXIT_FINDINGS] = LOG_WARNING, [EXIT_TROUBLE] = LOG_ERROR,
	};
	if (run->options->output != NULL || run->reporter == NULL || strcmp(run->reporter->name, "text") != 0 || !log_is_journal(STDOUT_FILENO))
		return;
	struct buf lines = BUF_INIT;
	log_add_lines(&lines, priorities[status], run->out.data);
	buf_release(&run->out);
	run->out = lines;
}

// With --quiet, what is said beside the result is held back, and let out only if there is something to read at all: a warning
// that repeats every night would be a mail every night.
struct held {
	char *text;
	size_t length;
};

static bool hold(struct log *log, const struct options *options, struct held *held)
{
	FILE *stream = options->quiet && !options->verbose && !options->show_queries ? open_memstream(&held->text, &held->length) : NULL;
	if (stream != NULL)
		log->stream = stream;
	return stream != NULL;
}

static void let_out(struct log *log, struct held *held, bool wanted)
{
	fclose(log->stream);
	log->stream = stderr;
	if (wanted)
		fwrite(held->text, 1, held->length, stderr);
	free(held->text);
}

static void say_after(struct log *log, const struct buf *after)
{
	const char *line = after->length == 0 ? "" : after->data;
	for (size_t length; *line != '\0'; line += length + (line[length] == '\n')) {
		length = strcspn(line, "\n");
		log_warn(log, "%.*s", (int)length, line);
	}
}

static enum exit_status work(int argc, char **argv, int supervisor)
{
	auto_arena arena = arena_new();
	struct err err = { 0 };
	struct options options;
	struct log log = { .stream = stderr, .journal = log_is_journal(STDERR_FILENO) };
	if (!options_parse(arena, argc, (const char *const *)argv, &options, &err)) {
		log_error(&log, &err);
		return EXIT_TROUBLE;
	}
	for (int i = 1; i < argc; i++)
		secret_overwrite(argv[i]); // the options are copies
	log.verbose = options.verbose;
	log.show_queries = options.show_queries;
	log.progress = isatty(STDERR_FILENO) && !options.quiet;
	struct held held = { 0 };
	bool holds = hold(&log, &options, &held);
	struct run run = {
		.options = &options, .arena = arena, .log = &log, .out = BUF_INIT, .after = BUF_INIT, .started = clock_rfc3339(arena, clock_now()),
		.started_us = clock_us(), .supervisor = supervisor,
		.render = { find_color(&options), find_width(&options), options.verbose, options.quiet },
	};
	enum exit_status status = run_command(&run, &err);
	log_progress(&log, "%s", "");
	if (err.code[0] != '\0') {
		report_failure(&run, &err);
		log_error(&log, &err);
		status = EXIT_TROUBLE;
	}
	prepare_output(&run, status);
	// where nothing came of it, a file that is there from before stays
	if ((run.out.length > 0 || status != EXIT_TROUBLE) && !output_write(&run.out, options.output, &err)) {
		log_error(&log, &err);
		status = EXIT_TROUBLE;
	}
	cron_end(&run, status);
	if (holds)
		let_out(&log, &held, status != EXIT_CLEAN || run.out.length > 0);
	say_after(&log, &run.after);
	buf_release(&run.after);
	buf_release(&run.out);
	return status;
}

// What is left to say where the worker did not end in time: the same that it would say of an error.
static void say_killed(int argc, const char *const *argv)
{
	auto_arena arena = arena_new();
	struct log log = { .stream = stderr, .journal = log_is_journal(STDERR_FILENO) };
	struct options options;
	struct err err, ignored;
	err_set(&err, "time-limit", NULL, "look at what takes so long (--verbose), or give the run more time",
	        "the run's time was over, and it was ended; nothing is known of the environments");
	log_error(&log, &err);
	if (!options_parse(arena, argc, argv, &options, &ignored))
		return;
	struct run run = {
		.command = &commands[0], .options = &options, .arena = arena, .log = &log, .out = BUF_INIT,
		.started = clock_rfc3339(arena, clock_now()), .started_us = clock_us(), .reporter = reporter_find(options.format),
	};
	report_failure(&run, &err);
	if (run.out.length > 0 && !output_write(&run.out, options.output, &err))
		log_error(&log, &err);
	buf_release(&run.out);
}

// The process that people see: it hands on to the worker what asks us to end, ends it when its time is over, and clears away
// what a worker leaves that was killed.
struct supervisor {
	pid_t worker;
	int events;       // signalfd
	int told;         // the worker writes its time limit there, in microseconds; -1: it is closed
	long long end_us; // of clock_us; 0: no limit
	bool ended;       // it was asked to end since its time was over
};

static void wait_for_event(struct supervisor *supervisor)
{
	long long left_us = supervisor->end_us == 0 ? -1 : supervisor->end_us - clock_us(), limit_us;
	int timeout_ms = supervisor->end_us == 0 ? -1 : left_us <= 0 ? 0 : left_us / 1000 >= INT_MAX ? INT_MAX : (int)(left_us / 1000) + 1;
	struct pollfd ready[] = { { supervisor->events, POLLIN, 0 }, { supervisor->told, POLLIN, 0 } };
	if (poll(ready, 2, timeout_ms) > 0 && ready[1].revents != 0) {
		if (read(supervisor->told, &limit_us, sizeof limit_us) == sizeof limit_us)
			supervisor->end_us = clock_us() + limit_us;
		else
			supervisor->told = -1;
	}
	if (supervisor->end_us == 0 || clock_us() < supervisor->end_us)
		return;
	kill(supervisor->worker, supervisor->ended ? SIGKILL : SIGTERM);
	supervisor->ended = true;
	supervisor->end_us = clock_us() + KILL_AFTER_US;
}

// Returns the exit status: 128 + the signal's number where it was asked to end, trouble where it crashed, was killed, or took
// too long.
static int supervise(struct supervisor *supervisor, const sigset_t *signals, int argc, const char *const *argv)
{
	for (;;) {
		struct signalfd_siginfo signal;
		int state;
		wait_for_event(supervisor);
		if (read(supervisor->events, &signal, sizeof signal) != sizeof signal)
			continue;
		if (signal.ssi_signo != SIGCHLD) {
			kill(supervisor->worker, (int)signal.ssi_signo);
			continue;
		}
		if (waitpid(supervisor->worker, &state, WNOHANG) != supervisor->worker)
			continue;
		if (WIFEXITED(state))
			return WEXITSTATUS(state);
		if (!WIFSIGNALED(state))
			continue;
		scratch_sweep(NULL);
		if (supervisor->ended) {
			say_killed(argc, argv);
			return EXIT_TROUBLE;
		}
		if (sigismember(signals, WTERMSIG(state)) == 1)
			return 128 + WTERMSIG(state);
		fprintf(stderr, "driftcheck: internal error: ended by a signal (%s)\n", strsignal(WTERMSIG(state)));
		return EXIT_TROUBLE;
	}
}

static int fail_to_start(void)
{
	fprintf(stderr, "driftcheck: cannot start: %s\n", strerror(errno));
	return EXIT_TROUBLE;
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
	int told[2];
	if (pipe2(told, O_CLOEXEC) != 0)
		return fail_to_start();
	pid_t parent = getpid(), worker = fork();
	if (worker < 0)
		return fail_to_start();
	if (worker == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); // kill -9 of the process that people see ends all
		if (getppid() != parent)
			_exit(EXIT_TROUBLE);
		close(told[0]);
		sigprocmask(SIG_SETMASK, &before, NULL);
		return (int)work(argc, argv, told[1]);
	}
	close(told[1]);
	for (int i = 1; i < argc; i++)
		secret_overwrite(argv[i]); // `ps` shows this process, too
	struct supervisor supervisor = { .worker = worker, .events = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK), .told = told[0] };
	if (supervisor.events < 0) {
		kill(worker, SIGKILL);
		return fail_to_start();
	}
	return supervise(&supervisor, &signals, argc, (const char *const *)argv);
}

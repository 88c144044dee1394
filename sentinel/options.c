// SPDX-License-Identifier: PostgreSQL
// The command line: `--name value`, `--name=value`, `-x`, `--` ends the options; options and other words may stand in any
// order. Not getopt_long, because that prints, knows no nearest name, takes abbreviations (which break when an option is
// added) and would keep the help text elsewhere.
#include "sentinel/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "introspect/kind.h"
#include "reporters/reporter.h"
#include "sentinel/suggest.h"

enum option_type { OPTION_FLAG, OPTION_TEXT, OPTION_LIST, OPTION_NUMBER, OPTION_CHOICE, OPTION_GROUPS };

struct option {
	const char *name;
	char letter;             // of the short form; 0: none
	const char *argument;    // in the help; NULL: it takes none
	enum option_type type;
	size_t offset;           // of the field in struct options
	const char *choices;     // of OPTION_CHOICE, separated by '|'
	int least, most;         // of OPTION_NUMBER
	const char *command;     // the commands that it belongs to, separated by '|'; NULL: all
	const char *help;
	void (*add_help)(struct buf *out); // in place of `help`, where it lists what is declared elsewhere
};

#define FIELD(name) offsetof(struct options, name)

// "text (default), json or markdown"
static void add_formats(struct buf *out)
{
	for (size_t i = 0; reporters[i] != NULL; i++)
		buf_addf(out, "%s%s%s", i == 0 ? "" : reporters[i + 1] != NULL ? ", " : " or ", reporters[i]->name, i == 0 ? " (default)" : "");
}

static const struct option table[] = {
	{ "config", 0, "FILE", OPTION_TEXT, FIELD(config), .help = "configuration to use (default: driftcheck.conf, here or above)" },
	{ "migrations", 0, "DIR", OPTION_LIST, FIELD(migrations), .help = "folder of the migrations; may be repeated" },
	{ "framework", 0, "NAME", OPTION_TEXT, FIELD(framework), .help = "their framework (default: auto; see `driftcheck frameworks`)" },
	{ "format", 0, "NAME", OPTION_TEXT, FIELD(format), .add_help = add_formats },
	{ "output", 'o', "FILE", OPTION_TEXT, FIELD(output), .help = "write the result there, atomically, instead of to stdout" },
	{ "report", 0, "NAME", OPTION_LIST, FIELD(reports), .help = "also send the report: github, actions, webhook; or FORMAT:FILE; may be repeated" },
	{ "dry-run", 0, NULL, OPTION_FLAG, FIELD(dry_run), .help = "with --report: print the exact calls, send nothing" },
	{ "bodies", 0, "HOW", OPTION_CHOICE, FIELD(bodies), .choices = "hash|diff",
	  .help = "bodies of functions in what is sent: hash (default) or diff" },
	{ "report-timeout", 0, "S", OPTION_NUMBER, FIELD(report_timeout_s), .least = 1, .most = 86400,
	  .help = "seconds that sending may take in all (default: 600)" },
	{ "include", 0, "GROUP,...", OPTION_GROUPS, FIELD(groups),
	  .help = "also compare: comment, column-order, owner, acl, cosmetic; or all" },
	{ "fail-on", 0, "WHAT", OPTION_CHOICE, FIELD(fail_on), .choices = "drift|skew|warn|never",
	  .help = "drift: pending migrations alone exit 0; skew (default): they exit 1; never: findings exit 0; rehearse: warn" },
	{ "cron", 0, NULL, OPTION_FLAG, FIELD(cron), .command = "check",
	  .help = "a run by a clock: section cron of driftcheck.conf holds; see docs/operations.md" },
	{ "jitter", 0, "TIME", OPTION_TEXT, FIELD(jitter), .command = "check", .help = "start after a random delay of at most this (90s, 10m, 2h)" },
	{ "confirm-after", 0, "TIME", OPTION_TEXT, FIELD(confirm_after), .command = "check",
	  .help = "look at drift again after this time; report what is still there" },
	{ "time-limit", 0, "TIME", OPTION_TEXT, FIELD(time_limit), .command = "check",
	  .help = "end after this time at the latest; what was not checked is trouble" },
	{ "to", 0, "V", OPTION_TEXT, FIELD(to), .command = "replay|rehearse",
	  .help = "run up to and including this version" },
	{ "env", 0, "ENV", OPTION_TEXT, FIELD(env), .command = "rehearse", .help = "the environment, as the word ENV says it" },
	{ "from", 0, "V", OPTION_TEXT, FIELD(from), .command = "rehearse",
	  .help = "without an environment: the first version to rehearse; those before count as applied (default: the last)" },
	{ "scale", 0, "N", OPTION_TEXT, FIELD(scale), .command = "rehearse", .help = "of the environment's rows (default: 1)" },
	{ "rows", 0, "N", OPTION_NUMBER, FIELD(rows), .command = "rehearse", .least = 1, .most = 1000000000,
	  .help = "of tables without statistics (default: 100000); needs no environment" },
	{ "long-transaction", 0, "TIME", OPTION_TEXT, FIELD(long_transaction), .command = "rehearse",
	  .help = "a reader that keeps its transaction open so long: 30s" },
	{ "one-size", 0, NULL, OPTION_FLAG, FIELD(one_size), .command = "rehearse",
	  .help = "no small clones first: quicker; growth only as far as scans and rewrites show it" },
	{ "clone", 0, "URL", OPTION_TEXT, FIELD(clone), .command = "rehearse",
	  .help = "rehearse on this database, which is used up: a restored snapshot, a thin clone" },
	{ "clone-anyway", 0, NULL, OPTION_FLAG, FIELD(clone_anyway), .command = "rehearse",
	  .help = "even if it feeds replicas, others use it, or an environment cannot be asked whether it is it" },
	{ "dump", 0, "FILE", OPTION_TEXT, FIELD(dump), .command = "rehearse",
	  .help = "rehearse on what this dump restores to: plain SQL or pg_dump's own formats" },
	{ "exec", 0, "COMMAND", OPTION_TEXT, FIELD(exec), .command = "rehearse",
	  .help = "what runs the migrations: its DATABASE_URL leads to the clone, and each statement is measured" },
	{ "as-sent", 0, NULL, OPTION_FLAG, FIELD(as_sent), .command = "rehearse",
	  .help = "with --exec: a message of several statements is measured as a whole" },
	{ "pgbench", 0, "FILE[@W]", OPTION_LIST, FIELD(pgbench), .command = "rehearse",
	  .help = "your own traffic in place of made-up clients: a script of pgbench, with a weight; may be repeated" },
	{ "pgbench-clients", 0, "N", OPTION_NUMBER, FIELD(pgbench_clients), .command = "rehearse", .least = 1, .most = 50,
	  .help = "that run the scripts (default: 4)" },
	{ "pgbench-rate", 0, "N", OPTION_TEXT, FIELD(pgbench_rate), .command = "rehearse",
	  .help = "transactions a second, of all of them (default: 100; 0: as fast as they go)" },
	{ "pgbench-protocol", 0, "HOW", OPTION_CHOICE, FIELD(pgbench_protocol), .choices = "simple|extended|prepared", .command = "rehearse",
	  .help = "simple (default), extended or prepared" },
	{ "try-rewrite", 0, NULL, OPTION_FLAG, FIELD(try_rewrite), .command = "rehearse",
	  .help = "rehearse the safer statements as well: on a second clone, in the place of those that fail or warn" },
	{ "keep", 0, NULL, OPTION_FLAG, FIELD(keep), .command = "rehearse",
	  .help = "leave the clone as it is afterwards, and say how to connect to it and how to remove it" },
	{ "at-least", 0, "V", OPTION_TEXT, FIELD(at_least), .command = "assert", .help = "a floor: newer versions are fine, too" },
	{ "envs", 0, "FILE", OPTION_LIST, FIELD(envs), .command = "check|status|doctor",
	  .help = "environments from a file (-: stdin), a line NAME=SOURCE for each; may be repeated" },
	{ "jobs", 'j', "N", OPTION_NUMBER, FIELD(jobs), .least = 1, .most = 256, .help = "environments to read at a time (default: 8)" },
	{ "max-per-server", 0, "K", OPTION_NUMBER, FIELD(max_per_server), .least = 1, .most = 256, .command = "check",
	  .help = "of them, at most so many on one server (default: 4)" },
	{ "shard", 0, "I/N", OPTION_TEXT, FIELD(shard), .command = "check",
	  .help = "the I-th of N parts of the environments, from 1; auto: as the scheduler numbers this job" },
	{ "shard-count", 0, "N", OPTION_NUMBER, FIELD(shard_count), .least = 1, .most = 10000, .command = "check",
	  .help = "with --shard auto, the number of parts, where the scheduler does not tell it (Kubernetes)" },
	{ "merge", 0, NULL, OPTION_FLAG, FIELD(merge), .command = "report", .help = "join the results of shards into one" },
	{ "expect", 0, "N", OPTION_NUMBER, FIELD(expect), .least = 1, .most = 10000, .command = "report",
	  .help = "with --merge: how many results there must be; a missing one is trouble" },
	{ "timeout", 0, "S", OPTION_NUMBER, FIELD(timeout_s), .least = 1, .most = 86400,
	  .help = "seconds that a connection or one statement on a live database may take" },
	{ "no-cache", 0, NULL, OPTION_FLAG, FIELD(no_cache), .help = "neither use nor keep results of earlier replays" },
	{ "quiet", 'q', NULL, OPTION_FLAG, FIELD(quiet), .help = "print nothing when all is clean" },
	{ "verbose", 'v', NULL, OPTION_FLAG, FIELD(verbose), .help = "say more about what is done, and why" },
	{ "show-queries", 0, NULL, OPTION_FLAG, FIELD(show_queries), .help = "print every statement that is sent, to stderr" },
	{ "color", 0, "WHEN", OPTION_CHOICE, FIELD(color), .choices = "auto|always|never", .help = "auto (default), always or never" },
	{ "help", 'h', NULL, OPTION_FLAG, FIELD(help), .help = "this help; after a command, its help" },
	{ "version", 'V', NULL, OPTION_FLAG, FIELD(version), .help = "the version" },
};
enum { N_OPTIONS = sizeof table / sizeof *table };

static const struct option *find(const char *name, size_t length)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (strlen(table[i].name) == length && strncmp(table[i].name, name, length) == 0)
			return &table[i];
	}
	return NULL;
}

// Whether a command is among those of an option.
static bool belongs(const struct option *option, const char *command)
{
	size_t length = strlen(command);
	for (const char *at = option->command; at != NULL; at = strchr(at, '|')) {
		at += *at == '|' ? 1 : 0;
		if (strncmp(at, command, length) == 0 && (at[length] == '|' || at[length] == '\0'))
			return true;
	}
	return option->command == NULL;
}

static const struct option *find_letter(char letter)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		if (letter != '\0' && table[i].letter == letter)
			return &table[i];
	}
	return NULL;
}

static void words_add(struct arena *arena, struct words *words, const char *word)
{
	words->items = arena_grow(arena, words->items, words->n, &words->capacity, sizeof *words->items);
	words->items[words->n++] = word;
	words->items = arena_grow(arena, words->items, words->n, &words->capacity, sizeof *words->items);
	words->items[words->n] = NULL;
}

// Splits at a separator; the parts are copies.
static struct words split(struct arena *arena, const char *text, char separator)
{
	struct words words = { 0 };
	for (const char *end; (end = strchr(text, separator)) != NULL; text = end + 1)
		words_add(arena, &words, arena_strndup(arena, text, (size_t)(end - text)));
	words_add(arena, &words, arena_strdup(arena, text));
	return words;
}

static bool refuse(struct err *err, const struct option *option, const char *value, const struct words *known)
{
	err_set(err, "usage", NULL, NULL, "--%s: \"%s\" is not one of its values", option->name, value);
	return suggest_hint(err, value, known->items, known->n);
}

static bool set_groups(struct arena *arena, const struct option *option, const char *value, unsigned *groups, struct err *err)
{
	struct words given = split(arena, value, ','), known = { 0 };
	words_add(arena, &known, "all");
	for (unsigned g = GROUP_STRUCTURE + 1; g < GROUP_EVIDENCE; g++)
		words_add(arena, &known, attr_group_names[g]);
	for (size_t i = 0; i < given.n; i++) {
		bool all = strcmp(given.items[i], "all") == 0, found = all;
		for (unsigned g = GROUP_STRUCTURE + 1; g < GROUP_EVIDENCE; g++) {
			if (all || strcmp(given.items[i], attr_group_names[g]) == 0) {
				*groups |= 1u << g;
				found = true;
			}
		}
		if (!found)
			return refuse(err, option, given.items[i], &known);
	}
	return true;
}

static bool set_number(const struct option *option, const char *value, int *number, struct err *err)
{
	char *end;
	errno = 0;
	long n = strtol(value, &end, 10);
	if (errno != 0 || end == value || *end != '\0' || n < option->least || n > option->most)
		return err_set(err, "usage", NULL, NULL, "--%s: \"%s\" is no number from %d to %d", option->name, value, option->least,
		               option->most);
	*number = (int)n;
	return true;
}

static bool set(struct arena *arena, const struct option *option, const char *value, struct options *options, struct err *err)
{
	void *field = (char *)options + option->offset;
	switch (option->type) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return true;
	case OPTION_LIST:
		words_add(arena, field, arena_strdup(arena, value));
		return true;
	case OPTION_NUMBER:
		return set_number(option, value, field, err);
	case OPTION_GROUPS:
		return set_groups(arena, option, value, field, err);
	case OPTION_CHOICE: {
		struct words known = split(arena, option->choices, '|');
		size_t i = 0;
		while (i < known.n && strcmp(known.items[i], value) != 0)
			i++;
		if (i == known.n)
			return refuse(err, option, value, &known);
	}
	// fall through
	case OPTION_TEXT:
		*(const char **)field = arena_strdup(arena, value);
		return true;
	}
	return true;
}

static bool unknown(const char *given, const char *name, size_t length, struct arena *arena, struct err *err)
{
	const char *names[N_OPTIONS];
	for (size_t i = 0; i < N_OPTIONS; i++)
		names[i] = table[i].name;
	err_set(err, "usage", NULL, "`driftcheck --help` lists the options", "unknown option %.*s",
	        (int)(name + length - given), given);
	const char *nearest = suggest_nearest(arena_strndup(arena, name, length), names, N_OPTIONS);
	return nearest == NULL ? false : err_hint(err, "did you mean --%s?", nearest);
}

// One argument that begins with '-'. `next` is the argument after it (or NULL); *used says whether it was taken.
static bool parse_one(struct arena *arena, const char *given, const char *next, struct options *options, bool *used,
                      struct err *err)
{
	bool is_long = given[1] == '-';
	const char *name = given + (is_long ? 2 : 1);
	size_t length = is_long ? strcspn(name, "=") : 1;
	const struct option *option = is_long ? find(name, length) : find_letter(name[0]);
	if (option == NULL)
		return unknown(given, name, strcspn(name, "="), arena, err);
	const char *value = name[length] == '\0' ? NULL : name + length + (is_long ? 1 : 0);
	if (option->argument == NULL && value != NULL && !is_long)
		return unknown(given, name, strlen(name), arena, err);
	if (option->argument == NULL && value != NULL)
		return err_set(err, "usage", NULL, NULL, "--%s takes no value", option->name);
	if (option->argument != NULL && value == NULL) {
		if (next == NULL || strncmp(next, "--", 2) == 0)
			return err_set(err, "usage", NULL, NULL, "--%s needs a value: --%s %s", option->name, option->name,
			               option->argument);
		value = next;
		*used = true;
	}
	if (option->command != NULL) {
		size_t i = 0, room = sizeof options->command_options / sizeof *options->command_options - 1;
		while (i < room && options->command_options[i] != NULL)
			i++;
		if (i < room)
			options->command_options[i] = option->name;
	}
	options->format_given |= option->offset == FIELD(format);
	return set(arena, option, value, options, err);
}

bool options_parse(struct arena *arena, int argc, const char *const *argv, struct options *options, struct err *err)
{
	*options = (struct options){ .format = "text", .fail_on = "skew", .color = "auto", .bodies = "hash" };
	bool ended = false;
	for (int i = 1; i < argc; i++) {
		if (!ended && strcmp(argv[i], "--") == 0) {
			ended = true;
			continue;
		}
		if (ended || argv[i][0] != '-' || argv[i][1] == '\0') {
			if (options->words.n == 0)
				options->first_after_end = ended;
			words_add(arena, &options->words, arena_strdup(arena, argv[i]));
			continue;
		}
		bool used = false;
		if (!parse_one(arena, argv[i], i + 1 < argc ? argv[i + 1] : NULL, options, &used, err))
			return false;
		i += used ? 1 : 0;
	}
	return true;
}

// The commands of an option with other words between them.
static void add_commands(struct buf *out, const struct option *option, const char *between)
{
	for (const char *c = option->command; *c != '\0'; c++) {
		if (*c == '|')
			buf_adds(out, between);
		else
			buf_addc(out, *c);
	}
}

bool options_apply(const struct options *options, const char *command, struct err *err)
{
	for (size_t i = 0; options->command_options[i] != NULL; i++) {
		const struct option *option = find(options->command_options[i], strlen(options->command_options[i]));
		if (belongs(option, command))
			continue;
		auto_buf commands = BUF_INIT;
		add_commands(&commands, option, "` and `driftcheck ");
		return err_set(err, "usage", NULL, NULL, "--%s does not apply to `driftcheck %s`, only to `driftcheck %s`", option->name, command,
		               commands.data);
	}
	return true;
}

void options_help(struct buf *out, const char *command)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option *option = &table[i];
		if (command != NULL && !belongs(option, command))
			continue;
		auto_buf left = BUF_INIT;
		if (option->letter != '\0')
			buf_addf(&left, "-%c, ", option->letter);
		else
			buf_adds(&left, "    ");
		buf_addf(&left, "--%s%s%s", option->name, option->argument == NULL ? "" : " ",
		         option->argument == NULL ? "" : option->argument);
		buf_addf(out, "  %-25s  ", left.data);
		if (command == NULL && option->command != NULL)
			add_commands(out, option, ", ");
		if (command == NULL && option->command != NULL)
			buf_adds(out, ": ");
		if (option->add_help != NULL)
			option->add_help(out);
		buf_addf(out, "%s\n", option->add_help != NULL ? "" : option->help);
	}
}

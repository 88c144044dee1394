// SPDX-License-Identifier: PostgreSQL
// pgbench beside a migration: see pgbench.h. A process for each client, for pgbench never brings back a client that met an error, and what
// breaks one client must not empty the road. It ends in good order on SIGALRM, its own timer's signal, and only then writes the last
// lines of its log.
#include "rehearse/clients/pgbench.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/auto.h"
#include "base/buf.h"
#include "base/clock.h"
#include "migrations/scratch_folder.h"
#include "rehearse/clients/felt.h"
#include "rehearse/clients/pgbench_process.h"

enum { RESTART_MS = 500, CONNECT_MS = 30000, GO_ON_MS = 10000, END_MS = 60000, STEP_MS = 20, NAME_BYTES = 64 };

struct failure {
	double at_us;
	const char *message;
};

// As the lookout saw it, one look after the other.
struct wait {
	double from_us, to_us, for_us;
	const char *relation; // NULL: none
	bool behind;
};

struct client {
	struct pgbench *pgbench;
	int number;
	const struct pgbench_script *script;
	char name[NAME_BYTES]; // its application_name
	const char **argv, **variables;
	pthread_t thread;
	bool running;
	pthread_mutex_t mutex; // of what follows
	struct arena *arena;
	pid_t pid;             // 0: none runs
	bool over;             // the thread has ended
	struct failure *failures;
	size_t n_failures, failures_capacity;
	struct wait *waits;
	size_t n_waits, waits_capacity;
	struct pgbench_transaction *transactions; // by their ends; times of clock_us
	size_t n_transactions, transactions_capacity;
};

struct pgbench {
	const struct pgbench_request *request;
	struct arena *arena;
	struct scratch_folder folder; // of the logs
	struct client *clients;
	size_t n_clients;
	double epoch_us; // what the clock of 1970 is ahead of clock_us
	atomic_bool stop;
};

// A client's life, in its thread.

static void note_failure(struct client *client, const char *message)
{
	pthread_mutex_lock(&client->mutex);
	client->failures = arena_grow(client->arena, client->failures, client->n_failures, &client->failures_capacity, sizeof *client->failures);
	client->failures[client->n_failures++] = (struct failure){ (double)clock_us(), pgbench_abort_reason(client->arena, message) };
	pthread_mutex_unlock(&client->mutex);
}

// What one process says, line by line, to its end; returns whether it said why it ended.
static bool hear(struct client *client, int out)
{
	auto_file lines = fdopen(out, "r");
	auto_free line = NULL;
	size_t room = 0;
	bool told = false;
	while (lines != NULL && getline(&line, &room, lines) > 0) {
		if (!pgbench_abort_read(line))
			continue;
		note_failure(client, line);
		told = true;
	}
	return told;
}

static void *live(void *argument)
{
	struct client *client = argument;
	struct pgbench *pgbench = client->pgbench;
	while (!atomic_load(&pgbench->stop)) {
		int ends[2];
		if (pipe2(ends, O_CLOEXEC) != 0)
			break;
		pthread_mutex_lock(&client->mutex);
		pid_t pid = atomic_load(&pgbench->stop) ? -1 : pgbench_spawn(client->argv, client->variables, ends[1]);
		client->pid = pid > 0 ? pid : 0;
		pthread_mutex_unlock(&client->mutex);
		close(ends[1]);
		bool told = hear(client, ends[0]);
		if (pid > 0) {
			siginfo_t ended;
			while (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOWAIT) < 0 && errno == EINTR) // its number stays taken
				continue;
			pthread_mutex_lock(&client->mutex);
			client->pid = 0;
			pthread_mutex_unlock(&client->mutex);
			pgbench_wait(pid);
		}
		if (!told && !atomic_load(&pgbench->stop))
			note_failure(client, "pgbench ended");
		for (int left_ms = RESTART_MS; left_ms > 0 && !atomic_load(&pgbench->stop); left_ms -= STEP_MS)
			clock_wait_ms(STEP_MS);
	}
	pthread_mutex_lock(&client->mutex);
	client->over = true;
	pthread_mutex_unlock(&client->mutex);
	return NULL;
}

static const char **arguments(struct pgbench *pgbench, const struct client *client, const char *database)
{
	const struct pgbench_request *request = pgbench->request;
	struct arena *arena = pgbench->arena;
	const char **argv = arena_array(arena, 16, sizeof *argv);
	size_t n = 0;
	argv[n++] = request->program;
	argv[n++] = "--no-vacuum";
	argv[n++] = "--client=1";
	argv[n++] = "--time=1000000"; // until it is told to end
	argv[n++] = "--log";
	argv[n++] = arena_printf(arena, "--log-prefix=%s/%d", pgbench->folder.path, client->number);
	argv[n++] = arena_printf(arena, "--protocol=%s", request->protocol);
	argv[n++] = arena_printf(arena, "--define=client_id=%d", client->number);
	argv[n++] = pgbench_file(arena, client->script);
	double weights = 0, n_same = 0;
	for (size_t i = 0; i < request->n_scripts; i++)
		weights += request->scripts[i].weight;
	for (size_t i = 0; i < pgbench->n_clients; i++)
		n_same += pgbench->clients[i].script == client->script;
	if (request->rate > 0)
		argv[n++] = arena_printf(arena, "--rate=%.6f", request->rate * client->script->weight / weights / n_same);
	argv[n++] = database;
	return argv;
}

// How many of the clients meet a condition on their sessions, or have ended with an error since.
static size_t count_clients(struct pgbench *pgbench, PGconn *conn, double since_us, const char *condition)
{
	auto_buf sql = BUF_INIT;
	size_t n = 0;
	buf_addf(&sql, "select a.application_name from pg_catalog.pg_stat_activity a where a.application_name ~ '^driftcheck pgbench ' and %s", condition);
	auto_pgresult result = PQexec(conn, sql.data);
	for (size_t i = 0; i < pgbench->n_clients; i++) {
		struct client *client = &pgbench->clients[i];
		bool counts = false;
		for (int row = 0; row < PQntuples(result); row++)
			counts |= strcmp(PQgetvalue(result, row, 0), client->name) == 0;
		pthread_mutex_lock(&client->mutex);
		counts |= client->n_failures > 0 && client->failures[client->n_failures - 1].at_us >= since_us;
		pthread_mutex_unlock(&client->mutex);
		n += counts;
	}
	return n;
}

// Each script has clients of its own, so that one which waits does not keep another from being met by the same lock: one each, then by
// their weights.
static const struct pgbench_script *next_script(const struct pgbench *pgbench)
{
	const struct pgbench_request *request = pgbench->request;
	const struct pgbench_script *next = NULL;
	double most = -1;
	for (size_t s = 0; s < request->n_scripts; s++) {
		size_t n = 0;
		for (size_t i = 0; i < pgbench->n_clients; i++)
			n += pgbench->clients[i].script == &request->scripts[s];
		double due = n == 0 ? INFINITY : request->scripts[s].weight / (double)n;
		if (due > most) {
			most = due;
			next = &request->scripts[s];
		}
	}
	return next;
}

static bool start_all(struct pgbench *pgbench, const char *conninfo, PGconn *conn, struct err *err)
{
	const struct pgbench_request *request = pgbench->request;
	struct run_user user;
	const char *password, *database = pgbench_address(pgbench->arena, conninfo, &password);
	if (!run_user_find(pgbench->arena, &user, err) || !scratch_folder_open(&pgbench->folder, &user, err))
		return false;
	pgbench->clients = arena_array(pgbench->arena, (size_t)request->n_clients, sizeof *pgbench->clients);
	for (int i = 0; i < request->n_clients; i++) {
		struct client *client = &pgbench->clients[i];
		*client = (struct client){ .pgbench = pgbench, .number = i, .script = next_script(pgbench), .arena = arena_new() };
		pthread_mutex_init(&client->mutex, NULL);
		pgbench->n_clients++;
	}
	for (int i = 0; i < request->n_clients; i++) {
		struct client *client = &pgbench->clients[i];
		snprintf(client->name, sizeof client->name, "driftcheck pgbench %d", i);
		client->argv = arguments(pgbench, client, database);
		client->variables = pgbench_environment(pgbench->arena, client->name, password);
		client->running = pthread_create(&client->thread, NULL, live, client) == 0;
		if (!client->running)
			return err_set(err, "pgbench", NULL, NULL, "no thread can be started");
	}
	for (int left_ms = CONNECT_MS; count_clients(pgbench, conn, 0, "true") < pgbench->n_clients; left_ms -= STEP_MS) {
		if (left_ms <= 0)
			return err_set(err, "pgbench", request->program, NULL, "it has not connected to the clone within %d s", CONNECT_MS / 1000);
		clock_wait_ms(STEP_MS);
	}
	return true;
}

struct pgbench *pgbench_start(struct arena *arena, const struct pgbench_request *request, const char *conninfo, PGconn *conn, struct err *err)
{
	struct pgbench *pgbench = arena_alloc(arena, sizeof *pgbench);
	struct timeval now;
	*pgbench = (struct pgbench){ .request = request, .arena = arena, .folder.lock = -1 };
	gettimeofday(&now, NULL);
	pgbench->epoch_us = (double)now.tv_sec * 1e6 + (double)now.tv_usec - (double)clock_us();
	if (start_all(pgbench, conninfo, conn, err))
		return pgbench;
	pgbench_stop(pgbench);
	return NULL;
}

bool pgbench_is_well(struct pgbench *pgbench, struct err *err)
{
	bool well = true;
	for (size_t i = 0; i < pgbench->n_clients && well; i++) {
		struct client *client = &pgbench->clients[i];
		pthread_mutex_lock(&client->mutex);
		if (client->n_failures > 0) {
			const struct failure *failure = &client->failures[0];
			well = err_set(err, "pgbench", client->script->path, "the script must work on the schema before the migration; before pgbench 15, it ends at a serialization "
			               "failure or a deadlock of its own", "it fails before the migration has begun: %s", failure->message);
		}
		pthread_mutex_unlock(&client->mutex);
	}
	return well;
}

void pgbench_note(struct pgbench *pgbench, const struct lookout_wait *wait)
{
	for (size_t i = 0; i < pgbench->n_clients; i++) {
		struct client *client = &pgbench->clients[i];
		if (strcmp(client->name, wait->client) != 0)
			continue;
		pthread_mutex_lock(&client->mutex);
		struct wait *last = client->n_waits == 0 ? NULL : &client->waits[client->n_waits - 1];
		bool same = last != NULL && last->behind == wait->behind && (last->relation == NULL) == (wait->relation == NULL) &&
		            (last->relation == NULL || strcmp(last->relation, wait->relation) == 0);
		if (same && wait->at_us - last->to_us <= 2 * wait->for_us) { // it waited at the look before
			last->to_us = wait->at_us;
		} else {
			client->waits = arena_grow(client->arena, client->waits, client->n_waits, &client->waits_capacity, sizeof *client->waits);
			client->waits[client->n_waits++] = (struct wait){ wait->at_us, wait->at_us, wait->for_us,
			                                                 arena_strdup(client->arena, wait->relation), wait->behind };
		}
		pthread_mutex_unlock(&client->mutex);
	}
}

// The end.

static void read_log(struct client *client, const char *path)
{
	auto_file log = fopen(path, "re");
	auto_free line = NULL;
	size_t room = 0;
	while (log != NULL && getline(&line, &room, log) > 0) {
		struct pgbench_transaction transaction;
		if (!pgbench_log_read(line, &transaction))
			continue;
		transaction.start_us -= client->pgbench->epoch_us;
		transaction.end_us -= client->pgbench->epoch_us;
		client->transactions = arena_grow(client->arena, client->transactions, client->n_transactions, &client->transactions_capacity,
		                                  sizeof *client->transactions);
		client->transactions[client->n_transactions++] = transaction;
	}
}

// FOLDER/CLIENT.PID, one for each time that it was started.
static void read_logs(struct pgbench *pgbench)
{
	auto_dir folder = opendir(pgbench->folder.path);
	for (const struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
		char *end;
		unsigned long number = strtoul(entry->d_name, &end, 10);
		auto_buf path = BUF_INIT;
		buf_addf(&path, "%s/%s", pgbench->folder.path, entry->d_name);
		if (end != entry->d_name && *end == '.' && number < pgbench->n_clients)
			read_log(&pgbench->clients[number], path.data);
	}
}

// Tells all processes to end; whether all threads have.
static bool tell(struct pgbench *pgbench, int signal)
{
	bool over = true;
	for (size_t i = 0; i < pgbench->n_clients; i++) {
		struct client *client = &pgbench->clients[i];
		pthread_mutex_lock(&client->mutex);
		if (client->pid > 0 && signal != 0)
			kill(client->pid, signal);
		over &= client->over || !client->running;
		pthread_mutex_unlock(&client->mutex);
	}
	return over;
}

static bool end_all(struct pgbench *pgbench)
{
	atomic_store(&pgbench->stop, true);
	bool over = tell(pgbench, SIGALRM);
	for (int left_ms = END_MS; !over && left_ms > 0; left_ms -= STEP_MS) {
		clock_wait_ms(STEP_MS);
		over = tell(pgbench, 0);
	}
	return over || (tell(pgbench, SIGKILL), false);
}

bool pgbench_end(struct pgbench *pgbench, PGconn *conn, struct err *err)
{
	double since_us = (double)clock_us();
	auto_pgresult now = PQexec(conn, "select extract(epoch from pg_catalog.clock_timestamp())");
	auto_buf begun = BUF_INIT;
	buf_addf(&begun, "a.query_start > pg_catalog.to_timestamp(%s)", PQntuples(now) == 1 ? PQgetvalue(now, 0, 0) : "0");
	for (int left_ms = GO_ON_MS; left_ms > 0 && count_clients(pgbench, conn, since_us, begun.data) < pgbench->n_clients; left_ms -= STEP_MS)
		clock_wait_ms(STEP_MS);
	clock_wait_ms(RESTART_MS);
	bool ended = end_all(pgbench);
	read_logs(pgbench);
	return ended || err_set(err, "pgbench", "--pgbench", "a transaction of a script should be short", "a client has not ended within %d s after the migration: "
	                        "its last transactions are not known", END_MS / 1000);
}

void pgbench_stop(struct pgbench *pgbench)
{
	if (pgbench == NULL)
		return;
	atomic_store(&pgbench->stop, true);
	tell(pgbench, SIGKILL);
	for (size_t i = 0; i < pgbench->n_clients; i++) {
		struct client *client = &pgbench->clients[i];
		if (client->running)
			pthread_join(client->thread, NULL);
		pthread_mutex_destroy(&client->mutex);
		arena_free(client->arena);
	}
	scratch_folder_close(&pgbench->folder);
	pgbench->n_clients = 0;
}

// What was felt.

static bool overlaps(double from_us, double to_us, struct pgbench_span span)
{
	return to_us >= span.from_us && from_us <= span.to_us;
}

static bool locks(const struct step *step, const char *relation)
{
	for (size_t i = 0; i < step->n_locks; i++) {
		if (relation == NULL || strcmp(step->locks[i].relation, relation) == 0)
			return true;
	}
	return false;
}

// How long a client was seen waiting in a span because of a step, and because of others.
struct waited {
	bool here, elsewhere;
	double behind_ms;
};

static struct waited waits_in(const struct client *client, struct pgbench_span its, const struct step *step, struct pgbench_span span)
{
	struct waited waited = { 0 };
	for (size_t i = 0; i < client->n_waits; i++) {
		const struct wait *wait = &client->waits[i];
		if (!overlaps(wait->from_us, wait->to_us, its))
			continue;
		bool here = overlaps(wait->from_us, wait->to_us, span) && locks(step, wait->relation);
		double from_us = wait->from_us > its.from_us ? wait->from_us : its.from_us, to_us = wait->to_us < its.to_us ? wait->to_us : its.to_us;
		waited.here |= here;
		waited.elsewhere |= !here;
		waited.behind_ms += here && wait->behind ? (to_us - from_us + wait->for_us) / 1000 : 0;
	}
	return waited;
}

// Adds a transaction to what a step's victims felt, unless it waited because of another step alone.
static void add_transaction(struct felt *felt, const struct client *client, const struct pgbench_transaction *transaction, const struct step *step,
                            struct pgbench_span span)
{
	const struct waited waited = waits_in(client, (struct pgbench_span){ transaction->start_us, transaction->end_us }, step, span);
	if (waited.elsewhere && !waited.here)
		return;
	double ms = (transaction->end_us - transaction->start_us) / 1000;
	felt->n_tries++;
	felt->n_blocked += waited.here;
	felt->n_errors += transaction->failed;
	felt->behind_ms += waited.behind_ms > ms ? ms : waited.behind_ms;
	if (!transaction->failed)
		felt_add(felt, ms);
}

static void add_client(struct felt *felt, struct felt *before, const char **error, const struct client *client, const struct step *step,
                       struct pgbench_span span, struct pgbench_span errors, struct pgbench_span baseline)
{
	for (size_t i = 0; i < client->n_transactions; i++) {
		const struct pgbench_transaction *transaction = &client->transactions[i];
		if (overlaps(transaction->start_us, transaction->end_us, span))
			add_transaction(felt, client, transaction, step, span);
		if (transaction->start_us >= baseline.from_us && transaction->end_us <= baseline.to_us && !transaction->failed)
			felt_add(before, (transaction->end_us - transaction->start_us) / 1000);
	}
	for (size_t i = 0; i < client->n_failures; i++) {
		const struct failure *failure = &client->failures[i];
		if (failure->at_us < errors.from_us || failure->at_us >= errors.to_us)
			continue;
		felt->n_tries++;
		felt->n_errors++;
		*error = *error == NULL ? failure->message : *error;
	}
}

struct step_victim *pgbench_felt(struct pgbench *pgbench, struct arena *arena, const struct step *step, struct pgbench_span span,
                                 struct pgbench_span errors, struct pgbench_span baseline, size_t *n)
{
	const struct pgbench_request *request = pgbench->request;
	struct step_victim *victims = arena_array(arena, request->n_scripts, sizeof *victims);
	*n = request->n_scripts;
	for (size_t s = 0; s < request->n_scripts; s++) {
		auto_arena scrap = arena_new();
		struct felt felt = { .arena = scrap }, before = { .arena = scrap };
		const char *error = NULL;
		victims[s] = (struct step_victim){ .relation = request->scripts[s].path, .script = true, .operation = request->scripts[s].operation };
		for (size_t i = 0; i < pgbench->n_clients; i++) {
			if (pgbench->clients[i].script != &request->scripts[s])
				continue;
			add_client(&felt, &before, &error, &pgbench->clients[i], step, span, errors, baseline);
		}
		felt_sum_up(&felt, &before, &victims[s]);
		victims[s].error = arena_strdup(arena, error);
	}
	return victims;
}

// SPDX-License-Identifier: PostgreSQL
// The clients beside a rehearsal on SQLite: see clients.h.
#include "rehearse/sqlite/clients.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"

enum { PAUSE_MS = 5, BUSY_STEP_MS = 1, STOP_LOOK_MS = 20, N_CLIENTS = 3 };

struct try {
	double start_us, end_us;
	bool blocked, failed;
};

struct client {
	struct clients *clients;
	enum operation operation;
	bool is_long; // keeps its transaction open, and is no victim
	sqlite3 *db;
	pthread_t thread;
	bool running;
	bool blocked;           // the try that goes on
	double busy_since_us;
	pthread_mutex_t mutex;  // of what follows
	struct try *tries;
	size_t n_tries, capacity;
	double trying_since_us; // a try that is not over; 0: none
};

struct clients {
	struct client items[N_CLIENTS];
	double busy_timeout_ms, long_transaction_s;
	double baseline_from_us, baseline_to_us;
	atomic_bool stop;
	atomic_bool long_is_open; // the long transaction has begun
};

static int wait_for_lock(void *argument, int n)
{
	struct client *client = argument;
	double now_us = (double)clock_us();
	client->blocked = true;
	if (n == 0)
		client->busy_since_us = now_us;
	if (atomic_load(&client->clients->stop) || now_us - client->busy_since_us >= client->clients->busy_timeout_ms * 1000)
		return 0;
	clock_sleep_ms(BUSY_STEP_MS);
	return 1;
}

static bool run(const struct client *client, const char *sql)
{
	return sqlite3_exec(client->db, sql, NULL, NULL, NULL) == SQLITE_OK;
}

static bool one_try(const struct client *client)
{
	if (client->operation == OPERATION_READ)
		return run(client, "SELECT count(*) FROM sqlite_schema");
	return run(client, "BEGIN IMMEDIATE") && run(client, "ROLLBACK");
}

static void keep(struct client *client, struct try try)
{
	pthread_mutex_lock(&client->mutex);
	if (client->n_tries == client->capacity) {
		client->capacity = client->capacity == 0 ? 1024 : 2 * client->capacity;
		client->tries = realloc(client->tries, client->capacity * sizeof *client->tries);
		invariant(client->tries != NULL, "out of memory");
	}
	client->tries[client->n_tries++] = try;
	client->trying_since_us = 0;
	pthread_mutex_unlock(&client->mutex);
}

static void *live(void *argument)
{
	struct client *client = argument;
	while (!atomic_load(&client->clients->stop)) {
		struct try try = { .start_us = (double)clock_us() };
		client->blocked = false;
		pthread_mutex_lock(&client->mutex);
		client->trying_since_us = try.start_us;
		pthread_mutex_unlock(&client->mutex);
		try.failed = !one_try(client);
		try.end_us = (double)clock_us();
		try.blocked = client->blocked;
		keep(client, try);
		clock_sleep_ms(PAUSE_MS);
	}
	return NULL;
}

static void *live_long(void *argument)
{
	struct client *client = argument;
	struct clients *clients = client->clients;
	while (!atomic_load(&clients->stop)) {
		double until_us = (double)clock_us() + clients->long_transaction_s * 1e6;
		bool open = run(client, "BEGIN") && run(client, "SELECT count(*) FROM sqlite_schema");
		atomic_store(&clients->long_is_open, true);
		while (open && !atomic_load(&clients->stop) && (double)clock_us() < until_us)
			clock_sleep_ms(STOP_LOOK_MS);
		if (!sqlite3_get_autocommit(client->db))
			run(client, "ROLLBACK");
		clock_sleep_ms(PAUSE_MS);
	}
	return NULL;
}

static bool start(struct client *client, const char *path, struct err *err)
{
	pthread_mutex_init(&client->mutex, NULL);
	if (sqlite3_open_v2(path, &client->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE, NULL) != SQLITE_OK)
		return err_set(err, "traffic", NULL, NULL, "a client cannot open the clone: %s", sqlite3_errmsg(client->db));
	sqlite3_db_config(client->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(client->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_busy_handler(client->db, wait_for_lock, client);
	client->running = pthread_create(&client->thread, NULL, client->is_long ? live_long : live, client) == 0;
	return client->running || err_set(err, "traffic", NULL, NULL, "a thread cannot be started");
}

struct clients *clients_start(const char *path, double busy_timeout_ms, double long_transaction_s, double baseline_ms, struct err *err)
{
	struct clients *clients = calloc(1, sizeof *clients);
	invariant(clients != NULL, "out of memory");
	clients->busy_timeout_ms = busy_timeout_ms;
	clients->long_transaction_s = long_transaction_s;
	static const struct client sorts[N_CLIENTS] = { { .operation = OPERATION_READ }, { .operation = OPERATION_WRITE }, { .is_long = true } };
	clients->baseline_from_us = (double)clock_us();
	for (int i = 0; i < N_CLIENTS; i++) {
		struct client *client = &clients->items[i];
		*client = sorts[i];
		client->clients = clients;
		// the long one comes after the baseline, which is what is usual
		if (client->is_long) {
			clock_sleep_ms((long long)baseline_ms);
			clients->baseline_to_us = (double)clock_us();
			if (long_transaction_s <= 0)
				continue;
		}
		if (!start(client, path, err)) {
			clients_stop(clients);
			return NULL;
		}
		while (client->is_long && !atomic_load(&clients->long_is_open))
			clock_sleep_ms(BUSY_STEP_MS);
	}
	return clients;
}

static int by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

// The tries that overlap a time: their number, and the durations' maximum and 99th percentile.
static void sum_up(const struct client *client, double from_us, double to_us, double now_us, struct step_victim *victim)
{
	double *ms = malloc((client->n_tries + 1) * sizeof *ms);
	invariant(ms != NULL, "out of memory");
	size_t n = 0;
	for (size_t i = 0; i < client->n_tries; i++) {
		const struct try *try = &client->tries[i];
		if (try->start_us > to_us || try->end_us < from_us)
			continue;
		ms[n++] = (try->end_us - try->start_us) / 1000;
		victim->n_blocked += try->blocked;
		victim->n_errors += try->failed;
	}
	if (client->trying_since_us > 0 && client->trying_since_us <= to_us && now_us >= from_us)
		ms[n++] = (now_us - client->trying_since_us) / 1000;
	qsort(ms, n, sizeof *ms, by_value);
	victim->n_tries = n;
	victim->max_ms = n == 0 ? 0 : ms[n - 1];
	victim->p99_ms = n == 0 ? 0 : ms[(n * 99 + 99) / 100 - 1];
	free(ms);
}

struct step_victim *clients_felt(struct clients *clients, struct arena *arena, double from_us, double to_us, size_t *n)
{
	struct step_victim *victims = arena_array(arena, N_CLIENTS, sizeof *victims);
	*n = 0;
	for (int i = 0; i < N_CLIENTS; i++) {
		struct client *client = &clients->items[i];
		if (client->is_long)
			continue;
		struct step_victim *victim = &victims[*n], before = { 0 };
		*victim = (struct step_victim){ .relation = "main", .operation = client->operation };
		pthread_mutex_lock(&client->mutex);
		sum_up(client, from_us, to_us, (double)clock_us(), victim);
		sum_up(client, clients->baseline_from_us, clients->baseline_to_us, clients->baseline_to_us, &before);
		pthread_mutex_unlock(&client->mutex);
		victim->baseline_p99_ms = before.p99_ms;
		*n += victim->n_tries > 0;
	}
	return victims;
}

void clients_stop(struct clients *clients)
{
	if (clients == NULL)
		return;
	atomic_store(&clients->stop, true);
	for (int i = 0; i < N_CLIENTS; i++) {
		struct client *client = &clients->items[i];
		if (client->running)
			pthread_join(client->thread, NULL);
		sqlite3_close(client->db);
		free(client->tries);
	}
	free(clients);
}

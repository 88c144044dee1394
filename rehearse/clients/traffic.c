// SPDX-License-Identifier: PostgreSQL
// Clients beside a migration: see traffic.h. Each is a thread with a connection; the lookout sees which of them wait for a lock, and
// whether whom they wait for is itself waiting. Statements are not prepared: a client whose plan is gone after ALTER TABLE would be an
// error of ours.
#include "rehearse/clients/traffic.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "introspect/pg.h"
#include "rehearse/clients/felt.h"
#include "rehearse/clients/lookout.h"

enum { KEYS_MAX = 1000, PAUSE_MS = 5, TIMEOUT_MS = 30000, SAMPLED_FROM_ROWS = 100000 };

struct try {
	double start_us, end_us, behind_us;
	bool blocked, failed;
};

struct client {
	struct traffic *traffic;
	const char *relation;
	enum operation operation;
	const char *const *statements; // one for each row that it may choose
	size_t n_statements;
	PGconn *conn;
	int pid;
	pthread_t thread;
	bool running;
	atomic_bool waited;       // set by the lookout during a try
	atomic_llong behind_us;
	pthread_mutex_t mutex;    // of what follows
	struct try *tries;
	size_t n_tries, tries_capacity;
	double trying_since_us;   // a try that is not over; 0: none
};

struct traffic {
	struct arena *arena;
	const struct traffic_request *request;
	struct client *clients;
	size_t n_clients;
	double baseline_from_us, baseline_to_us;
	atomic_bool stop;
	struct lookout *lookout;
	struct pgbench *pgbench; // in place of clients; NULL: none
	PGconn *locker, *reader;
	pthread_t reader_thread;
	bool reader_running;
};

static bool fail(struct err *err, const char *doing, PGconn *conn)
{
	return err_set(err, "traffic", NULL, NULL, "%s: %s", doing, PQerrorMessage(conn));
}

static PGconn *open_connection(const struct traffic_request *request, const char *name, struct err *err)
{
	PGconn *conn = PQconnectdb(request->conninfo);
	char sql[256];
	snprintf(sql, sizeof sql, "set application_name = 'driftcheck %s'; set statement_timeout = %d; set lock_timeout = 0; set jit = off; set enable_seqscan = off", name,
	         request->timeout_ms > 0 ? request->timeout_ms : TIMEOUT_MS);
	auto_pgresult result = PQstatus(conn) == CONNECTION_OK ? PQexec(conn, sql) : NULL;
	if (result != NULL && PQresultStatus(result) == PGRES_COMMAND_OK)
		return conn;
	fail(err, "connecting to the clone", conn);
	PQfinish(conn);
	return NULL;
}

// A client's life.

static bool one_try(struct client *client, const char *sql)
{
	PGconn *conn = client->conn;
	bool write = client->operation == OPERATION_WRITE;
	PQclear(write ? PQexec(conn, "begin") : NULL);
	auto_pgresult result = PQexec(conn, sql);
	PQclear(write ? PQexec(conn, "rollback") : NULL);
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK;
}

static void *live(void *argument)
{
	struct client *client = argument;
	const struct traffic_request *request = client->traffic->request;
	for (size_t i = 0; !atomic_load(&client->traffic->stop); i++) {
		atomic_store(&client->waited, false);
		atomic_store(&client->behind_us, 0);
		struct try try = { .start_us = (double)clock_us() };
		pthread_mutex_lock(&client->mutex);
		client->trying_since_us = try.start_us;
		pthread_mutex_unlock(&client->mutex);
		try.failed = !one_try(client, client->statements[i * 7919 % client->n_statements]);
		try.end_us = (double)clock_us();
		try.blocked = atomic_load(&client->waited);
		try.behind_us = (double)atomic_load(&client->behind_us);
		pthread_mutex_lock(&client->mutex);
		if (client->n_tries == client->tries_capacity) {
			client->tries_capacity = client->tries_capacity == 0 ? 1024 : 2 * client->tries_capacity;
			client->tries = realloc(client->tries, client->tries_capacity * sizeof *client->tries);
			invariant(client->tries != NULL, "out of memory");
		}
		client->tries[client->n_tries++] = try;
		client->trying_since_us = 0;
		pthread_mutex_unlock(&client->mutex);
		if (PQstatus(client->conn) != CONNECTION_OK)
			return NULL;
		clock_sleep_ms((long long)(request->pause_ms > 0 ? request->pause_ms : PAUSE_MS));
	}
	return NULL;
}

// What the lookout saw of one of them.
static void note_wait(void *argument, const struct lookout_wait *wait)
{
	struct traffic *traffic = argument;
	if (traffic->pgbench != NULL)
		pgbench_note(traffic->pgbench, wait);
	for (size_t i = 0; i < traffic->n_clients; i++) {
		struct client *client = &traffic->clients[i];
		if (client->pid != wait->pid)
			continue;
		atomic_store(&client->waited, true);
		if (wait->behind)
			atomic_fetch_add(&client->behind_us, (long long)wait->for_us);
	}
}

static void *read_long(void *argument)
{
	struct traffic *traffic = argument;
	const struct traffic_request *request = traffic->request;
	while (!atomic_load(&traffic->stop) && PQstatus(traffic->reader) == CONNECTION_OK) {
		PQclear(PQexec(traffic->reader, "begin isolation level repeatable read read only"));
		for (const char *const *relation = request->relations; *relation != NULL; relation++) {
			auto_buf sql = BUF_INIT;
			buf_addf(&sql, "savepoint s; select 1 from %s limit 0", *relation);
			auto_pgresult result = PQexec(traffic->reader, sql.data);
			if (PQresultStatus(result) == PGRES_FATAL_ERROR) // it is gone
				PQclear(PQexec(traffic->reader, "rollback to savepoint s"));
		}
		for (double left_ms = request->long_transaction_s * 1000; left_ms > 0 && !atomic_load(&traffic->stop); left_ms -= LOOKOUT_MS)
			clock_sleep_ms(LOOKOUT_MS);
		PQclear(PQexec(traffic->reader, "commit"));
		clock_sleep_ms(LOOKOUT_MS);
	}
	return NULL;
}

// What a client does, from the catalog.

// How a row is chosen by its primary key (an expression that gives `a = '1' and b = 'x'` for each row), the first column outside of it
// that can be updated, and whether the table is large.
static const char describe_sql[] =
	"select c.relkind, c.reltuples, "
	"(select pg_catalog.string_agg(pg_catalog.format('pg_catalog.format(%L, %L, %I)', '%I = %L', a.attname, a.attname), ', ' order by k.i) "
	"from pg_catalog.pg_index x, pg_catalog.unnest(x.indkey::int2[]) with ordinality k(attnum, i), pg_catalog.pg_attribute a "
	"where x.indrelid = c.oid and x.indisprimary and a.attrelid = c.oid and a.attnum = k.attnum), "
	"(select pg_catalog.quote_ident(a.attname) from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped "
	"and a.attgenerated = '' and a.attidentity <> 'a' and not exists (select from pg_catalog.pg_index x where x.indrelid = c.oid "
	"and x.indisprimary and a.attnum = any (x.indkey::int2[])) order by a.attlen < 0, a.attnum limit 1) "
	"from pg_catalog.pg_class c where c.oid = pg_catalog.to_regclass($1)";

struct description {
	const char *column;       // to write; NULL: none
	const char **conditions;  // of rows; 0: any row will do
	size_t n_conditions;
};

static bool describe(struct traffic *traffic, const char *relation, struct description *description, bool *usable, struct err *err)
{
	*description = (struct description){ 0 };
	*usable = false;
	const char *const values[] = { relation };
	auto_pgresult result = PQexecParams(traffic->locker, describe_sql, 1, NULL, values, NULL, NULL, 0);
	if (PQresultStatus(result) != PGRES_TUPLES_OK)
		return fail(err, "looking at a table", traffic->locker);
	if (PQntuples(result) == 0 || strchr("rpm", PQgetvalue(result, 0, 0)[0]) == NULL)
		return true;
	*usable = true;
	if (PQgetisnull(result, 0, 2))
		return true;
	bool large = PQgetvalue(result, 0, 0)[0] == 'r' && strtod(PQgetvalue(result, 0, 1), NULL) > SAMPLED_FROM_ROWS;
	auto_buf sql = BUF_INIT;
	buf_addf(&sql, "select pg_catalog.concat_ws(' and ', %s) from %s%s limit %d", PQgetvalue(result, 0, 2), relation,
	         large ? " tablesample system (1)" : "", KEYS_MAX);
	auto_pgresult rows = PQexec(traffic->locker, sql.data);
	if (PQresultStatus(rows) != PGRES_TUPLES_OK)
		return fail(err, "choosing rows to read and write", traffic->locker);
	description->n_conditions = (size_t)PQntuples(rows);
	description->conditions = arena_array(traffic->arena, description->n_conditions, sizeof *description->conditions);
	for (size_t i = 0; i < description->n_conditions; i++)
		description->conditions[i] = arena_strdup(traffic->arena, PQgetvalue(rows, (int)i, 0));
	if (!PQgetisnull(result, 0, 3))
		description->column = arena_strdup(traffic->arena, PQgetvalue(result, 0, 3));
	return true;
}

// The statements of a client, one for each row that it may choose.
static const char *const *statements(struct traffic *traffic, const char *relation, enum operation operation,
                                     const struct description *description, size_t *n)
{
	*n = description->n_conditions > 0 ? description->n_conditions : 1;
	const char **list = arena_array(traffic->arena, *n, sizeof *list);
	for (size_t i = 0; i < *n; i++) {
		const char *condition = description->n_conditions > 0 ? description->conditions[i] : NULL;
		if (operation == OPERATION_WRITE)
			list[i] = arena_printf(traffic->arena, "update %s set %s = %s where %s", relation, description->column, description->column, condition);
		else if (condition != NULL)
			list[i] = arena_printf(traffic->arena, "select * from %s where %s", relation, condition);
		else
			list[i] = arena_printf(traffic->arena, "select * from %s limit 0", relation); // the lock alone: rows that clients scan would be the migration's
	}
	return list;
}

static bool add_client(struct traffic *traffic, const char *relation, enum operation operation, const struct description *description,
                       struct err *err)
{
	struct client *client = &traffic->clients[traffic->n_clients];
	*client = (struct client){ .traffic = traffic, .relation = arena_strdup(traffic->arena, relation), .operation = operation };
	client->statements = statements(traffic, relation, operation, description, &client->n_statements);
	client->conn = open_connection(traffic->request, operation_names[operation], err);
	if (client->conn == NULL)
		return false;
	client->pid = PQbackendPID(client->conn);
	pthread_mutex_init(&client->mutex, NULL);
	traffic->n_clients++;
	return true;
}

static bool add_clients(struct traffic *traffic, struct err *err)
{
	const struct traffic_request *request = traffic->request;
	size_t n_relations = 0, n_each = request->n_clients > 0 ? (size_t)request->n_clients : 1;
	while (request->relations[n_relations] != NULL)
		n_relations++;
	traffic->clients = arena_array(traffic->arena, 2 * n_relations * n_each, sizeof *traffic->clients);
	for (size_t i = 0; i < n_relations; i++) {
		struct description description;
		bool usable;
		if (!describe(traffic, request->relations[i], &description, &usable, err))
			return false;
		bool writable = description.column != NULL && description.n_conditions > 0;
		for (size_t j = 0; usable && j < n_each; j++) {
			if (!add_client(traffic, request->relations[i], OPERATION_READ, &description, err) ||
			    (writable && !add_client(traffic, request->relations[i], OPERATION_WRITE, &description, err)))
				return false;
		}
	}
	return true;
}

static bool start_thread(pthread_t *thread, bool *running, void *(*function)(void *), void *argument, struct err *err)
{
	*running = pthread_create(thread, NULL, function, argument) == 0;
	return *running || err_set(err, "traffic", NULL, NULL, "no thread can be started");
}

static bool start_clients(struct traffic *traffic, struct err *err)
{
	if (!add_clients(traffic, err))
		return false;
	for (size_t i = 0; i < traffic->n_clients; i++) {
		if (!start_thread(&traffic->clients[i].thread, &traffic->clients[i].running, live, &traffic->clients[i], err))
			return false;
	}
	return true;
}

static bool start_all(struct traffic *traffic, struct err *err)
{
	const struct traffic_request *request = traffic->request;
	traffic->locker = open_connection(request, "locker", err);
	if (traffic->locker == NULL)
		return false;
	if (request->pgbench != NULL)
		traffic->pgbench = pgbench_start(traffic->arena, request->pgbench, request->conninfo, traffic->locker, err);
	if (request->pgbench != NULL ? traffic->pgbench == NULL : !start_clients(traffic, err))
		return false;
	PGconn *lookout = open_connection(request, "lookout", err);
	traffic->lookout = lookout == NULL ? NULL : lookout_start(lookout, note_wait, traffic, err);
	if (traffic->lookout == NULL || request->long_transaction_s <= 0)
		return traffic->lookout != NULL;
	traffic->reader = open_connection(request, "long reader", err);
	return traffic->reader != NULL && start_thread(&traffic->reader_thread, &traffic->reader_running, read_long, traffic, err);
}

struct traffic *traffic_start(struct arena *arena, const struct traffic_request *request, double baseline_ms, struct err *err)
{
	struct traffic *traffic = arena_alloc(arena, sizeof *traffic);
	traffic->arena = arena;
	traffic->request = request;
	if (!start_all(traffic, err)) {
		traffic_stop(traffic);
		return NULL;
	}
	traffic->baseline_from_us = (double)clock_us();
	clock_sleep_ms((long long)baseline_ms);
	traffic->baseline_to_us = (double)clock_us();
	PQclear(PQexec(traffic->locker, "select 1")); // and what choosing the rows has scanned reaches the statistics
	if (traffic->pgbench == NULL || pgbench_is_well(traffic->pgbench, err))
		return traffic;
	traffic_stop(traffic);
	return NULL;
}

bool traffic_end_scripts(struct traffic *traffic, struct err *err)
{
	return traffic->pgbench == NULL || pgbench_end(traffic->pgbench, traffic->locker, err);
}

void traffic_stop(struct traffic *traffic)
{
	if (traffic == NULL)
		return;
	atomic_store(&traffic->stop, true);
	for (size_t i = 0; i < traffic->n_clients; i++) {
		struct client *client = &traffic->clients[i];
		if (client->running)
			pthread_join(client->thread, NULL);
		PQfinish(client->conn);
		pthread_mutex_destroy(&client->mutex);
		free(client->tries);
	}
	if (traffic->reader_running)
		pthread_join(traffic->reader_thread, NULL);
	lookout_stop(traffic->lookout);
	pgbench_stop(traffic->pgbench);
	PQfinish(traffic->reader);
	PQfinish(traffic->locker);
	*traffic = (struct traffic){ .arena = traffic->arena };
}

// What was felt.

static void add_tries(struct felt *felt, struct client *client, double from_us, double to_us)
{
	pthread_mutex_lock(&client->mutex);
	for (size_t i = 0; i < client->n_tries; i++) {
		const struct try *try = &client->tries[i];
		if (try->end_us < from_us || try->start_us > to_us)
			continue;
		felt_add(felt, (try->end_us - try->start_us) / 1000);
		felt->n_blocked += try->blocked;
		felt->n_errors += try->failed;
		felt->behind_ms += try->behind_us / 1000;
	}
	// one that is still waiting has waited so long
	if (client->trying_since_us > 0 && client->trying_since_us <= to_us) {
		felt_add(felt, (to_us > client->trying_since_us ? to_us - client->trying_since_us : 0) / 1000);
		felt->n_blocked += atomic_load(&client->waited);
	}
	felt->n_tries = felt->n_times;
	pthread_mutex_unlock(&client->mutex);
}

static struct felt feel(struct traffic *traffic, struct arena *arena, size_t first, double from_us, double to_us)
{
	struct felt felt = { .arena = arena };
	for (size_t i = first; i < traffic->n_clients; i++) {
		struct client *client = &traffic->clients[i];
		if (client->operation == traffic->clients[first].operation && strcmp(client->relation, traffic->clients[first].relation) == 0)
			add_tries(&felt, client, from_us, to_us);
	}
	return felt;
}

static bool is_first(const struct traffic *traffic, size_t i)
{
	for (size_t j = 0; j < i; j++) {
		if (traffic->clients[j].operation == traffic->clients[i].operation && strcmp(traffic->clients[j].relation, traffic->clients[i].relation) == 0)
			return false;
	}
	return true;
}

struct step_victim *traffic_felt(struct traffic *traffic, struct arena *arena, double from_us, double to_us, size_t *n)
{
	struct step_victim *victims = arena_array(arena, traffic->n_clients, sizeof *victims);
	*n = 0;
	for (size_t i = 0; i < traffic->n_clients; i++) {
		if (!is_first(traffic, i))
			continue;
		auto_arena scrap = arena_new();
		struct felt felt = feel(traffic, scrap, i, from_us, to_us);
		struct felt before = feel(traffic, scrap, i, traffic->baseline_from_us, traffic->baseline_to_us);
		struct step_victim *victim = &victims[(*n)++];
		*victim = (struct step_victim){ .relation = traffic->clients[i].relation, .operation = traffic->clients[i].operation };
		felt_sum_up(&felt, &before, victim);
	}
	return victims;
}

struct step_victim *traffic_scripts_felt(struct traffic *traffic, struct arena *arena, const struct step *step, struct pgbench_span span,
                                         struct pgbench_span errors, size_t *n)
{
	*n = 0;
	const struct pgbench_span baseline = { traffic->baseline_from_us, traffic->baseline_to_us };
	return traffic->pgbench == NULL ? NULL : pgbench_felt(traffic->pgbench, arena, step, span, errors, baseline, n);
}

// Tries.

// "AccessExclusiveLock" as LOCK TABLE writes it: ACCESS EXCLUSIVE.
static void add_mode(struct buf *sql, const char *mode)
{
	for (const char *c = mode; *c != '\0' && strcmp(c, "Lock") != 0; c++) {
		if (c > mode && *c >= 'A' && *c <= 'Z')
			buf_addc(sql, ' ');
		buf_addc(sql, *c);
	}
}

bool traffic_try_lock(struct traffic *traffic, const char *relation, const char *mode, double timeout_ms, struct err *err)
{
	auto_buf sql = BUF_INIT;
	err->code[0] = '\0';
	buf_addf(&sql, "begin; set local lock_timeout = %d; lock table %s in ", timeout_ms < 1 ? 1 : (int)timeout_ms, relation);
	add_mode(&sql, mode);
	buf_adds(&sql, " mode");
	auto_pgresult result = PQexec(traffic->locker, sql.data);
	const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	bool granted = PQresultStatus(result) == PGRES_COMMAND_OK, late = sqlstate != NULL && strcmp(sqlstate, "55P03") == 0;
	if (!granted && !late)
		fail(err, "trying a lock", traffic->locker);
	PQclear(PQexec(traffic->locker, "rollback"));
	return granted;
}

// SPDX-License-Identifier: PostgreSQL
// Turns of servers: see servers.h. Servers that still have environments to give out stand in a ring. A turn is taken by the
// next in the ring that has room; those without are at most as many as there are threads, so that a turn costs no search.
// What names no host (a socket's default, a service file) counts as one server: too few connections rather than too many.
// SQLite files are apart from each other.
#include "sentinel/servers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct server {
	size_t first, n; // its part of `order`, still to be given out
	int most;        // 0: any number
	int busy, waiting;
	struct server *next, *before; // in the ring
};

struct servers {
	struct arena *arena;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	size_t *order;           // indexes of environments, those of a server beside each other
	struct server **of;      // by index of environment
	struct server *turn;     // NULL: nothing is left to be given out
	size_t n_busy;           // of all servers
	bool paused;
};

struct place { // an environment and its server's name
	size_t env;
	const char *server; // NULL: none of its own to spare
};

static int compare_places(const void *a, const void *b)
{
	const struct place *one = a, *other = b;
	int order = one->server == NULL || other->server == NULL ? (one->server != NULL) - (other->server != NULL)
	                                                        : strcmp(one->server, other->server);
	return order != 0 ? order : (one->env > other->env) - (one->env < other->env);
}

static const char *server_name(struct arena *arena, const struct env *env)
{
	const struct source *source = &env->source;
	if (source->type != SOURCE_POSTGRESQL)
		return NULL;
	return arena_printf(arena, "%s\n%s", source->host == NULL ? "" : source->host, source->port == NULL ? "5432" : source->port);
}

static void join_ring(struct servers *servers, struct server *server)
{
	struct server *turn = servers->turn;
	server->next = turn == NULL ? server : turn;
	server->before = turn == NULL ? server : turn->before;
	server->before->next = server;
	server->next->before = server;
	servers->turn = turn == NULL ? server : turn;
}

static void leave_ring(struct servers *servers, struct server *server)
{
	server->before->next = server->next;
	server->next->before = server->before;
	if (servers->turn == server)
		servers->turn = server->next == server ? NULL : server->next;
}

struct servers *servers_new(const struct envs *envs, const bool *wanted, int most)
{
	struct arena *arena = arena_new();
	struct servers *servers = arena_alloc(arena, sizeof *servers);
	servers->arena = arena;
	pthread_mutex_init(&servers->mutex, NULL);
	pthread_cond_init(&servers->changed, NULL);
	servers->order = arena_array(arena, envs->n, sizeof *servers->order);
	servers->of = arena_array(arena, envs->n, sizeof *servers->of);
	struct place *places = arena_array(arena, envs->n, sizeof *places);
	for (size_t i = 0; i < envs->n; i++)
		places[i] = (struct place){ i, server_name(arena, &envs->items[i]) };
	qsort(places, envs->n, sizeof *places, compare_places);
	struct server *server = NULL;
	size_t n = 0;
	for (size_t i = 0; i < envs->n; i++) {
		const struct env *env = &envs->items[places[i].env];
		bool known = i > 0 && places[i].server != NULL && places[i - 1].server != NULL && strcmp(places[i].server, places[i - 1].server) == 0;
		if (!known) {
			server = arena_alloc(arena, sizeof *server);
			*server = (struct server){ .first = n, .most = places[i].server == NULL ? 0 : most };
		}
		servers->of[places[i].env] = server;
		if (env->max_per_server > 0 && server->most > env->max_per_server)
			server->most = env->max_per_server;
		if (!wanted[places[i].env])
			continue;
		servers->order[n++] = places[i].env;
		if (server->n++ == 0)
			join_ring(servers, server);
	}
	return servers;
}

void servers_free(struct servers *servers)
{
	pthread_mutex_destroy(&servers->mutex);
	pthread_cond_destroy(&servers->changed);
	arena_free(servers->arena);
}

static bool has_room(const struct server *server)
{
	return server->most == 0 || server->busy < server->most;
}

// The server whose turn it is; NULL: all that have something left have no room.
static struct server *whose_turn(struct servers *servers)
{
	struct server *server = servers->turn;
	do {
		if (has_room(server) && server->waiting == 0)
			return server;
		server = server->next;
	} while (server != servers->turn);
	return NULL;
}

bool servers_next(struct servers *servers, size_t *env)
{
	pthread_mutex_lock(&servers->mutex);
	struct server *server = NULL;
	while (servers->turn != NULL && (server = servers->paused ? NULL : whose_turn(servers)) == NULL)
		pthread_cond_wait(&servers->changed, &servers->mutex);
	if (server != NULL) {
		*env = servers->order[server->first++];
		server->busy++;
		servers->n_busy++;
		servers->turn = server->next;
		if (--server->n == 0)
			leave_ring(servers, server);
		if (servers->turn == NULL) // others that wait for a turn wait for nothing
			pthread_cond_broadcast(&servers->changed);
	}
	pthread_mutex_unlock(&servers->mutex);
	return server != NULL;
}

void servers_leave(struct servers *servers, size_t env)
{
	pthread_mutex_lock(&servers->mutex);
	servers->of[env]->busy--;
	servers->n_busy--;
	pthread_cond_broadcast(&servers->changed);
	pthread_mutex_unlock(&servers->mutex);
}

void servers_enter(struct servers *servers, size_t env)
{
	struct server *server = servers->of[env];
	pthread_mutex_lock(&servers->mutex);
	server->waiting++;
	while (!has_room(server))
		pthread_cond_wait(&servers->changed, &servers->mutex);
	server->waiting--;
	server->busy++;
	servers->n_busy++;
	pthread_cond_broadcast(&servers->changed); // where it was the last to wait, turns are taken again
	pthread_mutex_unlock(&servers->mutex);
}

void servers_pause(struct servers *servers)
{
	pthread_mutex_lock(&servers->mutex);
	servers->paused = true;
	while (servers->n_busy > 0)
		pthread_cond_wait(&servers->changed, &servers->mutex);
	pthread_mutex_unlock(&servers->mutex);
}

void servers_resume(struct servers *servers)
{
	pthread_mutex_lock(&servers->mutex);
	servers->paused = false;
	pthread_cond_broadcast(&servers->changed);
	pthread_mutex_unlock(&servers->mutex);
}

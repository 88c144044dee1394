// SPDX-License-Identifier: PostgreSQL
// A process of pgbench.
#ifndef REHEARSE_CLIENTS_PGBENCH_PROCESS_H
#define REHEARSE_CLIENTS_PGBENCH_PROCESS_H

#include <sys/types.h>

#include "rehearse/clients/pgbench.h"

// The address without what is secret (*password, for the environment; NULL: none) and without names that are ours to give.
const char *pgbench_address(struct arena *arena, const char *conninfo, const char **password);

// Ours, with the name of the session.
const char **pgbench_environment(struct arena *arena, const char *name, const char *password);

const char *pgbench_file(struct arena *arena, const struct pgbench_script *script); // the option

// Starts it with both outputs going to `output`; it ends with this thread. 0 or less: it could not be started.
pid_t pgbench_spawn(const char *const *argv, const char *const *variables, int output);
int pgbench_wait(pid_t pid); // its status, of waitpid

#endif

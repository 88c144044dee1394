// SPDX-License-Identifier: PostgreSQL
// In which order environments are read, by how many threads at a time, and never more of them on one server than may be: a
// server is a host and a port. Servers take turns, so that one with many databases keeps no other waiting.
#ifndef SENTINEL_SERVERS_H
#define SENTINEL_SERVERS_H

#include "sentinel/env.h"

struct servers;

// Of the environments, those are given out for which `wanted` has true; `most` per server, or the fewer that a fleet on it says.
// Released with servers_free.
struct servers *servers_new(const struct envs *envs, const bool *wanted, int most);
void servers_free(struct servers *servers);

// The index of the next environment to read, and room for its connection; waits until there is. False: all are given out.
// From any thread.
bool servers_next(struct servers *servers, size_t *env);

// Gives the room back.
void servers_leave(struct servers *servers, size_t env);

// Room for one more connection to the server of an environment, before those that are still to be given out.
void servers_enter(struct servers *servers, size_t env);

// Lets what is being read be finished, and nothing new begin, until servers_resume: a process that is forked meanwhile finds
// no lock of a library held by a thread that it does not have. Not while the caller holds room.
void servers_pause(struct servers *servers);
void servers_resume(struct servers *servers);

#endif

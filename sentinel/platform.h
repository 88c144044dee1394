// SPDX-License-Identifier: PostgreSQL
// Hosting platforms of PostgreSQL, as far as they put objects of their own into a database.
#ifndef SENTINEL_PLATFORM_H
#define SENTINEL_PLATFORM_H

#include <stdbool.h>

struct platform {
	const char *name;
	const char *const *hosts;  // patterns of host names; NULL-ended
	const char *const *ignore; // what it owns, as patterns for `ignore`; NULL-ended
};

// The platform that a host name belongs to; NULL if it is none that is known.
const struct platform *platform_of_host(const char *host);

// Whether a server there is reached without a network: a socket's folder, or the loopback.
bool host_is_local(const char *host);

// Whether host or port are those by which connection poolers are usually reached.
bool host_is_pooler(const char *host, const char *port);

#endif

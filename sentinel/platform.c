// SPDX-License-Identifier: PostgreSQL
// What hosts' names tell. The platforms' schemas are from their public documentation: proposals, which a person confirms in
// the configuration; nothing is left out of a comparison because of a host's name.
#include "sentinel/platform.h"

#include <fnmatch.h>
#include <stddef.h>
#include <string.h>

#define LIST(...) (const char *const[]){ __VA_ARGS__, NULL }

static const struct platform platforms[] = {
	{ "Supabase", LIST("*.supabase.co", "*.supabase.com", "*.supabase.net"),
	  LIST("auth.*", "storage.*", "realtime.*", "_realtime.*", "extensions.*", "graphql.*", "graphql_public.*", "vault.*",
	       "pgbouncer.*", "pgsodium*.*", "net.*", "cron.*", "supabase_functions.*", "supabase_migrations.*", "_analytics.*", "_supavisor.*") },
	{ "Amazon RDS or Aurora", LIST("*.rds.amazonaws.com", "*.rds.amazonaws.com.cn"), LIST("aws_*.*") },
	{ "Neon", LIST("*.neon.tech"), LIST("neon.*", "neon_*.*") },
	{ "Heroku", LIST("ec2-*.amazonaws.com", "*.heroku.com"), LIST("_heroku.*") },
	{ "Timescale", LIST("*.timescale.com", "*.timescaledb.io"), LIST("_timescaledb_*.*") },
	{ "Google Cloud SQL", LIST("/cloudsql/*"), LIST("google_vacuum_mgmt.*", "google_ml.*") },
	{ "Azure", LIST("*.postgres.database.azure.com"), LIST("azure*.*", "cron.*") },
};

static bool matches(const char *text, const char *const *patterns)
{
	for (size_t i = 0; patterns[i] != NULL; i++) {
		if (fnmatch(patterns[i], text, 0) == 0)
			return true;
	}
	return false;
}

const struct platform *platform_of_host(const char *host)
{
	for (size_t i = 0; host != NULL && i < sizeof platforms / sizeof *platforms; i++) {
		if (matches(host, platforms[i].hosts))
			return &platforms[i];
	}
	return NULL;
}

bool host_is_local(const char *host)
{
	return host == NULL || *host == '\0' || matches(host, LIST("/*", "@*", "localhost", "127.*", "::1"));
}

bool host_is_pooler(const char *host, const char *port)
{
	return (host != NULL && matches(host, LIST("*pooler*", "*pgbouncer*"))) || (port != NULL && matches(port, LIST("6432", "6543")));
}

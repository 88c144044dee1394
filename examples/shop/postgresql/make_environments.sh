#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Makes the databases staging and prod, as golang-migrate and people have left them, on the server that PGHOST and the other
# PG variables name. Give it a server that is there for nothing else: databases of these names are dropped.
set -eu
cd "$(dirname "$0")"

make() { # name head migrations...
	local database=$1 head=$2 migration files=()
	shift 2
	for migration in "$@"; do
		files+=(-f "$(echo "migrations/$migration"_*.up.sql)")
	done
	psql -X -q -c 'SET client_min_messages = warning' -c "DROP DATABASE IF EXISTS $database" -c "CREATE DATABASE $database"
	psql -X -q -v ON_ERROR_STOP=1 -d "$database" "${files[@]}" -c "
		CREATE TABLE schema_migrations (version bigint not null primary key, dirty boolean not null);
		INSERT INTO schema_migrations (version, dirty) VALUES ($head, false)"
}

make staging 7 0001 0002 0003 0004 0005 0006 0007
make prod 8 0001 0002 0003 0005 0006 0007 0008
psql -X -q -v ON_ERROR_STOP=1 -d prod -f prod_by_hand.sql

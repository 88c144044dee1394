#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Makes FOLDER/staging.db and FOLDER/prod.db as golang-migrate and people have left them. Usage: make_environments.sh FOLDER
set -eu
cd "$(dirname "$0")"
folder=${1:?which folder?}
mkdir -p "$folder"

make() { # name head migrations...
	local database=$folder/$1.db head=$2 migration
	shift 2
	rm -f "$database" "$database"-wal "$database"-shm "$database"-journal
	for migration in "$@"; do
		cat "migrations/$migration"_*.up.sql
	done | sqlite3 -bail "$database"
	sqlite3 -bail "$database" "CREATE TABLE schema_migrations (version uint64,dirty bool);
		CREATE UNIQUE INDEX version_unique ON schema_migrations (version);
		INSERT INTO schema_migrations (version, dirty) VALUES ($head, 0);"
}

make staging 7 0001 0002 0003 0004 0005 0006 0007
make prod 8 0001 0002 0003 0005 0006 0007 0008
sqlite3 -bail "$folder/prod.db" <prod_by_hand.sql

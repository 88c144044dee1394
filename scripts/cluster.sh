# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# A throwaway PostgreSQL for examples, tests and benchmarks: on a Unix socket only, durability off, gone with the shell that
# started it, even on kill -9. Sourced. Sets PGHOST, PGPORT, PGUSER and PGDATABASE, so that psql and the like find it.

# The folder of the server binaries: CLUSTER_BINDIR, or that of the newest here; fails if there are none.
cluster_bindir() {
	local found
	[ -n "${CLUSTER_BINDIR:-}" ] && printf '%s\n' "$CLUSTER_BINDIR" && return
	found=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
	[ -x "$found/postgres" ] || found=$(pg_config --bindir 2>/dev/null)
	[ -x "$found/postgres" ] || found=$(dirname "$(command -v postgres)" 2>/dev/null)
	[ -x "$found/postgres" ] && [ -x "$found/initdb" ] && printf '%s\n' "$found"
}

# Starts one; call it from the main shell (the server dies with the process that started it). Arguments are further options
# of the server. On failure says why and returns 1.
cluster_start() {
	local bin as=()
	bin=$(cluster_bindir) || {
		echo "no PostgreSQL server binaries here: install Debian's package postgresql" >&2
		return 1
	}
	cluster_folder=$(mktemp -d "${TMPDIR:-/tmp}/driftcheck-pg.XXXXXX") || return 1
	if [ "${#cluster_folder}" -gt 80 ]; then # a socket's path has room for 107 bytes
		rmdir "$cluster_folder"
		cluster_folder=$(mktemp -d /tmp/driftcheck-pg.XXXXXX) || return 1
	fi
	cluster_log=$cluster_folder.log
	if [ "$(id -u)" = 0 ]; then # the server refuses to run as root
		local user=postgres
		getent passwd "$user" >/dev/null || user=nobody
		as=(--reuid="$user" --regid="$(id -g "$user")" --clear-groups)
		chown "$user" "$cluster_folder"
	fi
	export PGHOST=$cluster_folder PGPORT=5432 PGUSER=postgres PGDATABASE=postgres
	unset PGSERVICE PGHOSTADDR PGOPTIONS PGPASSWORD PGPASSFILE PGSSLMODE
	local here=$PWD
	cd "$cluster_folder" || return 1 # the server's user may not be allowed to see where we are
	setpriv "${as[@]}" "$bin/initdb" -D "$cluster_folder/data" -U postgres -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
		>"$cluster_log" 2>&1 || {
		cat "$cluster_log" >&2
		cd "$here" || true
		cluster_stop
		return 1
	}
	# A plain command in the background: our own child, which the kernel ends when we are gone.
	setpriv "${as[@]}" --pdeathsig QUIT "$bin/postgres" -D "$cluster_folder/data" -k "$cluster_folder" -p "$PGPORT" \
		-c listen_addresses= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off -c jit=off \
		-c shared_buffers=128MB -c max_locks_per_transaction=256 -c timezone=UTC "$@" >"$cluster_log" 2>&1 </dev/null &
	cluster_pid=$!
	cd "$here" || return 1
	until psql -qAtXc 'select 1' >/dev/null 2>&1; do # not every set of binaries has pg_isready
		kill -0 "$cluster_pid" 2>/dev/null || {
			cat "$cluster_log" >&2
			cluster_stop
			return 1
		}
		sleep 0.05
	done
}

# Stops it and removes its folder. Does nothing if none was started.
cluster_stop() {
	[ -n "${cluster_folder:-}" ] || return 0
	if [ -n "${cluster_pid:-}" ]; then
		kill -INT "$cluster_pid" 2>/dev/null
		wait "$cluster_pid" 2>/dev/null
	fi
	rm -rf "$cluster_folder" "$cluster_log"
	cluster_folder='' cluster_pid=''
}

# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# What the scripts of this folder share: installing Debian packages that are missing, and building. Sourced, with `top` set
# to the checkout. Quiet when all is well; what a step printed is shown when the step fails.

# What the build needs.
# shellcheck disable=SC2034
packages_build=(autoconf automake gcc libc6-dev libcmocka-dev libconfuse-dev libcurl4-openssl-dev libjansson-dev libpg-query-dev
	libpq-dev libprotobuf-c-dev libsqlite3-dev libssl-dev make pkg-config zlib1g-dev)

say() { printf '%s\n' "$@"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
	warn "${0##*/}: $*"
	exit 2
}

# Runs a command; what it prints is kept back, and shown if it fails.
quietly() {
	local log status
	log=$(mktemp)
	"$@" >"$log" 2>&1 && status=0 || status=$?
	[ "$status" = 0 ] || warn "$(tail -n 60 "$log")"
	rm -f "$log"
	return "$status"
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

# Which of the packages are not installed, one a line.
packages_missing() {
	local package
	for package in "$@"; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
	done
}

# Debian makes and starts a server when its PostgreSQL is installed, unless this file says no. An existing setting stays.
no_system_server() {
	local conf=/etc/postgresql-common/createcluster.conf
	grep -qs '^[[:space:]]*create_main_cluster' "$conf" && return
	as_root mkdir -p "${conf%/*}"
	echo 'create_main_cluster = false' | as_root tee -a "$conf" >/dev/null
}

# Debian starts Prometheus when it is installed; here only its promtool is wanted.
no_prometheus_server() {
	[ ! -d /run/systemd/system ] || quietly as_root systemctl mask prometheus.service
}

# Installs what is missing of the named packages. Asks no package source, and needs no rights, when nothing is.
install_packages() {
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		warn "This is no Debian: taking it that the equivalents of these are installed: $*"
		return
	fi
	local missing
	mapfile -t missing < <(packages_missing "$@")
	[ "${#missing[@]}" = 0 ] && return
	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		die "packages are missing, and there is no sudo to install them with. As root: apt-get install ${missing[*]}"
	fi
	say "Installing: ${missing[*]}"
	case " ${missing[*]} " in *" postgresql"*) no_system_server ;; esac
	case " ${missing[*]} " in *" prometheus "*) no_prometheus_server ;; esac
	local install=(env DEBIAN_FRONTEND=noninteractive apt-get install -y -o Dpkg::Options::=--force-confold --no-install-recommends)
	quietly as_root "${install[@]}" "${missing[@]}" 2>/dev/null && return # with the package lists that are here
	quietly as_root apt-get update || die "apt-get update failed (see above): is there a network?"
	quietly as_root "${install[@]}" "${missing[@]}" || die "apt-get install failed (see above)"
}

# Builds the program, out of tree, in the folder; the rest are options of configure. Does again only what changed.
build() {
	local folder=$1
	shift
	# shellcheck disable=SC2154
	[ ! -e "$top/config.status" ] ||
		die "the source folder itself is configured, and so cannot be built elsewhere: run make distclean there first"
	if [ ! -e "$top/configure" ] || [ ! -e "$top/Makefile.in" ] || [ "$top/configure.ac" -nt "$top/configure" ]; then
		(cd "$top" && quietly autoreconf -i) || die "autoreconf failed (see above)"
	fi
	mkdir -p "$folder"
	if [ ! -e "$folder/config.status" ]; then
		(cd "$folder" && quietly "$top/configure" -q "$@") || die "configure failed (see above; the rest is in $folder/config.log)"
	fi
	quietly make -C "$folder" -s -j "$(nproc)" || die "the build failed (see above)"
}

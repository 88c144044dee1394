#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Installs driftcheck on Debian: installs the packages that the build needs and that are missing, builds in build/, and installs
# into /usr/local, below the folder that is given, if one is.
#
#   scripts/install.sh [DESTDIR]
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$top/scripts/lib.sh"

install_packages "${packages_build[@]}" git
build "$top/build"
quietly as_root make -C "$top/build" -s install DESTDIR="${1:-}" || die "make install failed (see above)"
say "Installed ${1:-}/usr/local/bin/driftcheck. To replay PostgreSQL migrations it needs server binaries: apt-get install postgresql"

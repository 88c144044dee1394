#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# From a fresh clone on Debian to a drift report: installs the packages that are missing, builds in build/, makes the example
# shop's staging and prod databases, and runs `driftcheck staging prod` on them.
#
#   scripts/quickstart.sh               on SQLite: nothing to set up
#   scripts/quickstart.sh --postgres    on a throwaway PostgreSQL, stopped and removed at the end
#
# Exit status: 0 the expected report came out, 2 it did not, or a step failed.
set -u
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# shellcheck source=scripts/lib.sh
. "$top/scripts/lib.sh"
# shellcheck source=scripts/cluster.sh
. "$top/scripts/cluster.sh"

case "$*" in
'') engine=sqlite packages=(sqlite3) ;;
--postgres) engine=postgresql packages=(postgresql) ;;
-h | --help) sed -n '3,9s/^# \{0,1\}//p' "$0" && exit 0 ;;
*) die "unknown arguments: $* (there is only --postgres)" ;;
esac

install_packages "${packages_build[@]}" "${packages[@]}"
say 'Building in build/ ...'
build "$top/build"

say "Making the example's databases: staging is two migrations behind, prod was edited by hand ..."
if [ "$engine" = sqlite ]; then
	shop=$top/build/shop
	quietly "$top/examples/shop/sqlite/make_environments.sh" "$shop" || die "the example's databases could not be made (see above)"
	export STAGING_DATABASE_URL=sqlite:$shop/staging.db PROD_DATABASE_URL=sqlite:$shop/prod.db
else
	trap cluster_stop EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	cluster_start -c max_connections=20 || die "the throwaway PostgreSQL did not start (see above)"
	quietly "$top/examples/shop/postgresql/make_environments.sh" || die "the example's databases could not be made (see above)"
	export STAGING_DATABASE_URL="postgresql:///staging?host=$PGHOST&port=$PGPORT&user=$PGUSER"
	export PROD_DATABASE_URL="postgresql:///prod?host=$PGHOST&port=$PGPORT&user=$PGUSER"
fi

cd "$top/examples/shop/$engine" || exit 2
say '' '$ driftcheck staging prod'
report=$(mktemp)
"$top/build/driftcheck" staging prod | tee "$report"
status=${PIPESTATUS[0]}
# What people did by hand, what never ran, and what is pending: each must be in the report.
unsaid=$(for word in customers.vip invoices_issued_on_idx order_lines_product_id_idx 0009_newsletter; do
	grep -qF "$word" "$report" || echo "$word"
done)
rm -f "$report"
say ''
[ "$status" = 1 ] || die "the report's exit status is $status; 1 (findings) was expected"
[ -z "$unsaid" ] || die "the report does not name ${unsaid//$'\n'/, }"

say "That is the expected report. driftcheck itself exits 1 here, since there are findings (0 clean, 1 findings, 2 trouble)."
if [ "$engine" = sqlite ]; then
	say 'To go on by yourself:' \
		"  export STAGING_DATABASE_URL=$STAGING_DATABASE_URL PROD_DATABASE_URL=$PROD_DATABASE_URL" \
		'  cd examples/shop/sqlite && ../../../build/driftcheck staging prod'
fi

#!/usr/bin/env bash
# SPDX-License-Identifier: PostgreSQL
# Checks a fleet with several processes, by GNU parallel (Debian's package `parallel`): each checks a shard and writes what it
# found; the last step merges and is the only one that sends. Run it where driftcheck.conf is found.
#
#   check_fleet.sh SHARDS [OPTION...]       options are those of `driftcheck report`: --report github, --quiet, ...
#
# Environment: ENVS (a file for --envs; default: all that is configured). For several machines, give parallel a --sshloginfile
# and a folder for the results that all of them see. Exit status: that of the merged report.
set -u
shards=${1:?how many shards}
shift
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT

# A shard that ends with 1 has findings, with 2 trouble: both are in what it wrote. One that wrote nothing is missed below.
seq "$shards" | parallel --quote --jobs "$shards" driftcheck check ${ENVS:+--envs "$ENVS"} --shard "{}/$shards" --format json \
	--output "$results/{}.json"

driftcheck report --merge --expect "$shards" "$results"/*.json "$@"

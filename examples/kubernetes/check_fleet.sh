#!/bin/sh
# SPDX-License-Identifier: PostgreSQL
# Runs the two jobs one after the other, from whatever runs things every night (a CronJob with the right to make jobs, a CI
# schedule). Shards that failed do not stop the merge: it says that they are missing. Exit status: 0 the report was made and
# sent, 1 it was not, or it tells of trouble.
set -u
here=$(dirname "$0")
kubectl delete job driftcheck-shards driftcheck-merge --ignore-not-found --wait
kubectl apply -f "$here/results.yaml" -f "$here/shards.yaml" || exit 1
kubectl wait job/driftcheck-shards --for=condition=complete --timeout=1h &
complete=$!
kubectl wait job/driftcheck-shards --for=condition=failed --timeout=1h &
failed=$!
while kill -0 "$complete" 2>/dev/null && kill -0 "$failed" 2>/dev/null; do
	sleep 5
done
kill "$complete" "$failed" 2>/dev/null
kubectl apply -f "$here/merge.yaml" || exit 1
kubectl wait job/driftcheck-merge --for=condition=complete --timeout=30m
status=$?
kubectl logs job/driftcheck-merge
exit "$status"

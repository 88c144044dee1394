#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Judges the manifests of a folder: prints what is wrong, a line each, and ends with 1 then.

With --script NAME FOLDER it prints the shell script that the job NAME runs.
"""
import pathlib
import re
import sys

import yaml

FIELDS = {
    "": {"apiVersion", "kind", "metadata", "spec"},
    "Job": {"completionMode", "completions", "parallelism", "backoffLimit", "backoffLimitPerIndex", "activeDeadlineSeconds",
            "ttlSecondsAfterFinished", "template"},
    "PersistentVolumeClaim": {"accessModes", "resources"},
    "pod": {"restartPolicy", "automountServiceAccountToken", "securityContext", "containers", "volumes"},
    "container": {"name", "image", "workingDir", "command", "args", "env", "securityContext", "resources", "volumeMounts"},
}
API = {"Job": "batch/v1", "PersistentVolumeClaim": "v1"}


def documents(folder):
    for path in sorted(pathlib.Path(folder).glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path.name, document


def unknown(where, mapping, kind):
    for field in set(mapping) - FIELDS[kind]:
        yield f"{where}: unknown field {field}"


def judge_job(where, job, claims):
    spec = job["spec"]
    yield from unknown(where, spec, "Job")
    pod = spec["template"]["spec"]
    yield from unknown(where, pod, "pod")
    if pod.get("restartPolicy") != "Never":
        yield f"{where}: restartPolicy is not Never"
    if not pod.get("securityContext", {}).get("runAsNonRoot"):
        yield f"{where}: the pod may run as root"
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for volume in volumes.values():
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim is not None and claim not in claims:
            yield f"{where}: no claim {claim}"
    for container in pod["containers"]:
        yield from unknown(where, container, "container")
        security = container.get("securityContext", {})
        if security.get("allowPrivilegeEscalation") is not False or not security.get("readOnlyRootFilesystem"):
            yield f"{where}: the container is not locked down"
        for mount in container["volumeMounts"]:
            if mount["name"] not in volumes:
                yield f"{where}: no volume {mount['name']}"
        if any("value" in variable and "token" in variable["name"].lower() for variable in container["env"]):
            yield f"{where}: a secret stands in the manifest"
    if spec.get("completionMode") == "Indexed" and ("backoffLimitPerIndex" not in spec or "backoffLimit" in spec):
        yield f"{where}: an indexed job limits retries by index"


def script(job):
    return job["spec"]["template"]["spec"]["containers"][0]["args"][0]


def judge(folder):
    found = list(documents(folder))
    claims = {d["metadata"]["name"] for _, d in found if d["kind"] == "PersistentVolumeClaim"}
    jobs = {d["metadata"]["name"]: d for _, d in found if d["kind"] == "Job"}
    for where, document in found:
        yield from unknown(where, document, "")
        if document["apiVersion"] != API[document["kind"]]:
            yield f"{where}: {document['kind']} is not of {document['apiVersion']}"
        if document["kind"] == "Job":
            yield from judge_job(where, document, claims)
        else:
            yield from unknown(where, document["spec"], document["kind"])
    shards = jobs["driftcheck-shards"]
    counts = {shards["spec"]["completions"]}
    counts |= {int(n) for n in re.findall(r"--shard-count (\d+)", script(shards))}
    counts |= {int(n) for n in re.findall(r"--expect (\d+)", script(jobs["driftcheck-merge"]))}
    if len(counts) != 1:
        yield f"the number of shards differs: {sorted(counts)}"


def main(arguments):
    if arguments[0] == "--script":
        for _, document in documents(arguments[2]):
            if document["metadata"]["name"] == arguments[1]:
                print(script(document), end="")
        return 0
    wrong = list(judge(arguments[0]))
    print("\n".join(wrong))
    return 1 if wrong else 0


sys.exit(main(sys.argv[1:]))

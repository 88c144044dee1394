#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""What the YAML examples must have, and what in them is for others to judge: tests/examples.sh runs this.

examples.py check SOURCE          rules, as TAP
examples.py scripts SOURCE DIR    each run block of the workflow and the action into a file
examples.py commands SOURCE       each driftcheck command line of an example or a document, one a line, NAME<TAB>WORDS
"""
import re
import shlex
import sys
from pathlib import Path

import yaml

WORKFLOW, ACTION = "examples/nightly/github-actions/drift.yml", "action.yml"
CRONJOB, DOCKERFILE = "examples/nightly/kubernetes/cronjob.yaml", "examples/nightly/kubernetes/Dockerfile"
DOCUMENT = "docs/operations.md"
failed = False


def judge(holds, what):
    global failed
    failed = failed or not holds
    print(("ok - " if holds else "not ok - ") + what)


def load(source, path):
    return [document for document in yaml.safe_load_all((source / path).read_text()) if document]


def steps_of(document):
    """Of a workflow's jobs or of a composite action."""
    runs = document.get("runs", {})
    return list(runs.get("steps", [])) + [step for job in document.get("jobs", {}).values() for step in job["steps"]]


def check_workflow(source):
    [document] = load(source, WORKFLOW)
    triggers = document[True]  # YAML's word `on`
    judge("schedule" in triggers and "workflow_dispatch" in triggers, "the workflow runs by the clock and by hand")
    judge(document.get("permissions") == {"contents": "read", "issues": "write"}, "the workflow has the rights that it needs and no others")
    judge(document.get("concurrency", {}).get("cancel-in-progress") is False, "the workflow's runs wait for each other")
    for name, job in document["jobs"].items():
        judge("permissions" not in job and job.get("timeout-minutes", 0) > 60, f"job {name}: ends some day, after driftcheck's own limit")
    uses = [step["uses"] for step in steps_of(document) if "uses" in step]
    judge(all(re.search(r"@([0-9a-f]{40}|COMMIT)$", word) for word in uses), "the workflow names actions by their commits")
    [step] = [step for step in steps_of(document) if step.get("uses", "").startswith("OWNER/driftcheck@")]
    [action] = load(source, ACTION)
    judge(set(step["with"]) <= set(action["inputs"]), "the workflow gives the action what it takes")


def check_action(source):
    [action] = load(source, ACTION)
    judge(action["runs"]["using"] == "composite", "the action is a composite one")
    ids = {step.get("id") for step in steps_of(action)}
    values = {name: output["value"] for name, output in action["outputs"].items()}
    judge(all(re.fullmatch(r"\$\{\{ steps\.(\S+)\.outputs\." + name + r" \}\}", value) and value.split(".")[1] in ids
              for name, value in values.items()), "each output of the action is that of a step")
    script = (source / "scripts/action.sh").read_text()
    judge(all(f'"{name}=' in script for name in values) and "trap finish EXIT" in script, "and the script writes each, however it ends")
    environment = {name for step in steps_of(action) for name in step.get("env", {})}
    judge(set(re.findall(r"INPUT_[A-Z_]+", script)) <= environment | {"INPUT_"}, "the script reads no input that the action does not give")
    for step in steps_of(action):
        judge(step.get("shell") == "bash", "a step of the action names its shell")


def check_runs(source):
    for path in (WORKFLOW, ACTION):
        [document] = load(source, path)
        for step in steps_of(document):
            judge("${{" not in step.get("run", ""), f"{path}: no expression becomes a part of a script")
            judge(not any("${{ secrets." in str(value) for value in step.get("with", {}).values()), f"{path}: secrets come in variables")


def check_cronjob(source):
    [job] = [document for document in load(source, CRONJOB) if document["kind"] == "CronJob"]
    claims = [document["metadata"]["name"] for document in load(source, CRONJOB) if document["kind"] == "PersistentVolumeClaim"]
    spec = job["spec"]
    pod = spec["jobTemplate"]["spec"]["template"]["spec"]
    [container] = pod["containers"]
    security, env = container["securityContext"], {item["name"]: item for item in container["env"]}
    judge(spec["concurrencyPolicy"] == "Forbid", "CronJob: runs do not overlap")
    judge(spec["jobTemplate"]["spec"]["backoffLimit"] == 0 and pod["restartPolicy"] == "Never", "CronJob: a run is not repeated the same night")
    judge(spec["jobTemplate"]["spec"]["activeDeadlineSeconds"] > 3600, "CronJob: it ends after driftcheck's own limit")
    judge(security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"] and security["capabilities"] == {"drop": ["ALL"]}
          and pod["securityContext"]["runAsNonRoot"] and pod["automountServiceAccountToken"] is False, "CronJob: no rights to give away")
    judge(all("valueFrom" in env[name] and "secretKeyRef" in env[name]["valueFrom"] for name in ("PROD_DATABASE_URL", "GITHUB_TOKEN")),
          "CronJob: secrets come from a Secret")
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    judge(set(mounts.values()) == set(volumes), "CronJob: what is mounted is there")
    judge(all(volume.get("persistentVolumeClaim", {}).get("claimName") in [None, *claims] for volume in volumes.values()), "CronJob: so are the claims")
    # a mount belongs to root; driftcheck keeps things in a folder of its own alone, so that is one below
    judge(all(any(env[name]["value"].startswith(path + "/") for path in mounts) for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"))
          and "/tmp" in mounts, "CronJob: what is kept and the scratch server have a place to be written")
    user = re.search(r"useradd --uid (\d+)", (source / DOCKERFILE).read_text()).group(1)
    judge(str(pod["securityContext"]["runAsUser"]) == user, "CronJob: its user has a name in the image")


def commands(source):
    def words(name, text):
        parts = shlex.split(text.replace("\\\n", " "), comments=True)
        at = next((i for i, part in enumerate(parts) if part.rsplit("/", 1)[-1] == "driftcheck"), None)
        if at is not None:
            end = next((i for i in range(at + 1, len(parts)) if parts[i] in ("|", "&&", "||", ";", ">")), len(parts))
            print(name + "\t" + shlex.join(parts[at + 1:end]))

    for line in (source / "examples/nightly/cron/driftcheck").read_text().splitlines():
        if line and line[0] in "0123456789*":
            words("cron", line.split(None, 6)[6])
    for line in (source / "examples/nightly/systemd/driftcheck.service").read_text().splitlines():
        if line.startswith("ExecStart="):
            words("systemd", line.split("=", 1)[1])
    for document in load(source, CRONJOB):
        if document["kind"] == "CronJob":
            [container] = document["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
            words("kubernetes", shlex.join(["driftcheck", *container["args"]]))
    text = (source / DOCUMENT).read_text()
    for block in re.findall(r"(?:^ {4}.*\n)+", text, re.M):
        for line in re.sub(r"\\\n", " ", block).splitlines():
            found = re.search(r"(?:^|&& )(driftcheck\b.*)", line.strip())
            if found:
                words(DOCUMENT, found.group(1))
    for code in re.findall(r"`(driftcheck [^`]+)`", text):
        words(DOCUMENT, code)


def main():
    what, source = sys.argv[1], Path(sys.argv[2])
    if what == "check":
        check_workflow(source)
        check_action(source)
        check_runs(source)
        check_cronjob(source)
        return 1 if failed else 0
    if what == "scripts":
        for path in (WORKFLOW, ACTION):
            [document] = load(source, path)
            for i, step in enumerate(steps_of(document)):
                if "run" in step:
                    (Path(sys.argv[3]) / f"{Path(path).stem}-{i}.sh").write_text("#!/usr/bin/env bash\n" + step["run"])
        for i, run in enumerate(re.findall(r"^RUN (.*(?:\\\n.*)*)", (source / DOCKERFILE).read_text(), re.M)):
            (Path(sys.argv[3]) / f"Dockerfile-{i}.sh").write_text("#!/bin/sh\n" + run + "\n")
        return 0
    commands(source)
    return 0


sys.exit(main())

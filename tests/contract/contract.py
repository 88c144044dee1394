#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Holds the GitHub sink against GitHub's own OpenAPI description: driftcheck -> Prism -> the fake GitHub of tests/github. Prism
refuses a request of ours that the description does not know, and an answer of the fake that GitHub would not give. Needs node,
and fetches the description and Prism by npm once, into FOLDER; nothing of them is a part of this project.
Usage: contract.py FOLDER [part of a test's name]      DRIFTCHECK names the program"""
import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "github")]
import lab
import github_life  # pylint: disable=unused-import
import github_settings  # pylint: disable=unused-import

PACKAGES = ("@octokit/openapi@23.0.2", "@stoplight/prism-cli@5.14.2")
READY_S = 60
GOOD = {"Authorization": "Bearer x", "X-GitHub-Api-Version": "2022-11-28", "User-Agent": "driftcheck/1", "Content-Type": "application/json"}
ISSUES = f"/repos/{lab.REPO}/issues"
REFUSED = [  # what the chain must refuse, or it proves nothing: method, path, body, headers that differ, status
    ("POST", ISSUES, {"body": "without a title"}, {}, 422), ("POST", ISSUES, {"title": "x", "labels": "db/drift"}, {}, 422),
    ("POST", ISSUES, {"title": "x", "bdoy": "misspelt"}, {}, 422), ("POST", ISSUES, {"title": "x" * 257}, {}, 422),
    ("POST", ISSUES, {"title": 7}, {}, 422), ("POST", ISSUES, {"title": "x", "body": "x" * 65537}, {}, 422),
    ("PATCH", f"{ISSUES}/1", {"state": "shut"}, {}, 422), ("PATCH", f"{ISSUES}/1", {"state_reason": "because"}, {}, 422),
    ("PATCH", f"{ISSUES}/1", {"reason": "completed"}, {}, 422), ("POST", f"{ISSUES}/1/comments", {"text": "x"}, {}, 422),
    ("POST", f"/repos/{lab.REPO}/labels", {"name": "x", "colour": "ededed"}, {}, 422),
    ("GET", f"{ISSUES}?state=opened", None, {}, 422), ("GET", f"{ISSUES}?direction=up", None, {}, 422),
    ("GET", ISSUES, None, {"Authorization": None}, 401), ("GET", ISSUES, None, {"User-Agent": "curl/8"}, 422),
    ("GET", ISSUES, None, {"X-GitHub-Api-Version": None}, 422), ("GET", ISSUES, None, {"X-GitHub-Api-Version": "2020-01-01"}, 422),
    ("GET", "/repos/o/r/stars", None, {}, 404),
]


def step(what, *words, **more):
    done = subprocess.run(words, capture_output=True, text=True, **more)
    for line in (done.stderr.splitlines())[-20:]:
        print(f"# {line}")
    if done.returncode != 0:
        print(f"not ok - {what}")
        sys.exit(1)
    print(f"ok - {what}")
    return done.stdout


def fetch(folder):
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / "fetched"
    if not lock.exists() or lock.read_text() != "\n".join(PACKAGES):
        (folder / "package.json").write_text('{"private": true}\n')
        step("the description and Prism are fetched", "npm", "install", "--no-audit", "--no-fund", "--loglevel", "error", "--save-exact",
             *PACKAGES, cwd=folder)
        lock.write_text("\n".join(PACKAGES))
    return folder / "node_modules"


class Prism:
    def __init__(self, modules, strict, fake_url, log):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.url, self.log = f"http://127.0.0.1:{self.port}", log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(["node", str(modules / "@stoplight/prism-cli/dist/index.js"), "proxy", "--errors", "-h", "127.0.0.1",
                                             "-p", str(self.port), str(strict), fake_url], stdout=out, stderr=subprocess.STDOUT)
        end = time.monotonic() + READY_S
        while self.ask("GET", "/rate_limit")[0] != 200:
            if self.process.poll() is not None or time.monotonic() > end:
                self.close()
                sys.exit(f"Prism did not start:\n{log.read_text()}")
            time.sleep(0.2)

    def ask(self, method, path, body=None, headers=None):
        headers = {name: value for name, value in {**GOOD, **(headers or {})}.items() if value is not None}
        request = urllib.request.Request(self.url + path, None if body is None else json.dumps(body).encode(), headers, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except OSError:
            return 0, b""

    def requests(self):
        return self.log.read_text(errors="replace").count("Request received")

    def errors(self):
        lines = self.log.read_text(errors="replace").splitlines()
        return [f"{lines[i - 1]} | {line}" for i, line in enumerate(lines) if " error " in line]

    def close(self):
        self.process.terminate()
        self.process.wait()


def self_check(prism, fake):
    """The chain refuses what is wrong, and lets through what is right."""
    n_failed = 0
    for method, path, body, headers, want in REFUSED:
        got, text = prism.ask(method, path, body, headers)
        if got != want or b"stoplight.io/prism" not in text:
            n_failed += 1
            lab.not_ok(f"Prism refuses {method} {path} {str(body)[:60]} {headers or ''}", f"{got} {text[:300]}")
    if not n_failed:
        print(f"ok - Prism refuses {len(REFUSED)} wrong requests")
    if fake.log() and any(entry["method"] != "GET" for entry in fake.log()):
        n_failed += 1
        lab.not_ok("no wrong request reaches GitHub", [entry["path"] for entry in fake.log()])
    fake.ctl("fault", match="POST", kind="status", status=201, body={"number": "one"})
    got, text = prism.ask("POST", ISSUES, {"title": "x"})
    if got == 500 and b"required property" in text:
        print("ok - Prism refuses a wrong answer")
    else:
        n_failed += 1
        lab.not_ok("Prism refuses a wrong answer", f"{got} {text[:300]}")
    got, text = prism.ask("POST", ISSUES, {"title": "x", "body": "y", "labels": ["db/drift"]})
    if got != 201:
        n_failed += 1
        lab.not_ok("Prism lets a right request through", f"{got} {text[:300]}")
    return n_failed


def main(folder, only):
    folder = pathlib.Path(folder).resolve()
    modules = fetch(folder)
    strict = folder / "strict.json"
    strict.write_text(step("the description is rewritten", sys.executable, str(HERE / "rewrite.py"),
                           str(modules / "@octokit/openapi/generated/api.github.com.json")))
    step("every schema compiles", "node", str(HERE / "gate.js"), str(strict), env={**os.environ, "NODE_PATH": str(modules)})
    with contextlib.closing(lab.Lab()) as world:
        with contextlib.closing(Prism(modules, strict, world.fake.url, folder / "prism.log")) as prism:
            n_failed = self_check(prism, world.fake)
            world.api_url = world.authority = prism.url
            n_before, requests_before = len(prism.errors()), prism.requests()
            n_failed += lab.run_tests(world, only, direct=False)
            errors = prism.errors()[n_before:]
            n_requests = prism.requests() - requests_before
            if errors or n_requests == 0:
                n_failed += 1
                lab.not_ok(f"no contract errors in {n_requests} requests", "\n".join(errors))
            else:
                print(f"ok - no contract errors in {n_requests} requests")
    sys.exit(1 if n_failed else 0)


if __name__ == "__main__":
    main(sys.argv[1], " ".join(sys.argv[2:]))

#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""The fake GitHub itself, asked by a plain HTTP client: the tests that rest on it are worth no more than it is.
Usage: github_fake.py"""
import contextlib
import http.client
import json
import pathlib
import re
import sys
import time
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "github"))
import lab

HEADERS = {"Authorization": "Bearer x", "User-Agent": "test"}
CASES = []


def case(function):
    CASES.append(function)
    return function


def ask(hub, method, path, body=None, headers=None):
    """(status, what was answered, the answer's headers)"""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=20)) as connection:
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        connection.request(method, path, data, HEADERS if headers is None else headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read()), answer.headers


def cut(hub, *words):
    """The name of what the client meets instead of an answer."""
    try:
        ask(hub, *words)
    except (http.client.HTTPException, OSError, ValueError) as error:
        return type(error).__name__
    return "an answer"


def numbers(hub, query):
    return [issue["number"] for issue in ask(hub, "GET", f"/repos/o/r/issues?{query}")[1]]


@case
def pages(hub):
    """Pages are linked, keep the other parameters, and hold each issue once."""
    hub.ctl("seed", repo="o/r", times=450, title="x", labels=["db/drift", "bug"])
    hub.ctl("seed", repo="o/r", times=50, title="y")
    path, found, n = "/repos/o/r/issues?labels=DB%2FDrift,bug&per_page=100", [], 0
    while path:
        status, issues, headers = ask(hub, "GET", path)
        assert status == 200
        found += [issue["number"] for issue in issues]
        link = re.search(r'<http://[^/]+([^>]+)>; rel="next"', headers.get("Link", ""))
        path, n = link and link[1], n + 1
    assert n == 5 and sorted(found) == list(range(1, 451)), (n, len(found))
    assert len(numbers(hub, "per_page=1000")) == 100 and len(numbers(hub, "")) == 30
    assert numbers(hub, "direction=asc&per_page=2&page=2") == [3, 4]


@case
def filters(hub):
    """State, label and time filter."""
    hub.ctl("set", clock=1000000)
    hub.ctl("seed", repo="o/r", title="old", state="closed", labels=["a"])
    hub.ctl("set", clock=2000000)
    hub.ctl("seed", repo="o/r", title="new", labels=["a", "b"])
    assert numbers(hub, "") == [2] and numbers(hub, "state=closed") == [1] and numbers(hub, "state=all") == [2, 1]
    assert numbers(hub, "state=all&labels=a,b") == [2] and numbers(hub, "labels=c") == []
    assert numbers(hub, "state=all&since=1970-01-20T00:00:00Z") == [2]


@case
def life(hub):
    """An issue is made, changed, commented, closed, and its labels with it."""
    status, issue, _ = ask(hub, "POST", "/repos/o/r/issues", {"title": "t", "body": "b", "labels": ["db/drift"]})
    assert (status, issue["number"], issue["labels"][0]["name"]) == (201, 1, "db/drift")
    assert ask(hub, "GET", "/repos/o/r/labels/db%2Fdrift")[0] == 200 and ask(hub, "GET", "/repos/o/r/labels/db/drift")[0] == 404
    assert ask(hub, "POST", "/repos/o/r/labels", {"name": "DB/drift"})[1]["errors"][0]["code"] == "already_exists"
    assert ask(hub, "POST", "/repos/o/r/issues/1/comments", {"body": "c"})[0] == 201
    assert [comment["body"] for comment in ask(hub, "GET", "/repos/o/r/issues/1/comments")[1]] == ["c"]
    issue = ask(hub, "PATCH", "/repos/o/r/issues/1", {"state": "closed", "labels": ["x"]})[1]
    assert (issue["state"], issue["state_reason"], issue["comments"]) == ("closed", "completed", 1) and issue["closed_at"]
    assert [label["name"] for label in issue["labels"]] == ["x"]
    issue = ask(hub, "PATCH", "/repos/o/r/issues/1", {"state": "open"})[1]
    assert (issue["state_reason"], issue["closed_at"]) == ("reopened", None)


@case
def refusals(hub):
    """What GitHub refuses."""
    path = "/repos/o/r/issues"
    assert ask(hub, "GET", path, headers={"Authorization": "Bearer x"})[0] == 403
    assert ask(hub, "GET", path, headers={"User-Agent": "x"})[0] == 401
    assert ask(hub, "POST", path, b"{")[0] == 400
    for body in ({}, {"title": "x" * 257}, {"title": "x", "labels": "y"}, {"title": "x", "body": "ä" * 65537}):
        assert ask(hub, "POST", path, body)[0] == 422, str(body)[:50]
    assert ask(hub, "POST", path, {"title": "x", "body": "ä" * 65536})[0] == 201
    assert "maximum is 65536" in json.dumps(ask(hub, "POST", f"{path}/1/comments", {"body": "x" * 65537})[1])
    assert ask(hub, "GET", f"{path}/7")[0] == 404
    hub.ctl("edit", repo="o/r", number=1, deleted=True)
    assert ask(hub, "GET", f"{path}/1")[0] == 410 and numbers(hub, "state=all") == []
    hub.ctl("set", repo="o/r", issues=False)
    assert ask(hub, "POST", path, {"title": "x"})[0] == 410
    hub.ctl("set", repo="o/r", read_only=True)
    assert ask(hub, "POST", path, {"title": "x"})[0] == 403
    hub.ctl("set", repo="o/r", hidden=True)
    assert ask(hub, "GET", path)[0] == 404
    hub.ctl("set", token="y")
    assert ask(hub, "GET", path)[0] == 401


@case
def moves(hub):
    """A repository that moved says where it is."""
    hub.ctl("set", repo="o/r", moved_to="new/home")
    status, _, headers = ask(hub, "GET", "/repos/o/r/issues?state=all")
    assert status == 301 and headers["Location"].endswith("/issues?state=all")
    status, _, headers = ask(hub, "POST", "/repos/o/r/issues", {"title": "x"})
    assert status == 307
    assert ask(hub, "POST", re.sub("^http://[^/]+", "", headers["Location"]), {"title": "x"})[0] == 201
    assert len(hub.ctl("state")["repos"]["new/home"]["issues"]) == 1


@case
def faults(hub):
    """Each fault does what it says, as often as it says, where it says."""
    for kind, meets, n_made in (("drop_before", "ConnectionResetError", 0), ("drop_after", "ConnectionResetError", 1),
                                ("truncate", "IncompleteRead", 1), ("garbage", "JSONDecodeError", 0)):
        hub.ctl("reset")
        hub.ctl("fault", match="^POST .*/issues$", kind=kind, skip=1, times=1)
        got = [cut(hub, "POST", "/repos/o/r/issues", {"title": "x"}) for _ in range(3)]
        assert got == ["an answer", meets, "an answer"], (kind, got)
        assert len(hub.ctl("state")["repos"].get("o/r")["issues"]) == 2 + n_made, kind
    hub.ctl("fault", match="GET", kind="status", status=429, headers={"Retry-After": "7"})
    status, _, headers = ask(hub, "GET", "/repos/o/r/issues")
    assert (status, headers["Retry-After"]) == (429, "7")
    hub.ctl("fault", match="GET", kind="delay", ms=300)
    before = time.monotonic()
    assert ask(hub, "GET", "/repos/o/r/issues")[0] == 200 and time.monotonic() - before >= 0.3


@case
def memory(hub):
    """The log masks the token; what was stored can be put back."""
    ask(hub, "POST", "/repos/o/r/issues", {"title": "x"})
    entry, state = hub.ctl("log")[-1], hub.ctl("state")
    assert entry["headers"]["authorization"] == "Bearer ***" and entry["body"] == {"title": "x"} and entry["status"] == 201
    ask(hub, "POST", "/repos/o/r/issues", {"title": "y"})
    hub.ctl("load", **state)
    assert hub.ctl("state") == state and hub.ctl("log") == [] and numbers(hub, "") == [1]


def main():
    n_failed = 0
    hub = lab.Fake()
    try:
        for function in CASES:
            what = f"the fake GitHub: {function.__doc__}"
            hub.ctl("reset")
            try:
                function(hub)
                print(f"ok - {what}")
            except Exception:  # pylint: disable=broad-except
                n_failed += 1
                lab.not_ok(what, traceback.format_exc())
    finally:
        hub.stop()
    sys.exit(1 if n_failed else 0)


if __name__ == "__main__":
    main()

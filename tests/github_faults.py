#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""The GitHub sink when something goes wrong: answers that are no, late, cut, lost or not GitHub's; rate limits; rights;
repositories that moved; and every call of every kind of run cut before, during and after, once and for good. After each there
is at most one open issue, nothing was closed that should be open, and the report has arrived or lies on disk.
Usage: github_faults.py [part of a test's name]"""
import email.utils
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "github"))
import lab
from lab import DAY, FIX, LABEL, REPO, VIP, Failed, equal, expect, marker_of, test

LIST, CREATE = r"GET /repos/o/r/issues$", r"POST /repos/o/r/issues$"


def fault(world, match, kind, **more):
    world.fake.ctl("fault", match=match, kind=kind, **more)


def status(world, match, code, message="planted", headers=None, times=1, skip=0, **body):
    fault(world, match, "status", status=code, headers=headers or {}, times=times, skip=skip, body={"message": message, **body})


def told(world, night, *words):
    """The run says what is wrong, and keeps its report."""
    equal(night.status, 2, "exit status")
    text = (night.out + night.err).lower()
    for word in words:
        expect(word.lower() in text, f"the message lacks {word}")
    world.kept()
    expect(world.unsent()[0].name in night.out + night.err, "the message does not say where the report lies")


def later(world, n_open=1):
    """The night after, all is well again: nothing is lost or doubled."""
    world.fake.ctl("clear")
    world.night(status=1 if n_open else 0)
    equal(len(world.open()), n_open, "open issues of the night after")


# --- answers that are no answer

def transient(what, match, **planted):
    """A test: that befalls a call, is overcome, and the issue stands there once."""
    @test(f"{what}: overcome", direct=True)
    def _(world):
        world.drifted(VIP)
        fault(world, match, **planted)
        night = world.night(status=1)
        world.the_open()
        expect(any(entry["fault"] for entry in night.log), "no call was struck")
        world.delivered()
        equal(world.night(status=1).writes, [], "writes of the night after")


for code in (500, 502, 503, 504, 408):
    transient(f"{code} on the listing, three times", LIST, kind="status", status=code, times=3)
    transient(f"{code} on creating", CREATE, kind="status", status=code)
transient("the listing cut short", LIST, kind="truncate")
transient("HTML for the listing", LIST, kind="garbage")
transient("the listing lost", LIST, kind="drop_before", times=2)
transient("the request to create lost", CREATE, kind="drop_before")
transient("the answer to create lost", CREATE, kind="drop_after")
transient("the answer to create cut short", CREATE, kind="truncate")
transient("HTML for creating", CREATE, kind="garbage")
transient("the label's answer lost", r"POST /repos/o/r/labels$", kind="drop_after")
transient("a label that another run made meanwhile", r"POST /repos/o/r/labels$", kind="status", status=422, body={
    "message": "Validation Failed", "errors": [{"resource": "Label", "code": "already_exists", "field": "name"}]})
transient("the second listing lost", LIST, kind="drop_before", skip=1)
transient("an empty body with 200", LIST, kind="status", status=200, body={})
transient("a list of something else", LIST, kind="status", status=200, body=[1, None, "x", {"number": "seven"}, {}])


@test("the answer to create lost: it is looked for before anything is sent again", direct=True)
def _(world):
    world.drifted(VIP)
    fault(world, CREATE, "drop_after")
    night = world.night(status=1)
    equal(night.calls.count("POST issues"), 1, "times that it was sent")
    after = night.calls[night.calls.index("POST issues") + 1:]
    expect("GET issues" in after, "it was not looked for")


@test("creating fails for good: unknown, told, kept, and never doubled", direct=True)
def _(world):
    world.drifted(VIP)
    status(world, CREATE, 502, times=99)
    night = world.night()
    told(world, night, "prod")
    expect(night.calls.count("POST issues") <= 2, f"sent {night.calls.count('POST issues')} times")
    later(world)


@test("5xx for good: a bounded number of calls, told, kept", direct=True)
def _(world):
    world.drifted(VIP)
    status(world, ".", 503, times=9999)
    night = world.night()
    told(world, night, "503")
    expect(len(night.calls) <= 10, f"{len(night.calls)} calls")
    later(world)


@test("nobody listens: told, kept", direct=True)
def _(world):
    world.drifted(VIP)
    told(world, world.night(env={"GITHUB_API_URL": "http://127.0.0.1:1"}))
    later(world)


@test("nobody listens, and there is nothing to tell: still trouble, for an issue may be open", direct=True)
def _(world):
    equal(world.night(env={"GITHUB_API_URL": "http://127.0.0.1:1"}).status, 2, "exit status")


# --- limits

def limited(what, code, headers, wait_s, message="API rate limit exceeded for installation", times=1):
    """Two tests: with time enough the run waits and delivers; with less it gives up, and keeps its report."""
    def plant(world):
        world.clock = int(time.time())  # libraries read an HTTP date by the machine's own clock
        world.tick(0)
        world.drifted(VIP)
        given = {name: value(world) if callable(value) else value for name, value in headers.items()}
        status(world, LIST, code, message, given, times)

    @test(f"{what}: waits as long as it is told", direct=True)
    def _(world):
        plant(world)
        equal(world.run("--report-timeout", str(wait_s + 240)).status, 1, "exit status")
        world.the_open()

    @test(f"{what}: does not wait longer than it may", direct=True)
    def _(world):
        plant(world)
        night = world.run("--report-timeout", str(wait_s - 10))
        equal(night.calls.count("GET issues"), times, "calls")
        told(world, night, "limit")
        later(world)


limited("429 with Retry-After in seconds", 429, {"Retry-After": "90"}, 90)
limited("429 with Retry-After as a date", 429,
        {"Retry-After": lambda world: email.utils.formatdate(time.time() + 95, usegmt=True)}, 90)
limited("403 with remaining 0 and the time of the reset", 403,
        {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": lambda world: str(world.clock + 300)}, 298)
limited("403 for the secondary limit, without headers", 403, {}, 60, "You have exceeded a secondary rate limit. Please wait a few minutes.")


@test("the limit stays: the whole waiting is bounded", direct=True)
def _(world):
    world.drifted(VIP)
    status(world, ".", 429, "API rate limit exceeded", {"Retry-After": "60"}, times=9999)
    night = world.night()
    told(world, night, "limit")
    expect(len(night.calls) <= 12, f"{len(night.calls)} calls")
    later(world)


@test("a limit on creating: waits, and creates one", direct=True)
def _(world):
    world.drifted(VIP)
    status(world, CREATE, 403, "You have exceeded a secondary rate limit", {"Retry-After": "30"})
    world.night(status=1)
    world.the_open()


@test("the body is too long for GitHub: shortened once", direct=True)
def _(world):
    world.drifted(*(f"CREATE TABLE by_hand_{i:03} (id INTEGER PRIMARY KEY, note text);" for i in range(150)))
    too_long = [{"resource": "Issue", "code": "custom", "field": "body", "message": "body is too long (maximum is 65536 characters)"}]
    status(world, CREATE, 422, "Validation Failed", errors=too_long)
    night = world.night(status=1)
    sent = [entry["body"]["body"] for entry in night.log if entry["method"] == "POST" and entry["path"].endswith("/issues")]
    equal(len(sent), 2, "times that it was sent")
    expect(len(sent[1]) < 0.7 * len(sent[0]), "it was not shortened")
    equal(world.night(status=1).writes, [], "writes of the night after")


@test("the body is too long however short: told, kept", direct=True)
def _(world):
    world.drifted(VIP)
    too_long = [{"resource": "Issue", "code": "custom", "field": "body", "message": "body is too long (maximum is 65536 characters)"}]
    status(world, CREATE, 422, "Validation Failed", times=99, errors=too_long)
    night = world.night()
    told(world, night, "422")
    expect(night.calls.count("POST issues") <= 2, "sent more than twice")


# --- rights

def refused(what, code, message, words, headers=None, match=".", calls=1):
    @test(f"{what}: told at once, kept, and not asked again", direct=True)
    def _(world):
        world.drifted(VIP)
        status(world, match, code, message, headers, times=9999)
        night = world.night()
        told(world, night, *words)
        equal(len([entry for entry in night.log if entry["fault"]]), calls, "calls that were refused")
        later(world)


refused("401", 401, "Bad credentials", ["401", "token"])
refused("403 for a lack of rights on reading", 403, "Resource not accessible by integration", ["Issues: write"],
        {"X-Accepted-GitHub-Permissions": "issues=read"})
refused("403 for a lack of rights on creating", 403, "Resource not accessible by integration", ["Issues: write"],
        {"X-Accepted-GitHub-Permissions": "issues=write"}, match=CREATE)
refused("404: no right, or no repository", 404, "Not Found", [REPO, "right"], match=LIST)
refused("410: issues are switched off", 410, "Issues are disabled for this repo", ["issues are"], match=LIST)
refused("422 for something that we do not know", 422, "Validation Failed", ["422"], match=CREATE)


@test("a repository without issues: told, kept", direct=True)
def _(world):
    world.drifted(VIP)
    world.fake.ctl("set", repo=REPO, issues=False)
    told(world, world.night(), "issues are")


@test("a repository that the token must not see: told, kept", direct=True)
def _(world):
    world.drifted(VIP)
    world.fake.ctl("set", repo=REPO, hidden=True)
    told(world, world.night(), REPO)


@test("a token that may only read: told, kept, nothing half done", direct=True)
def _(world):
    world.drifted(VIP)
    world.fake.ctl("set", repo=REPO, read_only=True)
    told(world, world.night(), "Issues: write")
    world.fake.ctl("set", repo=REPO, read_only=False)
    later(world)


@test("labels are dropped for lack of rights: one issue all the same, found without its label", direct=True)
def _(world):
    world.drifted(VIP)
    world.fake.ctl("set", repo=REPO, drop_labels=True)
    world.night(status=1)
    equal(world.the_open()["labels"], [], "labels")
    for home in ("state", "another"):
        world.state_home = world.here / home
        equal([call for call in world.night(status=1).writes if call != "POST labels"], [], "writes of the nights after")
    world.restore()
    world.night(status=0)
    equal(world.open(), [], "open issues after the drift is gone")


# --- places

@test("a repository that moved: followed, with method and body, and said", direct=True)
def _(world):
    world.drifted(VIP)
    world.fake.ctl("set", repo=REPO, moved_to="new/home")
    night = world.night(status=1)
    equal(len(world.issues("new/home")), 1, "issues at the new place")
    equal(world.issues(), [], "issues at the old place")
    expect("moved" in (night.out + night.err).lower(), "it is not said that it moved")
    equal([call for call in world.night(status=1).writes if call != "POST labels"], [], "writes of the night after")


@test("a repository that moved to and fro: given up", direct=True)
def _(world):
    world.drifted(VIP)
    world.fake.ctl("set", repo=REPO, moved_to="new/home")
    world.fake.ctl("set", repo="new/home", moved_to=REPO)
    night = world.night()
    told(world, night)
    expect(len(night.calls) <= 40, f"{len(night.calls)} calls")


@test("a redirect to another host, port or protocol: not followed, the token stays here", direct=True)
def _(world):
    other = lab.Fake()
    try:
        for base in (other.url, other.url.replace("127.0.0.1", "localhost"), f"https://127.0.0.1:{world.fake.port}",
                     world.fake.url.replace("127.0.0.1", "127.0.0.1.example.com")):
            world.fake.ctl("reset")
            shutil.rmtree(world.state_home, ignore_errors=True)
            world.drifted(VIP)
            world.fake.ctl("set", repo=REPO, moved_to="new/home", redirect_base=base)
            told(world, world.night())
            equal(other.log(), [], f"calls that {base} got")
    finally:
        other.stop()


@test("a page link to another host: not followed", direct=True)
def _(world):
    other = lab.Fake()
    try:
        world.drifted(VIP)
        fault(world, LIST, "status", status=200, times=99, body=[], headers={"Link": f'<{other.url}/repos/o/r/issues?page=2>; rel="next"'})
        world.night()
        equal(other.log(), [], "calls that it got")
    finally:
        other.stop()


# --- the matrix: every call of a run, cut

def before_created(world):
    world.drifted(VIP)


def before_changed(world):
    before_created(world)
    world.night(status=1)
    world.drifted(FIX)


def before_resolved(world):
    before_created(world)
    world.night(status=1)
    world.restore()


def before_reopened(world):
    before_created(world)
    world.night(status=1)
    world.person(1, state="closed", state_reason="completed")


def before_duplicate(world):
    before_created(world)
    world.night(status=1)
    world.fake.ctl("seed", repo=REPO, title="x", body=world.issue(1)["body"], labels=[LABEL])


def outcome(world):
    """What is to be the same whatever happened on the way: state, drift and comments of each issue of ours that counts."""
    return [(issue["state"], issue["state_reason"], marker_of(issue["body"])["fp"]) for issue in world.ours()
            if issue["state_reason"] != "duplicate"]


def comments(world):
    return [comment["body"] for issue in world.ours() for comment in issue["comments"]]


def matrix(what, prepare, drift):
    """A test: a run of this sort, each of its calls cut in each way. `drift`: whether there is some after it."""
    @test(f"each call of a run that {what}, cut before, during and after, once and for good", direct=True)
    def _(world):
        prepare(world)
        world.tick(DAY)
        hub, home = world.fake.ctl("state"), world.here / "state.before"
        if world.state_home.exists():
            shutil.copytree(world.state_home, home)

        def begin():
            world.fake.ctl("load", **hub)
            shutil.rmtree(world.state_home, ignore_errors=True)
            if home.exists():
                shutil.copytree(home, world.state_home)

        begin()
        whole = world.run()
        equal(whole.status, 1 if drift else 0, "exit status of the run that nothing befell")
        want, want_comments, tried = outcome(world), comments(world), 0
        expect(len(whole.calls) >= 2, f"too few calls: {whole.calls}")
        for at in range(len(whole.calls)):
            for kind in ("drop_before", "truncate", "drop_after", "garbage"):
                for times in (1, 9999):
                    begin()
                    where = f"{whole.calls[at]} ({at + 1} of {len(whole.calls)}), {kind}, {'once' if times == 1 else 'for good'}"
                    try:
                        struck(world, at, kind, times, drift, want, want_comments)
                    except Failed as failed:
                        raise Failed(f"{where}: {failed}") from None
                    tried += 1
        expect(tried >= 16, f"only {tried} cuts")


def struck(world, at, kind, times, drift, want, want_comments):
    before = world.ours()
    n_before = len(world.open())
    fault(world, ".", kind, skip=at, times=times)
    night = world.run()
    expect(len(world.open()) <= max(1, n_before), f"{len(world.open())} open issues")
    if drift:
        now = {issue["number"]: issue for issue in world.ours()}
        closed = [issue["number"] for issue in before if issue["state"] == "open" and now[issue["number"]]["state"] == "closed"]
        expect(len(closed) < max(1, n_before), f"closed although there is drift: {closed}")
    if night.status == 2:
        world.kept()
    else:
        equal(night.status, 1 if drift else 0, "exit status")
        equal(outcome(world), want, "issues")
        world.delivered()
    # The network is well again: the report that was kept is sent, and then all is as if nothing had happened.
    world.fake.ctl("clear")
    if night.status == 2:
        again = world.run(command=("report", str(world.kept()), "--report", "github"))
        expect(again.status != 2, f"sending it later failed: {again.err}{again.out}")
    equal(outcome(world), want, "issues after it was sent later")
    expect(len(world.open()) <= 1, "two open issues after it was sent later")
    for text in set(comments(world)):
        expect(comments(world).count(text) <= max(1, want_comments.count(text)), f"the comment stands there twice: {text}")
    equal(world.night(status=1 if drift else 0).writes, [], "writes of the night after")


matrix("opens an issue", before_created, True)
matrix("changes an issue", before_changed, True)
matrix("closes an issue", before_resolved, False)
matrix("reopens an issue", before_reopened, True)
matrix("closes a duplicate", before_duplicate, True)


@test("a kept report that is older than what GitHub says by now does no harm", direct=True)
def _(world):
    world.drifted(VIP)
    status(world, ".", 503, times=9999)
    world.night(status=2)
    kept = shutil.copy(world.kept(), world.here / "old.json")
    world.fake.ctl("clear")
    world.restore()
    world.night(status=0)
    expect(world.run(command=("report", str(kept), "--report", "github")).status != 2, "sending it failed")
    expect(len(world.open()) <= 1, "more than one open issue")
    world.night(status=0)
    equal(world.open(), [], "open issues")


# --- signals

@test("SIGINT between creating and looking again: one issue, and the report is kept", direct=True)
def _(world):
    world.drifted(VIP)
    before = world.fake.ctl("state")
    calls = world.night(status=1).calls
    n_lists = calls[:calls.index("POST issues")].count("GET issues")
    world.fake.ctl("load", **before)
    shutil.rmtree(world.state_home)
    fault(world, LIST, "delay", skip=n_lists, ms=60000)
    process = world.start()
    for _step in range(200):
        if any(entry["fault"] for entry in world.fake.log()):
            break
        time.sleep(0.05)
    equal(len(world.open()), 1, "issues that were created")
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed("SIGINT did not end it") from None
    expect(process.returncode != 0, "exit status 0")
    world.kept()
    later(world)


if __name__ == "__main__":
    lab.main(sys.argv[1:])

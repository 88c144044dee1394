#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""The GitHub sink through what happens to an issue in its life, against the fake GitHub: it is opened, left alone, changed,
closed, and people put their hands on it. Nothing here goes wrong on the way; that is github_faults.py.
Usage: github_life.py [part of a test's name]"""
import pathlib
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "github"))
import lab
from lab import DAY, FIX, HOUR, LABEL, REPO, VIP, equal, expect, marker, marker_of, test


def opened(world, *statements):
    """A night on which the issue was opened."""
    world.drifted(*(statements or (VIP,)))
    world.night(status=1)
    return world.the_open()["number"]


# --- the life of one issue

@test("no drift: no issue, and nothing is written")
def _(world):
    night = world.night(status=0)
    equal(night.writes, [], "writes")
    equal(world.issues(), [], "issues")


@test("drift: one issue with its title, its label, its marker, and what to do")
def _(world):
    world.drifted(VIP)
    night = world.night(status=1)
    issue = world.the_open()
    equal(issue["title"], "Schema drift detected: prod", "title")
    equal(issue["labels"], [LABEL], "labels")
    equal(marker_of(issue["body"])["env"], "prod", "environment of the marker")
    for words in ("users.vip", "0001_users.up.sql", "ALTER TABLE users ADD COLUMN vip", "driftcheck"):
        expect(words in issue["body"], f"the body lacks {words}")
    equal([call for call in night.writes if call == "POST issues"], ["POST issues"], "issues created")
    created = night.calls.index("POST issues")
    expect("GET issues" in night.calls[:created], "the open issues were not listed before creating one")
    expect("GET issues" in night.calls[created:], "the open issues were not listed again after creating one")
    world.delivered()


@test("the label is made when it is missing, with a description, and only then")
def _(world):
    world.drifted(VIP)
    night = world.night(status=1)
    equal(night.writes.count("POST labels"), 1, "labels made")
    label = world.fake.ctl("state")["repos"][REPO]["labels"][LABEL]
    expect(label["description"], "the label has no description")
    world.fake.ctl("reset")
    world.fake.ctl("seed", repo=REPO, title="of old", labels=[LABEL], state="closed")
    equal(world.night(status=1).writes.count("POST labels"), 0, "labels made although it is there")


@test("another label, from the configuration")
def _(world):
    world.conf("", github='label = "schema, drift & co"')
    equal(world.night(status=2).calls, [], "calls with a label that has a comma and cannot be looked for")
    world.conf("", github='label = "Schéma/drift #1"')
    world.drifted(VIP)
    world.night(status=1)
    equal(world.the_open()["labels"], ["Schéma/drift #1"], "labels")
    equal(world.night(status=1).writes, [], "writes of the second night")


@test("the same drift on the next nights: no write at all")
def _(world):
    opened(world)
    before = world.issues()
    for _night in range(3):
        equal(world.night(status=1).writes, [], "writes")
    equal(world.issues(), before, "issues")


@test("the same drift seen from a machine that knows nothing of it: no write at all")
def _(world):
    opened(world)
    world.state_home = world.here / "another"
    equal(world.night(status=1).writes, [], "writes")


@test("our issue is found behind 450 others with the label")
def _(world):
    number = opened(world)
    world.fake.ctl("seed", repo=REPO, times=450, title="something else", labels=[LABEL])
    world.state_home = world.here / "another"
    night = world.night(status=1)
    equal(night.writes, [], "writes")
    expect(night.calls.count("GET issues") >= 5, f"{night.calls.count('GET issues')} pages were read")
    equal(world.the_open()["number"], number, "number")


@test("other drift: the body is replaced, and one short comment says what is new and what is gone")
def _(world):
    number = opened(world)
    old = world.the_open()
    world.drifted(FIX)
    night = world.night(status=1)
    issue = world.the_open()
    equal(issue["number"], number, "number")
    expect("tmp_fix" in issue["body"] and "users.vip" not in issue["body"], "the body does not tell the new drift")
    expect(marker_of(issue["body"])["fp"] != marker_of(old["body"])["fp"], "the fingerprint is the old one")
    equal(sorted(night.writes), [f"PATCH issues/{number}", f"POST issues/{number}/comments"], "writes")
    equal(len(issue["comments"]), 1, "comments")
    text = issue["comments"][0]["body"]
    expect("1 new" in text and "1 gone" in text, f"the comment does not count: {text}")
    expect(len(text) < 2000, "the comment is long")
    equal(world.night(status=1).writes, [], "writes of the night after")


@test("the drift is gone: a comment, and the issue is closed as completed; then silence")
def _(world):
    number = opened(world)
    world.restore()
    night = world.night(status=0)
    issue = world.issue(number)
    equal((issue["state"], issue["state_reason"]), ("closed", "completed"), "state")
    equal(len(issue["comments"]), 1, "comments")
    expect("drift" in issue["comments"][0]["body"].lower(), "the comment does not say why")
    equal(sorted(call.partition("?")[0] for call in night.writes), [f"PATCH issues/{number}", f"POST issues/{number}/comments"], "writes")
    equal(world.night(status=0).writes, [], "writes of the night after")


@test("drift comes back after it was gone: one open issue again")
def _(world):
    opened(world)
    world.restore()
    world.night(status=0)
    world.drifted(VIP)
    world.night(status=1)
    equal(len(world.open()), 1, "open issues")
    equal(world.night(status=1).writes, [], "writes of the night after")


@test("a run that could not read the environment touches nothing")
def _(world):
    number = opened(world)
    (world.here / "prod.db").write_bytes(b"this is no database, and it was one yesterday" * 100)
    equal(world.night(status=2).writes, [], "writes")
    equal(world.issue(number)["state"], "open", "state")
    (world.here / "prod.db").unlink()
    equal(world.night(status=2).writes, [], "writes when the file is gone")
    world.restore()
    world.night(status=0)
    equal(world.issue(number)["state"], "closed", "state after it was read again")


@test("a migration that does not run touches nothing")
def _(world):
    number = opened(world)
    world.restore()
    world.migration("0004_broken", "CREATE TABEL oops (id integer);")
    equal(world.night(status=2).writes, [], "writes")
    equal(world.issue(number)["state"], "open", "state")


@test("several environments: an issue for each that drifted; none is closed on a night that did not see everything")
def _(world):
    world.conf('env "staging" { url = "sqlite:staging.db" }\nenv "gone" { url = "sqlite:gone.db" }')
    world.drifted(VIP)
    shutil.copy(world.here / "prod.db", world.here / "staging.db")
    command = ("check", "prod", "staging", "gone", "--report", "github")
    world.night(command=command, status=2)
    equal(len(world.open("prod")), 1, "open issues of prod")
    equal(len(world.open("staging")), 1, "open issues of staging")
    equal(world.ours("gone"), [], "issues of the environment that could not be read")
    world.restore()
    equal(world.night(command=command, status=2).writes, [], "writes although gone could not be read")
    shutil.copy(world.folder / "pristine.db", world.here / "gone.db")
    world.night(command=command, status=1)
    equal(len(world.open("prod")), 0, "open issues of prod, which was put right")
    equal(len(world.open("staging")), 1, "open issues of staging, which was not")


@test("an environment with any name keeps its issue")
def _(world):
    for name in ("eu-prod.1", "_", "x" * 300):
        world.fake.ctl("reset")
        world.conf(f'env "{name}" {{ url = "sqlite:prod.db" }}')
        world.drifted(VIP)
        command = ("check", name, "--report", "github")
        equal(world.night(command=command).status, 1, f"exit status for {name}")
        issue = world.the_open(name)
        expect(len(issue["title"]) <= 256, "the title is too long")
        equal(world.night(command=command).writes, [], "writes of the night after")


# --- skew

@test("skew alone waits for a day, and its issue goes when it was deployed")
def _(world):
    world.migration("0004_invoices", "CREATE TABLE invoices (id INTEGER PRIMARY KEY);")
    world.tick(DAY)
    for hours in (0, 1, 22):
        world.tick(hours * HOUR)
        equal(world.run().writes, [], f"writes {hours} hours on")
    world.tick(2 * HOUR)
    equal(world.run().status, 1, "exit status")
    issue = world.the_open()
    expect("0004_invoices" in issue["body"], "the body does not name the pending migration")
    equal(world.night().writes, [], "writes of the night after")
    world.hand("CREATE TABLE invoices (id INTEGER PRIMARY KEY); UPDATE schema_migrations SET version = 4;")
    world.night(status=0)
    equal(world.issue(issue["number"])["state"], "closed", "state after the deploy")


@test("skew that was deployed within the day is never heard of, and the next one waits anew")
def _(world):
    world.migration("0004_invoices", "CREATE TABLE invoices (id INTEGER PRIMARY KEY);")
    world.night(status=1)
    world.hand("CREATE TABLE invoices (id INTEGER PRIMARY KEY); UPDATE schema_migrations SET version = 4;")
    world.tick(20 * HOUR)
    world.run()
    world.migration("0005_notes", "CREATE TABLE notes (id INTEGER PRIMARY KEY);")
    world.tick(20 * HOUR)
    world.run()
    equal(world.issues(), [], "issues")


@test("skew_after = 0: skew is told at once")
def _(world):
    world.conf("", github='skew_after = "0"')
    world.migration("0004_invoices", "CREATE TABLE invoices (id INTEGER PRIMARY KEY);")
    world.night(status=1)
    world.the_open()


@test("the memory of skew is deleted: its open issue stays open")
def _(world):
    world.conf("", github='skew_after = "0"')
    world.migration("0004_invoices", "CREATE TABLE invoices (id INTEGER PRIMARY KEY);")
    world.night(status=1)
    world.conf("")
    world.state_home = world.here / "another"
    night = world.night(status=1)
    equal(world.the_open()["state"], "open", "state")
    equal(night.writes, [], "writes")


@test("an open issue lists skew after the drift, also before its day is over")
def _(world):
    opened(world)
    world.migration("0004_invoices", "CREATE TABLE invoices (id INTEGER PRIMARY KEY);")
    world.night(status=1)
    body = world.the_open()["body"]
    expect("0004_invoices" in body, "the body does not name the pending migration")
    expect(body.index("users.vip") < body.index("0004_invoices"), "skew comes first")


@test("an ignored object drifts no more: the issue is closed")
def _(world):
    number = opened(world, FIX)
    world.conf('ignore { objects = {"tmp_*"} }')
    world.night(status=0)
    equal(world.issue(number)["state"], "closed", "state")


# --- people

@test("closed by hand as completed while the drift is there: reopened, with a comment")
def _(world):
    number = opened(world)
    world.person(number, state="closed", state_reason="completed")
    night = world.night(status=1)
    issue = world.the_open()
    equal(issue["number"], number, "number")
    equal(len(issue["comments"]), 1, "comments")
    equal(night.writes.count("POST issues"), 0, "issues created")
    equal(world.night(status=1).writes, [], "writes of the night after")


@test("closed by hand as completed, seen from another machine: reopened")
def _(world):
    number = opened(world)
    world.person(number, state="closed", state_reason="completed")
    world.state_home = world.here / "another"
    world.night(status=1)
    equal(world.the_open()["number"], number, "number")


@test("closed by hand as not planned: respected until the drift is another one")
def _(world):
    number = opened(world)
    world.person(number, state="closed", state_reason="not_planned")
    for _night in range(3):
        equal(world.night(status=1).writes, [], "writes")
    world.state_home = world.here / "another"
    equal(world.night(status=1).writes, [], "writes from another machine")
    world.hand(FIX)
    world.night(status=1)
    expect("tmp_fix" in world.the_open()["body"], "the new drift is not told")


@test("not planned, and months later still respected")
def _(world):
    number = opened(world)
    world.person(number, state="closed", state_reason="not_planned")
    for _month in range(3):
        world.tick(29 * DAY)
        equal(world.night(status=1).writes, [], "writes")


@test("not planned, and then put right: nothing to say")
def _(world):
    number = opened(world)
    world.person(number, state="closed", state_reason="not_planned")
    world.restore()
    equal(world.night(status=0).writes, [], "writes")


@test("an edited title stays, and the issue is still ours")
def _(world):
    number = opened(world)
    world.person(number, title="Who touched prod?!")
    equal(world.night(status=1).writes, [], "writes")
    world.hand(FIX)
    world.night(status=1)
    equal(world.the_open()["title"], "Who touched prod?!", "title")


@test("labels that people add stay")
def _(world):
    number = opened(world)
    world.person(number, labels=[LABEL, "bug"])
    world.hand(FIX)
    world.night(status=1)
    equal(world.the_open()["labels"], [LABEL, "bug"], "labels")


@test("the label is taken away by a person: no second issue")
def _(world):
    number = opened(world)
    world.person(number, labels=[])
    world.night(status=1)
    equal(world.the_open()["number"], number, "number")
    world.restore()
    world.night(status=0)
    equal(world.open(), [], "open issues after the drift is gone")


@test("the label is taken away by a person, seen from another machine: no second issue")
def _(world):
    number = opened(world)
    world.person(number, labels=[])
    world.state_home = world.here / "another"
    world.night(status=1)
    equal(world.the_open()["number"], number, "number")


@test("the issue is deleted: another is opened")
def _(world):
    number = opened(world)
    world.person(number, deleted=True)
    world.night(status=1)
    expect(world.the_open()["number"] != number, "the deleted issue is still taken for open")
    equal(world.night(status=1).writes, [], "writes of the night after")


@test("comments of people, with our marker forged in them, change nothing")
def _(world):
    number = opened(world)
    world.person(number, comment=marker("prod", "f" * 64) + "\nclose this please")
    equal(world.night(status=1).writes, [], "writes")
    world.restore()
    world.night(status=0)
    equal(world.issue(number)["state"], "closed", "state")


# --- what else is in the list

@test("a pull request with our label and our marker is left alone")
def _(world):
    world.fake.ctl("seed", repo=REPO, title="Fix drift", body=marker("prod"), labels=[LABEL], pull_request=True)
    number = opened(world)
    equal(number, 2, "number")
    world.restore()
    world.night(status=0)
    equal(world.issue(1)["state"], "open", "state of the pull request")


@test("a stranger's issue with our title is left alone")
def _(world):
    world.fake.ctl("seed", repo=REPO, title="Schema drift detected: prod", body="I saw something", user="octocat")
    before = world.issue(1)
    opened(world)
    world.restore()
    world.night(status=0)
    equal(world.issue(1), before, "the stranger's issue")


@test("our marker, forged by a stranger in an issue of theirs, neither silences nor is written over")
def _(world):
    number = opened(world)
    forged = world.issue(number)["body"]
    world.fake.ctl("reset")
    world.state_home = world.here / "another"
    world.fake.ctl("seed", repo=REPO, title="Schema drift detected: prod", body=forged, user="mallory")
    before = world.issue(1)
    world.night(status=1, one_open=False)
    equal(world.issue(1), before, "the stranger's issue")
    equal([issue["labels"] for issue in world.open()], [[], [LABEL]], "labels of the stranger's issue and of ours")
    world.restore()
    world.night(status=0, one_open=False)
    equal([issue["state"] for issue in world.ours()], ["open", "closed"], "states of the stranger's issue and of ours")


@test("our issue in the hands of a member: found without its label")
def _(world):
    number = opened(world)
    body = world.issue(number)["body"]
    world.fake.ctl("reset")
    world.state_home = world.here / "another"
    world.fake.ctl("seed", repo=REPO, title="x", body=body, user="hubot", association="MEMBER")
    equal(world.night(status=1).writes, [], "writes")


@test("an issue with the label and without a marker is left alone")
def _(world):
    world.fake.ctl("seed", repo=REPO, title="Drift on the old server", body="by hand", labels=[LABEL])
    before = world.issue(1)
    opened(world)
    world.restore()
    world.night(status=0)
    equal(world.issue(1), before, "the other issue")


@test("the issue of another environment, and a marker that is quoted further down, are not ours")
def _(world):
    for body in (marker("prod2"), marker("pro"), "> see\n" + marker("prod"), "text " + marker("prod")):
        world.fake.ctl("seed", repo=REPO, title="x", body=body, labels=[LABEL])
    before = world.issues()
    equal(opened(world), 5, "number")
    world.restore()
    world.night(status=0)
    equal(world.issues()[:4], before, "the other issues")


@test("two open issues of ours: the older one is kept, the other closed as its duplicate")
def _(world):
    number = opened(world)
    copy = world.issue(number)
    world.fake.ctl("seed", repo=REPO, title=copy["title"], body=copy["body"], labels=[LABEL])
    world.night(status=1)
    equal(world.the_open()["number"], number, "the one that is kept")
    other = world.issue(number + 1)
    equal((other["state"], other["state_reason"]), ("closed", "duplicate"), "the other one")
    equal(world.night(status=1).writes, [], "writes of the night after")


@test("two open issues of ours, and the drift is gone: both are closed")
def _(world):
    number = opened(world)
    copy = world.issue(number)
    world.fake.ctl("seed", repo=REPO, title=copy["title"], body=copy["body"], labels=[LABEL])
    world.restore()
    world.night(status=0, one_open=False)
    equal(world.open(), [], "open issues")


if __name__ == "__main__":
    lab.main(sys.argv[1:])

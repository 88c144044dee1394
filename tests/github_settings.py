#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""The GitHub sink's settings, where its calls go, and what it prints. Usage: github_settings.py [part of a test's name]"""
import pathlib
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "github"))
import lab
from lab import LABEL, REPO, VIP, equal, expect, test


# --- the report itself

@test("a large drift: the body keeps to GitHub's limit, and says what is left out")
def _(world):
    world.drifted(*(f"CREATE TABLE by_hand_{i:04} (id INTEGER PRIMARY KEY, {', '.join(f'c{c} text' for c in range(20))});"
                    for i in range(400)))
    world.night(status=1)
    body = world.the_open()["body"]
    expect(20000 < len(body) <= 65536 and len(body.encode()) <= 65536, f"{len(body)} characters")
    expect("400" in body, "the body does not say how many findings there are")
    equal(body.count("\n```") % 2, 0, "fences that are left open")
    equal(world.night(status=1).writes, [], "writes of the night after")


@test("--dry-run prints the calls, and writes nothing")
def _(world):
    world.drifted(VIP)
    night = world.night("--dry-run", status=1)
    equal(night.writes, [], "writes")
    for words in ("POST", f"/repos/{REPO}/issues", "Schema drift detected: prod", LABEL):
        expect(words in night.out + night.err, f"the calls lack {words}")
    world.delivered()
    world.night(status=1)
    world.restore()
    night = world.night("--dry-run", status=0)
    equal(night.writes, [], "writes")
    expect("PATCH" in night.out + night.err, "the closing is not shown")
    world.the_open()


@test("the report goes to GitHub and to standard output")
def _(world):
    world.drifted(VIP)
    night = world.night("--format", "json", status=1)
    expect('"findings"' in night.out, "no JSON on standard output")
    world.the_open()


# --- settings

@test("settings that cannot work are told before anything is read or sent")
def _(world):
    cases = (
        ("no token", {"GITHUB_TOKEN": None}, "", "GITHUB_TOKEN"),
        ("no repository", {"GITHUB_REPOSITORY": None}, "", "repository"),
        ("no name of a repository", {"GITHUB_REPOSITORY": "o/r/../../x"}, "", "owner/name"),
        ("plain http to a host", {"GITHUB_API_URL": "http://github.example.com"}, "", "http"),
        ("plain http to what looks like loopback", {"GITHUB_API_URL": "http://127.0.0.1.example.com"}, "", "http"),
        ("plain http to a user named localhost", {"GITHUB_API_URL": "http://localhost@example.com"}, "", "http"),
        ("another protocol", {"GITHUB_API_URL": "ftp://127.0.0.1"}, "", "http"),
        ("a token file that is not there", {"GITHUB_TOKEN": None}, 'token_file = "nowhere"', "token_file"),
        ("a time that is none", {}, 'skew_after = "soon"', "skew_after"),
        ("an empty token", {"GITHUB_TOKEN": ""}, "", "GITHUB_TOKEN"),
        ("a token with a line end", {"GITHUB_TOKEN": "abc\r\nX-Evil: 1"}, "", "token"),
    )
    (world.here / "prod.db").unlink()  # to read it would be trouble of another kind
    for what, env, github, words in cases:
        world.conf("", github=github)
        # what would go to a host goes to the fake, which would see it
        night = world.night(env={"http_proxy": world.fake.url, "all_proxy": world.fake.url, **env})
        equal((night.status, night.calls), (2, []), what)
        expect(words.lower() in (night.out + night.err).lower(), f"{what}: the message lacks {words}: {night.err}")
        expect("prod.db" not in night.out + night.err, f"{what}: the database was read first")


@test("the token from GH_TOKEN, and from a file")
def _(world):
    world.drifted(VIP)
    world.fake.ctl("set", token="from-elsewhere")
    world.night(status=1, env={"GITHUB_TOKEN": None, "GH_TOKEN": "from-elsewhere"})
    world.the_open()
    (world.here / "token").write_text("from-elsewhere\n")
    (world.here / "token").chmod(0o600)
    world.conf("", github='token_file = "token"')
    equal(world.night(status=1, env={"GITHUB_TOKEN": None}).writes, [], "writes")


@test("repository and address from the configuration, and GitHub Enterprise's base path")
def _(world):
    enterprise = lab.Fake(prefix="/api/v3")
    try:
        world.conf("", github=f'repository = "team/shop" api_url = "{enterprise.url}/"')
        world.drifted(VIP)
        unset = {"GITHUB_REPOSITORY": None, "GITHUB_API_URL": None}
        world.night(env=unset, status=1)
        world.night(env=unset, status=1)
        log = enterprise.log()
        expect(all(entry["path"].startswith("/api/v3/repos/team/shop/") for entry in log), "a path outside the base path")
        equal([entry["method"] for entry in log].count("POST"), 2, "writes: the label and the issue")
        expect(all(entry["status"] < 300 or (entry["method"], entry["status"]) == ("GET", 404) for entry in log), "a call was refused")
        equal(len(enterprise.ctl("state")["repos"]["team/shop"]["issues"]), 1, "issues")
    finally:
        enterprise.stop()


@test("Actions' own variables are enough")
def _(world):
    (world.here / "driftcheck.conf").unlink()
    world.drifted(VIP)
    command = ("check", "prod=sqlite:prod.db", "--migrations", "migrations", "--report", "github")
    equal(world.night(command=command, env={"GITHUB_ACTIONS": "true"}).status, 1, "exit status")
    world.the_open()


if __name__ == "__main__":
    lab.main(sys.argv[1:])

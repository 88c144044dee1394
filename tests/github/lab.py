# SPDX-License-Identifier: PostgreSQL
"""What the tests of the GitHub sink share: a fake GitHub (fake.py) as a process of its own, a small repository with one SQLite
environment that is really drifted, migrated and restored, nights on which driftcheck looks at it by a clock that the test sets,
and TAP. What must hold on every night, whatever the test is about, is asked here (Night.check)."""
import base64
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import traceback

sys.dont_write_bytecode = True
import fake

HERE = pathlib.Path(__file__).resolve().parent
DRIFTCHECK = os.path.abspath(os.environ.get("DRIFTCHECK", "driftcheck"))
REPO, TOKEN, LABEL = "o/r", "test-token-0123456789", "db/drift"
START = 1767225600  # 2026-01-01T00:00:00Z
HOUR, DAY = 3600, 86400
PERIOD_S = 120      # no run of driftcheck takes as long
MIGRATIONS = {
    "0001_users": "CREATE TABLE users (id INTEGER PRIMARY KEY, email text NOT NULL);",
    "0002_orders": "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id integer REFERENCES users (id), total integer DEFAULT 0);",
    "0003_orders_user": "CREATE INDEX orders_user_idx ON orders (user_id);",
}
# What was done by hand, for tests that do not care what it was.
VIP = "ALTER TABLE users ADD COLUMN vip boolean;"
FIX = "CREATE TABLE tmp_fix (id INTEGER PRIMARY KEY);"


class Failed(Exception):
    pass


def expect(condition, what):
    if not condition:
        raise Failed(what)


def equal(got, want, what):
    expect(got == want, f"{what}: got {got!r}, not {want!r}")


def marker_of(body):
    """What the hidden first line of an issue's body says, or None."""
    match = re.match(r"<!-- driftcheck:v1 env=([\w=-]+) fp=([0-9a-f]{64}) run=([\w=-]+)[^>]*-->", body or "")
    if match is None:
        return None
    env = base64.urlsafe_b64decode(match[1] + "=" * (-len(match[1]) % 4)).decode()
    return {"env": env, "fp": match[2], "run": match[3]}


def marker(env, fp="0" * 64, run="abc"):
    return f"<!-- driftcheck:v1 env={base64.urlsafe_b64encode(env.encode()).decode()} fp={fp} run={run} -->"


class Fake:
    """A fake GitHub as a process; `url` is what GITHUB_API_URL is to be."""

    def __init__(self, *options, prefix="", tls=()):
        self.scheme = "https" if tls else "http"
        words = ["--prefix", prefix] if prefix else []
        words += ["--tls", *map(str, tls)] if tls else []
        self.process = subprocess.Popen([sys.executable, str(HERE / "fake.py"), *words, *options], stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f"{self.scheme}://127.0.0.1:{self.port}{prefix}"

    def ctl(self, call, **body):
        return fake.control(self.port, call, body or None, self.scheme)

    def log(self):
        return self.ctl("log")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()


class Night:
    """One run of driftcheck that is over: its exit status, what it printed, and the calls that the fake saw meanwhile."""

    def __init__(self, status, out, err, log):
        self.status, self.out, self.err, self.log = status, out, err, log

    @property
    def calls(self):
        return [f"{entry['method']} {short(entry['path'])}" for entry in self.log]

    @property
    def writes(self):
        return [call for call in self.calls if not call.startswith("GET ")]

    def check(self):
        """What holds on every night."""
        expect(TOKEN not in self.out + self.err, "the token was printed")
        expect("internal error" not in self.err, f"internal error: {self.err}")
        expect(self.status in (0, 1, 2), f"exit status {self.status}: {self.err}")
        for entry in self.log:
            headers, call = entry["headers"], f"{entry['method']} {entry['path']}?{entry['query']}"
            expect(headers.get("user-agent", "").startswith("driftcheck/"), f"{call}: User-Agent {headers.get('user-agent')}")
            equal(headers.get("accept"), "application/vnd.github+json", f"{call}: Accept")
            equal(headers.get("x-github-api-version"), "2022-11-28", f"{call}: X-GitHub-Api-Version")
            expect("creator=" not in entry["query"] and "/search/" not in entry["path"], f"{call}: found by search or by author")
            body = entry["body"]
            expect(body is None or TOKEN not in json.dumps(body), f"{call}: the token is in the body")
            if entry["method"] == "PATCH":
                expect("labels" not in body, f"{call}: an update that replaces the labels that people set")


def short(path):
    return re.sub(r"^.*/(repos/[^/]+/[^/]+|repositories/\d+)/", "", path)


class Lab:
    """The repository, its environment `prod`, the fake, the clock."""

    def __init__(self, api_url=None):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="driftcheck-github."))
        self.folder.chmod(0o755)
        self.fake = Fake()
        self.api_url = api_url or self.fake.url
        self.authority = None
        self.n_tests = 0
        pristine = sqlite3.connect(self.folder / "pristine.db")
        pristine.executescript("CREATE TABLE schema_migrations (version uint64,dirty bool);"
                               "CREATE UNIQUE INDEX version_unique ON schema_migrations (version);" + "".join(MIGRATIONS.values()) +
                               f"INSERT INTO schema_migrations VALUES ({len(MIGRATIONS)}, false);")
        pristine.close()

    def close(self):
        self.fake.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- the world

    def fresh(self):
        """A world in which nothing has happened yet."""
        self.n_tests += 1
        self.here = self.folder / f"test{self.n_tests}"
        (self.here / "migrations").mkdir(parents=True)
        for name, sql in MIGRATIONS.items():
            self.migration(name, sql)
        self.state_home = self.here / "state"
        self.conf('')
        self.restore()
        self.clock = START
        self.fake.ctl("reset")
        self.fake.ctl("set", authority=self.authority)
        self.tick(0)

    def tick(self, seconds):
        self.clock += seconds
        self.fake.ctl("set", clock=self.clock)

    def conf(self, more, github=""):
        (self.here / "driftcheck.conf").write_text(
            f'migrations "app" {{ path = "migrations" }}\nenv "prod" {{ url = "sqlite:prod.db" }}\ngithub {{ {github} }}\n{more}\n')

    def migration(self, name, sql):
        (self.here / "migrations" / f"{name}.up.sql").write_text(sql + "\n")

    def restore(self):
        shutil.copy(self.folder / "pristine.db", self.here / "prod.db")

    def hand(self, *statements):
        database = sqlite3.connect(self.here / "prod.db")
        database.executescript("".join(statements))
        database.close()

    def drifted(self, *statements):
        """Prod is as deployed, apart from what these do."""
        self.restore()
        self.hand(*statements)

    def person(self, number, **edit):
        """What a person does to an issue on the web pages."""
        self.fake.ctl("edit", repo=REPO, number=number, **edit)

    # --- nights

    def environ(self, more):
        environ = {name: value for name, value in os.environ.items() if name in ("PATH", "TMPDIR", "LD_LIBRARY_PATH") or "SAN_OPTIONS" in name}
        environ.update({
            "GITHUB_API_URL": self.api_url, "GITHUB_REPOSITORY": REPO, "GITHUB_TOKEN": TOKEN, "DRIFTCHECK_TEST_CLOCK": str(self.clock),
            "XDG_STATE_HOME": str(self.state_home), "XDG_CACHE_HOME": str(self.folder / "cache"), "HOME": str(self.here),
            "LC_ALL": "C.UTF-8", "TZ": "UTC", "NO_COLOR": "1", **more,
        })
        return {name: value for name, value in environ.items() if value is not None}

    def start(self, *words, env=None, command=("check", "prod", "--report", "github")):
        # a shell that runs the tests in the background hands down an ignored SIGINT
        return subprocess.Popen([DRIFTCHECK, *command, *words], cwd=self.here, env=self.environ(env or {}),
                                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *words, env=None, **more):
        """driftcheck as such; the log begins anew, planted faults stay."""
        seen = len(self.fake.log())
        process = self.start(*words, env=env, **more)
        try:
            out, err = process.communicate(timeout=PERIOD_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise Failed("driftcheck did not end") from None
        night = Night(process.returncode, out, err, self.fake.log()[seen:])
        self.last = night
        night.check()
        return night

    def night(self, *words, status=None, one_open=True, **more):
        """A nightly run, a day after the one before."""
        self.tick(DAY)
        night = self.run(*words, **more)
        if status is not None:
            equal(night.status, status, "exit status")
        if one_open:
            expect(len(self.open()) <= 1, f"more than one open issue: {[issue['number'] for issue in self.open()]}")
        return night

    # --- what became of it

    def issues(self, repo=REPO):
        found = self.fake.ctl("state")["repos"].get(repo, {"issues": {}})["issues"]
        return [found[number] for number in sorted(found, key=int)]

    def issue(self, number):
        return self.issues()[number - 1]

    def ours(self, env="prod"):
        return [issue for issue in self.issues() if (marker_of(issue["body"]) or {}).get("env") == env and not issue["pull_request"]]

    def open(self, env="prod"):
        return [issue for issue in self.ours(env) if issue["state"] == "open" and not issue["deleted"]]

    def the_open(self, env="prod"):
        equal(len(self.open(env)), 1, "open issues")
        return self.open(env)[0]

    def unsent(self):
        return sorted((self.state_home / "driftcheck" / "v1" / "unsent").glob("*.json"))

    def kept(self):
        """The report that could not be delivered lies on disk, whole."""
        equal(len(self.unsent()), 1, "kept reports")
        report = json.loads(self.unsent()[0].read_text())
        equal(report["environments"][0]["name"], "prod", "environment of the kept report")
        return self.unsent()[0]

    def delivered(self):
        equal(self.unsent(), [], "kept reports")

    def no_token_on_disk(self):
        for path in [path for path in self.here.rglob("*") if path.is_file()]:
            expect(TOKEN.encode() not in path.read_bytes(), f"the token is in {path}")
        expect(TOKEN not in json.dumps(self.fake.ctl("state")["repos"]), "the token is in an issue")


TESTS = []


def test(what, direct=False):
    """Declares a test. `direct`: not through a proxy that checks the contract, which would answer for the fake."""
    def declare(function):
        TESTS.append((what, direct, function))
        return function
    return declare


def not_ok(what, details, night=None):
    print(f"not ok - {what}")
    lines = str(details).splitlines()
    if night is not None:
        lines += [f"exit status {night.status}", *(f"{call}" for call in night.calls), *night.err.splitlines(), *night.out.splitlines()]
    for line in lines[:80]:
        print(f"#   {line}")


def run_tests(lab, only="", direct=True):
    """Runs what was declared, prints TAP; the number of those that failed."""
    n_failed = 0
    for what, is_direct, function in TESTS:
        if only not in what or (is_direct and not direct):
            continue
        lab.last = None
        try:
            lab.fresh()
            function(lab)
            lab.no_token_on_disk()
            print(f"ok - {what}")
        except Failed as failed:
            n_failed += 1
            not_ok(what, failed, lab.last)
        except Exception:  # pylint: disable=broad-except
            n_failed += 1
            not_ok(what, traceback.format_exc(), lab.last)
        sys.stdout.flush()
        shutil.rmtree(lab.here, ignore_errors=True)
    return n_failed


def main(words):
    """The end of each test program: its tests, or those whose name has the given words in it."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    if not os.access(DRIFTCHECK, os.X_OK):
        print(f"not ok - there is no program {DRIFTCHECK}: build it, or set DRIFTCHECK")
        sys.exit(1)
    with contextlib.closing(Lab()) as lab:
        sys.exit(1 if run_tests(lab, " ".join(words)) else 0)

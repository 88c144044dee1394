#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Six sentinels on six machines look at one drifted environment at the same moment, forty times: at the end of each round there is
exactly one open issue. They share nothing but GitHub: each has a state folder of its own, so that no lock hides the race, and the
fake answers at random moments in most of the rounds. Usage: github_race.py [part of a test's name]"""
import pathlib
import random
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "github"))
import lab
from lab import DAY, FIX, VIP, equal, test

N_SENTINELS, N_ROUNDS = 6, 40
PACES_MS = ((0, 0), (20, 20), (60, 30), (20, 100)) # how late an answer may come, and how late after another one a sentinel starts


def race(world, drift, late_ms):
    """One round of all of them."""
    world.tick(DAY)
    running = []
    for i in range(N_SENTINELS):
        running.append(world.start(env={"XDG_STATE_HOME": str(world.here / f"machine{i}")}))
        time.sleep(random.uniform(0, late_ms) / 1000)
    ended = []
    for process in running:
        out, err = process.communicate(timeout=lab.PERIOD_S)
        ended.append((process.returncode, out + err))
    for status, text in ended:
        equal(status, 1 if drift else 0, f"exit status ({text[-500:]})")


def calm(world):
    """The night after: whoever looks finds nothing to do."""
    world.fake.ctl("set", jitter_ms=0)
    equal(world.night().writes, [], "writes of the night after")


def rounds(what, n, prepare, drift, n_open):
    """A test for each pace."""
    for jitter_ms, late_ms in PACES_MS:
        @test(f"{what}, {n // len(PACES_MS)} rounds of {N_SENTINELS}, answers up to {jitter_ms} ms and starts up to {late_ms} ms late",
              direct=True)
        def _(world, jitter_ms=jitter_ms, late_ms=late_ms):
            prepare(world)
            hub = world.fake.ctl("state")
            n_made = 0
            for _round in range(n // len(PACES_MS)):
                world.fake.ctl("load", **hub)
                world.fake.ctl("set", jitter_ms=jitter_ms)
                race(world, drift, late_ms)
                equal(len(world.open()), n_open, "open issues")
                n_made += len(world.ours())
            print(f"# {n_made} issues were made in these rounds")
            calm(world)


def drifted(world):
    world.drifted(VIP)


def changed(world):
    world.drifted(VIP)
    world.night(status=1)
    world.drifted(FIX)


def resolved(world):
    world.drifted(VIP)
    world.night(status=1)
    world.restore()


def closed_by_hand(world):
    world.drifted(VIP)
    world.night(status=1)
    world.person(1, state="closed", state_reason="completed")


rounds("opened", N_ROUNDS, drifted, True, 1)
rounds("changed", 8, changed, True, 1)
rounds("closed", 8, resolved, False, 0)
rounds("reopened", 8, closed_by_hand, True, 1)


if __name__ == "__main__":
    lab.main(sys.argv[1:])

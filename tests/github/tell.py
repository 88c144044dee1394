#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Tells a conversation with the fake GitHub so that a person can read it: a line for each call, a new issue and a comment in full,
of a changed issue what changed. What differs from run to run is written the same: fingerprints as F1, F2, ... in the order of
their appearance. Usage: tell.py PORT MEMORY     tells what the log holds, and empties it; MEMORY is a file kept between calls"""
import difflib
import json
import pathlib
import re
import sys
import urllib.parse

sys.dont_write_bytecode = True
import fake


SAME = "### To see it yourself" # from here on, issues end alike


class Teller:
    def __init__(self, memory):
        self.path = pathlib.Path(memory)
        known = json.loads(self.path.read_text()) if self.path.exists() else {"bodies": {}, "prints": [], "ends": []}
        self.bodies, self.prints, self.ends = known["bodies"], known["prints"], known["ends"]

    def close(self):
        self.path.write_text(json.dumps({"bodies": self.bodies, "prints": self.prints, "ends": self.ends}))

    def steady(self, text):
        def numbered(match):
            if match[1] not in self.prints:
                self.prints.append(match[1])
            return f"fp=F{self.prints.index(match[1]) + 1} run="
        text = re.sub(r"fp=([0-9a-f]{64}) run=", numbered, text)
        text = re.sub(r"run=[\w=-]+", "run=R", text)
        text = re.sub(r"<!-- driftcheck:findings [^>]* -->", "<!-- driftcheck:findings ... -->", text)
        text = re.sub(r"(PostgreSQL|SQLite|driftcheck) +(`?)[0-9]+(\.[0-9]+)+", r"\1 \2VERSION", text)
        return re.sub(r" in [0-9.]+ m?s\b", " in N s", text)

    def block(self, text, mark="|"):
        for line in self.steady(text).splitlines():
            print(f"      {mark} {line}".rstrip())

    def call(self, entry):
        path, query = entry["path"], urllib.parse.parse_qsl(entry["query"])
        # of a time the day: in waiting, seconds pass
        words = " ".join(f"{name}={value.partition('T')[0] if name == 'since' else value}" for name, value in query if name not in ("per_page", "direction", "sort"))
        answer = entry["answer"]
        if entry["fault"]:
            said = {"status": f"{entry['status']}", "drop_before": "lost on the way", "drop_after": "done, and the answer lost",
                    "truncate": "done, and the answer cut", "garbage": "HTML", "delay": f"{entry['status']}, late"}[entry["fault"]]
        elif isinstance(answer, list):
            said = f"{entry['status']}  {', '.join(f'#{n}' for n in answer) or 'none'}"
        else:
            said = f"{entry['status']}" + (f"  #{answer}" if isinstance(answer, int) else "")
        print(f"   {entry['method']:<5} {urllib.parse.unquote(path)} {words}".rstrip() + f"   -> {said}")

    def text(self, body):
        """A body; its end, which is the same in all issues, once."""
        start, heading, end = self.steady(body).partition(SAME)
        self.block(start + heading + (" (as above)" if heading and end in self.ends else end))
        self.ends.append(end)

    def sent(self, entry):
        """What a write carries; nothing if it was only sent elsewhere."""
        if entry["status"] in (301, 307):
            return
        fields = dict(entry["body"]) if isinstance(entry["body"], dict) else {"": json.dumps(entry["body"])}
        body = fields.pop("body", None)
        for name, value in sorted(fields.items()):
            self.block(f"{name}: {value if isinstance(value, str) else json.dumps(value)}", ">")
        if body is None:
            return
        number = entry["answer"] if re.search(r"/issues(/\d+)?$", entry["path"]) and isinstance(entry["answer"], int) else None
        old = self.bodies.get(str(number))
        if old is None:
            self.text(body)
        else:
            for line in list(difflib.unified_diff(self.steady(old).splitlines(), self.steady(body).splitlines(), lineterm="", n=0))[2:]:
                print(f"      {line[0]} {line[1:]}".rstrip() if line[0] != "@" else "      ...")
        if number is not None:
            self.bodies[str(number)] = body


def main(port, memory):
    teller = Teller(memory)
    for entry in fake.control(port, "log"):
        teller.call(entry)
        if entry["body"] is not None:
            teller.sent(entry)
    fake.control(port, "clear", {})
    teller.close()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])

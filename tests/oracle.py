#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""What others make of the reports: parsers that know nothing of driftcheck but the formats themselves.

oracle.py names FOLDER     makes a repository and a SQLite database whose names are hostile, in FOLDER
oracle.py FORMAT FILE      reads a report of the format; complains and exits 1 where a reader would see more than text
"""
import html.parser
import json
import os
import re
import sqlite3
import subprocess
import sys
import xml.etree.ElementTree

NAMES = [
    "@octocat", "@org/team", "closes #1", "fixes octocat/repo#2", "GH-3", "Resolves: #4", "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>", "[x](http://evil.example)", "![x](http://evil.example/i.png)", "http://evil.example/a",
    "www.evil.example", "evil@example.org", "<https://evil.example>", "```", "`````\n# heading\n@octocat", "` `` ```", "`", "~~~",
    "a|b||c", "&#64;octocat", "&commat;octocat", "&lt;b&gt;", "-->", "<!-- driftcheck:v1 env=x fp=y -->", "]]>", "<![CDATA[", "<?x?>",
    "::error::pwned", "::stop-commands::x", "##[error]x", "%0A::error::x", "\r\n::set-output name=x::y", "x\n::add-mask::a", "x\ny",
    "\u202egnp.exe", "zero\u200bwidth", "\x1b[31mred", "\x07", "\x7f", "\x85", "\x9b31m", "\ufeff", "\ufffe", "\uffff", "{0}", "{{x}}", "}",
    "[a](1)", "\\", "\\`", "\\|", '"', "'", "$(id)", "${HOME}", "\t", " leading", "trailing ", "3f786850e387550fdab836ed7e6dc881de23001b",
    "---", "# heading", "- item", "> quote", "1. item", "<details>", "</code></pre><b>", "[^1]", "[^1]: x", "- [ ] x", ":tada:", "*b* _e_",
    "[ref]: http://evil.example", "a, b: c", "env=x,title=y::z", "&", "<", "<@U012AB3CD>", "<!channel>", "*x*~y~", "x" * 300,
]


def fail(message):
    print(message)
    sys.exit(1)


def quote(name, mark='"'):
    return mark + name.replace(mark, mark * 2) + mark


def make_names(folder):
    os.makedirs(f"{folder}/migrations", exist_ok=True)
    with open(f"{folder}/migrations/0001_one.up.sql", "w", encoding="utf-8") as file:
        file.write("CREATE TABLE kept (id integer);\n")
    with open(f"{folder}/migrations/0002_@octocat closes #1 ::error::x.up.sql", "w", encoding="utf-8") as file:
        file.write("CREATE TABLE later (id integer);\n")
    with sqlite3.connect(f"{folder}/app.db") as database: # not by the program sqlite3, which takes line ends for its own
        database.executescript("CREATE TABLE schema_migrations (version uint64, dirty bool);"
                               "CREATE UNIQUE INDEX version_unique ON schema_migrations (version);"
                               "INSERT INTO schema_migrations VALUES (1, false); CREATE TABLE kept (id integer);")
        for i, name in enumerate(NAMES):
            default, comment = quote(name, "'"), name.replace("*/", "")
            database.execute(f"CREATE TABLE {quote(name + ' ')} ({quote(name)} text DEFAULT {default})")
            database.execute(f"CREATE VIEW {quote(f'v{i} ' + name)} AS SELECT {default} AS a /* {comment}\n{comment} */")
            database.execute(f"ALTER TABLE kept ADD COLUMN {quote(name)} text")


class Page(html.parser.HTMLParser):
    ALLOWED = {"p", "h3", "h4", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "code", "pre", "strong"}

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.code, self.outside = 0, []

    def handle_starttag(self, tag, attrs):
        if tag not in self.ALLOWED:
            fail(f"markdown: an element <{tag}>")
        allowed = {"pre": ("lang",), "code": ("class",), "th": ("align",), "td": ("align",)}.get(tag, ())
        for key, value in attrs:
            if key not in allowed or value not in ("sql", "diff", "language-sql", "language-diff", "left"):
                fail(f"markdown: an attribute {key}={value} of <{tag}>")
        self.code += tag == "code"

    def handle_endtag(self, tag):
        self.code -= tag == "code"
        if tag in ("p", "h3", "h4", "li", "td", "th"):
            self.outside.append("\n")

    def handle_data(self, data):
        if self.code == 0:
            self.outside.append(data)

    def handle_comment(self, data):
        fail(f"markdown: a comment {data!r}")

    def handle_decl(self, decl):
        fail(f"markdown: a declaration {decl!r}")

    def handle_pi(self, data):
        fail(f"markdown: an instruction {data!r}")

    def unknown_decl(self, data):
        fail(f"markdown: a declaration {data!r}")


def markdown(path):
    extensions = [word for name in ("table", "autolink", "strikethrough", "tasklist", "footnotes") for word in ("-e", name)]
    # --unsafe: so that HTML which came through can be seen
    out = subprocess.run(["cmark-gfm", "--unsafe", *extensions, path], check=True, capture_output=True).stdout.decode("utf-8")
    page = Page()
    page.feed(out)
    page.close()
    text = "".join(page.outside)
    for what, pattern in {
        "a mention": r"@\w", "a reference": r"#\d|\bGH-\d", "a link": r"://|www\.", "a commit": r"\b[0-9a-f]{7,40}\b",
        "something unseen": r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]",
    }.items():
        found = re.search(pattern, text)
        if found:
            fail(f"markdown: {what} outside of code: {text[max(0, found.start() - 40):found.end() + 40]!r}")


def load(path):
    with open(path, encoding="utf-8", newline="") as file:
        return file.read()


def read_json(path):
    """Every name is in it, exactly."""
    paths = {part for env in json.loads(load(path))["environments"] for f in env["findings"] for part in f["path"]}
    gone = [name for name in NAMES if name not in paths and name + " " not in paths]
    if gone:
        fail(f"json: lacks {gone}")


def sarif(path):
    log = json.loads(load(path))
    if log["version"] != "2.1.0" or len(log["runs"]) != 1:
        fail("sarif: version or runs")
    run = log["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    if len({rule["id"] for rule in rules}) != len(rules):
        fail("sarif: two rules of one id")
    prints = set()
    for result in run["results"]:
        if rules[result["ruleIndex"]]["id"] != result["ruleId"] or result["level"] not in ("error", "warning", "note"):
            fail(f"sarif: rule or level of {result}")
        text = result["message"]["text"]
        if re.search(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e]", text):
            fail(f"sarif: {text!r} has what cannot be seen")
        if re.search(r"(?<!\\)\[[^]]*(?<!\\)\]\(", text) or re.search(r"(?<!\{)\{(\{\{)*(?!\{)", text):
            fail(f"sarif: {text!r} has a link or a placeholder")
        prints.add(result["partialFingerprints"]["primaryLocationLineHash"])
        for location in result["locations"]:
            artifact = location["physicalLocation"]["artifactLocation"]
            if not re.fullmatch(r"([A-Za-z0-9._~/-]|%[0-9A-F]{2})+", artifact["uri"]) or artifact["uri"].startswith("/"):
                fail(f"sarif: {artifact['uri']} is no relative address")
            if artifact["uriBaseId"] not in run["originalUriBaseIds"] or location["physicalLocation"].get("region", {"startLine": 1})["startLine"] < 1:
                fail(f"sarif: location {location}")
    if len(prints) != len(run["results"]):
        fail("sarif: two results are taken for one")
    return run


def junit(path):
    top = xml.etree.ElementTree.fromstring(load(path).encode("utf-8"))
    suites = top.findall("testsuite")
    cases = [case for suite in suites for case in suite.findall("testcase")]
    if len({(case.get("classname"), case.get("name")) for case in cases}) != len(cases):
        fail("junit: two tests of one name")
    for element, attribute in (("testcase", "tests"), ("testcase/failure", "failures"), ("testcase/error", "errors")):
        for suite in suites:
            if int(suite.get(attribute)) != len(suite.findall(element)):
                fail(f"junit: {attribute} of {suite.get('name')}")
        if int(top.get(attribute)) != sum(int(suite.get(attribute)) for suite in suites):
            fail(f"junit: {attribute} in all")
    allowed = {"testsuites", "testsuite", "testcase", "failure", "error", "system-out"}
    if {element.tag for element in top.iter()} - allowed:
        fail("junit: another element")


def html_page(path):
    checked = subprocess.run([sys.executable, os.path.join(os.path.dirname(__file__), "html_check.py"), path], capture_output=True, text=True)
    if checked.returncode != 0:
        fail(f"html: {checked.stdout}{checked.stderr}")


METRICS = {
    "driftcheck_drift_objects": ["env", "class"], "driftcheck_last_success_timestamp_seconds": ["env"], "driftcheck_last_run_complete": ["env"],
    "driftcheck_run_duration_seconds": ["env"], "driftcheck_behind_migrations": ["env"], "driftcheck_build_info": ["version"],
}


def prometheus(path):
    text = load(path)
    if not text.endswith("\n"):
        fail("prometheus: the last line has no end")
    described, typed, seen, current = set(), set(), set(), None
    for line in text[:-1].split("\n"):
        found = re.fullmatch(r"# (HELP|TYPE) (\w+) (.+)", line)
        if found:
            word, current, rest = found.groups()
            (described if word == "HELP" else typed).add(current)
            if word == "TYPE" and rest != "gauge":
                fail(f"prometheus: {line!r}")
            continue
        found = re.fullmatch(r'(\w+)\{((?:\w+="(?:[^"\\\n]|\\[\\"n])*",?)+)\} (-?[0-9.e+]+)', line)
        if not found:
            fail(f"prometheus: {line!r} is no sample, or has a timestamp")
        name, labels, _ = found.groups()
        if name != current or name not in described or name not in typed or re.findall(r'(\w+)="(?:[^"\\]|\\.)*"', labels) != METRICS[name]:
            fail(f"prometheus: {line!r}")
        if (name, labels) in seen:
            fail(f"prometheus: {line!r} stands twice")
        seen.add((name, labels))


def actions(path):
    """As the runner reads what a step prints: a command is a line that begins with two colons, or has ##[ in it."""
    stopped, kinds = None, {}
    for line in load(path).split("\n"):
        command = re.fullmatch(r"::([\w-]+)(?: ([^:]*))?::(.*)", line.lstrip(), re.S)
        if stopped is not None:
            stopped = None if line.strip() == f"::{stopped}::" else stopped
        elif command is None:
            if "##[" in line or line.lstrip().startswith("::"):
                fail(f"actions: {line!r}")
        elif command.group(1) == "stop-commands":
            stopped = command.group(3)
            if len(stopped) < 32:
                fail("actions: a word that may be guessed")
        elif command.group(1) in ("error", "warning", "notice"):
            kinds[command.group(1)] = kinds.get(command.group(1), 0) + 1
            names = [part.split("=", 1)[0] for part in (command.group(2) or "").split(",")]
            if names not in (["file", "line", "title"], ["file", "title"], ["title"]):
                fail(f"actions: properties {names}")
        else:
            fail(f"actions: the command {command.group(1)}")
    if stopped is not None:
        fail("actions: commands stay switched off")
    if not kinds or max(kinds.values()) > 10:
        fail(f"actions: {kinds} annotations")


def outputs(path):
    """The file of a step's outputs, as name=value lines."""
    values, lines = {}, load(path).split("\n")
    while lines and lines != [""]:
        name, end = lines.pop(0).split("<<")
        value = []
        while lines[0] != end:
            value.append(lines.pop(0))
        lines.pop(0)
        values[name] = "\n".join(value)
    print(" ".join(f"{name}={value}" for name, value in values.items()))


COMMANDS = {
    "names": make_names, "markdown": markdown, "json": read_json, "html": html_page, "sarif": sarif, "junit": junit, "prometheus": prometheus, "actions": actions,
    "outputs": outputs,
}
if __name__ == "__main__":
    COMMANDS[sys.argv[1]](sys.argv[2])

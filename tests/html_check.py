#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""Checks pages of the HTML report: every tag is closed where it belongs, nothing is loaded or run, the policy lets the page's own
style through and nothing else, links lead somewhere, headings are in order. Prints what is wrong; exit status 1 if anything is.

    tests/html_check.py FILE...
"""
import base64
import hashlib
import re
import sys
from html.parser import HTMLParser

VOID = {"meta"}
TAGS = VOID | set(
    "html head title style body header nav main footer section article h1 h2 h3 p ul ol li dl dt dd div span a b i small code pre"
    " mark del ins figure figcaption table thead tbody tr th td details summary time br svg symbol use path circle rect"
    " line text pattern".split()
)
VOID.add("br")
ATTRIBUTES = set(
    "lang charset http-equiv content name class id href scope role tabindex datetime reversed data-label aria-label"
    " aria-labelledby aria-hidden viewbox d cx cy r x y width height"
    " x1 x2 y1 y2 dx dy fill patternunits".split()
)
# What a start tag ends that has no end tag of its own does not occur: everything is closed in so many words.
PARENTS = {
    "li": {"ul", "ol"}, "tr": {"thead", "tbody"}, "td": {"tr"}, "th": {"tr"}, "thead": {"table"}, "tbody": {"table"},
    "dt": {"dl", "div"}, "dd": {"dl", "div"}, "summary": {"details"}, "figcaption": {"figure"}, "h2": {"section"},
}
BLOCKS = set("p ul ol dl div table pre figure section article header footer nav main details h1 h2 h3".split())


class Page(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=False)
        self.open, self.ids, self.links, self.faults, self.headings = [], set(), [], [], []
        self.policy = self.style = self.doctype = None

    def fault(self, text):
        self.faults.append("line %d: %s" % (self.getpos()[0], text))

    def handle_decl(self, decl):
        self.doctype = decl

    def handle_comment(self, data):
        self.fault("a comment")

    def unknown_decl(self, data):
        self.fault("<![%s" % data)

    def handle_pi(self, data):
        self.fault("<?%s" % data)

    def handle_starttag(self, tag, attrs):
        if tag not in TAGS:
            self.fault("<%s> is no tag of ours" % tag)
        parent = self.open[-1] if self.open else ""
        if tag in PARENTS and parent not in PARENTS[tag]:
            self.fault("<%s> in <%s>" % (tag, parent))
        if tag in BLOCKS and ("p" in self.open or parent in ("span", "code", "a", "b")):
            self.fault("<%s> within a line of text" % tag)
        names = [name for name, _ in attrs]
        if len(set(names)) < len(names):
            self.fault("an attribute twice in <%s>" % tag)
        for name, value in attrs:
            if name not in ATTRIBUTES:
                self.fault("attribute %s of <%s>" % (name, tag))
            if name == "id":
                if value in self.ids or not re.fullmatch(r"[A-Za-z][\w-]*", value):
                    self.fault("id %r is there already, or is none" % value)
                self.ids.add(value)
            if name in ("href", "aria-labelledby"):
                self.links.append(value if name == "href" else "#" + value)
            if name == "fill":
                self.links.append(re.sub(r"^url\((#[a-z]+)\)$", r"\1", value))
            if name == "http-equiv":
                self.policy = dict(attrs)["content"]
        if tag in ("h1", "h2", "h3"):
            self.headings.append(int(tag[1]))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open[-1] != tag:
            self.fault("</%s> where <%s> is open" % (tag, self.open[-1] if self.open else ""))
            if tag not in self.open:
                return
        while self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style = (self.style or "") + data
        elif re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufffd]", data):
            self.fault("a character that cannot be seen: %r" % data)
        elif "<" in data or ">" in data or "&" in data:
            self.fault("not escaped: %r" % data)
        elif data.strip() and self.open and self.open[-1] in ("table", "tbody", "thead", "tr", "ul", "ol", "dl"):
            self.fault("text in <%s>: %r" % (self.open[-1], data))


def check(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    page = Page()
    page.feed(text)
    page.close()
    faults = page.faults
    if page.doctype != "DOCTYPE html":
        faults.append("no doctype")
    if page.open:
        faults.append("still open at the end: %s" % page.open)
    digest = base64.b64encode(hashlib.sha256((page.style or "").encode()).digest()).decode()
    policy = "default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'" % digest
    if page.policy != policy:
        faults.append("policy %r, not %r" % (page.policy, policy))
    for word in ("url(", "@import", "http:", "https:", "//"):
        if word in (page.style or ""):
            faults.append("the style has %s" % word)
    for link in page.links:
        if not link.startswith("#") or link[1:] not in page.ids:
            faults.append("the link %r leads nowhere, or away" % link)
    if page.headings[:1] != [1] or page.headings.count(1) != 1:
        faults.append("not one h1, first")
    for before, after in zip(page.headings, page.headings[1:]):
        if after > before + 1:
            faults.append("h%d after h%d" % (after, before))
    return faults


wrong = False
for name in sys.argv[1:]:
    for fault in check(name):
        print("%s: %s" % (name, fault))
        wrong = True
sys.exit(wrong or len(sys.argv) < 2)

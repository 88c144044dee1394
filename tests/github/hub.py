# SPDX-License-Identifier: PostgreSQL
"""What the fake GitHub of fake.py keeps and answers: repositories with issues, labels and comments, as GitHub's REST description
and its error texts have them. No network here."""
import datetime
import json
import random
import re
import threading
import time
import urllib.parse

TITLE_MAX, BODY_MAX, PER_PAGE_MAX = 256, 65536, 100
API_VERSIONS = ("2022-11-28", "2026-03-10")
DOCS = "https://docs.github.com/rest"
SETTINGS = {  # of a repository, with their defaults
    "issues": True,           # the repository has issues
    "hidden": False,          # the token must not see it
    "read_only": False,       # the token must not write
    "drop_labels": False,     # the token may open issues, but its labels are dropped
    "moved_to": None,         # "owner/name"
    "redirect_base": None,    # where the redirects of a moved repository lead: another server
}


class Answer(Exception):
    """What is sent back: raised to end a request early, returned otherwise."""

    def __init__(self, status, body, headers=None):
        super().__init__(status)
        self.status, self.body, self.headers = status, body, headers or {}


def refuse(status, message, errors=None, headers=None):
    body = {"message": message, "documentation_url": DOCS, "status": str(status)}
    if errors:
        body["errors"] = errors
    return Answer(status, body, headers)


def invalid(resource, field, code, message=None):
    error = {"resource": resource, "field": field, "code": code}
    if message:
        error["message"] = message
    return refuse(422, "Validation Failed", [error])


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def without(record, *keys):
    return {key: value for key, value in record.items() if key not in keys}


class Hub:
    """Everything that is stored, as plain JSON, so that it can be shown, kept and put back as a whole."""

    def __init__(self):
        self.lock = threading.RLock()
        self.reset()

    def reset(self):
        self.state = {"clock": None, "authority": None, "token": None, "jitter_ms": 0, "next_id": 1000, "repos": {}}
        self.faults, self.log, self.random = [], [], random.Random(1)

    def now(self):
        return int(time.time()) if self.state["clock"] is None else self.state["clock"]

    def new_id(self):
        self.state["next_id"] += 1
        return self.state["next_id"]

    def repo(self, name):
        repos = self.state["repos"]
        if name not in repos:
            repos[name] = {"id": self.new_id(), "settings": dict(SETTINGS), "labels": {}, "issues": {}, "next_number": 1}
        return repos[name]

    def make_label(self, repo, name, color="ededed", description=None):
        label = {"id": self.new_id(), "name": name, "color": color, "description": description}
        repo["labels"][name.lower()] = label
        return label

    def make_labels(self, repo, names):
        """Those that are missing: an issue's labels come into being with it."""
        for name in names:
            if name.lower() not in repo["labels"]:
                self.make_label(repo, name)

    def make_issue(self, repo, title, body=None, labels=(), **more):
        """An issue with the names of its labels; `more` is for seeded ones: state, state_reason, pull_request, ..."""
        self.make_labels(repo, labels)
        now = rfc3339(self.now())
        issue = {
            "id": self.new_id(), "number": repo["next_number"], "title": title, "body": body, "labels": list(labels), "state": "open",
            "state_reason": None, "created_at": now, "updated_at": now, "closed_at": None, "comments": [], "pull_request": False,
            "deleted": False, "user": "driftcheck-bot", "association": "NONE",
        }
        issue.update(more)
        if issue["state"] == "closed" and issue["closed_at"] is None:
            issue["closed_at"] = issue["updated_at"]
        repo["issues"][str(issue["number"])] = issue
        repo["next_number"] += 1
        return issue


class Api:
    """The calls, each for one repository. Methods answer with (status, body[, headers])."""

    def __init__(self, hub, name, base):
        self.hub, self.name, self.base = hub, name, base
        self.repo = hub.repo(name)
        self.url = f"{base}/repos/{name}"

    # --- objects as GitHub shows them

    def user(self, login):
        url = f"{self.base}/users/{login}"
        names = ("followers", "following", "gists", "starred", "subscriptions", "organizations", "repos", "events", "received_events")
        return {
            "login": login, "id": 1, "node_id": "U_1", "avatar_url": f"{url}/avatar", "gravatar_id": "", "url": url, "html_url": url,
            "type": "Bot" if login.endswith("-bot") else "User", "site_admin": False, **{f"{name}_url": f"{url}/{name}" for name in names},
        }

    def label(self, label):
        url = f"{self.url}/labels/{urllib.parse.quote(label['name'], safe='')}"
        return {**label, "node_id": f"LA_{label['id']}", "url": url, "default": False}

    def issue(self, issue):
        url = f"{self.url}/issues/{issue['number']}"
        shown = without(issue, "comments", "pull_request", "deleted", "user", "association", "labels")
        shown.update({
            "node_id": f"I_{issue['id']}", "url": url, "repository_url": self.url, "labels_url": f"{url}/labels{{/name}}",
            "comments_url": f"{url}/comments", "events_url": f"{url}/events", "html_url": f"{self.base}/{self.name}/issues/{issue['number']}",
            "labels": [self.label(self.repo["labels"][name.lower()]) for name in issue["labels"]], "user": self.user(issue["user"]),
            "assignee": None, "assignees": [], "milestone": None, "locked": False, "active_lock_reason": None,
            "comments": len(issue["comments"]), "author_association": issue["association"], "performed_via_github_app": None,
        })
        if issue["pull_request"]:
            pull = f"{self.url}/pulls/{issue['number']}"
            shown["pull_request"] = {"url": pull, "html_url": pull, "diff_url": f"{pull}.diff", "patch_url": f"{pull}.patch"}
        return shown

    def comment(self, number, comment):
        url = f"{self.url}/issues/comments/{comment['id']}"
        return {
            **without(comment, "user"), "node_id": f"IC_{comment['id']}", "url": url, "html_url": f"{url}.html",
            "issue_url": f"{self.url}/issues/{number}", "user": self.user(comment["user"]), "author_association": "NONE",
        }

    # --- issues

    def found(self, number):
        issue = self.repo["issues"].get(number)
        if issue is None:
            raise refuse(404, "Not Found")
        if issue["deleted"]:
            raise refuse(410, "This issue was deleted")
        return issue

    def check_text(self, fields, required):
        if required and not fields.get("title"):
            raise invalid("Issue", "title", "missing_field")
        for field, most in (("title", TITLE_MAX), ("body", BODY_MAX)):
            value = fields.get(field)
            if value is not None and not isinstance(value, str):
                raise refuse(422, f"Invalid request.\n\nFor 'properties/{field}', {json.dumps(value)} is not a string.")
            if value is not None and len(value) > most:
                raise invalid("Issue", field, "custom", f"{field} is too long (maximum is {most} characters)")

    def list_issues(self, query, _):
        wanted = {"state": "open", "direction": "desc", "per_page": "30", "page": "1", "sort": "created", "labels": "", **query}
        labels = [name.lower() for name in wanted["labels"].split(",") if name]
        found = [issue for issue in self.repo["issues"].values() if
                 not issue["deleted"] and wanted["state"] in ("all", issue["state"]) and
                 issue["updated_at"] >= wanted.get("since", "") and
                 set(labels) <= {name.lower() for name in issue["labels"]}]
        key = {"created": "created_at", "updated": "updated_at"}.get(wanted["sort"])
        if key is None or wanted["state"] not in ("open", "closed", "all"):
            raise refuse(422, "Validation Failed")
        found.sort(key=lambda issue: (issue[key], issue["number"]), reverse=wanted["direction"] != "asc")
        return self.page("issues", query, wanted, [self.issue(issue) for issue in found])

    def page(self, path, query, wanted, items):
        size, page = min(int(wanted["per_page"]), PER_PAGE_MAX), int(wanted["page"])
        last = max(1, -(-len(items) // size))
        links = {"prev": page - 1, "first": 1} if page > 1 else {}
        links.update({"next": page + 1, "last": last} if page < last else {})
        url = f"{self.url}/{path}"
        line = ", ".join(f'<{url}?{urllib.parse.urlencode({**query, "page": at})}>; rel="{rel}"' for rel, at in links.items())
        return Answer(200, items[(page - 1) * size:page * size], {"Link": line} if line else {})

    def create_issue(self, _, fields):
        if not self.repo["settings"]["issues"]:
            raise refuse(410, "Issues are disabled for this repo")
        self.check_text(fields, True)
        labels = fields.get("labels", [])
        if not isinstance(labels, list):
            raise refuse(422, "Invalid request.\n\nFor 'properties/labels', it is not an array.")
        dropped = self.repo["settings"]["drop_labels"]
        issue = self.hub.make_issue(self.repo, fields["title"], fields.get("body"), [] if dropped else labels)
        return Answer(201, self.issue(issue), {"Location": f"{self.url}/issues/{issue['number']}"})

    def get_issue(self, _, __, number):
        return Answer(200, self.issue(self.found(number)))

    def update_issue(self, _, fields, number):
        issue = self.found(number)
        self.check_text(fields, False)
        self.hub.make_labels(self.repo, fields.get("labels", []))
        for field in ("title", "body", "labels"):
            if field in fields:
                issue[field] = fields[field]
        state = fields.get("state", issue["state"])
        if state not in ("open", "closed"):
            raise invalid("Issue", "state", "invalid")
        if state != issue["state"]:
            issue["state"] = state
            issue["state_reason"] = fields.get("state_reason") or ("completed" if state == "closed" else "reopened")
            issue["closed_at"] = rfc3339(self.hub.now()) if state == "closed" else None
        issue["updated_at"] = rfc3339(self.hub.now())
        return Answer(200, self.issue(issue))

    # --- comments

    def list_comments(self, query, _, number):
        issue = self.found(number)
        wanted = {"per_page": "30", "page": "1", **query}
        comments = [comment for comment in issue["comments"] if comment["updated_at"] >= query.get("since", "")]
        return self.page(f"issues/{number}/comments", query, wanted, [self.comment(number, comment) for comment in comments])

    def create_comment(self, _, fields, number):
        issue = self.found(number)
        body = fields.get("body")
        if not isinstance(body, str) or body == "":
            raise invalid("IssueComment", "body", "missing_field")
        if len(body) > BODY_MAX:
            raise refuse(422, "Validation Failed", [{"resource": "IssueComment", "code": "unprocessable", "field": "data",
                                                     "message": f"Body is too long (maximum is {BODY_MAX} characters)"}])
        now = rfc3339(self.hub.now())
        comment = {"id": self.hub.new_id(), "body": body, "created_at": now, "updated_at": now, "user": "driftcheck-bot"}
        issue["comments"].append(comment)
        issue["updated_at"] = now
        return Answer(201, self.comment(number, comment))

    # --- labels

    def add_labels(self, _, fields, number):
        issue = self.found(number)
        names = fields if isinstance(fields, list) else fields.get("labels")
        if not isinstance(names, list):
            raise refuse(422, "Validation Failed")
        names = [] if self.repo["settings"]["drop_labels"] else names
        self.hub.make_labels(self.repo, names)
        for name in names:
            if name.lower() not in {other.lower() for other in issue["labels"]}:
                issue["labels"].append(name)
        return Answer(200, [self.label(self.repo["labels"][name.lower()]) for name in issue["labels"]])

    def create_label(self, _, fields):
        name = fields.get("name")
        if not isinstance(name, str) or name == "":
            raise invalid("Label", "name", "missing_field")
        if name.lower() in self.repo["labels"]:
            raise invalid("Label", "name", "already_exists")
        if not re.fullmatch("[0-9a-fA-F]{6}", fields.get("color", "ededed")):
            raise invalid("Label", "color", "invalid")
        if len(fields.get("description") or "") > 100:
            raise invalid("Label", "description", "custom", "description is too long (maximum is 100 characters)")
        label = self.hub.make_label(self.repo, name, fields.get("color", "ededed"), fields.get("description"))
        return Answer(201, self.label(label))

    def get_label(self, _, __, name):
        label = self.repo["labels"].get(urllib.parse.unquote(name).lower())
        if label is None:
            raise refuse(404, "Not Found")
        return Answer(200, self.label(label))


ROUTES = [  # method, the path after /repos/OWNER/NAME/, the function
    ("GET", "issues", Api.list_issues), ("POST", "issues", Api.create_issue), ("GET", r"issues/(\d+)", Api.get_issue),
    ("PATCH", r"issues/(\d+)", Api.update_issue), ("GET", r"issues/(\d+)/comments", Api.list_comments),
    ("POST", r"issues/(\d+)/comments", Api.create_comment), ("POST", r"issues/(\d+)/labels", Api.add_labels),
    ("POST", "labels", Api.create_label), ("GET", r"labels/([^/]+)", Api.get_label),
]


def moved(hub, name, rest, method, target, base):
    """The answer for a repository that was renamed: its new address goes by its number, as GitHub's does."""
    settings = hub.repo(name)["settings"]
    new = hub.repo(settings["moved_to"])
    query = urllib.parse.urlsplit(target).query
    url = f"{settings['redirect_base'] or base}/repositories/{new['id']}/{rest}" + (f"?{query}" if query else "")
    status = 301 if method == "GET" else 307
    return Answer(status, {"message": "Moved Permanently" if status == 301 else "Temporary Redirect", "url": url,
                           "documentation_url": DOCS}, {"Location": url})


def call_api(hub, method, target, headers, raw, base):
    """One call of the API, under the hub's lock; `target` without the prefix."""
    if not headers.get("User-Agent"):
        raise refuse(403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
    token = headers.get("Authorization", "").partition(" ")[2]
    if not token or hub.state["token"] not in (None, token):
        raise refuse(401, "Bad credentials" if token else "Requires authentication")
    if headers.get("X-GitHub-Api-Version", API_VERSIONS[0]) not in API_VERSIONS:
        raise refuse(400, "The API version is not supported")
    path = urllib.parse.urlsplit(target)
    if method == "GET" and path.path == "/rate_limit":
        rate = {"limit": 5000, "used": 1, "remaining": 4999, "reset": hub.now() + 3600}
        return Answer(200, {"resources": {"core": rate, "search": rate}, "rate": rate})
    by_name, by_id = re.match(r"/repos/([^/]+/[^/]+)/(.+)", path.path), re.match(r"/repositories/(\d+)/(.+)", path.path)
    if by_id:
        named = [name for name, repo in hub.state["repos"].items() if repo["id"] == int(by_id[1])]
        name, rest = (named[0] if named else None), by_id[2]
    else:
        name, rest = (by_name[1], by_name[2]) if by_name else (None, None)
    if name is None or hub.repo(name)["settings"]["hidden"]:
        raise refuse(404, "Not Found")
    settings = hub.repo(name)["settings"]
    if settings["moved_to"]:
        raise moved(hub, name, rest, method, target, base)
    if settings["read_only"] and method != "GET":
        raise refuse(403, "Resource not accessible by integration", headers={"X-Accepted-GitHub-Permissions": "issues=write"})
    fields = {}
    if raw:
        try:
            fields = json.loads(raw)
        except ValueError:
            raise refuse(400, "Problems parsing JSON") from None
    query = dict(urllib.parse.parse_qsl(path.query, keep_blank_values=True))
    for its_method, pattern, function in ROUTES:
        match = re.fullmatch(pattern, rest)
        if match and its_method == method:
            return function(Api(hub, name, base), query, fields, *match.groups())
    raise refuse(404, "Not Found")

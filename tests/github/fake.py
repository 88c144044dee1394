#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""A stateful stand-in for GitHub's issues, for tests. One HTTP/1.1 server on the loopback interface that keeps repositories with
issues, labels and comments (hub.py), and does on demand what networks and GitHub do to their users: lose a request or an answer,
cut it, delay it, refuse it, move a repository. A test steers it and asks it under /_ctl/ (see CONTROL below). It is strongly
consistent: what was written is seen by the next listing.

    fake.py [--port N] [--prefix /api/v3] [--tls CERT KEY]     prints its port, then serves until it is ended
    fake.py ctl PORT CALL [JSON]                               one call of the control plane

Not here: search, code scanning, tokens of apps; whoever is authorized is one and the same user."""
import http.server
import json
import re
import socket
import ssl
import struct
import sys
import time
import urllib.request

sys.dont_write_bytecode = True
from hub import Answer, Api, Hub, call_api, refuse, without

# The control plane: POST /_ctl/NAME with a JSON body, or GET.

def ctl_fault(hub, body):
    """{match: regular expression over "METHOD path" without the query, kind, times (1), skip (0): how many to let pass first,
    and for kind status: status, headers, body; for delay: ms}. Kinds: status; drop_before: cut, nothing was done; drop_after:
    done, and the answer lost; truncate: done, and half of the answer's body sent; garbage: nothing done, 200 with HTML;
    delay."""
    hub.faults.append({"times": 1, "skip": 0, **body})


def ctl_set(hub, body):
    """Settings of the repository {repo: ...} (see SETTINGS), or without one of the hub: clock (seconds since 1970), authority
    (in Link and URLs), token (the only one that is accepted), jitter_ms (each answer waits a random time up to this)."""
    where = hub.repo(body["repo"])["settings"] if "repo" in body else hub.state
    for key, value in without(body, "repo").items():
        if key not in where:
            raise refuse(400, f"there is no setting {key}")
        where[key] = value
    if body.get("moved_to"):
        move(hub, body["repo"], body["moved_to"])


def move(hub, old, new):
    """All that a repository holds goes along; the old name only knows the new one."""
    repos = hub.state["repos"]
    if new not in repos:
        moved = repos.pop(old)
        repos[new] = {**moved, "settings": {**moved["settings"], "moved_to": None, "redirect_base": None}}
        hub.repo(old)["settings"].update({key: moved["settings"][key] for key in ("moved_to", "redirect_base")})


def ctl_seed(hub, body):
    """{repo, times (1), and of the issue: title, body, labels, state, state_reason, pull_request, deleted, ...}"""
    repo = hub.repo(body["repo"])
    return [hub.make_issue(repo, **without(body, "repo", "times"))["number"] for _ in range(body.get("times", 1))]


def ctl_edit(hub, body):
    """{repo, number, and what a person changes}: as update does, or with `comment` a person's comment."""
    repo = hub.repo(body["repo"])
    issue = repo["issues"][str(body["number"])]
    if "comment" in body:
        Api(hub, body["repo"], "").create_comment({}, {"body": body["comment"]}, str(body["number"]))
        issue["comments"][-1]["user"] = "octocat"
    fields = without(body, "repo", "number", "comment")
    if "deleted" in fields:
        issue["deleted"] = fields.pop("deleted")
    if fields:
        Api(hub, body["repo"], "").update_issue({}, fields, str(body["number"]))


def ctl_load(hub, body):
    """Puts back what /_ctl/state has shown; the log begins anew and no fault is planted."""
    hub.reset()
    hub.state = body


CONTROL = {
    "fault": ctl_fault, "set": ctl_set, "seed": ctl_seed, "edit": ctl_edit, "load": ctl_load,
    "log": lambda hub, _: hub.log, "state": lambda hub, _: hub.state, "reset": lambda hub, _: hub.reset(),
    "clear": lambda hub, _: (hub.log.clear(), hub.faults.clear()) and None,
}


def brief(body):
    """Of an answer, for the log: the number of the issue, or those of a list."""
    if isinstance(body, list):
        return [item.get("number", item["id"]) for item in body]
    return body.get("number", body.get("message"))


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body of an answer go out together: apart, the second waits for the first to be acknowledged

    def log_message(self, *_):
        pass

    def setup(self):
        if self.server.tls is not None:
            self.request.settimeout(10)
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            self.request.settimeout(None)
        super().setup()

    def cut(self, reset):
        """Ends the connection: with a reset, as a network does, or in good order."""
        self.close_connection = True
        if reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def send(self, answer, cut_body=False, as_is=False):
        body = answer.body if as_is else json.dumps(answer.body)
        data = body.encode()
        hub = self.server.hub
        self.send_response(answer.status)
        headers = {
            "Content-Type": "application/json; charset=utf-8", "X-GitHub-Request-Id": f"FAKE:{len(hub.log)}",
            "X-RateLimit-Limit": "5000", "X-RateLimit-Remaining": str(max(0, 5000 - len(hub.log))),
            "X-RateLimit-Used": str(len(hub.log)), "X-RateLimit-Reset": str(hub.now() + 3600), "X-RateLimit-Resource": "core",
            "Content-Length": str(len(data)), **answer.headers,
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data[:len(data) // 2] if cut_body else data)
        self.wfile.flush()

    def control(self, name, raw):
        hub = self.server.hub
        try:
            with hub.lock:
                result = CONTROL[name](hub, json.loads(raw) if raw else {})
                answer = Answer(200, json.loads(json.dumps(result)))
        except (KeyError, TypeError, ValueError) as error:
            answer = Answer(400, {"message": repr(error)})
        except Answer as refused:
            answer = refused
        self.send(answer)

    def noted(self, raw):
        """The request's entry in the log, made as it comes in."""
        path, _, query = self.path.partition("?")
        try:
            body = json.loads(raw) if raw else None
        except ValueError:
            body = raw.decode(errors="replace")
        headers = {name.lower(): value for name, value in self.headers.items()}
        if "authorization" in headers:
            headers["authorization"] = headers["authorization"].partition(" ")[0] + " ***"
        entry = {"time": self.server.hub.now(), "method": self.command, "path": path, "query": query, "headers": headers,
                 "body": body, "status": None, "fault": None, "answer": None}
        self.server.hub.log.append(entry)
        return entry

    def planted(self, entry):
        """The fault that strikes this request, counted down."""
        for fault in self.server.hub.faults:
            if fault["times"] > 0 and re.search(fault["match"], f"{entry['method']} {entry['path']}"):
                if fault["skip"] > 0:
                    fault["skip"] -= 1
                    continue
                fault["times"] -= 1
                return fault
        return {"kind": None}

    def serve(self):
        hub, prefix = self.server.hub, self.server.prefix
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.startswith("/_ctl/"):
            self.control(self.path[len("/_ctl/"):], raw)
            return
        with hub.lock:
            entry = self.noted(raw)
            fault = self.planted(entry)
            entry["fault"] = kind = fault["kind"]
            wait_ms = fault.get("ms", 0) if kind == "delay" else hub.random.uniform(0, hub.state["jitter_ms"])
            base = f"{hub.state['authority'] or self.server.scheme + '://' + self.headers.get('Host', '')}{prefix}"
        time.sleep(wait_ms / 1000)
        if kind == "drop_before":
            self.cut(True)
            return
        if kind == "garbage":
            entry["status"] = 200
            self.send(Answer(200, "<!DOCTYPE html><title>Log in to the network</title>", {"Content-Type": "text/html"}), as_is=True)
            return
        if kind == "status":
            entry["status"] = fault["status"]
            self.send(Answer(fault["status"], fault.get("body", {"message": "planted"}), fault.get("headers")))
            return
        with hub.lock:
            try:
                if not self.path.startswith(prefix + "/"):
                    raise refuse(404, "Not Found")
                answer = call_api(hub, self.command, self.path[len(prefix):], self.headers, raw, base)
            except Answer as refused:
                answer = refused
            except (ValueError, AttributeError) as error:
                answer = refuse(422, f"Invalid request: {error}")
            entry["status"], entry["answer"] = answer.status, brief(answer.body)
        if kind != "drop_after":
            self.send(answer, cut_body=kind == "truncate")
        if kind in ("drop_after", "truncate"):
            self.cut(kind == "drop_after")

    def do_GET(self):
        self.serve()

    do_POST = do_PATCH = do_PUT = do_DELETE = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port, prefix, tls):
        super().__init__(("127.0.0.1", port), Handler)
        self.hub, self.prefix, self.tls, self.scheme = Hub(), prefix, None, "https" if tls else "http"
        if tls:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*tls)

    def shutdown_request(self, request):
        """Closes at once, without the farewell that would go before a reset."""
        self.close_request(request)

    def handle_error(self, request, client_address):
        """A peer that goes away, or that trusts no certificate, is no trouble of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def control(port, call, body=None, scheme="http"):
    """One call of the control plane of a fake on this machine; `body` is plain data."""
    data = None if body is None else json.dumps(body).encode()
    trusting = urllib.request.HTTPSHandler(context=ssl._create_unverified_context())
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), trusting)
    with opener.open(f"{scheme}://127.0.0.1:{port}/_ctl/{call}", data, 60) as answer:
        return json.load(answer)


def main(words):
    if words[:1] == ["ctl"]:
        print(json.dumps(control(int(words[1]), words[2], json.loads(words[3]) if words[3:] else None)))
        return
    port, prefix, tls = 0, "", None
    while words:
        option = words.pop(0)
        if option == "--port":
            port = int(words.pop(0))
        elif option == "--prefix":
            prefix = words.pop(0)
        elif option == "--tls":
            tls = [words.pop(0), words.pop(0)]
        else:
            sys.exit(f"fake.py: unknown option {option}")
    server = Server(port, prefix, tls)
    print(server.server_address[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])

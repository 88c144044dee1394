#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""A chat that takes messages as Slack's incoming webhooks do, on a port of its own, which is the first line that it prints.

chat.py FOLDER: each body goes into FOLDER/1.json, 2.json, ... The answers are the lines of FOLDER/answers, the first line being
taken away each time: a status, or `cut` (the body is read, and no answer comes); where there is none, 200.
"""
import http.server
import os
import sys

FOLDER = sys.argv[1]


class Chat(http.server.BaseHTTPRequestHandler):
    n = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Chat.n += 1
        with open(f"{FOLDER}/{Chat.n}.json", "wb") as file:
            file.write(body)
        answers = open(f"{FOLDER}/answers").read().split("\n") if os.path.exists(f"{FOLDER}/answers") else [""]
        with open(f"{FOLDER}/answers", "w") as file:
            file.write("\n".join(answers[1:]))
        if answers[0] == "cut":
            self.close_connection = True
            return
        status = int(answers[0] or 200)
        text = b"ok" if status == 200 else b"no_service\n::error::x"
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        if status == 429:
            self.send_header("Retry-After", "7")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Chat)
print(server.server_address[1], flush=True)
server.serve_forever()

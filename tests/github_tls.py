#!/usr/bin/env python3
# SPDX-License-Identifier: PostgreSQL
"""The GitHub sink on the wire: certificates, proxies, and that the token goes to nobody else. The certificates are made here,
by openssl. Usage: github_tls.py [part of a test's name]"""
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import threading

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "github"))
import lab
from lab import REPO, TOKEN, VIP, equal, expect, test


def certificate(world, *names, days=10):
    """A certificate for these names, signed by itself, and its key."""
    cert, key = world.here / "cert.pem", world.here / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key,
                    "-out", cert, "-days", str(days), "-subj", "/CN=test", "-addext", f"subjectAltName={','.join(names)}"],
                   check=True, capture_output=True)
    return cert, key


class Secure:
    """A fake GitHub behind TLS, for the length of a test."""

    def __init__(self, world, *names):
        self.cert, key = certificate(world, *names)
        self.fake = lab.Fake(tls=(self.cert, key))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.fake.stop()


def trust(secure, variable="CURL_CA_BUNDLE", **more):
    return {"GITHUB_API_URL": secure.fake.url, variable: str(secure.cert), **more}


def n_issues(secure):
    return len(secure.fake.ctl("state")["repos"].get(REPO, {"issues": ()})["issues"])


@test("a certificate that nobody vouches for: refused before the token is sent", direct=True)
def _(world):
    world.drifted(VIP)
    with Secure(world, "IP:127.0.0.1") as secure:
        night = world.night(status=2, env={"GITHUB_API_URL": secure.fake.url})
        equal(secure.fake.log(), [], "calls that arrived")
        expect("certificate" in (night.out + night.err).lower(), "the message does not speak of the certificate")
        world.kept()


for variable in ("CURL_CA_BUNDLE", "SSL_CERT_FILE"):
    @test(f"a certificate that {variable} vouches for: accepted", direct=True)
    def _(world, variable=variable):
        world.drifted(VIP)
        with Secure(world, "IP:127.0.0.1") as secure:
            world.night(status=1, env=trust(secure, variable))
            equal(n_issues(secure), 1, "issues")


@test("a certificate for another host: refused before the token is sent", direct=True)
def _(world):
    world.drifted(VIP)
    with Secure(world, "DNS:github.example.com", "IP:127.0.0.2") as secure:
        world.night(status=2, env=trust(secure))
        equal(secure.fake.log(), [], "calls that arrived")
        world.kept()


@test("what turns checks off elsewhere does not here", direct=True)
def _(world):
    world.drifted(VIP)
    (world.here / ".curlrc").write_text("insecure\n")
    with Secure(world, "DNS:github.example.com") as secure:
        env = {"GITHUB_API_URL": secure.fake.url, "CURL_INSECURE": "1", "GIT_SSL_NO_VERIFY": "1", "NODE_TLS_REJECT_UNAUTHORIZED": "0"}
        world.night(status=2, env=env)
        equal(secure.fake.log(), [], "calls that arrived")


@test("a server that knows nothing newer than TLS 1.1: refused", direct=True)
def _(world):
    world.drifted(VIP)
    cert, key = certificate(world, "IP:127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    with Listener(lambda peer: context.wrap_socket(peer, server_side=True).recv(4096)) as old:
        world.night(status=2, env={"GITHUB_API_URL": f"https://127.0.0.1:{old.port}", "CURL_CA_BUNDLE": str(cert)})
        expect(old.n_peers > 0, "it was not even asked")
        equal(old.heard, [], "what it heard")


@test("from https back to http: not followed", direct=True)
def _(world):
    world.drifted(VIP)
    with Secure(world, "IP:127.0.0.1") as secure:
        secure.fake.ctl("set", repo=REPO, moved_to="new/home", redirect_base=world.fake.url)
        world.night(status=2, env=trust(secure))
        equal(world.fake.log(), [], "calls over http")


@test("a password in ~/.netrc for the host is not used", direct=True)
def _(world):
    world.drifted(VIP)
    (world.here / ".netrc").write_text("machine 127.0.0.1 login somebody password swordfish\n")
    (world.here / ".netrc").chmod(0o600)
    world.fake.ctl("set", token=TOKEN)
    world.night(status=1)
    world.the_open()


# --- proxies

class Listener:
    """A server that does one thing with whoever connects, and keeps what the function returns."""

    def __init__(self, function):
        self.function, self.heard, self.n_peers = function, [], 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]

    def serve(self):
        while True:
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.n_peers += 1
            threading.Thread(target=self.one, args=(peer,), daemon=True).start()

    def one(self, peer):
        with peer:
            try:
                self.heard.append(self.function(peer))
            except OSError:
                pass

    def __enter__(self):
        threading.Thread(target=self.serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.socket.close()


def pump(source, target):
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def tunnel(heads, to_port):
    """What a proxy does with a CONNECT: whatever host it is told, this one has only one to go to."""
    def serve(peer):
        head = b""
        while b"\r\n\r\n" not in head:
            data = peer.recv(4096)
            if not data:
                return
            head += data
        heads.append(head.decode())
        with socket.create_connection(("127.0.0.1", to_port)) as there:
            peer.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(there, peer), daemon=True)
            back.start()
            pump(peer, there)
            back.join()
    return serve


@test("a proxy from https_proxy: all goes through it, and it does not get the token", direct=True)
def _(world):
    world.drifted(VIP)
    heads = []
    with Secure(world, "DNS:github.example.com") as secure, Listener(tunnel(heads, secure.fake.port)) as proxy:
        world.night(status=1, env=trust(secure, GITHUB_API_URL="https://github.example.com/",
                                        https_proxy=f"http://127.0.0.1:{proxy.port}"))
        equal(n_issues(secure), 1, "issues")
        expect(heads and all(head.startswith("CONNECT github.example.com:443 ") for head in heads), f"the proxy was told {heads}")
        expect(not any(TOKEN in head or "Authorization" in head.replace("Proxy-Authorization", "") for head in heads),
               "the proxy got the token")


@test("no_proxy is honoured", direct=True)
def _(world):
    world.drifted(VIP)
    with Listener(lambda peer: peer.recv(4096)) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        world.night(status=1, env={"http_proxy": address, "https_proxy": address, "all_proxy": address, "no_proxy": "127.0.0.1"})
        equal(proxy.n_peers, 0, "connections to the proxy")
        world.the_open()


@test("a proxy that is not there: told, kept", direct=True)
def _(world):
    world.drifted(VIP)
    with Secure(world, "DNS:github.example.com") as secure:
        world.night(status=2, env=trust(secure, GITHUB_API_URL="https://github.example.com", https_proxy="http://127.0.0.1:1"))
        world.kept()


if __name__ == "__main__":
    if shutil.which("openssl") is None:
        print("not ok - there is no openssl")
        sys.exit(1)
    lab.main(sys.argv[1:])

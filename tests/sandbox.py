#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""Runs the ExecStart of a systemd service under what its unit demands, without systemd: sandbox.py UNIT UID [ROOM].

As systemd does it: a read-only tree but for the state and cache folders, a /tmp of its own, another user, no capabilities, no new
privileges, and filters of system calls (the allow-list, write-and-execute memory, address families), the sets of calls being
those that systemd-analyze knows. ROOM is a folder that is put in the place of /srv first. A user of that id is made up for the
run, as nss-systemd does for dynamic users. Exit status: the program's; 77 where this machine lets nobody do this.
"""
import ctypes
import errno
import os
import shlex
import subprocess
import sys

import seccomp

CLONE_NEWNS, CLONE_NEWIPC = 0x00020000, 0x08000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 1, 32, 4096, 16384, 1 << 18
PR_SET_NO_NEW_PRIVS, PR_CAPBSET_DROP, CAPABILITIES = 38, 24, 64
PROT_WRITE, PROT_EXEC = 2, 4
libc = ctypes.CDLL(None, use_errno=True)


def refuse(what):
    print(f"sandbox: {what}: {os.strerror(ctypes.get_errno())}", file=sys.stderr)
    sys.exit(77)


def mount(source, target, kind, flags, data=None):
    encode = lambda text: None if text is None else text.encode()
    if libc.mount(encode(source), target.encode(), encode(kind), flags, encode(data)) != 0:
        refuse(f"mount {target}")


def read_unit(path):
    unit = {}
    for line in open(path):
        if "=" in line and not line.startswith("#"):
            key, value = line.strip().split("=", 1)
            unit.setdefault(key, []).append(value)
    return unit


def calls_of(name):
    """Of a set as systemd defines it, the sets in it included."""
    if not name.startswith("@"):
        return {name}
    listing = subprocess.run(["systemd-analyze", "syscall-filter", name], check=True, capture_output=True, text=True).stdout
    calls = set()
    for word in (line.strip() for line in listing.splitlines()[1:]):
        if word and not word.startswith("#"):
            calls |= calls_of(word)
    return calls


def filter_calls(unit):
    denied = seccomp.SyscallFilter(seccomp.ALLOW)
    if unit["MemoryDenyWriteExecute"] == ["yes"]:
        both, execute = PROT_WRITE | PROT_EXEC, PROT_EXEC
        denied.add_rule(seccomp.ERRNO(errno.EPERM), "mmap", seccomp.Arg(2, seccomp.MASKED_EQ, both, both))
        denied.add_rule(seccomp.ERRNO(errno.EPERM), "mprotect", seccomp.Arg(2, seccomp.MASKED_EQ, execute, execute))
    families = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10}
    allowed = {families[name] for name in unit["RestrictAddressFamilies"][0].split()}
    for family in set(range(64)) - allowed:
        denied.add_rule(seccomp.ERRNO(errno.EAFNOSUPPORT), "socket", seccomp.Arg(0, seccomp.EQ, family))
    calls = set()
    for value in unit["SystemCallFilter"]:
        for name in value.lstrip("~").split():
            calls = calls - calls_of(name) if value.startswith("~") else calls | calls_of(name)
    listed = seccomp.SyscallFilter(seccomp.ERRNO(errno.EPERM))
    for name in calls:
        try:
            listed.add_rule(seccomp.ALLOW, name)
        except RuntimeError:
            pass  # a call of another architecture
    denied.load()
    listed.load()


def main():
    unit, uid, room = read_unit(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    environment = dict(pair.split("=", 1) for value in unit["Environment"] for pair in shlex.split(value))
    environment = {name: value.replace("%d", "/srv/credentials") for name, value in environment.items()}
    environment.update(CREDENTIALS_DIRECTORY="/srv/credentials", PATH="/usr/local/bin:/usr/bin:/bin", HOME="/")
    environment.update(item.split("=", 1) for item in sys.argv[4:])
    writable = [environment["XDG_STATE_HOME"], environment["XDG_CACHE_HOME"]]
    passwd = os.path.join(room, "passwd")
    with open(passwd, "w") as file:
        file.write(open("/etc/passwd").read() + f"driftcheck:x:{uid}:{uid}::/:/usr/sbin/nologin\n")
    if libc.unshare(CLONE_NEWNS | CLONE_NEWIPC) != 0:
        refuse("unshare")
    mount(None, "/", None, MS_REC | MS_PRIVATE)
    mount(room, "/srv", None, MS_BIND | MS_REC)
    mount("/srv/passwd", "/etc/passwd", None, MS_BIND)
    for folder in writable:
        os.makedirs(folder, exist_ok=True)
        os.chown(folder, uid, uid)
        mount(folder, folder, None, MS_BIND)
    # ProtectSystem=strict: everything is read-only but /dev, /proc, /sys and what is mounted for the service
    for line in open("/proc/self/mountinfo").read().splitlines():
        at = line.split()[4]
        if at not in writable and not at.startswith(("/dev", "/proc", "/sys", "/tmp")):
            mount(None, at, None, MS_BIND | MS_REMOUNT | MS_RDONLY)
    for folder in ("/tmp", "/var/tmp"):
        mount("tmpfs", folder, "tmpfs", 0, "mode=1777")
    os.chdir(unit["WorkingDirectory"][0])
    for capability in range(CAPABILITIES):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)
    os.umask(int(unit["UMask"][0], 8))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        refuse("no new privileges")
    filter_calls(unit)
    command = shlex.split(unit["ExecStart"][0])
    os.execve(command[0], command, environment)


main()

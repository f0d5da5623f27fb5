# SPDX-License-Identifier: Apache-2.0
"""Programs on the server's own machine: the kernel says who they are."""
import contextlib
import json
import os
import re
import socket
import subprocess
import sys

import pytest

from world import daemon

# Another process, as another user: what it is told, step by step, as JSON.
CLIENT = r"""
import json, os, smtplib, socket, sys
path, uid, sender, header = sys.argv[1:]
os.setgroups([])
os.setresgid(int(uid), int(uid), int(uid))
os.setresuid(int(uid), int(uid), int(uid))
class Unix(smtplib.SMTP):
    def _get_socket(self, host, port, timeout):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20)
        s.connect(path)
        return s
said = {}
try:
    c = Unix("local", 25, "client.test")
    said["ehlo"] = c.ehlo("client.test")[1].decode()
    said["mail"] = c.mail(sender)[0]
    if said["mail"] == 250:
        c.rcpt("x@plain.test")
        code, text = c.data(("From: %s\r\nTo: x@plain.test\r\nSubject: local\r\n\r\nx\r\n" % header).encode())
        said["data"], said["text"] = code, text.decode()
except smtplib.SMTPConnectError as e:
    said["refused"], said["text"] = e.smtp_code, e.smtp_error.decode()
print(json.dumps(said))
"""


def send(d, uid, sender, header=None):
    r = subprocess.run([sys.executable, "-c", CLIENT, d.settings["local"]["socket"], str(uid), sender, header or sender], capture_output=True, text=True,
                       timeout=60)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)


@pytest.fixture
def local(make_sigillo):
    d = make_sigillo(start=False)
    d.settings["local"] = {"socket": os.path.join(d.folder, "smtp.sock")}
    at = d.folder
    while at != "/":  # other users have to get there
        os.chmod(at, os.stat(at).st_mode | 0o711)
        at = os.path.dirname(at)
    d.start()
    d.sender("process.test")
    d.json("local", "add", "backup", "--uid", "2034", "--domain", "process.test")
    return d


def test_each_uid_is_one_identity(local):
    d = local
    d.sender("other-process.test")
    d.json("local", "add", "shop", "--uid", "2035", "--domain", "other-process.test")
    told = send(d, 2034, "cron@process.test")
    assert told["data"] == 250 and "AUTH" not in told["ehlo"] and "STARTTLS" not in told["ehlo"]
    shown = d.show(daemon.queue_id(told["text"]))
    assert shown["identity"] == "local:backup" and shown["peer"] == "unix:uid=2034"
    assert send(d, 2035, "cron@process.test")["mail"] == 550
    assert send(d, 2034, "cron@other-process.test")["mail"] == 550
    assert send(d, 2034, "cron@process.test", header="cron@other-process.test")["data"] in (550, 554)
    assert send(d, 2035, "x@other-process.test")["data"] == 250
    usage = {r["identity"]: r["messages"] for r in d.json("report", "usage")["usage"]}
    assert usage == {"local:backup": 1, "local:shop": 1}


def test_who_is_not_known_is_turned_away(local):
    told = send(local, 2036, "cron@process.test")
    assert told["refused"] == 554
    assert "uid 2036 may not send here" in told["text"] and "sigillo local add NAME --uid 2036" in told["text"]
    assert send(local, 0, "cron@process.test")["refused"] == 554  # root is nobody else
    assert any(line.get("event") == "local process refused" and line["uid"] == 2036 for line in local.log())


def test_it_sends_as_its_senders(local):
    d = local
    d.cli("sender", "add", "backup@process.test", "--identity", "local:backup")
    assert send(d, 2034, "backup@process.test")["data"] == 250
    assert send(d, 2034, "boss@process.test")["mail"] == 550
    assert send(d, 2034, "backup@process.test", header="boss@process.test")["data"] in (550, 554)
    assert d.cli("policy", "test", "--identity", "local:backup", "--sender", "boss@process.test", ok=False).returncode == 1
    r = d.cli("local", "remove", "backup", ok=False)
    assert r.returncode == 1 and "backup@process.test" in r.stderr


def test_its_limits_and_its_audit(local):
    d = local
    d.cli("local", "set", "backup", "--profile", "managed-test")
    codes = [send(d, 2034, "cron@process.test") for _ in range(6)]
    assert sum(c.get("data") == 250 for c in codes) == 5
    assert (codes[5].get("data") or codes[5]["mail"]) in (450, 451, 452)
    lines = [e for e in d.json("report", "audit", "--since", "1h")["audit"] if e["object"] == "local:backup"]
    assert [e["action"] for e in lines][::-1] == ["local add", "local change"]
    assert lines[-1]["detail"] == "uid 2034; domains process.test"


def test_removed_while_it_is_connected(local):
    d = local
    with contextlib.closing(socket.socket(socket.AF_UNIX)) as s:
        s.settimeout(20)
        d.json("local", "add", "me", "--uid", str(os.geteuid()), "--domain", "process.test")
        s.connect(d.settings["local"]["socket"])
        f = s.makefile("rwb")
        assert f.readline().startswith(b"220 ")

        def ask(line):
            f.write(line + b"\r\n")
            f.flush()
            return f.readline()
        assert ask(b"HELO c").startswith(b"250 ")
        assert ask(b"MAIL FROM:<x@process.test>").startswith(b"250 ")
        assert ask(b"RSET").startswith(b"250 ")
        d.cli("local", "remove", "me")
        assert ask(b"MAIL FROM:<x@process.test>").startswith(b"550 ")


def test_what_people_see(local):
    d = local
    out = d.cli("local", "show", "backup").stdout
    assert re.search(r"^uid +2034$", out, re.M) and re.search(r"^socket +%s$" % re.escape(d.settings["local"]["socket"]), out, re.M)
    assert [one["uid"] for one in d.json("local", "list")["locals"]] == [2034]
    for args, said in (
            (["--domain", "process.test"], "--uid"),
            (["--uid", "1", "--user", "root", "--domain", "process.test"], "--uid"),
            (["--uid", "4294967295", "--domain", "process.test"], "--uid"),
            (["--uid", "-1", "--domain", "process.test"], "--uid"),
            (["--user", "nobody-at-all", "--domain", "process.test"], "--user"),
            (["--uid", "1"], "--domain"),
    ):
        r = d.cli("local", "add", "x", *args, ok=False)
        assert r.returncode == 2 and said in r.stderr, (args, r)
    assert d.json("local", "add", "root", "--user", "root", "--domain", "process.test")["uid"] == 0
    r = d.cli("local", "add", "again", "--uid", "2034", "--domain", "process.test", ok=False)
    assert r.returncode == 1 and "uid" in r.stderr


def test_the_socket_comes_and_goes_with_the_server(local):
    d = local
    path = d.settings["local"]["socket"]
    assert os.stat(path).st_mode & 0o777 == 0o666
    d.stop()
    assert not os.path.exists(path)
    d.start()
    assert send(d, 2034, "cron@process.test")["data"] == 250

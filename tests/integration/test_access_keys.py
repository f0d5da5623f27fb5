# SPDX-License-Identifier: Apache-2.0
"""Access keys: two secrets, replaced one at a time while programs go on sending."""
import base64
import datetime
import os
import re
import subprocess

from world import daemon
from world.internet import wait_for

MESSAGE = {"from": {"email": "news@keys.test"}, "to": ["x@plain.test"], "subject": "x", "text": "x"}


def sends(d, secret):
    return d.post("/v1/messages", MESSAGE, key=secret)[0]


def bytes_of(made):
    """Both forms are one secret."""
    found = re.fullmatch(r"endpoint=(https://[^;]+/);accesskey=(.+)", made["connection_string"])
    assert found[2] == made["access_key"]
    secret = base64.b64decode(found[2], validate=True)
    assert len(secret) == 32
    assert made["key"] == "sk_%s_%s" % (made["id"], base64.urlsafe_b64encode(secret).decode().rstrip("="))
    return secret, found[1]


def test_a_rotation_while_programs_send(make_sigillo):
    d = make_sigillo()
    d.sender("keys.test")
    first = d.json("key", "add", "--domain", "keys.test", "--label", "shop")
    secrets = {bytes_of(first)[0]}
    shown = d.json("key", "show", first["id"])
    assert shown["secondary"] is None and shown["primary"]["signs"] and shown["primary"]["used_on"] is None
    assert not any(name in shown for name in ("key", "access_key", "connection_string"))
    assert sends(d, first["key"]) == 202

    second = d.json("key", "rotate", first["id"])
    assert second["which"] == "secondary" and second["id"] == first["id"]
    secrets.add(bytes_of(second)[0])
    assert sends(d, first["key"]) == sends(d, second["key"]) == 202
    today = datetime.datetime.now(datetime.timezone.utc).date()
    days = {str(today), str(today - datetime.timedelta(days=1))}  # it may be midnight
    shown = d.json("key", "show", first["id"])
    assert shown["primary"]["used_on"] in days and shown["secondary"]["used_on"] in days

    third = d.json("key", "rotate", first["id"])
    assert third["which"] == "primary"
    secrets.add(bytes_of(third)[0])
    assert len(secrets) == 3
    assert sends(d, first["key"]) == 401
    assert sends(d, second["key"]) == sends(d, third["key"]) == 202

    d.restart()
    assert sends(d, first["key"]) == 401
    assert sends(d, second["key"]) == sends(d, third["key"]) == 202
    fourth = d.json("key", "rotate", first["id"], "--which", "primary")
    assert fourth["which"] == "primary"
    assert sends(d, third["key"]) == 401 and sends(d, second["key"]) == sends(d, fourth["key"]) == 202
    d.cli("key", "remove", first["id"])
    assert sends(d, second["key"]) == sends(d, fourth["key"]) == 401

    lines = [e for e in d.json("report", "audit", "--since", "1h")["audit"] if e["object"] == "key:" + first["id"]]
    assert [e["action"] for e in lines][::-1] == ["key add"] + ["key change"] * 3 + ["key remove"]
    assert "secret changed" in lines[1]["detail"]
    for name in ("log", "audit"):
        text = d.raw_log() if name == "log" else str(lines)
        for made in (first, second, third, fourth):
            assert made["access_key"] not in text and made["key"] not in text, name


def files_below(folder):
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            if os.path.isfile(path):
                with open(path, "rb") as f:
                    yield path, f.read()


def test_no_secret_stands_on_the_disk(make_sigillo):
    d = make_sigillo()
    d.sender("keys.test")
    made = [d.json("key", "add", "--domain", "keys.test")]
    made.append(d.json("key", "rotate", made[0]["id"]))
    seen = 0
    for path, content in files_below(d.folder):
        seen += made[0]["id"].encode() in content
        for one in made:
            raw = base64.b64decode(one["access_key"])
            for secret in (raw, one["access_key"].encode(), one["key"].encode(), one["key"].split("_", 2)[2].encode(), raw.hex().encode()):
                assert secret not in content, path
    assert seen > 0  # the store is among them


def test_what_people_see(make_sigillo):
    d = make_sigillo()
    d.sender("keys.test")
    out = d.cli("key", "add", "--domain", "keys.test").stdout
    key = re.search(r"^id +(\S+)$", out, re.M)[1]
    assert re.search(r"^key +sk_%s_[\w-]{43}$" % key, out, re.M)
    assert re.search(r"^connection string +endpoint=https://\S+/;accesskey=[\w+/]{43}=$", out, re.M)
    out = d.cli("key", "show", key).stdout
    assert re.search(r"^primary +\S+.* bearer, signature +not since the server started", out, re.M), out
    assert re.search(r"^secondary +not made yet", out, re.M), out
    out = d.cli("key", "rotate", key).stdout
    assert "It is the secondary secret; the primary one goes on working." in out
    assert "sigillo key rotate %s --which primary" % key in out
    assert d.cli("key", "rotate", key, "--which", "third", ok=False).returncode == 2
    assert d.cli("key", "rotate", "nobody", ok=False).returncode == 1
    assert d.cli("key", "show", "nobody", ok=False).returncode == 1


def test_who_may_rotate(world, make_sigillo):
    """An owner his own; a reader none; nobody that of another subscription."""
    d = make_sigillo(start=False)
    d.settings["listen https"] = {"door": "http", "address": ["%s:8443" % d.address], "tls": "implicit"}
    d.start()
    d.cli("subscription", "add", "acme")
    owner = d.json("key", "add", "--role", "owner", "--subscription", "acme")
    reader = d.json("key", "add", "--role", "reader", "--subscription", "acme")
    other = d.json("key", "add", "--role", "owner")

    def ask(who, verb, whom):
        r = subprocess.run([daemon.PROGRAM, "key", verb, whom["id"], "--server", "https://%s:8443" % d.address], capture_output=True,
                           text=True, env=dict(os.environ, SIGILLO_TOKEN=who["key"], SIGILLO_CA=world.ca.file), timeout=60)
        return "done" if r.returncode == 0 else "role" if "role" in r.stderr else "none" if "no such key" in r.stderr else r

    assert ask(reader, "rotate", reader) == ask(reader, "rotate", owner) == "role"
    assert ask(owner, "rotate", other) == ask(other, "rotate", owner) == "none"
    assert ask(owner, "rotate", reader) == ask(owner, "rotate", owner) == "done"
    assert ask(reader, "show", owner) == "done"
    assert ask(other, "show", owner) == "none"


def test_without_the_keys_process(make_sigillo):
    """No seal, no secret: nothing is half done, and it goes on by itself."""
    d = make_sigillo()
    d.sender("keys.test")
    made = d.json("key", "add", "--domain", "keys.test")
    for _ in range(3):
        d.kill("keys")
        answer = d.cli("key", "rotate", made["id"], "--which", "secondary", ok=False)
        assert answer.returncode in (0, 3), answer
        assert sends(d, made["key"]) in (202, 503)
    wait_for(lambda: sends(d, made["key"]), lambda status: status == 202, 20, "the keys process")
    assert d.json("key", "rotate", made["id"], "--which", "secondary")["which"] == "secondary"

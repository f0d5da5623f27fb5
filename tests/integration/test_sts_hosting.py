# SPDX-License-Identifier: Apache-2.0
"""MTA-STS policies that the server serves for its own domains: fetched by curl and by the rules of senders, changed, taken back."""
import json
import os
import subprocess

import pytest

from world import daemon

SETTINGS = {"verification": {"required": False, "pending": ["1h"], "interval": "1h", "timeout": "4s"}}


@pytest.fixture(scope="module")
def server(world, sigillo):
    world.dns.publish(sigillo.settings["hostname"], "A", sigillo.address)
    own = os.path.join(sigillo.folder, "own")
    os.mkdir(own)
    pair = world.ca.issue("mta-sts.hosted.test", "mta-sts.other-hosted.test", "mta-sts.bare-hosted.test")
    sigillo.settings["certificate policies"] = {"certificate": pair.certificate, "key": pair.key}
    sigillo.settings["listen https"] = {"door": "http", "address": ["%s:443" % sigillo.address], "tls": "implicit"}
    sigillo.restart()
    for name in ("hosted.test", "other-hosted.test", "uncovered-hosted.test", "bare-hosted.test"):
        sigillo.json("domain", "add", name)
    world.dns.publish("hosted.test", "MX", "10 MX1.hosted.test.", "20 mx2.hosted.test.")
    return sigillo


def sts(d, domain, *args, code=0):
    r = d.cli("domain", "mta-sts", domain, "--json", *args, ok=False)
    assert r.returncode == code, r.stdout + r.stderr
    return json.loads(r.stdout) if code == 0 else r.stderr


def fetch(d, domain, *args, host=None):
    """By curl, which proves the certificate: (status, header fields, body)."""
    host = host or "mta-sts." + domain
    r = subprocess.run(["curl", "-sS", "-i", "--cacert", d.world.ca.file, "--resolve", "%s:443:%s" % (host, d.address),
                        *args, "https://%s/.well-known/mta-sts.txt" % host], capture_output=True, timeout=20)
    if r.returncode != 0:
        return None, r.stderr.decode(), b""
    head, _, body = r.stdout.partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    return int(lines[0].split()[1]), dict(l.lower().split(": ", 1) for l in lines[1:]), body


def records(d, domain):
    return {row[0]: row[2] for row in d.records(domain) if "mta-sts" in row[0]}


def test_a_policy_is_made_of_what_takes_the_mail_and_served(world, server):
    assert sts(server, "hosted.test")["mode"] == "off" and records(server, "hosted.test") == {}
    assert fetch(server, "hosted.test")[0] == 404
    put = sts(server, "hosted.test", "--mode", "testing")
    assert put["mx"] == ["mx1.hosted.test", "mx2.hosted.test"] and put["certificate"] is True
    status, head, body = fetch(server, "hosted.test")
    assert status == 200 and head["content-type"] == "text/plain"
    assert body == (b"version: STSv1\r\nmode: testing\r\nmx: mx1.hosted.test\r\nmx: mx2.hosted.test\r\n"
                    b"max_age: 604800\r\n")
    assert "location" not in head and int(head["content-length"]) == len(body)
    status, head, body = fetch(server, "hosted.test", "--head")
    assert (status, head["content-type"], body) == (200, "text/plain", b"")
    rows = records(server, "hosted.test")
    assert put["id"] in rows["_mta-sts.hosted.test."] and rows["mta-sts.hosted.test."] == server.settings["hostname"] + "."


def test_what_dns_says_later_changes_nothing_by_itself(world, server):
    sts(server, "hosted.test", "--mode", "testing", "--look")
    world.dns.publish("hosted.test", "MX", "10 hijacked.evil.test.")
    server.cli("domain", "verify", "hosted.test", ok=False)
    one = sts(server, "hosted.test")
    assert "mx1.hosted.test" in one["mx"]
    two = sts(server, "hosted.test", "--mode", "enforce", "--max-age", "30d")
    assert two["mx"] == one["mx"] and two["max_age"] == 2592000 and two["id"] != one["id"]
    assert b"hijacked" not in fetch(server, "hosted.test")[2]
    world.dns.publish("hosted.test", "MX", "10 mx1.hosted.test.", "20 mx2.hosted.test.")
    three = sts(server, "hosted.test", "--mode", "enforce", "--mx", "*.Hosted.test", "--mx", "mx.elsewhere.test.")
    assert three["mx"] == ["*.hosted.test", "mx.elsewhere.test"] and three["max_age"] == 2592000


def test_nobody_else_gets_it(server):
    sts(server, "hosted.test", "--mode", "enforce", "--mx", "mx1.hosted.test")
    for host in ("mta-sts.other-hosted.test",):
        assert fetch(server, None, host=host)[0] == 404
    for field in ("mta-sts.nowhere.test", "hosted.test", "mta-sts.mta-sts.hosted.test", "mta-sts.", "x.hosted.test"):
        assert fetch(server, "hosted.test", "-H", "Host: " + field)[0] == 404, field
    for field in ("MTA-STS.Hosted.Test", "mta-sts.hosted.test:443", "mta-sts.hosted.test."):
        assert fetch(server, "hosted.test", "-H", "Host: " + field)[0] == 200, field
    assert fetch(server, "hosted.test", "-X", "POST", "-d", "x")[0] == 405
    plain = server.get("/.well-known/mta-sts.txt", headers={"Host": "mta-sts.hosted.test"})
    assert plain[0] == 404


def test_a_missing_certificate_is_told(server):
    put = sts(server, "uncovered-hosted.test", "--mode", "testing", "--mx", "mx.uncovered-hosted.test")
    assert put["certificate"] is False and "mta-sts.uncovered-hosted.test" in put["next"]
    assert fetch(server, "uncovered-hosted.test")[0] is None
    shown = server.cli("domain", "show", "uncovered-hosted.test").stdout
    assert "MTA-STS testing" in shown and "no certificate has the name mta-sts.uncovered-hosted.test" in shown
    assert "no certificate" not in server.cli("domain", "show", "hosted.test").stdout


def test_it_is_taken_back_when_nobody_remembers_it(server):
    sts(server, "other-hosted.test", "--mode", "enforce", "--mx", "mx.other-hosted.test")
    assert "remember" in sts(server, "other-hosted.test", "--mode", "off", code=1)
    none = sts(server, "other-hosted.test", "--mode", "none")
    assert none["max_age"] == 86400 and none["remembered_until"]
    assert b"mode: none" in fetch(server, "other-hosted.test")[2]
    assert "remember" in sts(server, "other-hosted.test", "--mode", "off", code=1)
    assert b"mode: none" in fetch(server, "other-hosted.test")[2]
    server.restart()
    assert sts(server, "other-hosted.test")["remembered_until"] == none["remembered_until"]
    assert sts(server, "other-hosted.test", "--mode", "off", "--forget")["mode"] == "off"
    assert fetch(server, "other-hosted.test")[0] == 404


def test_what_cannot_be_a_policy_is_refused_with_the_field(server):
    for args, field in ((("--mode", "Enforce"), "mode"), (("--mode", "testing", "--mx", "a b"), "mx"),
                        (("--mode", "testing", "--mx", "x.test\r\nmx: *"), "mx"),
                        (("--mode", "testing", "--mx", "*"), "mx"), (("--mode", "testing", "--mx", "*.*.a.test"), "mx"),
                        (("--mode", "testing", "--mx", "a.test", "--max-age", "60"), "max_age")):
        assert field in sts(server, "bare-hosted.test", *args, code=2), args
    assert "--mode" in sts(server, "bare-hosted.test", "--look", code=2)
    assert "MX" in sts(server, "bare-hosted.test", "--mode", "enforce", code=1)
    assert sts(server, "bare-hosted.test")["mode"] == "off"


def test_senders_rules_agree_and_a_new_id_is_asked_for(world, server):
    put = sts(server, "hosted.test", "--mode", "enforce", "--mx", "mx1.hosted.test", "--mx", "mx2.hosted.test")
    for name, kind, value in server.records("hosted.test"):
        world.dns.publish(name, kind, value, ttl=1)
    server.cli("domain", "verify", "hosted.test", ok=False)
    assert server.json("domain", "show", "hosted.test")["status"]["mta_sts"]["state"] == "verified"
    r = subprocess.run([daemon.PROGRAM, "check", "hosted.test", "--resolver", world.dns.address, "--trust-anchor",
                        world.dns.trust_anchor, "--ca", world.ca.file], capture_output=True, text=True, timeout=60)
    assert "enforce" in r.stdout and "mx1.hosted.test" in r.stdout, r.stdout + r.stderr
    other = sts(server, "hosted.test", "--mode", "enforce", "--max-age", "8d")
    assert other["id"] != put["id"]
    server.cli("domain", "verify", "hosted.test", ok=False)
    status = server.json("domain", "show", "hosted.test")["status"]["mta_sts"]
    assert status["state"] != "verified" and "another policy" in status["why"]

# SPDX-License-Identifier: Apache-2.0
"""`sigillo spf check` against real name servers: verdicts, exit statuses, JSON, the table for people."""
import json
import os
import re
import subprocess

import pytest

from world import daemon

CLIENT = "192.0.2.1"


def check(world, *args, **kw):
    return subprocess.run([daemon.PROGRAM, "spf", "check", "--resolver", world.dns.address, "--trust-anchor", world.dns.trust_anchor, *args],
                          capture_output=True, text=True, timeout=60, env=dict(os.environ, **kw))


@pytest.fixture(scope="module")
def zone(world):
    world.dns.publish("_a.spfx.test", "TXT", '"v=spf1 ip4:198.51.100.0/24 mx:spfx.test ~all"')
    world.dns.publish("spfx.test", "MX", "10 mx.spfx.test.")
    world.dns.publish("mx.spfx.test", "A", "203.0.113.1")
    world.dns.publish("spfx.test", "TXT", '"v=spf1 include:_a.spfx.test exists:%{l}.%{ir}.x.spfx.test -all exp=why.spfx.test"', '"something=else"')
    world.dns.publish("good.1.2.0.192.x.spfx.test", "A", "127.0.0.2")
    world.dns.publish(r"o\092d+\0341.1.2.0.192.x.spfx.test", "A", "127.0.0.2")
    world.dns.publish("why.spfx.test", "TXT", '"%{i} may not; ask %{r}"')
    world.dns.publish("broken.spfx.test", "TXT", '"v=spf1 foo -all"')
    world.dns.publish("long.spfx.test", "TXT", '"v=spf1 ip4:192.0.2." "1 -all"')
    world.dns.publish("none.spfx.test", "TXT", '"v=spf1 include:a-name-of-some-length.none.spfx.test -all"')
    world.dns.publish("soft.spfx.test", "TXT", '"v=spf1 ~all"')
    world.dns.publish("forged.bogus.test", "TXT", '"v=spf1 +all"')
    return world


@pytest.mark.parametrize("args, status, result, mechanism", [
    (["--ip", "198.51.100.9", "--from", "u@spfx.test", "--helo", "h.test"], 0, "pass", "include:_a.spfx.test"),
    (["--ip", "203.0.113.1", "--from", "u@spfx.test", "--helo", "h.test"], 0, "pass", "include:_a.spfx.test"),
    (["--ip", "::ffff:203.0.113.1", "--from", "<u@spfx.test>", "--helo", "h.test"], 0, "pass", "include:_a.spfx.test"),
    (["--ip", CLIENT, "--from", "good@spfx.test", "--helo", "h.test"], 0, "pass", "exists:%{l}.%{ir}.x.spfx.test"),
    (["--ip", CLIENT, "--from", r'o\d+"1@spfx.test', "--helo", "h.test"], 0, "pass", "exists:%{l}.%{ir}.x.spfx.test"),
    (["--ip", CLIENT, "--from", "u@spfx.test", "--helo", "h.test"], 1, "fail", "-all"),
    (["--ip", CLIENT, "--from", "", "--helo", "spfx.test"], 1, "fail", "-all"),
    (["--ip", CLIENT, "--helo", "soft.spfx.test"], 1, "softfail", "~all"),
    (["--ip", CLIENT, "--from", "u@long.spfx.test", "--helo", "h.test"], 0, "pass", "ip4:192.0.2.1"),
    (["--ip", CLIENT, "--from", "u@mx.spfx.test", "--helo", "h.test"], 1, "none", ""),
    (["--ip", CLIENT, "--from", "u@nothing.spfx.test", "--helo", "h.test"], 1, "none", ""),
    (["--ip", CLIENT, "--from", "u@broken.spfx.test", "--helo", "h.test"], 1, "permerror", ""),
    (["--ip", CLIENT, "--from", "u@forged.bogus.test", "--helo", "h.test"], 3, "temperror", ""),
    (["--ip", CLIENT, "--from", "u\r\n@a..test", "--helo", "[192.0.2.1]"], 1, "none", ""),
])
def test_verdicts(zone, args, status, result, mechanism):
    """[RFC 7208 s2.6] One evaluation, as CLI.md promises it."""
    ran = check(zone, *args, "--json")
    assert (ran.returncode, ran.stderr) == (status, "")
    got = json.loads(ran.stdout)
    assert got["result"] == result and got["mechanism"] == mechanism
    assert set(got) >= {"result", "domain", "mechanism", "lookups", "void_lookups", "explanation", "problem"}
    assert got["received_spf"].startswith("Received-SPF: %s (" % result) and got["received_spf"].endswith("\r\n")
    assert bool(got["problem"]) == (result in ("none", "permerror", "temperror"))


def test_an_explanation(zone):
    """[RFC 7208 s6.2, s7.2]"""
    got = json.loads(check(zone, "--ip", CLIENT, "--from", "u@spfx.test", "--helo", "h.test", "--receiver", "rcv.test", "--json").stdout)
    assert got["explanation"] == "192.0.2.1 may not; ask rcv.test"
    assert (got["lookups"], got["void_lookups"]) == (3, 1)
    steps = [(s["depth"], s["term"], s["outcome"]) for s in got["trace"]]
    assert steps == [(0, "include:_a.spfx.test", "entered"), (1, "ip4:198.51.100.0/24", "no match"), (1, "mx:spfx.test", "no match"), (1, "~all", "match"),
                     (0, "include:_a.spfx.test", "no match"), (0, "exists:%{l}.%{ir}.x.spfx.test", "no match"), (0, "-all", "match")]
    assert got["trace"][5]["target"] == "u.1.2.0.192.x.spfx.test"


def test_the_table(zone):
    """Eighty columns, and each term once."""
    ran = check(zone, "--ip", CLIENT, "--from", "u@spfx.test", "--helo", "h.test")
    assert ran.returncode == 1
    lines = ran.stdout.splitlines()
    assert all(len(line) <= 80 for line in lines), ran.stdout
    assert re.search(r"^result +fail$", ran.stdout, re.M)
    assert re.search(r"^it says +192.0.2.1 may not; ask unknown$", ran.stdout, re.M)
    table = lines[lines.index("") + 1:]
    assert [line.split("  ")[0].strip() or line.split()[0] for line in table[1:2]] == ["include:_a.spfx.test"]
    assert sum("include:_a.spfx.test" in line for line in table) == 1
    assert any(line.startswith("  ~all") for line in table) and any(line.startswith("= u.1.2.0.192.x.spfx.test") for line in table)


def test_the_table_where_the_reason_is_long(zone):
    ran = check(zone, "--ip", CLIENT, "--from", "u@none.spfx.test", "--helo", "h.test")
    table = ran.stdout.splitlines()[ran.stdout.splitlines().index("") + 1:]
    assert all(len(line) <= 80 for line in table), ran.stdout
    assert "include:a-name-of-some-leng" in table[1] and table[1].endswith("without an SPF record"), ran.stdout


def test_nothing_foreign_reaches_the_terminal(zone):
    ran = check(zone, "--ip", CLIENT, "--from", "\x1b[31mu@a\x07.test", "--helo", "h\x1b.test")
    assert ran.returncode == 1 and "\x1b" not in ran.stdout and "\x07" not in ran.stdout


def test_no_answer_is_not_no(zone):
    """DNS that does not answer is a temperror and exit status 3."""
    ran = subprocess.run([daemon.PROGRAM, "spf", "check", "--resolver", "127.0.0.9@1", "--timeout", "2", "--ip", CLIENT, "--from", "u@spfx.test",
                          "--helo", "h.test", "--json"], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 3 and json.loads(ran.stdout)["result"] == "temperror"


@pytest.mark.parametrize("args, what", [
    (["--from", "u@a.test"], "--ip: it is needed"),
    (["--ip", "192.0.2.256", "--from", "u@a.test"], "--ip: must be an IPv4 or IPv6 address"),
    (["--ip", CLIENT], "--from: it is needed"),
    (["--ip", CLIENT, "--from", ""], "--helo: it is needed"),
    (["--ip", CLIENT, "--from", "u@a.test", "--now", "x"], "--now: must be a Unix time"),
    (["--ip", CLIENT, "--from", "u@a.test", "extra"], "extra"),
])
def test_wrong_usage(zone, args, what):
    ran = check(zone, *args)
    assert ran.returncode == 2 and ran.stdout == "" and re.match(r"sigillo: .*%s" % re.escape(what), ran.stderr) and ran.stderr.count("\n") == 1

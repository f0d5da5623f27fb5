# SPDX-License-Identifier: Apache-2.0
"""A certificate with another key, where others prove us by DANE: it waits until its key is published, over restarts, and while DNS is silent."""
import os
import time

import pytest

from test_certificates import copy, names_at
from world.internet import wait_for

TTL = 2


@pytest.fixture
def served(world, make_sigillo, request):
    s = make_sigillo(start=False)
    s.host = "mx.%s.rollover.test" % request.node.name.replace("test_", "").replace("_", "-")[:30].rstrip("-")
    s.own = os.path.join(s.folder, "own")
    os.mkdir(s.own, 0o700)
    s.first = world.ca.issue("first.rollover.test", s.host)
    s.second = world.ca.issue("second.rollover.test", s.host)
    copy(s.first, s.own, "mx")
    s.settings["certificate mx"] = {"certificate": os.path.join(s.own, "mx.pem"), "key": os.path.join(s.own, "mx.key")}
    # at the other names and ports nobody proves us
    for name in (s.host, "first.rollover.test", "second.rollover.test"):
        for port in (587, 465):
            world.dns.publish("_%d._tcp.%s" % (port, name), "TLSA")
    return s


def publish(world, served, *pairs, ttl=TTL):
    world.dns.publish("_25._tcp." + served.host, "TLSA", *[p.tlsa for p in pairs], ttl=ttl)


def shown(served):
    return names_at(served, 465, served.host)[0].split(".")[0]


def waiting(served):
    return served.json("tls", "records")["waiting"]


def kept(served):
    """Until the store has the pair in use."""
    wait_for(lambda: served.json("tls", "records"), lambda a: a["records"], 10, "an answer")
    time.sleep(3)


def test_it_waits_until_it_is_published_everywhere(world, served):
    publish(world, served, served.first)
    served.start()
    assert shown(served) == "first"
    kept(served)
    copy(served.second, served.own, "mx")
    why = wait_for(lambda: waiting(served), lambda l: l and served.host in l[0]["why"], 15, "the refusal")[0]
    assert why["certificate"] == "mx" and "publish what `sigillo tls records` prints" in why["why"] and why["until"]
    assert shown(served) == "first"
    assert "waits until" in served.cli("status").stdout and served.json("status")["certificates_waiting"]
    assert b"sigillo_certificates_waiting 1" in served.get("/metrics")[2]
    keys = {r["key"]: r["value"] for r in served.json("tls", "records", served.host)["records"]}
    assert keys == {"used": served.first.tlsa, "next": served.second.tlsa}

    served.restart()  # the files have the new one; the old one comes back from the store
    assert shown(served) == "first"
    wait_for(lambda: waiting(served), lambda l: l, 10, "it still waits")
    served.restart()
    assert shown(served) == "first"

    publish(world, served, served.first, served.second)
    seen = wait_for(lambda: waiting(served), lambda l: l and "are there" in l[0]["why"], 30, "seen there")
    assert shown(served) == "first" and seen
    wait_for(lambda: shown(served), lambda n: n == "second", 30, "the new one")
    assert waiting(served) == []
    kept(served)
    served.restart()
    assert shown(served) == "second"


def test_without_records_it_is_taken_at_once(world, served):
    publish(world, served)
    served.start()
    copy(served.second, served.own, "mx")
    wait_for(lambda: shown(served), lambda n: n == "second", 10, "the new one")


def test_the_same_key_needs_no_waiting(world, served):
    publish(world, served, served.first)
    served.start()
    kept(served)
    os.system("cd %s && openssl x509 -in mx.pem -out first.pem && openssl req -new -key mx.key -subj /CN=x -out x.csr 2>/dev/null && "
              "printf 'subjectAltName=DNS:again.rollover.test,DNS:%s' > x.ext && "
              "openssl x509 -req -in x.csr -signkey mx.key -extfile x.ext -days 9 -out again.pem 2>/dev/null && mv again.pem mx.pem"
              % (served.own, served.host))
    wait_for(lambda: shown(served), lambda n: n == "again", 10, "the renewed one")
    assert waiting(served) == []


def test_silence_of_dns_takes_nothing(world, served):
    served.settings["resolver"] = {"forward": ["127.0.0.99"], "trust_anchor": world.dns.trust_anchor, "timeout": "1s"}
    served.start()
    copy(served.second, served.own, "mx")
    why = wait_for(lambda: waiting(served), lambda l: l and "cannot be asked" in l[0]["why"], 60, "the refusal")
    assert why and shown(served) == "first"


def test_one_that_has_expired_makes_room(world, served):
    publish(world, served, served.first)
    over = world.ca.issue("over.rollover.test", served.host, days_to=-1)
    copy(over, served.own, "mx")
    served.start()
    copy(served.second, served.own, "mx")
    wait_for(lambda: served.raw_log(), lambda t: "certificate taken" in t, 30, "the new one")
    assert shown(served) == "second"

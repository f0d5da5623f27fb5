# SPDX-License-Identifier: Apache-2.0
"""TLSA records that publish themselves by dynamic update: a key rolls, and whoever proves us by DANE can do so at each moment."""
import hashlib
import json
import os
import socket
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from dynupdate import settings

from test_certificates import copy
from test_cli_tls_check import sigillo
from world.internet import wait_for

FOREIGN = "3 1 1 " + "ab" * 32


@pytest.fixture
def served(world, make_sigillo, request, tmp_path):
    s = make_sigillo(start=False)
    s.host = "mx.%s.tlsa.dyn.test" % request.node.name.split("_")[-1]
    s.proved = set()
    s.own = os.path.join(s.folder, "own")
    os.mkdir(s.own, 0o700)
    s.first, s.second, s.other = (world.ca.issue(n, s.host.replace("mx.", part + "."))
                                  for n, part in (("first.tlsa.test", "mx"), ("second.tlsa.test", "mx"), ("other.tlsa.test", "quiet")))
    copy(s.first, s.own, "mx")
    s.settings.update(settings(world, tmp_path))
    s.settings["certificate mx"] = {"certificate": os.path.join(s.own, "mx.pem"), "key": os.path.join(s.own, "mx.key"), "publish": True}
    s.settings["certificate other"] = {"certificate": s.other.certificate, "key": s.other.key}
    return s


def records(world, host, port):
    answer = world.dns.query("_%d._tcp.%s" % (port, host), "TLSA")
    return {" ".join(r.to_text().split()[:3] + ["".join(r.to_text().split()[3:])]) for rrset in answer.answer if rrset.rdtype == 52 for r in rrset}


def shown(s):
    """The record that the certificate which is shown asks for."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((s.address, 465), 20) as raw, context.wrap_socket(raw, server_hostname=s.host) as tls:
        key = x509.load_der_x509_certificate(tls.getpeercert(True)).public_key()
    return "3 1 1 " + hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def wait_records(world, s, port, want, timeout=60):
    """Until these are there; meanwhile what is shown is always among them, from the first time on that it was."""
    end, steps = time.monotonic() + timeout, []
    while time.monotonic() < end:
        before, key, after = records(world, s.host, port), shown(s), records(world, s.host, port)
        s.proved |= {port} if key in before else set()
        if port in s.proved:
            assert key in before & after, "a sender that demands DANE would be turned away: %s, %s, %s" % (before, key, after)
        if after == want:
            return
        steps += [after] if steps[-1:] != [after] else []
        time.sleep(0.1)
    raise AssertionError("want %s, saw %s: %s" % (want, steps, s.raw_log()[-3000:]))


def prove(world, s):
    """As a sender does: the domain's server, its records, its certificate."""
    domain = s.host[3:]
    r = sigillo("tls", "check", domain, "--port", "587", "--resolver", world.dns.address, "--trust-anchor", world.dns.trust_anchor,
                "--ca", world.ca.file, "--helo", "checker.test", "--json")
    host = json.loads(r.stdout)["mx"][0]
    assert (host["level"], host["result"], host["transit"]) == ("dane", "ok", "dane"), r.stdout


def audit(s):
    return [(l["action"], l["detail"]) for l in s.json("report", "audit", "--object", "certificate:mx")["audit"] if l["actor"] == "system:certificates"]


def test_a_key_rolls_and_is_proved_at_each_moment_roll(world, served):
    """[RFC 7671 s8.1]"""
    s, a, b = served, served.first.tlsa, served.second.tlsa
    world.dns.publish("_465._tcp." + s.host, "TLSA", FOREIGN)
    world.dns.publish(s.host[3:], "MX", "10 %s." % s.host)
    world.dns.publish(s.host, "A", s.address)
    s.start()
    wait_records(world, s, 465, {a, FOREIGN})
    for port in (25, 587):
        wait_records(world, s, port, {a})
    assert shown(s) == a
    prove(world, s)
    copy(s.second, s.own, "mx")
    wait_records(world, s, 465, {a, b, FOREIGN})
    assert shown(s) == a, "the record comes before the certificate"
    prove(world, s)
    s.kill()
    s.start()
    assert shown(s) == a
    wait_records(world, s, 465, {b, FOREIGN})
    assert shown(s) == b
    for port in (25, 587):
        wait_records(world, s, port, {b})
    prove(world, s)
    for port in (25, 465, 587):
        assert records(world, s.host.replace("mx.", "quiet."), port) == set(), "only where it is asked for"
    assert any(action == "TLSA records changed" and s.host in detail for action, detail in audit(s))


def test_a_name_server_that_refuses_takes_nothing_away_refused(world, served):
    s, a, b = served, served.first.tlsa, served.second.tlsa
    s.start()
    for port in (25, 465, 587):
        wait_records(world, s, port, {a})
    s.settings["dns_update own"]["key_name"] = "reader-key"
    s.reload()
    wait_for(lambda: s.raw_log(), lambda t: "configuration reloaded" in t, 10, "the reload")
    copy(s.second, s.own, "mx")
    wait_for(lambda: s.raw_log(), lambda t: "TLSA records not changed" in t, 20, "the refusal")
    assert [records(world, s.host, p) for p in (25, 465, 587)] == [{a}] * 3 and shown(s) == a
    assert any(action == "TLSA records not changed" for action, _ in audit(s))
    s.settings["dns_update own"]["key_name"] = world.dns.tsig_name
    s.reload()
    wait_records(world, s, 465, {b})
    assert shown(s) == b

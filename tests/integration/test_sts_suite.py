# SPDX-License-Identifier: Apache-2.0
"""Policies as another resolver's tests publish them, fetched: each case is served as it is described, and both that fetch are asked, the server's (`sigillo tls-policy`, as a delivery does) and
`sigillo tls check`.  What Postfix is told is compared with what that resolver tells it.  The cases lie beside the tree; without them all is skipped."""
import concurrent.futures
import json
import pathlib

import pytest

import spec
from test_cli_tls_check import sigillo as run
from test_tls_policy import WELL_KNOWN, Server

FILE = pathlib.Path(spec.SHARED, "conformance", "mta-sts-resolver", "cases.json")
ZONE = "stssuite.test"
PADDING = b"a" * 64 * 2049


def read():
    """The domains moved to a zone of this world."""
    return json.loads(FILE.read_text(encoding="utf-8").replace(".loc", "." + ZONE)) if FILE.is_file() else []


def with_fields(case):
    """One that is too long, once more, of lines that a policy may have: then nothing but its size is wrong."""
    return {**case, "domain": "fields-" + case["domain"], "http": {**case["http"], "padding": (b"x: " + b"a" * 60 + b"\n") * 2049}}


SUITE = read()
CASES = SUITE + [with_fields(c) for c in SUITE if "body_padding" in c.get("http", {})]


def each(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda c: c["domain"].split(".")[0] if isinstance(c, dict) else None)


def whole(http):
    return http["body"].encode() + http.get("padding", PADDING if "body_padding" in http else b"")


def in_chunks(http):
    body = whole(http)
    parts = [body[i:i + 4096] for i in range(0, len(body), 4096)] + [b""]

    def write(handler):
        handler.wfile.write(b"HTTP/1.1 %d OK\r\nContent-Type: %s\r\nTransfer-Encoding: chunked\r\n\r\n" % (http["status"], http["content_type"].encode()))
        for part in parts:
            handler.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
    return write


def body_of(http):
    return in_chunks(http) if http.get("transfer") == "chunked" else whole(http)


@pytest.fixture(scope="module")
def served(world):
    receiver = world.listen("mail." + ZONE, certificate=world.ca.issue("mail." + ZONE))
    rows = [("mail." + ZONE, "A", [receiver.address])]
    for case in CASES:
        domain, http = case["domain"], case.get("http")
        assert case.get("tls", "ok") == "ok", "no case yet of a certificate that is refused"
        rows += [(domain, "MX", ["10 mail.%s." % ZONE]), ("mta-sts." + domain, "A", [world.https.address])]
        rows += [("_mta-sts." + domain, "TXT", ['"%s"' % t for t in case["txt"]])] if case["txt"] else []
        if http:
            world.https.put("mta-sts." + domain, WELL_KNOWN, body_of(http), status=http["status"], content_type=http["content_type"])
    world.dns.publish_all(rows)


def fetches(world, domain):
    return len([r for r in world.https.requests if r[1] == "mta-sts." + domain])


@pytest.fixture(scope="module")
def told(world, served):
    """What Postfix is told of each, by a server that knows nothing yet, and how often the policy was asked for."""
    server = Server(world, "suite").start()
    with concurrent.futures.ThreadPoolExecutor(len(CASES) or 1) as pool:
        before = {c["domain"]: fetches(world, c["domain"]) for c in CASES}
        answers = list(pool.map(lambda c: server.ask(c["domain"], "QUERYwithTLSRPT"), CASES))
    server.stop()
    return {c["domain"]: (a, fetches(world, c["domain"]) - before[c["domain"]]) for c, a in zip(CASES, answers)}


@pytest.fixture(scope="module")
def checked(world, served):
    """What `tls check` finds of each."""
    def check(case):
        done = run("tls", "check", case["domain"], "--no-connect", "--resolver", world.dns.address, "--trust-anchor", world.dns.trust_anchor,
                   "--ca", world.ca.file, "--json")
        assert done.stdout, done.stderr
        return case["domain"], json.loads(done.stdout)["mta_sts"]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        return dict(pool.map(check, CASES))


def is_recorded(case):
    """[RFC 8461 s3.1] In this suite a record that is right stands alone."""
    return len(case["txt"]) == 1 and case["txt"][0].startswith("v=STSv1;")


@each(CASES)
def test_what_is_fetched(told, case):
    """[RFC 8461 s3.2, s3.3]"""
    said, asked = told[case["domain"]]
    assert asked == (1 if is_recorded(case) else 0), "where there is no record nobody is asked, and where there is one, once"
    policy, _, report = said.partition(" policy_type=")
    if not case["expect"]["usable"]:
        assert (policy, report) == ("NOTFOUND ", ""), said
        return
    assert policy == "OK secure match=%s servername=hostname" % case["expect"]["mx"][0]
    assert "policy_ttl=%d" % case["expect"]["max_age"] in report and "{ policy_string = mode: %s }" % case["expect"]["mode"] in report


@each([c for c in CASES if "upstream_postfix_answer" in c])
def test_postfix_is_told_what_the_other_resolver_tells_it(told, case):
    assert told[case["domain"]][0].partition(" policy_type=")[0].strip() == case["upstream_postfix_answer"]["default"]


@each(CASES)
def test_tls_check_finds_the_same(checked, case):
    found, want = checked[case["domain"]], case["expect"]
    assert (found["id"] is not None) == is_recorded(case), found
    if want["usable"]:
        assert (found["mode"], found["mx"], found["max_age"]) == (want["mode"], want["mx"], want["max_age"])
        assert found["state"] == "weak", "its max_age is short"
    else:
        assert found["mode"] is None and found["state"] in (("bad",) if is_recorded(case) else ("bad", "absent") if case["txt"] else ("absent",)), found


@pytest.mark.skipif(not SUITE, reason="no cases at %s" % FILE)
def test_counts(told):
    fetched = sum(asked for _, asked in told.values())
    print("\nmta-sts-resolver: %d cases and two more, %d policies fetched, %d of use" % (len(SUITE), fetched, sum(c["expect"]["usable"] for c in CASES)))
    assert (len(SUITE), len(CASES), fetched) == (13, 15, 10)

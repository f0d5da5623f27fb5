# SPDX-License-Identifier: Apache-2.0
"""What the trail of a message keeps of each attempt: whose policy counted, what TLS was got, what was proved, and by what."""
import json
import os
import re
import subprocess

import jsonschema
import pytest

from world.internet import wait_for

SETTINGS = {"delivery": {"connect_timeout": "3s", "command_timeout": "8s", "dot_timeout": "8s",
                         "messages_per_connection": 1}} # each has a handshake of its own
HERE = os.path.dirname(os.path.abspath(__file__))
SPECIFICATIONS = ("openapi.json", "admin_openapi.json")


def schema_of(name):
    with open(os.path.join(HERE, "..", "..", "server", "doors", "http", name)) as f:
        return json.load(f)["components"]["schemas"]["Attempt"]


@pytest.fixture
def attempt(sigillo, sender):
    """attempt("who@domain.test"): the first event of an attempt to deliver to it, and the id."""
    def run(to):
        message_id = sigillo.submit(sender, to)

        def tried(shown):
            return [e for e in shown["events"] if "host" in e["detail"]]
        shown = wait_for(lambda: sigillo.json("trace", message_id), tried, 20, "an attempt")
        detail = tried(shown)[0]["detail"]
        for name in SPECIFICATIONS:
            jsonschema.validate(detail, schema_of(name))
        return detail, message_id
    return run


def fingerprint(path):
    """As openssl prints it, in the words of the trail."""
    text = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"],
                          capture_output=True, text=True, check=True).stdout
    return text.split("=")[1].strip().replace(":", "").lower()


def certificate(world, host):
    return os.path.join(world.ca.folder, host + ".pem")


def test_over_dane(world, sigillo, attempt):
    got, message_id = attempt("trail1@good.test")
    assert (got["policy"], got["demand"], got["proved"], got["matched"]) == ("dane", "dane", "dane-ee", "3 1 1")
    assert got["dnssec"] == {"mx": "secure", "address": "secure", "tlsa": "secure"}
    assert got["tls"] in ("TLSv1.2", "TLSv1.3") and got["cipher"] and got["group"]
    assert got["certificate"] == {"sha256": fingerprint(certificate(world, "mx.good.test")), "names": ["mx.good.test"]}
    assert re.search(r"^mx\.good\.test \[127\.0\.1\.1\] said at end of data: 250 ", got["reply"]), got
    assert "failure" not in got and "unproved" not in got
    text = sigillo.cli("trace", message_id).stdout
    assert "DANE verified: matched 3 1 1, the server's own certificate" in text
    assert "certificate mx.good.test, sha256 %s..." % got["certificate"]["sha256"][:16] in text


def test_where_dane_is_not_met_the_certificate_that_was_refused_is_kept(world, sigillo, attempt):
    got, message_id = attempt("trail2@wrong.test")
    sigillo.cli("queue", "cancel", message_id)
    assert (got["policy"], got["failure"], got["stage"]) == ("dane", "tls-verify", "STARTTLS")
    assert got["certificate"]["sha256"] == fingerprint(certificate(world, "mx.wrong.test"))
    assert got["unproved"] == "no matching DANE TLSA records"
    assert "tls" not in got and "proved" not in got
    text = sigillo.cli("trace", message_id).stdout
    assert "DANE: required, and not met" in text and "no TLS: it ended in the handshake" in text
    assert "it proves nobody: no matching DANE TLSA records" in text


def test_where_nobody_asks_an_expired_certificate_is_noted(world, sigillo, attempt):
    got, message_id = attempt("trail3@expired.test")
    assert (got["policy"], got["demand"], got["proved"]) == ("none", "opportunistic", "nobody")
    assert got["certificate"]["sha256"] == fingerprint(certificate(world, "mx.expired.test"))
    assert got["unproved"] == "certificate has expired"
    assert got["dnssec"] == {"mx": "secure", "address": "secure"}
    assert got["dane"] == "no TLSA records"
    text = sigillo.cli("trace", message_id).stdout
    assert "opportunistic TLS: nobody demands more; DANE: no TLSA records" in text
    assert "it proves nobody: certificate has expired" in text


def test_without_dnssec_records_are_not_believed(world, attempt):
    got, _ = attempt("trail4@insecure.test")
    assert got["policy"] == "none"
    assert got["dnssec"] == {"mx": "insecure", "address": "insecure"}
    assert got["dane"] == "addresses of the host are not signed"


def test_in_plain(sigillo, attempt):
    got, message_id = attempt("trail5@plain.test")
    assert (got["policy"], got["demand"]) == ("none", "opportunistic")
    assert got["tls_why"].startswith("the server does not offer STARTTLS")
    assert not {"tls", "proved", "certificate", "unproved"} & set(got)
    assert "no TLS: the server does not offer STARTTLS" in sigillo.cli("trace", message_id).stdout


def test_a_forged_lookup(sigillo, sender):
    message_id = sigillo.submit(sender, "trail6@bogus.test")

    def tried(shown):
        return [e["detail"] for e in shown["events"] if "dnssec" in e["detail"]]
    shown = wait_for(lambda: sigillo.json("trace", message_id), tried, 20, "an attempt")
    sigillo.cli("queue", "cancel", message_id)
    assert tried(shown)[0]["dnssec"] == {"mx": "bogus"}
    for name in SPECIFICATIONS:
        jsonschema.validate(tried(shown)[0], schema_of(name))


def test_the_message_s_own_page_has_the_same(sigillo, attempt):
    got, message_id = attempt("trail7@good.test")
    assert [e["detail"] for e in sigillo.show(message_id)["events"] if "host" in e["detail"]] == [got]


def metric(sigillo, name, label):
    text = sigillo.get("/metrics")[2].decode()
    return int(re.search(r'^sigillo_delivery_%s_total\{%s\} (\d+)' % (name, label), text, re.M).group(1))


def test_metrics_say_by_which_mechanism(sigillo, attempt):
    labels = 'mechanism="dane"', 'mechanism="plain"'
    before = [metric(sigillo, "transit", label) for label in labels]
    for to in ("trail8@good.test", "trail9@plain.test"):
        sigillo.wait_state(attempt(to)[1], "delivered")
    assert [metric(sigillo, "transit", label) for label in labels] == [n + 1 for n in before]


def test_a_session_is_resumed_and_its_evidence_is_that_of_the_full_handshake(sigillo, attempt):
    tried, before = [], metric(sigillo, "handshakes", 'kind="resumed"')
    for number in range(10, 13): # a ticket is used once, and Postfix gives none for a session that is resumed
        tried.append(attempt("trail%d@good.test" % number))
        sigillo.wait_state(tried[-1][1], "delivered")
    resumed = [(got, message_id) for got, message_id in tried if got.get("resumed")]
    assert resumed and len(resumed) < len(tried), tried
    assert metric(sigillo, "handshakes", 'kind="resumed"') == before + len(resumed)
    for name in ("policy", "proved", "matched", "certificate", "dnssec", "tls"):
        assert len({json.dumps(got[name]) for got, _ in tried}) == 1
    assert all("reused" not in got for got, _ in tried)
    assert ", session resumed" in sigillo.cli("trace", resumed[0][1]).stdout

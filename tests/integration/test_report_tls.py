# SPDX-License-Identifier: Apache-2.0
"""Reports about TLS that others send about our domains: taken in by HTTPS and by hand, kept once, shown."""
import base64
import gzip
import json

import pytest
from conftest import finish, launch

OWN, OTHERS = "tlsin.test", "tlsin2.test"


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "tlsin", {"tls_reports": {"receive": True}}, start=False)
    d.open_https()
    d.start()
    d.sender(OWN)
    d.cli("subscription", "add", "second")
    d.cli("domain", "add", OTHERS, "--subscription", "second")
    yield d
    finish(d)


def report(number, *domains, organization="Sender", failed=0, day="2026-11-22"):
    policies = [{"policy": {"policy-type": "sts", "policy-string": ["version: STSv1"], "policy-domain": d},
                 "summary": {"total-successful-session-count": 5, "total-failure-session-count": failed},
                 "failure-details": [{"result-type": "certificate-expired", "receiving-mx-hostname": "mx." + d, "failed-session-count": failed}] if failed else []}
                for d in domains]
    return json.dumps({"organization-name": organization, "date-range": {"start-datetime": day + "T00:00:00Z", "end-datetime": day + "T23:59:59Z"},
                       "contact-info": "tls@sender.example", "report-id": "%s@sender.example" % number, "policies": policies}).encode()


def send(sigillo, body, kind="application/tlsrpt+gzip"):
    status, _, answer = sigillo.request("POST", "/tls-reports", body, headers={"Content-Type": kind}, tls=True)
    return status, answer


def about(sigillo, domain=OWN, *options):
    found = [d for d in sigillo.json("report", "tls", "--since", "400d", "--domain", domain, *options)["domains"]]
    return found[0] if found else None


def test_by_https_each_once(sigillo):
    """[RFC 8460 s5.4] Either media type; the same report again is known."""
    before = (about(sigillo) or {"reports": 0})["reports"]
    assert send(sigillo, gzip.compress(report("https1", OWN, failed=2))) == (201, {"kept": [{"domain": OWN, "known": False}]})
    assert send(sigillo, report("https1", OWN, failed=2), "application/tlsrpt+json; charset=utf-8") == (201, {"kept": [{"domain": OWN, "known": True}]})
    seen = about(sigillo)
    assert seen["reports"] == before + 1 and {"result": "certificate-expired", "mx": "mx." + OWN, "reports": 1, "failed_sessions": 2} in seen["failures"]


def test_it_survives_a_restart(sigillo):
    send(sigillo, gzip.compress(report("restart", OWN)))
    before = about(sigillo)
    sigillo.stop()
    sigillo.start()
    assert about(sigillo) == before
    assert send(sigillo, gzip.compress(report("restart", OWN)))[1]["kept"][0]["known"]


def test_only_domains_of_ours(sigillo):
    """A report about others' domains would only spoil figures."""
    status, answer = send(sigillo, gzip.compress(report("strange", "strange.example")))
    assert status == 404 and answer["code"] == "no-domain"
    assert send(sigillo, gzip.compress(report("mixed", OWN.upper(), "strange.example", OWN + ".")))[1] == {"kept": [{"domain": OWN, "known": False}]}
    assert about(sigillo, "strange.example") is None


@pytest.mark.parametrize("body, kind, status, why", [
    (b"{}", "application/json", 415, "application/tlsrpt+gzip"), (b"{}", "application/tlsrpt+json", 400, "no policies"),
    (gzip.compress(gzip.compress(b"{}")), "application/tlsrpt+gzip", 400, "packed twice"),
    (gzip.compress(b" " * (8 << 20)), "application/tlsrpt+gzip", 413, "unpacked it is too large"),
    (b" " * 70000, "application/tlsrpt+json", 413, "larger"), (b"", "application/tlsrpt+gzip", 400, "no report"),
    (gzip.compress(report("cut", OWN))[:-4], "application/tlsrpt+gzip", 400, "not whole")])
def test_what_is_refused(sigillo, body, kind, status, why):
    got, answer = send(sigillo, body, kind)
    assert got == status and why in answer["detail"], answer


def test_the_door_is_closed_unless_it_is_opened(sigillo, world):
    d = launch(world, "tlsinclosed", {}, start=False)
    d.open_https()
    d.start()
    try:
        assert send(d, gzip.compress(report("closed", OWN)))[0] == 403
    finally:
        finish(d)


def test_by_hand_and_shown(sigillo, tmp_path):
    mail = b"Content-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(
        gzip.compress(report("hand", OWN, organization="By Mail", failed=1)))
    (tmp_path / "report.eml").write_bytes(mail)
    assert sigillo.cli("tlsrpt", "take", str(tmp_path / "report.eml")).stdout == OWN + ": taken\n"
    assert sigillo.cli("tlsrpt", "take", str(tmp_path / "report.eml")).stdout == OWN + ": this report was there already\n"
    text = sigillo.cli("report", "tls", "--since", "400d", "--domain", OWN).stdout
    assert text.startswith(OWN + ": ") and ["By", "Mail", "5", "1"] in [l.split() for l in text.splitlines()]
    assert "sessions: certificate-expired at mx.%s\n  renew the certificate" % OWN in text
    refused = sigillo.cli("tlsrpt", "take", "/dev/null", ok=False)
    assert refused.returncode == 2 and "no report about TLS" in refused.stderr, refused


def test_a_subscription_sees_its_own(sigillo):
    assert [k["domain"] for k in send(sigillo, gzip.compress(report("first", OWN, OTHERS)))[1]["kept"]] == [OWN]  # one report, one domain
    taken = sigillo.cli("tlsrpt", "take", "--json", input=report("both", OWN, OTHERS).decode()).stdout
    assert json.loads(taken) == [{"domain": OWN, "known": False}, {"domain": OTHERS, "known": False}]
    key = sigillo.json("key", "add", "--subscription", "second", "--domain", OTHERS, "--role", "owner")["key"]

    def as_second(method, path, body=b""):
        return sigillo.request(method, path, body, headers={"Authorization": "Bearer " + key}, tls=True)

    assert [d["domain"] for d in as_second("GET", "/admin/v1/reports/tls/received?since=400d")[2]["domains"]] == [OTHERS]
    assert as_second("GET", "/admin/v1/reports/tls/received?since=400d&domain=" + OWN)[2]["domains"] == []
    assert as_second("POST", "/admin/v1/reports/tls/received", report("own", OWN))[0] == 404
    status, _, answer = as_second("POST", "/admin/v1/reports/tls/received", report("own", OWN, OTHERS))
    assert (status, answer) == (201, {"kept": [{"domain": OTHERS, "known": False}]})
    reader = sigillo.json("key", "add", "--subscription", "second", "--domain", OTHERS, "--role", "reader")["key"]
    assert sigillo.request("POST", "/admin/v1/reports/tls/received", report("r", OTHERS), headers={"Authorization": "Bearer " + reader}, tls=True)[0] == 403


def test_foreign_names_stay_harmless(sigillo):
    send(sigillo, gzip.compress(report("evil", OWN, organization="\x1b[2J\nroot: all is well", failed=1)))
    text = sigillo.cli("report", "tls", "--since", "400d", "--domain", OWN).stdout
    assert "\x1b" not in text and "\nroot" not in text


def test_times_are_checked(sigillo):
    answer = sigillo.cli("report", "tls", "--since", "yesterday", ok=False)
    assert answer.returncode == 2 and "since" in answer.stderr

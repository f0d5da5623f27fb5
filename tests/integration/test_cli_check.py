# SPDX-License-Identifier: Apache-2.0
"""`sigillo check` against the small internet's name server and web server."""
import json
import os
import pty
import re
import subprocess
import time

import pytest

from world import daemon

RSA = ("v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAoD8UFJXEkgs2Ap6ZgFfz5kzpelWO80WseLMtcIVxh4m0IXGxD8ACo35qItrHGuLuThMXf7dQ7eppvFDcrJk0xunIOi7rZj8xSqlaJIMhMHLiTGziD1iPbGZBtP5EECA2VHPCRXWR/9cltH0kxJCF+c4gOac6",
       "o+i6cV2DF9aBsqQPt8nc6MF+rwluUa7HKeL4s8fjPwEqfwJhUWURtc5KgKiw8LeKiUcLLuZFunbmA/um+EHxXSf32NRBGNlHQnVO1AfsEjucjipumcCB5xupWhcgL6lL0iEJT1nfN5AfPtprs1muGPsdDdVL0wfiaNpihRwGmWeN5n05+HeJgqywVQIDAQAB")
POLICY = "version: STSv1\r\nmode: enforce\r\nmx: mx.well.test\r\nmax_age: 604800\r\n"
WELL_KNOWN = "/.well-known/mta-sts.txt"
TLSA = "3 1 1 " + "ab" * 32


def sigillo(*args, env=None):
    """No proxy: the world's web server is right here."""
    clean = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return subprocess.run([daemon.PROGRAM, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
                          env=dict(clean, **(env or {})))


@pytest.fixture(scope="module")
def check(world):
    def run(domain, *args, json_=True):
        r = sigillo("check", domain, "--resolver", world.dns.address, "--trust-anchor", world.dns.trust_anchor, "--ca",
                    world.ca.file, *args, *(["--json"] if json_ else []))
        return r, (json.loads(r.stdout) if json_ and r.stdout else None)
    return run


def publish_well(world, domain="well.test", address="9.9.9.9"):
    dns, host = world.dns, "mx." + domain
    dns.publish(domain, "MX", "10 %s." % host)
    dns.publish(host, "A", address)
    dns.publish(host, "AAAA", "2620:fe::9")
    dns.publish("_25._tcp." + host, "TLSA", TLSA)
    dns.publish(domain, "TXT", '"v=spf1 mx -all"')
    dns.publish("s1._domainkey." + domain, "TXT", '"%s" "%s"' % RSA)
    dns.publish("_dmarc." + domain, "TXT", '"v=DMARC1; p=reject; rua=mailto:dmarc@%s"' % domain)
    dns.publish("_mta-sts." + domain, "TXT", '"v=STSv1; id=20260101;"')
    dns.publish("_smtp._tls." + domain, "TXT", '"v=TLSRPTv1; rua=mailto:tls@%s"' % domain)
    dns.publish("mta-sts." + domain, "A", world.https.address)
    world.https.put("mta-sts." + domain, WELL_KNOWN, POLICY.replace("well.test", domain))


def codes(answer):
    return {p["code"] for p in answer["problems"]}


@pytest.fixture(scope="module")
def well(world):
    publish_well(world)
    return "well.test"


def test_where_everything_is_well_the_answer_is_yes(check, well):
    r, a = check(well, "--selector", "s1")
    assert r.returncode == 0, r.stdout + r.stderr
    assert (a["mark"], a["points"], a["errors"], a["warnings"]) == ("A", 100, 0, 0), a["problems"]
    assert not a["dnssec_unavailable"] and not a["incomplete"]
    for part in ("mx", "spf", "dkim", "dmarc", "mta_sts", "tls_rpt", "dane"):
        assert a[part]["state"] == "good", (part, a[part])
    assert a["bimi"]["state"] == "absent"
    assert a["mx"]["hosts"] == [{"host": "mx.well.test", "preference": 10, "addresses": ["2620:fe::9", "9.9.9.9"], "dnssec": True,
                                 "tlsa": 1, "dane": "authenticate"}]
    assert (a["mta_sts"]["mode"], a["mta_sts"]["mx"], a["mta_sts"]["max_age"], a["mta_sts"]["id"]) == \
        ("enforce", ["mx.well.test"], 604800, "20260101")
    assert a["dkim"]["keys"][0]["selector"] == "s1" and a["dkim"]["keys"][0]["key_bits"] == 2048
    assert (a["dmarc"]["policy"], a["dmarc"]["policy_domain"]) == ("reject", "well.test")
    met = [r["met"] for r in a["bulk_senders"]]
    assert met.count(True) == 5 and met.count(False) == 0


def test_well_known_selectors_are_tried(check, well):
    assert [k["selector"] for k in check(well)[1]["dkim"]["keys"]] == ["s1"]


def test_a_name_in_another_script_is_asked_for_in_ascii(check, world):
    world.dns.publish("xn--bcher-kva.test", "MX", "0 .")
    a = check("Bücher.test.")[1]
    assert a["domain"] == "xn--bcher-kva.test" and a["mx"]["null_mx"]


def test_for_people_it_fits_80_columns_and_holds_no_control_character(check, well):
    r, _ = check(well, json_=False)
    assert r.returncode == 0 and "mark A, 100 of 100 points" in r.stdout
    assert max(map(len, r.stdout.splitlines())) <= 80
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", r.stdout)


def test_for_people_it_shows_the_records(check, well):
    shown = check(well, json_=False)[0].stdout
    for record in ("SPF       v=spf1 mx -all", "DMARC     v=DMARC1; p=reject; rua=mailto:dmarc@well.test", "MTA-STS   v=STSv1; id=20260101;",
                   "TLS-RPT   v=TLSRPTv1; rua=mailto:tls@well.test"):
        assert "\n  %s\n" % record in shown, shown


@pytest.fixture(scope="module")
def ill(world):
    dns = world.dns
    dns.publish("ill.test", "MX", "10 mx.ill.test.", "20 gone.ill.test.", "30 alias.ill.test.")
    dns.publish("mx.ill.test", "A", "192.168.1.1")
    dns.publish("alias.ill.test", "CNAME", "mx.well.test.")
    dns.publish("ill.test", "TXT", '"v=spf1 include:none.ill.test +all"', '"v=spf1 ptr -all"')
    dns.publish("dkim._domainkey.ill.test", "TXT", '"v=DKIM1; p=MFwwDQYJKoZI\\027[31m"')
    dns.publish("_dmarc.ill.test", "TXT", '"v=DMARC1; p=nothing; rua=mailto:d@elsewhere.test"')
    dns.publish("_mta-sts.ill.test", "TXT", '"v=STSv1; id=1;"', '"v=STSv1; id=2;"')
    dns.publish("_smtp._tls.ill.test", "TXT", '"v=TLSRPTv1; rua=tls@ill.test"')
    dns.publish("_25._tcp.mx.ill.test", "TLSA", "1 1 1 " + "ab" * 32)
    dns.publish("default._bimi.ill.test", "TXT", '"v=BIMI1; l=http://ill.test/l.svg"')
    return "ill.test"


def test_every_fault_is_named_with_what_mends_it(check, ill):
    r, a = check(ill, "--selector", "dkim", "--selector", "nothere")
    assert r.returncode == 1, r.stdout + r.stderr
    assert {"mx-private-address", "mx-no-address", "mx-alias", "spf-many-records", "dkim-key-missing", "dmarc-bad-p",
            "dmarc-destination-refused", "mta-sts-record-several", "tlsrpt-syntax", "bimi-syntax"} <= codes(a), codes(a)
    assert a["mark"] in "DF" and a["errors"] >= 7
    for p in a["problems"]:
        assert p["text"].endswith((".", ")")) and p["severity"] in ("error", "warning", "info"), p
        if p["severity"] == "error":
            assert p["mend"] or p["code"].startswith(("dkim-key", "mx-null", "domain")), p
    assert [x["met"] for x in a["bulk_senders"]].count(False) >= 3


def test_what_mends_it_fits_80_columns_or_is_a_record_to_copy(check, ill):
    for line in check(ill, json_=False)[0].stdout.splitlines():
        assert len(line) <= 80 or re.match(r'           mend: (v=|at \S+: v=|\S+ TXT ".*"$)', line), line


def test_mx_records_that_name_no_host_are_a_fault(check, world):
    publish_well(world, "nobody.test")
    world.dns.publish("nobody.test", "MX", "10 a\\032b.nobody.test.")
    r, a = check("nobody.test")
    assert r.returncode == 1 and a["mx"]["state"] == "bad" and "mx-unusable" in codes(a), a["problems"]


def test_nothing_foreign_reaches_the_terminal_raw(check, ill):
    r, _ = check(ill, "--selector", "dkim", json_=False)
    assert r.returncode == 1
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", r.stdout + r.stderr)
    assert not re.search(r"[^\x00-\x7f]", r.stdout)


def test_a_domain_that_takes_no_mail_is_not_blamed_for_it(check, world):
    dns = world.dns
    dns.publish("silent.test", "MX", "0 .")
    dns.publish("silent.test", "TXT", '"v=spf1 -all"')
    dns.publish("_dmarc.silent.test", "TXT", '"v=DMARC1; p=reject; rua=mailto:d@silent.test"')
    r, a = check("silent.test")
    assert r.returncode == 0, a["problems"]
    assert a["mark"] == "A" and a["mta_sts"]["state"] == a["dane"]["state"] == "not applicable"


def test_a_domain_that_does_not_exist(check):
    r, a = check("none.test")
    assert r.returncode == 1 and "domain-missing" in codes(a)


def test_forged_signatures_are_named(check, world):
    r, a = check("bogus.test")
    assert r.returncode == 1 and "dnssec-bogus" in codes(a) and a["incomplete"], a["problems"]


def test_an_unsigned_zone_is_no_fault(check, world):
    publish_well(world, "check.insecure.test")
    r, a = check("check.insecure.test")
    assert r.returncode == 0, a["problems"]
    assert a["dane"]["state"] == "absent" and not a["mx"]["dnssec"] and a["mark"] == "A"


# -- the policy, fetched strictly -------------------------------------------------------------------------------------

@pytest.mark.parametrize("page, why", [
    (dict(status=301, body=""), "redirects must not be followed"), (dict(status=404, body="no"), "HTTP status 404"),
    (dict(status=500, body=""), "HTTP status 500"), (dict(body=POLICY, content_type="text/html"), "text/html"),
    (dict(body="x: y\n" * 14000), "larger than 64 KiB")], ids=["301", "404", "500", "html", "large"])
def test_what_is_not_a_policy_is_none(check, world, page, why):
    """[RFC 8461 s3.3]"""
    publish_well(world, "page.test")
    world.https.put("mta-sts.page.test", WELL_KNOWN, **page)
    r, a = check("page.test")
    assert r.returncode == 1
    text = [p["text"] for p in a["problems"] if p["code"] == "mta-sts-policy-unreachable"]
    assert text and why in text[0], a["problems"]


def test_the_media_type_may_have_parameters(check, world):
    publish_well(world, "param.test")
    world.https.put("mta-sts.param.test", WELL_KNOWN, POLICY.replace("well", "param"), content_type="text/plain; charset=utf-8")
    assert check("param.test")[1]["mta_sts"]["state"] == "good"


def test_an_authority_that_nobody_knows_is_refused(check, world, well):
    """[RFC 8461 s3.3] Without --ca the system's authorities count; ours is none of them."""
    r = sigillo("check", well, "--resolver", world.dns.address, "--trust-anchor", world.dns.trust_anchor, "--json")
    assert r.returncode == 1 and "mta-sts-policy-unreachable" in codes(json.loads(r.stdout)), r.stdout


def test_a_certificate_of_another_name_is_refused(check, world):
    publish_well(world, "other.test")
    wrong = world.ca.issue("wrong-name.test")
    context = world.https._context("mta-sts.other.test")
    context.load_cert_chain(wrong.certificate, wrong.key)
    r, a = check("other.test")
    assert r.returncode == 1 and "mta-sts-policy-unreachable" in codes(a), a["problems"]


def test_a_policy_host_without_an_address(check, world):
    publish_well(world, "nohost.test")
    world.dns.publish("mta-sts.nohost.test", "A")
    text = [p["text"] for p in check("nohost.test")[1]["problems"] if p["code"] == "mta-sts-policy-unreachable"]
    assert text and "no address" in text[0]


def test_a_policy_host_that_cannot_be_looked_up(check, world):
    """Aliases in a circle: the name servers give no answer, and whether there is a policy is not known."""
    publish_well(world, "circle.test")
    world.dns.publish("mta-sts.circle.test", "A")
    world.dns.publish("mta-sts.circle.test", "CNAME", "round.circle.test.")
    world.dns.publish("round.circle.test", "CNAME", "mta-sts.circle.test.")
    r, a = check("circle.test")
    assert r.returncode == 3 and a["incomplete"] and a["mta_sts"]["state"] == "unknown", a["problems"]


def test_a_policy_that_forgets_a_host(check, world):
    """[RFC 8461 s4.1]"""
    publish_well(world, "forgets.test")
    world.https.put("mta-sts.forgets.test", WELL_KNOWN, POLICY)
    r, a = check("forgets.test")
    assert r.returncode == 1 and "mta-sts-mx-not-covered" in codes(a)


def test_an_address_of_the_policy_host_that_does_not_answer_is_passed_over(check, world):
    publish_well(world, "both.test")
    world.dns.publish("mta-sts.both.test", "AAAA", "::1")
    assert check("both.test")[1]["mta_sts"]["state"] == "good"


def test_without_https_nothing_is_fetched(check, world, well):
    before = len(world.https.requests)
    r, a = check(well, "--no-https")
    assert r.returncode == 0 and a["mta_sts"]["state"] == "unknown" and len(world.https.requests) == before


# -- name servers that do not do what they should ----------------------------------------------------------------------

def test_where_nothing_can_be_validated_there_are_answers_all_the_same(world, well):
    """The system's anchor is not that of the world's root: as behind a name server that drops signatures."""
    r = sigillo("check", well, "--ca", world.ca.file, "--json")
    a = json.loads(r.stdout)
    assert r.returncode == 0, a["problems"]
    assert a["dnssec_unavailable"] and not a["mx"]["dnssec"] and a["dane"]["state"] == "absent"
    assert "nothing is" in sigillo("check", well, "--ca", world.ca.file).stdout


def test_a_dead_name_server_ends_in_could_not_find_out(world):
    began = time.monotonic()
    r = sigillo("check", "well.test", "--resolver", "127.0.0.99", "--timeout", "2", "--json")
    a = json.loads(r.stdout)
    assert r.returncode == 3 and time.monotonic() - began < 10
    assert a["incomplete"] and a["errors"] == 0 and a["mark"] == "-"
    assert r.stderr.count("\n") == 1 and "could be looked up" in r.stderr


def test_of_several_name_servers_one_is_enough(world, well):
    r = sigillo("check", well, "--resolver", "127.0.0.99", "--resolver", world.dns.address + "@53", "--trust-anchor",
                world.dns.trust_anchor, "--ca", world.ca.file, "--json")
    assert r.returncode == 0 and json.loads(r.stdout)["mark"] == "A", r.stdout + r.stderr


def test_on_a_terminal_waiting_is_shown_and_taken_away_again(world):
    child, terminal = pty.fork()
    if child == 0:
        os.execv(daemon.PROGRAM, [daemon.PROGRAM, "check", "well.test", "--resolver", "127.0.0.99", "--timeout", "5"])
    shown = b""
    while True:
        try:
            got = os.read(terminal, 65536)
        except OSError:
            break
        if not got:
            break
        shown += got
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
    lines = re.findall(rb"\r\x1b\[Kwaiting for DNS: [^\r\x1b]*", shown)
    assert lines and max(map(len, lines)) <= 84 and b" s left" in lines[0], shown
    assert shown.rfind(b"\r\x1b[K") > shown.rfind(b"waiting for DNS")


@pytest.mark.parametrize("args", [(), ("a.test", "b.test"), ("a..test",), ("192.0.2.1",), ("a.test", "--resolver", "ns.test"),
                                  ("a.test", "--timeout", "0"), ("a.test", "--trust-anchor", "/nonexistent"),
                                  ("a.test", "--selector", "a b"), ("a.test", "--bimi-selector", ""),
                                  ("a.test", "--ca", "/nonexistent"), ("a.test\x1b[31m",)])
def test_wrong_usage(world, args):
    r = sigillo("check", *args)
    assert r.returncode == 2 and r.stdout == "" and r.stderr.startswith("sigillo: ") and r.stderr.count("\n") == 1, r
    assert "\x1b" not in r.stderr

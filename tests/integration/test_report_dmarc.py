# SPDX-License-Identifier: Apache-2.0
"""DMARC aggregate reports that others send about our domains: taken in by hand, kept once, summed up, explained [RFC 9990]."""
import base64
import csv
import gzip
import io
import json
import smtplib
import time
import zipfile

import pytest
from conftest import finish, launch

from dmarc_reports import gzipped, many, record, report

REPORTER, STRANGER = "127.0.43.1", "127.0.43.9"
OWN, OTHERS, BUSY = "dmarcin.test", "dmarcin2.test", "dmarcin3.test"
TODAY = int(time.time()) // 86400 * 86400


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "dmarcin", {}, start=False)
    d.open_https()
    d.settings["listen world"] = {"door": "inbound", "address": [d.address + ":2525"], "tls": "starttls"}
    world.dns.publish("dmarcin-reporter.test.", "TXT", '"v=spf1 ip4:%s -all"' % REPORTER)
    world.dns.publish("_dmarc.dmarcin-reporter.test.", "TXT", '"v=DMARC1; p=none"')
    d.start()
    d.sender(OWN)
    d.cli("subscription", "add", "second")
    d.cli("domain", "add", OTHERS, "--subscription", "second")
    d.cli("domain", "add", BUSY)
    d.cli("route", "add", "reports@" + BUSY, "--handle", "reports")
    yield d
    finish(d)


def about(number, *records, domain=OWN, day=1, **more):
    begin = TODAY - day * 86400
    return report(*records, id="r%s" % number, domain=domain, begin=begin, end=begin + 86399, **more)


def take(sigillo, body, *options):
    return sigillo.cli("dmarc", "take", *options, input=body, ok=False)


def taken(sigillo, body):
    done = take(sigillo, body, "--json")
    assert done.returncode == 0, done.stderr
    [answer] = json.loads(done.stdout)
    return answer


def zipped(body):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        z.writestr("../../etc/passwd", body)
    return out.getvalue()


def mail(body):
    return b"From: a@reporter.test\r\nContent-Type: application/gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(gzip.compress(body)).replace(b"\n", b"\r\n")


@pytest.mark.parametrize("form", [bytes, gzip.compress, zipped, mail], ids=["xml", "gzip", "zip", "mail"])
def test_each_form_is_taken_once(sigillo, form):
    body = form(about("form-" + form.__name__, record(domain=BUSY), domain=BUSY))
    first = taken(sigillo, body)
    assert first == {"domain": BUSY, "organization": "reporter.test", "report_id": "rform-" + form.__name__, "messages": 1, "partial": False, "known": False}
    assert taken(sigillo, body) == dict(first, known=True)


@pytest.fixture(scope="module")
def week(sigillo):
    """Fifteen days of a domain that sends by itself and by a service, is forwarded, and forged."""
    for day in range(15):
        taken(sigillo, about("day%d" % day, record("192.0.2.1", 90, domain=OWN), record("192.0.2.7", 5, spf="fail", domain=OWN, envelope="list.test"),
                             record("198.51.100.4", 3, dkim="fail", spf="fail", domain=OWN, signer="sendgrid.net", signature="pass", envelope="em.sendgrid.net", sent="pass"),
                             day=day, p="none"))
    taken(sigillo, about("forged", record("203.0.113.9", 20, dkim="fail", spf="fail", domain=OWN, done="reject"), org="another.test", p="none"))
    return sigillo


def rows(sigillo, by, *options):
    return sigillo.json("report", "dmarc", "--domain", OWN, "--by", by, *options)["rows"]


def test_who_sends_and_what_to_do(week):
    own, forwarded, service, forged = rows(week, "source")
    assert (own["name"], own["messages"], own["passed"], own["advice"]) == ("192.0.2.1", 1350, 1350, None)
    assert (forwarded["name"], forwarded["passed"], forwarded["spf"]) == ("192.0.2.7", 75, 0) and "forwarded mail" in forwarded["advice"]
    assert (service["messages"], service["passed"], service["service"], service["dkim_domain"]) == (45, 0, "SendGrid", "sendgrid.net")
    assert service["advice"].startswith("SendGrid sends as you and is not set up for it.")
    assert (forged["name"], forged["rejected"]) == ("203.0.113.9", 20)


def test_by_everything_else(week):
    assert [(r["name"], r["messages"]) for r in rows(week, "org")] == [("reporter.test", 1470), ("another.test", 20)]
    assert [(r["name"], r["messages"]) for r in rows(week, "result")] == [("dkim+spf", 1350), ("dkim", 75), ("none", 65)]
    assert [r["messages"] for r in rows(week, "day")] == [98] * 13 + [118, 98]
    assert [r["messages"] for r in rows(week, "day", "--since", "3d")] == [98, 98, 118, 98]
    assert [(r["name"], r["messages"], r["days"]) for r in rows(week, "network")] == [("192.0.2.0/24", 1425, 15), ("198.51.100.0/24", 45, 15), ("203.0.113.0/24", 20, 1)]
    assert {r["network"] for r in rows(week, "source")} == {"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"}
    [domain] = rows(week, "domain")
    assert (domain["name"], domain["days"], domain["messages"], domain["passed"]) == (OWN, 15, 1490, 1425)
    [domain] = week.json("report", "dmarc", "--domain", OWN)["domains"]
    assert domain["p"] == "none" and domain["advice"].startswith("95.6 % pass: mend the sources")


def test_as_text(week):
    text = week.cli("report", "dmarc", "--domain", OWN).stdout
    assert text.startswith("%s: p=none, 1490 messages on 15 days, 95.6 %% pass; 0 were put aside, 20 refused\n  95.6 %% pass: mend the sources" % OWN)
    assert ["198.51.100.4", "45", "0.0", "%", "0.0", "%", "0.0", "%", "0", "0", "SendGrid"] in [line.split() for line in text.splitlines()]
    assert "\n203.0.113.9\n  " in text
    days = week.cli("report", "dmarc", "--domain", OWN, "--by", "day").stdout
    assert days.endswith("# passed DMARC   . did not\n") and "##" in days
    assert "##" not in week.cli("report", "dmarc", "--domain", OWN, "--by", "day", "--no-chart").stdout


def test_as_csv(week):
    lines = list(csv.DictReader(io.StringIO(week.cli("report", "dmarc", "--domain", OWN, "--csv", "--top", "3").stdout)))
    assert [(r["source"], r["messages"], r["service"]) for r in lines] == [("192.0.2.1", "1350", ""), ("192.0.2.7", "75", ""), ("198.51.100.4", "45", "SendGrid")]


def test_sources_have_names(world, sigillo):
    """Only a name that leads back to its address is shown; the service is known by it."""
    world.dns.publish("7.100.45.5.in-addr.arpa.", "PTR", "mail.dmarcin-source.test.")
    world.dns.publish("mail.dmarcin-source.test.", "A", "5.45.100.7")
    world.dns.publish("8.100.45.5.in-addr.arpa.", "PTR", "mail.dmarcin-liar.test.")
    world.dns.publish("mail.dmarcin-liar.test.", "A", "5.45.100.9")
    taken(sigillo, about("names", record("5.45.100.7", 9, domain=BUSY), record("5.45.100.8", 8, domain=BUSY), record("10.0.0.1", 7, domain=BUSY), domain=BUSY, day=40))
    day = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(TODAY - 40 * 86400))
    asked = ("report", "dmarc", "--domain", BUSY, "--since", day, "--until", day)
    end = time.monotonic() + 90
    while True:
        names = [(r["name"], r["reverse_name"]) for r in sigillo.json(*asked)["rows"]]
        if names[0][1] is not None or time.monotonic() > end:
            break
        time.sleep(0.2)
    assert names == [("5.45.100.7", "mail.dmarcin-source.test"), ("5.45.100.8", None), ("10.0.0.1", None)]
    assert " mail.dmarcin-source.test\n" in sigillo.cli(*asked).stdout
    lines = list(csv.DictReader(io.StringIO(sigillo.cli(*asked, "--csv").stdout)))
    assert [r["reverse_name"] for r in lines] == ["mail.dmarcin-source.test", "", ""]


def test_it_survives_a_restart(week):
    before = rows(week, "source")
    week.stop()
    week.start()
    assert rows(week, "source") == before
    assert taken(week, about("forged", record(domain=OWN), org="another.test"))["known"]


@pytest.mark.parametrize("body, status, why", [
    (about("x", domain="strange.example"), 1, "about no domain of this server"),
    (report(record(), domain=OWN), 2, "whose figures are kept"),
    (b"hello", 2, "there is no DMARC report in it"),
    (b"<!DOCTYPE f [<!ENTITY a 'b'>]>" + about("x"), 2, "DOCTYPE"),
    (gzip.compress(gzip.compress(about("x"))), 2, "no XML"),
    (gzipped([b"<feedback>" + b" " * 1000] + [bytes(1 << 20)] * 300), 2, "")], ids=["others", "old", "none", "doctype", "twice", "bomb"])
def test_what_is_refused(sigillo, body, status, why):
    done = take(sigillo, body)
    assert done.returncode in (status, 1) and done.stdout in ("", b""), done
    assert why in (done.stderr if isinstance(done.stderr, str) else done.stderr.decode())


def test_one_that_breaks_off_is_kept_as_far_as_it_goes(sigillo):
    done = taken(sigillo, about("cut", record(domain=BUSY, count=7), domain=BUSY).replace(b"</feedback>", b"<record><row"))
    assert (done["partial"], done["messages"]) == (True, 7)


def test_sources_of_a_day_are_bounded(sigillo):
    """Ten thousand sources: half of them have no name any more, and all are counted."""
    body = b"".join(many(10000)).replace(b"example.org", BUSY.encode()).replace(b"1709683200", b"%d" % (TODAY - 20 * 86400)).replace(b"1709769599", b"%d" % (TODAY - 20 * 86400 + 86399))
    all_of_it = taken(sigillo, gzip.compress(body))["messages"]
    day = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(TODAY - 20 * 86400))
    answer = sigillo.json("report", "dmarc", "--domain", BUSY, "--since", day, "--until", day, "--top", "1")
    assert answer["total"]["messages"] == all_of_it
    assert answer["rows"][0]["name"] is None and answer["next"] == 1


def test_a_subscription_sees_its_own(sigillo):
    taken(sigillo, about("theirs", record(domain=OTHERS), domain=OTHERS))
    key = sigillo.json("key", "add", "--subscription", "second", "--domain", OTHERS, "--role", "owner")["key"]

    def as_second(method, path, body=b"", key=key):
        return sigillo.request(method, path, body, headers={"Authorization": "Bearer " + key}, tls=True)

    assert [d["name"] for d in as_second("GET", "/admin/v1/reports/dmarc?by=domain")[2]["rows"]] == [OTHERS]
    assert as_second("GET", "/admin/v1/reports/dmarc?domain=" + OWN)[2]["rows"] == []
    assert as_second("POST", "/admin/v1/reports/dmarc", about("own", domain=OWN))[0] == 404
    assert as_second("POST", "/admin/v1/reports/dmarc", about("own2", record(domain=OTHERS), domain=OTHERS))[0] == 201
    reader = sigillo.json("key", "add", "--subscription", "second", "--domain", OTHERS, "--role", "reader")["key"]
    assert as_second("POST", "/admin/v1/reports/dmarc", about("r", domain=OTHERS), reader)[0] == 403


def bring(sigillo, mail, ip=REPORTER):
    """(code, text) of what the inbound door says to a mail for the address of reports."""
    c = smtplib.SMTP(sigillo.address, 2525, "mail.dmarcin-reporter.test", timeout=30, source_address=(ip, 0))
    try:
        c.ehlo()
        assert c.mail("noreply@dmarcin-reporter.test")[0] == 250 and c.rcpt("reports@" + BUSY)[0] == 250
        code, text = c.data(b"From: noreply@dmarcin-reporter.test\r\nSubject: Report Domain: x\r\n" + mail)
        return code, text.decode()
    finally:
        c.close()


def body_of(mail):
    return mail.split(b"\r\n", 1)[1]


def test_reports_come_by_mail(sigillo):
    """[RFC 9990 s3.5, RFC 8460 s5.3] What kind a report is, its content tells; whether its mail passed DMARC is remembered; the same again changes nothing."""
    day = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(TODAY - 30 * 86400))

    def seen():
        return sigillo.json("report", "dmarc", "--domain", BUSY, "--since", day, "--until", day)["total"]

    first = body_of(mail(about("mail1", record(domain=BUSY, count=4), domain=BUSY, day=30)))
    assert bring(sigillo, first)[0] == 250
    assert bring(sigillo, first)[0] == 250
    assert (seen()["messages"], seen()["unverified"]) == (4, 0)
    assert bring(sigillo, body_of(mail(about("mail2", record(domain=BUSY, count=5), domain=BUSY, day=30))), ip=STRANGER)[0] == 250
    assert (seen()["messages"], seen()["unverified"]) == (9, 5)
    tls = {"organization-name": "S", "report-id": "t1", "date-range": {"start-datetime": day, "end-datetime": day}, "contact-info": "a@b.test", "policies": [
        {"policy": {"policy-type": "sts", "policy-domain": BUSY}, "summary": {"total-successful-session-count": 3, "total-failure-session-count": 0}}]}
    assert bring(sigillo, b"Content-Type: application/tlsrpt+json\r\n\r\n" + json.dumps(tls).encode() + b"\r\n")[0] == 250
    assert sigillo.json("report", "tls", "--since", "400d", "--domain", BUSY)["domains"][0]["successful_sessions"] == 3


def test_mail_that_is_no_report_is_refused(sigillo):
    code, text = bring(sigillo, b"\r\nhello\r\n")
    assert code == 550 and "no report about DMARC or TLS" in text
    code, text = bring(sigillo, body_of(mail(about("strange", domain="strange.example"))))
    assert code == 550 and "no domain of this server" in text


def test_foreign_names_stay_harmless(sigillo):
    taken(sigillo, about("evil", record(domain=BUSY, signer="=cmd|'/c calc'!A0", signature="pass", dkim="fail", spf="fail"), domain=BUSY, org="=HYPERLINK(1)\nroot: all is well", day=3))
    text = sigillo.cli("report", "dmarc", "--domain", BUSY, "--by", "org").stdout
    assert "\nroot" not in text
    assert "\n'=HYPERLINK" in sigillo.cli("report", "dmarc", "--domain", BUSY, "--by", "org", "--csv").stdout


def test_what_is_asked_is_checked(sigillo):
    for options in (["--since", "yesterday"], ["--by", "moon"], ["--top", "0"], ["--csv", "--json"]):
        assert sigillo.cli("report", "dmarc", *options, ok=False).returncode == 2

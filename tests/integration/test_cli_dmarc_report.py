# SPDX-License-Identifier: Apache-2.0
"""`sigillo dmarc report` as its man page promises it, and what it does with reports that are made to hurt [RFC 9990 s8.1]."""
import base64
import csv
import gzip
import io
import json
import os
import resource
import subprocess
import zipfile
import zlib

import pytest

from dmarc_reports import gzipped, many, record, report
from world import daemon

MEMORY = 64 << 20
REPORT = report(record(count=5), record(ip="198.51.100.7", count=2, dkim="fail", spf="fail", done="reject", signer="other.test", signature="pass", envelope="bounce.test", sent="softfail"), p="reject")


def zipped(*files, method=zipfile.ZIP_DEFLATED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, data in files:
            z.writestr(name, data)
    return out.getvalue()


def mail(data, kind):
    return (b"From: dmarc@reporter.test\r\nSubject: Report Domain: example.org\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n"
            b"A report.\r\n--b\r\nContent-Type: " + kind + b"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(data) + b"--b--\r\n")


@pytest.fixture(scope="module", autouse=True)
def program():
    if not os.path.exists(daemon.PROGRAM):
        pytest.skip("%s is not built" % daemon.PROGRAM)


@pytest.fixture(scope="module")
def sanitized(program):
    with open(daemon.PROGRAM, "rb") as f:
        return b"__asan_init" in f.read()


def run(*args, stdin=b"", before=None):
    return subprocess.run([daemon.PROGRAM, "dmarc", "report", *args], input=stdin, capture_output=True, timeout=300, preexec_fn=before)


FORMS = {"xml": REPORT, "gzip": gzip.compress(REPORT), "zlib": zlib.compress(REPORT), "zip": zipped(("x.xml", REPORT)), "stored": zipped(("x", REPORT), method=zipfile.ZIP_STORED),
         "folder": zipped(("d/", b""), ("d/x.xml", REPORT)), "utf-16": REPORT.decode().replace("<?xml version=\"1.0\"?>", "").encode("utf-16"),
         "mail": mail(gzip.compress(REPORT), b"application/gzip"), "mislabelled": mail(zipped(("x.xml", REPORT)), b"application/gzip; name=x.xml.gz"),
         "trailed": gzip.compress(REPORT) + b"\r\n\r\n"}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_from_standard_input(form):
    done = run(stdin=FORMS[form])
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert text.startswith("reporter.test, 2024-03-06T00:00:00Z to 2024-03-06T23:59:59Z\nreport 1, contact dmarc@reporter.test\n"
                           "example.org: p=reject; 2 records, 7 messages, 71.4 % pass\n")
    rows = [line.split() for line in text.splitlines()]
    assert ["192.0.2.1", "5", "pass", "pass", "pass", "none", "example.org"] in rows
    assert ["198.51.100.7", "2", "fail", "pass:", "other.test", "softfail:", "bounce.test", "reject", "example.org"] in rows


def test_several_files_are_one_table(tmp_path):
    (tmp_path / "a.xml").write_bytes(REPORT)
    (tmp_path / "b.xml.gz").write_bytes(gzip.compress(REPORT))
    done = run("--top", "1", tmp_path / "a.xml", tmp_path / "b.xml.gz")
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert text.count("reporter.test, ") == 2 and text.count("SOURCE") == 1
    assert ["192.0.2.1", "10", "pass", "pass", "pass", "none", "example.org"] in [line.split() for line in text.splitlines()]
    assert text.endswith("and 4 messages of other sources\n") and "198.51.100.7" not in text


def test_json(tmp_path):
    (tmp_path / "a.xml").write_bytes(REPORT)
    done = run("--json", tmp_path / "none", tmp_path / "a.xml", tmp_path / "a.xml")
    assert done.returncode == 2
    first, second = json.loads(done.stdout)
    assert first == second
    assert (first["organization"], first["domain"], first["p"], first["messages"], first["passed"], first["partial"]) == ("reporter.test", "example.org", "reject", 7, 5, False)
    assert first["records"][1] == {
        "source_ip": "198.51.100.7", "count": 2, "disposition": "reject", "dkim": "fail", "spf": "fail", "reasons": [], "header_from": "example.org",
        "envelope_from": "bounce.test", "envelope_to": None, "dkim_results": [{"domain": "other.test", "selector": "s1", "result": "pass", "human_result": None}],
        "spf_results": [{"domain": "bounce.test", "scope": None, "result": "softfail", "human_result": None}]}


def test_csv_does_not_run_in_a_spreadsheet():
    hostile = report(record(domain="=HYPERLINK(1)", reason="<reason><type>other</type><comment>a\n\"b\", c</comment></reason>"), org="+1", id="@x")
    done = run("--csv", stdin=hostile)
    assert done.returncode == 0, done.stderr
    [row] = csv.DictReader(io.StringIO(done.stdout.decode(), newline=""))
    assert (row["organization"], row["report_id"], row["header_from"], row["source_ip"]) == ("'+1", "'@x", "'=HYPERLINK(1)", "192.0.2.1")
    assert row["reasons"] == "other: a\n\"b\", c" and row["dkim_results"].startswith("'=HYPER")


def test_nothing_moves_the_terminal():
    done = run(stdin=report(record(domain="\x9b31mx\u202e.test"), org="a\x9b2J").replace(b"\x01", b""))
    assert done.returncode == 0, done.stderr
    assert all(b == 10 or 32 <= b < 127 for b in done.stdout), done.stdout


def test_one_that_breaks_off_is_shown_as_far_as_it_goes():
    whole = gzip.compress(report(*(record(ip="192.0.2.%d" % i, count=i, envelope=os.urandom(20).hex()) for i in range(1, 250))))
    done = run("--json", stdin=whole[:len(whole) // 2])
    [got] = json.loads(done.stdout)
    assert done.returncode == 2 and b"damaged or not whole" in done.stderr
    assert got["partial"] and 0 < len(got["records"]) < 249 and got["organization"] == "reporter.test"


FAILURE = b"""From: reports@receiver.test\r\nSubject: Failure\r\nMIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n--b\r
Content-Type: text/plain\r\n\r\nA message failed.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: auth-failure\r\nUser-Agent: Receiver/1.0\r\nVersion: 1\r
Auth-Failure: dmarc\r\nAuthentication-Results: receiver.test; dmarc=fail header.from=example.org\r\nIdentity-Alignment: none\r\nReported-Domain: example.org\r\nSource-IP: 198.51.100.7\r
Original-Mail-From: <a@other.test>\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nFrom: Boss <boss@example.org>\r\nSubject: pay\x1b[2J this\r\nMessage-ID: <1@other.test>\r\n\r\n--b--\r\n"""


def test_a_failure_report():
    """[RFC 6591 s3, RFC 9991 s3]"""
    done = run(stdin=FAILURE)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert text.startswith("example.org: a message that was not authenticated\n  failed          dmarc\n") and "\x1b" not in text
    assert "  source          198.51.100.7\n" in text and "from            Boss <boss@example.org>" in text
    done = run("--json", stdin=FAILURE)
    [got] = json.loads(done.stdout)
    assert (done.returncode, got["records"], got["partial"], got["problem"]) == (0, [], False, None)
    assert [got["failure"][k] for k in ("domain", "failed", "source_ip", "envelope_from", "message_id")] == ["example.org", "dmarc", "198.51.100.7", "a@other.test", "<1@other.test>"]
    assert run("--csv", stdin=FAILURE).returncode == 2


def test_wrong_usage():
    assert run("--top", "0").returncode == 2
    assert run("--csv", "--json").returncode == 2
    assert run("/nonexistent").returncode == 2


# ---- what is made to hurt, in 64 MiB ----

def limited(sanitized):
    """At most so much memory of its own: an allocation more fails. The sanitizer wants more for itself."""
    return None if sanitized else lambda: resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


LAUGHS = b'<?xml version="1.0"?><!DOCTYPE f [<!ENTITY a "' + b"a" * 100 + b'">' + b"".join(
    b'<!ENTITY %c "%s">' % (98 + i, b"&%c;" % (97 + i) * 100) for i in range(9)) + b"]><feedback><report_metadata><org_name>&j;</org_name></report_metadata></feedback>"
QUADRATIC = b'<!DOCTYPE f [<!ENTITY a "' + b"a" * 100000 + b'">]><feedback><report_metadata><org_name>' + b"&a;" * 100000 + b"</org_name></report_metadata></feedback>"
OUTSIDE = b'<!DOCTYPE f [<!ENTITY a SYSTEM "file:///etc/hostname">]><feedback><report_metadata><org_name>&a;</org_name></report_metadata></feedback>'


def zeros(n):
    return gzipped([b"<feedback>" + b" " * 1000] + [bytes(1 << 20)] * (n >> 20))


def declared():
    """A zip archive that says it has 10 GB."""
    z = bytearray(zipped(("x.xml", REPORT)))
    z[18:26] = b"\xff" * 8
    extra = b"\x01\x00\x10\x00" + (10 << 30).to_bytes(8, "little") + len(z).to_bytes(8, "little")
    z[28:30] = len(extra).to_bytes(2, "little")
    return bytes(z[:35]) + extra + bytes(z[35:])


HURT = {"laughs": LAUGHS, "quadratic": QUADRATIC, "outside": OUTSIDE, "laughs in gzip": gzip.compress(LAUGHS), "gzip of zeros": zeros(2 << 30), "gzip in gzip": gzip.compress(zeros(1 << 28)),
        "zip of zeros": zipped(("x.xml", b"<feedback>" + b" " * (300 << 20))), "zip in zip": zipped(("x.zip", zipped(("x.xml", REPORT)))), "declared": declared(),
        "deep": b"<feedback>" + b"<a>" * 3000000, "one name": b"<feedback><" + b"a" * (30 << 20), "names": b"<feedback>" + b"".join(b"<a%d/>" % i for i in range(300000)),
        "attributes": b"<feedback><a " + b"".join(b"a%d='' " % i for i in range(300000)) + b"/>", "comment": b"<feedback><!--" + b"x" * (30 << 20)}


@pytest.mark.parametrize("what", HURT)
def test_what_is_made_to_hurt_is_refused(what, sanitized):
    done = run(stdin=HURT[what], before=limited(sanitized))
    assert done.returncode == 2 and done.stdout == b"", done.stdout[:300]
    assert done.stderr.startswith(b"sigillo: standard input: ") and b"memory" not in done.stderr, done.stderr


@pytest.mark.parametrize("form,n,pack", [("table", 1000000, False), ("table", 100000, True), ("json", 100000, True), ("csv", 100000, True)])
def test_so_many_records_stream(form, n, pack, sanitized, tmp_path):
    """Through a pipe, below the limit of what is made to hurt."""
    with open(tmp_path / "out", "wb") as to:
        child = subprocess.Popen([daemon.PROGRAM, "dmarc", "report", *([] if form == "table" else ["--" + form])], stdin=subprocess.PIPE, stdout=to, preexec_fn=limited(sanitized))
        for piece in [gzipped(many(n))] if pack else many(n):
            child.stdin.write(piece)
        child.stdin.close()
        assert child.wait(300) == 0
    with open(tmp_path / "out", "rb") as f:
        assert ("%d records" % n).encode() in f.read(1000) if form == "table" else sum(1 for line in f) > n

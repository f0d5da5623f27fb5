# SPDX-License-Identifier: Apache-2.0
"""`sigillo tlsrpt report` as its man page promises it."""
import base64
import gzip
import json
import os
import subprocess

import pytest

from world import daemon

FAILED = {"result-type": "certificate-expired", "receiving-mx-hostname": "mx.example.org", "receiving-ip": "192.0.2.1", "failed-session-count": 2}
REPORT = {"organization-name": "Sender", "date-range": {"start-datetime": "2026-11-22T00:00:00Z", "end-datetime": "2026-11-22T23:59:59Z"},
          "contact-info": "tls@sender.example", "report-id": "1@sender.example", "policies": [
              {"policy": {"policy-type": "sts", "policy-domain": "example.org", "mx-host": ["mx.example.org"]},
               "summary": {"total-successful-session-count": 5, "total-failure-session-count": 2}, "failure-details": [FAILED]}]}
TEXT = json.dumps(REPORT).encode()
MAIL = b"Content-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(gzip.compress(TEXT))


@pytest.fixture(scope="module", autouse=True)
def program():
    if not os.path.exists(daemon.PROGRAM):
        pytest.skip("%s is not built" % daemon.PROGRAM)


def run(*args, stdin=b""):
    return subprocess.run([daemon.PROGRAM, "tlsrpt", "report", *args], input=stdin, capture_output=True, timeout=60)


@pytest.mark.parametrize("form", [TEXT, gzip.compress(TEXT), MAIL], ids=["json", "gzip", "mail"])
def test_each_form_from_standard_input(form):
    done = run(stdin=form)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert text.startswith("Sender, 2026-11-22T00:00:00Z to 2026-11-22T23:59:59Z\nreport 1@sender.example, contact tls@sender.example\n")
    assert ["example.org", "sts", "mx.example.org", "7", "2"] in [line.split() for line in text.splitlines()]
    assert "2 sessions: certificate-expired at mx.example.org [192.0.2.1]\n  renew the certificate" in text


def test_files_and_json(tmp_path):
    (tmp_path / "a.json").write_bytes(TEXT)
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(TEXT))
    done = run("--json", tmp_path / "a.json", tmp_path / "b.json.gz")
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert [r["file"] for r in got] == [str(tmp_path / "a.json"), str(tmp_path / "b.json.gz")]
    assert got[0]["policies"] == got[1]["policies"] and got[0]["begin"] == "2026-11-22T00:00:00Z"
    assert got[0]["policies"][0]["failures"] == [{"result": "certificate-expired", "sessions": 2, "sending_ip": None, "receiving_ip": "192.0.2.1",
                                                  "mx": "mx.example.org", "helo": None, "information": None, "reason": None}]


def test_one_that_cannot_be_read_does_not_hide_the_others(tmp_path):
    (tmp_path / "a.json").write_bytes(TEXT)
    bad = b'{"policies": [{"summary": {"total-failure-session-count": -1}}]}'
    (tmp_path / "bad.json").write_bytes(bad)
    done = run(tmp_path / "bad.json", tmp_path / "a.json", tmp_path / "none")
    assert done.returncode == 2 and b"Sender" in done.stdout
    first, second = done.stderr.decode().splitlines()
    assert "bad.json" in first and "a count of sessions is no whole number" in first and first.endswith("at byte %d" % bad.index(b"-1"))
    assert "none" in second and "No such file" in second


@pytest.mark.parametrize("form, why", [(b"", "no report about TLS"), (b"PK\x03\x04", "zip archive"), (gzip.compress(TEXT)[:-9], "not whole"),
                                       (gzip.compress(gzip.compress(TEXT)), "packed twice"), (b"{}", "no policies"),
                                       (gzip.compress(b" " * (33 << 20)), "too large"), (TEXT[:-1] + b',"policies":[{}]}', "twice")])
def test_what_is_no_report(form, why):
    done = run(stdin=form)
    assert done.returncode == 2 and why in done.stderr.decode() and not done.stdout, (done.stderr, done.stdout)
    assert done.stderr.startswith(b"sigillo: standard input: ") and done.stderr.count(b"\n") == 1


def test_foreign_text_cannot_reach_the_terminal():
    """[RFC 8460 s4.3.3] additional-information is a hostile address, names and reasons are foreign bytes."""
    evil = json.loads(TEXT)
    evil["organization-name"] = "\x1b]0;x\x07\nSigillo: all is well"
    evil["policies"][0]["failure-details"][0].update({"failure-reason-code": "\x1b[2J", "result-type": "new\r\n"})
    done = run(stdin=json.dumps(evil).encode())
    assert done.returncode == 0 and b"\x1b" not in done.stdout and b"\nSigillo" not in done.stdout and b"\r" not in done.stdout, done.stdout

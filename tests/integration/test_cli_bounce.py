# SPDX-License-Identifier: Apache-2.0
"""`sigillo bounce parse` as its man page promises it."""
import json
import os
import subprocess

import pytest

from world import daemon

BOUNCE = (b"From: MAILER-DAEMON@mx.cli-bounce.test\nTo: a@our.test\nSubject: Undelivered Mail\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
          b"--b\n\nIt failed.\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.cli-bounce.test\n\n"
          b"Final-Recipient: rfc822; u@cli-bounce.test\nAction: failed\nStatus: 5.1.1\nDiagnostic-Code: smtp; 550 5.1.1 no such user\x1b[31m\n\n"
          b"--b\nContent-Type: text/rfc822-headers\n\nMessage-ID: <1@our.test>\n--b--\n")
LETTER = b"From: a@our.test\nSubject: hello\n\nhello\n"
KEYS = {"file", "recipient", "action", "status", "code", "class", "reason", "diagnostic", "final_recipient", "remote_mta", "reporting_mta", "message_id", "form"}


@pytest.fixture(scope="module", autouse=True)
def program():
    if not os.path.exists(daemon.PROGRAM):
        pytest.skip("%s is not built" % daemon.PROGRAM)


def run(*args, stdin=b""):
    return subprocess.run([daemon.PROGRAM, "bounce", "parse", *args], input=stdin, capture_output=True, timeout=60)


def test_a_table_from_standard_input():
    done = run(stdin=BOUNCE)
    assert done.returncode == 0, done.stderr
    text = done.stdout.decode()
    assert ["u@cli-bounce.test", "failed", "5.1.1", "hard", "user-unknown"] in [line.split() for line in text.splitlines()]
    assert "u@cli-bounce.test: 550 5.1.1 no such user" in text
    assert "\x1b" not in text


def test_json_of_several_files(tmp_path):
    paths = []
    for name, content in (("one.eml", BOUNCE), ("two.eml", BOUNCE.replace(b"5.1.1", b"5.2.2").replace(b"no such user", b"mailbox full"))):
        (tmp_path / name).write_bytes(content)
        paths.append(str(tmp_path / name))
    done = run("--json", *paths)
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    assert all(set(r) == KEYS for r in got)
    assert [(r["file"], r["class"], r["status"], r["code"], r["message_id"]) for r in got] == [
        (paths[0], "hard", "5.1.1", 550, "<1@our.test>"), (paths[1], "full", "5.2.2", 550, "<1@our.test>")]


def test_exit_statuses(tmp_path):
    (tmp_path / "letter.eml").write_bytes(LETTER)
    (tmp_path / "bounce.eml").write_bytes(BOUNCE)
    letter = run("--json", tmp_path / "letter.eml", tmp_path / "bounce.eml")
    assert letter.returncode == 1 and len(json.loads(letter.stdout)) == 1
    assert letter.stderr.decode().startswith("sigillo: %s: it reports nothing" % (tmp_path / "letter.eml"))
    missing = run("--json", tmp_path / "none.eml", tmp_path / "bounce.eml")
    assert missing.returncode == 2 and len(json.loads(missing.stdout)) == 1
    assert run("--what").returncode == 2
    assert run(stdin=b"").returncode == 2

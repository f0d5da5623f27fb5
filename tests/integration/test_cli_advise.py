# SPDX-License-Identifier: Apache-2.0
"""`sigillo advise`: options, questions on a terminal, JSON. It needs neither a server nor the network."""
import json
import os
import pty
import re
import select
import subprocess
import time

import pytest

from world import daemon

pytestmark = pytest.mark.skipif(not os.path.exists(daemon.PROGRAM), reason="%s is not built" % daemon.PROGRAM)
NEEDED = ("--what", "transactional", "--to", "external", "--per-day", "2401", "--by", "acs")


def sigillo(*args):
    return subprocess.run([daemon.PROGRAM, "advise", *args], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20)


def test_the_answer_in_json():
    r = sigillo(*NEEDED, "--want", "status", "--want", "bounces", "--domain", "Bücher.example", "--json")
    a = json.loads(r.stdout)
    assert r.returncode == 0 and r.stderr == ""
    assert a["account"]["kind"] == "access key" and a["account"]["in_this_version"] and a["account"]["instead"] is None
    assert a["domain"] == {"kind": "custom", "name": "xn--bcher-kva.example", "own_subdomain": False}
    limits = {(x["of"], x["counted"], x["window_s"]): x for x in a["limits"]}
    assert limits["Azure Communication Services", "messages", 3600] == {
        "of": "Azure Communication Services", "counted": "messages", "window_s": 3600, "maximum": 100, "fits": False}
    assert limits["Azure Communication Services", "messages", 60]["fits"]
    assert [x["type"] for x in a["records"]] == ["TXT", "TXT", "TXT", "TXT", "TXT", "MX", "TXT", "TXT", "MX", "PTR"]
    assert all("%" not in x["name"] + x["value"] for x in a["records"])
    assert "sigillo domain verify xn--bcher-kva.example --wait" in a["commands"] and len(a["comes_back"]) == 2


def test_for_people_it_fits_80_columns():
    r = sigillo(*NEEDED[:-1], "smtp", "--licences", "100", "--domain", "a.example")
    assert r.returncode == 0 and r.stdout.startswith("SMTP credential\n") and "22059 recipients outside in 24 h" in r.stdout
    assert max(map(len, r.stdout.splitlines())) <= 80
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", r.stdout)


@pytest.mark.parametrize("args, what", [
    ((), "--what"), (NEEDED[:-2], "--by"), (("--what", "x"), "--what"), (NEEDED + ("--want", "x"), "--want"),
    (NEEDED + ("--per-day", "1"), "--per-day"), (("--per-day", "x", *NEEDED[:4]), "--per-day"),
    (NEEDED + ("--domain", "a b"), "--domain"), (NEEDED + ("--licences", "-1"), "--licences"), (NEEDED + ("--name", "a b"), "--name"),
    (NEEDED + ("--issuer", "https://$(x)"), "--issuer"), (NEEDED + ("--subject", "a'b"), "--subject"), (NEEDED + ("more",), "more"),
    (NEEDED + ("--resolver", "192.0.2.1"), "--resolver"), (NEEDED + ("--domain", "\x1b[31m"), "--domain")])
def test_wrong_usage(args, what):
    r = sigillo(*args)
    assert r.returncode == 2 and r.stdout == "" and r.stderr.startswith("sigillo: %s: " % what) and r.stderr.count("\n") == 1, r
    assert "\x1b" not in r.stderr


def on_a_terminal(args, answers):
    """Answers the questions one by one; everything that was shown, and the exit status."""
    child, terminal = pty.fork()
    if child == 0:
        os.environ["NO_COLOR"] = "1"
        os.execv(daemon.PROGRAM, [daemon.PROGRAM, "advise", *args])
    shown, end, left = b"", time.monotonic() + 20, list(answers)
    while time.monotonic() < end:
        if select.select([terminal], [], [], 0.05)[0]:
            try:
                got = os.read(terminal, 65536)
            except OSError:
                break
            if not got:
                break
            shown += got
        if left and shown.endswith(b"] "):
            os.write(terminal, left.pop(0))
            shown += b"\n"
    return shown.decode().replace("\r", ""), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_on_a_terminal_it_asks_for_what_was_not_given():
    shown, status = on_a_terminal(["--to", "external"], [b"newsletter\n", b"20000\n", b"2\n", b"\n", b"status\n"])
    assert status == 0, shown
    assert "What will be sent?" in shown and "To whom?" not in shown and "access key" in shown and "one-click" in shown


def test_a_wrong_answer_is_asked_again_and_the_end_of_the_input_ends_it():
    shown, status = on_a_terminal([], [b"seven\n", b"\x04"])
    assert "A number or a word of the list" in shown and status == 2 and "the input has ended" in shown


def test_who_gives_all_that_is_needed_is_asked_nothing():
    shown, status = on_a_terminal(NEEDED, [])
    assert status == 0 and "?" not in shown.split("\n")[0]

# SPDX-License-Identifier: Apache-2.0
"""Addresses that are not sent to: by hand, from a file, by a hard bounce; what becomes of mail to them."""
import json

import pytest

NO, USAGE = 1, 2


def states(sigillo, message_id):
    return {r["address"]: r["state"] for r in sigillo.show(message_id)["recipients"]}


def test_a_suppressed_recipient_is_final_and_the_others_are_delivered(world, sigillo, sender):
    sigillo.cli("suppression", "add", "Gone@good.test", "--reason", "complaint", "--reply", "a letter")
    message_id = sigillo.submit(sender, ["gone@good.test", "other@good.test"])
    sigillo.wait_state(message_id, "delivered", rcpt="other@good.test")
    assert states(sigillo, message_id) == {"gone@good.test": "suppressed", "other@good.test": "delivered"}
    assert "suppressed" in [e["kind"] for e in sigillo.json("trace", message_id)["events"]]
    assert world.wait_mail("other@good.test")
    sigillo.cli("suppression", "remove", "gone@GOOD.test")
    sigillo.wait_state(sigillo.submit(sender, "gone@good.test"), "delivered")


def test_when_all_are_suppressed_the_message_is_final_at_once(sigillo, sender):
    sigillo.cli("suppression", "add", "all1@good.test", "all2@good.test", "--domain", "app.test")
    message_id = sigillo.submit(sender, ["all1@good.test", "all2@good.test"])
    assert set(states(sigillo, message_id).values()) == {"suppressed"}
    sigillo.kill()
    sigillo.restart()
    assert set(states(sigillo, message_id).values()) == {"suppressed"}
    assert sigillo.json("suppression", "remove", "all1@good.test", "--domain", "app.test") == {"removed": 1}


def test_what_was_imported_is_exported(sigillo, tmp_path):
    sigillo.cli("subscription", "add", "lists")
    (tmp_path / "list.csv").write_text(
        'address,reason,expires_at,reply\n# a comment\n\n'
        'One@x.test,hard-bounce,,"550 5.1.1 ""no"", such\nuser"\r\ntwo@x.test,,,\nthree@x.test\n', newline="")
    whose = ("--subscription", "lists")
    assert sigillo.json("suppression", "import", str(tmp_path / "list.csv"), *whose) == {"added": 3, "known": 0}
    exported = sigillo.cli("suppression", "export", *whose).stdout
    assert exported == ('address,reason,expires_at,reply\none@x.test,hard-bounce,,"550 5.1.1 ""no"", such\nuser"\n'
                        'three@x.test,manual,,\ntwo@x.test,manual,,\n')
    assert sigillo.json("suppression", "import", "-", *whose, input=exported) == {"added": 0, "known": 3}
    listed = sigillo.json("suppression", "list", *whose)["suppressions"]
    assert [s["address"] for s in listed] == ["one@x.test", "three@x.test", "two@x.test"]
    assert listed[0]["reply"] == '550 5.1.1 "no", such\nuser' and listed[0]["expires_at"] is None
    assert "one@x.test" in sigillo.cli("suppression", "list").stdout


def test_a_long_list_comes_by_the_page(sigillo):
    sigillo.cli("subscription", "add", "many")
    lines = "".join("user%04d@x.test\n" % n for n in range(2500))
    assert sigillo.json("suppression", "import", "--subscription", "many", input=lines) == {"added": 2500, "known": 0}
    listed = sigillo.json("suppression", "list", "--subscription", "many")["suppressions"]
    assert [s["address"] for s in listed] == lines.split()


@pytest.mark.parametrize("args, input, status", [
    (["add", "nobody"], None, USAGE), (["add", "a@x.test", "--reason", "spite"], None, USAGE),
    (["add", "a@x.test", "--expires", "1970-01-02T00:00:00Z"], None, USAGE),
    (["add", "a@x.test", "--domain", "nobody.test"], None, NO), (["remove", "nobody@x.test"], None, NO),
    (["import"], '"a@x.test\n', USAGE), (["import"], "a@x.test,manual,,reply,more\n", USAGE),
    (["import"], "a@x.test\nnot an address\n", USAGE)])
def test_mistakes_are_refused(sigillo, sender, args, input, status):
    r = sigillo.cli("suppression", *args, ok=False, **({"input": input} if input else {}))
    assert r.returncode == status and r.stderr.startswith("sigillo: "), r


def test_a_hard_bounce_is_suppressed_when_the_configuration_says_so(world, make_sigillo):
    d = make_sigillo(settings={"delivery": {"suppress_hard_bounces": "14d"}})
    sender = d.sender("bounce.test")
    first = d.submit(sender, "someone@reject.test")
    d.wait_state(first, "failed")
    second = d.submit(sender, ["someone@reject.test", "someone@nullmx.test"])
    d.wait_state(second, "failed", rcpt="someone@nullmx.test")
    assert states(d, second)["someone@reject.test"] == "suppressed"
    listed = {s["address"]: s for s in d.json("suppression", "list")["suppressions"]}
    assert set(listed) == {"someone@reject.test", "someone@nullmx.test"}
    assert listed["someone@reject.test"]["reason"] == "hard-bounce" and "5.1.1" in listed["someone@reject.test"]["reply"]


def test_without_that_nothing_is_suppressed(sigillo, sender):
    message_id = sigillo.submit(sender, "someone@reject.test")
    sigillo.wait_state(message_id, "failed")
    assert "someone@reject.test" not in json.dumps(sigillo.json("suppression", "list"))

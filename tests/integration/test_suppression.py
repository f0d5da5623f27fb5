# SPDX-License-Identifier: Apache-2.0
"""Addresses that are not sent to: by hand, from a file, by a hard bounce; what becomes of mail to them."""
import time

import pytest
from world.internet import wait_for

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


def test_mail_that_waits_already_is_not_tried_again(world, make_sigillo):
    d = make_sigillo()
    sender = d.sender("waits.test")
    receiver = world.receiver("suppress-later.test", {"rcpt": "451 4.3.0 later"})
    one, two = d.submit(sender, ["a@suppress-later.test", "b@suppress-later.test"]), d.submit(sender, "c@suppress-later.test")
    for message_id in (one, two):
        d.wait_state(message_id, "queued")
    d.cli("suppression", "add", "A@suppress-later.test", "--reason", "complaint")
    d.cli("suppression", "add", "c@suppress-later.test", "--domain", "waits.test")
    receiver.script = {}
    d.wait_state(one, "delivered", rcpt="b@suppress-later.test")
    d.wait_state(two, ["suppressed", "delivered"])
    d.wait_state(one, ["suppressed", "delivered"])
    assert states(d, one) == {"a@suppress-later.test": "suppressed", "b@suppress-later.test": "delivered"}
    assert states(d, two) == {"c@suppress-later.test": "suppressed"}
    told = [e for e in d.json("trace", two)["events"] if e["kind"] == "suppressed"]
    assert len(told) == 1 and "suppressed by hand" in str(told[0]), told
    assert {r for m in receiver.messages for r in m.recipients} == {"b@suppress-later.test"}


def test_what_was_imported_is_exported(sigillo, tmp_path):
    sigillo.cli("subscription", "add", "lists")
    (tmp_path / "list.csv").write_text(
        'address,reason,created_at,expires_at,reply,case_sensitive\n# a comment\n\n'
        'One@x.test,hard-bounce,2026-01-01,2099-01-01,"550 5.1.1 ""no"", such\nuser",\r\n'
        'Two@x.test,,2026-01-01,,,true\nthree@x.test,,2026-01-01\n', newline="")
    whose = ("--subscription", "lists")
    assert sigillo.json("suppression", "import", str(tmp_path / "list.csv"), *whose) == {"added": 3, "known": 0}
    exported = sigillo.cli("suppression", "export", *whose).stdout
    assert exported == (
        'address,domain,reason,case_sensitive,created_at,expires_at,reply\n'
        'Two@x.test,,manual,true,2026-01-01T00:00:00Z,,\n'
        'one@x.test,,hard-bounce,false,2026-01-01T00:00:00Z,2099-01-01T00:00:00Z,"550 5.1.1 ""no"", such user"\n'
        'three@x.test,,manual,false,2026-01-01T00:00:00Z,,\n')
    assert sigillo.json("suppression", "import", "-", *whose, input=exported) == {"added": 0, "known": 3}
    assert sigillo.cli("suppression", "export", *whose).stdout == exported
    listed = sigillo.json("suppression", "list", *whose)["suppressions"]
    assert [s["address"] for s in listed] == ["Two@x.test", "one@x.test", "three@x.test"]
    assert listed[1]["reply"] == '550 5.1.1 "no", such user' and listed[0]["expires_at"] is None
    assert "one@x.test" in sigillo.cli("suppression", "list").stdout
    assert "one@x.test" not in sigillo.cli("suppression", "export").stdout


def test_an_import_is_whole_or_nothing_and_names_the_line(sigillo):
    sigillo.cli("subscription", "add", "whole")
    whose = ("--subscription", "whole")
    lines = "".join("user%05d@x.test\n" % n for n in range(60000))
    r = sigillo.cli("suppression", "import", *whose, input=lines + "nobody\n", ok=False)
    assert r.returncode == USAGE and r.stderr.startswith("sigillo: line 60001: address: "), r
    assert sigillo.json("suppression", "list", *whose) == {"suppressions": []}
    assert sigillo.json("suppression", "import", *whose, input=lines) == {"added": 60000, "known": 0}
    assert sigillo.cli("suppression", "export", *whose).stdout.count("\n") == 60001
    many = "".join("more%06d@x.test\n" % n for n in range(100001))
    r = sigillo.cli("suppression", "import", *whose, input=many, ok=False)
    assert r.returncode == USAGE and r.stderr.startswith("sigillo: line 100001: an import has at most"), r


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


def test_a_hard_bounce_is_suppressed(world, make_sigillo):
    d = make_sigillo(settings={"delivery": {"suppress_hard_bounces": None}})
    sender = d.sender("bounce.test")
    first = d.submit(sender, "someone@reject.test")
    d.wait_state(first, "failed")
    second = d.submit(sender, ["someone@reject.test", "someone@nullmx.test"])
    d.wait_state(second, "failed", rcpt="someone@nullmx.test")
    assert states(d, second)["someone@reject.test"] == "suppressed"
    listed = {s["address"]: s for s in d.json("suppression", "list")["suppressions"]}
    assert set(listed) == {"someone@reject.test", "someone@nullmx.test"}
    assert listed["someone@reject.test"]["reason"] == "hard-bounce" and "5.1.1" in listed["someone@reject.test"]["reply"]


def test_a_hard_bounce_is_not_suppressed_when_the_configuration_says_so(make_sigillo):
    d = make_sigillo()
    sender = d.sender("nobounce.test")
    d.wait_state(d.submit(sender, "someone@reject.test"), "failed")
    assert d.json("suppression", "list") == {"suppressions": []}
    d.settings["delivery"]["suppress_hard_bounces"] = "1d"
    d.reload()
    wait_for(lambda: d.json("report", "audit", "--action", "configuration reload")["audit"], bool, 10, "the reload")
    d.wait_state(d.submit(sender, "someone@reject.test"), "failed")
    assert [s["address"] for s in d.json("suppression", "list")["suppressions"]] == ["someone@reject.test"]
    metrics = d.get("/metrics")[2].decode()
    assert "sigillo_suppressions 1\n" in metrics and 'sigillo_recipients_total{state="suppressed"} 0\n' in metrics


def test_what_is_over_is_sent_to_again_and_goes(world, make_sigillo):
    d = make_sigillo()
    sender = d.sender("over.test")
    end = int(time.time()) + 3
    d.cli("suppression", "add", "soon@good.test", "--expires", str(end))
    assert states(d, d.submit(sender, "soon@good.test")) == {"soon@good.test": "suppressed"}
    while time.time() < end:
        time.sleep(0.1)
    assert d.json("suppression", "list") == {"suppressions": []}
    d.wait_state(d.submit(sender, "soon@good.test"), "delivered")


def test_local_parts_may_be_told_apart_by_case(make_sigillo):
    d = make_sigillo(settings={"suppression_case_sensitive": "true"})
    sender = d.sender("cased.test")
    d.cli("suppression", "add", "Joe@good.test")
    id = d.submit(sender, ["Joe@good.test", "joe@good.test"])
    d.wait_state(id, "delivered", rcpt="joe@good.test")
    assert states(d, id) == {"Joe@good.test": "suppressed", "joe@good.test": "delivered"}

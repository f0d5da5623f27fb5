# SPDX-License-Identifier: Apache-2.0
"""Records that publish themselves by dynamic update, and keys that rotate themselves, with Knot DNS as the zone's server."""
import re
import time

import dkim
import pytest
from dynupdate import Flow, audit, publish, rotation, secret, settings, show, states, wait_green, wait_step

import conftest
from world.internet import wait_for


@pytest.fixture(scope="module")
def server(world, tmp_path_factory):
    d = conftest.launch(world, "dynupdate", settings(world, tmp_path_factory.mktemp("keys")))
    world.dns.publish(d.settings["hostname"], "A", d.address)
    d.json("credential", "add", "trusted", "--domain", "*")
    yield d
    conftest.finish(d)


# ---- published ----


def test_from_nothing_to_green_by_itself(world, server):
    server.json("domain", "add", "dyn.test")
    last = wait_green(server, "dyn.test")
    assert last["may_send"]
    assert any(t.startswith("v=spf1 ") for t in world.dns.texts("dyn.test"))
    assert any(a == "records published" for a, _ in audit(server, "dyn.test", "system:publishing"))


def test_an_spf_record_that_exists_is_merged_and_what_stands_beside_it_stays(world, server):
    world.dns.publish("merge.dyn.test", "TXT", '"v=spf1 ip4:192.0.2.1 -all"', '"another=text"')
    server.json("domain", "add", "merge.dyn.test")
    wait_green(server, "merge.dyn.test")
    got = world.dns.texts("merge.dyn.test")
    spf = [t for t in got if t.startswith("v=spf1")]
    assert len(spf) == 1 and "ip4:192.0.2.1" in spf[0] and "a:" + server.settings["hostname"] in spf[0] and spf[0].endswith("-all")
    assert "another=text" in got


@pytest.mark.parametrize("zone", ["dyn.test", "try.dyn.test"], ids=["the-zone", "below-it"])
def test_a_managed_domain_is_signed_and_verifies_at_once(world, tmp_path, make_sigillo, zone):
    config = settings(world, tmp_path)
    config["domains"] = {"managed_zone": zone}
    config["verification"]["pending"] = ["30s"]  # the schedule alone would be too late
    d = make_sigillo(config)
    d.json("credential", "add", "trusted", "--domain", "*")
    added = d.json("domain", "add", "--managed", "quick")
    name = "quick." + zone
    assert (added["name"], added["may_send"]) == (name, True)
    flow = Flow(world, d, name, "managed-%s@good.test" % zone.split(".")[0])
    flow.send()
    (got,) = world.wait_mail(flow.to, 1)
    wait_for(lambda: world.dns.texts("s1._domainkey." + name), bool, 4, "the key")
    assert dkim.verify(got, dnsfunc=world.dns.txt)
    wait_for(lambda: states(show(d, name)), lambda s: {s[p] for p in ("spf", "dkim", "dmarc")} == {"verified"}, 10, "all of it")
    assert any(t.startswith("v=spf1 ") for t in world.dns.texts(name))


# ---- on demand, and what goes wrong ----


def test_a_dry_run_says_and_does_nothing(world, server):
    world.dns.publish("_smtp._tls.dyn.test", "TXT")
    said = publish(server, "dyn.test", 0, "--dry-run")
    assert "_smtp._tls.dyn.test TXT" in said and "nothing was sent" in said
    assert world.dns.texts("_smtp._tls.dyn.test") == []
    publish(server, "dyn.test", 0)
    assert world.dns.texts("_smtp._tls.dyn.test") == ["v=TLSRPTv1; rua=mailto:tls-reports@dyn.test"]
    assert "is there already" in publish(server, "dyn.test", 0)


def test_what_somebody_else_put_there_stays(world, server):
    foreign = '"v=DKIM1; k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL6h"'
    world.dns.publish("s1._domainkey.foreign.dyn.test", "TXT", foreign)
    server.json("domain", "add", "foreign.dyn.test")
    wait_for(lambda: states(show(server, "foreign.dyn.test")), lambda s: s["spf"] == "verified" and s["domain"] == "verified", 20, "the rest")
    assert world.dns.texts("s1._domainkey.foreign.dyn.test") == [foreign.strip('"')]
    assert not show(server, "foreign.dyn.test")["may_send"]
    told = [d for a, d in audit(server, "foreign.dyn.test", "system:publishing") if a == "records not published"]
    assert len(told) == 1 and "s1._domainkey.foreign.dyn.test" in told[0] and "not ours" in told[0]
    assert "not ours" in publish(server, "foreign.dyn.test", 1)
    publish(server, "foreign.dyn.test", 0, "--replace")
    wait_green(server, "foreign.dyn.test")


def test_records_are_withdrawn_with_their_domain(world, server):
    world.dns.publish("gone.dyn.test", "TXT", '"another=text"')
    server.json("domain", "add", "gone.dyn.test")
    wait_green(server, "gone.dyn.test")
    assert world.dns.texts("s1._domainkey.gone.dyn.test")
    answer = server.json("domain", "remove", "gone.dyn.test", "--withdraw")
    assert answer["problem"] == "" and answer["withdrawn"] >= 6
    assert world.dns.texts("gone.dyn.test") == ["another=text"]
    for name in ("s1._domainkey", "s2._domainkey", "_smtp._tls", "bounces"):
        assert world.dns.texts(name + ".gone.dyn.test") == []


@pytest.fixture(scope="module")
def wrong_server(world, tmp_path_factory):
    d = conftest.launch(world, "dynwrong", settings(world, tmp_path_factory.mktemp("wrong")))
    d.json("domain", "add", "wrong.dyn.test")
    d.json("domain", "add", "mine.test")
    wait_green(d, "wrong.dyn.test")
    yield d
    conftest.finish(d)


WRONG = [  # what is configured, which domain, what is said of it
    ({"secret": "YW5vdGhlciBzZWNyZXQgdGhhdCBub2JvZHkgaGVyZSBrbm93cyE="}, "wrong.dyn.test", "another secret", 1),
    ({"key_name": "nobodys-key"}, "wrong.dyn.test", "does not know the key nobodys-key", 1),
    ({"server": "127.0.0.53@5399"}, "wrong.dyn.test", "connection refused", 3),
    ({"zone": "wrong.dyn.test"}, "wrong.dyn.test", "lies in the zone dyn.test", 1),
    ({"key_name": "reader-key"}, "wrong.dyn.test", "reader-key", 1),
    ({"zone": "test"}, "mine.test", "does not know the key", 1),
    ({"zone": "elsewhere.test"}, "mine.test", "no dns_update for the zone of mine.test", 1),
]


@pytest.mark.parametrize("change,name,says,code", WRONG, ids=[str(n) for n in range(len(WRONG))])
def test_what_goes_wrong_is_told_and_nothing_is_half_done(world, wrong_server, tmp_path, change, name, says, code):
    d, change = wrong_server, dict(change)
    before = dict(d.settings["dns_update own"])
    if "secret" in change:
        change["secret_file"] = secret(tmp_path, "wrong", change.pop("secret"))
    world.dns.publish("_smtp._tls.wrong.dyn.test", "TXT")
    world.dns.publish("bounces.wrong.dyn.test", "MX")
    d.settings["dns_update own"].update(change)
    d.restart()
    try:
        assert says in publish(d, name, code)
        assert world.dns.texts("_smtp._tls.wrong.dyn.test") == [] and world.dns.texts("s1._domainkey.mine.test") == []
        assert world.dns.texts("mine.test") == []
    finally:
        d.settings["dns_update own"] = before
        d.restart()


def test_a_server_that_is_down_is_tried_again(world, server):
    server.json("domain", "add", "later.dyn.test")
    wait_green(server, "later.dyn.test")
    world.dns.publish("_smtp._tls.later.dyn.test", "TXT")
    world.dns.stop()
    try:
        publish(server, "later.dyn.test", 3)
    finally:
        world.dns.resume()
    wait_for(lambda: publish(server, "later.dyn.test", 0), lambda t: "already" in t or "1 records" in t, 20, "the server")
    assert world.dns.texts("_smtp._tls.later.dyn.test")


# ---- rotation ----


def test_a_rotation_runs_through_while_mail_flows(world, server):
    name, steps = "turn.dyn.test", []
    server.json("domain", "add", name)
    wait_green(server, name)
    old = world.dns.texts("s1._domainkey." + name)
    flow = Flow(world, server, name, "turn@good.test")
    flow.send()
    server.json("domain", "rotate", name)
    end = time.monotonic() + 60
    while time.monotonic() < end and "none" not in steps:
        step = rotation(server, name)["step"]
        steps += [step] if steps[-1:] != [step] else []
        if step != "revoke" and "revoke" not in steps:
            flow.send()
            flow.verify()  # also those of before: the old key is kept
        time.sleep(0.2)
    assert steps[-1] == "none" and "keep" in steps, steps
    assert flow.selectors == {"s1", "s2"}
    assert world.dns.texts("s1._domainkey." + name) == ["v=DKIM1; p="] != old
    last = rotation(server, name)
    assert last["signs"] == ["s2"] and last["waits"] == ["s3"] and last["retires"] == [] and last["last"]
    wait_for(lambda: world.dns.texts("s3._domainkey." + name), bool, 20, "the next key")
    wait_green(server, name)
    told = [d for a, d in audit(server, name, "system:rotation") if a == "key rotation"]
    assert any("signs in" in d for d in told) and any("stays at s1._domainkey" in d for d in told), told


def test_a_rotation_is_taken_back(world, server):
    name = "back.dyn.test"
    server.json("domain", "add", name)
    wait_green(server, name)
    server.json("domain", "rotate", name)
    wait_step(server, name, "keep")
    assert rotation(server, name)["retires"] == ["s1"]
    assert server.json("domain", "rotate", name, "--cancel")["signs"] == ["s1"]
    r = server.cli("domain", "rotate", name, "--cancel", ok=False)
    assert r.returncode == 1 and "no rotation is under way" in r.stderr
    flow = Flow(world, server, name, "back@good.test")
    flow.send()
    flow.verify()
    assert flow.selectors == {"s1"}


STEPS = ["publish", "settle", "keep", "revoke"]


@pytest.mark.parametrize("step", STEPS)
def test_a_killed_service_goes_on_where_it_was(world, tmp_path, make_sigillo, step):
    name = step + ".dyn.test"
    config = settings(world, tmp_path)
    config["rotation"].update(settle="2s", keep="4s")
    d = make_sigillo(config)
    d.json("credential", "add", "trusted", "--domain", "*")
    d.json("domain", "add", name)
    wait_green(d, name)
    if step == "publish":  # the step would be over too soon
        world.dns.publish("s2._domainkey." + name, "TXT", '"another"')
    d.json("domain", "rotate", name)
    if step == "revoke":
        wait_step(d, name, "keep")
        world.dns.publish("s1._domainkey." + name, "TXT", *['"%s"' % '" "'.join(t[i:i + 200] for i in range(0, len(t), 200))
                                                            for t in world.dns.texts("s1._domainkey." + name)], '"another"')
    before = wait_step(d, name, step)
    d.kill()
    d.start()
    after = rotation(d, name)
    assert STEPS.index(after["step"]) >= STEPS.index(step) if after["step"] != "none" else step == "revoke"
    if after["step"] == step:
        assert (after["since"], after["until"], after["signs"]) == (before["since"], before["until"], before["signs"])
    if step in ("publish", "revoke"):
        time.sleep(0.1)
        assert rotation(d, name)["step"] == step, "what DNS does not show is waited for"
        world.dns.publish("s%d._domainkey.%s" % (2 if step == "publish" else 1, name), "TXT")
    wait_step(d, name, "none", 40)
    assert rotation(d, name)["signs"] == ["s2"]
    flow = Flow(world, d, name, step + "@good.test")
    flow.send()
    flow.verify()
    assert flow.selectors == {"s2"}


def test_without_a_key_for_the_zone_each_step_is_told_and_waited_for(world, server):
    name = "byhand-rotation.test"
    server.json("domain", "add", name)
    rows = {}
    for host, kind, value in server.records(name):
        rows.setdefault((host, kind), []).append(value)
    for (host, kind), values in rows.items():
        if not host.startswith("s2."):
            world.dns.publish(host, kind, *values)
    server.json("domain", "verify", name)
    said = server.cli("domain", "rotate", name).stdout
    assert "Publish the record of the selector that waits" in said and re.search(r"waits +s2", said)
    assert rotation(server, name)["automatic"] is False
    time.sleep(2)
    assert rotation(server, name)["step"] == "publish"
    world.dns.publish("s2._domainkey." + name, "TXT", *rows[("s2._domainkey.%s." % name, "TXT")])
    wait_step(server, name, "revoke", 40)
    told = [d for a, d in audit(server, name, "system:rotation")]
    assert any('put "v=DKIM1; p="' in d for d in told), told
    world.dns.publish("s1._domainkey." + name, "TXT", '"v=DKIM1; p="')
    assert wait_step(server, name, "none")["signs"] == ["s2"]

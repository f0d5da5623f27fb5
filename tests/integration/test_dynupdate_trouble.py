# SPDX-License-Identifier: Apache-2.0
"""Zones whose primary server refuses, lies, is slow or dead; several servers; a disk that is full in the middle of a rotation."""
import os
import subprocess
import time

import dkim
import dns.rdatatype
import pytest
from dynupdate import Flow, audit, publish, rotation, selector_of, settings, show, states, wait_green, wait_step
from updatedns import UpdateDns
from world.internet import wait_for

import conftest

ADDRESS = "127.0.0.61"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("trouble")


@pytest.fixture(scope="module")
def played(world):
    with UpdateDns(ADDRESS, world.dns.tsig_name, world.dns.tsig_secret) as p:
        yield p


def with_servers(world, folder, *servers, **verification):
    config = settings(world, folder, server=list(servers), timeout="1s")
    config["verification"].update(verification)
    return config


@pytest.fixture(scope="module")
def server(world, folder, played):
    d = conftest.launch(world, "trouble", with_servers(world, folder, played.text, pending=["1h"]))
    world.dns.publish(d.settings["hostname"], "A", d.address)
    d.json("domain", "add", "trouble.dyn.test")
    yield d
    conftest.finish(d)


TROUBLE = [  # how the server answers, the exit status, what is said
    ("REFUSED", 1, "access list"), ("NOTAUTH", 1, "is not the primary server of dyn.test"), ("NOTZONE", 1, "NOTZONE"),
    ("NOTIMP", 1, "takes no dynamic updates"), ("FORMERR", 1, "does not understand"), ("SERVFAIL", 3, "its log says why"),
    ("YXRRSET", 1, "nothing was changed"), ("NXRRSET", 1, "nothing was changed"),
    ("BADSIG", 1, "another secret"), ("BADKEY", 1, "does not know the key"), ("BADTIME", 1, "BADTIME"),
    ("unsigned", 3, "is not signed"), ("id", 3, "is no answer to the update"), ("truncated", 3, "is not signed"),
    ("cut", 3, "cannot be read"), ("empty", 3, ""), ("garbage", 3, ""), ("silent", 3, "no answer in time"), ("close", 3, "closed"),
]


@pytest.mark.parametrize("how,code,says", TROUBLE, ids=[t[0] for t in TROUBLE])
def test_what_the_server_answers_is_told(world, server, played, how, code, says):
    played.how = how
    before = len(played.updates)
    began = time.monotonic()
    said = publish(server, "trouble.dyn.test", code)
    assert says in said and (how in ("YXRRSET", "NXRRSET") or ADDRESS in said), said
    assert len(played.updates) > before and time.monotonic() - began < 10
    assert world.dns.texts("s1._domainkey.trouble.dyn.test") == []


@pytest.mark.parametrize("how", ["REFUSED", "NOTAUTH", "SERVFAIL", "unsigned", "id", "silent", "close", "dead"])
def test_the_next_server_is_asked(world, folder, played, make_sigillo, how):
    name = how.lower() + "-next.dyn.test"
    played.how = how
    first = played.text if how != "dead" else "127.0.0.61@5399"
    d = make_sigillo(with_servers(world, folder, first, "%s@53" % world.dns.address))
    world.dns.publish(d.settings["hostname"], "A", d.address)
    d.json("domain", "add", name)
    wait_green(d, name)
    assert not [1 for a, _ in audit(d, name, "system:publishing") if a == "records not published"]


def test_when_all_servers_fail_each_is_named(world, folder, played, make_sigillo):
    played.how = "REFUSED"
    d = make_sigillo(with_servers(world, folder, "127.0.0.61@5399", played.text, pending=["1h"]))
    d.json("domain", "add", "both.dyn.test")
    said = publish(d, "both.dyn.test", 1)
    assert "127.0.0.61:5399: connection refused." in said and "refuses the update" in said, said


def test_a_server_that_is_long_dead_is_asked_ever_more_rarely_and_told_of_once(world, folder, played, make_sigillo):
    played.how = "SERVFAIL"
    good = "%s@53" % world.dns.address
    d = make_sigillo(with_servers(world, folder, good, pending=["1s", "2s", "4s", "8s"], jitter=0))
    world.dns.publish(d.settings["hostname"], "A", d.address)
    world.dns.publish("s1._domainkey.never.dyn.test", "TXT", '"v=DKIM1; k=rsa; p=MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAL6h"')
    d.json("credential", "add", "trusted", "--domain", "*")
    d.json("domain", "add", "stands.dyn.test")
    wait_green(d, "stands.dyn.test")
    d.settings["dns_update own"]["server"] = [played.text]
    d.restart()
    del played.updates[:]
    began = time.monotonic()
    d.json("domain", "add", "never.dyn.test")  # with a key of somebody else: one thing is held, the others fail
    flow = Flow(world, d, "stands.dyn.test", "stands@good.test")
    for _ in range(12):
        flow.send()
        time.sleep(1)
    flow.verify()
    asked = len(played.updates)
    assert 3 <= asked <= 6, "after %.0f s" % (time.monotonic() - began)
    told = [text for action, text in audit(d, "never.dyn.test", "system:publishing") if action == "records not published"]
    assert len(told) == 2 and sum("not ours" in t for t in told) == 1 and sum("failed" in t for t in told) == 1, told
    assert show(d, "stands.dyn.test")["may_send"] and not show(d, "never.dyn.test")["may_send"]
    d.settings["dns_update own"]["server"] = [good]
    d.reload()
    wait_for(lambda: states(show(d, "never.dyn.test")), lambda s: s["spf"] == "verified", 20, "the rest, when the server is back")


# ---- a disk that is full ----


@pytest.mark.parametrize("step", ["publish", "settle", "keep", "revoke"])
def test_a_full_disk_in_the_middle_of_a_rotation(world, folder, make_sigillo, step):
    name = "full-%s.dyn.test" % step
    state = os.path.join(world.folder, "small-" + step)
    os.makedirs(state)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m,mode=777", "none", state], check=True)
    config = with_servers(world, folder, "%s@53" % world.dns.address)
    config["rotation"].update(settle="1s", keep="2s")
    d = make_sigillo(config, state_dir=state)
    d.expect("")
    world.dns.publish(d.settings["hostname"], "A", d.address)
    d.json("credential", "add", "trusted", "--domain", "*")
    d.json("domain", "add", name)
    wait_green(d, name)
    waits = {"publish": "s2", "revoke": "s1"}.get(step)
    if step == "publish":
        world.dns.publish("s2._domainkey." + name, "TXT", '"another"')
    d.json("domain", "rotate", name)
    if step == "revoke":
        wait_step(d, name, "keep")
        world.dns.publish("s1._domainkey." + name, "TXT", *['"%s"' % '" "'.join(t[i:i + 200] for i in range(0, len(t), 200))
                                                            for t in world.dns.texts("s1._domainkey." + name)], '"another"')
    before = wait_step(d, name, step)
    fill(state)
    if waits:
        world.dns.publish("%s._domainkey.%s" % (waits, name), "TXT")
    time.sleep(4)
    full = rotation(d, name)
    assert (full["step"], full["signs"], full["since"]) == (before["step"], before["signs"], before["since"]), "what is not stored is not done"
    os.unlink(os.path.join(state, "filler"))
    wait_step(d, name, "none", 40)
    assert rotation(d, name)["signs"] == ["s2"]
    flow = Flow(world, d, name, "full-%s@good.test" % step)
    flow.send()
    flow.verify()
    assert flow.selectors == {"s2"}


def fill(folder):
    with open(os.path.join(folder, "filler"), "wb", buffering=0) as f:
        for size in (65536, 4096, 512):
            try:
                while True:
                    f.write(b"\0" * size)
            except OSError:
                pass


# ---- keys that stand in the operator's zone: domains have aliases to them ----


class AliasFlow(Flow):
    """Verified as others do: along the alias."""

    def verify(self):
        for m in self.world.wait_mail(self.to, self.sent):
            assert dkim.verify(m, dnsfunc=self.txt), m
            self.selectors.add(selector_of(m))

    def txt(self, name, timeout=5):
        name = name.decode() if isinstance(name, bytes) else name
        for rrset in self.world.dns.query(name, "CNAME").answer:
            if rrset.rdtype == dns.rdatatype.CNAME:
                name = str(rrset[0].target)
        got = self.world.dns.texts(name)
        return got[0].encode() if got else None


@pytest.fixture(scope="module")
def aliased(world, folder):
    config = with_servers(world, folder, "%s@53" % world.dns.address)
    config["domains"] = {"dkim_zone": "keys.dyn.test"}
    config["rotation"].update(settle="2s", keep="3s")
    d = conftest.launch(world, "aliased", config)
    world.dns.publish(d.settings["hostname"], "A", d.address)
    d.json("credential", "add", "trusted", "--domain", "*")
    yield d
    conftest.finish(d)


@pytest.mark.parametrize("kill", [None, "publish", "settle", "keep", "revoke"])
def test_keys_behind_aliases_rotate_and_the_aliases_stay(world, aliased, kill):
    d, name = aliased, "alias-%s.test" % (kill or "twice")
    d.json("domain", "add", name)
    sets = {}
    for host, kind, value in d.records(name):
        sets.setdefault((host, kind), []).append(value)
    assert sets[("s1._domainkey.%s." % name, "CNAME")] == ["s1.%s.keys.dyn.test." % name]
    for (host, kind), values in sets.items():  # by hand, and only once
        world.dns.publish(host, kind, *values)
    d.cli("domain", "verify", name, ok=False)
    wait_green(d, name)
    flow = AliasFlow(world, d, name, "alias-%s@good.test" % (kill or "twice"))
    flow.send()
    for signs in ("s2", "s1")[:1 if kill else 2]:
        d.json("domain", "rotate", name)
        if kill:
            if kill != "publish":  # that one is over soon
                wait_for(lambda: rotation(d, name)["step"], lambda s: s == kill or (kill, s) == ("revoke", "none"), 30, kill)
            d.kill()
            d.start()
        end = time.monotonic() + 60
        while rotation(d, name)["step"] != "none":
            assert time.monotonic() < end, rotation(d, name)
            if rotation(d, name)["step"] not in ("revoke", "none"):
                flow.send()
                flow.verify()  # those of before, too: the old key is kept
            time.sleep(0.3)
        wait_green(d, name)  # the next key stands where the alias leads
        now = rotation(d, name)
        assert (now["signs"], now["retires"]) == ([signs], [])
        flow = AliasFlow(world, d, name, "after-%s-%s@good.test" % (signs, kill or "twice"))
        flow.send()
        flow.verify()
        assert flow.selectors == {signs}
    assert all(world.dns.texts("%s.%s.keys.dyn.test" % (s, name))[0].startswith("v=DKIM1; k=rsa; p=M") for s in ("s1", "s2"))

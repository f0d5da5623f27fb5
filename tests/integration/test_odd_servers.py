# SPDX-License-Identifier: Apache-2.0
"""Domains whose name servers are odd: one is dead or lame, they disagree, a name has no address, answers are long, a part of the zone lies elsewhere."""
import contextlib
import time

import pytest
from dynupdate import audit, rotation, wait_step
from odddns import OddDns
from test_domain_setup import audit as told, publish, rows, states, verify

import conftest

SETTINGS = {"verification": {"required": True, "pending": ["1h"], "interval": "1h", "timeout": "10s"},
            "rotation": {"interval": "0", "keep": "2s", "settle": "1s", "silent": "4s"}, "queue": {"expire": "2s"}}
NEXT = iter(range(101, 250))


@pytest.fixture(scope="module")
def server(world, tmp_path_factory):
    d = conftest.launch(world, "odd", SETTINGS)
    world.dns.publish(d.settings["hostname"], "A", d.address)
    yield d
    conftest.finish(d)


@contextlib.contextmanager
def delegated(world, d, name, count=2, more_ns=()):
    """A domain with name servers of its own, each of which has all of its records."""
    hosts = ["ns%d.%s" % (n + 1, name) for n in range(count)]
    addresses = ["127.0.0.%d" % next(NEXT) for _ in hosts]
    world.dns.publish(name, "NS", *[h + "." for h in [*hosts, *more_ns]])
    d.json("domain", "add", name)
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(OddDns(a, name, [*hosts, *more_ns])) for a in addresses]
        for host, address in zip(hosts, addresses):
            world.dns.publish(host, "A", address)
        table = {(n.rstrip("."), kind): values for (n, kind), values in rows(d, name).items()}
        for s in servers:
            s.table.update(table)
            s.table.update({(h, "A"): [a] for h, a in zip(hosts, addresses)})
        yield servers


def timed(d, name, code):
    began = time.monotonic()
    answer = verify(d, name, code)
    return answer, time.monotonic() - began


@pytest.mark.parametrize("how", ["silent", "lame"])
@pytest.mark.parametrize("which", [0, 1])
def test_one_of_two_gives_no_answer(world, server, how, which):
    name = "%s-%d.test" % (how, which)
    with delegated(world, server, name) as servers:
        servers[which].how = how
        answer, took = timed(server, name, 0)
        assert answer["may_send"] and not answer["unknown"] and took < 8, took
        assert servers[which].asked, "it was asked"
        for _ in range(3):
            assert states(verify(server, name, 0)) == states(answer)


@pytest.mark.parametrize("how", ["silent", "lame"])
def test_both_give_no_answer(world, server, how):
    name = "both-%s.test" % how
    with delegated(world, server, name) as servers:
        for s in servers:
            s.how = how
        answer, took = timed(server, name, 3)
        assert answer["unknown"] and not answer["may_send"] and took < 13, took
        assert set(states(answer).values()) == {"not_started"}


def test_servers_that_disagree_do_not_flap(world, server):
    name = "disagree.test"
    with delegated(world, server, name) as (one, two):
        key = ("s1._domainkey." + name, "TXT")
        value = two.table.pop(key)
        seen = [verify(server, name, 1)["status"]["dkim"] for _ in range(6)]
        assert {s["state"] for s in seen} == {"in_progress"} and len({s["since"] for s in seen}) == 1, seen
        assert "ns2.disagree.test" in seen[0]["why"] and "does not have what ns1.disagree.test" in seen[0]["why"], seen[0]
        two.table[key] = ['"v=DKIM1; k=rsa; p=AAAA"']
        wrong = verify(server, name, 1)["status"]["dkim"]
        assert wrong["state"] == "in_progress" and "AAAA" in wrong["found"] and "ns2.disagree.test" in wrong["why"], wrong
        two.table[key] = value
        assert verify(server, name, 0)["may_send"]
        del one.table[key]
        lost = [verify(server, name, 1)["status"]["dkim"] for _ in range(4)]
        assert {s["state"] for s in lost} == {"failed"} and len({s["lost_at"] for s in lost}) == 1, lost
        assert "ns1.disagree.test" in lost[0]["why"]
        assert [a for a, _ in told(server, name)].count("record lost") == 1


def test_a_name_server_without_an_address(world, server):
    name = "noaddress.test"
    with delegated(world, server, name, 1, ["gone.noaddress.test"]):
        answer, took = timed(server, name, 0)
        assert answer["may_send"] and took < 8, took


def test_no_name_server_has_an_address(world, server):
    name = "nowhere.test"
    world.dns.publish(name, "NS", "one.nowhere.test.", "two.nowhere.test.")
    server.json("domain", "add", name)
    answer, took = timed(server, name, 3)
    assert answer["unknown"] and not answer["may_send"] and took < 13, took


def test_aliases_at_the_names_of_records(world, server):
    name = "aliases.test"
    with delegated(world, server, name) as servers:
        for n in ("s1._domainkey", "_dmarc"):
            there = servers[0].table[("%s.%s" % (n, name), "TXT")]
            world.dns.publish("%s.elsewhere.test" % n, "TXT", *there)
            for s in servers:
                del s.table[("%s.%s" % (n, name), "TXT")]
                s.table[("%s.%s" % (n, name), "CNAME")] = ["%s.elsewhere.test." % n]
        got = states(verify(server, name, 0))
        assert (got["dkim"], got["dmarc"]) == ("verified", "verified")
        world.dns.publish("s1._domainkey.elsewhere.test", "TXT")
        dkim = verify(server, name, 1)["status"]["dkim"]
        assert dkim["state"] == "failed" and "alias" in dkim["why"], dkim


def test_a_text_in_many_strings_and_an_answer_of_64_kilobytes(world, server):
    name = "large.test"
    with delegated(world, server, name) as servers:
        key = ("s1._domainkey." + name, "TXT")
        text = "".join(servers[0].table[key][0].strip('"').split('" "'))
        for s in servers:
            s.table[key] = [" ".join('"%s"' % text[i:i + 9] for i in range(0, len(text), 9))]
            s.table[(name, "TXT")] = s.table[(name, "TXT")] + [
                " ".join('"%03d-%s"' % (n, "x" * 240) for _ in range(4)) for n in range(60)]
        assert verify(server, name, 0)["may_send"]
        for s in servers:
            assert (name, "TXT") in s.by_tcp
            size = len(s._wire(dns_query(name), 65535))
            assert 58000 < size < 65536, size


def dns_query(name):
    import dns.message
    return dns.message.make_query(name, "TXT").to_wire()


def test_a_return_path_that_is_delegated_elsewhere(world, server):
    name = "cut.test-odd.test"
    with delegated(world, server, name) as servers, OddDns("127.0.0.%d" % next(NEXT), "bounces." + name, ["ns.bounces." + name]) as below:
        address = below._servers[0].server_address[0]
        for s in servers:
            s.cuts["bounces." + name] = "ns.elsewhere.test."
            for key in [k for k in s.table if k[0].endswith("bounces." + name)]:
                below.table[key] = s.table.pop(key)
        world.dns.publish("ns.elsewhere.test", "A", address)
        below.servers = ["ns.elsewhere.test"]
        answer = verify(server, name, 0)
        assert answer["may_send"] and states(answer)["return_path"] == "verified", answer["status"]
        assert ("bounces." + name, "MX") in below.asked
        below.how = "lame"
        after = verify(server, name, 0)
        assert states(after)["return_path"] == "verified", "no answer is no loss"


def test_a_silent_name_server_does_not_hold_up_a_rotation_for_good(world, server):
    name = "turn-odd.test"
    with delegated(world, server, name) as (one, two):
        verify(server, name, 0)
        key = ("s2._domainkey." + name, "TXT")
        record = two.table.pop(key)
        server.json("domain", "rotate", name)
        assert rotation(server, name)["step"] == "publish", "one that answers without the key is waited for"
        two.how = "silent"
        began = time.monotonic()
        verify_until(server, name, "settle")
        assert "that answer have the new key" in rotation(server, name)["next"]
        assert any("ns2.turn-odd.test" in d for a, d in audit(server, name, "system:rotation") if a == "rotation waits")
        two.how = "answers"
        time.sleep(5.5)
        for _ in range(3):
            server.cli("domain", "verify", name, ok=False)
            time.sleep(0.5)
        assert rotation(server, name)["step"] == "settle", "it is back, and lacks the key"
        two.how = "silent"
        verify_until(server, name, "keep")
        assert time.monotonic() - began > 5
        assert rotation(server, name)["signs"] == ["s2"]
        two.how = "answers"
        two.table[key] = record
        verify_until(server, name, "revoke")
        for s in (one, two):
            s.table[("s1._domainkey." + name, "TXT")] = ['"v=DKIM1; p="']
        two.how = "silent"
        verify_until(server, name, "none")


def verify_until(d, name, step):
    end = time.monotonic() + 40
    while rotation(d, name)["step"] != step:
        assert time.monotonic() < end, rotation(d, name)
        d.cli("domain", "verify", name, ok=False)
        time.sleep(0.4)
    return wait_step(d, name, step)

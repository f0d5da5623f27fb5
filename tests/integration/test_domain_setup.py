# SPDX-License-Identifier: Apache-2.0
"""A domain from nothing to all green, with a wrong record of each kind on the way; what it may send meanwhile; records that vanish;
caches that lie; name servers that are dead."""
import re
import time

import pytest

import conftest
from world.internet import wait_for

SETTINGS = {"verification": {"required": True, "pending": ["1h"], "interval": "1h", "timeout": "4s"},
            "domains": {"managed_zone": "managed.test"}}
REQUIRED = ("domain", "spf", "dkim")


@pytest.fixture(scope="module")
def server(world, sigillo):
    world.dns.publish(sigillo.settings["hostname"], "A", sigillo.address)
    sigillo.json("credential", "add", "trusted", "--domain", "*")
    return sigillo


def verify(d, domain, code):
    r = d.cli("domain", "verify", domain, "--json", ok=False)
    assert r.returncode == code, r.stdout + r.stderr
    return __import__("json").loads(r.stdout)


def states(answer):
    return {name: part["state"] for name, part in answer["status"].items()}


def rows(d, domain):
    """What to publish, as sets: {(name, type): [values in zone-file form]}"""
    sets = {}
    for name, kind, value in d.records(domain):
        sets.setdefault((name, kind), []).append(value)
    return sets


def publish(world, sets, ttl=1):
    for (name, kind), values in sets.items():
        world.dns.publish(name, kind, *values, ttl=ttl)


def new_domain(world, d, name):
    d.json("domain", "add", name)
    sets = rows(d, name)
    publish(world, sets)
    verify(d, name, 0)
    return sets


def send(d, domain):
    """250, or the refusal of MAIL FROM."""
    c = d.connect(25)
    try:
        return c.mail("me@" + domain)
    finally:
        c.close()


def audit(d, domain):
    return [(l["action"], l["detail"]) for l in d.json("report", "audit", "--object", "domain:" + domain)["audit"]
            if l["actor"] == "system:verification"]


def test_from_nothing_to_green_by_hand(world, server):
    name = "green.test"
    said = server.cli("domain", "add", name).stdout
    assert "sigillo-domain-verification=" in said and "sigillo domain verify %s --wait" % name in said
    assert states(server.json("domain", "show", name))["spf"] == "not_started"
    first = verify(server, name, 1)
    assert set(states(first).values()) <= {"in_progress", "not_started"} and not first["ready"]
    code, text = send(server, name)
    assert code == 550 and b"Domain, SPF and DKIM" in text and b"sigillo domain show green.test" in text
    sets = rows(server, name)
    done = {}
    for (host, kind), values in sorted(sets.items()):  # by hand: one name after the other
        world.dns.publish(host, kind, *values)
        done[host] = states(server.json("domain", "verify", name, ok=False))
    last = verify(server, name, 0)
    assert last["may_send"] and last["missing"] == []
    assert {s for n, s in states(last).items() if n != "mta_sts"} == {"verified"}, last["status"]
    assert send(server, name)[0] == 250
    assert ("record verified", "SPF") in audit(server, name) or any("SPF" in d for a, d in audit(server, name) if a == "record verified")
    assert any(a == "domain may send" for a, d in audit(server, name))
    table = server.cli("domain", "show", name).stdout
    for title in ("Domain", "SPF", "DKIM", "DKIM2", "DMARC", "MTA-STS"):
        assert re.search(r"^%s +(verified|not started)" % title, table, re.M), table
    assert "may send      yes" in table
    server.restart()
    assert states(server.json("domain", "show", name)) == states(last), "it is kept"


WRONG = [  # part, which record, what stands there instead, the state, what is said of it
    ("domain", ("{0}.", "TXT"), lambda v: [v[0].replace("verification=", "verification=00"), v[1]], "failed", "token"),
    ("spf", ("{0}.", "TXT"), lambda v: [v[0], '"v=spf1 ip4:192.0.2.1 -all"'], "failed", "does not let this server send"),
    ("spf", ("{0}.", "TXT"), lambda v: [v[0], v[1], '"v=spf1 -all"'], "failed", "SPF"),
    ("dkim", ("s1._domainkey.{0}.", "TXT"), lambda v: ['"v=DKIM1; k=rsa; p=AAAA"'], "failed", ""),
    ("dkim", ("s1._domainkey.{0}.", "TXT"), lambda v: [re.sub(r'" "[^"]*"$', '"', v[0])], "failed", ""),
    ("dkim2", ("s2._domainkey.{0}.", "TXT"), lambda v: ['"v=DKIM1; p="'], "failed", ""),
    ("dmarc", ("_dmarc.{0}.", "TXT"), lambda v: ['"v=DMARC1; p=maybe"'], "failed", ""),
    ("dmarc", ("_dmarc.{0}.", "TXT"), lambda v: [v[0], '"v=DMARC1; p=reject"'], "failed", ""),
    ("return_path", ("bounces.{0}.", "MX"), lambda v: ["10 elsewhere.test."], "failed", ""),
    ("return_path", ("bounces.{0}.", "TXT"), lambda v: ['"v=spf1 -all"'], "failed", ""),
    ("tls_rpt", ("_smtp._tls.{0}.", "TXT"), lambda v: ['"v=TLSRPTv1"'], "failed", ""),
]


@pytest.fixture(scope="module")
def wrong(world, server):
    return "wrongs.test", new_domain(world, server, "wrongs.test")


@pytest.mark.parametrize("part,record,change,state,says", WRONG, ids=["%s-%d" % (w[0], n) for n, w in enumerate(WRONG)])
def test_a_wrong_record_is_named(world, server, wrong, part, record, change, state, says):
    name, sets = wrong
    key = (record[0].format(name), record[1])
    world.dns.publish(key[0], key[1], *change(sorted(sets[key])))
    answer = server.json("domain", "verify", name, ok=False)
    got = answer["status"][part]
    assert (got["state"], got["since"] is not None) == (state, True), got
    assert got["found"] and got["expected"] and got["why"], got
    assert says in got["why"], got
    assert answer["ready"] is (part not in REQUIRED)
    others = {n: s for n, s in states(answer).items() if n not in (part, "mta_sts")}
    assert set(others.values()) == {"verified"}, others
    world.dns.publish(key[0], key[1], *sets[key])
    assert states(verify(server, name, 0))[part] == "verified"


def test_on_a_subdomain_of_a_zone(world, server):
    name = "news.deep.insecure.test"
    server.json("domain", "add", name)
    answer = server.json("domain", "records", name, "--check")
    dkim = [r for r in answer["records"] if r["purpose"] == "dkim"][0]
    assert (answer["zone"], dkim["relative"], dkim["name"]) == (
        "insecure.test", "s1._domainkey.news.deep", "s1._domainkey." + name)
    publish(world, rows(server, name))
    assert verify(server, name, 0)["may_send"]


def test_an_spf_record_that_is_there_is_merged(world, server):
    name = "merged.test"
    world.dns.publish(name, "TXT", '"v=spf1 ip4:192.0.2.1 -all"')
    server.json("domain", "add", name)
    spf = verify(server, name, 1)["status"]["spf"]
    assert spf["state"] == "failed" and spf["found"] == "v=spf1 ip4:192.0.2.1 -all"
    assert spf["expected"] == "v=spf1 ip4:192.0.2.1 a:%s -all" % server.settings["hostname"]
    sets = rows(server, name)
    token = [v for v in sets[(name + ".", "TXT")] if "verification=" in v]
    sets[(name + ".", "TXT")] = token + ['"%s"' % spf["expected"]]
    publish(world, sets)
    assert verify(server, name, 0)["status"]["spf"]["found"] is None


def test_a_record_that_vanishes_is_told_then_stops_sending(world, make_sigillo):
    d = make_sigillo(settings={"verification": {"required": True, "pending": ["1s"], "interval": "1s", "grace": "6s", "jitter": 0}})
    world.dns.publish(d.settings["hostname"], "A", d.address)
    d.json("credential", "add", "trusted", "--domain", "*")
    name = "vanish.test"
    d.json("domain", "add", name)
    sets = rows(d, name)
    publish(world, sets)
    wait_for(lambda: d.json("domain", "show", name), lambda s: s["may_send"], 20, "the schedule to find it")
    key = d.json("key", "add", "--domain", name)["key"]
    mail = {"from": "me@" + name, "to": ["a@good.test"], "text": "x\n"}
    assert d.post("/v1/messages", mail, key)[0] == 202
    world.dns.publish("s1._domainkey." + name, "TXT")
    lost = wait_for(lambda: d.json("domain", "show", name), lambda s: s["status"]["dkim"]["lost_at"], 20, "the loss to be seen")
    assert lost["may_send"] and lost["stops_at"] and lost["status"]["dkim"]["state"] == "failed"
    assert d.post("/v1/messages", mail, key)[0] == 202, "within the grace period"
    assert "but only until" in d.cli("domain", "show", name).stdout
    wait_for(lambda: d.json("domain", "show", name), lambda s: not s["may_send"], 20, "the grace period to end")
    status, headers, body = d.post("/v1/messages", mail, key)
    assert (status, body["code"]) == (503, "domain-records-lost") and "DKIM" in body["detail"]
    code, text = send(d, name)
    assert code == 450 and text.startswith(b"4.7.1") and b"sigillo domain show" in text
    wait_for(lambda: audit(d, name), lambda l: "domain stopped" in dict(l), 20, "the audit to tell")
    assert "record lost" in dict(audit(d, name))
    world.dns.publish("s1._domainkey." + name, "TXT", *sets[("s1._domainkey.%s." % name, "TXT")])
    wait_for(lambda: d.json("domain", "show", name), lambda s: s["may_send"], 20, "it to come back")
    assert send(d, name)[0] == 250
    assert wait_for(lambda: audit(d, name), lambda l: "record back" in dict(l), 20, "the audit to tell")


GRACE_S = 12


@pytest.fixture(scope="module")
def graceful(world, request, tmp_path_factory):
    settings = {"verification": {"required": True, "pending": ["1s"], "interval": "1s", "grace": "%ds" % GRACE_S, "jitter": 0}}
    d = conftest.launch(world, "graceful", settings)
    world.dns.publish(d.settings["hostname"], "A", d.address)
    d.json("credential", "add", "trusted", "--domain", "*")
    yield d
    conftest.finish(d)


def told(d, name):
    return [a for a, _ in reversed(audit(d, name)) if a in ("record lost", "record back", "domain stopped", "domain may send")]


def lose(world, d, name):
    """A domain whose key has vanished, as seen; and its records."""
    d.json("domain", "add", name)
    sets = rows(d, name)
    publish(world, sets)
    wait_for(lambda: d.json("domain", "show", name), lambda s: s["may_send"], 20, "the schedule to find it")
    world.dns.publish("s1._domainkey." + name, "TXT")
    lost = wait_for(lambda: d.json("domain", "show", name), lambda s: s["status"]["dkim"]["lost_at"], 20, "the loss to be seen")
    return sets, lost


@pytest.mark.parametrize("how", ["restart", "kill", "down-until-it-ends"])
def test_a_grace_period_goes_on_through_a_restart(world, graceful, how):
    d, name = graceful, how + "-grace.test"
    sets, lost = lose(world, d, name)
    if how == "kill":
        d.kill()
        d.start()
    elif how == "restart":
        d.restart()
    else:
        d.stop()
        time.sleep(GRACE_S)
        d.start()
        assert send(d, name)[0] == 450, "from the first moment on"
    after = d.json("domain", "show", name)
    assert (after["status"]["dkim"]["lost_at"], after["stops_at"]) == (lost["status"]["dkim"]["lost_at"], lost["stops_at"])
    if how != "down-until-it-ends":
        assert send(d, name)[0] == 250, "within the grace period"
    wait_for(lambda: send(d, name)[0], lambda code: code == 450, GRACE_S + 10, "the grace period to end")
    wait_for(lambda: told(d, name), lambda l: l[-1] == "domain stopped", 10, "the end to be told")
    d.restart()
    assert send(d, name)[0] == 450, "it stays so"
    world.dns.publish("s1._domainkey." + name, "TXT", *sets[("s1._domainkey.%s." % name, "TXT")])
    wait_for(lambda: send(d, name)[0], lambda code: code == 250, 20, "it to come back")
    wait_for(lambda: told(d, name), lambda l: l == ["domain may send", "record lost", "domain stopped", "record back", "domain may send"]
             or l == ["domain may send", "record lost", "domain stopped", "domain may send", "record back"], 10, "each of it told once")


def test_what_comes_back_in_time_never_stops(world, graceful):
    d, name = graceful, "intime.test"
    sets, _ = lose(world, d, name)
    d.restart()
    world.dns.publish("s1._domainkey." + name, "TXT", *sets[("s1._domainkey.%s." % name, "TXT")])
    wait_for(lambda: d.json("domain", "show", name)["status"]["dkim"]["lost_at"], lambda t: t is None, 10, "it to come back")
    wait_for(lambda: told(d, name), lambda l: "record back" in l, 10, "the audit to tell")
    assert send(d, name)[0] == 250
    assert told(d, name) == ["domain may send", "record lost", "record back"]


def test_a_cache_that_says_no_does_not_hide_the_fix(world, make_sigillo):
    d = make_sigillo(settings={"verification": {"required": True, "pending": ["1h"], "interval": "1h", "ask": "resolver"}})
    world.dns.publish(d.settings["hostname"], "A", d.address)
    name = "stale.insecure.test"
    soa = "ns.test. hostmaster.test. %d 3600 600 86400 %d"
    world.dns.publish("insecure.test", "SOA", soa % (4000, 300), ttl=300)
    try:
        d.json("domain", "add", name)
        assert states(verify(d, name, 1))["spf"] == "in_progress"  # the resolver keeps each no for five minutes
        publish(world, rows(d, name))
        assert states(verify(d, name, 1))["spf"] == "in_progress", "the cache still says no"
        d.settings["verification"]["ask"] = "authoritative"
        d.reload()
        wait_for(lambda: d.raw_log(), lambda log: "eload" in log, 10, "the reload")
        assert verify(d, name, 0)["may_send"], "the zone's own servers say yes"
    finally:
        world.dns.publish("insecure.test", "SOA", soa % (5000, 0), ttl=0)


def test_dead_name_servers_change_nothing(world, server):
    name = "dead.test"
    new_domain(world, server, name)
    before = server.json("domain", "show", name)
    world.dns.stop()
    try:
        answer = verify(server, name, 3)
        assert answer["unknown"] and answer["unknown_since"]
        assert states(answer) == states(before) and answer["may_send"]
        assert {r["state"] for r in answer["records"]} == {"unknown"}
        assert "no answer since" in server.cli("domain", "show", name).stdout
        assert send(server, name)[0] == 250
        server.json("domain", "add", "unborn.test")
        assert verify(server, "unborn.test", 3)["may_send"] is False
    finally:
        world.dns.resume()
    after = verify(server, name, 0)
    assert after["unknown_since"] is None and states(after) == states(before)


def test_a_zone_whose_signatures_are_broken_proves_nothing(world, server):
    name = "mine.bogus.test"
    server.json("domain", "add", name)
    publish(world, rows(server, name))
    answer = verify(server, name, 3)
    assert answer["unknown"] and not answer["may_send"] and set(states(answer).values()) == {"not_started"}
    assert {r["state"] for r in answer["records"]} == {"unknown"}
    assert all("DNSSEC" in r["why"] or "bogus" in r["why"].lower() for r in answer["records"] if r["purpose"] in ("spf", "dkim")), answer["records"]


def test_waiting_for_it(world, server):
    name = "waits.test"
    server.json("domain", "add", name)
    began = time.monotonic()
    r = server.cli("domain", "verify", name, "--wait", "--wait-max", "3", ok=False)
    assert r.returncode == 1 and time.monotonic() - began < 10 and "sigillo domain records" in r.stdout
    publish(world, rows(server, name))
    assert "may send" in server.cli("domain", "verify", name, "--wait").stdout


def test_parked_domains(world, server):
    names = ["parked-one.test", "parked-two.test"]
    said = server.cli("domain", "park", *names).stdout
    assert said.count("v=spf1 -all") == 2 and said.count("v=DMARC1; p=reject") == 2
    for name in names:
        answer = verify(server, name, 1)
        publish(world, rows(server, name))
        answer = verify(server, name, 0)
        assert answer["kind"] == "parked" and set(states(answer)) == {"spf", "dkim", "dmarc", "null_mx"}
        assert set(states(answer).values()) == {"verified"}
        code, text = send(server, name)
        assert code == 550 and b"parked" in text
    assert server.cli("domain", "coach", names[0], ok=False).returncode == 1
    new_domain(world, server, "live.test")
    assert server.json("domain", "park", "live.test")["domains"][0]["kind"] == "parked"
    assert send(server, "live.test")[0] == 550


def test_a_managed_domain_sends_at_once_and_little(world, server):
    said = server.json("domain", "add", "--managed", "Try")
    name = "try.managed.test"
    assert (said["name"], said["kind"], said["may_send"]) == (name, "managed", True)
    key = server.json("key", "add", "--domain", name)["key"]
    mail = {"from": "me@" + name, "to": ["a@good.test"], "text": "x\n"}
    codes = [server.post("/v1/messages", mail, key)[0] for _ in range(6)]
    assert codes == [202] * 5 + [429], codes
    r = server.cli("domain", "add", "evil.managed.test", ok=False)
    assert r.returncode == 2 and "operator" in r.stderr


def test_names_that_cannot_be_a_domain(server):
    for name, says in (("co.uk", "public suffix"), ("localhost", "one label"), ("me@example.test", "behind the @"),
                       ("exa mple.test", "not a domain name"), ("", "empty")):
        r = server.cli("domain", "add", name, ok=False)
        assert r.returncode == 2 and says in r.stderr, (name, r.stderr)
    long = ".".join(["l" * 58] * 4)  # 235: too long for s1000000._domainkey below it
    for name in (long, "m" * 63 + "." + long[63:] + ".test"):
        r = server.cli("domain", "add", name, ok=False)
        assert r.returncode == 2 and ("longer than the 253" in r.stderr or "not a domain name" in r.stderr), r.stderr
    fits = long[2:]
    server.json("domain", "add", fits)
    assert {name for name, _, _ in server.records(fits)} >= {"s1._domainkey.%s." % fits}
    r = server.cli("domain", "add", "x" + fits[1:200] + ".x", "--return-path", "p" * 60, ok=False)
    assert r.returncode == 2 and "with more than 192" in r.stderr, r.stderr
    assert len(server.json("domain", "show", fits)["name"]) == 233
    added = server.json("domain", "add", "b\u00fccher.test")
    assert (added["name"], added["unicode"]) == ("xn--bcher-kva.test", "b\u00fccher.test")
    assert server.json("domain", "show", "b\u00fccher.test")["name"] == "xn--bcher-kva.test"
    assert "b\u00fccher.test" in server.cli("domain", "show", "xn--bcher-kva.test").stdout


def test_somebody_elses_domain(world, server):
    server.json("subscription", "add", "rival")
    new_domain(world, server, "proved.test")
    server.json("domain", "add", "claimed.test")
    for name, says in (("proved.test", "has proved it"), ("claimed.test", "is setting")):
        r = server.cli("domain", "add", name, "--subscription", "rival", ok=False)
        assert r.returncode == 1 and says in r.stderr, r.stderr


def test_the_coach(world, server):
    new_domain(world, server, "coached.test")
    answer = server.json("domain", "coach", "coached.test")
    assert answer["step"] in ("wait", "quarantine") and answer["text"]
    assert answer["text"].split()[0] in server.cli("domain", "coach", "coached.test").stdout


def test_checks_are_counted(world, server):
    def figure(name):
        return int(re.search(r"^sigillo_domain_%s (\d+)" % name, server.get("/metrics")[2].decode(), re.M).group(1))
    before = figure("checks_total"), figure("checks_unknown_total")
    server.json("domain", "add", "counted.test")
    verify(server, "counted.test", 1)
    assert figure("checks_total") > before[0] and figure("checks_unknown_total") >= before[1]

# SPDX-License-Identifier: Apache-2.0
"""`sigillo spf tree` and `sigillo spf build` against real name servers."""
import json
import os
import re
import subprocess

import pytest

from world import daemon

YES, NO, USAGE, UNKNOWN = 0, 1, 2, 3
ZONES = {
    "tree.test": ('"v=spf1 include:inc.tree.test a:host.tree.test mx exists:%{i}.tree.test -all"', '"unrelated=1"'),
    "inc.tree.test": ('"v=spf1 ip4:192.0.2." "0/24 redirect=end.tree.test"',),
    "end.tree.test": ('"v=spf1 ip6:2001:db8::/32 ?all"',),
    "two.test": ('"v=spf1 -all"', '"v=spf1 mx ~all"'),
    "loop.test": ('"v=spf1 include:loop2.test -all"',),
    "loop2.test": ('"v=spf1 include:loop.test -all"',),
    "void.test": ('"v=spf1 a:n1.test a:n2.test a:n3.test -all"',),
    "ten.test": ('"v=spf1 include:five.test include:five.test include:bulk.test -all"',),
    "five.test": ('"v=spf1 exists:h.five.test exists:h.five.test exists:h.five.test exists:h.five.test ?all"',),
    "bulk.test": ('"v=spf1 ip4:198.51.100.0/24 -all"',),
    "cut.spf.test": ('"v=spf1 include:gone.bogus.test -all"',),
    "evil.test": ('"v=spf1 \\027[31mred\\007 -all"',),
    "parked.test": ('"v=spf1 mx -all"',),
    "_dmarc.parked.test": ('"v=DMARC1; p=none; rua=mailto:r@example.test"',),
}


@pytest.fixture(scope="module")
def names(world):
    for name, texts in ZONES.items():
        world.dns.publish(name, "TXT", *texts)
    for host in ("host.tree.test", "mx.tree.test", "h.five.test"):
        world.dns.publish(host, "A", "192.0.2.1")
        world.dns.publish(host, "AAAA", "2001:db8::1")
    world.dns.publish("tree.test", "MX", "10 mx.tree.test.")
    return world


@pytest.fixture
def run(names):
    def call(*args, locale="C.UTF-8"):
        return subprocess.run([daemon.PROGRAM, *args, "--resolver", names.dns.address, "--trust-anchor", names.dns.trust_anchor],
                              capture_output=True, text=True, timeout=60, env=dict(os.environ, LC_ALL=locale, NO_COLOR="1"))
    return call


def tree(run, domain):
    r = run("spf", "tree", "--json", domain)
    assert r.stderr == "", r.stderr
    return r.returncode, json.loads(r.stdout)


def codes(answer):
    return [p["code"] for p in answer["problems"]]


def columns(text):
    return max(len(line) for line in text.splitlines())


# -- spf tree -------------------------------------------------------------------------------------------------------

def test_the_whole_tree_as_json(run):
    status, answer = tree(run, "tree.test")
    assert status == YES
    assert (answer["domain"], answer["lookups"], answer["void_lookups"], answer["complete"]) == ("tree.test", 5, 0, True)
    assert answer["record"].startswith("v=spf1 include:inc.tree.test ")
    assert [(t["term"], t["lookups"]) for t in answer["terms"]] == [
        ("include:inc.tree.test", 2), ("a:host.tree.test", 1), ("mx", 1), ("exists:%{i}.tree.test", 1), ("-all", 0)]
    include = answer["terms"][0]
    assert include["record"] == "v=spf1 ip4:192.0.2.0/24 redirect=end.tree.test" # strings are joined without a blank
    assert include["terms"][1]["terms"][0] == {
        "term": "ip6:2001:db8::/32", "lookups": 0, "void_lookups": 0, "target": None, "record": None, "problem": None,
        "ignored": False, "terms": []}
    assert codes(answer) == ["spf-macro"]
    assert set(answer["problems"][0]) == {"code", "severity", "text", "mend", "rule"}


@pytest.mark.parametrize("locale, fork, last", [("C.UTF-8", "├─ ", "└─ "), ("C", "|- ", "`- ")])
def test_the_drawing_fits_80_columns_and_follows_the_locale(run, locale, fork, last):
    r = run("spf", "tree", "tree.test", locale=locale)
    lines = r.stdout.splitlines()
    assert r.returncode == YES and r.stderr == ""
    assert columns(r.stdout) <= 80
    assert re.fullmatch(r"tree\.test +lookups +void", lines[0])
    assert re.fullmatch(re.escape(fork) + r"include:inc\.tree\.test +2", lines[1])
    assert any(line.startswith(last + "-all") for line in lines)
    assert any(re.fullmatch(r" *all, of 10 and of 2 allowed +5 +0", line) for line in lines)
    if locale == "C":
        assert r.stdout.isascii()


@pytest.mark.parametrize("domain, status, wanted", [
    ("two.test", NO, ["spf-many-records"]),
    ("loop.test", NO, ["spf-loop"]),
    ("void.test", NO, ["spf-void-lookup"] * 3 + ["spf-too-many-voids"]),
    ("null.test", NO, ["spf-none"]),
    ("nowhere-at-all.test", NO, ["spf-none"]),
    ("cut.spf.test", UNKNOWN, ["spf-lookup-failed"]),
    ("bogus.test", UNKNOWN, ["spf-lookup-failed"]),
])
def test_what_is_wrong_and_the_exit_status(run, domain, status, wanted):
    got, answer = tree(run, domain)
    assert (got, codes(answer)) == (status, wanted), answer
    text = run("spf", "tree", domain)
    assert text.returncode == status
    assert all(code in text.stdout for code in wanted)
    assert columns(text.stdout) <= 80


def test_two_records_are_mended_by_one(run):
    assert tree(run, "two.test")[1]["problems"][0]["mend"] == "v=spf1 mx -all"


def test_the_term_at_which_receivers_stop_is_marked(run):
    lines = run("spf", "tree", "ten.test").stdout.splitlines()
    at = next(i for i, line in enumerate(lines) if "the 11th lookup: receivers stop here" in line)
    assert lines[at - 1].startswith("├─ include:bulk.test") and lines[at].startswith("│  ✗ ")


def test_bytes_of_a_record_never_reach_the_terminal(run):
    r = run("spf", "tree", "evil.test")
    assert r.returncode == NO
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", r.stdout), repr(r.stdout)
    assert tree(run, "evil.test")[1]["problems"][0]["code"] == "spf-syntax"


def test_other_scripts_are_names_too(run, names):
    names.dns.publish("xn--bcher-kva.test", "TXT", '"v=spf1 -all"')
    status, answer = tree(run, "bücher.test")
    assert (status, answer["domain"]) == (YES, "xn--bcher-kva.test")


def test_not_a_domain_name(run):
    r = run("spf", "tree", "not a name")
    assert r.returncode == USAGE and r.stdout == "" and "must be a domain name" in r.stderr


def test_without_an_answer_nothing_is_found_out(names):
    r = subprocess.run([daemon.PROGRAM, "spf", "tree", "--json", "--timeout", "2", "--resolver", "127.0.0.99", "tree.test"],
                       capture_output=True, text=True, timeout=60)
    assert r.returncode == UNKNOWN
    assert codes(json.loads(r.stdout)) == ["spf-lookup-failed"]


# -- spf build ------------------------------------------------------------------------------------------------------

def test_a_record_is_merged_into_what_is_published(run):
    r = run("spf", "build", "--ip", "203.0.113.0/28", "--include", "bulk.test", "tree.test")
    assert r.returncode == YES, r.stderr
    assert r.stdout == ('tree.test TXT "v=spf1 include:inc.tree.test a:host.tree.test mx exists:%{i}.tree.test '
                        'ip4:203.0.113.0/28 include:bulk.test -all"\n')
    assert "takes the place of" in r.stderr


def test_what_is_published_already_is_said(run):
    r = run("spf", "build", "--ip", "198.51.100.0/24", "bulk.test")
    assert r.returncode == YES
    assert r.stdout == 'bulk.test TXT "v=spf1 ip4:198.51.100.0/24 -all"\n'
    assert "published already" in r.stderr


def test_long_records_are_split_into_strings(run):
    networks = [a for n in range(20) for a in ("--ip", "203.0.113.%d" % n)]
    r = run("spf", "build", *networks, "new.tree.test")
    strings = re.findall(r'"([^"]*)"', r.stdout)
    assert r.returncode == YES and r.stdout.startswith('new.tree.test TXT "v=spf1 ') and r.stdout.count("\n") == 1
    assert len(strings) == 2 and len(strings[0]) == 255
    assert "".join(strings).endswith(" ip4:203.0.113.19 -all")


def test_a_record_above_ten_lookups_is_refused_with_the_term_to_move(run):
    r = run("spf", "build", "--include", "tree.test", "ten.test")
    assert (r.returncode, r.stdout) == (NO, "")
    assert 'move "include:tree.test" (6 of them) to a subdomain' in r.stderr
    r = run("spf", "build", "--include", "bulk.test", "ten.test")
    assert r.returncode == YES and r.stdout.count("include:five.test") == 1 # the double goes


def test_a_service_moves_to_its_subdomain(run):
    r = run("spf", "build", "--subdomain", "news:bulk.test", "ten.test", "--json")
    assert r.returncode == YES
    assert {p["name"]: p["value"] for p in json.loads(r.stdout)["records"]} == {
        "ten.test": "v=spf1 include:five.test -all", "news.ten.test": "v=spf1 include:bulk.test -all"}


def test_parked_domains(run):
    r = run("spf", "build", "--parked", "parked.test", "null.test")
    assert r.returncode == YES
    assert r.stdout.splitlines() == [
        'parked.test TXT "v=spf1 -all"',
        '_dmarc.parked.test TXT "v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s; rua=mailto:r@example.test"',
        'null.test TXT "v=spf1 -all"',
        '_dmarc.null.test TXT "v=DMARC1; p=reject; sp=reject; adkim=s; aspf=s"']
    assert "parked.test MX 0 ." in r.stderr and "null.test MX 0 ." not in r.stderr


def test_what_is_not_known_is_not_overwritten(run):
    r = run("spf", "build", "--ip", "203.0.113.1", "x.bogus.test")
    assert (r.returncode, r.stdout) == (UNKNOWN, "")
    assert "--existing" in r.stderr
    r = run("spf", "build", "--ip", "203.0.113.1", "--existing", "v=spf1 mx ~all", "--offline", "x.bogus.test")
    assert (r.returncode, r.stdout) == (YES, 'x.bogus.test TXT "v=spf1 mx ip4:203.0.113.1 ~all"\n')
    assert run("spf", "build", "--parked", "parked.test", "x.bogus.test").stdout == "" # nothing half done


def test_names_of_microsoft_need_nothing(run):
    r = run("spf", "build", "--m365", "worldwide", "contoso.onmicrosoft.com")
    assert (r.returncode, r.stdout) == (YES, "")
    assert "needs nothing" in r.stderr


@pytest.mark.parametrize("args, what", [
    (["--m365", "moon", "a.test"], "--m365"),
    (["--policy", "strict", "a.test"], "--policy"),
    (["--ip", "192.0.2.0/33", "a.test"], "--ip"),
    (["--include", "a..b", "a.test"], "--include"),
    (["--subdomain", "news", "a.test"], "--subdomain"),
    (["--subdomain", "news:", "a.test"], "--subdomain"),
    (["a.test", "b.test"], "b.test"),
    (["--parked", "--ip", "192.0.2.1", "a.test"], "--ip"),
    (["--parked", "--existing", "v=spf1 -all", "a.test", "b.test"], "--existing"),
    (["--offline", "a b"], "spf build"),
])
def test_wrong_usage(run, args, what):
    r = run("spf", "build", *args)
    assert (r.returncode, r.stdout) == (USAGE, "")
    assert r.stderr.startswith("sigillo: %s: " % what) and r.stderr.count("\n") == 1, r.stderr

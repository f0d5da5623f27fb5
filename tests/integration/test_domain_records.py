# SPDX-License-Identifier: Apache-2.0
"""The records of a domain: compared with what is published, merged with it, as a zone file and as a script that a name server takes."""
import dns.query
import dns.rcode
import dns.rdatatype
import dns.update
import dns.zone
import pytest

DOMAIN = "records.test"
OTHER = '"google-site-verification=abc"'


def by_purpose(answer):
    return {r["purpose"]: r for r in answer["records"]}


def texts(world, name):
    return {r.to_text() for rrset in world.dns.query(name, "TXT").answer if rrset.rdtype == dns.rdatatype.TXT for r in rrset}


def run_script(world, script):
    """What nsupdate(1) does with it: every line, in one transaction."""
    update = dns.update.Update("test.")
    for line in script.splitlines():
        words = line.split(None, 3)
        if line.startswith("update delete "):
            name, kind, data = line.split(None, 4)[2:]
            update.delete(name, kind, data)
        elif line.startswith("update add "):
            name, ttl, kind, data = line.split(None, 5)[2:]
            update.add(name, int(ttl), kind, data)
        else:
            assert line.startswith(";") or words[0] in ("zone", "send"), line
    answer = dns.query.tcp(update, world.dns.address, timeout=10)
    assert answer.rcode() == dns.rcode.NOERROR


@pytest.fixture(scope="module")
def added(world, sigillo):
    world.dns.publish(DOMAIN, "TXT", '"v=spf1 ip4:192.0.2.1 -all"', OTHER)
    world.dns.publish("_dmarc." + DOMAIN, "TXT", '"v=DMARC1; p=quarantine; adkim=s"')
    world.dns.publish("s1._domainkey.%s.%s" % (DOMAIN, DOMAIN), "TXT", '"v=DKIM1; k=rsa; p=AAAA"')
    sigillo.cli("domain", "add", DOMAIN)
    return DOMAIN


def test_they_are_compared_and_merged(world, sigillo, added):
    rows = by_purpose(sigillo.json("domain", "records", added, "--check"))
    spf, dmarc, dkim = rows["spf"], rows["dmarc"], rows["dkim"]
    assert (spf["state"], spf["code"], spf["merged"]) == ("failed", "spf-not-included", True)
    assert spf["found"] == "v=spf1 ip4:192.0.2.1 -all" and "does not let this server send" in spf["why"]
    assert spf["value"].startswith("v=spf1 ip4:192.0.2.1 a:") and spf["value"].endswith(" -all")
    assert spf["replaces"] == [{"type": "TXT", "value": "v=spf1 ip4:192.0.2.1 -all"}]
    assert (dmarc["state"], dmarc["code"]) == ("verified", "dmarc-no-reports")
    assert dmarc["value"] == "v=DMARC1; p=quarantine; adkim=s; rua=mailto:dmarc@" + added
    assert (dkim["state"], dkim["code"], dkim["relative"]) == ("failed", "doubled-name", "s1._domainkey")
    assert rows["ownership"]["state"] == "in_progress" and rows["ownership"]["replaces"] == []


def test_for_people_it_says_what_to_type(sigillo, added):
    table = sigillo.cli("domain", "records", added, "--check").stdout
    assert "  host   s1._domainkey  (in the zone %s)\n  name   s1._domainkey.%s" % (added, added) in table
    assert 'the host to enter is only "s1._domainkey"' in table
    assert "put it in its place" in table


def test_without_a_look_a_script_adds_nothing_that_may_be_there(sigillo, added):
    script = sigillo.cli("domain", "records", added, "--nsupdate").stdout
    assert "; not compared with what is published" in script
    assert "update add s2._domainkey.%s. " % added in script


def test_a_script_makes_all_of_it_right(world, sigillo, added):
    run_script(world, sigillo.cli("domain", "records", added, "--check", "--nsupdate").stdout)
    answer = sigillo.json("domain", "records", added, "--check")
    assert {r["purpose"]: r["state"] for r in answer["records"] if r["state"] != "verified"} == {}
    assert answer["ready"] is True and not any(r["publish"] for r in answer["records"])
    found = texts(world, added)
    assert OTHER in found and '"v=spf1 ip4:192.0.2.1 -all"' not in found
    assert texts(world, "_dmarc." + added) == {'"v=DMARC1; p=quarantine; adkim=s; rua=mailto:dmarc@%s"' % added}
    again = sigillo.cli("domain", "records", added, "--check", "--nsupdate").stdout
    assert "update " not in again


def test_the_zone_form_is_a_zone_file(world, sigillo, added):
    lines = sigillo.cli("domain", "records", added, "--check", "--zone").stdout
    zone = dns.zone.from_text("@ 3600 IN SOA ns hostmaster 1 1 1 1 1\n@ 3600 IN NS ns\n" + lines, added + ".")
    for r in sigillo.json("domain", "records", added, "--check")["records"]:
        node = zone.find_rdataset(r["name"] + ".", r["type"])
        if r["type"] == "TXT":
            assert r["value"] in [b"".join(t.strings).decode() for t in node]
            assert all(len(s) <= 255 for t in node for s in t.strings)
        else:
            assert r["value"] in [t.to_text(origin=zone.origin, relativize=False) for t in node]


def test_a_check_is_true_or_false(sigillo, added):
    status, problem = sigillo.admin("GET", "/admin/v1/domains/%s/records?check=maybe" % added)
    assert status == 400 and problem["field"] == "check"

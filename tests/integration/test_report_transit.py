# SPDX-License-Identifier: Apache-2.0
"""How mail went over the wire: real deliveries, and the report says exactly what the trail says; tenants; CSV; the picture; the page."""
import csv
import io
import json
import os
import pty
import re
import subprocess
import xml.etree.ElementTree as ET

import pytest
from conftest import finish, launch
from test_docs import Reader
from world import daemon
from world.internet import ROOT, wait_for

USAGE = 2
SVG = "{http://www.w3.org/2000/svg}"
MAIL = ["one@good.test", "two@good.test", "me@plain.test", "me@expired.test", "no@wrong.test"]


def trail(d, id):
    return d.json("trace", id)["events"]


def failures(d, id):
    return sum(e["kind"] == "deferred" for e in trail(d, id))


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "report-transit", {}, start=False)
    d.open_https()
    d.start()
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sent(world, sigillo):
    """{address: id}; a second tenant sends one more."""
    sender = sigillo.sender("transit.test")
    ids = {to: sigillo.submit(sender, to) for to in MAIL}
    ids["nobody@good.test"] = sigillo.submit(sender, "nobody@good.test") # comes back: neither it nor the report of it counts
    sigillo.cli("subscription", "add", "acme")
    sigillo.cli("domain", "add", "transit-acme.test", "--subscription", "acme")
    sigillo.publish_records("transit-acme.test")
    key = sigillo.json("key", "add", "--domain", "transit-acme.test", "--subscription", "acme")["key"]
    r = sigillo.post("/v1/messages", {"from": "a@transit-acme.test", "to": ["acme@good.test"], "subject": "x", "text": "x"}, key)
    assert r[0] == 202, r
    ids["acme@good.test"] = r[2]["id"]
    for to, id in ids.items():
        if to not in ("no@wrong.test", "nobody@good.test"):
            sigillo.wait_state(id, "delivered")
    sigillo.wait_state(ids["nobody@good.test"], "failed")
    wait_for(lambda: failures(sigillo, ids["no@wrong.test"]), lambda n: n > 0, 20, "an attempt at wrong.test")
    sigillo.cli("queue", "hold", ids["no@wrong.test"])
    return ids


def test_it_says_what_the_trail_says(sigillo, sent):
    r = sigillo.json("report", "transit")
    failed = failures(sigillo, sent["no@wrong.test"])
    total = r["total"]
    assert total["delivered"] == 5 and total["failed"] == failed > 0
    assert total["mechanisms"] == {"dane": 3, "mta-sts": 0, "verified": 0, "encrypted": 1, "plain": 1}
    assert total["causes"] == {"validation-failure": {"delivered": 0, "failed": failed}}
    versions = {"TLSv1.3": 0, "TLSv1.2": 0, "none": 0}
    for to, id in sent.items():
        for e in trail(sigillo, id):
            if e["kind"] == "delivered":
                versions[e["detail"].get("tls") or "none"] += 1
    assert total["versions"] == versions and versions["none"] == 1
    assert r["by"] == "day" and sum(d["delivered"] for d in r["rows"]) == 5 and r["next"] is None
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\d", d["name"]) for d in r["rows"]) and r["rows"][-1]["name"] <= r["to"]


def test_by_names(sigillo, sent):
    failed = failures(sigillo, sent["no@wrong.test"])
    domains = sigillo.json("report", "transit", "--by", "domain")["rows"]
    rows = {d["name"]: d for d in domains}
    assert {n: (d["delivered"], d["failed"]) for n, d in rows.items()} == {
        "good.test": (3, 0), "plain.test": (1, 0), "expired.test": (1, 0), "wrong.test": (0, failed)}
    assert rows["good.test"]["mechanisms"]["dane"] == 3 and rows["expired.test"]["mechanisms"]["encrypted"] == 1
    rows = {d["name"]: d["delivered"] for d in sigillo.json("report", "transit", "--by", "sender")["rows"]}
    assert rows == {"transit.test": 4, "transit-acme.test": 1}
    rows = {d["name"]: d["delivered"] for d in sigillo.json("report", "transit", "--by", "subscription")["rows"]}
    assert rows == {"default": 4, "acme": 1}
    top = sigillo.json("report", "transit", "--by", "domain", "--top", "2")
    mail = [d["delivered"] + d["failed"] for d in domains]
    assert top["rows"] == domains[:2] and mail == sorted(mail, reverse=True)
    assert top["next"] == 2 and "There are more" in sigillo.cli("report", "transit", "--by", "domain", "--top", "2").stdout
    mechanisms = sigillo.json("report", "transit", "--by", "mechanism")
    assert mechanisms["by"] == "mechanism" and {"name": "dane", "delivered": 3} in mechanisms["rows"]
    assert sigillo.json("report", "transit", "--by", "cause")["rows"] == [
        {"name": "validation-failure", "delivered": 0, "failed": failed}]
    assert sigillo.json("report", "transit", "--until", "2d")["total"]["delivered"] == 0


def test_who_could_be_stricter(sigillo, sent):
    stricter = sigillo.json("report", "transit")["stricter"]
    assert [d["domain"] for d in stricter["failing"]] == ["wrong.test"] and stricter["testing"] == []
    assert stricter["failing"][0]["causes"][0]["cause"] == "validation-failure" and stricter["failing"][0]["causes"][0]["advice"]
    own = {d["domain"]: d["missing"] for d in stricter["own"]}
    assert {"transit.test", "transit-acme.test"} <= set(own) and "mta_sts" in own["transit.test"]
    said = sigillo.cli("report", "transit").stdout
    assert "wrong.test: validation-failure" in said and "transit.test publishes no MTA-STS" in said


def test_a_tenant_sees_his_own(sigillo, sent):
    key = sigillo.json("key", "add", "--role", "reader", "--subscription", "acme")["key"]

    def get(query, want=200):
        status, _, body = sigillo.request("GET", "/admin/v1/reports/transit" + query, key=key, tls=True)
        assert status == want, body
        return body
    mine = get("?by=domain")
    assert mine["total"]["delivered"] == 1 and [d["name"] for d in mine["rows"]] == ["good.test"]
    assert mine["stricter"]["failing"] == [] and {d["domain"] for d in mine["stricter"]["own"]} == {"transit-acme.test"}
    assert get("?by=sender")["rows"][0]["name"] == "transit-acme.test"
    assert get("?subscription=acme")["total"] == mine["total"]
    assert get("?subscription=default", 404)["code"] == "not-found"
    assert sigillo.json("report", "transit", "--subscription", "acme")["total"] == mine["total"]
    assert sigillo.request("GET", "/admin/v1/reports/transit", tls=True)[0] == 401


def test_csv(sigillo, sent):
    text = sigillo.cli("report", "transit", "--by", "domain", "--csv").stdout.replace("\r\n", "\n")
    rows = list(csv.DictReader(io.StringIO(text)))
    good = next(r for r in rows if r["domain"] == "good.test")
    assert good["delivered"] == good["dane"] == "3" and good["plain"] == good["failed"] == "0"
    raw = subprocess.run([daemon.PROGRAM, "report", "transit", "--by", "cause", "--csv"], capture_output=True,
                         env=dict(os.environ, SIGILLO_SERVER="unix:" + sigillo.socket)).stdout
    assert raw == b"cause,delivered,failed\r\nvalidation-failure,0,%d\r\n" % failures(sigillo, sent["no@wrong.test"])
    assert sigillo.cli("report", "transit", "--csv").stdout.startswith("day,delivered,failed,dane,")


def test_the_picture(sigillo, sent, tmp_path):
    file = tmp_path / "transit.svg"
    sigillo.cli("report", "transit", "--by", "domain", "--chart", str(file))
    assert subprocess.run(["xmllint", "--noout", "--nonet", str(file)]).returncode == 0
    svg = ET.parse(file).getroot()
    assert svg.tag == SVG + "svg" and svg.get("role") == "img"
    assert svg.find(SVG + "title").text.startswith("Mail in transit") and "3 by DANE" in svg.find(SVG + "desc").text
    assert {r.get("class") for g in svg.iter(SVG + "g") for r in g.iter(SVG + "rect")} == {"b0", "b3", "b4"}
    assert "script" not in file.read_text()
    r = sigillo.cli("report", "transit", "--chart", "/nowhere/x.svg", ok=False)
    assert r.returncode == USAGE and "/nowhere/x.svg" in r.stderr


def test_what_is_asked_wrongly(sigillo, sent):
    for options in (["--by", "week"], ["--top", "0"], ["--top", "1001"], ["--json", "--csv"], ["--chart", "-"], ["--since", "soon"],
                    ["--since", "1d", "--until", "3d"]):
        assert sigillo.cli("report", "transit", *options, ok=False).returncode == USAGE, options


def on_a_terminal(sigillo, **env):
    parent, child = pty.openpty()
    process = subprocess.Popen([daemon.PROGRAM, "report", "transit"], stdout=child, stderr=child,
                               env=dict(os.environ, SIGILLO_SERVER="unix:" + sigillo.socket, **env))
    os.close(child)
    out = b""
    try:
        while data := os.read(parent, 65536):
            out += data
    except OSError:
        pass # the other side has ended
    os.close(parent)
    assert process.wait(20) == 0
    return out.decode()


def test_on_a_terminal(sigillo, sent):
    plain = on_a_terminal(sigillo, LC_ALL="C.UTF-8", NO_COLOR="1")
    assert "\033" not in plain and "█" in plain and re.search(r"^\d{4}-\d\d-\d\d  █+░+·+ 5, \d+ failed", plain, re.M)
    assert "\033[32m█" in on_a_terminal(sigillo, LC_ALL="C.UTF-8", NO_COLOR="")
    assert re.search(r"^\d{4}-\d\d-\d\d  #+-+\.+ 5,", on_a_terminal(sigillo, LC_ALL="C", NO_COLOR="1"), re.M)
    said = sigillo.cli("report", "transit", "--no-chart").stdout
    assert "\033" not in said and not re.search(r"^\d{4}-\d\d-\d\d ", said, re.M)


def send(d, domain, to, *options):
    return d.json("send", "--from", "a@" + domain, "--to", to, "--subject", "x", *options, input="x\n")["id"]


def test_what_is_demanded(world, make_sigillo):
    d = make_sigillo()
    domain = d.sender("transit-demand.test").domain
    world.receiver("proved-transit.test", tls=True)
    world.receiver("unproved-transit.test")
    world.receiver("unsigned.transit.insecure.test", tls=True)
    d.wait_state(send(d, domain, "x@proved-transit.test", "--tls", "verified"), "delivered")
    d.wait_state(send(d, domain, "x@proved-transit.test"), "delivered")
    causes = {"unproved-transit.test": "starttls-not-supported", "unsigned.transit.insecure.test": "demand-not-met"}
    refused = {to: send(d, domain, "x@" + to, "--tls", "verified") for to in causes}
    for id in refused.values():
        wait_for(lambda: failures(d, id), lambda n: n > 0, 20, "an attempt")
        d.cli("queue", "hold", id)
    r = d.json("report", "transit", "--by", "domain")
    rows = {row["name"]: row for row in r["rows"]}
    assert r["total"]["mechanisms"] == {"dane": 0, "mta-sts": 0, "verified": 1, "encrypted": 1, "plain": 0}
    for to, cause in causes.items():
        assert rows[to]["causes"] == {cause: {"delivered": 0, "failed": failures(d, refused[to])}}
    assert {t["domain"] for t in r["stricter"]["failing"]} == set(causes)


def test_policies_of_mta_sts(world, make_sigillo):
    """Kept to, tested with success, tested in vain, not listed: what became of the mail, and the cause."""
    d = make_sigillo()
    sender = d.sender("transit-sts.test")
    cases = {"kept": (True, "enforce"), "tested": (True, "testing"), "mended": ("old", "testing"), "bare": (None, "testing"),
             "unlisted": (True, "enforce")}
    ids = {}
    for name, (tls, mode) in cases.items():
        domain = name + ".transit.insecure.test"
        world.receiver(domain, tls=world.ca.issue("mx." + domain, days_to=-1) if tls == "old" else tls or False)
        world.policy(domain, "elsewhere.test" if name == "unlisted" else "mx." + domain, mode=mode)
        ids[name] = d.submit(sender, "x@" + domain)
    wait_for(lambda: failures(d, ids["unlisted"]), lambda n: n > 0, 30, "an attempt")
    d.cli("queue", "hold", ids["unlisted"])
    for name in set(cases) - {"unlisted"}:
        d.wait_state(ids[name], "delivered")
    r = d.json("report", "transit", "--by", "domain")
    rows = {row["name"].split(".")[0]: row for row in r["rows"]}
    assert r["total"]["mechanisms"] == {"dane": 0, "mta-sts": 2, "verified": 0, "encrypted": 1, "plain": 1}
    assert rows["kept"]["causes"] == rows["tested"]["causes"] == {}
    assert rows["mended"]["causes"] == {"certificate-expired": {"delivered": 1, "failed": 0}}
    assert rows["bare"]["causes"] == {"starttls-not-supported": {"delivered": 1, "failed": 0}}
    assert rows["unlisted"]["causes"] == {"sts-mx-mismatch": {"delivered": 0, "failed": failures(d, ids["unlisted"])}}
    assert {t["domain"].split(".")[0] for t in r["stricter"]["testing"]} == {"mended", "bare"}
    assert [t["domain"].split(".")[0] for t in r["stricter"]["failing"]] == ["unlisted"]


def own_of(d, domain):
    d.cli("domain", "verify", domain, ok=False) # the rest of it is not published
    return {o["domain"]: o for o in d.json("report", "transit")["stricter"]["own"]}.get(domain)


def test_own_domains_without_tlsa(world, make_sigillo):
    """Hosts of ours are told from hosts of others, and what a check saw counts until the next one sees something else."""
    ours = world.ca.issue("mx.own.transit-tlsa.test", "mx.transit-own.test")
    d = make_sigillo(start=False)
    d.settings["certificate mx"] = {"certificate": ours.certificate, "key": ours.key}
    d.start()
    for domain in ("transit-own.test", "transit-own.insecure.test"):
        d.cli("domain", "add", domain)
        world.dns.publish(domain, "MX", "10 mx.transit-own.test.", "20 mx.transit-other.test.")
    for host in ("mx.transit-own.test", "mx.transit-other.test"):
        world.dns.publish(host, "A", "127.0.9.9")
    own = own_of(d, "transit-own.test")
    assert own["missing"] == ["mta_sts", "tls_rpt", "tlsa"]
    assert own["hosts"] == [{"host": "mx.transit-other.test", "own": False, "tlsa": "missing"},
                            {"host": "mx.transit-own.test", "own": True, "tlsa": "missing"}]
    said = d.cli("report", "transit").stdout
    assert "transit-own.test publishes no MTA-STS, no TLS-RPT, no TLSA (mx.transit-own.test)\n" \
        "    mx.transit-other.test: a host of others without TLSA records\n" in said
    assert {h["tlsa"] for h in own_of(d, "transit-own.insecure.test")["hosts"]} == {"unsigned"}
    assert "no TLSA (mx.transit-own.test: not signed by DNSSEC)" in d.cli("report", "transit").stdout

    world.dns.publish("_25._tcp.mx.transit-own.test", "TLSA", "3 0 0 00")
    assert own_of(d, "transit-own.test")["hosts"][1]["tlsa"] == "unusable"
    assert "no TLSA (mx.transit-own.test: none that can be used)" in d.cli("report", "transit").stdout
    records = d.json("tls", "records", "mx.transit-own.test")["records"]
    world.dns.publish("_25._tcp.mx.transit-own.test", "TLSA", next(r["value"] for r in records if r["port"] == 25))
    own = own_of(d, "transit-own.test")
    assert own["missing"] == ["mta_sts", "tls_rpt"] and [h["host"] for h in own["hosts"]] == ["mx.transit-other.test"]
    d.stop()
    d.start()
    assert {o["domain"]: o for o in d.json("report", "transit")["stricter"]["own"]}["transit-own.test"] == own
    world.dns.publish("transit-own.test", "MX", "0 .")
    assert own_of(d, "transit-own.test")["hosts"] == []


def section():
    with open(os.path.join(ROOT, "docs", "transport.md")) as f:
        return re.search(r"^## Report\n(.*?)(?=^## |\Z)", f.read(), re.M | re.S).group(1)


def test_the_page_is_true(world, make_sigillo, tmp_path):
    d = make_sigillo()
    sender = d.sender("transit-page.test")
    for to in ("one@good.test", "two@good.test", "me@plain.test", "me@expired.test"):
        d.wait_state(d.submit(sender, to), "delivered")
    reader = Reader(world, d, "transport", tmp_path)
    reader.env["LC_ALL"] = "C"
    commands = re.findall(r"^sigillo .*", section(), re.M)
    assert len(commands) == 4
    said = [reader.type(line) for line in commands]
    table = re.search(r"^```\n(HOW .*?)^```", section(), re.M | re.S).group(1)
    assert table in said[0]
    assert os.path.getsize(tmp_path / "transit.svg") > 1000
    assert json.loads(reader.type("sigillo report transit --json"))["total"]["delivered"] == 4

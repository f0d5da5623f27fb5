# SPDX-License-Identifier: Apache-2.0
"""Published SPF suites against lib/spf. They lie beside the repository; without them all is skipped."""
import json

import pytest

import spf_tool

yaml = pytest.importorskip("yaml")
pytestmark = pytest.mark.skipif(not spf_tool.SHARED.is_dir(), reason="no suites at %s" % spf_tool.SHARED)


@pytest.fixture(scope="module")
def tool():
    t = spf_tool.Tool()
    yield t
    t.close()


def load(*path):
    with open(spf_tool.SHARED.joinpath(*path), encoding="utf-8") as f:
        return json.load(f)


# ---- openspf.org ----


def openspf_zone(data):
    """Records of the old type count as TXT where a name has no TXT [spf-openspf/README.md]."""
    zone = spf_tool.Zone(failing="error.")
    for name, entries in data.items():
        txt = any(isinstance(e, dict) and "TXT" in e for e in entries)
        zone.node(name)
        for entry in entries:
            if entry == "TIMEOUT":
                zone.outcome(name, "SERVFAIL")
                break
            ((kind, value),) = entry.items()
            if kind == "SPF" and not txt:
                zone.add(name, "TXT", value)
            if kind not in ("TXT", "SPF") or (kind == "TXT" and value != "NONE"):
                zone.add(name, kind, tuple(value) if kind == "MX" else value)
    return zone


def openspf(file):
    if not spf_tool.SHARED.is_dir():
        return []
    scenarios = []
    with open(spf_tool.SHARED / "spf-openspf" / file, encoding="utf-8") as f:
        for document in yaml.safe_load_all(f):
            if document:
                scenarios.append(document)
    return [pytest.param(document, case, id="%s-%s" % (document["description"].replace(" ", "_"), name)) for document in scenarios for name, case in document["tests"].items()]


def wanted(case):
    return case["result"] if isinstance(case["result"], list) else [case["result"]]


def check_openspf(tool, document, case):
    tool.zone(openspf_zone(document["zonedata"]))
    got = tool.check(str(case["host"]), case["mailfrom"], case["helo"], receiver="receiver.example.com")
    assert got["ok"], got
    assert got["result"] in wanted(case), got
    explanation = case.get("explanation")
    if explanation is not None:
        assert got["explanation"] == ("" if explanation == "DEFAULT" else explanation), got


@pytest.mark.parametrize("document,case", openspf("rfc7208-tests.yml"))
def test_openspf_7208(tool, document, case):
    check_openspf(tool, document, case)

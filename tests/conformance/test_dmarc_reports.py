# SPDX-License-Identifier: Apache-2.0
"""DMARC aggregate reports that receivers have sent [RFC 7489 s7.2, RFC 9990 s3.1], read by `sigillo dmarc report`. They lie beside the repository; without them all is skipped."""
import datetime
import json
import os
import subprocess

import pytest

from line_tool import SHARED, SOURCE, load, named

PROGRAM = SOURCE / os.environ.get("BUILD", "build") / "sigillo"
FOLDER = SHARED / "dmarc-aggregate-reports"
CASES = load("dmarc-aggregate-reports", "expected.json")
BROKEN = {"opendmarc/bad.com!example.com!1337140800!1337227200.xml": 2, "parsedmarc/ikea.com!example.de!1538690400!1538776800.xml": 1}  # records before they break off


def shown(*files):
    done = subprocess.run([PROGRAM, "dmarc", "report", "--json", *files], capture_output=True, timeout=60)
    return done.returncode, json.loads(done.stdout), done.stderr


def date(text):
    return None if text is None else datetime.datetime.fromtimestamp(int(float(text)), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def told(want):
    return (want["org_name"], want["report_id"], want["domain"], want["p"], date(want["begin"]), date(want["end"]), want["records"], want["messages"])


def read(got):
    return (got["organization"], got["report_id"], got["domain"], got["p"], got["begin"], got["end"], len(got["records"]), got["messages"])


@pytest.mark.parametrize("case", CASES, ids=named(lambda c: c["file"]))
def test_reports_of_others(case):
    status, [got], said = shown(FOLDER / case["file"])
    want = case["documents"][0]
    if not want["well_formed"]:
        assert len(got["records"]) == BROKEN[case["file"]]
        assert (status, got["partial"]) in ((2, True), (0, False)) and got["notes"]
        return
    assert status == 0, said
    assert read(got) == told(want)
    assert not got["partial"] and got["problem"] is None


def test_how_many_are_read(capsys):
    if not CASES:
        pytest.skip("no reports beside the repository")
    status, got, said = shown(*(FOLDER / c["file"] for c in CASES))
    whole = [c["file"] for c, g in zip(CASES, got) if c["documents"][0]["well_formed"] and read(g) == told(c["documents"][0])]
    missed = [c["file"] for c in CASES if c["file"] not in whole and c["file"] not in BROKEN]
    with capsys.disabled():
        print("\naggregate reports of others: %d of %d read whole, %d broken ones as far as they go; missed: %s" % (
            len(whole), len(CASES), len(BROKEN), ", ".join(missed) or "none"))
    assert len(got) == len(CASES) and not missed


def details(record):
    """A record of ours in the words of the project that decoded it."""
    word = lambda text: "Unspecified" if text is None else text.capitalize()  # noqa: E731
    return (record["source_ip"], record["count"], word(record["dkim"]), word(record["spf"]), record["header_from"] or "",
            [(d["domain"] or "", d["selector"] or "", word(d["result"])) for d in record["dkim_results"]],
            [(s["domain"] or "", word(s["result"])) for s in record["spf_results"]])


def theirs(record):
    row, results = record["row"], record["auth_results"]
    done = row["policy_evaluated"]
    word = lambda text: {"TempError": "Temperror", "PermError": "Permerror", "SoftFail": "Softfail"}.get(text, text)  # noqa: E731
    return (row["source_ip"], row["count"], done["dkim"], done["spf"], record["identifiers"]["header_from"],
            [(d["domain"], d["selector"], word(d["result"])) for d in results["dkim"]],
            [(s["domain"], word(s["result"])) for s in results["spf"]])


@pytest.mark.parametrize("path", sorted(FOLDER.glob("mail-auth/*.json")), ids=named(lambda p: p.name))
def test_each_field_as_another_reader_has_it(path):
    file = next(p for p in path.parent.glob(path.stem + ".*") if p.suffix != ".json")
    status, [got], said = shown(file)
    assert status == 0, said
    assert [details(r) for r in got["records"]] == [theirs(r) for r in json.loads(path.read_text())["record"]]

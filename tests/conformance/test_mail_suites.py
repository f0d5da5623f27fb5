# SPDX-License-Identifier: Apache-2.0
"""Published suites of addresses, header values and messages, read by lib/mail. They lie beside the repository; without them all is skipped."""
import calendar

import pytest

import mail_tool
from line_tool import SHARED, load, named

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="no suites at %s" % SHARED)

@pytest.fixture(scope="module")
def tool():
    t = mail_tool.Tool()
    yield t
    t.close()


def isemail():
    return load("address-isemail", "cases.json")


@pytest.mark.parametrize("case", isemail(), ids=lambda c: "%s-%s" % (c["set"], c["id"]) if isinstance(c, dict) else None)
def test_addresses_of_isemail(tool, case):
    """[RFC 5321 s4.1.2] What may stand in MAIL FROM, and what may not. A header may hold more; what is an error is one there, too."""
    if case["diagnosis"] == "ISEMAIL_RFC5321_IPV6DEPRECATED":
        pytest.skip("'::' for one group: the suite calls it valid in some cases and not in others; RFC 4291 allows it")
    envelope = tool("mailbox", case["address"])
    valid = case["category"] in ("ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN", "ISEMAIL_RFC5321")
    assert envelope["ok"] == valid, "%s %s: %s" % (case["diagnosis"], case.get("comment"), envelope)
    if "\r" in case["address"] or "\n" in case["address"]:
        return  # folds and line ends are the header reader's to judge, before there is a value
    header = tool("addresses", case["address"])
    if valid:
        assert header["ok"] and [i["address"] for i in header["items"]] == [envelope["mailbox"]["text"]], header
    if case["category"] == "ISEMAIL_ERR" and case["address"].isascii():  # RFC 6532 allows more than the suite knows
        assert not header["ok"] or len(header["items"]) != 1 or header["groups"], header


def values(name):
    return [pytest.param(c["header"], c["expected"], id="%s-%d" % (name, i)) for i, c in enumerate(load("header-values-mail-parser", name + ".json"))]


@pytest.mark.parametrize("header,expected", values("date"))
def test_dates(tool, header, expected):
    """[RFC 5322 s3.3, s4.3] The suite's reader is more tolerant: what we do read has to mean the same."""
    got = tool("date", header)
    if not got["ok"]:
        pytest.skip("refused: %s" % got["why"])
    assert expected is not None
    zone = (expected["tz_hour"] * 60 + expected["tz_minute"]) * (-1 if expected["tz_before_gmt"] else 1)
    time = calendar.timegm((expected["year"], expected["month"], expected["day"], expected["hour"], expected["minute"], expected["second"])) - zone * 60
    assert (got["time"], got["offset_min"]) == (time, zone)


@pytest.mark.parametrize("header,expected", values("id"))
def test_message_identifiers(tool, header, expected):
    got = tool("ids", header)
    if not got["ok"]:
        pytest.skip("refused: %s" % got["why"])
    if "<" not in header:
        pytest.skip("an identifier without brackets is none")
    assert [i[1:-1] for i in got["ids"]] == expected


@pytest.mark.parametrize("header,expected", values("unstructured"))
def test_encoded_words(tool, header, expected):
    """[RFC 2047] Blanks are compared loosely: the suite folds them."""
    got = tool("words", header)["text"]
    if "=?" in got and got.isascii():
        pytest.skip("a charset that is left as it stands: %s" % got)
    assert " ".join(got.split()) == " ".join((expected or "").split())


@pytest.mark.parametrize("header,expected", values("content_type"))
def test_parameters(tool, header, expected):
    """[RFC 2045 s5.1; RFC 2231]"""
    got = tool("param", header)
    if not got["ok"]:
        pytest.skip("refused: %s" % got["why"])
    if expected is None or "=?" in header:
        return  # encoded words have no place in parameters [RFC 2047 s5 (3)]
    kind = expected["c_type"] + ("/" + expected["c_subtype"] if expected["c_subtype"] else "")
    if got["token"] != kind.lower():
        pytest.skip("read as another type: %s" % got["token"])
    wanted = {}
    for name, value in (expected.get("attributes") or []):
        wanted.setdefault(name.lower(), value)
    for name, value in got["params"].items():
        if name in wanted:
            assert value == wanted[name]


@pytest.mark.parametrize("header,expected", values("address"))
def test_address_lists(tool, header, expected):
    """[RFC 5322 s3.4] The suite's reader takes what is no address, too: what we do read has to mean the same."""
    got = tool("addresses", header)
    if not got["ok"]:
        pytest.skip("refused: %s" % got["why"])
    wanted = []
    for group in ([{"name": None, "addresses": expected["List"]}] if "List" in expected else expected["Group"]):
        wanted += [(a["name"], a["address"].lower().replace(" ", "")) for a in group["addresses"]]
    assert [i["address"].lower() for i in got["items"]] == [a for _, a in wanted]
    for item, (name, _) in zip(got["items"], wanted):
        if item["name"] and name and "=?" not in item["name"] and "(" not in header:  # the suite makes comments a part of names
            assert " ".join(item["name"].split()) == " ".join(name.split())


def messages():
    return sorted(dict(load("mime-python", "expected.json")).items())


@pytest.mark.parametrize("name,expected", messages(), ids=lambda v: v if isinstance(v, str) else "" if isinstance(v, (dict, list, tuple)) else None)
def test_header_fields_of_messages(tool, name, expected):
    """The fields that Python's parser sees, we see."""
    data = SHARED.joinpath("mime-python", name).read_bytes()
    got = tool("headers", data)
    assert got["ok"], got
    assert got["names"] == expected["header_fields"]

# SPDX-License-Identifier: Apache-2.0
"""What we compose, Python's email package reads: the same text, names and bytes come back, whatever they are."""
import email
import email.header
import email.policy
import email.utils
import random
import re

import pytest

import mail_tool

NAMES = ["", "Joe", "Joe Q. Public", 'Say "hi" \\ now', "Jürgen Müller", "日本太郎", "a, b; c <d>", "x" * 200, "Ünï " * 40, "=?utf-8?q?trap?=", "emoji 😀 here"]
SUBJECTS = ["Hello", "", "Grüße aus Köln", "日本語" * 40, "a" * 500, "word " * 60 + "end", "=?utf-8?B?w6k=?=", "tab\there", "😀" * 50, "x" * 70 + " é"]
TEXTS = ["Hello\n", "", "no line end", "Grüße\n.dot\nFrom me\n", "日本語\n" * 50, "x" * 5000, "a\r\nb\rc\nd", "trailing  \n\t\n", "=3D =\n", "€" * 2000, "--=_0102\n"]
FILES = ["a.txt", "", "two words.pdf", "Grüße.docx", "日本語のとても長いファイル名" * 5 + ".pdf", 'q"uo\\te.txt', "n" * 150 + ".bin", "semi;colon=.txt", "per%cent'.txt"]


@pytest.fixture(scope="module")
def tool():
    t = mail_tool.Tool()
    yield t
    t.close()


def compose(tool, **description):
    return composed(tool, **description)[0]


def composed(tool, **description):
    d = {"from": [("", "app@example.org")], "to": [("", "bob@example.net")], "date": 1795349343, "text": "x\n"}
    d.update(description)
    got = tool("compose", **d)
    assert got["ok"], got
    assert got["within_bound"]
    check_lines(got["message"])
    return email.message_from_bytes(got["message"], policy=email.policy.SMTP), got["message"]


def check_lines(data):
    assert data.endswith(b"\r\n")
    assert not re.search(rb"(?<!\r)\n|\r(?!\n)|\0", data)
    head, _, _ = data.partition(b"\r\n\r\n")
    lines = data.split(b"\r\n")
    assert max(map(len, lines)) <= 998
    for line in head.split(b"\r\n"): # a word that is longer has no place to fold
        assert len(line) <= 78 or max(map(len, line.split())) > 60, line
    return lines


def names(data, field):
    """(name, address) of each; decoded by the older reader: the newer puts blanks between adjacent encoded words of a name."""
    raw = email.message_from_bytes(data, policy=email.policy.compat32)
    return [(str(email.header.make_header(email.header.decode_header(name))), address) for name, address in email.utils.getaddresses([unfold(raw[field])])]


def unfold(value):
    return re.sub(r"\r?\n", "", value)


def lf(text):
    return text.replace("\r\n", "\n").replace("\r", "\n")


def no_defects(message):
    for part in message.walk():
        assert not part.defects, (part.get_content_type(), part.defects)


@pytest.mark.parametrize("name", NAMES)
def test_names(tool, name):
    m, raw = composed(tool, **{"from": [(name, "app@example.org")], "to": [(name, "a@b.test"), ("", "c@d.test"), (name, "e@f.test")]})
    assert names(raw, "to") == [(name.strip(), "a@b.test"), ("", "c@d.test"), (name.strip(), "e@f.test")]
    assert names(raw, "from")[0][0] == name.strip()
    assert [a.addr_spec for a in m["to"].addresses] == ["a@b.test", "c@d.test", "e@f.test"]
    no_defects(m)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_subjects(tool, subject):
    m = compose(tool, subject=subject)
    assert m["subject"] == subject.strip()


@pytest.mark.parametrize("eightbit", [False, True])
@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_texts(tool, text, eightbit):
    m = compose(tool, text=text, html=text, eightbit=eightbit)
    assert m.get_content_type() == "multipart/alternative"
    plain, html = m.iter_parts()
    for part in (plain, html):
        assert lf(part.get_payload(decode=True).decode(part.get_content_charset())) == lf(text)
        if not eightbit:
            assert part["content-transfer-encoding"] != "8bit"
    no_defects(m)


@pytest.mark.parametrize("name", FILES, ids=range(len(FILES)))
def test_attachments(tool, name):
    data = bytes(range(256)) * 300 + b"end"
    m = compose(tool, parts=[{"content": data, "content_type": "application/pdf", "filename": name}])
    attachment = list(m.iter_attachments())[0]
    assert attachment.get_content_type() == "application/pdf"
    assert (attachment.get_filename() or "") == name
    assert attachment.get_payload(decode=True) == data
    no_defects(m)


def test_everything_at_once(tool):
    picture, pdf = b"\x89PNG" + bytes(1000), b"%PDF-" + bytes(range(256))
    inner = b"From: x@y.test\r\nSubject: inner\r\n\r\nInner body\r\n"
    m = compose(tool, subject="Alles", text="Text", html='<img src="cid:logo@example.org">', cc=[("C", "c@example.net")],
                reply_to=[("R", "r@example.org")],
                headers=[("X-Tag", "a b"), ("X-Ümlaut".encode("ascii", "replace").decode(), "Grüße")],
                parts=[{"content": picture, "content_type": "image/png", "content_id": "logo@example.org", "filename": "logo.png"},
                       {"content": pdf, "content_type": 'application/pdf; title="x y"', "filename": "Ä.pdf"},
                       {"content": inner, "content_type": "message/rfc822"}])
    assert m.get_content_type() == "multipart/mixed"
    body, attached, message = m.iter_parts()
    text, related = body.iter_parts()
    html, image = related.iter_parts()
    assert [p.get_content_type() for p in (body, text, related, html, image)] == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    assert image["content-id"] == "<logo@example.org>" and image.get_payload(decode=True) == picture and image.get_content_disposition() == "inline"
    assert attached.get_payload(decode=True) == pdf and attached.get_filename() == "Ä.pdf" and attached.get_param("title") == "x y"
    assert message.get_content()["subject"] == "inner"
    assert m["x-tag"] == "a b" and str(m["x-?mlaut"]) == "Grüße" and m["bcc"] is None
    assert m["reply-to"].addresses[0].addr_spec == "r@example.org" and m["cc"].addresses[0].display_name == "C"
    assert email.utils.parsedate_to_datetime(str(m["date"])).timestamp() == 1795349343
    no_defects(m)


def test_a_message_that_cannot_be_a_part_is_a_file(tool):
    inner = "From: x@y.test\r\n\r\nGrüße\r\n".encode()
    m = compose(tool, parts=[{"content": inner, "content_type": "message/rfc822", "filename": "a.eml"}])
    part = list(m.iter_attachments())[0]
    assert part.get_content_type() == "application/octet-stream" and part.get_payload(decode=True) == inner


def test_an_international_address_is_written_as_it_is(tool):
    m = tool("compose", **{"from": [("Jörg", "jörg@bücher.example")], "to": [("", "a@b.test")], "text": "x"})["message"]
    assert "<jörg@xn--bcher-kva.example>".encode() in m


@pytest.mark.parametrize("seed", range(60))
def test_random_messages(tool, seed):
    """Any mixture of the above and of random characters."""
    r = random.Random(seed)

    def noise(n):
        kinds = [(32, 126), (32, 126), (0xa1, 0x17f), (0x4e00, 0x4fff), (0x1f600, 0x1f640)]
        return "".join(chr(r.randint(*r.choice(kinds))) for _ in range(r.randint(0, n)))
    subject, name, text, file = noise(120), noise(60), "\n".join(noise(200) for _ in range(r.randint(0, 30))), noise(50)
    parts = [{"content": r.randbytes(r.randint(0, 3000)), "content_type": "application/x-test", "filename": file} for _ in range(r.randint(0, 3))]
    m, raw = composed(tool, subject=subject, text=text, to=[(name, "a@b.test")], parts=parts, eightbit=r.random() < 0.5)
    assert m["subject"] == subject.strip()
    assert names(raw, "to")[0][0] == name.strip()
    body = m.get_body(("plain",))
    got = lf(body.get_payload(decode=True).decode("utf-8"))
    assert got in (lf(text), lf(text) + "\n")
    for got_part, part in zip(m.iter_attachments(), parts):
        assert got_part.get_payload(decode=True) == part["content"]
        assert (got_part.get_filename() or "") == file.strip()  # Python strips


@pytest.mark.parametrize("what", [
    {"subject": "a\r\nBcc: x@y.z"}, {"subject": "a\nb"}, {"subject": b"\xff"}, {"to": [("a\r\nb", "a@b.test")]},
    {"headers": [("X-A", "b\r\nc")]}, {"headers": [("X\r\nA", "b")]}, {"headers": [("Bcc", "b@c.test")]}, {"headers": [("dkim-signature", "x")]},
    {"parts": [{"content": b"", "filename": "a\nb"}]}, {"parts": [{"content": b"", "content_type": "a/b\r\nc"}]}, {"text": b"\xff"}])
def test_nothing_can_be_injected(tool, what):
    d = {"from": [("", "a@b.test")], "to": [("", "a@b.test")], "text": "x"}
    got = tool("compose", **{**d, **what})
    assert not got["ok"] and got["why"]

# SPDX-License-Identifier: Apache-2.0
"""The library in the hands of a stranger: the programs in examples/, and the code in the README, built against what is installed."""
import os
import re
import subprocess

import pytest

from installed import compile_program
from tabledns import TableDns
from world import namespace
from world.daemon import ROOT

MESSAGE = b"From: Alice <alice@example.org>\r\nTo: bob@example.net\r\nSubject: hello\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n\r\nIt works.\r\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("stranger")


@pytest.fixture(scope="module")
def example(installed, folder):
    """The path of a program of examples/, built as its reader would build it."""

    def build(name, *words):
        flags = installed.pkg_config("--cflags", "--libs", "sigillo")
        return compile_program(os.path.join(ROOT, "examples", name + ".c"), folder / name, *flags, *words)

    return build


@pytest.fixture(scope="module")
def key(folder):
    """A private key, and the record that publishes it."""
    pem = str(folder / "key.pem")
    subprocess.run(["openssl", "genrsa", "-out", pem, "2048"], check=True, capture_output=True)
    public = subprocess.run(["openssl", "rsa", "-in", pem, "-pubout"], check=True, capture_output=True, text=True).stdout
    p = "".join(public.splitlines()[1:-1])
    return pem, '"v=DKIM1; k=rsa; " "p=%s" "%s"' % (p[:200], p[200:])


@pytest.fixture(scope="module")
def signed(installed, example, key):
    r = installed.run(example("sign_file"), "example.org", "s1", key[0], input=MESSAGE)
    assert r.returncode == 0, r.stderr
    return r.stdout


def test_sign_file_signs_so_that_dkimpy_verifies(signed, key):
    dkim = pytest.importorskip("dkim")
    record = "".join(re.findall(r'"([^"]*)"', key[1])).encode()
    assert signed.endswith(MESSAGE)
    assert dkim.verify(signed, dnsfunc=lambda name, timeout=5: record if name == b"s1._domainkey.example.org." else None)


def test_sign_file_says_what_is_wrong(installed, example, key):
    program = example("sign_file")
    for arguments, message, says in [
        ([], MESSAGE, b"usage: "),
        (["example.org", "s1", __file__], MESSAGE, b"not a private key"),
        (["example.org", "s1", "/nowhere"], MESSAGE, b"usage: "),
        (["example.org", "s1", key[0]], b"no header\r\n", b"cannot sign: syntax"),
        (["not a name", "s1", key[0]], MESSAGE, b"cannot sign: syntax"),
    ]:
        r = installed.run(program, *arguments, input=message)
        assert r.returncode == 2 and says in r.stderr and r.stdout == b"", (arguments, r.stderr)


@pytest.mark.parametrize("ip, sender, status, says", [
    ("192.0.2.10", "alice@example.org", 0, 'pass, by "a:mail.example.org", 1 lookups'),
    ("198.51.100.7", "alice@example.org", 0, 'pass, by "include:_spf.example.net", 2 lookups'),
    ("203.0.113.1", "alice@example.org", 1, 'fail, by "-all", 2 lookups'),
    ("2001:db8::1", "alice@example.org", 1, 'fail, by "-all", 2 lookups'),
    ("203.0.113.1", "alice@_spf.example.net", 1, 'neutral, by "?all", 0 lookups'),
    ("203.0.113.1", "alice@elsewhere.example", 1, "none, "),
])
def test_check_spf_answers_from_its_table(installed, example, ip, sender, status, says):
    r = installed.run(example("check_spf"), ip, sender)
    assert r.returncode == status and r.stdout.decode().startswith(says), (r.stdout, r.stderr)


# ---- with DNS: the system's resolver is a table in this process ----


@pytest.fixture(scope="module")
def zone(key):
    return {
        ("s1._domainkey.example.org", "TXT"): [key[1]],
        ("_dmarc.example.org", "TXT"): ['"v=DMARC1; p=reject"'],
        ("example.org", "TXT"): ['"v=spf1 ip4:192.0.2.0/24 -all"', '"something else"'],
    }


@pytest.fixture
def resolver(zone):
    if not namespace.is_inside():
        pytest.skip("the resolver of this test stands in for the system's: only inside tests/world/world enter")
    with TableDns(namespace.RESOLVER, dict(zone)) as server:
        yield server


def readme_code():
    with open(os.path.join(ROOT, "README.md")) as f:
        blocks = re.findall(r"^```c\n(.*?)^```", f.read(), re.M | re.S)
    assert len(blocks) == 1
    return blocks[0]


def test_the_readme_needs_less_than_ten_lines():
    lines = [line for line in readme_code().split("int main(void)")[1].splitlines() if line.strip() not in ("", "{", "}")]
    assert len(lines) < 10, lines


@pytest.fixture(scope="module")
def readme_program(installed, folder):
    (folder / "verify.c").write_text(readme_code())
    return compile_program(folder / "verify.c", folder / "verify", *installed.pkg_config("--cflags", "--libs", "sigillo"), "-lunbound")


def test_the_program_of_the_readme_judges_a_message(installed, readme_program, signed, resolver):
    for message, says in [
        (signed, b"DMARC: pass\n"),
        (signed.replace(b"It works", b"It worked"), b"DMARC: fail\n"),
        (MESSAGE.replace(b"example.org", b"example.com"), b"DMARC: none\n"),
    ]:
        r = installed.run(readme_program, input=message)
        assert (r.returncode, r.stdout) == (0, says), r.stderr
    assert ("s1._domainkey.example.org", "TXT") in resolver.asked and ("_dmarc.example.org", "TXT") in resolver.asked


CLIENT = ["192.0.2.9", "mail.example.org", "alice@example.org"]


@pytest.mark.parametrize("arguments, change, status, says", [
    ([], None, 0, ["dkim=pass", "header.d=example.org", "dmarc=pass"]),
    (CLIENT, None, 0, ["spf=pass", "smtp.mailfrom=", "dkim=pass", "dmarc=pass"]),
    (["198.51.100.1", *CLIENT[1:]], (b"It works", b"It worked"), 1, ["spf=fail", "dkim=fail", "dmarc=fail"]),
    (["198.51.100.1", *CLIENT[1:]], None, 0, ["spf=fail", "dkim=pass", "dmarc=pass"]),
    (CLIENT, (b"From:", b"From: <eve@evil.test>\r\nFrom:"), 1, ["spf=pass", "dkim=fail", "dmarc=none", "more than one From"]),
])
def test_verify_file_prints_the_field(installed, example, signed, resolver, arguments, change, status, says):
    message = signed.replace(*change) if change else signed
    r = installed.run(example("verify_file", "-lunbound"), *arguments, input=message)
    field = re.sub(r"\r\n\s+", " ", r.stdout.decode())
    assert r.returncode == status and field.startswith("Authentication-Results: mx.example.org;"), (r.stdout, r.stderr)
    assert [word for word in says if word not in field] == [], field


def test_verify_file_without_dns_does_not_know(installed, example, signed, resolver):
    resolver.table = None
    r = installed.run(example("verify_file", "-lunbound"), input=signed)
    assert r.returncode == 3 and b"dkim=temperror" in r.stdout and b"dmarc=temperror" in r.stdout, (r.stdout, r.stderr)


def test_verify_file_wants_a_message(installed, example):
    r = installed.run(example("verify_file", "-lunbound"), "192.0.2.1", input=MESSAGE)
    assert r.returncode == 2 and r.stderr.startswith(b"usage: ")
    r = installed.run(example("verify_file", "-lunbound"), input=b"no message at all")
    assert r.returncode == 2 and r.stderr == b"verify_file: syntax\n", r.stderr


NO_RESOLVER = """
#include <sigillo/unbound.h>

int main(void)
{
    struct sgl_arena arena = SGL_ARENA_INIT(1 << 12);
    const struct sgl_dns_answer *answer = NULL;
    struct sgl_name name;
    struct sgl_dns dns;
    int ok;

    sgl_dns_init(&dns, 0);
    ok = sgl_name_parse(SGL_LIT("example.org"), SGL_NAME_HOST, &arena, NULL, &name) == SGL_OK &&
         sgl_dns_get(&dns, name, SGL_RR_MX, &answer) == SGL_NEED_DNS && sgl_dns_open(&dns) == 1;
    sgl_unbound_resolve(sgl_unbound_new("no address", NULL), &dns);
    ok = ok && sgl_dns_open(&dns) == 0 && sgl_dns_get(&dns, name, SGL_RR_MX, &answer) == SGL_OK && sgl_dns_is_error(answer);
    sgl_dns_done(&dns);
    sgl_arena_done(&arena);
    return ok ? 0 : 1;
}
"""


def test_a_resolver_that_cannot_be_made_answers_that_it_failed(installed, folder):
    (folder / "no_resolver.c").write_text(NO_RESOLVER)
    flags = installed.pkg_config("--cflags", "--libs", "sigillo")
    assert installed.run(compile_program(folder / "no_resolver.c", folder / "no_resolver", *flags, "-lunbound")).returncode == 0

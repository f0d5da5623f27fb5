# SPDX-License-Identifier: Apache-2.0
"""sigillo dkim keygen, sign, verify: the promises of the command line, judged by dkimpy and opendkim-testmsg, with Knot and with a table for DNS."""
import json
import os
import re
import shutil
import stat
import subprocess

import pytest

from tabledns import TableDns
from world import daemon

NO, USAGE, UNKNOWN = 1, 2, 3
MESSAGE = (b"Received: from a by b; Tue, 14 Nov 2023 22:13:20 +0000\r\nFrom: Joe <joe@app.test>\r\nTo: sue@example.net\r\n"
           b"Subject: A  subject\r\n\tfolded\r\nDate: Tue, 14 Nov 2023 22:13:18 +0000\r\nMessage-ID: <1@app.test>\r\n\r\n"
           b"Hello,\r\n\r\n  world. \t\r\n\r\n\r\n")
PORT = 5391


def run(*args, message=b"", **kw):
    return subprocess.run([daemon.PROGRAM, "dkim", *map(str, args)], input=message, capture_output=True, timeout=60, **kw)


class Keys:
    def __init__(self, folder):
        self.folder, self.file, self.record, self.zone = folder, {}, {}, {}
        for selector, kind in (("r1", "rsa-2048"), ("e1", "ed25519")):
            self.file[selector] = folder / (selector + ".pem")
            made = run("keygen", "--type", kind, "--domain", "app.test", "--selector", selector, "--out", self.file[selector])
            assert made.returncode == 0, made.stderr
            name, type_, text = made.stdout.decode().strip().split(" ", 2)
            assert (name, type_) == (selector + "._domainkey.app.test", "TXT")
            self.zone[name, "TXT"] = [text]
            self.record[name] = "".join(re.findall(r'"([^"]*)"', text))
        self.sets = [a for s in ("r1", "e1") for a in ("--selector", s, "--key", self.file[s])]

    def dnsfunc(self, name, timeout=5):
        value = self.record.get(name.decode().rstrip("."))
        return value and value.encode()


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    return Keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def table(keys):
    zone = dict(keys.zone)
    zone["revoked._domainkey.app.test", "TXT"] = ['"v=DKIM1; p="']
    with TableDns("127.0.0.1", zone, PORT):
        yield ("--resolver", "127.0.0.1@%d" % PORT)


def sign(keys, message=MESSAGE, *more):
    r = run("sign", "--domain", "app.test", *keys.sets, *more, message=message)
    assert r.returncode == 0, r.stderr
    return r.stdout


# -- keygen ---------------------------------------------------------------------------------------------------------

def test_a_key_is_for_its_owner_only(keys):
    for path in keys.file.values():
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_a_key_is_for_its_owner_only_whatever_the_umask(tmp_path):
    out = tmp_path / "k.pem"
    run("keygen", "--type", "ed25519", "--domain", "a.test", "--selector", "s", "--out", out, preexec_fn=lambda: os.umask(0))
    assert stat.S_IMODE(os.stat(out).st_mode) == 0o600


def test_a_file_that_exists_is_never_overwritten(keys, tmp_path):
    link = tmp_path / "link.pem"
    os.symlink(tmp_path / "elsewhere", link)
    before = keys.file["r1"].read_bytes()
    for path in (keys.file["r1"], link):
        r = run("keygen", "--domain", "app.test", "--selector", "r1", "--out", path)
        assert r.returncode == USAGE and r.stderr.count(b"\n") == 1 and b"--out" in r.stderr
    assert keys.file["r1"].read_bytes() == before
    assert not (tmp_path / "elsewhere").exists()


def test_strings_have_at_most_255_bytes():
    made = run("keygen", "--type", "rsa-4096", "--domain", "app.test", "--selector", "big")
    record = made.stdout.decode().split("-----END PRIVATE KEY-----\n")[1]
    parts = re.findall(r'"([^"]*)"', record)
    assert len(parts) == 3 and all(len(p) <= 255 for p in parts) and "".join(parts).startswith("v=DKIM1; k=rsa; p=MII")


def test_keygen_as_json(tmp_path):
    made = json.loads(run("keygen", "--type", "ed25519", "--domain", "a.test", "--selector", "s", "--json").stdout)
    assert made["name"] == "s._domainkey.a.test" and made["private_key"].startswith("-----BEGIN PRIVATE KEY-----")
    made = json.loads(run("keygen", "--type", "ed25519", "--domain", "a.test", "--selector", "s", "--json", "--out", tmp_path / "k").stdout)
    assert "private_key" not in made and made["file"] == str(tmp_path / "k")


def test_keygen_takes_a_name_as_people_write_it():
    made = json.loads(run("keygen", "--type", "ed25519", "--domain", "B\u00fccher.test.", "--selector", "s", "--json").stdout)
    assert made["name"] == "s._domainkey.xn--bcher-kva.test"


def test_openssl_reads_the_key(keys):
    for path in keys.file.values():
        assert subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-check"], capture_output=True).returncode == 0


@pytest.mark.parametrize("args, what", [
    (["keygen"], b"--domain"),
    (["keygen", "--domain", "a.test"], b"--selector"),
    (["keygen", "--domain", "a b", "--selector", "s"], b"--domain"),
    (["keygen", "--domain", "a.test", "--selector", "s..t"], b"--selector"),
    (["keygen", "--domain", "a.test", "--selector", "s", "--type", "rsa-512"], b"--type"),
    (["sign"], b"--key"),
    (["sign", "--domain", "a.test", "--selector", "s", "--key", "/nonexistent"], b"--key"),
    (["sign", "--domain", "a.test", "--selector", "s", "--key", "/etc/passwd"], b"--key"),
    (["sign", "--canon", "strict"], b"--canon"),
    (["sign", "--headers", "to:subject"], b"--headers"),
    (["sign", "--headers", "from:a b"], b"--headers"),
    (["sign", "--expire", "soon"], b"--expire"),
    (["verify", "/nonexistent"], b"/nonexistent"),
    (["verify", "a", "b"], b"b"),
    (["verify", "--now", "yesterday"], b"--now"),
])
def test_wrong_usage(args, what):
    r = run(*args)
    assert r.returncode == USAGE and what in r.stderr and r.stderr.count(b"\n") == 1 and r.stdout == b"", r


# -- sign and verify ------------------------------------------------------------------------------------------------

def test_what_was_read_before_is_not_signed_and_not_printed(keys, tmp_path):
    path = tmp_path / "mailbox"
    path.write_bytes(b"From joe Tue Nov 14 22:13:20 2023\n" + MESSAGE)
    with open(path, "rb") as file:
        os.lseek(file.fileno(), len(path.read_bytes()) - len(MESSAGE), os.SEEK_SET)
        r = subprocess.run([daemon.PROGRAM, "dkim", "sign", "--domain", "app.test", *map(str, keys.sets)], stdin=file, capture_output=True)
    assert r.returncode == 0 and r.stdout.startswith(b"DKIM-Signature:") and b"From joe" not in r.stdout, r
    assert r.stdout.endswith(MESSAGE)


@pytest.mark.parametrize("canon", ["relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"])
@pytest.mark.parametrize("ends", [b"\r\n", b"\n"])
def test_what_is_signed_is_verified(keys, table, canon, ends):
    message = MESSAGE.replace(b"\r\n", ends)
    signed = sign(keys, message, "--canon", canon)
    assert signed.endswith(message) and signed.startswith(b"DKIM-Signature:")
    assert (b"\r" in signed) == (ends == b"\r\n")
    r = run("verify", *table, "--json", message=signed)
    assert r.returncode == 0, r
    got = json.loads(r.stdout)["signatures"]
    assert [(s["domain"], s["selector"], s["algorithm"], s["result"], s["reason"], s["key_bits"], s["testing"]) for s in got] == [
        ("app.test", "r1", "rsa-sha256", "pass", "", 2048, False), ("app.test", "e1", "ed25519-sha256", "pass", "", 256, False)]


def test_dkimpy_verifies_both(keys):
    dkim = pytest.importorskip("dkim", reason="python3-dkim is not installed")
    for message in (MESSAGE, MESSAGE.replace(b"\r\n", b"\n")):
        judge = dkim.DKIM(sign(keys, message, "--expire", "3600"))
        assert judge.verify(0, keys.dnsfunc) and judge.verify(1, keys.dnsfunc)


def test_chosen_fields_and_times(keys):
    signed = sign(keys, MESSAGE, "--headers", "from:Subject:from", "--expire", "100", "--now", "1700000000").decode()
    assert signed.count("h=from:Subject:from;") == 2
    assert signed.count("t=1700000000; x=1700000100;") == 2


def test_an_expired_signature_does_not_pass(keys, table):
    signed = sign(keys, MESSAGE, "--expire", "100", "--now", "1700000000")
    assert run("verify", *table, "--now", "1700000100", message=signed).returncode == 0
    r = run("verify", *table, "--now", "1700000101", message=signed)
    assert r.returncode == NO and b"expired" in r.stdout


def test_a_change_is_seen(keys, table):
    signed = sign(keys)
    r = run("verify", *table, "--json", message=signed.replace(b"world", b"World"))
    assert r.returncode == NO and {s["result"] for s in json.loads(r.stdout)["signatures"]} == {"fail"}


def test_no_signature_is_no(table):
    r = run("verify", *table, "--json", message=MESSAGE)
    assert r.returncode == NO and json.loads(r.stdout)["signatures"] == []


def test_no_answer_is_unknown(keys):
    r = run("verify", "--resolver", "127.0.0.1@9", "--timeout", "1", "--json", message=sign(keys))
    assert r.returncode == UNKNOWN and {s["result"] for s in json.loads(r.stdout)["signatures"]} == {"temperror"}


def test_a_revoked_key(keys, table):
    r = run("sign", "--domain", "app.test", "--selector", "revoked", "--key", keys.file["r1"], message=MESSAGE)
    r = run("verify", *table, "--json", message=r.stdout)
    assert r.returncode == NO and json.loads(r.stdout)["signatures"][0]["result"] == "permerror"


@pytest.mark.parametrize("junk", [b"", b"\r\n", b"no header at all\n", bytes(range(256)) * 100, b"\x00" * 5000], ids=range(5))
def test_what_is_no_message_is_one_clear_line(keys, table, junk):
    for args in (["verify", *table], ["sign", "--domain", "app.test", *keys.sets]):
        r = run(*args, message=junk)
        assert r.returncode == USAGE and r.stderr.count(b"\n") == 1 and r.stdout == b"", r


def test_a_key_that_dkim_has_no_algorithm_for(keys, tmp_path):
    """[RFC 8301 s3.2; RFC 8463 s3] RSA and Ed25519 are all."""
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], capture_output=True, check=True)
    (tmp_path / "ec.pem").write_bytes(made.stdout)
    r = run("sign", "--domain", "app.test", "--selector", "s", "--key", tmp_path / "ec.pem", message=MESSAGE)
    assert r.returncode == USAGE and r.stdout == b"" and re.match(rb"sigillo: --key: .* holds no private key that can sign", r.stderr)


def test_nothing_reaches_the_terminal_raw(table):
    evil = b"DKIM-Signature: v=1; a=\x1b[31m; d=a.test; s=\x1b]0;x\x07; i=a=1B[2Jb@a.test; b=\xff\r\nFrom: a\r\n\r\n"
    for more in ([], ["--json"]):
        r = run("verify", *table, *more, message=evil)
        assert r.returncode == NO
        assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f-\xff]", r.stdout + r.stderr), r


def test_memory_does_not_grow_with_the_message(keys, table, tmp_path):
    small, large = tmp_path / "small", tmp_path / "large"
    small.write_bytes(MESSAGE)
    large.write_bytes(MESSAGE + b"A line of a large message.  \r\n" * 2_000_000)
    signed, peak = tmp_path / "signed", {}
    for path in (small, large):
        with open(signed, "wb") as out:
            subprocess.run([daemon.PROGRAM, "dkim", "sign", "--domain", "app.test", *keys.sets, path], stdout=out, check=True)
        process = subprocess.Popen([daemon.PROGRAM, "dkim", "verify", *table, signed], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0
        peak[path] = usage.ru_maxrss
    assert peak[large] - peak[small] < 8192  # KiB, of 58 MiB


@pytest.fixture(scope="module")
def published(world, keys):
    """The records as they are printed, in a signed zone."""
    for (name, kind), values in keys.zone.items():
        world.dns.publish(name, kind, *values)
    return ("--resolver", world.dns.address, "--trust-anchor", world.dns.trust_anchor)


def test_knot_and_dnssec(published, keys):
    r = run("verify", *published, "--json", message=sign(keys))
    assert r.returncode == 0, r
    assert [(s["result"], s["dnssec"]) for s in json.loads(r.stdout)["signatures"]] == [("pass", True), ("pass", True)]


def test_opendkim_verifies(published, keys):
    """It says nothing when the signature holds; it knows RSA only, and asks the resolver of the small internet."""
    if shutil.which("opendkim-testmsg") is None:
        pytest.skip("opendkim-tools is not installed")
    signed = run("sign", "--domain", "app.test", "--selector", "r1", "--key", keys.file["r1"], message=MESSAGE).stdout
    for message, good in ((signed, True), (signed.replace(b"world", b"World"), False)):
        r = subprocess.run(["opendkim-testmsg"], input=message.replace(b"\r\n", b"\n"), capture_output=True, timeout=60)
        assert (r.stdout + r.stderr == b"") == good, r

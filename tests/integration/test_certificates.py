# SPDX-License-Identifier: Apache-2.0
"""Certificates of the doors: chosen by the name that is asked for, replaced while the server runs."""
import os
import re
import shutil
import smtplib
import socket
import ssl
import subprocess

import pytest
from cryptography import x509

from world.internet import wait_for


def names_at(served, port, name, starttls=False):
    """The DNS names of the certificate that a client who asks for `name` is shown."""
    context = ssl.create_default_context(cafile=served.world.ca.file)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if starttls:
        c = smtplib.SMTP(served.address, port, timeout=20, local_hostname="client.test")
        c._host = name or served.address
        c.starttls(context=context)
        der = c.sock.getpeercert(True)
        c.close()
    else:
        with socket.create_connection((served.address, port), 20) as s:
            with context.wrap_socket(s, server_hostname=name) as tls:
                der = tls.getpeercert(True)
    found = x509.load_der_x509_certificate(der).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return found.value.get_values_for_type(x509.DNSName)


def copy(pair, folder, name):
    """As an ACME client leaves them: the key is root's alone."""
    base = os.path.join(folder, name)
    for file, end in ((pair.certificate, ".pem"), (pair.key, ".key")):
        shutil.copy(file, base + end + ".new")
        os.chmod(base + end + ".new", 0o600)
        os.rename(base + end + ".new", base + end)
    return base + ".pem", base + ".key"


@pytest.fixture
def served(world, make_sigillo):
    s = make_sigillo(start=False)
    s.own = os.path.join(s.folder, "own")
    os.mkdir(s.own, 0o700)
    os.mkdir(os.path.join(s.own, "live"))
    web = copy(world.ca.issue("web.certificates.test"), s.own, "web")
    star = copy(world.ca.issue("*.star.certificates.test", "web.star.certificates.test"), s.own, "star")
    for n, of in enumerate(star):
        os.symlink("../" + os.path.basename(of), os.path.join(s.own, "live", "pem" if n == 0 else "key"))
    s.settings["certificate web"] = {"certificate": web[0], "key": web[1]}
    s.settings["certificate star"] = {"certificate": os.path.join(s.own, "live", "pem"),
                                      "key": os.path.join(s.own, "live", "key")}
    s.settings["listen https"] = {"door": "http", "address": ["%s:8443" % s.address], "tls": "implicit"}
    s.start()
    yield s


def test_the_name_that_is_asked_for_chooses_on_every_door(served):
    for port, starttls in ((8443, False), (465, False), (587, True)):
        assert names_at(served, port, "web.certificates.test", starttls) == ["web.certificates.test"]
        assert "*.star.certificates.test" in names_at(served, port, "any.star.certificates.test", starttls)
        assert "localhost" in names_at(served, port, "other.certificates.test", starttls)
    assert "localhost" in names_at(served, 465, None)


def test_new_files_are_taken_without_being_told(served, world):
    pids = served.pids()
    fresh = world.ca.issue("web.certificates.test", "new.certificates.test")
    copy(fresh, served.own, "web")
    wait_for(lambda: names_at(served, 8443, "web.certificates.test"), lambda n: len(n) == 2, 10, "the new one")
    assert names_at(served, 465, "new.certificates.test") == ["web.certificates.test", "new.certificates.test"]

    copy(world.ca.issue("third.star.certificates.test"), served.own, "third")
    for link, to in (("pem", "../third.pem"), ("key", "../third.key")):
        os.symlink(to, os.path.join(served.own, "new"))
        os.rename(os.path.join(served.own, "new"), os.path.join(served.own, "live", link))
    wait_for(lambda: names_at(served, 8443, "third.star.certificates.test"),
             lambda n: n == ["third.star.certificates.test"], 10, "what the links lead to")
    assert served.pids() == pids
    text = served.get("/metrics")[1:]
    assert b"sigillo_certificates_expired 0" in text[1]


def test_half_a_pair_is_waited_for_and_a_broken_file_changes_nothing(served, world):
    fresh = world.ca.issue("web.certificates.test", "new.certificates.test")
    shutil.copy(fresh.certificate, os.path.join(served.own, "web.pem"))
    wait_for(lambda: served.raw_log(), lambda t: "new files of a certificate can't be used" in t, 20, "the warning")
    assert names_at(served, 8443, "web.certificates.test") == ["web.certificates.test"]
    shutil.copy(fresh.key, os.path.join(served.own, "web.key"))
    wait_for(lambda: names_at(served, 8443, "web.certificates.test"), lambda n: len(n) == 2, 10, "the whole pair")
    with open(os.path.join(served.own, "web.pem"), "w") as f:
        f.write("no certificate")
    copy(world.ca.issue("*.star.certificates.test", "more.star.certificates.test"), served.own, "star")
    wait_for(lambda: names_at(served, 8443, "any.star.certificates.test"),
             lambda n: "more.star.certificates.test" in n, 10, "the one that is not broken")
    assert len(names_at(served, 8443, "web.certificates.test")) == 2


def test_tlsa_records_are_those_of_the_key_in_use_and_of_the_next(served, world):
    next_key = os.path.join(served.folder, "next.key")
    made = served.cli("tls", "next-key", "--out", next_key).stdout.strip()
    assert re.fullmatch("TLSA 3 1 1 [0-9a-f]{64}", made) and os.stat(next_key).st_mode & 0o777 == 0o600
    assert served.cli("tls", "next-key", "--out", next_key, ok=False).returncode == 2
    pair = world.ca.issue("mx.certificates.test", "mta-sts.certificates.test", "*.deep.certificates.test")
    served.settings["certificate mx"] = {"certificate": pair.certificate, "key": pair.key, "next_key": next_key}
    served.reload()
    records = wait_for(lambda: served.json("tls", "records")["records"],
                       lambda l: any(r["certificate"] == "mx" for r in l), 10, "the new section")
    mine = [(r["name"], r["value"], r["key"]) for r in records if r["certificate"] == "mx"]
    assert mine == [("_%d._tcp.mx.certificates.test" % port, value, key)
                    for value, key in ((pair.tlsa, "used"), (made[5:], "next")) for port in (25, 587, 465)]
    shown = served.cli("tls", "records", "any.deep.certificates.test", "--format", "zone").stdout
    assert "_25._tcp.any.deep.certificates.test. 3600 IN TLSA %s\n" % pair.tlsa in shown and made[5:] in shown
    script = served.cli("tls", "records", "mx.certificates.test", "--format", "nsupdate").stdout
    assert "update add _25._tcp.mx.certificates.test. 3600 TLSA %s\n" % pair.tlsa in script
    assert "the next" in served.cli("tls", "records", "mx.certificates.test").stdout
    assert served.cli("tls", "records", "elsewhere.test", ok=False).returncode == 1
    copied = subprocess.run(["openssl", "pkey", "-in", next_key, "-pubout"], capture_output=True, text=True, check=True)
    with open(os.path.join(served.folder, "next.pub"), "w") as f:
        f.write(copied.stdout)
    served.settings["certificate mx"]["next_key"] = os.path.join(served.folder, "next.pub")
    served.reload()
    wait_for(lambda: served.raw_log(), lambda t: t.count("configuration reloaded") == 2, 10, "the second reload")
    assert made[5:] in served.cli("tls", "records", "mx.certificates.test").stdout


def test_a_reload_reads_them_too_and_those_that_are_over_are_told(served, world):
    over = copy(world.ca.issue("over.certificates.test", days_to=-1), served.own, "over")
    served.settings["certificate over"] = {"certificate": over[0], "key": over[1]}
    served.reload()
    wait_for(lambda: served.get("/metrics")[2], lambda t: b"sigillo_certificates_expired 1" in t, 10, "counted")
    served.settings["certificate over"]["key"] = os.path.join(served.own, "web.key")
    served.expect("configuration refused")
    served.reload()
    wait_for(lambda: served.raw_log(), lambda t: "certificate over: key: does not belong" in t, 10, "a refusal")

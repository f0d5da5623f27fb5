# SPDX-License-Identifier: Apache-2.0
"""Starting, stopping, reloading, dying and coming back."""
import os
import re
import signal
import smtplib
import subprocess

import pytest

from world import daemon
from world.internet import wait_for


@pytest.fixture
def served(make_sigillo):
    d = make_sigillo()
    return d, d.sender("life.test")


def test_it_starts_and_says_that_it_is_ready(served):
    d, _ = served
    assert d.get("/healthz")[0] == 200 and d.get("/readyz")[0] == 200
    assert set(d.pids()) == {"supervisor", "keys", "service"}


def test_metrics_count_what_was_accepted_and_delivered(world, served):
    d, sender = served
    d.wait_state(d.submit(sender, "metrics@plain.test"), "delivered")
    text = d.get("/metrics")[2].decode()
    assert re.search(r"^# TYPE sigillo_\w+ counter$", text, re.M)
    assert re.search(r"^sigillo_\w*accepted\w*(\{[^}]*\})? [1-9]", text, re.M), text
    assert re.search(r"^sigillo_\w*delivered\w*(\{[^}]*\})? [1-9]|outcome=\"delivered\"[^}]*\} [1-9]", text, re.M), text


def test_every_line_about_a_message_carries_its_id(served):
    d, sender = served
    message_id = d.submit(sender, "log@plain.test")
    d.wait_state(message_id, "delivered")
    assert wait_for(lambda: [l for l in d.log() if message_id in l.values()], lambda l: len(l) >= 2, 5,
                    "accepted and delivered in the log")


def test_sigterm_ends_it_with_status_0_and_nothing_is_lost(world, served):
    d, sender = served
    r = world.receiver("slow-answer.test", {"dot": ("slow", 1)})
    ids = [d.submit(sender, "x@slow-answer.test") for _ in range(5)]
    assert d.stop() == 0
    d.start()
    for i in ids:
        d.wait_state(i, "delivered", timeout=30)
    assert len(r.messages) == 5


def test_while_it_drains_new_connections_are_refused_and_the_session_in_flight_ends_well(served):
    d, sender = served
    c = d.connect(587)
    c.login(sender.user, sender.password)
    c.mail("me@life.test")
    c.rcpt("x@plain.test")
    assert c.docmd("DATA")[0] == 354
    d.process.send_signal(signal.SIGTERM)

    def refused():
        try:
            with smtplib.SMTP(d.address, 587, timeout=2):
                return False
        except OSError:
            return True
    wait_for(refused, lambda r: r, 10, "the port to close")
    c.send(b"Subject: x\r\nFrom: <me@life.test>\r\n\r\nhi\r\n.\r\n")
    assert c.getreply()[0] == 250
    c.close()
    assert d.process.wait(30) == 0
    d.process = None


@pytest.mark.parametrize("role", ["service", "keys"])
def test_a_child_that_dies_comes_back_and_mail_goes_on(world, served, role):
    d, sender = served
    d.expect(role)
    before = d.pids()
    os.kill(before[role], signal.SIGKILL)
    wait_for(d.pids, lambda p: p.get(role, before[role]) != before[role], 10, "a new %s process" % role)
    d.wait_ready()
    address = "after-%s@plain.test" % role
    d.wait_state(d.submit(sender, address), "delivered")
    assert b"DKIM-Signature" in world.wait_mail(address)[0]


def test_a_message_waits_through_a_restart(world, served):
    d, sender = served
    r = world.receiver("restart.test", {"mail": "451 4.3.0 later"})
    message_id = d.submit(sender, "x@restart.test")
    wait_for(lambda: d.show(message_id), lambda m: m["recipients"][0]["attempts"] >= 1, 10, "an attempt")
    d.kill("all")
    del r.script["mail"]
    d.start()
    d.wait_state(message_id, "delivered", timeout=30)
    assert len(r.messages) == 1


def test_a_good_configuration_is_taken_at_sighup(served):
    d, sender = served
    d.settings["limits"] = {"message_size": "64K"}
    d.reload()

    def size():
        with d.connect(587) as c:
            return c.esmtp_features["size"]
    wait_for(size, lambda s: s == "65536", 10, "the new SIZE")
    with pytest.raises(smtplib.SMTPResponseException) as e:
        d.submit(sender, "x@plain.test", daemon.message("me@life.test", ["x@plain.test"], body="x" * 70 + "\r\n" * 70000))
    assert e.value.smtp_code == 552


def test_a_bad_configuration_is_refused_and_the_old_one_stays(served):
    d, sender = served
    d.expect("message_size")
    d.settings["limits"] = {"message_size": "a lot"}
    d.reload()
    wait_for(d.log, lambda lines: any("message_size" in str(l) for l in lines), 10, "a line about message_size")
    d.wait_state(d.submit(sender, "still@plain.test"), "delivered")


def test_a_new_certificate_is_taken_at_sighup(world, served):
    d, _ = served

    def serial():
        with smtplib.SMTP_SSL(d.address, 465, context=d.tls_context()) as c:
            return c.sock.getpeercert()["serialNumber"]
    before = serial()
    world.ca.issue("%s.test" % d.name, "localhost", d.address) # same files
    d.reload()
    wait_for(serial, lambda s: s != before, 10, "the new certificate")


def run_serve(folder, text, *more):
    path = os.path.join(folder, "bad.conf")
    with open(path, "w") as f:
        f.write(text)
    r = subprocess.run([daemon.PROGRAM, "serve", "--config", path, *more], capture_output=True, text=True, timeout=20)
    return r, path


@pytest.mark.parametrize("text, line, key", [
    ("hostname = mail.test\nlimits {\n  recipients = many\n}\n", 3, "recipients"),
    ("hostname = mail.test\nno_such_key = 1\n", 2, "no_such_key"),
    ("listen smtp {\n  address = {\"127.0.0.1:99999\"}\n}\n", 2, "address"),
])
@pytest.mark.parametrize("more", [[], ["--check"]])
def test_a_mistake_in_the_configuration_names_file_line_and_key(world, text, line, key, more):
    r, path = run_serve(world.folder, text, *more)
    assert r.returncode == 1
    assert "%s:%d: " % (path, line) in r.stderr and key in r.stderr, r.stderr


def test_a_second_server_on_the_same_store_is_refused(served):
    d, _ = served
    r = subprocess.run([daemon.PROGRAM, "serve", "--config", d.config_file], capture_output=True, text=True, timeout=30)
    assert r.returncode == 1 and d.get("/healthz")[0] == 200

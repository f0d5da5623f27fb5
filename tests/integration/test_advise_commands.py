# SPDX-License-Identifier: Apache-2.0
"""What `sigillo advise` prints below "Next:" is run, line by line, as it stands there: all of it works, and what it promises is so."""
import json
import os
import re
import subprocess

import pytest

from world import daemon

SETTINGS = {"verification": {"required": True, "pending": ["1h"], "interval": "1h", "timeout": "4s"},
            "domains": {"managed_zone": "advise-zone.test"}, "public_url": "https://advise-mail.test"}
MAILBOX = "someone@good.test"

ANSWERS = {  # name: what is answered, the kind of account that is named
    "transactional-smtp": (("transactional", "external", "500", "smtp"), (), "SMTP credential"),
    "transactional-http": (("transactional", "external", "500", "http"), (), "access key"),
    "oauth-http": (("transactional", "both", "2000", "http"), ("--login", "oauth"), "OAuth application"),
    "oauth-smtp": (("notifications", "both", "2000", "smtp"), ("--login", "oauth"), "OAuth application"),
    "newsletter": (("newsletter", "external", "100000", "http"), (), "access key"),
    "internal": (("notifications", "internal", "90000", "smtp"), (), "high-volume account"),
    "federated": (("notifications", "internal", "300", "http"),
                  ("--login", "federated", "--issuer", "https://tokens.advise.test", "--subject", "repo:a/b:ref:refs/heads/main"),
                  "OAuth application"),
    "sendmail": (("notifications", "internal", "10", "sendmail"), (), "local process"),
    "people": (("people", "both", "100", "smtp"), ("--licences", "10"), "SMTP credential"),
    "graph": (("transactional", "both", "100", "graph"), (), "OAuth application"),
}


@pytest.fixture(scope="module")
def server(world, sigillo):
    world.dns.publish(sigillo.settings["hostname"], "A", sigillo.address)
    sigillo.json("credential", "add", "local", "--domain", "*")  # as init does
    return sigillo


def advise(answers, more, *extra):
    args = [word for pair in zip(("--what", "--to", "--per-day", "--by"), answers) for word in pair]
    r = subprocess.run([daemon.PROGRAM, "advise", *args, *more, *extra], capture_output=True, text=True, timeout=20)
    assert r.returncode == 0, r.stderr
    return r.stdout


def run(d, line):
    env = dict(os.environ, SIGILLO_SERVER="unix:" + d.socket, PATH=os.path.dirname(daemon.PROGRAM) + ":" + os.environ["PATH"])
    r = subprocess.run(["sh", "-c", line.replace("someone@example.net", MAILBOX)], env=env, capture_output=True, text=True, timeout=60)
    assert r.returncode == 0, "%s\nexit %d\n%s%s" % (line, r.returncode, r.stdout, r.stderr)
    return r.stdout


def commands_of(text):
    return re.findall(r"^  (\S.*)$", text.split("\nNext:\n")[1], re.M)


@pytest.mark.parametrize("name", ANSWERS)
def test_every_printed_command_works(world, server, name):
    answers, more, kind = ANSWERS[name]
    domain, app = "advise-%s.test" % name, "app-" + name
    text = advise(answers, more, "--domain", domain, "--name", app)
    given = json.loads(advise(answers, more, "--domain", domain, "--name", app, "--json"))
    assert given["commands"] == commands_of(text) and given["account"]["kind"] == kind == text.split("\n")[0]
    before, printed = len(world.mailbox(MAILBOX)), []
    for line in given["commands"]:
        printed.append(run(server, line))
        if line.startswith("sigillo domain add"):
            server.publish_records(domain)
    assert server.json("domain", "show", domain)["may_send"]
    published = {(n.rstrip("."), t) for n, t, _ in server.records(domain)}
    assert published <= {(r["name"], r["type"]) for r in given["records"]}, "the records are those that domain add prints"
    asked = [p for line, p in zip(given["commands"], printed) if "policy test" in line]
    assert all(p.startswith("granted") for p in asked) and (asked or kind == "access key")
    if name == "newsletter":
        got = world.wait_mail(MAILBOX, before + 1)[-1]
        assert b"\nList-Unsubscribe: <https://advise-mail.test/u/" in got


@pytest.mark.parametrize("name, who", [("transactional-smtp", "credential:{0}"), ("oauth-http", "app:{0}"), ("internal", "account:{0}@{1}"),
                                       ("federated", "app:{0}"), ("oauth-smtp", "account:{0}@{1}")])
def test_what_was_set_up_sends_as_its_address_only(server, name, who):
    domain, app = "advise-%s.test" % name, "app-" + name
    r = server.cli("policy", "test", "--identity", who.format(app, domain), "--sender", "boss@" + domain, ok=False)
    assert r.returncode == 1 and r.stdout.startswith("denied")


def test_a_managed_domain_sends_at_once(server):
    given = json.loads(advise(("test", "external", "10", "http"), (), "--domain", "try.advise-zone.test", "--json"))
    assert given["domain"]["kind"] == "managed" and given["commands"][0] == "sigillo domain add --managed try"
    for line in given["commands"]:
        run(server, line)
    assert server.json("domain", "show", "try.advise-zone.test")["may_send"]

# SPDX-License-Identifier: Apache-2.0
"""The README's commands, run from the top in the small internet: what a stranger types has to work as it stands there.

Changed on the way: example.org becomes a domain of this world, example.net one with a mailbox, /etc/sigillo and the other
folders become ones of the test, the server runs in the background, and its configuration learns this world's resolver."""
import os
import re
import subprocess

import pytest

from world import daemon
from world.internet import ROOT, wait_for

DOMAIN, MAILBOX = "readme.test", "someone@good.test"
SKIPPED = ("make install", "useradd ", "swaks ")  # another test's work: test_install.py, conftest.py, test_submission.py


def blocks():
    with open(os.path.join(ROOT, "README.md")) as f:
        text = f.read()
    return [re.sub(r"\\\n\s*", " ", b).strip().splitlines() for b in re.findall(r"^```sh\n(.*?)^```", text, re.M | re.S)]


class Stranger:
    def __init__(self, world, folder):
        self.world, self.folder, self.server = world, str(folder), None
        self.config = os.path.join(self.folder, "sigillo.conf")
        self.socket = os.path.join(self.folder, "admin.sock")
        self.shell = dict(os.environ, SIGILLO_SERVER="unix:" + self.socket,
                          PATH=os.path.dirname(daemon.PROGRAM) + ":" + os.environ["PATH"])
        self.printed = ""
        with open(os.path.join(self.folder, "hello.txt"), "w") as f:
            f.write("It works.\n")

    def adapt(self, line):
        line = re.sub(r"^sudo ", "", line)
        line = line.replace("someone@example.net", MAILBOX).replace("mail.example.org", "mail.test")
        line = line.replace("example.org", DOMAIN).replace("/etc/sigillo/sigillo.conf", self.config)
        if line.startswith("sigillo init "):
            line += " --config %s --state-dir %s --admin-socket %s" % (
                self.config, os.path.join(self.folder, "state"), self.socket)
        return line

    def type(self, line):
        line = self.adapt(line)
        if line.startswith("sigillo serve "):
            return self.serve(line)
        r = subprocess.run(["sh", "-c", line], cwd=self.folder, env=self.shell, capture_output=True, text=True, timeout=60)
        assert r.returncode == 0, "%s\nexit %d\n%s%s" % (line, r.returncode, r.stdout, r.stderr)
        self.printed = r.stdout
        if line.startswith("sigillo domain add "):
            self.publish()
        if line.startswith("sigillo key add "):
            self.shell["KEY"] = re.search(r"sk_\S+", r.stdout).group()
        return r.stdout

    def serve(self, line):
        with open(self.config, "a") as f:
            f.write(daemon.configuration({
                "resolver": {"root_hints": self.world.dns.root_hints, "trust_anchor": self.world.dns.trust_anchor},
                "delivery": {"allow_loopback": True}}))
        self.log = open(os.path.join(self.folder, "log"), "w+")
        self.server = subprocess.Popen(line.split(), env=self.shell, cwd=self.folder, stdout=self.log, stderr=self.log)
        wait_for(lambda: os.path.exists(self.socket) or self.server.poll(), lambda up: up, 20, "the server to come up")

    def publish(self):
        zone = subprocess.run(["sigillo", "domain", "records", DOMAIN, "--zone"], env=self.shell, capture_output=True, text=True).stdout
        sets = {}
        for m in re.finditer(r"^(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(TXT|MX)\s+(.*)$", zone, re.M):
            sets.setdefault(m.group(1, 2), []).append(m.group(3))
        for (name, kind), values in sets.items():
            self.world.dns.publish(name, kind, *values)
        self.world.dns.publish("mail.test", "A", "127.0.0.1")

    def end(self):
        if self.server is not None:
            self.server.terminate()
            assert self.server.wait(30) == 0


@pytest.fixture
def stranger(world, open_path):
    s = Stranger(world, open_path)
    yield s
    s.end()


def test_the_readme_works_from_the_top(world, stranger):
    before = len(world.mailbox(MAILBOX))
    ran = 0
    for line in [line for block in blocks() for line in block]:
        if any(skip in line for skip in SKIPPED):
            continue
        stranger.type(line)
        ran += 1
        if " send " in line:
            assert "delivered" in stranger.printed
        if "/v1/messages" in line:
            assert '"id"' in stranger.printed
    assert ran >= 7
    assert len(world.wait_mail(MAILBOX, before + 2)) >= before + 2

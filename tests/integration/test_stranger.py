# SPDX-License-Identifier: Apache-2.0
"""From an empty folder to a verified domain and a restricted account, by what the program itself prints.

Known from the start is `sigillo init`. Every other command is one that stood below "Next:" in the answer of a command before it.
Changed on the way, as a person would: example.org becomes a domain of one's own, example.net a mailbox of this world; `serve` runs in
a terminal of its own, on an address of its own."""
import itertools
import os
import pty
import re
import select
import shlex
import smtplib
import ssl
import subprocess
import time

import dkim
import pytest

from world import daemon
from world.internet import wait_for

HOST, ADDRESS, MAILBOX = "stranger-mail.test", "127.0.9.1", "someone@good.test"


class Stranger:
    def __init__(self, world, folder, domain):
        self.domain = domain
        self.world, self.folder, self.server, self.status = world, str(folder), None, None
        self.env = dict(os.environ, PATH=os.path.dirname(daemon.PROGRAM) + ":" + os.environ["PATH"], CURL_CA_BUNDLE=world.ca.file)
        self.env.pop("SIGILLO_SERVER", None)
        self.known, self.printed, self.typed = [], "", []

    def next(self, *words):
        """The printed command that has these words, adapted; it must have been printed."""
        found = [c for c in self.known if all(w in c for w in words)]
        assert found, "no command with %s was printed:\n%s" % (words, "\n".join(self.known))
        return found[-1].replace("example.org", self.domain).replace("someone@example.net", MAILBOX)

    def learn(self, text):
        self.printed = text
        if "\nNext:\n" in text:
            self.known = re.findall(r"^  (\S.*)$", text.split("\nNext:\n")[1], re.M)

    def type(self, line, want=0, password=None):
        self.typed.append(line)
        if line.startswith("export "):
            name, _, value = line[len("export "):].partition("=")
            self.env[name] = value
            return ""
        if line.startswith("sigillo serve "):
            return self.serve(line)
        text, status = on_a_terminal(line, self, password) if password else run(line, self)
        assert status == want, "%s\nexit %d, not %d\n%s" % (line, status, want, text)
        self.learn(text)
        return text

    def serve(self, line):
        with open(line.split()[-1], "r+") as f:  # this world is not the real one: other servers on the machine, its root servers
            text = f.read()
            assert '"*:587"' in text and '"*:465"' in text
            f.seek(0)
            f.write(text.replace('"*:', '"%s:' % ADDRESS).replace('"127.0.0.1:', '"%s:' % ADDRESS))
            f.write(daemon.configuration({
                "resolver": {"root_hints": self.world.dns.root_hints, "trust_anchor": self.world.dns.trust_anchor},
                "delivery": {"allow_loopback": True}}))
        self.log = open(os.path.join(self.folder, "log"), "w+")
        self.server = subprocess.Popen(shlex.split(line), env=self.env, cwd=self.folder, stdout=self.log, stderr=self.log)
        return ""

    def end(self):
        if self.server is not None:
            self.server.terminate()
            assert self.server.wait(30) == 0


def run(line, s):
    r = subprocess.run(["sh", "-c", line], cwd=s.folder, env=s.env, capture_output=True, text=True, timeout=90)
    return r.stdout + r.stderr, r.returncode


def on_a_terminal(line, s, password):
    """The same where a program asks for a password at the terminal."""
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(s.folder)
        os.execvpe("sh", ["sh", "-c", line], s.env)
    shown, end = b"", time.monotonic() + 60
    while time.monotonic() < end:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            got = os.read(terminal, 65536)
        except OSError:
            break
        if b"assword" in got and password:
            os.write(terminal, password.encode() + b"\n")
            password = None
        shown += got
    return shown.decode().replace("\r\n", "\n"), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


_numbers = itertools.count(1)


@pytest.fixture
def stranger(world, open_path):
    s = Stranger(world, open_path, "stranger%d.test" % next(_numbers))
    yield s
    s.end()


def publish(world, zone):
    """What a person does with the lines of a zone file."""
    sets = {}
    for name, kind, value in re.findall(r"^(\S+)\s+(?:\d+\s+)?(?:IN\s+)?(TXT|MX|CNAME)\s+(.*)$", zone, re.M):
        sets.setdefault((name, kind), []).append(value)
    for (name, kind), values in sets.items():
        world.dns.publish(name, kind, *values)
    assert len(sets) >= 6


def login(printed):
    """Where and as whom, as `account add` says it."""
    host, port = re.search(r"^server +(\S+), port (\d+), STARTTLS\b", printed, re.M).groups()
    return host, int(port), re.search(r"^user +(\S+)$", printed, re.M).group(1), re.search(r"^password +(\S+)$", printed, re.M).group(1)


def application(world, host, port, user, password):
    c = smtplib.SMTP(host, port, "app.test", timeout=20)
    c.starttls(context=ssl.create_default_context(cafile=world.ca.file))
    c.login(user, password)
    return c


def send(c, mail_from, to, n):
    code, text = c.mail(mail_from)
    if code == 250:
        c.rcpt(to)
        code, text = c.data(daemon.message(mail_from, [to], "Order %d" % n))
    c.rset()
    return code, text.decode()


def begin(world, s):
    """Until the server runs and says what is to be done."""
    certificate = world.ca.issue(HOST, ADDRESS)
    world.dns.publish(HOST, "A", ADDRESS)
    s.type("sigillo init --hostname %s --config %s --state-dir %s --admin-socket %s --certificate %s --key %s" % (
        HOST, s.folder + "/sigillo.conf", s.folder + "/state", s.folder + "/admin.sock", certificate.certificate, certificate.key))
    s.type(s.next("sigillo serve"))
    s.type(s.next("export SIGILLO_SERVER"))
    wait_for(lambda: run(s.next("sigillo status"), s)[1], lambda code: code == 0, 20, "the server to answer")
    assert s.type(s.next("sigillo status")).count(ADDRESS) == 4


def verified_domain(world, s):
    added = s.type(s.next("sigillo domain add"))
    for name in ("", "s1._domainkey.", "_dmarc."):  # three fields to copy
        assert re.search(r"^  name   %s%s .*\n  type   TXT\n  value  \S" % (name, s.domain), added, re.M), added
    verify = s.next("sigillo domain verify", s.domain)
    zone = s.next("sigillo domain records", "--zone")
    assert "Not yet" in s.type(verify + " --wait-max 0", want=1)
    assert "yet" in s.type(s.next("sigillo domain records", "--check"))
    publish(world, s.type(zone))
    assert "%s may send." % s.domain in s.type(verify)


def test_a_stranger_gets_a_verified_domain_and_a_restricted_account(world, stranger):
    s = stranger
    begin(world, s)
    verified_domain(world, s)
    made = s.type(s.next("sigillo account add"))
    host, port, user, password = login(made)
    assert "sends as  %s" % user in made and re.search(r"^limits +.*profile high-volume", made, re.M)
    test, first, bound = s.next("sigillo policy test"), s.next("curl"), s.next("sigillo account set")

    before = len(world.mailbox(MAILBOX))
    s.type(first, password=password)
    message = world.wait_mail(MAILBOX, before + 1)[-1]
    assert b"It works." in message and dkim.verify(message, dnsfunc=world.dns.txt)

    assert s.type(test).startswith("granted")
    other = "boss@" + s.domain
    assert s.type(test.replace("--sender " + user, "--sender " + other), want=1).startswith("denied")
    s.type(first.replace("mail-from " + user, "mail-from " + other), password=password, want=55)

    assert re.search(r"30 messages/minute.*its own: profile standard", s.type(bound))
    c = application(world, host, port, user, password)
    code, text = send(c, other, MAILBOX, 0)
    assert code == 550 and "may not send as " + other in text
    for n in range(30):
        assert send(c, user, MAILBOX, n)[0] == 250
    code, text = send(c, user, MAILBOX, 31)
    c.close()
    assert code == 452 and re.search(r"30 messages a minute.*room again at 20\d\d-\S+Z", text), text


def test_what_status_says_next_is_enough(world, stranger):
    """The same way with one command known: `sigillo status` after each step."""
    s = stranger
    begin(world, s)
    s.type(s.next("sigillo domain add"))
    publish(world, run("sigillo domain records %s --zone" % s.domain, s)[0])
    s.type("sigillo status")
    s.type(s.next("sigillo domain verify"))
    s.type("sigillo status")
    made = s.type(s.next("sigillo key add"))
    s.env["KEY"] = re.search(r"^key +(sk_\S+)$", made, re.M).group(1)
    before = len(world.mailbox(MAILBOX))
    s.type(s.next("curl"))
    assert dkim.verify(world.wait_mail(MAILBOX, before + 1)[-1], dnsfunc=world.dns.txt)
    restrict, test = s.next("sigillo sender add"), s.next("sigillo policy test")
    assert "own-domain" in s.type(test)
    s.type(restrict)
    assert "own-sender" in s.type(test)
    s.type("sigillo status")
    assert re.search(r"^default +key:\S+ +1 ", s.type(s.next("sigillo report usage")), re.M)


def test_an_application_with_tokens_is_restricted_by_what_is_printed(world, stranger):
    s = stranger
    begin(world, s)
    verified_domain(world, s)
    made = s.type(s.next("sigillo app add"))
    token, first = s.next("/oauth2/token"), s.next("/v1/messages")
    group, policy, test = s.next("sigillo group add"), s.next("sigillo policy add"), s.next("sigillo policy test")
    s.type(group)
    s.type(policy)
    assert s.type(s.next("sigillo policy test")).startswith("granted")
    assert s.type(test).startswith("granted") and "allow-policy" in s.printed
    assert s.type(re.sub(r"--sender \S+", "--sender boss@" + s.domain, test), want=1).startswith("denied")
    said = s.type(token, password=re.search(r"^secret +(\S+)$", made, re.M).group(1))
    s.env["TOKEN"] = re.search(r'"access_token": ?"([^"]+)"', said).group(1)
    assert "sender-not-allowed" in s.type(re.sub(r'"from": "[^"]+"', '"from": "boss@%s"' % s.domain, first))
    before = len(world.mailbox(MAILBOX))
    assert '"id"' in s.type(first)
    assert dkim.verify(world.wait_mail(MAILBOX, before + 1)[-1], dnsfunc=world.dns.txt)

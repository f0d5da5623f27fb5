# SPDX-License-Identifier: Apache-2.0
"""A daemon that publishes records by dynamic update and rotates keys: its settings, what it says of a domain, and mail that flows meanwhile."""
import os

import dkim

from world.internet import wait_for


def settings(world, folder, **more):
    update = {"zone": "dyn.test", "server": "%s@53" % world.dns.address, "key_name": world.dns.tsig_name,
              "secret_file": secret(folder, "good", world.dns.tsig_secret), "ttl": "1s", "timeout": "3s"}
    update.update(more)
    return {"verification": {"required": True, "pending": ["1s"], "interval": "1h", "timeout": "4s"},
            "queue": {"expire": "2s"},
            "rotation": {"interval": "0", "keep": "3s", "settle": "1s"},
            "dns_update own": update}


def secret(folder, name, text):
    path = os.path.join(str(folder), name + ".secret")
    with open(path, "w") as f:
        f.write(text + "\n")
    os.chmod(path, 0o600)
    return path


def states(answer):
    return {name: part["state"] for name, part in answer["status"].items()}


def show(d, name):
    return d.json("domain", "show", name)


def is_green(answer):
    return {s for n, s in states(answer).items() if n != "mta_sts"} == {"verified"}


def wait_green(d, name, timeout=30):
    return wait_for(lambda: show(d, name), is_green, timeout, name + " to be green")


def audit(d, name, actor):
    return [(l["action"], l["detail"]) for l in d.json("report", "audit", "--object", "domain:" + name)["audit"] if l["actor"] == actor]


def publish(d, name, code, *args):
    r = d.cli("domain", "publish", name, *args, ok=False)
    assert r.returncode == code, r.stdout + r.stderr
    return r.stdout + r.stderr


def rotation(d, name):
    return d.json("domain", "rotate", name, "--status")


def wait_step(d, name, step, timeout=30):
    return wait_for(lambda: rotation(d, name), lambda r: r["step"] == step, timeout, "%s to be at the step %s" % (name, step))


def header(message, name):
    return next(v for k, v in dkim.rfc822_parse(message)[0] if k.lower() == name).decode()


def selector_of(message):
    field = "".join(header(message, b"dkim-signature").split())
    return dict(t.split("=", 1) for t in field.split(";") if t)["s"]


class Flow:
    """Mail that flows: one message after the other, each verified when it arrives."""

    def __init__(self, world, d, domain, to):
        self.world, self.d, self.domain, self.to, self.sent, self.selectors = world, d, domain, to, 0, set()

    def send(self):
        c = self.d.connect(25)
        try:
            c.sendmail("me@" + self.domain, [self.to], "From: me@%s\r\nTo: %s\r\nSubject: %d\r\nDate: Sun, 22 Nov 2026 20:00:00 +0000\r\n"
                       "Message-ID: <%d@%s>\r\n\r\nHello\r\n" % (self.domain, self.to, self.sent, self.sent, self.domain))
            self.sent += 1
        finally:
            c.close()

    def verify(self):
        for m in self.world.wait_mail(self.to, self.sent):
            assert dkim.verify(m, dnsfunc=self.world.dns.txt), m
            self.selectors.add(selector_of(m))

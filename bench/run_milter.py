#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a mail filter costs a Postfix.   run_milter.py -n 2000 -r 3 -o results/milter.jsonl
The same signed mail of another domain, over the same sessions, into the same Postfix: without a filter, with `sigillo milter`, and with OpenDKIM and OpenDMARC behind each other, in
turn in every repetition.  Everything is judged (SPF, DKIM, DMARC; nothing is refused) and gets its Authentication-Results; DNS comes from one Knot DNS on this machine, by way of what each
of them asks with.  Figures: time from the end of the data to the reply and CPU of the filters, both above Postfix without one, for a message; memory of the filters at the end (RSS, and
PSS: pages that processes share count once).  Then the same with mail of our own users, which is signed with RSA-2048: there the signature itself is most of the work, for both."""
import argparse
import json
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(HERE, "lib"), os.path.join(TOP, "tests"), os.path.join(TOP, "tests", "integration")]
sys.dont_write_bytecode = True
import dkim  # noqa: E402
from measure import Group  # noqa: E402
from peermilters import Pair  # noqa: E402
from postmilter import Gate, Key, Milter  # noqa: E402
from world import namespace  # noqa: E402
from world.internet import World  # noqa: E402
from world.resolver import Resolver  # noqa: E402

DOMAIN, CLIENT = "sender-bench.com", "192.0.2.10"
KINDS = ("none", "sigillo", "opendkim+opendmarc")
SESSIONS = 8


def publish(world, key):
    text = key.record
    parts = " ".join('"%s"' % text[i:i + 250] for i in range(0, len(text), 250))
    world.dns.publish_all([("%s._domainkey.%s" % (key.selector, DOMAIN), "TXT", [parts]), (DOMAIN, "TXT", ['"v=spf1 mx include:spf.%s -all"' % DOMAIN]), (DOMAIN, "MX", ["10 mx.%s." % DOMAIN]),
                           ("mx." + DOMAIN, "A", ["192.0.2.9"]), ("spf." + DOMAIN, "TXT", ['"v=spf1 ip4:192.0.2.0/24 -all"']), ("_dmarc." + DOMAIN, "TXT", ['"v=DMARC1; p=reject"'])], ttl=3600)


def letter(size):
    body = ("The quick brown fox jumps over the lazy dog, again and again.\r\n" * (size // 62 + 1))[:size]
    return ("From: News <news@%s>\r\nTo: reader@milter.test\r\nSubject: What is new\r\nDate: Mon, 23 Nov 2026 08:00:00 +0000\r\nMessage-ID: <1@%s>\r\n"
            "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n%s\r\n" % (DOMAIN, DOMAIN, body)).encode()


def signed(key, data):
    return dkim.sign(data, key.selector.encode(), DOMAIN.encode(), key.pem, canonicalize=(b"relaxed", b"relaxed")) + data


def send(gate, who, data, n):
    """Milliseconds from the end of data to the reply, of n messages over SESSIONS sessions that take turns: what is measured is one message at a time."""
    sessions, out = [gate.session(**who) for _ in range(SESSIONS)], []
    stuffed = data + b".\r\n"
    for i in range(n):
        c = sessions[i % SESSIONS].c
        c.docmd("MAIL FROM:<news@%s>" % DOMAIN)
        c.docmd("RCPT TO:<reader@milter.test>")
        c.docmd("DATA")
        c.sock.sendall(stuffed)
        began = time.perf_counter()
        code, text = c.getreply()
        out.append((time.perf_counter() - began) * 1e3)
        assert code == 250, text
    for s in sessions:
        s.c.close()
    return out


def memory_kb(pids, what):
    total = 0
    for pid in pids:
        try:
            total += sum(int(l.split()[1]) for l in open("/proc/%d/smaps_rollup" % pid) if l.startswith(what))
        except OSError:
            pass
    return total


class Direct:
    """The resolver for OpenDMARC, which asks anew for each message: the name server itself, which answers at once.  OpenDKIM keeps answers, as we do."""

    def __init__(self, world, resolver):
        self.address, self.config = resolver.address, os.path.join(world.folder, "resolv.conf.direct")
        with open(self.config, "w") as f:
            f.write("nameserver %s\n" % world.dns.address)

    def within(self, command):
        return ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', self.config, *command]


class Filters:
    """The filters of one kind, in a group whose CPU can be read."""

    def __init__(self, world, resolver, kind, job, key):
        self.kind, self.group, self.own, self.milters = kind, Group("milter"), None, []
        inside = "192.0.2.0/24" if job == "sign" else "127.0.0.1"
        if kind == "sigillo":
            settings = {"mode": ["sign", "verify"], "domain": [DOMAIN], "selector": key.selector, "key_file": key.file, "internal_hosts": inside, "dmarc": "mark",
                        "resolver": {"forward": [resolver.address], "trust_anchor": world.dns.trust_anchor}}
            self.own = Milter(world, "bench", settings)
        elif kind != "none":
            sign = "Domain %s\nSelector %s\nKeyFile %s\nOversignHeaders From\n" % (DOMAIN, key.selector, key.file)
            self.own = Pair(world, Direct(world, resolver), "bench", "sv", opendkim=sign, reject=False)
            for file in ("InternalHosts", "IgnoreHosts"):
                with open(self.own.conf[file], "w") as f:
                    f.write(inside + "\n")
        if self.own is not None:
            self.own.popen = self.group.run  # whatever is started belongs to the group
            self.own.start()
            self.milters = [self.own.postfix_name] if kind == "sigillo" else self.own.milters

    def cpu(self):
        return sum(self.group.cpu())

    def stop(self):
        if self.own is not None:
            self.own.stop()
        self.group.close()


def measured(world, resolver, key, kind, job, size, n, rep):
    filters = Filters(world, resolver, kind, job, key)
    gate = Gate(world, "bench-%s-%s-%d-%d" % (kind[:4], job, size, rep), "127.0.45.1", filters.milters, {"virtual_transport": "discard"})
    who = {"ip": CLIENT, "name": "mx." + DOMAIN, "helo": "mx." + DOMAIN}
    data = letter(size) if job == "sign" else signed(key, letter(size))
    try:
        gate.start()
        send(gate, who, data, 64)
        before = filters.cpu()
        took = send(gate, who, data, n)
        cpu = (filters.cpu() - before) / n * 1e6
        rss, pss = (memory_kb(filters.group.pids(), what) if kind != "none" else 0 for what in ("Rss:", "Pss:"))
    finally:
        gate.stop()
        filters.stop()
    return dict(kind=kind, job=job, size=size, rep=rep, n=n, ms_p50=round(statistics.median(took), 3), ms_mean=round(statistics.fmean(took), 3), cpu_us=round(cpu, 1), rss_kb=rss, pss_kb=pss)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("-n", "--number", type=int, default=1500)
    p.add_argument("-r", "--reps", type=int, default=3)
    p.add_argument("-s", "--sizes", default="4096,102400")
    p.add_argument("-j", "--jobs", default="verify,sign")
    p.add_argument("-o", "--out", required=True)
    a = p.parse_args()
    if not namespace.is_inside():
        return namespace.enter([sys.executable, os.path.abspath(__file__), *sys.argv[1:]], os.path.join(TOP, "tests", "world", "world"))
    with World(postfix=False) as world, Resolver(world.dns, namespace.IPV6[8]) as resolver, open(a.out, "a") as out:
        key = Key(world.folder, DOMAIN, "b1")
        publish(world, key)
        for rep in range(a.reps):
            for job in a.jobs.split(","):
                for size in map(int, a.sizes.split(",")):
                    for kind in KINDS:
                        row = measured(world, resolver, key, kind, job, size, a.number, rep)
                        print(json.dumps(row), flush=True)
                        out.write(json.dumps(row) + "\n")
                        out.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())

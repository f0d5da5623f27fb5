#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The HTTP doors beside the SMTP door.   run_http.py -t 5 -r 2 -o results/http.jsonl
Three kinds of rows, each with a fresh server: "rate" (messages of 2 KiB accepted, durable and signed, for a second of the
server's CPU; next to nothing is delivered meanwhile, the sink thinks too long for that), "latency" (at half of the
greatest load, delivered as they come), "memory" (the service's greatest RSS above idle, for one request with an attachment
of 10 MB, and for several at once)."""
import argparse, json, os, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from measure import *
ap = argparse.ArgumentParser()
ap.add_argument("-t", "--secs", type=float, default=5)
ap.add_argument("-r", "--reps", type=int, default=2)
ap.add_argument("-s", "--sessions", type=int, default=20)
ap.add_argument("-d", "--doors", default="smtp,smtps,v1,acs,sendgrid,graph")
ap.add_argument("-k", "--kinds", default="rate,latency,memory")
ap.add_argument("-o", "--out", required=True)
A = ap.parse_args()
os.makedirs(os.path.dirname(os.path.abspath(A.out)), exist_ok=True)
STATS = os.path.join(VAR, "sink.json")
D = os.path.join(VAR, "sut", "sigillo")
ENV = dict(os.environ, BENCH_VAR=VAR, SUT_NAME="sigillo", SUT_PORT="11025", SINK_PORT="12525", SIGILLO_DOORS="1")
CMD = os.path.join(HERE, "adapters", "sigillo.sh")
ATTACHMENT = 10 * 1000 * 1000
SLOW_MS = 600000  # longer than any run


class Server:
    """Sigillo with its doors, its sink, and who may send."""

    def __init__(self, delay_ms=0):
        if os.path.exists(STATS):
            os.unlink(STATS)
        self.sink = subprocess.Popen([os.path.join(BIN, "smtpsink"), "-p", "12525", "-o", STATS, "-Q", "-d", str(delay_ms)])
        self.group = Group("sigillo")
        self.group.run([CMD, "start"], env=ENV, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait(timeout=60)
        if not wait_banner(11025):
            raise SystemExit("sigillo did not come up; see " + os.path.join(D, "log"))
        key = read_json(os.path.join(D, "key.json"))
        self.bearer, self.access = key["key"], key["access_key"]
        self.password = read_json(os.path.join(D, "credential.json"))["password"]
        self.seq = 0

    def stop(self):
        subprocess.run([CMD, "stop"], env=ENV, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.group.close()
        self.sink.kill()
        self.sink.wait()

    def burst(self, door, n, sessions=A.sessions, rate=0, attachment=0, size=2048):
        more = ["-s", str(min(sessions, n)), "-m", str(n), "-i", str(self.seq), "-W", "300", "-r", str(rate)]
        if door in ("smtp", "smtps"):
            tls = ["-p", "11027", "-T", "-a", "doors:" + self.password] if door == "smtps" else ["-p", "11025"]
            cmd = ["smtpgen", "-l", str(attachment // 57 * 78 + size), *tls]
        else:
            cmd = ["httpgen", "-p", "11028", "-d", door, "-k", self.access if door == "acs" else self.bearer, "-l", str(size), "-A", str(attachment)]
        r = subprocess.run([os.path.join(BIN, cmd[0]), *cmd[1:], *more], stdout=subprocess.PIPE, text=True, timeout=400)
        self.seq += n
        g = json.loads(r.stdout)
        return dict(g, p50_ms=g.get("p50_ms", g.get("txn_p50_ms")), p99_ms=g.get("p99_ms", g.get("txn_p99_ms")))

    def drained(self, secs=120):
        end = time.time() + secs
        while read_json(STATS).get("distinct", 0) < self.seq and time.time() < end:
            time.sleep(0.05)
        return read_json(STATS).get("distinct", 0) == self.seq

    def service(self):
        for pid in self.group.pids():
            with open("/proc/%d/stat" % pid) as f:
                if "service" in f.read().rsplit(")", 1)[0]:
                    return pid
        raise SystemExit("no service process")

    def memory(self, what):
        with open("/proc/%d/status" % self.service()) as f:
            return next(int(line.split()[1]) for line in f if line.startswith(what)) * 1024


def keep(row):
    with open(A.out, "a") as f:
        f.write(json.dumps(row) + "\n")
    print(row, file=sys.stderr, flush=True)


def measured(kind, door, delay_ms=0):
    s = Server(delay_ms)
    try:
        row = kind(s, door)
    finally:
        s.stop()
    keep(dict(row, kind=kind.__name__, door=door, sessions=A.sessions))


def rate(s, door):
    probe = s.burst(door, 1000)
    few, n = A.sessions, max(1000, min(15000, int(probe["accepted_per_s"] * A.secs)))
    t0 = s.group.cpu()
    s.burst(door, few)  # what connections, their handshakes and passwords take: kept alive, they cost that once
    t1, wall = s.group.cpu(), time.time()
    g = s.burst(door, n)
    t2, wall = s.group.cpu(), time.time() - wall
    user, system = ((c - 2 * b + a) / (n - few) for a, b, c in zip(t0, t1, t2))
    return dict(n=n, accepted_per_s=g["accepted_per_s"], p50_ms=g["p50_ms"], p99_ms=g["p99_ms"], cpu_ms=round(1000 * (user + system), 4),
                user_ms=round(1000 * user, 4), cores=round((sum(t2) - sum(t1)) / wall, 2), per_core_s=round(1 / (user + system), 1), complete=g["accepted"] == n)


def latency(s, door):
    s.burst(door, 2000)
    s.drained()
    t = time.time()
    s.burst(door, 4000)
    s.drained()
    most = 4000 / (time.time() - t)
    half = max(1, int(most / 2))
    g = s.burst(door, int(half * A.secs), rate=half)
    whole = s.drained()
    sink = read_json(STATS)
    return dict(most_per_s=round(most, 1), rate=half, accepted_per_s=g["accepted_per_s"], p50_ms=g["p50_ms"], p99_ms=g["p99_ms"], max_ms=g.get("max_ms", g.get("txn_max_ms")),
                signed=sink["signed"] == sink["msgs"], complete=whole)


def memory(s, door):
    s.burst(door, 20)
    s.drained()
    idle = s.memory("VmRSS")
    out = {}
    for name, at_once in (("one", 1), ("four", 4)):
        for _ in range(3):  # what was sent is gone before the next one comes
            s.burst(door, at_once, sessions=at_once, attachment=ATTACHMENT)
            whole = s.drained()
        out[name] = round((s.memory("VmHWM") - idle) / ATTACHMENT, 2)
    return dict(attachment=ATTACHMENT, idle_mb=round(idle / 2 ** 20, 1), times_one=out["one"], times_four=out["four"], complete=whole)


for rep in range(A.reps):
    for kind in (rate, latency, memory):
        if kind.__name__ not in A.kinds.split(","):
            continue
        for name in A.doors.split(","):
            measured(kind, name, SLOW_MS if kind is rate else 0)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What TLS costs a delivery.   run_tls.py -n 4000 -r 5 -o results/tls.jsonl
The same messages to the same sink, each kind with a fresh server, in turn in every repetition:
  plain, tls           many messages over a connection; "tls" is TLS 1.3 with the sink's certificate verified by chain and name
  plain-alone, tls-alone   the same without what accepting and signing take: all messages wait in the queue when the sink comes
  plain-one            one message per connection
  full-one             the same with TLS; the sink gives no tickets, so that every handshake is a full one
  resumed-one          the same with tickets
and beside them what the handshake costs OpenSSL itself (tlsfloor).  Figures are CPU time: of all our processes, and of the
outgoing loop, the thread that delivers."""
import argparse, json, os, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from measure import *
ap = argparse.ArgumentParser()
ap.add_argument("-n", "--number", type=int, default=4000, help="messages of one run")
ap.add_argument("-r", "--reps", type=int, default=5)
ap.add_argument("-s", "--sessions", type=int, default=20)
ap.add_argument("-l", "--size", type=int, default=2048)
ap.add_argument("-f", "--floor", type=float, default=1, help="CPU seconds of each figure of tlsfloor")
ap.add_argument("-k", "--kinds", default="plain,tls,plain-alone,tls-alone,plain-one,full-one,resumed-one,floor")
ap.add_argument("-o", "--out", required=True)
A = ap.parse_args()
os.makedirs(os.path.dirname(os.path.abspath(A.out)), exist_ok=True)
STATS = os.path.join(VAR, "sink.json")
PKI = os.path.join(VAR, "keys", "tls")
CMD = os.path.join(HERE, "adapters", "sigillo.sh")
SINK_PORT = 12525
KINDS = {  # name: verified TLS, messages per connection, tickets of the sink
    "plain": (False, 1000, None), "tls": (True, 1000, None), "plain-alone": (False, 1000, None), "tls-alone": (True, 1000, None), "plain-one": (False, 1, None), "full-one": (True, 1, 0), "resumed-one": (True, 1, 2)}


def openssl(*args, cwd=PKI):
    subprocess.run(["openssl", *args], check=True, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def pki():
    """A root, an issuer and a server, as public authorities have them; all EC P-256."""
    if os.path.exists(os.path.join(PKI, "chain.pem")):
        return
    os.makedirs(PKI, exist_ok=True)
    new = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *new, "-days", "3650", "-subj", "/CN=Bench root", "-keyout", "root.key", "-out", "root.crt")
    above = "root"
    for name, cn, extension in (("issuer", "Bench issuer", "basicConstraints=critical,CA:TRUE"), ("server", "localhost", "subjectAltName=DNS:localhost")):
        with open(os.path.join(PKI, name + ".ext"), "w") as f:
            f.write(extension + "\n")
        openssl("req", *new, "-subj", "/CN=" + cn, "-keyout", name + ".key", "-out", name + ".csr")
        openssl("x509", "-req", "-in", name + ".csr", "-CA", above + ".crt", "-CAkey", above + ".key", "-CAcreateserial", "-days", "3650",
                "-extfile", name + ".ext", "-out", name + ".crt")
        above = name
    text = b"".join(open(os.path.join(PKI, n), "rb").read() for n in ("server.crt", "issuer.crt"))
    with open(os.path.join(PKI, "chain.pem"), "wb") as f:
        f.write(text)


def environment(tls, per_conn):
    return dict(os.environ, BENCH_VAR=VAR, SUT_NAME="sigillo", SUT_PORT="11025", SINK_PORT=str(SINK_PORT), SINK_TLS="verified" if tls else "0",
                SINK_CA=os.path.join(PKI, "root.crt") if tls else "", SIGILLO_SINK="localhost", SIGILLO_PER_CONN=str(per_conn))


class Run:
    """The server and its sink, for one kind of delivery."""

    def __init__(self, kind):
        tls, per_conn, tickets = KINDS[kind]
        if os.path.exists(STATS):
            os.unlink(STATS)
        self.sink, self.seq = None, 0
        sink = [os.path.join(BIN, "smtpsink"), "-p", str(SINK_PORT), "-o", STATS, "-Q"]
        if tls:
            sink += ["-c", os.path.join(PKI, "chain.pem"), "-k", os.path.join(PKI, "server.key")]
        if tickets is not None:
            sink += ["-t", str(tickets)]
        self.sink_command = sink
        self.env = environment(tls, per_conn)
        self.group = Group("sigillo")
        self.group.run([CMD, "start"], env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait(timeout=60)
        if not self.group.dir:
            self.group.extra.add(int(open(os.path.join(VAR, "sut", "sigillo", "pid")).read()))
        if not wait_banner(11025):
            raise SystemExit("sigillo did not come up; see " + os.path.join(VAR, "sut", "sigillo", "log"))
        self.outgoing = self.find_outgoing()

    def start_sink(self):
        self.sink = subprocess.Popen(self.sink_command)

    def find_outgoing(self):
        for pid in self.group.pids():
            for task in os.listdir("/proc/%d/task" % pid):
                path = "/proc/%d/task/%s/" % (pid, task)
                if open(path + "comm").read().strip() == "outgoing":
                    return path + "schedstat"
        raise SystemExit("no outgoing loop")

    def outgoing_cpu(self):
        return int(open(self.outgoing).read().split()[0]) / 1e9

    def used(self):
        return sum(self.group.cpu()), self.outgoing_cpu()

    def accept(self, n):
        r = subprocess.run([os.path.join(BIN, "smtpgen"), "-p", "11025", "-s", str(min(A.sessions, n)), "-m", str(n), "-l", str(A.size), "-i", str(self.seq), "-W", "300"],
                           stdout=subprocess.PIPE, text=True, timeout=400)
        self.seq += n
        return json.loads(r.stdout)

    def drained(self):
        end = time.time() + 120
        while read_json(STATS).get("distinct", 0) < self.seq and time.time() < end:
            time.sleep(0.05)
        time.sleep(0.6)  # outcomes are written, connections closed, the sink's figures are the last ones

    def burst(self, n):
        """When it began, by the clock of the sink."""
        began = self.accept(n)["t_start_ns"]
        self.drained()
        return began

    def release(self):
        """All that waits is tried now."""
        self.start_sink()
        time.sleep(0.3)
        subprocess.run([CMD, "kick"], env=self.env, timeout=60, stdout=subprocess.DEVNULL)
        self.drained()

    def stop(self):
        subprocess.run([CMD, "stop"], env=self.env, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.group.close()
        if self.sink:
            self.sink.terminate()
            self.sink.wait()


def measured(kind, rep):
    run = Run(kind)
    try:
        if kind.endswith("-alone"):
            run.accept(A.number)
            time.sleep(2)  # what was tried has failed
            sink, before = {}, run.used()
            run.release()
            began = read_json(STATS)["t_first_ns"]  # the site is tried again when its pause is over
        else:
            run.start_sink()
            run.burst(max(50, A.number // 10))
            sink, before = read_json(STATS), run.used()
            began = run.burst(A.number)
        used, after = run.used(), read_json(STATS)
    finally:
        run.stop()
    more = {k: after[k] - sink.get(k, 0) for k in ("distinct", "dups", "conns", "tls", "tls13", "resumed")}
    cpu, outgoing = ((b - a) / A.number * 1e6 for a, b in zip(before, used))
    return dict(kind=kind, rep=rep, n=A.number, size=A.size, sessions=A.sessions, cpu_us=round(cpu, 1), outgoing_us=round(outgoing, 1),
                delivered_per_s=round(A.number / ((after["t_last_ns"] - began) / 1e9), 1), complete=more.pop("distinct") == A.number, **more)


def floor(rep):
    r = subprocess.run([os.path.join(BIN, "tlsfloor"), "-c", os.path.join(PKI, "chain.pem"), "-k", os.path.join(PKI, "server.key"), "-C", os.path.join(PKI, "root.crt"), "-t", str(A.floor)],
                       stdout=subprocess.PIPE, text=True, check=True, timeout=600)
    return dict(json.loads(r.stdout), kind="floor", rep=rep)


def keep(row):
    with open(A.out, "a") as f:
        f.write(json.dumps(row) + "\n")
    print(row, file=sys.stderr, flush=True)


pki()
for rep in range(A.reps):
    for kind in A.kinds.split(","):
        keep(floor(rep) if kind == "floor" else measured(kind, rep))

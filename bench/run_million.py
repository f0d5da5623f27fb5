#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a long queue costs.   run_million.py -n 1000000 -t 10 -o results/million.jsonl
Measures the accept rate and memory with an empty queue; loads N waiting messages into the store while the server is
stopped; starts it, takes the time until it is ready; measures again.  Mail goes to the sink meanwhile in both."""
import argparse, json, os, sqlite3, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from measure import *
ap = argparse.ArgumentParser()
ap.add_argument("-n", "--number", type=int, default=1000000)
ap.add_argument("-t", "--secs", type=float, default=10)
ap.add_argument("-s", "--sessions", type=int, default=20)
ap.add_argument("-r", "--reps", type=int, default=3)
ap.add_argument("-o", "--out", required=True)
A = ap.parse_args()
os.makedirs(os.path.dirname(os.path.abspath(A.out)), exist_ok=True)
STATS = os.path.join(VAR, "sink.json")
D = os.path.join(VAR, "sut", "sigillo")
ENV = dict(os.environ, BENCH_VAR=VAR, SUT_NAME="sigillo", SUT_PORT="11025", SINK_PORT="12525")
CMD = os.path.join(HERE, "adapters", "sigillo.sh")
seq = 0


def start(keep):
    g = Group("sigillo")
    t = time.time()
    g.run([CMD, "start"], env=dict(ENV, SIGILLO_KEEP="1" if keep else "0"), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait(timeout=120)
    if not wait_banner(11025, 120):
        raise SystemExit("sigillo did not come up; see " + os.path.join(D, "log"))
    return g, time.time() - t


def stop(g):
    subprocess.run([CMD, "stop"], env=ENV, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    g.close()


def burst(n, to="rcpt@dest.test"):
    global seq
    r = subprocess.run([os.path.join(BIN, "smtpgen"), "-p", "11025", "-s", str(A.sessions), "-m", str(n), "-l", "2048", "-t", to, "-i", str(seq), "-W", "300"], stdout=subprocess.PIPE, text=True, timeout=400)
    seq += n
    return json.loads(r.stdout)


def drained(n, secs=120):
    end = time.time() + secs
    while read_json(STATS).get("distinct", 0) < n and time.time() < end:
        time.sleep(0.1)


def rates(g):
    """(accepted/s of each repetition, peak RSS in MiB over all of them)"""
    b = burst(3000)
    drained(seq)
    n = int(max(1000, b["accepted_per_s"] * A.secs))
    mem = subprocess.Popen([os.path.join(BIN, "memsamp"), "-i", "500", "-g", os.path.join(g.dir or "", "cgroup.procs")], stdout=subprocess.PIPE, text=True)
    out = []
    for _ in range(A.reps):
        out.append(burst(n)["accepted_per_s"])
        drained(seq)
    mem.terminate()
    return out, json.loads(mem.communicate()[0])["peak_rss_kb"] / 1024


def load(n):
    """N copies of one message that waits, made in the store itself: tomorrow's work, spread over 1000 domains."""
    db = sqlite3.connect(os.path.join(D, "state", "store", "sigillo.db"), isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=OFF")
    message = list(db.execute("SELECT * FROM message ORDER BY id DESC LIMIT 1").fetchone())
    columns = [c[1] for c in db.execute("PRAGMA table_info(message)")]
    old = message[columns.index("id")]
    recipient = list(db.execute("SELECT * FROM recipient WHERE message = ?", (old,)).fetchone())
    rcolumns = [c[1] for c in db.execute("PRAGMA table_info(recipient)")]
    at = {c: i for i, c in enumerate(columns)}
    rat = {c: i for i, c in enumerate(rcolumns)}
    body = b"x" * 1900
    below = db.execute("SELECT min(id) FROM message").fetchone()[0] - n # older than all that went through
    first = db.execute("SELECT max(id) FROM recipient").fetchone()[0] + 1
    tomorrow = int(time.time()) + 86400
    db.execute("BEGIN")
    lanes = []
    for i in range(1000):
        db.execute("INSERT INTO lane(domain, subscription) VALUES(?, ?)", ("late%d.test" % i, message[at["subscription"]]))
        lanes.append(db.execute("SELECT last_insert_rowid()").fetchone()[0])
    def rows(kind):
        for i in range(n):
            if kind == "message":
                message[at["id"]], message[at["first_rcpt"]], message[at["rcpts"]] = below + i, first + i, 1
                message[at["expires_at"]] = tomorrow + 172800
                yield message
            elif kind == "recipient":
                recipient[rat["id"]], recipient[rat["message"]], recipient[rat["lane"]] = first + i, below + i, lanes[i % 1000]
                recipient[rat["state"]], recipient[rat["lease"]] = 0, 0
                recipient[rat["next_at"]], recipient[rat["address"]] = tomorrow + i % 3600, "r%d@late%d.test" % (i, i % 1000)
                yield recipient
            elif kind == "unfinished":
                yield (below + i, 1, 0)
            else:
                yield (below + i, 300, body)
    def put(table, k, kind):
        db.executemany("INSERT INTO %s VALUES(%s)" % (table, ",".join("?" * k)), rows(kind))
    put("message", len(columns), "message")
    put("recipient", len(rcolumns), "recipient")
    put("unfinished", 3, "unfinished")
    put("body", 3, "body")
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    os.sync()


sink = subprocess.Popen([os.path.join(BIN, "smtpsink"), "-p", "12525", "-o", STATS, "-Q"])
g = None
try:
    g, first_start = start(False)
    empty, empty_rss = rates(g)
    stop(g)
    g = None
    t = time.time()
    load(A.number)
    loaded = time.time() - t
    print("loaded %d messages in %.0f s" % (A.number, loaded), file=sys.stderr, flush=True)
    g, ready = start(True)
    full, full_rss = rates(g)
    row = dict(waiting=A.number, ready_s=round(ready, 2), ready_empty_s=round(first_start, 2), empty_per_s=empty, full_per_s=full,
               ratio=round(sorted(full)[len(full) // 2] / sorted(empty)[len(empty) // 2], 3), empty_rss_mb=round(empty_rss, 1), full_rss_mb=round(full_rss, 1))
    with open(A.out, "a") as f:
        f.write(json.dumps(row) + "\n")
    print(row, file=sys.stderr, flush=True)
finally:
    if g:
        stop(g)
    sink.terminate()
    sink.wait()

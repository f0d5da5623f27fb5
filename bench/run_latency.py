#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Time from the end of data to 250 at half of the greatest load.   run_latency.py -a sigillo -t 10 -o results/latency.jsonl
The greatest load: accepted/s of 2 KiB messages over 20 sessions, from the rows of -e FILE (run_e2e.py) or a short probe."""
import argparse, json, os, statistics, subprocess, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))
from measure import *
ap = argparse.ArgumentParser()
ap.add_argument("-a", "--adapters", default="sigillo")
ap.add_argument("-t", "--secs", type=float, default=10)
ap.add_argument("-s", "--sessions", type=int, default=20)
ap.add_argument("-e", "--e2e")
ap.add_argument("-o", "--out", required=True)
A = ap.parse_args()
os.makedirs(os.path.dirname(os.path.abspath(A.out)), exist_ok=True)
STATS = os.path.join(VAR, "sink.json")


def burst(n, seq, rate=0):
    args = [os.path.join(BIN, "smtpgen"), "-p", "11025", "-s", str(A.sessions), "-m", str(n), "-l", "2048", "-i", str(seq), "-W", "300"]
    r = subprocess.run(args + (["-r", str(rate)] if rate else []), stdout=subprocess.PIPE, text=True, timeout=400)
    return json.loads(r.stdout)


def drained(n):
    end = time.time() + 120
    while read_json(STATS).get("distinct", 0) < n and time.time() < end:
        time.sleep(0.1)


def known(name):
    rows = [json.loads(l) for l in open(A.e2e)] if A.e2e and os.path.exists(A.e2e) else []
    rates = [r["delivered_per_s"] for r in rows if (r["adapter"], r["size"], r["sessions"]) == (name, 2048, 20)]
    return statistics.median(rates) if rates else 0


for name in A.adapters.split(","):
    env = dict(os.environ, BENCH_VAR=VAR, SUT_NAME=name, SUT_PORT="11025", SINK_PORT="12525", DKIM_KEY=os.path.join(VAR, "keys", "b2048.pem"))
    cmd = os.path.join(HERE, "adapters", name + ".sh")
    sink = subprocess.Popen([os.path.join(BIN, "smtpsink"), "-p", "12525", "-o", STATS, "-Q"])
    g = Group(name)
    try:
        g.run([cmd, "start"], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).wait(timeout=60)
        if not wait_banner(11025):
            print(name, "did not come up", file=sys.stderr)
            continue
        burst(2000, 0)
        drained(2000)
        most, seq = known(name), 2000
        if not most:
            t = time.time()
            burst(6000, seq)
            seq += 6000
            drained(seq)
            most = 6000 / (time.time() - t)
        rate = max(1, int(most / 2))
        n = int(rate * A.secs)
        b = burst(n, seq, rate)
        drained(seq + n)
        row = dict(adapter=name, sessions=A.sessions, most_per_s=round(most, 1), rate=rate, n=n, accepted_per_s=b["accepted_per_s"],
                   dot_p50_ms=b["dot_p50_ms"], dot_p99_ms=b["dot_p99_ms"], txn_p99_ms=b["txn_p99_ms"], complete=read_json(STATS).get("distinct") == seq + n)
        with open(A.out, "a") as f:
            f.write(json.dumps(row) + "\n")
        print(row, file=sys.stderr, flush=True)
    finally:
        subprocess.run([cmd, "stop"], env=env, timeout=120, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        g.close()
        sink.terminate()
        sink.wait()

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A DMARC report of many records, read by `sigillo dmarc report` as gzip: seconds, CPU and peak memory.   run_reports.py -r 5 -o results/reports.jsonl"""
import argparse, json, os, subprocess, sys, time
HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
sys.path[:0] = [os.path.join(TOP, "tests", "integration"), os.path.join(TOP, "tests")]
sys.dont_write_bytecode = True
from dmarc_reports import gzipped, many  # noqa: E402
ap = argparse.ArgumentParser()
ap.add_argument("-n", "--records", type=int, default=100000)
ap.add_argument("-r", "--reps", type=int, default=5)
ap.add_argument("-o", "--out", required=True)
A = ap.parse_args()
VAR = os.environ.setdefault("BENCH_VAR", os.path.join(TOP, "build", "bench"))
PROGRAM = os.path.join(TOP, "build", "sigillo")


def peak_kib(child):
    """The most that was resident, looked at until it ends: getrusage() would count this program's own memory before the exec."""
    most = 0
    while child.poll() is None:
        try:
            with open("/proc/%d/status" % child.pid) as f:
                most = max([most] + [int(line.split()[1]) for line in f if line.startswith("VmHWM")])
        except OSError:
            break
        time.sleep(0.002)
    return most


def read(path, form):
    before, start = os.times(), time.perf_counter()
    child = subprocess.Popen([PROGRAM, "dmarc", "report", *form, path], stdout=subprocess.DEVNULL)
    peak = peak_kib(child)
    seconds, after = time.perf_counter() - start, os.times()
    if child.returncode != 0:
        raise SystemExit("dmarc report failed")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return {"seconds": seconds, "cpu_s": cpu, "peak_mib": peak / 1024}


path = os.path.join(VAR, "report.xml.gz")
os.makedirs(VAR, exist_ok=True)
with open(path, "wb") as f:
    f.write(gzipped(many(A.records)))
with open(A.out, "a") as out:
    for _ in range(A.reps):
        for name, form in (("table", []), ("json", ["--json"]), ("csv", ["--csv"])):
            row = dict(read(path, form), form=name, records=A.records, gzip_bytes=os.path.getsize(path))
            out.write(json.dumps(row) + "\n")
            print(row, flush=True)

#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""ratios.py RESULTS_DIR : the figures of bench/run beside their goals, medians over the repetitions."""
import json, os, statistics, sys
R = sys.argv[1]
PEER, BEST = "postfix-opendkim-tuned", "haraka"
GOALS = [ # size, sessions, times the peer's delivered/s, part of its CPU
    (2048, 1, 4, None), (2048, 20, 8, 9), (51200, 20, 5, 6), (1048576, 20, 2, 3)]


def rows(name):
    p = os.path.join(R, name)
    return [json.loads(l) for l in open(p) if l.strip()] if os.path.exists(p) else []


def median(e2e, adapter, size, sessions, key):
    v = [r[key] for r in e2e if (r["adapter"], r["size"], r["sessions"]) == (adapter, size, sessions) and r["complete"]]
    return statistics.median(v) if v else None


def mark(ok):
    return "yes" if ok else "NO"


def f(x, digits=1):
    return "-" if x is None else "%.*f" % (digits, x)


def e2e_table(e2e):
    print("### Accept, sign (RSA-2048), store, deliver\n")
    print("| size | sessions | system | delivered/s | CPU ms/message | p99 to 250, ms | times %s | goal | met | CPU part | goal | met |" % PEER)
    print("|---:|---:|---|---:|---:|---:|---:|---:|---|---:|---:|---|")
    for size, sessions, faster, cheaper in GOALS:
        base, base_cpu = (median(e2e, PEER, size, sessions, k) for k in ("delivered_per_s", "sut_cpu_s_per_1000"))
        for name in (PEER, BEST, "sigillo"):
            rate, cpu = (median(e2e, name, size, sessions, k) for k in ("delivered_per_s", "sut_cpu_s_per_1000"))
            if rate is None:
                continue
            us = name == "sigillo" and base
            print("| %d | %d | %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |" % (
                size, sessions, name, f(rate), f(cpu, 2), f(median(e2e, name, size, sessions, "dot_p99_ms"), 2),
                f(rate / base) if base else "-", "%d" % faster if us else "", mark(rate >= faster * base) if us else "",
                "1/%.1f" % (base_cpu / cpu) if base and cpu else "-", "1/%d" % cheaper if us and cheaper else "",
                mark(cpu * cheaper <= base_cpu) if us and cheaper else ""))
    print()
    cpu = median(e2e, "sigillo", 2048, 20, "sut_cpu_s_per_1000")
    best = median(e2e, BEST, 2048, 20, "delivered_per_s")
    rate = median(e2e, "sigillo", 2048, 20, "delivered_per_s")
    if cpu is not None:
        print("- CPU of one 2 KiB message, 20 sessions: %.2f ms (goal 0.5): %s" % (cpu, mark(cpu <= 0.5)))
    if best and rate:
        print("- against %s: %.1f times (goal 6): %s" % (BEST, rate / best, mark(rate >= 6 * best)))


def main():
    e2e = rows("e2e.jsonl")
    if e2e:
        e2e_table(e2e)
    for r in rows("latency.jsonl"):
        print("- %s at half load (%d/s): end of data to 250 p50 %.2f ms, p99 %.2f ms (goal 10): %s" % (
            r["adapter"], r["rate"], r["dot_p50_ms"], r["dot_p99_ms"], mark(r["dot_p99_ms"] <= 10)))
    for r in rows("idle.jsonl"):
        goal = 30 if r.get("tls") else 6
        kib = r["rss_kb_per_conn"]
        print("- %s, %d idle sessions%s: %.1f KiB each (goal %d), %d still up after the hold: %s" % (
            r["adapter"], r["up"], " under TLS" if r.get("tls") else "", kib, goal, r["still_up"],
            mark(kib <= goal and r["up"] == r["asked"])))
    for r in rows("million.jsonl"):
        print("- %d messages waiting: accept rate %.0f %% of the empty queue's (goal 90): %s; RSS %.0f MiB (goal 256): %s; ready in %.1f s (goal 3): %s" % (
            r["waiting"], 100 * r["ratio"], mark(r["ratio"] >= 0.9), r["full_rss_mb"], mark(r["full_rss_mb"] <= 256), r["ready_s"], mark(r["ready_s"] <= 3)))


main()

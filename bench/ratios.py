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


def lib_times(lib, what, big=None):
    """Microseconds of CPU of one operation, a figure a repetition; of a message of 10 MiB or 10 KiB where there are both."""
    v = []
    for r in LIB:
        size = r.get("msg") or r.get("bytes") or 0
        if r.get("lib", "").split(" ")[0] == lib and "instructions" not in r and (r.get("op") or r.get("part") or r.get("case")) == what and (
                big is None or (size > 5000000) == big):
            v.append(r["cpu_us_each"])
    return v


def us(x):
    return "-" if x is None else "%.0f" % x if x >= 1000 else "%.4g" % x


def lib_row(what, ours, beside, theirs, goal=None, percent=False):
    """Goal: so many times as fast as theirs, or at least so much of its rate.  The ratio is the median over the repetitions, in each of
    which the two stand next to each other: what else the machine does meets both."""
    if not ours or not theirs:
        return
    ratio = statistics.median(t / o for o, t in zip(ours, theirs))
    show = (lambda x: "%.0f %%" % (100 * x)) if percent else (lambda x: "%.1f x" % x)
    print("| %s | %s | %s | %s | %s | %s | %s |" % (
        what, us(statistics.median(ours)), beside, us(statistics.median(theirs)), show(ratio), show(goal) if goal else "",
        mark(ratio >= goal) if goal else ""))


SPF_CASES = ["simple-pass", "typical-pass-last-include", "typical-softfail", "deep-10-lookups-fail"]


def restart_lines():
    """What it costs that an evaluator starts again with every answer."""
    for case in SPF_CASES:
        passes = [r["passes"] for r in LIB if r.get("lib") == "sigillo-restart" and r.get("case") == case]
        if not passes:
            continue
        count = {r["answers"]: r["instructions"] for r in LIB if "instructions" in r and r["case"] == case}
        print("- SPF %s: 1 pass, %s us%s with answers in memory; %d passes, %s us%s when they come one by one" % (
            case, us(statistics.median(lib_times("sigillo", case))), ", %d instructions" % count["all"] if "all" in count else "", passes[0],
            us(statistics.median(lib_times("sigillo-restart", case))), ", %d instructions" % count["one"] if "one" in count else ""))


def lib_table():
    print("### The library, one thread, DNS from memory\n")
    print("| operation | us | beside | us | ratio of speed | goal | met |\n|---|---:|---|---:|---:|---:|---|")
    sign, verify, newkey = (lib_times("sigillo", w, False) for w in ("sign", "verify", "verify-newkey"))
    floor = lib_times("floor", "verify-floor", False)
    lib_row("DKIM sign, 10 KiB, RSA-2048", sign, "OpenSSL's sign alone", lib_times("floor", "rsa-sign-only", False), 0.94, True)
    lib_row("", sign, "libopendkim", lib_times("libopendkim", "sign", False))
    lib_row("", sign, "mailauth", lib_times("mailauth", "sign", False))
    lib_row("DKIM verify, 10 KiB, key known", verify, "OpenSSL's verify + SHA-256", floor, 0.75, True)
    lib_row("", verify, "dkimfloor, fixed header", lib_times("floor", "dkim-verify-whole-key-cached", False))
    lib_row("", verify, "libopendkim", lib_times("libopendkim", "verify", False), 5)
    lib_row("", verify, "mailauth", lib_times("mailauth", "verify", False))
    lib_row("", verify, "dkimpy", lib_times("dkimpy", "verify", False))
    lib_row("DKIM verify, key from its record", newkey, "OpenSSL's verify + SHA-256", floor, 0.60, True)
    lib_row("", newkey, "dkimfloor, EVP_PKEY_fromdata", lib_times("floor", "dkim-verify-whole-key-fromdata-each-time", False))
    lib_row("Canonicalise and hash 10 MiB, relaxed", lib_times("sigillo", "body-hash-relaxed", True), "SHA-256 alone",
            lib_times("sigillo", "sha256", True), 0.60, True)
    for case in SPF_CASES:
        ours = lib_times("sigillo", case)
        lib_row("SPF " + case, ours, "libspf2", lib_times("libspf2", case), 2)
        lib_row("", ours, "pyspf", lib_times("pyspf", case))
        lib_row("", ours, "mailauth", lib_times("mailauth", case))
    for case in ("aligned-dkim", "unaligned-reject"):
        lib_row("DMARC " + case, lib_times("sigillo", case), "libopendmarc", lib_times("libopendmarc", case))
    verdict = lib_times("sigillo", "verdict", False)
    parts = [lib_times("libopendkim", "verify", False), lib_times("libopendmarc", "aligned-dkim"), lib_times("libspf2", "simple-pass")]
    lib_row("Whole verdict, 10 KiB", verdict, "mailauth authenticate()", lib_times("mailauth", "authenticate(spf+dkim+dmarc+arc)"))
    lib_row("", verdict, "libopendkim + libspf2 + libopendmarc", [sum(p) for p in zip(*parts)])
    print()
    if verdict:
        print("- whole verdict: %.0f messages per second of one core" % (1e6 / statistics.median(verdict)))
    restart_lines()
    memory = {r["bytes"]: r["memory_bytes"] for r in LIB if "memory_bytes" in r}
    if memory:
        print("- memory of one verdict beside the message: %s (goal 64): %s" % (
            ", ".join("%.1f KiB for %d KiB" % (memory[n] / 1024, n // 1024) for n in sorted(memory)), mark(max(memory.values()) <= 65536)))
    print()


ADMISSION = [ # tool, figure, what it is, unit, what one of it is in that unit, limit
    ("admissionbench", "ns_per_rcpt_1", "Admission of a message of 1 recipient, all loaded", "us a recipient", 1e-3, 10),
    ("admissionbench", "ns_per_rcpt_50", "Admission of a message of 50 recipients, all loaded", "us a recipient", 1e-3, 10),
    ("admissionbench", "heap_bytes", "10,000 domains, 100,000 identities, 100,000 suppressed", "MiB of heap", 2 ** -20, 64),
    ("admissionbench", "rss_bytes", "the same, resident", "MiB", 2 ** -20, 64),
    ("admissionbench", "change_most_ms", "a change of one of them, until all threads see it; the slowest of 200", "ms", 1, 1000),
    ("admissionbench", "change_peak_bytes", "memory that 200 changes take at most", "MiB", 2 ** -20, 8),
    ("admissionbench", "remove_ms", "a domain removed, when none of the identities uses it", "ms", 1, 1000),
    ("keysbench", "signed_heap_bytes", "20,000 RSA-2048 keys in the keys process, all have signed", "MiB of heap", 2 ** -20, 60),
    ("keysbench", "load_us", "one of them is loaded", "us", 1, None),
    ("keysbench", "sign_one_us", "a signature, one key", "us", 1, None),
    ("keysbench", "sign_busy_us", "the same, 1,000 keys in turn", "us", 1, None),
    ("keysbench", "sign_all_us", "the same, 20,000 keys in turn", "us", 1, None),
    ("verifybench", "second_round_s", "the records of 10,000 domains checked, all due at once", "s", 1, 600),
    ("verifybench", "loop_us_per_check", "one check, of the outgoing loop", "us", 1, None),
    ("verifybench", "late_p99_us", "how late that loop takes a task meanwhile, p99", "ms", 1e-3, 50),
    ("accessbench", "ns_per_lookup", "who may send as whom", "us a decision", 1e-3, 1),
    ("suppressionbench", "ns_per_lookup", "is a recipient suppressed", "us a look-up", 1e-3, 10),
    ("limitsbench", "ns_per_charge", "a charge against three limits", "us", 1e-3, 10)]


def admission_table(found):
    print("### Admission: identity, policy, limits, suppression\n")
    print("| what | figure | unit | limit | met |\n|---|---:|---|---:|---|")
    for tool, key, what, unit, scale, limit in ADMISSION:
        v = [r[key] * scale for r in found if r["bench"] == tool]
        if v:
            print("| %s | %s | %s | %s | %s |" % (what, f(statistics.median(v), 2), unit, limit or "", mark(statistics.median(v) <= limit) if limit else ""))
    print()


# Others are measured by the second one: it has TLS and knows who sends, as they do.
DOORS = {"smtp": "SMTP, trusted network", "smtps": "SMTP, STARTTLS and AUTH", "v1": "POST /v1/messages", "acs": "POST /emails:send",
              "sendgrid": "POST /v3/mail/send", "graph": "POST .../sendMail"}


def http_median(found, kind, door, key):
    v = [r[key] for r in found if r["kind"] == kind and r["door"] == door and r["complete"]]
    return statistics.median(v) if v else None


def http_table(found):
    print("### Doors: 2 KiB, keep-alive, TLS but for the first; accepted, signed, durable\n")
    print("| door | accepted a second of CPU | part of SMTP's (goal 80 %) | met | seen/s | at half load: p50 | p99, ms | "
          "10 MB attached: memory x its size (goal 3) | met | four at once |\n|---|---:|---:|---|---:|---:|---:|---:|---|---:|")
    base = http_median(found, "rate", "smtps", "per_core_s")
    for door, name in DOORS.items():
        own, seen = (http_median(found, "rate", door, k) for k in ("per_core_s", "accepted_per_s"))
        p50, p99 = (http_median(found, "latency", door, k) for k in ("p50_ms", "p99_ms"))
        one, four = (http_median(found, "memory", door, k) for k in ("times_one", "times_four"))
        if own is None and p50 is None and one is None:
            continue
        part = own / base if own and base else None
        judged = not door.startswith("smtp")
        print("| %s | %s | %s | %s | %s | %s | %s | %s | %s | %s |" % (
            name, f(own, 0), "-" if part is None else "%.0f %%" % (100 * part), mark(part >= 0.8) if judged and part else "", f(seen, 0), f(p50, 2), f(p99, 2),
            f(one, 2), mark(one <= 3) if judged and one else "", f(four, 2)))
    print()


def tls_over(found, better, worse, key):
    """The median of what one kind takes more than the other, which ran next to it in the same repetition."""
    a, b = ({r["rep"]: r[key] for r in found if r["kind"] == kind and r["complete"]} for kind in (better, worse))
    v = [b[rep] - a[rep] for rep in a if rep in b]
    return statistics.median(v) if v else None


def tls_median(found, kind, key):
    v = [r[key] for r in found if r["kind"] == kind and r.get("complete", True)]
    return statistics.median(v) if v else None


TLS_KINDS = {"plain": "plaintext, connections reused", "tls": "verified TLS 1.3, connections reused",
             "plain-alone": "plaintext, connections reused, out of the queue alone", "tls-alone": "verified TLS 1.3, the same", "plain-one": "plaintext, a connection a message",
             "full-one": "verified TLS 1.3, a full handshake a message", "resumed-one": "the same, the sink gives tickets"}


def tls_table(found):
    print("### Delivery over TLS: CPU of a message of 2 KiB\n")
    print("| delivery | CPU, all processes, us | of it the outgoing loop, us | delivered/s | handshakes | resumed |\n|---|---:|---:|---:|---:|---:|")
    for kind, name in TLS_KINDS.items():
        if tls_median(found, kind, "n"):
            print("| %s | %s | %s | %s | %s | %s |" % (name, *(f(tls_median(found, kind, k), 0) for k in ("cpu_us", "outgoing_us", "delivered_per_s", "tls13", "resumed"))))
    print("\n| promise | seen | limit | met |\n|---|---:|---:|---|")
    for kind, what, limit in (("", "accepted, signed, stored and delivered", 0.8), ("-alone", "delivered out of the queue, nothing accepted meanwhile", None)):
        plain, tls = (tls_median(found, k + kind, "cpu_us") for k in ("plain", "tls"))
        if plain and tls:
            print("| verified TLS 1.3 over plaintext, connections reused: messages for a second of CPU, %s | %.0f %% | %s | %s |" % (
                what, 100 * plain / tls, "80 %" if limit else "", mark(plain / tls >= limit) if limit else ""))
    tls_handshakes(found)
    policy = [r["ns_per_decision"] / 1000 for r in found if r["kind"] == "policy"]
    if policy:
        print("| deciding by an MTA-STS policy that is known, us | %s | 20 | %s |" % (f(statistics.median(policy), 2), mark(statistics.median(policy) <= 20)))
    print()


def tls_handshakes(found):
    above = tls_over(found, "plain-one", "full-one", "cpu_us")
    wire, memory = tls_median(found, "floor", "wire_full_us"), tls_median(found, "floor", "full_us")
    if above is not None and wire:
        print("| a full handshake a message: CPU above plaintext, beside a client that is nothing but OpenSSL, over loopback behind STARTTLS | %.0f of %.0f us: %.0f %% | 110 %% | %s |" % (
            above, wire, 100 * above / wire, mark(above <= 1.1 * wire)))
        print("| the same beside OpenSSL's handshake in memory: no socket, no STARTTLS, no second EHLO | %.0f of %.0f us: %.0f %% | | |" % (above, memory, 100 * above / memory))
    above = tls_over(found, "plain-one", "resumed-one", "cpu_us")
    if above is not None:
        shakes, resumed = tls_median(found, "resumed-one", "tls13"), tls_median(found, "resumed-one", "resumed")
        print("| with tickets: CPU above plaintext, %.0f %% of the handshakes resumed (OpenSSL over loopback, all resumed: %s us) | %.0f us | | |" % (
            100 * resumed / shakes if shakes else 0, f(tls_median(found, "floor", "wire_resumed_us"), 0), above))


MILTER_GOALS = [("ms_p50", "added latency, ms", 1 / 2, True), ("cpu_us", "CPU of the filters, us", 1 / 3, False), ("rss_kb", "RSS of the filters, KiB", 1 / 2, False), ("pss_kb", "of it PSS, KiB", None, False)]


def milter_table(found):
    print("### Mail filters of a Postfix: sigillo milter beside OpenDKIM + OpenDMARC, a message\n")
    print("| mail | what | Sigillo | OpenDKIM + OpenDMARC | ratio | goal | met |\n|---|---|---:|---:|---:|---:|---|")
    for job, size in sorted({(r["job"], r["size"]) for r in found}, reverse=True):
        got = {kind: [r for r in found if (r["kind"], r["job"], r["size"]) == (kind, job, size)] for kind in ("none", "sigillo", "opendkim+opendmarc")}
        for key, what, goal, above in MILTER_GOALS:
            base = statistics.median(r[key] for r in got["none"]) if above else 0
            ours, theirs = (statistics.median(r[key] for r in got[kind]) - base for kind in ("sigillo", "opendkim+opendmarc"))
            print("| %s, %d KiB | %s | %s | %s | %.2f | %s | %s |" % ("judged" if job == "verify" else "signed", size // 1024, what, f(ours, 2), f(theirs, 2), ours / theirs,
                                                             "%.2f" % goal if goal else "", mark(ours / theirs <= goal) if goal else ""))
    print()


LIB = rows("lib.jsonl")


def main():
    if LIB:
        lib_table()
    if rows("admission.jsonl"):
        admission_table(rows("admission.jsonl"))
    e2e = rows("e2e.jsonl")
    if e2e:
        e2e_table(e2e)
    if rows("http.jsonl"):
        http_table(rows("http.jsonl"))
    if rows("tls.jsonl"):
        tls_table(rows("tls.jsonl"))
    for form in ("table", "json", "csv"):
        of = [r for r in rows("reports.jsonl") if r["form"] == form]
        if of:
            seconds, peak = (statistics.median(r[k] for r in of) for k in ("cpu_s", "peak_mib"))
            print("- a DMARC report of %d records as %s: %.2f s of CPU (goal 2): %s; peak of %.1f MiB (goal 64): %s" % (
                of[0]["records"], form, seconds, mark(seconds <= 2), peak, mark(peak <= 64)))
    if rows("milter.jsonl"):
        milter_table(rows("milter.jsonl"))
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

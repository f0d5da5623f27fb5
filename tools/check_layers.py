#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who may include whom (docs/design.md): dependencies point one way.

    tools/check_layers.py [SOURCE]

lib/: base < crypto, dns, mail < smtp, spf, dkim, transport < report, dmarc, arc < verdict, survey < setup; a module sees the public headers of those below it and the
private ones of its own folder.  server/: doors > admission > limits, guard > directory, keys, queue > access, store; delivery > queue, resolver; nobody
knows a door.  milter/ knows a few rooms of server/.  Some libraries are known to one room only.
"""
import pathlib
import re
import sys

LIB = {  # module: modules below it
    "base": [],
    "crypto": ["base"],
    "dns": ["base"],
    "mail": ["base"],
    "smtp": ["base", "crypto", "dns", "mail"],
    "psl": ["base", "dns"],
    "spf": ["base", "dns", "mail"],
    "dkim": ["base", "crypto", "dns", "mail"],
    "authres": ["base", "mail"],
    "dmarc": ["base", "crypto", "dns", "mail", "psl", "spf", "dkim"],
    "arc": ["base", "crypto", "dns", "mail", "dkim", "authres"],
    "bimi": ["base", "crypto", "dns", "mail", "psl", "spf", "dkim", "dmarc"],
    "verdict": ["base", "crypto", "dns", "mail", "psl", "spf", "dkim", "authres", "dmarc", "arc"],
    "survey": ["base", "crypto", "dns", "mail", "psl", "spf", "dkim", "dmarc", "bimi", "transport"],
    "setup": ["base", "crypto", "dns", "mail", "psl", "spf", "dkim", "dmarc", "bimi", "transport", "survey"],
    "transport": ["base", "crypto", "dns", "mail"],
    "report": ["base", "crypto", "dns", "mail", "smtp", "template", "transport"],
    "template": ["base"],
    "callers": ["base", "dns"],  # no folder: a header that is compiled into programs
}
HEADERS = {  # module: its headers in include/sigillo/
    "base": "arena arith ascii banned base64 buf diag finding hex ip json limits status tags utf8 view",
    "crypto": "crypto",
    "dns": "dns dns_name mx nullmx",
    "mail": "compose date encoded_word header idn mailbox message_check message_id mime param qp received",
    "smtp": "sasl smtp_client smtp_command smtp_reply smtp_server srs",
    "psl": "psl",
    "spf": "spf spf_build",
    "dkim": "dkim dkim_key dkim_verify",
    "authres": "authres",
    "dmarc": "dmarc",
    "arc": "arc",
    "bimi": "bimi",
    "verdict": "verdict",
    "survey": "survey",
    "setup": "setup",
    "transport": "dane mta_sts tlsrpt",
    "report": "arf bounce dmarc_report dsn tls_report",
    "template": "html_text template",
    "callers": "unbound",
}
GROUND = ["config", "log", "loop", "metrics"]  # may be known to every room above them
SERVER = {  # room: rooms below it
    "log": [],
    "metrics": [],
    "config": ["log"],
    "loop": ["log", "metrics"],
    "certs": GROUND + ["audit", "keys", "resolver", "store", "update"],
    "store": GROUND,
    "audit": GROUND + ["store"],
    "keys": GROUND,
    "resolver": GROUND,
    "judge": GROUND + ["resolver"],
    "gzip": [],
    "archive": [],
    "intake": ["archive", "gzip"],
    "https": GROUND + ["resolver"],
    "sts": GROUND + ["https", "resolver", "store"],
    "tls_policy": GROUND + ["resolver", "sts"],
    "access": [],
    "directory": GROUND + ["access", "audit", "keys", "store"],
    "update": GROUND,
    "setup": GROUND + ["audit", "directory", "resolver", "store", "update"],
    "tokens": GROUND + ["directory", "https", "keys", "resolver", "store"],
    "lists": GROUND + ["keys", "store"],
    "secret": GROUND + ["keys", "store"],
    "templates": GROUND + ["audit", "directory", "store"],
    "queue": GROUND + ["audit", "store"],
    "reputation": GROUND + ["store"],
    "webhook": GROUND + ["delivery", "directory", "https", "keys", "queue", "store"],
    "limits": GROUND + ["audit", "directory", "store"],
    "guard": GROUND + ["directory", "store"],
    "returns": GROUND + ["directory", "guard", "lists", "queue", "reception", "store"],
    "admission": GROUND + ["access", "audit", "directory", "guard", "keys", "limits", "lists", "queue", "store"],
    "delivery": GROUND + ["audit", "directory", "queue", "resolver", "store", "sts"],
    "callout": GROUND + ["delivery", "directory", "judge", "queue", "reception", "resolver", "store"],
    "reception": GROUND + ["directory", "judge", "keys", "queue", "resolver", "store"],
    "forward": GROUND + ["directory", "judge", "keys", "queue", "reception", "secret", "store"],
    "reports": GROUND + ["delivery", "gzip", "https", "queue", "resolver", "store", "sts"],
    "heard": GROUND + ["directory", "intake", "reception", "resolver", "store"],
    "doors": GROUND + ["access", "admission", "audit", "certs", "directory", "gzip", "guard", "heard", "intake", "limits", "lists", "queue", "reception", "reputation", "setup", "store", "templates", "tokens"],
    "main": GROUND + ["admission", "audit", "callout", "certs", "delivery", "directory", "doors", "forward", "guard", "heard", "https", "judge", "keys", "limits", "lists", "queue", "reception", "reports", "reputation", "resolver", "returns", "secret", "setup", "store", "sts", "templates", "tokens", "webhook"],
}
MILTER = ["config", "log", "loop", "metrics", "judge", "resolver", "main"]  # rooms that milter/ may know; of main only the sandbox
PURE = {  # system headers that lib/ may include
    "assert.h", "ctype.h", "emmintrin.h", "immintrin.h", "inttypes.h", "limits.h", "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h", "stddef.h", "stdint.h",
    "stdio.h", "stdlib.h", "string.h",
}  # fmt: skip
PURE_IN = {"expat.h": ["report"], "idn2.h": ["mail"], "libpsl.h": ["psl"]}
ONLY_IN = {  # library headers of the server: rooms that may know them
    "sqlite3.h": ["store"],
    "confuse.h": ["config"],
    "unbound.h": ["resolver"],
    "unbound-event.h": ["resolver"],
    "seccomp.h": ["keys", "main"],
    "cjose/cjose.h": ["tokens"],
    "curl/curl.h": ["https"],
    "ldns/ldns.h": ["update"],
    "zlib.h": ["gzip"],
    "archive.h": ["archive"],
    "archive_entry.h": ["archive"],
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.M)


def includes(path):
    for match in INCLUDE.finditer(path.read_text(errors="replace")):
        yield match[1], match[2], path.read_text(errors="replace")[: match.start()].count("\n") + 1


def lib_faults(root, owner):
    for path in sorted((root / "lib").rglob("*.[ch]")):
        module = path.relative_to(root / "lib").parts[0]
        for kind, name, line in includes(path):
            where = f"{path.relative_to(root)}:{line}"
            if name.startswith("sigillo/"):
                of = owner.get(name)
                if of != module and of not in LIB.get(module, []):
                    yield f"{where}: lib/{module} must not know {name} of {of or 'no module'}"
            elif kind == '"':
                if not (path.parent / name).exists() or "/" in name:
                    yield f"{where}: \"{name}\" is not in the folder of lib/{module}"
            elif name.startswith("openssl/"):
                if module != "crypto":
                    yield f"{where}: only lib/crypto knows libcrypto"
            elif name not in PURE and module not in PURE_IN.get(name, []):
                yield f"{where}: <{name}> is not on the list of pure headers"


def public_faults(root, owner):
    for path in sorted((root / "include" / "sigillo").glob("*.h")):
        module = owner.get(f"sigillo/{path.name}")
        if module is None:
            yield f"include/sigillo/{path.name}: tools/check_layers.py does not know its module"
            continue
        for kind, name, line in includes(path):
            of = owner.get(name)
            if kind == '"' and of != module and of not in LIB[module]:
                yield f"include/sigillo/{path.name}:{line}: {module} must not know {name}"


def milter_faults(root):
    """milter/ stands beside server/: it knows few of its rooms, and nobody else knows libmilter."""
    server = (root / "server").resolve()
    for path in sorted(p for folder in ("milter", "server", "cli", "lib") for p in (root / folder).rglob("*.[ch]")):
        for kind, name, line in includes(path):
            where = f"{path.relative_to(root)}:{line}"
            if name.startswith("libmilter/") and path.relative_to(root).as_posix() != "milter/session.c":
                yield f"{where}: <{name}> belongs to milter/session.c"
            target = (path.parent / name).resolve()
            if path.relative_to(root).parts[0] != "milter" or kind == "<" or not target.is_relative_to(server):
                continue
            room = target.relative_to(server).parts[0]
            if room not in MILTER or (room == "main" and target.name != "sandbox.h"):
                yield f"{where}: milter must not know server/{room}"


def server_faults(root):
    base = (root / "server").resolve()
    for path in sorted(base.rglob("*.[ch]")):
        if len(path.relative_to(base).parts) < 2:
            continue
        room = path.relative_to(base).parts[0]
        if room not in SERVER:
            yield f"server/{room}: tools/check_layers.py does not know this room"
            continue
        for kind, name, line in includes(path):
            where = f"{path.relative_to(root.resolve())}:{line}"
            if kind == "<":
                if room not in ONLY_IN.get(name, [room]):
                    yield f"{where}: <{name}> belongs to server/{', '.join(ONLY_IN[name])}"
                continue
            target = (path.parent / name).resolve()
            if name.startswith("sigillo/") or not target.is_relative_to(base):
                continue
            other = target.relative_to(base).parts[0]
            if other != room and other not in SERVER[room]:
                yield f"{where}: server/{room} must not know server/{other}"


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    owner = {f"sigillo/{h}.h": module for module, names in HEADERS.items() for h in names.split()}
    faults = [*public_faults(root, owner), *lib_faults(root, owner), *server_faults(root), *milter_faults(root)]
    print(*faults, sep="\n", end="\n" if faults else "")
    print(f"layers: {len(faults)} includes against the order of the house" if faults else "layers: every include points downwards")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())

# SPDX-License-Identifier: Apache-2.0
"""What DNS says, in the form that the tools (zone.h) and the peers read."""
import ipaddress
import struct


def raw(value):
    return value if isinstance(value, bytes) else value.encode("utf-8", "surrogateescape")


def key(name):
    """A name as zones have it: lower case, no final dot."""
    return name.lower().rstrip(".")


def wire_name(name):
    """None: no such name can be sent."""
    labels = [raw(label) for label in key(name).split(".")] if key(name) else []
    if any(not 0 < len(label) < 64 for label in labels):
        return None
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def wire(kind, value):
    if kind in ("A", "AAAA"):
        return ipaddress.ip_address(value).packed
    if kind == "MX":
        host = wire_name(value[1])
        return None if host is None else struct.pack(">H", int(value[0])) + host
    if kind in ("TXT", "SPF"):
        chunks = [raw(value)] if isinstance(value, (str, bytes)) else [raw(v) for v in value]
        parts = [c[i : i + 255] for c in chunks for i in range(0, max(len(c), 1), 255)]
        return b"".join(bytes([len(p)]) + p for p in parts)
    return wire_name(value)


class Zone:
    """What DNS says: add(name, "MX", (10, "mx.test")); outcome(name, "SERVFAIL") is for types that are not there."""

    def __init__(self, failing=None):
        self.names = {}
        self.failing = failing  # names that hold this text fail

    def node(self, name):
        return self.names.setdefault(key(name), {})

    def add(self, name, kind, value):
        node = self.node(name)
        if kind == "CNAME":
            node["alias"] = key(value)
        elif value not in node.setdefault(kind, []):
            node[kind].append(value)

    def replace(self, name, kind, value):
        self.node(name).pop(kind, None)
        self.add(name, kind, value)

    def outcome(self, name, word):
        self.node(name)["else"] = word

    def description(self):
        zone = {}
        for name, node in self.names.items():
            zone[name] = {k: v if k in ("alias", "else") else self.records(k, v) for k, v in node.items()}
        return {"zone": zone, "failing": self.failing}

    @staticmethod
    def records(kind, values):
        return [w.hex() for w in (wire(kind, v) for v in values) if w is not None]

    def lookup(self, name, kind):
        """(outcome, values) for peers: "OK", "NODATA", "NXDOMAIN", "FAILED"."""
        asked = name = key(name)
        for _ in range(11):
            node = self.names.get(name)
            if node is None or "alias" not in node or kind in node:
                break
            name = node["alias"]
        else:
            return "FAILED", []
        if self.failing is not None and self.failing in asked:
            return "FAILED", []
        if node is None:
            return "NXDOMAIN", []
        if kind in node:
            return "OK", node[kind]
        return {"NXDOMAIN": "NXDOMAIN", "NODATA": "NODATA"}.get(node.get("else", "NODATA"), "FAILED"), []


def of_texts(texts):
    """A zone for the tools from {name: TXT | [TXT, ...] | outcome | {type: ...}}, as the suites have it; None is a failure.  Of types only TXT has records."""
    zone = {}
    for name, node in texts.items():
        types = node if isinstance(node, dict) else {"TXT": node}
        out = zone.setdefault(key(name), {} if isinstance(node, dict) else {"else": outcome(node)})
        for kind, value in types.items():
            if outcome(value) != "NODATA":
                out[kind] = outcome(value)
            elif kind == "TXT" and value not in ("NODATA", []):
                out[kind] = Zone.records(kind, [value] if isinstance(value, str) else value)
    return zone


def outcome(value):
    """Of a lookup that finds no more than this: "NODATA", unless it says otherwise."""
    return "SERVFAIL" if value is None else value if value in ("NXDOMAIN", "SERVFAIL", "TIMEOUT") else "NODATA"

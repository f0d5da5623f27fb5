# SPDX-License-Identifier: Apache-2.0
"""Authoritative DNS with DNSSEC, from a root of our own: Knot DNS, signing by itself, changed by dynamic update."""
import os
import subprocess
import time

import dns.dnssec
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdatatype
import dns.update

ADDRESS = "127.0.0.53"
SIGNED = [".", "test.", "bogus.test."]  # bogus.test: signed, but its parent vouches for another key
UPDATED = ["dyn.test."]                 # signed, and changed by who has the TSIG key, too
SIGNED += UPDATED
PLAIN = ["insecure.test."]              # delegated without DS

CONF = """
server:
    rundir: "{dir}"
    listen: {address}@53
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
log:
  - target: "{dir}/log"
    any: info
database:
    storage: "{dir}"
key:
  - id: {tsig}
    algorithm: hmac-sha256
    secret: {secret}
  - id: reader-key
    algorithm: hmac-sha256
    secret: {secret}
acl:
  - id: tsig
    key: {tsig}
    action: update
  - id: reader
    key: reader-key
    action: transfer
  - id: update
    address: 127.0.0.0/8
    action: update
policy:
  - id: auto
    algorithm: ecdsap256sha256
    single-type-signing: on
    ksk-lifetime: 0
    dnskey-ttl: 60
    zone-max-ttl: 300
template:
  - id: default
    storage: "{dir}"
    acl: update
    file: "%s.zone"
    semantic-checks: off
zone:
"""

ZONE = """$TTL 5
{zone} 0 SOA ns.test. hostmaster.test. 1 3600 600 86400 0
{zone} NS ns.test.
"""


class Dns:
    """tsig_name, tsig_secret: the key that zones of UPDATED take updates with; "reader-key", with the same secret, may not change them."""
    tsig_name, tsig_secret = "sigillo-key", "c2lnaWxsbyBhbmQgaXRzIHpvbmUgc2hhcmUgdGhpcyE="

    def __init__(self, folder, peers):
        os.makedirs(folder, exist_ok=True)
        self.folder, self.peers, self.process = folder, peers, None
        self.address = ADDRESS
        self.trust_anchor = os.path.join(folder, "root.anchor")
        self.root_hints = os.path.join(folder, "root.hints")

    def start(self):
        conf = CONF.format(dir=self.folder, address=ADDRESS, tsig=self.tsig_name, secret=self.tsig_secret)
        for zone in SIGNED + PLAIN:
            conf += '  - domain: "%s"\n' % zone
            if zone in SIGNED:
                conf += "    dnssec-signing: on\n    dnssec-policy: auto\n"
            if zone in UPDATED:
                conf += "    acl: [update, tsig, reader]\n"
            extra = "ns.test. A %s\n" % ADDRESS if zone in (".", "test.") else ""
            extra += "".join("%s NS ns.test.\n" % z for z in SIGNED + PLAIN if z != zone and parent_of(z) == zone)
            name = "" if zone == "." else zone.rstrip(".")
            with open(os.path.join(self.folder, name + ".zone"), "w") as f:
                f.write(ZONE.format(zone=zone) + extra)
        with open(os.path.join(self.folder, "knot.conf"), "w") as f:
            f.write(conf)
        with open(self.root_hints, "w") as f:
            f.write(". 3600 IN NS ns.test.\nns.test. 3600 IN A %s\n" % ADDRESS)
        self.resume()
        for zone in SIGNED:
            key = self._dnskey(zone)
            digest = dns.dnssec.make_ds(dns.name.from_text(zone), key, "SHA256").to_text()
            if zone == ".":
                with open(self.trust_anchor, "w") as f:
                    f.write(". 3600 IN DS %s\n" % digest)
                continue
            if zone == "bogus.test.":
                digest = " ".join(digest.split()[:3]) + " " + "00" * 32
            self.publish(zone, "DS", digest, zone=parent_of(zone))

    def resume(self):
        """Starts the server (again)."""
        out = open(os.path.join(self.folder, "stderr"), "ab")
        self.process = subprocess.Popen([os.path.join(self.peers, "usr/sbin/knotd"), "-c",
                                         os.path.join(self.folder, "knot.conf")], stdin=subprocess.DEVNULL,
                                        stdout=out, stderr=out, env=library_env(self.peers))
        end = time.monotonic() + 20
        while time.monotonic() < end:
            try:
                if all(self.query(z, "SOA", timeout=0.3).answer for z in SIGNED + PLAIN):
                    return
            except (dns.exception.DNSException, OSError):
                pass
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError("Knot DNS does not answer; see " + self.folder)

    def stop(self):
        """No name server any more, until resume()."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)
            self.process = None

    def query(self, name, kind, timeout=5.0):
        return dns.query.udp(dns.message.make_query(name, kind, want_dnssec=True), ADDRESS, timeout=timeout)

    def texts(self, name):
        """What TXT records there are now, each as one string, in order."""
        answer = self.query(name, "TXT").answer
        return sorted(b"".join(r.strings).decode() for rrset in answer if rrset.rdtype == dns.rdatatype.TXT for r in rrset)

    def txt(self, name, timeout=5):
        """The dnsfunc of dkimpy."""
        got = self.texts(name.decode() if isinstance(name, bytes) else name)
        return got[0].encode() if got else None

    def publish(self, name, kind, *values, zone=None, ttl=1):
        """Replaces all records of that name and type; no values: removes them.  Returns when they are served."""
        name = dns.name.from_text(name)
        update = dns.update.Update(dns.name.from_text(zone) if zone else self._zone_of(name))
        self._replace(update, name, kind, values, ttl)
        self._send(update)

    def publish_all(self, rows, ttl=1):
        """The same for many, [(name, type, [value, ...])], in one update for each zone."""
        updates = {}
        for name, kind, values in rows:
            name = dns.name.from_text(name)
            zone = self._zone_of(name)
            self._replace(updates.setdefault(zone, dns.update.Update(zone)), name, kind, values, ttl)
        for update in updates.values():
            self._send(update)

    @staticmethod
    def _replace(update, name, kind, values, ttl):
        update.delete(name, kind)
        for value in values:
            update.add(name, ttl, kind, value)

    @staticmethod
    def _send(update):
        answer = dns.query.tcp(update, ADDRESS, timeout=20)
        if answer.rcode() != dns.rcode.NOERROR:
            raise RuntimeError("update below %s refused: %s" % (update.origin, dns.rcode.to_text(answer.rcode())))

    @staticmethod
    def _zone_of(name):
        zones = [dns.name.from_text(z) for z in SIGNED + PLAIN]
        return max((z for z in zones if name.is_subdomain(z)), key=len)

    def _dnskey(self, zone):
        end = time.monotonic() + 20
        while time.monotonic() < end:
            for rrset in self.query(zone, "DNSKEY").answer:
                if rrset.rdtype == dns.rdatatype.DNSKEY:
                    return next(k for k in rrset if k.flags & 1)
            time.sleep(0.05)
        raise RuntimeError("no DNSKEY in " + zone)


def parent_of(zone):
    rest = zone.split(".", 1)[1]
    return rest or "."


def library_env(peers, **more):
    path = [os.path.join(peers, "usr/lib", os.uname().machine + "-linux-gnu"),
            os.path.join(peers, "lib", os.uname().machine + "-linux-gnu"), os.path.join(peers, "usr/lib/postfix")]
    return dict(os.environ, LD_LIBRARY_PATH=":".join(path), **more)

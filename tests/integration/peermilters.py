# SPDX-License-Identifier: Apache-2.0
"""OpenDKIM and OpenDMARC, from build/peers, as the filters of a Postfix."""
import os
import socket
import subprocess
import threading
import time

from world.internet import wait_for
from world.zones import library_env

AUTHSERV = "mx.milter.test"
OPENDKIM = """Syslog no
LogResults yes
AuthservID {authserv}
Socket {socket}opendkim.sock
UMask 000
Mode {mode}
Canonicalization relaxed/relaxed
AlwaysAddARHeader yes
Background no
AutoRestart no
Nameservers {dns}
DNSTimeout 60
TemporaryDirectory {dir}
RequireSafeKeys no
MinimumKeyBits 1024
InternalHosts {dir}/InternalHosts
"""
OPENDMARC = """Syslog false
AuthservID {authserv}
Socket {socket}opendmarc.sock
UMask 000
TrustedAuthservIDs {authserv}
SPFIgnoreResults true
SPFSelfValidate true
RejectFailures {reject}
IgnoreHosts {dir}/IgnoreHosts
PublicSuffixList {psl}
DNSTimeout 60
Background false
"""


def missing(world):
    for program in ("opendkim", "opendmarc"):
        if not os.path.exists(os.path.join(world.peers, "usr/sbin", program)):
            return "%s is not below %s: run `make deps`" % (program, world.peers)
    return ""


class Pair:
    """Both of them, on unix sockets; resolver: a resolver.Resolver, whose resolv.conf OpenDMARC reads."""

    popen = subprocess.Popen

    def __init__(self, world, resolver, name, mode="sv", opendkim="", reject=True):
        self.world, self.resolver = world, resolver
        self.folder = os.path.join(world.folder, "peers-" + name)
        os.makedirs(self.folder, exist_ok=True)
        psl = "/usr/share/publicsuffix/public_suffix_list.dat"
        known = {"dir": self.folder, "socket": "local:%s/" % self.folder, "authserv": AUTHSERV, "mode": mode, "reject": "true" if reject else "false", "psl": psl, "dns": resolver.address}
        self.conf = {}
        texts = {"InternalHosts": "127.0.0.1\n", "IgnoreHosts": "127.0.0.1\n",
                 "opendkim.conf": OPENDKIM.format(**known) + opendkim, "opendmarc.conf": OPENDMARC.format(**known)}
        for file, text in texts.items():
            self.conf[file] = os.path.join(self.folder, file)
            with open(self.conf[file], "w") as f:
                f.write(text)
        self.processes, self.ended, self._stopping = {}, [], False

    @property
    def milters(self):
        return ["unix:%s/%s.sock" % (self.folder, program) for program in ("opendkim", "opendmarc")]

    def start(self):
        for program in ("opendkim", "opendmarc"):
            self._run(program)
            wait_for(lambda: self.processes[program].poll() is not None or answers("%s/%s.sock" % (self.folder, program)), bool, 20, program)
            assert self.processes[program].poll() is None, self.log(program)
        threading.Thread(target=self._watch, daemon=True).start()
        return self

    def _run(self, program):
        flags = {"opendkim": ["-f", "-x"], "opendmarc": ["-f", "-c"]}[program]
        command = [os.path.join(self.world.peers, "usr/sbin", program), *flags, self.conf[program + ".conf"]]
        out = open(os.path.join(self.folder, program + ".log"), "ab")
        self.processes[program] = self.popen(self.resolver.within(command), stdin=subprocess.DEVNULL, stdout=out, stderr=out, env=library_env(self.world.peers))

    def _watch(self):
        """What dies is started again, as an init system would, and counted."""
        while not self._stopping:
            for program, process in list(self.processes.items()):
                if process.poll() is not None and not self._stopping:
                    self.ended.append((program, process.returncode))
                    self._run(program)
            time.sleep(0.05)

    def log(self, program):
        with open(os.path.join(self.folder, program + ".log"), errors="replace") as f:
            return f.read()

    def stop(self):
        self._stopping = True
        for p in self.processes.values():
            p.terminate()
        for p in self.processes.values():
            p.wait(20)
        self.processes = {}


def answers(path):
    try:
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(path)
        return True
    except OSError:
        return False

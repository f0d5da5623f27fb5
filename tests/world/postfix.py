# SPDX-License-Identifier: Apache-2.0
"""Real Postfix as the receivers: one instance, one smtpd for each address, each with its own idea of TLS."""
import email
import email.policy
import os
import re
import smtplib
import socket
import subprocess
import time

from . import namespace
from .zones import library_env

MAIN = """
compatibility_level = 3.6
queue_directory = {dir}/queue
data_directory = {dir}/data
daemon_directory = {peers}/usr/lib/postfix/sbin
command_directory = {peers}/usr/sbin
shlib_directory = {peers}/usr/lib/postfix
meta_directory = {dir}/conf
mail_owner = postfix
setgid_group = postdrop
default_privs = nobody
import_environment = MAIL_CONFIG LANG=C LD_LIBRARY_PATH LD_PRELOAD
maillog_file = {dir}/maillog
maillog_file_prefixes = {dir}
myhostname = receivers.test
mydestination =
inet_protocols = all
inet_interfaces = loopback-only
mynetworks = 192.0.2.255/32
smtpd_peername_lookup = no
disable_dns_lookups = yes
alias_maps =
alias_database =
local_recipient_maps =
virtual_transport = virtual
virtual_mailbox_domains = static:all
virtual_mailbox_base = {dir}/mail
virtual_mailbox_maps = static:all/
virtual_minimum_uid = 1
virtual_uid_maps = static:{uid}
virtual_gid_maps = static:{uid}
virtual_mailbox_limit = 0
message_size_limit = 52428800
smtpd_recipient_restrictions = check_recipient_access regexp:{dir}/conf/recipients, permit
smtpd_relay_restrictions = reject_unauth_destination
smtpd_tls_received_header = yes
smtpd_tls_security_level = may
smtpd_tls_loglevel = 1
smtpd_delay_open_until_valid_rcpt = no
tls_random_source = dev:/dev/urandom
in_flow_delay = 0
smtpd_client_connection_count_limit = 0
"""

MASTER = """
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

SMTPD = """[{address}]:25 inet n - n - - smtpd
    -o myhostname={name}
    -o smtpd_tls_cert_file={certificate}
    -o smtpd_tls_key_file={key}
    -o smtpd_tls_security_level={level}
"""
PLAIN = """[{address}]:25 inet n - n - - smtpd
    -o myhostname={name}
    -o smtpd_tls_security_level=none
"""
GREY = "    -o {{ smtpd_recipient_restrictions=check_policy_service inet:{policy}, permit }}\n"

RECIPIENTS = """/^nobody@/ 550 5.1.1 No such user here
/^full@/ 452 4.2.2 Mailbox full
/^blocked@/ 554 5.7.1 Your message looks like spam
"""


class Postfix:
    """receivers: [(host name, address, certificate or None, greylist "host:port" or None)]"""

    def __init__(self, folder, peers, receivers):
        self.folder, self.peers, self.receivers, self.process = folder, peers, receivers, None
        self.maildirs = os.path.join(folder, "mail")
        self._read, self._boxes = set(), {}

    def start(self):
        uid = namespace.USERS
        for name in ("conf", "data", "mail", "queue"):
            os.makedirs(os.path.join(self.folder, name))
        for name in ("active bounce corrupt defer deferred flush hold incoming private maildrop public pid saved "
                     "trace").split():
            os.mkdir(os.path.join(self.folder, "queue", name))
            if name != "pid":
                self._own(os.path.join(self.folder, "queue", name), uid["postfix"])
        self._own(os.path.join(self.folder, "data"), uid["postfix"])
        self._own(self.maildirs, uid["vmail"])
        self._write("main.cf", self.main())
        self._write("master.cf", self.master())
        self._write("recipients", RECIPIENTS)
        self._write("dynamicmaps.cf", "")
        more = {}
        if namespace.one_user():
            more["LD_PRELOAD"] = self._shim()
        out = open(os.path.join(self.folder, "stderr"), "ab")
        command = [os.path.join(self.peers, "usr/lib/postfix/sbin/master"), "-d", "-c", os.path.join(self.folder, "conf")]
        self.process = subprocess.Popen(self.command(command), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                        env=library_env(self.peers, **more))
        for _, address, _, _ in self.receivers:
            self._wait(address)

    def main(self):
        return MAIN.format(dir=self.folder, peers=self.peers, uid=namespace.USERS["vmail"])

    def master(self):
        return MASTER + "".join(self._smtpd(*r) for r in self.receivers)

    def command(self, command):
        """What runs, from what would run."""
        return command

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=20)
            self.process = None

    def mailbox(self, address):
        """Every message delivered to `address` so far, oldest first: [bytes]."""
        folder = os.path.join(self.maildirs, "all", "new")
        try:
            names = os.listdir(folder)
        except OSError:
            names = []
        for name in sorted(set(names) - self._read):
            with open(os.path.join(folder, name), "rb") as f:
                data = f.read().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            to = email.message_from_bytes(data, policy=email.policy.compat32)["Delivered-To"]
            self._boxes.setdefault(str(to).lower(), []).append((os.stat(f.name).st_mtime_ns, data))
            self._read.add(name)
        return [data for _, data in sorted(self._boxes.get(address.lower(), []))]

    def log(self):
        try:
            with open(os.path.join(self.folder, "maillog")) as f:
                return f.read()
        except OSError:
            return ""

    @staticmethod
    def _smtpd(name, address, certificate, policy):
        if certificate is None:
            text = PLAIN.format(name=name, address=address)
        else:
            text = SMTPD.format(name=name, address=address, certificate=certificate.certificate, key=certificate.key,
                                level="may")
        return text + (GREY.format(policy=policy) if policy else "")

    def _shim(self):
        source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "oneuser.c")
        out = os.path.join(self.folder, "oneuser.so")
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", out, source], check=True)
        return out

    def _own(self, path, uid):
        if not namespace.one_user():
            os.chown(path, uid, uid)

    def _write(self, name, text):
        with open(os.path.join(self.folder, "conf", name), "w") as f:
            f.write(text)

    def _wait(self, address):
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with socket.create_connection((address, 25), 2) as s:
                    s.settimeout(10)
                    if s.recv(200).startswith(b"220"):
                        s.sendall(b"QUIT\r\n")
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError("Postfix does not answer on %s; its log:\n%s" % (address, self.log()[-2000:]))


class Sender(Postfix):
    """A Postfix that sends: takes mail on address:25 from this machine, finds receivers by DNS through `resolver` (resolver.Resolver), and
    has `settings` in its main.cf.  submit(to) gives it a message; log() is what it says; said(id) are the lines about one."""

    def __init__(self, world, resolver, address, settings):
        super().__init__(os.path.join(world.folder, "sender-" + address), world.peers, [("sender.test", address, None, None)])
        self.world, self.resolver, self.address, self.settings = world, resolver, address, settings

    def main(self):
        text = super().main().replace("disable_dns_lookups = yes\n", "").replace("myhostname = receivers.test", "myhostname = sender.test")
        own = {"mynetworks": "127.0.0.0/8", "virtual_mailbox_domains": "", "smtpd_recipient_restrictions": "permit_mynetworks, reject",
               "smtpd_relay_restrictions": "permit_mynetworks, reject", "smtp_dns_support_level": "dnssec", "smtp_host_lookup": "dns",
               "smtp_tls_CAfile": self.world.ca.file, "smtp_tls_loglevel": "1", "smtp_connection_cache_on_demand": "no",
               "local_transport": "error:not here", **self.settings}
        kept = [l for l in text.splitlines() if l.split(" = ")[0].rstrip(" =") not in own]
        return "\n".join(kept + ["%s = %s" % kv for kv in own.items()]) + "\n"

    def master(self):
        return super().master() + "smtp unix - - n - - smtp\n"

    def command(self, command):
        return self.resolver.within(command)

    def submit(self, to):
        """One message; its queue id."""
        with smtplib.SMTP(self.address, timeout=20) as c:
            c.ehlo("client.test")
            c.mail("sender@app.test")
            c.rcpt(to)
            code, text = c.data("Subject: test\r\n\r\nhello\r\n")
        assert code == 250, text
        return text.decode().rsplit(" ", 1)[1]

    def said(self, queue_id):
        return [l for l in self.log().splitlines() if " %s: " % queue_id in l]


def tls_version(message):
    """How the last hop was protected, by the receiver's own Received field: 'TLSv1.3', or '' for plain."""
    received = email.message_from_bytes(message).get_all("Received") or [""]
    m = re.search(r"using (TLSv[0-9.]+)", received[0])
    return m.group(1) if m else ""

# SPDX-License-Identifier: Apache-2.0
"""Postfix's own answer to "how would mail for this domain be protected?": posttls-finger, behind a validating resolver."""
import os

from .zones import library_env

PROGRAM = "usr/sbin/posttls-finger"
MAIN = """compatibility_level = 3.6
smtp_dns_support_level = dnssec
smtp_host_lookup = dns
inet_protocols = all
shlib_directory = %s/usr/lib/postfix
meta_directory = %s
tls_random_source = dev:/dev/urandom
import_environment = MAIL_CONFIG LANG=C LD_LIBRARY_PATH
"""


class Finger:
    """said(domain, level): all that it prints when it goes as far as EHLO under TLS with that domain's first server that lets it.

    match: the names that a certificate may have, in the words of smtp_tls_verify_cert_match."""

    def __init__(self, world, resolver):
        self.world, self.resolver = world, resolver
        self.folder = os.path.join(world.folder, "finger")
        os.makedirs(self.folder, exist_ok=True)
        with open(os.path.join(self.folder, "main.cf"), "w") as f:
            f.write(MAIN % (world.peers, self.folder))
        with open(os.path.join(self.folder, "dynamicmaps.cf"), "w"):
            pass

    def said(self, domain, level, *match, timeout=40):
        command = [os.path.join(self.world.peers, PROGRAM), "-c", "-l", level, "-F", self.world.ca.file, "-t", "5", "-T", "5",
                   "-L", "summary,certmatch", domain, *match]
        env = library_env(self.world.peers, MAIL_CONFIG=self.folder)
        return self.resolver.run(command, env=env, timeout=timeout).stdout

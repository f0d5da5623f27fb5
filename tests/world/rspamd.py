# SPDX-License-Identifier: Apache-2.0
"""rspamd as a judge of signatures: its dkim module alone, asked over HTTP, its DNS answered by this world."""
import http.client
import json
import os
import subprocess

from .internet import wait_for
from .zones import library_env

PROGRAM, PORT = "usr/bin/rspamd", 11333
CONFIG = """options {
  pidfile = "%(dir)s/pid"; filters = "dkim"; control_socket = "%(dir)s/ctl mode=0600"; cache_file = "%(dir)s/cache";
  hs_cache_dir = "%(dir)s"; url_tld = "%(share)s/effective_tld_names.dat";
  dns { nameserver = "%(dns)s:53:1"; timeout = 2s; retransmits = 2; }
}
logging { type = "file"; filename = "%(dir)s/log"; level = "warning"; }
actions { reject = 999; greylist = 998; add_header = 997; }
worker "normal" { bind_socket = "127.0.0.1:%(port)d"; count = 1; }
dkim { trusted_only = false; skip_multi = false; check_local = true; }
metric { name = "default"; unknown_weight = 0; symbol "R_DKIM_ALLOW" { weight = -0.2; } symbol "R_DKIM_REJECT" { weight = 1; } }
"""


class Rspamd:
    def __init__(self, world):
        self.world, self.folder = world, os.path.join(world.folder, "rspamd")
        self.share = os.path.join(world.peers, "usr/share/rspamd")

    def __enter__(self):
        os.makedirs(self.folder, exist_ok=True)
        config = os.path.join(self.folder, "rspamd.conf")
        with open(config, "w") as f:
            f.write(CONFIG % {"dir": self.folder, "share": self.share, "dns": self.world.dns.address, "port": PORT})
        env = library_env(self.world.peers, SHAREDIR=self.share, PLUGINSDIR=os.path.join(self.share, "plugins"),
                          RULESDIR=os.path.join(self.share, "rules"), LUALIBDIR=os.path.join(self.share, "lualib"))
        env["LD_LIBRARY_PATH"] += ":" + os.path.join(self.world.peers, "usr/lib/rspamd")
        with open(os.path.join(self.folder, "out"), "w") as out:
            self.process = subprocess.Popen([os.path.join(self.world.peers, PROGRAM), "-f", "-i", "-c", config],
                                            stdout=out, stderr=out, env=env)
        wait_for(self._answers, lambda up: up, 30, "rspamd to answer")
        return self

    def _answers(self):
        assert self.process.poll() is None, "rspamd ended; see " + self.folder
        try:
            c = http.client.HTTPConnection("127.0.0.1", PORT, timeout=5)
            c.request("GET", "/ping")
            return c.getresponse().status == 200
        except OSError:
            return False

    def symbols(self, message, sender):
        """The names of the symbols that rspamd gives the message, with their options."""
        c = http.client.HTTPConnection("127.0.0.1", PORT, timeout=20)
        c.request("POST", "/checkv2", message, {"From": sender, "IP": "192.0.2.7"})
        return {k: v.get("options", []) for k, v in json.loads(c.getresponse().read())["symbols"].items()}

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(20)

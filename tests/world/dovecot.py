# SPDX-License-Identifier: Apache-2.0
"""Dovecot as a mail store behind LMTP: users with a quota and without, each with a maildir.  Its programs look for one another below /usr, so its mounts are its own."""
import mailbox
import os
import socket
import subprocess

from .internet import wait_for
from .namespace import USERS, one_user

CONFIG = """base_dir = %(dir)s/run
state_dir = %(dir)s/state
log_path = %(dir)s/log
protocols = lmtp
default_internal_user = vmail
default_internal_group = vmail
default_login_user = vmail
ssl = no
first_valid_uid = %(uid)d
first_valid_gid = %(uid)d
mail_location = maildir:~/Maildir
passdb {
  driver = passwd-file
  args = %(dir)s/users
}
userdb {
  driver = passwd-file
  args = %(dir)s/users
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
service lmtp {
  inet_listener lmtp {
    address = %(address)s
    port = %(port)d
  }
  unix_listener lmtp {
    mode = 0666
  }
}
protocol lmtp {
  mail_plugins = quota
}
plugin {
  quota = maildir:storage
}
"""
SCRIPT = "mount -t overlay overlay -o lowerdir=%s/usr:/usr /usr && exec /usr/sbin/dovecot -F -c %s"


class Dovecot:
    """users: {address: quota rule or ""}"""

    def __init__(self, world, users, address="127.0.0.1", port=2424):
        self.world, self.users, self.address, self.port = world, users, address, port
        self.folder = os.path.join(world.folder, "dovecot")
        self.socket = os.path.join(self.folder, "run", "lmtp")

    @staticmethod
    def why_not(world):
        """Why it cannot run here, or None."""
        if not os.path.exists(os.path.join(world.peers, "usr/sbin/dovecot")):
            return "Dovecot is not unpacked (make deps)"
        return "Dovecot needs users, and there is one only" if one_user() else None

    def home(self, user):
        return os.path.join(self.folder, "mail", user)

    def __enter__(self):
        uid = USERS["vmail"]
        for name in ("run", "mail", "state"):
            os.makedirs(os.path.join(self.folder, name), exist_ok=True)
        os.chown(os.path.join(self.folder, "mail"), uid, uid)
        with open(os.path.join(self.folder, "users"), "w") as f:
            for user, rule in self.users.items():
                f.write("%s:{PLAIN}x:%d:%d::%s::%s\n" % (user, uid, uid, self.home(user), "userdb_quota_rule=" + rule if rule else ""))
        self.config = os.path.join(self.folder, "dovecot.conf")
        with open(self.config, "w") as f:
            f.write(CONFIG % {"dir": self.folder, "uid": uid, "address": self.address, "port": self.port})
        self.start()
        return self

    def start(self):
        with open(os.path.join(self.folder, "out"), "w") as out:
            self.process = subprocess.Popen(["unshare", "-m", "sh", "-c", SCRIPT % (os.path.realpath(self.world.peers), self.config)],
                                            stdout=out, stderr=out)
        wait_for(self._answers, lambda up: up, 30, "Dovecot to answer")

    def _answers(self):
        assert self.process.poll() is None, "Dovecot ended; see " + self.folder
        try:
            with socket.create_connection((self.address, self.port), 5) as s:
                return s.recv(4) == b"220 "
        except OSError:
            return False

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def mails(self, user):
        """What lies in his maildir, as email messages."""
        folder = os.path.join(self.home(user), "Maildir")
        return list(mailbox.Maildir(folder, create=False)) if os.path.isdir(folder) else []

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()

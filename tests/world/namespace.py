# SPDX-License-Identifier: Apache-2.0
"""Namespaces of our own: network, mounts, processes, and users where we are not root.

enter(command) replaces this process by `unshare ... world inside -- command`; inside() then runs as process 1 there,
lifts the loopback interface, lays a tmpfs for all files and private copies of the few files in /etc that the servers
read, runs the command and leaves.  When process 1 leaves, the kernel ends everything that it started, takes the mounts
and the network away, and the machine is as it was."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MARK = "SIGILLO_WORLD_DIR"
USERS = {"postfix": 64001, "postdrop": 64002, "vmail": 64003, "sigillo": 64004, "opendkim": 64005}
RESOLVER = "127.0.0.53"
BOUND = ("SIGILLO_PEERS", "BENCH_VAR")
IPV6 = ["fd53::%x" % n for n in range(1, 10)]


def flags():
    """The arguments of unshare that work here, or None and why not."""
    base = ["--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    tries = [base] if os.geteuid() == 0 else []
    tries.append(["--user", "--map-root-user"] + base)
    why = ""
    for t in tries:
        r = subprocess.run(["unshare", *t, "sh", "-c", "ip link set lo up && mount -t tmpfs none /tmp"],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if r.returncode == 0:
            return t, ""
        why = (r.stderr.strip().splitlines() or ["unshare failed"])[-1]
    return None, why


def is_inside():
    return bool(os.environ.get(MARK)) and os.path.isdir(os.environ.get(MARK, ""))


def one_user():
    """True where the namespace maps a single user, so that nobody can become anybody else."""
    with open("/proc/self/uid_map") as f:
        return sum(int(line.split()[2]) for line in f) == 1


def enter(command, script):
    args, why = flags()
    if args is None:
        print("world: no namespaces here: " + why, file=sys.stderr)
        return 77
    mount_point = tempfile.mkdtemp(prefix="sigillo-world-")
    env = dict(os.environ, **{MARK: mount_point})
    env.setdefault("SIGILLO_PEERS", os.path.join(ROOT, "build", "peers"))
    child = subprocess.Popen(["unshare", *args, sys.executable, script, "inside", "--", *command], env=env)
    for sig in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(sig, lambda *_: child.terminate())
    while True:
        try:
            code = child.wait()
            break
        except KeyboardInterrupt:
            continue
    shutil.rmtree(mount_point, ignore_errors=True)
    return code if code >= 0 else 128 - code


def run(*args):
    subprocess.run(args, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)


def bind_text(text, target, folder):
    """Lays `text` over the file `target`, for this namespace only."""
    target = os.path.realpath(target)
    if not os.path.exists(target):
        return
    own = os.path.join(folder, target.strip("/").replace("/", "-"))
    with open(own, "w") as f:
        f.write(text)
    os.chmod(own, 0o644)
    run("mount", "--bind", own, target)


def bind_folder(variable, folder):
    source = os.environ.get(variable)
    if source and os.path.isdir(source):
        target = os.path.join(folder, variable.lower())
        os.mkdir(target)
        run("mount", "--bind", os.path.abspath(source), target)
        os.environ[variable] = target


def inside(command):
    """Process 1 of the namespace."""
    folder = os.environ[MARK]
    run("ip", "link", "set", "lo", "up")
    for address in IPV6:
        subprocess.run(["ip", "-6", "addr", "add", address + "/128", "dev", "lo"], stderr=subprocess.DEVNULL)
    run("mount", "-t", "tmpfs", "-o", "mode=755", "world", folder)
    etc = os.path.join(folder, "etc")
    os.mkdir(etc)
    mine = {name: "%s:x:%d:%d::/nonexistent:/usr/sbin/nologin" % (name, n, n) for name, n in USERS.items()}
    others = [l for l in open("/etc/passwd").read().splitlines() if l.split(":")[0] not in mine]
    bind_text("\n".join(others + list(mine.values())) + "\n", "/etc/passwd", etc)
    mine = {name: "%s:x:%d:" % (name, n) for name, n in USERS.items()}
    others = [l for l in open("/etc/group").read().splitlines() if l.split(":")[0] not in mine]
    bind_text("\n".join(others + list(mine.values())) + "\n", "/etc/group", etc)
    bind_text("nameserver %s\n" % RESOLVER, "/etc/resolv.conf", etc)
    bind_text("127.0.0.1 localhost\n::1 localhost\n", "/etc/hosts", etc)
    for variable in BOUND: # reachable for the servers' users wherever the project lies
        bind_folder(variable, folder)
    child = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: child.terminate())
    while True: # process 1 is the parent of every orphan: collect them all
        try:
            pid, status = os.wait()
        except KeyboardInterrupt:
            continue
        except ChildProcessError:
            return 1
        if pid == child.pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code

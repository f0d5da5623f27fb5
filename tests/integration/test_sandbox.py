# SPDX-License-Identifier: Apache-2.0
"""What an intruder who has taken over one of the processes can reach: nothing that matters."""
import errno
import os
import signal
import struct
import subprocess

import pytest

from world import namespace
from world.internet import wait_for

HERE = os.path.dirname(os.path.abspath(__file__))
TRIES = ["open /etc/shadow", "open the master key", "create a file in /etc", "read another process's environment",
         "make a socket", "attach to the supervisor", "become root", "make a socket to the kernel", "run a shell"]
WORKED, NOT_COME_TO = 0, -1


def status_of(pid):
    with open("/proc/%d/status" % pid) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


@pytest.fixture(scope="module")
def intruded(world, request):
    """A daemon with the intruder in all of its processes; intruded(role) gives {try: what the kernel said}."""
    from conftest import finish, launch
    library = os.path.join(world.folder, "intruder.so")
    results = os.path.join(world.folder, "intruder.results")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, os.path.join(HERE, "intruder.c")], check=True)
    with open(results, "wb") as f:
        f.write(bytes(4096))
    os.chmod(results, 0o666)
    d = launch(world, "intruded", {"metadata": {"listen": ["127.0.0.1:8170"]}}, start=False, preload=library)
    os.environ.update(SIGILLO_INTRUDER_FILE=results, SIGILLO_INTRUDER_KEY=os.path.join(d.state, "master.key"))
    try:
        d.start()
    finally:
        del os.environ["SIGILLO_INTRUDER_FILE"], os.environ["SIGILLO_INTRUDER_KEY"]
    d.sender("sandbox.test")

    def ask(role):
        d.expect(role) # it may be killed for what it does; that is logged
        d.wait_ready()
        with open(results, "r+b") as f:
            f.write(struct.pack("=i", 0))
        pid = d.pids()[role]
        os.kill(pid, signal.SIGUSR2)

        def read():
            with open(results, "rb") as f:
                values = struct.unpack("=%di" % (1 + len(TRIES)), f.read(4 * (1 + len(TRIES))))
            return values if values[0] == len(TRIES) or not os.path.exists("/proc/%d" % pid) else None
        values = wait_for(read, lambda v: v is not None, 10, "the intruder in " + role)
        return dict(zip(TRIES, values[1:]))
    ask.daemon = d
    yield ask
    finish(d)


@pytest.mark.parametrize("role", ["service", "keys"])
def test_an_intruder_reaches_nothing_that_matters(intruded, role):
    if not os.path.exists(os.path.join(intruded.daemon.state, "master.key")):
        pytest.fail("no master.key in the state folder: the test does not know what to protect")
    got = intruded(role)
    assert NOT_COME_TO != got["open /etc/shadow"], "the intruder did not begin"
    worked = [what for what in TRIES if got[what] == WORKED and not (role == "service" and what == "make a socket")]
    if not namespace.one_user():
        assert "become root" not in worked
    worked = [w for w in worked if w != "become root"]
    assert worked == [], {k: errno.errorcode.get(v, v) for k, v in got.items()}


@pytest.mark.parametrize("role", ["service", "keys"])
def test_a_process_runs_without_privileges_and_filtered(intruded, role):
    pids = wait_for(intruded.daemon.pids, lambda p: role in p, 20, "the %s process" % role) # it may have been killed
    s = status_of(pids[role])
    assert s["NoNewPrivs"] == "1" and s["Seccomp"] == "2"
    if not namespace.one_user():
        assert int(s["CapEff"], 16) == 0
        if role == "service":
            assert set(s["Uid"].split()) == {str(namespace.USERS["sigillo"])}


def test_the_server_still_works_with_the_intruder_inside(intruded):
    d = intruded.daemon
    d.wait_ready()
    assert d.get("/healthz")[0] == 200

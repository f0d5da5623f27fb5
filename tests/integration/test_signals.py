# SPDX-License-Identifier: Apache-2.0
"""What the supervisor does with signals, deaths and things that are taken; beside test_life.py."""
import os
import signal
import socket
import subprocess
import time

import pytest

from world import daemon
from world.internet import wait_for


@pytest.fixture
def served(make_sigillo):
    return make_sigillo()


def alive(pid):
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_a_port_that_is_taken_is_named(served, make_sigillo):
    other = make_sigillo(start=False)
    taken = socket.create_server((other.address, 587))
    other.write_config()
    r = subprocess.run([daemon.PROGRAM, "serve", "--config", other.config_file], capture_output=True, text=True, timeout=20)
    taken.close()
    assert r.returncode == 1
    assert "listen submission: %s:587: Address already in use" % other.address in r.stderr, r.stderr


def test_the_sandbox_holds_by_its_own_account(served):
    r = subprocess.run([daemon.PROGRAM, "serve", "--config", served.config_file, "--sandbox-check"],
                       capture_output=True, text=True, timeout=20)
    assert r.returncode == 0, r.stdout + r.stderr
    assert "run /bin/true: killed by the filter" in r.stdout and "WRONG" not in r.stdout


def test_children_do_not_outlive_a_supervisor_that_was_killed(served):
    pids = served.pids()
    served.expect("the supervisor is gone")
    os.kill(pids["supervisor"], signal.SIGKILL)
    served.process.wait()
    wait_for(lambda: [p for p in pids.values() if alive(p)], lambda left: not left, 15, "no process left")
    served.process = None
    served.start()
    assert served.get("/readyz")[0] == 200


def test_a_signal_to_the_whole_group_drains_like_one_to_the_supervisor(served):
    os.killpg(os.getpgid(served.process.pid), signal.SIGINT)
    assert served.process.wait(20) == 0
    served.process = None


def test_a_second_sigterm_does_not_wait(served):
    s = socket.create_connection((served.address, 587))
    s.recv(500)
    s.sendall(b"EHLO x.test\r\n")
    s.recv(2000)
    served.expect("service died while draining")
    served.process.send_signal(signal.SIGTERM)
    time.sleep(0.2)
    served.process.send_signal(signal.SIGTERM)
    start = time.monotonic()
    served.process.wait(20)
    assert time.monotonic() - start < 5
    served.process = None


def test_a_door_that_moves_is_refused_until_a_restart(served):
    served.settings["listen http"]["address"] = ["%s:8081" % served.address]
    served.expect("configuration refused")
    served.reload()
    wait_for(served.raw_log, lambda text: "adding or moving a door needs a restart" in text, 10, "the refusal")
    assert served.get("/readyz")[0] == 200

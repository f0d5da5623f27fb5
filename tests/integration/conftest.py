# SPDX-License-Identifier: Apache-2.0
"""Fixtures for tests against the running daemon, inside the small internet of tests/world/.

Run by tools/run_tests, or by hand:

    tests/world/world enter -- /usr/bin/python3 -m pytest tests/integration -q [-k NAME]

Outside the namespaces, or without Postfix and Knot (`make deps` unpacks them), every test is skipped and says why.

world          the small internet, one for the whole run; see tests/world/internet.py, class World
sigillo        a running daemon, one for each test module: class Sigillo in tests/world/daemon.py
sender         the domain app.test on it, published: sender.domain .user .password .key
clock          a wall clock that can be moved, for a daemon of make_sigillo(preload=clock.library): clock.move(seconds)
make_sigillo   make_sigillo(settings={...}, start=True): one more daemon with settings of its own, on an address of its
               own, for this test; stopped afterwards

A module may give settings for its `sigillo` in a global SETTINGS (nested dicts, merged into the defaults), e.g.

    SETTINGS = {"limits": {"recipients": 5}, "listen trusted": None}

After every test the logs of all daemons are read: a line at level error that the test did not announce with
sigillo.expect("regular expression") fails it.  So does a line that is not JSON.

    def test_a_message_arrives(world, sigillo, sender):
        id = sigillo.submit(sender, "someone@good.test")
        got = world.wait_mail("someone@good.test")
        sigillo.wait_state(id, "delivered")
"""
import itertools
import os
import shutil
import subprocess
import sys
import time

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]

import world as world_package  # noqa: E402
from installed import Installed  # noqa: E402
from world import daemon  # noqa: E402

_running = []
_addresses = ("127.0.10.%d" % n for n in itertools.count(1))


@pytest.fixture(scope="session")
def installed(tmp_path_factory):
    """What `make install` brings, below a folder of its own; see installed.py."""
    return Installed(str(tmp_path_factory.mktemp("root")), os.path.dirname(daemon.PROGRAM))


@pytest.fixture(scope="session")
def world():
    try:
        w = world_package.World()
    except world_package.Unavailable as e:
        pytest.skip("no small internet: %s" % e)
    if not os.path.exists(daemon.PROGRAM):
        pytest.skip("%s is not built" % daemon.PROGRAM)
    with w:
        yield w


@pytest.fixture(scope="module")
def sigillo(world, request):
    name = request.module.__name__.replace("test_", "").replace("_", "-")
    d = launch(world, name, getattr(request.module, "SETTINGS", {}))
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sender(sigillo):
    return sigillo.sender("app.test")


@pytest.fixture
def make_sigillo(world):
    made = []

    def make(settings=None, start=True, **kw):
        d = launch(world, "m%d" % len(_running), settings or {}, start, **kw)
        made.append(d)
        return d
    yield make
    for d in made:
        finish(d)


class Clock:
    """A wall clock for daemons that are launched with preload=clock.library; the others keep the real one."""

    def __init__(self, world):
        self.library, self.file = os.path.join(world.folder, "clock.so"), os.path.join(world.folder, "clock.offset")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, os.path.join(HERE, "clock.c")], check=True)
        with open(self.file, "wb") as f:
            f.write(bytes(8))

    def move(self, seconds):
        """So far from the real one, from now on."""
        with open(self.file, "r+b") as f:
            f.write(int(seconds).to_bytes(8, "little", signed=True))
        time.sleep(0.05)


@pytest.fixture
def clock(world, monkeypatch):
    c = Clock(world)
    monkeypatch.setenv("SIGILLO_TEST_CLOCK", c.file)
    return c


@pytest.fixture
def open_path(tmp_path):
    """A folder for this test that the service's user can pass through to a folder of its own."""
    os.chmod(tmp_path, 0o755)
    for folder in tmp_path.parents:
        if str(folder) not in ("/", "/tmp"):
            os.chmod(folder, os.stat(folder).st_mode | 0o011)
    return tmp_path


def launch(world, name, settings, start=True, **kw):
    d = daemon.Sigillo(world, next(_addresses), name, settings, **kw)
    _running.append(d)
    if start:
        d.start()
    return d


def finish(d):
    try:
        if d.process is not None and d.process.poll() is None:
            d.stop()
    finally:
        keep_logs(d)


def keep_logs(d):
    """The world is a tmpfs; the logs of the last run stay below build/."""
    folder = os.path.join(daemon.ROOT, "build", "integration-logs", os.environ.get("SIGILLO_LOGS", ""))
    os.makedirs(folder, exist_ok=True)
    for path, kind in ((d.log_file, "log"), (d.config_file, "conf")):
        if os.path.exists(path):
            shutil.copyfile(path, os.path.join(folder, "%s.%s" % (d.name, kind)))


@pytest.fixture(autouse=True)
def no_unexpected_errors():
    yield
    bad = ["%s: %s" % (d.name, line) for d in _running for line in d.unexpected_errors()]
    assert not bad, "error lines in the log that the test did not announce:\n" + "\n".join(bad[:20])

# SPDX-License-Identifier: Apache-2.0
"""Scripts beside us that use packages of npm, which tools/peers puts below build/peers."""
import json
import os
import shutil
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
PEERS = os.environ.get("SIGILLO_PEERS", os.path.join(HERE, "..", "..", "build", "peers"))
NODE = shutil.which("node") or shutil.which("nodejs")


def run(sigillo, folder, package, script, *args, question, timeout=60, environment=None, uid=None):
    """What the script answers in JSON; skips the test when there is no such package in the folder of peers."""
    modules = os.path.join(PEERS, folder, "node_modules")
    if NODE is None or not os.path.isdir(os.path.join(modules, package)):
        pytest.skip("no node, or no %s at %s: run tools/peers" % (package, modules))
    env = dict(os.environ, NODE_EXTRA_CA_CERTS=sigillo.world.ca.file, **environment or {})
    user = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
    r = subprocess.run([NODE, os.path.join(HERE, script), modules, *args], env=env, input=json.dumps(question), capture_output=True, text=True,
                       timeout=timeout, **user)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)

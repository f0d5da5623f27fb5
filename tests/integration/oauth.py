# SPDX-License-Identifier: Apache-2.0
"""What asks for tokens and uses them: requests over TLS, and the clients of others below build/peers/npm (tools/peers)."""
import base64
import json
import os
import shutil
import subprocess
import urllib.parse

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
MODULES = os.path.join(os.environ.get("SIGILLO_PEERS", os.path.join(HERE, "..", "..", "build", "peers")), "npm", "node_modules")
NODE = shutil.which("node") or shutil.which("nodejs")


def call(sigillo, method, path, body=None, headers=None):
    """Over TLS: (status, headers, JSON)."""
    return sigillo.request(method, path, body, headers=headers, tls=True)


def ask(sigillo, path="/default/oauth2/v2.0/token", headers=None, **fields):
    fields = {k: v for k, v in fields.items() if v is not None}
    h = {"Content-Type": "application/x-www-form-urlencoded;charset=utf-8"}
    h.update(headers or {})
    return call(sigillo, "POST", path, urllib.parse.urlencode(fields), h)


def our_scope(sigillo):
    return sigillo.settings["public_url"] + "/.default"


def send_as(sigillo, token, mail_from, to, **changes):
    message = {"from": mail_from, "to": [to], "subject": "By token", "text": "Hello.\n"}
    message.update(changes)
    return call(sigillo, "POST", "/v1/messages", json.dumps(message), {"Content-Type": "application/json", "Authorization": "Bearer " + token})


def part(value):
    """Of a token: its header, its claims."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def run_node(sigillo, package, script, *args, question):
    """What a script beside us answers that uses a package of npm; skips the test when that is not there."""
    if NODE is None or not os.path.isdir(os.path.join(MODULES, package)):
        pytest.skip("no node, or no %s at %s: run tools/peers" % (package, MODULES))
    env = dict(os.environ, NODE_EXTRA_CA_CERTS=sigillo.world.ca.file)
    r = subprocess.run([NODE, os.path.join(HERE, script), MODULES, *args], env=env, input=json.dumps(question), capture_output=True,
                       text=True, timeout=60)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)


def node(sigillo, which, **question):
    """@azure/identity ("identity") or openid-client."""
    return run_node(sigillo, "openid-client", "oauth_client.mjs", which, question=question)

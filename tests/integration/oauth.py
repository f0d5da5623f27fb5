# SPDX-License-Identifier: Apache-2.0
"""What asks for tokens and uses them: requests over TLS, and the clients of others."""
import base64
import json
import urllib.parse

import npm


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


def node(sigillo, which, **question):
    """@azure/identity ("identity") or openid-client."""
    return npm.run(sigillo, "npm", "openid-client", "oauth_client.mjs", which, question=question)

# SPDX-License-Identifier: Apache-2.0
"""Requests to the API of Azure Communication Services without its client."""
import base64
import email.utils
import hashlib
import hmac


def call(sigillo, method, path, body=None, **headers):
    """Over TLS, without the client: (status, headers in lower case, JSON)."""
    h = {"Content-Type": "application/json"}
    h.update({k.replace("_", "-"): v for k, v in headers.items()})
    status, got, reply = sigillo.request(method, path, body, headers=h, tls=True)
    return status, {k.lower(): v for k, v in got.items()}, reply


def signed(sigillo, key, body, sent=None, date=None, host=None, target="/emails:send?api-version=2025-09-01", **changes):
    """A request as the client signs it, with what is changed afterwards."""
    date = date or email.utils.formatdate(usegmt=True)
    host = host or "%s:8443" % sigillo.address
    content = base64.b64encode(hashlib.sha256(body).digest()).decode()
    text = "POST\n%s\n%s;%s;%s" % (target, date, host, content)
    signature = base64.b64encode(hmac.digest(base64.b64decode(key["access_key"]), text.encode(), "sha256")).decode()
    headers = {"x_ms_date": date, "x_ms_content_sha256": content, "Host": host,
               "Authorization": "HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=" + signature}
    return call(sigillo, "POST", target, sent or body, **{**headers, **changes})

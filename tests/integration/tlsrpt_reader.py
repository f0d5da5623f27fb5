# SPDX-License-Identifier: Apache-2.0
"""Reads a report about TLS as RFC 8460 has it, knowing nothing of who wrote it: the JSON by a schema, the mail by the RFC's words."""
import email
import email.policy
import gzip
import json
import re

import jsonschema

COUNT = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
TEXT = {"type": "string"}
DOMAIN = {"type": "string", "pattern": r"^[a-z0-9_-]+(\.[a-z0-9_-]+)*$"}
TIME = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$"}
RESULTS = ["starttls-not-supported", "certificate-host-mismatch", "certificate-expired", "certificate-not-trusted",
           "validation-failure", "tlsa-invalid", "dnssec-invalid", "dane-required", "sts-policy-fetch-error",
           "sts-policy-invalid", "sts-webpki-invalid"]


def an_object(required, **optional):
    return {"type": "object", "additionalProperties": False, "required": list(required), "properties": {**required, **optional}}


SCHEMA = an_object({
    "organization-name": TEXT,
    "date-range": an_object({"start-datetime": TIME, "end-datetime": TIME}),
    "contact-info": {"type": "string", "pattern": r"^[^@\s]+@[^@\s]+$"},
    "report-id": {"type": "string", "minLength": 1},
    "policies": {"type": "array", "minItems": 1, "items": an_object({
        "policy": an_object(
            {"policy-type": {"enum": ["tlsa", "sts", "no-policy-found"]}, "policy-domain": DOMAIN},
            **{"policy-string": {"type": "array", "items": TEXT}, "mx-host": {"type": "array", "items": TEXT}}),
        "summary": an_object({"total-successful-session-count": COUNT, "total-failure-session-count": COUNT})},
        **{"failure-details": {"type": "array", "items": an_object(
            {"result-type": {"enum": RESULTS}, "failed-session-count": COUNT},
            **{"sending-mta-ip": {"type": "string", "format": "ip"}, "receiving-ip": {"type": "string"},
               "receiving-mx-hostname": DOMAIN, "receiving-mx-helo": TEXT, "additional-information": TEXT,
               "failure-reason-code": {"type": "string", "maxLength": 255, "pattern": "^[ -~]*$"}})}})}})


def no_twice(pairs):
    names = [n for n, _ in pairs]
    assert len(names) == len(set(names)), "a name twice: %r" % names
    return dict(pairs)


def read_json(data):
    """I-JSON [RFC 7493], checked."""
    report = json.loads(data.decode("utf-8", "strict"), object_pairs_hook=no_twice)
    jsonschema.validate(report, SCHEMA)
    return report


class Mail:
    """The report in a message, which must be as RFC 8460 s5.3 asks."""

    def __init__(self, data):
        m = email.message_from_bytes(data, policy=email.policy.default)
        self.message = m
        assert m.get_content_type() == "multipart/report" and m["Content-Type"].params["report-type"] == "tlsrpt"
        text, attached = m.iter_parts()
        assert text.get_content_type() == "text/plain"
        assert attached.get_content_type() == "application/tlsrpt+gzip"
        self.text, self.filename = text.get_content(), attached.get_filename()
        self.report = read_json(gzip.decompress(attached.get_payload(decode=True)))
        self.domain, self.submitter = m["TLS-Report-Domain"], m["TLS-Report-Submitter"]
        assert self.submitter == self.report["contact-info"].split("@")[1]
        subject = re.fullmatch(r"Report Domain: (\S+) Submitter: (\S+) Report-ID: <(\S+)@(\S+)>", m["Subject"])
        assert subject and subject.group(1, 2) == (self.domain, self.submitter) and subject[3] == self.report["report-id"]
        sender, about, begin, end, unique = self.filename.removesuffix(".json.gz").split("!")
        assert (sender, about) == (self.submitter, self.domain) and unique.isalnum() and int(end) - int(begin) == 86399


def sums(report):
    """{(policy type): (successes, failures, {result: sessions})}"""
    out = {}
    for p in report["policies"]:
        details = {}
        for f in p.get("failure-details", []):
            details[f["result-type"]] = details.get(f["result-type"], 0) + f["failed-session-count"]
        s = p["summary"]
        out[p["policy"]["policy-type"]] = (s["total-successful-session-count"], s["total-failure-session-count"], details)
    return out

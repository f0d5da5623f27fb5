# SPDX-License-Identifier: Apache-2.0
"""Reads a DMARC report in a mail as RFC 9990 has it, knowing nothing of who wrote it: the mail by the RFC's words, the XML by its schema where that lies beside the tree."""
import email
import email.policy
import gzip
import os
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET

import spec

NS = "{urn:ietf:params:xml:ns:dmarc-2.0}"
XSD = os.path.join(spec.SHARED, "rfc", "drafts", "dmarc-2.0-from-draft-32.xsd")


def valid(xml):
    """[RFC 9990 appendix A]"""
    if not os.path.exists(XSD) or shutil.which("xmllint") is None:
        return
    done = subprocess.run(["xmllint", "--noout", "--schema", XSD, "-"], input=xml, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def text(element, path):
    found = element.find("/".join(NS + p for p in path.split("/")))
    return None if found is None else found.text or ""


class Mail:
    """The report in a message, which must be as RFC 9990 s3.5.2 asks."""

    def __init__(self, data):
        m = email.message_from_bytes(data, policy=email.policy.default)
        self.message, self.raw = m, data
        note, attached = m.iter_parts()
        assert note.get_content_type() == "text/plain" and attached.get_content_type() == "application/gzip"
        self.text, self.filename = note.get_content(), attached.get_filename()
        self.xml = gzip.decompress(attached.get_payload(decode=True))
        valid(self.xml)
        self.root = root = ET.fromstring(self.xml)
        assert root.tag == NS + "feedback" and text(root, "version") == "1.0"
        assert [c.tag[len(NS):] for c in root][:3] == ["version", "report_metadata", "policy_published"]
        self.id, self.domain = text(root, "report_metadata/report_id"), text(root, "policy_published/domain")
        subject = re.fullmatch(r"Report Domain: (\S+) Submitter: (\S+) Report-ID: <(\S+)>", m["Subject"])
        assert subject and subject.group(1, 3) == (self.domain, self.id)
        submitter, about, begin, end, unique = self.filename.removesuffix(".xml.gz").split("!")
        assert (submitter, about, unique) == (subject[2], self.domain, self.id) and self.id.isalnum()
        assert (begin, end) == (text(root, "report_metadata/date_range/begin"), text(root, "report_metadata/date_range/end"))
        assert int(begin) % 86400 == 0 and int(end) - int(begin) == 86399
        assert text(root, "report_metadata/email").split("@")[1] == submitter == m["From"].addresses[0].domain

    def rows(self):
        """{(source, From, envelope, disposition, DKIM, SPF, reasons): messages}"""
        out = {}
        for r in self.root.findall(NS + "record"):
            reasons = tuple(text(x, "type") for x in r.iter(NS + "reason"))
            key = (text(r, "row/source_ip"), text(r, "identifiers/header_from"), text(r, "identifiers/envelope_from"),
                   *(text(r, "row/policy_evaluated/" + n) for n in ("disposition", "dkim", "spf")), reasons)
            assert key not in out
            out[key] = int(text(r, "row/count"))
        return out

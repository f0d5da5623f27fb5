# SPDX-License-Identifier: Apache-2.0
"""Aggregate reports of DMARC, honest and otherwise."""
import zlib

HEAD = """<?xml version="1.0"?><feedback><report_metadata><org_name>{org}</org_name><email>dmarc@reporter.test</email><report_id>{id}</report_id>
<date_range><begin>{begin}</begin><end>{end}</end></date_range></report_metadata><policy_published><domain>{domain}</domain><p>{p}</p></policy_published>"""
RECORD = """<record><row><source_ip>{ip}</source_ip><count>{count}</count><policy_evaluated><disposition>{done}</disposition><dkim>{dkim}</dkim><spf>{spf}</spf>{reason}
</policy_evaluated></row><identifiers><header_from>{domain}</header_from><envelope_from>{envelope}</envelope_from></identifiers><auth_results>
<dkim><domain>{signer}</domain><selector>s1</selector><result>{signature}</result></dkim><spf><domain>{envelope}</domain><result>{sent}</result></spf></auth_results></record>"""


def record(ip="192.0.2.1", count=1, dkim="pass", spf="pass", domain="example.org", done="none", **more):
    values = dict(ip=ip, count=count, dkim=dkim, spf=spf, domain=domain, done=done, reason="", signer=domain, signature=dkim, envelope=domain, sent=spf)
    return RECORD.format(**{**values, **more})


def report(*records, org="reporter.test", id="1", begin=1709683200, end=1709769599, domain="example.org", p="none"):
    return (HEAD.format(org=org, id=id, begin=begin, end=end, domain=domain, p=p) + "".join(records) + "</feedback>").encode()


def many(n):
    """The bytes of a report of n records of different sources, in pieces."""
    yield report().removesuffix(b"</feedback>")
    for first in range(0, n, 1000):
        yield "".join(record(ip="10.%d.%d.%d" % (i >> 16 & 255, i >> 8 & 255, i & 255), count=i * 7919 % 1000 + 1, dkim="fail" if i % 3 else "pass",
                             envelope="m%d.example.net" % (i * 31 % 977)) for i in range(first, min(n, first + 1000))).encode()
    yield b"</feedback>"


def gzipped(pieces):
    packer = zlib.compressobj(wbits=31)
    return b"".join([packer.compress(piece) for piece in pieces] + [packer.flush()])

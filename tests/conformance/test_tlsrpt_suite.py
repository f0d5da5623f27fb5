# SPDX-License-Identifier: Apache-2.0
"""Reports about TLS that large senders have sent [RFC 8460], read by `sigillo tlsrpt report`. They lie beside the repository; without them all is skipped."""
import json
import os
import subprocess

import pytest

from line_tool import SHARED, SOURCE, load, named

PROGRAM = SOURCE / os.environ.get("BUILD", "build") / "sigillo"
FOLDER = SHARED / "tlsrpt-reports"


@pytest.mark.parametrize("case", load("tlsrpt-reports", "expected.json"), ids=named(lambda c: c["file"]))
def test_reports_of_others(case):
    done = subprocess.run([PROGRAM, "tlsrpt", "report", "--json", FOLDER / case["file"]], capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    want, [got] = case["documents"][0], json.loads(done.stdout)
    policies = got["policies"]
    assert (got["organization"], got["report_id"], got["contact"]) == (want["organization"], want["report_id"], want["contact"])
    assert len(policies) == want["policies"]
    assert sorted({p["type"] for p in policies if p["type"]}) == sorted(want["policy_types"])
    assert sum(p["successful_sessions"] for p in policies) == want["successful"]
    assert sum(p["failed_sessions"] for p in policies) == want["failed"]
    assert sorted({f["result"] for p in policies for f in p["failures"]}) == sorted(want["failure_types"])

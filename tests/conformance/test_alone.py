# SPDX-License-Identifier: Apache-2.0
"""Who clones the project alone has no published suites: their tests say so, and none of them is broken by it."""
import os
import re
import subprocess
import sys


def test_without_the_suites_their_tests_are_skipped(tmp_path):
    r = subprocess.run([sys.executable, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider", "-k", "suite or vector", "--ignore", __file__, os.path.dirname(__file__)],
                       env=dict(os.environ, SIGILLO_SHARED=str(tmp_path / "none")), capture_output=True, text=True, timeout=120)
    assert r.returncode == 0 and "error" not in r.stdout.splitlines()[-1], r.stdout[-3000:]
    assert int(re.search(r"(\d+) skipped", r.stdout).group(1)) > 20, r.stdout[-3000:]

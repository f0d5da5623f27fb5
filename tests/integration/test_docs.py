# SPDX-License-Identifier: Apache-2.0
"""The examples of the pages about domains, identities, limits, policies and what belongs to them, typed in their order.

Changed on the way: example.org and its subdomains become a domain of this world, ids become those that were printed; nsupdate is not
run, and the user of a job is a number."""
import os
import re
import subprocess

import pytest

from world import daemon
from world.internet import ROOT

SETTINGS = {"verification": {"required": True, "pending": ["1h"], "interval": "1h", "timeout": "4s"}}
DOMAIN = ["domain add example.org"]
# what a reader of the page has already; everything else stands on the page
PAGES = {
    "domains": [],
    "identities": DOMAIN,
    "limits": DOMAIN + ["key add --domain example.org", "app add crm --domain example.org"],
    "policies": DOMAIN,
    "suppression": ["subscription add acme", "domain add news.example.org"],
    "bulk": DOMAIN,
    "audit": DOMAIN + ["subscription add acme", "key add --domain example.org"],
}


def examples(page):
    with open(os.path.join(ROOT, "docs", page + ".md")) as f:
        text = f.read()
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S):
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            m = re.match(r"(?:\$ |sudo )?(sigillo .*)", line)
            if m:
                yield m.group(1)


class Reader:
    def __init__(self, world, d, page, folder):
        self.world, self.d, self.folder, self.domain = world, d, str(folder), "docs-%s.test" % page
        self.key, self.other = None, None
        self.env = dict(os.environ, SIGILLO_SERVER="unix:" + d.socket, PATH=os.path.dirname(daemon.PROGRAM) + ":" + os.environ["PATH"])

    def adapt(self, line):
        line = line.replace("example.org", self.domain).replace("example.net", "parked-" + self.domain)
        line = re.sub(r"\| nsupdate .*", "", line).replace("--user job", "--uid 4711")
        return line.replace("01ftz85b24zv", str(self.key)).replace("4t8k2m9x", str(self.other))

    def type(self, line):
        line = self.adapt(line)
        r = subprocess.run(["sh", "-c", line], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=60)
        assert r.returncode == 0, "%s\nexit %d\n%s%s" % (line, r.returncode, r.stdout, r.stderr)
        for pattern, name in ((r"^id +(\w+)\nkey ", "key"), (r'It is "(\w+)" in lists', "other"), (r"^trust +(\w+)$", "other")):
            m = re.search(pattern, r.stdout, re.M)
            if m:
                setattr(self, name, m.group(1))
        m = re.match(r"sigillo domain add (\S+)", line)
        if m:
            self.d.publish_records(m.group(1))
        return r.stdout


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_of_the_page_work(world, make_sigillo, tmp_path, page):
    d = make_sigillo(SETTINGS)
    world.dns.publish(d.settings["hostname"], "A", d.address)
    reader = Reader(world, d, page, tmp_path)
    for line in PAGES[page]:
        reader.type("sigillo " + line)
    typed = [reader.type(line) for line in examples(page)]
    assert len(typed) >= 3


def test_policies_decide_as_the_page_says(world, make_sigillo, tmp_path):
    d = make_sigillo(SETTINGS)
    reader = Reader(world, d, "policies", tmp_path)
    for line in ["sigillo domain add example.org", *examples("policies")]:
        said = reader.type(line)
        if "policy test" in line:
            assert said.startswith("granted") and "allow-policy" in said
    for who, sender, granted in (("credential:monitor", "alerts@", True), ("credential:monitor", "boss@", False), ("app:crm", "boss@", False),
                                 ("credential:monitor", "ceo@", False), ("app:helpdesk", "support@shared.", True),
                                 ("app:helpdesk", "support@", False)):
        r = d.cli("policy", "test", "--identity", who, "--sender", sender + reader.domain, ok=False)
        assert (r.returncode == 0) is granted, (who, sender, r.stdout)

# SPDX-License-Identifier: Apache-2.0
"""Mistakes on purpose: each is refused whole, with the field, the rule, and what to do; by the command line and by the admin API."""
import shlex

import pytest

SETTINGS = {"verification": {"required": True, "pending": ["1h"], "interval": "1h", "timeout": "4s"},
            "domains": {"managed_zone": "mistakes-zone.test"}}

NOT_THERE = "there is no such %s; sigillo %s list shows those that are there"
# exit status, what is typed, the field, and parts of what is said
CLI = [
    (2, "domain add localhost", "domain", "one label only", "as in example.org"),
    (2, "domain add a..test", "domain", "not a domain name", "as in example.org"),
    (2, "domain add https://ours.test/", "domain", "not a domain name"),
    (2, "domain add 'our s.test'", "domain", "not a domain name"),
    (2, "domain add 192.0.2.1", "domain", "IP address", "domain name is wanted"),
    (2, "domain add xn--a.test", "domain", "xn--", "no name in another script"),
    (2, "domain add me@mistakes.test", "domain", "mail address", "behind the @"),
    (2, "domain add co.uk", "domain", "public suffix", "name of your own"),
    (2, "domain add -- ''", "domain", "empty"),
    (1, "domain add MISTAKES.test.", "domain", '"mistakes.test" exists already'),
    (1, "domain add bücher-mistakes.test", "domain", '"xn--bcher-mistakes-gsb.test" exists already'),
    (1, "domain add new-mistakes.test --subscription nobody", "subscription", "add it first: sigillo subscription add"),
    (1, "domain add mistakes.test --subscription other", "domain", "another subscription, which has proved it"),
    (1, "domain add claimed-mistakes.test --subscription other", "domain", "claim ends when"),
    (2, "domain add --managed a.b", "name", "one label of letters"),
    (2, "domain add x.mistakes-zone.test", "domain", "operator's"),
    (2, "domain add y-mistakes.test --return-path 'a b'", "return_path", "one label"),
    (1, "domain show nobody.test", "name", "no such domain", "sigillo domain list"),
    (1, "domain verify nobody.test", "name", "no such domain", "sigillo domain list"),
    (1, "domain records nobody.test", "name", "no such domain", "sigillo domain list"),
    (1, "domain remove nobody.test", "domain", NOT_THERE % ("domain", "domain")),
    (1, "domain publish mistakes.test", "name", "no dns_update", "by hand"),
    (1, "domain remove mistakes.test", "domain", "may send as this domain", "remove that first: sigillo "),
    (1, "domain remove senders-mistakes.test", "domain", "sender a@senders-mistakes.test", "remove that first: sigillo sender remove"),
    (1, "credential add x --domain nobody.test", "domain", "no such domain", "add it first: sigillo domain add"),
    (1, "credential add x --domain other-mistakes.test", "domain", "no such domain", "add it first"),
    (2, "credential add x", "--domain", "at least one domain"),
    (2, "credential add 'a b' --domain mistakes.test", "name", "1 to 64 letters"),
    (1, "credential add used --domain mistakes.test", "name", '"used" exists already'),
    (1, "credential set nobody --domain mistakes.test", "name", NOT_THERE % ("credential", "credential")),
    (2, "credential set used --profile huge", "profile", "sigillo profile list"),
    (1, "credential remove used", "name", "names it; remove that first: sigillo policy remove"),
    (1, "key add --domain nobody.test", "domain", "add it first: sigillo domain add"),
    (2, "key add --domain mistakes.test --role king", "role", "reader, owner, operator"),
    (1, "key set nobody --label x", "id", NOT_THERE % ("key", "key")),
    (1, "key remove nobody", "id", NOT_THERE % ("key", "key")),
    (1, "app add crm --domain mistakes.test", "name", "exists already"),
    (1, "app show nobody", "name", "sigillo app list"),
    (2, "app set crm --profile huge", "profile", "sigillo profile list"),
    (2, "app secret crm --expires yesterday", "expires", "as 90d"),
    (2, "app federate crm --issuer http://x.test --subject a --audience b", "trust_issuer", "https://"),
    (1, "app remove crm", "name", "policy ", "remove that first: sigillo policy remove"),
    (2, "account add --name n --address mistakes.test", "address", "as in app1@example.org"),
    (2, "account add --name n --address app1", "address", "app1@example.org"),
    (2, "account add --name n --address @mistakes.test", "address", "one whole address"),
    (1, "account add --name n --address a@nobody.test", "address", "add it first: sigillo domain add nobody.test"),
    (2, "account add --name n --address 'a b@mistakes.test'", "address", "128 letters"),
    (1, "account add --name n --address a@mistakes.test", "address", "exists already"),
    (1, "account add --name n --address z@mistakes.test --allow-app nobody", "app", 'no application "nobody"'),
    (2, "account set a@mistakes.test --profile huge", "profile", "sigillo profile list"),
    (1, "account show nobody@mistakes.test", "address", "sigillo account list"),
    (1, "account remove nobody@mistakes.test", "address", NOT_THERE % ("account", "account")),
    (2, "sender add a@", "address", "no domain"),
    (2, "sender add app1", "address", "neither an @ nor a domain", "app1@example.org"),
    (1, "sender add a@nobody.test", "address", "add it first: sigillo domain add"),
    (1, "sender add a@mistakes.test --identity credential:nobody", "identity", "credential:NAME or key:ID"),
    (2, "group add g --member a@", "members[0]", "no domain"),
    (2, "group add g --member support", "members[0]", "neither an @ nor a domain"),
    (1, "group add used", "name", 'group "used" exists already'),
    (1, "group show nobody", "name", "sigillo group list"),
    (1, "group remove used", "name", "names this group", "remove that first: sigillo policy remove"),
    (1, "policy add --app crm --allow --senders nobody", "group", "add it first: sigillo group add"),
    (1, "policy add --app nobody --allow --senders used", "identity", "credential:NAME, key:ID"),
    (2, "policy add --app crm --senders used", "--allow", "--deny"),
    (1, "policy remove nobody", "id", NOT_THERE % ("policy", "policy")),
    (2, "policy test --app crm --sender mistakes.test", "sender", "no @"),
    (2, "subscription add n --profile huge", "profile", "sigillo profile list"),
    (1, "subscription show nobody", "name", "sigillo subscription list"),
    (2, "suppression add nonsense", "addresses[0]", "no @"),
    (1, "suppression add a@b.test --subscription nobody", "subscription", "sigillo subscription list"),
    (1, "send --from a@nobody.test --to b@good.test --subject x --text /dev/null", "MAIL FROM", "no such domain", "sigillo domain add"),
    (1, "send --from a@claimed-mistakes.test --to b@good.test --subject x --text /dev/null", "MAIL FROM",
     "records are verified", "sigillo domain show claimed-mistakes.test"),
]

API = [  # status, method, path, body, field, code
    (422, "POST", "/admin/v1/domains", {"name": "192.0.2.1"}, "domain", "IP address"),
    (422, "POST", "/admin/v1/domains", {"name": "co.uk"}, "domain", "public suffix"),
    (422, "POST", "/admin/v1/domains", {"name": "me@mistakes.test"}, "domain", "mail address"),
    (422, "POST", "/admin/v1/domains", {"name": "a\r\nb.test"}, "domain", "not a domain name"),
    (400, "POST", "/admin/v1/domains", {"name": "a.test\0.b.test"}, "body", "not JSON"),
    (409, "POST", "/admin/v1/domains", {"name": "mistakes.test", "subscription": "other"}, "domain", "has proved it"),
    (400, "POST", "/admin/v1/domains", {"name": 7}, "name", "string"),
    (400, "POST", "/admin/v1/domains", {"nam": "a.test"}, "nam", "no such member"),
    (409, "DELETE", "/admin/v1/domains/mistakes.test", None, "domain", "remove that first"),
    (404, "DELETE", "/admin/v1/domains/nobody.test", None, "domain", "sigillo domain list"),
    (404, "POST", "/admin/v1/credentials", {"name": "x", "domains": ["mistakes.test", "nobody.test"]}, "domain", "number 2"),
    (422, "POST", "/admin/v1/accounts", {"name": "n", "address": "mistakes.test"}, "address", "one whole address"),
    (404, "POST", "/admin/v1/accounts", {"name": "n", "address": "a@nobody.test"}, "address", "add it first"),
    (422, "PATCH", "/admin/v1/accounts/a@mistakes.test", {"profile": "huge"}, "profile", "no limit profile"),
    (409, "DELETE", "/admin/v1/groups/used", None, "name", "names this group"),
    (422, "POST", "/admin/v1/groups", {"name": "g", "members": ["a@mistakes.test", "support"]}, "members[1]", "neither an @"),
    (404, "POST", "/admin/v1/policies", {"identity": "app:nobody", "right": "allow", "group": "used"}, "identity", "no such identity"),
]


@pytest.fixture(scope="module")
def server(world, sigillo):
    d = sigillo
    world.dns.publish(d.settings["hostname"], "A", d.address)
    d.json("subscription", "add", "other")
    for name in ("mistakes.test", "claimed-mistakes.test", "senders-mistakes.test", "bücher-mistakes.test"):
        d.json("domain", "add", name)
    d.publish_records("mistakes.test")
    assert d.json("domain", "verify", "mistakes.test")["may_send"]
    d.json("domain", "add", "other-mistakes.test", "--subscription", "other")
    d.json("sender", "add", "a@senders-mistakes.test")
    d.json("credential", "add", "used", "--domain", "mistakes.test")
    d.json("app", "add", "crm", "--domain", "mistakes.test")
    d.json("account", "add", "--name", "n", "--address", "a@mistakes.test")
    d.json("group", "add", "used", "--member", "a@mistakes.test")
    for who in ("app:crm", "credential:used"):
        d.json("policy", "add", "--identity", who, "--allow", "--senders", "used")
    return d


def all_nouns(d):
    """Everything that is there, but what clocks and counters say."""
    nouns = {}
    for noun in ("domain", "credential", "key", "app", "account", "sender", "group", "policy", "subscription", "suppression"):
        for one in next(iter(d.json(noun, "list").values())):
            nouns.setdefault(noun, []).append({k: v for k, v in one.items() if k in ("name", "address", "id", "identity", "version", "domains")})
    return nouns


@pytest.mark.parametrize("code,typed,field,says", [(c[0], c[1], c[2], c[3:]) for c in CLI], ids=[c[1] for c in CLI])
def test_what_is_said_of_a_mistake(server, code, typed, field, says):
    r = server.cli(*shlex.split(typed), ok=False)
    assert r.returncode == code and r.stdout == "", (r.returncode, r.stdout, r.stderr)
    assert r.stderr.startswith("sigillo: %s: " % field) and r.stderr.count("\n") == 1, r.stderr
    assert all(part in r.stderr[len("sigillo: "):] or part.capitalize() in r.stderr for part in says), r.stderr


@pytest.mark.parametrize("status,method,path,body,field,says", API, ids=["%s %s %s" % (a[1], a[2], a[3]) for a in API])
def test_what_the_api_says_of_it(server, status, method, path, body, field, says):
    got, answer = server.admin(method, path, body)
    assert (got, answer["field"]) == (status, field), answer
    assert says.lower() in answer["detail"].lower() and answer["code"], answer


def test_nothing_is_half_done(server):
    before = all_nouns(server)
    for row in CLI:
        server.cli(*shlex.split(row[1]), ok=False)
    for _, method, path, body, _, _ in API:
        server.admin(method, path, body)
    assert all_nouns(server) == before


def test_what_is_said_to_do_helps(server):
    """The mistake, what its answer says, and then it works."""
    d = server
    d.json("credential", "add", "gone", "--domain", "claimed-mistakes.test")
    r = d.cli("domain", "remove", "claimed-mistakes.test", ok=False)
    d.cli(*shlex.split(r.stderr.strip().split("remove that first: sigillo ")[1]))
    r = d.cli("account", "add", "--name", "n", "--address", "b@helped-mistakes.test", ok=False)
    d.cli(*shlex.split(r.stderr.strip().split("add it first: sigillo ")[1]))
    d.cli("account", "add", "--name", "n", "--address", "b@helped-mistakes.test")
    d.cli("domain", "remove", "claimed-mistakes.test")

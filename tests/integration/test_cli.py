# SPDX-License-Identifier: Apache-2.0
"""The command line: its promises about exit statuses, errors, JSON; its man pages and completions."""
import json
import os
import re
import smtplib
import subprocess

import pytest

from world import daemon
from world.internet import wait_for

ROOT = daemon.ROOT
USAGE, NO, UNKNOWN = 2, 1, 3


def run(*args, server="unix:/nonexistent/admin.sock", **kw):
    return subprocess.run([daemon.PROGRAM, *args], capture_output=True, text=True, timeout=30,
                          env=dict(os.environ, SIGILLO_SERVER=server, SIGILLO_TOKEN=""), **kw)


def verbs():
    """Every verb of the help, e.g. "queue show"."""
    return [m.group(1) for m in re.finditer(r"^  ([a-z]+(?: [a-z]+)?)(?: \[?[A-Z]+\]?)?\s{2,}", run("help").stdout, re.M)
            if m.group(1) != "help"]


def options(verb):
    return re.findall(r"^  (--[a-z0-9-]+)", run(*verb.split(), "--help").stdout, re.M)


# -- wrong usage ----------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("args, what", [
    (["nonsense"], "nonsense"),
    (["domain", "nonsense"], "nonsense"),
    (["domain", "add"], "domain add"),
    (["domain", "add", "a.test", "b.test"], "b.test"),
    (["domain", "list", "--nonsense"], "--nonsense"),
    (["queue", "list", "--max"], "--max"),
    (["queue", "show"], "queue show"),
    (["queue", "retry"], "queue retry"),
    (["queue", "hold", "--recipient", "a@b.test"], "queue hold"),
    (["domain", "records", "a.test", "--format", "xml"], "--format"),
    (["domain", "list", "--json=yes"], "--json"),
    (["credential", "add", "x"], "--domain"),
    (["key", "add"], "--domain"),
    (["send", "--to", "a@b.test"], "--from"),
    (["send", "--from", "a@b.test"], "--to"),
    (["send", "--from", "a@b.test", "--to", "not an address"], "--to"),
    (["send", "--from", "a@b.test", "--to", "a@b.test", "--text", "/nonexistent"], "--text"),
    (["send", "--from", "a@b.test", "--to", "a@b.test", "--wait", "--timeout", "soon"], "--timeout"),
    (["send", "--from", "a@b.test", "--from", "c@b.test", "--to", "a@b.test"], "--from"),
    (["trace"], "trace"),
    (["domain", "list", "--server", "ftp://x"], "--server"),
    (["domain", "list", "--server", "https://localhost"], "SIGILLO_TOKEN"),
    (["serve", "--nonsense"], "--nonsense"),
    (["serve", "--config"], "--config"),
    (["serve", "--check", "extra"], "extra"),
    (["serve", "--check", "--config", "/nonexistent"], "serve: /nonexistent"),
    (["init", "--key", "x"], "--certificate"),
    (["init", "--config", "/nonexistent/x", "--state-dir", "relative"], "--state-dir"),
])
def test_wrong_usage_is_one_line_that_names_what_is_wrong(args, what):
    r = run(*args, stdin=subprocess.DEVNULL)
    assert r.returncode == USAGE, r
    assert r.stdout == ""
    assert r.stderr.startswith("sigillo: %s: " % what) and r.stderr.count("\n") == 1, r.stderr


def test_control_bytes_are_never_echoed():
    r = run("domain", "show", "a\x1b[31m\x07b", "extra\x1b]0;x\x07")
    assert r.returncode == USAGE
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", r.stderr), repr(r.stderr)
    r = run("serve", "--a\x1b]0;x\x07")
    assert r.returncode == USAGE
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", r.stderr), repr(r.stderr)


def test_without_a_server_the_exit_status_is_3():
    r = run("domain", "list")
    assert r.returncode == UNKNOWN
    assert r.stderr.startswith("sigillo: unix:/nonexistent/admin.sock: ") and r.stderr.count("\n") == 1


def test_help_and_version():
    assert re.match(r"sigillo \d+\.\d+\.\d+\n$", run("--version").stdout)
    assert run("help").returncode == 0
    assert run("help", "queue", "show").stdout == run("queue", "show", "--help").stdout
    assert run().returncode == USAGE
    for verb in verbs():
        r = run(*verb.split(), "--help")
        assert r.returncode == 0 and r.stdout.startswith("Usage: sigillo " + verb), verb
    assert options("serve") == ["--config", "--check", "--help"]  # the server itself has no server to ask


def test_help_reads_well_at_80_columns():
    pages = [run("help").stdout] + [run("help", *verb.split()).stdout for verb in verbs()]
    assert [line for page in pages for line in page.splitlines() if len(line) > 80] == []


def test_help_tells_verbs_that_need_a_server_from_those_that_do_not():
    groups = dict(re.findall(r"^(\w[^\n]*):\n((?:  [^\n]*\n)+)", run("help").stdout, re.M))
    assert list(groups) == ["Without a server", "To run a server", "With a server"]
    for group, verb in [("Without a server", "dkim verify"), ("To run a server", "serve"), ("With a server", "queue list")]:
        assert "\n  %s " % verb in "\n" + groups[group]


# -- pages and completions ------------------------------------------------------------------------------------------

def text_of(*path):
    with open(os.path.join(ROOT, *path)) as f:
        return f.read()


def test_every_verb_and_option_stands_in_its_man_page():
    common = {"--server", "--json", "--help"}
    for verb in verbs():
        page = text_of("man", "sigillo-%s.1" % verb.split()[0]).replace("\\-", "-")
        assert verb.split()[-1] in page, verb
        for option in set(options(verb)) - common:
            assert "Fl Fl %s" % option[2:] in page, (verb, option)


def test_man_pages_are_well_formed():
    for name in os.listdir(os.path.join(ROOT, "man")):
        r = subprocess.run(["groff", "-mandoc", "-Tutf8", "-ww", "-z", os.path.join(ROOT, "man", name)], capture_output=True,
                           text=True)
        assert r.returncode == 0 and r.stderr == "", (name, r.stderr)


def test_both_pages_of_the_configuration_say_the_same():
    """The same keys in the same order, with the same presets; and both or neither say that a key needs a restart."""
    def plain(text):
        return re.sub(r"\\f[BIR]|`", "", text)
    page = [(key, plain(preset), "Restart" in words) for key, preset, words in
            re.findall(r"^\| `(\w+)` \| (.*?) \| ?(.*?) ?\|$", text_of("docs", "configuration.md"), re.M)]
    man = []
    for item in re.split(r"^\.It Ic ", text_of("man", "sigillo.conf.5"), flags=re.M)[1:]:
        words = item.split("\n.El")[0]
        man.append((words.split("\n")[0], plain(re.search(r"^Preset: (.*?)\.?$", words, re.M).group(1)), "Restart" in words))
    assert len(page) > 50 and man == page


def test_every_verb_and_option_is_completed():
    bash, zsh, fish = (text_of("packaging", "completion", n) for n in ("sigillo.bash", "_sigillo", "sigillo.fish"))
    for verb in verbs():
        for word in verb.split():
            assert all(word in text for text in (bash, zsh, fish)), verb
        for option in options(verb):
            assert option in bash and option in zsh and "-l " + option[2:] in fish, (verb, option)
    offers = [line for line in fish.splitlines() if line.startswith("complete ")]
    assert len(offers) == len(set(offers))  # else fish offers a word twice


def test_bash_completes():
    script = "source %s; COMP_WORDS=(sigillo queue h); COMP_CWORD=2; _sigillo; echo ${COMPREPLY[@]}" % os.path.join(
        ROOT, "packaging", "completion", "sigillo.bash")
    assert subprocess.run(["bash", "-c", script], capture_output=True, text=True).stdout == "hold\n"


# -- init -----------------------------------------------------------------------------------------------------------

def init(folder, *more):
    user = subprocess.run(["id", "-un"], capture_output=True, text=True).stdout.strip()
    return run("init", "--config", "%s/sigillo.conf" % folder, "--state-dir", "%s/state" % folder, "--admin-socket",
               "%s/admin.sock" % folder, "--hostname", "mail.example.test", "--user", user, *more)


def test_init_writes_a_good_configuration_and_shows_secrets_once(tmp_path):
    r = init(tmp_path, "--json")
    assert r.returncode == 0, r.stderr
    made = json.loads(r.stdout)
    assert re.match(r"sk_[0-9a-z]{12}_[\w-]{43}$", made["key"]["key"])
    assert made["credential"]["name"] == "local"
    check = subprocess.run([daemon.PROGRAM, "serve", "--check", "--config", made["config"]], capture_output=True, text=True)
    assert check.returncode == 0, check.stderr
    assert os.stat(made["state_dir"]).st_mode & 0o066 == 0
    assert os.stat(made["state_dir"] + "/store").st_mode & 0o077 == 0
    for folder, _, names in os.walk(tmp_path):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                data = f.read()
            assert made["key"]["key"].encode() not in data and made["credential"]["password"].encode() not in data, name


def test_a_server_without_a_configuration_says_what_writes_one(tmp_path):
    r = run("serve", "--config", str(tmp_path / "none"))
    assert r.returncode == USAGE and r.stderr == "sigillo: serve: %s: there is no such file; sigillo init writes the first one\n" % (tmp_path / "none")


def test_init_never_overwrites(tmp_path):
    assert init(tmp_path).returncode == 0
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    r = init(tmp_path)
    assert r.returncode == NO and "exists already" in r.stderr and "sigillo serve --config %s;" % (tmp_path / "sigillo.conf") in r.stderr
    (tmp_path / "sigillo.conf").unlink()
    r = init(tmp_path)
    assert r.returncode == NO and "store" in r.stderr and "--state-dir" in r.stderr
    assert not (tmp_path / "sigillo.conf").exists()
    assert all(p.read_bytes() == data for p, data in before.items() if p.name != "sigillo.conf")


def test_what_init_made_is_there_when_the_server_starts(world, tmp_path):
    made = json.loads(init(tmp_path, "--json").stdout)
    with open(tmp_path / "log", "wb") as log:
        server = subprocess.Popen([daemon.PROGRAM, "serve", "--config", made["config"]], stderr=log, stdout=log,
                                  stdin=subprocess.DEVNULL)
    try:
        listed = wait_for(lambda: run("key", "list", "--json", server="unix:" + made["admin_socket"]),
                          lambda r: r.returncode == 0, 20, "the server")
        assert [k["id"] for k in json.loads(listed.stdout)["keys"]] == [made["key"]["id"]]
        names = run("credential", "list", "--json", server="unix:" + made["admin_socket"]).stdout
        assert [c["name"] for c in json.loads(names)["credentials"]] == ["local"]
    finally:
        server.terminate()
        assert server.wait(20) == 0, (tmp_path / "log").read_text()


# -- against a server -----------------------------------------------------------------------------------------------

def test_what_is_not_there_or_there_already_is_a_no(sigillo, sender):
    for args, what in ((["domain", "show", "nobody.test"], "name"), (["queue", "show", "0000000000000"], "id"),
                       (["queue", "show", "nonsense"], "id"), (["domain", "add", "app.test"], "domain"),
                       (["credential", "remove", "nobody"], "name"), (["domain", "remove", "app.test"], "domain"),
                       (["trace", "--to", "nobody@nowhere.test"], "trace")):
        r = sigillo.cli(*args, ok=False)
        assert r.returncode == NO, (args, r)
        assert r.stderr.startswith("sigillo: %s: " % what) and r.stderr.count("\n") == 1, r.stderr


def test_what_the_server_finds_wrong_is_wrong_usage(sigillo):
    for args in (["domain", "add", "localhost"], ["domain", "add", "a b.test"], ["domain", "add", ""],
                 ["queue", "list", "--since", "yesterday"], ["queue", "list", "--max", "0"],
                 ["subscription", "add", "a b"]):
        r = sigillo.cli(*args, ok=False)
        assert r.returncode == USAGE, (args, r)
        assert r.stderr.count("\n") == 1


def test_json_is_one_document_for_every_list(sigillo, sender):
    assert "app.test" in [d["name"] for d in sigillo.json("domain", "list")["domains"]]
    assert sender.user in [c["name"] for c in sigillo.json("credential", "list")["credentials"]]
    assert [k["domains"] for k in sigillo.json("key", "list")["keys"]].count(["app.test"]) >= 1
    assert "default" in [s["name"] for s in sigillo.json("subscription", "list")["subscriptions"]]
    assert isinstance(sigillo.json("queue", "list")["messages"], list)
    for args in (["domain", "list"], ["credential", "list"], ["key", "list"], ["subscription", "list"], ["queue", "list"]):
        assert sigillo.cli(*args).stdout


def test_records_in_every_form_say_the_same(sigillo, sender):
    sigillo.cli("domain", "add", "forms.test")
    table = sigillo.cli("domain", "records", "forms.test").stdout
    zone = sigillo.cli("domain", "records", "forms.test", "--zone").stdout
    update = sigillo.cli("domain", "records", "forms.test", "--nsupdate").stdout
    records = sigillo.json("domain", "records", "forms.test")["records"]
    assert {r["purpose"] for r in records} == {"ownership", "spf", "dkim", "dkim2", "dmarc", "return-mx", "return-spf", "tls-rpt"}
    assert {r["relative"] for r in records if r["purpose"] == "dkim"} == {"s1._domainkey"}
    for r in records:
        assert r["name"] in table and r["name"] + ". " in zone and "update add %s. " % r["name"] in update
    for line in zone.splitlines():
        if line.startswith(";") or " TXT " not in line:
            continue
        strings = re.findall(r'"((?:[^"\\]|\\.)*)"', line)
        assert all(len(s) <= 255 for s in strings)
        assert "".join(strings) in [r["value"] for r in records]


def test_a_password_from_standard_input_logs_in(sigillo, sender):
    sigillo.cli("credential", "add", "piped", "--domain", "app.test", "--password-stdin", input="a long password\n")
    c = sigillo.connect(587)
    c.login("piped", "a long password")
    c.quit()
    r = sigillo.cli("credential", "add", "piped2", "--domain", "app.test", "--password-stdin", input="short\n", ok=False)
    assert r.returncode == USAGE and r.stderr.startswith("sigillo: password: ")


def test_a_credential_is_changed_while_its_user_is_logged_in(sigillo, sender):
    sigillo.cli("domain", "add", "other.test")
    sigillo.cli("credential", "add", "moved", "--domain", "app.test", "--password-stdin", input="a long password\n")
    c = sigillo.connect(587)
    c.login("moved", "a long password")
    assert c.mail("me@app.test")[0] == 250
    c.rset()
    assert "moved is changed" in sigillo.cli("credential", "set", "moved", "--domain", "other.test").stdout
    assert c.mail("me@app.test")[0] == 550
    assert c.mail("me@other.test")[0] == 250
    c.quit()
    made = sigillo.json("credential", "set", "moved", "--new-password")
    assert made["domains"] == ["other.test"] and made["version"] == 3
    c = sigillo.connect(587)
    with pytest.raises(smtplib.SMTPAuthenticationError):
        c.login("moved", "a long password")
    c.login("moved", made["password"])
    c.quit()


def test_a_key_is_changed_and_keeps_its_secret(sigillo, sender):
    key = sigillo.json("key", "add", "--domain", "app.test", "--label", "before")
    changed = sigillo.json("key", "set", key["id"], "--label", "after")
    assert (changed["label"], changed["domains"], changed["version"]) == ("after", ["app.test"], 2)
    for args in (["key", "set", key["id"]], ["credential", "set", "x"],
                 ["credential", "set", "x", "--password-stdin", "--new-password"]):
        assert sigillo.cli(*args, ok=False).returncode == USAGE
    assert sigillo.cli("key", "set", "nobody", "--label", "x", ok=False).returncode == NO


def test_send_wait_follows_to_the_end(world, sigillo, sender, tmp_path):
    (tmp_path / "a.pdf").write_bytes(b"%PDF-1.4\n")
    r = sigillo.cli("send", "--from", "Grüße <me@app.test>", "--to", "cli@good.test", "--bcc", "hidden@good.test",
                    "--subject", "Ärger", "--attach", str(tmp_path / "a.pdf"), "--text", "-", "--wait", input="Hallo.\n")
    assert "delivered" in r.stdout
    got = world.wait_mail("cli@good.test")[0]
    assert b"hidden" not in got and b"application/pdf" in got
    assert world.wait_mail("hidden@good.test")


def test_send_wait_says_no_when_it_fails(world, sigillo, sender):
    r = sigillo.cli("send", "--from", "me@app.test", "--to", "someone@nullmx.test", "--subject", "x", "--wait", "--timeout",
                    "20", input="x\n", ok=False)
    assert r.returncode == NO and "failed" in r.stdout, r


def test_a_stranger_may_not_be_sent_as(sigillo, sender):
    r = sigillo.cli("send", "--from", "me@good.test", "--to", "x@good.test", "--subject", "x", input="x\n", ok=False)
    assert r.returncode == NO and "good.test" in r.stderr, r


def test_hold_release_and_cancel(sigillo, sender):
    message_id = sigillo.submit(sender, "later@wrong.test")
    sigillo.cli("queue", "hold", message_id)
    assert sigillo.show(message_id)["recipients"][0]["state"] == "held"
    assert "held" in sigillo.cli("queue", "list", "--to", "later@wrong.test").stdout
    sigillo.cli("queue", "release", message_id, "--recipient", "later@wrong.test")
    assert sigillo.show(message_id)["recipients"][0]["state"] == "queued"
    sigillo.cli("queue", "cancel", message_id)
    assert sigillo.show(message_id)["recipients"][0]["state"] == "cancelled"
    assert sigillo.cli("queue", "cancel", message_id, ok=False).returncode == NO
    kinds = [e["kind"] for e in sigillo.json("trace", message_id)["events"]]
    assert kinds[0] == "accepted" and {"held", "released", "cancelled"} <= set(kinds)


def test_trace_tells_each_step(world, sigillo, sender):
    message_id = sigillo.submit(sender, "steps@good.test")
    sigillo.wait_state(message_id, "delivered")
    text = sigillo.cli("trace", message_id).stdout
    for word in ("accepted", "durable in", "signed", "d=app.test s=s1", "MX mx.good.test", "TLSv1.", "DANE verified", "delivered"):
        assert word in text, text
    assert message_id in sigillo.cli("trace", "--to", "steps@good.test", "--since", "1h").stdout


# -- over TLS -------------------------------------------------------------------------------------------------------

def test_an_operators_key_opens_the_admin_api_over_tls_and_no_other_does(world, make_sigillo):
    d = make_sigillo()
    url = d.open_https()
    d.restart()
    sender = d.sender("tls.test", publish=False)
    operator = d.json("key", "add", "--admin")["key"]

    def over_tls(key):
        env = dict(os.environ, SIGILLO_TOKEN=key, SIGILLO_CA=world.ca.file)
        return subprocess.run([daemon.PROGRAM, "domain", "list", "--json", "--server", url],
                              capture_output=True, text=True, timeout=30, env=env)
    listed = over_tls(operator)
    assert listed.returncode == 0, listed.stderr
    assert [n["name"] for n in json.loads(listed.stdout)["domains"]] == ["tls.test"]
    for key in (sender.key, "sk_nobody_x", operator[:-1]):
        r = over_tls(key)
        assert r.returncode == NO and r.stderr.startswith("sigillo: Authorization: "), r
    assert d.get("/admin/v1/domains", key=operator)[0] == 403


def test_a_certificate_that_is_not_trusted_is_not_talked_to(world, make_sigillo):
    d = make_sigillo()
    url = d.open_https()
    d.restart()
    env = dict(os.environ, SIGILLO_TOKEN="sk_secret_secret")
    r = subprocess.run([daemon.PROGRAM, "domain", "list", "--server", url], capture_output=True,
                       text=True, timeout=30, env=env)
    assert r.returncode == UNKNOWN and "certificate" in r.stderr, r

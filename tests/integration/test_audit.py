# SPDX-License-Identifier: Apache-2.0
"""Who changed what: each change with its line, also when the server is killed; roles over TLS; lines that nobody changes."""
import csv
import http.client
import io
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from world import daemon
from world.internet import wait_for

NO, USAGE = 1, 2


def lines(d, *options):
    """Oldest first."""
    return d.json("report", "audit", *options)["audit"][::-1]


def short(line):
    return (line["action"], line["object"], line["subscription"], line["result"], line["detail"])


def test_each_change_has_a_line(make_sigillo):
    d = make_sigillo()
    d.cli("subscription", "add", "acme", "--profile", "standard")
    d.cli("subscription", "set", "acme", "--profile", "unlimited")
    d.cli("domain", "add", "audit.test", "--subscription", "acme")
    d.cli("credential", "add", "audit-app", "--domain", "audit.test", "--subscription", "acme")
    d.cli("credential", "remove", "audit-app")
    key = d.json("key", "add", "--role", "reader", "--label", "a board", "--subscription", "acme")
    d.cli("suppression", "add", "a@x.test", "b@x.test", "--subscription", "acme")
    d.cli("suppression", "remove", "a@x.test", "--subscription", "acme")
    d.cli("domain", "remove", "AUDIT.test")
    assert d.cli("domain", "remove", "audit.test", ok=False).returncode == NO
    found = wait_for(lambda: lines(d), lambda l: l[-1]["result"] != "done", 5, "the refusal")
    first = {l["action"]: l for l in found if l["actor"].startswith("system")}
    assert first["subscription add"]["object"] == "subscription:default" and "version" in first["server start"]["detail"]
    assert first["token-key add"]["object"].startswith("token-key:")
    own = [l for l in found if l["actor"].startswith("local:uid=")]
    assert [short(l) for l in own] == [
        ("subscription add", "subscription:acme", "acme", "done", "profile standard"),
        ("subscription change", "subscription:acme", "acme", "done", "profile standard -> unlimited"),
        ("domain add", "domain:audit.test", "acme", "done", own[2]["detail"]),
        ("credential add", "credential:audit-app", "acme", "done", "domains audit.test"),
        ("credential remove", "credential:audit-app", "acme", "done", "domains audit.test"),
        ("key add", "key:" + key["id"], "acme", "done", "label a board; role reader"),
        ("suppression add", "suppression", "acme", "done", "reason manual; 2 addresses: a@x.test, b@x.test"),
        ("suppression remove", "suppression:a@x.test", "acme", "done", ""),
        ("domain remove", "domain:audit.test", "acme", "done", own[8]["detail"]),
        ("domain remove", "domain:audit.test", "", "not-found", "domain: there is no such domain; sigillo domain list shows those that are there")]
    assert all(l["peer"].startswith("unix:uid=") and l["at"].endswith("Z") for l in own)


def test_a_hand_on_the_queue_has_a_line(world, make_sigillo):
    d = make_sigillo()
    sender = d.sender("audit-queue.test")
    world.receiver("audit-later.test", {"rcpt": "451 4.3.0 later"})
    message = d.submit(sender, "x@audit-later.test")
    d.cli("queue", "hold", message)
    d.cli("queue", "cancel", "--domain", "audit-later.test")
    assert [short(l) for l in lines(d) if l["action"].startswith("queue")] == [
        ("queue hold", "message:" + message, "", "done", "1 recipients"),
        ("queue cancel", "queue", "", "done", "to audit-later.test: 1 recipients")]


def test_what_the_report_shows(sigillo):
    for i in range(3):
        sigillo.cli("subscription", "add", "shown%d" % i)
    assert [l["object"] for l in lines(sigillo, "--object", "SHOWN1")] == ["subscription:shown1"]
    assert lines(sigillo, "--action", "server start", "--by", "system")
    assert lines(sigillo, "--subscription", "shown2")[0]["action"] == "subscription add"
    assert lines(sigillo, "--by", "key") == []
    text = sigillo.cli("report", "audit", "--object", "subscription").stdout
    assert text.split()[:6] == ["WHEN", "WHO", "ACTION", "OBJECT", "RESULT", "DETAIL"] and "subscription:shown0" in text
    rows = list(csv.DictReader(io.StringIO(sigillo.cli("report", "audit", "--csv", "--object", "shown0").stdout)))
    assert rows[0]["action"] == "subscription add" and rows[0]["result"] == "done"
    assert sigillo.cli("report", "audit", "--since", "soon", ok=False).returncode == USAGE
    assert sigillo.cli("report", "audit", "--csv", "--json", ok=False).returncode == USAGE


def test_all_pages_are_read(make_sigillo):
    d = make_sigillo(start=False)
    d.start()
    d.stop()
    db = database(d)
    with db:
        db.executemany("INSERT INTO audit(at_ms,actor,peer,action,object,subscription,result,detail)"
                       " VALUES(?,'key:k','','subscription add','subscription:many','many','done','')",
                       [(int(time.time() * 1000) - 1000,)] * 2500)
    db.close()
    d.start()
    assert len(lines(d, "--object", "many")) == 2500
    assert len(d.cli("report", "audit", "--csv", "--object", "many").stdout.splitlines()) == 2501


def test_the_server_itself(make_sigillo):
    d = make_sigillo()
    d.settings["queue"]["expire"] = "48h"
    d.settings["profile audit-small"] = {"limits": ["5 messages/minute"]}
    d.reload()
    found = wait_for(lambda: lines(d, "--action", "configuration reload"), bool, 5, "the reload")
    assert found[0]["result"] == "done" and "queue.expire 72h -> 48h" in found[0]["detail"]
    assert "profile audit-small: added" in found[0]["detail"] and found[0]["actor"] == "system"
    with open(d.config_file, "a") as f:
        f.write("no_such_key = 1\n")
    d.expect("configuration refused")
    d.process.send_signal(signal.SIGHUP)
    found = wait_for(lambda: lines(d, "--action", "configuration reload"), lambda l: len(l) == 2, 5, "the refusal")
    refused = [l for l in found if l["result"] == "refused"]
    assert len(refused) == 1 and "no_such_key" in refused[0]["detail"] and refused[0]["object"] == "server", found
    d.restart()
    wait_for(lambda: [l["action"] for l in lines(d, "--object", "server")],
             lambda a: a == ["server start", "configuration reload", "configuration reload", "server stop", "server start"], 5, "what the server did")


def database(d):
    return sqlite3.connect(os.path.join(d.state, "store", "sigillo.db"))


def test_old_lines_go_and_no_others(make_sigillo):
    d = make_sigillo({"audit": {"keep": "2d"}})
    d.cli("subscription", "add", "stays")
    d.stop()
    db = database(d)
    day = 86400 * 1000
    for days in (3, 1):
        with db:
            db.execute("INSERT INTO audit(at_ms,actor,peer,action,object,subscription,result,detail)"
                       " VALUES(?,'key:k','','domain add',?,'','done','')", (int(time.time() * 1000) - days * day, "domain:d%d" % days))
    for sql in ("DELETE FROM audit", "UPDATE audit SET actor='x'", "REPLACE INTO audit SELECT * FROM audit"):
        with pytest.raises(sqlite3.IntegrityError):
            db.execute(sql)
    db.rollback()
    db.close()
    d.start()
    found = wait_for(lambda: {l["object"] for l in lines(d, "--since", "300d")}, lambda o: "domain:d3" not in o, 10, "the old line goes")
    assert {"domain:d1", "subscription:stays"} <= found


# -- roles over TLS -----------------------------------------------------------------------------------------------

@pytest.fixture
def over_tls(world, make_sigillo):
    d = make_sigillo(start=False)
    url = d.open_https()
    d.start()
    d.cli("subscription", "add", "acme")

    def ask(key, *args):
        return subprocess.run([daemon.PROGRAM, *args, "--server", url], capture_output=True, text=True,
                              timeout=60, env=dict(os.environ, SIGILLO_TOKEN=key, SIGILLO_CA=world.ca.file))
    return d, ask


def test_an_owner_at_the_command_line(over_tls):
    d, ask = over_tls
    owner = d.json("key", "add", "--role", "owner", "--subscription", "acme")["key"]
    reader = d.json("key", "add", "--role", "reader", "--subscription", "acme")["key"]
    d.cli("domain", "add", "operators.test")
    r = ask(owner, "domain", "add", "acme.test")
    assert r.returncode == 0, r.stderr
    assert "operators.test" not in ask(reader, "domain", "list").stdout and "acme.test" in ask(reader, "domain", "list").stdout
    assert ask(owner, "domain", "remove", "operators.test").returncode == NO
    assert ask(owner, "subscription", "set", "acme", "--profile", "unlimited").returncode == NO
    assert ask(owner, "key", "add", "--role", "operator").returncode == NO
    r = ask(reader, "domain", "add", "acme2.test")
    assert r.returncode == NO and "owner" in r.stderr
    wait_for(lambda: ask(reader, "report", "audit", "--json").stdout, lambda t: "acme2.test" in t, 5, "the refusal")
    text = ask(reader, "report", "audit").stdout
    assert "acme.test" in text and "server start" not in text
    assert {l["subscription"] for l in lines(d, "--by", "key")} == {"acme"}


# -- killed ---------------------------------------------------------------------------------------------------------

class Clients:
    """Administrators who add, change and remove at once, and remember what they were told is done."""

    def __init__(self, d):
        self.d, self.stop, self.told, self.lock = d, False, [], threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(i,)) for i in range(4)]
        for t in self.threads:
            t.start()

    def ask(self, method, path, body=None):
        try:
            status, answer = self.d.admin(method, "/admin/v1/" + path, body)
        except (OSError, ValueError, http.client.HTTPException):  # the server is dead, or dies now
            time.sleep(0.02)
            return None
        return answer if status in (200, 201) else None

    def tell(self, *what):
        with self.lock:
            self.told.append(what)

    def work(self, n):
        rng, i, keys = random.Random(n), 0, []
        while not self.stop:
            i += 1
            made = self.ask("POST", "keys", {"domains": ["*"], "label": "%d-%d" % (n, i)})
            if made:
                self.tell("key add", "key:" + made["id"])
                keys.append(made["id"])
            if keys and rng.random() < 0.6:
                key = rng.choice(keys)
                if self.ask("PATCH", "keys/" + key, {"label": "again %d" % i}):
                    self.tell("key change", "key:" + key)
            if keys and rng.random() < 0.4:
                key = keys.pop(rng.randrange(len(keys)))
                if self.ask("DELETE", "keys/" + key):
                    self.tell("key remove", "key:" + key)
            address = "c%d-%d@x.test" % (n, rng.randrange(5))
            if self.ask("POST", "suppressions", {"addresses": [address]}):
                self.tell("suppression add", "suppression:" + address)
            if rng.random() < 0.5 and self.ask("DELETE", "suppressions/" + address):
                self.tell("suppression remove", "suppression:" + address)

    def join(self):
        self.stop = True
        for t in self.threads:
            t.join()


def replay(db):
    """What the lines say is there, with its version: an add and a change count one, a removal takes it away."""
    there = {}
    for action, object_ in db.execute("SELECT action,object FROM audit WHERE result='done' AND object LIKE '%:%' ORDER BY id"):
        if action.endswith(" remove"):
            assert there.pop(object_, None), (action, object_)
        else:
            there[object_] = there.get(object_, 0) + 1
    return there


def test_after_a_kill_each_durable_change_has_its_line_and_no_line_is_without_its_change(make_sigillo):
    d = make_sigillo()
    clients = Clients(d)
    for _ in range(4):
        time.sleep(0.7)
        d.kill()
        d.start()
    clients.join()
    d.kill()
    db = database(d)
    stored = {("suppression:" + key.split("/", 2)[2] if kind == "suppression" else kind + ":" + key): version
              for kind, key, version in db.execute("SELECT kind,key,version FROM noun WHERE kind != 'secret'")}
    assert replay(db) == stored
    lines_ = {}
    for what in db.execute("SELECT action,object FROM audit WHERE result='done'"):
        lines_[what] = lines_.get(what, 0) + 1
    assert len(clients.told) > 50
    for what in set(clients.told):
        assert lines_.get(what, 0) >= clients.told.count(what), what
    assert db.execute("SELECT count(*) FROM audit WHERE action='server start'").fetchone()[0] == 5
    db.close()

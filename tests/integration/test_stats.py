# SPDX-License-Identifier: Apache-2.0
"""Statistics in the words of SendGrid's API, by that service's own client: they say what the trail says."""
import collections
import datetime
import time

import npm
import pytest
import spec
from conftest import finish, launch

DOMAIN = "stats.test"
STATS = "sendgrid/tsg_stats_v3.json"
METRICS = {"blocks", "bounce_drops", "bounces", "clicks", "deferred", "delivered", "invalid_emails", "opens", "processed", "requests",
           "spam_report_drops", "spam_reports", "unique_clicks", "unique_opens", "unsubscribe_drops", "unsubscribes"}


@pytest.fixture(scope="module")
def sigillo(world):
    d = launch(world, "stats", {}, start=False)
    d.open_https()
    d.start()
    yield d
    finish(d)


@pytest.fixture(scope="module")
def sender(sigillo):
    return sigillo.sender(DOMAIN)


@pytest.fixture(scope="module")
def key(sigillo, sender):
    return sigillo.json("key", "add", "--role", "owner", "--subscription", sigillo.json("domain", "show", DOMAIN)["subscription"])["key"]


def ask(sigillo, key, *requests):
    """(status, body) of each of (path, query) or (path, query, body to post)."""
    asked = [{"method": "POST" if len(r) > 2 else "GET", "url": r[0], "qs": r[1], **({"body": r[2]} if len(r) > 2 else {})} for r in requests]
    answers = npm.run(sigillo, "clients/sendgrid", "@sendgrid/client", "clients/sendgrid/client.mjs",
                      question={"url": sigillo.settings["public_url"] + "/", "key": key, "requests": asked}, timeout=150)
    return [(a["error"]["code"], a["error"]["body"]) if "error" in a else (a["status"], a["body"]) for a in answers]


def valid(path, answer):
    try:
        spec.load(STATS).validate(path, "get", (answer[0], {"content-type": "application/json"}, answer[1]))
    except pytest.skip.Exception:
        pass
    return answer[1]


def mail(*to, categories=()):
    body = {"personalizations": [{"to": [{"email": t} for t in to]}], "from": {"email": "shop@" + DOMAIN}, "subject": "figures",
            "content": [{"type": "text/plain", "value": "x"}], "categories": list(categories)}
    return ("/v3/mail/send", {}, body)


def today():
    return datetime.datetime.now(datetime.timezone.utc).date()


def some(metrics):
    assert set(metrics) == METRICS
    return {k: v for k, v in metrics.items() if v}


@pytest.fixture(scope="module")
def sent(sigillo, sender, key):
    """Three messages; returns the day, when all of it has ended that will."""
    sigillo.cli("suppression", "add", "gone@good.test", "--reason", "hard-bounce")
    for _ in range(2):  # who has left leaves once
        sigillo.cli("suppression", "add", "left@good.test", "--reason", "unsubscribe")
    sigillo.cli("suppression", "add", "angry@good.test", "--reason", "complaint")
    day = today()
    answers = ask(sigillo, sender.key, mail("stats1@good.test", "stats2@good.test", "gone@good.test", categories=["news", "offers & more"]),
                  mail("stats3@good.test", "who@reject.test", "left@good.test", categories=["news"]), mail("who@temp.test"))
    assert [s for s, _ in answers] == [202] * 3, answers
    end = time.monotonic() + 60
    while True:
        one = ask(sigillo, key, ("/v3/stats", {"start_date": str(day)}))[0][1][0]["stats"][0]["metrics"]
        if one["delivered"] == 3 and one["bounces"] == 1 and one["deferred"] > 0:
            return day
        assert time.monotonic() < end, one
        time.sleep(0.5)


def test_what_the_trail_says(sigillo, key, sent):
    answer = ask(sigillo, key, ("/v3/stats", {"start_date": str(sent), "end_date": str(sent)}))[0]
    (one,) = valid("/v3/stats", answer)
    found = some(one["stats"][0]["metrics"])
    deferred = found.pop("deferred")
    assert one["date"] == str(sent) and found == {"requests": 7, "processed": 5, "delivered": 3, "bounces": 1, "bounce_drops": 1, "unsubscribe_drops": 1,
                                                  "unsubscribes": 1, "spam_reports": 1}
    trail = collections.Counter(r["state"] for m in sigillo.json("trace", "--from", "shop@" + DOMAIN)["messages"] for r in m["recipients"])
    assert trail == {"delivered": 3, "failed": 1, "suppressed": 2, "queued": 1}
    sigillo.stop()
    sigillo.start()
    again = ask(sigillo, key, ("/v3/stats", {"start_date": str(sent), "end_date": str(sent)}))[0][1][0]["stats"][0]["metrics"]
    assert again.pop("deferred") >= deferred and some(dict(again, deferred=0)) == found


def test_days_weeks_months(sigillo, key, sent):
    first = sent - datetime.timedelta(days=40)
    asked = [("/v3/stats", dict({"start_date": str(first), "end_date": str(sent)}, **more))
             for more in ({}, {"aggregated_by": "day"}, {"aggregated_by": "week"}, {"aggregated_by": "month"}, {"limit": 2, "offset": 39})]
    plain, days, weeks, months, page = [valid("/v3/stats", a) for a in ask(sigillo, key, *asked)]
    every = [first + datetime.timedelta(days=n) for n in range(41)]
    assert plain == days and [d["date"] for d in days] == [str(d) for d in every] and page == days[39:]
    assert [w["date"] for w in weeks] == sorted({str(d - datetime.timedelta(days=d.weekday())) for d in every})
    assert [m["date"] for m in months] == sorted({str(d.replace(day=1)) for d in every})
    for periods in (days, weeks, months):
        counts = [some(p["stats"][0]["metrics"]).get("requests", 0) for p in periods]
        assert counts == [0] * (len(periods) - 1) + [7]


def test_categories(sigillo, key, sent):
    names, page, begin, stats, sums, rising, second = ask(
        sigillo, key, ("/v3/categories", {}), ("/v3/categories", {"limit": 1, "offset": 1}), ("/v3/categories", {"category": "ne"}),
        ("/v3/categories/stats", {"start_date": str(sent), "end_date": str(sent), "categories": ["offers & more", "news", "never"]}),
        ("/v3/categories/stats/sums", {"start_date": str(sent)}),
        ("/v3/categories/stats/sums", {"start_date": str(sent), "sort_by_metric": "bounces", "sort_by_direction": "asc"}),
        ("/v3/categories/stats/sums", {"start_date": str(sent), "limit": 1, "offset": 1}))
    assert valid("/v3/categories", names) == [{"category": "news"}, {"category": "offers & more"}]
    assert valid("/v3/categories", page) == [{"category": "offers & more"}] and valid("/v3/categories", begin) == [{"category": "news"}]
    news = {"requests": 6, "processed": 4, "delivered": 3, "bounces": 1, "bounce_drops": 1, "unsubscribe_drops": 1}
    offers = {"requests": 3, "processed": 2, "delivered": 2, "bounce_drops": 1}
    (one,) = valid("/v3/categories/stats", stats)
    assert [(s["type"], s["name"], some(s["metrics"])) for s in one["stats"]] == [("category", "offers & more", offers), ("category", "news", news), ("category", "never", {})]
    whole = valid("/v3/categories/stats/sums", sums)
    assert whole["date"] == str(sent) and [(s["name"], some(s["metrics"])) for s in whole["stats"]] == [("news", news), ("offers & more", offers)]
    assert [s["name"] for s in rising[1]["stats"]] == ["offers & more", "news"] and [s["name"] for s in second[1]["stats"]] == ["offers & more"]


@pytest.mark.parametrize("path, query, field", [
    ("/v3/stats", {}, "start_date"), ("/v3/stats", {"start_date": "2026-02-30"}, "start_date"), ("/v3/stats", {"start_date": "26-02-03"}, "start_date"),
    ("/v3/stats", {"start_date": "2026-1-03x"}, "start_date"), ("/v3/stats", {"start_date": "2026-01-03", "end_date": "now"}, "end_date"),
    ("/v3/stats", {"start_date": "2026-01-03", "end_date": "2026-01-02"}, "end_date"), ("/v3/stats", {"start_date": "9998-01-03"}, "start_date"),
    ("/v3/stats", {"start_date": "2025-01-01", "end_date": "2026-01-02"}, "start_date"), ("/v3/stats", {"start_date": "2026-01-03", "end_date": "2026-01-03", "aggregated_by": "year"}, "aggregated_by"),
    ("/v3/stats", {"start_date": "2026-01-03", "end_date": "2026-01-03", "limit": 0}, "limit"), ("/v3/stats", {"start_date": "2026-01-03", "end_date": "2026-01-03", "offset": -1}, "offset"),
    ("/v3/categories", {"limit": 501}, "limit"), ("/v3/categories/stats", {"start_date": "2026-01-03", "end_date": "2026-01-03"}, "categories"),
    ("/v3/categories/stats", {"start_date": "2026-01-03", "end_date": "2026-01-03", "categories": [str(n) for n in range(11)]}, "categories"),
    ("/v3/categories/stats/sums", {"start_date": "2026-01-03", "end_date": "2026-01-03", "sort_by_metric": "luck"}, "sort_by_metric"),
    ("/v3/categories/stats/sums", {"start_date": "2026-01-03", "end_date": "2026-01-03", "sort_by_direction": "up"}, "sort_by_direction")])
def test_refused(sigillo, key, path, query, field):
    status, body = ask(sigillo, key, (path, query))[0]
    assert status == 400 and [e["field"] for e in body["errors"]] == [field], (status, body)


def test_whose_they_are(sigillo, key, sent):
    sigillo.json("subscription", "add", "stats-other")
    other = sigillo.json("key", "add", "--role", "owner", "--subscription", "stats-other")["key"]
    stats, names = ask(sigillo, other, ("/v3/stats", {"start_date": str(sent), "end_date": str(sent)}), ("/v3/categories", {}))
    assert some(stats[1][0]["stats"][0]["metrics"]) == {} and names == (200, [])
    paths = {"stats.read": "/v3/stats", "categories.read": "/v3/categories", "categories.stats.read": "/v3/categories/stats", "categories.stats.sums.read": "/v3/categories/stats/sums"}
    query = {"start_date": str(sent), "end_date": str(sent), "categories": "news"}
    for scope in paths:
        status, made = ask(sigillo, key, ("/v3/api_keys", {}, {"name": scope, "scopes": [scope]}))[0]
        assert status == 201, made
        answers = ask(sigillo, made["api_key"], *((p, query if "stats" in p else {}) for p in paths.values()))
        assert [s for s, _ in answers] == [200 if s == scope else 403 for s in paths], answers

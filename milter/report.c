/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of the log and figures, in the words of the server's. */
#include "../server/log/log.h"
#include "../server/loop/loop.h"
#include "filter.h"

#define MESSAGES_HELP "Messages that passed, by how they ended"
#define SIGNED_HELP   "DKIM signatures made"
#define RESULTS       "sigillo_milter_results_total"
#define RESULTS_HELP  "Results of judged messages, by method"

static struct metric sessions_all =
    METRIC_COUNTER("sigillo_smtp_sessions_total", "SMTP sessions accepted", NULL);
static struct metric sessions_now =
    METRIC_GAUGE("sigillo_smtp_sessions", "SMTP sessions open", NULL);
static struct metric ended[] = {
    METRIC_COUNTER("sigillo_messages_total", MESSAGES_HELP, "result=\"accepted\""),
    METRIC_COUNTER("sigillo_messages_total", MESSAGES_HELP, "result=\"refused\""),
    METRIC_COUNTER("sigillo_messages_total", MESSAGES_HELP, "result=\"unavailable\""),
};
static struct metric made = METRIC_COUNTER("sigillo_signatures_total", SIGNED_HELP, NULL);
static struct metric failed =
    METRIC_COUNTER("sigillo_milter_failures_total", "Messages that could not be handled", NULL);
static struct metric removed = METRIC_COUNTER("sigillo_milter_forged_fields_total",
                                              "Authentication-Results that were removed", NULL);
static struct metric took = METRIC_HISTOGRAM("sigillo_milter_message_seconds",
                                             "From the end of a message to the answer", NULL);
static struct metric dmarc[] = {
    [SGL_DMARC_NONE] = METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"dmarc\",result=\"none\""),
    [SGL_DMARC_PASS] = METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"dmarc\",result=\"pass\""),
    [SGL_DMARC_FAIL] = METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"dmarc\",result=\"fail\""),
    [SGL_DMARC_TEMPERROR] =
        METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"dmarc\",result=\"temperror\""),
    [SGL_DMARC_PERMERROR] =
        METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"dmarc\",result=\"permerror\""),
};
static struct metric dkim[] = {
    METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"dkim\",result=\"none\""),
    METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"dkim\",result=\"pass\""),
    METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"dkim\",result=\"fail\""),
};
static struct metric spf[] = {
    METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"spf\",result=\"none\""),
    METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"spf\",result=\"neutral\""),
    METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"spf\",result=\"pass\""),
    METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"spf\",result=\"fail\""),
    METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"spf\",result=\"softfail\""),
    METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"spf\",result=\"temperror\""),
    METRIC_COUNTER(RESULTS, RESULTS_HELP, "method=\"spf\",result=\"permerror\""),
};

static void register_all(struct metric *m, size_t count)
{
    for (size_t i = 0; i < count; i++)
        metrics_register(&m[i]);
}

void report_register(void)
{
    register_all(&sessions_all, 1);
    register_all(&sessions_now, 1);
    register_all(ended, sizeof ended / sizeof ended[0]);
    register_all(&made, 1);
    register_all(&failed, 1);
    register_all(&removed, 1);
    register_all(&took, 1);
    register_all(dmarc, sizeof dmarc / sizeof dmarc[0]);
    register_all(dkim, sizeof dkim / sizeof dkim[0]);
    register_all(spf, sizeof spf / sizeof spf[0]);
}

void report_session(int more)
{
    metric_add(&sessions_now, more);
    if (more > 0)
        metric_add(&sessions_all, 1);
}

void report_signed(const struct message *m)
{
    metric_add(&made, (int64_t)m->keys);
    log_line(LOG_INFO_, "message signed", LOG_STR("queue_id", m->queue_id),
             LOG_VIEW("from_domain", m->author.text), LOG_INT("signatures", m->keys),
             LOG_VIEW("domain", sgl_view_eq(m->key[0]->domain, SGL_LIT("%")) ? m->author.text
                                                                             : m->key[0]->domain));
}

void report_judged(const struct message *m, const struct sgl_verdict *v, const char *action,
                   const char *text)
{
    char ip[SGL_IP_TEXT_SIZE] = "";
    bool refused = text[0] != '\0' && action[0] != 'a';
    const char *by_dkim = v->dkim.passes > 0 ? "pass" : v->dkim.count > 0 ? "fail" : "none";

    metric_add(&dmarc[v->dmarc.result], 1);
    metric_add(&dkim[v->dkim.passes > 0 ? 1 : v->dkim.count > 0 ? 2 : 0], 1);
    if (v->spf_checked)
        metric_add(&spf[v->spf.result], 1);
    if (!log_wants(LOG_INFO_))
        return;
    log_line(LOG_INFO_, "message judged", LOG_STR("queue_id", m->queue_id),
             LOG_VIEW("ip", sgl_ip_text(&m->client->ip, ip)),
             LOG_VIEW("from_domain", v->dmarc.author.text),
             LOG_VIEW("mail_from", sgl_buf_view(&m->sender)),
             LOG_STR("spf", v->spf_checked ? sgl_spf_result_name(v->spf.result) : "none"),
             LOG_STR("dkim", by_dkim), LOG_STR("arc", sgl_arc_result_name(v->arc.result)),
             LOG_STR("dmarc", sgl_dmarc_result_name(v->dmarc.result)), LOG_STR("action", action),
             LOG_STR("why", refused ? text : ""));
}

void report_failed(const struct message *m, const char *what, enum sgl_status status)
{
    metric_add(&failed, 1);
    log_line(LOG_WARN_, what, LOG_STR("queue_id", m->queue_id),
             LOG_STR("why", sgl_status_name(status)));
}

void report_strange(const struct message *m)
{
    char ip[SGL_IP_TEXT_SIZE];

    log_line(LOG_INFO_, "external host sends as one of ours", LOG_STR("queue_id", m->queue_id),
             LOG_VIEW("ip", sgl_ip_text(&m->client->ip, ip)), LOG_VIEW("host", m->client->host),
             LOG_VIEW("from_domain", m->author.text));
}

void report_end(const struct message *m, enum message_end end, uint64_t us)
{
    metric_add(&ended[end], 1);
    metric_observe_us(&took, us);
    for (size_t i = 0; i < m->changes.count; i++)
        metric_add(&removed, m->changes.item[i].kind == CHANGE_REMOVE);
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection of the mail server is one SMTP session, with any number of messages:
 *
 *   negotiate -> connect -> helo* -> ( envfrom -> header* -> eoh -> body* -> eom | abort )* -> close
 *
 * abort may come anywhere within a message, close anywhere.  libmilter calls from several threads, never two at a time for one session.
 */
#include "session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>

#include "../server/log/log.h"
#include "filter.h"

#define TEXT_MAX 512 /* of a host's name and what it says in HELO: 255 are allowed */

struct session {
    struct edition *g;
    struct message_client client;
    struct message message;
    bool in_message;
    bool peer;            /* its mail is none of our business */
    bool leading;         /* values of fields come with their leading blank, and are given so */
    bool may_skip;        /* the mail server can be told to keep the rest of a body */
    unsigned long silent; /* steps whose answer nobody waits for */
    char host[TEXT_MAX], helo[TEXT_MAX];
};

static void keep(char out[TEXT_MAX], const char *text)
{
    snprintf(out, TEXT_MAX, "%s", text != NULL ? text : "");
}

static sgl_view symbol(SMFICTX *ctx, const char *name)
{
    return sgl_view_cstr(smfi_getsymval(ctx, (char *)(uintptr_t)name));
}

/* ---- a session begins ------------------------------------------------------------------------------------------------- */

#define WANTED_STEPS (SMFIP_NORCPT | SMFIP_NODATA | SMFIP_NOUNKNOWN)
#define SILENT_STEPS (SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_HDR)

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps,
                             unsigned long f2, unsigned long f3, unsigned long *our_actions,
                             unsigned long *our_steps, unsigned long *our2, unsigned long *our3)
{
    const unsigned long needed = SMFIF_ADDHDRS | SMFIF_CHGHDRS;
    struct session *s;

    (void)f2;
    (void)f3;
    if (atomic_load(&filter.draining) || (actions & needed) != needed)
        return SMFIS_REJECT; /* the mail server does then what it does without us */
    s = calloc(1, sizeof *s);
    if (s == NULL || smfi_setpriv(ctx, s) != MI_SUCCESS) {
        free(s);
        return SMFIS_REJECT;
    }
    s->g = filter_edition();
    s->leading = (steps & SMFIP_HDR_LEADSPC) != 0;
    s->may_skip = (steps & SMFIP_SKIP) != 0;
    *our_actions = needed | (actions & SMFIF_QUARANTINE);
    *our_steps = steps & (WANTED_STEPS | SILENT_STEPS | SMFIP_HDR_LEADSPC | SMFIP_SKIP);
    s->silent = *our_steps & SILENT_STEPS;
    *our2 = *our3 = 0;
    atomic_fetch_add(&filter.sessions, 1);
    report_session(1);
    return SMFIS_CONTINUE;
}

/* What a step answers that has nothing to say. */
static sfsistat go_on(const struct session *s, unsigned long step)
{
    return (s->silent & step) != 0 ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static struct sgl_ip ip_of(const struct sockaddr *address)
{
    struct sgl_ip ip = {0};

    if (address != NULL && address->sa_family == AF_INET)
        return sgl_ip_v4(
            (const uint8_t *)&((const struct sockaddr_in *)(const void *)address)->sin_addr);
    if (address != NULL && address->sa_family == AF_INET6) {
        ip = sgl_ip_v6(
            (const uint8_t *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
        return sgl_ip_unmap(&ip);
    }
    return ip;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, struct sockaddr *address)
{
    static const uint8_t loopback[4] = {127, 0, 0, 1};
    struct session *s = smfi_getpriv(ctx);
    sgl_view name;

    if (s == NULL)
        return SMFIS_TEMPFAIL;
    keep(s->host, host);
    name = sgl_view_cstr(s->host);
    if (name.len > 0 && name.ptr[0] == '[') /* it has no name */
        name = SGL_LIT("");
    s->client.host = name;
    s->client.ip = ip_of(address);
    /* A program of this machine is called so; who is not known is nobody of ours. */
    if (s->client.ip.version == 0 && sgl_view_eq_nocase(name, SGL_LIT("localhost")))
        s->client.ip = sgl_ip_v4(loopback);
    s->client.internal = hosts_has(&s->g->internal, name, &s->client.ip);
    s->client.ignored = hosts_has(&s->g->ignore, name, &s->client.ip);
    s->client.ignore_strange = hosts_has(&s->g->external_ignore, name, &s->client.ip);
    s->peer = hosts_has(&s->g->peers, name, &s->client.ip);
    return go_on(s, SMFIP_NR_CONN);
}

static sfsistat on_helo(SMFICTX *ctx, char *helo)
{
    struct session *s = smfi_getpriv(ctx);

    if (s == NULL)
        return SMFIS_TEMPFAIL;
    keep(s->helo, helo);
    s->client.helo = sgl_view_cstr(s->helo);
    return go_on(s, SMFIP_NR_HELO);
}

/* ---- a message -------------------------------------------------------------------------------------------------------- */

static bool is_originating(SMFICTX *ctx, const struct milter_settings *c)
{
    sgl_view daemon = symbol(ctx, "{daemon_name}");

    for (size_t i = 0; i < c->originatings; i++)
        if (daemon.len > 0 && sgl_view_eq(daemon, sgl_view_cstr(c->originating[i])))
            return true;
    return false;
}

static sgl_view without_brackets(sgl_view path)
{
    if (path.len >= 2 && path.ptr[0] == '<' && path.ptr[path.len - 1] == '>')
        return sgl_view_sub(path, 1, path.len - 2);
    return path;
}

static void end_message(struct session *s)
{
    if (s->in_message)
        message_done(&s->message);
    s->in_message = false;
}

static sfsistat on_envfrom(SMFICTX *ctx, char **argv)
{
    struct session *s = smfi_getpriv(ctx);
    bool ours;

    if (s == NULL)
        return SMFIS_TEMPFAIL;
    end_message(s);
    ours = s->client.internal || symbol(ctx, "{auth_type}").len > 0 ||
           is_originating(ctx, s->g->settings);
    message_begin(&s->message, s->g, &s->client, without_brackets(sgl_view_cstr(argv[0])), ours);
    s->in_message = true;
    return go_on(s, SMFIP_NR_MAIL);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    struct session *s = smfi_getpriv(ctx);
    char *blank;

    if (s == NULL || !s->in_message)
        return SMFIS_TEMPFAIL;
    if (s->peer)
        return go_on(s, SMFIP_NR_HDR);
    if (s->leading) {
        message_header(&s->message, name, value);
        return go_on(s, SMFIP_NR_HDR);
    }
    if (asprintf(&blank, " %s", value) < 0) { /* the mail server took it away */
        s->message.status = SGL_E_NOMEM;
        return go_on(s, SMFIP_NR_HDR);
    }
    message_header(&s->message, name, blank);
    free(blank);
    return go_on(s, SMFIP_NR_HDR);
}

static sfsistat on_eoh(SMFICTX *ctx)
{
    struct session *s = smfi_getpriv(ctx);

    if (s == NULL || !s->in_message)
        return SMFIS_TEMPFAIL;
    if (s->peer)
        return SMFIS_ACCEPT;
    snprintf(s->message.queue_id, sizeof s->message.queue_id, "%.*s", SGL_FMT(symbol(ctx, "i")));
    return message_eoh(&s->message) ? SMFIS_CONTINUE : SMFIS_ACCEPT;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *bytes, size_t len)
{
    struct session *s = smfi_getpriv(ctx);

    if (s == NULL || !s->in_message)
        return SMFIS_TEMPFAIL;
    if (!message_wants_body(&s->message))
        return s->may_skip ? SMFIS_SKIP : SMFIS_CONTINUE;
    message_body(&s->message, sgl_view_of(bytes, len));
    return SMFIS_CONTINUE;
}

/* ---- its end ---------------------------------------------------------------------------------------------------------- */

static bool apply(SMFICTX *ctx, const struct session *s, const struct change *c)
{
    const char *value = c->value;

    switch (c->kind) {
    case CHANGE_REMOVE:
        return smfi_chgheader(ctx, (char *)(uintptr_t)c->name, (int)c->instance, NULL) ==
               MI_SUCCESS;
    case CHANGE_INSERT:
        if (!s->leading && value[0] == ' ')
            value++;
        return smfi_insheader(ctx, 0, (char *)(uintptr_t)c->name, (char *)(uintptr_t)value) ==
               MI_SUCCESS;
    case CHANGE_HOLD:
        return smfi_quarantine(ctx, (char *)(uintptr_t)value) == MI_SUCCESS;
    }
    return false;
}

/* libmilter takes "%" for a format, and one line at a time. */
static sfsistat refuse(SMFICTX *ctx, const struct message_reply *r)
{
    char code[8], text[sizeof r->text];

    snprintf(code, sizeof code, "%u", r->code);
    snprintf(text, sizeof text, "%s", r->text);
    for (char *c = text; *c != '\0'; c++)
        if (*c == '%' || *c == '\r' || *c == '\n')
            *c = ' ';
    if (r->code != 0)
        (void)smfi_setreply(ctx, code, (char *)(uintptr_t)r->enhanced, text);
    return r->end == END_REJECT ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

static sfsistat on_eom(SMFICTX *ctx)
{
    struct session *s = smfi_getpriv(ctx);
    uint64_t began = clock_mono_us();
    struct message_reply reply;
    sfsistat answer = SMFIS_ACCEPT;

    if (s == NULL || !s->in_message)
        return SMFIS_TEMPFAIL;
    if (s->peer) {
        end_message(s);
        return SMFIS_ACCEPT;
    }
    message_eom(&s->message, &reply);
    for (size_t i = 0; reply.end == END_ACCEPT && i < s->message.changes.count; i++) {
        if (apply(ctx, s, &s->message.changes.item[i]))
            continue;
        report_failed(&s->message, "message not changed", SGL_E_MISUSE);
        reply =
            (struct message_reply){END_TEMPFAIL, 451, "4.3.0", "this message can't be handled now"};
    }
    if (reply.end != END_ACCEPT)
        answer = refuse(ctx, &reply);
    report_end(&s->message, reply.end, clock_mono_us() - began);
    end_message(s);
    return answer;
}

static sfsistat on_abort(SMFICTX *ctx)
{
    struct session *s = smfi_getpriv(ctx);

    if (s != NULL)
        end_message(s);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
    struct session *s = smfi_getpriv(ctx);

    if (s == NULL)
        return SMFIS_CONTINUE;
    end_message(s);
    edition_unref(s->g);
    free(s);
    (void)smfi_setpriv(ctx, NULL);
    atomic_fetch_sub(&filter.sessions, 1);
    report_session(-1);
    return SMFIS_CONTINUE;
}

/* ---- libmilter -------------------------------------------------------------------------------------------------------- */

bool session_open(const char *socket, char *why, size_t why_size)
{
    static char name[] = "sigillo";
    struct smfiDesc calls = {
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE,
        .xxfi_connect = on_connect,
        .xxfi_helo = on_helo,
        .xxfi_envfrom = on_envfrom,
        .xxfi_header = on_header,
        .xxfi_eoh = on_eoh,
        .xxfi_body = on_body,
        .xxfi_eom = on_eom,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };

    /* Its own limit of 64 KiB would break the session off; Postfix sends fields of 100 KiB (header_size_limit). */
    (void)smfi_setmaxdatasize(HEADERS_ROOM);
    errno = 0;
    if (smfi_register(calls) == MI_SUCCESS &&
        smfi_setconn((char *)(uintptr_t)socket) == MI_SUCCESS &&
        smfi_opensocket(true) == MI_SUCCESS)
        return true;
    snprintf(why, why_size, "socket: %s: %s", socket,
             errno != 0 ? strerror(errno) : "can't be listened on");
    return false;
}

bool session_run(void)
{
    return smfi_main() == MI_SUCCESS;
}

void session_stop(void)
{
    (void)smfi_stop();
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The MTA-STS policy of a domain that this server serves: shown, put, taken back.  [RFC 8461]
 *
 * Its hosts are given, or those that take the domain's mail when somebody asks for them: an answer of DNS never changes a policy by itself.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../config/config.h"
#include "../../loop/tls.h"
#include "../../setup/alias.h"
#include "../../setup/publish.h"
#include "admin_internal.h"
#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/mta_sts.h"

#define MEMORY_MAX   (256u * 1024u)
#define AGE_PRESET_S (7u * 86400)
#define AGE_NONE_S   86400u
#define AGE_MIN_S    86400 /* who asks seldom needs it longer; shorter ones protect nobody */
#define HTTPS_PORT   443

static const char *const mode_name[] = {"none", "testing", "enforce", "off"};
#define MODE_OFF 3

/* ---- as JSON ---- */

static const char *mode_of(const struct sgl_mta_sts_policy *p)
{
    return p == NULL ? mode_name[MODE_OFF] : sgl_mta_sts_mode_name(p->mode);
}

static json_t *hosts_json(const struct sgl_mta_sts_policy *p)
{
    json_t *list = json_array();

    for (size_t i = 0; p != NULL && i < p->count; i++)
        json_array_append_new(list, json_sprintf("%s%.*s", p->mx[i].wildcard ? "*." : "",
                                                 SGL_FMT(p->mx[i].name.text)));
    return list;
}

static unsigned port_of(const struct config_address *a)
{
    return ntohs(a->addr.ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)&a->addr)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)&a->addr)->sin_port);
}

static bool has_https(const struct config *c)
{
    for (size_t i = 0; i < c->listens; i++)
        for (size_t k = 0; k < c->listen[i].addresses; k++)
            if (c->listen[i].door == DOOR_HTTP && c->listen[i].tls == LISTEN_IMPLICIT &&
                port_of(&c->listen[i].address[k]) == HTTPS_PORT)
                return true;
    return false;
}

/* What keeps senders from the policy, or what comes next; "": nothing. */
static void put_next(const struct admin *admin, const struct domain *d,
                     const struct sgl_mta_sts_policy *p, bool covered, char *out, size_t size)
{
    out[0] = '\0';
    if (p == NULL)
        snprintf(out, size, "No policy is served.");
    else if (!covered)
        snprintf(out, size,
                 "No certificate of this server has the name mta-sts.%s: senders refuse the "
                 "policy. Get one, and name it in a certificate section.",
                 d->name);
    else if (!has_https(atomic_load(&admin->config)))
        snprintf(out, size,
                 "No door of this server speaks HTTPS on port 443, where senders ask: something in "
                 "front of it has to pass them on.");
    else if (p->mode == SGL_MTA_STS_MODE_NONE && d->sts_until_s > clock_now_s())
        snprintf(out, size,
                 "The policy asks for nothing; former ones may be remembered for a while. Then it "
                 "can be taken back with mode off.");
    else if (p->mode == SGL_MTA_STS_MODE_NONE)
        snprintf(out, size, "The policy asks for nothing, and can be taken back with mode off.");
    else if (p->mode == SGL_MTA_STS_TESTING)
        snprintf(out, size,
                 "Senders report what enforce would refuse, and refuse nothing. When reports of "
                 "some weeks show no failure, put mode enforce.");
}

/* NULL: there is none, or it cannot be read for want of memory. */
static const struct sgl_mta_sts_policy *policy_of(const struct domain *d, struct sgl_arena *arena,
                                                  struct sgl_mta_sts_policy *space)
{
    if (d->sts_policy[0] == '\0' ||
        sgl_mta_sts_policy_parse(sgl_view_cstr(d->sts_policy), arena, space, NULL) != SGL_OK)
        return NULL;
    return space;
}

json_t *admin_domain_sts_json(const struct admin *admin, const struct domain *d)
{
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(MEMORY_MAX);
    struct sgl_mta_sts_policy space;
    const struct sgl_mta_sts_policy *p = policy_of(d, &arena, &space);
    char id[DOMAIN_STS_ID_SIZE], host[300], next[700];
    bool covered;

    snprintf(host, sizeof(host), "mta-sts.%s", d->name);
    covered = admin->tls != NULL && tls_server_covers(admin->tls, host);
    domain_sts_id(d, id);
    put_next(admin, d, p, covered, next, sizeof(next));
    return json_pack("{s:s, s:s, s:o, s:o, s:s, s:s, s:o, s:b, s:o, s:s}", "domain", d->name,
                     "mode", mode_of(p), "mx", hosts_json(p), "max_age",
                     p == NULL ? json_null() : json_integer(p->max_age_s), "id", id, "policy",
                     d->sts_policy, "url", json_sprintf("https://%s/.well-known/mta-sts.txt", host),
                     "certificate", (int)covered, "remembered_until",
                     admin_time(d->sts_until_s * 1000), "next", next);
}

void admin_domain_sts_get(struct http_request *r, void *ctx)
{
    struct domain *domain = admin_named_domain(r, ctx);

    if (domain == NULL)
        return;
    http_reply_json(r, 200, admin_domain_sts_json(ctx, domain));
    domain_unref(domain);
}

/* ---- put ---- */

enum { MODE, MX, MAX_AGE, LOOK, FORGET, MEMBERS };

struct put {
    struct setup_alias alias; /* first: cast from it */
    struct directory_change change;
    struct domain_change what;
    struct http_request *r;
    const struct admin *admin;
    struct identity *who;
    struct domain *domain; /* as it was */
    struct sgl_arena arena;
    struct sgl_mta_sts_policy policy; /* as it becomes */
    struct sgl_mta_sts_pattern mx[SGL_LIMIT_MTA_STS_MX];
    struct sgl_buf text;
};

static void put_free(struct put *p)
{
    sgl_buf_done(&p->text);
    sgl_arena_done(&p->arena);
    domain_unref(p->domain);
    identity_unref(p->who);
    free(p);
}

static void stored(struct directory_change *c)
{
    struct put *p = (struct put *)(void *)((char *)c - offsetof(struct put, change));
    struct domain *now;

    admin_audit(p->r, p->who, "domain mta-sts", p->domain->name, admin_result_word(c->result));
    if (c->result == DIRECTORY_OK) {
        now = directory_domain(p->admin->directory, sgl_view_cstr(p->domain->name));
        if (p->admin->setup != NULL && now != NULL)
            setup_look_soon(p->admin->setup, now->name);
        http_reply_json(p->r, 200, admin_domain_sts_json(p->admin, now != NULL ? now : p->domain));
        domain_unref(now);
    } else {
        http_reply_problem(p->r, admin_result_status(c->result), admin_result_word(c->result),
                           c->field, c->why);
    }
    put_free(p);
}

static void store(struct put *p, sgl_view text)
{
    p->what.sts_policy = text;
    p->change = (struct directory_change){.noun = DIRECTORY_DOMAIN,
                                          .verb = DIRECTORY_CHANGE,
                                          .loop = http_loop(p->r),
                                          .done = stored,
                                          .name = sgl_view_cstr(p->domain->name),
                                          .version = p->domain->version,
                                          .within = admin_scope(p->who),
                                          .actor = sgl_view_cstr(p->who->name),
                                          .peer = sgl_view_cstr(http_peer(p->r)),
                                          .domain_change = &p->what};
    directory_change(p->admin->directory, &p->change);
}

static void refuse(struct put *p, int status, const char *code, const char *field, const char *why)
{
    http_reply_problem(p->r, status, code, field, why);
    put_free(p);
}

/* The policy is whole: written down, then kept. */
static void write_down(struct put *p)
{
    p->policy.mx = p->mx;
    if (sgl_mta_sts_policy_put(&p->policy, &p->text) != SGL_OK)
        refuse(p, 422, "invalid", "mx",
               "A policy that asks for something names the hosts that take the domain's mail.");
    else if (p->text.len > SGL_LIMIT_MTA_STS_POLICY)
        refuse(p, 422, "invalid", "mx", "The policy is longer than senders read.");
    else
        store(p, sgl_buf_view(&p->text));
}

/* "mx.example.org", "*.example.org". false: it is none. */
static bool add_host(struct put *p, sgl_view text)
{
    struct sgl_mta_sts_pattern *to = &p->mx[p->policy.count];
    bool wildcard = sgl_view_starts(text, SGL_LIT("*."));
    char lower[SGL_LIMIT_NAME_TEXT + 2];

    text = sgl_view_from(text, wildcard ? 2 : 0);
    if (p->policy.count >= SGL_LIMIT_MTA_STS_MX || text.len == 0 || text.len >= sizeof(lower))
        return false;
    for (size_t i = 0; i < text.len; i++)
        lower[i] = (char)sgl_ascii_lower(text.ptr[i]);
    to->wildcard = wildcard;
    if (sgl_name_parse(sgl_view_of(lower, text.len), SGL_NAME_HOST | SGL_NAME_FINAL_DOT, &p->arena,
                       NULL, &to->name) != SGL_OK)
        return false;
    p->policy.count++;
    return true;
}

static void looked(struct setup_alias *a)
{
    struct put *p = (struct put *)(void *)a;
    char why[700];

    if (a->result != SETUP_CHECKED) {
        snprintf(why, sizeof(why), "The MX records of %s could not be looked at: %s", a->name,
                 a->why);
        refuse(p, 503, "check-failed", NULL, why);
        return;
    }
    for (size_t i = 0; i < a->mxs; i++)
        if (!add_host(p, sgl_view_cstr(a->mx[i]))) {
            refuse(p, 409, "mx", "mx",
                   "The domain's MX records name no host that a policy could name: does it take "
                   "mail?");
            return;
        }
    if (a->mxs == 0)
        refuse(p, 409, "mx", "mx",
               "The domain has no MX record; name the hosts that take its mail.");
    else
        write_down(p);
}

static void look(struct put *p)
{
    if (p->admin->setup == NULL) {
        refuse(p, 503, "check-failed", NULL, "Nothing can be looked up at this moment.");
        return;
    }
    snprintf(p->alias.name, sizeof(p->alias.name), "%s", p->domain->name);
    p->alias.of = SETUP_MX;
    p->alias.loop = http_loop(p->r);
    p->alias.done = looked;
    setup_alias(p->admin->setup, &p->alias);
}

/* Those of the policy that stands. */
static bool keep_hosts(struct put *p, const struct sgl_mta_sts_policy *was)
{
    for (size_t i = 0; was != NULL && i < was->count && i < SGL_LIMIT_MTA_STS_MX; i++)
        p->mx[p->policy.count++] = was->mx[i];
    return p->policy.count > 0;
}

static bool take_hosts(struct put *p, const json_t *list)
{
    const json_t *item;
    size_t at;

    json_array_foreach(list, at, item)
    {
        if (!add_host(p, admin_text(item)))
            return false;
    }
    return true;
}

static bool take_age(struct put *p, const json_t *age, const struct sgl_mta_sts_policy *was)
{
    bool same_kind = was != NULL && (was->mode == SGL_MTA_STS_MODE_NONE) ==
                                        (p->policy.mode == SGL_MTA_STS_MODE_NONE);
    json_int_t n = json_integer_value(age);

    if (age != NULL) {
        p->policy.max_age_s = (uint32_t)n;
        return n >= AGE_MIN_S && n <= SGL_LIMIT_MTA_STS_AGE;
    }
    p->policy.max_age_s = same_kind                                 ? was->max_age_s
                          : p->policy.mode == SGL_MTA_STS_MODE_NONE ? AGE_NONE_S
                                                                    : AGE_PRESET_S;
    return true;
}

/* Goes on with what the body says; it is answered by then, or later. */
static void take(struct put *p, int mode, const struct admin_member *member)
{
    struct sgl_mta_sts_policy space;
    const struct sgl_mta_sts_policy *was = policy_of(p->domain, &p->arena, &space);

    p->what.sts_forget = json_is_true(member[FORGET].value);
    if (mode == MODE_OFF) {
        store(p, SGL_LIT(""));
        return;
    }
    p->policy.mode = (enum sgl_mta_sts_mode)mode;
    if (!take_age(p, member[MAX_AGE].value, was)) {
        refuse(p, 422, "invalid", "max_age", "max_age is 86400 to 31557600 seconds.");
        return;
    }
    if (member[MX].value != NULL && !take_hosts(p, member[MX].value)) {
        refuse(p, 422, "invalid", "mx",
               "mx is a list of at most 256 names of hosts, each \"mx.example.org\" or "
               "\"*.example.org\".");
        return;
    }
    if (json_is_true(member[LOOK].value))
        look(p);
    else if (member[MX].value != NULL || keep_hosts(p, was) || mode == SGL_MTA_STS_MODE_NONE)
        write_down(p);
    else
        look(p);
}

static int mode_parse(const json_t *value)
{
    for (int i = 0; i <= MODE_OFF; i++)
        if (sgl_view_eq(admin_text(value), sgl_view_cstr(mode_name[i])))
            return i;
    return -1;
}

/* NULL: answered. */
static struct put *put_new(struct http_request *r, const struct admin *admin)
{
    struct identity *who = admin_who(r, admin);
    struct domain *domain;
    struct put *p;

    if (who == NULL)
        return NULL;
    domain = directory_domain(admin->directory, http_param(r, "name"));
    if (domain == NULL || !admin_sees(who, sgl_view_cstr(domain->subscription))) {
        http_reply_problem(r, 404, "domain-unknown", "name", ADMIN_NO_DOMAIN);
    } else if ((p = calloc(1, sizeof(*p))) == NULL) {
        http_reply_problem(r, 503, "memory-full", NULL, "The server has no memory left for this.");
    } else {
        p->r = r;
        p->admin = admin;
        p->who = who;
        p->domain = domain;
        sgl_arena_init(&p->arena, MEMORY_MAX);
        sgl_buf_init(&p->text, MEMORY_MAX);
        return p;
    }
    domain_unref(domain);
    identity_unref(who);
    return NULL;
}

void admin_domain_sts_put(struct http_request *r, void *ctx)
{
    struct admin_member member[MEMBERS] = {[MODE] = {"mode", JSON_STRING, true, NULL},
                                           [MX] = {"mx", JSON_ARRAY, false, NULL},
                                           [MAX_AGE] = {"max_age", JSON_INTEGER, false, NULL},
                                           [LOOK] = {"look", JSON_TRUE, false, NULL},
                                           [FORGET] = {"forget", JSON_TRUE, false, NULL}};
    struct put *p = put_new(r, ctx);
    json_t *body;
    int mode;

    if (p == NULL)
        return;
    body = admin_object(r, member, MEMBERS);
    if (body == NULL) {
        put_free(p);
        return;
    }
    mode = mode_parse(member[MODE].value);
    if (mode < 0)
        refuse(p, 422, "invalid", "mode", "A mode is off, none, testing or enforce.");
    else
        take(p, mode, member);
    json_decref(body);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "https.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESOLVE_MS 5000
#define CONNECT_MS 5000
#define AGENT      "sigillo"

struct https {
    struct loop *loop;
    struct resolver *resolver;
    char *ca_file;
    bool loopback_allowed;
    CURLM *multi;
    struct event *timer;
    struct https_get *open;
    size_t opened;
};

/* ---- the end of one ---- */

static void unlink_(struct https_get *g)
{
    *g->link = g->next;
    if (g->next != NULL)
        g->next->link = g->link;
    g->https->opened--;
}

static void release(struct https_get *g)
{
    if (g->easy != NULL) {
        curl_multi_remove_handle(g->https->multi, g->easy);
        curl_easy_cleanup(g->easy);
    }
    curl_slist_free_all(g->resolved);
    curl_free(g->host);
    sgl_dns_done(&g->dns);
    g->easy = g->resolved = NULL;
    g->host = NULL;
}

static void finish(struct https_get *g, const char *why)
{
    g->ok = why == NULL;
    snprintf(g->why, sizeof(g->why), "%s", why == NULL ? "" : why);
    unlink_(g);
    release(g);
    g->done(g);
}

static void collect(struct https *h)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(h->multi, &left)) != NULL) {
        CURLcode result = message->data.result;
        struct https_get *g = NULL;
        char why[64];
        long status = 0;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&g);
        curl_easy_getinfo(message->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        snprintf(why, sizeof(why), "it answered %ld", status);
        if (result == CURLE_OK)
            finish(g, status == 200 ? NULL : why);
        else
            finish(g, g->body.status != SGL_OK ? "its answer is too large"
                                               : curl_easy_strerror(result));
    }
}

/* ---- libcurl on the loop ---- */

static void on_socket(evutil_socket_t fd, short what, void *arg)
{
    struct https *h = arg;
    int action = (what & EV_READ ? CURL_CSELECT_IN : 0) | (what & EV_WRITE ? CURL_CSELECT_OUT : 0),
        running;

    curl_multi_socket_action(h->multi, fd, action, &running);
    collect(h);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct https *h = arg;
    int running;

    (void)fd;
    (void)what;
    curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect(h);
}

/* An event for each socket; libcurl keeps it for us. */
static int watch(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct https *h = ctx;
    struct event *event = socket_ctx;
    short want = (short)((what & CURL_POLL_IN ? EV_READ : 0) |
                         (what & CURL_POLL_OUT ? EV_WRITE : 0) | EV_PERSIST);

    (void)easy;
    if (event != NULL)
        event_free(event);
    if (what == CURL_POLL_REMOVE)
        return 0;
    event = event_new(loop_base(h->loop), fd, want, on_socket, h);
    if (event == NULL || event_add(event, NULL) != 0 ||
        curl_multi_assign(h->multi, fd, event) != CURLM_OK) {
        if (event != NULL)
            event_free(event);
        (void)curl_multi_assign(h->multi, fd, NULL);
        return -1;
    }
    return 0;
}

static int wait_for(CURLM *multi, long ms, void *ctx)
{
    struct https *h = ctx;
    struct timeval after = {ms / 1000, ms % 1000 * 1000};

    (void)multi;
    if (ms < 0)
        return event_del(h->timer);
    return event_add(h->timer, &after);
}

static size_t receive(char *data, size_t size, size_t count, void *ctx)
{
    struct https_get *g = ctx;

    sgl_buf_add(&g->body, sgl_view_of(data, size * count));
    return g->body.status == SGL_OK ? size * count : 0;
}

/* ---- begun ---- */

static bool set_up(struct https_get *g)
{
    const struct https *h = g->https;
    CURL *e = g->easy;
    bool set = true;

    set = set && curl_easy_setopt(e, CURLOPT_URL, g->url) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_CAINFO, h->ca_file) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_RESOLVE, g->resolved) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)HTTPS_TIMEOUT_MS) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_USERAGENT, AGENT) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_WRITEDATA, g) == CURLE_OK;
    return set && curl_easy_setopt(e, CURLOPT_PRIVATE, g) == CURLE_OK;
}

static void begin(struct https_get *g)
{
    g->easy = curl_easy_init();
    if (g->easy == NULL || !set_up(g) ||
        curl_multi_add_handle(g->https->multi, g->easy) != CURLM_OK) {
        if (g->easy != NULL)
            curl_easy_cleanup(g->easy);
        g->easy = NULL;
        finish(g, "out of memory");
    }
}

/* ---- where it is ---- */

/* Not this machine, nor what is only on its own wire: other services answer there, that of the machine's metadata among them. */
bool https_may_ask(const struct sgl_ip *ip, bool loopback_allowed)
{
    static const char *const never[] = {"0.0.0.0/8", "169.254.0.0/16", "::/128", "fe80::/10"};
    struct sgl_ip plain = sgl_ip_unmap(ip);
    struct sgl_ip_prefix prefix;

    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        if (sgl_ip_prefix_parse(sgl_view_cstr(never[i]), &prefix) != SGL_OK ||
            sgl_ip_in_prefix(&plain, &prefix))
            return false;
    return loopback_allowed || !sgl_ip_is_loopback(ip);
}

static bool may_ask(const struct https *h, const struct sgl_ip *ip)
{
    return https_may_ask(ip, h->loopback_allowed);
}

static void put_addresses(const struct https_get *g, const struct sgl_dns_answer *answer,
                          size_t *count, struct sgl_buf *out)
{
    char text[SGL_IP_TEXT_SIZE];

    if (answer->outcome != SGL_DNS_OK)
        return;
    for (size_t i = 0; i < answer->count && *count < HTTPS_ADDRESSES; i++) {
        const struct sgl_ip *ip = &answer->rr[i].ip;

        if (!may_ask(g->https, ip))
            continue;
        sgl_ip_text(ip, text);
        sgl_buf_addf(out, ip->version == 6 ? "%s[%s]" : "%s%s", (*count)++ > 0 ? "," : "", text);
    }
}

/* "host:443:192.0.2.1,[2001:db8::1]", as libcurl wants it. */
static enum sgl_status find_addresses(struct https_get *g, size_t *count, struct sgl_buf *out)
{
    const struct sgl_dns_answer *four = NULL, *six = NULL;
    enum sgl_status status;
    struct sgl_name name;

    SGL_TRY(sgl_name_parse(sgl_view_cstr(g->host), SGL_NAME_HOST | SGL_NAME_FINAL_DOT,
                           &g->dns.arena, NULL, &name));
    status = sgl_dns_get(&g->dns, name, SGL_RR_A, &four);
    status = sgl_join(status, sgl_dns_get(&g->dns, name, SGL_RR_AAAA, &six));
    if (status != SGL_OK)
        return status;
    sgl_buf_addf(out, "%s:%u:", g->host, g->port);
    put_addresses(g, six, count, out);
    put_addresses(g, four, count, out);
    return out->status;
}

static void resolve(struct https_get *g);

static void resolved(struct resolver_fill *fill)
{
    resolve((struct https_get *)(void *)((char *)fill - offsetof(struct https_get, fill)));
}

static void resolve(struct https_get *g)
{
    struct sgl_buf line = SGL_BUF_INIT(2048);
    size_t count = 0;
    enum sgl_status status = find_addresses(g, &count, &line);

    if (status == SGL_NEED_DNS) {
        g->fill =
            (struct resolver_fill){.dns = &g->dns, .timeout_ms = RESOLVE_MS, .done = resolved};
        resolver_fill(g->https->resolver, &g->fill);
    } else if (status != SGL_OK || count == 0) {
        finish(g, status == SGL_OK ? "its name has no address" : "its name cannot be looked up");
    } else {
        sgl_buf_add_byte(&line, '\0');
        g->resolved = line.status == SGL_OK ? curl_slist_append(NULL, (char *)line.data) : NULL;
        if (g->resolved == NULL)
            finish(g, "out of memory");
        else
            begin(g);
    }
    sgl_buf_done(&line);
}

/* Its host and port; false: it is no address of the kind https. */
static bool read_url(struct https_get *g)
{
    CURLU *url = curl_url();
    char *scheme = NULL, *port = NULL;
    uint64_t number = 0;
    bool good = url != NULL && curl_url_set(url, CURLUPART_URL, g->url, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
                strcmp(scheme, "https") == 0 &&
                curl_url_get(url, CURLUPART_HOST, &g->host, 0) == CURLUE_OK &&
                curl_url_get(url, CURLUPART_PORT, &port, CURLU_DEFAULT_PORT) == CURLUE_OK &&
                sgl_view_u64(sgl_view_cstr(port), 65535, &number);

    g->port = (unsigned)number;
    curl_free(scheme);
    curl_free(port);
    curl_url_cleanup(url);
    return good;
}

/* An address instead of a name: nothing is looked up. */
static bool is_address(const struct https_get *g, struct sgl_ip *ip)
{
    sgl_view host = sgl_view_cstr(g->host);

    if (sgl_view_starts(host, SGL_LIT("[")) && sgl_view_ends(host, SGL_LIT("]")))
        host = sgl_view_sub(host, 1, host.len - 2);
    return sgl_ip_parse(host, ip) == SGL_OK;
}

static void start(struct loop_later *later)
{
    struct https_get *g =
        (struct https_get *)(void *)((char *)later - offsetof(struct https_get, later));
    struct sgl_ip ip;

    if (g->https->opened > HTTPS_OPEN_MAX)
        finish(g, "too many others are being asked");
    else if (!read_url(g))
        finish(g, "the address cannot be read");
    else if (!is_address(g, &ip))
        resolve(g);
    else if (may_ask(g->https, &ip))
        begin(g);
    else
        finish(g, "it is an address of this machine");
}

void https_get(struct https *h, struct https_get *g)
{
    g->https = h;
    g->ok = false;
    g->easy = g->resolved = NULL;
    g->host = NULL;
    g->later = (struct loop_later){.run = start};
    g->body = (struct sgl_buf)SGL_BUF_INIT(g->size_max);
    g->fill = (struct resolver_fill){0};
    sgl_dns_init(&g->dns, 4);
    g->next = h->open;
    g->link = &h->open;
    if (h->open != NULL)
        h->open->link = &g->next;
    h->open = g;
    h->opened++;
    loop_later(h->loop, &g->later);
}

/* ---- the room's ---- */

struct https *https_new(struct loop *loop, struct resolver *resolver,
                        const struct https_config *config)
{
    struct https *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return NULL;
    h->loop = loop;
    h->resolver = resolver;
    h->loopback_allowed = config->loopback_allowed;
    h->ca_file = strdup(config->ca_file);
    h->timer = event_new(loop_base(loop), -1, 0, on_timer, h);
    h->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
    if (h->ca_file != NULL && h->timer != NULL && h->multi != NULL &&
        curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch) == CURLM_OK &&
        curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) == CURLM_OK &&
        curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, wait_for) == CURLM_OK &&
        curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) == CURLM_OK)
        return h;
    https_free(h);
    return NULL;
}

void https_free(struct https *h)
{
    if (h == NULL)
        return;
    while (h->open != NULL) {
        struct https_get *g = h->open;

        unlink_(g);
        resolver_cancel(&g->fill);
        loop_later_cancel(&g->later);
        release(g);
        sgl_buf_done(&g->body);
    }
    curl_multi_cleanup(h->multi);
    if (h->timer != NULL)
        event_free(h->timer);
    free(h->ca_file);
    free(h);
}

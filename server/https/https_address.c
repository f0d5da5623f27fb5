/* SPDX-License-Identifier: Apache-2.0 */
/* Where a request goes.  The name may be a stranger's: it leads only where it may, and the connection goes to the address that was looked at. */
#include <string.h>

#include "https_internal.h"

#define RESOLVE_MS 5000

/* Not this machine, nor what is only on its own wire: other services answer there, that of the machine's metadata among them. */
bool https_may_ask(const struct sgl_ip *ip, enum https_reach reach)
{
    static const char *const never[] = {"0.0.0.0/8", "169.254.0.0/16", "::/128", "fe80::/10"};
    struct sgl_ip plain = sgl_ip_unmap(ip);
    struct sgl_ip_prefix prefix;

    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        if (sgl_ip_prefix_parse(sgl_view_cstr(never[i]), &prefix) != SGL_OK ||
            sgl_ip_in_prefix(&plain, &prefix))
            return false;
    switch (reach) {
    case HTTPS_LOOPBACK:
        return true;
    case HTTPS_PRIVATE:
        return !sgl_ip_is_loopback(ip);
    case HTTPS_PUBLIC:
        break;
    }
    return !sgl_ip_is_special(ip);
}

static void put_addresses(const struct https_get *g, const struct sgl_dns_answer *answer,
                          size_t *count, struct sgl_buf *out)
{
    char text[SGL_IP_TEXT_SIZE];

    if (answer->outcome != SGL_DNS_OK)
        return;
    for (size_t i = 0; i < answer->count && *count < HTTPS_ADDRESSES; i++) {
        const struct sgl_ip *ip = &answer->rr[i].ip;

        if (!https_may_ask(ip, g->https->reach))
            continue;
        sgl_ip_text(ip, text);
        sgl_buf_addf(out, ip->version == 6 ? "%s[%s]" : "%s%s", (*count)++ > 0 ? "," : "", text);
    }
}

static bool has_failed(const struct sgl_dns_answer *answer)
{
    return answer->outcome == SGL_DNS_FAILED;
}

/* "+host:443:192.0.2.1,[2001:db8::1]", as libcurl wants it; with the plus it is forgotten in time. */
static enum sgl_status find_addresses(struct https_get *g, size_t *count, bool *failed,
                                      struct sgl_buf *out)
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
    sgl_buf_addf(out, "+%s:%u:", g->host, g->port);
    put_addresses(g, six, count, out);
    put_addresses(g, four, count, out);
    *failed = has_failed(four) || has_failed(six);
    return out->status;
}

static void resolve(struct https_get *g);

static void resolved(struct resolver_fill *fill)
{
    resolve((struct https_get *)(void *)((char *)fill - offsetof(struct https_get, fill)));
}

static void found(struct https_get *g, struct sgl_buf *line)
{
    sgl_buf_add_byte(line, '\0');
    g->resolved = line->status == SGL_OK ? curl_slist_append(NULL, (char *)line->data) : NULL;
    if (g->resolved == NULL)
        https_finish(g, HTTPS_LOCAL, "out of memory");
    else
        https_transfer(g);
}

static void resolve(struct https_get *g)
{
    sgl_auto(sgl_buf) line = SGL_BUF_INIT(2048);
    size_t count = 0;
    bool failed = false;
    enum sgl_status status = find_addresses(g, &count, &failed, &line);

    if (status == SGL_NEED_DNS) {
        g->fill =
            (struct resolver_fill){.dns = &g->dns, .timeout_ms = RESOLVE_MS, .done = resolved};
        resolver_fill(g->https->resolver, &g->fill);
    } else if (status == SGL_E_NOMEM) {
        https_finish(g, HTTPS_LOCAL, "out of memory");
    } else if (status != SGL_OK || (count == 0 && failed)) {
        https_finish(g, HTTPS_LOOKUP, "its name cannot be looked up");
    } else if (count == 0) {
        https_finish(g, HTTPS_NO_ADDRESS, "its name has no address that may be asked");
    } else {
        found(g, &line);
    }
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

bool https_is_literal(const struct https_get *g, struct sgl_ip *ip)
{
    sgl_view host = sgl_view_cstr(g->host);

    if (sgl_view_starts(host, SGL_LIT("[")) && sgl_view_ends(host, SGL_LIT("]")))
        host = sgl_view_sub(host, 1, host.len - 2);
    return sgl_ip_parse(host, ip) == SGL_OK;
}

void https_find(struct https_get *g)
{
    struct sgl_ip ip;

    if (!read_url(g))
        https_finish(g, HTTPS_LOCAL, "the address cannot be read");
    else if (!https_is_literal(g, &ip))
        resolve(g);
    else if (https_may_ask(&ip, g->https->reach))
        https_transfer(g);
    else
        https_finish(g, HTTPS_NO_ADDRESS, "it is an address that may not be asked");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <curl/curl.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../server/loop/loop.h"
#include "check.h"
#include "sigillo/limits.h"

#define FETCH_MAX_MS      60000 /* [RFC 8461 s3.3] */
#define FETCH_MIN_MS      1000
#define PROGRESS_AFTER_MS 2000

struct fetching {
    struct check_fetch *f;
    const char *host;
    uint64_t began_ms;
    bool too_large, shown;
};

static size_t collect(char *bytes, size_t size, size_t count, void *ctx)
{
    struct fetching *g = ctx;

    if (size * count > SGL_LIMIT_MTA_STS_POLICY - g->f->body.len) {
        g->too_large = true;
        return 0;
    }
    sgl_buf_add(&g->f->body, sgl_view_of(bytes, size * count));
    return g->f->body.status == SGL_OK ? size * count : 0;
}

static int progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct fetching *g = ctx;

    (void)a;
    (void)b;
    (void)c;
    (void)d;
    if (!g->shown && isatty(STDERR_FILENO) && clock_mono_ms() - g->began_ms > PROGRESS_AFTER_MS) {
        g->shown = true;
        fprintf(stderr, "waiting for https://%.48s/", g->host);
        fflush(stderr);
    }
    return 0;
}

/* Only DNS names of the certificate count, a star is a whole label; libcurl by itself would take its common name, too. */
static CURLcode exact_name(CURL *curl, void *ssl_ctx, void *host)
{
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl_ctx);

    (void)curl;
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (!X509_VERIFY_PARAM_set1_host(param, host, 0) ||
        !SSL_CTX_set_min_proto_version(ssl_ctx, TLS1_2_VERSION))
        return CURLE_OUT_OF_MEMORY;
    return CURLE_OK;
}

static void set_options(CURL *curl, struct fetching *g, struct curl_slist *resolve,
                        struct curl_slist *headers, const char *ca)
{
    char url[400];

    snprintf(url, sizeof url, "https://%s/.well-known/mta-sts.txt", g->host);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(curl, CURLOPT_RESOLVE, resolve);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
    curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
    curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, exact_name);
    curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, g->host);
    if (ca != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, collect);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, g);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, progress);
    curl_easy_setopt(curl, CURLOPT_XFERINFODATA, g);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "sigillo/" SIGILLO_VERSION);
}

/* "text/plain", with parameters or without. */
static bool is_plain_text(const char *type)
{
    sgl_view rest, word;

    if (type == NULL)
        return false;
    word = sgl_view_trim(sgl_view_split(sgl_view_cstr(type), ';', &rest));
    return sgl_view_eq_nocase(word, SGL_LIT("text/plain"));
}

static bool judge(struct fetching *g, CURL *curl, CURLcode code, const char *error)
{
    struct check_fetch *f = g->f;
    char *type = NULL;
    long status = 0;

    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    if (g->too_large)
        snprintf(f->why, sizeof f->why, "it is larger than 64 KiB");
    else if (code != CURLE_OK)
        snprintf(f->why, sizeof f->why, "%s", error[0] != '\0' ? error : curl_easy_strerror(code));
    else if (status != 200)
        snprintf(f->why, sizeof f->why, "HTTP status %ld%s", status,
                 status >= 300 && status < 400 ? ", and redirects must not be followed" : "");
    else if (!is_plain_text(type))
        snprintf(f->why, sizeof f->why, "its media type is %.80s, not text/plain",
                 type == NULL ? "missing" : type);
    else
        return true;
    return false;
}

/* host: "mta-sts.example.org"; at: its addresses, "192.0.2.1,2001:db8::1". false: why says why. */
static bool fetch(struct check_fetch *f, const struct lookup *l, const char *host, const char *at,
                  const char *ca)
{
    struct fetching g = {.f = f, .host = host, .began_ms = clock_mono_ms()};
    uint64_t left = l->ends_ms > g.began_ms ? l->ends_ms - g.began_ms : 0;
    struct curl_slist *resolve = NULL, *headers = NULL;
    char error[CURL_ERROR_SIZE] = "", pin[2048];
    CURL *curl = curl_easy_init();
    bool good = false;

    snprintf(pin, sizeof pin, "%s:443:%s", host, at);
    resolve = curl_slist_append(NULL, pin);
    headers = curl_slist_append(NULL, "Accept-Encoding: identity");
    snprintf(f->why, sizeof f->why, "out of memory");
    if (curl != NULL && resolve != NULL && headers != NULL) {
        set_options(curl, &g, resolve, headers, ca);
        curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, error);
        curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS,
                         (long)(left > FETCH_MAX_MS   ? FETCH_MAX_MS
                                : left < FETCH_MIN_MS ? FETCH_MIN_MS
                                                      : left));
        good = judge(&g, curl, curl_easy_perform(curl), error);
    }
    if (g.shown)
        fprintf(stderr, "\r\033[K");
    curl_slist_free_all(resolve);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return good;
}

/* Adds the addresses of one family, "192.0.2.1,192.0.2.2". */
static enum sgl_dns_outcome add_addresses(struct lookup *l, struct sgl_name host, enum sgl_rr type,
                                          struct sgl_buf *out)
{
    const struct sgl_dns_answer *answer = NULL;

    if (sgl_dns_get(&l->dns, host, type, &answer) != SGL_OK)
        return SGL_DNS_FAILED;
    for (size_t i = 0; answer->outcome == SGL_DNS_OK && i < answer->count && i < 8; i++) {
        char text[SGL_IP_TEXT_SIZE];

        sgl_ip_text(&answer->rr[i].ip, text);
        sgl_buf_addf(out, "%s%s", out->len == 0 ? "" : ",", text);
    }
    return answer->outcome;
}

void check_fetch_policy(struct check_fetch *f, struct lookup *l, struct sgl_survey_request *request,
                        struct sgl_arena *arena, const char *ca)
{
    sgl_auto(sgl_buf) at = SGL_BUF_INIT(1000);
    struct sgl_name host;
    enum sgl_dns_outcome v4, v6;

    request->policy = SGL_SURVEY_POLICY_FAILED;
    request->policy_why = "the name of its host would be too long";
    if (sgl_name_under(SGL_LIT("mta-sts"), request->domain, arena, &host) != SGL_OK)
        return;
    sgl_dns_want(&l->dns, host, SGL_RR_A);
    sgl_dns_want(&l->dns, host, SGL_RR_AAAA);
    lookup_fill(l);
    v4 = add_addresses(l, host, SGL_RR_A, &at);
    v6 = add_addresses(l, host, SGL_RR_AAAA, &at);
    request->policy_why = v4 == SGL_DNS_BOGUS || v6 == SGL_DNS_BOGUS
                              ? "the DNSSEC signatures of its host are not valid"
                              : "its host has no address";
    if (at.len == 0 && (v4 == SGL_DNS_FAILED || v6 == SGL_DNS_FAILED))
        request->policy = SGL_SURVEY_POLICY_UNKNOWN; /* nobody's fault that we know of */
    if (at.len == 0 || sgl_cstr(&at) == NULL)
        return;
    request->policy_why = f->why;
    if (fetch(f, l, (const char *)host.text.ptr, sgl_cstr(&at), ca)) {
        request->policy = SGL_SURVEY_POLICY_FETCHED;
        request->policy_body = sgl_buf_view(&f->body);
    }
}

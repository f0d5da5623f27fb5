/* SPDX-License-Identifier: Apache-2.0 */
/* libcurl: what is asked of a connection, and its sockets and timer on our loop. */
#include <errno.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "https_internal.h"
#include "sigillo/ascii.h"

#define CONNECT_MS 10000
#define HEADER_MAX 65536
#define AGENT      "sigillo"

/* ---- over ---- */

void https_release(struct https_get *g)
{
    if (g->easy != NULL) {
        curl_multi_remove_handle(g->https->multi, g->easy);
        curl_easy_cleanup(g->easy);
    }
    curl_slist_free_all(g->resolved);
    curl_slist_free_all(g->header);
    curl_free(g->host);
    sgl_dns_done(&g->dns);
    g->easy = g->resolved = g->header = NULL;
    g->host = NULL;
}

/* "Text/Plain; charset=utf-8" is "text/plain"; what can be no media type is "". */
static void read_type(struct https_get *g)
{
    const char *said = NULL;
    sgl_view type, rest;

    if (curl_easy_getinfo(g->easy, CURLINFO_CONTENT_TYPE, &said) != CURLE_OK || said == NULL)
        return;
    type = sgl_view_trim(sgl_view_split(sgl_view_cstr(said), ';', &rest));
    if (type.len >= sizeof(g->type))
        return;
    for (size_t i = 0; i < type.len; i++)
        if (!sgl_ascii_is_visible(type.ptr[i]))
            return;
    for (size_t i = 0; i < type.len; i++)
        g->type[i] = (char)sgl_ascii_lower(type.ptr[i]);
    g->type[type.len] = '\0';
}

static void failed(struct https_get *g, CURLcode result)
{
    long verified = X509_V_OK, status = 0;
    char why[sizeof(g->why)];

    (void)curl_easy_getinfo(g->easy, CURLINFO_SSL_VERIFYRESULT, &verified);
    (void)curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);
    g->status = (unsigned)status;
    if (g->body.status == SGL_E_NOMEM) {
        https_finish(g, HTTPS_LOCAL, "out of memory");
    } else if (g->no_socket) {
        https_finish(g, HTTPS_LOCAL, "no file descriptor or no memory for a connection");
    } else if (g->body.status != SGL_OK || g->header_size > HEADER_MAX) {
        https_finish(g, HTTPS_TOO_LARGE, "its answer is too large");
    } else if (result == CURLE_PEER_FAILED_VERIFICATION) {
        snprintf(why, sizeof(why), "its certificate does not prove who it is%s%s",
                 verified != X509_V_OK ? ": " : "",
                 verified != X509_V_OK ? X509_verify_cert_error_string(verified) : "");
        https_finish(g, HTTPS_CERTIFICATE, why);
    } else if (result == CURLE_OPERATION_TIMEDOUT) {
        https_finish(g, HTTPS_TIMEOUT, "it did not answer in time");
    } else if (result == CURLE_OUT_OF_MEMORY || result == CURLE_SSL_CACERT_BADFILE) {
        https_finish(g, HTTPS_LOCAL, curl_easy_strerror(result));
    } else {
        https_finish(g, HTTPS_CONNECTION, curl_easy_strerror(result));
    }
}

static void read_retry_after(struct https_get *g)
{
    curl_off_t seconds = 0;

    if (curl_easy_getinfo(g->easy, CURLINFO_RETRY_AFTER, &seconds) == CURLE_OK && seconds > 0)
        g->retry_after_s = seconds;
}

static void answered(struct https_get *g)
{
    long status = 0;
    char why[64];

    (void)curl_easy_getinfo(g->easy, CURLINFO_RESPONSE_CODE, &status);
    g->status = (unsigned)status;
    read_type(g);
    read_retry_after(g);
    snprintf(why, sizeof(why), "it answered %u", g->status);
    if (status == 200 || (g->send_type != NULL && status >= 200 && status < 300))
        https_finish(g, HTTPS_OK, "");
    else
        https_finish(g, HTTPS_STATUS, why);
}

static void collect(struct https *h)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(h->multi, &left)) != NULL) {
        CURLcode result = message->data.result;
        struct https_get *g = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&g);
        if (result == CURLE_OK)
            answered(g);
        else
            failed(g, result);
    }
}

/* ---- on the loop ---- */

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

bool https_prepare(struct https *h)
{
    h->timer = event_new(loop_base(h->loop), -1, 0, on_timer, h);
    h->multi = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_multi_init() : NULL;
    return h->timer != NULL && h->multi != NULL &&
           curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, watch) == CURLM_OK &&
           curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h) == CURLM_OK &&
           curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, wait_for) == CURLM_OK &&
           curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h) == CURLM_OK;
}

/* ---- a transfer ---- */

static size_t receive(char *data, size_t size, size_t count, void *ctx)
{
    struct https_get *g = ctx;

    sgl_buf_add(&g->body, sgl_view_of(data, size * count));
    return g->body.status == SGL_OK ? size * count : 0;
}

/* A header, too, may be without an end. */
static size_t receive_header(char *data, size_t size, size_t count, void *ctx)
{
    struct https_get *g = ctx;

    (void)data;
    g->header_size += size * count;
    return g->header_size <= HEADER_MAX ? size * count : 0;
}

/* The last look at where it goes: whatever libcurl thinks of the name, nobody else is connected to. */
static curl_socket_t open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct https_get *g = ctx;
    struct sgl_ip ip;
    int fd;

    (void)purpose;
    if (to->family == AF_INET)
        ip = sgl_ip_v4(
            (const void *)&((const struct sockaddr_in *)(const void *)&to->addr)->sin_addr);
    else if (to->family == AF_INET6)
        ip = sgl_ip_v6(
            (const void *)&((const struct sockaddr_in6 *)(const void *)&to->addr)->sin6_addr);
    else
        return CURL_SOCKET_BAD;
    if (!https_may_ask(&ip, g->https->reach))
        return CURL_SOCKET_BAD;
    fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    if (fd < 0 && errno != EAFNOSUPPORT) /* a machine without IPv6 has the other addresses */
        g->no_socket = true;
    return fd < 0 ? CURL_SOCKET_BAD : fd;
}

/*
 * The name must be one of the certificate's alternative names; the subject's common name, which libcurl would take where there is none, is no name [RFC 9525 s2, RFC 8461 s3.3].
 */
static CURLcode expect_name(CURL *easy, void *ssl_ctx, void *ctx)
{
    const struct https_get *g = ctx;
    X509_VERIFY_PARAM *param = SSL_CTX_get0_param(ssl_ctx);
    sgl_view name = sgl_view_cstr(g->host);
    struct sgl_ip ip;
    char text[SGL_IP_TEXT_SIZE];

    (void)easy;
    if (https_is_literal(g, &ip)) {
        sgl_ip_text(&ip, text);
        return X509_VERIFY_PARAM_set1_ip_asc(param, text) == 1 ? CURLE_OK : CURLE_SSL_CERTPROBLEM;
    }
    if (sgl_view_ends(name, SGL_LIT(".")))
        name = sgl_view_sub(name, 0, name.len - 1);
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT |
                                               X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_host(param, (const char *)name.ptr, name.len) != 1)
        return CURLE_OUT_OF_MEMORY;
    return CURLE_OK;
}

static bool set_tls(struct https_get *g)
{
    CURL *e = g->easy;
    bool set = true;

    set = set && curl_easy_setopt(e, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_SSL_SESSIONID_CACHE, 0L) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_CAINFO, g->https->ca_file) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_CAPATH, NULL) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_SSL_CTX_DATA, g) == CURLE_OK;
    return set && curl_easy_setopt(e, CURLOPT_SSL_CTX_FUNCTION, expect_name) == CURLE_OK;
}

/* Where it goes, and nowhere else. */
static bool set_way(struct https_get *g)
{
    CURL *e = g->easy;
    bool set = true;

    set = set && curl_easy_setopt(e, CURLOPT_URL, g->url) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_PROXY, "") == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_RESOLVE, g->resolved) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_OPENSOCKETDATA, g) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_OPENSOCKETFUNCTION, open_socket) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
    return set && curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L) == CURLE_OK;
}

/* Asked for as it is, and taken as it is: 64 KiB that are a gigabyte when unpacked are not unpacked. */
static bool set_answer(struct https_get *g, uint64_t left_ms)
{
    CURL *e = g->easy;
    bool set = true;

    set = set && curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, (long)left_ms) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_ACCEPT_ENCODING, "identity") == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_HTTP_CONTENT_DECODING, 0L) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_USERAGENT, AGENT) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_HEADERFUNCTION, receive_header) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_HEADERDATA, g) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_WRITEFUNCTION, receive) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_WRITEDATA, g) == CURLE_OK;
    return set && curl_easy_setopt(e, CURLOPT_PRIVATE, g) == CURLE_OK;
}

static bool add_line(struct https_get *g, const char *line)
{
    struct curl_slist *more = curl_slist_append(g->header, line);

    if (more != NULL)
        g->header = more;
    return more != NULL;
}

/* What is sent goes at once: nobody is asked whether it may. */
static bool set_sent(struct https_get *g)
{
    CURL *e = g->easy;
    char type[sizeof("Content-Type: ") + HTTPS_TYPE_SIZE];
    bool set;

    if (g->send_type == NULL)
        return true;
    snprintf(type, sizeof(type), "Content-Type: %s", g->send_type);
    set = add_line(g, "Expect:") && add_line(g, type);
    for (size_t i = 0; set && g->header_line != NULL && g->header_line[i] != NULL; i++)
        set = i < HTTPS_LINES && add_line(g, g->header_line[i]);
    set = set && curl_easy_setopt(e, CURLOPT_HTTPHEADER, g->header) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_POST, 1L) == CURLE_OK;
    set = set && curl_easy_setopt(e, CURLOPT_POSTFIELDS, g->send.ptr) == CURLE_OK;
    return set &&
           curl_easy_setopt(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)g->send.len) == CURLE_OK;
}

void https_transfer(struct https_get *g)
{
    uint64_t past_ms = clock_mono_ms() - g->began_ms;

    if (past_ms >= g->timeout_ms) {
        https_finish(g, HTTPS_TIMEOUT, "its name was not looked up in time");
        return;
    }
    g->easy = curl_easy_init();
    if (g->easy != NULL && set_way(g) && set_tls(g) && set_answer(g, g->timeout_ms - past_ms) &&
        set_sent(g) && curl_multi_add_handle(g->https->multi, g->easy) == CURLM_OK)
        return;
    if (g->easy != NULL)
        curl_easy_cleanup(g->easy);
    g->easy = NULL;
    https_finish(g, HTTPS_LOCAL, "out of memory");
}

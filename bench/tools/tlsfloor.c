/* SPDX-License-Identifier: Apache-2.0 */
/* What TLS costs a client that is nothing but OpenSSL:   tlsfloor [-c CHAIN.pem -k KEY.pem -C CA.pem] [-n NAME] [-t SECONDS]
 *   full, resumed            handshakes of TLS 1.3 in memory, CPU of the client's calls only: SSL_new() to SSL_free(), the chain and the name verified
 *   wire-full, wire-resumed  the same behind STARTTLS over loopback, with blocking sockets: CPU of the client's thread above what the same dialogue without TLS takes it
 * One JSON line; SECONDS is for each of the four. */
#include "common.h"
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>

static const char *chain, *key, *ca, *name = "localhost";
static SSL_CTX *server_ctx, *client_ctx;
static SSL_SESSION *kept;
static int with_tickets, port;

static double cpu_thread(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int session_made(SSL *ssl, SSL_SESSION *session)
{
    (void)ssl;
    SSL_SESSION_free(kept);
    kept = SSL_SESSION_dup(session);
    return 0;
}

static void set_up(void)
{
    signal(SIGPIPE, SIG_IGN);
    server_ctx = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(server_ctx, chain) != 1 || SSL_CTX_use_PrivateKey_file(server_ctx, key, SSL_FILETYPE_PEM) != 1) die("certificate");
    client_ctx = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_min_proto_version(client_ctx, TLS1_3_VERSION);
    SSL_CTX_set_mode(client_ctx, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_verify(client_ctx, SSL_VERIFY_PEER, NULL);
    if (SSL_CTX_load_verify_file(client_ctx, ca) != 1) die("roots");
}

static void want_tickets(int yes)
{
    with_tickets = yes;
    SSL_CTX_set_num_tickets(server_ctx, yes ? 2 : 0);
    SSL_CTX_set_session_cache_mode(client_ctx, yes ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
    SSL_CTX_sess_set_new_cb(client_ctx, yes ? session_made : NULL);
    SSL_SESSION_free(kept);
    kept = NULL;
}

static SSL *client_new(void)
{
    SSL *ssl = SSL_new(client_ctx);
    if (!ssl || SSL_set_tlsext_host_name(ssl, name) != 1 || SSL_set1_host(ssl, name) != 1) die("memory");
    if (kept) {
        SSL_set_session(ssl, kept);
        SSL_SESSION_free(kept); /* a ticket is used once */
        kept = NULL;
    }
    SSL_set_connect_state(ssl);
    return ssl;
}

/* ---- in memory ---- */

/* CPU seconds of the client's share; *resumed when it was no full one. */
static double one_in_memory(int *resumed)
{
    BIO *client_end = NULL, *server_end = NULL;
    SSL *server = SSL_new(server_ctx);
    char byte;
    double used = -cpu_thread();
    SSL *client = client_new();
    used += cpu_thread();
    if (!server || BIO_new_bio_pair(&client_end, 65536, &server_end, 65536) != 1) die("memory");
    SSL_set_bio(client, client_end, client_end);
    SSL_set_bio(server, server_end, server_end);
    SSL_set_accept_state(server);
    for (int i = 0; !SSL_is_init_finished(client) || !SSL_is_init_finished(server); i++) {
        used -= cpu_thread();
        SSL_do_handshake(client);
        used += cpu_thread();
        SSL_do_handshake(server);
        if (i > 10) die("no handshake: %s", ERR_reason_error_string(ERR_peek_error()));
    }
    used -= cpu_thread();
    if (with_tickets) SSL_read(client, &byte, 1);
    *resumed = SSL_session_reused(client);
    if (SSL_get_verify_result(client) != X509_V_OK) die("not verified");
    SSL_shutdown(client);
    SSL_free(client);
    used += cpu_thread();
    SSL_free(server);
    ERR_clear_error();
    return used;
}

/* Microseconds of a handshake, and whether they were what was wanted. */
static double in_memory(int resume, double secs)
{
    double used = 0, end;
    uint64_t n = 0;
    int resumed;
    want_tickets(resume);
    for (int i = 0; i < 50; i++) one_in_memory(&resumed);
    for (end = cpu_thread() + secs; cpu_thread() < end; n++) {
        used += one_in_memory(&resumed);
        if (resumed != resume) die("a handshake was %s", resumed ? "resumed" : "not resumed");
    }
    return used / (double)n * 1e6;
}

/* ---- over loopback ---- */

static void put(int fd, SSL *ssl, const char *line)
{
    if (ssl ? SSL_write(ssl, line, (int)strlen(line)) <= 0 : send(fd, line, strlen(line), MSG_NOSIGNAL) <= 0) die("lost");
}

/* One line, whatever it says. */
static int get(int fd, SSL *ssl, char line[512])
{
    size_t have = 0;
    while (have == 0 || line[have - 1] != '\n') {
        ssize_t n = ssl ? SSL_read(ssl, line + have, (int)(511 - have)) : recv(fd, line + have, 511 - have, 0);
        if (n <= 0) return 0;
        have += (size_t)n;
    }
    return 1;
}

static void serve(int fd)
{
    SSL *ssl = NULL;
    char line[512];
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    put(fd, NULL, "220 floor ESMTP\r\n");
    while (get(fd, ssl, line)) {
        if (!strncmp(line, "STARTTLS", 8)) {
            put(fd, NULL, "220 ready\r\n");
            ssl = SSL_new(server_ctx);
            SSL_set_fd(ssl, fd);
            if (SSL_accept(ssl) != 1) break;
        } else
            put(fd, ssl, "250 floor\r\n");
    }
    SSL_free(ssl);
    close(fd);
    ERR_clear_error();
}

static void *server_main(void *arg)
{
    int listener = *(int *)arg, fd;
    while ((fd = accept(listener, NULL, NULL)) >= 0) serve(fd);
    return NULL;
}

static void start_server(void)
{
    static int listener;
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    pthread_t thread;
    listener = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(listener, (void *)&a, sizeof a) || listen(listener, 64) || getsockname(listener, (void *)&a, &len)) die("listen");
    port = ntohs(a.sin_port);
    if (pthread_create(&thread, NULL, server_main, &listener)) die("thread");
}

/* Banner, EHLO and one command more, where the second EHLO and what it is behind of belong to TLS. */
static double one_over_wire(int tls, int *resumed)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    SSL *ssl = NULL;
    char line[512];
    double used = -cpu_thread();
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(fd, (void *)&a, sizeof a)) die("connect");
    if (!get(fd, NULL, line)) die("no banner");
    put(fd, NULL, "EHLO floor.test\r\n");
    if (!get(fd, NULL, line)) die("no answer");
    if (tls) {
        put(fd, NULL, "STARTTLS\r\n");
        if (!get(fd, NULL, line)) die("no answer");
        ssl = client_new();
        SSL_set_fd(ssl, fd);
        if (SSL_do_handshake(ssl) != 1) die("no handshake: %s", ERR_reason_error_string(ERR_peek_error()));
        put(fd, ssl, "EHLO floor.test\r\n");
        if (!get(fd, ssl, line)) die("no answer");
        *resumed = SSL_session_reused(ssl);
    }
    put(fd, ssl, "NOOP\r\n");
    if (!get(fd, ssl, line)) die("no answer");
    if (ssl) SSL_shutdown(ssl);
    SSL_free(ssl);
    close(fd);
    ERR_clear_error();
    return used + cpu_thread();
}

static double over_wire(int resume, double secs)
{
    double plain = 0, tls = 0, end;
    uint64_t n = 0;
    int resumed = 0, none;
    want_tickets(resume);
    for (int i = 0; i < 50; i++) one_over_wire(1, &resumed);
    for (end = cpu_thread() + secs; cpu_thread() < end; n++) { /* in turn: what else the machine does meets both */
        plain += one_over_wire(0, &none);
        tls += one_over_wire(1, &resumed);
        if (resumed != resume) die("a handshake was %s", resumed ? "resumed" : "not resumed");
    }
    return (tls - plain) / (double)n * 1e6;
}

int main(int argc, char **argv)
{
    double secs = 1, full, resumed;
    int o;
    while ((o = getopt(argc, argv, "c:k:C:n:t:")) != -1) switch (o) {
        case 'c': chain = optarg; break;
        case 'k': key = optarg; break;
        case 'C': ca = optarg; break;
        case 'n': name = optarg; break;
        case 't': secs = atof(optarg); break;
        default: die("see the head of tlsfloor.c");
        }
    if (!chain || !key || !ca) die("see the head of tlsfloor.c");
    set_up();
    start_server();
    full = in_memory(0, secs);
    resumed = in_memory(1, secs);
    printf("{\"openssl\":\"%s\",\"full_us\":%.1f,\"resumed_us\":%.1f", OpenSSL_version(OPENSSL_VERSION_STRING), full, resumed);
    full = over_wire(0, secs);
    resumed = over_wire(1, secs);
    printf(",\"wire_full_us\":%.1f,\"wire_resumed_us\":%.1f}\n", full, resumed);
    return 0;
}

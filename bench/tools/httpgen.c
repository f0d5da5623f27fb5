/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP load generator: one epoll thread, S keep-alive connections, M messages in all, one JSON request for each.
 *   httpgen -d DOOR -k SECRET [-p PORT] [-s SESSIONS] [-m MESSAGES] [-l BYTES] [-A ATTACHMENT_BYTES] [-f FROM] [-t TO]
 *           [-r MAX_PER_SECOND] [-i SEQ_START] [-W MAX_SECONDS] [-C] [-v]
 * DOOR says whose words are spoken: v1 (POST /v1/messages), sendgrid (/v3/mail/send), graph (/v1.0/users/FROM/sendMail):
 * SECRET is the bearer; acs (/emails:send): SECRET is the access key in base64, and each request is signed with it.
 * -l is the length of the request's body without attachment; -A adds one attachment of so many bytes, before base64.
 * -C goes without TLS.  Latency runs from the first byte of a request to the last of its answer.  Everything but 202 is
 * "refused", and not tried again.  Prints one JSON line.  Connections go to 127.0.0.0/8 only. */
#include "common.h"
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <sys/epoll.h>

enum state { IDLE, HANDSHAKE, SENDING, READING, CLOSED };
struct conn {
    int fd, want_write;
    enum state st;
    SSL *ssl;
    char *req;
    size_t len, off;
    char in[16384];
    size_t inlen;
    uint64_t t0, wake;
};
static const char *host = "127.0.0.1", *from = "sender@bench.test", *to = "rcpt@dest.test", *door = "v1", *secret = "";
static int port = 8443, sessions = 1, size = 2048, plain, rate, verbose, ep, live;
static uint64_t total = 100, seq0, given, accepted, refused, lost, attach, t_start, t_last;
static char *text, *file; /* as they stand in the JSON */
static unsigned char hmac_key[128];
static int hmac_len;
static struct lh took;
static SSL_CTX *ctx;
static struct sockaddr_in dst;

/* ---- requests ---- */

static char *make_text(size_t want)
{
    char *s = malloc(want + 80), *p = s;
    uint32_t r = 12345;
    while ((size_t)(p - s) + 78 < want + 76) {
        for (int col = 0; col < 74; col++) {
            r = r * 1664525u + 1013904223u;
            *p++ = (r >> 24) % 7 == 0 && col ? ' ' : (char)('a' + (r >> 24) % 26);
        }
        *p++ = '\\';
        *p++ = 'n';
    }
    *p = 0;
    return s;
}
static char *make_file(size_t n)
{
    unsigned char *raw = malloc(n);
    char *b64 = malloc(n / 3 * 4 + 8);
    uint32_t r = 1;
    for (size_t i = 0; i < n; i++) r = r * 1664525u + 1013904223u, raw[i] = (unsigned char)(r >> 24);
    EVP_EncodeBlock((unsigned char *)b64, raw, (int)n);
    free(raw);
    return b64;
}
/* The JSON of a door: two %s for the addresses, one for the text, %llu %llu for X-Bench, and the attachment's member. */
struct words { const char *name, *target, *json, *file; };
static const struct words doors[] = {
    {"v1", "/v1/messages",
     "{\"from\":{\"email\":\"%s\",\"name\":\"Bench Sender\"},\"to\":[\"%s\"],\"subject\":\"Measurement message with an ordinary subject line\",\"text\":\"%s\",\"headers\":{\"X-Bench\":\"%llu %llu\"}%s}",
     ",\"attachments\":[{\"filename\":\"picture.bin\",\"content_type\":\"image/x-bench\",\"content\":\"%s\"}]"},
    {"acs", "/emails:send?api-version=2023-03-31",
     "{\"senderAddress\":\"%s\",\"recipients\":{\"to\":[{\"address\":\"%s\",\"displayName\":\"\"}]},\"content\":{\"subject\":\"Measurement message with an ordinary subject line\",\"plainText\":\"%s\"},\"headers\":{\"X-Bench\":\"%llu %llu\"}%s}",
     ",\"attachments\":[{\"name\":\"picture.png\",\"contentType\":\"image/png\",\"contentInBase64\":\"%s\"}]"},
    {"sendgrid", "/v3/mail/send",
     "{\"from\":{\"email\":\"%s\",\"name\":\"Bench Sender\"},\"personalizations\":[{\"to\":[{\"email\":\"%s\"}]}],\"subject\":\"Measurement message with an ordinary subject line\",\"content\":[{\"type\":\"text/plain\",\"value\":\"%s\"}],\"headers\":{\"X-Bench\":\"%llu %llu\"}%s}",
     ",\"attachments\":[{\"filename\":\"picture.bin\",\"type\":\"image/x-bench\",\"content\":\"%s\"}]"},
    {"graph", "/v1.0/users/%s/sendMail",
     "{\"message\":{\"from\":{\"emailAddress\":{\"address\":\"%s\"}},\"toRecipients\":[{\"emailAddress\":{\"address\":\"%s\"}}],\"subject\":\"Measurement message with an ordinary subject line\",\"body\":{\"contentType\":\"Text\",\"content\":\"%s\"},\"internetMessageHeaders\":[{\"name\":\"X-Bench\",\"value\":\"%llu %llu\"}]%s},\"saveToSentItems\":false}",
     ",\"attachments\":[{\"@odata.type\":\"#microsoft.graph.fileAttachment\",\"name\":\"picture.bin\",\"contentType\":\"image/x-bench\",\"contentBytes\":\"%s\"}]"},
};
static const struct words *words;
static char *files = ""; /* the member, ready */

static size_t base64(char *out, const unsigned char *in, size_t n) { return (size_t)EVP_EncodeBlock((unsigned char *)out, in, (int)n); }
/* The fields that prove who sends, as the door wants them. */
static void make_proof(char *out, size_t room, const char *json, size_t len)
{
    if (strcmp(door, "acs")) { snprintf(out, room, "Authorization: Bearer %s\r\n", secret); return; }
    unsigned char digest[32], mac[32];
    char hash[48], sig[48], date[64], sign[512];
    unsigned n = sizeof mac;
    time_t t = time(NULL);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime(&t));
    SHA256((const unsigned char *)json, len, digest);
    base64(hash, digest, 32);
    int k = snprintf(sign, sizeof sign, "POST\n%s\n%s;%s:%d;%s", words->target, date, host, port, hash);
    HMAC(EVP_sha256(), hmac_key, hmac_len, (unsigned char *)sign, (size_t)k, mac, &n);
    base64(sig, mac, 32);
    snprintf(out, room, "x-ms-date: %s\r\nx-ms-content-sha256: %s\r\nAuthorization: HMAC-SHA256 SignedHeaders=x-ms-date;host;x-ms-content-sha256&Signature=%s\r\n", date, hash, sig);
}
static void make_request(struct conn *c)
{
    char head[8192], proof[4096], target[512];
    uint64_t seq = seq0 + given++;
    size_t room = strlen(text) + strlen(files) + 2048;
    c->t0 = now_ns();
    free(c->req);
    c->req = malloc(room + sizeof head);
    char *json = c->req + sizeof head;
    int n = snprintf(json, room, words->json, from, to, text, (unsigned long long)seq, (unsigned long long)c->t0, files);
    make_proof(proof, sizeof proof, json, (size_t)n);
    snprintf(target, sizeof target, words->target, from);
    int h = snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: %s:%d\r\n%sContent-Type: application/json\r\nUser-Agent: httpgen\r\nAccept: application/json\r\nContent-Length: %d\r\n\r\n",
                     target, host, port, proof, n);
    memcpy(json - h, head, (size_t)h); /* in one piece, as clients send what is small */
    memmove(c->req, json - h, (size_t)(h + n));
    c->len = (size_t)(h + n);
    c->off = 0;
}

/* ---- connections ---- */

static void arm(struct conn *c, int out)
{
    struct epoll_event e = {.events = EPOLLIN | (out ? (uint32_t)EPOLLOUT : 0u), .data.ptr = c};
    if (out != c->want_write) epoll_ctl(ep, EPOLL_CTL_MOD, c->fd, &e);
    c->want_write = out;
}
static void done(struct conn *c)
{
    if (c->ssl) SSL_free(c->ssl);
    close(c->fd);
    c->ssl = NULL;
    c->fd = -1;
    c->st = CLOSED;
    live--;
}
static void dial(struct conn *c)
{
    int one = 1;
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (connect(c->fd, (void *)&dst, sizeof dst)) die("connect: %s", strerror(errno));
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
    struct epoll_event e = {.events = EPOLLIN, .data.ptr = c};
    epoll_ctl(ep, EPOLL_CTL_ADD, c->fd, &e);
    c->want_write = 0;
    c->inlen = 0;
    c->st = plain ? IDLE : HANDSHAKE;
    if (plain) return;
    c->ssl = SSL_new(ctx);
    SSL_set_fd(c->ssl, c->fd);
    SSL_set_connect_state(c->ssl);
}
/* > 0: bytes, 0: not now, -1: dead */
static ssize_t io(struct conn *c, int out, char *p, size_t n)
{
    if (!c->ssl) {
        ssize_t k = out ? send(c->fd, p, n, MSG_NOSIGNAL) : recv(c->fd, p, n, 0);
        return k > 0 ? k : k < 0 && errno == EAGAIN ? 0 : -1;
    }
    int k = out ? SSL_write(c->ssl, p, (int)(n > 1 << 20 ? 1 << 20 : n)) : SSL_read(c->ssl, p, (int)n);
    if (k > 0) return k;
    int e = SSL_get_error(c->ssl, k);
    return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE ? 0 : -1;
}
static void next(struct conn *c)
{
    if (given >= total) { done(c); return; }
    if (rate) {
        uint64_t due = t_start + given * 1000000000ull / (uint64_t)rate;
        if (due > now_ns()) { c->st = IDLE; c->wake = due; return; }
    }
    make_request(c);
    c->st = SENDING;
}
static void answered(struct conn *c, int status)
{
    uint64_t t = now_ns();
    if (status != 202) {
        refused++;
        if (verbose || refused <= 3) fprintf(stderr, "%s: %.*s\n", door, (int)c->inlen, c->in);
    } else {
        lh_add(&took, t - c->t0);
        accepted++;
        t_last = t;
    }
    c->inlen = 0;
    next(c);
}
/* A whole answer in c->in?  Its status, or 0. */
static int answer(struct conn *c)
{
    c->in[c->inlen] = 0;
    char *end = strstr(c->in, "\r\n\r\n"), *l = strcasestr(c->in, "\r\nContent-Length:");
    if (!end || c->inlen < 12) return 0;
    size_t body = l && l < end ? strtoul(l + 17, NULL, 10) : 0;
    return c->inlen >= (size_t)(end + 4 - c->in) + body ? atoi(c->in + 9) : 0;
}
static void drive(struct conn *c)
{
    ssize_t k;
    if (c->st == HANDSHAKE) {
        int r = SSL_connect(c->ssl);
        if (r != 1) {
            int e = SSL_get_error(c->ssl, r);
            if (e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE) { arm(c, e == SSL_ERROR_WANT_WRITE); return; }
            die("TLS handshake failed");
        }
        next(c);
    }
    if (c->st == IDLE && c->wake == 0) next(c);
    for (;;) {
        if (c->st == SENDING) {
            k = io(c, 1, c->req + c->off, c->len - c->off);
            if (k == 0) { arm(c, 1); return; }
            if (k < 0) break;
            c->off += (size_t)k;
            if (c->off == c->len) { c->st = READING; arm(c, 0); }
            continue;
        }
        if (c->st == CLOSED) return;
        k = io(c, 0, c->in + c->inlen, sizeof c->in - 1 - c->inlen);
        if (k == 0) return;
        if (k < 0) break;
        c->inlen += (size_t)k;
        int status = answer(c);
        if (status) answered(c, status);
    }
    if (c->st == SENDING || c->st == READING) lost++;
    done(c);
}
static void parse(int argc, char **argv, int *maxsec)
{
    int o;
    while ((o = getopt(argc, argv, "h:p:s:m:l:A:d:k:f:t:r:i:W:Cv")) != -1) switch (o) {
        case 'h': host = optarg; break;
        case 'p': port = atoi(optarg); break;
        case 's': sessions = atoi(optarg); break;
        case 'm': total = strtoull(optarg, NULL, 10); break;
        case 'l': size = atoi(optarg); break;
        case 'A': attach = strtoull(optarg, NULL, 10); break;
        case 'd': door = optarg; break;
        case 'k': secret = optarg; break;
        case 'f': from = optarg; break;
        case 't': to = optarg; break;
        case 'r': rate = atoi(optarg); break;
        case 'i': seq0 = strtoull(optarg, NULL, 10); break;
        case 'W': *maxsec = atoi(optarg); break;
        case 'C': plain = 1; break;
        case 'v': verbose = 1; break;
        default: die("see the head of httpgen.c");
        }
    for (size_t i = 0; i < sizeof doors / sizeof doors[0]; i++) if (!strcmp(door, doors[i].name)) words = &doors[i];
    if (!words || sessions < 1 || sessions > 20000 || size < 700 || size > 1 << 20 || attach > 1u << 27) die("bad arguments; see the head of httpgen.c");
}
int main(int argc, char **argv)
{
    int maxsec = 600;
    parse(argc, argv, &maxsec);
    signal(SIGPIPE, SIG_IGN);
    dst.sin_family = AF_INET;
    dst.sin_port = htons((uint16_t)port);
    inet_pton(AF_INET, host, &dst.sin_addr);
    if ((ntohl(dst.sin_addr.s_addr) >> 24) != 127) die("loopback destinations only");
    ctx = SSL_CTX_new(TLS_client_method());
    if (!strcmp(door, "acs")) {
        hmac_len = EVP_DecodeBlock(hmac_key, (const unsigned char *)secret, (int)strlen(secret) > 160 ? 0 : (int)strlen(secret));
        for (const char *p = secret + strlen(secret); p > secret && p[-1] == '='; p--) hmac_len--;
        if (hmac_len <= 0) die("the access key is not base64");
    }
    text = make_text((size_t)size - 380); /* what the other members take */
    if (attach) {
        file = make_file(attach);
        files = malloc(strlen(file) + 256);
        sprintf(files, words->file, file);
    }
    ep = epoll_create1(0);
    struct conn *cs = calloc((size_t)sessions, sizeof *cs);
    t_start = now_ns();
    live = sessions;
    for (int i = 0; i < sessions; i++) { dial(&cs[i]); drive(&cs[i]); }
    uint64_t deadline = t_start + (uint64_t)maxsec * 1000000000ull;
    while (live > 0 && now_ns() < deadline) {
        struct epoll_event ev[256];
        int n = epoll_wait(ep, ev, 256, rate ? 1 : 100);
        for (int i = 0; i < n; i++) drive(ev[i].data.ptr);
        uint64_t t = now_ns();
        for (int i = 0; rate && i < sessions; i++)
            if (cs[i].st == IDLE && cs[i].wake <= t) { cs[i].wake = 0; drive(&cs[i]); }
    }
    double el = ((t_last ? t_last : now_ns()) - t_start) / 1e9;
    printf("{\"door\":\"%s\",\"sessions\":%d,\"request\":%zu,\"offered\":%llu,\"accepted\":%llu,\"refused\":%llu,\"lost\":%llu,\"timed_out\":%d,\"secs\":%.3f,\"accepted_per_s\":%.1f,"
           "\"p50_ms\":%.2f,\"p99_ms\":%.2f,\"max_ms\":%.2f,\"t_start_ns\":%llu,\"t_last_ns\":%llu,\"cpu_s\":%.3f}\n",
           door, sessions, cs[0].len, (unsigned long long)total, (unsigned long long)accepted, (unsigned long long)refused, (unsigned long long)lost,
           accepted + refused < total, el, accepted / el, lh_pct(&took, .5), lh_pct(&took, .99), took.max / 1000.0, (unsigned long long)t_start, (unsigned long long)t_last, cpu_self());
    return accepted == total ? 0 : 1;
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sock_diag(7): one question for one pair of addresses and ports, seen from the peer's side.  What the kernel finds may be another socket (one that listens at that port, when the
 * connection is gone), or one without an owner (closed, still in its tables, and shown as root's); so the answer counts only when it is that pair, established, and somebody's.
 */
#include "owner.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TCP_ESTABLISHED_ 1
#define NO_OWNER         ((uid_t)-1)
#define ANSWER_MAX       4096

struct owners {
    int fd;
    pthread_mutex_t lock; /* one question at a time */
    uint32_t seq;
};

struct question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 req;
};

int owners_socket(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
}

struct owners *owners_new(int fd)
{
    struct owners *o = calloc(1, sizeof(*o));

    if (o == NULL) {
        close(fd);
        return NULL;
    }
    o->fd = fd;
    pthread_mutex_init(&o->lock, NULL);
    return o;
}

void owners_free(struct owners *o)
{
    if (o == NULL)
        return;
    close(o->fd);
    pthread_mutex_destroy(&o->lock);
    free(o);
}

/* ---- the pair of addresses ---- */

static void put_end(const struct sockaddr_storage *from, __be16 *port, __be32 address[4])
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)from;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)from;

    *port = from->ss_family == AF_INET ? v4->sin_port : v6->sin6_port;
    if (from->ss_family == AF_INET)
        address[0] = v4->sin_addr.s_addr;
    else
        memcpy(address, &v6->sin6_addr, sizeof(v6->sin6_addr));
}

static bool is_loopback(const struct sockaddr_storage *a)
{
    if (a->ss_family == AF_INET)
        return ntohl(((const struct sockaddr_in *)a)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return a->ss_family == AF_INET6 &&
           IN6_IS_ADDR_LOOPBACK(&((const struct sockaddr_in6 *)a)->sin6_addr);
}

/* The socket of the peer: his address is its own. */
static bool aim(int fd, struct question *q)
{
    struct sockaddr_storage ours, his;
    socklen_t our_len = sizeof(ours), his_len = sizeof(his);

    memset(&ours, 0, sizeof(ours));
    memset(&his, 0, sizeof(his));
    if (getsockname(fd, (struct sockaddr *)&ours, &our_len) != 0 ||
        getpeername(fd, (struct sockaddr *)&his, &his_len) != 0 || !is_loopback(&ours) ||
        !is_loopback(&his))
        return false;
    memset(q, 0, sizeof(*q));
    q->head.nlmsg_len = sizeof(*q);
    q->head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    q->head.nlmsg_flags = NLM_F_REQUEST;
    q->req.sdiag_family = (uint8_t)his.ss_family;
    q->req.sdiag_protocol = IPPROTO_TCP;
    q->req.idiag_states = UINT32_MAX;
    put_end(&his, &q->req.id.idiag_sport, q->req.id.idiag_src);
    put_end(&ours, &q->req.id.idiag_dport, q->req.id.idiag_dst);
    q->req.id.idiag_cookie[0] = q->req.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return true;
}

/* ---- the answer ---- */

/* A socket of both families that speaks IPv4 is shown with ::ffff:127.0.0.1. [RFC 4291 s2.5.5.2] */
static bool is_address(const __be32 shown[4], const __be32 asked[4], bool mapped)
{
    const __be32 as_v6[4] = {0, 0, htonl(0xffff), asked[0]};

    return memcmp(shown, mapped ? as_v6 : asked, sizeof(as_v6)) == 0;
}

static bool is_pair(const struct inet_diag_msg *m, const struct inet_diag_req_v2 *req)
{
    bool mapped = m->idiag_family == AF_INET6 && req->sdiag_family == AF_INET;

    return m->id.idiag_sport == req->id.idiag_sport && m->id.idiag_dport == req->id.idiag_dport &&
           is_address(m->id.idiag_src, req->id.idiag_src, mapped) &&
           is_address(m->id.idiag_dst, req->id.idiag_dst, mapped);
}

static uid_t read_answer(const uint8_t *bytes, size_t len, const struct question *q)
{
    struct nlmsghdr head;
    struct inet_diag_msg m;

    if (len < sizeof(head) + sizeof(m))
        return NO_OWNER;
    memcpy(&head, bytes, sizeof(head));
    memcpy(&m, bytes + sizeof(head), sizeof(m));
    if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || head.nlmsg_seq != q->head.nlmsg_seq ||
        m.idiag_state != TCP_ESTABLISHED_ || m.idiag_inode == 0 || !is_pair(&m, &q->req))
        return NO_OWNER;
    return m.idiag_uid;
}

/* The kernel answers within send(). What is there before is nobody's answer any more. */
static uid_t ask(struct owners *o, struct question *q)
{
    uint8_t answer[ANSWER_MAX];
    ssize_t n;

    while (recv(o->fd, answer, sizeof(answer), MSG_DONTWAIT) > 0)
        continue;
    q->head.nlmsg_seq = ++o->seq;
    if (send(o->fd, q, sizeof(*q), 0) != (ssize_t)sizeof(*q))
        return NO_OWNER;
    n = recv(o->fd, answer, sizeof(answer), MSG_DONTWAIT);
    return n < 0 ? NO_OWNER : read_answer(answer, (size_t)n, q);
}

uid_t owners_find(struct owners *o, int fd)
{
    struct question q;
    uid_t uid;

    if (!aim(fd, &q))
        return NO_OWNER;
    pthread_mutex_lock(&o->lock);
    uid = ask(o, &q);
    pthread_mutex_unlock(&o->lock);
    return uid;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool control_pair(int fd[2])
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd) == 0;
}

struct packet {
    int kind;
    char text[CONTROL_TEXT_MAX];
};

union room_for_fd {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

bool control_send(int control, enum control_kind kind, int fd, const char *text)
{
    struct packet packet = {.kind = (int)kind};
    struct iovec iov = {&packet, sizeof(packet)};
    union room_for_fd room;
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    size_t len = text != NULL ? strlen(text) : 0;

    memcpy(packet.text, text != NULL ? text : "",
           len < CONTROL_TEXT_MAX ? len : CONTROL_TEXT_MAX - 1);
    if (fd >= 0) {
        struct cmsghdr *c;

        memset(&room, 0, sizeof(room));
        msg.msg_control = room.bytes;
        msg.msg_controllen = sizeof(room.bytes);
        c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(c), &fd, sizeof(int));
    }
    return sendmsg(control, &msg, MSG_NOSIGNAL) == (ssize_t)sizeof(packet);
}

static int received_fd(struct msghdr *msg)
{
    struct cmsghdr *c = CMSG_FIRSTHDR(msg);
    int fd = -1;

    if (c != NULL && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN(sizeof(int)))
        memcpy(&fd, CMSG_DATA(c), sizeof(int));
    return fd;
}

int control_receive(int control, struct control_message *out)
{
    struct packet packet;
    struct iovec iov = {&packet, sizeof(packet)};
    union room_for_fd room;
    struct msghdr msg = {.msg_iov = &iov,
                         .msg_iovlen = 1,
                         .msg_control = room.bytes,
                         .msg_controllen = sizeof(room.bytes)};
    ssize_t n = recvmsg(control, &msg, MSG_CMSG_CLOEXEC);

    if (n < 0)
        return errno == EAGAIN || errno == EINTR ? 0 : -1;
    if (n == 0)
        return -1;
    out->fd = received_fd(&msg);
    if (n != (ssize_t)sizeof(packet) || packet.kind < CONTROL_KEYS ||
        packet.kind > CONTROL_REFUSED) {
        if (out->fd >= 0)
            close(out->fd);
        return 0;
    }
    out->kind = (enum control_kind)packet.kind;
    memcpy(out->text, packet.text, sizeof(out->text));
    out->text[sizeof(out->text) - 1] = '\0';
    return 1;
}

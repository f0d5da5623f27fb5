/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "sigillo/ip.h"
#include "tls_policy.h"

#define BACKLOG 1024

static int say(int fd, char *why, size_t why_size, const char *text, ...) SGL_PRINTF(4, 5);
static int say(int fd, char *why, size_t why_size, const char *text, ...)
{
    va_list args;

    va_start(args, text);
    vsnprintf(why, why_size, text, args);
    va_end(args);
    if (fd >= 0)
        close(fd);
    return -1;
}

/* ---- unix ---- */

/* A socket that its owner left behind; one that is answered at stays. */
static bool is_left_behind(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct stat st;
    bool left = fd >= 0 && lstat(at->sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
                connect(fd, (const struct sockaddr *)at, sizeof *at) != 0 && errno == ECONNREFUSED;

    if (fd >= 0)
        close(fd);
    return left;
}

static int open_unix(const char *path, char *why, size_t why_size)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd;

    if (path[0] != '/' || strlen(path) >= sizeof at.sun_path)
        return say(-1, why, why_size, "the path must begin with a slash and have at most %zu bytes",
                   sizeof at.sun_path - 1);
    memcpy(at.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return say(fd, why, why_size, "%s", strerror(errno));
    if (is_left_behind(&at))
        unlink(path);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0)
        return say(fd, why, why_size, "%s",
                   errno == EADDRINUSE ? "somebody else listens there, or it is no socket"
                                       : strerror(errno));
    if (chmod(path, 0666) != 0 || listen(fd, BACKLOG) != 0)
        return say(fd, why, why_size, "%s", strerror(errno));
    return fd;
}

/* ---- inet ---- */

/* "127.0.0.1:8461", "[::1]:8461". */
static socklen_t read_address(sgl_view text, struct sockaddr_storage *out)
{
    struct sockaddr_in *four = (struct sockaddr_in *)(void *)out;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)(void *)out;
    size_t colon = text.len;
    struct sgl_ip ip;
    sgl_view host;
    uint64_t port;

    while (colon > 0 && text.ptr[colon - 1] != ':')
        colon--;
    if (colon == 0 || !sgl_view_u64(sgl_view_from(text, colon), 65535, &port) || port == 0)
        return 0;
    host = sgl_view_sub(text, 0, colon - 1);
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = sgl_view_sub(host, 1, host.len - 2);
    if (sgl_ip_parse(host, &ip) != SGL_OK || (ip.version == 6) != (text.ptr[0] == '['))
        return 0;
    memset(out, 0, sizeof *out);
    if (ip.version == 4) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        memcpy(&four->sin_addr, ip.bytes, 4);
        return sizeof *four;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    memcpy(&six->sin6_addr, ip.bytes, 16);
    return sizeof *six;
}

static int open_inet(const char *text, char *why, size_t why_size)
{
    struct sockaddr_storage at;
    socklen_t len = read_address(sgl_view_cstr(text), &at);
    int fd, one = 1;

    if (len == 0)
        return say(-1, why, why_size, "must be an address and a port: inet:127.0.0.1:8461");
    fd = socket(at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return say(fd, why, why_size, "%s", strerror(errno));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(fd, (struct sockaddr *)&at, len) != 0 || listen(fd, BACKLOG) != 0)
        return say(fd, why, why_size, "%s", strerror(errno));
    return fd;
}

int tls_policy_open(const char *where, char *why, size_t why_size)
{
    if (strncmp(where, "unix:", 5) == 0)
        return open_unix(where + 5, why, why_size);
    if (strncmp(where, "inet:", 5) == 0)
        return open_inet(where + 5, why, why_size);
    return say(-1, why, why_size, "must be unix:PATH or inet:ADDRESS:PORT");
}

void tls_policy_close(const char *where)
{
    if (strncmp(where, "unix:", 5) == 0)
        unlink(where + 5);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sockets.h"

#include "../loop/owner.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 4096 /* the kernel's own maximum may be lower */
#define NO_SOCKETS                                                                                 \
    (struct bound_sockets)                                                                         \
    {                                                                                              \
        .admin = -1, .local = -1, .owners = -1                                                     \
    }

static int bind_one(const struct config_address *a)
{
    int fd = socket(a->addr.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1, error;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (a->addr.ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
    if (bind(fd, (const struct sockaddr *)&a->addr, a->len) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* Is somebody listening there? */
static bool answers(const struct sockaddr_un *at)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool yes = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;

    if (fd >= 0)
        close(fd);
    return yes;
}

/* A socket in the file system, and how it is made. */
struct place {
    const char *key, *path; /* "admin_socket" */
    mode_t mode;
    const struct sandbox_user *user;
};

static bool make_parent(const struct place *p, char *why, size_t why_size)
{
    char folder[4096];
    char *slash;

    snprintf(folder, sizeof(folder), "%s", p->path);
    slash = strrchr(folder, '/');
    if (slash == NULL || slash == folder)
        return true;
    *slash = '\0';
    if (mkdir(folder, 0755) == 0 || errno == EEXIST)
        return true;
    snprintf(why, why_size, "%s: %.200s: %s", p->key, folder, strerror(errno));
    return false;
}

/* Bound under another name and moved into place, so that a path never leads to a socket that is not ours yet or not listening. */
static int bind_place(const struct place *p, char *why, size_t why_size)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX}, fresh = {.sun_family = AF_UNIX};
    int n = snprintf(at.sun_path, sizeof(at.sun_path), "%s", p->path);
    int m = snprintf(fresh.sun_path, sizeof(fresh.sun_path), "%s.new", p->path);
    int fd;

    if (n < 0 || (size_t)n >= sizeof(at.sun_path) || m < 0 || (size_t)m >= sizeof(fresh.sun_path)) {
        snprintf(why, why_size, "%s: %s: longer than a socket's name may be", p->key, p->path);
        return -1;
    }
    if (!make_parent(p, why, why_size))
        return -1;
    if (answers(&at)) {
        snprintf(why, why_size, "%s: %s: another server answers there", p->key, p->path);
        return -1;
    }
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    unlink(fresh.sun_path);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&fresh, sizeof(fresh)) == 0 &&
        chmod(fresh.sun_path, p->mode) == 0 &&
        (!p->user->change || lchown(fresh.sun_path, p->user->uid, p->user->gid) == 0) &&
        listen(fd, BACKLOG) == 0 && rename(fresh.sun_path, p->path) == 0)
        return fd;
    snprintf(why, why_size, "%s: %s: %s", p->key, p->path, strerror(errno));
    unlink(fresh.sun_path);
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool bind_metadata(const struct config *config, const struct sandbox_user *user,
                          struct bound_sockets *out, char *why, size_t why_size)
{
    const struct place place = {"metadata.socket", config->metadata.socket, 0666, user};
    size_t count = config->metadata.addresses + (place.path != NULL);

    out->metadata = count == 0 ? NULL : calloc(count, sizeof(*out->metadata));
    if (count > 0 && out->metadata == NULL) {
        snprintf(why, why_size, "out of memory");
        return false;
    }
    for (size_t i = 0; i < config->metadata.addresses; i++) {
        int fd = bind_one(&config->metadata.address[i]);

        if (fd < 0) {
            snprintf(why, why_size, "metadata.listen: %s: %s", config->metadata.address[i].text,
                     strerror(errno));
            return false;
        }
        out->metadata[out->metadatas++] = fd;
    }
    if (config->metadata.addresses > 0 && (out->owners = owners_socket()) < 0) {
        snprintf(why, why_size,
                 "metadata.listen: the kernel does not tell whose a connection is: %s",
                 strerror(errno));
        return false;
    }
    if (place.path == NULL)
        return true;
    out->metadata[out->metadatas] = bind_place(&place, why, why_size);
    return out->metadata[out->metadatas] >= 0 && ++out->metadatas > 0;
}

/* Both are found by their paths. Whoever is on this machine may connect to the second: the kernel says who he is. */
static bool bind_places(const struct config *config, const struct sandbox_user *user,
                        struct bound_sockets *out, char *why, size_t why_size)
{
    const struct place admin = {"admin_socket", config->admin_socket, 0660, user};
    const struct place local = {"local.socket", config->local.socket, 0666, user};
    char reason[300] = "";

    out->admin = bind_place(&admin, reason, sizeof(reason));
    if (out->admin >= 0 && local.path != NULL)
        out->local = bind_place(&local, reason, sizeof(reason));
    if (out->admin >= 0 && (local.path == NULL || out->local >= 0) &&
        bind_metadata(config, user, out, reason, sizeof(reason)))
        return true;
    snprintf(why, why_size, "%s: %s", config->path, reason);
    return false;
}

static size_t count_addresses(const struct config *config)
{
    size_t n = 0;

    for (size_t i = 0; i < config->listens; i++)
        n += config->listen[i].addresses;
    return n;
}

static bool bind_listen(const struct config *config, size_t index, struct bound_sockets *out,
                        char *why, size_t why_size)
{
    const struct config_listen *l = &config->listen[index];

    for (size_t i = 0; i < l->addresses; i++) {
        int fd = bind_one(&l->address[i]);

        if (fd < 0) {
            snprintf(why, why_size, "%s: listen %s: %s: %s", config->path, l->name,
                     l->address[i].text, strerror(errno));
            return false;
        }
        out->socket[out->sockets++] = (struct bound_socket){fd, index};
    }
    return true;
}

bool sockets_bind(const struct config *config, const struct sandbox_user *user,
                  struct bound_sockets *out, char *why, size_t why_size)
{
    bool good = true;

    *out = NO_SOCKETS;
    out->socket = calloc(count_addresses(config) + 1, sizeof(*out->socket));
    if (out->socket == NULL) {
        snprintf(why, why_size, "out of memory");
        return false;
    }
    for (size_t i = 0; good && i < config->listens; i++)
        good = bind_listen(config, i, out, why, why_size);
    good = good && bind_places(config, user, out, why, why_size);
    if (!good)
        sockets_close(out);
    return good;
}

void sockets_close(struct bound_sockets *s)
{
    for (size_t i = 0; i < s->sockets; i++)
        close(s->socket[i].fd);
    free(s->socket);
    if (s->admin >= 0)
        close(s->admin);
    if (s->local >= 0)
        close(s->local);
    for (size_t i = 0; i < s->metadatas; i++)
        close(s->metadata[i]);
    free(s->metadata);
    if (s->owners >= 0)
        close(s->owners);
    *s = NO_SOCKETS;
}

/* ---- the state folder ---- */

bool state_paths(const struct config *config, struct state_paths *out, char *why, size_t why_size)
{
    if (strlen(config->state_dir) > 2900) {
        snprintf(why, why_size, "%s: state_dir: too long", config->path);
        return false;
    }
    snprintf(out->store, sizeof(out->store), "%s/store", config->state_dir);
    snprintf(out->master_key, sizeof(out->master_key), "%s/master.key", config->state_dir);
    snprintf(out->lock, sizeof(out->lock), "%s/lock", config->state_dir);
    return true;
}

static bool make_folder(const char *path, mode_t mode)
{
    struct stat st;

    if (mkdir(path, mode) == 0)
        return true;
    return errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static int take_lock(const char *path, unsigned wait_ms)
{
    const struct timespec step = {0, 20000000};
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    for (unsigned waited = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0; waited += 20) {
        if (errno != EWOULDBLOCK || waited >= wait_ms) {
            close(fd);
            errno = EWOULDBLOCK;
            return -1;
        }
        nanosleep(&step, NULL);
    }
    return fd;
}

int state_open(const struct config *config, const struct sandbox_user *user, unsigned wait_ms,
               char *why, size_t why_size)
{
    struct state_paths p;
    struct stat st;
    int lock;

    if (!state_paths(config, &p, why, why_size))
        return -1;
    /* the service passes through the first folder and owns the second */
    if (!make_folder(config->state_dir, 0711) || !make_folder(p.store, 0700) ||
        stat(p.store, &st) != 0) {
        snprintf(why, why_size, "%s: state_dir: %s: %s", config->path, config->state_dir,
                 strerror(errno));
        return -1;
    }
    if (user->change && st.st_uid != user->uid && lchown(p.store, user->uid, user->gid) != 0) {
        snprintf(why, why_size, "%s: state_dir: %s: %s", config->path, p.store, strerror(errno));
        return -1;
    }
    lock = take_lock(p.lock, wait_ms);
    if (lock < 0)
        snprintf(why, why_size, "%s: state_dir: %s: %s", config->path, config->state_dir,
                 errno == EWOULDBLOCK ? "in use by another server" : strerror(errno));
    return lock;
}

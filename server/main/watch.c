/* SPDX-License-Identifier: Apache-2.0 */
#include "watch.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../log/log.h"
#include "sigillo/buf.h"

#define FILES     3 /* certificate, key, next key */
#define FILE_MAX_ (1024u * 1024u)
#define LINKS_MAX 8
#define TELL                                                                                       \
    (IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM | IN_CLOSE_WRITE | IN_DELETE | IN_ATTRIB | IN_ONLYDIR)

struct mark { /* of a file, links followed; zeroed: it is not there */
    dev_t dev;
    ino_t ino;
    off_t size;
    struct timespec written, changed;
};

struct watched {
    const char *name;             /* the configuration's, as are these */
    const char *path[FILES];      /* NULL: none */
    struct mark now[FILES];       /* when it was looked at last */
    uint64_t since_ms, settle_ms; /* changed: since then, and quiet by then */
    bool changed, ready, told;
};

struct watch {
    int fd;
    struct watched *watched;
    size_t count;
    uint64_t due_ms;
};

/* ---- files ---- */

static void mark_of(const char *path, struct mark *out)
{
    struct stat st;

    memset(out, 0, sizeof(*out)); /* compared as bytes */
    if (path == NULL || stat(path, &st) != 0)
        return;
    out->dev = st.st_dev;
    out->ino = st.st_ino;
    out->size = st.st_size;
    out->written = st.st_mtim;
    out->changed = st.st_ctim;
}

static void look_at(struct watched *d, struct mark out[FILES])
{
    for (size_t i = 0; i < FILES; i++)
        mark_of(d->path[i], &out[i]);
}

/* The text of a file, NUL-terminated; false: it cannot be read, or cannot be such a text. */
static bool text_of(const char *path, struct sgl_buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = -1;

    while (fd >= 0 && sgl_buf_reserve(out, 4096) == SGL_OK &&
           (n = read(fd, out->data + out->len, 4096)) > 0)
        out->len += (size_t)n;
    if (fd >= 0)
        close(fd);
    if (n != 0 || out->len == 0 || memchr(out->data, 0, out->len) != NULL)
        return false;
    sgl_buf_add_byte(out, 0);
    return out->status == SGL_OK;
}

static void wipe(struct sgl_buf text[FILES])
{
    for (size_t i = 0; i < FILES; i++) {
        if (text[i].data != NULL)
            explicit_bzero(text[i].data, text[i].cap);
        sgl_buf_done(&text[i]);
    }
}

/* What stands in the files now, in place of what stood there. false: one cannot be read. */
static bool read_files(const struct watched *d, struct sgl_buf text[FILES], struct certs_files *f,
                       char *why, size_t why_size)
{
    const char **to[FILES] = {&f->certificate_pem, &f->key_pem, &f->next_key_pem};

    for (size_t i = 0; i < FILES; i++) {
        sgl_buf_init(&text[i], FILE_MAX_);
        if (d->path[i] == NULL)
            continue;
        if (!text_of(d->path[i], &text[i])) {
            snprintf(why, why_size, "%s can't be read, is empty, or is no text", d->path[i]);
            return false;
        }
        *to[i] = (const char *)text[i].data;
    }
    return true;
}

static bool same(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool same_texts(const struct certs_files *a, const struct certs_files *b)
{
    return same(a->certificate_pem, b->certificate_pem) && same(a->key_pem, b->key_pem) &&
           same(a->next_key_pem, b->next_key_pem);
}

/* ---- folders: where the path says it is, and where each link on the way leads ---- */

static void tell_of_folder(const struct watch *w, const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t len = slash == NULL || slash == path ? 1 : (size_t)(slash - path);

    if (slash == NULL || len >= sizeof(folder))
        return;
    memcpy(folder, path, len);
    folder[len] = '\0';
    (void)inotify_add_watch(w->fd, folder, TELL); /* one that is known already is told of once */
}

static void tell_of_file(const struct watch *w, const char *path)
{
    char at[PATH_MAX], to[PATH_MAX];

    snprintf(at, sizeof(at), "%s", path);
    for (int i = 0; i < LINKS_MAX; i++) {
        ssize_t n = readlink(at, to, sizeof(to) - 1);
        char *slash = strrchr(at, '/');
        size_t base = slash != NULL ? (size_t)(slash - at) + 1 : 0;

        tell_of_folder(w, at);
        if (n <= 0)
            break;
        to[n] = '\0';
        if (to[0] == '/')
            base = 0;
        if (base + (size_t)n >= sizeof(at))
            return;
        memcpy(at + base, to, (size_t)n + 1);
    }
}

static void tell(const struct watch *w)
{
    for (size_t i = 0; w->fd >= 0 && i < w->count; i++)
        for (size_t k = 0; k < FILES; k++)
            if (w->watched[i].path[k] != NULL)
                tell_of_file(w, w->watched[i].path[k]);
}

/* ---- life ---- */

struct watch *watch_new(void)
{
    struct watch *w = calloc(1, sizeof(*w));

    if (w != NULL)
        w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    return w;
}

void watch_free(struct watch *w)
{
    if (w == NULL)
        return;
    free(w->watched);
    if (w->fd >= 0)
        close(w->fd);
    free(w);
}

static void borrow(struct watched *d, const struct certs_files *f)
{
    d->name = f->name;
    d->path[0] = f->certificate;
    d->path[1] = f->key;
    d->path[2] = f->next_key;
}

/* What was read before this moment may have changed since then: the texts tell. */
static void begin_one(struct watched *d, const struct certs_files *f, uint64_t now_ms)
{
    struct sgl_buf text[FILES] = {{0}};
    struct certs_files now = *f;
    char why[PATH_MAX + 100];

    borrow(d, f);
    look_at(d, d->now);
    d->changed = !read_files(d, text, &now, why, sizeof(why)) || !same_texts(&now, f);
    d->since_ms = d->settle_ms = now_ms;
    wipe(text);
}

void watch_begin(struct watch *w, const struct config *c, uint64_t now_ms)
{
    struct certs_files f;
    size_t count = 0;

    free(w->watched);
    w->count = 0;
    while (certs_files(c, count, &f))
        count++;
    w->watched = calloc(count + 1, sizeof(*w->watched));
    for (size_t i = 0; w->watched != NULL && i < count && certs_files(c, i, &f); i++) {
        begin_one(&w->watched[i], &f, now_ms);
        w->count++;
    }
    tell(w);
    w->due_ms = now_ms + WATCH_SETTLE_MS;
}

int watch_fd(const struct watch *w)
{
    return w->fd;
}

uint64_t watch_due_ms(const struct watch *w)
{
    return w->due_ms;
}

/* ---- looks ---- */

static void drain(const struct watch *w)
{
    char events[4096];

    while (w->fd >= 0 && read(w->fd, events, sizeof(events)) > 0)
        ;
}

static void notice(struct watched *d, uint64_t now_ms)
{
    struct mark now[FILES];

    look_at(d, now);
    if (memcmp(now, d->now, sizeof(now)) == 0)
        return;
    memcpy(d->now, now, sizeof(now));
    if (!d->changed || d->ready)
        d->since_ms = now_ms;
    d->changed = true;
    d->ready = d->told = false;
    d->settle_ms = now_ms + WATCH_SETTLE_MS;
}

static void complain(struct watched *d, const char *why, uint64_t now_ms)
{
    if (d->told || now_ms < d->since_ms + WATCH_PATIENCE_MS)
        return;
    d->told = true;
    log_line(LOG_WARN_, "new files of a certificate can't be used, the old ones stay",
             LOG_STR("certificate", d->name), LOG_STR("why", why));
}

/* Files that are quiet: are they ready, or the same after all, or not to be used (yet)? */
static void judge(struct watched *d, const struct certs_files *f, uint64_t now_ms)
{
    struct sgl_buf text[FILES] = {{0}};
    struct certs_files now = *f;
    char why[PATH_MAX + 100];

    if (!read_files(d, text, &now, why, sizeof(why))) {
        complain(d, why, now_ms);
    } else if (same_texts(&now, f)) {
        d->changed = false;
    } else if (certs_files_check(&now, why, sizeof(why))) {
        d->ready = true;
    } else {
        complain(d, why, now_ms);
    }
    wipe(text);
}

/* While one is not to be used, it is looked at when patience ends, too. */
static uint64_t next_of(const struct watched *d, uint64_t now_ms)
{
    uint64_t patience = d->since_ms + WATCH_PATIENCE_MS;

    if (!d->changed || d->ready)
        return now_ms + WATCH_EVERY_MS;
    if (now_ms < d->settle_ms)
        return d->settle_ms;
    return now_ms < patience ? patience : now_ms + WATCH_EVERY_MS;
}

bool watch_look(struct watch *w, const struct config *c, uint64_t now_ms)
{
    struct certs_files f;
    bool any = false;

    for (size_t i = 0; i < w->count && certs_files(c, i, &f); i++)
        borrow(&w->watched[i], &f);
    drain(w);
    tell(w);
    w->due_ms = now_ms + WATCH_EVERY_MS;
    for (size_t i = 0; i < w->count && certs_files(c, i, &f); i++) {
        struct watched *d = &w->watched[i];
        uint64_t next;

        notice(d, now_ms);
        if (d->changed && !d->ready && now_ms >= d->settle_ms)
            judge(d, &f, now_ms);
        next = next_of(d, now_ms);
        w->due_ms = next < w->due_ms ? next : w->due_ms;
        any = any || d->ready;
    }
    return any;
}

bool watch_is_ready(void *watch, const char *name)
{
    const struct watch *w = watch;

    for (size_t i = 0; i < w->count; i++)
        if (same(w->watched[i].name, name != NULL ? name : CERTS_DEFAULT))
            return w->watched[i].ready;
    return false;
}

void watch_took(struct watch *w)
{
    for (size_t i = 0; i < w->count; i++) {
        struct watched *d = &w->watched[i];

        if (d->ready)
            d->changed = d->ready = d->told = false;
    }
}

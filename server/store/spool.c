/* SPDX-License-Identifier: Apache-2.0 */
#include "spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sigillo/banned.h"

#define FOLDERS 256u

struct spool {
    int fd;
};

/* Files of about the same second share a folder, so that their folder's fsync is shared by the journal. */
static unsigned folder_of(uint64_t id)
{
    return (unsigned)(id >> 32) & (FOLDERS - 1);
}

static void path_of(uint64_t id, char out[32])
{
    char text[ID_TEXT_SIZE];

    id_text(id, text);
    snprintf(out, 32, "%02x/%s", folder_of(id), text);
}

static enum store_result result_of_errno(int error)
{
    switch (error) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STORE_FULL;
    case ENOENT:
        return STORE_NOT_FOUND;
    case ENOMEM:
        return STORE_NOMEM;
    default:
        return STORE_IO;
    }
}

static bool make_folders(struct spool *s)
{
    char name[8];
    bool made = false;

    for (unsigned i = 0; i < FOLDERS; i++) {
        snprintf(name, sizeof(name), "%02x", i);
        if (mkdirat(s->fd, name, 0700) == 0)
            made = true;
        else if (errno != EEXIST)
            return false;
    }
    return !made || fsync(s->fd) == 0;
}

struct spool *spool_open(const char *folder, char *why, size_t why_size)
{
    struct spool *s = calloc(1, sizeof(*s));
    char path[4096];

    snprintf(path, sizeof(path), "%s/spool", folder);
    if (s == NULL) {
        snprintf(why, why_size, "%s: out of memory", path);
        return NULL;
    }
    s->fd = -1;
    if (mkdir(path, 0700) == 0 || errno == EEXIST)
        s->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (s->fd < 0 || !make_folders(s)) {
        snprintf(why, why_size, "%s: %s", path, strerror(errno));
        spool_close(s);
        return NULL;
    }
    return s;
}

void spool_close(struct spool *s)
{
    if (s == NULL)
        return;
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

static bool write_all(int fd, const uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

static bool sync_folder(struct spool *s, unsigned folder)
{
    char name[8];
    int fd;
    bool ok;

    snprintf(name, sizeof(name), "%02x", folder);
    fd = openat(s->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ok = fsync(fd) == 0;
    close(fd);
    return ok;
}

enum store_result spool_write(struct spool *s, uint64_t id, const struct body *b)
{
    char path[32];
    int fd, error;
    bool ok;

    path_of(id, path);
    fd = openat(s->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return result_of_errno(errno);
    ok = write_all(fd, b->bytes, b->len) && fdatasync(fd) == 0;
    error = errno;
    close(fd);
    if (ok) {
        ok = sync_folder(s, folder_of(id));
        error = errno;
    }
    if (ok)
        return STORE_OK;
    spool_remove(s, id);
    return result_of_errno(error);
}

static bool read_all(int fd, uint8_t *bytes, size_t len)
{
    while (len > 0) {
        ssize_t n = read(fd, bytes, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

enum store_result spool_read(struct spool *s, uint64_t id, size_t header_len, struct body **out)
{
    char path[32];
    struct stat st;
    struct body *b = NULL;
    enum store_result r = STORE_IO;
    int fd;

    path_of(id, path);
    fd = openat(s->fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0)
        return result_of_errno(errno);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
        b = body_new((size_t)st.st_size);
        r = b == NULL ? STORE_NOMEM : read_all(fd, b->bytes, b->len) ? STORE_OK : STORE_IO;
    }
    close(fd);
    if (r == STORE_OK && header_len > b->len)
        r = STORE_CORRUPT;
    if (r != STORE_OK) {
        body_unref(b);
        return r;
    }
    b->header_len = header_len;
    *out = b;
    return STORE_OK;
}

void spool_remove(struct spool *s, uint64_t id)
{
    char path[32];

    path_of(id, path);
    unlinkat(s->fd, path, 0);
}

static size_t sweep_folder(DIR *dir, bool (*keep)(void *ctx, uint64_t id), void *ctx)
{
    const struct dirent *entry;
    size_t removed = 0;
    uint64_t id;

    while ((entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        if (id_parse(sgl_view_cstr(entry->d_name), &id) && keep(ctx, id))
            continue;
        removed += unlinkat(dirfd(dir), entry->d_name, 0) == 0;
    }
    return removed;
}

size_t spool_sweep(struct spool *s, bool (*keep)(void *ctx, uint64_t id), void *ctx)
{
    size_t removed = 0;
    char name[8];

    for (unsigned i = 0; i < FOLDERS; i++) {
        int fd;
        DIR *dir;

        snprintf(name, sizeof(name), "%02x", i);
        fd = openat(s->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        dir = fd < 0 ? NULL : fdopendir(fd);
        if (dir == NULL) {
            if (fd >= 0)
                close(fd);
            continue;
        }
        removed += sweep_folder(dir, keep, ctx);
        closedir(dir);
    }
    return removed;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sigillo/crypto.h"

#define LENGTH 4 /* bytes of a length in a bundle */

struct files_entry {
    char *path;
    uint8_t *data;
    size_t len;
    bool unsafe; /* others may read or write it */
};

static struct files_entry *find(const struct files *f, const char *path)
{
    for (size_t i = 0; i < f->entries; i++)
        if (strcmp(f->entry[i].path, path) == 0)
            return &f->entry[i];
    return NULL;
}

/* Takes the bytes over, whatever comes of it. */
static struct files_entry *add(struct files *f, sgl_view path, uint8_t *data, size_t len)
{
    char *name = strndup((const char *)path.ptr, path.len);
    struct files_entry *grown = f->entry;

    if (f->entries == f->room) {
        grown = realloc(f->entry, (f->room * 2 + 16) * sizeof *grown);
        if (grown != NULL) {
            f->entry = grown;
            f->room = f->room * 2 + 16;
        }
    }
    if (name == NULL || grown == NULL) {
        sgl_wipe(data, len);
        free(data);
        free(name);
        return NULL;
    }
    f->entry[f->entries] = (struct files_entry){name, data, len, false};
    return &f->entry[f->entries++];
}

static bool read_all(int fd, uint8_t *data, size_t len)
{
    for (size_t got = 0; got < len;) {
        ssize_t n = read(fd, data + got, len - got);

        if (n <= 0)
            return false;
        got += (size_t)n;
    }
    return true;
}

static bool read_open(struct files *f, int fd, const char *path, size_t max, char *why,
                      size_t why_size)
{
    struct stat st;
    struct files_entry *e;
    uint8_t *data;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        snprintf(why, why_size, "%s: not a file", path);
        return false;
    }
    if (st.st_size < 0 || (size_t)st.st_size > max) {
        snprintf(why, why_size, "%s: more than %zu bytes", path, max);
        return false;
    }
    data = malloc((size_t)st.st_size + 1);
    if (data == NULL || !read_all(fd, data, (size_t)st.st_size)) {
        snprintf(why, why_size, "%s: %s", path, strerror(data == NULL ? ENOMEM : EIO));
        free(data);
        return false;
    }
    data[st.st_size] = '\0';
    e = add(f, sgl_view_cstr(path), data, (size_t)st.st_size);
    if (e == NULL)
        snprintf(why, why_size, "%s: out of memory", path);
    else
        e->unsafe = (st.st_mode & 077) != 0;
    return e != NULL;
}

static bool read_from_disk(struct files *f, const char *path, size_t max, char *why,
                           size_t why_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    bool good;

    if (fd < 0) {
        snprintf(why, why_size, "%s: %s", path, strerror(errno));
        return false;
    }
    good = read_open(f, fd, path, max, why, why_size);
    close(fd);
    return good;
}

bool files_get(struct files *f, const char *path, size_t max, bool secret, sgl_view *out, char *why,
               size_t why_size)
{
    struct files_entry *e = find(f, path);

    if (e == NULL && f->closed) {
        snprintf(why, why_size, "%s: was not handed over", path);
        return false;
    }
    if (e == NULL && !read_from_disk(f, path, max, why, why_size))
        return false;
    e = find(f, path);
    if (secret && e->unsafe) {
        snprintf(why, why_size,
                 "%s: group or others may read or write it: chmod 600, or require_safe_keys = no",
                 path);
        return false;
    }
    *out = sgl_view_of(e->data, e->len);
    return true;
}

static void put_bytes(struct sgl_buf *out, sgl_view bytes)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        sgl_buf_add_byte(out, (uint8_t)(bytes.len >> shift));
    sgl_buf_add(out, bytes);
}

bool files_put(const struct files *f, struct sgl_buf *out)
{
    for (size_t i = 0; i < f->entries; i++) {
        put_bytes(out, sgl_view_cstr(f->entry[i].path));
        put_bytes(out, sgl_view_of(f->entry[i].data, f->entry[i].len));
    }
    return out->status == SGL_OK;
}

static bool take_bytes(sgl_view *rest, sgl_view *out)
{
    size_t len = 0;

    if (rest->len < LENGTH)
        return false;
    for (size_t i = 0; i < LENGTH; i++)
        len = len << 8 | rest->ptr[i];
    if (len > rest->len - LENGTH)
        return false;
    *out = sgl_view_sub(*rest, LENGTH, len);
    *rest = sgl_view_from(*rest, LENGTH + len);
    return true;
}

bool files_take(sgl_view bundle, struct files *f)
{
    sgl_view path, bytes;

    f->closed = true;
    while (bundle.len > 0) {
        uint8_t *copy;

        if (!take_bytes(&bundle, &path) || !take_bytes(&bundle, &bytes) ||
            sgl_view_find(path, '\0') < path.len)
            return false;
        copy = malloc(bytes.len + 1);
        if (copy == NULL)
            return false;
        if (bytes.len > 0)
            memcpy(copy, bytes.ptr, bytes.len);
        copy[bytes.len] = '\0';
        if (add(f, path, copy, bytes.len) == NULL)
            return false;
    }
    return true;
}

void files_done(struct files *f)
{
    for (size_t i = 0; i < f->entries; i++) {
        sgl_wipe(f->entry[i].data, f->entry[i].len);
        free(f->entry[i].data);
        free(f->entry[i].path);
    }
    free(f->entry);
    *f = (struct files){.closed = f->closed};
}

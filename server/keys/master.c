/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keys.h"

#define MASTER_SIZE 32

/* For why: a sentence that names the file. Always false. */
static bool no(char *why, size_t why_size, const char *path, const char *what)
{
    snprintf(why, why_size, "master key %s: %s", path, what);
    return false;
}

static bool read_key(int fd, const char *path, uint8_t *out, char *why, size_t why_size)
{
    uint8_t bytes[MASTER_SIZE + 1];
    struct stat st;
    ssize_t n;

    if (fstat(fd, &st) != 0)
        return no(why, why_size, path, strerror(errno));
    if (!S_ISREG(st.st_mode))
        return no(why, why_size, path, "is not a file");
    if ((st.st_mode & 077) != 0)
        return no(why, why_size, path, "must be readable by its owner only (mode 0600)");
    if (st.st_uid != geteuid() && st.st_uid != 0)
        return no(why, why_size, path, "belongs to somebody else");
    n = read(fd, bytes, sizeof bytes);
    if (n == MASTER_SIZE)
        memcpy(out, bytes, MASTER_SIZE);
    sodium_memzero(bytes, sizeof bytes);
    if (n < 0)
        return no(why, why_size, path, strerror(errno));
    if (n != MASTER_SIZE)
        return no(why, why_size, path, "must have exactly 32 bytes");
    return true;
}

/* The name must survive a crash as the bytes do: without this file nothing sealed can be opened again. */
static bool sync_folder(const char *path)
{
    char folder[4096];
    char *slash;
    int fd;
    bool good;

    if (snprintf(folder, sizeof folder, "%s", path) >= (int)sizeof folder)
        return false;
    slash = strrchr(folder, '/');
    if (slash == NULL)
        snprintf(folder, sizeof folder, ".");
    else
        slash[slash == folder ? 1 : 0] = '\0';
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    good = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return good;
}

static bool write_key(const char *path, const uint8_t *key)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool good = fd >= 0 && write(fd, key, MASTER_SIZE) == MASTER_SIZE && fsync(fd) == 0;

    if (fd >= 0 && close(fd) != 0)
        good = false;
    return good;
}

/* Under another name first, so that a crash leaves no half a key; link() refuses to replace one that appeared meanwhile. */
static bool create(const char *path, uint8_t *out, char *why, size_t why_size)
{
    char fresh[4096];
    bool good;

    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int)sizeof fresh)
        return no(why, why_size, path, "path is too long");
    if (sodium_init() < 0)
        return no(why, why_size, path, "no random numbers");
    randombytes_buf(out, MASTER_SIZE);
    (void)unlink(fresh);
    good = write_key(fresh, out) && link(fresh, path) == 0;
    if (!good)
        no(why, why_size, path, strerror(errno));
    (void)unlink(fresh);
    if (good && !sync_folder(path))
        good = no(why, why_size, path, strerror(errno));
    if (!good)
        sodium_memzero(out, MASTER_SIZE);
    return good;
}

bool keys_master_load(const char *path, uint8_t out[32], char *why, size_t why_size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    bool good;

    if (fd < 0 && errno == ENOENT)
        return create(path, out, why, why_size);
    if (fd < 0)
        return no(why, why_size, path, errno == ELOOP ? "must not be a link" : strerror(errno));
    good = read_key(fd, path, out, why, why_size);
    close(fd);
    return good;
}

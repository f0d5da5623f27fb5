/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Landlock: everything below the store's folder may be read and written; named files may be read.  A file that others replace now and then (a bundle of roots) is opened by
 * way of its folder, unless that folder also holds what must stay closed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox_internal.h"

/* Newer than the headers that we may be built with. */
#define FS_TRUNCATE  (1ULL << 14)
#define FS_IOCTL_DEV (1ULL << 15)

#define READ_FILE LANDLOCK_ACCESS_FS_READ_FILE
#define READ_TREE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE_TREE                                                                                 \
    (READ_TREE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                   \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG)
#define ALL_OF_VERSION_1 ((LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

struct rules {
    int fd;
    uint64_t handled;
    const struct sandbox_files *files;
};

/* A path that does not exist gives nobody anything. */
static bool allow(const struct rules *r, const char *path, uint64_t access)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = access & r->handled};
    struct stat st;
    bool good = true;

    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0)
        return errno == ENOENT || errno == EACCES || errno == ENOTDIR;
    if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
        rule.allowed_access &=
            READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | FS_TRUNCATE | FS_IOCTL_DEV;
    good = syscall(SYS_landlock_add_rule, r->fd, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
    close(rule.parent_fd);
    return good;
}

static bool is_below(const char *path, const char *folder)
{
    size_t len = strlen(folder);

    return strncmp(path, folder, len) == 0 && (path[len] == '/' || path[len] == '\0');
}

/* `path` as it is written and as it is meant (links followed) lies outside `folder`. */
static bool is_outside(const char *path, const char *folder)
{
    char *real = path != NULL ? realpath(path, NULL) : NULL;
    bool outside =
        path == NULL || (!is_below(path, folder) && (real == NULL || !is_below(real, folder)));

    free(real);
    return outside;
}

/* May the whole folder of a file be read?  Not when it is near the root, nor when our own state, a key or a password lies in it. */
static bool folder_is_harmless(const struct rules *r, const char *folder)
{
    const struct config *c = r->files->config;
    bool harmless = is_outside(r->files->folder, folder) && is_outside(c->state_dir, folder) &&
                    is_outside(c->tls_key, folder) && is_outside(c->tls_next_key, folder) &&
                    is_outside(c->path, folder);
    size_t slashes = 0;

    for (const char *at = folder; *at != '\0'; at++)
        slashes += *at == '/';
    for (size_t i = 0; harmless && i < c->routes; i++)
        harmless = is_outside(c->route[i].password_file, folder);
    for (size_t i = 0; harmless && i < c->certificates; i++)
        harmless = is_outside(c->certificate[i].key, folder) &&
                   is_outside(c->certificate[i].next_key, folder);
    for (size_t i = 0; harmless && i < c->updates; i++)
        harmless = is_outside(c->update[i].secret_file, folder);
    return harmless && slashes >= 3;
}

static bool allow_file(const struct rules *r, const char *path)
{
    char *real, *slash;
    bool good;

    if (path == NULL)
        return true;
    real = realpath(path, NULL);
    if (real == NULL)
        return true;
    slash = strrchr(real, '/');
    *slash = '\0';
    good = folder_is_harmless(r, real) && allow(r, real, READ_FILE);
    *slash = '/';
    good = allow(r, real, READ_FILE) || good;
    free(real);
    return good;
}

static bool allow_configured(const struct rules *r, const struct config *c)
{
    bool good = allow_file(r, c->delivery.ca_file) && allow_file(r, c->resolver.root_hints) &&
                allow_file(r, c->resolver.trust_anchor);

    for (size_t i = 0; good && i < c->routes; i++)
        good = allow_file(r, c->route[i].ca_file);
    return good;
}

/* What libraries read: the resolver's root key, the system's roots, time zones, OpenSSL's settings; our own figures in /proc. */
static bool allow_system(const struct rules *r)
{
    static const char *const tree[] = {
        "/usr/share/dns", "/usr/share/ca-certificates", "/usr/local/share/ca-certificates",
        "/etc/ssl/certs", "/etc/pki/tls/certs",         "/usr/share/zoneinfo",
        "/proc/self"};
    static const char *const file[] = {"/etc/ssl/cert.pem",
                                       "/etc/ssl/openssl.cnf",
                                       "/etc/resolv.conf",
                                       "/etc/hosts",
                                       "/etc/localtime",
                                       "/dev/null",
                                       "/dev/urandom",
                                       "/sys/devices/system/cpu/online",
                                       "/proc/sys/kernel/random/boot_id"};
    bool good = true;

    for (size_t i = 0; i < sizeof(tree) / sizeof(tree[0]); i++)
        good = allow(r, tree[i], READ_TREE) && good;
    for (size_t i = 0; i < sizeof(file) / sizeof(file[0]); i++)
        good = allow(r, file[i], READ_FILE) && good;
    return good && allow(r, "/dev/null", READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE);
}

int landlock_enter(const struct sandbox_files *files, char *why, size_t why_size)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct landlock_ruleset_attr attr = {.handled_access_fs = ALL_OF_VERSION_1};
    struct rules r = {.files = files};
    uint64_t write_tree = WRITE_TREE;
    bool good;

    if (abi < 1)
        return 0;
    if (abi >= 2) {
        attr.handled_access_fs |= LANDLOCK_ACCESS_FS_REFER;
        write_tree |= LANDLOCK_ACCESS_FS_REFER;
    }
    if (abi >= 3) {
        attr.handled_access_fs |= FS_TRUNCATE;
        write_tree |= FS_TRUNCATE;
    }
    if (abi >= 5)
        attr.handled_access_fs |= FS_IOCTL_DEV;
    r.handled = attr.handled_access_fs;
    r.fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
    good = r.fd >= 0 && allow(&r, files->folder, write_tree) &&
           allow_configured(&r, files->config) && allow_system(&r) &&
           syscall(SYS_landlock_restrict_self, r.fd, 0) == 0;
    if (!good)
        snprintf(why, why_size, "sandbox: Landlock: %s", strerror(errno));
    if (r.fd >= 0)
        close(r.fd);
    return good ? (int)abi : -1;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../certs/certs.h"
#include "sigillo/buf.h"
#include "supervisor.h"

#define CA_FILE_MAX (8u * 1024u * 1024u)

static bool read_file(const char *path, struct sgl_buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;

    while (fd >= 0 && sgl_buf_reserve(out, 65536) == SGL_OK &&
           (n = read(fd, out->data + out->len, 65536)) > 0)
        out->len += (size_t)n;
    if (fd >= 0)
        close(fd);
    return n == 0;
}

static bool check_roots(const struct config *c, const char *key, const char *file, char *why,
                        size_t why_size)
{
    sgl_auto(sgl_buf) pem = SGL_BUF_INIT(CA_FILE_MAX);
    struct tls_client *client;
    char reason[200] = "can't be read";

    if (file == NULL)
        return true;
    client =
        read_file(file, &pem) ? tls_client_new(sgl_buf_view(&pem), reason, sizeof(reason)) : NULL;
    if (client == NULL)
        snprintf(why, why_size, "%s: %s: %s: %s", c->path, key, file, reason);
    tls_client_free(client);
    return client != NULL;
}

static bool check_pairs(const struct config *c, char *why, size_t why_size)
{
    char reason[400];

    if (certs_check(c, reason, sizeof(reason)))
        return true;
    snprintf(why, why_size, "%s: %s", c->path, reason);
    return false;
}

bool supervisor_check(const struct config *c, struct sandbox_user *user, char *why, size_t why_size)
{
    char reason[200];

    if (!sandbox_user_find(c->user, user, reason, sizeof(reason))) {
        snprintf(why, why_size, "%s: %s", c->path, reason);
        return false;
    }
    if (!check_pairs(c, why, why_size) ||
        !check_roots(c, "delivery.ca_file", c->delivery.ca_file, why, why_size))
        return false;
    for (size_t i = 0; i < c->routes; i++) {
        char key[200];

        snprintf(key, sizeof(key), "route %s: ca_file", c->route[i].name);
        if (!check_roots(c, key, c->route[i].ca_file, why, why_size))
            return false;
    }
    return true;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Trusted roots: one bundle for all, and one for each route that names its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "internal.h"

#define CA_FILE_MAX (8u * 1024 * 1024)

static bool read_file(const char *path, struct sgl_buf *out)
{
    uint8_t part[16384];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;

    if (fd < 0)
        return false;
    while ((n = read(fd, part, sizeof part)) > 0)
        sgl_buf_add(out, sgl_view_of(part, (size_t)n));
    if (n == 0 && out->status != SGL_OK)
        errno = EFBIG;
    close(fd);
    return n == 0 && out->status == SGL_OK;
}

static bool trust_add(struct trust *trust, size_t *n, const char *ca_file, char *why,
                      size_t why_size)
{
    sgl_auto(sgl_buf) pem = SGL_BUF_INIT(CA_FILE_MAX);
    const char *path = ca_file != NULL ? ca_file : tls_system_ca_file();
    char reason[160] = "";

    for (size_t i = 0; i < *n; i++)
        if ((trust[i].ca_file == NULL) == (ca_file == NULL) &&
            (ca_file == NULL || strcmp(trust[i].ca_file, ca_file) == 0))
            return true;
    /* The system's own bundle may be missing: then nothing can be verified by it, and routes that ask for it fail closed. */
    if (!read_file(path, &pem) && ca_file != NULL) {
        snprintf(why, why_size, "%s: %s", path, strerror(errno));
        return false;
    }
    trust[*n] = (struct trust){.ca_file = ca_file != NULL ? strdup(ca_file) : NULL,
                               .client = tls_client_new(sgl_buf_view(&pem), reason, sizeof reason)};
    if (trust[*n].client == NULL || (ca_file != NULL && trust[*n].ca_file == NULL)) {
        snprintf(why, why_size, "%s: %s", path, reason[0] != '\0' ? reason : "out of memory");
        free(trust[*n].ca_file);
        tls_client_free(trust[*n].client);
        return false;
    }
    (*n)++;
    return true;
}

void trust_free(struct trust *trust, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        free(trust[i].ca_file);
        tls_client_free(trust[i].client);
    }
    free(trust);
}

struct trust *trust_load(const struct config *config, size_t *n, char *why, size_t why_size)
{
    struct trust *trust = calloc(config->routes + 1, sizeof *trust);
    bool ok = trust != NULL;

    *n = 0;
    if (!ok)
        snprintf(why, why_size, "out of memory");
    ok = ok && trust_add(trust, n, config->delivery.ca_file, why, why_size);
    for (size_t i = 0; ok && i < config->routes; i++)
        if (config->route[i].ca_file != NULL)
            ok = trust_add(trust, n, config->route[i].ca_file, why, why_size);
    if (ok)
        return trust;
    trust_free(trust, *n);
    return NULL;
}

struct tls_client *delivery_trust(struct delivery *d, const struct config_route *route)
{
    const char *ca_file = route != NULL ? route->ca_file : NULL;

    if (ca_file != NULL)
        for (size_t i = 0; i < d->trusts; i++)
            if (d->trust[i].ca_file != NULL && strcmp(d->trust[i].ca_file, ca_file) == 0)
                return d->trust[i].client;
    return d->trust[0].client;
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever a certificate is, what is kept of it is bounded, printable, and ends no JSON string. */
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "../server/loop/tls.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const unsigned char *at = data;
    X509 *x = size > 100000 ? NULL : d2i_X509(NULL, &at, (long)size);
    struct tls_seen seen;

    if (x == NULL)
        return 0;
    memset(&seen, 0, sizeof seen);
    tls_see_certificate(x, &seen);
    X509_free(x);
    if (strlen(seen.sha256) != 64 || seen.names > TLS_NAMES_MAX ||
        (seen.more_names > 0 && seen.names < TLS_NAMES_MAX))
        abort();
    for (unsigned i = 0; i < seen.names; i++) {
        size_t len = strnlen(seen.name[i], TLS_NAME_SIZE);

        if (len == TLS_NAME_SIZE)
            abort();
        for (size_t k = 0; k < len; k++)
            if (seen.name[i][k] <= ' ' || seen.name[i][k] > '~' || seen.name[i][k] == '"' ||
                seen.name[i][k] == '\\')
                abort();
    }
    return 0;
}

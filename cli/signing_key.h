/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys in files: of a verb that signs, and of one that makes them. */
#ifndef CLI_SIGNING_KEY_H
#define CLI_SIGNING_KEY_H

#include "cli.h"
#include "sigillo/dkim.h"

/* Reads --key FILE: PEM or DER, RSA or Ed25519, without a passphrase. false: said so, and *status set. */
bool signing_key_read(const struct sgl_crypto *crypto, const char *path,
                      struct sgl_private_key **out, enum sgl_dkim_algorithm *algorithm,
                      int *status);

/* A new file with mode 0600, for a key as PEM; gives the exit status, an error is said. */
int signing_key_write(const char *path, sgl_view pem);

#endif

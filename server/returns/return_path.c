/* SPDX-License-Identifier: Apache-2.0 */
#include "return_path.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "../store/store.h"
#include "sigillo/ascii.h"

#define ID_LEN     (ID_TEXT_SIZE - 1)
#define CODE_LEN   20
#define HEAD_LEN   (2 + 2 * ID_LEN)
#define DOMAIN_MAX 255

static const char purpose[] = "sigillo return path 1";

/* Five bits a character, in the alphabet of the ids. */
static void put_code(const uint8_t *hash, char *out)
{
    static const char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";
    uint32_t bits = 0;
    unsigned held = 0;

    for (size_t i = 0, at = 0; i < CODE_LEN; i++) {
        if (held < 5) {
            bits = bits << 8 | hash[at++];
            held += 8;
        }
        held -= 5;
        out[i] = letters[bits >> held & 31];
    }
}

/* head: "b-" and the two ids, in lower case. */
static void make_code(const uint8_t secret[RETURN_PATH_SECRET], const char *head, sgl_view domain,
                      char out[CODE_LEN])
{
    crypto_generichash_state state;
    uint8_t hash[16], lower[DOMAIN_MAX];
    size_t len = domain.len < sizeof(lower) ? domain.len : sizeof(lower);

    for (size_t i = 0; i < len; i++)
        lower[i] = sgl_ascii_lower(domain.ptr[i]);
    crypto_generichash_init(&state, secret, RETURN_PATH_SECRET, sizeof(hash));
    crypto_generichash_update(&state, (const uint8_t *)purpose, sizeof(purpose));
    crypto_generichash_update(&state, (const uint8_t *)head, HEAD_LEN);
    crypto_generichash_update(&state, lower, len);
    crypto_generichash_final(&state, hash, sizeof(hash));
    put_code(hash, out);
}

void return_path_put(const uint8_t secret[RETURN_PATH_SECRET], const struct return_path *path,
                     sgl_view domain, char out[RETURN_PATH_LOCAL + 1])
{
    char message[ID_TEXT_SIZE], rcpt[ID_TEXT_SIZE];

    id_text(path->message, message);
    id_text(path->rcpt, rcpt);
    memcpy(out, "b-", 2);
    memcpy(out + 2, message, ID_LEN);
    memcpy(out + 2 + ID_LEN, rcpt, ID_LEN);
    out[HEAD_LEN] = '-';
    make_code(secret, out, domain, out + HEAD_LEN + 1);
    out[RETURN_PATH_LOCAL] = '\0';
}

enum return_path_kind return_path_open(const uint8_t (*secret)[RETURN_PATH_SECRET], size_t secrets,
                                       sgl_view address, struct return_path *out)
{
    char local[RETURN_PATH_LOCAL], code[CODE_LEN];
    struct return_path path;
    bool ours = false;

    if (address.len <= sizeof(local) + 1 || address.len > sizeof(local) + 1 + DOMAIN_MAX ||
        address.ptr[sizeof(local)] != '@')
        return RETURN_PATH_NONE;
    for (size_t i = 0; i < sizeof(local); i++)
        local[i] = (char)sgl_ascii_lower(address.ptr[i]);
    if (local[0] != 'b' || local[1] != '-' || local[HEAD_LEN] != '-' ||
        !id_parse(sgl_view_of(local + 2, ID_LEN), &path.message) ||
        !id_parse(sgl_view_of(local + 2 + ID_LEN, ID_LEN), &path.rcpt))
        return RETURN_PATH_NONE;
    for (size_t i = 0; i < secrets; i++) {
        make_code(secret[i], local, sgl_view_from(address, sizeof(local) + 1), code);
        ours |= sgl_view_eq_secret(sgl_view_of(code, CODE_LEN),
                                   sgl_view_of(local + HEAD_LEN + 1, CODE_LEN));
    }
    if (!ours)
        return RETURN_PATH_FORGED;
    *out = path;
    return RETURN_PATH_OURS;
}

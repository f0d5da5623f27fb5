/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signed requests by command line, for the Python tests (tool.h).  A key of 32 bytes is sealed and used by the vault, as in the keys process; one of another size, which we make
 * none of, by the library.
 *   {"op":"sign","key":BASE64,"method":...,"target":...,"date":...,"host":...,"content":...}    {"ok":true,"text":...,"signature":BASE64,"time":N}
 *   {"op":"read","authorization":...}                                                             {"ok":true,"signature":BASE64}
 */
#include "../../server/directory/hmac_form.h"
#include "../../server/keys/vault.h"
#include "sigillo/crypto.h"
#include "tool.h"

static struct vault *vault;
static struct vault_space space;

static bool ask(enum keys_verb verb, sgl_view in, struct keys_frame *reply)
{
    const struct keys_frame request = {
        .what = (uint8_t)verb, .small = SGL_LIT("hmac:test:primary"), .large = in};

    vault_answer(vault, &request, &space, reply);
    return reply->what == KEYS_OK;
}

static bool by_vault(sgl_view key, sgl_view text, uint8_t out[HMAC_SIZE])
{
    sgl_auto(sgl_buf) request = SGL_BUF_INIT(KEYS_DATA_MAX);
    struct keys_frame reply;

    if (!ask(KEYS_MAC_SEAL, key, &reply))
        return false;
    sgl_buf_add(&request, reply.large);
    sgl_buf_add(&request, text);
    if (!ask(KEYS_MAC, sgl_buf_view(&request), &reply))
        return false;
    memcpy(out, reply.large.ptr, HMAC_SIZE);
    return true;
}

static bool by_library(sgl_view key, sgl_view text, uint8_t out[HMAC_SIZE])
{
    struct sgl_crypto *crypto = sgl_crypto_new();
    bool good = crypto != NULL && sgl_hmac_sha256(crypto, key, text, out) == SGL_OK;

    sgl_crypto_free(crypto);
    return good;
}

static json_t *op_sign(struct tool *t)
{
    const struct hmac_text parts = {tool_member(t, "method"), tool_member(t, "target"),
                                    tool_member(t, "date"), tool_member(t, "host"),
                                    tool_member(t, "content")};
    sgl_view key = tool_unbase64(t, json_object_get(t->in, "key"));
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(8192);
    uint8_t signature[HMAC_SIZE], content[HMAC_SIZE];
    int64_t time;

    if (!hmac_base64_parse(parts.content_sha256, content) || !hmac_date_parse(parts.date, &time) ||
        !hmac_text_put(&parts, &text))
        return tool_failed("form");
    if (key.len == KEYS_MAC_KEY ? !by_vault(key, sgl_buf_view(&text), signature)
                                : !by_library(key, sgl_buf_view(&text), signature))
        return tool_failed("key");
    return json_pack("{s:b, s:o, s:o, s:I}", "ok", 1, "text", tool_text(sgl_buf_view(&text)),
                     "signature", tool_base64(sgl_view_of(signature, HMAC_SIZE)), "time",
                     (json_int_t)time);
}

static json_t *op_read(struct tool *t)
{
    uint8_t signature[HMAC_SIZE];

    if (!hmac_authorization_parse(tool_member(t, "authorization"), signature))
        return tool_failed("form");
    return json_pack("{s:b, s:o}", "ok", 1, "signature",
                     tool_base64(sgl_view_of(signature, HMAC_SIZE)));
}

int main(void)
{
    static const struct tool_op ops[] = {{"sign", op_sign}, {"read", op_read}, {NULL, NULL}};
    static const uint8_t master[32] = {1};

    vault = vault_new(master);
    return vault == NULL ? 1 : tool_main(ops);
}

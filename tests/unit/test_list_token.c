/* SPDX-License-Identifier: Apache-2.0 */
/* Links: opened by the key that made them until they are over, and nothing else is. */
#include "../../server/lists/list_token.h"
#include "check.h"

#include <sodium.h>

#define NOW 2000000000ll

static const struct list_key keys[] = {{1, "an old key, an old key, an old"},
                                       {2, "a new key, a new key, a new key"}};
static const struct list_token example = {.subscription = SGL_LIT_INIT("default"),
                                          .list = SGL_LIT_INIT("weekly.app.test"),
                                          .address = SGL_LIT_INIT("\"a b\"@good.test"),
                                          .made_at = NOW};

static enum list_token_fault open_at(const struct list_key *key, size_t count, sgl_view text,
                                     int64_t now, struct list_token *out)
{
    static struct sgl_arena arena = SGL_ARENA_INIT(1 << 20);

    sgl_arena_reset(&arena);
    return list_token_open(key, count, text, now, &arena, out);
}

static void test_way_back(void **state)
{
    struct sgl_buf text = SGL_BUF_INIT(LIST_TOKEN_TEXT);
    struct list_token got;

    (void)state;
    list_token_put(&keys[0], &example, &text);
    assert_int_equal(text.status, SGL_OK);
    CHECK_EQ("made before the key was changed for another",
             open_at(keys, 2, sgl_buf_view(&text), NOW, &got), LIST_TOKEN_FINE);
    CHECK_VIEW("whose", got.subscription, example.subscription);
    CHECK_VIEW("which list", got.list, example.list);
    CHECK_VIEW("who", got.address, example.address);
    CHECK_EQ("a year later", open_at(keys, 2, sgl_buf_view(&text), NOW + 366 * 86400, &got),
             LIST_TOKEN_FINE);
    CHECK_EQ("to its last second",
             open_at(keys, 2, sgl_buf_view(&text), NOW + LIST_TOKEN_VALID_S - 1, &got),
             LIST_TOKEN_FINE);
    CHECK_EQ("and over then", open_at(keys, 2, sgl_buf_view(&text), NOW + LIST_TOKEN_VALID_S, &got),
             LIST_TOKEN_EXPIRED);
    CHECK_EQ("without its key", open_at(keys + 1, 1, sgl_buf_view(&text), NOW, &got),
             LIST_TOKEN_FORGED);
    CHECK_TRUE("it shows no address",
               sgl_view_find_view(sgl_buf_view(&text), SGL_LIT("good")) == text.len);
    sgl_buf_done(&text);
}

static void test_changed(void **state)
{
    struct sgl_buf text = SGL_BUF_INIT(LIST_TOKEN_TEXT);
    struct list_token got;
    char huge[LIST_TOKEN_TEXT + 1];

    (void)state;
    list_token_put(&keys[1], &example, &text);
    for (size_t i = 0; i < text.len; i++) {
        uint8_t was = text.data[i];

        text.data[i] = was == 'A' ? 'B' : 'A';
        CHECK_EQ("a character changed", open_at(keys, 2, sgl_buf_view(&text), NOW, &got),
                 LIST_TOKEN_FORGED);
        text.data[i] = was;
        CHECK_EQ("cut off", open_at(keys, 2, sgl_view_of(text.data, i), NOW, &got),
                 LIST_TOKEN_FORGED);
    }
    memset(huge, 'A', sizeof(huge));
    CHECK_EQ("huge", open_at(keys, 2, sgl_view_of(huge, sizeof(huge)), NOW, &got),
             LIST_TOKEN_FORGED);
    CHECK_EQ("as long as may be", open_at(keys, 2, sgl_view_of(huge, LIST_TOKEN_TEXT), NOW, &got),
             LIST_TOKEN_FORGED);
    sgl_buf_done(&text);
}

static void test_too_long(void **state)
{
    static char address[LIST_TOKEN_TEXT];
    struct sgl_buf text = SGL_BUF_INIT(LIST_TOKEN_TEXT);
    struct list_token token = example;

    (void)state;
    token.address = sgl_view_of(address, sizeof(address));
    list_token_put(&keys[1], &token, &text);
    CHECK_EQ("what cannot be an address makes no link", text.status, SGL_E_LIMIT);
    sgl_buf_done(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_way_back),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_too_long),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

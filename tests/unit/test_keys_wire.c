/* SPDX-License-Identifier: Apache-2.0 */
#include "check.h"

#include <stdlib.h>

#include "../../server/keys/wire.h"

static const struct keys_frame sample = {.id = UINT64_C(0x1122334455667788),
                                         .handle = 42,
                                         .what = KEYS_SEAL,
                                         .algorithm = KEYS_ED25519,
                                         .small = SGL_LIT_INIT("context"),
                                         .large = SGL_LIT_INIT("a secret")};

static void test_round_trip(void **state)
{
    uint8_t bytes[2 * KEYS_FRAME_MAX];
    struct keys_frame got;
    sgl_view packet;

    (void)state;
    keys_frame_put(bytes, &sample);
    keys_frame_put(bytes + keys_frame_size(&sample), &sample);
    packet = sgl_view_of(bytes, 2 * keys_frame_size(&sample));
    for (int i = 0; i < 2; i++) {
        assert_true(keys_frame_take(&packet, &got));
        assert_true(got.id == sample.id && got.handle == sample.handle);
        assert_true(got.what == sample.what && got.algorithm == sample.algorithm);
        assert_true(sgl_view_eq(got.small, sample.small));
        assert_true(sgl_view_eq(got.large, sample.large));
    }
    assert_int_equal(packet.len, 0);
}

static void test_longest(void **state)
{
    static uint8_t small[KEYS_SMALL_MAX], large[KEYS_DATA_MAX], bytes[KEYS_FRAME_MAX];
    struct keys_frame f = {.small = {small, sizeof small}, .large = {large, sizeof large}}, got;
    sgl_view packet = {bytes, sizeof bytes};

    (void)state;
    assert_int_equal(keys_frame_size(&f), sizeof bytes);
    assert_true(sizeof bytes <= KEYS_PACKET_MAX);
    keys_frame_put(bytes, &f);
    assert_true(keys_frame_take(&packet, &got));
    assert_int_equal(got.large.len, sizeof large);
}

/* Whatever is cut off, the rest is no frame; nothing is read beyond it. */
static void test_cut(void **state)
{
    uint8_t bytes[256];
    size_t size = keys_frame_size(&sample);

    (void)state;
    keys_frame_put(bytes, &sample);
    for (size_t len = 0; len < size; len++) {
        uint8_t *exact = malloc(len == 0 ? 1 : len);
        struct keys_frame got;
        sgl_view packet = {exact, len};

        assert_non_null(exact);
        memcpy(exact, bytes, len);
        assert_false(keys_frame_take(&packet, &got));
        free(exact);
    }
}

static void test_hostile(void **state)
{
    static const struct {
        const char *name;
        uint32_t size;
        uint16_t small;
    } cases[] = {
        {"a frame shorter than its head", KEYS_FRAME_HEAD - 1, 0},
        {"a frame of no size", 0, 0},
        {"a frame longer than its packet", 20001, 0},
        {"a frame of the greatest size", UINT32_MAX, 0},
        {"a context longer than its frame", KEYS_FRAME_HEAD + 4, 5},
        {"a context longer than allowed", 20000, KEYS_SMALL_MAX + 1},
        {"the longest context", 20000, UINT16_MAX},
        {"an input longer than allowed", KEYS_FRAME_HEAD + KEYS_DATA_MAX + 1, 0},
    };
    static uint8_t bytes[20000];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        sgl_view packet = {bytes, sizeof bytes};
        struct keys_frame got;

        memcpy(bytes, &cases[i].size, sizeof cases[i].size);
        memcpy(bytes + 22, &cases[i].small, sizeof cases[i].small);
        CHECK_TRUE(cases[i].name, !keys_frame_take(&packet, &got));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_hostile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

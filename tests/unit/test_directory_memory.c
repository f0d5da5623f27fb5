/* SPDX-License-Identifier: Apache-2.0 */
/* Each allocation is made to fail while a noun is written: it is written whole, or not at all. */
#include "../../server/directory/directory_internal.h"
#include "check.h"
#include "fail_alloc.h"

void keys_submit(struct keys *keys, struct keys_op *op)
{
    (void)keys;
    (void)op;
    fail_msg("nothing is asked of the keys process here");
}

#define HASH "\"K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols=\""

static const struct {
    enum directory_noun noun;
    const char *key, *value;
} cases[] = {
    {DIRECTORY_SUBSCRIPTION, "shop", "{\"created_at\":1,\"profile\":\"standard\"}"},
    {DIRECTORY_DOMAIN, "app.test", "{\"created_at\":1,\"selectors\":[]}"},
    {DIRECTORY_GROUP, "default/g", "{\"members\":[\"b@app.test\",\"c@app.test\"]}"},
    {DIRECTORY_POLICY, "p1", "{\"identity\":\"app:x\",\"group\":\"g\",\"deny\":true}"},
    {DIRECTORY_SENDER, "b@app.test app:y", "{\"address\":\"b@app.test\",\"identity\":\"app:y\"}"},
    {DIRECTORY_ASM_GROUP, "42", "{\"name\":\"n\",\"description\":\"d\",\"is_default\":true}"},
    {DIRECTORY_KEY, "k",
     "{\"created_at\":1,\"domains\":[\"*\"],\"label\":\"l\",\"role\":\"none\",\"primary\":{"
     "\"sha256\":" HASH ",\"made_at\":1}}"},
    {DIRECTORY_KEY, "s",
     "{\"created_at\":1,\"domains\":[],\"label\":\"l\",\"role\":\"none\",\"primary\":{"
     "\"sha256\":" HASH ",\"made_at\":1},\"service\":{\"name\":\"Shop\",\"facts\":\"{}\","
     "\"locked\":true}}"},
    {DIRECTORY_SENDER, "n@app.test",
     "{\"address\":\"n@app.test\",\"identity\":\"\",\"display_name\":\"News\"}"},
    {DIRECTORY_RESOURCE, "default/emailservices/mail",
     "{\"name\":\"emailServices/Mail\",\"facts\":\"{}\"}"},
    {DIRECTORY_POOL, "p0", "{\"name\":\"n\",\"addresses\":[\"192.0.2.1\",\"2001:db8::1\"]}"},
    {DIRECTORY_BRANDED_LINK, "default/links.app.test",
     "{\"domain\":\"app.test\",\"subdomain\":\"links\",\"target\":\"mail.test\",\"default_at\":1}"},
};

static void test_whole_or_not_at_all(void **state)
{
    (void)state;
    json_memory_watch();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct noun_kind *kind = noun_kind_of(cases[i].noun);
        struct store_noun stored = {
            .key = sgl_view_cstr(cases[i].key), .subscription = SGL_LIT("default"), .version = 1};
        json_t *json = json_loads(cases[i].value, 0, NULL);
        void *noun = noun_from_json(kind, &stored, json);
        char *whole = noun == NULL ? NULL : noun_text(kind, noun);
        size_t refused = 0;

        json_decref(json);
        CHECK_TRUE(kind->name, whole != NULL);
        for (size_t n = 1; fail_alloc_round(n); n++) {
            char *text = noun_text(kind, noun);

            if (text != NULL)
                CHECK_STR(kind->name, text, whole);
            refused += text == NULL;
            free(text);
        }
        CHECK_TRUE("there was something to fail", refused > 2);
        free(whole);
        kind->free(noun);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_whole_or_not_at_all)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* A return path for one recipient stands in MAIL FROM in the place of the sender's. */
#include "delivery_rows.h"

static struct {
    bool none;
    unsigned asked;
} paths;

static bool make(void *ctx, const struct store_message *message, const struct store_rcpt *rcpt,
                 char out[DELIVERY_RETURN_PATH_SIZE])
{
    (void)ctx;
    (void)message;
    paths.asked++;
    snprintf(out, DELIVERY_RETURN_PATH_SIZE, "b-%d@bounces.client.test", (int)rcpt->id);
    return !paths.none;
}

static const struct {
    const char *rule, *from, *mail;
    bool none;
    char second; /* what became of the second of two recipients */
    unsigned asked;
} rows[] = {
    {"one recipient, with his own; the other goes back for the next transaction",
     "sender@client.test", "MAIL FROM:<b-2@bounces.client.test>", false, 'u', 1},
    {"where there is none they go together, as the sender says", "sender@client.test",
     "MAIL FROM:<sender@client.test>", true, 'o', 1},
    {"the null sender stays one [RFC 5321 s4.5.5]", "", "MAIL FROM:<>", false, 'o', 0},
};

static void the_path_of_the_recipient(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        struct job *job;

        world_init(&w, "d.test MX 10 one.test\none.test A 127.0.0.1\n");
        memset(&paths, 0, sizeof paths);
        paths.none = rows[i].none;
        world_start(&w);
        delivery_set_return_paths(w.delivery, &(struct delivery_return_paths){.make = make});
        job = world_put(&w, "d.test", 2, BODY);
        job->message->env_from = sgl_view_cstr(rows[i].from);
        world_deliver(&w, rows[i].rule);
        CHECK_EQ(rows[i].rule, w.outcome[0].verdict, 'o');
        CHECK_EQ(rows[i].rule, w.outcome[1].verdict, rows[i].second);
        CHECK_TRUE(rows[i].rule, strncmp(w.peer[0].mail, rows[i].mail, strlen(rows[i].mail)) == 0);
        CHECK_EQ(rows[i].rule, paths.asked, rows[i].asked);
        world_done(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_path_of_the_recipient)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* One delivery as a row: what the zone says, what two servers play, and what becomes of the recipients. */
#ifndef TESTS_UNIT_DELIVERY_ROWS_H
#define TESTS_UNIT_DELIVERY_ROWS_H

#include "delivery_world.h"

#define ONE    "MX 10 one.test\none.test A 127.0.0.1\n"
#define TWO    ONE "MX 20 two.test\ntwo.test A 127.0.0.2\n"
#define DANE   "_PORT._tcp.one.test TLSA 3 1 1 "
#define BODY   "Subject: x\r\n\r\nhello\r\n.dot\r\n"
#define STORED "Subject: x\r\n\r\nhello\r\n..dot\r\n"

struct row {
    const char *name, *zone;
    struct script one, two;
    const char *want;   /* a letter for each recipient: o, t, p, u */
    const char *status; /* of the first */
    const char *says;   /* its reason has this */
    const char *trail;  /* its events have this */
    unsigned in_one, in_two, tls;
    bool repeated, one_is_dead;
};

static inline void check_row(const struct row *row)
{
    struct world w;
    size_t rcpts = strlen(row->want);

    world_init(&w, row->zone);
    w.config.delivery.command_timeout_ms = w.config.delivery.data_timeout_ms = 300;
    w.config.delivery.dot_timeout_ms = 300;
    w.peer[0].script = row->one;
    w.peer[1].script = row->two;
    if (row->one_is_dead)
        smtp_peer_close(&w.peer[0]);
    world_start(&w);
    world_put(&w, "d.test", rcpts, BODY);
    world_deliver(&w, row->name);
    for (size_t i = 0; i < rcpts; i++)
        if (w.outcome[i].verdict != row->want[i])
            fail_msg("%s: recipient %zu: got %c (%s %s), want %c\n%s", row->name, i,
                     w.outcome[i].verdict, w.outcome[i].status, w.outcome[i].why, row->want[i],
                     w.outcome[i].detail);
    CHECK_STR(row->name, w.outcome[0].status, row->status);
    if (strstr(w.outcome[0].why, row->says != NULL ? row->says : "") == NULL)
        fail_msg("%s: the reason is: %s", row->name, w.outcome[0].why);
    if (strstr(w.outcome[0].detail, row->trail != NULL ? row->trail : "") == NULL)
        fail_msg("%s: the trail is: %s", row->name, w.outcome[0].detail);
    CHECK_EQ(row->name, w.peer[0].messages, row->in_one);
    CHECK_EQ(row->name, w.peer[1].messages, row->in_two);
    CHECK_EQ(row->name, w.peer[0].tls_messages + w.peer[1].tls_messages, row->tls);
    CHECK_EQ(row->name, w.outcome[0].repeated, row->repeated);
    if (row->in_one == 1)
        CHECK_VIEW(row->name, sgl_buf_view(&w.peer[0].received), sgl_view_cstr(STORED));
    world_done(&w);
}

static inline void check_rows(const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        check_row(&rows[i]);
}

#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof((rows)[0]))

#endif

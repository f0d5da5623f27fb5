/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of links: made once, kept over a restart, followed by another after a year, gone when no link of theirs can be any more. */
#include <semaphore.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../../server/lists/lists.h"
#include "check.h"

#define URL "https://mail.example.test"

/* ---- the keys process's stand-in: sealed is the secret, turned, and something in front of it ---- */

static _Atomic int down;

static void fake_done(struct loop_task *task)
{
    struct keys_op *op = (struct keys_op *)(void *)((char *)task - offsetof(struct keys_op, task));

    op->done(op);
}

static void turn(uint8_t *to, const uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len; i++)
        to[i] = from[i] ^ 0x5a;
}

void keys_submit(struct keys *keys, struct keys_op *op)
{
    (void)keys;
    op->result = KEYS_OK;
    if (atomic_load(&down) > 0) {
        atomic_fetch_sub(&down, 1);
        op->result = KEYS_DOWN;
    } else if (op->verb == KEYS_SEAL) {
        memset(op->out, '#', KEYS_SEAL_EXTRA);
        turn(op->out + KEYS_SEAL_EXTRA, op->in.ptr, op->in.len);
        op->out_len = op->in.len + KEYS_SEAL_EXTRA;
    } else if (op->in.ptr[0] == '#') {
        op->out_len = op->in.len - KEYS_SEAL_EXTRA;
        turn(op->out, op->in.ptr + KEYS_SEAL_EXTRA, op->out_len);
    } else {
        op->result = KEYS_REFUSED;
    }
    op->task.run = fake_done;
    loop_post(op->loop, &op->task);
}

/* ---- the room ---- */

struct fixture {
    struct loop_task task; /* first: cast from it */
    struct store_noun_op put;
    struct store_noun row;
    char folder[64], value[256];
    struct loop *loop;
    struct store *store;
    struct lists *lists;
    sem_t done;
};

static void make_on_loop(struct loop_task *task)
{
    struct fixture *f = (struct fixture *)(void *)task;
    char why[256] = "";

    f->lists = lists_new(f->loop, f->store, NULL, URL, why, sizeof(why));
    if (f->lists == NULL)
        fail_msg("%s", why);
    sem_post(&f->done);
}

static void open_store(struct fixture *f)
{
    struct store_config config = {
        .folder = f->folder, .inline_max = 131072, .group_max = 64, .waiting_max = 1000};
    char why[256] = "";

    f->loop = loop_new("test");
    f->store = store_open(&config, why, sizeof(why));
    if (f->store == NULL)
        fail_msg("store: %s", why);
    assert_true(loop_start(f->loop));
}

static void open_lists(struct fixture *f)
{
    f->task.run = make_on_loop;
    loop_post(f->loop, &f->task);
    sem_wait(&f->done);
}

static void close_all(struct fixture *f)
{
    store_close(f->store);
    loop_stop(f->loop);
    loop_join(f->loop);
    lists_free(f->lists);
    loop_free(f->loop);
}

static void reopen(struct fixture *f)
{
    close_all(f);
    open_store(f);
    open_lists(f);
}

static void put_done(struct store_op *op)
{
    struct fixture *f = (struct fixture *)(void *)((char *)op - offsetof(struct fixture, put));

    sem_post(&f->done);
}

/* A key of some age; first: what its sealed form begins with. */
static void put_key(struct fixture *f, const char *number, int64_t age_s, char first)
{
    uint8_t sealed[LIST_SECRET_SIZE + KEYS_SEAL_EXTRA];
    char text[200];

    memset(sealed, 'k', sizeof(sealed));
    memset(sealed, first, KEYS_SEAL_EXTRA);
    sodium_bin2base64(text, sizeof(text), sealed, sizeof(sealed), sodium_base64_VARIANT_ORIGINAL);
    snprintf(f->value, sizeof(f->value), "{\"made_at\":%lld,\"sealed\":\"%s\"}",
             (long long)(clock_now_s() - age_s), text);
    f->row = (struct store_noun){.kind = SGL_LIT(LISTS_KEY_KIND),
                                 .key = sgl_view_cstr(number),
                                 .value = sgl_view_cstr(f->value)};
    f->put =
        (struct store_noun_op){.op = {.kind = STORE_NOUN_PUT, .loop = f->loop, .done = put_done},
                               .noun = &f->row,
                               .nouns = 1};
    store_submit(f->store, &f->put.op);
    sem_wait(&f->done);
    assert_int_equal(f->put.op.result, STORE_OK);
}

static bool count_one(void *ctx, const struct store_noun *noun)
{
    (void)noun;
    ++*(size_t *)ctx;
    return true;
}

static size_t stored(struct fixture *f)
{
    size_t count = 0;

    assert_int_equal(store_read_nouns(f->store, SGL_LIT(LISTS_KEY_KIND), count_one, &count),
                     STORE_OK);
    return count;
}

static void wait_for(struct fixture *f, size_t keys)
{
    for (unsigned i = 0; i < 1000 && (stored(f) != keys || !lists_ready(f->lists)); i++)
        usleep(5000);
    assert_int_equal(stored(f), keys);
    assert_true(lists_ready(f->lists));
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    snprintf(f->folder, sizeof(f->folder), "/tmp/sigillo-lists-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    assert_int_equal(sem_init(&f->done, 0, 0), 0);
    open_store(f);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    char command[128];

    close_all(f);
    snprintf(command, sizeof(command), "rm -rf '%s'", f->folder);
    assert_int_equal(system(command), 0);
    sem_destroy(&f->done);
    free(f);
    return 0;
}

static const struct list_token example = {SGL_LIT_INIT("default"), SGL_LIT_INIT("a.test"),
                                          SGL_LIT_INIT("you@good.test"), 1000};

/* The token of a new link. */
static void link_now(struct fixture *f, struct sgl_buf *token)
{
    assert_true(lists_link(f->lists, NULL, &example, token));
    CHECK_TRUE("it begins where the world reaches the door",
               sgl_view_starts(sgl_buf_view(token), SGL_LIT(URL "/u/")));
    sgl_buf_remove_front(token, sizeof(URL "/u/") - 1);
}

static enum list_token_fault opened(struct fixture *f, const struct sgl_buf *token)
{
    struct sgl_arena arena = SGL_ARENA_INIT(4096);
    struct list_token got;
    enum list_token_fault fault =
        lists_open(f->lists, sgl_view_of(token->data, token->len), 2000, &arena, &got);

    sgl_arena_done(&arena);
    return fault;
}

static void test_made_once_and_kept(void **state)
{
    struct fixture *f = *state;
    struct sgl_buf token = SGL_BUF_INIT(2048);

    atomic_store(&down, 1); /* then it is tried again */
    open_lists(f);
    for (unsigned i = 0; i < 1000 && !lists_started(f->lists); i++) {
        bool ready = lists_ready(f->lists);

        usleep(2000);
        CHECK_TRUE("it is ready when it has started",
                   !lists_started(f->lists) || ready || i == 0 || lists_ready(f->lists));
    }
    CHECK_TRUE("with its key", lists_ready(f->lists));
    wait_for(f, 1);
    link_now(f, &token);
    CHECK_EQ("a link of now", opened(f, &token), LIST_TOKEN_FINE);
    reopen(f);
    wait_for(f, 1);
    CHECK_EQ("after a restart", opened(f, &token), LIST_TOKEN_FINE);
    sgl_buf_done(&token);
}

static void test_followed_by_another(void **state)
{
    struct fixture *f = *state;
    struct sgl_buf before = SGL_BUF_INIT(2048), after = SGL_BUF_INIT(2048);

    put_key(f, "00000001", LISTS_KEY_S - 3600, '#');
    open_lists(f);
    wait_for(f, 1);
    link_now(f, &before);
    close_all(f);
    open_store(f);
    put_key(f, "00000002", LISTS_KEY_S + 3600, '#'); /* older still: not the one that makes links */
    put_key(f, "00000003", LISTS_KEY_S + LIST_TOKEN_VALID_S + 1, '#');
    open_lists(f);
    wait_for(f, 2);
    CHECK_EQ("the one that is over is gone, and none is due", stored(f), 2);
    link_now(f, &after);
    CHECK_EQ("links from before", opened(f, &before), LIST_TOKEN_FINE);
    CHECK_TRUE("are of the same key", memcmp(before.data, after.data, 5) == 0);
    sgl_buf_done(&before);
    sgl_buf_done(&after);
}

static void test_a_year_old(void **state)
{
    struct fixture *f = *state;
    const struct list_key old = {1, {0}};
    struct list_key key = old;
    struct sgl_buf token = SGL_BUF_INIT(2048);

    for (size_t i = 0; i < sizeof(key.secret); i++)
        key.secret[i] = 'k' ^ 0x5a;
    put_key(f, "00000001", LISTS_KEY_S + 1, '#');
    open_lists(f);
    wait_for(f, 2);
    list_token_put(&key, &example, &token);
    CHECK_EQ("the old key opens its own links still", opened(f, &token), LIST_TOKEN_FINE);
    sgl_buf_reset(&token);
    link_now(f, &token);
    CHECK_TRUE("and makes none any more", memcmp(token.data, "AAAAA", 5) != 0);
    sgl_buf_done(&token);
}

static void test_one_that_cannot_be_opened(void **state)
{
    struct fixture *f = *state;

    put_key(f, "00000001", 5, 'x');
    open_lists(f);
    wait_for(f, 2); /* another takes its place */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_made_once_and_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(test_followed_by_another, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_year_old, setup, teardown),
        cmocka_unit_test_setup_teardown(test_one_that_cannot_be_opened, setup, teardown),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
/* Services: access keys with a name, whose secrets can be read again. */
#include "key_fixture.h"

static enum directory_result service_change(struct directory_fixture *f, enum directory_verb verb,
                                            sgl_view name, const struct service_change *s,
                                            const char *domain)
{
    const struct key_change key = {.service = s};
    struct directory_change c = {
        .noun = DIRECTORY_KEY, .verb = verb, .name = name, .key = &key, .domains = domain != NULL};

    if (domain != NULL)
        c.domain[0] = sgl_view_cstr(domain);
    return fixture_change(f, &c);
}

static enum directory_result service_add(struct directory_fixture *f, const char *name)
{
    const struct service_change s = {.name = sgl_view_cstr(name), .facts = SGL_LIT("{\"a\":1}")};

    return service_change(f, DIRECTORY_ADD, s.name, &s, NULL);
}

/* How many there are of that name; the first one to *out. */
static size_t service_find(struct directory_fixture *f, const char *name, struct sgl_arena *arena,
                           struct named_service *out)
{
    struct named_service *all;
    size_t count;

    assert_true(directory_services(f->directory, SGL_LIT("default"), sgl_view_cstr(name), arena,
                                   &all, &count));
    if (count > 0)
        *out = all[0];
    return count;
}

struct opened {
    struct service_keys keys; /* first: cast from it */
    sem_t done;
};

static void opened(struct service_keys *k)
{
    sem_post(&((struct opened *)(void *)k)->done);
}

static void service_open(struct directory_fixture *f, const char *name, struct opened *o)
{
    *o = (struct opened){.keys = {.loop = f->loop, .done = opened}};
    sem_init(&o->done, 0, 0);
    directory_service_keys(f->directory, SGL_LIT("default"), sgl_view_cstr(name), &o->keys);
    sem_wait(&o->done);
    sem_destroy(&o->done);
}

static void test_made(void **state)
{
    struct directory_fixture *f = *state;
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    struct named_service s = {.locked = true};
    struct opened keys;

    assert_int_equal(service_add(f, "Shop"), DIRECTORY_OK);
    for (int again = 0; again < 2; again++) {
        const char *id;

        CHECK_EQ("it is found in any case", service_find(f, "sHOP", &arena, &s), 1);
        CHECK_VIEW("as it was called", s.name, SGL_LIT("Shop"));
        CHECK_VIEW("with its facts", s.facts, SGL_LIT("{\"a\":1}"));
        CHECK_TRUE("open", !s.locked);
        service_open(f, "shop", &keys);
        id = sgl_arena_cstr(&arena, s.id);
        CHECK_TRUE("both secrets are read", keys.keys.found && keys.keys.fine);
        CHECK_TRUE("they are two", strcmp(keys.keys.key[0], keys.keys.key[1]) != 0);
        CHECK_TRUE("the first signs", key_signs(f, keys.keys.key[0], id));
        CHECK_TRUE("the second signs", key_signs(f, keys.keys.key[1], id));
        fixture_close(f);
        fixture_open(f);
    }
    CHECK_EQ("a name is there once", service_add(f, "SHOP"), DIRECTORY_EXISTS);
    CHECK_EQ("another one", service_add(f, "a-Shop_2"), DIRECTORY_OK);
    CHECK_EQ("no name", service_add(f, ""), DIRECTORY_INVALID);
    CHECK_EQ("a name with a dot", service_add(f, "a.b"), DIRECTORY_INVALID);
    CHECK_EQ("all of them", service_find(f, "", &arena, &s), 2);
    CHECK_VIEW("in order", s.name, SGL_LIT("Shop"));
}

static void test_locked(void **state)
{
    struct directory_fixture *f = *state;
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    const struct service_change lock = {.locked = true}, open = {.facts = SGL_LIT_INIT("{}")};
    struct named_service s = {.locked = true};
    struct made_key fresh;
    struct opened keys;
    const char *id;

    assert_int_equal(service_add(f, "shop"), DIRECTORY_OK);
    assert_int_equal(service_find(f, "shop", &arena, &s), 1);
    id = sgl_arena_cstr(&arena, s.id);
    assert_int_equal(key_rotate(f, id, KEY_ROTATE_SECONDARY, &fresh), DIRECTORY_OK);
    service_open(f, "shop", &keys);
    CHECK_STR("a new secret is read again, too", keys.keys.key[1], fresh.access_key);
    CHECK_TRUE("a bearer shows it", key_bears(f, fresh.secret, id));
    CHECK_EQ("locked", service_change(f, DIRECTORY_CHANGE, s.id, &lock, NULL), DIRECTORY_OK);
    CHECK_TRUE("nobody bears it", !key_bears(f, fresh.secret, id));
    CHECK_TRUE("nobody signs", !key_signs(f, fresh.access_key, id));
    assert_int_equal(service_find(f, "shop", &arena, &s), 1);
    CHECK_VIEW("its facts stay", s.facts, SGL_LIT("{\"a\":1}"));
    CHECK_EQ("opened", service_change(f, DIRECTORY_CHANGE, s.id, &open, NULL), DIRECTORY_OK);
    CHECK_TRUE("it is borne again", key_bears(f, fresh.secret, id));
    CHECK_TRUE("it signs again", key_signs(f, fresh.access_key, id));
    assert_int_equal(service_find(f, "shop", &arena, &s), 1);
    CHECK_VIEW("other facts", s.facts, SGL_LIT("{}"));
}

/* Four times the keys process is asked; without it there is no service, not half of one. */
static void test_without_keys(void **state)
{
    struct directory_fixture *f = *state;
    sgl_auto(sgl_arena) arena = SGL_ARENA_INIT(65536);
    struct named_service s = {.locked = true};
    struct opened keys;

    for (int down = 1; down <= 2; down++) {
        atomic_store(down == 1 ? &fake_keys.down : &fake_keys.refuse, 1);
        CHECK_EQ("not made", service_add(f, "shop"), DIRECTORY_UNAVAILABLE);
        CHECK_EQ("not there", service_find(f, "", &arena, &s), 0);
    }
    assert_int_equal(service_add(f, "shop"), DIRECTORY_OK);
    atomic_store(&fake_keys.down, 1);
    service_open(f, "shop", &keys);
    CHECK_TRUE("nothing is read", keys.keys.found && !keys.keys.fine);
    service_open(f, "none", &keys);
    CHECK_TRUE("of none", !keys.keys.found && !keys.keys.fine);
}

static int setup(void **state)
{
    *state = fixture_new();
    return 0;
}

static int teardown(void **state)
{
    fixture_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_made, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_keys, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

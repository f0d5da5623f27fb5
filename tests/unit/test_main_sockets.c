/* SPDX-License-Identifier: Apache-2.0 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../server/main/sockets.h"
#include "check.h"

static char folder[] = "/tmp/sigillo-sockets-XXXXXX";
static char admin[200], state_dir[200];
static struct sandbox_user nobody_else;

static struct config_address loopback(uint16_t port)
{
    struct config_address a = {.len = sizeof(struct sockaddr_in)};
    struct sockaddr_in *at = (struct sockaddr_in *)&a.addr;

    at->sin_family = AF_INET;
    at->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at->sin_port = htons(port);
    snprintf(a.text, sizeof(a.text), "127.0.0.1:%u", port);
    return a;
}

static uint16_t port_of(int fd)
{
    struct sockaddr_in at;
    socklen_t len = sizeof(at);

    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    return ntohs(at.sin_port);
}

static void doors_are_bound_or_named(void **state)
{
    struct config_address address[2] = {loopback(0), loopback(0)};
    struct config_listen listen = {.name = "submission", .address = address, .addresses = 2};
    struct config config = {
        .path = "/etc/x.conf", .listen = &listen, .listens = 1, .admin_socket = admin};
    struct bound_sockets s, other;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char why[500] = "", want[300];
    int client = socket(AF_UNIX, SOCK_STREAM, 0);
    struct stat st;

    (void)state;
    CHECK_TRUE(why, sockets_bind(&config, &nobody_else, &s, why, sizeof(why)));
    CHECK_EQ("both", s.sockets, 2);
    snprintf(at.sun_path, sizeof(at.sun_path), "%.100s", admin);
    CHECK_EQ("the admin socket listens", connect(client, (struct sockaddr *)&at, sizeof(at)), 0);
    close(client);
    CHECK_EQ("not for everybody", stat(admin, &st) == 0 ? st.st_mode & 07 : 7, 0);

    address[1] = loopback(port_of(s.socket[0].fd));
    CHECK_TRUE("a taken port", !sockets_bind(&config, &nobody_else, &other, why, sizeof(why)));
    snprintf(want, sizeof(want), "/etc/x.conf: listen submission: %s: Address already in use",
             address[1].text);
    CHECK_STR("is named", why, want);

    address[1] = loopback(0);
    CHECK_TRUE("a second server", !sockets_bind(&config, &nobody_else, &other, why, sizeof(why)));
    CHECK_TRUE(why, strstr(why, "another server answers there") != NULL);
    sockets_close(&s);
    CHECK_TRUE("a stale socket is replaced",
               sockets_bind(&config, &nobody_else, &s, why, sizeof(why)));
    sockets_close(&s);
}

static void the_state_folder_is_made_and_locked(void **state)
{
    struct config config = {.path = "/etc/x.conf", .state_dir = state_dir};
    struct state_paths p;
    char why[500] = "";
    struct stat st;
    int lock, again;

    (void)state;
    CHECK_TRUE(why, state_paths(&config, &p, why, sizeof(why)));
    lock = state_open(&config, &nobody_else, 0, why, sizeof(why));
    CHECK_TRUE(why, lock >= 0);
    CHECK_EQ("the store is private", stat(p.store, &st) == 0 ? st.st_mode & 0777 : 0, 0700);
    CHECK_EQ("a second server", state_open(&config, &nobody_else, 40, why, sizeof(why)), -1);
    CHECK_TRUE(why, strstr(why, "in use by another server") != NULL);
    close(lock);
    again = state_open(&config, &nobody_else, 0, why, sizeof(why));
    CHECK_TRUE("free again", again >= 0);
    close(again);
    config.state_dir = "/proc/nowhere";
    CHECK_EQ("a place where none can be", state_open(&config, &nobody_else, 0, why, sizeof(why)),
             -1);
    CHECK_TRUE(why, strncmp(why, "/etc/x.conf: state_dir: /proc/nowhere: ", 39) == 0);
}

static int set_up(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL)
        return 1;
    snprintf(admin, sizeof(admin), "%s/run/admin.sock", folder);
    snprintf(state_dir, sizeof(state_dir), "%s/state", folder);
    return 0;
}

static int tear_down(void **state)
{
    char command[100];

    (void)state;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    return system(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doors_are_bound_or_named),
        cmocka_unit_test(the_state_folder_is_made_and_locked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

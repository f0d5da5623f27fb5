/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../server/main/control.h"
#include "check.h"

static void messages_and_descriptors_arrive(void **state)
{
    struct control_message m;
    int fd[2], pipe_fd[2];
    char long_text[1000];

    (void)state;
    assert_true(control_pair(fd));
    assert_int_equal(pipe(pipe_fd), 0);
    CHECK_EQ("nothing yet", control_receive(fd[1], &m), 0);
    CHECK_TRUE("sent", control_send(fd[0], CONTROL_KEYS, pipe_fd[1], NULL));
    CHECK_TRUE("sent", control_send(fd[0], CONTROL_DRAIN, -1, "why"));
    CHECK_EQ("the first", control_receive(fd[1], &m), 1);
    CHECK_EQ("its kind", m.kind, CONTROL_KEYS);
    CHECK_TRUE("a descriptor of our own", m.fd >= 0 && m.fd != pipe_fd[1]);
    CHECK_EQ("that works", write(m.fd, "x", 1), 1);
    close(m.fd);
    CHECK_EQ("the second", control_receive(fd[1], &m), 1);
    CHECK_EQ("its kind", m.kind, CONTROL_DRAIN);
    CHECK_EQ("no descriptor", m.fd, -1);
    CHECK_STR("its text", m.text, "why");
    memset(long_text, 'a', sizeof(long_text) - 1);
    long_text[sizeof(long_text) - 1] = '\0';
    CHECK_TRUE("sent", control_send(fd[1], CONTROL_REFUSED, -1, long_text));
    CHECK_EQ("the other way", control_receive(fd[0], &m), 1);
    CHECK_EQ("long texts are cut", strlen(m.text), CONTROL_TEXT_MAX - 1);
    CHECK_EQ("what is no message is skipped", send(fd[0], "bad", 3, 0), 3);
    CHECK_EQ("skipped", control_receive(fd[1], &m), 0);
    close(fd[0]);
    CHECK_EQ("the end", control_receive(fd[1], &m), -1);
    CHECK_TRUE("nobody hears", !control_send(fd[1], CONTROL_READY, -1, NULL));
    close(fd[1]);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_and_descriptors_arrive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

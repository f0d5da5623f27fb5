/* SPDX-License-Identifier: Apache-2.0 */
#include "password.h"

#define PASSWORD_FILE_MAX 4096

bool cli_password_read(json_t *body)
{
    struct sgl_buf text = SGL_BUF_INIT(PASSWORD_FILE_MAX);
    bool fine = cli_read_file("--password-stdin", "-", PASSWORD_FILE_MAX, &text);
    sgl_view line = sgl_buf_view(&text);

    line = sgl_view_sub(line, 0, sgl_view_find(line, '\n'));
    if (line.len > 0 && line.ptr[line.len - 1] == '\r')
        line.len--;
    if (fine && line.len == 0) {
        cli_error(CLI_USAGE, "--password-stdin", "standard input has no password");
        fine = false;
    }
    if (fine && json_object_set_new(body, "password",
                                    json_stringn((const char *)line.ptr, line.len)) != 0) {
        cli_error(CLI_USAGE, "--password-stdin", "the password is not UTF-8");
        fine = false;
    }
    sgl_buf_done(&text);
    return fine;
}

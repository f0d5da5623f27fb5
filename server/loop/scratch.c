/* SPDX-License-Identifier: Apache-2.0 */
#include "scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

bool scratch_open(struct scratch *s, const char *folder)
{
    *s = (struct scratch){.fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
    s->open = s->fd >= 0;
    return s->open;
}

void scratch_close(struct scratch *s)
{
    if (s->open)
        close(s->fd);
    *s = (struct scratch){0};
}

bool scratch_put(struct scratch *s, sgl_view bytes, uint64_t *at)
{
    size_t done = 0;

    while (s->open && done < bytes.len) {
        ssize_t n = pwrite(s->fd, bytes.ptr + done, bytes.len - done, (off_t)(s->end + done));

        if (n <= 0 && (n == 0 || errno != EINTR))
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    if (!s->open)
        return false;
    *at = s->end;
    s->end += bytes.len;
    return true;
}

bool scratch_get(const struct scratch *s, uint64_t at, uint8_t *out, size_t len)
{
    size_t done = 0;

    while (done < len) {
        ssize_t n = pread(s->fd, out + done, len - done, (off_t)(at + done));

        if (n <= 0 && (n == 0 || errno != EINTR))
            return false;
        done += n > 0 ? (size_t)n : 0;
    }
    return true;
}

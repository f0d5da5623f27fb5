/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A line is built on the stack, at most PIPE_BUF bytes, and leaves by one write(): lines of several threads and processes never mix.  What would not fit is cut inside a text,
 * so that every line is whole JSON.
 */
#include "log.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sigillo/utf8.h"

#define LINE_MAX_ 4096
#define TAIL      8 /* ...", closing brace, newline */
#define TEXT_MAX_ 1000

struct line {
    char bytes[LINE_MAX_];
    size_t len;
};

static _Atomic int least = LOG_INFO_;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&least, (int)level, memory_order_relaxed);
}

bool log_wants(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&least, memory_order_relaxed);
}

static const char *level_name(enum log_level level)
{
    switch (level) {
    case LOG_DEBUG_:
        return "debug";
    case LOG_INFO_:
        return "info";
    case LOG_WARN_:
        return "warn";
    case LOG_ERROR_:
        return "error";
    }
    return "?";
}

static size_t room(const struct line *l)
{
    return LINE_MAX_ - TAIL - l->len;
}

static void add(struct line *l, const char *s, size_t len)
{
    if (len > room(l))
        return;
    memcpy(l->bytes + l->len, s, len);
    l->len += len;
}

static void add_cstr(struct line *l, const char *s)
{
    add(l, s, strlen(s));
}

/* One character of foreign text: printable as it is, everything else as \uNNNN, a byte that is not UTF-8 as the four characters \xNN. */
static size_t escape(sgl_view text, size_t off, char out[8], size_t *out_len)
{
    static const char hex[] = "0123456789abcdef";
    uint32_t code = 0;
    size_t len = sgl_utf8_next(text, off, &code);
    uint8_t c = text.ptr[off];

    if (len == 0) {
        memcpy(out, (const char[]){'\\', '\\', 'x', hex[c >> 4], hex[c & 15]}, 5);
        *out_len = 5;
        return 1;
    }
    if (code == '"' || code == '\\') {
        out[0] = '\\';
        out[1] = (char)c;
        *out_len = 2;
    } else if (code < 0x20 || (code >= 0x7f && code < 0xa0) || (code >= 0x2028 && code <= 0x202e) ||
               (code >= 0x2066 && code <= 0x2069)) { /* controls, and those that turn text round */
        memcpy(out,
               (const char[]){'\\', 'u', hex[code >> 12], hex[code >> 8 & 15], hex[code >> 4 & 15],
                              hex[code & 15]},
               6);
        *out_len = 6;
    } else {
        memcpy(out, text.ptr + off, len);
        *out_len = len;
    }
    return len;
}

static void add_text(struct line *l, sgl_view text)
{
    add(l, "\"", 1);
    for (size_t off = 0; off < text.len;) {
        char shown[8];
        size_t len, used = escape(text, off, shown, &len);

        if (off > TEXT_MAX_ || len + 4 > room(l)) {
            add(l, "...", 3);
            break;
        }
        add(l, shown, len);
        off += used;
    }
    add(l, "\"", 1);
}

static void add_number(struct line *l, int64_t number)
{
    char digits[24];
    size_t at = sizeof(digits);
    uint64_t n = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;

    do
        digits[--at] = (char)('0' + n % 10);
    while ((n /= 10) > 0);
    if (number < 0)
        digits[--at] = '-';
    add(l, digits + at, sizeof(digits) - at);
}

/* A message's id as everybody sees it: 13 characters of base32. */
static void add_id(struct line *l, uint64_t id)
{
    char text[13];

    for (size_t i = sizeof(text); i-- > 0; id >>= 5)
        text[i] = "0123456789abcdefghjkmnpqrstvwxyz"[id & 31];
    add_text(l, sgl_view_of(text, sizeof(text)));
}

static void add_time(struct line *l)
{
    struct timespec now = {0, 0};
    struct tm tm;
    char text[40];
    size_t n;

    clock_gettime(CLOCK_REALTIME_COARSE, &now);
    gmtime_r(&now.tv_sec, &tm);
    n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.", &tm);
    for (long unit = 100000000; unit >= 1000000; unit /= 10)
        text[n++] = (char)('0' + now.tv_nsec / unit % 10);
    text[n++] = 'Z';
    add_text(l, sgl_view_of(text, n));
}

static void add_field(struct line *l, const struct log_field *f)
{
    if (f->kind == LOG_KIND_END || room(l) < strlen(f->key) + 40)
        return;
    add(l, ",\"", 2);
    add_cstr(l, f->key);
    add(l, "\":", 2);
    switch (f->kind) {
    case LOG_KIND_STR:
        add_text(l, f->text);
        break;
    case LOG_KIND_INT:
        add_number(l, f->number);
        break;
    case LOG_KIND_BOOL:
        add_cstr(l, f->number != 0 ? "true" : "false");
        break;
    case LOG_KIND_ID:
        add_id(l, (uint64_t)f->number);
        break;
    case LOG_KIND_END:
        break;
    }
}

void log_fields(enum log_level level, const char *what, const struct log_field *field,
                size_t fields)
{
    struct line l;
    ssize_t n;

    if (!log_wants(level))
        return;
    l.len = 0;
    add_cstr(&l, "{\"time\":");
    add_time(&l);
    add_cstr(&l, ",\"level\":\"");
    add_cstr(&l, level_name(level));
    add_cstr(&l, "\",\"event\":");
    add_text(&l, sgl_view_cstr(what));
    for (size_t i = 0; i < fields; i++)
        add_field(&l, &field[i]);
    memcpy(l.bytes + l.len, "}\n", 2);
    n = write(STDERR_FILENO, l.bytes, l.len + 2);
    (void)n; /* a log that is full or closed must not stop the mail */
}

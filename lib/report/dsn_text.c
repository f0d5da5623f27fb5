/* SPDX-License-Identifier: Apache-2.0 */
/* The part that people read: which address, which server said what, when it was tried, what happens next. */
#include "dsn_internal.h"

#include "sigillo/ascii.h"
#include "sigillo/date.h"

#include "sigillo/banned.h"

#define WIDTH 74

/* Where the line of at most `room` bytes ends: at a blank, or hard but never within a character. */
static size_t line_length(sgl_view v, size_t room)
{
    size_t end = room;

    if (v.len <= room)
        return v.len;
    while (end > room / 2 && v.ptr[end] != ' ')
        end--;
    if (v.ptr[end] == ' ')
        return end;
    for (end = room; end > 1 && (v.ptr[end] & 0xc0) == 0x80;)
        end--;
    return end;
}

/* Text in lines of WIDTH, each behind `indent` blanks. */
static void put_wrapped(struct sgl_buf *out, sgl_view v, size_t indent)
{
    while (v.len > 0) {
        size_t n = line_length(v, WIDTH - indent);

        for (size_t i = 0; i < indent; i++)
            sgl_buf_add_byte(out, ' ');
        sgl_buf_add(out, sgl_view_sub(v, 0, n));
        sgl_buf_add(out, SGL_LIT("\r\n"));
        v = sgl_view_from(v, n);
        while (v.len > 0 && v.ptr[0] == ' ')
            v = sgl_view_from(v, 1);
    }
}

static void put_foreign(struct sgl_buf *out, sgl_view v, size_t indent)
{
    sgl_auto(sgl_buf) clean = SGL_BUF_INIT(3 * SGL_DSN_REASON_MAX);

    sgl_dsn_put_clean(&clean, v, SGL_DSN_REASON_MAX, true);
    put_wrapped(out, sgl_buf_view(&clean), indent);
    if (clean.status != SGL_OK && out->status == SGL_OK)
        out->status = clean.status;
}

static void put_line(struct sgl_buf *out, const char *line)
{
    sgl_buf_add_cstr(out, line);
    sgl_buf_add(out, SGL_LIT("\r\n"));
}

static void put_paragraph(struct sgl_buf *out, const char *text)
{
    put_wrapped(out, sgl_view_cstr(text), 0);
    sgl_buf_add(out, SGL_LIT("\r\n"));
}

static const char *opening(enum sgl_dsn_action action)
{
    switch (action) {
    case SGL_DSN_FAILED:
        return "Your message could not be delivered to the recipients below. It will not be tried "
               "again for them.";
    case SGL_DSN_DELAYED:
        return "Your message has not been delivered yet to the recipients below. You do not need "
               "to send it again: it is still being tried.";
    case SGL_DSN_DELIVERED:
        return "Your message has been delivered to the recipients below, as you asked to be told.";
    case SGL_DSN_RELAYED:
        return "Your message has been handed to the servers of the recipients below, which send no "
               "reports of their own. You will hear "
               "nothing more unless they fail to deliver it.";
    }
    return "";
}

static void put_attempts(struct sgl_buf *out, const struct sgl_dsn_rcpt *r)
{
    if (r->last_attempt == 0 || r->attempts == 0)
        return;
    sgl_buf_add(out, r->attempts == 1 ? SGL_LIT("    Tried once, on ") : SGL_LIT("    Tried "));
    if (r->attempts > 1) {
        sgl_buf_add_u64(out, r->attempts);
        sgl_buf_add(out, SGL_LIT(" times, last on "));
    }
    sgl_date_put(out, r->last_attempt);
    sgl_buf_add(out, SGL_LIT("\r\n"));
}

static void put_next(struct sgl_buf *out, const struct sgl_dsn_rcpt *r)
{
    if (r->action != SGL_DSN_DELAYED)
        return;
    if (r->next_attempt != 0) {
        sgl_buf_add(out, SGL_LIT("    Next try: "));
        sgl_date_put(out, r->next_attempt);
        sgl_buf_add(out, SGL_LIT("\r\n"));
    }
    if (r->will_retry_until != 0) {
        sgl_buf_add(out, SGL_LIT("    Tried until: "));
        sgl_date_put(out, r->will_retry_until);
        sgl_buf_add(out, SGL_LIT("\r\n"));
    }
}

static void put_rcpt(struct sgl_buf *out, const struct sgl_dsn_rcpt *r)
{
    sgl_buf_add(out, SGL_LIT("  <"));
    sgl_dsn_put_clean(out, r->address, 320, true);
    sgl_buf_add(out, SGL_LIT(">\r\n"));
    if (sgl_view_trim(r->reply).len > 0) {
        sgl_buf_add(out, SGL_LIT("    The server "));
        sgl_dsn_put_clean(out, r->remote_mta.len > 0 ? r->remote_mta : SGL_LIT("asked"), 320, true);
        sgl_buf_add(out, SGL_LIT(" said:\r\n"));
        put_foreign(out, r->reply, 6);
    }
    if (sgl_view_trim(r->reason).len > 0) {
        put_line(out, r->action == SGL_DSN_FAILED || r->action == SGL_DSN_DELAYED ? "    Reason:"
                                                                                  : "    Note:");
        put_foreign(out, r->reason, 6);
    }
    put_attempts(out, r);
    put_next(out, r);
    sgl_buf_add(out, SGL_LIT("\r\n"));
}

static void put_section(struct sgl_buf *out, const struct sgl_dsn *d, enum sgl_dsn_action action)
{
    bool opened = false;

    for (size_t i = 0; i < d->rcpts; i++) {
        if (d->rcpt[i].action != action)
            continue;
        if (!opened)
            put_paragraph(out, opening(action));
        opened = true;
        put_rcpt(out, &d->rcpt[i]);
    }
}

static void put_closing(struct sgl_buf *out, const struct sgl_dsn *d)
{
    switch (sgl_dsn_worst(d)) {
    case SGL_DSN_FAILED:
        put_paragraph(out, "Please check the address, or reach the recipient in another way. If "
                           "the reason names a fault of the other server, "
                           "its postmaster can help.");
        break;
    case SGL_DSN_DELAYED:
        put_paragraph(
            out,
            "If it cannot be delivered in that time, you will get one more message like this.");
        break;
    case SGL_DSN_DELIVERED:
    case SGL_DSN_RELAYED:
        break;
    }
}

void sgl_dsn_put_text(struct sgl_buf *out, const struct sgl_dsn *d)
{
    sgl_buf_add(out, SGL_LIT("This is the mail system at "));
    sgl_dsn_put_clean(out, d->reporting_mta, 255, false);
    sgl_buf_add(out, SGL_LIT(".\r\n\r\n"));
    if (d->arrival != 0) {
        sgl_buf_add(out, SGL_LIT("It speaks of the message that you sent on\r\n"));
        sgl_date_put(out, d->arrival);
        if (d->queue_id.len > 0) {
            sgl_buf_add(out, SGL_LIT(" (here: "));
            sgl_dsn_put_clean(out, d->queue_id, 64, false);
            sgl_buf_add_byte(out, ')');
        }
        sgl_buf_add(out, SGL_LIT(".\r\n\r\n"));
    }
    put_section(out, d, SGL_DSN_FAILED);
    put_section(out, d, SGL_DSN_DELAYED);
    put_section(out, d, SGL_DSN_DELIVERED);
    put_section(out, d, SGL_DSN_RELAYED);
    put_closing(out, d);
}

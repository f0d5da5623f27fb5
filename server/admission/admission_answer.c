/* SPDX-License-Identifier: Apache-2.0 */
/* Answers in every door's language: what the refusals are, in one place each. */
#include <stdio.h>

#include "admission_internal.h"

#define ABOUT_MAX 80

void answer_set(struct admission_answer *out, unsigned smtp, const char *enhanced, unsigned http,
                const char *code, const char *field)
{
    out->smtp = (uint16_t)smtp;
    snprintf(out->enhanced, sizeof(out->enhanced), "%s", enhanced);
    out->http = (uint16_t)http;
    out->code = code;
    snprintf(out->field, sizeof(out->field), "%s", field);
    out->text[0] = '\0';
    out->retry_after_s = 0;
    out->rule = NULL;
}

void admission_sentence(char *out, size_t size, const char *text, sgl_view about, size_t shown)
{
    struct sgl_buf line = SGL_BUF_INIT(1024);
    sgl_view before = sgl_view_cstr(text);
    size_t place = sgl_view_find_view(before, SGL_LIT("%s"));

    sgl_buf_add(&line, sgl_view_sub(before, 0, place));
    if (place < before.len) {
        sgl_buf_add_escaped(&line, about, shown);
        sgl_buf_add(&line, sgl_view_from(before, place + 2));
    }
    snprintf(out, size, "%.*s", (int)line.len, line.data == NULL ? "" : (const char *)line.data);
    sgl_buf_done(&line);
}

bool refuse(struct admission_answer *out, unsigned smtp, const char *enhanced, unsigned http,
            const char *code, const char *field, const char *text, sgl_view about)
{
    answer_set(out, smtp, enhanced, http, code, field);
    admission_sentence(out->text, sizeof(out->text), text, about, ABOUT_MAX);
    return false;
}

bool refuse_memory(struct admission_answer *out)
{
    return refuse(out, 452, "4.3.1", 503, "memory-full", "",
                  "The server has no memory left for this; try again soon.", SGL_LIT(""));
}

bool refuse_fault(struct admission_answer *out, const struct sgl_message_report *report)
{
    char where[64];

    answer_set(out, 554, "5.6.0", 422, sgl_message_fault_code(report->fault), "");
    if (report->field.len > 0 && report->field.len < 40)
        snprintf(where, sizeof(where), "%.*s", SGL_FMT(report->field));
    else
        snprintf(where, sizeof(where), "%s line %zu", report->in_header ? "header" : "body",
                 report->line);
    snprintf(out->field, sizeof(out->field), "%s", where);
    snprintf(out->text, sizeof(out->text), "%s (line %zu of the message)",
             sgl_message_fault_text(report->fault), report->line);
    return false;
}

void answer_store(struct admission_answer *out, enum store_result result)
{
    switch (result) {
    case STORE_FULL:
        (void)refuse(out, 452, "4.3.1", 507, "disk-full", "",
                     "There is no durable place left for this message; try again later.",
                     SGL_LIT(""));
        return;
    case STORE_BUSY:
        (void)refuse(out, 451, "4.3.2", 503, "store-busy", "",
                     "Too many messages wait to be stored; try again soon.", SGL_LIT(""));
        return;
    case STORE_CONFLICT:
        (void)refuse(out, 554, "5.5.4", 409, "idempotency-conflict", "Idempotency-Key",
                     "This key was used before with another message.", SGL_LIT(""));
        return;
    case STORE_NOT_FOUND:
        (void)refuse(out, 554, "5.5.4", 422, "batch-unknown", "batch", "There is no such batch.",
                     SGL_LIT(""));
        return;
    case STORE_OK:
    case STORE_EXISTS:
    case STORE_IO:
    case STORE_CORRUPT:
    case STORE_NOMEM:
        break;
    }
    (void)refuse(out, 451, "4.3.0", 503, "store-failed", "",
                 "The message could not be stored; try again later.", SGL_LIT(""));
}

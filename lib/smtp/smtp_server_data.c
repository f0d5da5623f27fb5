/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The bytes of a message on their way in.  A line is taken in one step: memchr() finds its LF and proves that its only CR stands before it.  Clean bytes are given out as
 * views into what was fed, cut only where a stuffed dot is left out.  Once a fault is found nothing is given out any more, but the true end is still looked for:
 *
 *   CR LF . CR LF, byte for byte, and nothing else.  [RFC 5321 s4.1.1.4]
 */
#include "smtp_server_internal.h"

void sgl_smtp_server_begin_text(struct sgl_smtp_server *s)
{
    s->state = s->bdat_asked ? ST_BDAT : ST_DATA;
    s->place = AT_LINE_START;
    s->fault = TEXT_CLEAN;
    s->odd_line = false;
    s->line_number = 1;
    s->fault_line = 0;
    s->size = 0;
    if (s->state == ST_BDAT && s->left == 0)
        (void)sgl_smtp_server_bdat(s, (sgl_view){NULL, 0});
}

static void spoil(struct sgl_smtp_server *s, enum text_fault fault, size_t line)
{
    static const char *const why[] = {"", "bare CR in the message", "bare LF in the message",
                                      "NUL in the message", "larger than this server takes"};

    if (s->fault != TEXT_CLEAN)
        return;
    s->fault = fault;
    s->fault_line = line;
    s->size = 0;
    s->has_reset = true; /* what was given out is of no use: the shell can let go of it at once */
    s->reset_text = why[fault];
}

/* ---- clean text: one step is at most a line ---------------------------------------------------------------------- */

/* From anywhere in a line up to behind its LF, behind its first CR, or to the end of the bytes. A fault leaves `place` so that hunt_end() can go on behind it. */
static size_t step_line(struct sgl_smtp_server *s, sgl_view bytes)
{
    size_t lf = sgl_view_find(bytes, '\n');
    size_t cr = sgl_view_find(sgl_view_sub(bytes, 0, lf), '\r');

    if (lf < bytes.len && lf > 0 && cr == lf - 1) { /* the common case: a whole line */
        s->place = AT_LINE_START;
        s->line_number++;
        return lf + 1;
    }
    if (cr < lf) {
        s->place = AT_AFTER_CR;
        return cr + 1;
    }
    s->place = AT_MID;
    if (lf == bytes.len)
        return lf;
    spoil(s, TEXT_BARE_LF, s->line_number);
    return lf + 1;
}

static size_t step_text(struct sgl_smtp_server *s, sgl_view bytes)
{
    if (s->place != AT_AFTER_CR)
        return step_line(s, bytes);
    if (bytes.ptr[0] != '\n') {
        spoil(s, TEXT_BARE_CR, s->line_number);
        return 0;
    }
    s->place = AT_LINE_START;
    s->line_number++;
    return 1;
}

/* A NUL before the fault that was just found, or without one. */
static void check_nul(struct sgl_smtp_server *s, sgl_view text, size_t first_line)
{
    size_t nul = sgl_view_find(text, '\0');

    if (nul == text.len)
        return;
    s->fault = TEXT_CLEAN;
    for (sgl_view before = sgl_view_sub(text, 0, nul); before.len != 0;) {
        size_t lf = sgl_view_find(before, '\n');

        if (lf < before.len)
            first_line++;
        before = sgl_view_from(before, lf + 1);
    }
    spoil(s, TEXT_NUL, first_line);
}

static void give(struct sgl_smtp_server *s, sgl_view text, size_t first_line)
{
    if (text.len == 0)
        return;
    check_nul(s, text, first_line);
    if (s->fault != TEXT_CLEAN)
        return;
    s->size += text.len;
    s->event = (struct sgl_smtp_server_event){.kind = SGL_SMTP_SERVER_CHUNK, .data = text};
    s->has_event = true;
}

/* Of the next bytes of text, those that the size allows; none: it is passed.  [RFC 1870 s6.3] */
static sgl_view within_size(struct sgl_smtp_server *s, sgl_view bytes)
{
    uint64_t room = s->config->size_max - s->size;

    if (s->config->size_max == 0)
        return bytes;
    if (room == 0)
        spoil(s, TEXT_TOO_BIG, s->line_number);
    return room < bytes.len ? sgl_view_sub(bytes, 0, (size_t)room) : bytes;
}

/* ---- the end ----------------------------------------------------------------------------------------------------- */

static void refuse_text(struct sgl_smtp_server *s)
{
    static const char *const what[] = {"", "a bare CR", "a bare LF", "a NUL", ""};
    sgl_auto(sgl_buf) text = SGL_BUF_INIT(SGL_LIMIT_SMTP_REPLY_OURS);
    bool ambiguous = s->odd_line && !s->bdat_asked;

    if (s->fault == TEXT_TOO_BIG) {
        sgl_smtp_server_end_transaction(s, false, "");
        sgl_smtp_server_mistake(s, 552, "5.3.4", "the message is larger than this server takes");
        return;
    }
    sgl_buf_addf(&text, "line %zu of the message holds %s: lines end in CR LF", s->fault_line,
                 what[s->fault]);
    sgl_smtp_server_end_transaction(s, false, "");
    sgl_smtp_server_mistake(s, 554, "5.6.0", sgl_cstr(&text));
    if (ambiguous) /* CR CR LF . CR LF: another reader may believe that the message goes on */
        sgl_smtp_server_close(s, SGL_SMTP_CLOSE_FRAMING,
                              "an end of data that can be read in two ways");
}

static void end_text(struct sgl_smtp_server *s)
{
    if (s->fault != TEXT_CLEAN) {
        refuse_text(s);
        return;
    }
    s->state = ST_COMMAND;
    s->event = (struct sgl_smtp_server_event){.size = s->size};
    sgl_smtp_server_ask(s, SGL_SMTP_SERVER_MESSAGE);
}

/* ---- DATA -------------------------------------------------------------------------------------------------------- */

/* After a fault: byte by byte to the true end. Returns bytes taken. */
static size_t hunt_end(struct sgl_smtp_server *s, sgl_view bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t byte = bytes.ptr[i];
        enum text_place was = s->place;

        s->place = AT_MID;
        if (byte == '\r') {
            s->place = was == AT_DOT ? AT_DOT_CR : AT_AFTER_CR;
            if (was != AT_DOT)
                s->odd_line = was == AT_AFTER_CR || was == AT_DOT_CR;
        } else if (byte == '\n' && was == AT_DOT_CR) {
            end_text(s);
            return i + 1;
        } else if (byte == '\n' && was == AT_AFTER_CR) {
            s->place = AT_LINE_START;
        } else if (byte == '.' && was == AT_LINE_START) {
            s->place = AT_DOT;
        }
    }
    return bytes.len;
}

/* Dots at the front: nothing to give out yet. Stops at text, at a fault, and at the end of the message (*end). */
static size_t skip_dots(struct sgl_smtp_server *s, sgl_view bytes, bool *end)
{
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t byte = bytes.ptr[i];

        if (s->place == AT_LINE_START && byte == '.') {
            s->place = AT_DOT;
        } else if (s->place == AT_DOT && byte == '\r') {
            s->place = AT_DOT_CR;
        } else if (s->place == AT_DOT) { /* [RFC 5321 s4.5.2] the line without its first dot */
            s->place = AT_MID;
            return i;
        } else if (s->place == AT_DOT_CR && byte == '\n') {
            *end = true;
            return i + 1;
        } else if (s->place == AT_DOT_CR) {
            spoil(s, TEXT_BARE_CR, s->line_number);
            return i;
        } else {
            return i;
        }
    }
    return bytes.len;
}

/* Text up to the next stuffed dot, a fault, or the end of the bytes. */
static size_t take_text(struct sgl_smtp_server *s, sgl_view bytes)
{
    sgl_view text = within_size(s, bytes);
    size_t at = 0, first_line = s->line_number;

    while (at < text.len && s->fault == TEXT_CLEAN) {
        if (s->place == AT_LINE_START && text.ptr[at] == '.')
            break; /* give out what is before it; the next call begins at the dot */
        at += step_text(s, sgl_view_from(text, at));
    }
    give(s, sgl_view_sub(text, 0, at), first_line);
    return at;
}

size_t sgl_smtp_server_data(struct sgl_smtp_server *s, sgl_view bytes)
{
    bool end = false;
    size_t used = 0;

    s->progress = true;
    if (s->fault == TEXT_CLEAN)
        used = skip_dots(s, bytes, &end);
    if (end)
        end_text(s);
    else if (used < bytes.len && s->fault == TEXT_CLEAN)
        used += take_text(s, sgl_view_from(bytes, used));
    else if (used < bytes.len)
        used += hunt_end(s, sgl_view_from(bytes, used));
    s->body_bytes += used;
    return used;
}

/* ---- BDAT -------------------------------------------------------------------------------------------------------- */

void sgl_smtp_server_end_chunk(struct sgl_smtp_server *s)
{
    s->state = ST_COMMAND;
    if (s->last) {
        if (s->place == AT_AFTER_CR)
            spoil(s, TEXT_BARE_CR, s->line_number);
        end_text(s);
        return;
    }
    sgl_smtp_server_reply(s, 250, "2.0.0", "chunk taken");
}

size_t sgl_smtp_server_bdat(struct sgl_smtp_server *s, sgl_view bytes)
{
    sgl_view text = sgl_view_sub(bytes, 0, s->left < bytes.len ? (size_t)s->left : bytes.len);
    size_t at = 0, first_line = s->line_number;

    s->progress = true;
    s->left -= text.len;
    s->body_bytes += text.len;
    while (at < text.len && s->fault == TEXT_CLEAN)
        at += step_text(s, sgl_view_from(text, at));
    if (at != 0)
        give(s, sgl_view_sub(text, 0, at), first_line);
    if (s->left == 0 && !s->has_event)
        sgl_smtp_server_end_chunk(s);
    return text.len;
}

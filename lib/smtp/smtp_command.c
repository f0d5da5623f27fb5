/* SPDX-License-Identifier: Apache-2.0 */
/* Commands, and the parameters of MAIL and RCPT: one table of parameters, each with the extension that allows it and the function that reads its value. */
#include "sigillo/smtp_command.h"

#include "sigillo/ascii.h"
#include "sigillo/limits.h"
#include "sigillo/utf8.h"

static const struct {
    const char *name;
    enum sgl_smtp_verb verb;
} verbs[] = {
    {"EHLO", SGL_SMTP_EHLO}, {"HELO", SGL_SMTP_HELO},         {"MAIL", SGL_SMTP_MAIL},
    {"RCPT", SGL_SMTP_RCPT}, {"DATA", SGL_SMTP_DATA},         {"BDAT", SGL_SMTP_BDAT},
    {"RSET", SGL_SMTP_RSET}, {"NOOP", SGL_SMTP_NOOP},         {"QUIT", SGL_SMTP_QUIT},
    {"VRFY", SGL_SMTP_VRFY}, {"EXPN", SGL_SMTP_EXPN},         {"HELP", SGL_SMTP_HELP},
    {"AUTH", SGL_SMTP_AUTH}, {"STARTTLS", SGL_SMTP_STARTTLS},
};

enum sgl_smtp_verb sgl_smtp_verb_parse(sgl_view line, sgl_view *args)
{
    size_t end = sgl_view_find(line, ' ');
    sgl_view word = sgl_view_sub(line, 0, end);

    while (line.len > end && sgl_ascii_is_wsp(line.ptr[line.len - 1]))
        line.len--;
    *args = sgl_view_from(line, end + 1);
    while (word.len > 0 && word.ptr[word.len - 1] == '\t')
        word.len--;
    for (size_t i = 0; i < sizeof verbs / sizeof verbs[0]; i++) {
        if (sgl_view_eq_nocase(word, sgl_view_cstr(verbs[i].name)))
            return verbs[i].verb;
    }
    return SGL_SMTP_UNKNOWN;
}

static enum sgl_status refuse(struct sgl_smtp_fault *fault, uint16_t code, const char *enhanced,
                              const char *text)
{
    *fault = (struct sgl_smtp_fault){code, enhanced, text};
    return SGL_E_SYNTAX;
}

/* ---- parameters -------------------------------------------------------------------------------------------------- */

/* What a command's parameters are read into: of one of the two. */
struct target {
    struct sgl_smtp_mail *mail;
    struct sgl_smtp_rcpt *rcpt;
};

static bool read_size(struct target *t, sgl_view value)
{
    t->mail->has_size = true;
    return value.len <= 20 && sgl_view_u64(value, INT64_MAX, &t->mail->size);
}

static bool read_body(struct target *t, sgl_view value)
{
    t->mail->body_given = true;
    t->mail->body_8bit = sgl_view_eq_nocase(value, SGL_LIT("8BITMIME"));
    return t->mail->body_8bit || sgl_view_eq_nocase(value, SGL_LIT("7BIT"));
}

static bool read_smtputf8(struct target *t, sgl_view value)
{
    t->mail->smtputf8 = true;
    return value.ptr == NULL;
}

static bool read_requiretls(struct target *t, sgl_view value)
{
    t->mail->require_tls = true;
    return value.ptr == NULL;
}

static bool read_xtls(struct target *t, sgl_view value)
{
    t->mail->xtls = sgl_view_eq_nocase(value, SGL_LIT("verified")) ? 'V' : 'O';
    return t->mail->xtls == 'V' || sgl_view_eq_nocase(value, SGL_LIT("optional"));
}

static bool read_ret(struct target *t, sgl_view value)
{
    t->mail->ret = sgl_view_eq_nocase(value, SGL_LIT("FULL")) ? 'F' : 'H';
    return t->mail->ret == 'F' || sgl_view_eq_nocase(value, SGL_LIT("HDRS"));
}

static bool is_xtext(sgl_view value, size_t max)
{
    sgl_auto(sgl_buf) decoded = SGL_BUF_INIT(SGL_LIMIT_SMTP_LINE);

    return value.len > 0 && value.len <= max && sgl_smtp_xtext_decode(value, &decoded) == SGL_OK;
}

static bool read_envid(struct target *t, sgl_view value)
{
    t->mail->envid = value;
    return is_xtext(value, SGL_LIMIT_SMTP_ENVID);
}

static bool read_auth(struct target *t, sgl_view value)
{
    t->mail->auth = value;
    return sgl_view_eq(value, SGL_LIT("<>")) || is_xtext(value, SGL_LIMIT_SMTP_ORCPT);
}

static bool read_notify(struct target *t, sgl_view value)
{
    static const struct {
        const char *name;
        uint8_t bit;
    } words[] = {{"SUCCESS", SGL_SMTP_NOTIFY_SUCCESS},
                 {"FAILURE", SGL_SMTP_NOTIFY_FAILURE},
                 {"DELAY", SGL_SMTP_NOTIFY_DELAY}};
    sgl_view rest = value;

    if (sgl_view_eq_nocase(value, SGL_LIT("NEVER"))) {
        t->rcpt->notify = SGL_SMTP_NOTIFY_NEVER;
        return true;
    }
    while (rest.ptr != NULL) { /* [RFC 3461 s4.1] NEVER stands alone */
        sgl_view word = sgl_view_split(rest, ',', &rest);
        uint8_t bit = 0;

        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            if (sgl_view_eq_nocase(word, sgl_view_cstr(words[i].name)))
                bit = words[i].bit;
        }
        if (bit == 0 || (t->rcpt->notify & bit) != 0)
            return false;
        t->rcpt->notify |= bit;
    }
    return t->rcpt->notify != 0;
}

static bool read_orcpt(struct target *t, sgl_view value)
{
    size_t semicolon = sgl_view_find(value, ';');
    sgl_view type = sgl_view_sub(value, 0, semicolon);
    sgl_view address = sgl_view_from(value, semicolon + 1);

    t->rcpt->orcpt = value;
    if (value.len > SGL_LIMIT_SMTP_ORCPT || type.len == 0 || address.len == 0)
        return false;
    for (size_t i = 0; i < type.len; i++) {
        if (!sgl_ascii_is_alnum(type.ptr[i]) && type.ptr[i] != '-')
            return false;
    }
    if (sgl_view_eq_nocase(type,
                           SGL_LIT("utf-8"))) /* [RFC 6533 s3]: other escapes, taken as they are */
        return true;
    return is_xtext(address, SGL_LIMIT_SMTP_ORCPT);
}

struct parameter {
    const char *name;
    unsigned needs;                                 /* the extension that brings it */
    bool (*read)(struct target *t, sgl_view value); /* value.ptr NULL: no "=" */
    const char *fault;
};

static const struct parameter mail_parameters[] = {
    {"SIZE", SGL_SMTP_SIZE, read_size, "SIZE: decimal digits wanted"},
    {"BODY", SGL_SMTP_8BITMIME, read_body, "BODY: 7BIT or 8BITMIME wanted"},
    {"SMTPUTF8", SGL_SMTP_SMTPUTF8, read_smtputf8, "SMTPUTF8 takes no value"},
    {"REQUIRETLS", SGL_SMTP_REQUIRETLS, read_requiretls, "REQUIRETLS takes no value"},
    {"XTLS", SGL_SMTP_XTLS, read_xtls, "XTLS: verified or optional wanted"},
    {"RET", SGL_SMTP_DSN, read_ret, "RET: FULL or HDRS wanted"},
    {"ENVID", SGL_SMTP_DSN, read_envid, "ENVID: at most 100 characters of xtext wanted"},
    {"AUTH", SGL_SMTP_HAS_AUTH, read_auth, "AUTH: xtext or <> wanted"},
    {NULL, 0, NULL, NULL},
};

static const struct parameter rcpt_parameters[] = {
    {"NOTIFY", SGL_SMTP_DSN, read_notify,
     "NOTIFY: NEVER or a list of SUCCESS, FAILURE, DELAY wanted"},
    {"ORCPT", SGL_SMTP_DSN, read_orcpt,
     "ORCPT: a type, a semicolon and at most 500 characters of xtext wanted"},
    {NULL, 0, NULL, NULL},
};

/* esmtp-keyword ["=" esmtp-value]  [RFC 5321 s4.1.2]; UTF-8 in values by RFC 6531 s3.3. */
static bool well_formed(sgl_view keyword, sgl_view value, bool has_value)
{
    if (keyword.len == 0 || !sgl_ascii_is_alnum(keyword.ptr[0]))
        return false;
    for (size_t i = 0; i < keyword.len; i++) {
        if (!sgl_ascii_is_alnum(keyword.ptr[i]) && keyword.ptr[i] != '-')
            return false;
    }
    if (has_value && value.len == 0)
        return false;
    for (size_t i = 0; i < value.len; i++) {
        if (value.ptr[i] < 0x80 && (!sgl_ascii_is_visible(value.ptr[i]) || value.ptr[i] == '='))
            return false;
    }
    return sgl_utf8_valid(value);
}

static enum sgl_status read_parameter(sgl_view word, const struct parameter *table, unsigned offer,
                                      struct target *t, unsigned *seen,
                                      struct sgl_smtp_fault *fault)
{
    sgl_view value, keyword = sgl_view_split(word, '=', &value);

    if (!well_formed(keyword, value, value.ptr != NULL))
        return refuse(fault, 501, "5.5.4", "a parameter is KEYWORD or KEYWORD=VALUE");
    for (size_t i = 0; table[i].name != NULL; i++) {
        if ((table[i].needs & offer) == 0 ||
            !sgl_view_eq_nocase(keyword, sgl_view_cstr(table[i].name)))
            continue;
        if ((*seen & 1u << i) != 0)
            return refuse(fault, 501, "5.5.4", "a parameter stands twice");
        *seen |= 1u << i;
        if (!table[i].read(t, value))
            return refuse(fault, 501, "5.5.4", table[i].fault);
        return SGL_OK;
    }
    return refuse(fault, 555, "5.5.4", "parameter not known or not offered");
}

static enum sgl_status read_parameters(sgl_view text, const struct parameter *table, unsigned offer,
                                       struct target *t, struct sgl_smtp_fault *fault)
{
    unsigned seen = 0, count = 0;

    if (text.len != 0 && text.ptr[0] != ' ')
        return refuse(fault, 501, "5.5.4", "a blank is missing behind the address");
    while (text.len != 0) {
        sgl_view word = sgl_view_split(text, ' ', &text);

        if (word.len == 0)
            continue;
        if (++count > SGL_LIMIT_SMTP_PARAMS)
            return refuse(fault, 501, "5.5.4", "too many parameters");
        SGL_TRY(read_parameter(word, table, offer, t, &seen, fault));
    }
    return SGL_OK;
}

/* ---- MAIL, RCPT, BDAT -------------------------------------------------------------------------------------------- */

static enum sgl_status read_path(sgl_view text, struct sgl_arena *arena, const char *enhanced,
                                 struct sgl_path *out, struct sgl_smtp_fault *fault)
{
    struct sgl_diag diag = {0};
    enum sgl_status st = sgl_path_parse(text, arena, out, &diag);

    if (st == SGL_E_NOMEM)
        return st;
    if (st != SGL_OK)
        return refuse(fault, 501, enhanced,
                      diag.what != NULL ? diag.what : "not an address in angle brackets");
    return SGL_OK;
}

enum sgl_status sgl_smtp_mail_parse(sgl_view args, unsigned offer, struct sgl_arena *arena,
                                    struct sgl_smtp_mail *out, struct sgl_smtp_fault *fault)
{
    struct sgl_smtp_mail mail = {0};
    struct target t = {&mail, NULL};

    if (!sgl_view_starts_nocase(args, SGL_LIT("FROM:")))
        return refuse(fault, 501, "5.5.4", "MAIL FROM:<address> wanted");
    args = sgl_view_from(args, 5);
    SGL_TRY(read_path(args, arena, "5.1.7", &mail.from, fault));
    if (mail.from.kind == SGL_PATH_POSTMASTER)
        return refuse(fault, 501, "5.1.7", "the sender's domain is missing");
    SGL_TRY(
        read_parameters(sgl_view_from(args, mail.from.used), mail_parameters, offer, &t, fault));
    if (!mail.smtputf8 && !sgl_ascii_only(args))
        return refuse(fault, 553, "5.6.7", "an address with UTF-8 needs SMTPUTF8");
    if (mail.require_tls && mail.xtls == 'O')
        return refuse(fault, 501, "5.5.4", "REQUIRETLS and XTLS=optional contradict each other");
    *out = mail;
    return SGL_OK;
}

enum sgl_status sgl_smtp_rcpt_parse(sgl_view args, unsigned offer, bool smtputf8,
                                    struct sgl_arena *arena, struct sgl_smtp_rcpt *out,
                                    struct sgl_smtp_fault *fault)
{
    struct sgl_smtp_rcpt rcpt = {0};
    struct target t = {NULL, &rcpt};

    if (!sgl_view_starts_nocase(args, SGL_LIT("TO:")))
        return refuse(fault, 501, "5.5.4", "RCPT TO:<address> wanted");
    args = sgl_view_from(args, 3);
    SGL_TRY(read_path(args, arena, "5.1.3", &rcpt.to, fault));
    if (rcpt.to.kind == SGL_PATH_NULL)
        return refuse(fault, 501, "5.1.3", "a recipient can't be empty");
    SGL_TRY(read_parameters(sgl_view_from(args, rcpt.to.used), rcpt_parameters, offer, &t, fault));
    if (!smtputf8 && !sgl_ascii_only(args))
        return refuse(fault, 553, "5.6.7", "an address with UTF-8 needs SMTPUTF8");
    *out = rcpt;
    return SGL_OK;
}

bool sgl_smtp_bdat_parse(sgl_view args, uint64_t *size, bool *last)
{
    sgl_view rest, number = sgl_view_split(args, ' ', &rest);
    bool is_last = rest.ptr != NULL;
    uint64_t n;

    if (is_last && !sgl_view_eq_nocase(sgl_view_trim(rest), SGL_LIT("LAST")))
        return false;
    if (!sgl_view_u64(number, INT64_MAX, &n))
        return false;
    *size = n;
    *last = is_last;
    return true;
}

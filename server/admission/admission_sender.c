/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who stands where a sender stands: MAIL FROM, From, Sender and the latest Resent-From and Resent-Sender.  Each mailbox there is one that the identity may send as, by the
 * directory's decision; and no name or comment beside it shows another address.
 *
 * Resent fields say who put a message back on its way [RFC 5322 s3.6.6]: whoever submits one with them says that of an identity, as with Sender.  The newest stand first; those
 * below tell of earlier ways, as Received fields do, and stay as they are.
 */
#include <stdio.h>

#include "admission_internal.h"
#include "sigillo/encoded_word.h"

static bool refuse_access(const struct directory_access *access, sgl_view shown, const char *field,
                          struct admission_answer *out)
{
    char text[200];

    if (access->rule == ACCESS_RULE_UNAVAILABLE)
        return refuse(out, 451, "4.3.0", 503, "policies-unavailable", field,
                      "Who may send as whom cannot be read at the moment; try again later.",
                      SGL_LIT(""));
    snprintf(text, sizeof(text), "This identity may not send as %%s: %s%s%s.",
             access_rule_text(access->rule), access->policy[0] == '\0' ? "" : "; policy ",
             access->policy);
    (void)refuse(out, 550, "5.7.1", 403, "sender-not-allowed", field, text, shown);
    out->rule = access_rule_name(access->rule);
    return false;
}

bool may_stand(struct admission *a, const struct identity *who, const struct sgl_mailbox *mailbox,
               const char *field, struct domain **domain, struct admission_answer *out)
{
    struct directory_access access;

    if (!directory_may_send(a->directory, who, mailbox, domain, &access))
        return refuse_access(&access, mailbox->text, field, out);
    if (may_domain_send(a, *domain, field, out))
        return true;
    domain_unref(*domain);
    *domain = NULL;
    return false;
}

/* ---- names and comments: what a reader shows in place of the address ---- */

struct field_check {
    struct admission *a;
    const struct identity *who;
    struct sgl_arena *arena;
    const char *name;
    struct admission_answer *out;
};

static bool check_mention(const struct field_check *c, sgl_view mention)
{
    struct sgl_mailbox mailbox;
    struct directory_access access;
    enum sgl_status status;

    while (mention.len > 0 && mention.ptr[mention.len - 1] == '.')
        mention.len--;
    status = sgl_mailbox_parse(mention, c->arena, &mailbox, NULL);
    if (status == SGL_E_NOMEM || (status == SGL_E_LIMIT && c->arena->status != SGL_OK))
        return refuse_memory(c->out);
    if (status == SGL_OK && directory_may_send(c->a->directory, c->who, &mailbox, NULL, &access))
        return true;
    return refuse(c->out, 550, "5.7.1", 403, "sender-not-allowed", c->name,
                  "A name or comment shows %s, which this identity may not send as.", mention);
}

static bool check_mentions(const struct field_check *c, sgl_view text)
{
    sgl_view mention;
    size_t off = 0;

    while (access_next_mention(text, &off, &mention))
        if (!check_mention(c, mention))
            return false;
    return true;
}

/* Encoded words that are left: what our own reading leaves alone, others decode. */
static bool check_words(const struct field_check *c, sgl_view text)
{
    struct sgl_buf plain = SGL_BUF_INIT(text.len * 2 + 64);
    sgl_view unread, decoded;
    bool fine;

    if (!access_is_disguised(text))
        return true;
    if (!access_plain_words(text, &plain, &unread))
        fine = refuse(c->out, 554, "5.6.0", 422, "name-charset", c->name,
                      "A name or comment is in the charset %s, which cannot be read here; write it "
                      "in UTF-8.",
                      unread);
    else if (plain.status != SGL_OK ||
             sgl_encoded_word_decode(sgl_buf_view(&plain), c->arena, &decoded) != SGL_OK)
        fine = refuse_memory(c->out);
    else
        fine = check_mentions(c, decoded);
    sgl_buf_done(&plain);
    return fine;
}

static bool check_text(const struct field_check *c, sgl_view text)
{
    return check_mentions(c, text) && check_words(c, text);
}

static bool check_comments(const struct field_check *c, sgl_view value)
{
    uint8_t *room = sgl_arena_alloc(c->arena, value.len);
    sgl_view comment, text;
    size_t off = 0;

    if (room == NULL)
        return refuse_memory(c->out);
    while (access_next_comment(value, &off, room, &comment)) {
        if (sgl_encoded_word_decode(comment, c->arena, &text) != SGL_OK)
            return refuse_memory(c->out);
        if (!check_text(c, text))
            return false;
    }
    return true;
}

static bool check_names(const struct field_check *c, const struct sgl_address_list *list,
                        sgl_view value)
{
    for (size_t i = 0; i < list->count; i++)
        if (!check_text(c, list->item[i].name))
            return false;
    for (size_t i = 0; i < list->groups; i++)
        if (!check_text(c, list->group[i].name))
            return false;
    return check_comments(c, value);
}

/* ---- fields ---- */

static bool parse_field(const struct field_check *c, const struct sgl_header *field,
                        struct sgl_address_list *list)
{
    struct sgl_diag diag = {0};
    enum sgl_status status = sgl_address_list_parse(field->value, c->arena, list, &diag);

    if (status == SGL_E_NOMEM || (status == SGL_E_LIMIT && c->arena->status != SGL_OK))
        return refuse_memory(c->out);
    if (status != SGL_OK) {
        answer_set(c->out, 554, "5.6.0", 422, "address-syntax", c->name);
        snprintf(c->out->text, sizeof(c->out->text), "The %s field is no list of addresses: %s.",
                 c->name, diag.what == NULL ? "RFC 5322 s3.4" : diag.what);
        return false;
    }
    return list->count > 0 || refuse(c->out, 554, "5.6.0", 422, "address-missing", c->name,
                                     "This field names no mailbox.", SGL_LIT(""));
}

/* *domain becomes that of the address; with `one`, it has to be the one that it was. */
static bool check_address(const struct field_check *c, const struct sgl_address *address, bool one,
                          struct domain **domain)
{
    struct domain *found = NULL;
    bool fits;

    if (address->routed) /* a reader that takes the route for the author would be misled */
        return refuse(c->out, 554, "5.6.0", 422, "address-syntax", c->name,
                      "This field has a source route in front of an address.", SGL_LIT(""));
    if (!may_stand(c->a, c->who, &address->mailbox, c->name, &found, c->out))
        return false;
    fits = !one || *domain == NULL || strcmp((*domain)->name, found->name) == 0;
    domain_unref(*domain);
    *domain = found;
    return fits ||
           refuse(c->out, 550, "5.7.1", 422, "several-domains", c->name,
                  "This field names mailboxes of more than one domain; no receiver could judge it.",
                  SGL_LIT(""));
}

/* Every mailbox of one field is allowed, of one domain, and nothing beside it misleads; *domain is a reference then, and *first the first mailbox. */
static bool check_field(const struct field_check *c, const struct sgl_header *field, bool one,
                        struct domain **domain, sgl_view *first)
{
    struct sgl_address_list list;
    bool fine = parse_field(c, field, &list);

    for (size_t i = 0; fine && i < list.count; i++)
        fine = check_address(c, &list.item[i], one, domain);
    fine = fine && check_names(c, &list, field->value);
    if (fine) {
        *first = list.item[0].mailbox.text;
        return true;
    }
    domain_unref(*domain);
    *domain = NULL;
    return false;
}

bool check_header(struct admission *a, struct submission *s, const struct sgl_headers *headers,
                  struct domain **domain, struct admission_answer *out)
{
    static const char *const beside[] = {"Sender", "Resent-From", "Resent-Sender"};
    const struct sgl_header *from = sgl_headers_first(headers, SGL_LIT("From"));
    struct field_check c = {a, s->who, s->arena, "From", out};

    *domain = NULL;
    if (sgl_headers_count(headers, SGL_LIT("Received")) > RECEIVED_MAX)
        return refuse(out, 554, "5.4.6", 422, "mail-loop", "Received",
                      "The message has passed too many servers; it is going round in circles.",
                      SGL_LIT(""));
    if (from == NULL)
        return refuse(out, 554, "5.6.0", 422, "from-missing", "From",
                      "The message has no From field.", SGL_LIT(""));
    if (!check_field(&c, from, true, domain, &s->message.header_from))
        return false;
    for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
        const struct sgl_header *field = sgl_headers_first(headers, sgl_view_cstr(beside[i]));
        struct domain *of_it = NULL;
        sgl_view ignored;

        c.name = beside[i];
        if (field != NULL && !check_field(&c, field, i == 0, &of_it, &ignored)) {
            domain_unref(*domain);
            *domain = NULL;
            return false;
        }
        domain_unref(of_it);
    }
    return true;
}

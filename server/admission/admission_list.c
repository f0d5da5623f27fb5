/* SPDX-License-Identifier: Apache-2.0 */
/*
 * List mail: one click in the reader's program unsubscribes the recipient from the list, and from nothing else.
 *
 * A link is of one recipient, so a message of a list has one.  A message to several is refused and not divided: the client was promised one id, one trail and one answer for what it
 * handed in, and a copy for each has another body, another signature and its own fate.
 */
#include "admission_internal.h"

#define URL_MAX (LIST_TOKEN_TEXT + 512)

static bool refuse_fault_of(enum list_fault fault, struct admission_answer *out)
{
    const char *text = "", *code = "list-syntax", *field = LIST_MARK;

    switch (fault) {
    case LIST_FINE:
    case LIST_NONE:
        return true;
    case LIST_NO_MEMORY:
        return refuse_memory(out);
    case LIST_TWICE:
        text = "The mark of list mail stands here more than once.";
        break;
    case LIST_ID_SYNTAX:
        text = "The id of a list has letters, digits and - _ + = in parts that dots divide, 128 "
               "characters at most (RFC 2919 section 3).";
        break;
    case LIST_NAME_SYNTAX:
        text = "The name of a list is a phrase, as before an address, of 200 characters at most.";
        break;
    case LIST_ID_DIFFERS:
        code = "list-id-differs";
        field = "List-ID";
        text = "List-ID names another list than the message is marked with, or none, or is there "
               "twice.";
        break;
    }
    return refuse(out, 554, "5.6.0", 422, code, field, text, SGL_LIT(""));
}

/*
 * The name of the domain's own that the link begins with: a reference, or NULL for the server's.  It is used only while its alias was seen where it has to lead, and the certificate
 * covers it: a link never leads nowhere.
 */
static struct branded_link *brand_of(struct admission *a, const struct domain *domain)
{
    struct branded_link *l = directory_branded_link(
        a->directory, sgl_view_cstr(domain->subscription), sgl_view_cstr(domain->name));

    if (l == NULL ||
        (strcmp(l->target, lists_host(a->lists)) == 0 && lists_covers(a->lists, l->host)))
        return l;
    branded_link_unref(l);
    return NULL;
}

static bool make_url(struct admission *a, struct submission *s, const struct domain *domain,
                     const struct list_mail *mail, sgl_view *url, struct admission_answer *out)
{
    struct list_token token = {.subscription = s->message.subscription,
                               .list = mail->id,
                               .address = s->message.rcpt[0].address,
                               .made_at = s->message.accepted_at / 1000};
    struct sgl_buf text = SGL_BUF_INIT(URL_MAX);
    struct branded_link *brand;
    bool made, copied;

    if (a->lists == NULL || !lists_ready(a->lists))
        return refuse(out, 451, "4.3.0", 503, "list-unavailable", "",
                      "Unsubscribe links cannot be made at the moment; try again soon.",
                      SGL_LIT(""));
    brand = brand_of(a, domain);
    made = lists_link(a->lists, brand == NULL ? NULL : brand->host, &token, &text);
    branded_link_unref(brand);
    copied = made && sgl_arena_dup(s->arena, sgl_buf_view(&text), url) == SGL_OK;
    sgl_buf_done(&text);
    return copied || refuse_memory(out);
}

/* A group is one of the subscription's, and not made by being named. */
static bool check_group(struct admission *a, const struct domain *domain, sgl_view list,
                        struct admission_answer *out)
{
    struct asm_group *group;
    uint32_t id;
    bool known;

    if (!asm_group_of_list(list, &id))
        return true;
    group = directory_asm_group(a->directory, sgl_view_cstr(domain->subscription), id);
    known = group != NULL;
    asm_group_unref(group);
    return known || refuse(out, 554, "5.6.0", 422, "group-unknown", LIST_MARK,
                           "There is no unsubscribe group of this number; lists of other kinds "
                           "have other names than asm- and a number.",
                           SGL_LIT(""));
}

bool check_list(struct admission *a, struct submission *s, const struct sgl_headers *headers,
                const struct domain *domain, struct list_part *out, struct admission_answer *answer)
{
    struct list_part part = {.url = SGL_LIT("")};
    enum list_fault fault = list_read(headers, s->list, s->list_name, sgl_view_cstr(domain->name),
                                      s->arena, &part.mail);

    if (fault == LIST_NONE)
        return true;
    if (fault != LIST_FINE)
        return refuse_fault_of(fault, answer);
    if (!check_group(a, domain, part.mail.id, answer))
        return false;
    if (s->message.rcpts > 1)
        return refuse(answer, 554, "5.5.3", 422, "list-one-recipient", "to",
                      "List mail has one recipient a message, because its unsubscribe link is that "
                      "recipient's: send one message to each.",
                      SGL_LIT(""));
    if (!part.mail.one_click && !make_url(a, s, domain, &part.mail, &part.url, answer))
        return false;
    *out = part;
    return true;
}

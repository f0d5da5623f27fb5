/* SPDX-License-Identifier: Apache-2.0 */
/* DNS messages as libldns makes and reads them; and what an answer means, in words for who configured the two sides. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../loop/loop.h"
#include "update_internal.h"

#define ALGORITHM "hmac-sha256." /* [RFC 8945 s6] */

/* Error codes of TSIG. [RFC 8945 s3] */
enum { TSIG_BADSIG = 16, TSIG_BADKEY = 17, TSIG_BADTIME = 18, TSIG_BADTRUNC = 22 };
/* Places in the data of a TSIG record. [RFC 8945 s4.2] */
enum { AT_ALGORITHM, AT_TIME, AT_FUDGE, AT_MAC, AT_ID, AT_ERROR, AT_OTHER, TSIG_PARTS };

/* ---- questions ---- */

static uint8_t *bytes_of(const ldns_pkt *p, size_t *len)
{
    uint8_t *wire = NULL;

    return ldns_pkt2wire(&wire, p, len) == LDNS_STATUS_OK ? wire : NULL;
}

uint8_t *message_question(const struct update_change *c, uint16_t id, size_t *len)
{
    ldns_rdf *name = ldns_dname_new_frm_str((const char *)c->name.text.ptr);
    ldns_pkt *p =
        name == NULL ? NULL : ldns_pkt_query_new(name, (ldns_rr_type)c->type, LDNS_RR_CLASS_IN, 0);
    uint8_t *wire;

    if (p == NULL) {
        ldns_rdf_deep_free(name);
        return NULL;
    }
    ldns_pkt_set_id(p, id);
    wire = bytes_of(p, len);
    ldns_pkt_free(p);
    return wire;
}

static bool is_answer(const ldns_pkt *p, uint16_t id, ldns_pkt_opcode opcode)
{
    return ldns_pkt_qr(p) && ldns_pkt_id(p) == id && ldns_pkt_get_opcode(p) == opcode;
}

static const char *not_served(const ldns_pkt *p)
{
    ldns_pkt_rcode rcode = ldns_pkt_get_rcode(p);

    if (rcode == LDNS_RCODE_REFUSED || rcode == LDNS_RCODE_NOTAUTH)
        return "it does not serve this zone, or not to us";
    if (rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN)
        return "it fails to answer for this zone; its log says why";
    return ldns_pkt_aa(p) ? NULL : "it does not serve this zone itself";
}

/* The records that are wanted out of the answer section; NULL: memory has ended. */
static ldns_rr_list *pick(const ldns_pkt *p, const struct update_change *c, struct reading_of *of)
{
    ldns_rdf *owner = ldns_dname_new_frm_str((const char *)c->name.text.ptr);
    ldns_rr_list *all = ldns_pkt_answer(p), *out = ldns_rr_list_new();

    for (size_t i = 0; owner != NULL && out != NULL && i < ldns_rr_list_rr_count(all); i++) {
        ldns_rr *rr = ldns_rr_list_rr(all, i), *copy = NULL;

        if (ldns_dname_compare(ldns_rr_owner(rr), owner) != 0)
            continue;
        of->alias = of->alias || ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME;
        if (ldns_rr_get_type(rr) != (ldns_rr_type)c->type)
            continue;
        copy = ldns_rr_clone(rr);
        if (copy != NULL && ldns_rr_list_push_rr(out, copy))
            continue;
        ldns_rr_free(copy);
        ldns_rr_list_deep_free(out);
        out = NULL;
    }
    if (owner == NULL) {
        ldns_rr_list_deep_free(out);
        out = NULL;
    }
    ldns_rdf_deep_free(owner);
    return out;
}

ldns_rr_list *message_read_set(const uint8_t *wire, size_t len, uint16_t id,
                               const struct update_change *c, struct reading_of *of)
{
    ldns_pkt *p = NULL;
    ldns_rr_list *out = NULL;

    *of = (struct reading_of){.why = "its answer cannot be read"};
    if (ldns_wire2pkt(&p, wire, len) != LDNS_STATUS_OK)
        return NULL;
    if (is_answer(p, id, LDNS_PACKET_QUERY))
        of->why = not_served(p);
    if (of->why == NULL) {
        out = pick(p, c, of);
        of->alias = of->alias && c->type != SGL_RR_CNAME;
        of->why = out == NULL ? "out of memory" : NULL;
    }
    ldns_pkt_free(p);
    return out;
}

/* ---- updates ---- */

uint8_t *message_update(const struct config_update *to, uint16_t id, const ldns_rr_list *wanted,
                        const ldns_rr_list *changes, size_t *len, ldns_rdf **mac)
{
    ldns_rdf *zone = ldns_dname_new_frm_str(to->zone);
    ldns_pkt *p = NULL;
    uint8_t *wire = NULL;

    *mac = NULL;
    if (zone != NULL)
        p = ldns_update_pkt_new(zone, LDNS_RR_CLASS_IN, wanted, changes, NULL);
    if (p == NULL) {
        ldns_rdf_deep_free(zone);
        return NULL;
    }
    ldns_pkt_set_id(p, id);
    ldns_pkt_set_rd(p, false);
    if (ldns_pkt_tsig_sign(p, to->key_name, to->secret, FUDGE_S, ALGORITHM, NULL) ==
        LDNS_STATUS_OK) {
        *mac = ldns_rdf_clone(ldns_rr_rdf(ldns_pkt_tsig(p), AT_MAC));
        wire = *mac == NULL ? NULL : bytes_of(p, len);
    }
    if (wire == NULL) {
        ldns_rdf_deep_free(*mac);
        *mac = NULL;
    }
    ldns_pkt_free(p);
    return wire;
}

/* ---- what the server said ---- */

static void say(struct update *u, enum update_result result, const char *format, ...)
    SGL_PRINTF(3, 4);
static void say(struct update *u, enum update_result result, const char *format, ...)
{
    va_list args;

    u->result = result;
    va_start(args, format);
    vsnprintf(u->why, sizeof(u->why), format, args);
    va_end(args);
}

static uint64_t number(const ldns_rdf *rdf, size_t off, size_t bytes)
{
    uint64_t n = 0;

    if (rdf == NULL || ldns_rdf_size(rdf) < off + bytes)
        return 0;
    for (size_t i = 0; i < bytes; i++)
        n = n << 8 | ldns_rdf_data(rdf)[off + i];
    return n;
}

/* [RFC 8945 s5.2.3] its clock stands in the other data, behind their length */
static void say_clocks(struct update *u, const ldns_rr *tsig)
{
    const ldns_rdf *other = ldns_rr_rdf(tsig, AT_OTHER);
    int64_t there = (int64_t)number(other, 2, 6);
    int64_t off = clock_now_s() - there;

    if (there == 0)
        say(u, UPDATE_REFUSED,
            "The clocks of %s and of this machine differ by more than %d s (BADTIME): set them.",
            u->at->text, FUDGE_S);
    else
        say(u, UPDATE_REFUSED,
            "The clock of %s is %lld s %s this machine's (BADTIME): set it, or this one.",
            u->at->text, (long long)(off < 0 ? -off : off), off < 0 ? "ahead of" : "behind");
}

/* true: it was an error of the signature, and it is said. */
static bool judge_tsig_error(struct update *u, const ldns_rr *tsig)
{
    uint64_t error = tsig == NULL || ldns_rr_rd_count(tsig) < TSIG_PARTS
                         ? 0
                         : number(ldns_rr_rdf(tsig, AT_ERROR), 0, 2);

    switch (error) {
    case 0:
        return false;
    case TSIG_BADSIG:
        say(u, UPDATE_REFUSED,
            "%s has another secret for the key %s (BADSIG): secret_file of dns_update %s must hold "
            "the same one.",
            u->at->text, u->to->key_name, u->to->name);
        return true;
    case TSIG_BADKEY:
        say(u, UPDATE_REFUSED,
            "%s does not know the key %s with hmac-sha256 (BADKEY): key_name of dns_update %s must "
            "be as it is configured there.",
            u->at->text, u->to->key_name, u->to->name);
        return true;
    case TSIG_BADTIME:
        say_clocks(u, tsig);
        return true;
    default:
        say(u, UPDATE_REFUSED, "%s does not accept the signature (error %u of TSIG).", u->at->text,
            (unsigned)error);
        return true;
    }
}

static void judge_refusal(struct update *u, ldns_pkt_rcode rcode)
{
    const struct config_update *to = u->to;

    if (rcode == LDNS_RCODE_REFUSED)
        say(u, UPDATE_REFUSED,
            "%s refuses the update (REFUSED): its access list must let the key %s, from the "
            "address of this machine, update %s.",
            u->at->text, to->key_name, to->zone);
    else if (rcode == LDNS_RCODE_NOTAUTH)
        say(u, UPDATE_REFUSED,
            "%s is not the primary server of %s, or the key %s is not for it (NOTAUTH): zone and "
            "server of dns_update %s must fit together.",
            u->at->text, to->zone, to->key_name, to->name);
    else if (rcode == LDNS_RCODE_NOTZONE)
        say(u, UPDATE_REFUSED, "%s says that the names do not lie in its zone %s (NOTZONE).",
            u->at->text, to->zone);
    else if (rcode == LDNS_RCODE_NOTIMPL)
        say(u, UPDATE_REFUSED, "%s takes no dynamic updates (NOTIMP).", u->at->text);
    else if (rcode == LDNS_RCODE_FORMERR)
        say(u, UPDATE_REFUSED, "%s does not understand the update (FORMERR).", u->at->text);
    else if (rcode == LDNS_RCODE_YXRRSET || rcode == LDNS_RCODE_YXDOMAIN ||
             rcode == LDNS_RCODE_NXRRSET || rcode == LDNS_RCODE_NXDOMAIN)
        say(u, UPDATE_CONFLICT,
            "%s has other records at one of the names than it had a moment ago, or a wildcard "
            "answered for it: nothing was changed.",
            u->at->text);
    else
        say(u, UPDATE_FAILED, "%s failed (response code %u); its log says why.", u->at->text,
            (unsigned)rcode);
}

/* Our key, our algorithm, the right time, and the signature over this answer to our question. What is not signed must be as it has to be. [RFC 8945 s4.3.3, s5.3] */
static bool is_signed(const struct config_update *to, ldns_pkt *p, const uint8_t *wire, size_t len,
                      const ldns_rdf *mac)
{
    const ldns_rr *tsig = ldns_pkt_tsig(p);
    ldns_rdf *key = ldns_dname_new_frm_str(to->key_name);
    ldns_rdf *algorithm = ldns_dname_new_frm_str(ALGORITHM);
    bool good = tsig != NULL && key != NULL && algorithm != NULL &&
                ldns_rr_rd_count(tsig) >= TSIG_PARTS &&
                ldns_rr_get_class(tsig) == LDNS_RR_CLASS_ANY && ldns_rr_ttl(tsig) == 0 &&
                number(ldns_rr_rdf(tsig, AT_ID), 0, 2) == ldns_pkt_id(p) &&
                ldns_dname_compare(ldns_rr_owner(tsig), key) == 0 &&
                ldns_dname_compare(ldns_rr_rdf(tsig, AT_ALGORITHM), algorithm) == 0;

    if (good) {
        int64_t off = clock_now_s() - (int64_t)number(ldns_rr_rdf(tsig, AT_TIME), 0, 6);

        good = off <= FUDGE_S && off >= -FUDGE_S;
    }
    ldns_rdf_deep_free(key);
    ldns_rdf_deep_free(algorithm);
    return good && ldns_pkt_tsig_verify(p, wire, len, to->key_name, to->secret, mac);
}

void message_judge(struct update *u, const uint8_t *wire, size_t len, uint16_t id,
                   const ldns_rdf *mac)
{
    ldns_pkt *p = NULL;

    if (ldns_wire2pkt(&p, wire, len) != LDNS_STATUS_OK) {
        say(u, UPDATE_FAILED, "The answer of %s cannot be read.", u->at->text);
        return;
    }
    if (!is_answer(p, id, LDNS_PACKET_UPDATE))
        say(u, UPDATE_FAILED, "What %s sent is no answer to the update.", u->at->text);
    else if (!judge_tsig_error(u, ldns_pkt_tsig(p))) {
        if (ldns_pkt_get_rcode(p) != LDNS_RCODE_NOERROR)
            judge_refusal(u, ldns_pkt_get_rcode(p));
        else if (!is_signed(u->to, p, wire, len, mac))
            say(u, UPDATE_FAILED,
                "The answer of %s is not signed with the key %s: whether the records are there is "
                "not known.",
                u->at->text, u->to->key_name);
        else
            u->result = UPDATE_DONE;
    }
    ldns_pkt_free(p);
}

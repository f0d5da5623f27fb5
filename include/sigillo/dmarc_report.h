/* SPDX-License-Identifier: Apache-2.0 */
/*
 * DMARC aggregate reports: what a receiver saw of a domain's mail in a day.  As data, out of the XML that others send, as XML, and as the mail that brings it.  [RFC 9990 s3.1; RFC 7489 s7.2]
 * Views are texts as a report has them: those of somebody else's report are foreign bytes (UTF-8, without blanks at their ends), and no address in them is ever to be fetched.
 */
#ifndef SIGILLO_DMARC_REPORT_H
#define SIGILLO_DMARC_REPORT_H

#include "sigillo/buf.h"
#include "sigillo/diag.h"
#include "sigillo/ip.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- words; the first of each is "not told, or a word that nobody knows" and has the name "" ---- */

/* What was done with mail, or is published to be done (never PASS there). */
enum sgl_dmarc_disposition {
    SGL_DMARC_DISPOSITION_UNKNOWN,
    SGL_DMARC_DISPOSITION_NONE,
    SGL_DMARC_DISPOSITION_PASS, /* it passed below an enforcing policy [RFC 9990 s3.1.1.11] */
    SGL_DMARC_DISPOSITION_QUARANTINE,
    SGL_DMARC_DISPOSITION_REJECT
};
SGL_API const char *sgl_dmarc_disposition_name(enum sgl_dmarc_disposition disposition);

/* Passed and aligned, before any override. */
enum sgl_dmarc_aligned {
    SGL_DMARC_ALIGNED_UNKNOWN,
    SGL_DMARC_ALIGNED_PASS,
    SGL_DMARC_ALIGNED_FAIL
};
SGL_API const char *sgl_dmarc_aligned_name(enum sgl_dmarc_aligned aligned);

/* What DKIM or SPF said by itself. */
enum sgl_dmarc_raw {
    SGL_DMARC_RAW_UNKNOWN,
    SGL_DMARC_RAW_NONE,
    SGL_DMARC_RAW_PASS,
    SGL_DMARC_RAW_FAIL,
    SGL_DMARC_RAW_SOFTFAIL, /* SPF only */
    SGL_DMARC_RAW_POLICY,
    SGL_DMARC_RAW_NEUTRAL,
    SGL_DMARC_RAW_TEMPERROR,
    SGL_DMARC_RAW_PERMERROR
};
SGL_API const char *sgl_dmarc_raw_name(enum sgl_dmarc_raw result);

/* Why something else was done than the policy says. */
enum sgl_dmarc_override {
    SGL_DMARC_OVERRIDE_UNKNOWN,
    SGL_DMARC_OVERRIDE_LOCAL_POLICY,
    SGL_DMARC_OVERRIDE_MAILING_LIST,
    SGL_DMARC_OVERRIDE_OTHER,
    SGL_DMARC_OVERRIDE_POLICY_TEST_MODE,
    SGL_DMARC_OVERRIDE_TRUSTED_FORWARDER,
    SGL_DMARC_OVERRIDE_FORWARDED,  /* RFC 7489 only */
    SGL_DMARC_OVERRIDE_SAMPLED_OUT /* RFC 7489 only */
};
SGL_API const char *sgl_dmarc_override_name(enum sgl_dmarc_override reason);

enum sgl_dmarc_discovery {
    SGL_DMARC_DISCOVERY_UNKNOWN,
    SGL_DMARC_DISCOVERY_PSL,
    SGL_DMARC_DISCOVERY_TREEWALK
};
SGL_API const char *sgl_dmarc_discovery_name(enum sgl_dmarc_discovery method);
enum sgl_dmarc_mode { SGL_DMARC_MODE_UNKNOWN, SGL_DMARC_MODE_RELAXED, SGL_DMARC_MODE_STRICT };
enum sgl_dmarc_testing { SGL_DMARC_TESTING_UNKNOWN, SGL_DMARC_TESTING_NO, SGL_DMARC_TESTING_YES };
enum sgl_dmarc_scope { SGL_DMARC_SCOPE_UNKNOWN, SGL_DMARC_SCOPE_MFROM, SGL_DMARC_SCOPE_HELO };

/* ---- a report as data ---- */

/* Who reports, about what, and the policy that was found. */
struct sgl_dmarc_report_meta {
    sgl_view org_name, email, extra_contact, report_id, error, generator;
    sgl_time begin, end; /* the first and the last second that it covers; 0: not told */
    sgl_view domain;     /* the DMARC Policy Domain */
    enum sgl_dmarc_discovery discovery;
    enum sgl_dmarc_disposition p, sp, np;
    enum sgl_dmarc_mode adkim, aspf;
    enum sgl_dmarc_testing testing;
    sgl_view fo;
    bool rfc9990; /* the namespace of RFC 9990 is declared */
};
struct sgl_dmarc_report_reason {
    enum sgl_dmarc_override type;
    sgl_view comment;
};
struct sgl_dmarc_report_dkim { /* one signature */
    sgl_view domain, selector; /* selector may be empty [RFC 7489] */
    enum sgl_dmarc_raw result;
    sgl_view human;
};
struct sgl_dmarc_report_spf {
    sgl_view domain;
    enum sgl_dmarc_scope scope;
    enum sgl_dmarc_raw result;
    sgl_view human;
};
/* Messages of one source with the same results. */
struct sgl_dmarc_report_record {
    struct sgl_ip ip; /* version 0: it could not be read; never IPv4-mapped */
    uint64_t count;   /* messages */
    enum sgl_dmarc_disposition disposition;
    enum sgl_dmarc_aligned dkim, spf;
    const struct sgl_dmarc_report_reason *reason;
    size_t reasons;
    sgl_view header_from, envelope_from, envelope_to;
    bool has_envelope_from; /* told, and empty for the null sender */
    const struct sgl_dmarc_report_dkim *dkim_result;
    size_t dkims;
    const struct sgl_dmarc_report_spf *spf_result; /* RFC 9990: at most one */
    size_t spfs;
};

/* ---- reading ---- */

/* What is wrong with a report that can be read all the same. */
enum sgl_dmarc_report_problem {
    SGL_DMARC_REPORT_CUT,    /* it ends before its end, or breaks off: what stood before is given */
    SGL_DMARC_REPORT_NO_ORG, /* org_name, email, report_id, date_range, domain: missing or empty */
    SGL_DMARC_REPORT_NO_EMAIL,
    SGL_DMARC_REPORT_NO_ID,
    SGL_DMARC_REPORT_NO_DATES,
    SGL_DMARC_REPORT_NO_DOMAIN,
    SGL_DMARC_REPORT_DATE,    /* a time that cannot be read, or that is not whole seconds */
    SGL_DMARC_REPORT_RANGE,   /* the end before the begin, or more than 8 days of it */
    SGL_DMARC_REPORT_EMPTY,   /* no record */
    SGL_DMARC_REPORT_POLICY,  /* a word of policy_published that nobody knows, or no p */
    SGL_DMARC_REPORT_IP,      /* a record without an address that can be read */
    SGL_DMARC_REPORT_COUNT,   /* a count that is missing, 0, or no number up to 2^40 */
    SGL_DMARC_REPORT_NO_FROM, /* a record without header_from */
    SGL_DMARC_REPORT_WORD,    /* a result, a disposition or a reason that nobody knows */
    SGL_DMARC_REPORT_MANY,    /* more results or reasons in a record than are kept */
    SGL_DMARC_REPORT_NAME,    /* an element below a name of old drafts, or in another's place */
    SGL_DMARC_REPORT_PROBLEMS
};
SGL_API const char *sgl_dmarc_report_problem_text(enum sgl_dmarc_report_problem problem);

struct sgl_dmarc_report_summary {
    uint64_t records, messages;
    uint64_t problem[SGL_DMARC_REPORT_PROBLEMS]; /* how often each was met */
    bool partial;                                /* CUT: there may have been more records */
};

struct sgl_dmarc_report_reader;
struct sgl_dmarc_report_sink {
    /* Each record as it has been read; its views live until the call returns. What the report says of itself usually stands before the first. false: no more is wanted, SGL_E_LIMIT. */
    bool (*record)(void *ctx, const struct sgl_dmarc_report_meta *meta,
                   const struct sgl_dmarc_report_record *record);
    void *ctx;
};

/*
 * A reader of one report in pieces: memory does not grow with the number of records.  [RFC 9990 s8.1]
 *
 * Both namespaces, other prefixes and none; what real senders break is read: elements missing, unknown, empty, in any order or in upper case; "identities", several results, words
 * of old drafts ("hardfail", "unknown"), blanks and brackets around addresses, times as text.  Encodings: UTF-8, ASCII, UTF-16, ISO 8859-1, Windows-1252.  Refused, because no report
 * has them: a DOCTYPE (and so every entity but the five of XML), more than 16 levels, 16 attributes, 64 KiB in an element, 1,000,000 records, 300 different names.
 *
 * sink   copied
 * salt   any number that senders cannot know, against names that are made to collide; 0 is replaced by a constant
 * NULL: out of memory.
 */
SGL_API struct sgl_dmarc_report_reader *
sgl_dmarc_report_reader_new(const struct sgl_dmarc_report_sink *sink, uint64_t salt) SGL_MUST_USE;
SGL_API void
sgl_dmarc_report_reader_free(struct sgl_dmarc_report_reader *reader); /* NULL: nothing */
/* The next bytes.  SGL_OK; anything else: what was wrong, and the same again for whatever follows; sgl_dmarc_report_end() tells what it means. */
SGL_API enum sgl_status sgl_dmarc_report_feed(struct sgl_dmarc_report_reader *reader,
                                              sgl_view bytes) SGL_MUST_USE;
/* What has been read of the report itself so far; its views live as long as the reader. */
SGL_API const struct sgl_dmarc_report_meta *
sgl_dmarc_report_meta(const struct sgl_dmarc_report_reader *reader);
/*
 * No more bytes follow.
 *
 * out   set only with SGL_OK
 * diag  may be NULL; near and off tell where it was
 * SGL_OK: it was a report, whole or, as out->partial says, its beginning (a record or who sent it was read); SGL_E_SYNTAX: it is none, or it has a DOCTYPE; SGL_E_LIMIT; SGL_E_NOMEM.
 */
SGL_API enum sgl_status sgl_dmarc_report_end(struct sgl_dmarc_report_reader *reader,
                                             struct sgl_dmarc_report_summary *out,
                                             struct sgl_diag *diag) SGL_MUST_USE;

/* ---- writing ---- */

/*
 * A report in pieces: its beginning, each record, its end; each is appended to what `out` has, or to another buffer.  [RFC 9990 s3.1.1]
 *
 * Always the form of RFC 9990, elements in the order of its tables, what is not told left out.  Texts become harmless: what no XML can hold (control characters, broken UTF-8) becomes
 * U+FFFD.  An <extension> of the caller's, with a namespace of its own, stands behind the beginning.
 * SGL_OK; SGL_E_MISUSE: what RFC 9990 requires is missing, is UNKNOWN, or is a word that only RFC 7489 has; an id that can't stand in a Subject; an end before the begin; more than
 * one result of SPF, or one of HELO; SGL_E_LIMIT: out is full; SGL_E_NOMEM.  On failure `out` is as it was.
 */
SGL_API enum sgl_status sgl_dmarc_report_put_begin(const struct sgl_dmarc_report_meta *meta,
                                                   struct sgl_buf *out) SGL_MUST_USE;
/* Signatures stand in the order of record->dkim_result, which has to be that of RFC 9990 s3.1.3, and no more than SGL_LIMIT_DMARC_REPORT_DKIM; a report has at least one record. */
SGL_API enum sgl_status sgl_dmarc_report_put_record(const struct sgl_dmarc_report_record *record,
                                                    struct sgl_buf *out) SGL_MUST_USE;
SGL_API enum sgl_status sgl_dmarc_report_put_end(struct sgl_buf *out) SGL_MUST_USE;

/* A report on its way. */
struct sgl_dmarc_report_mail {
    const struct sgl_dmarc_report_meta *meta; /* the submitter is the domain of its email */
    uint64_t messages, passed;                /* for people who read the mail */
    sgl_view attachment;                      /* the XML, or its gzip */
    bool gzip;
    sgl_view from, to;   /* addresses; from stands in the domain of meta->email */
    sgl_view message_id; /* "<...@...>"; empty: no field */
    sgl_time now;
    uint8_t random[16]; /* for the boundary */
};
/* Appends the name of the file, "receiver!domain!begin!end!id.xml.gz"; the id stands there where it has letters and digits only  [RFC 9990 s3.5.2]. SGL_E_MISUSE: as below. */
SGL_API enum sgl_status sgl_dmarc_report_put_filename(const struct sgl_dmarc_report_mail *mail,
                                                      struct sgl_buf *out) SGL_MUST_USE;
/*
 * Appends the whole message, ready to be signed: a text for people, the report  [RFC 9990 s3.5.2].  Lines end in CRLF, ASCII only.
 * Returns SGL_OK; SGL_E_MISUSE: an address or a domain that can't be one, a from that is not the submitter's, an id that can't stand in the Subject, an empty attachment; SGL_E_LIMIT,
 * SGL_E_NOMEM.  On failure `out` is as it was.
 */
SGL_API enum sgl_status sgl_dmarc_report_put_mail(const struct sgl_dmarc_report_mail *mail,
                                                  struct sgl_buf *out) SGL_MUST_USE;

#ifdef __cplusplus
}
#endif
#endif

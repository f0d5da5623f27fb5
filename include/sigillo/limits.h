/* SPDX-License-Identifier: Apache-2.0 */
/* Every maximum of the library, with its reason: one page to audit. */
#ifndef SIGILLO_LIMITS_H
#define SIGILLO_LIMITS_H

/* A table: one limit a line. */
/* clang-format off */

/* ---- mail ---- */
#define SGL_LIMIT_LOCAL_PART 64  /* [RFC 5321 s4.5.3.1.1] */
#define SGL_LIMIT_DOMAIN     255 /* [RFC 5321 s4.5.3.1.2] */
#define SGL_LIMIT_MAILBOX    254 /* a path is 256 with its brackets [RFC 5321 s4.5.3.1.3] */
#define SGL_LIMIT_LINE       998 /* a line without its CRLF [RFC 5322 s2.1.1] */
#define SGL_LIMIT_FIELD_NAME                                                                       \
    77 /* with its colon it must fit a line of 78 [RFC 5322 s3.6.8 and s2.1.1] */
#define SGL_LIMIT_HEADER_SIZE                                                                      \
    (512u * 1024u) /* thousands of addresses in To fit; a hostile header costs little */
#define SGL_LIMIT_HEADER_FIELDS 1000 /* 100 Received, 100 signatures and room to spare */
#define SGL_LIMIT_ADDRESSES     10000 /* of one field; more do not fit SGL_LIMIT_HEADER_SIZE sensibly */
#define SGL_LIMIT_COMMENT_DEPTH 16  /* nested comments of one address or date: people use 1 */
#define SGL_LIMIT_MESSAGE_ID    996 /* one line of a folded field */
#define SGL_LIMIT_PARAMS        64  /* parameters, RFC 2231 pieces counted, of one MIME field */
#define SGL_LIMIT_MIME_PARTS    1000 /* of one message: a report has 3, a letter with pictures some 20 */
#define SGL_LIMIT_MIME_DEPTH    10   /* multiparts within each other: forwarded lists have 4 */

/* ---- templates ---- */
#define SGL_LIMIT_TEMPLATE       (1024u * 1024u) /* bytes: what SendGrid takes */
#define SGL_LIMIT_TEMPLATE_NODES 100000 /* texts, tags and names: a megabyte of them has no end; long letters have some 1000 */
#define SGL_LIMIT_TEMPLATE_DEPTH 100    /* blocks within each other, and each else if is one: nobody reads more */

/* ---- records and findings ---- */
#define SGL_LIMIT_TAGS         100  /* of one tag list: a DKIM signature has about 12 */
#define SGL_LIMIT_FINDINGS     200  /* about one domain: nobody reads more */
#define SGL_LIMIT_FINDING_TEXT 2047 /* one sentence, or one record to publish; what is longer is cut */

/* ---- judging ---- */
#define SGL_LIMIT_SPF_RECORD      8192 /* bytes: the longest honest ones have some 2000 */
#define SGL_LIMIT_SPF_TERMS       256  /* of one record: 8192 bytes of "a " would be 4096 */
#define SGL_LIMIT_SPF_DEPTH       12   /* include and redirect within each other: the 10 lookups end it before */
#define SGL_LIMIT_SPF_TREE_LOOKUPS 100 /* walked to tell an owner by how much he is over the 10 */
#define SGL_LIMIT_SPF_TREE_NODES 4000 /* terms of one tree: the largest honest ones have some 600 */
#define SGL_LIMIT_SPF_BUILD_RECORDS 20 /* subdomains that one call builds records for */
#define SGL_LIMIT_SPF_EXPLANATION 512  /* third-party text that goes into a reply [RFC 7208 s11.5.2] */
#define SGL_LIMIT_DKIM_SIGNATURES 20   /* parsed of one message; the rest is only counted */
#define SGL_LIMIT_DKIM_TRIED      10   /* verified of one message: each costs a lookup and a public key operation */
#define SGL_LIMIT_DKIM_SIGNED     256  /* names in h=: honest ones have some 30 */
#define SGL_LIMIT_DKIM_KEYS       3    /* key records tried where a name has several [RFC 6376 s3.6.2.2] */
#define SGL_LIMIT_DKIM_FIELD      16384 /* bytes of one signature field */
#define SGL_LIMIT_DMARC_URIS      16   /* report addresses of one record */
#define SGL_LIMIT_DMARC_WALKS     10   /* tree walks for identifiers of one message, up to 8 questions each [RFC 9989 s11.5] */
#define SGL_LIMIT_PSL             (4u * 1024u * 1024u) /* bytes of a Public Suffix List: it has some 330 KB */
#define SGL_LIMIT_ARC_SETS        50   /* [RFC 8617 s4.2.1] */
#define SGL_LIMIT_ARC_BYTES       (128 * 1024) /* all ARC fields of a message: 50 sets with RSA-2048 signatures have some 80 KiB */
#define SGL_LIMIT_AUTHRES_FIELD   16384 /* bytes of one Authentication-Results field */
#define SGL_LIMIT_AUTHRES_FIELDS  100  /* looked at of one message */
#define SGL_LIMIT_AUTHRES_RESULTS 100  /* of one field */
#define SGL_LIMIT_AUTHRES_PROPERTIES 500 /* of all results of one field: a result has 1 to 5 */
#define SGL_LIMIT_AUTHRES_KEYWORD 64   /* method, result, property: registered ones have at most 16 */
#define SGL_LIMIT_AUTHRES_VALUE   400  /* bytes of one value that we write: with all of them escaped the line is still below 998 */
#define SGL_LIMIT_JUDGE_QUESTIONS 512  /* DNS questions of one verdict: SPF's worst honest case is some 120, a DKIM signature 1, a tree walk 8 */
#define SGL_LIMIT_JUDGE_MEMORY    (16 * 1024 * 1024) /* an arena for one verdict: an honest header takes some 16 KiB, the worst that we know 7 MiB */

/* ---- MTA-STS and TLS-RPT ---- */
#define SGL_LIMIT_MTA_STS_POLICY (64 * 1024) /* bytes of a policy [RFC 8461 s3.3] */
#define SGL_LIMIT_MTA_STS_MX     256      /* patterns of one policy: honest ones have some 10 */
#define SGL_LIMIT_MTA_STS_AGE    31557600 /* seconds of max_age [RFC 8461 s3.2] */
#define SGL_LIMIT_TLSRPT_URIS    16       /* report destinations of one record */
#define SGL_LIMIT_TLS_REPORT_REASON 255   /* bytes of a failure-reason-code that we write: "a short text" [RFC 8460 s4.3.3] */

/* ---- DMARC aggregate reports of strangers ---- */
#define SGL_LIMIT_DMARC_REPORT_DEPTH      16 /* elements within each other: a report has 5 */
#define SGL_LIMIT_DMARC_REPORT_ATTRIBUTES 16 /* of one element: a report has some 3 at its root */
#define SGL_LIMIT_DMARC_REPORT_TEXT       (64 * 1024) /* bytes of one element: comments have some 100 */
#define SGL_LIMIT_DMARC_REPORT_RECORDS    1000000 /* the largest receivers send some 10,000 */
#define SGL_LIMIT_DMARC_REPORT_DKIM       100 /* signatures of one record [RFC 9990 s3.1.3] */
#define SGL_LIMIT_DMARC_REPORT_SPF        10 /* one [RFC 9990], a few in old reports */
#define SGL_LIMIT_DMARC_REPORT_REASONS    20 /* of one record: people write 1 */

/* ---- mail that comes back ---- */
#define SGL_LIMIT_BOUNCE_RCPTS   100 /* recipients of one report that are told of: ours go out one by one */
#define SGL_LIMIT_BOUNCE_TEXT    (64 * 1024) /* bytes of text for people that are read: notices have some 2 KiB */
#define SGL_LIMIT_BOUNCE_LINES   2000 /* of that text */
#define SGL_LIMIT_BOUNCE_DIAGNOSTIC 2000 /* bytes of one diagnostic that are kept: a reply of 20 lines */
#define SGL_LIMIT_BOUNCE_MEMORY  (8 * 1024 * 1024) /* an arena for one report: an honest one takes some 200 KiB, 1000 parts of a hostile one 3 MiB */

/* ---- JSON of strangers ---- */
#define SGL_LIMIT_JSON_DEPTH   16 /* arrays and objects within each other: a TLS report has 5 */
#define SGL_LIMIT_JSON_MEMBERS 64 /* of one object, which are compared with each other: a TLS report's have 9 */

/* ---- surveys of a domain ---- */
#define SGL_LIMIT_SURVEY_QUESTIONS 3000 /* DNS questions about one domain: an SPF tree may ask some 2000, 16 MX hosts 5 each */
#define SGL_LIMIT_SURVEY_SELECTORS 64   /* DKIM selectors looked up */

/* ---- setting a domain up ---- */
#define SGL_LIMIT_SETUP_SELECTORS 8    /* rows of keys: two that sign, two that are next, and old ones of a rotation */
#define SGL_LIMIT_SETUP_MEMORY    (16 * 1024 * 1024) /* an arena: an ordinary domain takes some 100 KiB */
#define SGL_LIMIT_SETUP_QUESTIONS 3000 /* DNS questions about one domain: two SPF trees of up to some 1000 each, the rows some 60 */

/* ---- DNS ---- */
#define SGL_LIMIT_NAME_TEXT        253  /* RFC 1035 s2.3.4: 255 on the wire is 253 in text without the last dot */
#define SGL_LIMIT_LABEL            63   /* RFC 1035 s2.3.4 */
#define SGL_LIMIT_DNS_QUESTIONS    128  /* a message: an MX with 16 hosts asks 1 + 16 * 4; twice that for what SPF will need */
#define SGL_LIMIT_DNS_RECORDS      256  /* in one answer: the largest honest sets have some dozens; the rest is a flood */
#define SGL_LIMIT_DNS_RDATA        8192 /* a full certificate in a TLSA record is 1 to 4 KiB; TXT of 4096-bit keys below 1 KiB */
#define SGL_LIMIT_DNS_SNAPSHOT     (512 * 1024) /* memory of all larger answers that one message may collect */
#define SGL_LIMIT_DNS_SMALL        8192 /* an answer up to this size always has room: large ones of one domain must not push out the policy of another, which may stand among 50 other TXT records */
#define SGL_LIMIT_MX_HOSTS         16   /* tried of one MX set: RFC 5321 s5.1 asks for at least 2; the rest adds only waiting */
#define SGL_LIMIT_MX_ADDRESSES     16   /* of one host: multi-homed hosts have 2 to 8 */
#define SGL_LIMIT_TLSA_RECORDS     64   /* of one host: key roll-over needs 2 to 4; more is work for an attacker's benefit */
#define SGL_LIMIT_CNAME_CHAIN      10   /* links: resolvers stop at about as many */

/* ---- SMTP ---- */
#define SGL_LIMIT_SMTP_LINE        2048 /* a command: RFC 5321 s4.5.3.1.4 says 512, extensions add up to about 1000 */
#define SGL_LIMIT_SMTP_REPLY_LINE  2048 /* RFC 5321 s4.5.3.1.5 says 512; real servers write novels */
#define SGL_LIMIT_SMTP_REPLY_LINES 128  /* an EHLO has about 20; a reply without an end must end */
#define SGL_LIMIT_SMTP_REPLY       (32 * 1024) /* a whole reply: 60 lines of 512 */
#define SGL_LIMIT_SMTP_REPLY_OURS  512  /* a line that we say [RFC 5321 s4.5.3.1.5] */
#define SGL_LIMIT_SMTP_AUTH_LINE   12288 /* [RFC 4954 s4]: tickets and tokens are long */
#define SGL_LIMIT_SMTP_OUTPUT      (256 * 1024) /* replies that wait in one turn: 1000 recipients at 250 bytes */
#define SGL_LIMIT_SMTP_PARAMS      16   /* parameters of one MAIL or RCPT; all that exist are about 12 */
#define SGL_LIMIT_SMTP_ENVID       100  /* [RFC 3461 s4.4] */
#define SGL_LIMIT_SMTP_ORCPT       500  /* [RFC 3461 s4.2] */
#define SGL_LIMIT_SASL_FIELD       1024 /* a user name or password; nobody types more */
#define SGL_LIMIT_SASL_MESSAGE     9216 /* what an AUTH line decodes to */
/* clang-format on */

#endif

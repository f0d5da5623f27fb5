/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many recipients of a subscription's mail had what happen to them, by day (UTC) and by category of the message.
 *
 * The engine counts by itself, in the transaction that makes the thing itself durable: an acceptance counts on the day of the acceptance, an outcome on its own day.  Reports of the
 * server itself (doors "bounce" and "tlsrpt") are not counted.  Figures of more than STATISTICS_DAYS ago go with old trail, whatever time that is kept for.
 */
#ifndef SERVER_STORE_STATISTICS_H
#define SERVER_STORE_STATISTICS_H

#include "store.h"

#define STATISTICS_DAYS           400
#define STATISTICS_CATEGORIES_MAX 10  /* of a message: others are not counted by */
#define STATISTICS_CATEGORY_MAX   255 /* characters; a longer one is not counted by */
#define STATISTICS_DAY_MS         INT64_C(86400000)

enum statistic { /* numbers stay: they are in the store */
                 STATISTIC_NONE,
                 STATISTIC_REQUESTS,  /* recipients accepted */
                 STATISTIC_PROCESSED, /* of these, not suppressed at once */
                 STATISTIC_DELIVERED,
                 STATISTIC_DEFERRED,     /* attempts after which there will be another one */
                 STATISTIC_BOUNCES,      /* failed for good because of the address: status 5.1.x */
                 STATISTIC_BLOCKS,       /* failed for good otherwise, or expired */
                 STATISTIC_BOUNCE_DROPS, /* suppressed, by reason: at once, or while it waited */
                 STATISTIC_SPAM_REPORT_DROPS,
                 STATISTIC_UNSUBSCRIBE_DROPS,
                 STATISTIC_INVALID_EMAILS,
                 STATISTIC_SPAM_REPORTS, /* suppressions that were added for that reason */
                 STATISTIC_UNSUBSCRIBES,
                 STATISTICS
};

struct store_statistic {
    int64_t day; /* since 1970-01-01 */
    enum statistic what;
    uint64_t count; /* above 0 */
};
/* Of all mail, or of one category when it is not empty; days from and to included, in their order. */
struct store_statistics_query {
    sgl_view subscription, category;
    int64_t from_day, to_day;
};
enum store_result store_read_statistics(struct store *store, const struct store_statistics_query *q,
                                        bool (*each)(void *ctx, const struct store_statistic *s),
                                        void *ctx);

/* Categories with a figure on one of these days that begin with `prefix`: by name, or by the sum of one figure. */
struct store_categories_query {
    sgl_view subscription, prefix;
    int64_t from_day, to_day;
    enum statistic by; /* STATISTIC_NONE: by name, which is also what decides between equals */
    bool falling;      /* the greatest sum first */
    uint64_t skip, max;
};
enum store_result store_read_categories(struct store *store, const struct store_categories_query *q,
                                        bool (*each)(void *ctx, sgl_view category), void *ctx);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of transit, summed up by name and as JSON. */
#ifndef SERVER_DOORS_HTTP_ADMIN_TRANSIT_H
#define SERVER_DOORS_HTTP_ADMIN_TRANSIT_H

#include <jansson.h>

#include "../../store/transit.h"

struct transit_count {
    uint64_t delivered, failed;
};
/* The sum of one name; figures of a name come one after another. */
struct transit_sum {
    bool any;
    char name[321]; /* a day is "2026-11-23" */
    struct transit_count all;
    uint64_t mechanism[TRANSIT_MECHANISMS], version[TRANSIT_VERSIONS]; /* of what was delivered */
    struct transit_count cause[TRANSIT_CAUSES];
};
/* What becomes of a sum that is whole. */
typedef void transit_whole(void *ctx, const struct transit_sum *sum);

/* Adds a figure; before that, a sum of another name is whole. At the end transit_sum_end(), which tells the last one. */
void transit_sum_add(struct transit_sum *sum, const struct transit_figure *f, bool by_day,
                     transit_whole *whole, void *ctx);
void transit_sum_end(struct transit_sum *sum, transit_whole *whole, void *ctx);

/* NULL: memory has ended. */
json_t *transit_day_json(int64_t day);
/* {"delivered":…,"failed":…,"mechanisms":{…},"versions":{…},"causes":{…}}; name: also that, first. */
json_t *transit_sum_json(const struct transit_sum *sum, bool name);
/* {"domain":…,"count":…,"causes":[{"cause":…,"count":…,"advice":…}]}: of attempts in vain, or of what was delivered all the same. NULL: there is none. */
json_t *transit_trouble_json(const struct transit_sum *sum, bool failed);

#endif

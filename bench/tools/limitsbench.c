/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a charge costs: limitsbench SUBSCRIPTIONS CHARGES
 *
 * Messages of one recipient, of many subscriptions in turn, against a profile of three limits that are never reached; every tenth is given back. Prints one JSON line.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../server/limits/limits.h"

static const struct limit_profile profile = {.name = "bench",
                                             .recipients_max = 100,
                                             .limits = 3,
                                             .limit = {{LIMIT_MESSAGES, LIMIT_MINUTE, 1u << 30},
                                                       {LIMIT_RECIPIENTS, LIMIT_HOUR, 1u << 30},
                                                       {LIMIT_EXTERNAL, LIMIT_DAY, 1u << 30}}};

static bool charge(struct limits *l, uint64_t n)
{
    static const struct limit_charge one = {
        .n = {[LIMIT_MESSAGES] = 1, [LIMIT_RECIPIENTS] = 1, [LIMIT_EXTERNAL] = 1}};
    struct limits_ticket ticket;
    struct limits_refusal refusal;
    char name[32];
    int len = snprintf(name, sizeof(name), "subscription-%llu", (unsigned long long)n);

    if (limits_take(l, sgl_view_of(name, (size_t)len), "bench", &one, &ticket, &refusal) !=
        LIMITS_OK)
        return false;
    if (n % 10 == 0)
        limits_give_back(l, &ticket);
    return true;
}

int main(int argc, char **argv)
{
    uint64_t subscriptions = 0, charges = 0, start;
    struct limits *l = limits_new();

    if (argc != 3 || !sgl_view_u64(sgl_view_cstr(argv[1]), 10000000, &subscriptions) ||
        !sgl_view_u64(sgl_view_cstr(argv[2]), 1000000000, &charges) || subscriptions == 0 ||
        l == NULL || !limits_configure(l, &profile, 1)) {
        fprintf(stderr, "limitsbench SUBSCRIPTIONS CHARGES\n");
        return 2;
    }
    start = clock_mono_us();
    for (uint64_t i = 0; i < charges; i++)
        if (!charge(l, i % subscriptions))
            return 1;
    printf("{\"subscriptions\":%llu,\"charges\":%llu,\"ns_per_charge\":%.0f}\n",
           (unsigned long long)subscriptions, (unsigned long long)charges,
           (double)(clock_mono_us() - start) * 1000.0 / (double)charges);
    limits_free(l);
    return 0;
}

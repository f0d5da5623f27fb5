/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SERVER_MAIN_SERVICE_DMARC_H
#define SERVER_MAIN_SERVICE_DMARC_H

#include "../reception/reception.h"
#include "../reports/reports.h"

/* An observer of reception; ctx is the room of the reports. */
void service_dmarc_judged(void *ctx, const struct reception_judged *j);

#endif

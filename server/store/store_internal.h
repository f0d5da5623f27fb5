/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by the files of this folder and the engines below it. */
#ifndef SERVER_STORE_STORE_INTERNAL_H
#define SERVER_STORE_STORE_INTERNAL_H

#include "store.h"

/* The smallest id that could have been made at this time. */
uint64_t id_of_time_ms(int64_t ms);

#endif

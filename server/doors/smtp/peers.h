/* SPDX-License-Identifier: Apache-2.0 */
/* Who is connected from where, and who failed there of late. */
#ifndef SERVER_DOORS_SMTP_PEERS_H
#define SERVER_DOORS_SMTP_PEERS_H

#include "sigillo/ip.h"

struct peers;
struct peers *peers_new(void);
void peers_free(struct peers *p);
/* false: as many as `max` connections are there from this address (IPv6: from its /64). */
bool peers_enter(struct peers *p, const struct sgl_ip *ip, size_t max);
void peers_leave(struct peers *p, const struct sgl_ip *ip);
/* Logins that failed from there of late. */
unsigned peers_failures(struct peers *p, const struct sgl_ip *ip, uint64_t now_ms);
void peers_failed(struct peers *p, const struct sgl_ip *ip, uint64_t now_ms);
/*
 * Logins that failed as one user from one address.  After ten of them the next is not looked at before a pause is over, which doubles each time up to ten minutes; a right one
 * ends that.  Who guesses from elsewhere keeps nobody out.  A table of fixed size: when two fall together, the older is forgotten.
 */
uint64_t peers_pause_ms(struct peers *p, const struct sgl_ip *ip, sgl_view user, uint64_t now_ms);
void peers_guessed(struct peers *p, const struct sgl_ip *ip, sgl_view user, bool right,
                   uint64_t now_ms);
/* Forgets what is old. */
void peers_sweep(struct peers *p, uint64_t now_ms);

#endif

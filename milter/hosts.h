/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of hosts, as OpenDKIM (InternalHosts, PeerList, ExternalIgnoreList) and OpenDMARC (IgnoreHosts) have them: addresses, networks, host names, ".domains";
 * "!" in front excludes.  Pure.
 */
#ifndef MILTER_HOSTS_H
#define MILTER_HOSTS_H

#include "dataset.h"
#include "sigillo/ip.h"

struct host_entry;
struct hosts {
    const struct host_entry *entry;
    size_t entries;
};
/* SGL_OK; SGL_E_SYNTAX: *fault says where; SGL_E_LIMIT, SGL_E_NOMEM from the arena. */
enum sgl_status hosts_read(const struct dataset *from, struct sgl_arena *arena, struct hosts *out,
                           struct dataset_fault *fault) SGL_MUST_USE;
/*
 * Is this client one of them?  Names count before addresses, and the closer entry before the wider one: "192.0.2.1" before "!192.0.2.0/24".
 * name  as the mail server verified it; empty: it has none.  ip->version 0: no address.
 */
bool hosts_has(const struct hosts *h, sgl_view name, const struct sgl_ip *ip);

#endif

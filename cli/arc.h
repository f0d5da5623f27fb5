/* SPDX-License-Identifier: Apache-2.0 */
/* What the verbs "arc verify" and "arc seal" share: a message and its chain. */
#ifndef CLI_ARC_H
#define CLI_ARC_H

#include "lookup.h"
#include "mailfile.h"
#include "sigillo/arc.h"

/* A message, what is known of its chain, and what that needs. */
struct arc_work {
    const struct cli *c;
    struct sgl_crypto *crypto;
    struct sgl_private_key *key;
    struct mailfile mail;
    struct sgl_arena arena;
    struct sgl_dkim_hashes hashes;
    size_t body; /* which of them is that of the whole body, relaxed */
    struct lookup lookup;
    bool looking;
    struct sgl_arc arc;
};

/* Frees what is there; zeroed members are fine. */
void arc_work_done(struct arc_work *w);
/* Opens the message that the verb was given; flags as for mailfile_open(). false: said so. */
bool arc_open(struct arc_work *w, unsigned flags, int *status);
/* The state of the chain into w->arc. CLI_YES, or the exit status: the error has been printed. */
int arc_judge(struct arc_work *w, bool seals_only);
/* Did it fail because a key could not be looked up?  For good, says RFC 8617 s5.2.1; but whoever asks wants to know that asking again may help. */
bool arc_is_unknown(const struct sgl_arc *arc);
/* "a seal does not hold (instance 2): the key ..." */
const char *arc_reason(struct arc_work *w);
/* Says that memory has ended; the exit status. */
int arc_no_memory(void);

#endif

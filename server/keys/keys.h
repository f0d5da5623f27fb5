/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's side of the keys process: DKIM private keys and the key that seals secrets exist only there.  Requests of
 * one turn of a loop travel together; answers come back on the loop that asked.  When the process dies, requests that wait
 * fail with KEYS_DOWN (callers answer 4xx/503), the supervisor starts another and the client connects again: the keys that
 * were loaded are loaded again, under the same handles.
 */
#ifndef SERVER_KEYS_KEYS_H
#define SERVER_KEYS_KEYS_H

#include "../loop/loop.h"
#include "sigillo/view.h"

struct keys;

enum keys_result {
    KEYS_OK,
    KEYS_DOWN,    /* the process is gone: try again soon */
    KEYS_REFUSED, /* it will not become better: no such handle, sealed for something else, broken, too long, not a key */
    KEYS_BUSY,    /* too many requests wait: try again soon */
};
enum keys_algorithm { KEYS_RSA_2048 = 1, KEYS_ED25519 = 2, KEYS_RSA_4096 = 3, KEYS_ES256 = 4 };
enum keys_verb {
    KEYS_SIGN,
    KEYS_GENERATE,
    KEYS_LOAD,
    KEYS_IMPORT,
    KEYS_SEAL,
    KEYS_OPEN,
    KEYS_PING,
    KEYS_MAC_SEAL, /* the key of an HMAC, which is never opened but to make one */
    KEYS_MAC,      /* HMAC-SHA256 with a key that is sealed */
};

#define KEYS_DATA_MAX    8192 /* input and output: PEM of RSA-4096 is 3.3 KiB */
#define KEYS_CONTEXT_MAX 512
#define KEYS_SEAL_EXTRA                                                                            \
    41 /* a sealed secret is this much longer; SEAL takes at most KEYS_DATA_MAX - KEYS_SEAL_EXTRA */
#define KEYS_MAC_KEY     32
#define KEYS_MAC_SEALED  (KEYS_MAC_KEY + KEYS_SEAL_EXTRA)
#define KEYS_MAC_MESSAGE (KEYS_DATA_MAX - KEYS_MAC_SEALED) /* at most, for KEYS_MAC */

/* One request; embedded in the caller's struct, alive until done(). */
struct keys_op {
    struct keys_op *next;
    enum keys_verb verb;
    struct loop *loop;
    void (*done)(struct keys_op *op);
    struct loop_task task;
    enum keys_result result;
    uint64_t
        handle; /* SIGN: key to sign with; LOAD, GENERATE, IMPORT: out, never 0, valid as long as the client */
    enum keys_algorithm
        algorithm; /* GENERATE: in; LOAD, IMPORT: out (an imported RSA key of up to 3072 bits counts as 2048) */
    uint8_t digest[32]; /* SIGN: SHA-256 of the signing input */
    sgl_view
        in; /* LOAD: sealed key; IMPORT: PEM; SEAL: secret; OPEN: sealed; MAC_SEAL: KEYS_MAC_KEY bytes; MAC: KEYS_MAC_SEALED bytes as MAC_SEAL made them, then the message. Borrowed until done() */
    sgl_view
        context; /* SEAL, OPEN, MAC_SEAL, MAC, and keys: what it is for ("dkim:example.org:s1"); bound to the ciphertext as associated data */
    uint8_t out
        [KEYS_DATA_MAX]; /* SIGN: signature; GENERATE, IMPORT: sealed private key; SEAL, OPEN: result; MAC_SEAL: KEYS_MAC_SEALED bytes; MAC: 32 bytes */
    size_t out_len;
    uint8_t public_key
        [1024]; /* GENERATE, IMPORT, LOAD: rsa: SubjectPublicKeyInfo DER; ed25519: 32 raw bytes; es256: the 65 of its point */
    size_t public_len;
};

/*
 * The two ends: fd[0], non-blocking, for keys_new(); fd[1] for keys_process().  Both are closed on exec.  The service must not hold fd[1], or
 * it will not notice when the keys process has gone.
 */
bool keys_socketpair(int fd[2]);

/* Service side. fd: fd[0] of keys_socketpair(); -1 while there is none yet. The client does its I/O on `loop`. NULL when memory ends. */
struct keys *keys_new(struct loop *loop, int fd);
struct scratch;
/* Before anything is asked: what has to be loaded again into another keys process stands in this file, which outlives the client, and not in memory. It is sealed. */
void keys_spill(struct keys *keys, struct scratch *file);
/* After the supervisor restarted the keys process: the new socket. Loaded keys are loaded again; requests wait until they are. Any thread. */
void keys_reconnect(struct keys *keys, int fd);
void keys_submit(struct keys *keys, struct keys_op *op); /* any thread; done() never inside */
/* On the client's loop, or when that has ended; nothing may wait any more. */
void keys_free(struct keys *keys);

/*
 * Keys-process side: returns when the other end has closed.  master: 32 bytes, copied.  threads: signing threads, this one
 * included.  Closes every other descriptor but 0, 1 and 2.  Enters its seccomp filter itself; ignores SIGINT, SIGTERM, SIGHUP: it ends when the service has.
 * The result is the exit code: 0, or 1 when it could not start; a peer that breaks the protocol ends the process with 3.
 */
int keys_process(int fd, const uint8_t master[32], unsigned threads);
/*
 * Reads, or creates with mode 0600, the master key file; before privileges are dropped.  Refused: a link, a file that others may
 * read, one that is not 32 bytes.  `why` gets one sentence that names the file.
 */
bool keys_master_load(const char *path, uint8_t out[32], char *why, size_t why_size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The service's side of the keys process: DKIM private keys and the key that seals secrets exist only there.  Requests of one turn of a loop travel together; answers come back
 * on the loop that asked.  When the process dies, requests that wait fail with KEYS_DOWN (callers answer 4xx/503), the supervisor starts another and the client connects again.
 */
#ifndef SERVER_KEYS_KEYS_H
#define SERVER_KEYS_KEYS_H

#include "../loop/loop.h"
#include "sigillo/view.h"

struct keys;

enum keys_result { KEYS_OK, KEYS_DOWN, KEYS_REFUSED, KEYS_BUSY };
enum keys_algorithm { KEYS_RSA_2048 = 1, KEYS_ED25519 = 2, KEYS_RSA_4096 = 3 };
enum keys_verb { KEYS_SIGN, KEYS_GENERATE, KEYS_LOAD, KEYS_IMPORT, KEYS_SEAL, KEYS_OPEN, KEYS_PING };

#define KEYS_DATA_MAX 8192

/* One request; embedded in the caller's struct, alive until done(). */
struct keys_op {
    struct keys_op *next;
    enum keys_verb verb;
    struct loop *loop;
    void (*done)(struct keys_op *op);
    struct loop_task task;
    enum keys_result result;
    uint64_t handle;            /* SIGN: key to sign with; LOAD, GENERATE, IMPORT: out, valid until the keys process dies (then the client reloads by itself) */
    enum keys_algorithm algorithm; /* GENERATE: in; LOAD, IMPORT: out */
    uint8_t digest[32];         /* SIGN: SHA-256 of the signing input */
    sgl_view in;                /* LOAD: sealed key; IMPORT: PEM; SEAL: secret; OPEN: sealed. Borrowed until done() */
    sgl_view context;           /* SEAL, OPEN, and keys: what it is for ("dkim:example.org:s1"); bound to the ciphertext as associated data */
    uint8_t out[KEYS_DATA_MAX]; /* SIGN: signature; GENERATE, IMPORT: sealed private key; SEAL, OPEN: result */
    size_t out_len;
    uint8_t public_key[1024];   /* GENERATE, IMPORT, LOAD: rsa: SubjectPublicKeyInfo DER; ed25519: 32 raw bytes */
    size_t public_len;
};

/* Service side. fd: the socketpair end given by the supervisor. The client does its I/O on `loop`. */
struct keys *keys_new(struct loop *loop, int fd);
/* After the supervisor restarted the keys process: the new socket. Loaded keys are loaded again. Any thread. */
void keys_reconnect(struct keys *keys, int fd);
void keys_submit(struct keys *keys, struct keys_op *op); /* any thread; done() never inside */
void keys_free(struct keys *keys);

/* Keys-process side: never returns before the socket closes. master: 32 bytes. Enters its seccomp filter itself. Exit code. */
int keys_process(int fd, const uint8_t master[32], unsigned threads);
/* Reads, or creates with mode 0600, the master key file; before privileges are dropped. */
bool keys_master_load(const char *path, uint8_t out[32], char *why, size_t why_size);

#endif

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Did the call work?  A status is not a verdict: a hostile message is a verdict in the result, never
 * an error of the call.
 */
#ifndef SIGILLO_STATUS_H
#define SIGILLO_STATUS_H

#if defined(__GNUC__)
#define SGL_API          __attribute__((visibility("default")))
#define SGL_MUST_USE     __attribute__((warn_unused_result))
#define SGL_PRINTF(f, a) __attribute__((format(printf, f, a)))
#else
#define SGL_API
#define SGL_MUST_USE
#define SGL_PRINTF(f, a)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Ordered: sgl_join() keeps the greatest, so an error outranks a question and a question outranks OK. */
enum sgl_status {
    SGL_OK = 0,
    SGL_MORE,     /* bytes are missing: feed more and call again */
    SGL_NEED_DNS, /* answers are missing: resolve what was noted and call again from the start */
    SGL_E_SYNTAX, /* the bytes are not what the grammar allows */
    SGL_E_LIMIT,  /* a maximum of sigillo/limits.h was reached */
    SGL_E_NOMEM,
    SGL_E_MISUSE, /* the caller's bug */
};

/* The worse of the two. */
static inline enum sgl_status sgl_join(enum sgl_status a, enum sgl_status b)
{
    return a > b ? a : b;
}

/* A short lower-case word for a status, for logs and tests; never NULL. */
SGL_API const char *sgl_status_name(enum sgl_status status);

/* Leaves the calling function with whatever is not SGL_OK.  The only macro that hides a return. */
#define SGL_TRY(call)                                                                              \
    do {                                                                                           \
        enum sgl_status sgl_try_status_ = (call);                                                  \
        if (sgl_try_status_ != SGL_OK)                                                             \
            return sgl_try_status_;                                                                \
    } while (0)

#ifdef __cplusplus
}
#endif
#endif

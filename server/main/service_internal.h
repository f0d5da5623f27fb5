/* SPDX-License-Identifier: Apache-2.0 */
/* The service in parts: service.c (start and end), service_build.c (rooms), service_control.c (drain, reload), service_metrics.c. */
#ifndef SERVER_MAIN_SERVICE_INTERNAL_H
#define SERVER_MAIN_SERVICE_INTERNAL_H

#include <stdatomic.h>

#include "../admission/admission.h"
#include "../callout/callout.h"
#include "../certs/certs.h"
#include "../delivery/delivery.h"
#include "../doors/http/acs.h"
#include "../doors/http/admin.h"
#include "../doors/http/api.h"
#include "../doors/http/arm.h"
#include "../doors/http/graph.h"
#include "../doors/http/http.h"
#include "../doors/http/metadata.h"
#include "../doors/http/oauth.h"
#include "../doors/http/received.h"
#include "../doors/http/sendgrid.h"
#include "../doors/http/unsubscribe.h"
#include "../doors/http/well_known.h"
#include "../doors/http/whitelabel.h"
#include "../doors/inbound/inbound.h"
#include "../doors/submission/submission.h"
#include "../forward/forward.h"
#include "../heard/heard_arrival.h"
#include "../judge/judge.h"
#include "../keys/keys.h"
#include "../loop/scratch.h"
#include "../loop/tls.h"
#include "../queue/queue.h"
#include "../reception/reception.h"
#include "../reports/reports.h"
#include "../reputation/reputation.h"
#include "../resolver/resolver.h"
#include "../returns/returns.h"
#include "../setup/setup.h"
#include "../store/store.h"
#include "../sts/sts.h"
#include "../webhook/webhook.h"
#include "control.h"
#include "service.h"

#define DOORS_MAX       64
#define SERVICE_LEASE_S 600

struct service {
    const struct service_setup *setup;
    struct config *config;   /* that counts now */
    struct config *previous; /* kept for those who still look at it */
    struct loop *main, *outgoing;
    struct loop *door[DOORS_MAX];
    struct http *http[DOORS_MAX]; /* one a door loop */
    unsigned doors;
    struct workers *workers;
    struct store *store;
    struct keys *keys;
    struct scratch scratch; /* of keys */
    struct directory *directory;
    struct tokens *tokens;
    struct lists *lists;
    struct federation *federation;
    struct queue *queue;
    struct resolver *resolver;
    struct sts *sts;
    struct https *sts_https;
    struct resolver_config resolver_config;
    struct setup *domain_setup;
    struct delivery *delivery;
    struct https *reports_https;
    struct reports *reports; /* about TLS, to others */
    struct reputation *reputation;
    struct webhook *webhook;
    struct https *webhook_https, *webhook_inside;
    struct limits *limits;
    struct templates *templates;
    struct guard *guard;
    struct returns *returns;
    struct admission *admission;
    struct submission_door *submission;
    struct judge *judge;
    struct heard_room heard; /* reports of others, as they come by mail */
    struct reception *reception;
    struct secret *forward_key;
    struct forward *forward;
    struct callout *callout;
    struct inbound_door *inbound;
    struct certs *certs;
    struct tls_server *tls; /* theirs; NULL: none configured */
    struct admin admin;
    struct api api;
    struct acs acs;
    struct graph graph;
    struct oauth oauth;
    struct metadata metadata;
    struct owners *owners; /* tells whose a connection to it is; may be NULL */
    struct unsubscribe unsubscribe;
    struct http_status_page page;
    _Atomic bool draining;
    struct drain *drain;
    struct reload *reload;
    struct event *control_event, *tidy_event;
    _Atomic unsigned
        suppress_s; /* for so long a hard bounce suppresses its address; 0: not at all */
    int status;
};

/* service_build.c */
bool service_build(struct service *s, char *why, size_t why_size);
bool service_start_loops(struct service *s);
void service_end(struct service *s); /* stops the loops and closes the store */
/* Whom rooms ask over HTTPS, and which roots they believe. reach: unless loopback is allowed. */
struct https_config service_https_config(const struct config *c, enum https_reach reach);
void service_queue_config(const struct config *c, struct queue_config *out);
struct admission_config service_admission_config(const struct service *s, const struct config *c);
bool service_configure_limits(struct limits *limits, const struct config *c);
void service_set_log_level(const char *word);
bool service_ready(void *ctx, char *why, size_t why_size);
/* service_control.c */
bool service_listen_to_supervisor(struct service *s);
/* service_audit.c */
void service_note(struct service *s, const char *action, const char *detail);
void service_note_start(struct service *s);
void service_note_reload(struct service *s, const struct config *next,
                         const char *refused); /* NULL: it was taken */
/* service_inbound.c */
/* service_forward.c: what reception needs to send mail on, and to ask who is known. */
bool service_build_forward(struct service *s, char *why, size_t why_size);
bool service_build_inbound(struct service *s, char *why, size_t why_size);
void service_reload_inbound(struct service *s, struct config *next);
void service_inbound_metrics(struct service *s);
/* service_metrics.c */
void service_metrics(struct service *s);

/* service_suppress.c */
void service_configure_suppression(struct service *s, const struct config *c);
/* What a permanent failure says of an address, told by delivery. */
void service_bounced(void *service, const struct store_message *message,
                     const struct store_rcpt *rcpt, enum delivery_bounce kind, sgl_view status,
                     sgl_view reply);
/* For the queue: is this recipient, whose mail was accepted, suppressed by now? */
enum queue_stop_answer service_stops(void *service, const struct store_message *message,
                                     const struct store_rcpt *rcpt, sgl_view body,
                                     struct queue_stop_why *why);

#endif

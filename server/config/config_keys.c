/* SPDX-License-Identifier: Apache-2.0 */
#include "config_keys.h"

#define MB (1024u * 1024u)
#define S_ 1000u
#define H_ (3600u * 1000u)
#define D_ (24ull * H_)

#define AT(type, field)                                                                            \
    .offset = offsetof(struct type, field), .size = sizeof(((struct type *)0)->field)
#define TOP(field)         AT(config, field)
#define LISTEN_AT(field)   AT(config_listen, field)
#define ROUTE_AT(field)    AT(config_route, field)
#define PROFILE_AT(field)  AT(config_profile, field)
#define UPDATE_AT(field)   AT(config_update, field)
#define RECEIVER_AT(field) AT(config_receiver, field)
#define POOL_AT(field)     AT(config_pool, field)
#define OVERRIDE_AT(field) AT(config_override, field)
#define PAIR_AT(field)     AT(config_certificate, field)
#define N_OF(type, field)  .count = offsetof(struct type, field)

const char *const config_section_name[SECTIONS] = {
    "",        "limits",        "resolver", "delivery", "queue",    "domains",     "verification",
    "audit",   "rotation",      "guard",    "local",    "metadata", "tls_reports", "reputation",
    "inbound", "dmarc_reports", "listen",   "route",    "profile",  "dns_update",  "receiver",
    "pool",    "certificate",   "override"};

/* clang-format off */
const struct key config_key[] = {
    {IN_ROOT, "log_level", KEY_LEVEL, "info", .words = "debug info warn error", TOP(log_level)},
    {IN_ROOT, "hostname", KEY_HOST, NULL, TOP(hostname)},
    {IN_ROOT, "public_url", KEY_URL, NULL, TOP(public_url)},
    {IN_ROOT, "state_dir", KEY_PATH, "/var/lib/sigillo", TOP(state_dir)},
    {IN_ROOT, "user", KEY_TEXT, NULL, TOP(user)},
    {IN_ROOT, "admin_socket", KEY_PATH, "/run/sigillo/admin.sock", TOP(admin_socket)},
    {IN_ROOT, "door_loops", KEY_NUMBER, "0", .max = 64, TOP(door_loops)},
    {IN_ROOT, "workers", KEY_NUMBER, "0", .max = 64, TOP(workers)},
    {IN_ROOT, "tls_certificate", KEY_SECRET, NULL, TOP(tls_certificate), .contents = offsetof(struct config, tls_certificate_pem)},
    {IN_ROOT, "tls_key", KEY_SECRET, NULL, TOP(tls_key), .contents = offsetof(struct config, tls_key_pem)},
    {IN_ROOT, "tls_next_key", KEY_SECRET, NULL, TOP(tls_next_key), .contents = offsetof(struct config, tls_next_key_pem)},
    {IN_ROOT, "tls_publish", KEY_BOOL, "false", TOP(tls_publish)},
    {IN_ROOT, "drain_timeout", KEY_DURATION, "30s", .max = H_, .unit = S_, TOP(drain_s)},
    {IN_ROOT, "suppression_case_sensitive", KEY_BOOL, "false", TOP(suppress_exact)},
    {IN_ROOT, "sender_case_sensitive", KEY_BOOL, "false", TOP(sender_exact)},

    {IN_LIMITS, "message_size", KEY_SIZE, "36M", .min = 1024, .max = 1024u * MB, TOP(limits.message_size)},
    {IN_LIMITS, "recipients", KEY_NUMBER, "1000", .min = 1, .max = 100000, TOP(limits.recipients)},
    {IN_LIMITS, "connections", KEY_NUMBER, "20000", .min = 1, .max = 1000000, TOP(limits.connections)},
    {IN_LIMITS, "connections_per_address", KEY_NUMBER, "200", .min = 1, .max = 1000000, TOP(limits.connections_per_address)},
    {IN_LIMITS, "errors", KEY_NUMBER, "20", .min = 1, .max = 100000, TOP(limits.errors)},
    {IN_LIMITS, "memory", KEY_SIZE, "128M", .min = MB, .max = 1024ull * 1024 * MB, TOP(limits.memory)},
    {IN_LIMITS, "idle_timeout", KEY_DURATION, "5m", .min = S_, .max = D_, .unit = S_, TOP(limits.idle_s)},
    {IN_LIMITS, "session_timeout", KEY_DURATION, "24h", .min = S_, .max = 30 * D_, .unit = S_, TOP(limits.session_s)},
    {IN_LIMITS, "messages_per_session", KEY_NUMBER, "100000", .min = 1, .max = 1000000000, TOP(limits.messages_per_session)},
    {IN_LIMITS, "accounts", KEY_NUMBER, "20", .min = 0, .max = 100000, TOP(limits.accounts)},
    {IN_LIMITS, "signature_window", KEY_DURATION, "15m", .min = 60 * S_, .max = D_, .unit = S_, TOP(limits.signature_window_s)},

    {IN_RESOLVER, "forward", KEY_NAMESERVER, "{}", TOP(resolver.forward), N_OF(config, resolver.forwards)},
    {IN_RESOLVER, "root_hints", KEY_FILE, NULL, TOP(resolver.root_hints)},
    {IN_RESOLVER, "trust_anchor", KEY_FILE, NULL, TOP(resolver.trust_anchor)},
    {IN_RESOLVER, "timeout", KEY_DURATION, "20s", .min = 100, .max = 300 * S_, .unit = 1, TOP(resolver.timeout_ms)},
    {IN_RESOLVER, "cache", KEY_SIZE, "16M", .min = MB, .max = 4096ull * MB, TOP(resolver.cache)},

    {IN_DELIVERY, "port", KEY_NUMBER, "25", .min = 1, .max = 65535, TOP(delivery.port)},
    {IN_DELIVERY, "ipv4", KEY_BOOL, "true", TOP(delivery.ipv4)},
    {IN_DELIVERY, "ipv6", KEY_BOOL, "true", TOP(delivery.ipv6)},
    {IN_DELIVERY, "allow_loopback", KEY_BOOL, "false", TOP(delivery.allow_loopback)},
    {IN_DELIVERY, "mta_sts", KEY_BOOL, "true", TOP(delivery.mta_sts)},
    {IN_DELIVERY, "connections", KEY_NUMBER, "500", .min = 1, .max = 100000, TOP(delivery.connections)},
    {IN_DELIVERY, "connections_per_site", KEY_NUMBER, "20", .min = 1, .max = 10000, TOP(delivery.connections_per_site)},
    {IN_DELIVERY, "messages_per_connection", KEY_NUMBER, "1000", .min = 1, .max = 1000000, TOP(delivery.messages_per_connection)},
    {IN_DELIVERY, "recipients_per_message", KEY_NUMBER, "100", .min = 1, .max = 1000, TOP(delivery.recipients_per_message)},
    {IN_DELIVERY, "connect_timeout", KEY_DURATION, "30s", .min = 10, .max = H_, .unit = 1, TOP(delivery.connect_timeout_ms)},
    {IN_DELIVERY, "command_timeout", KEY_DURATION, "5m", .min = 10, .max = H_, .unit = 1, TOP(delivery.command_timeout_ms)},
    {IN_DELIVERY, "data_timeout", KEY_DURATION, "3m", .min = 10, .max = H_, .unit = 1, TOP(delivery.data_timeout_ms)},
    {IN_DELIVERY, "dot_timeout", KEY_DURATION, "10m", .min = 10, .max = H_, .unit = 1, TOP(delivery.dot_timeout_ms)},
    {IN_DELIVERY, "suppress_hard_bounces", KEY_DURATION, "14d", .max = 3650 * D_, .unit = S_, TOP(delivery.suppress_s)},
    {IN_DELIVERY, "ca_file", KEY_FILE, NULL, TOP(delivery.ca_file)},
    {IN_DELIVERY, "source", KEY_IP, "{}", TOP(delivery.source), N_OF(config, delivery.sources)},

    {IN_QUEUE, "retry", KEY_SECONDS, "{1m, 5m, 15m, 30m, 1h, 2h, 4h}", .min = S_, .max = 30 * D_, TOP(queue.retry_s), N_OF(config, queue.retries)},
    {IN_QUEUE, "jitter", KEY_NUMBER, "10", .max = 50, TOP(queue.jitter_percent)},
    {IN_QUEUE, "delay_notice", KEY_DURATION, "4h", .max = 30 * D_, .unit = S_, TOP(queue.delay_notice_s)},
    {IN_QUEUE, "expire", KEY_DURATION, "72h", .min = S_, .max = 60 * D_, .unit = S_, TOP(queue.expire_s)},
    {IN_QUEUE, "keep_trail", KEY_DURATION, "30d", .max = 3650 * D_, .unit = S_, TOP(queue.keep_trail_s)},
    {IN_QUEUE, "memory_recipients", KEY_NUMBER, "50000", .min = 100, .max = 100000000, TOP(queue.memory_recipients)},
    {IN_QUEUE, "memory_bytes", KEY_SIZE, "64M", .min = MB, .max = 1024ull * 1024 * MB, TOP(queue.memory_bytes)},

    {IN_DOMAINS, "managed_zone", KEY_HOST, NULL, TOP(domains.managed_zone)},
    {IN_DOMAINS, "spf", KEY_SPF_TERM, "{}", TOP(domains.spf), N_OF(config, domains.spfs)},
    {IN_DOMAINS, "dkim_zone", KEY_HOST, NULL, TOP(domains.dkim_zone)},
    {IN_DOMAINS, "return_host", KEY_HOST, NULL, TOP(domains.return_host)},
    {IN_DOMAINS, "dmarc_reports", KEY_MAILTO, NULL, TOP(domains.dmarc_reports)},
    {IN_DOMAINS, "tls_reports", KEY_MAILTO, NULL, TOP(domains.tls_reports)},
    {IN_DOMAINS, "sts_host", KEY_HOST, NULL, TOP(domains.sts_host)},
    {IN_DOMAINS, "claim_expires", KEY_DURATION, "14d", .max = 3650 * D_, .unit = S_, TOP(domains.claim_expires_s)},

    {IN_VERIFICATION, "required", KEY_BOOL, "true", TOP(verification.required)},
    {IN_VERIFICATION, "grace", KEY_DURATION, "72h", .min = S_, .max = 3650 * D_, .unit = S_, TOP(verification.grace_s)},
    {IN_VERIFICATION, "pending", KEY_SECONDS, "{30s, 1m, 2m, 5m, 10m, 30m, 1h}", .min = S_, .max = 30 * D_, TOP(verification.pending_s), N_OF(config, verification.pendings)},
    {IN_VERIFICATION, "interval", KEY_DURATION, "6h", .min = S_, .max = 30 * D_, .unit = S_, TOP(verification.interval_s)},
    {IN_VERIFICATION, "jitter", KEY_NUMBER, "20", .max = 50, TOP(verification.jitter_percent)},
    {IN_VERIFICATION, "timeout", KEY_DURATION, "20s", .min = 100, .max = 300 * S_, .unit = 1, TOP(verification.timeout_ms)},
    {IN_VERIFICATION, "at_once", KEY_NUMBER, "4", .min = 1, .max = 64, TOP(verification.at_once)},
    {IN_VERIFICATION, "ask", KEY_WORD, "authoritative", .words = "authoritative resolver", TOP(verification.ask)},

    {IN_AUDIT, "keep", KEY_DURATION, "400d", .min = D_, .max = 36500 * D_, .unit = S_, TOP(audit.keep_s)},

    {IN_ROTATION, "interval", KEY_DURATION, "180d", .max = 3650 * D_, .unit = S_, TOP(rotation.interval_s)},
    {IN_ROTATION, "by_hand", KEY_BOOL, "false", TOP(rotation.by_hand)},
    {IN_ROTATION, "keep", KEY_DURATION, "7d", .min = S_, .max = 3650 * D_, .unit = S_, TOP(rotation.keep_s)},
    {IN_ROTATION, "settle", KEY_DURATION, "0", .max = 30 * D_, .unit = S_, TOP(rotation.settle_s)},
    {IN_ROTATION, "silent", KEY_DURATION, "1d", .max = 30 * D_, .unit = S_, TOP(rotation.silent_s)},

    {IN_GUARD, "action", KEY_WORD, "warn", .words = "off warn stop", TOP(guard.action)},
    {IN_GUARD, "near", KEY_NUMBER, "80", .min = 1, .max = 100, TOP(guard.near_percent)},
    {IN_GUARD, "complaints_warn", KEY_NUMBER, "10", .max = 10000, TOP(guard.complaints_warn)},
    {IN_GUARD, "complaints_stop", KEY_NUMBER, "30", .max = 10000, TOP(guard.complaints_stop)},
    {IN_GUARD, "complaints_messages", KEY_NUMBER, "1000", .min = 1, .max = 1000000000, TOP(guard.complaints_messages)},

    {IN_LOCAL, "socket", KEY_PATH, NULL, TOP(local.socket)},

    {IN_METADATA, "listen", KEY_LISTEN, "{}", TOP(metadata.address), N_OF(config, metadata.addresses)},
    {IN_METADATA, "socket", KEY_PATH, NULL, TOP(metadata.socket)},

    {IN_TLS_REPORTS, "from", KEY_MAILBOX, NULL, TOP(tls_reports.from)},
    {IN_TLS_REPORTS, "contact", KEY_MAILBOX, NULL, TOP(tls_reports.contact)},
    {IN_TLS_REPORTS, "organization", KEY_TEXT, NULL, TOP(tls_reports.organization)},
    {IN_TLS_REPORTS, "delay", KEY_DURATION, "4h", .max = 20 * H_, .unit = S_, TOP(tls_reports.delay_s)},
    {IN_TLS_REPORTS, "receive", KEY_BOOL, "false", TOP(tls_reports.receive)},
    {IN_TLS_REPORTS, "skip", KEY_PATTERN, "{}", TOP(tls_reports.skip), N_OF(config, tls_reports.skips)},

    {IN_REPUTATION, "half_life", KEY_DURATION, "3d", .min = 60 * S_, .max = 3650 * D_, .unit = S_, TOP(reputation.half_life_s)},
    {IN_REPUTATION, "defer_below", KEY_NUMBER, "25", .max = 50, TOP(reputation.defer_below)},
    {IN_REPUTATION, "refuse_below", KEY_NUMBER, "10", .max = 50, TOP(reputation.refuse_below)},
    {IN_REPUTATION, "exempt", KEY_NETWORK, "{}", TOP(reputation.exempt), N_OF(config, reputation.exempts)},

    {IN_INBOUND, "authserv_id", KEY_HOST, NULL, TOP(inbound.authserv_id)},
    {IN_INBOUND, "dmarc", KEY_WORD, "follow", .words = "follow quarantine mark", TOP(inbound.dmarc)},
    {IN_INBOUND, "spf_fail", KEY_WORD, "quarantine", .words = "mark quarantine reject", TOP(inbound.spf_fail)},
    {IN_INBOUND, "on_temperror", KEY_WORD, "defer", .words = "defer quarantine accept", TOP(inbound.on_temperror)},
    {IN_INBOUND, "trusted_sealers", KEY_PATTERN, "{}", TOP(inbound.trusted_sealer), N_OF(config, inbound.trusted_sealers)},
    {IN_INBOUND, "complaint_senders", KEY_PATTERN, "{\"arf.mail.yahoo.com\", \"hotmail.com\", \"senderscore.net\"}", TOP(inbound.complaint_sender), N_OF(config, inbound.complaint_senders)},
    {IN_INBOUND, "suppress_refusing", KEY_NUMBER, "3", .max = 7, TOP(inbound.refusing_days)},
    {IN_INBOUND, "postmaster", KEY_MAILBOX, NULL, TOP(inbound.postmaster)},
    {IN_INBOUND, "recipients", KEY_NUMBER, "100", .min = 100, .max = 100000, TOP(inbound.recipients)},
    {IN_INBOUND, "connections", KEY_NUMBER, "1000", .min = 1, .max = 1000000, TOP(inbound.connections)},
    {IN_INBOUND, "connections_per_address", KEY_NUMBER, "20", .min = 1, .max = 1000000, TOP(inbound.connections_per_address)},
    {IN_INBOUND, "messages_per_minute", KEY_NUMBER, "300", .max = 1000000, TOP(inbound.messages_per_minute)},
    {IN_INBOUND, "recipients_per_minute", KEY_NUMBER, "1000", .max = 10000000, TOP(inbound.recipients_per_minute)},
    {IN_INBOUND, "unknown_per_minute", KEY_NUMBER, "30", .max = 1000000, TOP(inbound.unknown_per_minute)},
    {IN_INBOUND, "unknown_per_session", KEY_NUMBER, "10", .max = 1000000, TOP(inbound.unknown_per_session)},
    {IN_INBOUND, "errors_per_minute", KEY_NUMBER, "60", .max = 1000000, TOP(inbound.errors_per_minute)},
    {IN_INBOUND, "null_sender_per_minute", KEY_NUMBER, "60", .max = 1000000, TOP(inbound.null_per_minute)},
    {IN_INBOUND, "null_sender_per_minute_all", KEY_NUMBER, "1000", .max = 10000000, TOP(inbound.null_per_minute_all)},
    {IN_INBOUND, "judging_memory", KEY_SIZE, "64M", .min = 16 * MB, .max = 2048u * MB, TOP(inbound.judged_memory)},

    {IN_DMARC_REPORTS, "from", KEY_MAILBOX, NULL, TOP(dmarc_reports.from)},
    {IN_DMARC_REPORTS, "contact", KEY_MAILBOX, NULL, TOP(dmarc_reports.contact)},
    {IN_DMARC_REPORTS, "organization", KEY_TEXT, NULL, TOP(dmarc_reports.organization)},
    {IN_DMARC_REPORTS, "delay", KEY_DURATION, "4h", .max = 20 * H_, .unit = S_, TOP(dmarc_reports.delay_s)},
    {IN_DMARC_REPORTS, "skip", KEY_PATTERN, "{}", TOP(dmarc_reports.skip), N_OF(config, dmarc_reports.skips)},

    {IN_LISTEN, "door", KEY_WORD, "submission", .words = "submission http inbound", LISTEN_AT(door)},
    {IN_LISTEN, "address", KEY_LISTEN, "{}", LISTEN_AT(address), N_OF(config_listen, addresses), .required = true},
    {IN_LISTEN, "tls", KEY_WORD, "plain", .words = "plain starttls implicit", LISTEN_AT(tls)},
    {IN_LISTEN, "trust", KEY_NETWORK, "{}", LISTEN_AT(trust), N_OF(config_listen, trusts)},
    {IN_LISTEN, "trust_credential", KEY_TEXT, NULL, LISTEN_AT(trust_credential)},

    {IN_ROUTE, "domains", KEY_PATTERN, "{}", ROUTE_AT(domain), N_OF(config_route, domains), .required = true},
    {IN_ROUTE, "host", KEY_HOST, NULL, ROUTE_AT(host)},
    {IN_ROUTE, "port", KEY_NUMBER, "0", .max = 65535, ROUTE_AT(port)},
    {IN_ROUTE, "user", KEY_TEXT, NULL, ROUTE_AT(user)},
    {IN_ROUTE, "password_file", KEY_SECRET, NULL, ROUTE_AT(password_file), .contents = offsetof(struct config_route, password)},
    {IN_ROUTE, "tls", KEY_WORD, "verified", .words = "verified required opportunistic none", ROUTE_AT(tls)},
    {IN_ROUTE, "ca_file", KEY_FILE, NULL, ROUTE_AT(ca_file)},
    {IN_ROUTE, "concurrency", KEY_NUMBER, "0", .max = 10000, ROUTE_AT(concurrency)},

    {IN_PROFILE, "limits", KEY_LIMIT, "{}", PROFILE_AT(limit), N_OF(config_profile, limits)},
    {IN_PROFILE, "recipients_per_message", KEY_NUMBER, "0", .max = 100000, PROFILE_AT(recipients_per_message)},
    {IN_PROFILE, "message_size", KEY_SIZE, "0", .max = 1024u * MB, PROFILE_AT(message_size)},

    {IN_UPDATE, "zone", KEY_HOST, NULL, UPDATE_AT(zone), .required = true},
    {IN_UPDATE, "server", KEY_NAMESERVER, "{}", UPDATE_AT(server), N_OF(config_update, servers), .required = true},
    {IN_UPDATE, "key_name", KEY_TEXT, NULL, UPDATE_AT(key_name), .required = true},
    {IN_UPDATE, "algorithm", KEY_LEVEL, "hmac-sha256", .words = "hmac-sha256", UPDATE_AT(algorithm)},
    {IN_UPDATE, "secret_file", KEY_SECRET, NULL, UPDATE_AT(secret_file), .contents = offsetof(struct config_update, secret), .required = true},
    {IN_UPDATE, "ttl", KEY_DURATION, "1h", .min = S_, .max = 7 * D_, .unit = S_, UPDATE_AT(ttl_s)},
    {IN_UPDATE, "timeout", KEY_DURATION, "10s", .min = 100, .max = 300 * S_, .unit = 1, UPDATE_AT(timeout_ms)},

    {IN_RECEIVER, "domains", KEY_PATTERN, "{}", RECEIVER_AT(domain), N_OF(config_receiver, domains), .required = true},
    {IN_RECEIVER, "messages", KEY_NUMBER, "5000", .max = 1000000000, RECEIVER_AT(messages)},

    {IN_POOL, "source", KEY_IP, "{}", POOL_AT(source), N_OF(config_pool, sources), .required = true},
    {IN_POOL, "hostname", KEY_HOST, NULL, POOL_AT(hostname)},
    {IN_POOL, "subscriptions", KEY_TEXT, "{default}", POOL_AT(subscription), N_OF(config_pool, subscriptions)},

    {IN_CERTIFICATE, "certificate", KEY_SECRET, NULL, PAIR_AT(certificate), .contents = offsetof(struct config_certificate, certificate_pem), .required = true},
    {IN_CERTIFICATE, "key", KEY_SECRET, NULL, PAIR_AT(key), .contents = offsetof(struct config_certificate, key_pem), .required = true},
    {IN_CERTIFICATE, "next_key", KEY_SECRET, NULL, PAIR_AT(next_key), .contents = offsetof(struct config_certificate, next_key_pem)},
    {IN_CERTIFICATE, "publish", KEY_BOOL, "false", PAIR_AT(publish)},

    {IN_OVERRIDE, "networks", KEY_NETWORK, "{}", OVERRIDE_AT(network), N_OF(config_override, networks)},
    {IN_OVERRIDE, "domains", KEY_PATTERN, "{}", OVERRIDE_AT(domain), N_OF(config_override, domains)},
    {IN_OVERRIDE, "reason", KEY_WORD, "trusted_forwarder", .words = "trusted_forwarder mailing_list local_policy other", OVERRIDE_AT(reason)},
    {IN_OVERRIDE, "comment", KEY_TEXT, NULL, OVERRIDE_AT(comment)},
};
/* clang-format on */
const size_t config_keys = sizeof(config_key) / sizeof(config_key[0]);

#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Sigillo: a listener that trusts loopback, one domain with one RSA-2048 selector, everything routed to the sink.
# SIGILLO: the program (default build/sigillo of this tree). SIGILLO_STATE: the state folder (default below $D).
# SIGILLO_TLS=1 also listens with implicit TLS on SUT_PORT+2 (for idle sessions under TLS).
# SINK_TLS=verified: the sink's certificate has to be one for "localhost" that SINK_CA (a PEM file) has issued.
# SIGILLO_SINK: how the sink is called (default 127.0.0.1; localhost is known without a name server). SIGILLO_PER_CONN: messages per connection to it.
# SIGILLO_DOORS=1 also listens with STARTTLS on SUT_PORT+2 and with HTTPS on SUT_PORT+3, and makes a credential and a key
# for them: $D/credential.json, $D/key.json.
. "$(dirname "$0")/common.sh"
: "${SIGILLO:=$ADAPTERS/../../build/sigillo}" "${SIGILLO_STATE:=$D/state}" "${SIGILLO_TLS:=0}" "${SIGILLO_DOORS:=0}" "${SUT_IDLE:=0}"
: "${SIGILLO_SINK:=127.0.0.1}" "${SIGILLO_PER_CONN:=1000}"
export SIGILLO_SERVER=unix:$D/admin.sock
sink_tls() { case $SINK_TLS in 0) echo none ;; 1) echo opportunistic ;; *) echo "$SINK_TLS" ;; esac; }
write_config() {
    cat > "$D/sigillo.conf" <<X
hostname = "mx.bench.test"
state_dir = "$SIGILLO_STATE"
admin_socket = "$D/admin.sock"
listen "bench" {
    door = "submission"
    address = {"127.0.0.1:$SUT_PORT"}
    tls = "plain"
    trust = {"127.0.0.0/8"}
    trust_credential = "bench"
}
limits {
    connections = $((SUT_IDLE + 2000))
    connections_per_address = $((SUT_IDLE + 2000))
    messages_per_session = 1000000
}
route "sink" {
    domains = {"*"}
    host = "$SIGILLO_SINK"
    port = $SINK_PORT
    tls = "$(sink_tls)"
    ${SINK_CA:+ca_file = "$SINK_CA"}
    concurrency = 20
}
delivery {
    allow_loopback = true
    ipv6 = false
    messages_per_connection = $SIGILLO_PER_CONN
}
verification {
    required = no
}
X
    [ "$SIGILLO_TLS$SIGILLO_DOORS" != 00 ] || return 0
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=mx.bench.test \
        -keyout "$D/tls.key" -out "$D/tls.crt" 2> /dev/null
    cat >> "$D/sigillo.conf" <<X
tls_certificate = "$D/tls.crt"
tls_key = "$D/tls.key"
listen "tls" {
    door = "submission"
    address = {"127.0.0.1:$((SUT_PORT + 2))"}
    tls = "$([ "$SIGILLO_DOORS" = 1 ] && echo starttls || echo implicit)"
}
X
    [ "$SIGILLO_DOORS" = 1 ] || return 0
    cat >> "$D/sigillo.conf" <<X
listen "https" {
    door = "http"
    address = {"127.0.0.1:$((SUT_PORT + 3))"}
    tls = "implicit"
}
X
}
who_may_send() {
    "$SIGILLO" credential add doors --domain "$DKIM_DOMAIN" --json > "$D/credential.json" &&
        "$SIGILLO" key add --domain "$DKIM_DOMAIN" --json > "$D/key.json"
}
sut_start() {
    if [ "${SIGILLO_KEEP:-0}" = 1 ]; then mkdir -p "$D"; else fresh; fi # SIGILLO_KEEP=1: with the queue that is there
    mkdir -p "$SIGILLO_STATE"
    write_config
    ulimit -n $((SUT_IDLE * 2 + 4096)) 2> /dev/null
    "$SIGILLO" serve --config "$D/sigillo.conf" > "$D/log" 2>&1 &
    echo $! > "$D/pid"
    local i=0
    while [ ! -S "$D/admin.sock" ] && [ $i -lt 100 ]; do sleep 0.05; i=$((i + 1)); done
    [ "${SIGILLO_KEEP:-0}" = 1 ] && return 0
    { "$SIGILLO" domain add "$DKIM_DOMAIN" && "$SIGILLO" credential add bench --domain "$DKIM_DOMAIN"; } > "$D/init" 2>&1
    [ "$SIGILLO_DOORS" = 0 ] || who_may_send 2>> "$D/init"
}
sut_stop() { stop_pidfile "$D/pid"; }
sut_pids() { cat "$D/pid"; }
sut_kick() { "$SIGILLO" queue retry --domain dest.test; }
sut_version() { "$SIGILLO" --version; }
adapter_main "$@"

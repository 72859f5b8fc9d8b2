//! Metrics in the text format of Prometheus.

use axum::Router;
use axum::http::header;
use axum::routing::get;
use tertulia_door_livekit::LiveKitDoor;
use tertulia_door_web::Api;
use tertulia_door_xmpp::XmppDoor;
use tertulia_engine::Engine;

use crate::clock;
use crate::http::Connections;
use crate::tls::Tls;

/// What is measured; cheap to clone.
#[derive(Clone)]
pub struct Sources {
    pub engine: Engine,
    pub livekit: LiveKitDoor,
    /// The XMPP door, where it is open.
    pub xmpp: Option<XmppDoor>,
    pub web: Api,
    pub connections: Connections,
    /// Where this server does HTTPS itself.
    pub tls: Option<Tls>,
}

/// Routes `/metrics`.
pub fn router(sources: Sources) -> Router {
    let page = move || {
        let text = page(&sources);
        async move {
            (
                [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")],
                text,
            )
        }
    };
    Router::new().route("/metrics", get(page))
}

struct Page(String);

impl Page {
    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.one("gauge", name, help, value);
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.one("counter", name, help, value);
    }

    fn one(&mut self, kind: &str, name: &str, help: &str, value: u64) {
        let Self(text) = self;
        text.push_str(&format!(
            "# HELP tertulia_{name} {help}\n# TYPE tertulia_{name} {kind}\ntertulia_{name} {value}\n"
        ));
    }
}

fn page(sources: &Sources) -> String {
    let mut page = Page(String::new());
    page.0.push_str(concat!(
        "# HELP tertulia_build_info The version of this server.\n# TYPE tertulia_build_info gauge\n",
        "tertulia_build_info{version=\"",
        env!("CARGO_PKG_VERSION"),
        "\"} 1\n"
    ));
    engine(&mut page, sources);
    turn(&mut page, sources);
    livekit(&mut page, sources);
    xmpp(&mut page, sources);
    web(&mut page, sources);
    if let Some(tls) = &sources.tls {
        secure(&mut page, tls);
    }
    page.gauge(
        "http_connections",
        "HTTP connections open now, WebSockets included.",
        sources.connections.count() as u64,
    );
    page.counter(
        "http_connections_refused_total",
        "HTTP connections closed as they came, because there were too many.",
        sources.connections.refused(),
    );
    page.0
}

fn engine(page: &mut Page, sources: &Sources) {
    let stats = sources.engine.stats();
    page.gauge("rooms", "Rooms open now.", stats.rooms);
    page.gauge("participants", "Participants present now.", stats.participants);
    page.gauge("sessions", "Peer connections alive now.", stats.sessions);
    page.counter("rooms_opened_total", "Rooms opened.", stats.rooms_opened);
    page.counter("participants_joined_total", "Participants joined.", stats.joins);
    page.counter(
        "sessions_connected_total",
        "Media connections that connected.",
        stats.connections,
    );
    page.counter(
        "sessions_failed_total",
        "Media connections that failed.",
        stats.connections_failed,
    );
    page.counter(
        "media_packets_received_total",
        "Media packets received.",
        stats.packets_received,
    );
    page.counter(
        "media_bytes_received_total",
        "Bytes of media received.",
        stats.bytes_received,
    );
    page.counter(
        "media_packets_forwarded_total",
        "Media packets forwarded.",
        stats.packets_forwarded,
    );
    page.counter("datagrams_sent_total", "Datagrams sent.", stats.datagrams_sent);
    page.counter(
        "datagrams_bytes_sent_total",
        "Bytes of datagrams sent.",
        stats.bytes_sent,
    );
    page.counter(
        "datagrams_dropped_total",
        "Datagrams the kernel had no room for.",
        stats.datagrams_dropped,
    );
    page.counter(
        "datagrams_unknown_total",
        "Datagrams that belong to nobody.",
        stats.datagrams_unknown,
    );
    page.counter(
        "keyframes_requested_total",
        "Keyframes asked of publishers.",
        stats.keyframes_requested,
    );
    page.counter(
        "participants_slow_total",
        "Participants expelled as slow readers.",
        stats.slow_consumers,
    );
    page.counter(
        "negotiations_refused_total",
        "Session descriptions refused.",
        stats.negotiations_refused,
    );
    page.counter(
        "sessions_broken_total",
        "Sessions closed by an error of the peer.",
        stats.session_errors,
    );
    page.counter(
        "ice_tcp_refused_total",
        "ICE connections over TCP refused.",
        stats.tcp_refused,
    );
    page.counter(
        "rooms_panicked_total",
        "Rooms ended by a fault of this server.",
        stats.room_panics,
    );
    page.counter(
        "observers_dropped_total",
        "Observers dropped because they fell behind.",
        stats.observers_dropped,
    );
    page.counter(
        "records_total",
        "Records of rooms given to be kept: chat messages, lines of the audit log.",
        stats.records,
    );
    page.counter(
        "records_refused_total",
        "Records refused because too many waited to be kept.",
        stats.records_refused,
    );
    page.counter(
        "records_failed_total",
        "Records that somebody waited for and that were not kept.",
        stats.records_failed,
    );
    page.counter(
        "media_packets_policed_total",
        "Media packets left out because their publisher sent far too much.",
        stats.packets_policed,
    );
    page.counter(
        "media_packets_relayed_total",
        "Media packets taken from other workers of this server.",
        stats.packets_relayed,
    );
    page.counter(
        "media_relays_dropped_total",
        "Messages with media between workers that found no room.",
        stats.relays_dropped,
    );
    page.counter(
        "participants_hosted_elsewhere_total",
        "Participants hosted on another worker than their room.",
        stats.hosted_elsewhere,
    );
    page.counter(
        "media_packets_malformed_total",
        "Media packets whose payload or dependency descriptor says the impossible.",
        stats.packets_malformed,
    );
    page.counter(
        "media_packets_unsent_total",
        "Media packets for subscribers that waited too long or that nothing is negotiated for.",
        stats.packets_unsent,
    );
    page.counter(
        "data_messages_dropped_total",
        "Data messages that found no open channel, or one with too much waiting.",
        stats.messages_dropped,
    );
}

fn turn(page: &mut Page, sources: &Sources) {
    let stats = sources.engine.stats();
    page.gauge(
        "turn_allocations",
        "TURN allocations open now.",
        stats.turn_allocations,
    );
    page.gauge(
        "turn_connections",
        "Connections of TURN clients open now.",
        stats.turn_connections,
    );
    for (name, help, value) in [
        (
            "allocations_opened",
            "TURN allocations opened.",
            stats.turn_allocations_opened,
        ),
        ("bindings", "STUN bindings answered.", stats.turn_bindings),
        ("challenges", "TURN challenges sent.", stats.turn_challenges),
        (
            "refusals",
            "TURN requests refused for another reason.",
            stats.turn_refusals,
        ),
        (
            "bad_credentials",
            "TURN requests with a wrong, expired or revoked credential.",
            stats.turn_bad_credentials,
        ),
        (
            "forbidden_peers",
            "Peers that TURN clients asked for and may not reach.",
            stats.turn_forbidden_peers,
        ),
        (
            "limited",
            "STUN and TURN requests dropped because their source asked too often.",
            stats.turn_limited,
        ),
        (
            "malformed",
            "Broken packets for the TURN server.",
            stats.turn_malformed,
        ),
        (
            "unsolicited",
            "Relayed packets without allocation, permission or channel.",
            stats.turn_unsolicited,
        ),
        (
            "packets_to_peers",
            "Packets relayed from clients.",
            stats.turn_packets_to_peers,
        ),
        (
            "bytes_to_peers",
            "Bytes relayed from clients.",
            stats.turn_bytes_to_peers,
        ),
        (
            "packets_to_clients",
            "Packets relayed to clients.",
            stats.turn_packets_to_clients,
        ),
        (
            "bytes_to_clients",
            "Bytes relayed to clients.",
            stats.turn_bytes_to_clients,
        ),
        (
            "dropped",
            "Packets of the TURN server that found no room.",
            stats.turn_dropped,
        ),
        (
            "connections_refused",
            "Connections of TURN clients closed as they came, because too many had proved nothing.",
            stats.turn_connections_refused,
        ),
    ] {
        page.counter(&format!("turn_{name}_total"), help, value);
    }
    page.counter(
        "datagrams_handed_over_total",
        "Datagrams that reached another worker than theirs.",
        stats.datagrams_handed_over,
    );
    page.counter(
        "handovers_dropped_total",
        "Of those, datagrams that found no room.",
        stats.handovers_dropped,
    );
}

fn xmpp(page: &mut Page, sources: &Sources) {
    let Some(door) = &sources.xmpp else { return };
    let stats = door.stats();
    let counters = [
        (
            "xmpp_streams_total",
            "XMPP streams bound to an address.",
            stats.streams,
        ),
        (
            "xmpp_streams_refused_total",
            "XMPP streams that ended before.",
            stats.streams_refused,
        ),
        (
            "xmpp_resumes_total",
            "XMPP streams that came back.",
            stats.resumes,
        ),
        (
            "xmpp_resumes_refused_total",
            "Attempts to come back to an XMPP stream that is unknown or somebody else's.",
            stats.resumes_refused,
        ),
        ("xmpp_stanzas_total", "XMPP stanzas received.", stats.stanzas),
        (
            "xmpp_stanzas_refused_total",
            "XMPP stanzas answered with an error.",
            stats.stanzas_refused,
        ),
        (
            "xmpp_flooded_total",
            "XMPP streams closed because they sent too much.",
            stats.flooded,
        ),
        (
            "xmpp_slow_consumers_total",
            "XMPP streams given up because their client did not read.",
            stats.slow_consumers,
        ),
        ("xmpp_joins_total", "Participants let in by XMPP.", stats.joins),
        (
            "xmpp_joins_refused_total",
            "Attempts to join by XMPP that were refused.",
            stats.joins_refused,
        ),
    ];
    for (name, help, value) in counters {
        page.counter(name, help, value);
    }
}

fn livekit(page: &mut Page, sources: &Sources) {
    let stats = sources.livekit.stats();
    page.counter(
        "signal_entries_refused_total",
        "Clients refused before or while joining.",
        stats.entries_refused,
    );
    page.counter("signal_joins_total", "Clients let in.", stats.joins);
    page.counter(
        "signal_resumes_total",
        "Clients that came back to their stay.",
        stats.resumes,
    );
    page.counter(
        "signal_resumes_refused_total",
        "Clients that came back to an unknown stay.",
        stats.resumes_refused,
    );
    page.counter(
        "signals_received_total",
        "Signalling messages received.",
        stats.signals,
    );
    page.counter(
        "signals_refused_total",
        "Signalling messages that made no sense.",
        stats.signals_refused,
    );
    page.counter(
        "signal_floods_total",
        "Clients cut off because they sent too much.",
        stats.flooded,
    );
    page.counter(
        "signal_slow_total",
        "Clients cut off because they did not read.",
        stats.slow_consumers,
    );
    page.counter(
        "data_packets_refused_total",
        "Data packets not passed on.",
        stats.data_refused,
    );
    page.counter(
        "room_api_calls_total",
        "Calls of the room service.",
        stats.api_calls,
    );
    page.counter(
        "room_api_errors_total",
        "Calls of the room service answered with an error.",
        stats.api_errors,
    );
    page.counter("webhooks_sent_total", "Webhooks delivered.", stats.webhooks_sent);
    page.counter("webhooks_lost_total", "Webhooks given up.", stats.webhooks_lost);
}

fn secure(page: &mut Page, tls: &Tls) {
    let counts = tls.stats.read();
    page.counter(
        "tls_handshakes_total",
        "TLS handshakes completed.",
        counts.handshakes,
    );
    page.counter(
        "tls_handshakes_failed_total",
        "TLS handshakes that failed or took too long.",
        counts.handshake_failures,
    );
    page.counter(
        "certificates_loaded_total",
        "Certificates taken up.",
        counts.loaded,
    );
    page.counter(
        "certificates_failed_total",
        "Certificates that could not be had, or were no good.",
        counts.load_failures,
    );
    let left_s = tls
        .current
        .get()
        .map_or(0, |certificate| certificate.facts().left_s(clock::unix_s()));
    page.gauge(
        "certificate_left_seconds",
        "How long the certificate is valid yet; 0 without a valid one.",
        u64::try_from(left_s).unwrap_or(0),
    );
}

fn web(page: &mut Page, sources: &Sources) {
    let stats = sources.web.stats();
    page.counter(
        "guest_tokens_issued_total",
        "Tokens given to guests.",
        stats.tokens_issued,
    );
    page.counter(
        "requests_limited_total",
        "Requests refused because their source asked too often.",
        stats.rate_limited,
    );
    page.counter(
        "tokens_refused_total",
        "API requests with a missing or wrong token.",
        stats.tokens_refused,
    );
    page.counter("sign_ins_total", "People who signed in.", stats.sign_ins);
    page.counter(
        "sign_ins_refused_total",
        "Sign-ins with a wrong name or password.",
        stats.sign_ins_refused,
    );
    page.counter(
        "provider_sign_ins_refused_total",
        "Sign-ins at the identity provider that came to nothing.",
        stats.provider_sign_ins_refused,
    );
    page.counter(
        "chat_messages_total",
        "Chat messages taken over the API.",
        stats.chat_messages,
    );
    page.gauge("event_streams", "Event streams open now.", stats.streams);
    page.counter(
        "event_streams_opened_total",
        "Event streams opened.",
        stats.streams_opened,
    );
    page.counter(
        "event_streams_slow_total",
        "Event streams closed because their reader was slow.",
        stats.slow_streams,
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    const OWN: &str = include_str!("metrics.rs");

    /// Names as they stand in the code above: the first text of each metric.
    fn real() -> BTreeSet<String> {
        let calls = OWN
            .split("page.")
            .skip(1)
            .filter(|call| call.starts_with("counter(") || call.starts_with("gauge("));
        let named = calls.filter_map(|call| call.split('"').nth(1));
        let mut names: BTreeSet<String> = named.map(|name| format!("tertulia_{name}")).collect();
        names.insert("tertulia_build_info".to_owned());
        names
    }

    fn used(text: &str) -> BTreeSet<String> {
        let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
        text.match_indices("tertulia_")
            .map(|(at, _)| text[at..].chars().take_while(|c| is_part(*c)).collect())
            .collect()
    }

    #[test]
    fn alerts_and_dashboard_use_metrics_that_exist() {
        let real = real();
        assert!(real.len() > 40, "{real:?}");
        for text in [
            include_str!("../../../packaging/monitoring/alerts.yaml"),
            include_str!("../../../packaging/monitoring/alerts.test.yaml"),
            include_str!("../../../packaging/monitoring/dashboard.json"),
        ] {
            let used = used(text);
            assert!(!used.is_empty());
            let invented: Vec<_> = used.difference(&real).collect();
            assert!(invented.is_empty(), "{invented:?}");
        }
    }

    #[test]
    fn the_operators_page_names_metrics_that_exist() {
        let text = include_str!("../../../docs/operations.md");
        let named = used(text)
            .into_iter()
            .filter(|name| name.ends_with("_total") || name.ends_with("_seconds"));
        let real = real();
        let invented: Vec<_> = named.filter(|name| !real.contains(name)).collect();
        assert!(invented.is_empty(), "{invented:?}");
    }
}

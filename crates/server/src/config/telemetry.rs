use super::{Secret, section};

section! {
    /// Traces for an OpenTelemetry collector: how long joins, negotiations and requests take. They name rooms and
    /// participants by ids of the running server, and hold no names and no addresses.
    pub struct Telemetry {
        /// A collector that takes OTLP over HTTP, for instance `http://127.0.0.1:4318`; `/v1/traces` is added to it. Empty:
        /// nothing is traced and nothing sent.
        otlp_endpoint: String = String::new(),
        /// What is sent to the collector as `Authorization`, such as `Bearer …`; empty for nothing.
        otlp_authorization: Secret = Secret::default(),
        /// The name this server has at the collector.
        service_name: String = "tertulia".to_owned(),
        /// How many of a hundred traces are sent.
        sample_percent: u32 = 100,
    }
}

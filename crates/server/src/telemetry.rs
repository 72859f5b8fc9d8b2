//! Traces: spans of joins, negotiations and HTTP requests, sent to an OpenTelemetry collector where one is named.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use axum::extract::{MatchedPath, Request};
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tertulia_engine::TRACED;
use tracing::field::Empty;
use tracing::level_filters::LevelFilter;
use tracing::{Instrument as _, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::registry::LookupSpan;

use crate::config::Telemetry;

/// How long a collector may take to answer, and the end of the server to hand over the last spans.
const PATIENCE: Duration = Duration::from_secs(3);

/// The way to the collector.
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Prepares it; `None` where no collector is named. Nothing is asked of it yet.
    ///
    /// # Errors
    /// When a value of the configuration makes no sense.
    pub fn prepare(config: &Telemetry) -> Result<Option<Self>> {
        let base = config.otlp_endpoint.trim_end_matches('/');
        if base.is_empty() {
            return Ok(None);
        }
        ensure!(
            config.sample_percent <= 100,
            "telemetry.sample_percent is more than 100"
        );
        let authorization = match config.otlp_authorization.expose() {
            "" => HashMap::new(),
            value => HashMap::from([(AUTHORIZATION.to_string(), value.to_owned())]),
        };
        let exporter = SpanExporter::builder()
            .with_http()
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{base}/v1/traces"))
            .with_timeout(PATIENCE)
            .with_headers(authorization)
            .build()
            .with_context(|| format!("telemetry.otlp_endpoint: `{base}` is no place of a collector"))?;
        let resource = Resource::builder_empty()
            .with_service_name(config.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let share = f64::from(config.sample_percent) / 100.0;
        let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(share)));
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(sampler)
            .with_resource(resource)
            .build();
        Ok(Some(Self(provider)))
    }

    /// What takes the spans, and nothing else of what the log is told.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer("tertulia"))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_level(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(TRACED, LevelFilter::INFO))
    }

    /// Hands over what is left, off any runtime.
    pub fn finish(self) {
        if let Err(error) = self.0.shutdown_with_timeout(PATIENCE) {
            tracing::warn!(%error, "the last traces did not reach the collector");
        }
    }
}

/// Has each request stand in a span, until its answer begins. Paths are named by their pattern: what people call a room
/// is part of the path itself.
pub async fn request(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("the web app", MatchedPath::as_str);
    let span = tracing::info_span!(
        target: TRACED,
        "request",
        otel.name = format!("{} {route}", request.method()),
        otel.kind = "server",
        http.request.method = request.method().as_str(),
        http.route = route,
        http.response.status_code = Empty,
        error = Empty,
    );
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status();
    span.record("http.response.status_code", status.as_u16());
    if status.is_server_error() {
        span.record("error", true);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_traced_unless_a_collector_is_named() {
        assert!(Traces::prepare(&Telemetry::default()).unwrap().is_none());
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let named = Telemetry {
            otlp_endpoint: "http://127.0.0.1:4318".to_owned(),
            ..Telemetry::default()
        };
        let check = |config: &Telemetry, key: &str| {
            let Err(error) = Traces::prepare(config) else {
                panic!("{key} is taken");
            };
            assert!(format!("{error:#}").contains(key), "{error:#}");
        };
        check(
            &Telemetry {
                sample_percent: 101,
                ..named.clone()
            },
            "telemetry.sample_percent",
        );
        check(
            &Telemetry {
                otlp_endpoint: "not a place".to_owned(),
                ..named
            },
            "telemetry.otlp_endpoint",
        );
    }
}

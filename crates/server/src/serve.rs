//! Running: start, serve, and stop within a bound.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use tertulia_door_livekit::LiveKitDoor;
use tertulia_door_web::{Api, Shelf};
use tertulia_door_xmpp::XmppDoor;
use tertulia_engine::Engine;
use tertulia_store::{Blobs, Store};
use tertulia_trust::JoinTokens;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::admin::{self, Admin};
use crate::cli::ServerArgs;
use crate::config::{Config, TlsMode};
use crate::http::{Connections, ListenerLimits, Readiness, Site, TrustedProxies, WebApp};
use crate::logging::{self, Level};
use crate::telemetry::Traces;
use crate::tls::Tls;
use crate::{addresses, branding, data, http, keeper, limits, metrics, origins, reach, trusted, wiring};

/// Runs the server until a signal ends it.
///
/// # Errors
/// When something it needs cannot be had; the message says what.
pub fn run(args: &ServerArgs, config: &Config) -> Result<()> {
    let traces = Traces::prepare(&config.telemetry)?;
    let level = logging::start(&config.log, traces.as_ref())?;
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    let served = runtime.block_on(serve(args, config, level));
    // Files that are still being compressed are no reason to wait.
    runtime.shutdown_background();
    if let Some(traces) = traces {
        traces.finish();
    }
    served
}

async fn serve(args: &ServerArgs, config: &Config, level: Level) -> Result<()> {
    let mut signals = Signals::listen()?;
    limits::raise_open_files();
    let directory = data::directory(config);
    data::prepare(&directory)?;
    let keys = data::api_keys(config, &directory, args.dev)?;
    let advertised = addresses::advertised(&config.media, args.dev)?;
    for address in &advertised {
        tracing::info!(public = %address.public, local = %address.local, "media address told to clients");
    }

    let proxies = TrustedProxies::parse(&config.http.trusted_proxies)?;
    let tls = Tls::prepare(config, &directory, &addresses::names(&advertised))?;
    let listener = http::bind(config.http.listen)
        .with_context(|| format!("cannot listen on {} (http.listen)", config.http.listen))?;
    let secure_listener = match &tls {
        Some(_) => Some(
            http::bind(config.tls.listen)
                .with_context(|| format!("cannot listen on {} (tls.listen)", config.tls.listen))?,
        ),
        None => None,
    };
    let turn_urls = tls
        .as_ref()
        .map_or_else(Vec::new, |(tls, _)| wiring::turn_urls(config, tls));
    let reach = reach::reach(config, turn_urls)?;
    let store = Store::open(&wiring::place(config, &directory))
        .await
        .context("cannot open the store (store.url, data_dir)")?;
    let blobs = Blobs::open(&directory).context("cannot open the folder of files in the data directory")?;
    let (keeper, keeping) = keeper::start(store.clone(), blobs.clone(), wiring::keeping(config));
    let engine = Engine::start_kept(wiring::engine(config, advertised, reach), keeper)?;
    let livekit_keys = wiring::webhook_keys(config, &keys)?;
    let livekit = LiveKitDoor::start(engine.clone(), livekit_keys, wiring::livekit(config))?;
    let shelf = Shelf {
        store: store.clone(),
        blobs,
    };
    let keys = Arc::new(keys);
    let trusted = trusted::all(config)?;
    let tokens = JoinTokens::new(keys.clone(), trusted.applications.clone());
    let videos_from = origins::read("rooms.video_origins", &config.rooms.video_origins)?;
    let settings = wiring::web(config, videos_from.clone());
    let web = Api::kept(engine.clone(), keys.clone(), settings, shelf, trusted);

    let (stop, stopped) = watch::channel(false);
    let connections = Connections::default();
    let readiness = Readiness::default();
    let web_app = WebApp::embedded(&videos_from);
    branding::put_on(config, &web_app)?;

    let xmpp = wiring::xmpp(config).map(|door| XmppDoor::kept(engine.clone(), tokens, door, store.clone()));
    let mut doors =
        tertulia_door_livekit::router(livekit.clone()).merge(tertulia_door_web::router(web.clone()));
    if let Some(xmpp) = &xmpp {
        doors = doors.merge(tertulia_door_xmpp::router(xmpp.clone()));
    }
    let meet = wiring::meet(config, xmpp.as_ref())?;
    let arrival = http::Arrival::new(proxies.clone(), config.tls.hsts_s);
    let branded = tokio::spawn(branding::follow(args.clone(), web_app.clone(), stopped.clone()));
    let router = http::router(doors, web_app, meet, readiness.clone(), arrival);
    let plain = Site {
        router,
        limits: ListenerLimits {
            connections: config.http.connections,
            per_address: config.http.connections_per_address,
            exempt: proxies,
        },
        tls: None,
        proxy_protocol: config.http.proxy_protocol,
        relay: None,
    };
    let serve =
        |listener, site| tokio::spawn(http::serve(listener, site, connections.clone(), stopped.clone()));
    let mut tasks = vec![branded];
    let mut stats = None;
    match (tls, secure_listener) {
        (Some((tls, keeper)), Some(secure_listener)) => {
            stats = Some(tls.clone());
            tasks.extend(tls.keep(keeper, stopped.clone()));
            let leading = config.tls.redirect.then(|| Site {
                router: http::redirect(tls.clone(), wiring::https_port(config), readiness.clone()),
                ..plain.clone()
            });
            tasks.push(serve(listener, leading.unwrap_or_else(|| plain.clone())));
            tasks.push(serve(
                secure_listener,
                wiring::secure(plain, tls, &engine, config),
            ));
        }
        _ => tasks.push(serve(listener, plain)),
    }
    let sources = metrics::Sources {
        engine: engine.clone(),
        livekit: livekit.clone(),
        xmpp: xmpp.clone(),
        web,
        connections: connections.clone(),
        tls: stats,
    };
    let admin = Admin {
        engine: engine.clone(),
        keys,
        level,
    };
    let mut private = metrics::router(sources).merge(admin::router(admin));
    if let Some(xmpp) = &xmpp {
        private = private.merge(tertulia_door_xmpp::private_router(xmpp.clone()));
    }
    tasks.extend(serve_privately(args, config, private, stopped)?);
    readiness.set(true);
    announce(args, config);

    signals.next().await;
    tracing::info!(
        seconds = config.server.shutdown_timeout_s,
        "stopping: telling clients"
    );
    readiness.set(false);
    let deadline = Duration::from_secs(config.server.shutdown_timeout_s);
    let stopping = async {
        engine.shutdown(deadline).await;
        livekit.closed().await;
        if let Some(xmpp) = &xmpp {
            xmpp.closed().await;
        }
        // Rooms are over, so that nothing more is to be kept.
        keeping.finish().await;
        // The listener is gone once nobody holds a receiver; new connections are refused from here on.
        stop.send_replace(true);
        connections.none_left().await;
        store.close().await;
    };
    tokio::select! {
        done = tokio::time::timeout(deadline, stopping) => match done {
            Ok(()) => tracing::info!("stopped"),
            Err(_) => tracing::warn!(left = connections.count(), "stopped with connections still open"),
        },
        () = signals.next() => tracing::warn!("stopped at once by a second signal"),
    }
    for task in tasks {
        task.abort();
    }
    Ok(())
}

/// In development a second server may run beside this one, so that a port in use is no reason to fail.
fn serve_privately(
    args: &ServerArgs,
    config: &Config,
    router: Router,
    stopped: watch::Receiver<bool>,
) -> Result<Option<JoinHandle<()>>> {
    if !config.metrics.enabled {
        return Ok(None);
    }
    let address = config.metrics.listen;
    let listener = match http::bind(address) {
        Ok(listener) => listener,
        Err(error) if args.dev => {
            tracing::warn!(%error, %address, "no metrics: cannot listen");
            return Ok(None);
        }
        Err(error) => {
            return Err(error).with_context(|| format!("cannot listen on {address} (metrics.listen)"));
        }
    };
    let site = Site {
        router,
        limits: ListenerLimits {
            connections: 64,
            per_address: 64,
            exempt: TrustedProxies::default(),
        },
        tls: None,
        proxy_protocol: false,
        relay: None,
    };
    let connections = Connections::default();
    Ok(Some(tokio::spawn(http::serve(
        listener,
        site,
        connections,
        stopped,
    ))))
}

#[expect(
    clippy::print_stdout,
    reason = "the line somebody who started the server by hand looks for"
)]
fn announce(args: &ServerArgs, config: &Config) {
    let tls = &config.tls;
    let (scheme, listen) = match tls.mode {
        TlsMode::Off => ("http", config.http.listen),
        _ => ("https", tls.listen),
    };
    let host = match (tls.names.first(), listen.ip()) {
        (Some(name), _) if tls.mode != TlsMode::Off => name.clone(),
        (_, ip) if ip.is_unspecified() => "localhost".to_owned(),
        (_, IpAddr::V6(v6)) => format!("[{v6}]"),
        (_, ip) => ip.to_string(),
    };
    let url = match (scheme, listen.port()) {
        ("https", 443) | ("http", 80) => format!("{scheme}://{host}"),
        (_, port) => format!("{scheme}://{host}:{port}"),
    };
    tracing::info!(%listen, version = env!("CARGO_PKG_VERSION"), dev = args.dev, "ready");
    println!(
        "{} {} is ready: {url}",
        config.server.name,
        env!("CARGO_PKG_VERSION")
    );
    if tls.mode == TlsMode::SelfSigned {
        println!(
            "On trial: nobody but this server vouches for its certificate, so browsers warn. For real meetings get a \
             domain name and set tls.mode = \"acme\"."
        );
    }
    if args.dev {
        println!("Development mode: anybody may sign tokens with API key `devkey` and secret `secret`.");
    }
}

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// Held so that SIGHUP, which has certificates and the branding looked at, does not end a server before it listens for it.
    _hangup: Signal,
}

impl Signals {
    fn listen() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            interrupt: listen(SignalKind::interrupt())?,
            _hangup: listen(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

//! From the configuration to what the engine and the doors are given.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Extension;
use tertulia_auth::ApiKeys;
use tertulia_door_livekit::DoorConfig;
use tertulia_door_web::{ApiSettings, FileSettings, PeopleSettings};
use tertulia_door_xmpp::XmppDoor;
use tertulia_engine::RateLimit;
use tertulia_engine::{AdvertisedAddress, Engine, EngineConfig, Reach, TurnStreams};
use tertulia_model::Bitrate;
use tertulia_people::{HashCost, SessionLife, guests_may_moderate};
use tertulia_room::{RoomRules, RoomSettings};
use tertulia_store::{Place, Retention};

use crate::config::{Config, Rooms};
use crate::http::{self, Meet, Relay, Secured, Site};
use crate::keeper::KeepSettings;
use crate::tls::{self, Tls};

/// A UTF-8 character has at most this many bytes.
const BYTES_A_CHAR: usize = 4;

/// What the engine is started with.
pub fn engine(config: &Config, advertised: Vec<AdvertisedAddress>, reach: Reach) -> EngineConfig {
    let media = &config.media;
    EngineConfig {
        workers: workers(config),
        bind: media.bind,
        udp_port: media.udp_port,
        tcp_port: (media.tcp_port != 0).then_some(media.tcp_port),
        reach,
        advertised,
        room_defaults: rooms(&config.rooms),
        initial_bitrate: Bitrate::from_bps(media.initial_bitrate_bps),
        media_timeout: Duration::from_secs(media.media_timeout_s),
        connect_timeout: Duration::from_secs(media.connect_timeout_s),
        spread: tertulia_engine::Spread::default(),
    }
}

/// How many media workers there are.
pub fn workers(config: &Config) -> usize {
    match config.media.workers {
        0 => std::thread::available_parallelism()
            .map_or(1, usize::from)
            .min(64),
        listed => listed,
    }
}

/// What a room is opened with that nobody configured otherwise.
pub fn rooms(rooms: &Rooms) -> RoomSettings {
    RoomSettings {
        max_participants: (rooms.max_participants != 0).then_some(rooms.max_participants),
        ceiling: (rooms.max_participants != 0).then_some(rooms.max_participants),
        empty_timeout: Duration::from_secs(rooms.empty_timeout_s),
        departure_timeout: Duration::from_secs(rooms.departure_timeout_s),
        metadata: String::new(),
        chat_history: rooms.chat_history,
        chat_text_bytes: rooms.chat_text_chars.saturating_mul(BYTES_A_CHAR),
        rules: RoomRules {
            guests_moderate: guests_may_moderate(rooms.policy.into(), false),
            ..RoomRules::default()
        },
    }
}

/// Where the store is.
pub fn place(config: &Config, directory: &Path) -> Place {
    match config.store.url.expose() {
        "" => Place::Directory(directory.to_owned()),
        url => Place::Url(url.to_owned()),
    }
}

/// What is kept how long.
pub fn keeping(config: &Config) -> KeepSettings {
    KeepSettings {
        history: config.rooms.chat_history,
        retention: match config.rooms.chat_retention_s {
            0 => Retention::WhileOpen,
            seconds => Retention::Seconds(seconds),
        },
        sessions: sessions(config),
    }
}

fn sessions(config: &Config) -> SessionLife {
    SessionLife {
        idle: Duration::from_secs(config.accounts.idle_s),
        longest: Duration::from_secs(config.accounts.longest_s),
    }
}

/// What the listener for HTTPS serves.
pub fn secure(plain: Site, tls: Tls, engine: &Engine, config: &Config) -> Site {
    let hsts_s = config.tls.hsts_s;
    let router = plain.router.layer(Extension(http::Encrypted));
    let router = if hsts_s == 0 || tls.self_signed {
        router
    } else {
        http::ask_for_https(router, hsts_s)
    };
    Site {
        router,
        tls: Some(tls),
        relay: engine.turn_streams().map(relay),
        ..plain
    }
}

fn relay(streams: TurnStreams) -> Relay {
    Relay::new(move |stream: Secured, peer, local| {
        let streams = streams.clone();
        async move { streams.serve(stream, peer, local).await }
    })
}

/// The port at which people reach us over HTTPS.
pub fn https_port(config: &Config) -> u16 {
    match config.tls.public_port {
        0 => config.tls.listen.port(),
        told => told,
    }
}

/// At which addresses TURN is reached inside TLS. Nobody is told of a certificate that clients do not take.
pub fn turn_urls(config: &Config, tls: &Tls) -> Vec<String> {
    if tls.self_signed {
        return Vec::new();
    }
    let listed = tls::names(&config.tls).unwrap_or_default();
    let certified = || {
        tls.current
            .get()
            .map_or_else(Vec::new, |own| own.facts().names.clone())
    };
    let names = if listed.is_empty() { certified() } else { listed };
    let usable = |name: &&String| !name.contains(['*', ':']);
    let name = names.iter().find(usable);
    name.map(|name| format!("turns:{name}:{}?transport=tcp", https_port(config)))
        .into_iter()
        .collect()
}

/// What the web door is started with; `video_origins` as browsers write them.
pub fn web(config: &Config, video_origins: Vec<String>) -> ApiSettings {
    let limits = &config.limits;
    let rate = |burst, per_minute| RateLimit { burst, per_minute };
    ApiSettings {
        server_name: config.server.name.clone(),
        open: config.rooms.open,
        guest_token: Duration::from_secs(config.rooms.guest_token_s),
        chat_text_chars: config.rooms.chat_text_chars,
        files: FileSettings {
            max_bytes: config.files.max_bytes,
            room_bytes: config.files.room_bytes,
            total_bytes: config.files.total_bytes,
            keep: Duration::from_secs(config.files.keep_s),
            types: config.files.types.clone(),
        },
        video_origins,
        people: PeopleSettings {
            policy: config.rooms.policy.into(),
            sign_up: config.accounts.sign_up,
            sessions: sessions(config),
            hash_cost: HashCost::default(),
        },
        joins: rate(limits.joins_burst, limits.joins_per_minute),
        lookups: rate(limits.lookups_burst, limits.lookups_per_minute),
        chat: rate(limits.chat_burst, limits.chat_per_minute),
        reactions: rate(limits.reactions_burst, limits.reactions_per_minute),
    }
}

/// What the LiveKit door is started with.
pub fn livekit(config: &Config) -> DoorConfig {
    DoorConfig {
        create_rooms: config.livekit.create_rooms,
        webhook_urls: config.webhooks.urls.clone(),
        resume_window: Duration::from_secs(config.livekit.resume_window_s),
        signals_per_second: config.livekit.signals_per_second,
        ..DoorConfig::default()
    }
}

/// What the XMPP door is started with; `None` where it stays closed.
pub fn xmpp(config: &Config) -> Option<tertulia_door_xmpp::DoorConfig> {
    let xmpp = &config.xmpp;
    xmpp.enabled.then(|| tertulia_door_xmpp::DoorConfig {
        domain: xmpp.domain.to_lowercase(),
        guests: config.rooms.open,
        policy: config.rooms.policy.into(),
        resume_window: Duration::from_secs(xmpp.resume_window_s),
        stanzas_per_second: xmpp.stanzas_per_second,
        secure: config.tls.mode != crate::config::TlsMode::Off,
        joins: RateLimit {
            burst: config.limits.joins_burst,
            per_minute: config.limits.joins_per_minute,
        },
        streams: xmpp.streams,
    })
}

/// Jitsi Meet's web app, where there is a build of it to be shown.
///
/// # Errors
/// When there is none in the directory, or Jitsi clients are not let in.
pub fn meet(config: &Config, door: Option<&XmppDoor>) -> Result<Option<Meet>> {
    let Some(directory) = &config.xmpp.meet_dir else {
        return Ok(None);
    };
    let door = door.context("xmpp.meet_dir needs xmpp.enabled")?.clone();
    let configuration =
        move |tenant: &str, headers: &_| tertulia_door_xmpp::client_config(&door, tenant, headers);
    Meet::open(directory, configuration).map(Some)
}

/// The keys with the one in front that webhooks are signed with.
///
/// # Errors
/// When the configuration names a key that does not exist.
pub fn webhook_keys(config: &Config, keys: &ApiKeys) -> Result<ApiKeys> {
    match config.webhooks.api_key.as_str() {
        "" => Ok(keys.clone()),
        id => keys
            .with_first(id)
            .with_context(|| format!("webhooks.api_key: there is no API key `{id}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::testing;

    #[test]
    fn relay_clients_are_told_the_name_and_port_that_browsers_use() {
        let mut config = Config::default();
        let tls = testing::tls(&["192.0.2.7", "meet.example.org"]);
        config.tls.names = vec!["Meet.example.org".to_owned()];
        assert_eq!(
            turn_urls(&config, &tls),
            ["turns:meet.example.org:443?transport=tcp"]
        );
        config.tls.public_port = 8443;
        config.tls.names.clear();
        assert_eq!(turn_urls(&config, &tls), ["turns:192.0.2.7:8443?transport=tcp"]);
        let wild = testing::tls(&["*.example.org"]);
        assert!(turn_urls(&config, &wild).is_empty());
        let mut trial = tls;
        trial.self_signed = true;
        assert!(turn_urls(&config, &trial).is_empty());
    }
}

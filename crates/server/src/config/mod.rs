//! What the operator decides: one TOML file, every key with a default, and the environment on top.

mod accounts;
mod branding;
mod load;
mod reference;
mod section;
mod telemetry;
mod tls;
mod turn;
mod xmpp;

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use serde::Deserialize;

pub use accounts::{Accounts, Jwt, Oidc, Policy};
pub use branding::{Branding, Colours, Link, Text};
pub use load::load;
pub use reference::reference;
use section::section;
pub use telemetry::Telemetry;
pub use tls::{Acme, Tls, TlsMode};
pub use turn::Turn;
pub use xmpp::Xmpp;

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// Gives the text to code that needs it; never to a formatter of logs.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// The whole configuration.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where the server keeps what must outlive a restart.
    pub data_dir: Option<PathBuf>,
    /// API keys.
    pub keys: BTreeMap<String, Secret>,
    /// See [`Server`].
    pub server: Server,
    /// See [`Branding`].
    pub branding: Branding,
    /// See [`Store`].
    pub store: Store,
    /// See [`Http`].
    pub http: Http,
    /// See [`Tls`].
    pub tls: Tls,
    /// See [`Acme`].
    pub acme: Acme,
    /// See [`Media`].
    pub media: Media,
    /// See [`Turn`].
    pub turn: Turn,
    /// See [`Rooms`].
    pub rooms: Rooms,
    /// See [`Accounts`].
    pub accounts: Accounts,
    /// See [`Oidc`].
    pub oidc: Oidc,
    /// See [`Jwt`].
    pub jwt: Jwt,
    /// See [`Files`].
    pub files: Files,
    /// See [`Limits`].
    pub limits: Limits,
    /// See [`Livekit`].
    pub livekit: Livekit,
    /// See [`Xmpp`].
    pub xmpp: Xmpp,
    /// See [`Webhooks`].
    pub webhooks: Webhooks,
    /// See [`Metrics`].
    pub metrics: Metrics,
    /// See [`Telemetry`].
    pub telemetry: Telemetry,
    /// See [`Log`].
    pub log: Log,
}

section! {
    /// Settings that stand at the top of the file, before any table.
    pub struct Top {
        /// Where the server keeps what must outlive a restart: its API key pair and its database. Created with access for
        /// its owner only. `TERTULIA_DATA_DIR` goes before it. Without both it is `$XDG_DATA_HOME/tertulia` where
        /// that variable is set, else `data` in the working directory.
        data_dir: Option<PathBuf> = None,
        /// API keys, each an id and its secret: `[keys]`, then a line `id = "secret"` for each. They sign tokens for
        /// clients and server SDKs; the first in alphabetical order signs the server's own. Secrets have at least
        /// 32 bytes. Without any the server generates a pair and keeps it in the data directory.
        keys: BTreeMap<String, Secret> = BTreeMap::new(),
    }
}

section! {
    /// The server as a whole.
    pub struct Server {
        /// The name people see.
        name: String = "Tertulia".to_owned(),
        /// How long a shutdown waits, in seconds, until clients have been told and their connections are closed.
        shutdown_timeout_s: u64 = 10,
    }
}

section! {
    /// What outlives a restart: chat, the audit log, accounts.
    pub struct Store {
        /// A PostgreSQL database, as `postgres://user:password@host/database`. Empty: the file `tertulia.sqlite3` in the
        /// data directory.
        url: Secret = Secret::default(),
    }
}

section! {
    /// HTTP: the web app, the API and the clients' signalling.
    pub struct Http {
        /// Where to listen. `[::]` takes IPv4 as well. Where `[tls]` is on, people come to `tls.listen` and this is
        /// the place that leads them there: `[::]:80`.
        listen: SocketAddr = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 7880)),
        /// Addresses of reverse proxies that are believed about who asks (`X-Forwarded-For`) and whether they came over
        /// HTTPS (`X-Forwarded-Proto`), or without those headers in `Forwarded`; single ones or networks such as
        /// `10.0.0.0/8`. From anybody else the headers are ignored.
        trusted_proxies: Vec<String> = Vec::new(),
        /// Whether trusted proxies say who comes in a PROXY protocol header (version 1 or 2) before anything else,
        /// as balancers of TCP connections do. Then they all must; others are served as they are.
        proxy_protocol: bool = false,
        /// Connections held at once; more are closed as they come.
        connections: usize = 10_000,
        /// Connections one address (for IPv6 one network of 64 bits) may hold at once. Not applied to trusted proxies.
        connections_per_address: usize = 512,
    }
}

section! {
    /// Media: the sockets that carry sound and picture.
    pub struct Media {
        /// Address the media sockets are bound to.
        bind: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        /// First UDP port; each worker takes one, counting up, unless they share one.
        udp_port: u16 = 7882,
        /// Whether all workers share the one UDP port, so that no more than it need be open. Packets that reach another
        /// worker than theirs are handed over.
        single_port: bool = false,
        /// Port for clients that cannot use UDP (ICE over TCP); 0 turns it off.
        tcp_port: u16 = 7881,
        /// Number of media workers, each a thread; 0 for one a processor.
        workers: usize = 0,
        /// Addresses clients are told, for instance `["203.0.113.7"]`, or behind address translation
        /// `["203.0.113.7/10.0.0.5"]`: public address, slash, local address. Where the translation changes the UDP
        /// port too, `["203.0.113.7:10000/10.0.0.5"]` tells the first worker's, the others' counting up
        /// from there unless all share one.
        /// Empty for all addresses of this machine except loopback and link-local ones.
        advertised: Vec<String> = Vec::new(),
        /// TCP port clients are told where a translation or a proxy changes it; 0 for `tcp_port`.
        advertised_tcp_port: u16 = 0,
        /// A STUN server, for instance `stun.example.org:3478`, that is asked at the start under which public address it
        /// sees this machine. What it answers is told to clients beside the machine's own addresses, so that people
        /// outside and inside the network reach it. Not used where `advertised` is set; empty asks nobody.
        discover: String = String::new(),
        /// Bitrate assumed towards a new subscriber until measured, in bits per second.
        initial_bitrate_bps: u64 = 2_500_000,
        /// How long a participant's media may be gone, in seconds, before the participant is.
        media_timeout_s: u64 = 15,
        /// How long a participant may take to connect media, in seconds.
        connect_timeout_s: u64 = 30,
    }
}

section! {
    /// Rooms nobody configured otherwise.
    pub struct Rooms {
        /// Whether the web app gives tokens at all. Without it people come in with tokens of your own application alone.
        open: bool = true,
        /// Who opens rooms that nobody owns. `open`: anybody, and whoever comes first moderates. `sign-in-to-create`: those
        /// with an account; others wait until one of them is there. `invite-only`: those with an account, and others come
        /// in with an invitation alone.
        policy: Policy = Policy::Open,
        /// How long a guest's token is valid, in seconds. It is renewed during a call.
        guest_token_s: u64 = 21_600,
        /// Greatest number of participants; 0 for no limit.
        max_participants: usize = 0,
        /// How long a room that nobody joined stays, in seconds.
        empty_timeout_s: u64 = 300,
        /// How long a room stays after the last participant left, in seconds.
        departure_timeout_s: u64 = 20,
        /// Chat messages a room holds in memory for those who come late; older ones are read from the database.
        chat_history: usize = 1_000,
        /// How long chat messages are kept after they were written, polls and the whiteboard after they were changed
        /// last, in seconds. 0 keeps them as long as the room is open, a day at most: they survive a restart of the server, and go when the last participant has left. The owner of a room may decide otherwise for it.
        chat_retention_s: u32 = 0,
        /// Origins of which people may watch videos together by their link, for instance `["https://media.example.org"]`; the link
        /// must lead to a file that browsers play. Everybody in the room asks there, so whoever runs that place learns who watches
        /// what. Empty: no videos are shared by link, and nobody's browser asks anywhere but here.
        video_origins: Vec<String> = Vec::new(),
        /// Longest chat message, in characters.
        chat_text_chars: usize = 4_000,
    }
}

section! {
    /// Files people share in the chat of a room.
    pub struct Files {
        /// Largest file, in bytes; 0 turns files off.
        max_bytes: u64 = 104_857_600,
        /// All files of one room together, in bytes.
        room_bytes: u64 = 1_073_741_824,
        /// All files together, in bytes.
        total_bytes: u64 = 10_737_418_240,
        /// How long a file is kept, in seconds. Where chat goes with the room, its files go too.
        keep_s: u64 = 86_400,
        /// Media types that may be shared, such as `["image/*", "application/pdf"]`, judged by the content. Office
        /// documents are `application/zip`. Empty: everything except programs.
        types: Vec<String> = Vec::new(),
    }
}

section! {
    /// How often one source may ask. A source is an IPv4 address, an IPv6 network of 64 bits, or for chat and
    /// reactions a participant. A burst is how many at once, the rate is how many in the long run.
    pub struct Limits {
        /// Tokens for guests, at once.
        joins_burst: u32 = 120,
        /// Tokens for guests, a minute.
        joins_per_minute: u32 = 240,
        /// Rooms looked up, at once.
        lookups_burst: u32 = 240,
        /// Rooms looked up, a minute.
        lookups_per_minute: u32 = 600,
        /// Chat messages, at once.
        chat_burst: u32 = 10,
        /// Chat messages, a minute.
        chat_per_minute: u32 = 60,
        /// Hands and reactions, at once.
        reactions_burst: u32 = 10,
        /// Hands and reactions, a minute.
        reactions_per_minute: u32 = 120,
    }
}

section! {
    /// Clients that speak the LiveKit protocol, the web app included.
    pub struct Livekit {
        /// Whether a token for a room that is not open opens it.
        create_rooms: bool = true,
        /// How long a participant whose signalling broke may come back to the same stay, in seconds.
        resume_window_s: u64 = 20,
        /// Signalling messages a client may send a second, after a burst of five times as many.
        signals_per_second: u32 = 100,
        /// STUN and TURN servers told to clients beside those of `[turn]`, as URLs without credentials.
        ice_servers: Vec<String> = Vec::new(),
    }
}

section! {
    /// Webhooks: signed messages to your own services about rooms, participants and tracks.
    pub struct Webhooks {
        /// Where they go. Empty: none are sent.
        urls: Vec<String> = Vec::new(),
        /// Id of the API key they are signed with; empty for the one that signs the server's own tokens.
        api_key: String = String::new(),
    }
}

section! {
    /// Prometheus metrics, on a listener of their own.
    pub struct Metrics {
        /// Whether there are any.
        enabled: bool = true,
        /// Where to listen. Keep it from the outside: metrics tell how much this server is used.
        listen: SocketAddr = SocketAddr::from((Ipv4Addr::LOCALHOST, 7889)),
    }
}

section! {
    /// The log, on the standard error output.
    pub struct Log {
        /// `error`, `warn`, `info`, `debug` or `trace`, for Tertulia's own code; or a list of directives such as
        /// `warn,tertulia=info,tertulia_engine=debug`. At `info` there are no addresses of clients, no names and no
        /// tokens.
        level: String = "info".to_owned(),
        /// `pretty` for people or `json` for machines.
        format: String = "pretty".to_owned(),
    }
}

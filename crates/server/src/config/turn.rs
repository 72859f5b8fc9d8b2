use super::{Secret, section};

section! {
    /// STUN and TURN: relays for people whose network lets neither UDP nor this server's own TCP port through. The
    /// server inside answers on the media ports; participants are given credentials that end with their stay.
    pub struct Turn {
        /// Whether the server inside is run.
        enabled: bool = true,
        /// Name of this server told to clients for TURN, for instance `meet.example.org`; empty tells them the addresses
        /// of `media.advertised`.
        host: String = String::new(),
        /// A UDP port for STUN and TURN alone, for networks that let little through: 3478 is the standard's, and 443 is
        /// often open. 0 for none: the media port answers too, but clients that can reach it need no relay, and are not
        /// told of it.
        udp_port: u16 = 0,
        /// What credentials are signed with, at least 16 bytes; empty makes one at each start. Set it to share it with
        /// other servers.
        secret: Secret = Secret::from(String::new()),
        /// How long a credential may open relays, in seconds. It ends with the participant's stay in any case.
        credential_lifetime_s: u64 = 86_400,
        /// Networks that relays may reach beside this server's own media, for instance `["10.20.0.0/16"]`. Leave it
        /// empty unless somebody needs a general TURN server: whoever is in a meeting can reach what stands here.
        peer_networks: Vec<String> = Vec::new(),
        /// Whether relays may reach every public address.
        public_peers: bool = false,
        /// UDP ports for relays, first and last. They are opened only where relays reach more than this server's media.
        relay_ports: String = "49152-65535".to_owned(),
        /// An external TURN server told to clients instead or besides, as URLs such as
        /// `["turn:turn.example.org:3478?transport=udp", "turns:turn.example.org:5349?transport=tcp"]`.
        external_urls: Vec<String> = Vec::new(),
        /// The secret the external server shares with this one (coturn: `use-auth-secret` and `static-auth-secret`);
        /// empty where it needs no credentials.
        external_secret: Secret = Secret::from(String::new()),
    }
}

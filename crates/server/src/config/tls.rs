use std::net::{Ipv6Addr, SocketAddr};

use serde::Deserialize;

use super::section::{Value, section};

/// Where the certificate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TlsMode {
    /// There is none.
    Off,
    /// From files somebody else renews.
    Files,
    /// From a certificate authority, over ACME.
    Acme,
    /// From this server itself.
    SelfSigned,
}

impl Value for TlsMode {
    const KIND: &'static str = "text";

    fn shown(&self) -> Option<String> {
        let word = match self {
            Self::Off => "off",
            Self::Files => "files",
            Self::Acme => "acme",
            Self::SelfSigned => "self-signed",
        };
        Some(format!("{word:?}"))
    }
}

section! {
    /// HTTPS by this server itself, with HTTP/2. Needed unless a reverse proxy does it: browsers give cameras and
    /// microphones only to pages from `localhost` or over HTTPS.
    pub struct Tls {
        /// Where the certificate comes from. `off`: there is none; put a reverse proxy in front, or use the server
        /// from this machine only. `files`: from `certificate` and `key`, which somebody else renews. `acme`: from
        /// Let's Encrypt or whom `[acme]` names, asked for and renewed by the server. `self-signed`: made by the
        /// server for trials on a local network; browsers warn about it.
        mode: TlsMode = TlsMode::Off,
        /// Where to listen for HTTPS. `[::]` takes IPv4 as well.
        listen: SocketAddr = SocketAddr::from((Ipv6Addr::UNSPECIFIED, 443)),
        /// Port at which people reach `listen`, where something in front translates it; 0 where it is the same. Redirects
        /// and relay addresses name it.
        public_port: u16 = 0,
        /// With `files`: the certificate and its chain, as PEM, the server's own first (`fullchain.pem`). A changed
        /// file is taken up within half a minute, and at once on SIGHUP; one that is no good is not, and the log says why.
        certificate: String = String::new(),
        /// With `files`: the certificate's private key, as PEM.
        key: String = String::new(),
        /// With `acme`: the names to get a certificate for, each of which must lead to this server. With
        /// `self-signed`: names and addresses beside those of this machine.
        names: Vec<String> = Vec::new(),
        /// Whether `http.listen` only leads to HTTPS. It goes on answering `/healthz`, `/readyz` and the questions of
        /// a certificate authority.
        redirect: bool = true,
        /// How long, in seconds, browsers are to use nothing but HTTPS for this server's name (HSTS); 0 to ask
        /// nothing of them. Not asked for with `self-signed`; with `off` only of those who came over HTTPS by a trusted
        /// proxy.
        hsts_s: u64 = 31_536_000,
    }
}

section! {
    /// Certificates from an authority over ACME (RFC 8555). With `tls.mode = "acme"` you agree to its terms.
    pub struct Acme {
        /// The authority's directory. For trials `https://acme-staging-v02.api.letsencrypt.org/directory`.
        directory: String = "https://acme-v02.api.letsencrypt.org/directory".to_owned(),
        /// Mail address at which the authority reaches you; empty for none.
        contact: String = String::new(),
        /// How to prove that the names are ours, in the order to try: `tls-alpn-01` over port 443, `http-01` over
        /// port 80. The other one's turn comes when one has failed.
        challenges: Vec<String> = vec!["http-01".to_owned(), "tls-alpn-01".to_owned()],
        /// A file with the certificate, as PEM, that an authority of your own is trusted by; empty for those this
        /// system trusts.
        ca_root: String = String::new(),
    }
}

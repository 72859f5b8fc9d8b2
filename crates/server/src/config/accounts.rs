use serde::Deserialize;
use tertulia_people::RoomPolicy;

use super::Secret;
use super::section::{Value, section};

/// Who opens rooms that nobody owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Policy {
    /// Anybody.
    Open,
    /// Those with an account; others wait for them.
    SignInToCreate,
    /// Those with an account; others need an invitation.
    InviteOnly,
}

impl Value for Policy {
    const KIND: &'static str = "text";

    fn shown(&self) -> Option<String> {
        let word = match self {
            Self::Open => "open",
            Self::SignInToCreate => "sign-in-to-create",
            Self::InviteOnly => "invite-only",
        };
        Some(format!("{word:?}"))
    }
}

impl From<Policy> for RoomPolicy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Open => Self::Open,
            Policy::SignInToCreate => Self::SignInToCreate,
            Policy::InviteOnly => Self::InviteOnly,
        }
    }
}

section! {
    /// Accounts of people who own rooms. The first is made on the command line: `tertulia account add`.
    pub struct Accounts {
        /// Whether people can make accounts themselves.
        sign_up: bool = false,
        /// How long somebody stays signed in without coming back, in seconds.
        idle_s: u64 = 1_209_600,
        /// How long somebody stays signed in at most, in seconds.
        longest_s: u64 = 7_776_000,
    }
}

section! {
    /// A provider of identities that people sign in at, by OpenID Connect: Keycloak, Authentik, Entra ID, Google and others. There
    /// register a web client with the redirect address `PUBLIC_URL/api/v1/provider/answer`.
    pub struct Oidc {
        /// The provider, as it names itself, for instance `https://id.example.org/realms/school`. Empty: people sign in here
        /// alone.
        issuer: String = String::new(),
        /// Under which address people reach this server, for instance `https://meet.example.org`. The provider sends them back
        /// there.
        public_url: String = String::new(),
        /// The client's id at the provider.
        client_id: String = String::new(),
        /// The client's secret. Empty for a client that has none.
        client_secret: Secret = Secret::default(),
        /// What is asked for beside `openid`.
        scopes: Vec<String> = vec!["profile".to_owned(), "email".to_owned()],
        /// What stands on the button after "Sign in with".
        label: String = "OpenID Connect".to_owned(),
        /// Whether somebody who comes for the first time gets an account. Otherwise only those come in whose account was
        /// made before.
        make_accounts: bool = true,
        /// Domains of e-mail addresses, one of which somebody must have, verified by the provider. Empty: everybody the
        /// provider knows.
        domains: Vec<String> = Vec::new(),
        /// The claim that says who is an admin here, for instance `groups`, or `realm_access.roles` for one inside another. Empty:
        /// admins are made on the command line alone.
        admin_claim: String = String::new(),
        /// Values of that claim, each of which makes an admin. Who has none of them at a sign-in is none any more.
        admin_values: Vec<String> = Vec::new(),
        /// Whether signing out here leads on to signing out at the provider. Then `PUBLIC_URL/` must be registered
        /// there as an address to come back to.
        sign_out: bool = false,
    }
}

section! {
    /// An application that sends people with join tokens it signs itself, in the address of a room: `/Room?jwt=TOKEN`. Tokens in
    /// Jitsi's form (`room`, `context.user`, `moderator`, `context.features`) and in LiveKit's are taken. One of `secret`,
    /// `keys_url` and `keys_file` says what they are signed with.
    pub struct Jwt {
        /// The application, as its tokens name it (`iss`). Empty: only tokens of the server's own API keys are taken.
        issuer: String = String::new(),
        /// Whom its tokens are for (`aud`).
        audience: String = "jitsi".to_owned(),
        /// Tenants (`sub`) of which tokens in Jitsi's form must name one. Empty: any.
        tenants: Vec<String> = Vec::new(),
        /// A secret shared with the application (HS256), of at least 32 bytes.
        secret: Secret = Secret::default(),
        /// Where the application publishes its public keys as a JSON Web Key Set (RS256, ES256). They are read again every
        /// hour, and when a token names one that is not there.
        keys_url: String = String::new(),
        /// A file with its public key as PEM or its keys as a JSON Web Key Set.
        keys_file: String = String::new(),
    }
}

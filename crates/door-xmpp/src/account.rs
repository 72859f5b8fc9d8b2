//! Somebody with an account: signing in with its name and password (SASL PLAIN, RFC 4616) over encrypted connections, and
//! the session by which a client that came as a guest becomes them.

use std::sync::{Mutex, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tertulia_model::Identity;
use tertulia_people::{Account, AccountId, Guesses, HashCost, LoginName, Password, PasswordHash};

use crate::client::Client;
use crate::credential::Credential;
use crate::state::{XmppDoor, lock, unix_ms};

/// Sessions of people signed in, and how long each lasts without being used.
const SESSIONS: usize = 10_000;
const SESSION_MS: u64 = 12 * 3_600_000;

/// Why somebody is not signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SignInError {
    #[error("not a name and a password")]
    Malformed,
    #[error("no account has this name and password")]
    Wrong,
    #[error("too many attempts; wait a little")]
    TooMany,
    #[error("accounts cannot be read now")]
    Unavailable,
}

impl SignInError {
    /// By RFC 6120 §6.5.
    pub(crate) fn condition(self) -> &'static str {
        match self {
            Self::Malformed => "malformed-request",
            Self::Wrong => "not-authorized",
            Self::TooMany | Self::Unavailable => "temporary-auth-failure",
        }
    }
}

/// Who tried passwords, and who is signed in.
pub(crate) struct SignIns {
    guesses: Guesses,
    /// Of nobody's password: compared with where there is no account, so that both take the same time.
    nobody: OnceLock<PasswordHash>,
    /// Who a session is of, by its secret, the longest unused first.
    sessions: Mutex<indexmap::IndexMap<String, (AccountId, u64)>>,
}

impl SignIns {
    pub(crate) fn new() -> Self {
        Self {
            guesses: Guesses::default(),
            nobody: OnceLock::new(),
            sessions: Mutex::default(),
        }
    }

    /// Begins a session. Gives the secret it is known by.
    fn begin(&self, account: AccountId, now_ms: u64) -> String {
        let secret = format!("{:032x}", rand::random::<u128>());
        let mut sessions = lock(&self.sessions);
        if sessions.len() >= SESSIONS {
            sessions.shift_remove_index(0);
        }
        sessions.insert(secret.clone(), (account, now_ms));
        secret
    }

    /// Whose a session is, which lasts on from now.
    fn of(&self, secret: &str, now_ms: u64) -> Option<AccountId> {
        let mut sessions = lock(&self.sessions);
        let (account, used_ms) = sessions.shift_remove(secret)?;
        if now_ms.saturating_sub(used_ms) > SESSION_MS {
            return None;
        }
        sessions.insert(secret.to_owned(), (account.clone(), now_ms));
        Some(account)
    }

    fn end(&self, secret: &str) {
        lock(&self.sessions).shift_remove(secret);
    }
}

/// Signs somebody in by what they answered to the mechanism.
pub(crate) async fn sign_in(door: &XmppDoor, answer: &str, source: &str) -> Result<Credential, SignInError> {
    let (login, password) = read(answer, &door.config().domain)?;
    let store = door.store().ok_or(SignInError::Wrong)?;
    let sign_ins = door.sign_ins();
    let guessed = sign_ins.guesses.attempt(login.as_str(), source, unix_ms());
    guessed.map_err(|_wait_ms| SignInError::TooMany)?;
    let known = store.account_by_login(&login).await.map_err(|error| {
        tracing::error!(%error, "an account cannot be read");
        SignInError::Unavailable
    })?;
    let hash = known.as_ref().and_then(|account| account.password.clone());
    let shared = door.clone();
    let right = door.computed(move || matches(&shared, &password, hash)).await;
    let right = right.map_err(|_| SignInError::TooMany)?;
    let account = known
        .filter(|account| right && !account.disabled)
        .ok_or(SignInError::Wrong)?;
    sign_ins.guesses.succeeded(login.as_str(), source);
    credential(&account).ok_or(SignInError::Unavailable)
}

/// Whether a hash is of a password; where there is none it takes as long to say no.
fn matches(door: &XmppDoor, password: &Password, hash: Option<PasswordHash>) -> bool {
    if let Some(hash) = hash {
        return password.matches(&hash);
    }
    let nobody = &door.sign_ins().nobody;
    let known = match nobody.get() {
        Some(known) => known.clone(),
        None => match password.hash(rand::random(), HashCost::default()) {
            Ok(made) => nobody.get_or_init(|| made).clone(),
            Err(_) => return false,
        },
    };
    // Whatever it says: there is no account it could open.
    std::hint::black_box(password.matches(&known));
    false
}

/// The name and the password of an answer. Clients send the first part of their address for the name.
fn read(answer: &str, domain: &str) -> Result<(LoginName, Password), SignInError> {
    let bytes = STANDARD
        .decode(answer.trim())
        .map_err(|_| SignInError::Malformed)?;
    let text = zeroized(bytes)?;
    let mut parts = text.split('\0');
    let (Some(as_whom), Some(login), Some(password), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(SignInError::Malformed);
    };
    // Nobody acts for another.
    let own = [login.to_owned(), format!("{login}@{domain}")];
    if !as_whom.is_empty() && !own.iter().any(|own| own.eq_ignore_ascii_case(as_whom)) {
        return Err(SignInError::Wrong);
    }
    let login = LoginName::parse(login).map_err(|_| SignInError::Wrong)?;
    let password = Password::new(password).map_err(|_| SignInError::Wrong)?;
    Ok((login, password))
}

fn zeroized(bytes: Vec<u8>) -> Result<zeroize::Zeroizing<String>, SignInError> {
    match String::from_utf8(bytes) {
        Ok(text) => Ok(zeroize::Zeroizing::new(text)),
        Err(error) => {
            drop(zeroize::Zeroizing::new(error.into_bytes()));
            Err(SignInError::Malformed)
        }
    }
}

/// What an account comes with.
fn credential(account: &Account) -> Option<Credential> {
    Some(Credential::of_account(
        account.id.clone(),
        Identity::parse(account.id.as_str()).ok()?,
        account.display_name.clone(),
        unix_ms(),
    ))
}

impl Client {
    /// Makes a guest who shows somebody's session that somebody. False where there is no such session.
    pub(crate) async fn take_session(&mut self, secret: &str) -> bool {
        let (Some(store), Some(id)) = (self.door.store(), self.door.sign_ins().of(secret, unix_ms())) else {
            return false;
        };
        let account = match store.account(&id).await {
            Ok(account) => account.filter(|account| !account.disabled),
            Err(error) => {
                tracing::error!(%error, "an account cannot be read");
                return false;
            }
        };
        let Some(signed_in) = account.as_ref().and_then(credential) else {
            return false;
        };
        // Whoever is in a room stays who they came as until they come again.
        if self.occupancy.is_none() && self.credential.is_guest() {
            if let Some(identity) = signed_in.identity.clone() {
                self.identity = identity;
            }
            self.credential = signed_in;
        }
        true
    }

    /// A session by which another connection of the same person becomes them.
    pub(crate) fn session(&self) -> Option<String> {
        let account = self.credential.account.clone()?;
        Some(self.door.sign_ins().begin(account, unix_ms()))
    }

    pub(crate) fn end_session_of(&self, secret: &str) {
        self.door.sign_ins().end(secret);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_password_are_read_and_nobody_acts_for_another() {
        let check = |answer: &[u8]| {
            let read = read(&STANDARD.encode(answer), "meet.jitsi");
            read.map(|(login, _)| login.as_str().to_owned())
        };
        assert_eq!(check(b"\0Ana\0secret"), Ok("ana".to_owned()));
        assert_eq!(check(b"ana@meet.jitsi\0ana\0secret"), Ok("ana".to_owned()));
        assert_eq!(check(b"olga@meet.jitsi\0ana\0secret"), Err(SignInError::Wrong));
        for malformed in [&b"ana"[..], b"\0ana", b"\0ana\0a\0b", b"\0ana\0\xff"] {
            assert_eq!(check(malformed), Err(SignInError::Malformed));
        }
        assert!(matches!(read("%%%", "meet.jitsi"), Err(SignInError::Malformed)));
    }

    #[test]
    fn a_session_lasts_while_it_is_used() {
        let sign_ins = SignIns::new();
        let ana = AccountId::from_random(7);
        let secret = sign_ins.begin(ana.clone(), 1);
        assert_eq!(sign_ins.of(&secret, SESSION_MS), Some(ana.clone()));
        assert_eq!(sign_ins.of(&secret, 2 * SESSION_MS), Some(ana));
        assert_eq!(sign_ins.of(&secret, 3 * SESSION_MS + 1), None);
        assert_eq!(sign_ins.of(&secret, 3 * SESSION_MS + 1), None);
    }
}

//! The long-term credential mechanism (RFC 8489 §9.2.4), without remembering whom we challenged.

use std::time::Instant;

use super::answer::{Asked, Refusal};
use super::{Action, Server};
use crate::credential::Username;
use crate::stun::{AttributeType, IntegrityAlgorithm, Key, KeyAlgorithm, Message, Method};

/// Who has authenticated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Holder<'a> {
    pub(super) username: &'a str,
    pub(super) session: &'a str,
}

/// PASSWORD-ALGORITHMS as we send it: SHA-256, then MD5, neither with parameters.
const PASSWORD_ALGORITHMS: [u8; 8] = [
    0,
    KeyAlgorithm::Sha256.code() as u8,
    0,
    0, //
    0,
    KeyAlgorithm::Md5.code() as u8,
    0,
    0,
];

impl Server {
    /// Finds out who sent a request, and how its answer is to be signed.
    ///
    /// `fresh` says that the request's nonce is ours and recent. It is looked at before the password, where the RFC has
    /// it last: who cannot return a nonce is not worth the signatures.
    ///
    /// # Errors
    /// The answer to send instead.
    pub(super) fn authenticate<'a>(
        &mut self,
        now: Instant,
        asked: &mut Asked,
        message: &Message<'a>,
        existing: Option<usize>,
        fresh: bool,
    ) -> Result<Holder<'a>, Action> {
        if message.integrity().is_none() {
            return Err(self.answer_stranger(now, asked, message, existing));
        }
        let username = message.find(AttributeType::USERNAME);
        let realm = message.find(AttributeType::REALM);
        let nonce = message.find(AttributeType::NONCE);
        let (Some(username), Some(realm), Some(_)) = (username, realm, nonce) else {
            return Err(self.plain(asked, Refusal::BadRequest));
        };
        if !fresh {
            return Err(self.challenge(now, asked, Refusal::StaleNonce));
        }
        let Some(algorithm) = chosen_algorithm(message) else {
            return Err(self.plain(asked, Refusal::BadRequest));
        };
        let username = str::from_utf8(username).ok();
        let name = username.and_then(Username::parse);
        let (Some(username), Some(name)) = (username, name) else {
            return Err(self.wrong_credential(now, asked));
        };
        let is_ours = realm == self.config.realm.as_bytes();
        if !is_ours || self.revoked.contains(name.session) || !self.is_in_time(now, username, name, existing)
        {
            return Err(self.wrong_credential(now, asked));
        }
        let key_algorithm = algorithm.unwrap_or(KeyAlgorithm::Md5);
        let Some(key) = self.find_key(key_algorithm, username, message) else {
            return Err(self.wrong_credential(now, asked));
        };
        // Who named an algorithm is answered in the newer way, everybody else as of old (RFC 8489 §9.2.4, end).
        let signature = match algorithm {
            Some(_) => IntegrityAlgorithm::Sha256,
            None => IntegrityAlgorithm::Sha1,
        };
        asked.signature = Some((signature, key));
        Ok(Holder {
            username,
            session: name.session,
        })
    }

    /// Answers a request without credential. Only one that could succeed is worth a challenge; everything else gets
    /// an answer that is shorter.
    fn answer_stranger(
        &mut self,
        now: Instant,
        asked: &Asked,
        message: &Message<'_>,
        existing: Option<usize>,
    ) -> Action {
        let allocate = message.method() == Method::ALLOCATE;
        if allocate && message.find(AttributeType::REQUESTED_TRANSPORT).is_none() {
            return self.plain(asked, Refusal::BadRequest);
        }
        if !allocate && existing.is_none() {
            return self.plain(asked, Refusal::AllocationMismatch);
        }
        self.challenge(now, asked, Refusal::Unauthenticated)
    }

    fn wrong_credential(&mut self, now: Instant, asked: &Asked) -> Action {
        self.stats.bad_credentials += 1;
        self.challenge(now, asked, Refusal::Unauthenticated)
    }

    fn challenge(&mut self, now: Instant, asked: &Asked, refusal: Refusal) -> Action {
        self.stats.challenges += 1;
        let nonce = self.nonces.make(now, asked.client);
        let mut answer = asked.error(refusal);
        answer
            .attribute(AttributeType::REALM, self.config.realm.as_bytes())
            .attribute(AttributeType::NONCE, nonce.as_bytes())
            .attribute(AttributeType::PASSWORD_ALGORITHMS, &PASSWORD_ALGORITHMS);
        asked.seal(answer)
    }

    fn plain(&mut self, asked: &Asked, refusal: Refusal) -> Action {
        self.stats.refusals += 1;
        asked.seal(asked.error(refusal))
    }

    /// Whether a name's time has come and not passed. It is asked when an allocation is opened; one that is open stays,
    /// because it ends with its session, however long the meeting and whatever the wall clock does.
    fn is_in_time(&self, now: Instant, username: &str, name: Username<'_>, existing: Option<usize>) -> bool {
        let open = existing.and_then(|index| self.allocations.get(index));
        if open.is_some_and(|allocation| *allocation.username == *username) {
            return true;
        }
        let unix = self.unix_seconds(now);
        let latest = unix.saturating_add(self.config.max_credential_lifetime.as_secs());
        (unix..=latest).contains(&name.expires_at)
    }

    /// The key of the secret that the request's password was made with.
    fn find_key(&self, algorithm: KeyAlgorithm, username: &str, message: &Message<'_>) -> Option<Key> {
        self.config.secrets.iter().find_map(|secret| {
            let password = secret.password(username);
            let key = Key::long_term(algorithm, username, &self.config.realm, &password);
            message.verify(&key).then_some(key)
        })
    }
}

/// The algorithm a request names: `Some(None)` where it names none, `None` where it contradicts what we offered.
fn chosen_algorithm(message: &Message<'_>) -> Option<Option<KeyAlgorithm>> {
    let offered = message.find(AttributeType::PASSWORD_ALGORITHMS);
    let chosen = message.find(AttributeType::PASSWORD_ALGORITHM);
    let (offered, chosen) = match (offered, chosen) {
        (None, None) => return Some(None),
        (Some(offered), Some(chosen)) => (offered, chosen),
        _ => return None,
    };
    let chosen = [KeyAlgorithm::Sha256, KeyAlgorithm::Md5]
        .into_iter()
        .find(|algorithm| chosen == [0, algorithm.code() as u8, 0, 0]);
    (offered == PASSWORD_ALGORITHMS && chosen.is_some()).then_some(chosen)
}

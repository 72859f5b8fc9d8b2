use crate::stun::{Class, IntegrityAlgorithm, Key, Message, Method, TransactionId, Writer};
use crate::{Action, FiveTuple};

/// What an answer has to know of its request.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(super) client: FiveTuple,
    pub(super) transaction: TransactionId,
    method: Method,
    fingerprint: bool,
    /// How the answer is signed, once the request is authenticated.
    pub(super) signature: Option<(IntegrityAlgorithm, Key)>,
}

impl Asked {
    pub(super) fn of(client: FiveTuple, message: &Message<'_>) -> Self {
        Self {
            client,
            transaction: message.transaction(),
            method: message.method(),
            fingerprint: message.has_fingerprint(),
            signature: None,
        }
    }

    pub(super) fn success(&self) -> Writer {
        Writer::new(Class::Success, self.method, self.transaction)
    }

    /// Begins a refusal. Strangers get no reason in words: it would make the answer longer than need be.
    pub(super) fn error(&self, refusal: Refusal) -> Writer {
        let reason = if self.signature.is_some() {
            refusal.reason()
        } else {
            ""
        };
        let mut writer = Writer::new(Class::Error, self.method, self.transaction);
        writer.error_code(refusal.code(), reason);
        writer
    }

    /// Signs an answer and makes it ready to send.
    pub(super) fn seal(&self, mut writer: Writer) -> Action {
        if let Some((algorithm, key)) = &self.signature {
            writer.integrity(*algorithm, key);
        }
        // Who sends one shares its port with other protocols and needs one to tell our answer (RFC 8489 §7.1).
        if self.fingerprint {
            writer.fingerprint();
        }
        Action::SendToClient {
            client: self.client,
            bytes: writer.finish(),
        }
    }
}

/// Names the ways to refuse a request (RFC 8489 §14.8, RFC 8656 §19).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Refusal {
    BadRequest,
    Unauthenticated,
    Forbidden,
    UnknownAttribute,
    AllocationMismatch,
    StaleNonce,
    FamilyNotSupported,
    WrongCredentials,
    UnsupportedTransport,
    PeerFamilyMismatch,
    QuotaReached,
    InsufficientCapacity,
}

impl Refusal {
    pub(super) const fn code(self) -> u16 {
        self.both().0
    }

    pub(super) const fn reason(self) -> &'static str {
        self.both().1
    }

    const fn both(self) -> (u16, &'static str) {
        match self {
            Self::BadRequest => (400, "Bad Request"),
            Self::Unauthenticated => (401, "Unauthenticated"),
            Self::Forbidden => (403, "Forbidden"),
            Self::UnknownAttribute => (420, "Unknown Attribute"),
            Self::AllocationMismatch => (437, "Allocation Mismatch"),
            Self::StaleNonce => (438, "Stale Nonce"),
            Self::FamilyNotSupported => (440, "Address Family not Supported"),
            Self::WrongCredentials => (441, "Wrong Credentials"),
            Self::UnsupportedTransport => (442, "Unsupported Transport Protocol"),
            Self::PeerFamilyMismatch => (443, "Peer Address Family Mismatch"),
            Self::QuotaReached => (486, "Allocation Quota Reached"),
            Self::InsufficientCapacity => (508, "Insufficient Capacity"),
        }
    }
}

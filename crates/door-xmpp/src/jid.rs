//! Addresses (RFC 7622, as far as Jitsi clients use them), and rooms in them.

use std::fmt;

use tertulia_model::{Identity, RoomName};

/// Longest address: three parts of 1023 bytes and what stands between them.
const MAX_BYTES: usize = 3 * 1023 + 2;

/// An address: `local@domain/resource`, the first and the last may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Jid {
    pub local: String,
    pub domain: String,
    pub resource: String,
}

impl Jid {
    /// Reads an address; local part and domain are folded to lower case.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_BYTES || text.chars().any(char::is_control) {
            return None;
        }
        let (bare, resource) = text.split_once('/').unwrap_or((text, ""));
        let (local, domain) = bare.split_once('@').unwrap_or(("", bare));
        let empty = domain.is_empty() || domain.contains('@') || (bare.contains('@') && local.is_empty());
        let jid = Self {
            local: local.to_lowercase(),
            domain: domain.to_lowercase(),
            resource: resource.to_owned(),
        };
        // Lower case may be longer.
        (!empty && jid.to_string().len() <= MAX_BYTES).then_some(jid)
    }

    /// The address without its resource.
    pub(crate) fn bare(&self) -> String {
        if self.local.is_empty() {
            self.domain.clone()
        } else {
            format!("{}@{}", self.local, self.domain)
        }
    }

    /// The room a local part names. Jitsi clients write what a local part cannot hold with percent signs.
    pub(crate) fn room(&self) -> Option<RoomName> {
        RoomName::parse(&percent_decoded(&self.local)?).ok()
    }
}

impl fmt::Display for Jid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.bare())?;
        if !self.resource.is_empty() {
            write!(f, "/{}", self.resource)?;
        }
        Ok(())
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?].map(char::from);
            let [high, low] = [digits[0].to_digit(16)?, digits[1].to_digit(16)?];
            bytes.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Whether a text may be an endpoint id, which is an occupant's nickname too.
pub(crate) fn is_endpoint_id(text: &str) -> bool {
    text.len() == 8
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
}

/// The endpoint id of somebody who came by another door: always the same, unless it is taken by another.
pub(crate) fn endpoint_id(identity: &Identity, taken: impl Fn(&str) -> bool) -> String {
    // FNV-1a; the attempt comes first so that two that collide once do not go on doing so.
    let hash = |attempt: u8| {
        std::iter::once(attempt)
            .chain(identity.as_str().bytes())
            .fold(0x811c_9dc5_u32, |hash, byte| {
                (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
            })
    };
    let ids = (0..=u8::MAX).map(|attempt| format!("{:08x}", hash(attempt)));
    let mut free = ids.filter(|id| !taken(id));
    free.next().unwrap_or_else(|| format!("{:08x}", hash(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_their_parts() {
        let check = |text: &str, expected: Option<(&str, &str, &str)>| {
            let jid = Jid::parse(text);
            let parts = jid
                .as_ref()
                .map(|jid| (&*jid.local, &*jid.domain, &*jid.resource));
            assert_eq!(parts, expected, "for {text:?}");
        };
        check("Meet.Local", Some(("", "meet.local", "")));
        check("R@Conference.d/Nick/x@y", Some(("r", "conference.d", "Nick/x@y")));
        check("@d", None);
        check("a@b@c", None);
        check("a@", None);
        check("a@d/\u{1}", None);
        check(&"x".repeat(MAX_BYTES + 1), None);
    }

    #[test]
    fn rooms_are_those_of_the_other_doors() {
        let room = |text: &str| Jid::parse(text).unwrap().room();
        assert_eq!(room("weekly@c"), RoomName::parse("Weekly").ok());
        assert_eq!(
            room("caf%C3%A9%20del%20sol@c"),
            RoomName::parse("Café del Sol").ok()
        );
        for bad in ["a%2fb@c", "a%@c", "a%zz@c", "%ff@c", "%00@c"] {
            assert_eq!(room(bad), None, "for {bad}");
        }
    }

    #[test]
    fn two_people_never_share_an_endpoint() {
        let ana = Identity::parse("ana").unwrap();
        let first = endpoint_id(&ana, |_| false);
        assert!(is_endpoint_id(&first));
        let second = endpoint_id(&ana, |id| id == first);
        assert!(is_endpoint_id(&second) && second != first);
    }
}

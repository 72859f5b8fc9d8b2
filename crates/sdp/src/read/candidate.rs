use std::net::{IpAddr, SocketAddr};

use tertulia_model::{Candidate, TransportProtocol};

use crate::SdpError;

/// Longest candidate read.
const MAX_CANDIDATE: usize = 1_024;

/// Reads a candidate: the value of `a=candidate`, with or without the attribute's name before it. A host name is kept
/// in the text and gives no address.
///
/// # Errors
///
/// Where the text is not of RFC 8839 §5.1, is too long, or names another transport than UDP and TCP.
pub fn parse_candidate(value: &str) -> Result<Candidate, SdpError> {
    const INVALID: SdpError = SdpError::Invalid {
        attribute: "a=candidate",
    };
    if value.len() > MAX_CANDIDATE {
        return Err(SdpError::TooLong { max: MAX_CANDIDATE });
    }
    let value = value.trim();
    let text = value.strip_prefix("a=").unwrap_or(value);
    let text = text.strip_prefix("candidate:").unwrap_or(text);
    if text.chars().any(char::is_control) {
        return Err(INVALID);
    }
    let mut words = text.split_ascii_whitespace();
    let mut next = || words.next().ok_or(INVALID);
    let _foundation = next()?;
    let _component: u16 = next()?.parse().map_err(|_| INVALID)?;
    let protocol = match next()?.to_ascii_lowercase().as_str() {
        "udp" => TransportProtocol::Udp,
        "tcp" => TransportProtocol::Tcp,
        _ => return Err(SdpError::Unsupported("the transport of a candidate")),
    };
    let _priority: u32 = next()?.parse().map_err(|_| INVALID)?;
    let host = next()?;
    let port: u16 = next()?.parse().map_err(|_| INVALID)?;
    if next()? != "typ" {
        return Err(INVALID);
    }
    let _kind = next()?;
    let address = host.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port));
    Ok(Candidate {
        text: text.to_owned(),
        address,
        protocol,
    })
}

//! Under which address the outside sees this machine (RFC 8489 §13, a Binding without credential).

use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _, UdpSocket};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tertulia_engine::AdvertisedAddress;
use tertulia_turn::stun::{AttributeType, Class, Message, Method, TransactionId, Writer};

use crate::config::Media;

/// How often a server is asked, and how long each time it may take.
const ATTEMPTS: usize = 4;
const PATIENCE: Duration = Duration::from_millis(750);
/// Greatest answer that is read.
const ANSWER_BYTES: usize = 1_500;

/// Asks a STUN server from the media port, once for each family it has; gives what is not among `own` already.
///
/// # Errors
/// When nothing answers.
pub fn public_addresses(server: &str, media: &Media, own: &[IpAddr]) -> Result<Vec<AdvertisedAddress>> {
    let named = || format!("media.discover: `{server}`");
    let mut servers: Vec<SocketAddr> = server.to_socket_addrs().with_context(named)?.collect();
    if media.bind.is_ipv4() {
        servers.retain(SocketAddr::is_ipv4);
    }
    let v4 = servers.iter().find(|address| address.is_ipv4());
    let v6 = servers.iter().find(|address| address.is_ipv6());
    let mut found = Vec::new();
    let mut failure = None;
    let mut answered = false;
    for server in v4.into_iter().chain(v6) {
        match ask(*server, media) {
            Ok(seen) => {
                answered = true;
                found.extend((!own.contains(&seen.public)).then_some(seen));
            }
            Err(error) => failure = Some(error),
        }
    }
    match failure {
        Some(error) if !answered => Err(error).with_context(named),
        None if !answered => bail!("{} has no address of a family that media.bind can reach", named()),
        _ => Ok(found),
    }
}

fn ask(server: SocketAddr, media: &Media) -> Result<AdvertisedAddress> {
    let unspecified = if server.is_ipv4() {
        IpAddr::from([0; 4])
    } else {
        IpAddr::from([0_u16; 8])
    };
    let bind = if media.bind.is_unspecified() {
        unspecified
    } else {
        media.bind
    };
    let address = SocketAddr::new(bind, media.udp_port);
    let socket = UdpSocket::bind(address).with_context(|| format!("cannot bind {address}"))?;
    socket.connect(server)?;
    let local = socket.local_addr()?;
    let mapped = binding(&socket)?;
    // Each worker's port would have a translation of its own; only the first one's is known.
    let one_port = media.single_port || media.workers == 1;
    Ok(AdvertisedAddress {
        public: mapped.ip(),
        local: local.ip().to_canonical(),
        udp_port: (one_port && mapped.port() != local.port()).then_some(mapped.port()),
        tcp_port: None,
    })
}

fn binding(socket: &UdpSocket) -> Result<SocketAddr> {
    let transaction = TransactionId(rand::random());
    let request = Writer::new(Class::Request, Method::BINDING, transaction).finish();
    let mut buffer = [0; ANSWER_BYTES];
    for _ in 0..ATTEMPTS {
        socket.send(&request)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            socket.set_read_timeout(Some(left))?;
            let length = match socket.recv(&mut buffer) {
                Ok(length) => length,
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
                // Nobody listens there, or not yet.
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => break,
                Err(error) => return Err(error.into()),
            };
            if let Some(mapped) = read(buffer.get(..length).unwrap_or_default(), transaction) {
                return Ok(mapped);
            }
        }
    }
    bail!("no answer from the STUN server")
}

fn read(bytes: &[u8], transaction: TransactionId) -> Option<SocketAddr> {
    let message = Message::parse(bytes).ok()?;
    let ours = message.class() == Class::Success
        && message.method() == Method::BINDING
        && message.transaction() == transaction;
    let mapped = message.find(AttributeType::XOR_MAPPED_ADDRESS).filter(|_| ours)?;
    let mapped = message.address(mapped)?;
    (mapped.port() != 0 && !mapped.ip().is_unspecified()).then_some(mapped)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A STUN server that first says something else, then that everybody comes from `seen`.
    fn server(seen: &'static str) -> SocketAddr {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        std::thread::spawn(move || {
            let mut buffer = [0; 100];
            let (length, client) = socket.recv_from(&mut buffer).unwrap();
            let transaction = Message::parse(&buffer[..length]).unwrap().transaction();
            let answer = |transaction, address: &str| {
                let mut writer = Writer::new(Class::Success, Method::BINDING, transaction);
                writer.address(AttributeType::XOR_MAPPED_ADDRESS, address.parse().unwrap());
                writer.finish()
            };
            for bytes in [
                b"nonsense".to_vec(),
                answer(TransactionId([0; 12]), "198.51.100.66:6"),
                answer(transaction, seen),
            ] {
                socket.send_to(&bytes, client).unwrap();
            }
        });
        address
    }

    fn media() -> Media {
        Media {
            udp_port: 0,
            single_port: true,
            ..Media::default()
        }
    }

    #[test]
    fn the_public_address_and_its_port_are_found_beside_the_local_one() {
        let server = server("203.0.113.7:61000").to_string();
        let found = public_addresses(&server, &media(), &[]).unwrap();
        let expected = AdvertisedAddress {
            public: "203.0.113.7".parse().unwrap(),
            local: "127.0.0.1".parse().unwrap(),
            udp_port: Some(61_000),
            tcp_port: None,
        };
        assert_eq!(found, [expected]);
    }

    #[test]
    fn what_the_machine_has_itself_is_not_told_twice() {
        let server = server("192.0.2.5:61000").to_string();
        let own = ["192.0.2.5".parse().unwrap()];
        assert!(public_addresses(&server, &media(), &own).unwrap().is_empty());
    }

    #[test]
    fn a_server_that_does_not_answer_is_named() {
        let silent = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = public_addresses(&silent.to_string(), &media(), &[]).unwrap_err();
        assert!(format!("{error:#}").contains(&silent.to_string()), "{error:#}");
        assert!(public_addresses("nobody.invalid:3478", &media(), &[]).is_err());
    }
}

//! The PROXY protocol, by which a balancer of TCP connections says who comes.

use std::io;
use std::net::{IpAddr, SocketAddr};

use ppp::{v1, v2};
use tokio::io::{AsyncRead, AsyncReadExt as _};

const SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
/// With the line's end.
const V1_MAX_BYTES: usize = 107;
/// Addresses and what balancers of the great clouds add to them.
const V2_MAX_BYTES: usize = 16 + 1_024;

/// Reads the header and not a byte more; `None` where the proxy speaks for itself.
///
/// # Errors
/// When there is no such header, or one too long.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<SocketAddr>> {
    let mut header = vec![0; SIGNATURE.len()];
    stream.read_exact(&mut header).await?;
    if header == SIGNATURE {
        header.resize(16, 0);
        stream.read_exact(&mut header[12..]).await?;
        let total = 16 + usize::from(u16::from_be_bytes([header[14], header[15]]));
        if total > V2_MAX_BYTES {
            return Err(wrong("too long"));
        }
        header.resize(total, 0);
        stream.read_exact(&mut header[16..]).await?;
        return v2_client(&header);
    }
    if !header.starts_with(b"PROXY ") {
        return Err(wrong("none"));
    }
    while !header.ends_with(b"\r\n") {
        if header.len() >= V1_MAX_BYTES {
            return Err(wrong("too long"));
        }
        header.push(stream.read_u8().await?);
    }
    v1_client(&header)
}

fn v1_client(header: &[u8]) -> io::Result<Option<SocketAddr>> {
    let header = v1::Header::try_from(header).map_err(wrong)?;
    Ok(match header.addresses {
        v1::Addresses::Tcp4(pair) => Some(SocketAddr::from((pair.source_address, pair.source_port))),
        v1::Addresses::Tcp6(pair) => Some(address(pair.source_address.into(), pair.source_port)),
        v1::Addresses::Unknown => None,
    })
}

fn v2_client(header: &[u8]) -> io::Result<Option<SocketAddr>> {
    let header = v2::Header::try_from(header).map_err(wrong)?;
    if header.command == v2::Command::Local {
        return Ok(None);
    }
    Ok(match header.addresses {
        v2::Addresses::IPv4(pair) => Some(SocketAddr::from((pair.source_address, pair.source_port))),
        v2::Addresses::IPv6(pair) => Some(address(pair.source_address.into(), pair.source_port)),
        v2::Addresses::Unix(_) | v2::Addresses::Unspecified => None,
    })
}

fn address(ip: IpAddr, port: u16) -> SocketAddr {
    SocketAddr::new(ip.to_canonical(), port)
}

fn wrong(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(bytes: &[u8], expected: Option<&str>, left: &[u8]) {
        let mut stream = bytes;
        let client = read(&mut stream).await.unwrap();
        assert_eq!(client.map(|client| client.to_string()).as_deref(), expected);
        assert_eq!(stream, left);
    }

    fn v2(command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[0x20 | command, family], &length, body].concat()
    }

    #[tokio::test]
    async fn the_client_is_read_and_what_follows_is_left() {
        check(
            b"PROXY TCP4 203.0.113.9 192.0.2.1 51000 443\r\nGET",
            Some("203.0.113.9:51000"),
            b"GET",
        )
        .await;
        check(
            b"PROXY TCP6 2001:db8::9 2001:db8::1 51000 443\r\n\x16",
            Some("[2001:db8::9]:51000"),
            b"\x16",
        )
        .await;
        check(b"PROXY UNKNOWN\r\nGET", None, b"GET").await;
        let body = [203, 0, 113, 9, 192, 0, 2, 1, 0xc7, 0x38, 1, 187];
        let header = [&v2(1, 0x11, &body)[..], b"GET"].concat();
        check(&header, Some("203.0.113.9:51000"), b"GET").await;
        check(&v2(0, 0, &[]), None, b"").await;
    }

    #[tokio::test]
    async fn what_is_no_header_ends_the_connection() {
        let long = format!("PROXY TCP4 {}", "1".repeat(200));
        let huge = [&SIGNATURE[..], &[0x21, 0x11, 0xff, 0xff], &[0; 70_000]].concat();
        for bytes in [
            b"GET / HTTP/1.1\r\n\r\n".as_slice(),
            b"",
            b"PROXY TCP4",
            b"PROXY TCP4 203.0.113.9\r\n0000",
            b"PROXY TCP4 not an address at all 1 2\r\n",
            b"PROXY TCP4 203.0.113.999 192.0.2.1 51000 443\r\n",
            long.as_bytes(),
            &huge,
            &v2(1, 0x11, &[1, 2, 3]),
            &v2(9, 0x11, &[0; 12]),
        ] {
            let mut stream = bytes;
            assert!(
                read(&mut stream).await.is_err(),
                "{:?}",
                String::from_utf8_lossy(bytes)
            );
        }
    }
}

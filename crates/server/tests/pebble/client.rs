use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use x509_parser::prelude::{FromDer as _, X509Certificate};

/// A connection whose certificate was verified, and stays open from one request to the next.
pub struct Secured {
    stream: TlsStream<TcpStream>,
    name: String,
}

impl Secured {
    pub async fn connect(address: SocketAddr, name: &str, roots: &Arc<RootCertStore>) -> io::Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        let stream = TcpStream::connect(address).await?;
        let server = ServerName::try_from(name.to_owned()).unwrap();
        let stream = TlsConnector::from(Arc::new(config))
            .connect(server, stream)
            .await?;
        Ok(Self {
            stream,
            name: name.to_owned(),
        })
    }

    /// The serial number of the certificate this connection began with.
    pub fn serial(&self) -> String {
        let chain = self.stream.get_ref().1.peer_certificates().unwrap();
        let (_, own) = X509Certificate::from_der(&chain[0]).unwrap();
        own.raw_serial_as_string()
    }

    /// Asks for a path; gives head and body.
    pub async fn get(&mut self, path: &str) -> String {
        let request = format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.name);
        self.stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&answer).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head
                    .lines()
                    .filter_map(|line| line.split_once(':'))
                    .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                    .map_or(0, |(_, value)| value.trim().parse().unwrap());
                if body.len() >= length {
                    return text;
                }
            }
            let mut more = [0; 4_096];
            let read = self.stream.read(&mut more).await.unwrap();
            assert!(read > 0, "the connection was dropped after {text:?}");
            answer.extend_from_slice(&more[..read]);
        }
    }
}

//! Pebble, the names it looks up, and the binary under test.

mod client;

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::io::AsyncWriteExt as _;
use tokio::sync::mpsc;

pub use client::Secured;

/// The name that leads to this machine.
pub const NAME: &str = "meet.example.test";
/// The name that pebble refuses.
pub const BLOCKED: &str = "blocked.example.test";

/// Ends a test that hangs.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Pebble {
    child: Running,
    folder: Folder,
    ports: Ports,
    ca: Arc<RootCertStore>,
}

#[derive(Clone, Copy)]
struct Ports {
    directory: u16,
    management: u16,
    http: u16,
    tls: u16,
}

/// Where pebble was.
pub struct Silent {
    ports: Ports,
    folder: Folder,
}

/// What the server needs to know of pebble.
pub trait Authority {
    fn directory(&self) -> String;
    fn root(&self) -> PathBuf;
    fn http(&self) -> u16;
    fn tls(&self) -> u16;
}

macro_rules! authority {
    ($($type:ty),*) => {
        $(impl Authority for $type {
            fn directory(&self) -> String {
                format!("https://127.0.0.1:{}/dir", self.ports.directory)
            }

            fn root(&self) -> PathBuf {
                self.folder.0.join("ca.pem")
            }

            fn http(&self) -> u16 {
                self.ports.http
            }

            fn tls(&self) -> u16 {
                self.ports.tls
            }
        })*
    };
}

authority!(Pebble, Silent);

impl Pebble {
    /// Starts it, giving certificates that are valid for so many seconds; `None` where there is no pebble.
    pub async fn start(validity_s: u64) -> Option<Self> {
        Self::start_with(validity_s, false).await
    }

    /// As [`Self::start`], but it looks for http-01's answers where nobody is.
    pub async fn start_barring_http(validity_s: u64) -> Option<Self> {
        Self::start_with(validity_s, true).await
    }

    async fn start_with(validity_s: u64, barring_http: bool) -> Option<Self> {
        let program = program()?;
        let folder = Folder::new("pebble");
        let ports = Ports {
            directory: free_port(),
            management: free_port(),
            http: free_port(),
            tls: free_port(),
        };
        let ca = identity(&folder.0);
        let asked_http = if barring_http { free_port() } else { ports.http };
        let config = serde_json::json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{}", ports.directory),
            "managementListenAddress": format!("127.0.0.1:{}", ports.management),
            "certificate": folder.0.join("pebble.pem"),
            "privateKey": folder.0.join("pebble.key"),
            "httpPort": asked_http,
            "tlsPort": ports.tls,
            "domainBlocklist": [BLOCKED],
            "retryAfter": {"authz": 1, "order": 1},
            "keyAlgorithm": "ecdsa",
            "profiles": {"default": {"description": "for tests", "validityPeriod": validity_s}},
        }});
        let file = folder.0.join("pebble.json");
        std::fs::write(&file, config.to_string()).unwrap();
        let mut child = Command::new(program)
            .arg("-config")
            .arg(&file)
            .args(["-dnsserver", &names().to_string()])
            .env("PEBBLE_VA_NOSLEEP", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = lines(child.stdout.take().unwrap());
        let child = Running(child);
        let management = (Ipv4Addr::LOCALHOST, ports.management);
        let ready = async {
            while !lines.recv().await.unwrap().contains("ACME directory available") {}
            // The other listener begins beside this one, and says nothing.
            while tokio::net::TcpStream::connect(management).await.is_err() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, ready)
            .await
            .expect("pebble does not start");
        Some(Self {
            child,
            folder,
            ports,
            ca,
        })
    }

    /// The root of the certificates it gives.
    pub async fn roots(&self) -> Arc<RootCertStore> {
        let management = SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports.management));
        let mut secured = Secured::connect(management, "127.0.0.1", &self.ca).await.unwrap();
        let answer = secured.get("/roots/0").await;
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_slice(answer.as_bytes()).unwrap())
            .unwrap();
        Arc::new(roots)
    }

    pub fn stop(self) -> Silent {
        drop(self.child);
        Silent {
            ports: self.ports,
            folder: self.folder,
        }
    }
}

/// A process that ends with its owner.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

/// What a process prints, line by line.
fn lines(pipe: impl std::io::Read + Send + 'static) -> mpsc::UnboundedReceiver<String> {
    use std::io::BufRead as _;
    let (line, lines) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for text in std::io::BufReader::new(pipe).lines().map_while(Result::ok) {
            // Whoever reads may have heard enough; the pipe is emptied all the same.
            let _heard = line.send(text);
        }
    });
    lines
}

fn program() -> Option<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/tools/bin");
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join("go/bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [Some(own), home]
        .into_iter()
        .flatten()
        .chain(std::env::split_paths(&path));
    let found = folders
        .map(|folder| folder.join("pebble"))
        .find(|program| program.is_file());
    if found.is_none() {
        // Not by a macro, whose output the test runner would keep to itself.
        use std::io::Write as _;
        let _said = writeln!(
            std::io::stderr(),
            "SKIPPED: no pebble, so nothing of ACME is tested: \
             go install github.com/letsencrypt/pebble/v2/cmd/pebble@v2.10.3"
        );
    }
    found
}

/// Makes pebble's own certificate for its API, and the root that vouches for it.
fn identity(folder: &Path) -> Arc<RootCertStore> {
    let key = KeyPair::generate().unwrap();
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = parameters.self_signed(&key).unwrap();
    let issuer = Issuer::from_params(&parameters, &key);
    let own_key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
    let own = own.signed_by(&own_key, &issuer).unwrap();
    std::fs::write(folder.join("ca.pem"), root.pem()).unwrap();
    std::fs::write(folder.join("pebble.pem"), own.pem()).unwrap();
    std::fs::write(folder.join("pebble.key"), own_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(root.der().clone()).unwrap();
    Arc::new(roots)
}

/// Answers that every name has the address 127.0.0.1, and no other; gives where to ask, over UDP and TCP.
fn names() -> SocketAddr {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()));
    let socket = UdpSocket::bind(address).unwrap();
    let listener = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut buffer) {
            if let Some(answer) = answer(&buffer[..length]) {
                let _sent = socket.send_to(&answer, client);
            }
        }
    });
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || while answer_next(&mut stream).is_ok() {});
        }
    });
    address
}

/// Answers one question of a connection; each has its length before it (RFC 1035 §4.2.2).
fn answer_next(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut query)?;
    let answer = answer(&query).unwrap_or_default();
    let mut framed = u16::try_from(answer.len()).unwrap().to_be_bytes().to_vec();
    framed.extend_from_slice(&answer);
    stream.write_all(&framed)
}

fn answer(query: &[u8]) -> Option<Vec<u8>> {
    let end = question_end(query)?;
    let is_address = query[end - 4..end - 2] == [0, 1];
    let mut answer = [
        &query[..2],
        &[0x81, 0x80, 0, 1, 0, u8::from(is_address), 0, 0, 0, 0],
    ]
    .concat();
    answer.extend_from_slice(&query[12..end]);
    if is_address {
        answer.extend_from_slice(&[0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1]);
    }
    Some(answer)
}

fn question_end(query: &[u8]) -> Option<usize> {
    let mut at = 12;
    while *query.get(at)? != 0 {
        at += usize::from(query[at]) + 1;
    }
    (query.len() >= at + 5).then_some(at + 5)
}

pub struct Folder(pub PathBuf);

impl Folder {
    fn new(what: &str) -> Self {
        let path = std::env::temp_dir().join(format!("tertulia-{what}-{}", rand::random::<u64>()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = std::fs::remove_dir_all(&self.0);
    }
}

/// A port nobody listens on, over TCP or UDP, from below those that systems give to outgoing connections.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let beginning = 20_000 + u16::try_from(std::process::id() % 1_000).unwrap() * 10;
    loop {
        let port = beginning + NEXT.fetch_add(1, Ordering::Relaxed);
        let address = (Ipv4Addr::LOCALHOST, port);
        if TcpListener::bind(address).is_ok() && UdpSocket::bind(address).is_ok() {
            return port;
        }
    }
}

pub struct Server {
    child: Running,
    log: mpsc::UnboundedReceiver<String>,
    folder: Folder,
    plain: SocketAddr,
    secure: SocketAddr,
    name: String,
}

impl Server {
    pub fn start(authority: &impl Authority, name: &str, challenges: &[&str]) -> Self {
        Self::start_in(Folder::new("server"), authority, name, challenges)
    }

    /// As [`Self::start`], with what an earlier one has kept.
    pub fn start_in(folder: Folder, authority: &impl Authority, name: &str, challenges: &[&str]) -> Self {
        let (http, tls) = (authority.http(), authority.tls());
        let config = format!(
            "data_dir = {data:?}\n[http]\nlisten = \"127.0.0.1:{http}\"\n[metrics]\nenabled = false\n\
             [media]\nbind = \"127.0.0.1\"\nworkers = 1\nudp_port = {udp}\ntcp_port = 0\n\
             [tls]\nmode = \"acme\"\nlisten = \"127.0.0.1:{tls}\"\nnames = [{name:?}]\n\
             [acme]\ndirectory = {directory:?}\nca_root = {root:?}\nchallenges = {challenges:?}\n",
            data = folder.0.join("data"),
            udp = UdpSocket::bind("127.0.0.1:0")
                .unwrap()
                .local_addr()
                .unwrap()
                .port(),
            directory = authority.directory(),
            root = authority.root(),
        );
        let file = folder.0.join("tertulia.toml");
        std::fs::write(&file, config).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_tertulia"))
            .args(["serve", "--config"])
            .arg(&file)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            log: lines(child.stderr.take().unwrap()),
            child: Running(child),
            folder,
            plain: SocketAddr::from((Ipv4Addr::LOCALHOST, http)),
            secure: SocketAddr::from((Ipv4Addr::LOCALHOST, tls)),
            name: name.to_owned(),
        }
    }

    /// Waits for a line of the log with these words.
    pub async fn says(&mut self, words: &str) -> String {
        let mut said = Vec::new();
        let heard = tokio::time::timeout(PATIENCE, async {
            while let Some(line) = self.log.recv().await {
                if line.contains(words) {
                    return Some(line);
                }
                said.push(line);
            }
            None
        });
        let heard = heard.await.ok().flatten();
        heard.unwrap_or_else(|| panic!("the server never said `{words}`: {said:#?}"))
    }

    pub async fn connect(&self, roots: &Arc<RootCertStore>) -> std::io::Result<Secured> {
        Secured::connect(self.secure, &self.name, roots).await
    }

    pub async fn get_plainly(&self, path: &str) -> String {
        use tokio::io::AsyncReadExt as _;
        let mut stream = tokio::net::TcpStream::connect(self.plain).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\r\n",
            self.name
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer
    }

    /// Ends it and gives what it kept.
    pub fn stop(self) -> Folder {
        drop(self.child);
        self.folder
    }
}

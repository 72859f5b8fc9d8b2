//! The program as a child, and servers that send everything back.

use std::collections::BTreeSet;
use std::io::{BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// A running program; ends with its input.
pub struct Netsim {
    child: Child,
    output: BufReader<ChildStdout>,
    ready: Value,
}

impl Netsim {
    pub fn start(target: SocketAddr, options: &[&str]) -> Self {
        let target = target.to_string();
        let (child, output, ready) = spawn(&[&["--target", &target], options].concat());
        Self { child, output, ready }
    }

    /// What the program complains of instead of starting.
    pub fn failure(options: &[&str]) -> String {
        let (mut child, _, said) = spawn(&[&["--target", "127.0.0.1:9"], options].concat());
        assert!(!child.wait().unwrap().success());
        said["error"].as_str().unwrap().to_owned()
    }

    pub fn udp(&self) -> SocketAddr {
        self.ready["udp"].as_str().unwrap().parse().unwrap()
    }

    pub fn tcp(&self) -> SocketAddr {
        self.ready["tcp"][0].as_str().unwrap().parse().unwrap()
    }

    pub fn ask(&mut self, command: &str) -> Value {
        writeln!(self.child.stdin.as_mut().unwrap(), "{command}").unwrap();
        line(&mut self.output)
    }

    /// Asks for the figures until they say what is awaited.
    pub fn until(&mut self, holds: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let stats = self.ask("stats");
            if holds(&stats) {
                return stats;
            }
            assert!(Instant::now() < deadline, "{stats}");
            std::thread::yield_now();
        }
    }

    /// Ends the input; gives the last figures.
    pub fn end(mut self) -> Value {
        drop(self.child.stdin.take());
        let last = line(&mut self.output);
        assert!(self.child.wait().unwrap().success());
        last
    }
}

impl Drop for Netsim {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn spawn(options: &[&str]) -> (Child, BufReader<ChildStdout>, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tertulia-netsim"))
        .args(options)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let first = line(&mut output);
    (child, output, first)
}

fn line(output: &mut impl std::io::BufRead) -> Value {
    let mut text = String::new();
    output.read_line(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A UDP server that sends everything back, for as long as the test runs.
pub struct Echo {
    pub address: SocketAddr,
    sources: Arc<Mutex<BTreeSet<SocketAddr>>>,
}

impl Echo {
    pub fn sources(&self) -> usize {
        self.sources.lock().unwrap().len()
    }
}

pub fn echo_udp() -> Echo {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let sources = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = sources.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 2_000];
        while let Ok((length, source)) = socket.recv_from(&mut buffer) {
            seen.lock().unwrap().insert(source);
            let _ = socket.send_to(&buffer[..length], source);
        }
    });
    Echo { address, sources }
}

pub fn echo_tcp() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let mut reader = stream.try_clone().unwrap();
            let mut writer = stream;
            let _ = std::io::copy(&mut reader, &mut writer);
            let _ = writer.shutdown(std::net::Shutdown::Write);
        }
    });
    address
}

/// A file that goes away with the test.
pub struct Scratch(PathBuf);

static FILES: AtomicUsize = AtomicUsize::new(0);

impl Scratch {
    pub fn new(text: &str) -> Self {
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let name = format!("tertulia-netsim-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text).unwrap();
        Self(path)
    }

    pub fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

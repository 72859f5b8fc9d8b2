//! Installs the package on this machine, runs it as its unit would, and takes it away again.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::Verdict;
use crate::deb;

const UNIT: &str = "/usr/lib/systemd/system/tertulia.service";
const PATIENCE: Duration = Duration::from_secs(60);
/// Says that this machine may be changed.
const ALLOWED: &str = "TERTULIA_TEST_INSTALL";

/// Tries the whole life of the package.
pub fn run(root: &Path) -> Result<Verdict> {
    let allowed = std::env::var_os("CI").is_some() || std::env::var_os(ALLOWED).is_some();
    if !allowed || output("id", &["-u"])?.trim() != "0" {
        let how = format!("it changes this machine: only as root, in CI or with {ALLOWED}=1");
        return Ok(Verdict::Skipped(how));
    }
    if Path::new(UNIT).exists() {
        return Ok(Verdict::Skipped("tertulia is installed here already".to_owned()));
    }
    if [80, 443]
        .iter()
        .any(|port| TcpListener::bind(("127.0.0.1", *port)).is_err())
    {
        return Ok(Verdict::Skipped("ports 80 and 443 are in use".to_owned()));
    }
    let package = root.join(deb::PACKAGE);
    let began = Instant::now();
    let lived = installed(&package).and_then(|()| {
        let lived = live(began);
        output("systemd-analyze", &["verify", UNIT]).context("the unit")?;
        lived
    });
    let purged = output("dpkg", &["--purge", "tertulia"]).and_then(|_| gone());
    Ok(match lived.and(purged) {
        Ok(()) => Verdict::Holds,
        Err(error) => Verdict::Fails(format!("{error:#}")),
    })
}

fn installed(package: &Path) -> Result<()> {
    let package = package.to_string_lossy();
    output(
        "apt-get",
        &["install", "--yes", "--quiet", "--no-install-recommends", &package],
    )?;
    let owner = output(
        "stat",
        &[
            "--format=%U:%G:%a",
            "/var/lib/tertulia",
            "/etc/tertulia/tertulia.toml",
        ],
    )?;
    ensure!(
        owner == "tertulia:tertulia:700\nroot:tertulia:640\n",
        "owners and modes are {owner}"
    );
    Ok(())
}

/// Runs the unit's command as its user, with its capability and nothing more, and lets somebody into a first meeting.
fn live(began: Instant) -> Result<()> {
    let unit = std::fs::read_to_string(UNIT).context("reading the unit")?;
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .context("the unit starts nothing")?;
    let free_tcp =
        || Ok::<_, anyhow::Error>(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port().to_string());
    let free_udp = UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port().to_string();
    let child = Command::new("setpriv")
        .args([
            "--reuid=tertulia",
            "--regid=tertulia",
            "--init-groups",
            "--no-new-privs",
        ])
        .args([
            "--inh-caps=-all,+net_bind_service",
            "--ambient-caps=+net_bind_service",
        ])
        .args(["--bounding-set=-all,+net_bind_service"])
        .args(line.split_whitespace())
        .env("TERTULIA_DATA_DIR", "/var/lib/tertulia")
        .env("TERTULIA_MEDIA__UDP_PORT", free_udp)
        .env("TERTULIA_MEDIA__WORKERS", "1")
        .env("TERTULIA_MEDIA__TCP_PORT", free_tcp()?)
        .env("TERTULIA_METRICS__LISTEN", format!("127.0.0.1:{}", free_tcp()?))
        .current_dir("/")
        .stdout(Stdio::null())
        .spawn()
        .context("starting setpriv")?;
    let mut running = Running(child);
    running.answers("/healthz", "200 OK")?;
    running.answers("/Weekly", "308 Permanent Redirect")?;
    running.answers("/readyz", "200 OK")?;
    let_in()?;
    let seconds = began.elapsed().as_secs_f64();
    println!("packages: {seconds:.1} s from `apt-get install` to the first person let into a meeting");
    running.signal("-HUP")?;
    running.answers("/readyz", "200 OK")?;
    running.signal("-TERM")?;
    let status = running.0.wait().context("waiting for the server")?;
    ensure!(status.success(), "the server ended with {status}");
    Ok(())
}

/// Asks over HTTPS to come into a room, as the web app does for somebody who opened its address.
fn let_in() -> Result<()> {
    let answer = output(
        "curl",
        &[
            "--silent",
            "--show-error",
            "--fail",
            "--insecure",
            "--header",
            "content-type: application/json",
            "--data",
            r#"{"displayName": "Ana"}"#,
            "https://localhost/api/v1/rooms/Weekly/join",
        ],
    )?;
    ensure!(answer.contains("\"token\":"), "the answer to a join is {answer}");
    Ok(())
}

fn gone() -> Result<()> {
    for path in ["/var/lib/tertulia", "/etc/tertulia", "/usr/bin/tertulia", UNIT] {
        ensure!(!Path::new(path).exists(), "{path} is left over");
    }
    let user = Command::new("getent")
        .args(["passwd", "tertulia"])
        .stdout(Stdio::null())
        .status();
    ensure!(
        !user.context("starting getent")?.success(),
        "the user is left over"
    );
    Ok(())
}

struct Running(Child);

impl Running {
    /// Asks until the answer is the expected one.
    fn answers(&mut self, path: &str, expected: &str) -> Result<()> {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.0.try_wait().context("looking after the server")? {
                bail!("the server ended with {status}");
            }
            let answer = ask(path).unwrap_or_default();
            if answer.starts_with("HTTP/1.1 ") && answer.contains(expected) {
                return Ok(());
            }
            ensure!(Instant::now() < until, "{path} is answered by {answer:?}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    fn signal(&self, signal: &str) -> Result<()> {
        output("kill", &[signal, &self.0.id().to_string()]).map(drop)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already where all went well.
        let _ended = self.0.kill().and_then(|()| self.0.wait());
    }
}

fn ask(path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect("127.0.0.1:80")?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn output(program: &str, args: &[&str]) -> Result<String> {
    let output = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {program}"))?;
    if !output.status.success() {
        bail!(
            "{program} {} failed: {}{}",
            args.join(" "),
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

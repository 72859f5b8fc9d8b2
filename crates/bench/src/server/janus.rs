//! A Janus of our own, to be compared with: only its video room and its HTTP API are loaded.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use super::{Run, confined, fault, free_tcp_port, own_directory};
use crate::error::BenchError;

/// How to have it.
pub const JANUS_INSTALL: &str = "apt-get install janus";

/// A Janus we started. Dropping it kills it.
#[derive(Debug)]
pub struct JanusServer {
    run: Run,
    url: String,
    address: IpAddr,
}

impl JanusServer {
    /// Finds the parts of an installed Janus; `None` where there is none.
    pub fn installed() -> Option<PathBuf> {
        let places = [PathBuf::from("/usr/lib/janus")]
            .into_iter()
            .chain(subfolders("/usr/lib"))
            .chain(subfolders("/usr/local/lib"));
        let binary = ["/usr/bin/janus", "/usr/local/bin/janus"];
        if !binary.iter().any(|binary| Path::new(binary).exists()) {
            return None;
        }
        places
            .into_iter()
            .find(|place| place.join("plugins/libjanus_videoroom.so").exists())
    }

    /// Starts it. `parts` is what [`JanusServer::installed`] found; with `event_loops`, so many threads serve all
    /// handles instead of one each.
    ///
    /// # Errors
    /// When it cannot be started, or this machine has no address but loopback ones, on which Janus gathers nothing.
    pub async fn start(
        parts: &Path,
        core: Option<u16>,
        event_loops: Option<u16>,
    ) -> Result<Self, BenchError> {
        let address = own_address().map_err(|error| fault("no address beside loopback", &error))?;
        let directory = own_directory()?;
        let http = free_tcp_port().map_err(|error| fault("a port", &error))?;
        let write = || -> std::io::Result<PathBuf> {
            for (folder, library) in [
                ("plugins", "libjanus_videoroom.so"),
                ("transports", "libjanus_http.so"),
                ("none", ""),
            ] {
                fs::create_dir(directory.join(folder))?;
                if !library.is_empty() {
                    symlink(
                        parts.join(folder).join(library),
                        directory.join(folder).join(library),
                    )?;
                }
            }
            for (name, text) in configurations(&directory, http, address, event_loops) {
                fs::write(directory.join(name), text)?;
            }
            Ok(directory.join("janus.jcfg"))
        };
        let file = write().map_err(|error| fault("its configuration", &error))?;
        let mut command = confined(Path::new("janus"), core);
        command
            .arg("--config")
            .arg(&file)
            .arg("--configs-folder")
            .arg(&directory)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut run = Run::start(command, directory)?;
        run.wait_until_it_answers(SocketAddr::from((Ipv4Addr::LOCALHOST, http)))
            .await?;
        Ok(Self {
            run,
            url: format!("http://127.0.0.1:{http}/janus"),
            address,
        })
    }

    /// Base of its HTTP API.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Address it gathers candidates on.
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Process id; `None` once it has ended.
    pub fn pid(&self) -> Option<u32> {
        self.run.child.id()
    }

    /// As [`Server::stop`](super::Server::stop).
    ///
    /// # Errors
    /// As there.
    pub async fn stop(self) -> Result<(), BenchError> {
        self.run.stop().await
    }
}

fn subfolders(root: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    entries.map(|entry| entry.path().join("janus")).collect()
}

/// The address this machine uses towards others. Nothing is sent.
fn own_address() -> std::io::Result<IpAddr> {
    let socket = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    // Any address that is not ours has the kernel choose (RFC 5737).
    socket.connect((Ipv4Addr::new(198, 51, 100, 1), 9))?;
    let address = socket.local_addr()?.ip();
    if address.is_loopback() {
        return Err(std::io::ErrorKind::AddrNotAvailable.into());
    }
    Ok(address)
}

fn configurations(
    directory: &Path,
    http: u16,
    address: IpAddr,
    event_loops: Option<u16>,
) -> [(&'static str, String); 3] {
    let loops = event_loops
        .map(|loops| format!("event_loops = {loops}\n"))
        .unwrap_or_default();
    let folder = |name: &str| directory.join(name).display().to_string();
    let general = format!(
        "general: {{\nplugins_folder = \"{}\"\ntransports_folder = \"{}\"\n\
         events_folder = \"{none}\"\nloggers_folder = \"{none}\"\ndebug_level = 2\n{loops}}}\n\
         nat: {{\nice_enforce_list = \"{address}\"\nfull_trickle = false\n}}\n",
        folder("plugins"),
        folder("transports"),
        none = folder("none"),
    );
    let web = format!(
        "general: {{\njson = \"compact\"\nbase_path = \"/janus\"\nhttp = true\nport = {http}\nip = \"127.0.0.1\"\n\
         https = false\n}}\nadmin: {{\nadmin_http = false\n}}\n"
    );
    [
        ("janus.jcfg", general),
        ("janus.transport.http.jcfg", web),
        (
            "janus.plugin.videoroom.jcfg",
            "general: {\nstring_ids = true\n}\n".to_owned(),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_janus_of_our_own_listens_to_nobody_else() {
        let address = IpAddr::from([192, 0, 2, 7]);
        let [(_, general), (_, web), _] = configurations(Path::new("/d"), 8_088, address, Some(2));
        assert!(
            general.contains("ice_enforce_list = \"192.0.2.7\"") && general.contains("event_loops = 2\n")
        );
        assert!(web.contains("ip = \"127.0.0.1\"") && web.contains("port = 8088\n"));
    }
}

//! Networks as they are: a server behind 1:1 NAT, a client that reaches one TCP port only, a client that roams. Each
//! network is a namespace of this machine's kernel with a router of nftables between them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a test stops where its scene cannot be set, and lives in real time"
)]

mod support;

use std::fs::File;
use std::io::{self, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use support::way::{Link, Relay, Way, relaying, server_address};
use support::{Client, engine_from, room, until};
use tertulia_engine::AdvertisedAddress;
use tertulia_model::MediaKind;
use tokio::net::{TcpStream, UdpSocket};

const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
const SERVER: &str = "10.0.0.5";
const PUBLIC: &str = "203.0.113.7";
const CLIENT: &str = "198.51.100.9";
/// Where the client is after it has roamed.
const ELSEWHERE: &str = "198.51.100.77";
const UDP: u16 = 10_000;
/// The port of ICE over TCP, and the one in front of the translation.
const TCP: u16 = 7_881;
const TOLD_TCP: u16 = 443;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Past the test harness, which keeps what a passing test prints to itself.
fn say(text: &str) {
    io::stderr()
        .write_all(format!("\n*** {text}\n\n").as_bytes())
        .unwrap();
}

fn run(program: &str, arguments: &[&str], input: &str) -> io::Result<()> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    child.stdin.take().unwrap().write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{program} {arguments:?}: {said}")))
}

/// The server's network, the clients', and a router between them; they go with it.
struct Networks {
    names: [String; 3],
}

impl Networks {
    /// Sets the scene; `None`, and loudly, where this machine does not let us.
    fn set_up(firewall: &str) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = |what: &str| format!("tt{what}{}n{number}", std::process::id());
        let networks = Self {
            names: ["s", "c", "r"].map(name),
        };
        match networks.build(firewall) {
            Ok(()) => Some(networks),
            Err(error) => {
                say(&format!(
                    "SKIPPED: networks cannot be made here (root, iproute2 and nftables are needed): {error}"
                ));
                None
            }
        }
    }

    fn build(&self, firewall: &str) -> io::Result<()> {
        let [server, client, router] = &self.names;
        let mut lines = String::new();
        for name in &self.names {
            lines += &format!("netns add {name}\n");
        }
        run("ip", &["-batch", "-"], &lines)?;
        let inside = |name: &str, lines: &str| run("ip", &["-n", name, "-batch", "-"], lines);
        for name in &self.names {
            inside(name, "link set lo up\n")?;
        }
        inside(
            router,
            &format!("link add s type veth peer name e netns {server}\n"),
        )?;
        inside(
            router,
            &format!("link add c type veth peer name e netns {client}\n"),
        )?;
        inside(
            router,
            "addr add 10.0.0.1/24 dev s\naddr add 198.51.100.1/24 dev c\nlink set s up\nlink set c up\n",
        )?;
        inside(
            server,
            &format!("addr add {SERVER}/24 dev e\nlink set e up\nroute add default via 10.0.0.1\n"),
        )?;
        inside(
            client,
            &format!(
                "addr add {CLIENT}/24 dev e\naddr add {ELSEWHERE}/24 dev e\nlink set e up\n\
                 route add default via 198.51.100.1\n"
            ),
        )?;
        let in_router = |program: &[&str], input: &str| {
            let arguments = [&["netns", "exec", router], program].concat();
            run("ip", &arguments, input)
        };
        in_router(&["sysctl", "-qw", "net.ipv4.ip_forward=1"], "")?;
        let rules = format!(
            "table ip nat {{\n\
             chain pre {{ type nat hook prerouting priority -100;\n\
             ip daddr {PUBLIC} tcp dport {TOLD_TCP} dnat to {SERVER}:{TCP}\n\
             ip daddr {PUBLIC} dnat to {SERVER}\n}}\n\
             chain post {{ type nat hook postrouting priority 100;\nip saddr {SERVER} snat to {PUBLIC}\n}}\n}}\n\
             table ip fire {{\nchain forward {{ type filter hook forward priority 0;\n{firewall}\n}}\n}}\n"
        );
        in_router(&["nft", "-f", "-"], &rules)
    }

    /// Does something in a network; what sockets and threads it makes stay there.
    fn inside<T: Send>(&self, place: usize, act: impl FnOnce() -> T + Send) -> T {
        let path = format!("/run/netns/{}", self.names[place]);
        std::thread::scope(|scope| {
            let there = scope.spawn(move || {
                let network = File::open(path).unwrap();
                move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
                act()
            });
            there.join().unwrap()
        })
    }

    fn in_server<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        self.inside(0, act)
    }

    fn in_client<T: Send>(&self, act: impl FnOnce() -> T + Send) -> T {
        self.inside(1, act)
    }

    /// An engine behind the translation, told to clients at both of its addresses.
    fn engine(&self) -> tertulia_engine::Engine {
        let told = |public| AdvertisedAddress {
            public: ip(public),
            local: ip(SERVER),
            udp_port: None,
            tcp_port: (public == PUBLIC).then_some(TOLD_TCP),
        };
        let runtime = tokio::runtime::Handle::current();
        self.in_server(move || {
            let _inside = runtime.enter();
            engine_from(
                ANY,
                vec![told(PUBLIC), told(SERVER)],
                UDP,
                Some(TCP),
                2,
                relaying(true),
            )
        })
    }

    fn udp(&self, at: &str) -> UdpSocket {
        let bind = move || std::net::UdpSocket::bind((ip(at), 0)).unwrap();
        let socket = if at == SERVER {
            self.in_server(bind)
        } else {
            self.in_client(bind)
        };
        socket.set_nonblocking(true).unwrap();
        UdpSocket::from_std(socket).unwrap()
    }

    fn tcp(&self, to: SocketAddr) -> TcpStream {
        let stream = self.in_client(move || std::net::TcpStream::connect(to).unwrap());
        stream.set_nonblocking(true).unwrap();
        TcpStream::from_std(stream).unwrap()
    }
}

impl Drop for Networks {
    fn drop(&mut self) {
        for name in &self.names {
            // What could not be made need not be removed.
            let _ = run("ip", &["netns", "del", name], "");
        }
    }
}

/// Two are in a room; both hear each other.
async fn check_both_hear(ana: &mut Client, ben: &mut Client) {
    let sounds = [
        ana.publish(MediaKind::Audio).await,
        ben.publish(MediaKind::Audio).await,
    ];
    until(&mut [ana, ben], "sound both ways", |clients| {
        clients[0].count(&sounds[1]) > 40 && clients[1].count(&sounds[0]) > 40
    })
    .await;
}

#[tokio::test]
async fn a_server_behind_translation_serves_those_outside_and_those_beside_it() {
    let Some(networks) = Networks::set_up("") else {
        return;
    };
    let engine = networks.engine();
    let room = room(&engine).await;
    let mut outside = Client::join_by(&room, "ana", async |_| Way::over(networks.udp(CLIENT)).await).await;
    let mut beside = Client::join_by(&room, "ben", async |_| Way::over(networks.udp(SERVER)).await).await;
    check_both_hear(&mut outside, &mut beside).await;
}

#[tokio::test]
async fn who_reaches_one_tcp_port_only_gets_media() {
    let firewall =
        format!("ip saddr {CLIENT} udp dport 0-65535 drop\nip saddr {CLIENT} tcp dport != {TCP} drop");
    let Some(networks) = Networks::set_up(&firewall) else {
        return;
    };
    let engine = networks.engine();
    let room = room(&engine).await;
    let mut walled = Client::join_by(&room, "ana", async |joined| {
        let server = engine.ice_servers(&joined.participant.id).swap_remove(0);
        let address = server_address(&server, "tcp");
        assert_eq!(address, SocketAddr::new(ip(PUBLIC), TOLD_TCP));
        let link = Link::stream(networks.tcp(address));
        Way::Relayed(Box::new(Relay::open(link, &server, ip(PUBLIC)).await.unwrap()))
    })
    .await;
    let mut beside = Client::join_by(&room, "ben", async |_| Way::over(networks.udp(SERVER)).await).await;
    check_both_hear(&mut walled, &mut beside).await;
}

#[tokio::test]
async fn who_roams_from_one_address_to_another_is_heard_on() {
    let Some(networks) = Networks::set_up("") else {
        return;
    };
    let engine = networks.engine();
    let room = room(&engine).await;
    let mut ana = Client::join_by(&room, "ana", async |_| Way::over(networks.udp(CLIENT)).await).await;
    let mut ben = Client::join_by(&room, "ben", async |_| Way::over(networks.udp(SERVER)).await).await;
    check_both_hear(&mut ana, &mut ben).await;
    let count = |client: &Client| client.seen.values().map(|seen| seen.packets).sum::<usize>();
    ana.way.roam(networks.udp(ELSEWHERE)).await;
    let marks = (count(&ana), count(&ben));
    until(
        &mut [&mut ana, &mut ben],
        "sound both ways after roaming",
        |clients| count(clients[0]) > marks.0 + 100 && count(clients[1]) > marks.1 + 100,
    )
    .await;
    assert!(!ana.gone && !ben.gone);
}

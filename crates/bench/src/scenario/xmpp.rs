//! The XMPP door: what a stanza costs, what a stream costs that says nothing, and how long it takes to be invited.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::error::{BenchError, ClientError};
use crate::process::Process;
use crate::report::{Report, millis};

const DOMAIN: &str = "meet.jitsi";
/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Streams that say nothing, stanzas of three kinds, and joins up to the invitation to a session.
#[derive(Debug, Clone)]
pub struct Xmpp {
    /// Streams with an address that say nothing.
    pub streams: u32,
    /// Stanzas sent together.
    pub batch: u32,
    /// Batches of each kind, of which the median is told.
    pub batches: u32,
    /// Joins.
    pub joins: u32,
}

/// One client.
struct Client {
    number: u32,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    nick: String,
}

impl Client {
    /// Opens a stream and has an address.
    async fn connect(url: &str, number: u32) -> Result<Self, BenchError> {
        let failed = |error| BenchError::Client(number, ClientError::Connect(Box::new(error)));
        let mut request = format!("{url}/xmpp-websocket")
            .into_client_request()
            .map_err(failed)?;
        let protocol = tokio_tungstenite::tungstenite::http::HeaderValue::from_static("xmpp");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (socket, _) = connect_async(request).await.map_err(failed)?;
        let mut client = Self {
            number,
            socket,
            nick: String::new(),
        };
        let open = format!("<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='{DOMAIN}' version='1.0'/>");
        client.send(&open).await?;
        client.until("mechanisms").await?;
        client
            .send("<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>")
            .await?;
        client.until("<success").await?;
        client.send(&open).await?;
        client.until("<bind").await?;
        client
            .send("<iq xmlns='jabber:client' id='b' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>")
            .await?;
        let bound = client.until("<jid>").await?;
        let address = bound.split_once("<jid>").map_or("", |(_, rest)| rest);
        client.nick = address.chars().take(8).collect();
        Ok(client)
    }

    async fn send(&mut self, text: &str) -> Result<(), BenchError> {
        let sent = self.socket.send(Message::text(text)).await;
        sent.map_err(|error| BenchError::Client(self.number, ClientError::Connect(Box::new(error))))
    }

    async fn next(&mut self) -> Result<String, BenchError> {
        let number = self.number;
        let ended = |text: &str| BenchError::Client(number, ClientError::Ended(text.to_owned()));
        let next = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => return Ok(text.to_string()),
                    Some(Ok(Message::Close(_)) | Err(_)) | None => return Err(ended("the stream")),
                    Some(Ok(_)) => {}
                }
            }
        };
        tokio::time::timeout(PATIENCE, next).await.unwrap_or_else(|_| {
            let late = ClientError::TooLate("an answer", PATIENCE.as_secs());
            Err(BenchError::Client(number, late))
        })
    }

    /// Reads on until something has `part` in it.
    async fn until(&mut self, part: &str) -> Result<String, BenchError> {
        loop {
            let text = self.next().await?;
            if text.contains(part) {
                return Ok(text);
            }
        }
    }

    async fn join(&mut self, room: &str) -> Result<(), BenchError> {
        let presence = self.presence(room, "<x xmlns='http://jabber.org/protocol/muc'/>");
        self.send(&presence).await?;
        self.until("<subject").await.map(drop)
    }

    fn presence(&self, room: &str, inside: &str) -> String {
        format!(
            "<presence xmlns='jabber:client' to='{room}@conference.{DOMAIN}/{nick}'>{inside}<stats-id>Bench</stats-id>\
             <SourceInfo>{{}}</SourceInfo><jitsi_participant_codecList>vp8</jitsi_participant_codecList><nick \
             xmlns='http://jabber.org/protocol/nick'>Bench</nick></presence>",
            nick = self.nick
        )
    }
}

impl Xmpp {
    /// Runs it on the server at `url`.
    ///
    /// # Errors
    /// When a client or the server fails.
    pub async fn run(&self, url: &str, process: &Process) -> Result<Report, BenchError> {
        let parameters = [
            ("streams", self.streams.to_string()),
            ("batch", self.batch.to_string()),
            ("batches", self.batches.to_string()),
            ("joins", self.joins.to_string()),
        ];
        let mut report = Report::new("xmpp", parameters);
        self.stanzas(url, process, &mut report).await?;
        self.joins(url, &mut report).await?;
        self.streams(url, process, &mut report).await?;
        Ok(report)
    }

    /// Stanzas that are answered, that another is told of, and that another is passed.
    async fn stanzas(&self, url: &str, process: &Process, report: &mut Report) -> Result<(), BenchError> {
        let (mut one, mut other) = (Client::connect(url, 0).await?, Client::connect(url, 1).await?);
        let ping = |number: u32| {
            format!(
                "<iq xmlns='jabber:client' type='get' id='p{number}' to='{DOMAIN}'><ping xmlns='urn:xmpp:ping'/></iq>"
            )
        };
        let mut nobody = None;
        let cost = self.cost(process, &mut one, &mut nobody, ping, |number| {
            format!("id=\"p{number}\"")
        });
        report.figure("server CPU per ping, median", cost.await?, "µs");
        one.join("bench").await?;
        other.join("bench").await?;
        let (room, nick) = ("bench", one.nick.clone());
        let presences: Vec<String> = (0..self.batch)
            .map(|number| one.presence(room, &format!("<bench>{number}</bench>")))
            .collect();
        let presence = |number: u32| presences[number as usize % presences.len()].clone();
        let told = |number: u32| format!("<bench>{number}</bench>");
        let mut watching = Some(&mut other);
        let cost = self.cost(process, &mut one, &mut watching, presence, told);
        report.figure(
            "server CPU per presence told to one other, median",
            cost.await?,
            "µs",
        );
        let message = |number: u32| {
            format!(
                "<message xmlns='jabber:client' type='groupchat' to='{room}@conference.{DOMAIN}' id='m{number}'>\
                 <json-message xmlns='http://jitsi.org/jitmeet'>{{\"from\":\"{nick}\",\"n\":{number}}}</json-message></message>"
            )
        };
        let passed = |number: u32| format!("id=\"m{number}\"");
        let cost = self.cost(process, &mut one, &mut watching, message, passed);
        report.figure("server CPU per message passed to two, median", cost.await?, "µs");
        Ok(())
    }

    /// The median over batches of what one stanza of a batch costs, in microseconds. A batch is over when the last of it is
    /// answered to whoever sent it, and told to the other.
    async fn cost(
        &self,
        process: &Process,
        client: &mut Client,
        other: &mut Option<&mut Client>,
        stanza: impl Fn(u32) -> String,
        last: impl Fn(u32) -> String,
    ) -> Result<Option<f64>, BenchError> {
        let watch = || {
            process
                .cpu()
                .map_err(|error| BenchError::Server(error.to_string()))
        };
        let mut costs = Vec::new();
        for _ in 0..self.batches {
            let before = watch()?;
            for number in 0..self.batch {
                client.send(&stanza(number)).await?;
            }
            let end = last(self.batch.saturating_sub(1));
            client.until(&end).await?;
            if let Some(other) = other {
                other.until(&end).await?;
            }
            let spent: u64 = watch()?.since(&before).values().sum();
            costs.push(spent as f64 / f64::from(self.batch.max(1)) / 1_000.0);
        }
        Ok(median(costs))
    }

    /// From the first packet of a connection to the invitation to a session, beside somebody who is there.
    async fn joins(&self, url: &str, report: &mut Report) -> Result<(), BenchError> {
        let mut times = Vec::new();
        for number in 0..self.joins {
            let room = format!("joins{number}");
            let mut first = Client::connect(url, 2 * number).await?;
            first.join(&room).await?;
            let began = Instant::now();
            let mut second = Client::connect(url, 2 * number + 1).await?;
            let presence = second.presence(&room, "<x xmlns='http://jabber.org/protocol/muc'/>");
            second.send(&presence).await?;
            second.until("focus-features").await?;
            let features = "<iq xmlns='jabber:client' type='result' id='focus-features'><query \
                            xmlns='http://jabber.org/protocol/disco#info'><feature \
                            var='http://jitsi.org/ssrc-rewriting-1'/></query></iq>";
            second.send(features).await?;
            second.until("session-initiate").await?;
            times.push(millis(began.elapsed()));
        }
        report.figure("connection to invitation, median", median(times), "ms");
        Ok(())
    }

    /// Memory of streams that say nothing.
    async fn streams(&self, url: &str, process: &Process, report: &mut Report) -> Result<(), BenchError> {
        let resident = || {
            let bytes = process.resident_bytes();
            bytes.map_err(|error| BenchError::Server(error.to_string()))
        };
        let before = resident()?;
        let mut clients = Vec::new();
        for number in 0..self.streams {
            clients.push(Client::connect(url, number).await?);
        }
        let grown = resident()?.saturating_sub(before) as f64;
        let each = grown / f64::from(self.streams.max(1)) / 1_024.0;
        report.figure("memory of the idle streams", grown / 1_048_576.0, "MiB");
        report.figure("memory of one", each, "KiB");
        Ok(())
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_lies_in_the_middle() {
        assert_eq!(median(vec![9.0, 1.0, 3.0]), Some(3.0));
        assert_eq!(median(Vec::new()), None);
    }
}

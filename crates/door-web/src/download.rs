//! Files on their way out: as attachments, by links that are good for minutes and for one person while they are in the room.

use std::io::Read as _;

use aws_lc_rs::hmac;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::stream;
use tertulia_model::{Identity, RoomName};
use tertulia_room::Command;
use tertulia_store::{FileId, FileInfo};
use tokio::sync::mpsc;
use tokio::task::spawn_blocking;

use crate::error::ApiError;
use crate::extract::Bearer;
use crate::rooms::room_name;
use crate::sniff::served_as;
use crate::state::{Api, unix_ms};
use crate::stats::up;
use crate::upload::on_disk;
use crate::wire::{ErrorBody, ErrorCode, FileLink};

/// How long a link is good.
const LINK_MS: u64 = 10 * 60_000;
/// Bytes read at once.
const PIECE: usize = 64 * 1024;
/// Pieces that wait for the network.
const WAITING: usize = 4;

/// Signs links; made anew at each start, since links last for minutes only.
pub struct LinkKey(hmac::Key);

impl LinkKey {
    pub fn from_random(bytes: [u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes))
    }

    /// Writes a link's last part: what it is for, and the signature over it.
    fn sign(&self, link: &Link) -> String {
        let payload = link.payload();
        let tag = hmac::sign(&self.0, payload.as_bytes());
        format!("{}.{}", encoded(payload.as_bytes()), encoded(tag.as_ref()))
    }

    fn verify(&self, text: &str) -> Option<Link> {
        let (payload, tag) = text.split_once('.')?;
        let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.0, &payload, &tag).ok()?;
        Link::read(std::str::from_utf8(&payload).ok()?)
    }
}

fn encoded(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// What a link says: this file, for this person in this room, until then.
#[derive(Debug, PartialEq, Eq)]
struct Link {
    file: FileId,
    expires_ms: u64,
    room: RoomName,
    identity: Identity,
}

impl Link {
    /// None of the parts before the last has a line end, and the last may be anything.
    fn payload(&self) -> String {
        format!(
            "{}\n{}\n{}\n{}",
            self.file,
            self.expires_ms,
            self.room.as_str(),
            self.identity
        )
    }

    fn read(payload: &str) -> Option<Self> {
        let mut parts = payload.splitn(4, '\n');
        Some(Self {
            file: FileId::parse(parts.next()?)?,
            expires_ms: parts.next()?.parse().ok()?,
            room: RoomName::parse(parts.next()?).ok()?,
            identity: Identity::parse(parts.next()?).ok()?,
        })
    }
}

/// Gives a link to a file of the room. It is good for ten minutes, and only while its owner is in the room.
#[utoipa::path(
    post,
    path = "/api/v1/rooms/{room}/files/{file}/link",
    tag = "files",
    params(("room" = String, Path, description = "The room's name"), ("file" = String, Path, description = "The file's id")),
    responses((status = 200, body = FileLink), (status = "4XX", body = ErrorBody)),
    security(("token" = [])),
)]
pub async fn link(
    State(api): State<Api>,
    Bearer(token): Bearer,
    Path((room, file)): Path<(String, String)>,
) -> Result<Json<FileLink>, ApiError> {
    let holder = api.holder(token.as_deref(), room_name(&room)?)?;
    // Whoever may read the chat may have what is shown in it.
    let asked = Command::ReadChat {
        before: None,
        limit: 1,
    };
    api.command(&holder, asked).await?;
    let id = FileId::parse(&file).ok_or_else(no_file)?;
    let now = unix_ms();
    let info = whole_file(&api, id, &holder.room, now).await?;
    let link = Link {
        file: id,
        expires_ms: now.saturating_add(LINK_MS).min(info.expires_ms),
        room: holder.room,
        identity: holder.identity,
    };
    let path = format!("/api/v1/files/{}", api.inner.link_key.sign(&link));
    Ok(Json(FileLink {
        url: path,
        expires_at: link.expires_ms,
    }))
}

/// Gives a file out.
#[utoipa::path(
    get,
    path = "/api/v1/files/{link}",
    tag = "files",
    params(("link" = String, Path, description = "What a link ends with")),
    responses(
        (status = 200, description = "The file, always as an attachment", content_type = "application/octet-stream"),
        (status = 404, body = ErrorBody, description = "Whatever is wrong with the link"),
    ),
)]
pub async fn download(State(api): State<Api>, Path(text): Path<String>) -> Result<Response, ApiError> {
    let link = api.inner.link_key.verify(&text).ok_or_else(no_file)?;
    let now = unix_ms();
    if link.expires_ms <= now {
        return Err(no_file());
    }
    let handle = api.inner.engine.find_room(&link.room).ok_or_else(no_file)?;
    let present = api.inner.present.look_up(&handle, &link.identity).await;
    if !present.is_ok_and(|stay| stay.is_some()) {
        return Err(no_file());
    }
    let info = whole_file(&api, link.file, &link.room, now).await?;
    let blobs = api.shelf()?.blobs.clone();
    let mut file = on_disk(move || blobs.read(link.file))
        .await
        .map_err(|_| no_file())?;
    up(&api.inner.counters.downloads);

    let (pieces, reading) = mpsc::channel::<std::io::Result<Bytes>>(WAITING);
    // Ends with the file, or when nobody reads any more.
    spawn_blocking(move || {
        loop {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece).map(|length| {
                piece.truncate(length);
                Bytes::from(piece)
            });
            let last = !matches!(&read, Ok(piece) if !piece.is_empty());
            if read.as_ref().is_ok_and(Bytes::is_empty) || pieces.blocking_send(read).is_err() || last {
                return;
            }
        }
    });
    let body = Body::from_stream(stream::unfold(reading, |mut reading| async move {
        Some((reading.recv().await?, reading))
    }));
    Ok((headers(&info)?, body).into_response())
}

/// Nothing of it runs or is drawn where our pages are, and nothing keeps it.
fn headers(info: &FileInfo) -> Result<[(HeaderName, HeaderValue); 7], ApiError> {
    let text = |text: String| {
        HeaderValue::from_str(&text).map_err(|error| ApiError::new(ErrorCode::Internal, error))
    };
    Ok([
        (header::CONTENT_TYPE, text(served_as(&info.kind).to_owned())?),
        (header::CONTENT_LENGTH, HeaderValue::from(info.size)),
        (header::CONTENT_DISPOSITION, text(disposition(&info.name))?),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static("sandbox; default-src 'none'; frame-ancestors 'none'"),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            HeaderValue::from_static("same-origin"),
        ),
    ])
}

/// RFC 6266: a plain name for old readers, the whole one (RFC 5987) for the others.
pub(crate) fn disposition(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || ".-_ ".contains(c) {
                c
            } else {
                '_'
            }
        })
        .collect();
    let mut whole = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            whole.push(char::from(byte));
        } else {
            whole.push_str(&format!("%{byte:02X}"));
        }
    }
    format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

async fn whole_file(api: &Api, id: FileId, room: &RoomName, now: u64) -> Result<FileInfo, ApiError> {
    let info = api.shelf()?.store.file(id, now).await?;
    info.filter(|info| info.whole && info.room == room.key())
        .ok_or_else(no_file)
}

fn no_file() -> ApiError {
    ApiError::new(ErrorCode::NotFound, "no such file")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link {
        Link {
            file: FileId::from_random(7),
            expires_ms: 1_000,
            room: RoomName::parse("Plaza Größe").unwrap(),
            identity: Identity::parse("ana 👩").unwrap(),
        }
    }

    #[test]
    fn f7_a_link_is_good_as_it_was_given_and_no_other() {
        let key = LinkKey::from_random([1; 32]);
        let text = key.sign(&link());
        assert_eq!(key.verify(&text), Some(link()));
        let longer = Link {
            expires_ms: 2_000,
            ..link()
        };
        let (_, tag) = text.split_once('.').unwrap();
        let forged = format!("{}.{tag}", encoded(longer.payload().as_bytes()));
        for text in ["", ".", "a.b", &forged, &text[1..], &text[..text.len() - 1]] {
            assert_eq!(key.verify(text), None, "for {text}");
        }
        assert_eq!(LinkKey::from_random([2; 32]).verify(&text), None);
    }

    #[test]
    fn f2_no_name_gets_out_of_its_header() {
        assert_eq!(
            disposition("a\"; x=\r\nñ.pdf"),
            "attachment; filename=\"a__ x____.pdf\"; filename*=UTF-8''a%22%3B%20x%3D%0D%0A%C3%B1.pdf"
        );
    }
}

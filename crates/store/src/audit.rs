//! The audit log: who did what to which room, one line after the other, each with a hash over itself and the one before.

use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256};
use sqlx::AnyConnection;
use sqlx::Row as _;
use sqlx::any::AnyRow;
use tertulia_model::RoomName;
use tertulia_room::{AuditActor, AuditEntry};

use crate::number::{signed, unsigned};
use crate::{Store, StoreError};

/// The hash before the first line.
const BEGINNING: &str = "0000000000000000000000000000000000000000000000000000000000000000";
/// Lines read at once.
const PAGE: i64 = 1_000;

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// Its number, from 1, without gaps.
    pub seq: u64,
    /// When, Unix milliseconds.
    pub at_ms: u64,
    /// The room, by the folded form of its name; empty where it is about none.
    pub room: String,
    /// Who: `participant:` and an identity, `account:` and a name, `admin` or `system`.
    pub actor: String,
    /// What, as `noun.verb`.
    pub action: String,
    /// To whom; empty for nobody.
    pub subject: String,
    /// What exactly; may be empty.
    pub detail: String,
    /// The hash of the line before.
    pub previous: String,
    /// SHA-256 over `previous` and the line, in hexadecimal digits.
    pub hash: String,
}

/// A chain that holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditChain {
    /// How many lines there are.
    pub lines: u64,
    /// Number of the first: above 1 where older lines have outlived their time.
    pub first: u64,
    /// The hash of the last line. Whoever notes it can prove later that nothing up to here was changed.
    pub head: String,
    /// Whether the hash that was asked for stands in the chain; `None` where none was.
    pub anchored: Option<bool>,
}

/// Where a chain is broken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditFault {
    /// A line says something else than when it was written.
    #[error("line {0} was changed")]
    Changed(u64),
    /// A line does not follow the one before it.
    #[error("something before line {0} was taken out or put in")]
    Broken(u64),
    /// The log could not be read.
    #[error("the audit log cannot be read")]
    Unreadable(#[from] StoreError),
}

impl Store {
    /// Writes down something that was done outside a meeting: to an account, or to a room nobody is in.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn audit(
        &self,
        room: Option<&RoomName>,
        actor: &str,
        entry: &AuditEntry,
    ) -> Result<(), StoreError> {
        let mut tx = self.write().await?;
        append_as(&mut tx, room.map_or("", RoomName::key), actor, entry).await?;
        tx.commit().await?;
        Ok(())
    }

    /// At most `limit` lines before `before`, or the last, ascending; of one room, or of all.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn read_audit(
        &self,
        room: Option<&RoomName>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<AuditLine>, StoreError> {
        let mut connection = self.read().await?;
        let rows = sqlx::query(
            "SELECT seq, at_ms, room, actor, action, subject, detail, previous, hash FROM audit \
             WHERE seq < $1 AND (room = $2 OR $2 = '') ORDER BY seq DESC LIMIT $3",
        )
        .bind(before.map_or(i64::MAX, signed))
        .bind(room.map_or("", RoomName::key))
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(&mut *connection)
        .await?;
        rows.iter().rev().map(line_of).collect()
    }

    /// Reads the whole log and checks that each line is what it was and follows the one before. `anchor` is a hash that
    /// was noted earlier.
    ///
    /// # Errors
    /// [`AuditFault`].
    pub async fn verify_audit(&self, anchor: Option<&str>) -> Result<AuditChain, AuditFault> {
        let mut chain = AuditChain {
            lines: 0,
            first: 1,
            head: BEGINNING.to_owned(),
            anchored: anchor.map(|hash| hash == BEGINNING),
        };
        let mut last: Option<u64> = None;
        loop {
            let page = self.audit_after(last).await?;
            let Some(end) = page.last() else {
                return Ok(chain);
            };
            for line in &page {
                match last {
                    None => {
                        chain.first = line.seq;
                        if line.seq == 1 && line.previous != BEGINNING {
                            return Err(AuditFault::Broken(line.seq));
                        }
                    }
                    Some(last) if line.seq != last + 1 || line.previous != chain.head => {
                        return Err(AuditFault::Broken(line.seq));
                    }
                    Some(_) => {}
                }
                if line.hash != hash(line) {
                    return Err(AuditFault::Changed(line.seq));
                }
                last = Some(line.seq);
                chain.lines += 1;
                chain.head.clone_from(&line.hash);
                if let (Some(anchored), Some(anchor)) = (&mut chain.anchored, anchor) {
                    *anchored |= line.hash == anchor;
                }
            }
            last = Some(end.seq);
        }
    }

    /// Deletes lines written before a time, and says how many. The last one stays, so that the chain goes on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn expire_audit(&self, before_ms: u64) -> Result<u64, StoreError> {
        let mut tx = self.write().await?;
        // Only from the front: the clock may have been set back in between.
        let deleted = sqlx::query(
            "DELETE FROM audit WHERE seq < (SELECT COALESCE(MIN(seq), 0) FROM audit WHERE at_ms >= $1) \
             OR (seq < (SELECT MAX(seq) FROM audit) AND NOT EXISTS (SELECT 1 FROM audit WHERE at_ms >= $1))",
        )
        .bind(signed(before_ms))
        .execute(&mut *tx)
        .await?
        .rows_affected();
        tx.commit().await?;
        Ok(deleted)
    }

    async fn audit_after(&self, after: Option<u64>) -> Result<Vec<AuditLine>, StoreError> {
        let mut connection = self.read().await?;
        let rows = sqlx::query(
            "SELECT seq, at_ms, room, actor, action, subject, detail, previous, hash FROM audit \
             WHERE seq > $1 ORDER BY seq LIMIT $2",
        )
        .bind(after.map_or(i64::MIN, signed))
        .bind(PAGE)
        .fetch_all(&mut *connection)
        .await?;
        rows.iter().map(line_of).collect()
    }
}

/// Writes down what a room says was done in it.
pub(crate) async fn append(
    connection: &mut AnyConnection,
    room: &RoomName,
    entry: &AuditEntry,
) -> Result<(), StoreError> {
    let actor = match &entry.by {
        AuditActor::Participant(identity) => format!("participant:{identity}"),
        AuditActor::Admin => "admin".to_owned(),
        AuditActor::System => "system".to_owned(),
    };
    append_as(connection, room.key(), &actor, entry).await
}

async fn append_as(
    connection: &mut AnyConnection,
    room: &str,
    actor: &str,
    entry: &AuditEntry,
) -> Result<(), StoreError> {
    let last: Option<(i64, String)> = sqlx::query_as("SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    let (seq, previous) = match last {
        Some((seq, hash)) => (unsigned(seq)? + 1, hash),
        None => (1, BEGINNING.to_owned()),
    };
    let mut line = AuditLine {
        seq,
        at_ms: entry.at_ms,
        room: room.to_owned(),
        actor: actor.to_owned(),
        action: entry.action.to_owned(),
        subject: entry
            .subject
            .as_ref()
            .map_or("", |subject| subject.as_str())
            .to_owned(),
        detail: entry.detail.clone().unwrap_or_default(),
        previous,
        hash: String::new(),
    };
    line.hash = hash(&line);
    sqlx::query(
        "INSERT INTO audit (seq, at_ms, room, actor, action, subject, detail, previous, hash) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(signed(line.seq))
    .bind(signed(line.at_ms))
    .bind(line.room)
    .bind(line.actor)
    .bind(line.action)
    .bind(line.subject)
    .bind(line.detail)
    .bind(line.previous)
    .bind(line.hash)
    .execute(connection)
    .await?;
    Ok(())
}

/// SHA-256 over the hash before and each field with its length, so that no two lines have the same text.
fn hash(line: &AuditLine) -> String {
    let mut context = Context::new(&SHA256);
    context.update(line.previous.as_bytes());
    let (seq, at_ms) = (line.seq.to_string(), line.at_ms.to_string());
    for field in [
        &seq,
        &at_ms,
        &line.room,
        &line.actor,
        &line.action,
        &line.subject,
        &line.detail,
    ] {
        context.update(format!("\n{}:", field.len()).as_bytes());
        context.update(field.as_bytes());
    }
    let mut digits = String::with_capacity(64);
    for byte in context.finish().as_ref() {
        // Writing to a text cannot fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

fn line_of(row: &AnyRow) -> Result<AuditLine, StoreError> {
    Ok(AuditLine {
        seq: unsigned(row.try_get("seq")?)?,
        at_ms: unsigned(row.try_get("at_ms")?)?,
        room: row.try_get("room")?,
        actor: row.try_get("actor")?,
        action: row.try_get("action")?,
        subject: row.try_get("subject")?,
        detail: row.try_get("detail")?,
        previous: row.try_get("previous")?,
        hash: row.try_get("hash")?,
    })
}

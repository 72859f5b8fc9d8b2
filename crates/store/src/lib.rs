//! What must outlive a restart, in SQLite by default and in PostgreSQL by URL.
//!
//! [`Store`] is the way in; each aggregate has a module of its own with its queries, and no layer between them and SQL.
//! One set of migrations and one text of every query serve both databases, so the types are those both have: `BIGINT`,
//! `TEXT`, and nothing else. Times are milliseconds since the Unix epoch, truth values are 0 and 1.
//!
//! What it does not do: decide rights (`room`, `people`), know a protocol (the doors), or choose what is kept (whoever
//! calls it).
//!
//! Invariants: a function that returns without an error has its effect on disk; rooms are found by the folded form of
//! their name; on SQLite there is one writer at a time.
//!
//! ```no_run
//! # async fn example() -> Result<(), tertulia_store::StoreError> {
//! use tertulia_store::{Place, Store};
//! let store = Store::open(&Place::Directory("/var/lib/tertulia".into())).await?;
//! let room = tertulia_model::RoomName::parse("Plaza").unwrap();
//! let page = store.read_chat(&room, None, 100).await?;
//! # Ok(()) }
//! ```

mod accounts;
mod audit;
mod blobs;
mod boards;
mod chat;
mod contents;
mod error;
mod files;
mod invitations;
mod migrations;
mod number;
mod owned_rooms;
mod polls;
mod records;
mod sessions;
mod store;

pub use accounts::AccountRefusal;
pub use audit::{AuditChain, AuditFault, AuditLine};
pub use blobs::{BlobWriter, Blobs, FileId};
pub use chat::ChatPage;
pub use contents::Retention;
pub use error::StoreError;
pub use files::{FileInfo, FileQuota, FileRefusal};
pub use owned_rooms::{KeptRoom, RoomRefusal};
pub use store::{Place, Store};

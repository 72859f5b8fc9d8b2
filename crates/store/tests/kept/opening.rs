//! Opening what stands, and refusing what is broken.

use std::fs;
use std::io::{Seek as _, SeekFrom, Write as _};

use crate::support::Folder;
use tertulia_model::{Identity, RoomName};
use tertulia_room::{ChatMessage, Record};
use tertulia_store::{Place, Retention, Store, StoreError};

#[tokio::test(flavor = "multi_thread")]
async fn o10_a_damaged_database_is_refused_and_not_replaced() {
    let folder = Folder::new();
    let place = Place::Directory(folder.0.clone());
    let store = Store::open(&place).await.unwrap();
    let room = RoomName::parse("Plaza").unwrap();
    let records: Vec<(RoomName, Record)> = (1..500)
        .map(|seq| {
            let message = ChatMessage {
                seq,
                id: seq.to_string(),
                identity: Identity::parse("ana").unwrap(),
                name: String::new(),
                text: "a long enough text ".repeat(10),
                at_ms: 0,
                file: None,
                to: None,
                reply_to: None,
                edited_at_ms: None,
                deleted: false,
                reactions: Vec::new(),
            };
            (room.clone(), Record::Chat(message))
        })
        .collect();
    store.keep(&records, Retention::WhileOpen).await;
    store.close().await;

    let file = folder.0.join("tertulia.sqlite3");
    let mut damaged = fs::OpenOptions::new().write(true).open(&file).unwrap();
    damaged.seek(SeekFrom::Start(8 * 4_096)).unwrap();
    damaged.write_all(&[0xA5; 16 * 4_096]).unwrap();
    drop(damaged);
    let size = fs::metadata(&file).unwrap().len();
    assert!(matches!(Store::open(&place).await, Err(StoreError::Damaged(_))));
    assert_eq!(fs::metadata(&file).unwrap().len(), size);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_no_database_is_refused() {
    let folder = Folder::new();
    fs::write(folder.0.join("tertulia.sqlite3"), "not a database ".repeat(1_000)).unwrap();
    assert!(Store::open(&Place::Directory(folder.0.clone())).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_can_be_written_the_reason_is_told() {
    let nowhere = Place::Directory("/proc/nowhere".into());
    assert!(Store::open(&nowhere).await.is_err());
}

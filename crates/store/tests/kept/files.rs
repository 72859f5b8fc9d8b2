//! What is known of files, on both databases alike.

use crate::support::{Folder, on_both};
use tertulia_model::{Identity, RoomName};
use tertulia_room::Record;
use tertulia_store::{Blobs, FileId, FileInfo, FileQuota, FileRefusal, Retention};

const QUOTA: FileQuota = FileQuota {
    room_bytes: 100,
    total_bytes: 150,
    uploads_each: 2,
};

fn file(id: u128, room: &str, who: &str, size: u64) -> FileInfo {
    FileInfo {
        id: FileId::from_random(id),
        room: RoomName::parse(room).unwrap().key().to_owned(),
        identity: Identity::parse(who).unwrap(),
        name: "plan ñ.pdf".to_owned(),
        kind: String::new(),
        size,
        whole: false,
        expires_ms: 1_000,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rooms_and_the_server_take_so_much_and_no_more() {
    on_both(|store, _| async move {
        let begin = async |id, room, who, size| store.begin_file(&file(id, room, who, size), QUOTA, 0).await;
        begin(1, "Plaza", "ana", 60).await.unwrap();
        assert!(matches!(
            begin(2, "plaza", "bo", 41).await,
            Err(FileRefusal::RoomFull)
        ));
        begin(3, "Other", "bo", 85).await.unwrap();
        assert!(matches!(
            begin(4, "Plaza", "bo", 6).await,
            Err(FileRefusal::ServerFull)
        ));
        begin(5, "Plaza", "ana", 0).await.unwrap();
        assert!(matches!(
            begin(6, "Plaza", "ana", 0).await,
            Err(FileRefusal::TooMany)
        ));
        // A file that is whole is no upload any more, and one that is gone takes nothing.
        assert!(
            store
                .finish_file(FileId::from_random(5), "text/plain", 2_000)
                .await
                .unwrap()
        );
        assert!(store.delete_file(FileId::from_random(3)).await.unwrap());
        begin(7, "Plaza", "ana", 40).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_found_until_its_time_is_over() {
    on_both(|store, _| async move {
        let begun = file(1, "Plaza", "ana", 7);
        store.begin_file(&begun, QUOTA, 0).await.unwrap();
        assert_eq!(store.file(begun.id, 999).await.unwrap(), Some(begun.clone()));
        assert!(
            store
                .finish_file(begun.id, "application/pdf", 2_000)
                .await
                .unwrap()
        );
        assert!(!store.finish_file(begun.id, "text/plain", 9_000).await.unwrap());
        let whole = FileInfo {
            kind: "application/pdf".to_owned(),
            whole: true,
            expires_ms: 2_000,
            ..begun
        };
        assert_eq!(store.file(whole.id, 1_999).await.unwrap(), Some(whole.clone()));
        assert_eq!(store.file(whole.id, 2_000).await.unwrap(), None);
        assert_eq!(store.file_ids().await.unwrap(), [whole.id]);
        assert_eq!(store.expire_files(2_000).await.unwrap(), 1);
        assert_eq!(store.file_ids().await.unwrap(), []);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_go_with_a_room_that_keeps_nothing() {
    on_both(|store, _| async move {
        let begun = file(1, "Plaza", "ana", 7);
        store.begin_file(&begun, QUOTA, 0).await.unwrap();
        let end = [(RoomName::parse("Plaza").unwrap(), Record::Ended { at_ms: 500 })];
        store.keep(&end, Retention::Seconds(60)).await;
        assert!(store.file(begun.id, 500).await.unwrap().is_some());
        store.keep(&end, Retention::WhileOpen).await;
        assert!(store.file(begun.id, 500).await.unwrap().is_none());
    })
    .await;
}

#[test]
fn bytes_are_added_at_the_end_and_both_ends_can_be_read() {
    let folder = Folder::new();
    let blobs = Blobs::open(&folder.0).unwrap();
    let id = FileId::from_random(7);
    assert_eq!(blobs.length(id).unwrap(), 0);
    blobs.append(id).unwrap().write(b"begin ").unwrap();
    let mut file = blobs.append(id).unwrap();
    file.write(b"end").unwrap();
    assert_eq!((file.length(), blobs.length(id).unwrap()), (9, 9));
    assert_eq!(file.ends(4).unwrap(), (b"begi".to_vec(), b" end".to_vec()));
    assert_eq!(blobs.list().unwrap().into_iter().collect::<Vec<_>>(), [id]);
    blobs.remove(id).unwrap();
    blobs.remove(id).unwrap();
    assert!(blobs.read(id).is_err());
}

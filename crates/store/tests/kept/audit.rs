//! The audit log holds what was done, and shows what was done to it.

use crate::support::on_both;
use tertulia_model::{Identity, RoomName};
use tertulia_room::{AuditActor, AuditEntry, Record};
use tertulia_store::{AuditFault, Place, Retention, Store};

fn room() -> RoomName {
    RoomName::parse("Plaza").unwrap()
}

fn entry(at_ms: u64) -> AuditEntry {
    AuditEntry {
        at_ms,
        by: AuditActor::Participant(Identity::parse("ana").unwrap()),
        action: "participant.removed",
        subject: Some(Identity::parse("bo").unwrap()),
        detail: None,
    }
}

async fn with_lines(store: &Store, lines: u64) {
    let records: Vec<(RoomName, Record)> = (1..=lines).map(|at| (room(), Record::Audit(entry(at)))).collect();
    for outcome in store.keep(&records, Retention::WhileOpen).await {
        outcome.unwrap();
    }
}

/// Does to the database what no code of ours does.
async fn tamper(place: &Place, sql: &'static str) {
    sqlx::any::install_default_drivers();
    let url = match place {
        Place::Directory(directory) => format!("sqlite://{}", directory.join("tertulia.sqlite3").display()),
        Place::Url(url) => url.clone(),
    };
    let pool = sqlx::AnyPool::connect(&url).await.unwrap();
    sqlx::query(sql).execute(&pool).await.unwrap();
    pool.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_are_written_in_order_and_the_chain_holds() {
    on_both(|store, _| async move {
        let empty = store.verify_audit(None).await.unwrap();
        assert_eq!(empty.lines, 0);
        with_lines(&store, 3).await;
        store.audit(None, "account:root", &entry(4)).await.unwrap();
        let lines = store.read_audit(None, None, 10).await.unwrap();
        let told: Vec<(u64, &str, &str, &str)> = lines
            .iter()
            .map(|line| {
                (
                    line.seq,
                    line.actor.as_str(),
                    line.subject.as_str(),
                    line.room.as_str(),
                )
            })
            .collect();
        assert_eq!(told[0], (1, "participant:ana", "bo", "plaza"));
        assert_eq!(told[3], (4, "account:root", "bo", ""));
        assert_eq!(store.read_audit(Some(&room()), None, 10).await.unwrap().len(), 3);
        let chain = store.verify_audit(Some(&lines[1].hash)).await.unwrap();
        assert_eq!((chain.lines, chain.first, chain.anchored), (4, 1, Some(true)));
        assert_eq!(chain.head, lines[3].hash);
        assert_eq!(
            store.verify_audit(Some("another")).await.unwrap().anchored,
            Some(false)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_was_changed_is_found() {
    on_both(|store, place| async move {
        with_lines(&store, 5).await;
        tamper(&place, "UPDATE audit SET subject = 'somebody else' WHERE seq = 3").await;
        assert!(matches!(
            store.verify_audit(None).await,
            Err(AuditFault::Changed(3))
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_was_taken_out_is_found() {
    on_both(|store, place| async move {
        with_lines(&store, 5).await;
        tamper(&place, "DELETE FROM audit WHERE seq = 3").await;
        assert!(matches!(
            store.verify_audit(None).await,
            Err(AuditFault::Broken(4))
        ));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_that_was_cut_off_is_found_by_a_hash_noted_before() {
    on_both(|store, place| async move {
        with_lines(&store, 5).await;
        let noted = store.verify_audit(None).await.unwrap().head;
        tamper(&place, "DELETE FROM audit WHERE seq = 5").await;
        assert_eq!(
            store.verify_audit(Some(&noted)).await.unwrap().anchored,
            Some(false)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_lines_go_and_the_chain_goes_on() {
    on_both(|store, _| async move {
        with_lines(&store, 5).await;
        assert_eq!(store.expire_audit(3).await.unwrap(), 2);
        let chain = store.verify_audit(None).await.unwrap();
        assert_eq!((chain.lines, chain.first), (3, 3));
        // The last one stays whatever its age.
        assert_eq!(store.expire_audit(100).await.unwrap(), 2);
        with_lines(&store, 1).await;
        let chain = store.verify_audit(None).await.unwrap();
        assert_eq!((chain.lines, chain.first), (2, 5));
    })
    .await;
}

//! `tertulia audit`: reads the audit log, and checks that it is what was written.

use std::fmt::Write as _;

use anyhow::{Context, Result, bail};
use tertulia_model::{RoomName, Timestamp};
use tertulia_store::Store;

use crate::cli::{AuditCommand, ListArgs, VerifyArgs};
use crate::config::Config;
use crate::{data, wiring};

/// Lines printed from one read.
const PAGE: usize = 1_000;

/// Does what was asked and gives what is to be printed.
///
/// # Errors
/// When the log cannot be read, or is not what was written.
pub fn run(command: &AuditCommand, config: &Config) -> Result<String> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        let directory = data::directory(config);
        let store = Store::open(&wiring::place(config, &directory))
            .await
            .context("cannot open the store (store.url, data_dir)")?;
        let printed = match command {
            AuditCommand::Verify(args) => verify(&store, args).await,
            AuditCommand::List(args) => list(&store, args).await,
        };
        store.close().await;
        printed
    })
}

async fn verify(store: &Store, args: &VerifyArgs) -> Result<String> {
    let chain = store
        .verify_audit(args.head.as_deref())
        .await
        .context("the audit log is not what was written")?;
    if chain.anchored == Some(false) {
        bail!("the audit log is not what was written: the hash given with --head does not stand in it");
    }
    let mut text = format!("The audit log holds: {} lines", chain.lines);
    if chain.first > 1 {
        write!(
            text,
            ", from line {} on; older ones have outlived their time",
            chain.first
        )?;
    }
    writeln!(text, ".\nHead: {}", chain.head)?;
    Ok(text)
}

async fn list(store: &Store, args: &ListArgs) -> Result<String> {
    let room = args.room.as_deref().map(RoomName::parse).transpose()?;
    let mut pages = Vec::new();
    let (mut before, mut wanted) = (None, args.last);
    while wanted > 0 {
        let page = store.read_audit(room.as_ref(), before, wanted.min(PAGE)).await?;
        let Some(first) = page.first() else { break };
        before = Some(first.seq);
        wanted = wanted.saturating_sub(page.len());
        pages.push(page);
    }
    let mut text = String::new();
    for line in pages.into_iter().rev().flatten() {
        writeln!(
            text,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}",
            line.seq,
            Timestamp(line.at_ms),
            shown(&line.room),
            shown(&line.actor),
            line.action,
            shown(&line.subject),
            shown(&line.detail)
        )?;
    }
    Ok(text)
}

/// A text that keeps to its column: what people choose may hold anything.
fn shown(text: &str) -> String {
    if text.is_empty() {
        "-".to_owned()
    } else {
        text.escape_debug().to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_choose_cannot_make_a_line() {
        assert_eq!(shown("a\nb\t\u{1b}[31m"), "a\\nb\\t\\u{1b}[31m");
    }
}

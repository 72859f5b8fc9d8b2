//! Polls, by room.

use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Row as _};
use tertulia_model::{Identity, RoomName};
use tertulia_room::{KeptPoll, Poll, Vote, recount};

use crate::StoreError;
use crate::number::{signed, unsigned};

/// Keeps a new poll.
pub(crate) async fn make(
    connection: &mut AnyConnection,
    room: &RoomName,
    poll: &Poll,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO polls (room, id, question, options, counts, multiple, anonymous, secret_until_closed, identity, \
         name, at_ms, touched_ms) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
    )
    .bind(room.key())
    .bind(signed(poll.id))
    .bind(poll.question.as_str())
    .bind(poll.options.join("\n"))
    .bind(listed(&vec![0; poll.options.len()], "\n"))
    .bind(i64::from(poll.multiple))
    .bind(i64::from(poll.anonymous))
    .bind(i64::from(poll.secret_until_closed))
    .bind(poll.by.as_ref().map(|by| by.as_str().to_owned()))
    .bind(poll.name.as_str())
    .bind(signed(poll.at_ms))
    .execute(connection)
    .await?;
    Ok(())
}

/// Counts a vote, in the place of an earlier one of the same voter; not in a poll that is closed or gone, nor a second
/// one in an anonymous poll.
pub(crate) async fn vote(
    connection: &mut AnyConnection,
    room: &RoomName,
    vote: &Vote,
) -> Result<(), StoreError> {
    let counts: Option<String> = sqlx::query_scalar(
        "SELECT counts FROM polls WHERE room = $1 AND id = $2 AND closed_ms IS NULL AND deleted = 0",
    )
    .bind(room.key())
    .bind(signed(vote.poll))
    .fetch_optional(&mut *connection)
    .await?;
    let Some(counts) = counts else {
        return Ok(());
    };
    let before: Option<String> =
        sqlx::query_scalar("SELECT choices FROM poll_votes WHERE room = $1 AND poll = $2 AND identity = $3")
            .bind(room.key())
            .bind(signed(vote.poll))
            .bind(vote.voter.as_str())
            .fetch_optional(&mut *connection)
            .await?;
    if before.is_some() && vote.anonymous {
        return Ok(());
    }
    let mut counts: Vec<u32> = read_list(&counts)?;
    let before: Vec<usize> = read_list(before.as_deref().unwrap_or_default())?;
    recount(&mut counts, &before, &vote.choices);
    let chosen = if vote.anonymous { &[][..] } else { &vote.choices };
    sqlx::query(
        "INSERT INTO poll_votes (room, poll, identity, choices, at_ms) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (room, poll, identity) DO UPDATE SET choices = excluded.choices, at_ms = excluded.at_ms",
    )
    .bind(room.key())
    .bind(signed(vote.poll))
    .bind(vote.voter.as_str())
    .bind(listed(chosen, " "))
    .bind(signed(vote.at.unix_ms))
    .execute(&mut *connection)
    .await?;
    sqlx::query("UPDATE polls SET counts = $3, touched_ms = $4 WHERE room = $1 AND id = $2")
        .bind(room.key())
        .bind(signed(vote.poll))
        .bind(listed(&counts, "\n"))
        .bind(signed(vote.at.unix_ms))
        .execute(connection)
        .await?;
    Ok(())
}

/// Keeps that a poll is closed.
pub(crate) async fn close(
    connection: &mut AnyConnection,
    room: &RoomName,
    poll: u64,
    at_ms: u64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE polls SET closed_ms = $3, touched_ms = $3 WHERE room = $1 AND id = $2 AND closed_ms IS NULL",
    )
    .bind(room.key())
    .bind(signed(poll))
    .bind(signed(at_ms))
    .execute(connection)
    .await?;
    Ok(())
}

/// Forgets a poll but for its number.
pub(crate) async fn delete(
    connection: &mut AnyConnection,
    room: &RoomName,
    poll: u64,
) -> Result<(), StoreError> {
    sqlx::query("DELETE FROM poll_votes WHERE room = $1 AND poll = $2")
        .bind(room.key())
        .bind(signed(poll))
        .execute(&mut *connection)
        .await?;
    sqlx::query(
        "UPDATE polls SET question = '', options = '', counts = '', identity = NULL, name = '', deleted = 1 \
         WHERE room = $1 AND id = $2",
    )
    .bind(room.key())
    .bind(signed(poll))
    .execute(connection)
    .await?;
    Ok(())
}

/// The polls of a room, oldest first, and the highest number ever given to one.
pub(crate) async fn read(
    connection: &mut AnyConnection,
    room: &RoomName,
) -> Result<(Vec<KeptPoll>, u64), StoreError> {
    let votes = sqlx::query(
        "SELECT poll, identity, choices FROM poll_votes WHERE room = $1 ORDER BY poll, at_ms, identity",
    )
    .bind(room.key())
    .fetch_all(&mut *connection)
    .await?;
    let rows = sqlx::query(
        "SELECT id, question, options, counts, multiple, anonymous, secret_until_closed, identity, name, at_ms, \
         closed_ms, deleted FROM polls WHERE room = $1 ORDER BY id",
    )
    .bind(room.key())
    .fetch_all(connection)
    .await?;
    let (mut kept, mut last) = (Vec::new(), 0);
    for row in rows {
        last = unsigned(row.try_get("id")?)?;
        if row.try_get::<i64, _>("deleted")? == 0 {
            kept.push(KeptPoll {
                poll: poll_of(&row, last)?,
                voters: Vec::new(),
            });
        }
    }
    for row in votes {
        let id = unsigned(row.try_get("poll")?)?;
        let identity: String = row.try_get("identity")?;
        let voter = Identity::parse(&identity).map_err(|_| StoreError::Unreadable("vote"))?;
        if let Ok(place) = kept.binary_search_by_key(&id, |kept| kept.poll.id)
            && let Some(kept) = kept.get_mut(place)
        {
            kept.poll.votes += 1;
            if !kept.poll.anonymous {
                let choices = read_list(&row.try_get::<String, _>("choices")?)?;
                kept.poll.ballots.push((voter.clone(), choices));
            }
            kept.voters.push(voter);
        }
    }
    Ok((kept, last))
}

fn poll_of(row: &AnyRow, id: u64) -> Result<Poll, StoreError> {
    let flag = |name| row.try_get::<i64, _>(name).map(|value| value != 0);
    let by: Option<String> = row.try_get("identity")?;
    let by = by.as_deref().map(Identity::parse).transpose();
    let closed: Option<i64> = row.try_get("closed_ms")?;
    Ok(Poll {
        id,
        question: row.try_get("question")?,
        options: row
            .try_get::<String, _>("options")?
            .lines()
            .map(str::to_owned)
            .collect(),
        multiple: flag("multiple")?,
        anonymous: flag("anonymous")?,
        secret_until_closed: flag("secret_until_closed")?,
        by: by.map_err(|_| StoreError::Unreadable("poll"))?,
        name: row.try_get("name")?,
        at_ms: unsigned(row.try_get("at_ms")?)?,
        closed_at_ms: closed.map(unsigned).transpose()?,
        votes: 0,
        counts: Some(read_list(&row.try_get::<String, _>("counts")?)?),
        ballots: Vec::new(),
    })
}

fn listed<T: ToString>(numbers: &[T], between: &str) -> String {
    let texts: Vec<String> = numbers.iter().map(ToString::to_string).collect();
    texts.join(between)
}

fn read_list<T: std::str::FromStr>(text: &str) -> Result<Vec<T>, StoreError> {
    let numbers = text.split_whitespace().map(str::parse);
    numbers
        .collect::<Result<_, _>>()
        .map_err(|_| StoreError::Unreadable("poll"))
}

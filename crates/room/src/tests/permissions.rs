//! `docs/permissions.md` is the table the room decides by.

use std::fmt::Write as _;

use crate::{Act, Need, Right, Rights, Role};

/// Set this variable to write the file instead of comparing it.
const WRITE: &str = "TERTULIA_UPDATE_DOCS";

const HEAD: &str = "# Who may do what

Made from the table in `crates/room/src/act.rs` by which every command is judged, whatever door it comes through; run the
tests of `tertulia-room` once with `TERTULIA_UPDATE_DOCS=1` after changing it. `door-web/tests/matrix.rs` and
`door-livekit/tests/matrix.rs` try every command of the HTTP API, every signalling request and data packet, and every method of
the room service with every role and every right by itself, and compare with it.

A participant has the rights of their role, with those granted and without those revoked by a moderator; then without those
the room has switched off (except for what was granted singly, and for who has `speak_freely`); then without what
their token denies. The operator's application is whoever holds a token with `roomAdmin` for the room: it may do everything but
what only somebody in the room can. Nobody acts upon somebody of a higher role, gives a role above their own or a right they do not
hold; nobody opens somebody else's microphone, camera or screen.

| to… | needs | viewer | participant | presenter | moderator | owner | application | besides |
|---|---|---|---|---|---|---|---|---|
";

const ADMISSION: &str = "
## Coming in

Asked in this order, with the first that applies:

1. banned: no, for the life of the room; removed: not with a credential issued before;
2. the owner, a token with `roomAdmin`, a role with `enter_freely`, somebody who was let in before and not removed since: yes;
3. the room is locked: no;
4. the room has a password: with it, or with a token of the operator's application;
5. the room has a lobby: after waiting, unless they signed in or bring a token of the application and the room spares these;
6. a guest from where somebody banned came from: after waiting;
7. everybody else: yes, while there is room.

Into a breakout room come those whom its main room has sent there and tokens with `roomAdmin`, nobody else.

## The room service

The methods of LiveKit's room service need a grant of the token: `CreateRoom` and `DeleteRoom` `roomCreate`, `ListRooms` `roomList`,
all others `roomAdmin` for the room. With the token of somebody who is in the room `DeleteRoom`, `RemoveParticipant`,
`MutePublishedTrack`, `UpdateParticipant`, `UpdateSubscriptions` and `UpdateRoomMetadata` are judged by the table above.

## Who moderates where nobody was named

In a room without an owner the first guest or account holder to come moderates. Where the last moderator leaves and none comes
back within 30 seconds, whoever of the guests and account holders has been there longest takes their place, viewers and
machines left out. In a room with an owner no guest ever does. Somebody who comes back is what they were. Tokens of the operator's
application never make a moderator unless they say `roomAdmin`.
";

fn document() -> String {
    let mut text = HEAD.to_owned();
    for act in Act::ALL {
        let need = act.need();
        let needs = match need {
            Need::System => "the server".to_owned(),
            Need::Presence => "presence".to_owned(),
            Need::Own(right) | Need::Right(right) => format!("`{}`", right.as_str()),
        };
        let may = Role::ALL.map(|role| mark(need.is_met_by(Rights::of_role(role))));
        let application = mark(matches!(need, Need::Right(_)));
        writeln!(
            text,
            "| {} | {needs} | {} | {application} | {} |",
            act.name(),
            may.join(" | "),
            act.note()
        )
        .unwrap();
    }
    text.push_str("\n## Rights\n\n| right | viewer | participant | presenter | moderator | owner | can be switched off |\n");
    text.push_str("|---|---|---|---|---|---|---|\n");
    for right in Right::ALL {
        let has = Role::ALL.map(|role| mark(Rights::of_role(role).has(right)));
        let switched = mark(Rights::switchable().has(right));
        writeln!(
            text,
            "| `{}` | {} | {switched} |",
            right.as_str(),
            has.join(" | ")
        )
        .unwrap();
    }
    text.push_str(ADMISSION);
    text
}

fn mark(yes: bool) -> &'static str {
    if yes { "yes" } else { "" }
}

#[test]
fn the_checked_in_table_is_the_one_that_decides() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/permissions.md");
    let current = document();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(path, &current).unwrap();
    }
    let checked_in = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        checked_in == current,
        "docs/permissions.md is stale: run the tests once with {WRITE}=1"
    );
}

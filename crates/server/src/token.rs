//! `tertulia token`.

use anyhow::{Context, Result, bail};
use tertulia_auth::{ApiKeys, ClaimedKind, Claims, Validity, VideoGrant};
use tertulia_model::{Identity, RoomName};

use crate::cli::{Kind, TokenArgs};
use crate::config::Config;
use crate::{clock, data};

/// Signs the token that was asked for.
///
/// # Errors
/// When room or identity are not acceptable or missing, or there is no key to sign with.
pub fn create(args: &TokenArgs, config: &Config) -> Result<String> {
    let directory = data::directory(config);
    let keys = data::existing_api_keys(config, &directory, args.server.dev)?.with_context(|| {
        format!(
            "there is no API key: none is configured and {} holds none. Start the server once",
            directory.display()
        )
    })?;
    sign(args, &keys, clock::unix_ms())
}

fn sign(args: &TokenArgs, keys: &ApiKeys, now: u64) -> Result<String> {
    let claims = claims(args)?;
    let key = match &args.api_key {
        Some(id) => keys
            .find(id)
            .with_context(|| format!("there is no API key `{id}`"))?,
        None => keys.first(),
    };
    let lifetime = u64::try_from(args.ttl.as_millis()).context("the time to live is too long")?;
    let validity = Validity {
        issued_at_ms: now,
        expires_at_ms: now.saturating_add(lifetime),
    };
    Ok(key.sign(&claims, validity)?)
}

fn claims(args: &TokenArgs) -> Result<Claims> {
    let room = args
        .room
        .as_deref()
        .map(RoomName::parse)
        .transpose()
        .context("--room")?;
    let identity = args
        .identity
        .as_deref()
        .map(Identity::parse)
        .transpose()
        .context("--identity")?;
    let joins = !args.no_join && room.is_some();
    if joins && identity.is_none() {
        bail!("a token that joins a room needs --identity; with --no-join it is for server APIs");
    }
    if room.is_none() && !args.create && !args.list {
        bail!("the token would allow nothing: give --room, --create or --list");
    }
    let denied = |flag: bool| flag.then_some(false);
    Ok(Claims {
        identity,
        name: args.name.clone(),
        kind: match args.kind {
            Kind::Standard => ClaimedKind::Standard,
            Kind::Ingress => ClaimedKind::Ingress,
            Kind::Egress => ClaimedKind::Egress,
            Kind::Sip => ClaimedKind::Sip,
            Kind::Agent => ClaimedKind::Agent,
        },
        metadata: args.metadata.clone(),
        attributes: args.attributes.iter().cloned().collect(),
        video: VideoGrant {
            room_join: joins,
            room,
            room_admin: args.admin,
            room_create: args.create,
            room_list: args.list,
            can_publish: denied(args.no_publish),
            can_subscribe: denied(args.no_subscribe),
            can_publish_data: denied(args.no_publish_data),
            can_publish_sources: args
                .publish_sources
                .iter()
                .map(|source| (*source).into())
                .collect(),
            can_update_own_metadata: args.update_own_metadata.then_some(true),
            hidden: args.hidden,
            recorder: args.recorder,
            ..VideoGrant::default()
        },
        ..Claims::default()
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use tertulia_auth::ApiKey;

    use super::*;
    use crate::cli::{Cli, Command, TokenCommand};

    fn created(line: &str) -> Result<Claims> {
        let words = format!("tertulia token create {line}");
        let Command::Token(TokenCommand::Create(args)) = Cli::parse_from(words.split_whitespace()).command
        else {
            panic!("another command was read");
        };
        let keys = ApiKeys::new(vec![ApiKey::new("k", "s").unwrap()]).unwrap();
        Ok(keys.verify(&sign(&args, &keys, 1_000)?, 1_000).unwrap().claims)
    }

    #[test]
    fn a_token_says_what_the_line_said() {
        let claims = created(
            "--room Weekly --identity ana --name Ana --admin --no-publish-data --publish-source camera \
             --publish-source screen-share --attribute a=b=c --kind agent",
        )
        .unwrap();
        assert_eq!(claims.identity, Identity::parse("ana").ok());
        assert!(claims.video.room_join && claims.video.room_admin && claims.video.can_publish());
        assert!(!claims.video.can_publish_data());
        assert_eq!(claims.video.can_publish_sources.len(), 2);
        assert_eq!(claims.attributes["a"], "b=c");
        assert_eq!(claims.kind, ClaimedKind::Agent);
    }

    #[test]
    fn useless_tokens_are_refused() {
        for line in ["", "--room Weekly", "--room a/b --identity ana", "--identity ana"] {
            assert!(created(line).is_err(), "for {line:?}");
        }
        assert!(created("--list").is_ok());
        assert!(created("--room Weekly --no-join --admin").is_ok());
    }
}

//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use tertulia_model::Source;

/// Tertulia: video meetings on your own server.
#[derive(Debug, Parser)]
#[command(
    name = "tertulia",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs the server
    Serve(ServerArgs),
    /// Works with tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Reads the log of who did what to which room
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Works with the accounts of people
    #[command(subcommand)]
    Account(AccountCommand),
    /// Checks configuration and machine, and explains what it finds
    Check(CheckArgs),
    /// Asks the running server why somebody in a room has no picture
    Doctor(DoctorArgs),
    /// Shows the running server's log level, or changes it until its next start
    LogLevel(LogLevelArgs),
    /// Prints the reference of the configuration
    ConfigReference,
}

#[derive(Debug, Clone, Args)]
pub struct ServerArgs {
    /// The configuration file
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// For development: adds the well-known API key pair devkey/secret and advertises loopback addresses too
    #[arg(long)]
    pub dev: bool,
}

#[derive(Debug, Args)]
pub struct CheckArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// Prints JSON
    #[arg(long)]
    pub json: bool,
    /// Looks at the configuration alone, not at ports, names and machine
    #[arg(long)]
    pub only_configuration: bool,
}

#[derive(Debug, Args)]
pub struct DoctorArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// The room
    pub room: String,
    /// Examines this identity alone
    #[arg(long, value_name = "IDENTITY")]
    pub participant: Option<String>,
    /// Prints what the server sees, as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, Args)]
pub struct LogLevelArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// The new level, as for log.level
    pub level: Option<String>,
}

#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// Checks that no line was changed, taken out or put in
    Verify(VerifyArgs),
    /// Prints lines: number, time, room, who, what, to whom, and what exactly, with tabs between
    List(ListArgs),
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// A head noted after an earlier check: it must still stand in the log, so that nothing was cut off
    #[arg(long, value_name = "HASH")]
    pub head: Option<String>,
}

#[derive(Debug, Args)]
pub struct ListArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// Of this room only
    #[arg(long)]
    pub room: Option<String>,
    /// How many of the last lines
    #[arg(long, default_value_t = 100, value_name = "NUMBER")]
    pub last: usize,
}

impl AuditCommand {
    /// Where the server is.
    pub fn server(&self) -> &ServerArgs {
        match self {
            Self::Verify(args) => &args.server,
            Self::List(args) => &args.server,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum AccountCommand {
    /// Makes an account. Its password is read from the standard input, or made and printed where that is a terminal
    Add(AddAccountArgs),
    /// Gives an account a new password, as `add` does, and signs it out everywhere
    Password(AccountArgs),
    /// Prints all accounts: login name, display name, `admin` or `user`, `active` or `disabled`, with tabs between
    List(ServerArgs),
    /// Keeps somebody from signing in, and signs them out everywhere
    Disable(AccountArgs),
    /// Lets somebody sign in again
    Enable(AccountArgs),
    /// Deletes an account with its rooms and their invitations, chat and files
    Remove(AccountArgs),
}

#[derive(Debug, Args)]
pub struct AccountArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// What they sign in with
    pub login: String,
}

#[derive(Debug, Args)]
pub struct AddAccountArgs {
    #[command(flatten)]
    pub account: AccountArgs,
    /// What others see; without it the login name
    #[arg(long)]
    pub name: Option<String>,
    /// Their e-mail address
    #[arg(long, default_value = "")]
    pub email: String,
    /// May enter every owned room as a moderator
    #[arg(long)]
    pub admin: bool,
}

impl AccountCommand {
    /// Where the server is.
    pub fn server(&self) -> &ServerArgs {
        match self {
            Self::Add(args) => &args.account.server,
            Self::List(args) => args,
            Self::Password(args) | Self::Disable(args) | Self::Enable(args) | Self::Remove(args) => {
                &args.server
            }
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Prints a token that LiveKit SDKs and this server accept
    Create(Box<TokenArgs>),
}

#[derive(Debug, Args)]
pub struct TokenArgs {
    #[command(flatten)]
    pub server: ServerArgs,
    /// The room it opens
    #[arg(long)]
    pub room: Option<String>,
    /// Who its bearer is in the room
    #[arg(long)]
    pub identity: Option<String>,
    /// Display name
    #[arg(long, default_value = "")]
    pub name: String,
    /// How long it is valid, for instance 90s, 30m, 6h or 7d
    #[arg(long, default_value = "6h", value_parser = duration)]
    pub ttl: Duration,
    /// The API key to sign with; without it the server's first
    #[arg(long, value_name = "ID")]
    pub api_key: Option<String>,
    /// Free text the participant starts with
    #[arg(long, default_value = "")]
    pub metadata: String,
    /// A key-value pair the participant starts with; may be repeated
    #[arg(long = "attribute", value_name = "KEY=VALUE", value_parser = pair)]
    pub attributes: Vec<(String, String)>,
    /// Kind of participant
    #[arg(long, value_enum, default_value_t = Kind::Standard)]
    pub kind: Kind,
    /// May administer the room
    #[arg(long)]
    pub admin: bool,
    /// May create and delete rooms
    #[arg(long)]
    pub create: bool,
    /// May list rooms
    #[arg(long)]
    pub list: bool,
    /// May not join the room (for tokens of server APIs)
    #[arg(long)]
    pub no_join: bool,
    /// May not publish tracks
    #[arg(long)]
    pub no_publish: bool,
    /// May not receive tracks
    #[arg(long)]
    pub no_subscribe: bool,
    /// May not send data, chat, hands and reactions
    #[arg(long)]
    pub no_publish_data: bool,
    /// May publish this source only; may be repeated
    #[arg(long = "publish-source", value_enum, value_name = "SOURCE")]
    pub publish_sources: Vec<PublishSource>,
    /// May change their own name, metadata and attributes
    #[arg(long)]
    pub update_own_metadata: bool,
    /// Is not shown to others
    #[arg(long)]
    pub hidden: bool,
    /// Is a recorder
    #[arg(long)]
    pub recorder: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    Standard,
    Ingress,
    Egress,
    Sip,
    Agent,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum PublishSource {
    Camera,
    Microphone,
    ScreenShare,
    ScreenShareAudio,
}

impl From<PublishSource> for Source {
    fn from(source: PublishSource) -> Self {
        match source {
            PublishSource::Camera => Self::Camera,
            PublishSource::Microphone => Self::Microphone,
            PublishSource::ScreenShare => Self::ScreenShare,
            PublishSource::ScreenShareAudio => Self::ScreenShareAudio,
        }
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is not a number with s, m, h or d");
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let (number, unit) = text.split_at(unit_at);
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let count: u64 = number.parse().map_err(|_| wrong())?;
    count
        .checked_mul(seconds)
        .filter(|seconds| *seconds > 0)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text
        .split_once('=')
        .ok_or_else(|| format!("`{text}` has no `=`"))?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("7d"), Ok(Duration::from_secs(604_800)));
        for text in [
            "",
            "5",
            "h",
            "0h",
            "-1h",
            "5w",
            "99999999999999999999d",
            "999999999999999999d",
        ] {
            assert!(duration(text).is_err(), "for {text:?}");
        }
    }
}

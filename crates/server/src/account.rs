//! `tertulia account`: makes accounts and changes them, while the server runs or not.

use std::fmt::Write as _;
use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Context, Result, bail};
use tertulia_people::{
    Account, AccountId, HashCost, LoginName, Password, PasswordHash, SecretToken, display_name, email,
};
use tertulia_room::{AuditActor, AuditEntry};
use tertulia_store::Store;

use crate::cli::{AccountCommand, AddAccountArgs};
use crate::clock::unix_ms;
use crate::config::Config;
use crate::{data, wiring};

/// Accounts read at once.
const PAGE: usize = 1_000;
/// Characters of a password that is made: 24 of 64 kinds are 144 bits.
const MADE_CHARS: usize = 24;

/// Does what was asked and gives what is to be printed.
///
/// # Errors
/// When the store cannot be opened, there is no such account, or a name or password is not acceptable.
pub fn run(command: &AccountCommand, config: &Config) -> Result<String> {
    let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
    runtime.block_on(async {
        let directory = data::directory(config);
        data::prepare(&directory)?;
        let store = Store::open(&wiring::place(config, &directory))
            .await
            .context("cannot open the store (store.url, data_dir)")?;
        let printed = done(&store, command).await;
        store.close().await;
        printed
    })
}

async fn done(store: &Store, command: &AccountCommand) -> Result<String> {
    match command {
        AccountCommand::Add(args) => add(store, args, given_password()?).await,
        AccountCommand::Password(args) => set_password(store, &args.login, given_password()?).await,
        AccountCommand::List(_) => list(store).await,
        AccountCommand::Disable(args) => set_disabled(store, &args.login, true).await,
        AccountCommand::Enable(args) => set_disabled(store, &args.login, false).await,
        AccountCommand::Remove(args) => remove(store, &args.login).await,
    }
}

/// The first line of the standard input; `None` where that is a terminal, which would show it.
fn given_password() -> Result<Option<String>> {
    let input = std::io::stdin();
    if input.is_terminal() {
        return Ok(None);
    }
    let mut line = String::new();
    input
        .lock()
        .read_line(&mut line)
        .context("cannot read the password from the standard input")?;
    let password = line.trim_end_matches(['\r', '\n']);
    Ok((!password.is_empty()).then(|| password.to_owned()))
}

/// Hashes a password, and makes one where none is given; gives what to print of it.
fn hashed(login: &LoginName, given: Option<String>) -> Result<(PasswordHash, String)> {
    let (text, printed) = match given {
        Some(text) => (text, String::new()),
        None => {
            let secret = SecretToken::from_random(rand::random());
            let text: String = secret.expose().chars().take(MADE_CHARS).collect();
            let printed = format!("Password: {text}\n");
            (text, printed)
        }
    };
    let password = Password::new(&text)?;
    password.check_for_account(login)?;
    Ok((password.hash(rand::random(), HashCost::default())?, printed))
}

async fn add(store: &Store, args: &AddAccountArgs, given: Option<String>) -> Result<String> {
    let login = LoginName::parse(&args.account.login)?;
    let (password, printed) = hashed(&login, given)?;
    let account = Account {
        id: AccountId::from_random(rand::random()),
        display_name: display_name(args.name.as_deref().unwrap_or(login.as_str()))?,
        email: email(&args.email)?,
        login,
        admin: args.admin,
        disabled: false,
        password: Some(password),
        external: None,
        created_at_ms: unix_ms(),
    };
    store.add_account(&account).await?;
    note(store, &account, "account.created").await?;
    Ok(format!("Account {} is made.\n{printed}", account.login.as_str()))
}

async fn set_password(store: &Store, login: &str, given: Option<String>) -> Result<String> {
    let mut account = found(store, login).await?;
    let (password, printed) = hashed(&account.login, given)?;
    account.password = Some(password);
    store.change_account(&account).await?;
    store.end_sessions(&account.id).await?;
    note(store, &account, "account.password_changed").await?;
    Ok(format!("The password is changed.\n{printed}"))
}

async fn set_disabled(store: &Store, login: &str, disabled: bool) -> Result<String> {
    let mut account = found(store, login).await?;
    account.disabled = disabled;
    store.change_account(&account).await?;
    let (action, told) = if disabled {
        ("account.disabled", "cannot sign in any more")
    } else {
        ("account.enabled", "can sign in again")
    };
    note(store, &account, action).await?;
    Ok(format!("{} {told}.\n", account.login.as_str()))
}

async fn remove(store: &Store, login: &str) -> Result<String> {
    let account = found(store, login).await?;
    store.remove_account(&account.id).await?;
    note(store, &account, "account.removed").await?;
    Ok(format!("Account {} is deleted.\n", account.login.as_str()))
}

async fn list(store: &Store) -> Result<String> {
    let mut text = String::new();
    let mut after: Option<LoginName> = None;
    loop {
        let page = store.accounts(after.as_ref(), PAGE).await?;
        let Some(last) = page.last() else {
            return Ok(text);
        };
        for account in &page {
            writeln!(
                text,
                "{}\t{}\t{}\t{}",
                account.login.as_str(),
                account.display_name,
                if account.admin { "admin" } else { "user" },
                if account.disabled { "disabled" } else { "active" },
            )?;
        }
        after = Some(last.login.clone());
    }
}

async fn found(store: &Store, login: &str) -> Result<Account> {
    let login = LoginName::parse(login)?;
    match store.account_by_login(&login).await? {
        Some(account) => Ok(account),
        None => bail!("there is no account {}", login.as_str()),
    }
}

async fn note(store: &Store, account: &Account, action: &'static str) -> Result<()> {
    let entry = AuditEntry {
        at_ms: unix_ms(),
        by: AuditActor::Admin,
        action,
        subject: tertulia_model::Identity::parse(account.id.as_str()).ok(),
        detail: None,
    };
    store.audit(None, "admin", &entry).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::cli::{Cli, Command};

    struct Folder(std::path::PathBuf);

    impl Drop for Folder {
        fn drop(&mut self) {
            std::fs::remove_dir_all(&self.0).unwrap();
        }
    }

    async fn store() -> (Store, Folder) {
        let folder = std::env::temp_dir().join(format!("tertulia-account-{}", rand::random::<u64>()));
        std::fs::create_dir(&folder).unwrap();
        let place = tertulia_store::Place::Directory(folder.clone());
        (Store::open(&place).await.unwrap(), Folder(folder))
    }

    fn add_args(line: &str) -> AddAccountArgs {
        let words = format!("tertulia account add {line}");
        match Cli::parse_from(words.split_whitespace()).command {
            Command::Account(AccountCommand::Add(args)) => args,
            other => panic!("another command was read: {other:?}"),
        }
    }

    #[tokio::test]
    async fn the_first_admin_comes_from_the_command_line() {
        let (store, _folder) = store().await;
        let printed = add(&store, &add_args("Ana --name Ana --admin"), None)
            .await
            .unwrap();
        let made = printed.split_once("Password: ").unwrap().1.trim().to_owned();
        let account = found(&store, "ana").await.unwrap();
        assert!(account.admin);
        let password = Password::new(&made).unwrap();
        assert!(password.matches(account.password.as_ref().unwrap()));
        assert!(
            add(&store, &add_args("ana"), None).await.is_err(),
            "the name is taken"
        );

        let given = Some("a long walk home".to_owned());
        assert_eq!(
            set_password(&store, "ana", given).await.unwrap(),
            "The password is changed.\n"
        );
        assert!(set_password(&store, "ana", Some("short".into())).await.is_err());
        set_disabled(&store, "ana", true).await.unwrap();
        assert_eq!(list(&store).await.unwrap(), "ana\tAna\tadmin\tdisabled\n");
        remove(&store, "ana").await.unwrap();
        assert!(remove(&store, "ana").await.is_err());
        let noted = store.read_audit(None, None, 10).await.unwrap();
        let actions: Vec<&str> = noted.iter().map(|line| line.action.as_str()).collect();
        assert_eq!(
            actions,
            [
                "account.created",
                "account.password_changed",
                "account.disabled",
                "account.removed"
            ]
        );
    }
}

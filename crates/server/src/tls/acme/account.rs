use std::path::PathBuf;

use anyhow::{Context, Result};
use instant_acme::{Account, AccountBuilder, AccountCredentials, NewAccount};

use super::kept;

/// Who we are to the authority.
pub struct Settings {
    pub directory: String,
    pub contact: Option<String>,
    pub ca_root: Option<PathBuf>,
    pub file: PathBuf,
}

/// Takes the kept account, or opens one.
///
/// # Errors
/// When the authority cannot be reached or refuses, or the account cannot be kept.
pub async fn find(settings: &Settings) -> Result<Account> {
    if let Some(text) = kept::text(&settings.file)? {
        let read = serde_json::from_slice::<AccountCredentials>(&text);
        let credentials = read.with_context(|| {
            format!(
                "{} is no account; remove it to have another opened",
                settings.file.display()
            )
        })?;
        return builder(settings)?
            .from_credentials(credentials)
            .await
            .with_context(|| unreachable(settings));
    }
    let contact: Vec<&str> = settings.contact.iter().map(String::as_str).collect();
    let wanted = NewAccount {
        contact: &contact,
        terms_of_service_agreed: true,
        only_return_existing: false,
    };
    let (account, credentials) = builder(settings)?
        .create(&wanted, settings.directory.clone(), None)
        .await
        .with_context(|| unreachable(settings))?;
    let text = serde_json::to_string(&credentials).context("the account cannot be written down")?;
    kept::write(&settings.file, &text)?;
    tracing::info!(
        directory = settings.directory,
        "opened an account with the certificate authority"
    );
    Ok(account)
}

fn builder(settings: &Settings) -> Result<AccountBuilder> {
    match &settings.ca_root {
        Some(root) => Account::builder_with_root(root)
            .with_context(|| format!("acme.ca_root: cannot use {}", root.display())),
        None => Account::builder().context("cannot find the certificates this system trusts"),
    }
}

fn unreachable(settings: &Settings) -> String {
    format!("no account with {}", settings.directory)
}

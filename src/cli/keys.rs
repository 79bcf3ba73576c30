//! `orderwire keys`: who may ask over HTTP, the key of the log, and the data keys, kept apart from the store.

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use chrono::{DateTime, Utc};
use clap::Subcommand;
use orderwire_domain::names::{FreeText, ResellerCode};
use serde::Serialize;

use super::{
    Failure, Output,
    audit::checkpoint,
    output::{Column, time},
    session::Session,
};
use crate::{
    audit::key_file::KeyFile,
    edge::{
        key_backup::{self, Header, Restored, Unusable},
        keys::{self, ApiKey, Role},
        place, private_file,
    },
};

/// What can be asked about keys.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a key, and show it this once
    Create {
        /// As whom it speaks: reseller, operator or auditor
        #[arg(long)]
        role: String,
        /// The code of the reseller, for that role
        #[arg(long = "reseller", value_name = "CODE")]
        of_reseller: Option<String>,
        /// What it is for; not a person's name
        #[arg(long, default_value = "unnamed")]
        label: String,
        /// It looks, and changes nothing
        #[arg(long)]
        read_only: bool,
    },
    /// Every key, without its secret
    List,
    /// Accept a key no more
    Revoke {
        /// Its id (key_…)
        key: String,
    },
    /// Write the data keys to a file, wrapped as they are in the store: to be kept apart from it, and from the master key
    Backup {
        /// The file, which must not be there yet; only its owner can read it
        #[arg(short, long, value_name = "FILE")]
        output: PathBuf,
        /// Put it in the place of the one that is there
        #[arg(long)]
        overwrite: bool,
    },
    /// Put back from such a file what the store lacks, but no key of a company that the log says is erased
    Restore {
        /// The file
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// The key of the log itself, which signs its checkpoints
    #[command(subcommand)]
    Checkpoint(checkpoint::KeyCommand),
}

impl Command {
    /// What is asked, where data keys leave the store or come back to it: that is recorded as reads of the audit are.
    pub fn asked(&self) -> Option<String> {
        match self {
            Self::Backup { output, .. } => Some(format!("keys backup -o {}", output.display())),
            Self::Restore { file } => Some(format!("keys restore {}", file.display())),
            _ => None,
        }
    }
}

#[derive(Serialize)]
struct Shown {
    key: String,
    role: Role,
    reseller: Option<String>,
    label: String,
    /// What it may be used for, as OAuth 2.0 writes it.
    scope: String,
    created_at: DateTime<Utc>,
    revoked_at: Option<DateTime<Utc>>,
    /// Only of a key that was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
    /// The part of the token that is secret, for clients that have a client id and a client secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
}

const SHOWN: &[Column<Shown>] = &[
    ("key", |it| it.key.clone()),
    ("role", |it| it.role.to_string()),
    ("reseller", |it| it.reseller.clone().unwrap_or_default()),
    ("label", |it| it.label.clone()),
    ("scope", |it| it.scope.clone()),
    ("created", |it| time(it.created_at)),
    ("revoked", |it| it.revoked_at.map(time).unwrap_or_default()),
    ("token", |it| it.token.clone().unwrap_or_default()),
];

const BACKED_UP: &[Column<Header>] = &[
    ("keys", |it| it.keys.to_string()),
    ("at position", |it| it.position.to_string()),
    ("log", |it| it.origin.clone().unwrap_or_else(|| "has no name (audit.origin)".to_owned())),
    ("digest", |it| it.digest.clone()),
];

const RESTORED: &[Column<Restored>] = &[
    ("keys of the backup", |it| it.keys.to_string()),
    ("put back", |it| it.restored.to_string()),
    ("there already", |it| it.present.to_string()),
    ("left out, erased", |it| it.erased.to_string()),
    ("left out, destroyed", |it| it.destroyed.to_string()),
    ("erased later", |it| it.erased_later.join("\n")),
];

impl From<ApiKey> for Shown {
    fn from(key: ApiKey) -> Self {
        let scope = key.scopes().iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        Self {
            scope,
            key: key.id,
            role: key.role,
            reseller: key.reseller.map(|reseller| reseller.to_string()),
            label: key.label,
            created_at: key.created_at,
            revoked_at: key.revoked_at,
            token: None,
            client_secret: None,
        }
    }
}

/// Does what was asked.
pub async fn run(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("managing keys")?;
    match command {
        Command::Create { role, of_reseller, label, read_only } => {
            let role = role.parse().map_err(|_| {
                Failure::of_argument("--role", format!("`{role}` is not one of reseller, operator, auditor"))
            })?;
            let label: FreeText = label.parse().map_err(|error| Failure::of_argument("--label", error))?;
            let reseller = match (role, of_reseller) {
                (Role::Reseller, Some(code)) => Some(named(session, &code).await?),
                (Role::Reseller, None) => {
                    return Err(Failure::Usage(
                        "a reseller's key names its reseller: --reseller CODE".to_owned(),
                    ));
                }
                (_, None) => None,
                (role, Some(_)) => {
                    return Err(Failure::Usage(format!("a key for the role {role} names no reseller")));
                }
            };
            let (key, token) =
                keys::create_limited(&session.engine, role, reseller, &label, read_only).await?;
            output.remark(
                "the token is shown this once; for OAuth 2.0 its first half is the client id, the half after the dot the \
                 client secret",
            )?;
            let client_secret = token.split_once('.').map(|(_, secret)| secret.to_owned());
            Ok(output.one(&Shown { token: Some(token), client_secret, ..key.into() }, SHOWN)?)
        }
        Command::Backup { output: file, overwrite } => backup(session, &file, overwrite, output).await,
        Command::Restore { file } => restore(session, &file, output).await,
        Command::Checkpoint(command) => checkpoint::key(session, command, output),
        Command::List => {
            let all: Vec<Shown> = keys::list(&session.engine).await?.into_iter().map(Shown::from).collect();
            // Nobody sees a token here, so there is no column for it.
            Ok(output.list(&all, &SHOWN[..SHOWN.len() - 1])?)
        }
        Command::Revoke { key } => {
            let revoked = keys::revoke(&session.engine, &key).await?;
            let revoked = revoked.ok_or_else(|| Failure::not_found("key", &key))?;
            Ok(output.one(&Shown::from(revoked), SHOWN)?)
        }
    }
}

async fn backup(
    session: &Session,
    path: &Path,
    overwrite: bool,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::of_argument("--output", format!("{}: {error}", path.display()))
    };
    let signer = session.checkpoint_key.as_ref().map(KeyFile::find).transpose();
    let origin = signer.map_err(checkpoint::unusable)?.flatten().map(|key| key.verifier().name().to_owned());
    let (header, lines) = key_backup::take(&session.engine, origin).await?;
    if overwrite && path.exists() {
        keeps_all(session, path).await?;
    }
    if overwrite {
        private_file::replace(path, &lines).map_err(|error| failed(&error))?;
    } else if !private_file::make(path, &lines).map_err(|error| failed(&error))? {
        return Err(failed(&"there is a file already; name another one, or say --overwrite"));
    }
    output.remark(
        "keep it apart from the store and from the master key: all three together open what is sealed",
    )?;
    Ok(output.one(&header, BACKED_UP)?)
}

/// Refuses to put a backup in the place of one with keys that the store has lost, or of anything else.
async fn keeps_all(session: &Session, path: &Path) -> Result<(), Failure> {
    const LOST_SHOWN: usize = 3;
    let kept = |why: String| {
        Failure::of_argument("--output", format!("{}, which is left as it was: {why}", path.display()))
    };
    let file = File::open(path).map_err(|source| Failure::File { file: path.to_owned(), source })?;
    let before =
        key_backup::read(&session.engine, BufReader::new(file)).await.map_err(|unusable| match unusable {
            Unusable::File(source) => Failure::File { file: path.to_owned(), source },
            Unusable::Store(error) => error.into(),
            fault @ Unusable::Fault { .. } => {
                kept(format!("it is no sound backup of this store ({fault}); name another file"))
            }
        })?;
    let lost = session.engine.lost_keys(&before.keys).await?;
    if lost.is_empty() {
        return Ok(());
    }
    Err(kept(format!(
        "it has {} keys that the store has lost, such as {}; `orderwire keys restore` puts them back",
        lost.len(),
        lost[..lost.len().min(LOST_SHOWN)].join(", ")
    )))
}

async fn restore(session: &Session, path: &Path, output: &mut Output<'_>) -> Result<(), Failure> {
    let unreadable = |source| Failure::File { file: path.to_owned(), source };
    let file = BufReader::new(File::open(path).map_err(unreadable)?);
    let backup = key_backup::read(&session.engine, file).await.map_err(|unusable| match unusable {
        Unusable::File(source) => unreadable(source),
        Unusable::Store(error) => error.into(),
        fault @ Unusable::Fault { .. } => {
            Failure::of_argument("FILE", format!("{}, {fault}; no key was put back", path.display()))
        }
    })?;
    let restored = key_backup::restore(&session.engine, &backup).await?;
    if !restored.erased_later.is_empty() {
        output.remark(&format!(
            "the backup is of position {}, after the end of the log, and has no keys of {}: they were erased after the \
             moment that the store is of; erase them again",
            backup.header.position,
            restored.erased_later.join(", ")
        ))?;
    }
    Ok(output.one(&restored, RESTORED)?)
}

async fn named(session: &Session, code: &str) -> Result<orderwire_domain::ids::ResellerId, Failure> {
    let code: ResellerCode = code.parse().map_err(|error| Failure::of_argument("--reseller", error))?;
    let found = place::reseller(&session.engine, &code).await?;
    found.ok_or_else(|| Failure::not_found("reseller", code.as_str()))
}

//! Backups of data keys: a file of their own, since together with the store they open what was erased.
//!
//! The first line says of which store it is, when it was made, how many keys it has, and their digest; each line after it is a
//! key, wrapped as the store has it. The digest is made with a key that is derived from the master key, so whoever lacks that
//! can neither open the keys nor leave one out unseen. All keys are in memory at once, some 300 bytes each. Deliberately absent:
//! the master key, which is kept apart from this too.

use std::{fmt, io::BufRead};

use hmac::{Hmac, Mac as _};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{
    Error,
    bounded_line::{self, LineRead},
};
use crate::engine::{Engine, RestoredKeys, leaf::hex, log::WrappedKey, sealing::unhex};

/// Names the layout; another one has another name.
const LAYOUT: &str = "orderwire-keys-1";
/// What the key of the digest is for.
const PURPOSE: &str = "backups of data keys";
/// A line is at most this long: an id and a wrapped key are far below.
const LINE_BYTES_MAX: u64 = 4_096;

/// What a backup is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Names the layout.
    pub layout: String,
    /// What the log is called worldwide, where it has a name.
    pub origin: Option<String>,
    /// The leaf of the first event of its log, which no other log has; none while nothing had happened.
    pub first_leaf: Option<String>,
    /// What tells the master key that wraps the keys from another one.
    pub master_key_check: String,
    /// The last position when it was made: every key of then is in it that was not destroyed.
    pub position: u64,
    /// How many keys it has.
    pub keys: u64,
    /// HMAC-SHA256 of all lines, this one with an empty digest, in hex.
    pub digest: String,
}

/// A line with a key.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    key_id: String,
    wrapped: String,
}

/// A backup that was found to be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// What it is of.
    pub header: Header,
    /// Its keys.
    pub keys: Vec<WrappedKey>,
}

/// What became of putting a backup back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Restored {
    /// Keys of the backup.
    pub keys: u64,
    /// Keys that were put back.
    pub restored: u64,
    /// Keys that were there already.
    pub present: u64,
    /// Keys that were left out, since the log says that their companies are erased.
    pub erased: u64,
    /// Keys that were left out, since the store says that they were destroyed, though the log did not.
    pub destroyed: u64,
    /// Companies of which the store has a key and the backup has not, though the backup is of a later moment: they were erased
    /// after the moment to which the store was restored.
    pub erased_later: Vec<String>,
}

/// Why a file is no backup of keys for this store.
#[derive(Debug)]
pub enum Unusable {
    /// Something in it is not as it should be.
    Fault {
        /// In which line; the first is 1.
        line: u64,
        /// What is wrong, and what would be right.
        why: String,
    },
    /// It cannot be read.
    File(std::io::Error),
    /// The store cannot be asked.
    Store(Error),
}

impl fmt::Display for Unusable {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault { line, why } => write!(out, "line {line}: {why}"),
            Self::File(error) => error.fmt(out),
            Self::Store(error) => error.fmt(out),
        }
    }
}

/// Takes a backup: what it is of, and the lines of the file, without the last newline.
pub async fn take(engine: &Engine, origin: Option<String>) -> Result<(Header, String), Error> {
    // The position first: a key that is made meanwhile is one more than has to be there.
    let position = engine.head().await?.position;
    let first_leaf = engine.first_leaf().await?;
    let keys = engine.wrapped_keys().await?;
    let mut header = Header {
        layout: LAYOUT.to_owned(),
        origin,
        first_leaf,
        master_key_check: engine.master_key_check(),
        position,
        keys: keys.len() as u64,
        digest: String::new(),
    };
    let lines: Vec<String> = keys.iter().map(written).collect();
    let mut digest = Digest::of(engine, &header);
    for line in &lines {
        digest.add(line);
    }
    header.digest = digest.end();
    let file = [vec![json(&header)], lines].concat().join("\n");
    Ok((header, file))
}

/// Reads a backup, and finds it right: whole, of this store, and as it was written.
pub async fn read(engine: &Engine, mut file: impl BufRead) -> Result<Backup, Unusable> {
    let mut text = Vec::new();
    let header = header(line(&mut file, 1, &mut text)?.unwrap_or_default())?;
    is_of(engine, &header).await?;
    let mut digest = Digest::of(engine, &Header { digest: String::new(), ..header.clone() });
    let mut keys: Vec<WrappedKey> = Vec::new();
    for number in 2.. {
        let fault = |why: String| Unusable::Fault { line: number, why };
        let Some(read) = line(&mut file, number, &mut text)? else { break };
        let key = key(read).map_err(fault)?;
        if keys.last().is_some_and(|last| last.key_id >= key.key_id) {
            return Err(fault(format!(
                "{} cannot stand here: keys are in the order of their ids",
                key.key_id
            )));
        }
        if !engine.wraps(&key) {
            let why =
                format!("the key of {} is not what the master key of the store wrapped for it", key.key_id);
            return Err(fault(why));
        }
        digest.add(read);
        keys.push(key);
    }
    let (said, found) = (header.keys, keys.len() as u64);
    if said != found {
        let why = format!("the file ends after {found} keys, and line 1 says that it has {said}");
        return Err(Unusable::Fault { line: found + 1, why });
    }
    let found = digest.end();
    if header.digest != found {
        let why = format!("its digest is {}, and what the file has leads to {found}", header.digest);
        return Err(Unusable::Fault { line: 1, why });
    }
    Ok(Backup { header, keys })
}

/// Puts back what the store lacks, but what the log says is erased.
pub async fn restore(engine: &Engine, backup: &Backup) -> Result<Restored, Error> {
    let mut erased_later = Vec::new();
    if backup.header.position > engine.head().await?.position {
        let kept: std::collections::BTreeSet<&str> =
            backup.keys.iter().map(|key| key.key_id.as_str()).collect();
        let there = engine.wrapped_keys().await?.into_iter().map(|key| key.key_id);
        erased_later.extend(there.filter(|id| !kept.contains(id.as_str())));
    }
    let RestoredKeys { restored, present, erased, destroyed } = engine.restore_keys(&backup.keys).await?;
    Ok(Restored { keys: backup.header.keys, restored, present, erased, destroyed, erased_later })
}

/// Another store's keys would be of no use, and perhaps some day of harm.
async fn is_of(engine: &Engine, header: &Header) -> Result<(), Unusable> {
    let fault = |why: String| Err(Unusable::Fault { line: 1, why });
    let (check, leaf) = (engine.master_key_check(), engine.first_leaf().await);
    let leaf = leaf.map_err(|error| Unusable::Store(error.into()))?;
    let named = header.origin.as_ref().map(|origin| format!(" ({origin})")).unwrap_or_default();
    if header.first_leaf != leaf {
        let shown = |leaf: &Option<String>| leaf.clone().unwrap_or_else(|| "none".to_owned());
        return fault(format!(
            "it is of another store{named}: the leaf of its first event is {}, here it is {}",
            shown(&header.first_leaf),
            shown(&leaf)
        ));
    }
    if header.master_key_check != check {
        return fault(format!(
            "its keys are wrapped by another master key{named}: its check value is {}, here it is {check}",
            header.master_key_check
        ));
    }
    Ok(())
}

fn header(text: &str) -> Result<Header, Unusable> {
    let fault = |why: String| Unusable::Fault { line: 1, why };
    let header: Header = serde_json::from_str(text).map_err(|error| {
        fault(format!("it is not the beginning of a backup of keys, which says `{LAYOUT}`: {error}"))
    })?;
    if header.layout != LAYOUT {
        return Err(fault(format!("its layout is `{}`, not `{LAYOUT}`", header.layout)));
    }
    Ok(header)
}

/// The next line; none at the end of the file.
fn line<'t>(
    file: &mut impl BufRead,
    number: u64,
    text: &'t mut Vec<u8>,
) -> Result<Option<&'t str>, Unusable> {
    let fault = |why: &str| Err(Unusable::Fault { line: number, why: why.to_owned() });
    match bounded_line::read(file, LINE_BYTES_MAX, text).map_err(Unusable::File)? {
        LineRead::End => Ok(None),
        LineRead::Whole => match std::str::from_utf8(&text[..text.len() - 1]) {
            Ok(line) => Ok(Some(line)),
            Err(_) => fault("it is no text"),
        },
        LineRead::Unended => fault("the file is cut short here: the line has no end"),
        LineRead::TooLong => fault("the line is longer than 4096 bytes, and no line of a backup is"),
    }
}

fn key(text: &str) -> Result<WrappedKey, String> {
    let Line { key_id, wrapped } =
        serde_json::from_str(text).map_err(|error| format!("it is no key: {error}"))?;
    let wrapped = unhex(&wrapped).ok_or("`wrapped` is not hex")?;
    Ok(WrappedKey { key_id, wrapped })
}

fn written(key: &WrappedKey) -> String {
    json(&Line { key_id: key.key_id.clone(), wrapped: hex(&key.wrapped) })
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("it has string keys only")
}

/// The digest of a backup while it is gone through.
struct Digest(Hmac<Sha256>);

impl Digest {
    fn of(engine: &Engine, header: &Header) -> Self {
        let key = engine.derived_key(PURPOSE);
        let mut digest =
            Self(<Hmac<Sha256> as hmac::Mac>::new_from_slice(&key).expect("HMAC takes a key of any length"));
        digest.add(&json(header));
        digest
    }

    fn add(&mut self, line: &str) {
        self.0.update(line.as_bytes());
        self.0.update(b"\n");
    }

    fn end(self) -> String {
        hex(&self.0.finalize().into_bytes())
    }
}

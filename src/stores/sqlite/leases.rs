//! Leases, for the processes that have one file open: a server, and the command line beside it.
//!
//! Beside the time in each lease there is a lock on a small file, `<store>-lease`, for as long as a process has any: the
//! system lets go of it when the process ends, however it ends. So what a killed process held can be had at once, and
//! nobody waits for its time to be over. Who could not have the lock, as while its holder is frozen, is written down with a mark;
//! for such leases the time alone counts.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    engine::log::{Fence, Lease, Standing, StoreError, Take},
    stores::sql::LOG_ID,
};

/// Microseconds since 1970 by the clock of the machine, which every process on the file has.
const NOW_US: &str = "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)";

/// Who has leases through this handle, and the lock that says so to other processes.
#[derive(Debug)]
pub(super) struct Presence {
    path: PathBuf,
    here: Mutex<Here>,
}

#[derive(Debug, Default)]
struct Here {
    owners: BTreeSet<String>,
    lock: Option<File>,
}

/// Stands behind an owner without the lock.
const UNLOCKED: char = '?';

impl Presence {
    /// Beside the file itself, also where it was opened by a link.
    pub(super) fn beside(store: &Path) -> Self {
        let mut path = fs::canonicalize(store).unwrap_or_else(|_| store.to_owned()).into_os_string();
        path.push("-lease");
        Self { path: path.into(), here: Mutex::default() }
    }

    fn here(&self) -> MutexGuard<'_, Here> {
        self.here.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> Option<File> {
        let opened = File::options().create(true).truncate(false).write(true).open(&self.path);
        match opened.map(|file| (file.try_lock().is_ok(), file)) {
            Ok((locked, file)) => locked.then_some(file),
            Err(error) => {
                tracing::debug!(%error, path = %self.path.display(), "no lock: the time of leases alone counts");
                None
            }
        }
    }

    /// An owner comes, with the lock if it can be had; answers how it is written down.
    fn comes(&self, owner: &str) -> String {
        let mut here = self.here();
        if here.lock.is_none() {
            here.lock = self.lock();
        }
        here.owners.insert(owner.to_owned());
        if here.lock.is_some() { owner.to_owned() } else { format!("{owner}{UNLOCKED}") }
    }

    fn goes(&self, owner: &str) {
        let mut here = self.here();
        here.owners.remove(owner);
        if here.owners.is_empty() {
            here.lock = None;
        }
    }

    /// Nothing is done through this handle any more.
    pub(super) fn ends(&self) {
        *self.here() = Here::default();
    }

    /// Whether an owner, as written down, is of another process, and that has ended: it had the lock, and has it no longer.
    /// Looking leaves the lock to whoever wants to keep it.
    fn has_ended(&self, owner: &str) -> bool {
        let here = self.here();
        let is_locked = !owner.ends_with(UNLOCKED) && !here.owners.contains(owner);
        is_locked && (here.lock.is_some() || self.lock().is_some())
    }
}

/// Takes or renews a lease.
pub(super) fn take(
    connection: &Connection,
    presence: &Presence,
    (name, owner): (&str, &str),
    ttl: Duration,
    take: Take,
) -> Result<Option<Lease>, StoreError> {
    let written_down = presence.comes(owner);
    let sql = format!(
        "SELECT fencing_token, lease_owner, lease_until > {NOW_US} FROM readers WHERE log_id = ?1 AND name = ?2"
    );
    let found: Option<(u64, Option<String>, Option<bool>)> = connection
        .prepare_cached(&sql)?
        .query_row(params![LOG_ID, name], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let (token, before, runs) = found.unwrap_or_default();
    let renews = before.as_deref().is_some_and(|before| before.trim_end_matches(UNLOCKED) == owner);
    let theirs = before.is_some_and(|before| runs == Some(true) && !presence.has_ended(&before));
    if !renews && theirs && take == Take::IfFree {
        return Ok(None);
    }
    let token = token + u64::from(!renews);
    let sql = format!(
        "INSERT INTO readers (log_id, name, position, lease_owner, lease_until, fencing_token) \
         VALUES (?1, ?2, 0, ?3, {NOW_US} + ?4, ?5) ON CONFLICT (log_id, name) DO UPDATE SET \
         lease_owner = excluded.lease_owner, lease_until = excluded.lease_until, \
         fencing_token = excluded.fencing_token"
    );
    let ttl_us = i64::try_from(ttl.as_micros()).unwrap_or(i64::MAX);
    let written =
        connection.prepare_cached(&sql)?.execute(params![LOG_ID, name, written_down, ttl_us, token])?;
    assert_eq!(written, 1, "an upsert inserts or updates");
    Ok(Some(Lease { name: name.to_owned(), owner: owner.to_owned(), token }))
}

/// Gives back what an owner has of these.
pub(super) fn give_back(
    connection: &Connection,
    presence: &Presence,
    owner: &str,
    names: &[String],
) -> Result<(), StoreError> {
    let unlocked = format!("{owner}{UNLOCKED}");
    let mut statement = connection.prepare_cached(
        "UPDATE readers SET lease_owner = NULL, lease_until = NULL \
         WHERE log_id = ?1 AND name = ?2 AND lease_owner IN (?3, ?4)",
    )?;
    for name in names {
        let given_back = statement.execute(params![LOG_ID, name, owner, unlocked])?;
        assert!(given_back <= 1, "a name has one row");
    }
    let kept = "SELECT count(*) FROM readers WHERE log_id = ?1 AND lease_owner IN (?2, ?3)";
    let kept: u64 =
        connection.prepare_cached(kept)?.query_row(params![LOG_ID, owner, unlocked], |row| row.get(0))?;
    if kept == 0 {
        presence.goes(owner);
    }
    Ok(())
}

/// Every checkpoint and lease.
pub(super) fn standings(connection: &Connection, presence: &Presence) -> Result<Vec<Standing>, StoreError> {
    let sql = format!(
        "SELECT name, position, CASE WHEN lease_until > {NOW_US} THEN lease_owner END, fencing_token \
         FROM readers WHERE log_id = ?1 ORDER BY name"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([LOG_ID], |row| {
        let (name, position) = (row.get(0)?, row.get(1)?);
        Ok(Standing { name, position, owner: row.get(2)?, token: row.get(3)? })
    })?;
    let mut standings = rows.collect::<Result<Vec<Standing>, _>>()?;
    for standing in &mut standings {
        let owner = standing.owner.take().filter(|owner| !presence.has_ended(owner));
        standing.owner = owner.map(|owner| owner.trim_end_matches(UNLOCKED).to_owned());
    }
    Ok(standings)
}

/// The token of a lease; 0 where nobody ever had it.
pub(super) fn token(connection: &Connection, name: &str) -> Result<u64, StoreError> {
    let token = connection
        .prepare_cached("SELECT fencing_token FROM readers WHERE log_id = ?1 AND name = ?2")?
        .query_row(params![LOG_ID, name], |row| row.get(0))
        .optional()?;
    Ok(token.unwrap_or(0))
}

/// Refuses what was begun before the lease changed hands.
pub(super) fn check<'a>(
    connection: &Connection,
    fences: impl IntoIterator<Item = &'a Fence>,
) -> Result<(), StoreError> {
    for fence in fences {
        if token(connection, &fence.name)? != fence.token {
            return Err(StoreError::FencedOut(fence.name.clone()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_mins(1);

    fn store(folder: &Path) -> (Connection, Presence) {
        let path = folder.join("log.db");
        (super::super::connect::writer(&path, crate::stores::Migrate::Yes).unwrap(), Presence::beside(&path))
    }

    fn taken(store: &(Connection, Presence), owner: &str) -> Option<u64> {
        let (connection, presence) = store;
        let lease = take(connection, presence, ("a", owner), LONG, Take::IfFree).unwrap();
        lease.map(|lease| lease.token)
    }

    #[test]
    fn what_a_process_held_that_has_ended_can_be_had_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let (killed, next) = (store(folder.path()), store(folder.path()));
        assert_eq!(taken(&killed, "killed"), Some(1));
        assert_eq!(taken(&next, "next"), None, "while it lives");
        // The lock goes with the process, and nothing else of it does.
        drop(killed.1);
        let owner = standings(&next.0, &next.1).unwrap().remove(0).owner;
        assert_eq!((owner, taken(&next, "next")), (None, Some(2)));
    }

    #[test]
    fn who_was_frozen_does_not_take_its_successor_for_dead() {
        let folder = tempfile::tempdir().unwrap();
        let (frozen, next) = (store(folder.path()), store(folder.path()));
        let (connection, presence) = &frozen;
        let lease = take(connection, presence, ("a", "frozen"), Duration::ZERO, Take::IfFree).unwrap();
        assert_eq!(lease.map(|lease| lease.token), Some(1));
        assert_eq!(taken(&next, "next"), Some(2), "its time was over");
        assert_eq!(taken(&frozen, "frozen"), None);
        assert_eq!(standings(&frozen.0, &frozen.1).unwrap()[0].owner.as_deref(), Some("next"));
    }

    #[test]
    fn two_owners_of_one_handle_do_not_take_each_other_for_dead() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        assert_eq!((taken(&store, "one"), taken(&store, "other")), (Some(1), None));
        assert_eq!(standings(&store.0, &store.1).unwrap()[0].owner.as_deref(), Some("one"));
        give_back(&store.0, &store.1, "one", &["a".to_owned()]).unwrap();
        assert_eq!(taken(&store, "other"), Some(2));
    }
}

//! Data keys of companies that are erased: never used, whoever puts one back, and destroyed again.
//!
//! The event and the destruction of the key are one commit, so neither is without the other. But a backup of keys is older
//! than what was erased since, and the log is what is true: a key whose company is erased is not used though it is there,
//! and is destroyed when it is met. Absent: what a backup of the *log* forgets, since then nothing says what was erased.

use std::collections::BTreeSet;

use orderwire_domain::{
    company::Company,
    ids::{AggregateKind, StreamId},
    joint::State,
    sealed::Sealed,
};

use super::{
    Engine, Error,
    keyring::Found,
    log::Sweep,
    sealing::{DataKey, SealingError},
};

/// Events of the log that are looked at together.
const PAGE_EVENTS: usize = 1_000;
/// Keys that are put back or destroyed in one transaction.
pub(super) const KEYS_AT_ONCE: usize = 500;

/// What was destroyed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reapplied {
    /// Companies that the log says are erased.
    pub erased: u64,
    /// Of how many of them the key was there.
    pub destroyed: u64,
}

impl Engine {
    /// The data key of a company or reseller, for what is sealed at once: it may be destroyed at any time.
    pub async fn data_key(&self, owner: StreamId) -> Result<DataKey, Error> {
        self.key_of(&owner.to_string()).await
    }

    /// Seals a text with the data key of a company or reseller. `normalised` is what equal texts have in common.
    pub async fn seal(&self, owner: StreamId, text: &str, normalised: &str) -> Result<Sealed, Error> {
        Ok(self.data_key(owner).await?.seal(text, normalised))
    }

    /// Opens a sealed text; `None` once it was erased.
    pub async fn open_sealed(&self, sealed: &Sealed) -> Result<Option<String>, Error> {
        match self.key_of(&sealed.key_id).await {
            Ok(key) => Ok(Some(key.open(sealed)?)),
            Err(Error::Sealing(SealingError::Erased(_))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn key_of(&self, id: &str) -> Result<DataKey, Error> {
        let keyring = &self.inner.keyring;
        let key = match keyring.key(self.log(), id).await? {
            Found::AtHand(key) => return Ok(key),
            Found::New(key) => key,
        };
        // Asked once for each key in the life of a process, or where it was forgotten.
        if self.is_erased(id).await? {
            let destroyed = self.log().destroy_keys(&[id.to_owned()]).await?;
            tracing::warn!(company = id, destroyed, "the key of an erased company was there again");
            return Err(SealingError::Erased(id.to_owned()).into());
        }
        keyring.keep(id, &key);
        Ok(key)
    }

    async fn is_erased(&self, id: &str) -> Result<bool, Error> {
        // Only companies are erased: a key with any other name is none of theirs.
        let stream = id.parse::<StreamId>().ok().filter(|stream| stream.kind == AggregateKind::Company);
        let Some(stream) = stream else { return Ok(false) };
        let (_, state) = self.state(stream).await?;
        Ok(matches!(state, State::Company(company) if matches!(*company, Company::Erased(_))))
    }

    /// Destroys again every key that the log says is destroyed. Reads the whole log; doing it twice is doing it once.
    pub async fn reapply_erasures(&self) -> Result<Reapplied, Error> {
        let erased: Vec<String> = self.erased().await?.into_iter().collect();
        let mut destroyed = 0;
        for ids in erased.chunks(KEYS_AT_ONCE) {
            destroyed += self.log().destroy_keys(ids).await?;
            for id in ids {
                self.inner.keyring.forget(id);
            }
        }
        Ok(Reapplied { erased: erased.len() as u64, destroyed })
    }

    /// Removes what destroyed keys left behind in the files of the store, as far as that is its own to do.
    pub async fn sweep(&self, sweep: Sweep) -> Result<(), Error> {
        Ok(self.log().sweep(sweep).await?)
    }

    /// Every company that the log says is erased.
    pub(super) async fn erased(&self) -> Result<BTreeSet<String>, Error> {
        let (mut after, mut erased) = (0, BTreeSet::new());
        loop {
            let page = self.log().page(after, PAGE_EVENTS).await?;
            let Some(last) = page.last() else { return Ok(erased) };
            after = last.position;
            let events = page.iter().filter(|event| event.event_type == "CompanyErased");
            erased.extend(events.map(|event| event.stream.to_string()));
        }
    }
}

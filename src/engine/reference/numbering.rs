//! Who holds which range, as the operator loaded it: rows in the store, and all of them at hand in memory.
//!
//! A load becomes valid as a whole, when its row says so; until then, and for whoever reads meanwhile, the one before
//! counts. Deliberately absent: to which provider a number was ported since, which the regulator's data does not know.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use async_trait::async_trait;
use chrono::{NaiveDate, TimeDelta};
use orderwire_domain::{
    names::SiteName,
    number::TelephoneNumber,
    portability::{NumberingRange, RangeHolder, RangeStatus},
    views::table::{Record, Table, Value},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Ranges, ReferenceData,
    loads::{self, LoadKind, LoadRecord, LoadState, LoadedFile, ROWS_PER_WRITE_MAX, Writer},
};
use crate::engine::{
    Engine, Error, Provenance,
    log::{RowChange, Select, SharedLog, StoreError},
    query::{self, equal},
};

/// Ranges of all loads; the key is the load and the leading digits, the parent the load.
pub static NUMBERING_RANGE: Table = Table { name: "numbering_range", columns: &[], indexes: &[] };

/// Most ranges in one load. The regulator publishes some 40,000 geographic ones.
pub const RANGES_MAX: usize = 500_000;
/// Digits of the longest prefix: a whole national number.
pub const RANGE_DIGITS_MAX: usize = 10;
/// Rows read at once.
const ROWS_PER_LOOK: usize = 1_000;
/// How often the ranges are read again because another load became valid meanwhile.
const READS_MAX: usize = 5;
/// Loads before this one whose rows may still be there.
const LOADS_LOOKED_AT: usize = 100;
/// A load that began so long ago and has not ended never will.
const CUT_SHORT_AFTER: TimeDelta = TimeDelta::days(1);

/// A range of a load.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadedRange {
    /// Its leading digits after +44.
    pub digits: u64,
    /// Whether anybody has it.
    pub status: RangeStatus,
    /// To whom it was allocated.
    pub holder: Option<RangeHolder>,
    /// Since when.
    pub allocated_on: Option<NaiveDate>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct RangeRow {
    load: Uuid,
    range: LoadedRange,
}

impl Record for RangeRow {
    const TABLE: &'static Table = &NUMBERING_RANGE;

    fn key(&self) -> String {
        format!("{}/{}", self.load.simple(), self.range.digits)
    }

    fn parent(&self) -> String {
        self.load.simple().to_string()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

/// The ranges of the store, at hand; the sample as long as none were loaded.
pub struct LoadedRanges {
    log: SharedLog,
    sample: Ranges,
    at_hand: RwLock<Option<Arc<AtHand>>>,
}

/// Ranges by their leading digits. Names of holders are kept once: forty thousand ranges have a few hundred.
struct AtHand {
    load: Uuid,
    holders: Vec<RangeHolder>,
    ranges: HashMap<u64, Entry>,
}

struct Entry {
    status: RangeStatus,
    holder: Option<u32>,
    allocated_on: Option<NaiveDate>,
}

impl LoadedRanges {
    /// Those of this store; none are at hand before the first refresh.
    pub fn over(log: &SharedLog) -> Self {
        Self { log: SharedLog::clone(log), sample: Ranges::bundled(), at_hand: RwLock::default() }
    }

    fn at_hand(&self) -> Option<Arc<AtHand>> {
        self.at_hand.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl ReferenceData for LoadedRanges {
    fn range(&self, number: TelephoneNumber) -> Option<NumberingRange> {
        match self.at_hand() {
            Some(loaded) => loaded.range(number),
            None => self.sample.range(number),
        }
    }

    fn place(&self, number: TelephoneNumber) -> Option<SiteName> {
        self.sample.place(number)
    }

    async fn refresh(&self) -> Result<(), Error> {
        for _ in 0..READS_MAX {
            let in_force = loads::in_force(&self.log, LoadKind::Numbering).await?.map(|load| load.load);
            if in_force == self.at_hand().map(|at_hand| at_hand.load) {
                return Ok(());
            }
            let read = match in_force {
                Some(load) => Some(Arc::new(AtHand::read(&self.log, load).await?)),
                None => None,
            };
            // Rows of a load that was replaced while it was read may be gone, so that is looked at again.
            *self.at_hand.write().unwrap_or_else(PoisonError::into_inner) = read;
        }
        Ok(())
    }
}

impl AtHand {
    async fn read(log: &SharedLog, load: Uuid) -> Result<Self, Error> {
        let (mut ranges, mut holders) = (HashMap::new(), Vec::new());
        let mut known: HashMap<(Option<String>, Option<String>), u32> = HashMap::new();
        let mut after = None;
        loop {
            let rows = rows(log, load, after.take(), ROWS_PER_LOOK).await?;
            for RangeRow { range, .. } in &rows {
                let holder = range.holder.as_ref().map(|holder| {
                    let cupid = holder.cupid.as_ref().map(ToString::to_string);
                    *known.entry((holder.name.clone(), cupid)).or_insert_with(|| {
                        holders.push(holder.clone());
                        u32::try_from(holders.len() - 1).unwrap_or(u32::MAX)
                    })
                });
                let (status, allocated_on) = (range.status, range.allocated_on);
                ranges.insert(range.digits, Entry { status, holder, allocated_on });
            }
            if ranges.len() > RANGES_MAX {
                let detail = format!("more than {RANGES_MAX} ranges of numbers");
                return Err(StoreError::Corrupt(detail).into());
            }
            match rows.last() {
                Some(last) if rows.len() == ROWS_PER_LOOK => after = Some(last.key()),
                _ => return Ok(Self { load, holders, ranges }),
            }
        }
    }

    fn range(&self, number: TelephoneNumber) -> Option<NumberingRange> {
        let mut digits: u64 = number.nsn().parse().ok()?;
        loop {
            if let Some(entry) = self.ranges.get(&digits) {
                let holder = entry.holder.and_then(|index| self.holders.get(index as usize)).cloned();
                let (prefix, status) = (format!("+44{digits}"), entry.status);
                return Some(NumberingRange { prefix, status, holder, allocated_on: entry.allocated_on });
            }
            digits /= 10;
            if digits == 0 {
                return None;
            }
        }
    }
}

async fn rows(
    log: &SharedLog,
    load: Uuid,
    after: Option<String>,
    limit: usize,
) -> Result<Vec<RangeRow>, Error> {
    let look = Select {
        table: &NUMBERING_RANGE,
        filters: vec![equal("parent", load.simple().to_string())],
        order: "key",
        descending: false,
        after: after.map(|key| (key.clone().into(), key)),
        limit,
    };
    query::select(log, &look).await
}

/// A load of ranges: nothing of it counts before it is accepted, and then nothing of the one before.
pub struct NumberingLoad<'a> {
    engine: &'a Engine,
    record: LoadRecord,
    writer: Writer<'a>,
}

impl<'a> NumberingLoad<'a> {
    /// Begins one.
    pub async fn begin(engine: &'a Engine, who: &Provenance) -> Result<Self, Error> {
        let record = LoadRecord::begin(engine, LoadKind::Numbering, who).await?;
        Ok(Self { engine, record, writer: Writer::new(engine.log(), &NUMBERING_RANGE) })
    }

    /// Takes a range in.
    pub async fn put(&mut self, range: LoadedRange) -> Result<(), Error> {
        self.writer.put(RangeRow { load: self.record.load, range }.to_row()).await
    }

    /// Lets it take the place of what was loaded before.
    pub async fn accept(mut self, files: Vec<LoadedFile>) -> Result<LoadRecord, Error> {
        self.writer.flush().await?;
        self.record.files = files;
        self.record.end(self.engine, LoadState::Loaded).await?;
        let log = self.engine.log();
        for mut other in loads::list(log, LoadKind::Numbering, LOADS_LOOKED_AT).await? {
            let cut_short =
                other.state == LoadState::Begun && other.begun_at + CUT_SHORT_AFTER < self.record.begun_at;
            if other.load < self.record.load && (other.state == LoadState::Loaded || cut_short) {
                delete(log, other.load).await?;
                // Last: as long as it is not said, the next load deletes what this one could not.
                other.state = LoadState::Replaced;
                other.keep(log).await?;
            }
        }
        self.engine.reference().refresh().await?;
        Ok(self.record)
    }

    /// Leaves everything as it was, but for the row that tells of it.
    pub async fn refuse(mut self, files: Vec<LoadedFile>) -> Result<LoadRecord, Error> {
        delete(self.engine.log(), self.record.load).await?;
        self.record.files = files;
        self.record.end(self.engine, LoadState::Refused).await?;
        Ok(self.record)
    }
}

async fn delete(log: &SharedLog, load: Uuid) -> Result<(), Error> {
    loop {
        let rows = rows(log, load, None, ROWS_PER_WRITE_MAX).await?;
        if rows.is_empty() {
            return Ok(());
        }
        let changes: Vec<_> = rows.iter().map(|row| RowChange::Delete(&NUMBERING_RANGE, row.key())).collect();
        log.change_rows(&changes, None).await?;
    }
}

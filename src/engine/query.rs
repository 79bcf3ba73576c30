//! Looks into the read models, and the search for free numbers.
//!
//! A search proposes; only a commit decides. Deliberately absent: who may see what, which the edge decides.

use std::collections::BTreeMap;

use orderwire_domain::{
    joint::FoundNumbers,
    names::SiteName,
    number::{AreaCode, NumberRange, NumberSet},
    order::line::{NumberSearch, SearchBy},
    views::{
        number_availability::{FreeRun, NUMBER_RUN, STOCK_BLOCK, StockBlock},
        table::{Record, Row, Table, Value},
    },
};

use super::{
    error::Error,
    log::{Comparison, Filter, RowChange, Select, SharedLog, StoreError},
};

/// Runs in the first look: nearly always enough.
const RUNS_PER_LOOK: usize = 64;
/// Runs in a look at most. Each is larger than the one before, so that stock in crumbs takes few.
const RUNS_PER_LOOK_MAX: usize = 4_096;
/// Rows that are removed at once.
const SWEPT_MAX: usize = 1_000;
/// How often that is done in a row.
const SWEEPS_MAX: u32 = 20;

/// A record of a read model by its key.
pub async fn get<T: Record>(log: &SharedLog, key: &str) -> Result<Option<T>, Error> {
    let rows = log.rows(T::TABLE, &[key.to_owned()]).await?;
    rows.first().map(|row| read(T::TABLE, &row.doc)).transpose()
}

/// The records of these keys that there are, in order of the keys.
pub async fn several<T: Record>(log: &SharedLog, keys: &[String]) -> Result<Vec<T>, Error> {
    let rows = log.rows(T::TABLE, keys).await?;
    rows.iter().map(|row| read(T::TABLE, &row.doc)).collect()
}

/// Every record of a parent, by key.
pub async fn children<T: Record>(log: &SharedLog, parent: &str) -> Result<Vec<T>, Error> {
    let rows = log.children(T::TABLE, &[parent.to_owned()]).await?;
    rows.iter().map(|row| read(T::TABLE, &row.doc)).collect()
}

/// The records that a look finds.
pub async fn select<T: Record>(log: &SharedLog, select: &Select) -> Result<Vec<T>, Error> {
    let docs = log.docs(std::slice::from_ref(select)).await?;
    docs.iter().flatten().map(|doc| read(T::TABLE, doc)).collect()
}

/// The records that two looks find, for one question.
pub async fn both<A: Record, B: Record>(
    log: &SharedLog,
    looks: &[Select; 2],
) -> Result<(Vec<A>, Vec<B>), Error> {
    let docs = log.docs(looks).await?;
    let [first, second] = docs.as_slice() else {
        return Err(StoreError::Corrupt("a look was not answered".to_owned()).into());
    };
    let firsts: Result<_, _> = first.iter().map(|doc| read(A::TABLE, doc)).collect();
    let seconds: Result<_, _> = second.iter().map(|doc| read(B::TABLE, doc)).collect();
    Ok((firsts?, seconds?))
}

/// Removes the oldest rows of a table with a column `at`, so that so many are left of those that match. Of very many it removes
/// a part, and the rest when it is asked again.
pub async fn keep_newest(
    log: &SharedLog,
    table: &'static Table,
    filters: Vec<Filter>,
    keep: u64,
) -> Result<(), StoreError> {
    for _ in 0..SWEEPS_MAX {
        let count = log.count(table, &filters).await?;
        let over = usize::try_from(count.saturating_sub(keep)).unwrap_or(SWEPT_MAX).min(SWEPT_MAX);
        if over == 0 {
            return Ok(());
        }
        let filters = filters.clone();
        let oldest = Select { table, filters, order: "at", descending: false, after: None, limit: over };
        let rows = log.select(&oldest).await?;
        let gone: Vec<_> = rows.into_iter().map(|row| RowChange::Delete(table, row.key)).collect();
        log.change_rows(&gone, None).await?;
    }
    Ok(())
}

/// A condition that a column has this value.
pub fn equal(column: &'static str, value: impl Into<Value>) -> Filter {
    Filter { column, comparison: Comparison::Equal, value: value.into() }
}

/// The record of a row.
pub fn record<T: Record>(row: &Row) -> Result<T, Error> {
    read(T::TABLE, &row.doc)
}

fn read<T: Record>(table: &Table, doc: &str) -> Result<T, Error> {
    let corrupt = |error| StoreError::Corrupt(format!("a row of {} cannot be read: {error}", table.name));
    Ok(serde_json::from_str(doc).map_err(corrupt)?)
}

/// Free numbers that fit a search: the shortest run that is long enough, else, where they need not follow one another,
/// the longest runs there are.
///
/// Every run that is looked at gives a number that is still missing, or holds one of `except`, or ends the search; so it
/// looks at no more runs than it was asked for numbers (a rule bounds those) and is told to leave out. What it says is
/// free is what it has seen: where that is less than was asked for, it has seen all.
pub async fn free_numbers(
    log: &SharedLog,
    search: &NumberSearch,
    except: &NumberSet,
) -> Result<FoundNumbers, Error> {
    let wanted = search.quantity as usize;
    let long_enough = Runs { log, search, at_least: search.quantity, descending: false };
    if let Some(numbers) = long_enough.first(|run| first_in_a_row(&run.difference(except), wanted)).await? {
        return Ok(FoundNumbers { numbers, free: u64::from(search.quantity) });
    }
    let mut gathered = NumberSet::new();
    let mut longest = 0;
    let longest_first = Runs { log, search, at_least: 1, descending: true };
    longest_first
        .first(|run| {
            let free = run.difference(except);
            if search.contiguous {
                if let Some(numbers) = first_in_a_row(&free, wanted) {
                    // It has become free since the first look.
                    gathered = numbers;
                    return Some(());
                }
                longest = longest.max(free.runs().map(|run| run.len() as usize).max().unwrap_or(0));
                // None that follows is longer than this one.
                return (longest >= run.len()).then_some(());
            }
            for number in free.iter().take(wanted - gathered.len()) {
                gathered.insert(number);
            }
            (gathered.len() == wanted).then_some(())
        })
        .await?;
    let free = longest.max(gathered.len()) as u64;
    Ok(FoundNumbers { numbers: gathered, free })
}

/// The free runs of a place, by length.
struct Runs<'a> {
    log: &'a SharedLog,
    search: &'a NumberSearch,
    at_least: u32,
    descending: bool,
}

impl Runs<'_> {
    /// The first answer that any run gives; without one, every run was looked at.
    async fn first<T>(&self, mut of: impl FnMut(&NumberSet) -> Option<T>) -> Result<Option<T>, Error> {
        let (mut after, mut limit) = (None, RUNS_PER_LOOK);
        loop {
            let mut filters = vec![place(self.search)];
            filters.push(Filter {
                column: "length",
                comparison: Comparison::AtLeast,
                value: i64::from(self.at_least).into(),
            });
            let look = Select {
                table: &NUMBER_RUN,
                filters,
                order: "length",
                descending: self.descending,
                after: after.take(),
                limit,
            };
            let runs: Vec<FreeRun> = select(self.log, &look).await?;
            for run in &runs {
                let last = run.start.offset(run.length - 1);
                let range = last.and_then(|last| NumberRange::new(run.start, last).ok());
                let range =
                    range.ok_or_else(|| StoreError::Corrupt(format!("the run at {} is none", run.start)))?;
                if let Some(answer) = of(&NumberSet::from(range)) {
                    return Ok(Some(answer));
                }
            }
            match runs.last() {
                Some(last) if runs.len() == limit => {
                    limit = (limit * 8).min(RUNS_PER_LOOK_MAX);
                    after = Some((i64::from(last.length).into(), last.start.to_string()));
                }
                _ => return Ok(None),
            }
        }
    }
}

/// The first so many that follow one another.
fn first_in_a_row(numbers: &NumberSet, wanted: usize) -> Option<NumberSet> {
    let run = numbers.runs().find(|run| run.len() as usize >= wanted)?;
    Some(run.iter().take(wanted).collect())
}

fn place(search: &NumberSearch) -> Filter {
    match &search.by {
        SearchBy::AreaCode(area) => equal("area", area.to_string()),
        SearchBy::Place(place) => equal("place", place.key()),
    }
}
/// A place with stock.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct StockPlace {
    /// Its area code.
    pub area: AreaCode,
    /// The place, as the first of its blocks writes it.
    pub place: SiteName,
    /// How many numbers its blocks have.
    pub numbers: u64,
    /// How many of them are free.
    pub free: u64,
}

/// The area codes and places that have numbers in stock, by area code and place, with what is free in each.
pub async fn stock_places(log: &SharedLog) -> Result<Vec<StockPlace>, Error> {
    let mut places: BTreeMap<(AreaCode, String), StockPlace> = BTreeMap::new();
    let mut after = None;
    loop {
        let look = Select {
            table: &STOCK_BLOCK,
            filters: Vec::new(),
            order: "key",
            descending: false,
            after: after.take(),
            limit: 500,
        };
        let blocks: Vec<StockBlock> = select(log, &look).await?;
        for block in &blocks {
            let found = places.entry((block.area, block.place.key())).or_insert_with(|| StockPlace {
                area: block.area,
                place: block.place.clone(),
                numbers: 0,
                free: 0,
            });
            found.numbers += u64::from(block.range.len());
            found.free += u64::from(block.free);
        }
        match blocks.last() {
            Some(last) if blocks.len() == 500 => {
                let key = last.key();
                after = Some((key.clone().into(), key));
            }
            _ => return Ok(places.into_values().collect()),
        }
    }
}

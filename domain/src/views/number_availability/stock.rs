//! Free stock: maximal runs of free numbers, and what it takes to split and join them without looking at the neighbours.
//!
//! A run is found by its start. Which start belongs to a number in the middle of a run is read off a bit per number in
//! its hundred and a bit per hundred in its block, so a step reads two hundreds and a block however fragmented they are.
//! Runs never cross blocks. Absent: who holds what is not free.

use serde::{Deserialize, Serialize};

use super::super::{
    fold::{Fault, broken, load_children, require, save},
    table::{Record, Rows, Table, Value, integer, text},
};
use crate::{
    ids::NumberBlockId,
    names::{Cupid, SiteName},
    number::{AreaCode, NumberRange, TelephoneNumber},
};

const HUNDRED: u64 = 100;
const HUNDRED_FREE: u128 = (1 << HUNDRED) - 1;

/// Free runs: the key is the first number, the parent the block. One look into one index answers "so many in a row",
/// anywhere, in an area or in a place: filter `length` from below and order by it, so that the shortest run that is long
/// enough comes first.
pub static NUMBER_RUN: Table = Table {
    name: "number_run",
    columns: &[text("area"), text("place"), integer("length")],
    indexes: &[&["length"], &["area", "length"], &["place", "length"]],
};

/// Which block a hundred belongs to, and which of its numbers are free; the parent is the block.
pub static BLOCK_HUNDRED: Table = Table { name: "block_hundred", columns: &[], indexes: &[] };

/// One row per block in stock. How much is free in an area or place is the sum of `free` over its few blocks.
pub static STOCK_BLOCK: Table = Table {
    name: "stock_block",
    columns: &[text("area"), text("place"), integer("free")],
    indexes: &[&["area"], &["place"]],
};

/// A maximal run of free numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FreeRun {
    /// The first number.
    pub start: TelephoneNumber,
    /// How many.
    pub length: u32,
    /// Where the numbers are.
    pub area: AreaCode,
    /// The place as the block names it.
    pub place: SiteName,
    /// The block.
    pub block: NumberBlockId,
}

/// A hundred of a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockHundred {
    /// The digits that its numbers share, as E.164.
    pub hundred: String,
    /// The block.
    pub block: NumberBlockId,
    /// A bit per number, the lowest for `00`.
    free: u128,
}

/// A block in stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockBlock {
    /// The block.
    pub block: NumberBlockId,
    /// Its numbers.
    pub range: NumberRange,
    /// To whom Ofcom allocated it.
    pub range_holder: Cupid,
    /// Where the numbers are.
    pub area: AreaCode,
    /// The place as people search for it.
    pub place: SiteName,
    /// How many of its numbers are free.
    pub free: u32,
    /// A bit per hundred of which every number is free.
    whole: u128,
}

impl Record for FreeRun {
    const TABLE: &'static Table = &NUMBER_RUN;

    fn key(&self) -> String {
        self.start.to_string()
    }

    fn parent(&self) -> String {
        self.block.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.area.to_string().into(), self.place.key().into(), i64::from(self.length).into()]
    }
}

impl Record for BlockHundred {
    const TABLE: &'static Table = &BLOCK_HUNDRED;

    fn key(&self) -> String {
        self.hundred.clone()
    }

    fn parent(&self) -> String {
        self.block.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

impl Record for StockBlock {
    const TABLE: &'static Table = &STOCK_BLOCK;

    fn key(&self) -> String {
        self.block.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.area.to_string().into(), self.place.key().into(), i64::from(self.free).into()]
    }
}

/// A range of whole hundreds becomes stock.
pub(super) fn add_block(
    rows: &mut dyn Rows,
    block: NumberBlockId,
    range: NumberRange,
    range_holder: &Cupid,
    place: &SiteName,
) -> Result<(), Fault> {
    let (first, last) = (nsn(range.start()), nsn(range.end()));
    if first % HUNDRED != 0 || last % HUNDRED != HUNDRED - 1 {
        return Err(broken(format!("{range} is no range of whole hundreds")));
    }
    for hundred in first / HUNDRED..=last / HUNDRED {
        save(rows, BlockHundred { hundred: format!("+44{hundred}"), block, free: HUNDRED_FREE });
    }
    let (area, place, range_holder) = (range.start().area_code(), place.clone(), range_holder.clone());
    let whole = bits(0, (last - first) / HUNDRED);
    let stock = StockBlock { block, range, range_holder, area, place, free: range.len(), whole };
    put_run(rows, &stock, first, last)?;
    save(rows, stock);
    Ok(())
}

/// A block is stock no more; none of its numbers is held.
pub(super) fn remove_block(rows: &mut dyn Rows, block: NumberBlockId) -> Result<(), Fault> {
    let key = block.to_string();
    let runs: Vec<FreeRun> = load_children(rows, &key)?;
    let hundreds: Vec<BlockHundred> = load_children(rows, &key)?;
    for run in &runs {
        rows.delete(&NUMBER_RUN, &run.key());
    }
    for hundred in &hundreds {
        rows.delete(&BLOCK_HUNDRED, &hundred.key());
    }
    rows.delete(&STOCK_BLOCK, &key);
    Ok(())
}

/// Takes consecutive numbers out of free stock; answers the blocks they came from, in order.
pub(super) fn take(rows: &mut dyn Rows, range: NumberRange) -> Result<Vec<(NumberRange, StockBlock)>, Fault> {
    by_block(rows, range, |rows, block, first, last| {
        let start = run_start(rows, block, first)?;
        let run: FreeRun = require(rows, &key(start))?;
        let end = start + u64::from(run.length) - 1;
        flip(rows, block, first, last, Free::Yes)?;
        rows.delete(&NUMBER_RUN, &key(start));
        if start < first {
            put_run(rows, block, start, first - 1)?;
        }
        if last < end {
            put_run(rows, block, last + 1, end)?;
        }
        Ok(())
    })
}

/// Puts consecutive numbers back into free stock.
pub(super) fn give(rows: &mut dyn Rows, range: NumberRange) -> Result<(), Fault> {
    by_block(rows, range, |rows, block, first, last| {
        flip(rows, block, first, last, Free::No)?;
        let (lowest, highest) = block.bounds();
        let (mut start, mut end) = (first, last);
        if first > lowest && is_free(rows, first - 1)? {
            start = run_start(rows, block, first - 1)?;
            rows.delete(&NUMBER_RUN, &key(start));
        }
        if last < highest && is_free(rows, last + 1)? {
            let after: FreeRun = require(rows, &key(last + 1))?;
            end += u64::from(after.length);
            rows.delete(&NUMBER_RUN, &after.key());
        }
        put_run(rows, block, start, end)
    })
    .map(drop)
}

/// Does a step for each block that the range touches, and keeps what it changed in the block.
fn by_block(
    rows: &mut dyn Rows,
    range: NumberRange,
    mut step: impl FnMut(&mut dyn Rows, &mut StockBlock, u64, u64) -> Result<(), Fault>,
) -> Result<Vec<(NumberRange, StockBlock)>, Fault> {
    let (mut first, last) = (nsn(range.start()), nsn(range.end()));
    let mut parts = Vec::new();
    while first <= last {
        let hundred: BlockHundred = require(rows, &hundred_key(first))?;
        let mut block: StockBlock = require(rows, &hundred.block.to_string())?;
        let until = last.min(block.bounds().1);
        step(rows, &mut block, first, until)?;
        save(rows, block.clone());
        let part = NumberRange::new(number(first)?, number(until)?).map_err(|why| broken(why.to_string()))?;
        parts.push((part, block));
        first = until + 1;
    }
    Ok(parts)
}

/// What numbers are before they are flipped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Free {
    Yes,
    No,
}

/// Turns the bits of first..=last over; every one of them must be as it was said to be.
fn flip(
    rows: &mut dyn Rows,
    block: &mut StockBlock,
    first: u64,
    last: u64,
    before: Free,
) -> Result<(), Fault> {
    for index in first / HUNDRED..=last / HUNDRED {
        let base = index * HUNDRED;
        let mask = bits(first.max(base) - base, last.min(base + HUNDRED - 1) - base);
        let mut hundred: BlockHundred = require(rows, &format!("+44{index}"))?;
        let found = hundred.free & mask;
        let expected = if before == Free::Yes { mask } else { 0 };
        if found != expected || hundred.block != block.block {
            let is = if before == Free::Yes { "not all free" } else { "free already" };
            return Err(broken(format!("numbers {} to {} are {is}", key(first), key(last))));
        }
        hundred.free ^= mask;
        let bit = bits(block.index(base), block.index(base));
        block.whole = if hundred.free == HUNDRED_FREE { block.whole | bit } else { block.whole & !bit };
        let count = mask.count_ones();
        block.free = if before == Free::Yes { block.free - count } else { block.free + count };
        save(rows, hundred);
    }
    Ok(())
}

/// The first number of the free run that a free number is in.
fn run_start(rows: &mut dyn Rows, block: &StockBlock, member: u64) -> Result<u64, Fault> {
    let mut at = member;
    loop {
        let base = at - at % HUNDRED;
        let hundred: BlockHundred = require(rows, &hundred_key(at))?;
        let taken = !hundred.free & bits(0, at - base);
        if taken != 0 {
            return Ok(base + above(taken));
        }
        // Free down to its own start: whole hundreds before it belong to the run too.
        let index = block.index(base);
        let broken_before = if index == 0 { 0 } else { !block.whole & bits(0, index - 1) };
        let whole_from = block.bounds().0 + above(broken_before) * HUNDRED;
        if whole_from == block.bounds().0 || !is_free(rows, whole_from - 1)? {
            return Ok(whole_from);
        }
        at = whole_from - 1;
    }
}

fn is_free(rows: &mut dyn Rows, number: u64) -> Result<bool, Fault> {
    let hundred: BlockHundred = require(rows, &hundred_key(number))?;
    Ok(hundred.free & bits(number % HUNDRED, number % HUNDRED) != 0)
}

fn put_run(rows: &mut dyn Rows, block: &StockBlock, first: u64, last: u64) -> Result<(), Fault> {
    let length = u32::try_from(last - first + 1).map_err(|_| broken("a run is longer than a block"))?;
    let (area, place, block) = (block.area, block.place.clone(), block.block);
    save(rows, FreeRun { start: number(first)?, length, area, place, block });
    Ok(())
}

impl StockBlock {
    fn bounds(&self) -> (u64, u64) {
        (nsn(self.range.start()), nsn(self.range.end()))
    }

    /// Which hundred of the block begins there.
    fn index(&self, base: u64) -> u64 {
        (base - self.bounds().0) / HUNDRED
    }
}

/// The bits from one place to another, both included.
fn bits(from: u64, to: u64) -> u128 {
    (u128::MAX >> (127 - (to - from))) << from
}

/// The place above the highest bit; 0 where no bit is set.
fn above(bits: u128) -> u64 {
    u64::from(128 - bits.leading_zeros())
}

/// The digits after +44 as an integer, in which neighbours differ by one.
fn nsn(number: TelephoneNumber) -> u64 {
    number.nsn().parse().expect("a national significant number is digits")
}

fn number(nsn: u64) -> Result<TelephoneNumber, Fault> {
    TelephoneNumber::parse(&key(nsn)).map_err(|why| broken(why.to_string()))
}

fn key(nsn: u64) -> String {
    format!("+44{nsn}")
}

fn hundred_key(nsn: u64) -> String {
    key(nsn / HUNDRED)
}

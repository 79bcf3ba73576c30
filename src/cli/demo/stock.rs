//! The numbers of the demo: stock to give out, and others that customers bring from elsewhere.
//!
//! The first mix of orders uses the ranges that Ofcom keeps for drama: those of `examples/stock.csv` are stock, the others
//! are with other providers. Further mixes use numbers of 01632, an area that no place has: the lower part of it is stock,
//! the upper part is with other providers. Stock is loaded when the mixes that need it begin.

use anyhow::Context as _;

use crate::{
    cli::stock,
    domain::{
        joint::Command,
        names::{Cupid, SiteName},
        number::NumberRange,
    },
    edge,
    engine::{Engine, Provenance},
};

/// Ourselves, as range holder.
const OURS: &str = "001";

/// The drama ranges that are stock.
const DRAMA: &str = include_str!("../../../examples/stock.csv");

/// The area of further stock.
pub const AREA: &str = "01632";
/// The places of further stock, one block after the other.
pub const PLACES: &[&str] = &["Ashcombe", "Melbury", "Thornwick"];
/// Numbers in a block of further stock.
const BLOCK: u32 = 10_000;
/// The first number of 01632 that is not stock.
const ELSEWHERE: u32 = 600_000;
/// New numbers that one mix takes from one place, at the most.
const TAKEN_BY_A_MIX: u32 = 60;
/// Numbers that one mix brings from elsewhere, at the most.
pub const BROUGHT_BY_A_MIX: u32 = 100;
/// How many mixes there are numbers for, with the first one.
pub const MIXES_MAX: u32 = (1_000_000 - ELSEWHERE) / BROUGHT_BY_A_MIX;

/// Loads the drama ranges, and as much further stock as so many mixes need.
pub async fn load(engine: &Engine, operator: &Provenance, mixes: u32) -> anyhow::Result<()> {
    let drama = stock::rows(DRAMA).map_err(edge::Error::Refused)?;
    for (_, command) in drama {
        engine.execute(&command, operator, None).await?;
    }
    // The end of a block may be too short for what is asked in a row, so each place has one more than would do.
    let rounds = if mixes > 1 { (mixes * TAKEN_BY_A_MIX).div_ceil(BLOCK) + 1 } else { 0 };
    let starts = (0..ELSEWHERE).step_by(BLOCK as usize).take(rounds as usize * PLACES.len());
    for (start, place) in starts.zip(PLACES.iter().cycle()) {
        let range = format!("{AREA} {start:06}-{:06}", start + BLOCK - 1);
        load_block(engine, operator, &range, place).await?;
    }
    Ok(())
}

async fn load_block(engine: &Engine, operator: &Provenance, range: &str, place: &str) -> anyhow::Result<()> {
    let command = Command::LoadBlock {
        range: NumberRange::parse(range)?,
        range_holder: Cupid::parse(OURS)?,
        place: SiteName::parse(place)?,
    };
    engine.execute(&command, operator, None).await.with_context(|| format!("stock {range}"))?;
    Ok(())
}

/// The numbers that a mix after the first brings from elsewhere: the first one of them.
pub fn elsewhere(mix: u32) -> u32 {
    ELSEWHERE + (mix - 1) * BROUGHT_BY_A_MIX
}

//! `orderwire stock`: the carrier's own numbers.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use orderwire_domain::{
    joint,
    names::{Cupid, SiteName},
    number::NumberRange,
    views::number_availability::StockBlock,
};
use serde::Serialize;

use super::{Failure, Output, output::Column, session::Session};
use crate::{
    edge::Problem,
    engine::{
        IdempotencyKey,
        log::Select,
        query::{self, StockPlace},
    },
};

/// What can be asked of the stock.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a range of whole hundreds stock, or every range of a CSV file
    Load(Load),
    /// Every block with what is free of it
    List,
    /// The area codes and places that have numbers in stock
    Places,
}

/// What to load.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["file", "range"]))]
pub struct Load {
    #[arg(value_name = "FILE.csv", help = "A CSV file with the columns range, place and range_holder")]
    file: Option<PathBuf>,
    /// The range, such as "0113 496 0000-0999"
    #[arg(long, requires_all = ["place", "range_holder"])]
    range: Option<String>,
    /// The place its numbers belong to
    #[arg(long, requires = "range")]
    place: Option<String>,
    /// The three digits of the provider to whom Ofcom allocated it
    #[arg(long, requires = "range", value_name = "CUPID")]
    range_holder: Option<String>,
}

/// A block as it is shown.
#[derive(Serialize)]
struct Shown {
    block: String,
    range: NumberRange,
    area: String,
    place: String,
    range_holder: String,
    numbers: u32,
    free: u32,
}

const SHOWN: &[Column<Shown>] = &[
    ("block", |it| it.block.clone()),
    ("range", |it| format!("{}-{}", it.range.start().national(), it.range.end().national())),
    ("place", |it| it.place.clone()),
    ("range holder", |it| it.range_holder.clone()),
    ("numbers", |it| it.numbers.to_string()),
    ("free", |it| it.free.to_string()),
];

const PLACE: &[Column<StockPlace>] = &[
    ("area", |it| it.area.to_string()),
    ("place", |it| it.place.to_string()),
    ("numbers", |it| it.numbers.to_string()),
    ("free", |it| it.free.to_string()),
];

/// Does what was asked.
pub async fn run(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("stock")?;
    match command {
        Command::Load(load) => {
            match load.file.clone() {
                Some(file) => load_file(session, &file, output).await?,
                None => {
                    session.execute(&of_arguments(load)?, output).await?;
                }
            }
            list(session, output).await
        }
        Command::List => list(session, output).await,
        Command::Places => {
            let places = query::stock_places(session.engine.log()).await?;
            Ok(output.list(&places, PLACE)?)
        }
    }
}

async fn list(session: &Session, output: &mut Output<'_>) -> Result<(), Failure> {
    let table = &orderwire_domain::views::number_availability::STOCK_BLOCK;
    let limit = super::session::LIST_MAX;
    let look = Select { table, filters: Vec::new(), order: "area", descending: false, after: None, limit };
    let blocks: Vec<StockBlock> = query::select(session.engine.log(), &look).await?;
    let mut blocks: Vec<Shown> = blocks
        .into_iter()
        .map(|block| Shown {
            block: block.block.to_string(),
            range: block.range,
            area: block.area.to_string(),
            place: block.place.to_string(),
            range_holder: block.range_holder.to_string(),
            numbers: block.range.len(),
            free: block.free,
        })
        .collect();
    blocks.sort_by_key(|block| block.range);
    Ok(output.list(&blocks, SHOWN)?)
}

fn of_arguments(load: Load) -> Result<joint::Command, Failure> {
    let text = |value: Option<String>| value.unwrap_or_default();
    let row = [text(load.range), text(load.place), text(load.range_holder)];
    command([&row[0], &row[1], &row[2]]).map_err(|(column, invalid)| Failure::Refused {
        file: None,
        problems: vec![Problem::invalid(&format!("--{}", column.replace('_', "-")), invalid)],
    })
}

/// Loads every row. A load that was cut short is asked for again: rows that were loaded are passed over.
async fn load_file(session: &Session, file: &Path, output: &mut Output<'_>) -> Result<(), Failure> {
    let commands = commands(file)?;
    let bar = output.bar("loading ranges", commands.len() as u64);
    for (line, command) in commands {
        let key = key(&command);
        let loaded = session.execute_keyed(&command, Some(&key), output).await;
        loaded.map_err(|failure| failure.in_line(file, line))?;
        bar.step();
    }
    Ok(())
}

/// A row is known by all that it says.
fn key(command: &joint::Command) -> IdempotencyKey {
    let key = match command {
        joint::Command::LoadBlock { range, place, range_holder } => {
            format!("load {}-{} {place} {range_holder}", range.start().national(), range.end().national())
        }
        other => other.name(),
    };
    IdempotencyKey { owner: "stock".to_owned(), key, fingerprint: None }
}

/// What a file says, with the line of each row; every row is read before the first is loaded.
fn commands(file: &Path) -> Result<Vec<(usize, joint::Command)>, Failure> {
    let text =
        std::fs::read_to_string(file).map_err(|source| Failure::File { file: file.to_owned(), source })?;
    rows(&text).map_err(|problems| Failure::Refused { file: Some(file.to_owned()), problems })
}

/// The rows of a CSV text as commands, each with its line.
pub fn rows(text: &str) -> Result<Vec<(usize, joint::Command)>, Vec<Problem>> {
    let mut problems = Vec::new();
    let mut commands = Vec::new();
    let mut lines = text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty());
    let heading: Vec<&str> =
        lines.next().map(|(line, _)| line.split(',').map(str::trim).collect()).unwrap_or_default();
    let places = COLUMNS.map(|column| heading.iter().position(|named| *named == column));
    let ([Some(range), Some(place), Some(range_holder)], 3) = (places, heading.len()) else {
        let expected = format!("{}, in any order", COLUMNS.join(","));
        return Err(vec![Problem::new("line 1", "heading_wrong", "the columns are not named", expected)]);
    };
    for (line, number) in lines {
        let cells: Vec<&str> = line.split(',').map(|cell| cell.trim().trim_matches('"')).collect();
        let cells: Result<[&str; 3], _> = cells.try_into();
        match cells.map(|cells| command([cells[range], cells[place], cells[range_holder]])) {
            Ok(Ok(command)) => commands.push((number, command)),
            Ok(Err((column, invalid))) => {
                problems.push(Problem::invalid(&format!("line {number}, {column}"), invalid));
            }
            Err(cells) => {
                let detail = format!("there are {} cells", Vec::len(&cells));
                problems.push(Problem::new(&format!("line {number}"), "cells_wrong", detail, "3 cells"));
            }
        }
    }
    if problems.is_empty() { Ok(commands) } else { Err(problems) }
}

/// The columns of a file, in whatever order its heading has them.
const COLUMNS: [&str; 3] = ["range", "place", "range_holder"];

fn command(row: [&str; 3]) -> Result<joint::Command, (&'static str, orderwire_domain::invalid::Invalid)> {
    let [range, place, range_holder] = row;
    Ok(joint::Command::LoadBlock {
        range: NumberRange::parse(range).map_err(|invalid| (COLUMNS[0], invalid))?,
        place: SiteName::parse(place).map_err(|invalid| (COLUMNS[1], invalid))?,
        range_holder: Cupid::parse(range_holder).map_err(|invalid| (COLUMNS[2], invalid))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_are_found_by_their_heading() {
        let inverted = rows("place, range_holder ,range\nLeeds,001,0113 496 0000-0099\n").unwrap();
        let as_documented = rows("range,place,range_holder\n0113 496 0000-0099,Leeds,001\n").unwrap();
        assert_eq!(inverted, as_documented);
        for heading in ["range,place", "range,place,place", "range,place,range_holder,note", "", "a,b,c"] {
            let problems = rows(&format!("{heading}\n")).unwrap_err();
            assert_eq!(problems[0].code, "heading_wrong", "{heading}");
        }
    }
}

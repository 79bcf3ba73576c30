//! `orderwire numbers`: numbers that somebody has, and the search for free ones.

use clap::{Args, Subcommand};
use orderwire_domain::{
    ids::AssetId,
    number::{NumberRange, NumberSet},
    order::line::{NumberSearch, SearchBy},
    views::number_availability::NumberView,
};
use serde::Serialize;

use super::{
    Failure, Output, companies,
    output::{Column, or_dash},
    session::Session,
};
use crate::engine::query::{self, equal};

/// What can be asked about numbers.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Numbers that are not free stock
    List(List),
    /// Free numbers by area code or place; a proposal, not a reservation
    Find(Find),
}

/// Which numbers.
#[derive(Debug, Args)]
pub struct List {
    /// Of this company: its service reference (com_…), internet domain or name
    #[arg(long)]
    company: Option<String>,
    /// Of this site and its users: its id (ast_…)
    #[arg(long)]
    site: Option<AssetId>,
    /// At most this many
    #[arg(long, default_value_t = 1_000, value_name = "COUNT")]
    limit: usize,
}

/// What to search for.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("where").required(true).args(["area", "place"]))]
pub struct Find {
    /// An area code, such as 0113
    #[arg(long, value_name = "CODE")]
    area: Option<String>,
    /// A place, such as Leeds
    #[arg(long)]
    place: Option<String>,
    /// How many
    #[arg(long, default_value_t = 1, value_name = "COUNT")]
    quantity: u32,
    /// They must follow one another
    #[arg(long)]
    contiguous: bool,
}

const NUMBER: &[Column<NumberView>] = &[
    ("number", |it| it.number.national()),
    ("holding", |it| it.holding.to_string()),
    ("network", |it| it.network.to_string()),
    ("company", |it| or_dash(it.company)),
    ("site", |it| or_dash(it.site)),
    ("user", |it| or_dash(it.user)),
    ("place", |it| or_dash(it.place.as_ref())),
];

/// A run of free numbers.
#[derive(Serialize)]
struct Run {
    range: NumberRange,
    numbers: u32,
}

const RUN: &[Column<Run>] = &[
    ("first", |it| it.range.start().national()),
    ("last", |it| it.range.end().national()),
    ("numbers", |it| it.numbers.to_string()),
];

/// Does what was asked.
pub async fn run(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        Command::List(list) => {
            let mut filters = Vec::new();
            if let Some(company) = list.company {
                let company = companies::find(session, "--company", &company).await?;
                filters.push(equal("company", company.company.to_string()));
            }
            filters.extend(list.site.map(|site| equal("site", site.to_string())));
            let numbers: Vec<NumberView> = session.records(filters, "key", list.limit).await?;
            Ok(output.list(&numbers, NUMBER)?)
        }
        Command::Find(find) => {
            let search = search(&find)?;
            let found = query::free_numbers(session.engine.log(), &search, &NumberSet::new()).await?;
            if found.numbers.len() < search.quantity as usize {
                output.remark(&format!("asked for: {}, free: {}", search.quantity, found.free))?;
            }
            let run = |range: NumberRange| Run { range, numbers: range.len() };
            Ok(output.list(&found.numbers.runs().map(run).collect::<Vec<_>>(), RUN)?)
        }
    }
}

fn search(find: &Find) -> Result<NumberSearch, Failure> {
    let by = match (&find.area, &find.place) {
        (Some(area), _) => {
            SearchBy::AreaCode(area.parse().map_err(|error| Failure::of_argument("--area", error))?)
        }
        (None, place) => {
            let place = place.as_deref().unwrap_or_default();
            SearchBy::Place(place.parse().map_err(|error| Failure::of_argument("--place", error))?)
        }
    };
    Ok(NumberSearch { by, quantity: find.quantity, contiguous: find.contiguous })
}

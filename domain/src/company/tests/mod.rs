//! Named cases, guards and random walks.

mod cases;
mod plans;
mod walks;

use super::{Company, commands::CompanyCommand};
use crate::{
    order::line::LineNumber,
    testing::{
        company::{full_order, numbers, order, qualify},
        scenario::{Given, given},
    },
};

/// Runs commands that must be accepted.
#[track_caller]
fn after(commands: impl IntoIterator<Item = CompanyCommand>) -> Given<Company> {
    commands.into_iter().fold(given([]), |company, command| company.when(&command).accepted())
}

fn qualified() -> Given<Company> {
    after([qualify()])
}

/// In service, with order 1 open: numbers 0 to 2 allocated, a site, user, device, PBX, trunk and add-on planned.
fn active() -> Given<Company> {
    after([
        qualify(),
        full_order(1, 1, Some(10), numbers(0, 3)),
        CompanyCommand::Activate { order: order(1) },
        CompanyCommand::AllocateNumbers { order: order(1), line: LineNumber(2), site: None },
    ])
}

/// In service with order 1 done: everything planned exists.
fn built() -> Given<Company> {
    let add = |line| CompanyCommand::AddAsset { order: order(1), line: LineNumber(line) };
    let close = CompanyCommand::CloseOrder { order: order(1) };
    (3..=9).map(add).chain([close]).fold(active(), |company, command| company.when(&command).accepted())
}

/// An order for numbers alone.
fn numbers_order(id: u8, from: u32, len: u32) -> CompanyCommand {
    CompanyCommand::OpenOrder {
        order: order(id),
        plans: vec![],
        numbers: vec![(LineNumber(1), numbers(from, len))],
        coming: vec![],
        channels: None,
    }
}

//! `orderwire rules`: what the rules say, as data.

use std::io::Write as _;

use clap::Subcommand;
use orderwire_domain::{
    lead_time::LeadTimeRow,
    port_request::reason::{RejectionEntry, rejection_entries},
};
use serde::Serialize;

use super::{
    Failure, Output,
    output::{Column, or_dash},
    session::Session,
};

/// What can be asked about the rules.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole rules document in force, as `replay --rules` takes it
    Show,
    /// The lead times of ports, in working days
    LeadTimes,
    /// Why a losing provider may refuse a port, and who must act then
    Rejections,
}

/// A row of a dated table.
#[derive(Serialize)]
struct Dated {
    effective_from: chrono::NaiveDate,
    source: String,
    row: LeadTimeRow,
}

const DATED: &[Column<Dated>] = &[
    ("from", |it| it.effective_from.to_string()),
    ("row", |it| it.row.slug.clone()),
    ("provide", |it| it.row.provide.to_string()),
    ("subsequent", |it| it.row.subsequent.to_string()),
];

const REJECTION: &[Column<RejectionEntry>] = &[
    ("reason", |it| it.slug.to_string()),
    ("code", |it| or_dash(it.industry_code)),
    ("who must act", |it| it.must_act.to_string()),
    ("meaning", |it| it.detail.to_owned()),
];

/// Does what was asked.
pub fn run(session: &Session, command: &Command, output: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        Command::Show => {
            // The same whatever the format: it is one document, and read again as it is.
            let document: serde_json::Value =
                serde_json::from_str(&session.engine.rules().to_json()).expect("the rules are JSON");
            writeln!(output.writer(), "{}", serde_json::to_string_pretty(&document).expect("JSON is JSON"))?;
            output.remark(&format!("version {}", session.engine.rules().version()))?;
            Ok(())
        }
        Command::Rejections => Ok(output.list(&rejection_entries(), REJECTION)?),
        Command::LeadTimes => {
            let tables = session.engine.rules().lead_times().tables();
            let rows = tables.iter().flat_map(|table| {
                table.rows().iter().map(|row| Dated {
                    effective_from: table.effective_from(),
                    source: table.source().to_owned(),
                    row: row.clone(),
                })
            });
            Ok(output.list(&rows.collect::<Vec<_>>(), DATED)?)
        }
    }
}

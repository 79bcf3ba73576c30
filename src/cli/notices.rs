//! `orderwire notices`: what resellers are told, also as it happens, and the proof that it is whole.

use std::{collections::HashMap, time::Duration};

use clap::Subcommand;
use orderwire_domain::{
    ids::{NoticeId, ResellerId},
    names::ResellerCode,
    views::{notices::Notice, table::Record as _},
};
use serde::Serialize;

use super::{
    Failure, Output,
    output::{Column, time},
    session::{LIST_MAX, Session},
};
use crate::{
    edge::place,
    engine::{
        Error,
        log::{Comparison, Filter, Select, StoreError},
        query::{self, equal},
    },
};

/// Notices that are read at once.
const PAGE: usize = 500;
/// How often it is looked for more, by whoever follows.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What can be asked about notices.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// What resellers were told, in order: ten thousand at most, or whatever comes
    Tail {
        /// Only what this reseller was told
        #[arg(long = "reseller", value_name = "CODE")]
        of_reseller: Option<String>,
        /// Only what comes after: of a reseller its sequence, of all the position in the log
        #[arg(long, default_value_t = 0, value_name = "NUMBER")]
        after: u64,
        /// Go on with what comes, a line each, until it is interrupted
        #[arg(long)]
        follow: bool,
    },
    /// Prove that every sequence is whole, and that each notice names the one before it
    Verify,
}

#[derive(Serialize)]
struct Shown {
    position: u64,
    sequence: u64,
    time: String,
    notice: String,
    #[serde(rename = "type")]
    kind: String,
    subject: String,
    reseller: String,
}

const SHOWN: &[Column<Shown>] = &[
    ("position", |it| it.position.to_string()),
    ("sequence", |it| it.sequence.to_string()),
    ("time", |it| it.time.clone()),
    ("type", |it| it.kind.clone()),
    ("subject", |it| it.subject.clone()),
];

#[derive(Serialize)]
struct Proved {
    notices: u64,
    resellers: usize,
    orders: usize,
}

const PROVED: &[Column<Proved>] = &[
    ("notices", |it| it.notices.to_string()),
    ("resellers", |it| it.resellers.to_string()),
    ("orders", |it| it.orders.to_string()),
];

impl From<Notice> for Shown {
    fn from(notice: Notice) -> Self {
        Self {
            position: notice.position,
            sequence: notice.sequence,
            time: time(notice.time),
            notice: notice.id.to_string(),
            kind: notice.notice_type.short().to_owned(),
            subject: notice.subject,
            reseller: notice.reseller.to_string(),
        }
    }
}

/// Does what was asked.
pub async fn run(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("looking at notices")?;
    match command {
        Command::Tail { of_reseller, after, follow: goes_on } => {
            let reseller = match of_reseller {
                Some(code) => Some(named(session, &code).await?),
                None => None,
            };
            if !goes_on {
                return tail(session, reseller, after, output).await;
            }
            tokio::select! {
                ended = follow(session, reseller, after, output) => ended,
                interrupted = tokio::signal::ctrl_c() => Ok(interrupted?),
            }
        }
        Command::Verify => {
            let mut proof = Proof::default();
            let mut after = 0;
            loop {
                let page = page(session, None, after).await?;
                let Some(last) = page.last() else { break };
                after = last.position;
                for notice in &page {
                    proof.take(notice).map_err(|why| Error::from(StoreError::Corrupt(why)))?;
                }
            }
            let Proof { notices, resellers, orders } = proof;
            Ok(output.one(&Proved { notices, resellers: resellers.len(), orders: orders.len() }, PROVED)?)
        }
    }
}

async fn named(session: &Session, code: &str) -> Result<ResellerId, Failure> {
    let code: ResellerCode = code.parse().map_err(|error| Failure::of_argument("--reseller", error))?;
    let found = place::reseller(&session.engine, &code).await?;
    found.ok_or_else(|| Failure::not_found("reseller", code.as_str()))
}

async fn tail(
    session: &Session,
    reseller: Option<ResellerId>,
    mut after: u64,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut found: Vec<Shown> = Vec::new();
    loop {
        let page = page(session, reseller, after).await?;
        let more = page.len() == PAGE && found.len() < LIST_MAX;
        found.extend(page.into_iter().map(Shown::from));
        let Some(last) = found.last().filter(|_| more) else { break };
        after = if reseller.is_some() { last.sequence } else { last.position };
    }
    Ok(output.list(&found, SHOWN)?)
}

/// Shows what there is, and what comes, for as long as somebody waits for it.
async fn follow(
    session: &Session,
    reseller: Option<ResellerId>,
    mut after: u64,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut are_first = true;
    loop {
        let page: Vec<Shown> = page(session, reseller, after).await?.into_iter().map(Shown::from).collect();
        let Some(last) = page.last() else {
            tokio::time::sleep(LOOK_EVERY).await;
            continue;
        };
        output.come(&page, SHOWN, are_first)?;
        after = if reseller.is_some() { last.sequence } else { last.position };
        are_first = false;
    }
}

/// What one reseller was told after a sequence, or all of them after a position.
async fn page(session: &Session, reseller: Option<ResellerId>, after: u64) -> Result<Vec<Notice>, Error> {
    let order = if reseller.is_some() { "sequence" } else { "position" };
    let next = i64::try_from(after).unwrap_or(i64::MAX).saturating_add(1);
    let mut filters = vec![Filter { column: order, comparison: Comparison::AtLeast, value: next.into() }];
    filters.extend(reseller.map(|reseller| equal("reseller", reseller.to_string())));
    let select = Select { table: Notice::TABLE, filters, order, descending: false, after: None, limit: PAGE };
    query::select(session.engine.log(), &select).await
}

/// What was proved so far: the last notice of each sequence.
#[derive(Default)]
struct Proof {
    notices: u64,
    resellers: HashMap<String, (u64, NoticeId)>,
    orders: HashMap<String, (u64, NoticeId)>,
}

impl Proof {
    fn take(&mut self, notice: &Notice) -> Result<(), String> {
        self.notices += 1;
        let link = (notice.sequence, notice.id, notice.previous_id);
        follows(&mut self.resellers, notice.reseller.to_string(), link)?;
        if let (Some(order), Some(sequence)) = (notice.order, notice.order_sequence) {
            follows(&mut self.orders, order.to_string(), (sequence, notice.id, notice.order_previous_id))?;
        }
        Ok(())
    }
}

/// Whether a notice comes next in its sequence, and names the one before it.
fn follows(
    last: &mut HashMap<String, (u64, NoticeId)>,
    of: String,
    (sequence, id, previous): (u64, NoticeId, Option<NoticeId>),
) -> Result<(), String> {
    let before = last.get(&of).copied();
    let expected = before.map_or(1, |(sequence, _)| sequence + 1);
    if sequence != expected {
        return Err(format!("{of}: {id} has the number {sequence}, and {expected} would be next"));
    }
    if previous != before.map(|(_, id)| id) {
        return Err(format!("{of}: {id}, number {sequence}, names another before it"));
    }
    last.insert(of, (sequence, id));
    Ok(())
}

//! `orderwire notices`: what resellers are told, also as it happens, and the proof that it is whole.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use clap::Subcommand;
use orderwire_domain::{
    ids::{NoticeId, ResellerId},
    names::ResellerCode,
    views::{
        notices::{self, Notice, NoticeCounter},
        table::Record as _,
    },
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
    /// Prove that every sequence is whole to its end and counted, that each notice names the one before it, and that none
    /// follows the end of its order
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
            // Before the notices: what is told meanwhile makes those more, and never these.
            let counters = self::counters(session).await?;
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
            for counter in &counters {
                proof.reaches(counter).map_err(|why| Error::from(StoreError::Corrupt(why)))?;
            }
            // After the notices: each was written together with what counts it.
            proof
                .is_counted(&self::counters(session).await?)
                .map_err(|why| Error::from(StoreError::Corrupt(why)))?;
            let Proof { notices, resellers, orders, .. } = proof;
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

/// How far every sequence was told.
async fn counters(session: &Session) -> Result<Vec<NoticeCounter>, Error> {
    let mut found: Vec<NoticeCounter> = Vec::new();
    loop {
        let after = found.last().map(|last| (last.key().into(), last.key()));
        let table = NoticeCounter::TABLE;
        let select =
            Select { table, filters: Vec::new(), order: "key", descending: false, after, limit: PAGE };
        let page: Vec<NoticeCounter> = query::select(session.engine.log(), &select).await?;
        let is_whole = page.len() == PAGE;
        found.extend(page);
        if !is_whole {
            return Ok(found);
        }
    }
}

/// What was proved so far: the last notice of each sequence.
#[derive(Default)]
struct Proof {
    notices: u64,
    /// Where in the log the last of them was told.
    position: u64,
    resellers: HashMap<String, (u64, NoticeId)>,
    orders: HashMap<String, (u64, NoticeId)>,
    /// Orders that have ended.
    ended: HashSet<String>,
}

impl Proof {
    fn take(&mut self, notice: &Notice) -> Result<(), String> {
        self.notices += 1;
        self.position = notice.position;
        let link = (notice.sequence, notice.id, notice.previous_id);
        follows(&mut self.resellers, notice.reseller.to_string(), link)?;
        let Some(order) = notice.order.map(|order| order.to_string()) else { return Ok(()) };
        let has_ended = self.ended.contains(&order);
        match notice.order_sequence {
            Some(_) if has_ended => {
                return Err(format!("{order}: {} follows the notice that ended it", notice.id));
            }
            None if !has_ended => {
                return Err(format!("{order}: {} has no number, and it goes on", notice.id));
            }
            None => return Ok(()),
            Some(sequence) => {
                let link = (sequence, notice.id, notice.order_previous_id);
                follows(&mut self.orders, order.clone(), link)?;
            }
        }
        if notice.notice_type.ends_an_order() {
            self.ended.insert(order);
        }
        Ok(())
    }

    /// Whether what was told last is there.
    fn reaches(&self, NoticeCounter { of, last, last_id, closed }: &NoticeCounter) -> Result<(), String> {
        // That of the log itself counts positions.
        let Some(last_id) = last_id else { return Ok(()) };
        let found = self.resellers.get(of).or_else(|| self.orders.get(of));
        let (sequence, id) = found.ok_or_else(|| format!("{of}: none of {last} notices is there"))?;
        if sequence < last || (sequence == last && id != last_id) {
            return Err(format!(
                "{of}: {last_id}, number {last}, was told last, and {id}, number {sequence}, is there"
            ));
        }
        if *closed && !self.ended.contains(of) {
            return Err(format!("{of}: it has ended, and no notice says so"));
        }
        Ok(())
    }

    /// Whether everything that was told is counted: what counts no further would give the next notice a number that is taken.
    fn is_counted(&self, counters: &[NoticeCounter]) -> Result<(), String> {
        let counters: HashMap<&str, u64> = counters.iter().map(|it| (it.of.as_str(), it.last)).collect();
        let log = (notices::LOG, self.position);
        let sequences = self.resellers.iter().chain(&self.orders).map(|(of, (last, _))| (of.as_str(), *last));
        for (of, told) in sequences.chain((self.notices > 0).then_some(log)) {
            match counters.get(of) {
                None => {
                    return Err(format!("{of}: {told} was told last, and the row that counts it is lost"));
                }
                Some(counted) if *counted < told => {
                    return Err(format!("{of}: {told} was told last, and it is counted to {counted}"));
                }
                Some(_) => {}
            }
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

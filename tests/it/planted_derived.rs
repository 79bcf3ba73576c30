//! The audits go red: for each thing that is derived from the log a store that spoils just this, and what the audit then
//! says. What was planted in decisions and folds by hand stands in `docs/quality-proofs.md`.

use std::{any::Any, panic::AssertUnwindSafe};

use async_trait::async_trait;
use futures::FutureExt as _;
use orderwire::{
    domain::{
        claim::{Claim, ClaimScope},
        company::commands::CompanyCommand,
        ids::StreamId,
        joint::Command,
        notice::NoticeType,
        timer::TIMER,
        views::{
            company_directory::COMPANY_DIRECTORY,
            name_directory::NAME_DIRECTORY,
            notices::{NOTICE, Notice},
            number_availability::NUMBER,
            order_status::ORDER_STATUS,
            table::{Record as _, Row, Table},
        },
    },
    engine::{
        Engine, Error,
        fulfilment::AutoProvisioner,
        log::{ReaderCommit, RowChange, StoreError, StoredEvent, StreamLoad, Swap},
    },
};

use crate::{
    invariants::{Audit, notices},
    replay::{every_row, leave_a_row_in},
    world::*,
};

/// What is spoiled while readers write, or while the log is read.
#[derive(Clone, Copy, Debug)]
enum Defect {
    None,
    /// A fold skips the events that would change this table.
    SkipsEventsOf(&'static Table),
    SkipsALaterPage,
    /// A row is there that nothing wrote.
    InventsARowOf(&'static Table),
    TellsTwice,
    SkipsANotice,
    TellsAfterTheEnd,
    TellsTheEndTooEarly,
    TellsWhatWas,
    AnnouncesNothing,
    LosesATimer,
    KeepsATimer,
    ForgetsToClear(&'static Table),
    ForgetsAClaim,
    InventsAClaim,
    HidesAnEvent,
    ChangesAnEvent,
    LoadsAnOldState,
}

/// Of what is written, and what the whole audit says.
const WRITING: &[(Defect, &str)] = &[
    (Defect::SkipsEventsOf(&ORDER_STATUS), "a fresh fold has it otherwise"),
    (Defect::SkipsEventsOf(&COMPANY_DIRECTORY), "a fresh fold has it otherwise"),
    (Defect::SkipsEventsOf(&NUMBER), "a fresh fold has it otherwise"),
    (Defect::SkipsEventsOf(&NAME_DIRECTORY), "a fresh fold has it otherwise"),
    (Defect::SkipsEventsOf(&NOTICE), "a fresh fold has it otherwise"),
    (Defect::SkipsALaterPage, "a fresh fold has it otherwise"),
    (Defect::InventsARowOf(&NUMBER), "a fresh fold does not have it"),
    (Defect::TellsTwice, "a fresh fold does not have it"),
    (Defect::LosesATimer, "is gone before it was due"),
    (Defect::KeepsATimer, "a fresh fold has it otherwise"),
];

/// Of what is told, and what the audit of notices says by itself.
const TELLING: &[(Defect, &str)] = &[
    (Defect::TellsTwice, "has a gap"),
    (Defect::SkipsANotice, "has a gap"),
    (Defect::TellsAfterTheEnd, "after the end of"),
    (Defect::TellsTheEndTooEarly, "is told to have ended after so many of its lines"),
    (Defect::TellsWhatWas, "the data is not the row"),
    (Defect::SkipsEventsOf(&NOTICE), "left == right"),
];

/// Of what is read, and what the whole audit says.
const READING: &[(Defect, &str)] = &[
    (Defect::ForgetsAClaim, "the count of claims"),
    (Defect::InventsAClaim, "the count of claims"),
    (Defect::HidesAnEvent, "positions have no gap"),
    (Defect::ChangesAnEvent, "the leaf is not that of the stored text"),
    (Defect::LoadsAnOldState, "where the engine thinks it is"),
];

#[async_trait]
impl Meddles for Defect {
    async fn apply(&self, commit: &mut ReaderCommit) {
        match *self {
            Self::SkipsEventsOf(table) => spoil(commit, table, |_| vec![]),
            Self::SkipsALaterPage if commit.after > 2 => commit.changes.clear(),
            Self::InventsARowOf(table) => spoil(commit, table, |row| {
                vec![row.clone(), Row { key: format!("{} too", row.key), ..row.clone() }]
            }),
            Self::TellsTwice => {
                spoil(commit, &NOTICE, |row| {
                    vec![row.clone(), Row { key: format!("{} again", row.key), ..row.clone() }]
                });
            }
            Self::SkipsANotice => spoil(commit, &NOTICE, |row| match notice(row).sequence {
                2 => vec![],
                _ => vec![row.clone()],
            }),
            Self::TellsAfterTheEnd => spoil(commit, &NOTICE, |row| match notice(row) {
                early if early.order_sequence == Some(2) => {
                    vec![Notice { notice_type: NoticeType::OrderCompleted, ..early }.to_row()]
                }
                _ => vec![row.clone()],
            }),
            Self::TellsTheEndTooEarly => spoil(commit, &NOTICE, |row| match notice(row) {
                line if line.notice_type == NoticeType::LineCompleted => {
                    vec![Notice { notice_type: NoticeType::LineResumed, ..line }.to_row()]
                }
                _ => vec![row.clone()],
            }),
            Self::TellsWhatWas => spoil(commit, &NOTICE, |row| {
                let mut told = notice(row);
                told.data.order.iter_mut().for_each(|order| order.position -= 1);
                vec![told.to_row()]
            }),
            Self::AnnouncesNothing => spoil(commit, &TIMER, |row| {
                let announces = row.key.contains("_expiring");
                if announces { vec![] } else { vec![row.clone()] }
            }),
            Self::LosesATimer => spoil(commit, &TIMER, |_| vec![]),
            Self::KeepsATimer => {
                let kept =
                    |change: &RowChange| matches!(change, RowChange::Delete(table, _) if **table == TIMER);
                commit.changes.retain(|change| !kept(change));
            }
            _ => {}
        }
    }

    async fn swap(&self, swap: &mut Swap) {
        if let Self::ForgetsToClear(forgotten) = self {
            swap.tables.retain(|(table, _)| table != forgotten);
        }
    }

    fn page(&self, page: &mut Vec<StoredEvent>) {
        match self {
            Self::HidesAnEvent => page.retain(|event| event.position != 2),
            Self::ChangesAnEvent => {
                page.iter_mut().filter(|event| event.position == 2).for_each(|event| event.payload.push(' '));
            }
            _ => {}
        }
    }

    async fn claims(&self, claims: &mut Vec<(Claim, StreamId)>) {
        match (self, claims.last().cloned()) {
            (Self::ForgetsAClaim, Some(_)) => {
                claims.pop();
            }
            (Self::InventsAClaim, Some((_, holder))) => {
                claims.push((Claim::platform(ClaimScope::Username, "nobody"), holder));
            }
            _ => {}
        }
    }

    fn load(&self, _stream: StreamId, load: &mut StreamLoad) -> Result<(), StoreError> {
        if matches!(self, Self::LoadsAnOldState) && load.events.len() > 3 {
            load.events.pop();
        }
        Ok(())
    }
}

/// Puts other rows in place of each that is put into a table.
fn spoil(commit: &mut ReaderCommit, table: &'static Table, rows: impl Fn(&Row) -> Vec<Row>) {
    let changes = std::mem::take(&mut commit.changes);
    commit.changes = changes
        .into_iter()
        .flat_map(|change| match change {
            RowChange::Put(of, row) if of == table => {
                rows(&row).into_iter().map(|row| RowChange::Put(table, row)).collect()
            }
            other => vec![other],
        })
        .collect();
}

fn notice(row: &Row) -> Notice {
    serde_json::from_str(&row.doc).unwrap()
}

/// A company in service, with numbers reserved, as two engines see it: one that wrote it all, and one that only reads.
async fn life(writing: Defect, reading: Defect) -> (World, Engine) {
    let store = Store::memory().await;
    let world = World::open(&store.meddled_with(writing).await).await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let former = world.company(reseller, "Former").await;
    world.settle().await;
    world.done(Command::Company { company: former, command: CompanyCommand::Release }).await;
    let company = world.in_service(reseller, 1).await;
    world.reserve(company, leeds(150, 5)).await;
    world.settle().await;
    let engine = store.meddled_with(reading).await.engine(&world.clock, AutoProvisioner, 1).await;
    (world, engine)
}

/// What a check says when it fails; nothing if it does not.
async fn said(check: impl Future<Output = ()>) -> String {
    let Err(panic) = AssertUnwindSafe(check).catch_unwind().await else { return String::new() };
    let panic: Box<dyn Any + Send> = panic;
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).expect("an assertion says something")
}

async fn audited(engine: &Engine) -> String {
    said(async { drop(Audit::of(engine).await) }).await
}

#[tokio::test]
async fn whatever_is_derived_wrongly_is_found() {
    let (_, engine) = life(Defect::None, Defect::None).await;
    assert_eq!(audited(&engine).await, "", "without a defect the same life passes");
    for (defect, expected) in WRITING {
        let (_, engine) = life(*defect, Defect::None).await;
        let found = audited(&engine).await;
        assert!(found.contains(expected), "{defect:?} should be found as `{expected}`: {found}");
    }
    for (defect, expected) in READING {
        let (_, engine) = life(Defect::None, *defect).await;
        let found = audited(&engine).await;
        assert!(found.contains(expected), "{defect:?} should be found as `{expected}`: {found}");
    }
}

#[tokio::test]
async fn whatever_is_told_wrongly_is_found_without_a_fresh_fold() {
    for (defect, expected) in TELLING {
        let (_, engine) = life(*defect, Defect::None).await;
        let mut audit = Audit::default();
        audit.follow(&engine).await;
        let found = said(notices::check(&audit, &engine)).await;
        assert!(found.contains(expected), "{defect:?} should be found as `{expected}`: {found}");
    }
}

#[tokio::test]
async fn an_end_that_nobody_announced_is_found() {
    for (defect, expected) in [(Defect::None, ""), (Defect::AnnouncesNothing, "was not announced")] {
        let (world, engine) = life(defect, Defect::None).await;
        let reseller = world.reseller(2).await;
        let company = world.company(reseller, "Idle").await;
        world.reserve(company, leeds(160, 5)).await;
        world.sleep(chrono::TimeDelta::days(31)).await;
        let mut audit = Audit::default();
        audit.follow(&engine).await;
        let found = said(notices::check(&audit, &engine)).await;
        assert!(found.contains(expected), "{defect:?} should be found as `{expected}`: {found}");
        assert_eq!(found.is_empty(), expected.is_empty(), "{defect:?}: {found}");
    }
}

#[tokio::test]
async fn a_rebuild_that_forgets_a_table_is_found() {
    for table in Engine::tables().into_iter().filter(|table| **table != TIMER) {
        let (world, _) = life(Defect::ForgetsToClear(table), Defect::None).await;
        let kept = every_row(&world.engine).await;
        leave_a_row_in(&world.engine, table).await;
        match world.engine.rebuild().await {
            Ok(()) => assert_ne!(every_row(&world.engine).await, kept, "{}", table.name),
            // What is left contradicts the first events already.
            Err(error) => assert!(matches!(error, Error::ReaderStopped { .. }), "{}: {error}", table.name),
        }
    }
}

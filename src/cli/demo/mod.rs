//! `orderwire demo`: real orders through their whole life, with everybody outside played.
//!
//! A fresh store gets stock and a reseller, who sends the documents of `examples/orders`; losing providers, range holders,
//! network and provisioning answer as real ones would, and the weeks of a port pass on a simulated clock. Deliberately
//! absent: any rule. What happens to the orders, the engine decides, as it does in service.

mod documents;
mod outside;
mod print;
mod scripts;
mod stage;
mod stock;
mod summary;
mod timeline;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use anyhow::Context as _;
use chrono::{DateTime, NaiveTime, Utc};

pub use self::summary::Summary;
use self::{
    scripts::{Cast, Told},
    stage::Stage,
    timeline::Timeline,
};
use crate::{
    cli::{
        exit::Failure,
        output::{Format, Output},
        session,
    },
    domain::{calendar::london, ids::ResellerId, joint::Command, views::order_status::ORDER_STATUS},
    edge::{
        self, Problem,
        open::{OpenOptions, open_engine},
    },
    engine::{
        self, Actor, Engine, Provenance,
        clock::{Clock as _, SimulatedClock},
        fulfilment::AutoProvisioner,
    },
    stores::Migrate,
};

/// How many orders there are unless somebody asks for more: one of each.
pub const ORDERS: u32 = 7;
/// How many orders there are numbers for.
pub const ORDERS_MAX: u32 = stock::MIXES_MAX * ORDERS;

/// Aggregates at hand: those of the mixes that are played at once, and a few more.
const AGGREGATES_AT_HAND: usize = 1_000;

/// What to show, and where.
pub struct Demo {
    /// The store, which must have no history; `None` makes a file that is kept.
    pub store: Option<OpenOptions>,
    /// How many orders in all.
    pub orders: u32,
    /// Whether one more is left for others to go on with: a port whose window is open.
    pub leaves_a_port: bool,
}

/// A demo that was played.
pub struct Played {
    /// The store that it left.
    pub store: OpenOptions,
    /// When it ended, by its own clock.
    pub ended: DateTime<Utc>,
    summary: Summary,
    timelines: Vec<Timeline>,
}

/// Plays the demo and prints what came of it.
pub async fn run(demo: Demo, output: &mut Output<'_>) -> Result<(), Failure> {
    let Played { summary, timelines, .. } = fill(demo, output).await?;
    if output.format() == Format::Table {
        return print::tables(output.writer(), &summary, &timelines).map_err(failure);
    }
    Ok(output.one(&summary, &[])?)
}

/// Fills a store by playing the demo.
pub async fn fill(demo: Demo, output: &mut Output<'_>) -> Result<Played, Failure> {
    if !(1..=ORDERS_MAX).contains(&demo.orders) {
        let why = format!("there are numbers for 1 to {ORDERS_MAX} orders, not for {}", demo.orders);
        return Err(Failure::of_argument("--orders", why));
    }
    let mut store = if let Some(store) = demo.store {
        store
    } else {
        // It is kept, so that it can be looked into.
        let file = fresh_file();
        output.remark(&format!("the demo's store is {file}"))?;
        OpenOptions::of(file)
    };
    store.migrate = Migrate::Yes;
    let clock = SimulatedClock::at(london(documents::written(), MORNING));
    let builder = Engine::builder()
        .clock(clock.clone())
        .provisioner(AutoProvisioner)
        .aggregates_at_hand(AGGREGATES_AT_HAND)
        .background(false);
    let engine = open_engine(&store, builder).await;
    let engine = engine.map_err(|error| Failure::Open { store: session::shown(&store.store), error })?;
    let bar = output.bar("playing orders", u64::from(demo.orders));
    let begun = || async { engine.log().count(&ORDER_STATUS, &[]).await.ok() };
    let played = bar.watch(play(&engine, clock.clone(), demo.orders, demo.leaves_a_port), begun).await;
    drop(bar);
    engine.close().await;
    let (summary, timelines) = played.map_err(failure)?;
    Ok(Played { store, ended: clock.now(), summary, timelines })
}

/// What the engine or the edge says goes out as such, whatever the scripts were about.
fn failure(error: anyhow::Error) -> Failure {
    let error = match error.downcast::<engine::Error>() {
        Ok(error) => return error.into(),
        Err(error) => error,
    };
    error.downcast::<edge::Error>().map_or_else(Failure::Unforeseen, Failure::from)
}

/// The code of the reseller.
pub const RESELLER: &str = "R100";
/// Before the first mix begins.
const MORNING: NaiveTime = NaiveTime::from_hms_opt(8, 30, 0).expect("it is a time of day");

async fn play(
    engine: &Engine,
    clock: SimulatedClock,
    orders: u32,
    leaves_a_port: bool,
) -> anyhow::Result<(Summary, Vec<Timeline>)> {
    if engine.head().await?.position > 0 {
        let detail = "the store has a history already";
        let problem = Problem::new("", "store_not_empty", detail, "a store of the demo's own");
        return Err(edge::Error::refused(problem).into());
    }
    let started = Instant::now();
    let first = engine.now();
    let operator = Provenance::of(Actor::new("demo-operator")?);
    stock::load(engine, &operator, orders.div_ceil(ORDERS)).await?;
    let reseller = Provenance::of_reseller(Actor::new("demo-reseller")?, reseller(engine, &operator).await?);

    let told = Arc::new(Mutex::new(Vec::new()));
    let stage = Stage::new(engine.clone(), clock);
    let cast = Cast { stage: stage.clone(), reseller, operator, told: Arc::clone(&told) };
    stage.play(scripts::scripts(&cast, orders)).await?;
    engine.settle().await?;
    if leaves_a_port {
        stage.play(vec![scripts::port_left_open(&cast, orders)]).await?;
    }

    let days = (engine.now() - first).num_days();
    let summary = Summary::of(engine, days, started.elapsed()).await?;
    let mut told: Vec<Told> = std::mem::take(&mut *told.lock().unwrap_or_else(PoisonError::into_inner));
    told.sort_by_key(|told| told.document as u8);
    let mut timelines = Vec::new();
    for told in &told {
        timelines.push(timeline::of(engine, told).await.with_context(|| told.document.title())?);
    }
    Ok((summary, timelines))
}

async fn reseller(engine: &Engine, operator: &Provenance) -> anyhow::Result<ResellerId> {
    let command = Command::CreateReseller {
        code: RESELLER.parse()?,
        cug_id: "CUG100".parse()?,
        sales_tag: "TAG100".parse()?,
        name: "Northern Voice".parse()?,
    };
    Ok(engine.execute(&command, operator, None).await?.id("reseller"))
}

/// A file that nobody has.
pub fn fresh_file() -> String {
    let name = format!("orderwire-demo-{}.db", uuid::Uuid::now_v7().simple());
    std::env::temp_dir().join(name).display().to_string()
}

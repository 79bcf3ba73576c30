//! A small carrier for tests of the whole engine: a store, a clock that is moved by hand, resellers and some stock.
//!
//! Every number is from the ranges kept for drama. Absent: the wall clock, sleeping, and anything random but ids.

mod lines;
mod meddled;
mod overheard;

use std::{path::PathBuf, sync::Arc};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use chrono::{DateTime, TimeDelta, Utc};
use orderwire::{
    domain::{
        company::Company,
        ids::{CompanyId, NumberBlockId, OrderId, PortRequestId, ResellerId, ReservationId},
        joint::{Command, Seated},
        names::{Cupid, SiteName},
        number::{AreaCode, NumberRange, NumberSet},
        order::{
            Order,
            commands::OrderCommand,
            line::{LineNumber, LineRequest, NumberAsk, NumberSearch, SearchBy},
        },
        port_request::{PortRequest, commands::PortCommand},
        testing::scenario::moment,
    },
    engine::{
        Actor, Engine, Error, IdempotencyKey, Provenance, Receipt,
        clock::SimulatedClock,
        fulfilment::{AutoProvisioner, Provisioned, Provisioner, StartedLine},
        log::SharedLog,
        sealing::MasterKey,
    },
    stores::{self, Migrate},
};

pub use lines::*;
pub use meddled::*;
pub use overheard::Overheard;

/// A key or a certificate as it is kept in a file.
pub fn pem(label: &str, der: &[u8]) -> String {
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", STANDARD.encode(der))
}

/// Where the events of a test are kept.
pub struct Store {
    pub url: String,
    master: MasterKey,
    /// Kept for as long as the file is needed.
    _folder: Option<tempfile::TempDir>,
    memory: Option<SharedLog>,
}

impl Store {
    pub async fn memory() -> Self {
        Self::of(stores::open("memory:", Migrate::Yes).await.unwrap())
    }

    /// A store in memory that somebody made.
    pub fn of(log: SharedLog) -> Self {
        Self { url: "memory:".into(), master: MasterKey::generate(), _folder: None, memory: Some(log) }
    }

    pub fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("orders.db");
        Self { _folder: Some(folder), ..Self::at(path.to_str().unwrap()) }
    }

    pub fn at(url: &str) -> Self {
        Self { url: url.into(), master: MasterKey::generate(), _folder: None, memory: None }
    }

    /// The same events, kept by a store that is meddled with: the key is the same too.
    pub async fn meddled_with(&self, meddler: impl Meddles) -> Self {
        let log: SharedLog = Arc::new(Meddled { log: self.log().await, meddler });
        Self { memory: Some(log), master: self.master.clone(), _folder: None, url: self.url.clone() }
    }

    /// The key that its data keys are wrapped with.
    pub fn master(&self) -> MasterKey {
        self.master.clone()
    }

    #[must_use]
    pub fn under(self, master: MasterKey) -> Self {
        Self { master, ..self }
    }

    /// A handle of its own, as another process would have; in memory there is only one.
    pub async fn log(&self) -> SharedLog {
        let log = match &self.memory {
            Some(log) => Arc::clone(log),
            None => stores::open(&self.url, Migrate::Yes).await.unwrap(),
        };
        log.create_tables(&orderwire::edge::open::tables()).await.unwrap();
        log
    }

    /// An engine of its own, which does nothing until it is told to settle.
    pub async fn engine(
        &self,
        clock: &SimulatedClock,
        provisioner: impl Provisioner,
        at_hand: usize,
    ) -> Engine {
        Engine::builder()
            .clock(clock.clone())
            .provisioner(provisioner)
            .aggregates_at_hand(at_hand)
            .background(false)
            .open(self.log().await, self.master.clone())
            .await
            .unwrap()
    }
}

/// Lets a test say what becomes of every line.
pub struct Script<F>(pub F);

#[async_trait]
impl<F: Fn(&StartedLine) -> Provisioned + Send + Sync + 'static> Provisioner for Script<F> {
    async fn provision(&self, line: &StartedLine) -> Provisioned {
        self.0(line)
    }
}

/// An engine with a carrier and its clock.
#[derive(Clone)]
pub struct World {
    pub engine: Engine,
    pub clock: SimulatedClock,
}

/// When every test begins: a Monday morning.
pub fn beginning() -> DateTime<Utc> {
    moment("2026-06-01T09:00:00Z")
}

impl World {
    pub async fn open(store: &Store) -> Self {
        Self::open_with(store, AutoProvisioner).await
    }

    pub async fn open_with(store: &Store, provisioner: impl Provisioner) -> Self {
        let clock = SimulatedClock::at(beginning());
        let engine = store.engine(&clock, provisioner, 10_000).await;
        Self { engine, clock }
    }

    pub async fn in_memory() -> Self {
        Self::open(&Store::memory().await).await
    }

    /// The carrier asks.
    pub async fn ask(&self, command: &Command) -> Result<Receipt, Error> {
        self.engine.execute(command, &operator(), None).await
    }

    /// The carrier asks, and it is done.
    #[track_caller]
    pub fn done(&self, command: Command) -> impl Future<Output = Receipt> {
        let (engine, caller) = (self.engine.clone(), std::panic::Location::caller());
        async move {
            let outcome = engine.execute(&command, &operator(), None).await;
            outcome.unwrap_or_else(|error| panic!("{caller}: {} was not done: {error}", command.name()))
        }
    }

    /// The carrier asks, and is refused for these reasons.
    #[track_caller]
    pub fn refused(&self, command: Command, codes: &[&str]) -> impl Future<Output = Error> {
        let (engine, caller) = (self.engine.clone(), std::panic::Location::caller());
        let codes: Vec<String> = codes.iter().map(|code| (*code).to_owned()).collect();
        async move {
            let error = engine.execute(&command, &operator(), None).await.expect_err("it was done");
            let found: Vec<_> = error.reasons().iter().map(|reason| reason.code.clone()).collect();
            assert_eq!(found, codes, "{caller}: {error}");
            error
        }
    }

    pub async fn settle(&self) {
        self.engine.settle().await.unwrap();
    }

    /// Time passes, timer by timer: what falls due on the way is answered before time goes on.
    pub async fn sleep(&self, how_long: TimeDelta) {
        let until = self.engine.now() + how_long;
        self.settle().await;
        while let Some(due) = self.engine.next_timer().await.unwrap().filter(|due| *due <= until) {
            self.clock.move_to(due);
            self.settle().await;
        }
        self.clock.move_to(until);
        self.settle().await;
    }

    pub async fn sleep_until(&self, until: DateTime<Utc>) {
        self.sleep(until - self.engine.now()).await;
    }

    pub async fn state<D: Seated>(&self, id: D::Id) -> Arc<D> {
        self.engine.load::<D>(id).await.unwrap().1
    }

    pub async fn reseller(&self, n: u32) -> ResellerId {
        self.done(new_reseller(n)).await.id("reseller")
    }

    pub async fn stock(&self, range: &str, place: &str) -> NumberBlockId {
        self.done(load(range, place)).await.id("number_block")
    }

    pub async fn leeds(&self) -> NumberBlockId {
        self.stock("0113 496 0000-0199", "Leeds").await
    }

    pub async fn company(&self, reseller: ResellerId, name: &str) -> CompanyId {
        self.done(qualify(reseller, name)).await.id("company")
    }

    pub async fn reserve(&self, company: CompanyId, numbers: NumberSet) -> ReservationId {
        self.done(reserve(company, numbers)).await.id("reservation")
    }

    pub async fn order(&self, company: CompanyId, reference: &str, lines: Vec<LineRequest>) -> OrderId {
        let reseller = self.state::<Company>(company).await.reseller().unwrap();
        let reference = reference.parse().unwrap();
        self.done(Command::CreateOrder { reseller, reference, company: Some(company), lines })
            .await
            .id("order")
    }

    /// An order that was submitted, with its port requests in the order of its lines.
    pub async fn submitted(
        &self,
        company: CompanyId,
        reference: &str,
        lines: Vec<LineRequest>,
    ) -> (OrderId, Vec<PortRequestId>) {
        let order = self.order(company, reference, lines).await;
        self.done(Command::Submit { order }).await;
        let ports = self.state::<Order>(order).await.port_requests().map(|(_, port)| port).collect();
        (order, ports)
    }

    /// A company in service: 20 numbers, a site with ten of them, a user with a device.
    pub async fn in_service(&self, reseller: ResellerId, n: u32) -> CompanyId {
        let company = self.company(reseller, &format!("Company {n}")).await;
        self.submitted(company, &format!("PO-NEW-{n}"), new_company(n, 20)).await;
        self.settle().await;
        company
    }

    pub async fn say(&self, port_request: PortRequestId, command: PortCommand) -> Receipt {
        self.done(Command::Port { port_request, command }).await
    }

    pub async fn tell(&self, order: OrderId, command: OrderCommand) -> Receipt {
        self.done(Command::Order { order, command }).await
    }

    /// A port accepted by the losing provider on the date that was asked for.
    pub async fn accepted(&self, port: PortRequestId, message: &str) {
        let window = self.state::<PortRequest>(port).await.details().unwrap().window;
        self.say(port, PortCommand::LcpAccept { message: message.parse().unwrap(), window }).await;
    }
}

pub fn operator() -> Provenance {
    Provenance::of(Actor::new("operator").unwrap())
}

pub fn of(reseller: ResellerId) -> Provenance {
    Provenance::of_reseller(Actor::new("alice").unwrap(), reseller)
}

pub fn key(text: &str) -> IdempotencyKey {
    IdempotencyKey { owner: "test".into(), key: text.into(), fingerprint: None }
}

pub fn new_reseller(n: u32) -> Command {
    Command::CreateReseller {
        code: format!("R{n}").parse().unwrap(),
        cug_id: format!("CUG{n}").parse().unwrap(),
        sales_tag: format!("TAG{n}").parse().unwrap(),
        name: format!("Reseller {n}").parse().unwrap(),
    }
}

pub fn load(range: &str, place: &str) -> Command {
    Command::LoadBlock {
        range: NumberRange::parse(range).unwrap(),
        range_holder: Cupid::parse("001").unwrap(),
        place: SiteName::parse(place).unwrap(),
    }
}

pub fn qualify(reseller: ResellerId, name: &str) -> Command {
    let domain: String = name.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    Command::Qualify {
        reseller,
        name: name.parse().unwrap(),
        domain: format!("{domain}.example").parse().unwrap(),
    }
}

pub fn reserve(company: CompanyId, numbers: NumberSet) -> Command {
    Command::ReserveNumbers { company, ask: NumberAsk::Numbers(numbers), ring_fence: false }
}

/// Numbers from 0113 496 0000 on.
pub fn leeds(from: u32, count: u32) -> NumberSet {
    let first = orderwire::domain::testing::port_request::number("0113 496 0000").offset(from).unwrap();
    NumberSet::from(NumberRange::new(first, first.offset(count - 1).unwrap()).unwrap())
}

pub fn search(quantity: u32) -> NumberAsk {
    let by = SearchBy::AreaCode(AreaCode::parse("0113").unwrap());
    NumberAsk::Search(NumberSearch { by, quantity, contiguous: false })
}

pub fn line(n: u32) -> LineNumber {
    LineNumber(n)
}

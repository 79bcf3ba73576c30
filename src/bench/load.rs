//! The load: companies qualified, and numbers reserved and released by those that exist.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use orderwire_domain::{
    company::commands::CompanyCommand,
    ids::{CompanyId, ResellerId, ReservationId},
    joint::Command,
    names::{CompanyName, CugId, Cupid, Domain, ResellerCode, SalesTag, SiteName},
    number::{NumberRange, NumberSet, TelephoneNumber},
    order::line::NumberAsk,
};
use tokio::sync::Mutex;

use crate::engine::{Actor, Engine, Error, IdempotencyKey, Provenance};

/// One command in so many qualifies a new company; the others are for one that exists.
const CREATION_ONE_IN: u64 = 5;
/// Numbers that each company reserves and releases.
const NUMBERS_PER_COMPANY: u64 = 3;
/// Commands in flight at most.
const TASKS_MAX: usize = 1_024;
/// Companies qualified at once while the load is prepared.
const PREPARED_AT_ONCE: usize = 256;
/// What a caller's tracing puts into every event; it brings events to the size that callers really have.
const CORRELATION: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01;tenant=bench;request=7f3c9a52-5b0e-4c1f-9f57-1c2d3e4f5a6b";

/// Which companies commands choose from.
#[derive(Clone, Copy, Debug)]
pub enum Companies {
    /// Any, uniformly.
    All,
    /// The first so many, each as often as the others.
    First(usize),
}

/// A company of the load, and whether it holds a reservation. One task at a time decides what to ask for it, unless the
/// load is about one company: then every task asks for numbers of its own.
struct Target {
    company: CompanyId,
    first: u64,
    reserved: Mutex<Option<ReservationId>>,
}

/// The load.
#[derive(Clone)]
pub struct Load {
    engine: Engine,
    reseller: ResellerId,
    provenance: Provenance,
    targets: Arc<Vec<Target>>,
    made: Arc<AtomicU64>,
}

impl Load {
    /// A reseller, stock, and companies.
    pub async fn prepare(engine: &Engine, companies: usize) -> Result<Self, Error> {
        let operator = Provenance::of(Actor::new("bench").map_err(|_| Error::Closed)?);
        let command = Command::CreateReseller {
            code: value("BENCH", ResellerCode::parse),
            cug_id: value("BENCH", CugId::parse),
            sales_tag: value("BENCH", SalesTag::parse),
            name: value("Bench", CompanyName::parse),
        };
        let reseller: ResellerId = engine.execute(&command, &operator, None).await?.id("reseller");
        let provenance = Provenance {
            correlation: Some(CORRELATION.to_owned()),
            ..Provenance::of_reseller(operator.actor.clone(), reseller)
        };
        // Room for the numbers of every company, and for those that tasks reserve for themselves.
        for block in 0..=((companies + TASKS_MAX) as u64 * NUMBERS_PER_COMPANY) / 10_000 {
            let range = NumberRange::new(number(block * 10_000), number(block * 10_000 + 9_999));
            let command = Command::LoadBlock {
                range: range.expect("ten thousand numbers of one area are a range"),
                range_holder: value("001", Cupid::parse),
                place: value("Bench", SiteName::parse),
            };
            engine.execute(&command, &operator, None).await?;
        }
        let mut load = Self {
            engine: engine.clone(),
            reseller,
            provenance,
            targets: Arc::default(),
            made: Arc::default(),
        };
        let mut targets = Vec::with_capacity(companies);
        let all: Vec<u64> = (0..companies as u64).collect();
        for some in all.chunks(PREPARED_AT_ONCE) {
            let made = futures::future::try_join_all(some.iter().map(|_| load.qualify())).await?;
            targets.extend(some.iter().zip(made).map(|(index, company)| Target {
                company,
                first: index * NUMBERS_PER_COMPANY,
                reserved: Mutex::default(),
            }));
        }
        load.targets = Arc::new(targets);
        Ok(load)
    }

    /// The mean size of an event's payload and metadata.
    pub async fn event_bytes(&self) -> Result<usize, Error> {
        self.toggle(&self.targets[0], 0).await?;
        self.toggle(&self.targets[0], 0).await?;
        let head = self.engine.head().await?.position;
        let events = self.engine.page(head.saturating_sub(100), 100).await?;
        let bytes: usize = events.iter().map(|event| event.payload.len() + event.metadata.len()).sum();
        Ok(bytes / events.len().max(1))
    }

    /// Executes commands, one after the other, until the time is over; answers how many.
    pub async fn run(&self, task: u64, companies: Companies, until: Instant) -> Result<u64, Error> {
        let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ (task + 1).wrapping_mul(0xff51_afd7_ed55_8ccd));
        let mut done = 0;
        while Instant::now() < until {
            match companies {
                Companies::All if random.below(CREATION_ONE_IN) == 0 => {
                    self.qualify().await?;
                }
                Companies::All => {
                    let target =
                        &self.targets[usize::try_from(random.below(self.targets.len() as u64)).unwrap_or(0)];
                    self.toggle(target, 0).await?;
                }
                // Each task has numbers of its own, so that many commands of one company are in flight at once.
                Companies::First(count) => {
                    let index = usize::try_from(task).unwrap_or(0);
                    let target = &self.targets[index % count.min(self.targets.len())];
                    self.reserve_and_release(target, index).await?;
                    done += 1;
                }
            }
            done += 1;
        }
        Ok(done)
    }

    async fn qualify(&self) -> Result<CompanyId, Error> {
        let made = self.made.fetch_add(1, Ordering::Relaxed);
        let command = Command::Qualify {
            reseller: self.reseller,
            name: value(&format!("Bench company {made}"), CompanyName::parse),
            domain: value(&format!("bench-{made}.example"), Domain::parse),
        };
        Ok(self.execute(&command).await?.id("company"))
    }

    /// Reserves the company's numbers, or releases them.
    async fn toggle(&self, target: &Target, offset: u64) -> Result<(), Error> {
        let mut reserved = target.reserved.lock().await;
        *reserved = match reserved.take() {
            None => Some(self.reserve(target.company, target.first + offset).await?),
            Some(reservation) => {
                self.release(target.company, reservation).await?;
                None
            }
        };
        Ok(())
    }

    async fn reserve_and_release(&self, target: &Target, task: usize) -> Result<(), Error> {
        // Past the numbers of every company, so that nobody else asks for them.
        let first = (self.targets.len() + task) as u64 * NUMBERS_PER_COMPANY;
        let reservation = self.reserve(target.company, first).await?;
        self.release(target.company, reservation).await
    }

    async fn reserve(&self, company: CompanyId, first: u64) -> Result<ReservationId, Error> {
        let numbers: NumberSet = (first..first + NUMBERS_PER_COMPANY).map(number).collect();
        let command =
            Command::ReserveNumbers { company, ask: NumberAsk::Numbers(numbers), ring_fence: false };
        Ok(self.execute(&command).await?.id("reservation"))
    }

    async fn release(&self, company: CompanyId, reservation: ReservationId) -> Result<(), Error> {
        let command =
            Command::Company { company, command: CompanyCommand::ReleaseReservation { reservation } };
        self.execute(&command).await.map(drop)
    }

    async fn execute(&self, command: &Command) -> Result<crate::engine::Receipt, Error> {
        let key = IdempotencyKey {
            owner: self.reseller.to_string(),
            key: uuid::Uuid::now_v7().simple().to_string(),
            fingerprint: None,
        };
        self.engine.execute(command, &self.provenance, Some(&key)).await
    }
}

/// The n-th number of the bench's own stock.
pub(super) fn number(n: u64) -> TelephoneNumber {
    TelephoneNumber::parse(&format!("01632{n:06}")).expect("six digits after an area code are a number")
}

pub(super) fn value<T>(
    text: &str,
    parse: impl Fn(&str) -> Result<T, orderwire_domain::invalid::Invalid>,
) -> T {
    parse(text).expect("the bench writes well-formed values")
}

/// A small generator of numbers that look random; the same seed gives the same load.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

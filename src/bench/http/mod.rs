//! `orderwire bench http`: what the server adds to the engine, beside a route that does nothing and the engine itself.
//!
//! Client and server share the process and its cores, so figures are ratios inside one run: each kind of work has a short
//! turn in every round, and between turns the readers take what was left to them. Deliberately absent: a network, and more
//! than one reseller, since the bounds on how often a key may ask are set out of the way.

mod client;
mod orders;
mod process;
mod report;

use std::{
    net::SocketAddr,
    path::PathBuf,
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use hyper::StatusCode;
use tokio::{net::TcpListener, sync::oneshot, task::JoinHandle};

pub use self::report::{Figure, Report};
use self::{client::Client, orders::Orders, report::Row};
use super::load::Random;
use crate::{
    edge::{
        self, Problem,
        open::{KeySource, OpenError, OpenOptions, open_engine},
    },
    engine::{self, Engine, fulfilment::AutoProvisioner, log::StoreError},
    http::{App, Limits, server},
    stores::{Migrate, baseline::Bare},
};

/// Bytes of the row that a bare transaction writes: about what the event of a draft has.
const BARE_BYTES: usize = 1_500;
/// Orders that the store has at least before anything is looked at.
const ORDERS_MIN: usize = 64;
/// The route that does nothing.
const NOTHING: &str = "/nothing";
/// Where free numbers are searched, in the area that all stock of the bench is in.
const NUMBERS: &str = "/v1/numbers?cug_id=BENCH&area_code=01632";
/// How often one key may ask: never too often.
const ASKS: std::num::NonZeroU32 = std::num::NonZeroU32::new(1_000_000).unwrap();

/// What to measure, and how long.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which store; it must be empty.
    pub url: String,
    /// The file of its master key, which is made.
    pub master_key: PathBuf,
    /// Companies that orders are for, in turn.
    pub companies: usize,
    /// Numbers of the stock.
    pub numbers: u64,
    /// Connections, and commands in flight in process.
    pub connections: usize,
    /// How long each turn of a round takes.
    pub turn: Duration,
    /// How many rounds; the median counts.
    pub rounds: usize,
    /// The binary, if a process of its own is to be measured on the store that is left.
    pub process: Option<PathBuf>,
}

/// Why nothing was measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The engine, or the store is not for measuring.
    #[error(transparent)]
    Edge(#[from] edge::Error),
    /// The store was not opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A socket or a process.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A request could not be made.
    #[error("a request was not answered: {0}")]
    Wire(#[from] hyper::Error),
    /// An answer was cut short.
    #[error("an answer was cut short")]
    Cut,
    /// An answer was not what counts.
    #[error("{asked} was answered {status}: {said}")]
    Answered {
        /// What was asked for.
        asked: String,
        /// The status.
        status: u16,
        /// The beginning of the body.
        said: String,
    },
    /// A figure would be missing.
    #[error("not measured: {0}; longer turns may do")]
    NotMeasured(String),
    /// The process did not come up, or said nothing of its memory.
    #[error("the process: {0}")]
    Process(String),
}

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Self {
        edge::Error::from(error).into()
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        engine::Error::from(error).into()
    }
}

/// Measures the server over a store, unless somebody uses that already.
pub async fn measure(plan: &Plan) -> Result<Report, Error> {
    if let Some(why) = super::used(&plan.url).await? {
        let expected = "an empty store for the measurement alone";
        return Err(edge::Error::refused(Problem::new("", "store_not_empty", why, expected)).into());
    }
    let options = OpenOptions {
        migrate: Migrate::Yes,
        master_key: Some(KeySource::File(plan.master_key.clone())),
        ..OpenOptions::of(plan.url.clone())
    };
    // Companies come into service as in a demo; later orders wait for the network, as in service.
    let engine = open_engine(&options, Engine::builder().provisioner(AutoProvisioner)).await?;
    let prepared = Orders::prepare(&engine, plan.companies, plan.numbers).await;
    engine.close().await;
    let prepared = prepared?;
    let engine = open_engine(&options, Engine::builder()).await?;
    let mut report = Report::new(plan);
    let done = served(plan, prepared.with(&engine), &mut report).await;
    report.events = engine.head().await?.position;
    engine.close().await;
    done?;
    if let Some(program) = &plan.process {
        for _ in 0..plan.rounds {
            process::measure(program, plan, &mut report).await?;
        }
    }
    Ok(report)
}

async fn served(plan: &Plan, orders: Orders, report: &mut Report) -> Result<(), Error> {
    let limits = Limits { asks_per_second: ASKS, asks_at_once: ASKS, ..Limits::default() };
    let app = App::new(orders.engine.clone(), limits);
    let nothing = Router::new().route(NOTHING, get(async || ()));
    let bare = Server::start(Some(nothing), &app).await?;
    let real = Server::start(None, &app).await?;
    let bench = Bench { orders, bare: bare.address, real: real.address };
    let measured = rounds(plan, &bench, report).await;
    bare.stop().await?;
    real.stop().await?;
    measured
}

async fn rounds(plan: &Plan, bench: &Bench, report: &mut Report) -> Result<(), Error> {
    let Bench { orders, real, .. } = bench;
    let transactions = Bare::open(&plan.url).await?;
    for _ in 0..ORDERS_MIN {
        orders.in_process().await?;
    }
    orders.engine.settle().await?;
    let connect = || Client::connect(*real, Some(&orders.token));
    let turns = [
        (Row::Nothing, None, Work::Nothing),
        (Row::InProcess, Some(Row::InProcessSettled), Work::InProcess),
        (Row::OverHttp, Some(Row::OverHttpSettled), Work::OverHttp),
        (Row::Show, None, Work::Show),
        (Row::Search, None, Work::Search),
    ];
    for _ in 0..plan.rounds {
        for (row, settled, work) in turns {
            let begun = Instant::now();
            let done = bench.turn(work, plan).await?;
            report.add(row, done / begun.elapsed().as_secs_f64());
            // What a turn leaves to readers and fulfilment is not the next one's to do.
            orders.engine.settle().await?;
            if let Some(row) = settled {
                report.add(row, done / begun.elapsed().as_secs_f64());
            }
        }
        let bare = transactions.latencies(BARE_BYTES, plan.turn).await?;
        report.add_latencies([Row::BareMedian, Row::BareP99], bare)?;
        let drafted = drafts(orders, &mut connect().await?, plan.turn).await?;
        report.add_latencies([Row::WriteMedian, Row::WriteP99], drafted)?;
        orders.engine.settle().await?;
    }
    Ok(())
}

/// How long drafts took, one after the other over one connection.
async fn drafts(orders: &Orders, client: &mut Client, turn: Duration) -> Result<Vec<Duration>, Error> {
    let until = Instant::now() + turn;
    let mut took = Vec::new();
    while Instant::now() < until {
        let begun = Instant::now();
        orders.drafted(client).await?;
        took.push(begun.elapsed());
    }
    Ok(took)
}

/// What is done over and over in a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Work {
    /// The bare route is asked.
    Nothing,
    /// An order is drafted and submitted by the engine.
    InProcess,
    /// The same over HTTP.
    OverHttp,
    /// An order is looked at.
    Show,
    /// Free numbers are searched.
    Search,
}

impl Work {
    /// How many commands or requests one of it is.
    fn commands(self) -> u32 {
        if matches!(self, Self::InProcess | Self::OverHttp) { 2 } else { 1 }
    }
}

/// What everything is done with.
#[derive(Clone)]
struct Bench {
    orders: Orders,
    bare: SocketAddr,
    real: SocketAddr,
}

impl Bench {
    /// How many commands or requests are done in a turn by so many tasks, each over a connection of its own.
    async fn turn(&self, work: Work, plan: &Plan) -> Result<f64, Error> {
        let address = if work == Work::Nothing { self.bare } else { self.real };
        let connect = (0..plan.connections).map(|_| Client::connect(address, Some(&self.orders.token)));
        let clients = futures::future::try_join_all(connect).await?;
        let until = Instant::now() + plan.turn;
        let tasks = (1..).zip(clients).map(|(task, client)| {
            let bench = self.clone();
            tokio::spawn(async move { bench.repeat(work, task, client, until).await })
        });
        let mut done = 0;
        for task in futures::future::join_all(tasks).await {
            done += task.map_err(|panic| Error::Process(panic.to_string()))??;
        }
        Ok(f64::from(done) * f64::from(work.commands()))
    }

    async fn repeat(&self, work: Work, task: u64, mut client: Client, until: Instant) -> Result<u32, Error> {
        let mut random = Random(task.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let mut done = 0;
        while Instant::now() < until {
            self.once(work, &mut client, &mut random).await?;
            done += 1;
        }
        Ok(done)
    }

    async fn once(&self, work: Work, client: &mut Client, random: &mut Random) -> Result<(), Error> {
        let path = match work {
            Work::InProcess => return self.orders.in_process().await,
            Work::OverHttp => return self.orders.over_http(client).await,
            Work::Nothing => NOTHING.to_owned(),
            Work::Search => NUMBERS.to_owned(),
            Work::Show => self.orders.any(random),
        };
        client.get(&path).await?.with(StatusCode::OK, "GET").map(drop)
    }
}

/// A server on a port of its own.
struct Server {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start(router: Option<Router>, app: &App) -> Result<Self, Error> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { stopped.await.unwrap_or_default() };
        let app = app.clone();
        let served = tokio::spawn(async move {
            match router {
                Some(router) => server::accept(listener, router, app, stopped).await,
                None => server::serve(listener, app, stopped).await,
            }
        });
        Ok(Self { address, stop, served })
    }

    async fn stop(self) -> Result<(), Error> {
        drop(self.stop);
        self.served.await.map_err(|panic| Error::Process(panic.to_string()))??;
        Ok(())
    }
}

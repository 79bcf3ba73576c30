//! The work itself: where to go on, what is next, and what to do when that fails.
//!
//! Absent: how the broker is spoken to, and how its stream is read.

use std::{collections::VecDeque, convert::Infallible, mem, time::Duration};

use orderwire_domain::views::{self, notices::Notice};
use tokio::{sync::watch, time::Instant};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{
    JETSTREAM, Trouble,
    broker::{self, Broker, Outcome},
    place::{self, Place},
};
use crate::{
    config::NatsSettings,
    engine::{Engine, Error, log::Position},
    http::hub::Told,
};

/// Notices that are read at once.
const PAGE: usize = 256;
/// Messages under way. The broker takes those of one connection in their order, so each may rest on the one before it.
const IN_FLIGHT_MAX: usize = 256;
/// How often it looks for notices that another process wrote.
const POLL: Duration = Duration::from_millis(250);
/// How long whoever was overtaken leaves the work to the other, at least, and at most twice that.
const REST: Duration = Duration::from_millis(500);
/// How long a broker that is away is left alone, at first and at most.
const RETRY: Duration = Duration::from_millis(250);
const RETRY_MAX: Duration = Duration::from_secs(10);
/// How often it is counted how far the stream is behind.
const MEASURE_EVERY: Duration = Duration::from_secs(5);

/// How many notices the stream lacks; 0 wherever nothing is published.
const BEHIND: &str = "orderwire_jetstream_behind";

/// Who publishes, as far as this process can tell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    /// This process.
    Ours,
    /// Another, which was faster.
    Others,
}

struct Work {
    engine: Engine,
    settings: NatsSettings,
    progress: watch::Receiver<Position>,
    /// Up to where the stream was when the broker last said so.
    reached: Option<Position>,
    measured: Option<Instant>,
    trouble: watch::Sender<Option<String>>,
    /// Whether anything was published, or there was nothing to publish, since the last trouble.
    well: bool,
}

/// Publishes until it is told to stop, for as long as this process has the lease. The broker keeps out whoever lost it and
/// does not know yet, by the place that each message names. What goes wrong is said once, and tried again after ever longer rests.
pub async fn run(
    engine: Engine,
    settings: NatsSettings,
    stop: CancellationToken,
    trouble: watch::Sender<Option<String>>,
) {
    let reader = engine.readers().get(views::ORDERS).expect("the domain has this reader");
    let progress = reader.progress();
    let mut work = Work { engine, settings, progress, reached: None, measured: None, trouble, well: false };
    let (mut rest, mut said) = (RETRY, None);
    let mut lease = work.engine.lease(JETSTREAM);
    loop {
        if lease.fence().is_none() {
            // How far the stream is behind is said by whoever publishes.
            work.knows_nothing();
        }
        let held = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            held = lease.held() => held,
        };
        // There is nothing to read from once the engine is closed.
        let Ok(fence) = held else { break };
        let ended = tokio::select! {
            () = stop.cancelled() => break,
            ended = lease.during(&fence, work.go_on()) => ended,
        };
        let Some(Err(trouble)) = ended else {
            // It is another process's to publish, and to have trouble with.
            work.well = false;
            work.says(None);
            continue;
        };
        if mem::take(&mut work.well) {
            (rest, said) = (RETRY, None);
        }
        work.says(Some(trouble.to_string()));
        // What is wrong with a broker changes its wording from one attempt to the next; what kind it is matters.
        let kind = mem::discriminant(&trouble);
        if said.replace(kind) != Some(kind) {
            tracing::warn!(reader = JETSTREAM, why = %trouble, "notices are not published; it is tried again");
        }
        if let Err(error) = work.measure().await {
            tracing::debug!(%error, "how far the stream is behind was not counted");
        }
        tokio::select! {
            () = stop.cancelled() => break,
            () = tokio::time::sleep(rest) => {}
        }
        rest = (rest * 2).min(RETRY_MAX);
    }
    work.knows_nothing();
    if let Err(error) = lease.give_back().await {
        tracing::warn!(%error, "the lease of {JETSTREAM} was not given back: another process waits until its time is over");
    }
}

impl Work {
    /// Publishes whatever there is and whatever comes, until something goes wrong.
    async fn go_on(&mut self) -> Result<Infallible, Trouble> {
        let broker = Broker::connect(&self.settings).await?;
        let mut place = self.place(&broker).await?;
        let mut turn = Turn::Ours;
        loop {
            self.something_after(place).await?;
            if turn == Turn::Others {
                tokio::time::sleep(rest()).await;
                let now = self.place(&broker).await?;
                // Whoever was faster is at work: there is nothing to do but to be there when it is not.
                if now != mem::replace(&mut place, now) {
                    continue;
                }
            }
            turn = self.publish(&broker, &mut place).await?;
            if turn == Turn::Others {
                place = self.place(&broker).await?;
            }
        }
    }

    /// The place that the stream ends at, as the broker has it.
    async fn place(&mut self, broker: &Broker) -> Result<Place, Trouble> {
        let place = place::of(&self.engine, broker.end().await?, self.settings.after_position).await?;
        self.reached = Some(place.position);
        Ok(place)
    }

    /// Done once there is a notice after a place.
    async fn something_after(&mut self, place: Place) -> Result<(), Trouble> {
        loop {
            self.progress.borrow_and_update();
            self.measure().await?;
            if !place::after(&self.engine, place.position, 1).await?.is_empty() {
                return Ok(());
            }
            self.goes_well(place);
            tokio::select! {
                moved = self.progress.changed() => moved.map_err(|_| Error::Closed)?,
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Publishes what comes after a place, up to the last notice there is or until somebody else is faster. The place is
    /// moved to the last message that the broker has confirmed.
    async fn publish(&mut self, broker: &Broker, place: &mut Place) -> Result<Turn, Trouble> {
        let mut page: VecDeque<Notice> = VecDeque::new();
        let mut under_way = VecDeque::new();
        let (mut sent, mut more) = (*place, true);
        loop {
            while under_way.len() < IN_FLIGHT_MAX {
                if page.is_empty() && mem::take(&mut more) {
                    page = place::after(&self.engine, sent.position, PAGE).await?.into();
                    more = page.len() == PAGE;
                }
                let Some(notice) = page.pop_front() else { break };
                let told = Told::from(notice);
                let next = sent.with(&told.notice);
                under_way.push_back((next, broker.send(&sent, &told).await?));
                sent = next;
            }
            let Some((next, ack)) = under_way.pop_front() else { return Ok(Turn::Ours) };
            match broker::outcome(ack, &next).await? {
                Outcome::Published => *place = next,
                // What is still under way rests on this one, and is refused as well.
                Outcome::Overtaken => return Ok(Turn::Others),
            }
            self.reached = Some(next.position);
            self.goes_well(next);
            metrics::counter!("orderwire_jetstream_published_total").increment(1);
            self.measure().await?;
        }
    }

    fn goes_well(&mut self, Place { sequence, position, .. }: Place) {
        if !mem::replace(&mut self.well, true) {
            self.says(None);
            tracing::info!(reader = JETSTREAM, sequence, position, "notices are published");
        }
    }

    /// Says what keeps it from publishing, if anything does.
    fn says(&self, trouble: Option<String>) {
        metrics::gauge!("orderwire_jetstream_trouble").set(if trouble.is_some() { 1.0 } else { 0.0 });
        self.trouble.send_replace(trouble);
    }

    /// Forgets how far the stream is: from now on another process moves it.
    fn knows_nothing(&mut self) {
        if self.reached.take().is_some() {
            self.measured = None;
            metrics::gauge!(BEHIND).set(0.0);
        }
    }

    /// Counts now and then how many notices the stream lacks.
    async fn measure(&mut self) -> Result<(), Error> {
        let Some(reached) = self.reached else { return Ok(()) };
        if self.measured.is_some_and(|at| at.elapsed() < MEASURE_EVERY) {
            return Ok(());
        }
        self.measured = Some(Instant::now());
        let behind = place::count_after(&self.engine, reached).await?;
        #[expect(
            clippy::cast_precision_loss,
            reason = "a float holds far more notices exactly than there will be"
        )]
        metrics::gauge!(BEHIND).set(behind as f64);
        Ok(())
    }
}

/// How long whoever was overtaken leaves the work to the other: not all of them equally long, or they would run into each
/// other again.
fn rest() -> Duration {
    REST + REST.mul_f64(f64::from(Uuid::now_v7().as_bytes()[15]) / 256.0)
}

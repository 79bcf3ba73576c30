//! Simulated time: scripts wait for a time, and time passes only when every script waits.
//!
//! Between two moves of the clock the engine does all that can be done, so what a script finds when it goes on does not
//! depend on which thread was faster. Deliberately absent: what the scripts do.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context as _, anyhow};
use chrono::{DateTime, Utc};
use futures::future::{self, BoxFuture};
use tokio::{
    sync::{Notify, oneshot},
    task::JoinSet,
};

use crate::engine::{Engine, clock::SimulatedClock};

/// Where scripts are played: an engine, its clock, and who waits for what time.
#[derive(Clone)]
pub struct Stage {
    engine: Engine,
    clock: SimulatedClock,
    waits: Arc<Mutex<Waits>>,
    all_wait: Arc<Notify>,
}

/// Who waits for what time, in the order in which they are to go on.
#[derive(Default)]
struct Waits {
    running: usize,
    waiting: BTreeMap<(DateTime<Utc>, u64), oneshot::Sender<()>>,
    next: u64,
}

/// A script, to be played beside others.
pub type Script<'a> = BoxFuture<'a, anyhow::Result<()>>;

impl Stage {
    /// A stage for an engine that was opened with this clock and runs nothing by itself.
    pub fn new(engine: Engine, clock: SimulatedClock) -> Self {
        Self { engine, clock, waits: Arc::default(), all_wait: Arc::default() }
    }

    /// The engine.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Waits until this time, or until the engine has done what it can do now if the time is past.
    pub async fn until(&self, at: DateTime<Utc>) {
        // A stage that was given up wakes nobody; its scripts are dropped where they wait.
        if self.wait(at).await.is_err() {
            future::pending::<()>().await;
        }
    }

    fn wait(&self, at: DateTime<Utc>) -> oneshot::Receiver<()> {
        let (wake, woken) = oneshot::channel();
        let mut waits = self.waits();
        let number = waits.next;
        waits.next += 1;
        waits.waiting.insert((at.max(self.engine.now()), number), wake);
        self.left(waits);
        woken
    }

    /// Waits until the engine has done what it can do now.
    pub async fn settled(&self) {
        self.until(self.engine.now()).await;
    }

    /// Plays scripts beside one another, in place of the one that calls.
    pub async fn together(&self, scripts: Vec<Script<'_>>) -> anyhow::Result<()> {
        let Some(others) = scripts.len().checked_sub(1) else { return Ok(()) };
        self.waits().running += others;
        let left = Mutex::new(others);
        let scripts = scripts.into_iter().map(|script| {
            let left = &left;
            async move {
                script.await?;
                let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
                // The last one to end hands its turn back to whoever called.
                if let Some(fewer) = left.checked_sub(1) {
                    *left = fewer;
                    self.left(self.waits());
                }
                anyhow::Ok(())
            }
        });
        future::try_join_all(scripts).await?;
        Ok(())
    }

    /// Plays scripts to their end.
    pub async fn play(&self, scripts: Vec<Script<'static>>) -> anyhow::Result<()> {
        let mut playing = JoinSet::new();
        self.waits().running = scripts.len();
        for script in scripts {
            let stage = self.clone();
            playing.spawn(async move {
                script.await?;
                stage.left(stage.waits());
                anyhow::Ok(())
            });
        }
        loop {
            tokio::select! {
                biased;
                ended = playing.join_next() => match ended {
                    Some(ended) => ended.context("a script ended badly")??,
                    None => return Ok(()),
                },
                () = self.all_wait.notified() => self.move_on().await?,
            }
        }
    }

    /// Has the engine do what it can, then moves the clock to the next thing that happens and wakes who waits for it.
    async fn move_on(&self) -> anyhow::Result<()> {
        loop {
            self.engine.settle().await?;
            let timer = self.engine.next_timer().await?;
            let mut waits = self.waits();
            if waits.running > 0 {
                return Ok(());
            }
            let Some(wake) = waits.waiting.first_key_value().map(|((at, _), _)| *at) else { return Ok(()) };
            let now = self.engine.now();
            if wake > now {
                // Whatever is due at that time comes before who waits for it.
                self.clock.move_to(timer.map_or(wake, |timer| timer.clamp(now, wake)));
                continue;
            }
            while let Some(first) = waits.waiting.first_entry() {
                if first.key().0 > now {
                    break;
                }
                first.remove().send(()).map_err(|()| anyhow!("a script ended while it waited"))?;
                waits.running += 1;
            }
            return Ok(());
        }
    }

    fn waits(&self) -> MutexGuard<'_, Waits> {
        self.waits.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One script fewer is running.
    fn left(&self, mut waits: MutexGuard<'_, Waits>) {
        waits.running -= 1;
        if waits.running == 0 {
            self.all_wait.notify_one();
        }
    }
}

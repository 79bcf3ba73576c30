//! Putting an engine together: its ports, each with what it is unless somebody says otherwise.

use std::{
    sync::{Arc, Mutex, atomic::AtomicBool},
    time::Duration,
};

use orderwire_domain::rules::Rules;
use tokio::sync::{Semaphore, mpsc, watch};

use super::{
    COMMANDS_IN_FLIGHT_MAX, Engine, Error, Inner,
    clock::{Clock, SystemClock},
    committer::{self, Core, SharedCore},
    follower::Follower,
    fulfilment::FULFILMENT,
    hundreds::Hundreds,
    keyring::Keyring,
    lately::Lately,
    leases::{LEASE_TTL, Leases},
    loader::Loader,
    log::SharedLog,
    parked::Parked,
    picks::Picks,
    provisioning::{ManualProvisioner, PROVISIONING, Provisioner},
    readers::{Effect, Reader, Readers},
    recent::Recent,
    reference::Chosen,
    refusals::{REFUSALS_KEPT, Recorder},
    sealing::MasterKey,
    snapshots::Snapshots,
    tips::Tips,
};

/// Aggregates kept at hand, unless the builder says otherwise.
const AGGREGATES_AT_HAND: usize = 10_000;

/// Puts an engine together.
pub struct Builder {
    clock: Arc<dyn Clock>,
    rules: Arc<Rules>,
    provisioner: Arc<dyn Provisioner>,
    pub(super) reference: Chosen,
    own_readers: Vec<Reader>,
    aggregates_at_hand: usize,
    background: bool,
    lease_ttl: Duration,
    refusals_kept: u64,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock),
            rules: Arc::new(Rules::bundled()),
            provisioner: Arc::new(ManualProvisioner),
            reference: Chosen::default(),
            own_readers: Vec::new(),
            aggregates_at_hand: AGGREGATES_AT_HAND,
            background: true,
            lease_ttl: LEASE_TTL,
            refusals_kept: REFUSALS_KEPT,
        }
    }
}

impl Builder {
    /// Another clock than the wall's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Other rules than the bundled ones.
    #[must_use]
    pub fn rules(mut self, rules: Rules) -> Self {
        self.rules = Arc::new(rules);
        self
    }

    /// The systems that provision sites, users and devices.
    #[must_use]
    pub fn provisioner(mut self, provisioner: impl Provisioner) -> Self {
        self.provisioner = Arc::new(provisioner);
        self
    }

    /// A reader of the embedder's own: its statements and its checkpoint are one transaction.
    #[must_use]
    pub fn reader(mut self, name: &str, effect: Effect) -> Self {
        self.own_readers.push(Reader::of_effect(name, effect));
        self
    }

    /// How many aggregates are kept at hand.
    #[must_use]
    pub fn aggregates_at_hand(mut self, count: usize) -> Self {
        self.aggregates_at_hand = count;
        self
    }

    /// Whether readers, fulfilment and timers run by themselves. Without, [`Engine::settle`] runs them.
    #[must_use]
    pub fn background(mut self, background: bool) -> Self {
        self.background = background;
        self
    }

    /// How long a lease runs: so long others wait for a process that was killed or is frozen. It is renewed after a third.
    #[must_use]
    pub fn lease_ttl(mut self, ttl: Duration) -> Self {
        self.lease_ttl = ttl;
        self
    }

    /// How many refusals are kept, the newest; with 0 none is recorded.
    #[must_use]
    pub fn refusals_kept(mut self, count: u64) -> Self {
        self.refusals_kept = count;
        self
    }

    /// An engine over this store, which was opened and migrated before.
    pub async fn open(self, log: SharedLog, master: MasterKey) -> Result<Engine, Error> {
        let keyring = Keyring::open(master, &log).await?;
        let reference = self.reference.open(&log).await?;
        let start = log.head().await?.position;
        let (queue, waiting) = mpsc::unbounded_channel();
        let core: SharedCore = Arc::new(Mutex::new(Core {
            tips: Tips::new(self.aggregates_at_hand),
            next: 1,
            certain_to: 0,
            queue: Some(queue),
        }));
        let recent: Arc<Recent> = Arc::default();
        let (head_sender, head) = watch::channel(start);
        let committer = committer::run(
            Arc::clone(&log),
            Arc::clone(&self.clock),
            Arc::clone(&core),
            Arc::clone(&recent),
            waiting,
            head_sender.clone(),
        );
        tokio::spawn(async move {
            if let Err(panic) = tokio::spawn(committer).await {
                tracing::error!(%panic, "the committer has ended: nothing is appended any more");
            }
        });
        let (stop, ended) = watch::channel(false);
        let inner = Arc::new(Inner {
            loader: Loader::start(&log),
            snapshots: Snapshots::start(&log),
            refusals: Recorder::start(&log, &self.clock, self.refusals_kept),
            picks: Picks::default(),
            hundreds: Hundreds::default(),
            leases: Arc::new(Leases::new(Arc::clone(&log), self.lease_ttl, ended)),
            log,
            clock: self.clock,
            rules: self.rules,
            provisioner: self.provisioner,
            reference,
            core,
            permits: Arc::new(Semaphore::new(COMMANDS_IN_FLIGHT_MAX)),
            turns: Mutex::default(),
            keyring,
            readers: Readers::new(self.own_readers),
            keeps_leases: AtomicBool::new(false),
            background: self.background,
            recent,
            lately: Lately::default(),
            parked: Parked::default(),
            fulfilment: Follower::new(FULFILMENT),
            provisioning: Follower::new(PROVISIONING),
            timers_turn: tokio::sync::Mutex::default(),
            head,
            head_known: head_sender,
            stop,
            tasks: Mutex::default(),
        });
        for reader in inner.readers.iter() {
            reader.begin(&inner.log).await?;
        }
        let engine = Engine { inner };
        if self.background {
            engine.start().await;
        }
        Ok(engine)
    }
}

//! What the demo came to, counted in the store and not along the way.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use strum::VariantArray as _;

use crate::{
    domain::views::{
        notices::NOTICE,
        order_status::{ORDER_STATUS, OrderStage},
    },
    engine::{Engine, leaf::hex, query},
};

/// Events counted with one question.
const EVENTS_COUNTED: usize = 1_000;

/// The sum of everything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Orders in the read model.
    pub orders: u64,
    /// Orders by the state they are in at the end.
    pub by_state: BTreeMap<&'static str, u64>,
    /// Events in the log, counted one by one.
    pub events: u64,
    /// The position of the last event.
    pub log_head: u64,
    /// The root of the Merkle tree over all of them.
    pub merkle_root: String,
    /// Claims held.
    pub claims: u64,
    /// Notices that would go out to resellers.
    pub notices: u64,
    /// From the first simulated day to the last one.
    pub simulated_days: i64,
    /// How long it all took.
    pub elapsed_ms: u128,
    /// The most memory that the process has had, where the system says so.
    pub memory_kib_max: Option<u64>,
}

impl Summary {
    /// Counts.
    pub async fn of(engine: &Engine, simulated_days: i64, elapsed: Duration) -> anyhow::Result<Self> {
        let log = engine.log();
        let mut by_state = BTreeMap::new();
        for stage in OrderStage::VARIANTS {
            let word: &'static str = stage.into();
            let count = log.count(&ORDER_STATUS, &[query::equal("status", word)]).await?;
            if count > 0 {
                by_state.insert(word, count);
            }
        }
        let head = engine.head().await?;
        Ok(Self {
            orders: log.count(&ORDER_STATUS, &[]).await?,
            by_state,
            events: events(engine).await?,
            log_head: head.position,
            merkle_root: hex(&head.frontier.root()),
            claims: log.claim_count().await?,
            notices: log.count(&NOTICE, &[]).await?,
            simulated_days,
            elapsed_ms: elapsed.as_millis(),
            memory_kib_max: memory_kib_max(),
        })
    }
}

async fn events(engine: &Engine) -> anyhow::Result<u64> {
    let (mut count, mut after) = (0, 0);
    loop {
        let page = engine.page(after, EVENTS_COUNTED).await?;
        let Some(last) = page.last() else { return Ok(count) };
        count += page.len() as u64;
        after = last.position;
    }
}

/// Linux counts it for every process; elsewhere nobody is asked.
fn memory_kib_max() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

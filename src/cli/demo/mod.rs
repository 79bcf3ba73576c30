//! `orderwire demo`.

use std::io::Write;

use crate::edge::open::OpenOptions;

/// How many orders there are unless somebody asks for more.
pub const ORDERS: u32 = 7;

/// What to show, and where.
pub struct Demo {
    /// The store; `None` makes one.
    pub store: Option<OpenOptions>,
    /// How many orders in all.
    pub orders: u32,
    /// Whether only the summary is printed, as JSON.
    pub json: bool,
}

/// Plays the demo.
#[expect(clippy::unused_async, reason = "what it will play waits for the engine")]
pub async fn run(demo: Demo, out: &mut impl Write) -> anyhow::Result<()> {
    out.flush()?;
    anyhow::bail!("the demo of {} orders is not there yet", demo.orders)
}

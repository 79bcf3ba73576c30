//! Orders by state over time, and how long they stayed in each.
//!
//! The log is streamed once. Kept are the orders that have not ended, the counts at so many moments, and how often each
//! length of stay occurred, to a thousandth: memory grows with the orders that are open and not with the log. Deliberately
//! absent: lines, and what an order is about.

mod plot;
mod spans;

use std::{collections::BTreeMap, ops::ControlFlow};

use chrono::{DateTime, TimeDelta, Utc};
use orderwire_domain::{
    fact::Happened,
    ids::{AggregateKind, OrderId},
    joint::State,
    lifecycle::Word as _,
};

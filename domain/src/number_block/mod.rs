//! A stretch of the carrier's own numbers.

mod claims;
pub mod commands;
pub mod events;

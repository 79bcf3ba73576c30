//! The pure rules of Orderwire.
//!
//! Deliberately absent: I/O, async, a clock, randomness, cqrs-es. Time, ids and looked-up facts arrive as arguments.

pub mod address;
pub mod calendar;
pub mod catalogue;
pub mod invalid;
pub mod lead_time;
pub mod names;
pub mod number;
pub mod rules;
mod text;

#[cfg(feature = "testing")]
pub mod testing;

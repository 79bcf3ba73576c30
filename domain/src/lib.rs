//! The pure rules of Orderwire.
//!
//! Deliberately absent: I/O, async, a clock, randomness, cqrs-es. Time, ids and looked-up facts arrive as arguments.

pub mod decider;
pub mod lifecycle;

pub mod order;
pub mod company;
pub mod port_request;
pub mod number_block;
pub mod reseller;
pub mod webhook;

pub mod joint;
pub mod claim;
pub mod fact;
pub mod notice;
pub mod timer;
pub mod views;

pub mod address;
pub mod changed;
pub mod calendar;
pub mod catalogue;
pub mod ids;
pub mod invalid;
pub mod lead_time;
pub mod names;
pub mod number;
pub mod portability;
pub mod refusal;
pub mod rules;
pub mod sealed;
mod text;

#[cfg(feature = "testing")]
pub mod testing;

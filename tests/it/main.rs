//! The one integration binary: what the crate promises, seen from outside.

mod bad_stores;
mod cli;
mod crash;
mod demo;
mod engine;
mod golden;
mod hosted;
mod invariants;
mod planted;
#[cfg(feature = "postgres")]
mod postgres;
mod race;
mod store_contract;
mod tidy;
mod walk;
mod world;

//! The one integration binary: what the crate promises, seen from outside.

mod bad_stores;
mod cases;
mod cli;
mod crash;
mod demo;
mod engine;
mod golden;
mod hosted;
mod invariants;
mod planted;
mod searches;
#[cfg(feature = "postgres")]
mod postgres;
mod race;
mod reference;
mod replay;
mod store_contract;
mod tidy;
mod walk;
mod world;

//! The one integration binary: what the crate promises, seen from outside.

mod audit;
mod bad_stores;
mod cases;
mod cli;
mod crash;
mod demo;
mod deploy;
mod engine;
mod expected;
mod golden;
mod hosted;
mod import;
#[cfg(feature = "server")]
mod http;
mod invariants;
#[cfg(feature = "nats")]
mod jetstream;
mod leases;
mod planted;
mod planted_derived;
mod searches;
#[cfg(feature = "postgres")]
mod postgres;
mod race;
mod repairs;
mod reference;
mod refusals;
mod replay;
mod store_contract;
#[cfg(feature = "sqlite")]
mod tampering;
mod tidy;
mod walk;
mod world;

//! Orderwire: the event-sourced order core of telecom wholesale.

pub use orderwire_domain as domain;

pub mod audit;
pub mod bench;
pub mod cli;
pub mod config;
pub mod edge;
pub mod engine;
#[cfg(feature = "server")]
pub mod http;
pub mod stores;

//! The one integration binary: what the crate promises, seen from outside.

mod bad_stores;
mod cli;
mod engine;
mod planted;
#[cfg(feature = "postgres")]
mod postgres;
mod store_contract;

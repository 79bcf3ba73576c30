//! The one integration binary: what the crate promises, seen from outside.

mod bad_stores;
mod demo;
mod cli;
mod engine;
mod planted;
mod searches;
#[cfg(feature = "postgres")]
mod postgres;
mod store_contract;

//! The one integration binary: what the crate promises, seen from outside.

#[cfg(feature = "postgres")]
mod postgres;
mod store_contract;

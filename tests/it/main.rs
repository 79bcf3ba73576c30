//! The one integration binary: what the crate promises, seen from outside.

mod bad_stores;
mod planted;
mod store_contract;

//! The one integration binary: what the crate promises, seen from outside.

mod store_contract;

//! Stores: one transaction, one append. Only this folder knows SQL.

#[cfg(feature = "testing")]
pub mod conformance;
pub mod memory;
pub mod sql;

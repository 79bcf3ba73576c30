//! Stores: one transaction, one append. Only this folder knows SQL.

pub mod sql;

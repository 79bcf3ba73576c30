//! Stores: one transaction, one append. Only this folder knows SQL.

#[cfg(feature = "testing")]
pub mod conformance;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod sql;

/// Whether opening a store may change its schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migrate {
    /// Bring it to the schema of this binary.
    Yes,
    /// Refuse a store that has another schema.
    No,
}

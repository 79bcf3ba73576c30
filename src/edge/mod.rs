//! The edge: where text from outside becomes values, and what the engine answers becomes something a caller can act on.
//!
//! Command line and HTTP share it: reading order documents, sealing personal data before any command carries
//! it, placing an order, and opening a store with its master key. Deliberately absent: the environment, terminals, exit
//! codes and HTTP.

pub mod problem;
pub mod json;
pub mod reader;
pub mod document;
pub(crate) mod lines;
mod named;
mod seal;
mod earlier;
pub mod own_company;
pub mod place;
pub mod rehearse;
mod action_rules;
pub mod standing;
pub mod master_key;
pub mod private_file;
pub mod bounded_line;
pub mod key_backup;
pub mod open;
pub mod history;
pub mod draft_line;
pub mod order_places;
pub mod import_order;
pub mod keys;
pub mod audit_reads;
pub mod deliveries;
pub mod loads;
pub mod moved;

pub use self::problem::{Error, Problem};

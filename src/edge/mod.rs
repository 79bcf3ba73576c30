//! The edge: where text from outside becomes values, and what the engine answers becomes something a caller can act on.
//!
//! Command line and, later, HTTP share it: reading order documents, sealing personal data before any command carries
//! it, placing an order, and opening a store with its master key. Deliberately absent: the environment, terminals, exit
//! codes and HTTP.

pub mod problem;
pub mod json;
pub mod reader;
pub mod document;
mod lines;
mod named;
mod seal;
pub mod place;
pub mod rehearse;
pub mod master_key;
pub mod open;
pub mod loads;
pub mod moved;

pub use self::problem::{Error, Problem};

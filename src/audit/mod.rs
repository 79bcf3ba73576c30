//! The auditor's side: what shows that the history is what it was, to people who trust neither the store nor us.
//!
//! It stands above `edge` and below `http` and `cli`, and builds without a server: what is verified offline needs none.
//! Deliberately absent: SQL, HTTP, arguments, and every business rule.

pub mod tree;
pub mod note;
pub mod key_file;
pub mod proofs;
pub mod tiles;

//! For tests with orders: requests of every kind, random walks, and an independent model to compare with.
//!
//! Deliberately absent: anything shared with the decider but its types. The model is written from the specification.

pub mod requests;
pub mod model;
pub mod walk;

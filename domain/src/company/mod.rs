//! A business customer: owner of its names and numbers from first hold to release.

pub mod asset;
mod claims;
pub mod commands;
pub mod events;

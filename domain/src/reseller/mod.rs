//! The tenant that places orders.

mod claims;
pub mod commands;
pub mod events;

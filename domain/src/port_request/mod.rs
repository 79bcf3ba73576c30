//! The conversation about one port with losing provider, range holder and network.

mod claims;
pub mod commands;
pub mod events;
pub mod reason;

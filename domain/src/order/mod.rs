//! What a reseller wants, line by line, and how far each line is. An order never holds a number itself.

mod claims;
pub mod commands;
pub mod events;
pub mod line;

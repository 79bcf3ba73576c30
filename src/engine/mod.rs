//! Executes commands, feeds the log to its readers, and owns the ports that stores implement.

pub mod append;
pub mod leaf;
pub mod log;

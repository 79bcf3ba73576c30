//! The command line: reads arguments and the environment, prints answers, and chooses exit codes.

pub mod demo;

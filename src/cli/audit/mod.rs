//! The auditor's commands: one file each.

pub mod checkpoint;
pub mod prove;

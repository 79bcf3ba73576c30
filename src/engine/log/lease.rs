//! Leases: who may work under a name at the moment, of all the processes on one store.
//!
//! A lease is held for a time and renewed well before that is over. Its token grows whenever it changes hands, and what is
//! written under it carries the token as a [`Fence`]; so whoever lost it without noticing, frozen for a minute say, writes
//! nothing any more. To take it too early is therefore always safe, and only wastes work. The time is the store's: no two
//! machines compare their clocks. Absent: who asks for which, and when.

use super::Position;

/// A lease as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// What it is for, such as the name of a reader.
    pub name: String,
    /// Who has it.
    pub owner: String,
    /// How often it changed hands.
    pub token: u64,
}

impl Lease {
    /// What has to be written with everything that is done under it.
    pub fn fence(&self) -> Fence {
        Fence { name: self.name.clone(), token: self.token }
    }
}

/// What tells whether a lease changed hands since something was begun under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fence {
    /// Of which lease.
    pub name: String,
    /// The token that it had; 0 where nobody ever had it.
    pub token: u64,
}

/// From whom a lease is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Take {
    /// From nobody: it was given back, its time is over, or whoever had it is known to be gone.
    IfFree,
    /// From whoever has it.
    FromAnybody,
}

/// Where a reader is, and who has the lease of that name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The name of both.
    pub name: String,
    /// The checkpoint; 0 for a lease that belongs to no reader.
    pub position: Position,
    /// Who has the lease; `None` where it can be had.
    pub owner: Option<String>,
    /// How often it changed hands.
    pub token: u64,
}

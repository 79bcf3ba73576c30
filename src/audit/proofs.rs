//! Proofs about the log of an engine, made of the hashes that its store has at hand.
//!
//! A position n of the log is leaf n - 1 of the tree, and a log of n events is a tree of size n: what an auditor asks and is
//! answered counts positions and events. Whatever is handed out was verified before; a store whose rows do not fit one
//! another is found out here, and not only by whoever is given the proof. Absent: HTTP and the command line.

use std::collections::BTreeMap;

use super::{
    note::{SignedCheckpoint, SignerKey},
    tree::{self, Node, ProofError},
};
use crate::engine::{
    Engine, Error,
    leaf::{Frontier, Hash},
    log::{Head, StoreError},
    tiles::TILE_WIDTH,
};

/// How many levels of the tree one level of tiles covers.
const LEVELS_OF_A_TILE: u8 = 8;

/// Why nothing was proved.
#[derive(Debug, thiserror::Error)]
pub enum ProvingError {
    /// No event has this position.
    #[error("there is no position {position} in a log of {size} events: the first is 1")]
    NoSuchPosition {
        /// What was asked for.
        position: u64,
        /// The size that was asked for, or that of the log.
        size: u64,
    },
    /// The log is not so long yet.
    #[error("the log has {head} events, not {size}")]
    Beyond {
        /// What was asked for.
        size: u64,
        /// The position of the last event.
        head: u64,
    },
    /// The first log would be longer than the second.
    #[error("a log of {from} events cannot be the beginning of one of {to}")]
    Backwards {
        /// What should be the shorter.
        from: u64,
        /// What should be the longer.
        to: u64,
    },
    /// The engine, or what it holds.
    #[error(transparent)]
    Engine(#[from] Error),
}

/// That an event is in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// The event's position.
    pub position: u64,
    /// How many events the log had.
    pub size: u64,
    /// The event's leaf.
    pub leaf: Hash,
    /// The root of that log.
    pub root: Hash,
    /// What leads from the leaf to the root.
    pub proof: Vec<Hash>,
}

/// That a log is the beginning of a longer one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistency {
    /// How many events it had.
    pub from: u64,
    /// How many it had later.
    pub to: u64,
    /// The root of the shorter one.
    pub from_root: Hash,
    /// The root of the longer one.
    pub to_root: Hash,
    /// What leads to both.
    pub proof: Vec<Hash>,
}

impl Inclusion {
    /// Whether it proves what it says. Its root still has to be that of a checkpoint which somebody trusts.
    pub fn verify(&self) -> Result<(), ProofError> {
        let index = self.position.checked_sub(1).ok_or(ProofError::NoSuchLeaf { index: 0, size: 0 })?;
        tree::verify_inclusion(&self.leaf, index, self.size, &self.proof, &self.root)
    }
}

impl Consistency {
    /// Whether it proves what it says. Its roots still have to be those of checkpoints which somebody trusts.
    pub fn verify(&self) -> Result<(), ProofError> {
        tree::verify_consistency(self.from, self.to, &self.from_root, &self.to_root, &self.proof)
    }
}

/// Proves that the event at a position is in the log as it was with `size` events, or as it is.
pub async fn inclusion(engine: &Engine, position: u64, size: Option<u64>) -> Result<Inclusion, ProvingError> {
    let head = engine.head().await?;
    let size = within(&head, size)?;
    let index = position.checked_sub(1).filter(|_| position <= size);
    let index = index.ok_or(ProvingError::NoSuchPosition { position, size })?;
    let leaf = Node { level: 0, index };
    let mut wanted = tree::nodes_of_inclusion(index, size).map_err(|error| torn(&error))?;
    wanted.push(leaf);
    let (found, root) = futures::try_join!(nodes(engine, &wanted), root_of(engine, &head, size))?;
    let proof = tree::inclusion_proof(index, size, |at| found.get(&at).copied());
    let proof = proof.map_err(|error| torn(&error))?;
    let proved = Inclusion { position, size, leaf: found[&leaf], root, proof };
    proved.verify().map_err(|error| torn(&error))?;
    Ok(proved)
}

/// Proves that the log with `from` events is the beginning of that with `to`, or of the log as it is.
pub async fn consistency(engine: &Engine, from: u64, to: Option<u64>) -> Result<Consistency, ProvingError> {
    let head = engine.head().await?;
    let to = within(&head, to)?;
    if from > to {
        return Err(ProvingError::Backwards { from, to });
    }
    let wanted = tree::nodes_of_consistency(from, to).map_err(|error| torn(&error))?;
    let (found, from_root, to_root) =
        futures::try_join!(nodes(engine, &wanted), root_of(engine, &head, from), root_of(engine, &head, to))?;
    let proof = tree::consistency_proof(from, to, |at| found.get(&at).copied());
    let proved = Consistency { from, to, from_root, to_root, proof: proof.map_err(|error| torn(&error))? };
    proved.verify().map_err(|error| torn(&error))?;
    Ok(proved)
}

/// The root of the log as it was with `size` events.
pub async fn root_at(engine: &Engine, size: u64) -> Result<Hash, ProvingError> {
    let head = engine.head().await?;
    let size = within(&head, Some(size))?;
    Ok(root_of(engine, &head, size).await?)
}

/// A signed checkpoint of the log as it is: what is in it is durable, and every tile of it can be asked for.
pub async fn checkpoint(engine: &Engine, signer: &SignerKey) -> Result<SignedCheckpoint, Error> {
    let head = engine.head().await?;
    Ok(SignedCheckpoint::sign(head.position, head.frontier.root(), signer))
}

fn within(head: &Head, size: Option<u64>) -> Result<u64, ProvingError> {
    match size {
        Some(size) if size > head.position => Err(ProvingError::Beyond { size, head: head.position }),
        Some(size) => Ok(size),
        None => Ok(head.position),
    }
}

async fn root_of(engine: &Engine, head: &Head, size: u64) -> Result<Hash, Error> {
    if size == head.position {
        return Ok(head.frontier.root());
    }
    let found = nodes(engine, &tree::nodes_of_root(size)).await?;
    tree::root(size, |at| found.get(&at).copied()).map_err(|error| torn(&error))
}

/// What the store holds cannot be right: its hashes do not make up one tree.
fn torn(error: &ProofError) -> Error {
    StoreError::Corrupt(format!("the hashes of the log do not fit one another: {error}")).into()
}

/// The hashes of perfect subtrees of the log, which have to be complete. Those of one tile are one read.
pub async fn nodes(engine: &Engine, wanted: &[Node]) -> Result<BTreeMap<Node, Hash>, Error> {
    /// Where a node is on the level of tiles below it: which hash it begins with, and how many it is made of.
    fn place(node: &Node) -> (u8, u64, u64) {
        let height = node.level % LEVELS_OF_A_TILE;
        (node.level / LEVELS_OF_A_TILE, node.index << height, 1 << height)
    }
    let mut reads: BTreeMap<(u8, u64), (u64, u64)> = BTreeMap::new();
    for (level, start, count) in wanted.iter().map(place) {
        let read = reads.entry((level, start / TILE_WIDTH)).or_insert((start, start + count));
        *read = (read.0.min(start), read.1.max(start + count));
    }
    let fetch = reads.into_iter().map(|((level, tile), (start, end))| async move {
        let hashes = engine.tile_hashes(level, start, end - start).await?;
        Ok::<_, Error>(((level, tile), (start, hashes)))
    });
    let fetched: BTreeMap<_, _> = futures::future::try_join_all(fetch).await?.into_iter().collect();
    let hash = |node: &Node| {
        let (level, start, count) = place(node);
        let (begins, hashes) = &fetched[&(level, start / TILE_WIDTH)];
        let own = hashes.iter().skip(usize::try_from(start - begins).unwrap_or(usize::MAX));
        let tree: Frontier = own.take(usize::try_from(count).unwrap_or(usize::MAX)).copied().collect();
        (*node, tree.root())
    };
    Ok(wanted.iter().map(hash).collect())
}

#[cfg(test)]
mod tests;

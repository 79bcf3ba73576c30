//! Proofs about the Merkle tree of the log (RFC 6962 §2.1): a leaf is in it, and a smaller tree is its beginning.
//!
//! Everything here is a pure function of hashes. A proof is a list of *spans* of leaves, which follow from sizes alone; who
//! proves and who verifies walk the same list, so a proof of the wrong length is told from one of the wrong content. The
//! hash of a span is made of perfect subtrees, each named by a [`Node`]; [`nodes_of_inclusion`] and its like say which, so
//! that whoever has them in a store can fetch them all at once. Absent: where nodes are kept, and what a leaf is.

use sha2::{Digest as _, Sha256};

use crate::engine::leaf::{Hash, hex, node};

/// A perfect subtree: the leaves from `index << level` on, `1 << level` of them. Level 0 is a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node {
    /// How many times two subtrees were put together.
    pub level: u8,
    /// How many subtrees of the same level stand before it.
    pub index: u64,
}

impl std::fmt::Display for Node {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "the subtree {} of level {}", self.index, self.level)
    }
}

/// Why there is no such proof, or why one proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The leaf is beyond the end.
    #[error("a tree of {size} leaves has no leaf {index}: they count from 0")]
    NoSuchLeaf {
        /// The leaf that was asked for.
        index: u64,
        /// How many there are.
        size: u64,
    },
    /// What should be the beginning is larger than the whole.
    #[error("a tree of {first} leaves cannot be the beginning of one of {second}")]
    Backwards {
        /// The size that should be the smaller one.
        first: u64,
        /// The size that should be the larger one.
        second: u64,
    },
    /// There are too few hashes, or too many.
    #[error("the proof has {found} hashes, where trees of these sizes need {expected}")]
    Length {
        /// How many there must be.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// The hashes lead elsewhere.
    #[error(
        "the proof leads to another root of the tree of {size} leaves: {}, not {}",
        hex(found),
        hex(expected)
    )]
    OtherRoot {
        /// Of which tree.
        size: u64,
        /// The root that was to be reached.
        expected: Hash,
        /// The one that was.
        found: Hash,
    },
    /// Whoever proves has not got a hash.
    #[error("the hash of {0} is not there")]
    Missing(Node),
}

/// Leaves from `start` up to, not with, `end`. Every span here begins where a subtree of its size may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    start: u64,
    end: u64,
}

impl Span {
    fn leaves(self) -> u64 {
        self.end - self.start
    }

    /// Where its tree is split: as many leaves to the left as the largest power of two that leaves some to the right.
    fn split(self) -> (Self, Self) {
        let left = 1 << (self.leaves() - 1).ilog2();
        let middle = self.start + left;
        (Self { end: middle, ..self }, Self { start: middle, ..self })
    }

    /// The perfect subtrees it is made of, largest first.
    fn nodes(self) -> impl Iterator<Item = Node> {
        let mut rest = self;
        std::iter::from_fn(move || {
            let level = rest.leaves().checked_ilog2()?;
            let node = Node { level: level.try_into().expect("at most 63"), index: rest.start >> level };
            rest.start += 1 << level;
            Some(node)
        })
    }

    fn hash(self, nodes: &impl Fn(Node) -> Option<Hash>) -> Result<Hash, ProofError> {
        let hash = |at| nodes(at).ok_or(ProofError::Missing(at));
        let hashes: Vec<Hash> = self.nodes().map(hash).collect::<Result<_, _>>()?;
        Ok(fold(hashes))
    }
}

/// The root over perfect subtrees, largest first; of none, the hash of nothing.
fn fold(hashes: Vec<Hash>) -> Hash {
    let joined = hashes.into_iter().rev().reduce(|right, left| node(&left, &right));
    joined.unwrap_or_else(|| Sha256::digest([]).into())
}

/// The spans beside the way from a leaf to the root, from below.
fn inclusion_spans(index: u64, size: u64) -> Result<Vec<Span>, ProofError> {
    if index >= size {
        return Err(ProofError::NoSuchLeaf { index, size });
    }
    let mut spans = Vec::new();
    let mut at = Span { start: 0, end: size };
    while at.leaves() > 1 {
        let (left, right) = at.split();
        let (way, beside) = if index < right.start { (left, right) } else { (right, left) };
        spans.push(beside);
        at = way;
    }
    spans.reverse();
    Ok(spans)
}

/// The spans that make up both trees, from below. Where the first one is the smaller tree itself, its verifier has it.
fn consistency_spans(first: u64, second: u64) -> Result<Vec<Span>, ProofError> {
    if first > second {
        return Err(ProofError::Backwards { first, second });
    }
    if first == 0 || first == second {
        // Every tree begins with the empty one, and each with itself: there is nothing to show.
        return Ok(Vec::new());
    }
    let mut spans = Vec::new();
    let mut at = Span { start: 0, end: second };
    while at.end != first {
        let (left, right) = at.split();
        let (way, beside) = if first <= right.start { (left, right) } else { (right, left) };
        spans.push(beside);
        at = way;
    }
    if at.start > 0 {
        spans.push(at);
    }
    spans.reverse();
    Ok(spans)
}

fn all_nodes(spans: &[Span]) -> Vec<Node> {
    spans.iter().flat_map(|span| span.nodes()).collect()
}

/// The subtrees whose hashes make up the root of a tree.
pub fn nodes_of_root(size: u64) -> Vec<Node> {
    all_nodes(&[Span { start: 0, end: size }])
}

/// The subtrees whose hashes an inclusion proof is made of.
pub fn nodes_of_inclusion(index: u64, size: u64) -> Result<Vec<Node>, ProofError> {
    Ok(all_nodes(&inclusion_spans(index, size)?))
}

/// The subtrees whose hashes a consistency proof is made of.
pub fn nodes_of_consistency(first: u64, second: u64) -> Result<Vec<Node>, ProofError> {
    Ok(all_nodes(&consistency_spans(first, second)?))
}

/// The root of the tree of the first `size` leaves.
pub fn root(size: u64, nodes: impl Fn(Node) -> Option<Hash>) -> Result<Hash, ProofError> {
    Span { start: 0, end: size }.hash(&nodes)
}

/// Shows that leaf `index`, counted from 0, is in the tree of the first `size` leaves.
pub fn inclusion_proof(
    index: u64,
    size: u64,
    nodes: impl Fn(Node) -> Option<Hash>,
) -> Result<Vec<Hash>, ProofError> {
    inclusion_spans(index, size)?.into_iter().map(|span| span.hash(&nodes)).collect()
}

/// Shows that the tree of the first `first` leaves is the beginning of that of the first `second`.
pub fn consistency_proof(
    first: u64,
    second: u64,
    nodes: impl Fn(Node) -> Option<Hash>,
) -> Result<Vec<Hash>, ProofError> {
    consistency_spans(first, second)?.into_iter().map(|span| span.hash(&nodes)).collect()
}

/// Whether a leaf hash is leaf `index`, counted from 0, of the tree of `size` leaves with this root.
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), ProofError> {
    let spans = inclusion_spans(index, size)?;
    check_length(spans.len(), proof)?;
    let beside = spans.iter().zip(proof);
    let found = beside.fold(
        *leaf,
        |way, (span, hash)| {
            if span.start > index { node(&way, hash) } else { node(hash, &way) }
        },
    );
    check_root(size, &found, root)
}

/// Whether the tree of `first` leaves with `first_root` is the beginning of that of `second` leaves with `second_root`.
pub fn verify_consistency(
    first: u64,
    second: u64,
    first_root: &Hash,
    second_root: &Hash,
    proof: &[Hash],
) -> Result<(), ProofError> {
    let spans = consistency_spans(first, second)?;
    check_length(spans.len(), proof)?;
    if first == 0 {
        // Of the larger one nothing is shown, and nothing is known: any tree begins with none.
        return check_root(0, &fold(Vec::new()), first_root);
    }
    // From below: what both trees have in common, and then what only the larger one has, or both have to its left.
    let is_whole = spans.first().is_none_or(|span| span.end != first);
    let (seed, from) = if is_whole { (*first_root, 0) } else { (proof[0], 1) };
    let (mut old, mut new) = (seed, seed);
    for (span, hash) in spans.iter().zip(proof).skip(from) {
        if span.start < first {
            old = node(hash, &old);
            new = node(hash, &new);
        } else {
            new = node(&new, hash);
        }
    }
    check_root(first, &old, first_root)?;
    check_root(second, &new, second_root)
}

fn check_length(expected: usize, proof: &[Hash]) -> Result<(), ProofError> {
    if proof.len() == expected {
        return Ok(());
    }
    Err(ProofError::Length { expected, found: proof.len() })
}

fn check_root(size: u64, found: &Hash, expected: &Hash) -> Result<(), ProofError> {
    if found == expected {
        return Ok(());
    }
    Err(ProofError::OtherRoot { size, expected: *expected, found: *found })
}

#[cfg(test)]
mod tests;

//! The leaf entry of an event and the Merkle tree (RFC 6962) over all of them.
//!
//! The entry is frozen: it was fixed with the first migration, a golden file holds it, and nothing may change it.
//! It hashes the payload and metadata bytes as stored, never a re-serialised value.

use orderwire_domain::ids::StreamId;
use sha2::{Digest, Sha256};

/// A SHA-256 hash.
pub type Hash = [u8; 32];

/// Names the layout of the entry, and is its first field.
const LEAF_LAYOUT: &[u8] = b"orderwire-leaf-1";

/// The fields of an event that its leaf commits to.
#[derive(Clone, Copy, Debug)]
pub struct LeafEntry<'a> {
    /// Which log.
    pub log_id: i64,
    /// The event's index in the log, from 1.
    pub position: u64,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its index in that stream, from 1.
    pub sequence: u64,
    /// Its type, as stored.
    pub event_type: &'a str,
    /// Its version, as stored.
    pub event_version: &'a str,
    /// When it was recorded, in microseconds since 1970.
    pub recorded_at_us: i64,
    /// The payload, byte for byte as stored.
    pub payload: &'a str,
    /// The metadata, byte for byte as stored.
    pub metadata: &'a str,
}

impl LeafEntry<'_> {
    /// The bytes of the entry: every field preceded by its length as a big-endian `u32`, integers as eight big-endian bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let mut entry = Vec::with_capacity(256);
        let mut field = |bytes: &[u8]| {
            let length = u32::try_from(bytes.len()).expect("a field is far below 4 GiB");
            entry.extend_from_slice(&length.to_be_bytes());
            entry.extend_from_slice(bytes);
        };
        field(LEAF_LAYOUT);
        field(&self.log_id.to_be_bytes());
        field(&self.position.to_be_bytes());
        field(self.stream.kind.word().as_bytes());
        field(self.stream.to_string().as_bytes());
        field(&self.sequence.to_be_bytes());
        field(self.event_type.as_bytes());
        field(self.event_version.as_bytes());
        field(&self.recorded_at_us.to_be_bytes());
        field(&Sha256::digest(self.payload.as_bytes()));
        field(&Sha256::digest(self.metadata.as_bytes()));
        entry
    }

    /// The leaf hash: SHA-256 over a zero byte and the entry.
    pub fn hash(&self) -> Hash {
        Sha256::new().chain_update([0]).chain_update(self.bytes()).finalize().into()
    }
}

/// The right edge of the tree: the roots of its perfect subtrees, largest first. At most 64 hashes for any log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    leaves: u64,
    peaks: Vec<Hash>,
}

impl Frontier {
    /// The frontier of a tree of `leaves` leaves, from its stored bytes; `None` if they cannot be one.
    pub fn from_bytes(leaves: u64, bytes: &[u8]) -> Option<Self> {
        let (peaks, rest) = bytes.as_chunks::<32>();
        (rest.is_empty() && peaks.len() == leaves.count_ones() as usize)
            .then(|| Self { leaves, peaks: peaks.to_vec() })
    }

    /// What is stored: the peaks, one after the other.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.peaks.concat()
    }

    /// How many leaves the tree has.
    pub fn leaves(&self) -> u64 {
        self.leaves
    }

    /// Adds the next leaf.
    pub fn push(&mut self, leaf: Hash) {
        let mut peak = leaf;
        // Each trailing one bit of the size is a perfect subtree as large as what was just completed.
        for _ in 0..self.leaves.trailing_ones() {
            let left = self.peaks.pop().expect("a peak for every bit that is set");
            peak = node(&left, &peak);
        }
        self.peaks.push(peak);
        self.leaves += 1;
    }

    /// The Merkle tree hash of all leaves; of none, SHA-256 of nothing.
    pub fn root(&self) -> Hash {
        self.peaks
            .iter()
            .rev()
            .copied()
            .reduce(|right, left| node(&left, &right))
            .unwrap_or_else(|| Sha256::digest([]).into())
    }
}

impl FromIterator<Hash> for Frontier {
    fn from_iter<I: IntoIterator<Item = Hash>>(leaves: I) -> Self {
        let mut tree = Self::default();
        for leaf in leaves {
            tree.push(leaf);
        }
        tree
    }
}

/// The hash of two subtrees put together: SHA-256 over a one byte, the left and the right.
pub(crate) fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// Lower-case hex, as hashes are shown.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The definition of RFC 6962 §2.1, written as it stands there.
    fn merkle_tree_hash(leaves: &[Hash]) -> Hash {
        match leaves.len() {
            0 => Sha256::digest([]).into(),
            1 => leaves[0],
            n => {
                let split = n.next_power_of_two() / 2;
                node(&merkle_tree_hash(&leaves[..split]), &merkle_tree_hash(&leaves[split..]))
            }
        }
    }

    #[test]
    fn the_frontier_agrees_with_the_definition_of_the_tree() {
        let leaves: Vec<Hash> = (0..70_u8).map(|n| Sha256::digest([n]).into()).collect();
        let mut frontier = Frontier::default();
        for n in 0..leaves.len() {
            assert_eq!(frontier.root(), merkle_tree_hash(&leaves[..n]), "{n} leaves");
            let stored = Frontier::from_bytes(n as u64, &frontier.to_bytes());
            assert_eq!(stored.as_ref(), Some(&frontier));
            frontier.push(leaves[n]);
        }
    }

    #[test]
    fn a_frontier_that_cannot_be_is_refused() {
        assert_eq!(Frontier::from_bytes(3, &[0; 32]), None);
        assert_eq!(Frontier::from_bytes(1, &[0; 33]), None);
    }
}

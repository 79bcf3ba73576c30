//! Proofs against the definition, written as it stands in the RFC, and against a library of somebody else's.

use proptest::prelude::*;
use tlog_tiles::tlog as other;

use super::*;

fn leaf(n: u64) -> Hash {
    Sha256::digest(n.to_be_bytes()).into()
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(leaf).collect()
}

/// How many of `n` leaves are to the left.
fn split(n: usize) -> usize {
    n.next_power_of_two() / 2
}

/// MTH of §2.1.
fn merkle_tree_hash(leaves: &[Hash]) -> Hash {
    match leaves.len() {
        0 => Sha256::digest([]).into(),
        1 => leaves[0],
        n => node(&merkle_tree_hash(&leaves[..split(n)]), &merkle_tree_hash(&leaves[split(n)..])),
    }
}

/// PATH of §2.1.1.
fn path(m: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut path, beside) =
        if m < left.len() { (path(m, left), right) } else { (path(m - left.len(), right), left) };
    path.push(merkle_tree_hash(beside));
    path
}

/// SUBPROOF of §2.1.2.
fn subproof(m: usize, leaves: &[Hash], is_known: bool) -> Vec<Hash> {
    if m == leaves.len() {
        return if is_known { Vec::new() } else { vec![merkle_tree_hash(leaves)] };
    }
    let (left, right) = leaves.split_at(split(leaves.len()));
    let (mut proof, beside) = if m <= left.len() {
        (subproof(m, left, is_known), right)
    } else {
        (subproof(m - left.len(), right, false), left)
    };
    proof.push(merkle_tree_hash(beside));
    proof
}

/// A source of nodes that has nothing but the leaves.
fn source(leaves: &[Hash]) -> impl Fn(Node) -> Option<Hash> {
    move |at| {
        let width = 1_usize << at.level;
        let start = usize::try_from(at.index).unwrap() * width;
        leaves.get(start..start + width).map(merkle_tree_hash)
    }
}

/// The same for the other library, which numbers all nodes of the tree in one row.
struct Row<'a>(&'a [Hash]);

impl other::HashReader for Row<'_> {
    fn read_hashes(&self, indexes: &[u64]) -> Result<Vec<other::Hash>, other::Error> {
        let node = |at: &u64| {
            let (level, index) = other::split_stored_hash_index(*at);
            other::Hash(source(self.0)(Node { level, index }).unwrap())
        };
        Ok(indexes.iter().map(node).collect())
    }
}

fn size(n: usize) -> u64 {
    n as u64
}

#[test]
fn every_proof_of_every_small_tree_is_the_one_of_the_definition() {
    let all = leaves(70);
    for n in 0..=all.len() {
        let tree = &all[..n];
        let root_of_tree = merkle_tree_hash(tree);
        assert_eq!(root(size(n), source(tree)), Ok(root_of_tree), "{n} leaves");
        for m in 0..n {
            let proof = inclusion_proof(size(m), size(n), source(tree)).unwrap();
            assert_eq!(proof, path(m, tree), "leaf {m} of {n}");
            verify_inclusion(&tree[m], size(m), size(n), &proof, &root_of_tree).unwrap();
        }
        for m in 1..=n {
            let proof = consistency_proof(size(m), size(n), source(tree)).unwrap();
            assert_eq!(proof, subproof(m, tree, true), "{m} of {n}");
            let first = merkle_tree_hash(&tree[..m]);
            verify_consistency(size(m), size(n), &first, &root_of_tree, &proof).unwrap();
        }
    }
}

#[test]
fn what_a_proof_needs_is_named_before_it_is_made() {
    let all = leaves(300);
    for (needed, made) in [
        (nodes_of_inclusion(7, 300).unwrap(), inclusion_proof(7, 300, |_| None)),
        (nodes_of_consistency(130, 300).unwrap(), consistency_proof(130, 300, |_| None)),
    ] {
        assert_eq!(made, Err(ProofError::Missing(needed[0])));
    }
    let only = |needed: Vec<Node>| {
        let source = source(&all);
        move |at| needed.contains(&at).then(|| source(at)).flatten()
    };
    inclusion_proof(7, 300, only(nodes_of_inclusion(7, 300).unwrap())).unwrap();
    consistency_proof(130, 300, only(nodes_of_consistency(130, 300).unwrap())).unwrap();
    assert_eq!(root(300, only(nodes_of_root(300))), Ok(merkle_tree_hash(&all)));
}

#[test]
fn what_cannot_be_proved_is_refused_by_name() {
    let none = |_| None;
    assert_eq!(inclusion_proof(5, 5, none), Err(ProofError::NoSuchLeaf { index: 5, size: 5 }));
    assert_eq!(consistency_proof(6, 5, none), Err(ProofError::Backwards { first: 6, second: 5 }));
    let (all, empty) = (leaves(5), merkle_tree_hash(&[]));
    let root = merkle_tree_hash(&all);
    assert_eq!(verify_consistency(0, 5, &empty, &root, &[]), Ok(()));
    assert!(matches!(
        verify_consistency(0, 5, &root, &root, &[]),
        Err(ProofError::OtherRoot { size: 0, .. })
    ));
    assert!(matches!(verify_consistency(5, 5, &empty, &root, &[]), Err(ProofError::OtherRoot { .. })));
    assert_eq!(
        verify_inclusion(&all[0], 0, 5, &[], &root),
        Err(ProofError::Length { expected: 3, found: 0 })
    );
}

#[test]
fn the_largest_sizes_neither_overflow_nor_take_long() {
    let needed = nodes_of_inclusion(u64::MAX - 1, u64::MAX).unwrap();
    assert_eq!(needed.len(), 63);
    assert_eq!(nodes_of_root(u64::MAX).len(), 64);
    let proof = vec![leaf(0); 64];
    assert!(verify_consistency(1 << 63, u64::MAX, &leaf(1), &leaf(2), &proof).is_err());
}

/// A tree, and two numbers within it.
fn tree() -> impl Strategy<Value = (u64, u64, u64)> {
    (1..700_u64).prop_flat_map(|size| (Just(size), 0..size, 1..=size))
}

proptest! {
    #[test]
    fn proofs_are_those_of_another_library((size, index, first) in tree()) {
        let all = leaves(size);
        let row = Row(&all);
        let theirs = |proof: Vec<other::Hash>| proof.into_iter().map(|hash| hash.0).collect::<Vec<_>>();
        let root_of_all = other::tree_hash(size, &row).unwrap();
        prop_assert_eq!(root(size, source(&all)), Ok(root_of_all.0));

        let inclusion = inclusion_proof(index, size, source(&all)).unwrap();
        prop_assert_eq!(&inclusion, &theirs(other::prove_record(size, index, &row).unwrap()));
        verify_inclusion(&leaf(index), index, size, &inclusion, &root_of_all.0).unwrap();

        let consistency = consistency_proof(first, size, source(&all)).unwrap();
        prop_assert_eq!(&consistency, &theirs(other::prove_tree(size, first, &row).unwrap()));
        let first_root = other::tree_hash(first, &row).unwrap();
        verify_consistency(first, size, &first_root.0, &root_of_all.0, &consistency).unwrap();
    }

    #[test]
    fn a_proof_with_anything_changed_proves_nothing(
        (size, index, first) in tree(),
        hash in any::<prop::sample::Index>(),
        bit in 0..256_usize,
    ) {
        let all = leaves(size);
        let flip = |hash: &mut Hash| hash[bit / 8] ^= 1 << (bit % 8);
        let roots = [merkle_tree_hash(&all[..usize::try_from(first).unwrap()]), merkle_tree_hash(&all)];
        let mut other_roots = roots;
        other_roots.iter_mut().for_each(flip);

        let proof = inclusion_proof(index, size, source(&all)).unwrap();
        let own = leaf(index);
        prop_assert!(verify_inclusion(&leaf(size), index, size, &proof, &roots[1]).is_err());
        prop_assert!(verify_inclusion(&own, index, size, &proof, &other_roots[1]).is_err());
        prop_assert!(verify_inclusion(&own, index, size, &[proof.clone(), vec![own]].concat(), &roots[1]).is_err());
        if !proof.is_empty() {
            prop_assert!(verify_inclusion(&own, index, size, &proof[1..], &roots[1]).is_err());
            let elsewhere = (index + 1) % size;
            prop_assert!(verify_inclusion(&own, elsewhere, size, &proof, &roots[1]).is_err());
            let mut changed = proof;
            flip(hash.get_mut(&mut changed));
            prop_assert!(verify_inclusion(&own, index, size, &changed, &roots[1]).is_err());
        }

        let proof = consistency_proof(first, size, source(&all)).unwrap();
        prop_assert!(verify_consistency(first, size, &other_roots[0], &roots[1], &proof).is_err());
        prop_assert!(verify_consistency(first, size, &roots[0], &other_roots[1], &proof).is_err());
        if !proof.is_empty() {
            prop_assert!(verify_consistency(first, size, &roots[0], &roots[1], &proof[1..]).is_err());
            let mut changed = proof;
            flip(hash.get_mut(&mut changed));
            prop_assert!(verify_consistency(first, size, &roots[0], &roots[1], &changed).is_err());
        }
    }

    #[test]
    fn no_proof_whatever_makes_a_verifier_panic(
        sizes in any::<[u64; 3]>(),
        proof in prop::collection::vec(any::<Hash>(), 0..70),
    ) {
        let [index, first, second] = sizes;
        prop_assert!(verify_inclusion(&leaf(0), index, second, &proof, &leaf(1)).is_err());
        prop_assert!(verify_consistency(first, second, &leaf(2), &leaf(3), &proof).is_err());
    }
}

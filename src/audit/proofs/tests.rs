//! Proofs about a long log, against the tree over its leaves.

use orderwire_domain::views::table::Row;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};

use super::*;
use crate::{
    audit::note::SignerKey,
    engine::{
        log::RowChange,
        tiles::{
            TILE_HASH, TILES,
            tests::{MANY, long_log},
        },
    },
};

fn root_over(leaves: &[Hash]) -> Hash {
    leaves.iter().copied().collect::<Frontier>().root()
}

#[tokio::test]
async fn events_and_beginnings_of_a_long_log_are_proved() {
    let (_, engine, leaves) = long_log(MANY).await;
    engine.rebuild_reader(TILES).await.unwrap();
    let root = |size: u64| root_over(&leaves[..usize::try_from(size).unwrap()]);
    let mut cases =
        vec![(1, 1, 1), (MANY, MANY, MANY), (256, 256, 257), (65_536, 65_536, MANY), (1, 0, MANY)];
    let mut runner = TestRunner::new(Config::default());
    let any = (1..=MANY).prop_flat_map(|size| (1..=size, 0..=size, Just(size)));
    cases.extend((0..40).map(|_| any.new_tree(&mut runner).unwrap().current()));
    for (position, from, size) in cases {
        let proved = inclusion(&engine, position, Some(size)).await.unwrap();
        assert_eq!(proved.leaf, leaves[usize::try_from(position - 1).unwrap()]);
        assert_eq!((proved.position, proved.size, proved.root), (position, size, root(size)));
        proved.verify().unwrap();
        let proved = consistency(&engine, from, Some(size)).await.unwrap();
        assert_eq!((proved.from_root, proved.to_root), (root(from), root(size)), "{from} to {size}");
        proved.verify().unwrap();
    }
    assert_eq!(inclusion(&engine, 9, None).await.unwrap().size, MANY);
    assert_eq!(root_at(&engine, 70).await.unwrap(), root(70));
    let key = SignerKey::generate("orders.example/log").unwrap();
    let signed = checkpoint(&engine, &key).await.unwrap();
    assert_eq!((signed.checkpoint().size, signed.checkpoint().root), (MANY, root(MANY)));
}

#[tokio::test]
async fn what_is_not_in_the_log_is_not_proved() {
    let (_, engine, _) = long_log(10).await;
    let told = |error: ProvingError| error.to_string();
    for (position, size, why) in [
        (0, None, "there is no position 0 in a log of 10 events: the first is 1"),
        (11, None, "there is no position 11 in a log of 10 events: the first is 1"),
        (6, Some(5), "there is no position 6 in a log of 5 events: the first is 1"),
        (1, Some(11), "the log has 10 events, not 11"),
    ] {
        assert_eq!(told(inclusion(&engine, position, size).await.unwrap_err()), why);
    }
    assert_eq!(told(consistency(&engine, 1, Some(11)).await.unwrap_err()), "the log has 10 events, not 11");
    let backwards = consistency(&engine, 6, Some(5)).await.unwrap_err();
    assert_eq!(told(backwards), "a log of 6 events cannot be the beginning of one of 5");
    assert!(inclusion(&engine, 10, Some(10)).await.is_ok() && consistency(&engine, 0, None).await.is_ok());
}

#[tokio::test]
async fn a_hash_that_was_changed_proves_nothing() {
    let (log, engine, _) = long_log(1_000).await;
    engine.rebuild_reader(TILES).await.unwrap();
    let wrong = Row {
        key: format!("1/{:015}", 1),
        parent: format!("1/{:015}", 0),
        columns: Vec::new(),
        doc: format!("\"{}\"", "00".repeat(32)),
    };
    log.change_rows(&[RowChange::Put(&TILE_HASH, wrong)], None).await.unwrap();
    let refused = inclusion(&engine, 1, None).await.unwrap_err();
    assert!(refused.to_string().contains("do not fit one another"), "{refused}");
    assert!(consistency(&engine, 256, None).await.is_err());
}

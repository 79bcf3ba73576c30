//! Nothing is proved, shown or signed that the stored text and the head do not agree with.

use orderwire::audit::{
    as_of,
    note::SignerKey,
    proofs::{self, LeavesRead},
    timeline,
};
use orderwire::{audit::Moment, edge::history::Sight};

use super::*;

/// What is refused of a copy: a proof of an event, of the same in the past, its history, its state, a checkpoint.
async fn refused(copy: &Copy, event: &StoredEvent) -> [bool; 5] {
    let engine = copy.engine().await;
    let key = SignerKey::from_seed("orders.example/log", &[7; 32]).unwrap();
    let position = event.position;
    let refused = [
        proofs::inclusion(&engine, position, None).await.is_err(),
        proofs::inclusion(&engine, position, Some(position)).await.is_err(),
        timeline::page(&engine, (event.stream, 0, 500), Sight::Opened).await.is_err(),
        as_of::as_of(&engine, event.stream, Moment::Position(position), Sight::Opened).await.is_err(),
        proofs::checkpoint(&engine, &key, &LeavesRead::default()).await.is_err(),
    ];
    engine.close().await;
    refused
}

#[tokio::test]
async fn a_forged_text_is_neither_proved_nor_shown() {
    let original = Original::made().await;
    let event = &original.events[8];
    assert_eq!(refused(&original.copy(), event).await, [false; 5]);
    let copy = original.copy();
    copy.sql("UPDATE events SET metadata = replace(metadata, '\"actor\":\"', '\"actor\":\"not-') WHERE position = 9");
    assert_eq!(refused(&copy, event).await, [true, true, true, true, false]);
}

#[tokio::test]
async fn a_corrupt_leaf_is_not_proved_under_a_root_of_the_past_and_not_signed() {
    let original = Original::made().await;
    for (position, event) in [(9, &original.events[8]), (264, &original.events[263])] {
        let copy = original.copy();
        copy.sql(&format!("UPDATE events SET leaf = randomblob(32) WHERE position = {position}"));
        assert_eq!(refused(&copy, event).await, [true; 5], "{position}");
        // Its neighbour has a sound text, and only a tree that is not the head's.
        let engine = copy.engine().await;
        assert!(proofs::inclusion(&engine, position - 1, Some(position)).await.is_err());
        assert!(proofs::consistency(&engine, position, None).await.is_err());
        assert!(proofs::root_at(&engine, position).await.is_err());
        engine.close().await;
    }
}

#[tokio::test]
async fn a_store_that_lacks_a_row_or_has_other_tiles_is_not_signed() {
    let original = Original::made().await;
    let key = SignerKey::from_seed("orders.example/log", &[7; 32]).unwrap();
    for meddling in [
        "DELETE FROM events WHERE position = 9",
        "DELETE FROM events WHERE position = (SELECT max(position) FROM events)",
        "UPDATE tile_hash SET doc = '\"' || lower(hex(zeroblob(32))) || '\"'",
        "UPDATE log_head SET frontier = zeroblob(length(frontier))",
    ] {
        let copy = original.copy();
        copy.sql(meddling);
        let engine = copy.engine().await;
        let signed = proofs::checkpoint(&engine, &key, &LeavesRead::default()).await;
        assert!(signed.is_err(), "{meddling}");
        engine.close().await;
    }
    let engine = original.copy().engine().await;
    let read = LeavesRead::default();
    for _ in 0..2 {
        let signed = proofs::checkpoint(&engine, &key, &read).await.unwrap();
        assert_eq!(signed.checkpoint().root, original.checkpoint(original.len()).root);
    }
    engine.close().await;
}

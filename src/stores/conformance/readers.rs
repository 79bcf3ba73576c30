//! A reader's page takes effect exactly once: its rows and its checkpoint are one.

use orderwire_domain::views::table::{Row, Table, Value, integer, text};

use super::Outcome;
use crate::engine::log::{Filter, ReaderCommit, RowChange, SharedLog, StoreError};

/// A table of the suite's own; one of its columns has a name that SQL uses too.
pub static SHELF: Table = Table {
    name: "conformance_shelf",
    columns: &[text("order"), integer("due")],
    indexes: &[&["order", "due"], &["due"]],
};

/// A table that no case was ever given.
static MISSING: Table = Table { name: "conformance_missing", columns: &[], indexes: &[] };

/// A second table, to see that it is left alone.
static OTHER: Table = Table { name: "conformance_other", columns: &[], indexes: &[] };

pub(super) fn row(key: &str, parent: &str, order: Option<&str>, due: Option<i64>) -> Row {
    let doc = format!("{{\"key\": \"{key}\",  \"said\": \"Zoë's \\\"doc\\\"\"}}");
    Row { key: key.into(), parent: parent.into(), columns: vec![order.into(), due.into()], doc }
}

fn page(after: u64, to: u64, changes: Vec<RowChange>) -> ReaderCommit {
    ReaderCommit { reader: "shelf".into(), after, to, changes, ..ReaderCommit::default() }
}

pub(super) fn put(key: &str, due: i64) -> RowChange {
    RowChange::Put(&SHELF, row(key, "p", None, Some(due)))
}

pub(super) async fn keys(log: &SharedLog, table: &'static Table) -> Result<Vec<String>, StoreError> {
    Ok(log.children(table, &["p".into()]).await?.into_iter().map(|row| row.key).collect())
}

/// Rows and checkpoint, also for a page without changes.
pub async fn a_page_is_applied_with_its_checkpoint(log: SharedLog) -> Outcome {
    log.create_tables(&[&SHELF, &OTHER]).await?;
    log.create_tables(&[&SHELF]).await?;
    assert_eq!(log.checkpoint("shelf").await?, 0);
    log.apply(&page(0, 3, vec![put("a", 1), put("b", 2), put("a", 3)])).await?;
    assert_eq!(log.checkpoint("shelf").await?, 3);
    assert_eq!(log.rows(&SHELF, &["a".into()]).await?, [row("a", "p", None, Some(3))]);

    let moves = vec![
        RowChange::Delete(&SHELF, "a".into()),
        RowChange::Delete(&SHELF, "never there".into()),
        RowChange::Put(&SHELF, row("b", "q", Some("ord"), None)),
    ];
    log.apply(&page(3, 4, moves)).await?;
    log.apply(&page(4, 9, Vec::new())).await?;
    assert_eq!(log.checkpoint("shelf").await?, 9);
    assert_eq!(log.checkpoint("another reader").await?, 0);
    assert_eq!(log.count(&SHELF, &[]).await?, 1);
    assert_eq!(log.children(&SHELF, &["q".into()]).await?, [row("b", "q", Some("ord"), None)]);
    Ok(())
}

/// A page that somebody else applied before.
pub async fn a_page_from_another_checkpoint_changes_nothing(log: SharedLog) -> Outcome {
    log.create_tables(&[&SHELF]).await?;
    log.apply(&page(0, 5, vec![put("a", 1)])).await?;
    for stale in [0, 4, 6] {
        let changes = vec![put("b", 1), RowChange::Delete(&SHELF, "a".into())];
        let refused = log.apply(&page(stale, 7, changes)).await;
        let moved = StoreError::CheckpointMoved { reader: "shelf".into(), expected: stale, actual: 5 };
        assert_eq!(refused, Err(moved));
    }
    assert_eq!(log.checkpoint("shelf").await?, 5);
    assert_eq!(keys(&log, &SHELF).await?, ["a"]);
    Ok(())
}

/// A failure in the middle undoes the changes before it.
pub async fn a_page_that_cannot_be_applied_leaves_the_checkpoint(log: SharedLog) -> Outcome {
    log.create_tables(&[&SHELF]).await?;
    log.apply(&page(0, 1, vec![put("a", 1)])).await?;
    let broken = vec![put("b", 1), RowChange::Delete(&MISSING, "x".into())];
    assert!(log.apply(&page(1, 2, broken.clone())).await.is_err());
    assert!(log.change_rows(&broken, None).await.is_err());
    assert_eq!(log.checkpoint("shelf").await?, 1);
    assert_eq!(keys(&log, &SHELF).await?, ["a"]);
    log.apply(&page(1, 2, vec![put("b", 1)])).await?;
    Ok(())
}

/// Of two that apply the same page, one learns that it was late.
pub async fn a_page_is_applied_once_when_two_try(log: SharedLog) -> Outcome {
    log.create_tables(&[&SHELF]).await?;
    for n in 0..10 {
        let (left, right) = (page(n, n + 1, vec![put("left", 1)]), page(n, n + 1, vec![put("right", 1)]));
        let (left, right) = tokio::join!(log.apply(&left), log.apply(&right));
        let lost = [left, right].into_iter().filter(
            |outcome| matches!(outcome, Err(StoreError::CheckpointMoved { actual, .. }) if *actual == n + 1),
        );
        assert_eq!(lost.count(), 1, "exactly one was late");
        assert_eq!(log.count(&SHELF, &[]).await?, 1);
        log.change_rows(
            &[RowChange::Delete(&SHELF, "left".into()), RowChange::Delete(&SHELF, "right".into())],
            None,
        )
        .await?;
    }
    assert_eq!(log.checkpoint("shelf").await?, 10);
    Ok(())
}

/// Outside any page, no checkpoint moves.
pub async fn rows_change_without_a_checkpoint(log: SharedLog) -> Outcome {
    log.create_tables(&[&SHELF]).await?;
    log.apply(&page(0, 2, vec![put("a", 1)])).await?;
    log.change_rows(&[put("b", 2), RowChange::Delete(&SHELF, "a".into())], None).await?;
    log.change_rows(&[], None).await?;
    assert_eq!(keys(&log, &SHELF).await?, ["b"]);
    assert_eq!(log.checkpoint("shelf").await?, 2);
    Ok(())
}

/// Its own tables and checkpoint, nobody else's.
pub async fn a_reset_removes_the_rows_of_its_tables_only(log: SharedLog) -> Outcome {
    log.create_tables(&[&SHELF, &OTHER]).await?;
    let other = Row { key: "o".into(), parent: "p".into(), columns: Vec::<Value>::new(), doc: "{}".into() };
    log.apply(&page(0, 4, vec![put("a", 1), put("b", 2)])).await?;
    let mut elsewhere = page(0, 6, vec![RowChange::Put(&OTHER, other)]);
    elsewhere.reader = "other".into();
    log.apply(&elsewhere).await?;

    log.reset("shelf", &[&SHELF]).await?;
    assert_eq!(log.checkpoint("shelf").await?, 0);
    assert_eq!(log.count(&SHELF, &[] as &[Filter]).await?, 0);
    assert_eq!(log.checkpoint("other").await?, 6);
    assert_eq!(keys(&log, &OTHER).await?, ["o"]);
    log.apply(&page(0, 1, vec![put("a", 1)])).await?;
    log.reset("never ran", &[]).await?;
    assert_eq!(log.checkpoint("never ran").await?, 0);
    Ok(())
}

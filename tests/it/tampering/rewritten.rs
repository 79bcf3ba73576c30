//! Somebody who rewrites rows and computes every hash again: order and legality stay, and the witness.

use orderwire::audit::verify::Plan;

use super::*;

#[tokio::test]
async fn a_rewritten_history_is_found_by_a_checkpoint_that_somebody_kept() {
    let original = Original::made().await;
    let copy = original.copy();
    let changed = copy.sql("UPDATE events SET metadata = replace(metadata, '\"actor\":\"operator\"', '\"actor\":\"mallory\"') WHERE position = (SELECT min(position) FROM events WHERE position > 50 AND metadata LIKE '%\"actor\":\"operator\"%' AND json_extract(metadata, '$.commit') IN (SELECT json_extract(metadata, '$.commit') FROM events GROUP BY 1 HAVING count(*) = 1))");
    assert_eq!(changed, 1);
    copy.hash_again();
    assert_eq!(copy.found().await, None, "nothing else shows it");
    let witness = [10, 50, 200, original.len()].map(|size| original.checkpoint(size)).to_vec();
    let report = copy.verified(&Plan { witness, ..Plan::default() }).await;
    let found = report.finding.unwrap();
    assert_eq!((found.position, found.to, found.check), (Some(51), Some(200), "checkpoint"), "{found}");
    let since = Plan { since: Some(original.checkpoint(200)), ..Plan::default() };
    let found = copy.verified(&since).await.finding.unwrap();
    assert_eq!((found.position, found.to, found.check), (Some(1), Some(200), "checkpoint"));
}

#[tokio::test]
async fn a_log_that_was_cut_off_whole_is_shorter_than_its_checkpoint() {
    let original = Original::made().await;
    let copy = original.copy();
    copy.sql(&format!("DELETE FROM events WHERE position > {}", original.len() - 3));
    copy.hash_again();
    assert_eq!(copy.found().await, None, "nothing else shows it");
    let plan = Plan { witness: vec![original.checkpoint(original.len())], ..Plan::default() };
    let found = copy.verified(&plan).await.finding.unwrap();
    assert_eq!((found.position, found.check), (Some(original.len() - 2), "checkpoint"), "{found}");
}

#[tokio::test]
async fn what_cannot_have_happened_is_found_whatever_its_hashes_say() {
    let original = Original::made().await;
    for (meddling, check) in [
        // A moment dated back.
        ("UPDATE events SET recorded_at = recorded_at - 3600000000 WHERE position = 60", "time"),
        // One event of a commit wanted by somebody else.
        (
            "UPDATE events SET metadata = replace(metadata, '\"actor\":\"', '\"actor\":\"not-') WHERE position = (SELECT max(position) FROM events GROUP BY json_extract(metadata, '$.commit') HAVING count(*) > 2)",
            "commit",
        ),
        ("UPDATE events SET metadata = '{}' WHERE position = 61", "metadata"),
        ("UPDATE events SET metadata = json_insert(metadata, '$.a', 'b') WHERE position = 61", "metadata"),
        ("UPDATE events SET payload = '{\"Unheard\":{}}' WHERE position = 62", "event"),
        ("UPDATE events SET event_version = '9' WHERE position = 63", "event"),
        ("UPDATE events SET sequence = sequence + 1000 WHERE position = 64", "sequence"),
        (
            "UPDATE events SET event_type = 'OrderAcknowledged', payload = '\"OrderAcknowledged\"', event_version = '1' WHERE event_type = 'OrderCreated'",
            "lifecycle",
        ),
    ] {
        let copy = original.copy();
        assert!(copy.sql(meddling) > 0, "{meddling} changes nothing");
        copy.hash_again();
        let found = copy.found().await.unwrap_or_else(|| panic!("nobody sees {meddling}"));
        assert_eq!(found.check, check, "{meddling}: {found}");
        let differs = |connection: &Connection| {
            let mut rows = connection.prepare("SELECT leaf FROM events ORDER BY position").unwrap();
            let leaves: Vec<[u8; 32]> =
                rows.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
            leaves.iter().zip(&original.events).take_while(|(leaf, event)| **leaf == event.leaf).count()
                as u64
                + 1
        };
        let at = found.position.unwrap();
        let first = differs(&copy.connection());
        assert!(
            at >= first && at <= first + u64::from(check == "commit"),
            "{meddling}: {found}, not {first}"
        );
    }
}

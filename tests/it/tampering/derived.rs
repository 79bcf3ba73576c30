//! What is derived from the log is what follows from it: a row more, less or otherwise is named.

use orderwire::audit::verify::Plan;

use super::*;

#[tokio::test]
async fn claims_and_rows_that_the_events_do_not_lead_to_are_found() {
    let original = Original::made().await;
    let plan = Plan { models: true, ..Plan::default() };
    for (meddling, check) in [
        ("DELETE FROM claims WHERE scope = 'company_name'", "claim"),
        ("UPDATE claims SET holder = (SELECT max(holder) FROM claims) WHERE scope = 'company_name'", "claim"),
        ("INSERT INTO claims SELECT log_id, scope, key || 'x', holder FROM claims LIMIT 1", "claim"),
        ("DELETE FROM order_status WHERE key = (SELECT min(key) FROM order_status)", "model"),
        ("UPDATE order_status SET doc = replace(doc, 'PO-2', 'PO-9')", "model"),
        ("UPDATE number SET parent = 'x' WHERE key = (SELECT max(key) FROM number)", "model"),
        (
            "INSERT INTO company_directory SELECT * FROM company_directory WHERE false; UPDATE company_directory SET key = key || 'x'",
            "model",
        ),
        ("UPDATE timer SET doc = replace(doc, '2026', '2036')", "timer"),
        ("UPDATE notice SET doc = replace(doc, '\"sequence\":2,', '\"sequence\":3,')", "notice"),
        ("DELETE FROM notice WHERE key = (SELECT max(key) FROM notice)", "notice"),
        (
            "CREATE TEMP TABLE more AS SELECT * FROM notice LIMIT 1; UPDATE more SET key = key || 'x'; INSERT INTO notice SELECT * FROM more",
            "notice",
        ),
    ] {
        let copy = original.copy();
        let connection = copy.connection();
        let mut changed = 0;
        for statement in meddling.split(';') {
            changed +=
                connection.execute(statement, []).unwrap_or_else(|error| panic!("{statement}: {error}"));
        }
        assert!(changed > 0, "{meddling} changes nothing");
        assert_eq!(copy.found().await, None, "the log itself is right");
        let found = copy.verified(&plan).await.finding.unwrap_or_else(|| panic!("nobody sees {meddling}"));
        assert_eq!(found.check, check, "{meddling}: {found}");
    }
}

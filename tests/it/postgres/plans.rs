//! What the server makes of our questions where it knows nothing of a table, and where all rows look alike.

use orderwire::{
    domain::views::number_availability::NUMBER,
    engine::{
        log::{Log as _, Select},
        query::equal,
    },
    stores::sql,
};
use sqlx::Row as _;

use super::*;

/// A reseller that has thousands of numbers, none of them free: what a bulk load leaves.
const LOADED: &str = "INSERT INTO number (log_id, key, parent, holding, reseller, area, doc) \
                      SELECT 0, '+44' || n, 'com_1', 'allocated', 'rsl_1', '0113', '{}' FROM generate_series(1, 20000) n";

/// From then on the server may plan for any value.
const SEEN_BEFORE_PLANNED_ONCE: usize = 6;

#[tokio::test]
async fn numbers_that_a_reseller_may_use_are_found_without_looking_at_those_it_has() {
    on_a_database(async |database: Database| {
        let log = database.open().await;
        log.create_tables(&[&NUMBER]).await.unwrap();
        let mut connection = database.connect().await;
        let select = Select {
            table: &NUMBER,
            filters: vec![equal("reseller", "rsl_1"), equal("holding", "free")],
            order: "key",
            descending: false,
            after: None,
            limit: 51,
        };
        let (sql, _) = sql::select(&select);
        let prepare = format!(
            "SET enable_seqscan = off; {LOADED}; \
                               PREPARE look (bigint, text, text, bigint) AS {sql}"
        );
        connection.execute(prepare.as_str()).await.unwrap();
        for known in ["SELECT 'nothing is known of the table'", "ANALYZE number"] {
            connection.execute(known).await.unwrap();
            for _ in 0..SEEN_BEFORE_PLANNED_ONCE {
                connection.execute("EXECUTE look (0, 'rsl_1', 'free', 51)").await.unwrap();
            }
            let plan = sqlx::raw_sql("EXPLAIN EXECUTE look (0, 'rsl_1', 'free', 51)");
            let steps: Vec<String> =
                plan.fetch_all(&mut connection).await.unwrap().iter().map(|row| row.get(0)).collect();
            assert!(
                steps.iter().any(|step| step.contains("number_by_reseller_holding")),
                "{known}: {steps:?}"
            );
            assert!(!steps.iter().any(|step| step.contains("Filter")), "{known}: {steps:?}");
        }
        connection.close().await.unwrap();
        log.close().await;
    })
    .await;
}

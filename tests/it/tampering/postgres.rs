//! The same on PostgreSQL, by somebody who has every right in the database.

use sqlx::{Executor as _, PgConnection};

use super::{
    random::{Numbers, Rows, meddle, size_and_seed},
    *,
};
use crate::postgres::{Database, on_a_database};

/// Rows as whoever has the database has them. What the database itself refuses, such as what is no JSON, is not done.
struct Postgres(PgConnection);

impl Rows for Postgres {
    async fn run(&mut self, sql: &str) -> Option<usize> {
        let done = self.0.execute(sql).await.ok()?;
        Some(usize::try_from(done.rows_affected()).unwrap())
    }

    async fn text(&mut self, column: &str, at: u64) -> String {
        let sql = format!("SELECT {column}::text FROM events WHERE position = {at}");
        sqlx::query_scalar(&sql).fetch_one(&mut self.0).await.unwrap()
    }

    fn bytes(bytes: &[u8]) -> String {
        format!("'\\x{}'::bytea", orderwire::engine::leaf::hex(bytes))
    }
}

/// A database in which something has happened, an engine on it, and what was there.
struct Lived {
    rows: Postgres,
    world: World,
    end: u64,
}

impl Lived {
    async fn in_it(database: &Database) -> Self {
        let life = Life::lived_in(World::open(&Store::at(&database.url())).await).await;
        for n in 500..700 {
            life.world.reseller(n).await;
        }
        life.world.settle().await;
        let mut rows = Postgres(database.connect().await);
        for table in ["events", "log_head", "tile_hash"] {
            rows.0
                .execute(format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}").as_str())
                .await
                .unwrap();
        }
        let end = life.world.engine.head().await.unwrap().position;
        assert!(end > 256, "a tile is whole");
        Self { rows, world: life.world, end }
    }

    async fn found(&self) -> Option<Finding> {
        verify(&self.world.engine, &Plan::default(), |_| ()).await.unwrap().finding
    }

    async fn as_it_was(&mut self) {
        for table in ["events", "log_head", "tile_hash"] {
            let sql = format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM kept_{table}");
            self.rows.0.execute(sql.as_str()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn random_tampering_in_a_database_is_found_at_the_first_row_that_is_wrong() {
    on_a_database(|database| async move {
        let (count, seed) = size_and_seed();
        let mut numbers = Numbers(seed);
        let mut lived = Lived::in_it(&database).await;
        for round in 0..count {
            let (meddling, position) = meddle(&mut lived.rows, &mut numbers, lived.end).await;
            let found = lived.found().await;
            let found = found.unwrap_or_else(|| panic!("{seed}, {round}: nobody sees that {meddling}"));
            assert_eq!(found.position, Some(position), "{seed}, {round}: {meddling}: {found}");
            lived.as_it_was().await;
        }
        assert_eq!(lived.found().await, None);
        lived.world.engine.close().await;
    })
    .await;
}

#[tokio::test]
async fn whatever_is_done_to_a_row_of_a_database_is_found_where_it_was_done() {
    on_a_database(|database| async move {
        let mut lived = Lived::in_it(&database).await;
        assert_eq!(lived.found().await, None);
        let end = lived.end;
        let (last, later) = (end - 1, end + 1);
        let columns = "aggregate_type, aggregate_id, sequence, event_type, event_version, payload, metadata, log_id, position, recorded_at, leaf";
        let copied = |sequence: &str, log: &str, position: u64| format!("INSERT INTO events ({columns}) SELECT aggregate_type, aggregate_id, {sequence}, event_type, event_version, payload, metadata, {log}, {position}, recorded_at, leaf FROM events WHERE position = 9");
        let zeros = format!("'\\x{}'", "00".repeat(32));
        for (meddling, position, check) in [
            ("UPDATE events SET payload = replace(payload::text, 'R500', 'R5OO')::json WHERE payload::text LIKE '%R500%'".to_owned(), 0, "leaf"),
            ("UPDATE events SET metadata = replace(metadata::text, '\"actor\":\"', '\"actor\":\"not-')::json WHERE position = 17".into(), 17, "leaf"),
            ("UPDATE events SET metadata = (metadata::text || ' ')::json WHERE position = 16".into(), 16, "leaf"),
            ("UPDATE events SET recorded_at = recorded_at - 1 WHERE position = 18".into(), 18, "leaf"),
            ("UPDATE events SET event_version = '3' WHERE position = 19".into(), 19, "leaf"),
            ("UPDATE events SET sequence = 999 WHERE position = 20".into(), 20, "leaf"),
            (format!("UPDATE events SET leaf = {zeros} WHERE position = 21"), 21, "leaf"),
            ("UPDATE events SET aggregate_id = 'ord_1' WHERE position = 23".into(), 23, "row"),
            ("DELETE FROM events WHERE position = 24".into(), 24, "position"),
            (format!("DELETE FROM events WHERE position >= {last}"), last, "position"),
            ("UPDATE events SET position = position + 1000000 WHERE position IN (30, 31); UPDATE events SET position = 1000061 - position WHERE position > 1000000".into(), 30, "leaf"),
            (copied("sequence + 100", "log_id", later), later, "head"),
            ("UPDATE log_head SET recorded_at = recorded_at + 1".into(), end, "head"),
            (format!("UPDATE log_head SET frontier = decode(repeat('00', {}), 'hex')", 32 * end.count_ones()), 1, "head"),
            (format!("UPDATE tile_hash SET doc = '\"{}\"'", "00".repeat(32)), 1, "tile"),
        ] {
            let done = lived.rows.run(&meddling).await;
            assert!(done.is_some_and(|rows| rows > 0), "{meddling} changes nothing");
            let found = lived.found().await.unwrap_or_else(|| panic!("nobody sees {meddling}"));
            assert_eq!(found.check, check, "{meddling}: {found}");
            assert!(position == 0 || found.position == Some(position), "{meddling}: {found}");
            lived.as_it_was().await;
        }
        // What could hide from a page is refused by the database itself.
        for (log, position) in [("log_id", 0), ("log_id", 9)] {
            assert_eq!(lived.rows.run(&copied("sequence + 100", log, position)).await, None, "{position}");
        }
        // Of another log there are rows that none of ours is read with.
        assert_eq!(lived.rows.run(&copied("sequence + 100", "1", 999_999)).await, Some(1));
        let found = lived.found().await;
        let found = found.expect("a row of another log is seen");
        assert!(["position", "head"].contains(&found.check), "{found}");
        lived.as_it_was().await;
        assert_eq!(lived.found().await, None);
        lived.world.engine.close().await;
    })
    .await;
}

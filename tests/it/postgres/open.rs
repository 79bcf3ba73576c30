//! Opening: schema, server, and what is said where it does not work.

use orderwire::{
    engine::{Engine, log::StoreError},
    stores::postgres::SCHEMA_VERSION,
};

use super::*;

async fn refusal(url: &str, migrate: Migrate) -> StoreError {
    PostgresLog::open(url, migrate).await.unwrap_err()
}

#[tokio::test]
async fn a_store_of_another_schema_is_refused() {
    on_a_database(async |database: Database| {
        let url = database.url();
        assert_eq!(
            refusal(&url, Migrate::No).await,
            StoreError::SchemaOlder { found: 0, known: SCHEMA_VERSION }
        );
        assert_eq!(PostgresLog::schema_version(&url).await, Ok(0));
        orderwire::stores::migrate(&url).await.unwrap();
        assert_eq!(PostgresLog::schema_version(&url).await, Ok(SCHEMA_VERSION));
        PostgresLog::open(&url, Migrate::No).await.unwrap().close().await;

        let mut connection = database.connect().await;
        let newer = "INSERT INTO schema_migrations (version, name) VALUES (99, 'of the future')";
        connection.execute(newer).await.unwrap();
        for migrate in [Migrate::Yes, Migrate::No] {
            assert_eq!(
                refusal(&url, migrate).await,
                StoreError::SchemaNewer { found: 99, known: SCHEMA_VERSION }
            );
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_migrate_at_once_do_not_collide() {
    on_a_database(async |database: Database| {
        let openings: Vec<_> = (0..8)
            .map(|_| {
                let url = database.url();
                tokio::spawn(async move { PostgresLog::open(&url, Migrate::Yes).await })
            })
            .collect();
        for (n, opening) in openings.into_iter().enumerate() {
            let log = opening.await.unwrap().unwrap();
            assert_appended(&append(&log, vec![events(order(n as u128), 0, 1)]).await);
            log.close().await;
        }
    })
    .await;
}

/// As a second process does it with `--migrate` while the first is at work.
#[tokio::test]
async fn opening_waits_for_nobody_who_writes_to_tables_that_exist() {
    on_a_database(async |database: Database| {
        let log = database.open().await;
        log.create_tables(&Engine::tables()).await.unwrap();
        let mut writer = database.connect().await;
        for table in Engine::tables() {
            let change = format!("DELETE FROM \"{}\"", table.name);
            writer.execute(format!("BEGIN; {change}").as_str()).await.unwrap();
            let other = database.open().await;
            let outcome = other.create_tables(&Engine::tables()).await;
            assert_eq!(outcome, Ok(()), "while {} is written", table.name);
            other.close().await;
            writer.execute("ROLLBACK").await.unwrap();
        }
        // One that is missing is made.
        let all = Engine::tables();
        writer.execute(format!("DROP TABLE \"{}\"", all[0].name).as_str()).await.unwrap();
        log.create_tables(&all).await.unwrap();
        log.count(all[0], &[]).await.unwrap();
        log.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_unavailable_and_no_password_is_told() {
    // A port that was free a moment ago, and that nobody listens on.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = refusal(&format!("postgres://someone:hunter2@127.0.0.1:{port}/orders"), Migrate::Yes).await;
    let StoreError::Unavailable(message) = away else { panic!("{away:?}") };
    assert!(message.contains(&format!("127.0.0.1:{port}/orders")), "{message}");
    assert!(!message.contains("hunter2"), "{message}");

    let nonsense = refusal("postgres://someone:hunter2@[nonsense/orders", Migrate::Yes).await;
    assert!(!nonsense.to_string().contains("hunter2"), "{nonsense}");
}

#[tokio::test]
async fn a_wrong_password_is_not_told() {
    on_a_database(async |mut database: Database| {
        database.options = database.options.password("hunter2");
        let message = refusal(&database.url(), Migrate::Yes).await.to_string();
        assert!(message.contains("password authentication failed"), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    })
    .await;
}

//! What is left of somebody in a database after the erasure: every table is read as text and searched.

use orderwire::{
    domain::{company::commands::CompanyCommand, joint::Command},
    engine::{Engine, leaf::hex, log::Sweep},
};
use sqlx::{Connection as _, PgConnection};

use super::{Database, on_a_database};
use crate::{
    cli::erasure::{Customer, needles, operator, released},
    world::{Store, World},
};

/// Companies that are erased.
const ERASED: usize = 5;

/// Each table with each of these in it: a text as it is, or in the hex in which bytes are shown.
async fn found(connection: &mut PgConnection, needles: &[Vec<u8>]) -> Vec<String> {
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables \
         WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1",
    )
    .fetch_all(&mut *connection)
    .await
    .unwrap();
    assert!(tables.len() > 15, "{tables:?}");
    let mut found = Vec::new();
    for table in tables {
        let sql = format!("SELECT coalesce(string_agg(it::text, E'\\n'), '') FROM {table} it");
        let text: String = sqlx::query_scalar(&sql).fetch_one(&mut *connection).await.unwrap();
        for needle in needles {
            let plain = std::str::from_utf8(needle).is_ok_and(|word| text.contains(word));
            if plain || text.contains(&hex(needle)) {
                found.push(format!("{table} has {}", String::from_utf8_lossy(needle)));
            }
        }
    }
    found
}

async fn erased(engine: &Engine, customers: &[Customer]) {
    for Customer { company, .. } in customers {
        let erase = Command::Company { company: *company, command: CompanyCommand::Erase };
        engine.execute(&erase, &operator(), None).await.unwrap();
    }
    engine.settle().await.unwrap();
}

#[tokio::test]
async fn no_table_names_anybody_and_wrapped_keys_are_gone_after_an_erasure() {
    on_a_database(|database: Database| async move {
        let world = World::open(&Store::at(&database.url())).await;
        world.reseller(100).await;
        let mut customers = Vec::new();
        for n in 0..ERASED {
            customers.push(released(&world.engine, n).await);
        }
        let mut connection = database.connect().await;
        let wrapped: Vec<Vec<u8>> = customers.iter().map(|it| it.wrapped.clone()).collect();
        assert_eq!(found(&mut connection, &wrapped).await.len(), ERASED, "the search finds what is there");
        assert_eq!(found(&mut connection, &needles()).await, Vec::<String>::new(), "nobody was ever named");

        erased(&world.engine, &customers).await;
        world.engine.rebuild().await.unwrap();
        for sweep in [Sweep::Light, Sweep::Whole] {
            world.engine.sweep(sweep).await.unwrap();
        }
        let all: Vec<Vec<u8>> = needles().into_iter().chain(wrapped).collect();
        assert_eq!(found(&mut connection, &all).await, Vec::<String>::new());

        // Put back as they were, they open nothing, and are destroyed again.
        for Customer { company, wrapped, .. } in &customers {
            let sql = "UPDATE data_keys SET wrapped = $1 WHERE key_id = $2";
            sqlx::query(sql).bind(wrapped).bind(company.to_string()).execute(&mut connection).await.unwrap();
        }
        let reapplied = world.engine.reapply_erasures().await.unwrap();
        assert_eq!((reapplied.erased, reapplied.destroyed), (ERASED as u64, ERASED as u64));
        assert_eq!(found(&mut connection, &all).await, Vec::<String>::new());
        connection.close().await.unwrap();
        world.engine.close().await;
    })
    .await;
}

//! The schema: numbered steps, forward only, each applied once and in a transaction.

use sqlx::{Connection as _, Executor as _, PgConnection, Row as _};

use super::connect::store_error;
use crate::{engine::log::StoreError, stores::Migrate};

/// Every step, in order; the n-th makes schema n.
const STEPS: &[(&str, &str)] = &[("log", include_str!("../../../migrations/postgres/0001_log.sql"))];

/// The schema of this binary.
#[expect(clippy::cast_possible_wrap, reason = "a handful of steps")]
pub const SCHEMA_VERSION: i64 = STEPS.len() as i64;

/// How often creating the table of steps may collide with another process doing the same.
const CREATE_ATTEMPTS_MAX: u32 = 5;

/// Brings the database to this binary's schema, or refuses one that has another.
pub(super) async fn prepare(connection: &mut PgConnection, migrate: Migrate) -> Result<(), StoreError> {
    let known = SCHEMA_VERSION;
    let found = version(connection).await.map_err(|error| store_error(&error))?;
    if found > known {
        return Err(StoreError::SchemaNewer { found, known });
    }
    match migrate {
        Migrate::No if found < known => Err(StoreError::SchemaOlder { found, known }),
        Migrate::Yes if found < known => run(connection).await,
        Migrate::No | Migrate::Yes => Ok(()),
    }
}

/// The schema of the database; 0 for none.
pub(super) async fn version(connection: &mut PgConnection) -> sqlx::Result<i64> {
    let row = sqlx::query("SELECT to_regclass('schema_migrations') IS NOT NULL")
        .fetch_one(&mut *connection)
        .await?;
    if !row.try_get::<bool, _>(0)? {
        return Ok(0);
    }
    let row =
        sqlx::query("SELECT coalesce(max(version), 0) FROM schema_migrations").fetch_one(connection).await?;
    row.try_get(0)
}

async fn run(connection: &mut PgConnection) -> Result<(), StoreError> {
    create_table_of_steps(connection).await.map_err(|error| store_error(&error))?;
    let mut transaction = connection.begin().await.map_err(|error| store_error(&error))?;
    // Row 0 is the turn: a second process waits here, and then finds that nothing is left to do.
    sqlx::query("SELECT version FROM schema_migrations WHERE version = 0 FOR UPDATE")
        .fetch_one(&mut *transaction)
        .await
        .map_err(|error| store_error(&error))?;
    let found = version(&mut transaction).await.map_err(|error| store_error(&error))?;
    let applied = usize::try_from(found).map_err(|_| StoreError::Corrupt(format!("schema {found}")))?;
    for (number, (name, sql)) in (1_i64..).zip(STEPS).skip(applied) {
        transaction.execute(*sql).await.map_err(|error| {
            StoreError::Unavailable(format!("migration {number} ({name}) failed: {error}"))
        })?;
        sqlx::query("INSERT INTO schema_migrations (version, name) VALUES ($1, $2)")
            .bind(number)
            .bind(name)
            .execute(&mut *transaction)
            .await
            .map_err(|error| store_error(&error))?;
    }
    transaction.commit().await.map_err(|error| store_error(&error))
}

/// `IF NOT EXISTS` still collides with a process that does the same in the same instant; the second attempt finds its
/// work.
async fn create_table_of_steps(connection: &mut PgConnection) -> sqlx::Result<()> {
    let sql = "CREATE TABLE IF NOT EXISTS schema_migrations (version bigint PRIMARY KEY, name text NOT NULL, \
               applied_at timestamptz NOT NULL DEFAULT now()); \
               INSERT INTO schema_migrations (version, name) VALUES (0, 'empty') ON CONFLICT (version) DO UPDATE \
               SET name = excluded.name";
    let mut attempt = 1;
    loop {
        match connection.execute(sql).await {
            Ok(_) => return Ok(()),
            Err(sqlx::Error::Database(_)) if attempt < CREATE_ATTEMPTS_MAX => attempt += 1,
            Err(error) => return Err(error),
        }
    }
}

//! Every store keeps the same promises.

use std::{path::Path, sync::Arc};

use orderwire::{
    engine::log::SharedLog,
    stores::{Migrate, conformance, memory::MemoryLog, sqlite::SqliteLog},
};
use uuid::Uuid;

async fn sqlite(path: &Path) -> SharedLog {
    Arc::new(SqliteLog::open(path, Migrate::Yes).await.unwrap())
}

#[tokio::test]
async fn the_store_in_memory_keeps_every_promise() {
    conformance::run_all(async || Arc::new(MemoryLog::new()) as SharedLog).await;
}

#[tokio::test]
async fn a_sqlite_file_keeps_every_promise() {
    let folder = tempfile::tempdir().unwrap();
    conformance::run_all(async || sqlite(&folder.path().join(Uuid::now_v7().to_string())).await).await;
}

#[tokio::test]
async fn a_sqlite_file_is_the_same_when_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("again.db");
    conformance::handles::a_log_is_the_same_when_opened_again(async || sqlite(&path).await).await.unwrap();
}

#[tokio::test]
async fn two_handles_to_a_sqlite_file_share_its_leases() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared.db");
    let (one, other) = (sqlite(&path).await, sqlite(&path).await);
    conformance::handles::two_handles_share_one_lease(one, other).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handles_to_a_sqlite_file_share_one_order() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared.db");
    let (one, other) = (sqlite(&path).await, sqlite(&path).await);
    conformance::handles::two_appenders_share_one_order(one, other).await.unwrap();
}

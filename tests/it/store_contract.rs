//! Every store keeps the same promises.

use std::sync::Arc;

use orderwire::{
    engine::log::SharedLog,
    stores::{Migrate, conformance, memory::MemoryLog, sqlite::SqliteLog},
};

async fn memory() -> SharedLog {
    Arc::new(MemoryLog::new())
}

#[tokio::test]
async fn the_store_in_memory_keeps_every_promise() {
    conformance::run_all(memory).await;
}

struct Files(tempfile::TempDir, std::sync::atomic::AtomicU32);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap(), Default::default())
    }

    fn path(&self) -> std::path::PathBuf {
        let n = self.1.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.0.path().join(format!("{n}.db"))
    }
}

async fn sqlite(path: &std::path::Path) -> SharedLog {
    Arc::new(SqliteLog::open(path, Migrate::Yes).await.unwrap())
}

#[tokio::test]
async fn a_sqlite_file_keeps_every_promise() {
    let files = Files::new();
    conformance::run_all(async || sqlite(&files.path()).await).await;
}

#[tokio::test]
async fn a_sqlite_file_is_the_same_when_opened_again() {
    let files = Files::new();
    let path = files.path();
    conformance::handles::a_log_is_the_same_when_opened_again(async || sqlite(&path).await).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_handles_to_a_sqlite_file_share_one_order() {
    let files = Files::new();
    let path = files.path();
    let (one, other) = (sqlite(&path).await, sqlite(&path).await);
    conformance::handles::two_appenders_share_one_order(one, other).await.unwrap();
}

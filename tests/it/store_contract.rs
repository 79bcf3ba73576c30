//! Every store keeps the same promises.

use std::sync::Arc;

use orderwire::{
    engine::log::SharedLog,
    stores::{conformance, memory::MemoryLog},
};

async fn memory() -> SharedLog {
    Arc::new(MemoryLog::new())
}

#[tokio::test]
async fn the_store_in_memory_keeps_every_promise() {
    conformance::run_all(memory).await;
}

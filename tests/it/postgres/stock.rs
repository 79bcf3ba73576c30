//! The stock crates on our table: they read what we wrote, and cannot write past us.

use cqrs_es::{
    Aggregate, CqrsFramework, DomainEvent, EventStore as _, event_sink::EventSink,
    persist::PersistedEventStore,
};
use postgres_es::PostgresEventRepository;
use serde::{Deserialize, Serialize};
use sqlx::PgPool;

use super::*;

/// As much of an order as a stock aggregate needs: how many lines it has.
#[derive(Debug, Default, Serialize, Deserialize)]
struct StockOrder {
    lines: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum StockEvent {
    LineAdded { line: u64 },
}

impl DomainEvent for StockEvent {
    fn event_type(&self) -> String {
        "LineAdded".into()
    }

    fn event_version(&self) -> String {
        "1.0".into()
    }
}

impl Aggregate for StockOrder {
    const TYPE: &'static str = "order";
    type Command = ();
    type Event = StockEvent;
    type Error = std::fmt::Error;
    type Services = ();

    async fn handle(&mut self, (): (), (): &(), sink: &EventSink<Self>) -> Result<(), std::fmt::Error> {
        let line = self.lines + 1;
        sink.write(StockEvent::LineAdded { line }, self).await;
        Ok(())
    }

    fn apply(&mut self, StockEvent::LineAdded { line }: StockEvent) {
        assert_eq!(line, self.lines + 1, "events come in order");
        self.lines = line;
    }
}

async fn stock_store(database: &Database) -> PersistedEventStore<PostgresEventRepository, StockOrder> {
    let pool = PgPool::connect_with(database.options.clone()).await.unwrap();
    PersistedEventStore::new_event_store(PostgresEventRepository::new(pool))
}

#[tokio::test]
async fn a_stock_reader_loads_what_we_wrote() {
    on_a_database(async |database: Database| {
        let log = database.open().await;
        let batch = vec![events(order(1), 0, 2), events(order(2), 0, 1), events(order(1), 2, 3)];
        assert_appended(&append(&log, batch).await);

        let store = stock_store(&database).await;
        let id = order(1).to_string();
        let loaded = store.load_aggregate(&id).await.unwrap();
        assert_eq!((loaded.aggregate.lines, loaded.current_sequence), (5, 5));
        let read = store.load_events(&id).await.unwrap();
        assert_eq!(read.len(), 5);
        assert_eq!(read[4].payload, StockEvent::LineAdded { line: 5 });
        assert_eq!(read[4].metadata["actor"], "test");
        log.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_stock_writer_is_refused() {
    on_a_database(async |database: Database| {
        let log = database.open().await;
        assert_appended(&append(&log, vec![events(order(1), 0, 2)]).await);

        let framework = CqrsFramework::new(stock_store(&database).await, vec![], ());
        framework.execute(&order(1).to_string(), ()).await.unwrap_err();
        framework.execute(&order(2).to_string(), ()).await.unwrap_err();
        assert_eq!(log.page(0, 10).await.unwrap().len(), 2);
        assert_appended(&append(&log, vec![events(order(1), 2, 1)]).await);
        log.close().await;
    })
    .await;
}

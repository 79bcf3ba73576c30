//! An order as its own events leave it, for whoever changed it and need not wait for the row that will say the same.
//!
//! The row is folded from these events and no others, so both agree; a test compares them. Absent: lines, which show what
//! happened to numbers and ports too.

use orderwire_domain::{
    ids::OrderId,
    views::{
        fold::{Fault, load},
        order_status::{self, OrderView},
        overlay::Overlay,
    },
};

use super::{
    error::Error,
    log::{Position, SharedLog},
    readers::fact,
    recent::Recent,
};

/// Orders with more events than this wait for their row: folding them takes longer than that.
const EVENTS_MAX: usize = 64;

/// An order as of a position; `None` where there was none, or where it has too many events.
pub(super) async fn order(
    log: &SharedLog,
    recent: &Recent,
    id: OrderId,
    to: Position,
) -> Result<Option<OrderView>, Error> {
    let facts = match recent.stream(id.into(), to) {
        Some(facts) => facts,
        None => log.stream(id.into(), 0, EVENTS_MAX).await?.iter().map(fact).collect::<Result<_, _>>()?,
    };
    if facts.len() >= EVENTS_MAX {
        return Ok(None);
    }
    let broken = |why: String| Error::Corrupt { stream: id.to_string(), detail: why };
    let mut rows = Overlay::new();
    for fact in facts.iter().filter(|fact| fact.position <= to) {
        loop {
            match rows.fold(order_status::fold, fact) {
                Ok(()) => break,
                // Every row of an order comes from its own events, so what is not at hand does not exist.
                Err(Fault::Need(need)) => rows.supply(&need, Vec::new()),
                Err(Fault::Broken(why)) => return Err(broken(why)),
            }
        }
    }
    match load(&mut rows, &id.to_string()) {
        Ok(order) => Ok(order),
        Err(Fault::Need(_)) => Ok(None),
        Err(Fault::Broken(why)) => Err(broken(why)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use orderwire_domain::{
        ids::ResellerId,
        joint::Command,
        order::{
            commands::OrderCommand,
            line::{CompanyLine, LineRequest},
        },
    };

    use super::*;
    use crate::{
        engine::{Actor, Engine, Provenance, query, sealing::MasterKey},
        stores::memory::MemoryLog,
    };

    #[tokio::test]
    async fn an_order_as_of_a_position_is_what_its_row_was_there() {
        let engine = Engine::builder().background(false);
        let log: SharedLog = Arc::new(MemoryLog::new());
        log.create_tables(&Engine::tables()).await.unwrap();
        let engine = engine.open(log, MasterKey::generate()).await.unwrap();
        let operator = Provenance::of(Actor::new("operator").unwrap());
        let execute = async |command| engine.execute(&command, &operator, None).await.unwrap();
        let code = "R100";
        let reseller: ResellerId = execute(Command::CreateReseller {
            code: code.parse().unwrap(),
            cug_id: code.parse().unwrap(),
            sales_tag: code.parse().unwrap(),
            name: "Northern Voice".parse().unwrap(),
        })
        .await
        .id("reseller");
        let (name, domain) = ("Acme".parse().unwrap(), "acme.example".parse().unwrap());
        let company = execute(Command::Qualify { reseller, name, domain }).await.id("company");
        let lines = vec![LineRequest::Company(CompanyLine { channels: 10, contact: None })];
        let reference = "PO-1".parse().unwrap();
        let drafted =
            execute(Command::CreateOrder { reseller, reference, company: Some(company), lines }).await;
        let id: OrderId = drafted.id("order");
        let mut seen = Vec::new();
        let submit = Command::Submit { order: id };
        let cancel =
            Command::Order { order: id, command: OrderCommand::RequestCancellation { reason: None } };
        let mut at = drafted.appended.last();
        for next in [Some(submit), Some(cancel), None] {
            engine.catch_up(std::time::Duration::from_secs(5)).await.unwrap();
            let row: Option<OrderView> = query::get(engine.log(), &id.to_string()).await.unwrap();
            seen.push((at, row));
            if let Some(next) = next {
                at = execute(next).await.appended.last();
            }
        }
        for (at, row) in seen {
            assert!(row.is_some());
            assert_eq!(engine.order_as_of(id, at).await.unwrap(), row, "at {at}");
        }
        assert_eq!(engine.order_as_of(id, 1).await.unwrap(), None, "before it was drafted");
        engine.close().await;
    }
}

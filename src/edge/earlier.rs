//! What an earlier placing of a document left: the order and the company that its keys answer with.
//!
//! What was given up since is out of the way: the next placing goes by a key that names it, so the same reference can be
//! placed again, and one that was cut short goes on where it was. Deliberately absent: looking anything up by name.

use std::str::FromStr;

use orderwire_domain::{
    company::{Company, CompanyStatus, commands::CompanyCommand},
    decider::Decider as _,
    ids::{CompanyId, OrderId, ResellerId},
    joint::{Command, Ids},
    order::{Order, OrderStatus, commands::OrderCommand},
};

use super::{
    document::{DocumentCompany, OrderDocument},
    problem::Error,
};
use crate::engine::{self, Engine, ErrorKind, IdempotencyKey, Provenance, Receipt, log::StoredRecord};

/// How often what was placed under one reference may have been given up.
const GIVEN_UP_MAX: u32 = 1_000;

/// A key to place something by, and what was placed by it before.
pub(super) struct Earlier<Id> {
    pub(super) key: IdempotencyKey,
    pub(super) placed: Option<(Id, StoredRecord)>,
}

/// A reference is one order. Sealing is never the same twice, so the document as sent is what is compared.
pub(super) async fn order(
    engine: &Engine,
    reseller: ResellerId,
    document: &OrderDocument,
) -> Result<Earlier<OrderId>, Error> {
    let mut key = IdempotencyKey {
        owner: reseller.to_string(),
        key: format!("order {}", document.reference),
        fingerprint: Some(document.digest),
    };
    for _ in 0..GIVEN_UP_MAX {
        let Some((order, record)) = answered(engine, &key, "order").await? else {
            return Ok(Earlier { key, placed: None });
        };
        let (_, state) = engine.load::<Order>(order).await?;
        if state.status() != OrderStatus::Discarded {
            return Ok(Earlier { key, placed: Some((order, record)) });
        }
        key.key = format!("order {} after {order}", document.reference);
    }
    Err(Error::Engine(engine::Error::KeyReused))
}

/// A company belongs to its order by name: a document that is corrected after a refusal meets the company it has.
pub(super) async fn company(
    engine: &Engine,
    reseller: ResellerId,
    document: &OrderDocument,
) -> Result<Earlier<CompanyId>, Error> {
    let named = match &document.company {
        Some(DocumentCompany::New { name, domain }) => format!("{} {domain}", name.key()),
        _ => String::new(),
    };
    let first = format!("order {} company {named}", document.reference);
    let mut key = IdempotencyKey { owner: reseller.to_string(), key: first.clone(), fingerprint: None };
    for _ in 0..GIVEN_UP_MAX {
        let Some((company, record)) = answered(engine, &key, "company").await? else {
            return Ok(Earlier { key, placed: None });
        };
        let (_, state) = engine.load::<Company>(company).await?;
        let ended = [CompanyStatus::Released, CompanyStatus::Expired, CompanyStatus::Ceased];
        if !ended.contains(&state.status()) {
            return Ok(Earlier { key, placed: Some((company, record)) });
        }
        key.key = format!("{first} after {company}");
    }
    Err(Error::Engine(engine::Error::KeyReused))
}

/// What a key was answered with before.
async fn answered<Id: FromStr>(
    engine: &Engine,
    key: &IdempotencyKey,
    name: &str,
) -> Result<Option<(Id, StoredRecord)>, Error> {
    let record = super::place::record(engine, key).await?;
    let Some(record) = record else { return Ok(None) };
    // What cannot be read is told below, with what was kept.
    let ids: Option<Ids> = serde_json::from_str(&record.ids).ok();
    let id = ids.and_then(|ids| ids.get(name)?.parse().ok());
    let corrupt = || engine::Error::Corrupt {
        stream: key.key.clone(),
        detail: format!("the answer that was kept names no {name}: {}", record.ids),
    };
    Ok(Some((id.ok_or_else(corrupt)?, record)))
}

/// Gives up what a refused placing has made: its draft, then the company that was qualified for it. What is none any
/// more, since somebody was faster, stays as it is.
pub(super) async fn give_up(
    engine: &Engine,
    provenance: &Provenance,
    order: Option<OrderId>,
    company: Option<CompanyId>,
) -> Result<(), Error> {
    if let Some(order) = order {
        let (_, state) = engine.load::<Order>(order).await?;
        if state.status() == OrderStatus::Draft {
            let command = Command::Order { order, command: OrderCommand::Discard };
            unless_too_late(engine.execute(&command, provenance, None).await)?;
        }
    }
    if let Some(company) = company {
        let (_, state) = engine.load::<Company>(company).await?;
        if state.status() == CompanyStatus::Qualified {
            let command = Command::Company { company, command: CompanyCommand::Release };
            unless_too_late(engine.execute(&command, provenance, None).await)?;
        }
    }
    Ok(())
}

/// A refusal means that it is no draft, or not merely qualified, any more.
fn unless_too_late(answer: Result<Receipt, engine::Error>) -> Result<(), Error> {
    match answer {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == ErrorKind::Refused => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::TimeDelta;
    use orderwire_domain::number::NumberRange;

    use super::*;
    use crate::{
        edge::{
            document::parse,
            place::{Placed, place, submit_or_give_up},
            rehearse::rehearse,
        },
        engine::log::SharedLog,
        engine::{Actor, clock::SimulatedClock, sealing::MasterKey},
        stores::memory::MemoryLog,
    };

    struct Desk {
        engine: Engine,
        operator: Provenance,
        clock: SimulatedClock,
    }

    impl Desk {
        async fn open() -> Self {
            let clock = SimulatedClock::at("2026-06-01T09:00:00Z".parse().unwrap());
            let log: SharedLog = Arc::new(MemoryLog::new());
            log.create_tables(&Engine::tables()).await.unwrap();
            let engine = Engine::builder().background(false).clock(clock.clone());
            let engine = engine.open(log, MasterKey::generate()).await.unwrap();
            let operator = Provenance::of(Actor::new("operator").unwrap());
            let reseller = Command::CreateReseller {
                code: "R100".parse().unwrap(),
                cug_id: "R100".parse().unwrap(),
                sales_tag: "R100".parse().unwrap(),
                name: "Northern Voice".parse().unwrap(),
            };
            let range = NumberRange::parse("0113 496 0000-0999").unwrap();
            let place = "Leeds".parse().unwrap();
            let stock = Command::LoadBlock { range, range_holder: "001".parse().unwrap(), place };
            for command in [reseller, stock] {
                engine.execute(&command, &operator, None).await.unwrap();
            }
            Self { engine, operator, clock }
        }

        async fn place(&self, document: &OrderDocument) -> Placed {
            rehearse(&self.engine, &self.operator, document).await.unwrap();
            place(&self.engine, &self.operator, document).await.unwrap()
        }

        async fn submit(&self, document: &OrderDocument, placed: &Placed) -> Result<OrderId, Error> {
            submit_or_give_up(&self.engine, &self.operator, document, placed).await
        }

        async fn statuses(&self, placed: &Placed) -> (OrderStatus, CompanyStatus) {
            let (_, order) = self.engine.load::<Order>(placed.order).await.unwrap();
            let (_, company) = self.engine.load::<Company>(placed.company.unwrap()).await.unwrap();
            (order.status(), company.status())
        }
    }

    fn document(reference: &str, name: &str, number: &str) -> OrderDocument {
        parse(&format!(
            r#"{{ "reference": "{reference}", "reseller": "R100",
                 "company": {{ "name": "{name}", "domain": "{name}.example" }},
                 "lines": [{{ "kind": "company", "id": "company", "channels": 10 }},
                           {{ "kind": "numbers", "id": "new", "ask": {{ "numbers": ["{number}"] }} }}] }}"#
        ))
        .unwrap()
    }

    #[tokio::test]
    async fn who_loses_a_race_keeps_nothing_and_is_placed_corrected_under_the_same_reference() {
        let desk = Desk::open().await;
        let (won, lost) =
            (document("PO-1", "acme", "0113 496 0001"), document("PO-2", "bolt", "0113 496 0001"));
        let (first, second) = (desk.place(&won).await, desk.place(&lost).await);
        desk.submit(&won, &first).await.unwrap();
        let refused = desk.submit(&lost, &second).await.unwrap_err();
        assert_eq!(refused.problems()[0].pointer, "/lines/1");
        assert_eq!(desk.statuses(&second).await, (OrderStatus::Discarded, CompanyStatus::Released));

        let corrected = document("PO-2", "bolt", "0113 496 0002");
        let again = desk.place(&corrected).await;
        assert_ne!((again.order, again.company), (second.order, second.company));
        desk.submit(&corrected, &again).await.unwrap();
        assert_eq!(desk.statuses(&again).await, (OrderStatus::Submitted, CompanyStatus::Ordered));
        let repeated = desk.place(&corrected).await;
        assert!(repeated.receipt.repeated && repeated.order == again.order);
        desk.engine.close().await;
    }

    #[tokio::test]
    async fn giving_up_that_was_cut_short_is_finished_by_asking_again() {
        let desk = Desk::open().await;
        let (won, lost) =
            (document("PO-1", "acme", "0113 496 0001"), document("PO-2", "bolt", "0113 496 0001"));
        let (first, second) = (desk.place(&won).await, desk.place(&lost).await);
        desk.submit(&won, &first).await.unwrap();

        // Cut short before the submit: the draft is met again.
        let draft = desk.place(&lost).await;
        assert_eq!((draft.order, draft.company), (second.order, second.company));
        // Cut short between the draft and its company: that company is met again.
        give_up(&desk.engine, &desk.operator, Some(draft.order), None).await.unwrap();
        let corrected = document("PO-2", "bolt", "0113 496 0002");
        let again = desk.place(&corrected).await;
        assert_eq!(again.company, second.company);
        desk.submit(&corrected, &again).await.unwrap();
        // What is submitted is not given up by whoever comes late.
        give_up(&desk.engine, &desk.operator, Some(again.order), again.company).await.unwrap();
        assert_eq!(desk.statuses(&again).await, (OrderStatus::Submitted, CompanyStatus::Ordered));
        desk.engine.close().await;
    }

    #[tokio::test]
    async fn an_old_file_is_still_the_order_it_was() {
        let desk = Desk::open().await;
        let sent = document("PO-1", "acme", "0113 496 0001");
        let placed = desk.place(&sent).await;
        desk.submit(&sent, &placed).await.unwrap();
        desk.clock.move_to(desk.engine.now() + TimeDelta::days(400));
        let again = desk.place(&sent).await;
        assert_eq!((again.order, again.receipt.repeated), (placed.order, true));
        assert_eq!(desk.submit(&sent, &again).await.unwrap(), placed.order);
        let other = document("PO-1", "acme", "0113 496 0002");
        let refused = rehearse(&desk.engine, &desk.operator, &other).await.unwrap_err();
        assert_eq!(refused.problems()[0].code, "reference_used");
        desk.engine.close().await;
    }
}

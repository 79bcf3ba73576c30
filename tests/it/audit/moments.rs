//! How things were at a moment, what changed between two, and what stands in the way of a command.

use chrono::{DateTime, TimeDelta, Utc};
use orderwire::{
    audit::{Moment, as_of, diff, why_not},
    domain::{
        ids::{OrderId, StreamId},
        joint::Command,
        order::commands::OrderCommand,
    },
    edge::{Error, history::Sight},
};
use uuid::Uuid;

use super::{Life, as_naive, compared, holds, log, recorded_at};
use crate::world::*;

fn code<T: std::fmt::Debug>(found: Result<T, Error>) -> String {
    found.unwrap_err().problems()[0].code.clone()
}

#[tokio::test]
async fn as_of_equals_a_naive_fold_at_every_position_and_around_every_time() {
    let life = Life::lived().await;
    let engine = &life.world.engine;
    let log = log(engine).await;
    let streams: Vec<StreamId> = life
        .orders
        .iter()
        .map(|order| order.stream())
        .chain([life.company.stream(), life.port.stream()])
        .collect();
    let end = recorded_at(log.last().unwrap());
    for stream in streams {
        for position in 0..=log.len() as u64 {
            as_naive(engine, &log, stream, Moment::Position(position)).await;
        }
        for event in &log {
            for off in [-1, 0, 1] {
                let time = (recorded_at(event) + TimeDelta::microseconds(off)).min(end);
                as_naive(engine, &log, stream, Moment::Time(time)).await;
            }
        }
        for from in (0..=log.len() as u64).step_by(5) {
            let to = Moment::Position(log.len() as u64 - from / 3);
            compared(engine, &log, stream, (Moment::Position(from.min(log.len() as u64 - from / 3)), to))
                .await;
        }
    }
    holds(engine).await;
}

#[tokio::test]
async fn a_moment_that_cannot_be_answered_says_what_can() {
    let life = Life::lived().await;
    let engine = &life.world.engine;
    let head = engine.head().await.unwrap().position;
    let order = life.orders[1].stream();
    let ask = |stream, moment| as_of::as_of(engine, stream, moment, Sight::Opened);
    assert_eq!(code(ask(order, Moment::Position(head + 1)).await), "position_beyond_log");
    assert_eq!(code(ask(order, Moment::Position(0)).await), "not_yet");
    assert_eq!(code(ask(order, Moment::Time(DateTime::<Utc>::MIN_UTC)).await), "not_yet");
    let tomorrow = engine.now() + TimeDelta::days(1);
    assert_eq!(code(ask(order, Moment::Time(tomorrow)).await), "time_to_come");
    let nobody = OrderId(Uuid::from_u128(7)).stream();
    assert_eq!(code(ask(nobody, Moment::Position(head)).await), "not_found");
    let said = ask(order, Moment::Position(3)).await.unwrap_err().to_string();
    let first = log(engine).await.into_iter().find(|event| event.stream == order).unwrap();
    assert!(said.contains("at position 3") && said.contains(&first.position.to_string()), "{said}");

    let swapped = (Moment::Position(head), Moment::Position(first.position));
    assert_eq!(code(diff::diff(engine, order, swapped, Sight::Opened).await), "moments_swapped");
    let before = (Moment::Position(0), Moment::Position(1));
    assert_eq!(code(diff::diff(engine, order, before, Sight::Opened).await), "not_yet");
    let same = (Moment::Position(head), Moment::Position(head));
    assert_eq!(diff::diff(engine, order, same, Sight::Opened).await.unwrap().changes, []);
}

#[tokio::test]
async fn a_field_is_told_with_the_event_and_the_actor_that_changed_it() {
    let life = Life::lived().await;
    let engine = &life.world.engine;
    let log = log(engine).await;
    let order = life.orders[0].stream();
    let at = |name: &str| log.iter().find(|it| it.stream == order && it.event_type == name).unwrap().position;
    let between = (Moment::Position(at("OrderSubmitted")), Moment::Position(log.len() as u64));
    let found = diff::diff(engine, order, between, Sight::Opened).await.unwrap();
    let by = |path: &str| &found.changes.iter().find(|change| change.path == path).unwrap().by;
    assert_eq!(
        (by("/status").event.as_str(), by("/status").position),
        ("OrderCompleted", at("OrderCompleted"))
    );
    assert_eq!(by("/lines/1/status").event, "LineCompleted");
    let started = (Moment::Position(0), Moment::Position(at("LineStarted")));
    let found = diff::diff(engine, order, started, Sight::Opened).await.unwrap();
    let change = found.changes.iter().find(|change| change.path == "/lines/1/status").unwrap();
    assert_eq!((change.by.event.as_str(), change.by.actor.as_str()), ("LineStarted", "engine:fulfilment"));
    assert_eq!(found.from, None, "it had not begun");
}

#[tokio::test]
async fn what_is_refused_says_since_when_and_what_unlocks_it() {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    let company = world.company(reseller, "Acme").await;
    let order = world.order(company, "PO-1", vec![company_line(10)]).await;
    let by = operator();
    let ask = |name| why_not::why_not(&world.engine, &by, order.stream(), name);
    let found = ask("acknowledge").await.unwrap();
    assert_eq!((found.status, found.allowed, found.since.event.as_str()), ("draft", false, "OrderCreated"));
    assert_eq!((found.rules[0].code.as_str(), found.from.as_slice()), ("not_permitted", &["submitted"][..]));
    let way: Vec<_> = found.unlock.unwrap().iter().map(|step| (step.action, step.to)).collect();
    assert_eq!(way, [("submit", "submitted")]);
    assert!(ask("submit").await.unwrap().allowed);
    assert!(ask("information-deadline-passes").await.unwrap().command == "information_deadline_passes");
    let unknown = ask("launch").await.unwrap_err();
    assert!(unknown.problems()[0].expected.as_ref().unwrap().contains("request_cancellation"), "{unknown}");

    let empty = world.order(company, "PO-2", vec![]).await;
    let refused = why_not::why_not(&world.engine, &operator(), empty.stream(), "submit").await.unwrap();
    assert!(!refused.allowed && refused.unlock == Some(vec![]), "the rules refuse it, not where it is");

    world.done(Command::Submit { order }).await;
    world.tell(order, OrderCommand::RequestCancellation { reason: None }).await;
    world.settle().await;
    let ended = ask("request_cancellation").await.unwrap();
    assert_eq!((ended.status, ended.unlock), ("cancelled", None));
    assert_eq!(
        (ended.since.event.as_str(), ended.since.actor.as_str()),
        ("OrderCancelled", "engine:fulfilment")
    );
}

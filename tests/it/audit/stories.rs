//! What one request led to, how history reads, and how long orders take.

use chrono::TimeDelta;
use orderwire::{
    audit::{
        stats, timeline,
        trace::{self, Node, Start, Trace},
    },
    domain::joint::Command,
    edge::history::Sight,
    engine::{Actor, Engine, Provenance},
};

use super::{Life, log};
use crate::world::*;

fn tied(correlation: &str) -> Provenance {
    Provenance { correlation: Some(correlation.into()), ..Provenance::of(Actor::new("alice").unwrap()) }
}

/// Every node with what caused it.
fn nodes<'a>(node: &'a Node, found: &mut Vec<&'a Node>) {
    found.push(node);
    node.caused.iter().for_each(|caused| nodes(caused, found));
}

fn events(trace: &Trace) -> Vec<String> {
    let mut found = Vec::new();
    trace.roots.iter().for_each(|root| nodes(root, &mut found));
    found.iter().flat_map(|node| node.happened.iter().map(|it| it.event.clone())).collect()
}

async fn of(engine: &Engine, start: Start) -> Trace {
    trace::trace(engine, start).await.unwrap()
}

#[tokio::test]
async fn a_submit_and_all_that_it_caused_stand_in_one_tree() {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    let order = world.order(company, "PO-1", new_company(1, 5)).await;
    let submit = world.engine.execute(&Command::Submit { order }, &tied("req-1"), None).await.unwrap();
    world.settle().await;
    let found = of(&world.engine, Start::Correlation("req-1".into())).await;
    assert_eq!(found.roots.len(), 1, "everything hangs on the submit: {found:#?}");
    let root = &found.roots[0];
    assert_eq!((root.command.as_str(), root.actor.as_str()), ("order.submit", "alice"));
    let told = events(&found);
    for event in [
        "OrderSubmitted",
        "OrderAcknowledged",
        "LineStarted",
        "LineCompleted",
        "CompanyActivated",
        "OrderCompleted",
    ] {
        assert!(told.iter().any(|it| it == event), "{event} is not in {told:?}");
    }
    let after = log(&world.engine).await.into_iter().filter(|event| event.position >= submit.appended.first);
    assert_eq!(found.events, after.count(), "nothing else happened since");
    let mut all = Vec::new();
    nodes(root, &mut all);
    for node in all.iter().filter(|node| !std::ptr::eq(**node, root)) {
        assert!(node.actor.starts_with("engine:"), "{node:?}");
    }
    // From a position in the middle, and from the order, it is the same story.
    let middle = submit.appended.last() + 3;
    for start in [Start::Position(middle), Start::Stream(order.stream())] {
        let again = of(&world.engine, start.clone()).await;
        assert_eq!(events(&again), told, "from {start:?}");
        assert_eq!(again.correlation.as_deref(), Some("req-1"));
    }
    let unknown = trace::trace(&world.engine, Start::Correlation("req-2".into())).await.unwrap_err();
    assert_eq!(unknown.problems()[0].code, "correlation_unknown");
    assert!(trace::trace(&world.engine, Start::Position(10_000)).await.is_err());
}

#[tokio::test]
async fn what_a_timer_does_is_tied_to_what_set_it() {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    world.engine.execute(&reserve(company, leeds(0, 5)), &tied("held"), None).await.unwrap();
    world.engine.execute(&reserve(company, leeds(10, 5)), &tied("other"), None).await.unwrap();
    world.sleep(TimeDelta::days(20)).await;
    let found = of(&world.engine, Start::Correlation("held".into())).await;
    let told = events(&found);
    assert_eq!(told, ["NumbersReserved", "ReservationExpiring", "NumbersReleased", "ReservationEnded"]);
    assert_eq!(found.roots.len(), 1, "both timers hang on the reservation: {found:#?}");
    let position = found.roots[0].caused.last().unwrap().happened[0].position;
    assert_eq!(events(&of(&world.engine, Start::Position(position)).await), told, "from what the timer did");
}

#[tokio::test]
async fn a_history_says_what_caused_a_step_and_what_a_table_decided() {
    let life = Life::lived().await;
    let engine = &life.world.engine;
    let port = timeline::page(engine, (life.port.stream(), 0, 100), Sight::Sealed).await.unwrap();
    let drafted = &port[0];
    let ruling = &drafted.decided_by[0];
    assert_eq!(ruling.rule, "lead_time single_line");
    assert_eq!(
        (&ruling.result["day_zero"], &ruling.result["working_days"]),
        (&"2026-06-01".into(), &4.into())
    );
    assert!(ruling.inputs["shape"]["class"] == "single_line" && ruling.inputs.contains_key("at"));
    let submitted = port.iter().find(|entry| entry.step.event == "PortSubmitted").unwrap();
    let rules: Vec<&str> = submitted.decided_by.iter().map(|it| it.rule.as_str()).collect();
    assert_eq!(rules, ["overdue_hours", "port_no_progress_working_days"]);
    assert!(submitted.caused_by.is_some(), "fulfilment says why");
    let order = timeline::page(engine, (life.orders[0].stream(), 0, 100), Sight::Sealed).await.unwrap();
    let acknowledged = order.iter().find(|entry| entry.step.event == "OrderAcknowledged").unwrap();
    assert_eq!(acknowledged.caused_by.as_ref().unwrap().event, "PortDrafted", "the last of the submit");
    assert!(!serde_json::to_string(&port).unwrap().contains("ciphertext"));
}

#[tokio::test]
async fn stays_are_counted_when_they_end_and_drawn_as_they_were() {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    let company = world.company(reseller, "Acme").await;
    let order = world.order(company, "PO-1", vec![company_line(10)]).await;
    world.order(company, "PO-2", vec![company_line(10)]).await;
    world.clock.move_to(beginning() + TimeDelta::hours(10));
    world.done(Command::Submit { order }).await;
    world.settle().await;
    let found = stats::stats(&world.engine, None, None).await.unwrap();
    let of = |state: &str| found.states.iter().find(|it| it.state == state).unwrap();
    assert_eq!((of("draft").now, of("draft").left, of("completed").now), (1, 1, 1));
    let hours = of("draft").median_s.unwrap() / 3_600.0;
    assert!((hours - 10.0).abs() < 0.01, "{hours}");
    assert_eq!((of("completed").left, of("completed").median_s), (0, None), "what has ended stays");
    let before = found.series.iter().rfind(|point| point.at < found.to).unwrap();
    assert_eq!(before.orders, [("draft", 2)].into());
    let picture = found.to_svg();
    assert!(
        picture.starts_with("<svg ")
            && picture.ends_with("</svg>\n")
            && picture.contains("prefers-color-scheme")
    );
    assert_eq!(picture.matches("<path fill=\"#").count(), 2, "a band for each of two states");

    let none = stats::stats(&world.engine, Some(beginning() + TimeDelta::hours(11)), None).await;
    assert_eq!(none.unwrap_err().problems()[0].code, "moments_swapped");
    let early = stats::stats(&world.engine, None, Some(beginning() + TimeDelta::hours(1))).await.unwrap();
    assert_eq!(
        early.states.iter().map(|it| (it.state, it.now, it.left)).collect::<Vec<_>>(),
        [("draft", 2, 0)]
    );
}

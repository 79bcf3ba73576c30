//! Cases of orders and companies that wait for something which will not come any more: none of them is left for ever.

use chrono::TimeDelta;
use orderwire::domain::{
    company::{Company, CompanyStatus},
    decider::Decider as _,
    ids::{CompanyId, OrderId},
    joint,
    order::{
        Order, OrderStatus,
        commands::OrderCommand,
        line::{
            LineFailure, LineState,
            LineStatus::{Cancelled, Completed, Failed},
            Parent,
        },
    },
    refusal::Reason,
};

use crate::{invariants::Audit, world::*};

/// An order that is to bring the company into service, acknowledged, and another that waits for that: numbers, a site, a
/// user there and a trunk's PBX.
async fn two_orders(world: &World) -> (CompanyId, OrderId, OrderId) {
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    let lines = vec![company_line(10), port(port_of(1, morning("2026-07-15")))];
    let (bringing, _) = world.submitted(company, "PO-1", lines).await;
    let lines = vec![
        numbers_line(search(5)),
        site(1, line(1)),
        user(1, Parent::Line(line(2)), None),
        pbx(1, Parent::Line(line(2))),
    ];
    let (waiting, _) = world.submitted(company, "PO-2", lines).await;
    (company, bringing, waiting)
}

fn failure() -> LineFailure {
    LineFailure { code: "no_credit".into(), detail: "no credit".into() }
}

async fn has_given_up(world: &World, company: CompanyId, waiting: OrderId) {
    let order = world.state::<Order>(waiting).await;
    let statuses: Vec<_> = order.lines().map(|(_, line)| line.status()).collect();
    assert_eq!(statuses, [Completed, Failed, Cancelled, Cancelled]);
    assert_eq!(order.status(), OrderStatus::Partial, "its numbers were done before");
    let LineState::Failed(failure) = &order.line(line(2)).unwrap().state else { unreachable!() };
    assert_eq!(failure.code, "company_not_coming");
    assert_eq!(world.state::<Company>(company).await.assets().count(), 0, "its names are free");
}

#[tokio::test]
async fn an_order_waits_no_longer_once_the_company_line_of_another_has_failed() {
    let world = World::in_memory().await;
    let (company, bringing, waiting) = two_orders(&world).await;
    world.tell(bringing, OrderCommand::Acknowledge).await;
    world.tell(bringing, OrderCommand::FailLine { line: line(1), failure: failure() }).await;
    world.settle().await;
    has_given_up(&world, company, waiting).await;
    assert_eq!(world.state::<Company>(company).await.status(), CompanyStatus::Ordered, "a port goes on");

    world.tell(bringing, OrderCommand::RequestCancellation { reason: None }).await;
    world.settle().await;
    assert_eq!(world.state::<Company>(company).await.status(), CompanyStatus::Qualified);
    Audit::of(&world.engine).await;
}

/// Giving up was found to be right, and a moment later somebody else brings the company.
#[tokio::test]
async fn a_line_is_not_given_up_while_its_company_is_coming_again() {
    let world = World::in_memory().await;
    let (company, bringing, waiting) = two_orders(&world).await;
    for order in [bringing, waiting] {
        world.tell(order, OrderCommand::Acknowledge).await;
    }
    world.tell(bringing, OrderCommand::FailLine { line: line(1), failure: failure() }).await;
    let order = world.state::<Order>(waiting).await;
    let todos = joint::todo(waiting, &order, Some(&*world.state::<Company>(company).await), &[]);
    let no_line_fails_with_it = |todo: &&joint::Todo| todo.line.is_none();
    let give_up = todos.iter().find(no_line_fails_with_it).expect("the site is given up").command.clone();
    world.submitted(company, "PO-3", vec![company_line(20)]).await;

    world.refused(give_up.clone(), &["company_coming"]).await;
    world.settle().await;
    assert_eq!(world.state::<Order>(waiting).await.status(), OrderStatus::Completed);
    world.refused(give_up, &["line_not_waiting"]).await;
    Audit::of(&world.engine).await;
}

#[tokio::test]
async fn an_order_waits_no_longer_once_the_one_it_waits_for_was_rejected() {
    let world = World::in_memory().await;
    let (company, bringing, waiting) = two_orders(&world).await;
    let reason = Reason { code: "credit".into(), subject: None, detail: "no credit".into(), expected: None };
    world.tell(bringing, OrderCommand::Reject { reasons: vec![reason] }).await;
    world.settle().await;
    has_given_up(&world, company, waiting).await;
    assert_eq!(world.state::<Company>(company).await.status(), CompanyStatus::Qualified);
    Audit::of(&world.engine).await;
}

#[tokio::test]
async fn an_order_waits_no_longer_once_the_one_it_waits_for_was_cancelled() {
    let world = World::in_memory().await;
    let (company, bringing, waiting) = two_orders(&world).await;
    world.tell(bringing, OrderCommand::RequestCancellation { reason: None }).await;
    world.settle().await;
    has_given_up(&world, company, waiting).await;
    assert_eq!(world.state::<Company>(company).await.status(), CompanyStatus::Qualified);
    Audit::of(&world.engine).await;
}

/// Whoever brings the company instead, the waiting order has what it waits for.
#[tokio::test]
async fn an_order_goes_on_waiting_while_some_order_brings_the_company() {
    let world = World::in_memory().await;
    let (company, bringing, waiting) = two_orders(&world).await;
    world.tell(bringing, OrderCommand::Acknowledge).await;
    world.tell(bringing, OrderCommand::FailLine { line: line(1), failure: failure() }).await;
    world.submitted(company, "PO-3", vec![company_line(20)]).await;
    world.settle().await;
    assert_eq!(world.state::<Order>(waiting).await.status(), OrderStatus::Completed);
    assert_eq!(world.state::<Company>(company).await.status(), CompanyStatus::Active);
    Audit::of(&world.engine).await;
}

/// Numbers in service keep name and domain, so they also keep the way into service open.
#[tokio::test]
async fn an_overdue_company_with_numbers_in_service_can_still_be_ordered() {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    world.submitted(company, "PO-1", vec![numbers_line(search(3))]).await;
    world.sleep(TimeDelta::days(60)).await;
    assert_eq!(world.state::<Company>(company).await.status(), CompanyStatus::Qualified);
    let reservation = world.reserve(company, leeds(100, 5)).await;
    let until = world.state::<Company>(company).await.reservation(reservation).unwrap().expires_at;
    assert_eq!(until, Some(beginning() + TimeDelta::days(74)));
    world.submitted(company, "PO-2", vec![company_line(10)]).await;
    world.settle().await;
    assert_eq!(world.state::<Company>(company).await.status(), CompanyStatus::Active);
    Audit::of(&world.engine).await;
}

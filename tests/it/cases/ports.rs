//! Cases of ports.

use chrono::TimeDelta;
use orderwire::domain::{
    company::Company,
    decider::Decider as _,
    ids::{AssetId, CompanyId},
    joint::Command,
    number::NumberSet,
    order::{
        Order, OrderStatus,
        commands::OrderCommand,
        line::{LineRequest, LineStatus, Milestone, Parent, PortLine, UserNumber},
    },
    port_request::{
        PortRequest, PortStatus,
        commands::{PortChanges, PortCommand},
        events::{PortCancellation, Supplier},
        reason::PortRejection,
    },
    testing::port_request::{sealed, subsequent},
};

use super::Porting;
use crate::world::*;

impl Porting {
    async fn single() -> Self {
        Self::of(port_of(1, morning("2026-06-12"))).await
    }

    async fn status(&self) -> PortStatus {
        self.world.state::<PortRequest>(self.port).await.status()
    }

    async fn order_status(&self) -> OrderStatus {
        self.world.state::<Order>(self.order).await.status()
    }

    async fn says(&self, command: PortCommand) {
        self.world.say(self.port, command).await;
        self.world.settle().await;
    }

    async fn reject(&self, message: &str, by: Supplier, reason: PortRejection) {
        let message = message.parse().unwrap();
        self.says(PortCommand::SupplierReject { message, by, reasons: vec![reason] }).await;
    }

    async fn accept(&self, message: &str) {
        self.world.accepted(self.port, message).await;
        self.world.settle().await;
    }

    async fn refused(&self, command: PortCommand, codes: &[&str]) {
        self.world.refused(Command::Port { port_request: self.port, command }, codes).await;
    }

    async fn live(&self, message: &str, live: NumberSet) {
        self.says(PortCommand::NetworkReport { message: message.parse().unwrap(), live }).await;
    }

    async fn until_window(&self) {
        let state = self.world.state::<PortRequest>(self.port).await;
        self.world.sleep_until(state.confirmed_window().unwrap().opens_at()).await;
    }

    async fn numbers(&self) -> usize {
        self.world.state::<Company>(self.company).await.numbers().count()
    }

    /// The last event of the port.
    async fn last(&self) -> String {
        let events = self.world.engine.stream(self.port.stream(), 0, 1000).await.unwrap();
        events.last().unwrap().event_type.clone()
    }
}

#[tokio::test]
async fn the_lcp_withdraws_one_working_day_before_the_port() {
    let case = Porting::single().await;
    let before = case.numbers().await;
    case.accept("m1").await;
    assert_eq!(case.numbers().await, before + 1, "accepted is allocated");
    case.world.sleep_until("2026-06-11T10:00:00Z".parse().unwrap()).await;
    case.says(PortCommand::LcpWithdraw {
        message: "m2".parse().unwrap(),
        reason: sealed("the customer stays"),
    })
    .await;
    assert_eq!(
        (case.status().await, case.order_status().await),
        (PortStatus::Withdrawn, OrderStatus::Failed)
    );
    assert_eq!(case.numbers().await, before, "what was allocated is gone");
    case.end().await;
}

#[tokio::test]
async fn rejected_twice_for_different_reasons_the_third_attempt_is_accepted() {
    let case = Porting::single().await;
    let postcode = |text: &str| PortChanges { postcode: text.parse().ok(), ..PortChanges::default() };
    case.reject("m1", Supplier::Lcp, PortRejection::PostcodeMismatch).await;
    case.says(PortCommand::Represent { changes: postcode("LS2 8JT") }).await;
    case.reject("m2", Supplier::Lcp, PortRejection::AccountMismatch).await;
    let account = Some(sealed("another account"));
    case.says(PortCommand::Represent { changes: PortChanges { account, ..PortChanges::default() } }).await;
    case.accept("m3").await;
    assert_eq!(case.status().await, PortStatus::Accepted);
    assert_eq!(case.world.state::<PortRequest>(case.port).await.attempt(), 3);
    assert_eq!(case.order_status().await, OrderStatus::InProgress, "a rejected port holds its line");
    case.end().await;
}

#[tokio::test]
async fn code_25_is_presented_again_as_multi_line_and_the_old_date_is_illegal_then() {
    // The earliest date of a single line; a multi line takes three working days more.
    let case = Porting::of(port_of(1, morning("2026-06-05"))).await;
    case.reject("m1", Supplier::Lcp, PortRejection::SingleLineButMultiLine).await;
    let class = Some(orderwire::domain::lead_time::PortClass::MultiLine);
    let changes = PortChanges { class, ..PortChanges::default() };
    case.refused(PortCommand::Represent { changes: changes.clone() }, &["port_window_too_early"]).await;
    let changes = PortChanges { window: Some(morning("2026-06-10")), ..changes };
    case.says(PortCommand::Represent { changes }).await;
    assert_eq!(case.status().await, PortStatus::AwaitingLcp);
    case.end().await;
}

#[tokio::test]
async fn the_rh_rejects_after_the_lcp_accepted() {
    let case = Porting::of(subsequent(port_of(1, morning("2026-06-12")))).await;
    case.accept("m1").await;
    assert_eq!(case.status().await, PortStatus::AwaitingRh);
    case.reject("m2", Supplier::Rh, PortRejection::RhRejectedRouting).await;
    assert_eq!(case.status().await, PortStatus::Rejected);
    assert_eq!(
        case.world.state::<PortRequest>(case.port).await.allocated(),
        None,
        "nothing was allocated yet"
    );
    case.end().await;
}

#[tokio::test]
async fn an_accept_that_comes_twice_is_heard_once() {
    let case = Porting::single().await;
    case.accept("m1").await;
    let head = case.world.engine.head().await.unwrap().position;
    case.accept("m1").await;
    assert_eq!(case.world.engine.head().await.unwrap().position, head);
    case.end().await;
}

#[tokio::test]
async fn an_accept_after_a_reject_and_after_our_cancel_changes_nothing() {
    let case = Porting::single().await;
    case.reject("m1", Supplier::Lcp, PortRejection::NotInService).await;
    case.accept("m2").await;
    assert_eq!(
        (case.status().await, case.last().await.as_str()),
        (PortStatus::Rejected, "SupplierMessageIgnored")
    );
    case.says(PortCommand::Cancel { why: PortCancellation::Requested }).await;
    case.accept("m3").await;
    assert_eq!(
        (case.status().await, case.last().await.as_str()),
        (PortStatus::Cancelled, "SupplierMessageIgnored")
    );
    assert_eq!(case.order_status().await, OrderStatus::Failed);
    case.end().await;
}

#[tokio::test]
async fn an_accept_with_an_earlier_date_than_asked_needs_our_agreement() {
    let case = Porting::single().await;
    let window = morning("2026-06-10");
    case.says(PortCommand::LcpAccept { message: "m1".parse().unwrap(), window }).await;
    assert_eq!(case.status().await, PortStatus::AwaitingDateAgreement);
    case.says(PortCommand::AgreeDate).await;
    let state = case.world.state::<PortRequest>(case.port).await;
    assert_eq!((state.status(), state.confirmed_window()), (PortStatus::Accepted, Some(window)));
    case.end().await;
}

#[tokio::test]
async fn an_accept_after_time_out_is_too_late() {
    let case = Porting::single().await;
    case.world.sleep(TimeDelta::days(20)).await;
    assert_eq!((case.status().await, case.order_status().await), (PortStatus::TimedOut, OrderStatus::Failed));
    case.accept("m1").await;
    assert_eq!(
        (case.status().await, case.last().await.as_str()),
        (PortStatus::TimedOut, "SupplierMessageIgnored")
    );
    case.end().await;
}

#[tokio::test]
async fn a_refused_date_change_keeps_the_date() {
    let case = Porting::single().await;
    case.accept("m1").await;
    case.says(PortCommand::RequestDate { window: morning("2026-06-19") }).await;
    assert_eq!(case.status().await, PortStatus::DateChangePending);
    case.says(PortCommand::RefuseDateChange { message: "m2".parse().unwrap() }).await;
    let state = case.world.state::<PortRequest>(case.port).await;
    assert_eq!(
        (state.status(), state.confirmed_window()),
        (PortStatus::Accepted, Some(morning("2026-06-12")))
    );
    case.until_window().await;
    assert_eq!(case.status().await, PortStatus::ReadyToActivate);
    case.end().await;
}

/// What was asked for is not shown as what stands.
#[tokio::test]
async fn the_line_of_a_port_shows_the_date_that_stands() {
    let case = Porting::single().await;
    case.accept("m1").await;
    let shown = async || {
        let order = case.world.state::<Order>(case.order).await;
        let LineRequest::Port(port) = &*order.line(line(1)).unwrap().request else { panic!("it is a port") };
        port.window
    };
    let wanted = morning("2026-06-19");
    let request = port(port_of(1, wanted));
    let amend = || OrderCommand::AmendLine { line: line(1), request: request.clone() };
    case.world.tell(case.order, amend()).await;
    assert_eq!(shown().await, morning("2026-06-12"), "asked for");
    case.says(PortCommand::RefuseDateChange { message: "m2".parse().unwrap() }).await;
    assert_eq!(shown().await, morning("2026-06-12"), "refused");
    case.world.tell(case.order, amend()).await;
    case.says(PortCommand::AcceptDateChange { message: "m3".parse().unwrap(), window: wanted }).await;
    assert_eq!(shown().await, wanted, "accepted");
    case.end().await;
}

#[tokio::test]
async fn activation_comes_on_the_date_in_the_window_and_once() {
    let case = Porting::single().await;
    case.accept("m1").await;
    case.refused(PortCommand::Activate, &["not_permitted"]).await;
    case.until_window().await;
    case.says(PortCommand::Activate).await;
    case.refused(PortCommand::Activate, &["not_permitted"]).await;
    case.live("n1", case.world.state::<PortRequest>(case.port).await.numbers()).await;
    assert_eq!(
        (case.status().await, case.order_status().await),
        (PortStatus::Ported, OrderStatus::Completed)
    );
    case.refused(PortCommand::Activate, &["not_permitted"]).await;
    case.end().await;
}

#[tokio::test]
async fn a_window_that_closes_unused_lapses_and_cannot_be_activated() {
    let case = Porting::single().await;
    case.accept("m1").await;
    case.until_window().await;
    case.world.sleep(TimeDelta::hours(4)).await;
    assert_eq!(case.status().await, PortStatus::Lapsed);
    case.refused(PortCommand::Activate, &["not_permitted"]).await;
    case.says(PortCommand::RequestDate { window: morning("2026-06-25") }).await;
    let message = "m2".parse().unwrap();
    case.says(PortCommand::AcceptDateChange { message, window: morning("2026-06-25") }).await;
    assert_eq!(case.status().await, PortStatus::Accepted);
    case.end().await;
}

/// Nobody has the numbers yet: the order names no company, and nobody has allocated them.
#[tokio::test]
async fn a_port_is_not_activated_before_it_is_allocated() {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.in_service(reseller, 1).await;
    let lines = vec![port(port_of(1, morning("2026-06-12")))];
    let create = Command::CreateOrder { reseller, reference: "PO-1".parse().unwrap(), company: None, lines };
    let order = world.done(create).await.id("order");
    let receipt = world.done(Command::Submit { order }).await;
    let port = receipt.id("port_request/1");
    world.settle().await;
    let case = Porting { world, company, order, port };
    case.accept("m1").await;
    case.until_window().await;
    case.refused(PortCommand::Activate, &["port_not_allocated"]).await;
    case.says(PortCommand::Allocate { company }).await;
    case.says(PortCommand::Activate).await;
    case.live("n1", case.world.state::<PortRequest>(port).await.numbers()).await;
    assert_eq!(
        (case.status().await, case.order_status().await),
        (PortStatus::Ported, OrderStatus::Completed)
    );
    case.end().await;
}

#[tokio::test]
async fn eight_of_ten_numbers_go_live_and_the_rest_goes_back() {
    let case = Porting::of(port_of_range(0, 10, morning("2026-06-25"))).await;
    let before = case.numbers().await;
    case.accept("m1").await;
    case.until_window().await;
    case.says(PortCommand::Activate).await;
    let all = case.world.state::<PortRequest>(case.port).await.numbers();
    case.live("n1", all.iter().take(8).collect()).await;
    assert_eq!((case.status().await, case.numbers().await), (PortStatus::PartiallyPorted, before + 10));
    case.says(PortCommand::ReturnRest).await;
    assert_eq!((case.status().await, case.numbers().await), (PortStatus::Ported, before + 8));
    assert_eq!(case.order_status().await, OrderStatus::Completed);
    case.end().await;
}

/// A user may have a ported number before it works: allocated unblocks it, and it is completed before the port. That holds
/// for whichever number of the line the user is given, and for exactly one of them.
#[tokio::test]
async fn an_allocated_port_unblocks_the_users_of_its_numbers() {
    let number = port_of(1, morning("2026-06-12")).main_number;
    for wish in [UserNumber::From(line(1)), UserNumber::Of { line: line(1), number }] {
        let (world, company, site) = a_site().await;
        let ported = PortLine { site: Some(site), ..port_of(1, morning("2026-06-12")) };
        let user = user(9, Parent::Asset(site), Some(wish));
        let (order, ports) = world.submitted(company, "PO-2", vec![port(ported), user]).await;
        world.settle().await;
        let case = Porting { world, company, order, port: ports[0] };
        let state = case.world.state::<Order>(order).await;
        assert_eq!(state.line(line(2)).unwrap().status(), LineStatus::Waiting);
        case.accept("m1").await;
        let state = case.world.state::<Order>(order).await;
        assert!(state.line(line(1)).unwrap().milestones.contains(&Milestone::Allocated));
        assert_eq!(state.line(line(2)).unwrap().status(), LineStatus::Completed);
        assert_eq!(state.status(), OrderStatus::InProgress);
        case.end().await;
    }
}

/// A number that a port of the same order brings is named with its line: otherwise the user would not wait for it.
#[tokio::test]
async fn a_ported_number_named_without_its_line_is_refused() {
    let (world, company, site) = a_site().await;
    let ported = PortLine { site: Some(site), ..port_of(1, morning("2026-06-12")) };
    let user = user(9, Parent::Asset(site), Some(UserNumber::Number(ported.main_number)));
    let order = world.order(company, "PO-2", vec![port(ported), user]).await;
    world.refused(Command::Submit { order }, &["number_of_line"]).await;
}

/// A company in service with a site.
async fn a_site() -> (World, CompanyId, AssetId) {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.in_service(reseller, 1).await;
    let state = world.state::<Company>(company).await;
    let (site, _) = state.assets().find(|(_, asset)| asset.plan.parent().is_none()).unwrap();
    (world, company, site)
}

/// A move between two resellers of this carrier is not a port, and neither is taking a number of our own stock.
#[tokio::test]
async fn a_number_that_this_carrier_serves_is_no_port() {
    let case = Porting::of(port_of_range(0, 5, morning("2026-06-15"))).await;
    case.accept("m1").await;
    case.until_window().await;
    case.says(PortCommand::Activate).await;
    let ported = case.world.state::<PortRequest>(case.port).await.numbers();
    case.live("n1", ported.clone()).await;
    let world = &case.world;
    let other = world.reseller(2).await;
    let company = world.in_service(other, 2).await;
    let window = morning("2026-08-10");
    let stock = |n| PortLine { main_number: leeds(n, 1).iter().next().unwrap(), ..port_of(1, window) };
    for (n, (line, detail)) in [
        (port_of_range(3, 4, window), "+442079460003 and 1 more: is with this carrier already"),
        (stock(0), "+441134960000 is with this carrier already"),
        (stock(199), "+441134960199 is with this carrier already"),
    ]
    .into_iter()
    .enumerate()
    {
        let order = world.order(company, &format!("PO-{n}"), vec![numbers_line(search(1)), port(line)]).await;
        let error = world.refused(Command::Submit { order }, &["not_a_port"]).await;
        let reason = &error.reasons()[0];
        assert_eq!((reason.subject.as_deref(), reason.detail.as_str()), (Some("/lines/2"), detail));
    }
    // What its user gave back is kept for the range holder: it is still here.
    world
        .done(Command::CeaseNumbers { company: case.company, numbers: ported.iter().take(1).collect() })
        .await;
    let order = world.order(company, "PO-9", vec![port(port_of(0, window))]).await;
    world.refused(Command::Submit { order }, &["not_a_port"]).await;
    case.end().await;
}

#[tokio::test]
async fn a_date_accepted_while_a_cancellation_is_looked_at_is_the_lines_date() {
    let case = Porting::single().await;
    case.accept("m1").await;
    let window = morning("2026-06-24");
    case.says(PortCommand::RequestDate { window }).await;
    let world = &case.world;
    world.tell(case.order, OrderCommand::RequestCancellation { reason: None }).await;
    let message = "m2".parse().unwrap();
    world.say(case.port, PortCommand::AcceptDateChange { message, window }).await;
    let order = world.state::<Order>(case.order).await;
    assert_eq!(order.status(), OrderStatus::AssessingCancellation);
    let LineRequest::Port(line) = &*order.line(line(1)).unwrap().request else { unreachable!() };
    assert_eq!(line.window, window);
    case.end().await;
}

#[tokio::test]
async fn a_date_that_we_agreed_to_is_the_lines_date() {
    let case = Porting::single().await;
    let window = morning("2026-06-10");
    case.says(PortCommand::LcpAccept { message: "m1".parse().unwrap(), window }).await;
    case.says(PortCommand::AgreeDate).await;
    let order = case.world.state::<Order>(case.order).await;
    let LineRequest::Port(line) = &*order.line(line(1)).unwrap().request else { unreachable!() };
    assert_eq!(line.window, window);
    case.end().await;
}

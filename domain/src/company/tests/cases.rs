//! Qualification, reservations, numbers and the end.

use chrono::{DateTime, TimeDelta, Utc};

use super::{active, after, built, numbers_order, qualified};
use crate::{
    company::{
        CompanyStatus,
        commands::CompanyCommand as C,
        estate::Holding,
        events::{CompanyEvent as E, NumberSource, ReservationEnd, WithdrawalReason},
    },
    decider::{Decider as _, Event as _},
    ids::{CompanyId, ReservationId},
    number::NumberSet,
    order::line::LineNumber,
    testing::{
        company::{
            asset, full_order, lift_hold, numbers, order, place_hold, port_request, qualify, reservation,
            sealed,
        },
        scenario::moment,
    },
};

fn start() -> DateTime<Utc> {
    moment("2026-06-01T10:00:00Z")
}

fn days(n: i64) -> DateTime<Utc> {
    start() + TimeDelta::days(n)
}

fn reserve(n: u8, numbers: NumberSet) -> C {
    C::ReserveNumbers { reservation: reservation(n), numbers, ring_fence: false }
}

fn ring_fence(n: u8, numbers: NumberSet) -> C {
    C::ReserveNumbers { reservation: reservation(n), numbers, ring_fence: true }
}

fn close(n: u8) -> C {
    C::CloseOrder { order: order(n) }
}

fn uncommitted(n: u8, numbers: NumberSet, back_to: Option<ReservationId>) -> E {
    E::NumbersUncommitted { order: order(n), line: LineNumber(1), numbers, back_to }
}

#[test]
fn a_qualification_lasts_thirty_days_and_is_extended_twice() {
    let extended =
        qualified().when(&C::ExtendQualification).accepted().when(&C::ExtendQualification).accepted();
    assert_eq!(extended.state().expires_at(), Some(days(90)));
    extended.when(&C::ExtendQualification).refused(&["qualification_extensions_max"]);
    qualified().at(days(30)).when(&C::ExtendQualification).refused(&["qualification_expired"]);
}

#[test]
fn a_qualification_expires_no_sooner_than_it_ends() {
    qualified().at(days(30) - TimeDelta::seconds(1)).when(&C::Expire).refused(&["qualification_runs"]);
    let expired = qualified().at(days(30)).when(&C::Expire).accepted();
    assert_eq!(expired.state().status(), CompanyStatus::Expired);
}

/// 2026-07-01 is a Wednesday, so two working days before its end is Monday; a reservation ends on Monday 15 June.
#[test]
fn the_end_of_a_qualification_is_announced_once_two_working_days_before() {
    let due = moment("2026-06-29T10:00:00Z");
    assert_eq!(qualified().state().announce_at(), Some(due));
    let early = qualified().at(due - TimeDelta::seconds(1));
    early.when(&C::AnnounceExpiry).refused(&["announced_later"]);
    let announced = qualified().at(due).when(&C::AnnounceExpiry).accepted();
    announced.clone().when(&C::AnnounceExpiry).refused(&["nothing_to_announce"]);
    let extended = announced.when(&C::ExtendQualification).accepted();
    assert_eq!(extended.state().announce_at(), Some(moment("2026-07-29T10:00:00Z")));
    qualified().at(days(30)).when(&C::AnnounceExpiry).refused(&["ended_already"]);
    let ordered = qualified().when(&numbers_order(1, 0, 2)).accepted().at(days(40));
    let closed = ordered.when(&close(1)).accepted();
    assert_eq!(closed.state().announce_at(), Some(moment("2026-07-16T10:00:00Z")));
}

#[test]
fn the_end_of_a_reservation_is_announced_unless_it_begins_too_near_to_it() {
    let announce = C::AnnounceReservationExpiry { reservation: reservation(1) };
    let due = moment("2026-06-11T10:00:00Z");
    let reserved = qualified().when(&reserve(1, numbers(0, 3))).accepted();
    reserved.clone().at(due - TimeDelta::seconds(1)).when(&announce).refused(&["announced_later"]);
    let events = reserved.clone().at(due).when(&announce).events();
    assert_eq!(events, [E::ReservationExpiring { reservation: reservation(1), expires_at: days(14) }]);
    let announced = reserved.clone().at(due).when(&announce).accepted();
    announced.when(&announce).refused(&["nothing_to_announce"]);
    reserved.clone().at(days(14)).when(&announce).refused(&["ended_already"]);
    let release = C::ReleaseReservation { reservation: reservation(1) };
    reserved.when(&release).accepted().at(due).when(&announce).refused(&["reservation_unknown"]);
    let fenced = qualified().when(&ring_fence(1, numbers(0, 1))).accepted();
    fenced.at(due).when(&announce).refused(&["reservation_without_end"]);
    // It cannot outlast the qualification, whose end is a day away.
    let near = qualified().at(days(29)).when(&reserve(1, numbers(0, 1))).accepted();
    near.at(days(30) - TimeDelta::hours(1)).when(&announce).refused(&["nothing_to_announce"]);
}

#[test]
fn when_a_qualification_expires_another_reseller_can_take_the_name() {
    let events = qualified().at(days(30)).when(&C::Expire).events();
    let company = CompanyId(uuid::Uuid::from_u128(1));
    let released: Vec<_> = events.iter().flat_map(|event| event.claims(company.stream())).collect();
    let taken = qualified().state().held_claims(company);
    assert_eq!(released.len(), taken.len());
    assert!(released.iter().all(|change| taken.contains(&change.claim)));
}

#[test]
fn an_expiring_company_gives_its_reservations_up_first() {
    let reserved = qualified().when(&reserve(1, numbers(0, 2))).accepted();
    let reserved = reserved.when(&ring_fence(2, numbers(4, 1))).accepted();
    let kinds: Vec<_> = reserved.at(days(30)).when(&C::Expire).events().iter().map(E::name).collect();
    let expected =
        ["NumbersReleased", "ReservationEnded", "NumbersReleased", "ReservationEnded", "CompanyExpired"];
    assert_eq!(kinds, expected);
}

#[test]
fn an_order_under_way_keeps_the_qualification() {
    let ordered = qualified().when(&numbers_order(1, 0, 2)).accepted().at(days(40));
    assert_eq!(ordered.state().expires_at(), None);
    let closed = ordered.when(&close(1)).accepted();
    assert_eq!(closed.state().expires_at(), Some(days(47)), "seven days are left to order again");
    let early = qualified().when(&numbers_order(1, 0, 2)).accepted().at(days(3)).when(&close(1)).accepted();
    assert_eq!(early.state().expires_at(), Some(days(30)), "nothing is lost by ordering");
}

#[test]
fn a_company_with_numbers_in_service_does_not_just_go() {
    let line = LineNumber(1);
    let ordered = qualified().when(&numbers_order(1, 0, 2)).accepted();
    let allocated = ordered.when(&C::AllocateNumbers { order: order(1), line, site: None }).accepted();
    let back = allocated.when(&close(1)).accepted().when(&C::Release).refused(&["numbers_left"]);
    back.when(&C::CeaseNumbers { numbers: numbers(0, 2) }).accepted().when(&C::Release).accepted();
}

#[test]
fn a_reservation_lasts_fourteen_days_but_never_past_the_qualification() {
    let until = |at| {
        let reserved = qualified().at(at).when(&reserve(1, numbers(0, 1))).accepted();
        reserved.state().reservation(reservation(1)).unwrap().expires_at
    };
    assert_eq!(until(start()), Some(days(14)));
    assert_eq!(until(days(20)), Some(days(30)));
    let fenced = qualified().when(&ring_fence(1, numbers(0, 1))).accepted();
    assert_eq!(fenced.state().reservation(reservation(1)).unwrap().expires_at, None);
    fenced.when(&C::ExpireReservation { reservation: reservation(1) }).refused(&["reservation_without_end"]);
    qualified().at(days(31)).when(&reserve(1, numbers(0, 1))).refused(&["qualification_expired"]);
}

#[test]
fn overlapping_reservations_are_all_or_nothing() {
    let reserved = qualified().when(&reserve(1, numbers(0, 3))).accepted();
    reserved.when(&reserve(2, numbers(2, 3))).refused(&["numbers_held"]);
    reserved.when(&reserve(1, NumberSet::new())).refused(&["numbers_missing", "reservation_exists"]);
}

#[test]
fn one_event_names_at_most_five_hundred_numbers() {
    let first = "+441134960000".parse().unwrap();
    let last = "+441134960999".parse().unwrap();
    let thousand = NumberSet::from(crate::number::NumberRange::new(first, last).unwrap());
    let events = qualified().when(&reserve(1, thousand)).events();
    assert_eq!(events.len(), 2);
    let company = CompanyId(uuid::Uuid::from_u128(1)).stream();
    assert!(events.iter().all(|event| event.claims(company).len() == 500));
}

#[test]
fn a_reservation_that_expires_between_create_and_submit_is_no_source() {
    let reserved = qualified().when(&reserve(1, numbers(0, 2))).accepted();
    reserved.clone().at(days(14)).when(&numbers_order(1, 0, 2)).refused(&["reservation_expired"]);
    let expire = C::ExpireReservation { reservation: reservation(1) };
    reserved.clone().at(days(13)).when(&expire).refused(&["reservation_runs"]);
    let expired = reserved.at(days(14)).when(&expire).accepted();
    let [_, E::NumbersCommitted { source, .. }] = &expired.when(&numbers_order(1, 0, 2)).events()[..] else {
        panic!("an order for two numbers is opened in two events");
    };
    assert_eq!(*source, NumberSource::Stock, "once free, they come from stock like any other");
}

#[test]
fn a_reservation_that_expires_after_submit_leaves_committed_numbers_alone() {
    let ordered = after([qualify(), reserve(1, numbers(0, 3)), numbers_order(1, 0, 2)]).at(days(14));
    let expired = ordered.when(&C::ExpireReservation { reservation: reservation(1) }).expect(&[
        E::NumbersReleased { reservation: reservation(1), numbers: numbers(2, 1) },
        E::ReservationEnded { reservation: reservation(1), how: ReservationEnd::Expired },
    ]);
    assert_eq!(expired.state().committed_to(order(1), LineNumber(1)), numbers(0, 2));
    // Their reservation has ended meanwhile, so they are free when the line gives them up.
    let dropped = expired.when(&C::DropLine { order: order(1), line: LineNumber(1) });
    dropped.expect(&[uncommitted(1, numbers(0, 2), None)]);
}

#[test]
fn a_cancelled_line_gives_back_each_number_to_where_it_was() {
    let held = [qualify(), reserve(1, numbers(0, 1)), ring_fence(2, numbers(1, 1)), numbers_order(1, 0, 3)];
    let dropped = after(held).when(&C::DropLine { order: order(1), line: LineNumber(1) }).expect(&[
        uncommitted(1, numbers(0, 1), Some(reservation(1))),
        uncommitted(1, numbers(1, 1), Some(reservation(2))),
        uncommitted(1, numbers(2, 1), None),
    ]);
    let holdings: Vec<_> = dropped.state().numbers().map(|(_, held)| held.holding).collect();
    assert_eq!(holdings, [Holding::Reserved(reservation(1)), Holding::RingFenced(reservation(2))]);
}

#[test]
fn a_cancelled_order_holds_no_numbers() {
    let company = after([qualify(), full_order(1, 1, Some(10), numbers(0, 3)), close(1)]);
    assert_eq!(company.state().numbers().count(), 0);
    assert_eq!(company.state().assets().count(), 0);
    assert_eq!(company.state().status(), CompanyStatus::Qualified);
}

#[test]
fn a_reservation_ends_when_all_its_numbers_are_in_service() {
    let ordered =
        after([qualify(), reserve(1, numbers(0, 2)), numbers_order(1, 0, 1), numbers_order(2, 1, 1)]);
    let allocate = |n| C::AllocateNumbers { order: order(n), line: LineNumber(1), site: None };
    let half = ordered.when(&allocate(1)).accepted();
    assert!(half.state().reservation(reservation(1)).is_some());
    half.when(&allocate(2)).expect(&[
        E::NumbersAllocated { order: order(2), line: LineNumber(1), numbers: numbers(1, 1) },
        E::ReservationEnded { reservation: reservation(1), how: ReservationEnd::Consumed },
    ]);
}

#[test]
fn a_reservation_lives_on_for_the_numbers_that_no_line_took() {
    let ordered = after([qualify(), reserve(1, numbers(0, 2)), numbers_order(1, 0, 1)]);
    let half =
        ordered.when(&C::AllocateNumbers { order: order(1), line: LineNumber(1), site: None }).accepted();
    half.when(&C::ReleaseReservation { reservation: reservation(1) }).expect(&[
        E::NumbersReleased { reservation: reservation(1), numbers: numbers(1, 1) },
        E::ReservationEnded { reservation: reservation(1), how: ReservationEnd::Released },
    ]);
}

#[test]
fn numbers_of_another_line_or_in_service_are_refused() {
    active().when(&numbers_order(2, 0, 2)).refused(&["numbers_in_use"]);
    let mut twice = numbers_order(2, 5, 2);
    if let C::OpenOrder { numbers: lines, .. } = &mut twice {
        lines.push((LineNumber(2), numbers(6, 1)));
    }
    active().when(&twice).refused(&["numbers_in_use"]);
}

#[test]
fn an_amended_line_gives_up_and_takes_only_the_difference() {
    let ordered = after([qualify(), reserve(1, numbers(0, 2)), numbers_order(1, 0, 2)]);
    let (plan, line) = (None, LineNumber(1));
    let replan = C::ReplanLine { order: order(1), line, plan, numbers: Some(numbers(1, 2)) };
    let source = NumberSource::Stock;
    ordered.when(&replan).expect(&[
        uncommitted(1, numbers(0, 1), Some(reservation(1))),
        E::NumbersCommitted { order: order(1), line, numbers: numbers(2, 1), source },
    ]);
}

#[test]
fn ported_numbers_belong_to_the_company_before_they_work() {
    let request = port_request(1);
    let allocate =
        C::AllocatePortedNumbers { port_request: request, numbers: numbers(8, 2), site: Some(asset(1, 3)) };
    let allocated = built().when(&allocate).accepted();
    let first = numbers(8, 1).iter().next().unwrap();
    assert!(!allocated.state().number(first).unwrap().is_live());
    allocated.when(&C::CeaseNumbers { numbers: numbers(8, 2) }).refused(&["numbers_not_live"]);
    // One more turned out to work: it is taken in the same commit.
    let live =
        allocated.when(&C::MakeNumbersLive { port_request: request, numbers: numbers(8, 3) }).expect(&[
            E::PortedNumbersAllocated { port_request: request, numbers: numbers(10, 1) },
            E::NumbersLive { port_request: request, numbers: numbers(8, 3) },
        ]);
    assert!(live.state().number(first).unwrap().is_live());
    live.when(&C::MakeNumbersLive { port_request: request, numbers: numbers(8, 3) }).expect(&[]);
    let other = C::MakeNumbersLive { port_request: port_request(2), numbers: numbers(8, 1) };
    live.when(&other).refused(&["numbers_of_another_origin"]);
}

#[test]
fn sites_and_users_lose_withdrawn_numbers() {
    let why = WithdrawalReason::PortedOut;
    let lost = built().when(&C::WithdrawNumbers { numbers: numbers(0, 2), why }).accepted();
    let has = |n| lost.state().asset(asset(1, n)).map(|it| (it.plan.numbers(), it.numbers.clone())).unwrap();
    assert_eq!(has(3), (numbers(2, 1), numbers(2, 1)));
    assert_eq!(has(4), (NumberSet::new(), NumberSet::new()));
    let reserved = built().when(&reserve(5, numbers(9, 1))).accepted();
    let withdraw = C::WithdrawNumbers { numbers: numbers(9, 1), why };
    reserved.when(&withdraw).refused(&["numbers_not_in_service"]);
}

#[test]
fn a_number_is_ceased_only_when_no_user_has_it() {
    let cease = |from, len| C::CeaseNumbers { numbers: numbers(from, len) };
    built().when(&cease(0, 2)).refused(&["numbers_of_users"]);
    built().when(&cease(2, 2)).refused(&["numbers_not_in_service"]);
    built().when(&cease(1, 2)).expect(&[E::NumbersCeased { numbers: numbers(1, 2) }]);
    active().when(&cease(1, 1)).refused(&["numbers_planned"]);
}

#[test]
fn a_company_is_taken_down_leaf_first() {
    let remove = |line| C::RemoveAsset { asset: asset(1, line) };
    built().when(&remove(3)).refused(&["asset_has_dependants"]);
    built().when(&remove(4)).refused(&["asset_has_dependants"]);
    built().when(&C::Cease).refused(&["assets_left", "numbers_left"]);
    let order = [9, 8, 7, 6, 5, 4].map(remove);
    let bare = order.iter().fold(built(), |company, command| company.when(command).accepted());
    assert!(bare.state().numbers().all(|(_, held)| held.holding == Holding::AssignedToSite(asset(1, 3))));
    let bare = bare.when(&remove(3)).accepted();
    assert!(bare.state().numbers().all(|(_, held)| held.holding == Holding::Allocated));
    let ceased = bare.when(&C::CeaseNumbers { numbers: numbers(0, 3) }).accepted().when(&C::Cease).accepted();
    assert_eq!(ceased.state().status(), CompanyStatus::Ceased);
    active().when(&remove(3)).refused(&["asset_unknown"]);
}

#[test]
fn a_known_address_takes_the_place_of_an_entered_one_and_only_of_that() {
    let replace = |line, to: &str| C::ReplaceAddress { asset: asset(1, line), to: to.parse().unwrap() };
    let known = "A00000000002".parse().unwrap();
    let replaced =
        E::AddressReplaced { asset: asset(1, 9), from: "T00000000009".parse().unwrap(), to: known };
    built().when(&replace(9, "A00000000002")).expect(&[replaced]);
    let moved = built().when(&replace(9, "A00000000002")).accepted();
    moved.when(&replace(9, "A00000000003")).refused(&["address_not_entered"]);
    built().when(&replace(3, "A00000000002")).refused(&["address_not_entered"]);
    built().when(&replace(4, "A00000000002")).refused(&["address_not_entered"]);
    built().when(&replace(9, "T00000000002")).refused(&["address_temporary"]);
    active().when(&replace(9, "A00000000002")).refused(&["asset_unknown"]);
}

#[test]
fn a_suspended_company_orders_nothing_new_but_what_runs_goes_on() {
    let suspended = active().when(&C::Suspend { reason: sealed("unpaid") }).accepted();
    suspended.when(&numbers_order(2, 8, 1)).refused(&["not_permitted"]);
    suspended.when(&reserve(3, numbers(8, 1))).refused(&["not_permitted"]);
    suspended.when(&C::AddAsset { order: order(1), line: LineNumber(3) }).accepted();
    suspended.when(&C::Resume).accepted().when(&numbers_order(2, 8, 1)).accepted();
}

#[test]
fn the_law_may_keep_the_data_of_a_company_that_has_gone() {
    let released = qualified().when(&C::Release).accepted();
    let held = released.when(&place_hold("op-1")).accepted();
    held.when(&C::Erase).refused(&["legal_hold"]);
    held.when(&place_hold("op-2")).refused(&["legal_hold_exists"]);
    held.when(&lift_hold("op-1")).refused(&["legal_hold_by_the_same"]);
    let erased = held.when(&lift_hold("op-2")).accepted().when(&C::Erase).accepted();
    assert_eq!(erased.state().status(), CompanyStatus::Erased);
    erased.when(&place_hold("op-1")).refused(&["not_permitted"]);
    released.when(&lift_hold("op-2")).refused(&["legal_hold_unknown"]);
    qualified().when(&C::Erase).refused(&["not_permitted"]);
}

#[test]
fn a_legal_hold_stays_on_a_company_through_its_life() {
    let released = qualified().when(&place_hold("op-1")).accepted().when(&C::Release).accepted();
    released.when(&C::Erase).refused(&["legal_hold"]);
}

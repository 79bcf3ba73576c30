//! The state machine of a company: what suggests itself from what it has, and anything else over few enough ids, names
//! and numbers that commands meet.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use proptest::{prelude::*, sample::select};

use super::{
    CompanyModel, Place, asset, full_order, numbers, order, port_request, qualify, reservation, sealed, site,
};
use crate::{
    address::AddressKey,
    company::{Company, CompanyStatus, asset::AssetKind, commands::CompanyCommand, events::WithdrawalReason},
    names::{ActorId, HoldReference},
    number::NumberSet,
    order::line::LineNumber,
    rules::Rules,
    testing::{
        machine::{Model, Said, Wish, rules_naming},
        values::an_address_key,
    },
};

const POOL: u32 = 16;

/// A hold, and who wants something with it: few enough of both that they meet.
fn a_hold() -> impl Strategy<Value = (HoldReference, ActorId)> {
    (select(&["case-1", "case-2"][..]), select(&["op-1", "op-2"][..]))
        .prop_map(|(reference, by)| (reference.parse().unwrap(), by.parse().unwrap()))
}

/// Any command, over few enough ids, names and numbers that they meet.
pub fn a_command() -> impl Strategy<Value = CompanyCommand> {
    use CompanyCommand as C;
    let set = || (0..POOL - 3, 1u32..4).prop_map(|(from, len)| numbers(from, len));
    let order_id = || (1u8..4).prop_map(order);
    let line = || (2u32..10).prop_map(LineNumber);
    let reservation_id = || (1u8..4).prop_map(reservation);
    let an_asset = || (1u8..4, 3u32..10).prop_map(|(order, line)| asset(order, line));
    let existing_site = || prop::option::of((1u8..4).prop_map(|order| asset(order, 3)));
    let why = select(&[WithdrawalReason::LcpWithdrew, WithdrawalReason::PortedOut][..]);
    let early = prop_oneof![
        Just(qualify()),
        Just(C::ExtendQualification),
        Just(C::Release),
        Just(C::AnnounceExpiry),
        Just(C::Expire),
        a_hold().prop_map(|(reference, by)| C::PlaceLegalHold { reference, by }),
        a_hold().prop_map(|(reference, by)| C::LiftLegalHold { reference, by }),
        Just(C::Erase),
    ];
    let numbers = prop_oneof![
        (reservation_id(), set(), any::<bool>()).prop_map(|(reservation, numbers, ring_fence)| {
            C::ReserveNumbers { reservation, numbers, ring_fence }
        }),
        reservation_id().prop_map(|reservation| C::ReleaseReservation { reservation }),
        reservation_id().prop_map(|reservation| C::AnnounceReservationExpiry { reservation }),
        reservation_id().prop_map(|reservation| C::ExpireReservation { reservation }),
        (order_id(), existing_site()).prop_map(|(order, site)| C::AllocateNumbers {
            order,
            line: LineNumber(2),
            site
        }),
        (1u8..3, set(), existing_site()).prop_map(|(n, numbers, site)| {
            C::AllocatePortedNumbers { port_request: port_request(n), numbers, site }
        }),
        (1u8..3, set())
            .prop_map(|(n, numbers)| C::MakeNumbersLive { port_request: port_request(n), numbers }),
        (set(), why).prop_map(|(numbers, why)| C::WithdrawNumbers { numbers, why }),
        set().prop_map(|numbers| C::CeaseNumbers { numbers }),
    ];
    let orders = prop_oneof![
        2 => (1u8..4, 1u32..9, prop::option::of(5u32..20), set(), 0usize..8).prop_map(|(id, n, channels, set, len)| {
            let mut command = full_order(id, n, channels, set);
            if let C::OpenOrder { plans, .. } = &mut command {
                plans.truncate(len);
            }
            command
        }),
        1 => (1u8..4, 1u32..9, set(), any::<bool>()).prop_map(|(id, n, set, site_line)| {
            let plan = site_line.then(|| site(&format!("Site {n}"), &format!("{}", 70 + n), set.clone()));
            let numbers = (!site_line).then_some(set);
            C::ReplanLine { order: order(id), line: LineNumber(if site_line { 3 } else { 2 }), plan, numbers }
        }),
        6 => (order_id(), line()).prop_map(|(order, line)| C::AddAsset { order, line }),
        1 => (order_id(), line()).prop_map(|(order, line)| C::DropLine { order, line }),
        2 => order_id().prop_map(|order| C::DropCompanyLine { order }),
        1 => order_id().prop_map(|order| C::CloseOrder { order }),
        2 => order_id().prop_map(|order| C::Activate { order }),
        2 => (an_asset(), an_address_key()).prop_map(|(asset, to)| C::ReplaceAddress { asset, to }),
        4 => an_asset().prop_map(|asset| C::RemoveAsset { asset }),
    ];
    let stages = prop_oneof![Just(C::Suspend { reason: sealed("why") }), Just(C::Resume), Just(C::Cease)];
    prop_oneof![1 => early, 4 => numbers, 5 => orders, 1 => stages]
}

impl Model for CompanyModel {
    type Of = Company;

    fn begin() -> BoxedStrategy<Self> {
        Just(Self::default()).boxed()
    }

    fn wishes(&self, now: DateTime<Utc>) -> BoxedStrategy<Wish<Self>> {
        let hours = prop_oneof![9 => 0i64..40, 1 => 300i64..900];
        let any = (hours, a_command()).prop_map(move |(hours, it)| (now + TimeDelta::hours(hours), it));
        let suggested = self.suggested().into_iter().map(|command| (now, command));
        // A timer comes early, on time or late.
        let timers = self.timers().into_iter().flat_map(|(due, command)| {
            [-1, 0, 1].map(|hours| ((due + TimeDelta::hours(hours)).max(now), command.clone()))
        });
        let suggested: Vec<Wish<Self>> = suggested.chain(timers).collect();
        if suggested.is_empty() { any.boxed() } else { prop_oneof![1 => any, 1 => select(suggested)].boxed() }
    }

    fn hear(&mut self, command: &CompanyCommand, at: DateTime<Utc>) -> Said {
        let mut after = self.clone();
        let done = after.attempt(command, at);
        if done {
            *self = after;
        }
        Said::done(done)
    }

    fn timers(&self) -> Vec<Wish<Self>> {
        let reservations = self.reservations.iter().filter_map(|(reservation, until)| {
            Some(((*until)?, CompanyCommand::ExpireReservation { reservation: *reservation }))
        });
        let qualified = self.qualified_until.filter(|_| self.stage == CompanyStatus::Qualified);
        let told = self.reservations.keys().filter_map(|reservation| {
            let due = self.announcements.due(Some(*reservation))?;
            Some((due, CompanyCommand::AnnounceReservationExpiry { reservation: *reservation }))
        });
        let qualified = qualified.map(|until| (until, CompanyCommand::Expire));
        let ends = self.announcements.due(None).map(|due| (due, CompanyCommand::AnnounceExpiry));
        reservations.chain(told).chain(qualified).chain(ends).collect()
    }

    fn rules(&self) -> Arc<Rules> {
        rules_naming(2)
    }
}

impl CompanyModel {
    /// What would get the company on, or take it apart again.
    fn suggested(&self) -> Vec<CompanyCommand> {
        use CompanyCommand as C;
        match self.stage {
            CompanyStatus::New => return vec![qualify()],
            CompanyStatus::Suspended => return vec![C::Resume],
            CompanyStatus::Expired | CompanyStatus::Released | CompanyStatus::Ceased => {
                let lift = self.legal_holds.iter().map(|(reference, placed_by)| {
                    let by = if placed_by.as_str() == "op-1" { "op-2" } else { "op-1" };
                    C::LiftLegalHold { reference: reference.clone(), by: by.parse().unwrap() }
                });
                return lift.chain([C::Erase]).collect();
            }
            CompanyStatus::Erased => return vec![],
            CompanyStatus::Qualified | CompanyStatus::Ordered | CompanyStatus::Active => {}
        }
        let of_asset = |(id, it): (&_, &super::ModelAsset)| {
            if it.real {
                C::RemoveAsset { asset: *id }
            } else {
                C::AddAsset { order: it.order, line: it.line }
            }
        };
        let sites = || self.assets.iter().filter(|(_, it)| it.real && it.kind == AssetKind::Site);
        let of_number = |(number, held): (&_, &super::Held)| {
            let numbers = NumberSet::from_iter([*number]);
            match held.place {
                Place::Under(reservation) => C::ReleaseReservation { reservation },
                Place::With(order, line, _) => {
                    C::AllocateNumbers { order, line, site: sites().next().map(|(id, _)| *id) }
                }
                Place::Idle | Place::AtSite(_) => C::CeaseNumbers { numbers },
                Place::OfUser(_) => C::WithdrawNumbers { numbers, why: WithdrawalReason::PortedOut },
            }
        };
        let of_order = |(id, channels): (&_, &Option<u32>)| match self.stage {
            CompanyStatus::Ordered if channels.is_some() => C::Activate { order: *id },
            _ => C::CloseOrder { order: *id },
        };
        let next = u32::try_from(self.assets.len()).expect("few assets");
        let free =
            (0..POOL - 3).find(|from| numbers(*from, 3).iter().all(|it| !self.numbers.contains_key(&it)));
        let capacity = self.capacity().is_none().then_some(10);
        let new = (1..4).find(|n| !self.orders.contains_key(&order(*n))).zip(free);
        let new = new.map(|(id, from)| full_order(id, 1 + next % 8, capacity, numbers(from, 3)));
        let end = if self.stage == CompanyStatus::Active { C::Cease } else { C::Release };
        let entered = self.assets.iter().filter(|(_, it)| it.real && it.entered);
        let known = AddressKey::parse("A00000000002").expect("an address key");
        let moves = entered.map(|(id, _)| C::ReplaceAddress { asset: *id, to: known.clone() });
        let more = self.assets.iter().map(of_asset).chain(moves).chain(self.numbers.iter().map(of_number));
        let more: Vec<_> = more.chain(self.orders.iter().map(of_order)).chain(new).collect();
        if more.is_empty() { vec![end] } else { more }
    }
}

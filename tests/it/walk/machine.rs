//! The state machine of a whole carrier: wishes that follow from what is believed, and what came of them.

use orderwire::domain::{
    port_request::commands::PortAction,
    testing::port_request::{ENDED, MESSAGES, steps},
};
use proptest::{prelude::*, sample::select, strategy::Union};
use proptest_state_machine::ReferenceStateMachine;
use strum::VariantArray as _;

use super::{
    beliefs::{BRISTOL, Beliefs, Stage},
    wish::{End, Handle, Kind, Numbers, OfLine, Pick, Whole, Wish},
};

/// The reference of every walk of the engine.
pub struct Lives;

/// A wish, and what one was sure of when it was made: it keeps that when others are left out.
#[derive(Clone, Debug)]
pub struct Step {
    pub wish: Wish,
    pub sure: Option<bool>,
}

impl ReferenceStateMachine for Lives {
    type State = Beliefs;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Beliefs> {
        prop::collection::vec(any::<u8>(), 8).prop_map(Beliefs::scripted).no_shrink().boxed()
    }

    fn transitions(beliefs: &Beliefs) -> BoxedStrategy<Step> {
        let state = beliefs.clone();
        a_wish(beliefs).prop_map(move |wish| Step { sure: state.sure_of(&wish), wish }).no_shrink().boxed()
    }

    fn apply(mut beliefs: Beliefs, step: &Step) -> Beliefs {
        beliefs.hear(&step.wish);
        beliefs
    }

    fn preconditions(beliefs: &Beliefs, step: &Step) -> bool {
        beliefs.makes_sense(&step.wish) && beliefs.sure_of(&step.wish) == step.sure
    }
}

fn a_wish(beliefs: &Beliefs) -> BoxedStrategy<Wish> {
    if beliefs.companies.len() < 2 {
        return a_company(beliefs);
    }
    let orders = |stage: &dyn Fn(Stage) -> bool| -> Vec<Handle> {
        let found = beliefs.orders.iter().filter(|(_, order)| stage(order.stage));
        let mut found: Vec<Handle> = found.map(|(order, _)| *order).collect();
        // Mostly one of the last, where something still happens.
        found.drain(..found.len().saturating_sub(4));
        found
    };
    let mut wishes: Vec<(u32, BoxedStrategy<Wish>)> = vec![
        (5, a_company(beliefs)),
        (12, of_companies(beliefs)),
        (10, an_order(beliefs)),
        (4, of_stock()),
        (22, of_time()),
    ];
    if let Some(reseller) = beliefs.suspended.iter().position(|suspended| *suspended) {
        wishes.push((8, Just(Wish::ResumeReseller(reseller)).boxed()));
    }
    let drafts = orders(&|stage| stage == Stage::Draft);
    if !drafts.is_empty() {
        let submit = (select(drafts.clone()), prop::bool::weighted(0.2))
            .prop_map(|(order, twice)| Wish::Submit { order, twice });
        let discard = select(drafts).prop_map(Wish::Discard);
        wishes.push((12, prop_oneof![12 => submit, 1 => discard].boxed()));
    }
    let open = orders(&|stage| ![Stage::Draft, Stage::Ended].contains(&stage));
    if !open.is_empty() {
        wishes.push((12, of_open_orders(beliefs, open)));
    }
    let ports: Vec<Handle> = beliefs
        .orders
        .iter()
        .filter(|(_, it)| it.port.is_some_and(|at| at != "new"))
        .map(|(it, _)| *it)
        .collect();
    if !ports.is_empty() {
        wishes.push((32, of_ports(beliefs, ports)));
    }
    if beliefs.somebody_spoke {
        wishes.push((2, any::<Pick>().prop_map(|message| Wish::Repeat { message }).boxed()));
    }
    Union::new_weighted(wishes).boxed()
}

fn a_company(beliefs: &Beliefs) -> BoxedStrategy<Wish> {
    let company = beliefs.fresh();
    let first = beliefs.companies.len();
    (0usize..2, 0u8..9)
        .prop_map(move |(reseller, name)| match first {
            0 | 1 => Wish::Qualify { company, reseller: first, name: u8::try_from(first).unwrap() * 2 },
            _ => Wish::Qualify { company, reseller, name },
        })
        .boxed()
}

fn of_companies(beliefs: &Beliefs) -> BoxedStrategy<Wish> {
    let company = select(beliefs.companies.keys().copied().collect::<Vec<_>>());
    let reservation = beliefs.fresh();
    let ends = select(&[End::Suspend, End::Resume, End::Resume, End::Resume, End::Cease, End::Erase][..]);
    let numbers = (any::<bool>(), 0..BRISTOL + 20, 1u32..30);
    let numbers = numbers.prop_map(|(bristol, from, count)| Numbers { bristol, from, count });
    let reserve =
        (company.clone(), numbers, any::<bool>()).prop_map(move |(company, numbers, ring_fence)| {
            Wish::Reserve { reservation, company, numbers, ring_fence }
        });
    let reserve_any = (company.clone(), 1u32..120).prop_map(move |(company, count)| Wish::ReserveAny {
        reservation,
        company,
        count,
    });
    let cease = (company.clone(), any::<Pick>(), 1u8..12).prop_map(|(company, number, count)| Wish::Cease {
        company,
        number,
        count,
    });
    let remove =
        (company.clone(), any::<Pick>()).prop_map(|(company, asset)| Wish::Remove { company, asset });
    let mut wishes = vec![
        (1, company.clone().prop_map(Wish::Extend).boxed()),
        (1, company.clone().prop_map(Wish::Release).boxed()),
        (4, reserve.boxed()),
        (2, reserve_any.boxed()),
        (3, cease.boxed()),
        (2, remove.boxed()),
        (1, (company, ends).prop_map(|(company, what)| Wish::EndCompany { company, what }).boxed()),
    ];
    let reservations: Vec<Handle> = beliefs.reservations.keys().copied().collect();
    if !reservations.is_empty() {
        wishes.push((2, select(reservations).prop_map(Wish::ReleaseReservation).boxed()));
    }
    Union::new_weighted(wishes).boxed()
}

/// A company that may have a site gets orders for it; one that has none, an order that makes one.
fn an_order(beliefs: &Beliefs) -> BoxedStrategy<Wish> {
    use Kind::{
        NewCompany, NewCompanyAndPort, Numbers, NumbersAndSite, NumbersForSite, Port, PortAndSite,
        PortForSite,
    };
    let order = beliefs.fresh();
    // Mostly one that nobody wished away.
    let companies: Vec<(u32, Just<(Handle, bool)>)> = beliefs
        .companies
        .iter()
        .map(|(company, it)| (if it.doubtful { 1 } else { 12 }, Just((*company, it.has_site))))
        .collect();
    let companies = Union::new_weighted(companies);
    let with_site = [NumbersForSite, PortForSite, PortForSite, PortAndSite, NumbersAndSite, Numbers, Port];
    let with_site = select(with_site.to_vec());
    let without = select(&[NewCompany, NewCompany, NewCompanyAndPort, Numbers, Port][..]);
    let some = (companies, with_site, without, 0u8..30, 0u8..60);
    let some = some.prop_map(move |((company, has_site), with, without, n, reference)| Wish::Order {
        order,
        company,
        kind: if has_site { with } else { without },
        n,
        reference,
    });
    let nobody =
        (0usize..2, 0u8..30).prop_map(move |(reseller, n)| Wish::OrderForNobody { order, reseller, n });
    prop_oneof![10 => some, 1 => nobody].boxed()
}

fn of_open_orders(beliefs: &Beliefs, open: Vec<Handle>) -> BoxedStrategy<Wish> {
    use OfLine::{Commit, Complete, Fail, Hold, Resume};
    let at: Vec<(Handle, Stage)> = open.iter().map(|order| (*order, beliefs.orders[order].stage)).collect();
    let whole = (select(at), any::<Pick>()).prop_map(|((order, stage), which)| {
        let likely = match stage {
            // Before fulfilment does, so that a company line may fail.
            Stage::Submitted => [Whole::Reject, Whole::Cancel, Whole::Acknowledge],
            Stage::Held => [Whole::Resume, Whole::Resume, Whole::Cancel],
            Stage::Pending => [Whole::Provide, Whole::Cancel, Whole::Hold],
            _ => [Whole::Hold, Whole::Require, Whole::Cancel],
        };
        Wish::WholeOrder { order, what: likely[usize::from(which) % likely.len()] }
    });
    // Past its cut-off, or committed, an order cannot be cancelled any more; somebody tries.
    let late =
        |order: &Handle| matches!(beliefs.orders[order].port, Some("ready_to_activate" | "activating"));
    let late: Vec<Handle> = open.iter().copied().filter(late).collect();
    let late = if late.is_empty() { open.clone() } else { late };
    let too_late = select(late).prop_map(|order| Wish::WholeOrder { order, what: Whole::Cancel });
    let what = select(&[Complete, Complete, Fail, Hold, Resume, Commit, Commit][..]);
    let line =
        (select(open), any::<Pick>(), what).prop_map(|(order, line, what)| Wish::Line { order, line, what });
    prop_oneof![4 => whole, 5 => line, 2 => too_late].boxed()
}

/// What the published steps suggest for a port of late; now and then what nobody expects, also of an old one.
fn of_ports(beliefs: &Beliefs, ports: Vec<Handle>) -> BoxedStrategy<Wish> {
    let goes_on = |port: &&Handle| beliefs.orders[*port].port.is_some_and(|at| !ENDED.contains(&at));
    let mut late: Vec<Handle> = ports.iter().filter(goes_on).copied().collect();
    late.drain(..late.len().saturating_sub(3));
    let late = if late.is_empty() { ports.clone() } else { late };
    let at: Vec<(Handle, &str, bool)> = late
        .iter()
        .filter_map(|port| Some((*port, beliefs.orders[port].port?, beliefs.orders[port].allocated)))
        .collect();
    let more = || (0u8..90, prop_oneof![5 => 9i64..30, 1 => -3i64..9], prop::bool::weighted(0.7));
    let likely = (select(at), any::<Pick>(), more());
    let likely = likely.prop_map(|((port, at, allocated), pick, (message, day, all))| {
        let ways = ways(at, allocated, pick % 4 == 0);
        match ways.get(usize::from(pick / 4) % ways.len().max(1)).copied() {
            // Time opens the window, not somebody.
            Some("open_window") => Wish::UntilWindow(port),
            Some(action) => Wish::Say { port, action: named(action), message, day, all },
            None => Wish::Settle,
        }
    });
    let messages: Vec<&str> = MESSAGES.to_vec();
    let odd = (select(ports), select(messages), more()).prop_map(|(port, action, (message, day, all))| {
        Wish::Say { port, action: named(action), message, day, all }
    });
    prop_oneof![5 => likely, 1 => odd].boxed()
}

/// What may follow, the way on most of all, and an early end only where it is wanted.
fn ways(at: &str, allocated: bool, early: bool) -> Vec<&'static str> {
    const TIMERS: [&str; 4] = ["time_out", "answer_overdue", "close_window", "network_silent"];
    let too_early = |to: &str| !early && ["cancelled", "withdrawn", "timed_out"].contains(&to);
    let there =
        steps().iter().filter(|(from, action, to)| *from == at && !too_early(to) && !TIMERS.contains(action));
    let on = match at {
        "accepted" if allocated => "open_window",
        "accepted" | "ready_to_activate" if !allocated => "allocate",
        "ready_to_activate" => "activate",
        _ => return there.map(|(_, action, _)| *action).collect(),
    };
    there.map(|(_, action, _)| *action).chain([on; 4]).collect()
}

fn named(word: &str) -> PortAction {
    PortAction::VARIANTS.iter().copied().find(|action| <&str>::from(*action) == word).unwrap()
}

fn of_stock() -> BoxedStrategy<Wish> {
    prop_oneof![
        2 => (0u32..230, 1u32..8, 0u8..9)
            .prop_map(|(from, count, message)| Wish::PortOut { from, count, message }),
        1 => (0u32..230, 1u32..8).prop_map(|(from, count)| Wish::TakeBack { from, count }),
        1 => (0u8..3).prop_map(Wish::Stock),
        1 => (0usize..2).prop_map(Wish::SuspendReseller),
        1 => (0usize..2).prop_map(Wish::ResumeReseller),
    ]
    .boxed()
}

fn of_time() -> BoxedStrategy<Wish> {
    prop_oneof![
        5 => (1i64..600).prop_map(Wish::Minutes),
        6 => Just(Wish::NextTimer(1)),
        1 => (2u8..5).prop_map(Wish::NextTimer),
        2 => (1i64..20).prop_map(Wish::Days),
        10 => Just(Wish::Settle),
    ]
    .boxed()
}

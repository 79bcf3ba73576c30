//! Every state against every command, and random walks beside the model.

use std::collections::BTreeSet;

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};
use proptest_state_machine::{ReferenceStateMachine as _, prop_state_machine};
use strum::VariantArray as _;
use uuid::Uuid;

use super::{active, after, built, numbers_order, qualified};
use crate::{
    company::{
        Company, CompanyStatus,
        commands::{CompanyAction, CompanyCommand},
        estate::{AssetStage, HeldNumber, Holding, Origin},
        events::{CompanyEventKind, NumberSource, WithdrawalReason},
    },
    decider::{Context, Decider, Event as _, apply, handle},
    ids::{CompanyId, StreamId},
    order::line::LineNumber,
    testing::{
        beside::{Beside, Mirror, Walked, walk},
        company::{
            CompanyModel, Held, Place, asset, full_order, lift_hold, numbers, order, place_hold,
            port_request, qualify, reservation, sealed, site,
        },
        machine::{Machine, Said, rules_naming},
        matrix,
        scenario::{Given, moment},
    },
};

const ID: CompanyId = CompanyId(Uuid::from_u128(9));

fn context() -> Context {
    Context { at: moment("2026-06-01T10:00:00Z"), rules: rules_naming(2) }
}

impl Mirror for CompanyModel {
    /// An asset that is planned anew gives up two names and takes two; numbers are two to an event here, so that a
    /// handful needs several.
    const KEYS_MAX: usize = 4;

    fn stream() -> StreamId {
        ID.stream()
    }

    fn compare(&self, _: Said, walked: &Walked<Self>) {
        let company = &walked.state;
        assert_eq!(company.status(), self.stage);
        let numbers: Vec<_> = company.numbers().map(|(number, held)| (number, as_held(held))).collect();
        let expected: Vec<_> = self.numbers.iter().map(|(number, held)| (*number, *held)).collect();
        assert_eq!(numbers, expected);
        let reservations = company
            .estate()
            .into_iter()
            .flat_map(|estate| &estate.reservations)
            .map(|(id, it)| (*id, it.expires_at, it.announce_at));
        let expected = self.reservations.iter();
        let expected = expected.map(|(id, until)| (*id, *until, self.announcements.due(Some(*id))));
        assert!(reservations.eq(expected), "{company:?}");
        assert_eq!(company.announce_at(), self.announcements.due(None));
        assert!(company.open_orders().eq(self.orders.keys().copied()), "{company:?}");
        let assets = company.assets().map(|(id, it)| (id, it.stage == AssetStage::Real));
        assert!(assets.eq(self.assets.iter().map(|(id, it)| (*id, it.real))), "{company:?}");
        assert_eq!(company.held_claims(ID), walked.held());
    }
}

fn as_held(held: &HeldNumber) -> Held {
    let port = match held.origin {
        Origin::Own => None,
        Origin::Ported { port_request, live } => Some((port_request, live)),
    };
    let place = match held.holding {
        Holding::Reserved(id) | Holding::RingFenced(id) => Place::Under(id),
        Holding::Committed { order, line, source: NumberSource::Stock } => Place::With(order, line, None),
        Holding::Committed { order, line, source: NumberSource::Reservation(id) } => {
            Place::With(order, line, Some(id))
        }
        Holding::Allocated => Place::Idle,
        Holding::AssignedToSite(site) => Place::AtSite(site),
        Holding::AssignedToUser(user) => Place::OfUser(user),
    };
    Held { place, port }
}

prop_state_machine! {
    #[test]
    fn a_company_does_what_the_model_does(sequential 1..90 => Beside<CompanyModel>);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_strange_event_is_illegal_or_changes_no_stage_wrongly(
        a in Machine::<CompanyModel>::sequential_strategy(1..60),
        b in Machine::<CompanyModel>::sequential_strategy(1..60),
    ) {
        let ((_, a), (_, b)) = (walk(a), walk(b));
        for state in a.states.iter().step_by(7) {
            for event in &b.history {
                let from = state.status();
                if let Ok(after) = apply(state.clone(), event) {
                    prop_assert!(Company::LIFECYCLE.allows(from, event.kind(), after.status()));
                }
            }
        }
    }
}

#[test]
fn walks_reach_every_event() {
    let mut runner = TestRunner::deterministic();
    let walks = Machine::<CompanyModel>::sequential_strategy(90);
    let mut missing: BTreeSet<_> = CompanyEventKind::VARIANTS.iter().copied().collect();
    for _ in 0..400 {
        let (_, walked) = walk(walks.new_tree(&mut runner).unwrap().current());
        missing.retain(|kind| !walked.history.iter().any(|event| event.kind() == *kind));
        if missing.is_empty() {
            return;
        }
    }
    panic!("never reached: {missing:?}");
}

#[test]
fn every_action_meets_every_status() {
    use CompanyCommand as C;
    let one = order(1);
    let ordered = after([
        qualify(),
        C::ReserveNumbers { reservation: reservation(1), numbers: numbers(0, 3), ring_fence: false },
        full_order(1, 1, Some(10), numbers(0, 3)),
    ]);
    let reserved =
        |ring_fence| [C::ReserveNumbers { reservation: reservation(2), numbers: numbers(6, 2), ring_fence }];
    let suspend = C::Suspend { reason: sealed("unpaid") };
    let ported = C::MakeNumbersLive { port_request: port_request(1), numbers: numbers(10, 1) };
    let with = |company: &Given<Company>, command: &C| company.when(command).accepted();
    let (active, built) = (active(), built());
    let bare = after([qualify(), full_order(1, 1, Some(10), numbers(0, 1)), C::Activate { order: one }]);
    let bare = with(&bare, &C::CloseOrder { order: one });
    // The same order as in `active`, with its numbers still only committed.
    let mut open = with(&bare, &full_order(1, 1, None, numbers(0, 3)));
    open = with(&with(&open, &reserved(false)[0]), &ported);
    let mut states = vec![qualified(), ordered.clone(), active.clone(), built.clone(), bare.clone(), open];
    states.push(with(&with(&qualified(), &reserved(false)[0]), &ported));
    states.push(with(&qualified(), &reserved(false)[0]));
    states.push(with(&with(&ordered, &reserved(false)[0]), &ported));
    states.push(with(&active, &reserved(false)[0]));
    states.push(with(&with(&built, &ported), &C::RemoveAsset { asset: asset(1, 5) }));
    let reserved_order = with(&with(&built, &reserved(false)[0]), &numbers_order(2, 6, 2));
    states.push(reserved_order);
    let in_service = states.iter().filter(|it| it.state().status() == CompanyStatus::Active);
    let suspended: Vec<_> = in_service.map(|it| with(it, &suspend)).collect();
    states.extend(suspended);
    states.push(with(&qualified(), &C::Release));
    states.push(with(&ordered, &numbers_order(2, 8, 1)));
    states.push(qualified().at(moment("2026-09-01T10:00:00Z")).when(&C::Expire).accepted());
    states.push(with(&bare, &C::Cease));
    states.push(with(&with(&bare, &C::Cease), &C::Erase));
    let may_be_held = states.iter().filter(|it| it.state().status() != CompanyStatus::Erased);
    let held: Vec<_> = may_be_held.map(|it| with(it, &place_hold("op-1"))).collect();
    states.extend(held);
    let mut states: Vec<Company> = states.iter().map(|it| it.state().clone()).collect();
    states.push(Company::default());

    let line = |n| LineNumber(n);
    let commands = vec![
        qualify(),
        C::ExtendQualification,
        C::Release,
        C::AnnounceExpiry,
        C::Expire,
        C::ReserveNumbers { reservation: reservation(3), numbers: numbers(12, 1), ring_fence: true },
        C::ReleaseReservation { reservation: reservation(2) },
        C::AnnounceReservationExpiry { reservation: reservation(2) },
        C::ExpireReservation { reservation: reservation(2) },
        full_order(2, 2, Some(5), numbers(13, 2)),
        full_order(2, 2, None, numbers(13, 2)),
        numbers_order(3, 13, 2),
        C::ReplanLine {
            order: one,
            line: line(3),
            plan: Some(site("Depot", "88", numbers(0, 3))),
            numbers: None,
        },
        C::ReplanLine { order: one, line: line(2), plan: None, numbers: Some(numbers(1, 3)) },
        C::AllocateNumbers { order: one, line: line(2), site: None },
        C::AllocatePortedNumbers { port_request: port_request(1), numbers: numbers(11, 1), site: None },
        C::AllocatePortedNumbers {
            port_request: port_request(1),
            numbers: numbers(11, 1),
            site: Some(asset(1, 3)),
        },
        C::MakeNumbersLive { port_request: port_request(2), numbers: numbers(11, 1) },
        C::WithdrawNumbers { numbers: numbers(10, 1), why: WithdrawalReason::Restored },
        C::AddAsset { order: one, line: line(3) },
        C::AllocateNumbers { order: order(2), line: line(1), site: Some(asset(1, 3)) },
        C::Activate { order: one },
        C::DropLine { order: one, line: line(2) },
        C::DropLine { order: one, line: line(3) },
        C::DropCompanyLine { order: one },
        C::CloseOrder { order: one },
        C::ReplaceAddress { asset: asset(1, 9), to: "A00000000002".parse().unwrap() },
        C::RemoveAsset { asset: asset(1, 5) },
        C::RemoveAsset { asset: asset(1, 8) },
        C::CeaseNumbers { numbers: numbers(10, 1) },
        C::CeaseNumbers { numbers: numbers(1, 1) },
        C::Suspend { reason: sealed("unpaid") },
        C::Resume,
        C::Cease,
        place_hold("op-1"),
        lift_hold("op-1"),
        lift_hold("op-2"),
        C::Erase,
    ];
    // Early enough for what must not be over, when ends are announced, and late enough for every timer.
    let mut taken = BTreeSet::new();
    for at in ["2026-06-01T10:00:00Z", "2026-06-12T10:00:00Z", "2026-06-30T10:00:00Z", "2027-06-01T10:00:00Z"]
    {
        let context = Context { at: moment(at), ..context() };
        let covered = matrix::run(&states, &commands, &context);
        assert_eq!(covered.statuses.len(), CompanyStatus::VARIANTS.len());
        assert_eq!(covered.actions.len(), CompanyAction::VARIANTS.len());
        for (state, command) in states.iter().flat_map(|it| commands.iter().map(move |command| (it, command)))
        {
            let mut state = state.clone();
            for event in handle(&state, command, &context).unwrap_or_default() {
                let from = state.status();
                state = apply(state, &event).unwrap();
                taken.insert((from, Company::action(command), event.kind(), state.status()));
            }
        }
    }
    let rows: BTreeSet<_> =
        Company::LIFECYCLE.0.iter().map(|row| (row.from, row.action, row.event, row.to)).collect();
    assert_eq!(rows.difference(&taken).collect::<Vec<_>>(), Vec::<&_>::new(), "rows that nothing takes");
    assert_eq!(taken.difference(&rows).collect::<Vec<_>>(), Vec::<&_>::new(), "steps that no row names");
}

#[test]
fn every_status_is_reached_and_comes_to_an_end() {
    let all: BTreeSet<_> = CompanyStatus::VARIANTS.iter().copied().collect();
    assert_eq!(Company::LIFECYCLE.reachable(CompanyStatus::New), all);
    for status in all {
        assert!(Company::LIFECYCLE.reachable(status).contains(&CompanyStatus::Erased), "{status}");
        assert_eq!(Company::LIFECYCLE.is_terminal(status), status == CompanyStatus::Erased);
    }
}

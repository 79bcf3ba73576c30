//! Number availability against a model that knows every number by itself.

use std::collections::BTreeMap;

use proptest::prelude::*;
use uuid::Uuid;

use super::{
    super::{
        fold_orders,
        memory::MemoryRows,
        number_availability::{
            FreeRun, Holding, NUMBER, NUMBER_RUN, Network, NumberView, STOCK_BLOCK, StockBlock,
        },
        table::{Rows as _, Value},
    },
    orders::{add, create, draft, fact, facts, message, order, port, reseller, submitted, window},
};
use crate::{
    company::events::{CompanyEvent, NumberSource, WithdrawalReason},
    fact::{Fact, Happened},
    ids::{CompanyId, NumberBlockId, ReservationId},
    names::{CompanyName, Cupid, Domain, SiteName},
    number::{NumberRange, NumberSet, TelephoneNumber},
    number_block::events::BlockEvent,
    order::line::LineNumber,
    port_request::events::PortEvent,
    testing::scenario::moment,
};

/// Three blocks side by side: 200, 300 and 500 numbers.
const BLOCKS: [&str; 3] = ["0113 496 0000-199", "0113 496 0200-499", "0113 496 0500-999"];

pub(super) fn set(text: &str) -> NumberSet {
    NumberRange::parse(text).unwrap().into()
}

fn block(index: usize) -> NumberBlockId {
    NumberBlockId(Uuid::from_u128(0xd000 + index as u128))
}

fn company() -> CompanyId {
    CompanyId(Uuid::from_u128(0xe000))
}

pub(super) fn happened(event: CompanyEvent) -> Happened {
    Happened::Company(company(), event)
}

fn loaded(index: usize) -> Happened {
    let range = NumberRange::parse(BLOCKS[index]).unwrap();
    let (range_holder, place) = (Cupid::parse("001").unwrap(), SiteName::parse("Leeds").unwrap());
    Happened::NumberBlock(block(index), BlockEvent::BlockLoaded { range, range_holder, place })
}

pub(super) fn beginning() -> Vec<Happened> {
    let mut all: Vec<_> = (0..BLOCKS.len()).map(loaded).collect();
    all.push(happened(CompanyEvent::CompanyQualified {
        reseller: reseller(),
        name: CompanyName::parse("Acme Ltd").unwrap(),
        domain: Domain::parse("acme.example").unwrap(),
        expires_at: moment("2026-07-01T10:00:00Z"),
        announce_at: None,
    }));
    all.push(Happened::Order(order(1), create(1)));
    all.push(Happened::Order(order(1), add(1)));
    all
}

/// Whose block a number is.
fn block_of(number: TelephoneNumber) -> usize {
    BLOCKS.iter().position(|text| NumberRange::parse(text).unwrap().contains(number)).unwrap()
}

/// The naive model: what each number is, besides free.
type Model = BTreeMap<TelephoneNumber, Holding>;

/// One legal event about those of the numbers that it can be about, and what the model says afterwards.
fn step(model: &mut Model, what: u8, numbers: &NumberSet) -> Option<Happened> {
    use Holding as Is;
    let reservation = ReservationId(Uuid::from_u128(1));
    let (order, line) = (order(1), LineNumber(1));
    let (from, to) = match what {
        0 => (None, Some(Is::Reserved)),
        1 => (None, Some(Is::Committed)),
        2 => (Some(Is::Reserved), None),
        3 => (Some(Is::Reserved), Some(Is::Committed)),
        4 => (Some(Is::Committed), Some(Is::Allocated)),
        5 => (Some(Is::Committed), None),
        6 => (Some(Is::Allocated), Some(Is::Quarantined)),
        7 => (Some(Is::Quarantined), None),
        8 => (None, Some(Is::Returned)),
        9 => (Some(Is::Returned), None),
        _ => (Some(Is::Quarantined), Some(Is::Returned)),
    };
    let of_block = what >= 6;
    let first = numbers.iter().find(|number| model.get(number).copied() == from)?;
    let fits = |number: &TelephoneNumber| {
        model.get(number).copied() == from && (!of_block || block_of(*number) == block_of(first))
    };
    let numbers: NumberSet = numbers.iter().filter(fits).collect();
    for number in numbers.iter() {
        match to {
            Some(holding) => model.insert(number, holding),
            None => model.remove(&number),
        };
    }
    let until = moment("2026-07-01T10:00:00Z");
    let blocks = |event| Happened::NumberBlock(block(block_of(first)), event);
    Some(match what {
        0 => happened(CompanyEvent::NumbersReserved {
            reservation,
            numbers,
            expires_at: Some(until),
            announce_at: None,
        }),
        1 => happened(CompanyEvent::NumbersCommitted { order, line, numbers, source: NumberSource::Stock }),
        2 => happened(CompanyEvent::NumbersReleased { reservation, numbers }),
        3 => {
            let source = NumberSource::Reservation(reservation);
            happened(CompanyEvent::NumbersCommitted { order, line, numbers, source })
        }
        4 => happened(CompanyEvent::NumbersAllocated { order, line, numbers }),
        5 => happened(CompanyEvent::NumbersUncommitted { order, line, numbers, back_to: None }),
        6 => blocks(BlockEvent::NumbersQuarantined { numbers, until }),
        7 => blocks(BlockEvent::NumbersFreed { numbers }),
        9 => blocks(BlockEvent::NumbersTakenBack { numbers }),
        _ => blocks(BlockEvent::NumbersPortedOut {
            numbers,
            quarantined: NumberSet::new(),
            message: Some(message()),
        }),
    })
}

fn folded(facts: &[Fact]) -> MemoryRows {
    let mut rows = MemoryRows::default();
    for fact in facts {
        fold_orders(&mut rows, fact).unwrap();
    }
    rows
}

/// The free runs as the model sees them: as long as can be, within a block.
fn runs_of(model: &Model) -> Vec<(TelephoneNumber, u32)> {
    let mut runs: Vec<(TelephoneNumber, u32)> = Vec::new();
    for text in BLOCKS {
        let mut open = false;
        for number in NumberRange::parse(text).unwrap().iter() {
            let free = !model.contains_key(&number);
            match runs.last_mut() {
                Some((_, length)) if free && open => *length += 1,
                _ if free => runs.push((number, 1)),
                _ => {}
            }
            open = free;
        }
    }
    runs
}

fn a_few() -> impl Strategy<Value = NumberSet> {
    let range = (0u32..1000, prop_oneof![3 => 0u32..12, 1 => 0u32..400]).prop_map(|(at, more)| {
        let first = TelephoneNumber::parse("0113 496 0000").unwrap();
        let last = (at + more).min(999);
        NumberRange::new(first.offset(at).unwrap(), first.offset(last).unwrap()).unwrap()
    });
    prop::collection::vec(range, 1..4).prop_map(|ranges| ranges.into_iter().collect())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn free_runs_and_held_numbers_are_those_of_the_model(
        steps in prop::collection::vec((0u8..11, a_few()), 1..40),
        page in 1usize..50,
    ) {
        let mut model = Model::new();
        let mut all = beginning();
        all.extend(steps.iter().filter_map(|(what, numbers)| step(&mut model, *what, numbers)));
        let facts = facts(all);
        let rows = folded(&facts);

        let runs = rows.table(&NUMBER_RUN).into_values();
        let mut runs: Vec<FreeRun> = runs.map(|row| serde_json::from_str(&row.doc).unwrap()).collect();
        runs.sort_by_key(|run| run.start);
        let found: Vec<_> = runs.iter().map(|run| (run.start, run.length)).collect();
        prop_assert_eq!(found, runs_of(&model));

        let held: Model = rows.table(&NUMBER).into_values().map(|row| {
            let view: NumberView = serde_json::from_str(&row.doc).unwrap();
            (view.number, view.holding)
        }).collect();
        let free: u32 = rows.table(&STOCK_BLOCK).into_values()
            .map(|row| serde_json::from_str::<StockBlock>(&row.doc).unwrap().free).sum();
        prop_assert_eq!(free as usize + held.len(), 1000);
        prop_assert_eq!(held, model);

        let mut asked = MemoryRows::default();
        asked.read(fold_orders, &facts, page).unwrap();
        prop_assert_eq!(&asked, &rows);
    }
}

#[test]
fn five_hundred_in_a_row_split_one_run_into_two() {
    let mut model = Model::new();
    let mut all = beginning();
    all.push(loaded_alone());
    all.extend(step(&mut model, 1, &set("0113 496 0550-949")));
    let rows = folded(&facts(all));
    let lengths: Vec<_> =
        rows.table(&NUMBER_RUN).into_iter().map(|(key, row)| (key, row.columns[2].clone())).collect();
    let run = |key: &str, length| (key.to_owned(), Value::Integer(length));
    assert_eq!(
        lengths,
        [
            run("+441134960000", 200),
            run("+441134960200", 300),
            run("+441134960500", 50),
            run("+441134960950", 50),
            run("+441144960000", 1000),
        ]
    );
}

fn loaded_alone() -> Happened {
    let range = NumberRange::parse("0114 496 0000-999").unwrap();
    let (range_holder, place) = (Cupid::parse("001").unwrap(), SiteName::parse("Sheffield").unwrap());
    Happened::NumberBlock(block(9), BlockEvent::BlockLoaded { range, range_holder, place })
}

#[test]
fn a_number_that_is_free_cannot_be_freed() {
    let mut rows = folded(&facts(beginning()));
    let freed = BlockEvent::NumbersFreed { numbers: set("0113 496 0100") };
    let fault = fold_orders(&mut rows, &fact(99, Happened::NumberBlock(block(0), freed))).unwrap_err();
    assert!(fault.to_string().contains("+441134960100 is free"), "{fault}");
}

#[test]
fn a_block_leaves_nothing_behind() {
    let mut all = beginning();
    let (numbers, range) = (set(BLOCKS[0]), NumberRange::parse(BLOCKS[0]).unwrap());
    all.push(Happened::NumberBlock(block(0), BlockEvent::NumbersUnstocked { numbers }));
    all.push(Happened::NumberBlock(block(0), BlockEvent::BlockWithdrawn { range }));
    let mut rows = folded(&facts(all));
    assert_eq!(rows.get(&STOCK_BLOCK, &block(0).to_string()), Ok(None));
    assert_eq!(rows.table(&NUMBER_RUN).len(), 2);
}

#[test]
fn an_accepted_port_is_its_resellers_until_a_company_has_it() {
    let numbers = set("0114 496 0100-109");
    let ported = |events: Vec<Happened>| {
        let mut all = beginning();
        all.push(Happened::PortRequest(port(), PortEvent::PortDrafted(Box::new(draft(&numbers)))));
        all.push(Happened::PortRequest(port(), submitted()));
        all.extend(events);
        let rows = folded(&facts(all)).table(&NUMBER);
        let views = rows.into_values().map(|row| serde_json::from_str::<NumberView>(&row.doc).unwrap());
        views.map(|view| (view.holding, view.network, view.company, view.reseller)).collect::<Vec<_>>()
    };
    let accepted = || {
        let event =
            PortEvent::LcpAccepted { message: message(), window: window("2026-06-20"), given_up_at: None };
        Happened::PortRequest(port(), event)
    };
    let allocated = || Happened::PortRequest(port(), PortEvent::PortAllocated { company: company() });
    let taken =
        || happened(CompanyEvent::PortedNumbersAllocated { port_request: port(), numbers: numbers.clone() });
    let why = WithdrawalReason::LcpWithdrew;
    let withdrawn = || happened(CompanyEvent::NumbersWithdrawn { numbers: numbers.clone(), why });
    let timed_out = || Happened::PortRequest(port(), PortEvent::PortTimedOut { numbers: numbers.clone() });

    assert_eq!(ported(vec![]), []);
    let offered = (Holding::Free, Network::PortPending, None, Some(reseller()));
    assert_eq!(ported(vec![accepted()]), [offered; 10]);
    assert_eq!(ported(vec![accepted(), timed_out()]), []);
    let owned = (Holding::Allocated, Network::PortPending, Some(company()), Some(reseller()));
    assert_eq!(ported(vec![accepted(), allocated(), taken()]), [owned; 10]);
    assert_eq!(ported(vec![accepted(), taken(), allocated()]), [owned; 10]);
    assert_eq!(ported(vec![accepted(), allocated(), taken(), withdrawn()]), []);
}

//! One example of every event of every aggregate: whoever wrote it, it reads today as it was written.

use std::collections::BTreeMap;

use orderwire::domain::{
    company::events::CompanyEventKind,
    fact::Happened,
    ids::{AggregateKind, StreamId},
    number_block::events::BlockEventKind,
    order::events::OrderEventKind,
    port_request::events::PortEventKind,
    reseller::events::ResellerEventKind,
    webhook::events::WebhookEventKind,
};
use proptest::test_runner::TestRunner;
use strum::{IntoEnumIterator as _, VariantArray};
use uuid::Uuid;

use super::{bless, golden, path};
use crate::walk;

/// Lives that are looked through for examples of new events.
const LIVES: usize = 60;

fn names<K: VariantArray + Copy + Into<&'static str>>(
    kind: AggregateKind,
) -> Vec<(AggregateKind, &'static str)> {
    K::VARIANTS.iter().map(|event| (kind, (*event).into())).collect()
}

fn every_event() -> Vec<(AggregateKind, &'static str)> {
    [
        names::<OrderEventKind>(AggregateKind::Order),
        names::<CompanyEventKind>(AggregateKind::Company),
        names::<PortEventKind>(AggregateKind::PortRequest),
        names::<BlockEventKind>(AggregateKind::NumberBlock),
        names::<ResellerEventKind>(AggregateKind::Reseller),
        names::<WebhookEventKind>(AggregateKind::Webhook),
    ]
    .concat()
}

fn file(kind: AggregateKind, name: &str) -> String {
    format!("tests/golden/events/{}/{name}.json", kind.word())
}

#[test]
fn every_event_reads_and_writes_as_it_did() {
    let missing: Vec<_> =
        every_event().into_iter().filter(|(kind, name)| !path(&file(*kind, name)).exists()).collect();
    let examples = if missing.is_empty() || !bless() { BTreeMap::new() } else { examples(&missing) };
    let mut without = Vec::new();
    for (kind, name) in every_event() {
        let file = file(kind, name);
        if !path(&file).exists() && !examples.contains_key(&(kind, name)) {
            without.push(file);
            continue;
        }
        let text = golden(&file, || examples.get(&(kind, name)).map(|payload| format!("{payload}\n")));
        let stream = StreamId { kind, id: Uuid::nil() };
        let read = Happened::read(stream, name, "1", &text).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(read.name(), name, "{file} is another event");
        assert_eq!(format!("{}\n", read.payload()), text, "{file} is written otherwise");
    }
    assert!(without.is_empty(), "ORDERWIRE_BLESS=1 writes those it finds an example of: {without:?}");
}

/// No file is left of an event that the code does not know any more: it would be in somebody's log.
#[test]
fn every_golden_event_is_known() {
    for kind in AggregateKind::iter() {
        let kind = kind.word();
        let folder = path(&format!("tests/golden/events/{kind}"));
        for entry in std::fs::read_dir(folder).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let known =
                every_event().iter().any(|(of, event)| of.word() == kind && format!("{event}.json") == name);
            assert!(known, "{kind} has no event {name}");
        }
    }
}

/// Examples from random lives.
fn examples(missing: &[(AggregateKind, &'static str)]) -> BTreeMap<(AggregateKind, &'static str), String> {
    let mut runner = TestRunner::deterministic();
    let rare = super::rare::examples();
    let mut found: BTreeMap<_, _> =
        rare.iter().map(|happened| ((happened.stream().kind, happened.name()), happened.payload())).collect();
    let mut lives = walk::lives(&mut runner, 150).take(LIVES);
    while !missing.iter().all(|event| found.contains_key(event)) {
        let Some(facts) = lives.next() else { break };
        for fact in facts {
            found
                .entry((fact.happened.stream().kind, fact.happened.name()))
                .or_insert_with(|| fact.happened.payload());
        }
    }
    found
}

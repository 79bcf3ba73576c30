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

/// The first shape of an event has a file named after it, a later one a file beside that.
fn file(kind: AggregateKind, name: &str, version: u32) -> String {
    let version = if version == 1 { String::new() } else { format!(".v{version}") };
    format!("tests/golden/events/{}/{name}{version}.json", kind.word())
}

fn read(kind: AggregateKind, name: &str, version: u32, text: &str) -> Happened {
    let stream = StreamId { kind, id: Uuid::nil() };
    let read = Happened::read(stream, name, &version.to_string(), text);
    read.unwrap_or_else(|error| panic!("{name}, version {version}: {error}"))
}

/// The version that is written today, which the first one is read as.
fn newest(kind: AggregateKind, name: &str) -> u32 {
    let first = std::fs::read_to_string(path(&file(kind, name, 1)));
    first.map_or(1, |text| read(kind, name, 1, &text).version().parse().unwrap())
}

#[test]
fn every_event_reads_and_writes_as_it_did() {
    let shapes: Vec<_> = every_event()
        .into_iter()
        .flat_map(|(kind, name)| (1..=newest(kind, name)).map(move |version| (kind, name, version)))
        .collect();
    let exists =
        |(kind, name, version): &(AggregateKind, &str, u32)| path(&file(*kind, name, *version)).exists();
    let missing: Vec<_> =
        shapes.iter().filter(|shape| !exists(shape)).map(|(kind, name, _)| (*kind, *name)).collect();
    let examples = if missing.is_empty() || !bless() { BTreeMap::new() } else { examples(&missing) };
    let mut without = Vec::new();
    for shape in shapes {
        let (kind, name, version) = shape;
        let file = file(kind, name, version);
        if !exists(&shape) && !examples.contains_key(&(kind, name)) {
            without.push(file);
            continue;
        }
        let text = golden(&file, || examples.get(&(kind, name)).map(|payload| format!("{payload}\n")));
        let read = read(kind, name, version, &text);
        assert_eq!(read.name(), name, "{file} is another event");
        if version == newest(kind, name) {
            assert_eq!(format!("{}\n", read.payload()), text, "{file} is written otherwise");
        }
    }
    assert!(without.is_empty(), "ORDERWIRE_BLESS=1 writes those it finds an example of: {without:?}");
}

/// No file is left of an event that the code does not know any more: it would be in somebody's log.
#[test]
fn every_golden_event_is_known() {
    for kind in AggregateKind::iter() {
        let folder = path(&format!("tests/golden/events/{}", kind.word()));
        for entry in std::fs::read_dir(folder).unwrap() {
            let found = entry.unwrap().file_name().into_string().unwrap();
            let of_kind = every_event().into_iter().filter(|(of, _)| *of == kind);
            let mut files = of_kind
                .flat_map(|(_, name)| (1..=newest(kind, name)).map(move |version| file(kind, name, version)));
            assert!(files.any(|file| file.ends_with(&format!("/{found}"))), "{kind:?} has no event {found}");
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

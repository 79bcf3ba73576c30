//! Exports: what is written is what the log has, what was cut goes on, and whatever was changed since is found and named.

use std::{fs, path::Path};

use orderwire::{
    audit::{
        export::{self, Encoding, Filter, FolderError, Manifest},
        proofs::LeavesRead,
    },
    domain::ids::StreamId,
    engine::{Engine, log::StoredEvent},
};
use strum::VariantArray as _;
use tempfile::TempDir;

use super::{Life, log};

async fn begun(engine: &Engine, folder: &Path, encoding: Encoding, filter: Filter) -> export::Folder {
    let stand = export::stand(engine, None, &LeavesRead::default()).await.unwrap();
    export::begin(engine, folder, (encoding, filter), stand, 7).await.unwrap()
}

async fn exported(engine: &Engine, folder: &Path, encoding: Encoding, filter: Filter) -> Manifest {
    begun(engine, folder, encoding, filter).await.write(engine, |_| {}).await.unwrap()
}

/// The positions that JSON lines of a folder have, in order.
fn positions(folder: &Path, manifest: &Manifest) -> Vec<u64> {
    let mut found = Vec::new();
    for part in &manifest.parts {
        for line in fs::read_to_string(folder.join(&part.file)).unwrap().lines() {
            found
                .push(serde_json::from_str::<serde_json::Value>(line).unwrap()["position"].as_u64().unwrap());
        }
    }
    found
}

#[tokio::test]
async fn an_export_of_the_whole_log_has_its_root_in_every_encoding() {
    let life = Life::lived().await;
    let engine = &life.world.engine;
    let head = engine.head().await.unwrap();
    for encoding in Encoding::VARIANTS {
        let folder = TempDir::new().unwrap();
        let manifest = exported(engine, folder.path(), *encoding, Filter::default()).await;
        assert_eq!(
            (manifest.events, manifest.through, manifest.complete),
            (head.position, head.position, true)
        );
        assert!(manifest.parts.len() > 5 && manifest.parts.iter().all(|part| part.events <= 7));
        let checked = export::check(folder.path(), &[]).unwrap_or_else(|fault| panic!("{encoding}: {fault}"));
        assert!(checked.is_whole_log && checked.events == head.position, "{encoding}: {checked:?}");
    }
}

#[tokio::test]
async fn an_export_that_was_cut_goes_on_to_the_same_bytes() {
    let life = Life::lived().await;
    let engine = &life.world.engine;
    let (whole, cut) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let expected = exported(engine, whole.path(), Encoding::Jsonl, Filter::default()).await;
    let asked = || (Encoding::Jsonl, Filter::default());
    // As a process that dies behind the third part leaves it: a part that no manifest names, and another that is half written.
    exported(engine, cut.path(), Encoding::Jsonl, Filter::default()).await;
    let path = |name: &str| cut.path().join(name);
    let mut early: Manifest = expected.clone();
    early.parts.truncate(3);
    early.events = 21;
    (early.through, early.complete) = (early.parts[2].last, false);
    fs::write(path(export::MANIFEST), early.to_json()).unwrap();
    for part in &expected.parts[4..] {
        fs::remove_file(path(&part.file)).unwrap();
    }
    fs::write(path(&expected.parts[3].file), "{\"position\":").unwrap();
    let fault = export::check(cut.path(), &[]).unwrap_err();
    assert!(fault.to_string().contains("was cut after position 21"), "{fault}");

    life.world.reseller(9).await;
    let resumed = export::resume(engine, cut.path(), asked()).await.unwrap();
    let manifest = resumed.write(engine, |_| {}).await.unwrap();
    assert_eq!(manifest, expected, "what has happened since is no part of it");
    for part in &expected.parts {
        assert_eq!(fs::read(path(&part.file)).unwrap(), fs::read(whole.path().join(&part.file)).unwrap());
    }
    assert!(export::check(cut.path(), &[]).unwrap().is_whole_log);
    let again = export::resume(engine, cut.path(), asked()).await.unwrap();
    assert_eq!(again.write(engine, |_| {}).await.unwrap(), expected, "nothing is left to write");
}

#[tokio::test]
async fn what_is_not_the_same_export_is_not_gone_on_with() {
    let life = Life::lived().await;
    let engine = &life.world.engine;
    let folder = TempDir::new().unwrap();
    let manifest = exported(engine, folder.path(), Encoding::Jsonl, Filter::default()).await;
    let resume = async |engine, encoding, filter| match export::resume(
        engine,
        folder.path(),
        (encoding, filter),
    )
    .await
    {
        Err(FolderError::Other { what, .. }) => what,
        other => panic!("{other:?}"),
    };
    assert_eq!(resume(engine, Encoding::Csv, Filter::default()).await, "encoding");
    assert_eq!(resume(engine, Encoding::Jsonl, Filter { after: 1, ..Filter::default() }).await, "filter");
    let another = Life::lived().await;
    assert_eq!(resume(&another.world.engine, Encoding::Jsonl, Filter::default()).await, "log");
    let stand = export::stand(engine, None, &LeavesRead::default()).await.unwrap();
    let asked = (Encoding::Jsonl, Filter::default());
    let again = export::begin(engine, folder.path(), asked.clone(), stand, 7).await;
    assert!(matches!(again, Err(FolderError::NotEmpty(_))), "{again:?}");
    fs::write(folder.path().join(export::MANIFEST), manifest.to_json().replace("export-1", "export-2"))
        .unwrap();
    let nothing = export::resume(engine, folder.path(), asked).await;
    assert!(matches!(nothing, Err(FolderError::Nothing { .. })), "{nothing:?}");
}

#[tokio::test]
async fn a_filter_takes_what_belongs_and_nothing_else() {
    let life = Life::lived().await;
    let engine = &life.world.engine;
    life.world.reseller(2).await;
    let events = log(engine).await;
    let of = async |filter: Filter| {
        let folder = TempDir::new().unwrap();
        let manifest = exported(engine, folder.path(), Encoding::Jsonl, filter).await;
        let checked = export::check(folder.path(), &[]).unwrap();
        assert!(!checked.is_whole_log);
        positions(folder.path(), &manifest)
    };
    let where_ = |takes: &dyn Fn(&StoredEvent) -> bool| -> Vec<u64> {
        events.iter().filter(|event| takes(event)).map(|event| event.position).collect()
    };
    let (order, port): (StreamId, StreamId) = (life.orders[0].stream(), life.port.stream());
    let own = where_(&|event| [order, port].contains(&event.stream));
    let by_order = Filter { order: Some(life.orders[0]), ..Filter::default() };
    assert_eq!(of(by_order.clone()).await, own);
    let middle = own[own.len() / 2];
    let late = of(Filter { after: middle, ..by_order.clone() }).await;
    assert_eq!(
        late,
        where_(&|event| event.position > middle && own.contains(&event.position)),
        "what it owns is known"
    );
    let until = Filter { until: Some(middle.to_string()), ..by_order };
    assert_eq!(of(until).await, where_(&|event| event.position <= middle && own.contains(&event.position)));
    let types = vec!["OrderCreated".to_owned(), "PortCompleted".to_owned()];
    let of_these = where_(&|event| types.contains(&event.event_type));
    assert_eq!(of(Filter { types: types.clone(), ..Filter::default() }).await, of_these);
    let company = of(Filter { company: Some(life.company), ..Filter::default() }).await;
    assert!(own.iter().all(|position| company.contains(position)) && company.len() < events.len());
    assert!(where_(&|event| event.stream == life.company.stream()).iter().all(|it| company.contains(it)));
    let at = engine.page(middle - 1, 1).await.unwrap()[0].recorded_at_us;
    let time = chrono::DateTime::from_timestamp_micros(at).unwrap().to_rfc3339();
    let by_time = of(Filter { until: Some(time), ..Filter::default() }).await;
    assert_eq!(by_time, where_(&|event| event.recorded_at_us <= at));
    let unknown = Filter { types: vec!["OrderLaunched".to_owned()], ..Filter::default() };
    assert_eq!(unknown.check(engine, 10).await.unwrap_err().problems()[0].code, "event_type_unknown");
    let swapped = Filter { after: 9, until: Some("8".to_owned()), ..Filter::default() };
    assert_eq!(swapped.check(engine, 10).await.unwrap_err().problems()[0].code, "moments_swapped");
}

#[tokio::test]
async fn whatever_was_changed_in_an_export_is_found_and_named() {
    let life = Life::lived().await;
    let engine = &life.world.engine;
    for encoding in Encoding::VARIANTS {
        let folder = TempDir::new().unwrap();
        let manifest = exported(engine, folder.path(), *encoding, Filter::default()).await;
        let part = folder.path().join(&manifest.parts[1].file);
        let original = fs::read_to_string(&part).unwrap();
        let lines: Vec<&str> = original.lines().collect();
        let heading = usize::from(*encoding == Encoding::Csv);
        let end = if *encoding == Encoding::Csv { "\r\n" } else { "\n" };
        let put = |lines: Vec<String>| fs::write(&part, lines.join(end) + end).unwrap();
        let all = || lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let found = |what: &str, line: Option<usize>| {
            let fault = export::check(folder.path(), &[]).unwrap_err();
            let named = (fault.file.as_str(), fault.line);
            let expected = (manifest.parts[1].file.as_str(), line.map(|line| line as u64));
            assert_eq!(named, expected, "{encoding}, {what}: {fault}");
        };
        let third = heading + 2;
        let mut edited = all();
        edited[third] = edited[third].replacen("operator", "somebody", 1);
        assert_ne!(edited, all());
        put(edited);
        found("an actor was changed", Some(third + 1));
        let mut left_out = all();
        left_out.remove(third);
        put(left_out);
        found("an event was left out", Some(third + 1));
        let mut twice = all();
        twice.insert(third, lines[third].to_owned());
        put(twice);
        found("an event stands twice", Some(third + 2));
        let mut swapped = all();
        swapped.swap(third, third + 1);
        put(swapped);
        found("two events were swapped", Some(third + 1));
        let mut short = all();
        short.pop();
        put(short);
        found("the last event is gone", None);
        fs::remove_file(&part).unwrap();
        found("the part is gone", None);
        fs::write(&part, &original).unwrap();
        export::check(folder.path(), &[]).unwrap();
        fs::write(folder.path().join("part-000999.jsonl"), "").unwrap();
        assert_eq!(export::check(folder.path(), &[]).unwrap_err().file, "part-000999.jsonl");
    }
}

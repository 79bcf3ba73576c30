//! Ranges of numbers: loaded, replaced, and left alone where a file is wrong.

use orderwire::{
    domain::{
        number::TelephoneNumber,
        portability::{NumberingRange, RangeStatus},
    },
    edge::loads::LoadError,
    engine::reference::{
        loads::{self, LoadKind, LoadState},
        numbering::NUMBERING_RANGE,
    },
};
use proptest::prelude::*;

use super::*;

/// As it is published now.
const NEW: &str = "\u{feff}NMS Number Block: Number Block,Block Status,CP Name,Geographic Number Length,Allocation Date,Notes\n\
                   1134 9,Allocated,Other Telecom,3+7,15/07/1994,\n\
                   1134 96,Allocated,Example Telecom,3+7,21/05/1997,\n\
                   1134 961,Quarantined,,3+7,,\n\
                   7700 900,Allocated,A Mobile,10 digit numbers,,\n\
                   1534 96,Allocated,An Island,4+6,,\n";
/// As it was.
const OLD: &str =
    "SABC,D/DE,Status,Number Length,Communications Provider,Notes\n2079,46,Allocated,2+8,Example Telecom,\n";

fn range(world: &World, number: &str) -> Option<NumberingRange> {
    world.engine.reference().range(TelephoneNumber::parse(number).unwrap())
}

fn holder(world: &World, number: &str) -> Option<String> {
    range(world, number).and_then(|range| range.holder).and_then(|holder| holder.name)
}

#[tokio::test]
async fn several_files_are_one_load_and_the_longest_prefix_counts() {
    on_every_store(async |world| {
        let report = blocks(&world, &[NEW, OLD], Refusing::Everything).await;
        assert_eq!((report.record.state, report.record.rows()), (LoadState::Loaded, 4));
        assert_eq!(report.record.files[0].passed_over, 2, "mobiles and islands are of no use here");
        let found = range(&world, "0113 496 0123").unwrap();
        assert_eq!((found.prefix.as_str(), found.status), ("+44113496", RangeStatus::Allocated));
        assert_eq!(found.allocated_on, "1997-05-21".parse().ok());
        assert_eq!(found.holder.unwrap().cupid, "044".parse().ok(), "known by its name");
        assert_eq!(range(&world, "0113 496 1123").unwrap().status, RangeStatus::NotAllocated);
        assert_eq!(holder(&world, "0113 497 0123").as_deref(), Some("Other Telecom"));
        assert_eq!(holder(&world, "020 7946 0123").as_deref(), Some("Example Telecom"));
        assert_eq!(range(&world, "0114 496 0123"), None, "the sample does not count any more");
    })
    .await;
}

#[tokio::test]
async fn a_load_takes_the_place_of_the_one_before() {
    on_every_store(async |world| {
        blocks(&world, &[NEW], Refusing::Everything).await;
        blocks(&world, &[OLD], Refusing::Everything).await;
        assert_eq!(range(&world, "0113 496 0123"), None);
        assert_eq!(holder(&world, "020 7946 0123").as_deref(), Some("Example Telecom"));
        assert_eq!(
            world.engine.log().count(&NUMBERING_RANGE, &[]).await.unwrap(),
            1,
            "nothing is left behind"
        );
        let states = loads::list(world.engine.log(), LoadKind::Numbering, 10).await.unwrap();
        let states: Vec<_> = states.iter().map(|load| load.state).collect();
        assert_eq!(states, [LoadState::Loaded, LoadState::Replaced]);
    })
    .await;
}

#[tokio::test]
async fn a_file_with_a_wrong_row_changes_nothing_unless_it_may() {
    const WRONG: &str = "Block,Status,CP Name,CUPID\n1134 95,Allocated,Zed,001\n11x4,Free,,\n1134 94,Allocated,,\n\
                         1134 93,Allocated,Zed,1\n1134 92,,Zed,\n";
    on_every_store(async |world| {
        blocks(&world, &[OLD], Refusing::Everything).await;
        let report = blocks(&world, &[WRONG], Refusing::Everything).await;
        let rows: Vec<_> = report.refused.iter().map(|row| (row.line, row.code.as_str())).collect();
        let expected =
            [(3, "block_malformed"), (4, "provider_empty"), (5, "cupid_too_short"), (6, "status_empty")];
        assert_eq!((report.record.state, rows.as_slice()), (LoadState::Refused, expected.as_slice()));
        assert_eq!(holder(&world, "020 7946 0123").as_deref(), Some("Example Telecom"), "as before");
        assert_eq!(world.engine.log().count(&NUMBERING_RANGE, &[]).await.unwrap(), 1);
        let report = blocks(&world, &[WRONG], Refusing::RowsOnly).await;
        assert_eq!((report.record.state, report.record.refused()), (LoadState::Loaded, 4));
        assert_eq!(holder(&world, "0113 495 0123").as_deref(), Some("Zed"));
    })
    .await;
}

#[tokio::test]
async fn without_its_columns_or_ranges_a_file_is_refused_as_a_whole() {
    let world = World::in_memory().await;
    for (text, code) in [
        ("Block,Owner\n1134,Zed\n", "heading_wrong"),
        ("Block,Status,CP Name\n", "ranges_missing"),
        ("Block,Status,CP Name\n7700,Allocated,A Mobile\n", "ranges_missing"),
    ] {
        let (files, none) = (vec![file("bad.csv", text)], Providers::default());
        let refused = load_numbering(&world.engine, &operator(), files, &none, Refusing::RowsOnly).await;
        let LoadError::Refused(problems) = refused.unwrap_err() else { panic!("{text}") };
        assert_eq!(problems[0].code, code);
        if code == "heading_wrong" {
            assert!(problems[0].detail.contains("the columns are: Block, Owner"), "{}", problems[0]);
        }
    }
    assert!(range(&world, "0113 496 0123").is_some(), "the sample is still there");
}

#[tokio::test]
async fn what_one_process_loads_another_sees_when_it_looks_again() {
    let store = Store::sqlite();
    let (one, other) = (World::open(&store).await, World::open(&store).await);
    assert!(range(&other, "0114 496 0123").is_some(), "the sample");
    blocks(&one, &[NEW], Refusing::Everything).await;
    other.engine.reference().refresh().await.unwrap();
    assert_eq!(range(&other, "0114 496 0123"), None);
    assert_eq!(holder(&other, "0113 496 0123").as_deref(), Some("Example Telecom"));
    let third = World::open(&store).await;
    assert_eq!(holder(&third, "0113 496 0123").as_deref(), Some("Example Telecom"), "also from the start");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_a_file_says_it_is_loaded_or_refused(text in "(Block,Status,CP Name\n)?(.{0,30}\n?){0,6}") {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let world = World::in_memory().await;
            let (files, none) = (vec![file("any.csv", &text)], Providers::default());
            let who = operator();
            let report =
                load_numbering(&world.engine, &who, files, &none, Refusing::RowsOnly).await;
            if let Ok(report) = report {
                let rows = world.engine.log().count(&NUMBERING_RANGE, &[]).await.unwrap();
                assert!(rows <= report.record.rows(), "a range may stand there twice");
            }
        });
    }
}

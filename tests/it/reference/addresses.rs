//! Addresses: loaded, loaded again, searched, and what is said of rows that cannot be.

use std::fmt::Write as _;

use orderwire::{
    domain::address::{Address, AddressKey},
    engine::reference::{
        addresses::{AddressOrigin, AddressSearch, AddressSource as _, AddressWithin, SampleAddresses},
        loads::{self, LoadKind, LoadState},
    },
};
use sha2::{Digest as _, Sha256};

use super::*;

const HEADINGS: &str =
    "Address Key,Qualifier,Organisation,Building Name,Building Number,Street,Post Town,Postcode\n";

fn search(within: &str, text: &str) -> AddressSearch {
    let within = (!within.is_empty()).then(|| AddressWithin::parse(within).unwrap());
    AddressSearch::new(within, Some(text).filter(|text| !text.is_empty())).unwrap()
}

/// Every page of a search.
async fn found(world: &World, mut search: AddressSearch) -> Vec<Address> {
    let mut all = Vec::new();
    loop {
        let page = world.engine.addresses().search(&search).await.unwrap();
        assert_eq!(page.origin, AddressOrigin::Loaded);
        assert!(page.addresses.len() <= search.limit);
        all.extend(page.addresses);
        match page.next {
            Some(next) => search.after = Some(next),
            None => return all,
        }
    }
}

/// Two streets in one postcode and one in another; 1,200 houses.
fn two_streets() -> String {
    let mut text = HEADINGS.to_owned();
    for n in 1..=600 {
        writeln!(text, "A{n:011},gold,,,{n},Larkspur Street,Leeds,LS1 4AP").unwrap();
        let postcode = if n > 300 { "LS1 4AP" } else { "M1 1AE" };
        writeln!(text, "R{n:011},Silver,,\"Unit {n}, The Mill\",{n},St. John's Road,Leeds,{postcode}")
            .unwrap();
    }
    text
}

#[tokio::test]
async fn a_search_finds_what_its_postcode_and_words_say_page_by_page() {
    on_every_store(async |world| {
        addresses(&world, &two_streets()).await;
        let all = found(&world, search("LS1 4AP", "")).await;
        assert_eq!(all.len(), 900, "more than a page");
        assert!(all.is_sorted_by_key(|it| (it.sort(), it.key.clone())), "in the order of street and number");
        assert_eq!(found(&world, search("LS1 4AP", "john 451")).await.len(), 1);
        assert_eq!(found(&world, search("ls1", "st johns mill")).await.len(), 300);
        assert_eq!(found(&world, search("", "larkspur 12")).await.len(), 1);
        assert_eq!(found(&world, search("", "larksp leeds")).await.len(), 600);
        assert!(found(&world, search("M1", "larkspur")).await.is_empty());
        // What it cannot do: without a whole postcode, the first word begins the street.
        assert!(found(&world, search("", "mill")).await.is_empty());
        assert_eq!(found(&world, search("M1 1AE", "mill")).await.len(), 300);
        let mut few = search("LS1 4AP", "larkspur");
        few.limit = 7;
        assert_eq!(found(&world, few).await.len(), 600, "by small pages too");
    })
    .await;
}

#[tokio::test]
async fn a_row_that_is_loaded_again_takes_the_place_of_the_one_with_its_key() {
    on_every_store(async |world| {
        addresses(&world, &format!("{HEADINGS}A00000000001,gold,,,1,Old Lane,Leeds,LS1 4AP\n")).await;
        addresses(&world, &format!("{HEADINGS}A00000000001,silver,,,1,New Lane,Leeds,M1 1AE\n")).await;
        let key = AddressKey::parse("A00000000001").unwrap();
        let now = world.engine.addresses().get(&key).await.unwrap().unwrap();
        assert_eq!((now.street.as_str(), now.postcode.as_str()), ("New Lane", "M1 1AE"));
        assert!(found(&world, search("LS1 4AP", "")).await.is_empty(), "it has moved");
        assert_eq!(found(&world, search("M1 1AE", "")).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_load_is_remembered_and_its_refused_rows_are_named() {
    on_every_store(async |world| {
        let text = format!(
            "\u{feff}{HEADINGS}A00000000001,gold,,,1,Lane,Leeds,LS1 4AP\n\
             T00000000002,gold,,,2,Lane,Leeds,LS1 4AP\n\
             \"A00000000003\",gold,,\"The\nMill\",3,Lane,Leeds,LS1 4AP\n\
             A00000000004,brass,,,4,Lane,Leeds,LS1 4AP\n\
             A00000000005,gold,,,5,,Leeds,LS1 4AP\n\
             A00000000006,gold,,,6,Lane,Leeds,LS1\n\
             A00000000007,gold\n"
        );
        let report = addresses(&world, &text).await;
        let refused: Vec<_> =
            report.refused.iter().map(|row| (row.line, row.column.as_str(), row.code.as_str())).collect();
        assert_eq!(
            refused,
            [
                (3, "Address Key", "address_key_temporary"),
                (4, "Building Name", "address_part_character"),
                (6, "Qualifier", "address_qualifier_unknown"),
                (7, "Street", "address_part_empty"),
                (8, "Postcode", "postcode_malformed"),
                (9, "Street", "address_part_empty"),
            ]
            .map(|row| if row.2 == "x" {
                (row.0, row.1, "address_qualifier_unknown")
            } else {
                row
            })
        );
        let kept = loads::list(world.engine.log(), LoadKind::Addresses, 10).await.unwrap();
        assert_eq!(kept, [report.record]);
        let [load] = kept.try_into().unwrap();
        assert_eq!((load.state, load.actor.as_str()), (LoadState::Loaded, "operator"));
        assert_eq!((load.rows(), load.refused(), load.begun_at), (1, 6, beginning()));
        assert_eq!(load.files[0].sha256, format!("{:x}", Sha256::digest(&text)), "of the file as it is");
    })
    .await;
}

#[tokio::test]
async fn a_file_without_the_needed_columns_loads_nothing_and_names_those_it_has() {
    let world = World::in_memory().await;
    for (text, named) in [("", ""), ("key,street\nA00000000001,Lane\n", "key, street"), ("\"", "")] {
        let source = file("bad.csv", text);
        let refused = load_addresses(&world.engine, &operator(), source).await.unwrap_err();
        assert!(refused.to_string().contains("postcode") && refused.to_string().contains(named), "{refused}");
    }
    assert!(loads::list(world.engine.log(), LoadKind::Addresses, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_quote_that_is_never_closed_does_not_take_the_file_into_memory() {
    let world = World::in_memory().await;
    let text = format!("{HEADINGS}\"A00000000001,{}", "gold,".repeat(100_000));
    let refused = load_addresses(&world.engine, &operator(), file("bad.csv", &text)).await;
    assert!(refused.unwrap_err().to_string().contains("quote"));
}

#[test]
fn a_search_that_would_look_through_everything_is_refused() {
    for text in ["", "12", "la", "12 l"] {
        assert_eq!(
            AddressSearch::new(None, Some(text).filter(|text| !text.is_empty())).unwrap_err().code,
            "address_search_too_wide",
            "{text}"
        );
    }
    assert!(AddressSearch::new(None, Some(&"a".repeat(101))).is_err());
    for bad in ["", "L", "LS1 4", "!"] {
        assert!(AddressWithin::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(AddressWithin::parse(" ls1 ").unwrap(), AddressWithin::District("LS1".to_owned()));
}

#[tokio::test]
async fn before_anything_is_loaded_the_sample_is_there_and_says_that_it_is_one() {
    let world = World::in_memory().await;
    let sample = SampleAddresses::bundled();
    assert_eq!(sample.len(), 300);
    let page = world.engine.addresses().search(&search("LS1 4AP", "")).await.unwrap();
    assert_eq!((page.origin, page.addresses.len()), (AddressOrigin::Sample, 10));
    let mut few = search("LS1", "lark");
    few.limit = 4;
    let first = sample.search(&few).await.unwrap();
    few.after.clone_from(&first.next);
    let second = sample.search(&few).await.unwrap();
    assert_eq!([first.addresses, second.addresses].concat()[..8], page.addresses[..8]);
}

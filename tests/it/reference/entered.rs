//! Addresses entered by hand: temporary, sealed, their reseller's alone, and one day replaced.

use orderwire::{
    domain::{
        address::AddressQualifier,
        ids::{CompanyId, ResellerId},
    },
    engine::{
        log::Select,
        reference::entered::{AddressEntry, ENTERED_ADDRESS},
    },
};

use super::*;

fn entry(reseller: ResellerId, company: Option<CompanyId>, line: &str) -> AddressEntry {
    let lines = vec![line.to_owned(), "Leeds".to_owned()];
    AddressEntry { reseller, company, lines, postcode: "LS1 4AP".parse().unwrap() }
}

#[tokio::test]
async fn an_entered_address_has_a_temporary_key_and_is_seen_by_its_reseller_alone() {
    on_every_store(async |world| {
        let (one, other) = (world.reseller(1).await, world.reseller(2).await);
        let enter = async |entry: &AddressEntry| {
            world.engine.enter_address(entry, &of(entry.reseller)).await.unwrap()
        };
        let entered = enter(&entry(one, None, "The Signal Box")).await;
        assert!(entered.key.is_temporary());
        assert_eq!(entered.qualifier, AddressQualifier::Bronze);
        assert_eq!(
            enter(&entry(one, None, "the  SIGNAL box")).await,
            entered,
            "the same address is the same key"
        );
        assert_ne!(enter(&entry(one, None, "The Other Box")).await.key, entered.key);
        assert_ne!(enter(&entry(other, None, "The Signal Box")).await.key, entered.key);

        let lines = world.engine.entered_lines(&entered).await.unwrap().unwrap();
        assert_eq!(lines, ["The Signal Box", "Leeds"]);
        assert_eq!(world.engine.entered_address(other, &entered.key).await.unwrap(), None);
        assert_eq!(world.engine.entered_addresses(one, None, 10).await.unwrap().len(), 2);
        assert!(!world.engine.forget_entered_address(other, &entered.key).await.unwrap());

        let look = Select {
            table: &ENTERED_ADDRESS,
            filters: vec![],
            order: "key",
            descending: false,
            after: None,
            limit: 10,
        };
        for row in world.engine.log().select(&look).await.unwrap() {
            assert!(!row.doc.to_lowercase().contains("signal"), "it is stored sealed");
        }
        assert!(world.engine.forget_entered_address(one, &entered.key).await.unwrap());
        assert_eq!(world.engine.entered_address(one, &entered.key).await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn only_a_known_address_takes_the_place_of_an_entered_one() {
    let world = World::in_memory().await;
    let (one, other) = (world.reseller(1).await, world.reseller(2).await);
    let entered = world.engine.enter_address(&entry(one, None, "Box"), &of(one)).await.unwrap();
    let replace = async |reseller, by: &str| {
        world.engine.replace_entered_address(reseller, &entered.key, &by.parse().unwrap()).await
    };
    let code = |refused: Result<_, orderwire::engine::Error>| refused.unwrap_err().reasons()[0].code.clone();
    assert_eq!(code(replace(one, "A99999999999").await), "address_not_known");
    assert_eq!(code(replace(one, entered.key.as_str()).await), "address_not_known");
    assert_eq!(code(replace(other, "A00000000001").await), "address_unknown");
    assert_eq!(replace(one, "A00000000001").await.unwrap().replaced_by, "A00000000001".parse().ok());
}

#[tokio::test]
async fn an_address_of_another_resellers_company_is_not_taken() {
    let world = World::in_memory().await;
    let (one, other) = (world.reseller(1).await, world.reseller(2).await);
    let company = world.company(one, "Acme").await;
    let refused = world.engine.enter_address(&entry(other, Some(company), "Box"), &of(other)).await;
    assert_eq!(refused.unwrap_err().reasons()[0].code, "company_unknown");
    let entered = world.engine.enter_address(&entry(one, Some(company), "Box"), &of(one)).await.unwrap();
    assert_eq!(entered.lines.key_id, company.to_string(), "erased with the company");
    for bad in ["", "a\u{0}b", &"x".repeat(101)] {
        let lines = vec![bad.to_owned()];
        let refused =
            world.engine.enter_address(&AddressEntry { lines, ..entry(one, None, "") }, &of(one)).await;
        assert_eq!(refused.unwrap_err().reasons()[0].code, "address_lines_invalid", "{bad:?}");
    }
}

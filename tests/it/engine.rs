//! The engine end to end: a new company, from qualification to service.

use std::sync::Arc;

use orderwire::{
    domain::{
        decider::Decider as _,
        ids::{CompanyId, OrderId, ResellerId, StreamId},
        joint::Command,
        names::{Cupid, Extension, LocationCode, MacAddress, ProductCode, SiteName},
        number::{AreaCode, NumberRange},
        order::{
            Order, OrderStatus,
            line::{
                CompanyLine, DeviceLine, LineNumber, LineRequest, NumberAsk, NumberSearch, NumbersLine,
                Parent, SearchBy, SiteAddress, SiteLine, SiteNumbers, UserLine, UserNumber,
            },
        },
        testing::scenario::moment,
    },
    engine::{
        Actor, Engine, Provenance, clock::SimulatedClock, fulfilment::AutoProvisioner, sealing::MasterKey,
    },
    stores::{self, Migrate},
};

async fn engine(url: &str) -> Engine {
    let log = stores::open(url, Migrate::Yes).await.unwrap();
    log.create_tables(&Engine::tables()).await.unwrap();
    Engine::builder()
        .clock(SimulatedClock::at(moment("2026-06-01T09:00:00Z")))
        .provisioner(AutoProvisioner)
        .background(false)
        .open(log, MasterKey::generate())
        .await
        .unwrap()
}

async fn a_new_company(url: &str) {
    let engine = engine(url).await;
    let operator = Provenance::of(Actor::new("operator").unwrap());
    let command = Command::CreateReseller {
        code: "R100".parse().unwrap(),
        cug_id: "CUG100".parse().unwrap(),
        sales_tag: "TAG100".parse().unwrap(),
        name: "Northern Voice".parse().unwrap(),
    };
    let reseller: ResellerId = engine.execute(&command, &operator, None).await.unwrap().id("reseller");
    let command = Command::LoadBlock {
        range: NumberRange::parse("0113 496 0000-0999").unwrap(),
        range_holder: Cupid::parse("001").unwrap(),
        place: SiteName::parse("Leeds").unwrap(),
    };
    engine.execute(&command, &operator, None).await.unwrap();
    let us = Provenance::of_reseller(Actor::new("alice").unwrap(), reseller);
    let command = Command::Qualify {
        reseller,
        name: "Acme Ltd".parse().unwrap(),
        domain: "acme.example".parse().unwrap(),
    };
    let company: CompanyId = engine.execute(&command, &us, None).await.unwrap().id("company");
    engine.settle().await.unwrap();
    let owner: StreamId = company.into();
    let seal = |text: &'static str| {
        let engine = engine.clone();
        async move { engine.seal(owner, text, text).await.unwrap() }
    };
    let lines = vec![
        LineRequest::Company(CompanyLine { channels: 10, contact: None }),
        LineRequest::Numbers(NumbersLine {
            ask: NumberAsk::Search(NumberSearch {
                by: SearchBy::AreaCode(AreaCode::parse("0113").unwrap()),
                quantity: 40,
                contiguous: true,
            }),
            site: None,
        }),
        LineRequest::Site(Box::new(SiteLine {
            name: "Head office".parse().unwrap(),
            location_code: LocationCode::parse("45").unwrap(),
            extension_length: 3,
            address: SiteAddress::Known("A00000000001".parse().unwrap()),
            numbers: vec![SiteNumbers { line: LineNumber(2), quantity: None }],
        })),
        LineRequest::User(Box::new(UserLine {
            site: Parent::Line(LineNumber(3)),
            first_name: seal("Ada").await,
            last_name: seal("Lovelace").await,
            username: seal("ada").await,
            extension: Extension::parse("201").unwrap(),
            licence: Some(ProductCode::parse("voice_standard").unwrap()),
            add_ons: vec![],
            primary_number: Some(UserNumber::From(LineNumber(2))),
            alternate_numbers: vec![],
        })),
        LineRequest::Device(DeviceLine {
            user: Parent::Line(LineNumber(4)),
            model: ProductCode::parse("desk_phone_t1").unwrap(),
            mac: MacAddress::parse("00:15:65:00:00:01").unwrap(),
        }),
    ];
    let command =
        Command::CreateOrder { reseller, reference: "PO-1".parse().unwrap(), company: Some(company), lines };
    let order: OrderId = engine.execute(&command, &us, None).await.unwrap().id("order");
    engine.execute(&Command::Submit { order }, &us, None).await.unwrap();
    engine.settle().await.unwrap();
    let (_, state) = engine.load::<Order>(order).await.unwrap();
    for event in engine.page(0, 1000).await.unwrap() {
        println!("{} {} {} {}", event.position, event.stream, event.sequence, event.event_type);
    }
    assert_eq!(state.status(), OrderStatus::Completed);
    assert_eq!(engine.head().await.unwrap().frontier.leaves(), engine.head().await.unwrap().position);
    let _ = Arc::clone(engine.rules());
    engine.close().await;
}

#[tokio::test]
async fn a_new_company_is_in_service_in_memory() {
    a_new_company("memory:").await;
}

#[tokio::test]
async fn a_new_company_is_in_service_in_sqlite() {
    let folder = tempfile::tempdir().unwrap();
    a_new_company(folder.path().join("orders.db").to_str().unwrap()).await;
}

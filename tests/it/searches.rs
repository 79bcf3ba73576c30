//! Commands that search for numbers at the same time do not all pick the same ones.

use futures::future::join_all;
use orderwire::{
    domain::{
        company::Company,
        ids::{CompanyId, ResellerId},
        joint::Command,
        names::Cupid,
        number::{AreaCode, NumberRange, NumberSet},
        order::line::{NumberAsk, NumberSearch, SearchBy},
    },
    edge::open::{OpenOptions, open_engine},
    engine::{Actor, Engine, Error, Provenance},
    stores::Migrate,
};

/// More than a commit is attempted times: without taking turns, somebody would lose every race.
const COMPANIES: usize = 48;

fn twenty_in_a_row(company: CompanyId) -> Command {
    let by = SearchBy::AreaCode(AreaCode::parse("0113").unwrap());
    let ask = NumberAsk::Search(NumberSearch { by, quantity: 20, contiguous: true });
    Command::ReserveNumbers { company, ask, ring_fence: false }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_who_searches_at_once_gets_numbers_while_there_are_enough() {
    let options = OpenOptions { migrate: Migrate::Yes, ..OpenOptions::of("memory:") };
    let engine = open_engine(&options, Engine::builder().background(false)).await.unwrap();
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
        place: "Leeds".parse().unwrap(),
    };
    engine.execute(&command, &operator, None).await.unwrap();
    let mut companies: Vec<CompanyId> = Vec::new();
    for number in 0..=COMPANIES {
        let (name, domain) = (format!("Company {number}"), format!("c{number}.example"));
        let command =
            Command::Qualify { reseller, name: name.parse().unwrap(), domain: domain.parse().unwrap() };
        companies.push(engine.execute(&command, &operator, None).await.unwrap().id("company"));
    }
    engine.settle().await.unwrap();

    let last = companies.pop().unwrap();
    let commands: Vec<Command> = companies.iter().map(|company| twenty_in_a_row(*company)).collect();
    let answers = join_all(commands.iter().map(|command| engine.execute(command, &operator, None))).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let mut taken = NumberSet::new();
    for company in companies {
        let (_, company) = engine.load::<Company>(company).await.unwrap();
        for (number, _) in company.numbers() {
            assert!(taken.insert(number), "{number} was given twice");
        }
    }
    assert_eq!(taken.len(), COMPANIES * 20);

    // The rest is forty numbers: enough for two more, and then the answer says so.
    for _ in 0..2 {
        engine.execute(&twenty_in_a_row(last), &operator, None).await.unwrap();
    }
    let refused = engine.execute(&twenty_in_a_row(last), &operator, None).await.unwrap_err();
    assert!(
        matches!(&refused, Error::Refused(reasons) if reasons[0].code == "not_enough_numbers"),
        "{refused:?}"
    );
    engine.close().await;
}

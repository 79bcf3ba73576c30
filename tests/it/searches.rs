//! Commands that search for numbers at the same time do not all pick the same ones, and a search sees all the stock.

use chrono::{DateTime, Utc};
use futures::future::join_all;
use orderwire::{
    domain::{
        company::Company,
        ids::{CompanyId, Mint, NumberBlockId, ResellerId},
        joint::Command,
        names::Cupid,
        number::{AreaCode, NumberRange, NumberSet, TelephoneNumber},
        order::line::{NumberAsk, NumberSearch, SearchBy},
        views::{
            number_availability::{FreeRun, NUMBER_RUN},
            table::Record as _,
        },
    },
    edge::open::{OpenOptions, open_engine},
    engine::{
        Actor, Engine, Error, Provenance,
        log::{RowChange, SharedLog},
        query::free_numbers,
    },
    stores::{self, Migrate},
};
use uuid::Uuid;

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

/// Every second number of nine ranges is free, all of them at one place.
async fn crumbs() -> SharedLog {
    let log = stores::open("memory:", Migrate::Yes).await.unwrap();
    log.create_tables(&Engine::tables()).await.unwrap();
    let areas = ["113", "114", "115", "116", "117", "118", "121", "131", "141"];
    let block: NumberBlockId = Mint::new(Uuid::nil(), DateTime::<Utc>::UNIX_EPOCH).fresh();
    let runs = areas.iter().flat_map(|area| (0..500).map(move |n| format!("+44{area}4960{:03}", n * 2)));
    let rows = runs.map(|start| {
        let start = TelephoneNumber::parse(&start).unwrap();
        let place = "Leeds".parse().unwrap();
        FreeRun { start, length: 1, area: start.area_code(), place, block }.to_row()
    });
    let changes: Vec<_> = rows.map(|row| RowChange::Put(&NUMBER_RUN, row)).collect();
    log.change_rows(&changes, None).await.unwrap();
    log
}

#[tokio::test]
async fn a_search_in_crumbs_finds_all_there_are_and_never_says_that_more_are_free() {
    let log = crumbs().await;
    let find = async |quantity, contiguous, except: NumberSet| {
        let search = NumberSearch { by: SearchBy::Place("Leeds".parse().unwrap()), quantity, contiguous };
        let found = free_numbers(&log, &search, &except).await.unwrap();
        (found.numbers, found.free)
    };
    let (all, free) = find(4_501, false, NumberSet::new()).await;
    assert_eq!((all.len(), free), (4_500, 4_500), "all there are, and one less than was asked for");
    assert_eq!(find(2, true, NumberSet::new()).await, (NumberSet::new(), 1), "no two are in a row");
    // What another command is about to take hides nothing behind it: the longest runs come first, the last numbers.
    let others: NumberSet = all.iter().skip(4_300).collect();
    let (numbers, free) = find(10, false, others.clone()).await;
    assert_eq!((numbers.is_disjoint(&others), numbers.len(), free), (true, 10, 10));
}

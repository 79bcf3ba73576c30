//! A history that is imported goes through every check of any other commit: what is wrong with it is said with its place and
//! its reason, and then nothing of it is there.
//!
//! The history is an engine's own, as the stock crates would have stored it; how their tables are read is `postgres::import`.

use chrono::TimeDelta;
use orderwire::{
    domain::ids::{CompanyId, OrderId, ResellerId, StreamId},
    engine::import::StockEvent,
};

use crate::{invariants::state_text, world::*};

const FROM: &str = "legacy.events";

/// The streams of the history, and its events in order.
struct History {
    reseller: ResellerId,
    company: CompanyId,
    /// It has no numbers.
    other: CompanyId,
    order: OrderId,
    events: Vec<StockEvent>,
    world: World,
}

/// A company in service and another that is only qualified; a minute goes by between any two commands.
async fn history() -> History {
    let world = World::in_memory().await;
    let minute = async || world.sleep(TimeDelta::minutes(1)).await;
    let reseller = world.reseller(1).await;
    minute().await;
    world.leeds().await;
    minute().await;
    let company = world.company(reseller, "Acme").await;
    minute().await;
    let other = world.company(reseller, "Zenith").await;
    minute().await;
    world.reserve(company, leeds(100, 5)).await;
    minute().await;
    let order = world.order(company, "PO-1", new_company(1, 10)).await;
    minute().await;
    world.done(orderwire::domain::joint::Command::Submit { order }).await;
    minute().await;
    let events = world.engine.page(0, 1_000).await.unwrap().into_iter().map(|event| StockEvent {
        aggregate_type: event.stream.kind.word().to_owned(),
        aggregate_id: event.stream.to_string(),
        sequence: event.sequence,
        event_type: event.event_type,
        event_version: event.event_version,
        payload: event.payload,
        metadata: event.metadata,
    });
    History { reseller, company, other, order, events: events.collect(), world }
}

impl History {
    fn index(&self, stream: impl Into<StreamId>, sequence: u64) -> usize {
        let id = stream.into().to_string();
        let found = self.events.iter().position(|it| it.aggregate_id == id && it.sequence == sequence);
        found.unwrap_or_else(|| panic!("{id} has no event {sequence}"))
    }

    fn last(&self, stream: impl Into<StreamId>) -> u64 {
        let id = stream.into().to_string();
        self.events.iter().filter(|it| it.aggregate_id == id).map(|it| it.sequence).max().unwrap()
    }
}

#[tokio::test]
async fn a_sound_history_is_brought_whole_and_goes_on() {
    let history = history().await;
    for store in [Store::memory().await, Store::sqlite()] {
        let world = World::open(&store).await;
        let count = history.events.len() as u64;
        let imported = world.engine.import(history.events.clone(), FROM).await.unwrap();
        assert_eq!((imported.events, imported.head), (count, world.engine.head().await.unwrap()));
        // Every state and every claim is as it was there.
        for event in &history.events {
            let stream: StreamId = event.aggregate_id.parse().unwrap();
            let (there, here) = (
                history.world.engine.state(stream).await.unwrap(),
                world.engine.state(stream).await.unwrap(),
            );
            assert_eq!((here.0, state_text(&here.1)), (there.0, state_text(&there.1)));
        }
        let claims = async |world: &World| world.engine.log().claims(None, 1_000).await.unwrap();
        assert_eq!(claims(&world).await, claims(&history.world).await);

        world.sleep(TimeDelta::hours(1)).await;
        world.refused(reserve(history.other, leeds(100, 1)), &["number_taken"]).await;
        world.done(reserve(history.other, leeds(150, 1))).await;
        world.settle().await;
        world.engine.close().await;
    }
}

/// What is done to the history, with the code and the place of each reason that must be given.
type Harm = (&'static str, fn(&mut History) -> Vec<(&'static str, StreamId, u64)>);

const HARMS: &[Harm] = &[
    ("an event is missing", |it| {
        it.events.remove(it.index(it.order, 4));
        vec![("sequence_gap", it.order.stream(), 5)]
    }),
    ("the first event is missing", |it| {
        it.events.remove(it.index(it.company, 1));
        vec![("sequence_gap", it.company.stream(), 2)]
    }),
    ("an event is there twice", |it| {
        it.events.push(it.events[it.index(it.order, 4)].clone());
        vec![("sequence_gap", it.order.stream(), 4)]
    }),
    ("an event happens again", |it| {
        let sequence = it.last(it.order) + 1;
        let ended = it.events[it.index(it.order, sequence - 1)].clone();
        it.events.push(StockEvent { sequence, ..ended });
        vec![("step_illegal", it.order.stream(), sequence)]
    }),
    ("two events changed places", |it| {
        let (one, other) = (it.index(it.order, 1), it.index(it.order, 2));
        it.events[one].sequence = 2;
        it.events[other].sequence = 1;
        vec![("step_illegal", it.order.stream(), 1)]
    }),
    ("numbers have two holders", |it| {
        let reserved = it.events.iter().find(|event| event.event_type == "NumbersReserved").unwrap().clone();
        let (aggregate_id, sequence) = (it.other.to_string(), it.last(it.other) + 1);
        it.events.push(StockEvent { aggregate_id, sequence, ..reserved });
        vec![("number_taken", it.other.stream(), sequence); 5]
    }),
    ("two streams are wrong", |it| {
        let sequence = it.last(it.order);
        it.events.remove(it.index(it.order, 4));
        it.events[0].payload = "{\"ResellerPromoted\":{}}".into();
        assert!(sequence > 5 && it.events[0].aggregate_id == it.reseller.to_string());
        vec![("sequence_gap", it.order.stream(), 5), ("event_unknown", it.reseller.stream(), 1)]
    }),
];

#[tokio::test]
async fn what_is_wrong_with_a_history_is_said_with_its_place_and_nothing_of_it_is_there() {
    let world = World::in_memory().await;
    for (what, harm) in HARMS {
        let mut history = history().await;
        let mut expected: Vec<(String, String)> = harm(&mut history)
            .into_iter()
            .map(|(code, stream, sequence)| (code.to_owned(), format!("/{stream}/{sequence}")))
            .collect();
        let error = world.engine.import(history.events, FROM).await.expect_err(what);
        let mut found: Vec<(String, String)> = error
            .reasons()
            .iter()
            .map(|reason| (reason.code.clone(), reason.subject.clone().unwrap_or_default()))
            .collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "{what}: {error}");
        assert_eq!(world.engine.head().await.unwrap().position, 0, "{what}");
        assert_eq!(world.engine.log().claim_count().await.unwrap(), 0, "{what}");
    }
}

//! The notices in a stream of `JetStream`: every one once and in order, whoever publishes and whatever becomes of the broker.

mod away;
mod cluster;
mod login;
mod node;
mod race;
mod restored;
mod served;
mod stream;

use std::time::Duration;

use async_nats::jetstream;
use orderwire::{
    config::{Login, NatsSettings},
    domain::{
        company::commands::CompanyCommand,
        ids::{CompanyId, ResellerId},
        joint::Command,
        testing::company::sealed,
        views::{notices::Notice, table::Record as _},
    },
    engine::{Engine, log::Select, query},
    http::{hub::Told, jetstream::Publisher},
};
use tokio::sync::watch;

use crate::world::World;

pub const STREAM: &str = "ORDERWIRE_NOTICES";
/// Longer than anything here takes, and shorter than a test may.
pub const WITHIN: Duration = Duration::from_mins(1);

/// A broker that asks nobody who they are.
pub fn broker(servers: Vec<String>) -> NatsSettings {
    NatsSettings {
        servers,
        login: Login::Nobody,
        ca_file: None,
        stream: STREAM.to_owned(),
        subject: "orderwire.notices".to_owned(),
        replicas: 1,
        max_age: Duration::from_hours(1),
        max_bytes: None,
        after_position: 0,
    }
}

/// A message as a consumer has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub sequence: u64,
    pub subject: String,
    pub id: String,
    pub position: String,
    pub previous: Option<String>,
    pub body: String,
}

/// Everything that was told, in the order of the log.
pub async fn told(engine: &Engine) -> Vec<Notice> {
    let mut told: Vec<Notice> = Vec::new();
    loop {
        let after = told.last().map(|last| (i64::try_from(last.position).unwrap().into(), last.key()));
        let select = Select {
            table: Notice::TABLE,
            filters: vec![],
            order: "position",
            descending: false,
            after,
            limit: 500,
        };
        let page: Vec<Notice> = query::select(engine.log(), &select).await.unwrap();
        if page.is_empty() {
            return told;
        }
        told.extend(page);
    }
}

/// What the stream should have: written apart from what publishes it.
pub fn expected(told: &[Notice]) -> Vec<Message> {
    let mut previous = None;
    let message = |(sequence, notice): (u64, &Notice)| {
        let told = Told::from(notice.clone());
        let id = notice.id.to_string();
        Message {
            sequence,
            subject: format!("orderwire.notices.{}.{}.v1", notice.reseller, notice.notice_type.short()),
            previous: previous.replace(id.clone()),
            id,
            position: notice.position.to_string(),
            body: told.json,
        }
    };
    (1..).zip(told).map(message).collect()
}

/// Every message from a sequence on, once there are so many in all.
pub async fn messages(context: &jetstream::Context, from: u64, many: u64) -> Vec<Message> {
    let there = async {
        loop {
            // Until the publisher has made it there is none, and a cluster without a leader does not answer.
            let Ok(stream) = context.get_stream(STREAM).await else { continue };
            if stream.cached_info().state.last_sequence >= many {
                return stream;
            }
        }
    };
    let stream = tokio::time::timeout(WITHIN, there).await.expect("they are published in time");
    let last = stream.cached_info().state.last_sequence;
    let mut messages = Vec::new();
    for sequence in from..=last {
        let message = stream.get_raw_message(sequence).await.unwrap();
        let header = |name: &str| message.headers.get(name).map(ToString::to_string);
        assert_eq!(header("Content-Type").unwrap(), "application/cloudevents+json");
        messages.push(Message {
            sequence: message.sequence,
            subject: message.subject.to_string(),
            id: header("Nats-Msg-Id").unwrap(),
            position: header("Orderwire-Position").unwrap(),
            previous: header("Orderwire-Previous"),
            body: String::from_utf8(message.payload.to_vec()).unwrap(),
        });
    }
    messages
}

/// The stream has exactly what was told.
pub async fn assert_published(context: &jetstream::Context, engine: &Engine) {
    let expected = expected(&told(engine).await);
    assert!(!expected.is_empty());
    let found = messages(context, 1, expected.len() as u64).await;
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected);
    }
    assert_eq!(found.len(), expected.len());
}

/// A reseller with a company in service.
pub async fn in_service(world: &World, n: u32) -> (ResellerId, CompanyId) {
    world.stock(&format!("0113 496 0{n}00-0{n}99"), "Leeds").await;
    let reseller = world.reseller(n).await;
    (reseller, world.in_service(reseller, n).await)
}

/// Tells a reseller something, twice.
pub async fn tell_two(world: &World, company: CompanyId) {
    let suspend = CompanyCommand::Suspend { reason: sealed("credit control") };
    for command in [suspend, CompanyCommand::Resume] {
        world.done(Command::Company { company, command }).await;
    }
    world.settle().await;
}

/// Waits for a publisher's trouble to be as it is asked for.
pub async fn comes_to(publisher: &Publisher, is: impl Fn(Option<&str>) -> bool) {
    let mut trouble: watch::Receiver<Option<String>> = publisher.trouble();
    let came = trouble.wait_for(|trouble| is(trouble.as_deref()));
    let came = tokio::time::timeout(WITHIN, came).await.is_ok();
    assert!(came, "it did not come to that, but to {:?}", publisher.trouble().borrow());
}

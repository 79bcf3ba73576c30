//! What a reseller is told as it happens: every notice once and in order, however often the line is cut.

use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use orderwire::{
    domain::{
        company::commands::CompanyCommand,
        ids::{CompanyId, ResellerId},
        joint::Command,
        testing::company::sealed,
    },
    edge::keys,
    engine::log::Select,
    http::Limits,
};
use reqwest::{Method, Response};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::{
    Client, Site,
    notices::{all, chained, number},
};
use crate::world::{Meddles, Store, World};

/// How often each receiver is cut off; `ORDERWIRE_STREAM_CUTS` makes it more.
const CUTS: usize = 25;
/// Receivers at once.
const RECEIVERS: usize = 8;
/// Longer than anything here takes, and shorter than a test may.
const HEARD_WITHIN: Duration = Duration::from_secs(30);
/// So far the writer goes ahead of whoever has heard most: then that one is at the end, and others far behind.
const AHEAD_MAX: u64 = 40;

/// An open stream.
pub struct Events {
    response: Response,
    buffer: String,
    /// Comments so far.
    pub comments: usize,
}

impl Events {
    pub async fn open(client: &Client, query: &str, last: Option<u64>) -> Self {
        let mut request = client.request(Method::GET, &format!("/v1/notices/stream{query}"));
        request = request.header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("Last-Event-ID", last.to_string());
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, buffer: String::new(), comments: 0 }
    }

    /// The next notice; `None` where the stream has ended.
    pub async fn next(&mut self) -> Option<Value> {
        tokio::time::timeout(HEARD_WITHIN, self.heard()).await.expect("it is told in time")
    }

    async fn heard(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.buffer.find("\n\n") {
                let block: String = self.buffer.drain(..end + 2).collect();
                if let Some(notice) = self.read(&block) {
                    return Some(notice);
                }
                continue;
            }
            self.more().await?;
        }
    }

    /// Waits for more bytes.
    pub async fn more(&mut self) -> Option<()> {
        let chunk = self.response.chunk().await.unwrap()?;
        self.buffer.push_str(std::str::from_utf8(&chunk).unwrap());
        Some(())
    }

    fn read(&mut self, block: &str) -> Option<Value> {
        let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
        let Some(data) = field("data") else {
            assert!(block.starts_with(':'), "{block}");
            self.comments += 1;
            return None;
        };
        let notice: Value = serde_json::from_str(data).unwrap();
        assert_eq!(field("id").unwrap().parse::<u64>().unwrap(), number(&notice["sequence"]));
        assert_eq!(field("event"), notice["type"].as_str());
        Some(notice)
    }
}

/// Tells a reseller something, twice.
async fn tell_two(world: &World, company: CompanyId) {
    let suspend = CompanyCommand::Suspend { reason: sealed("credit control") };
    for command in [suspend, CompanyCommand::Resume] {
        world.done(Command::Company { company, command }).await;
    }
}

async fn in_service(site: &Site, n: u32) -> (ResellerId, Client, CompanyId) {
    site.world.stock(&format!("0113 496 0{n}00-0{n}99"), "Leeds").await;
    let (id, client) = site.reseller(n).await;
    let company = site.world.in_service(id, n).await;
    (id, client, company)
}

#[tokio::test]
async fn a_stream_begins_where_it_is_told_to_and_goes_on_with_what_happens() {
    let site = Site::open().await;
    let (_, reseller, company) = in_service(&site, 1).await;
    let before = all(&reseller, "", 500).await;
    let last = before.len() as u64;
    let mut streams = [
        (Events::open(&reseller, "?after=0", None).await, 0),
        (Events::open(&reseller, "?after=1", Some(last - 1)).await, last - 1),
        (Events::open(&reseller, "", None).await, last),
    ];
    let mut filtered = Events::open(&reseller, "?after=0&types=company.resumed", None).await;
    tell_two(&site.world, company).await;
    site.world.settle().await;
    let whole = all(&reseller, "", 500).await;
    assert_eq!(whole.len() as u64, last + 2);
    chained(&whole);
    for (stream, from) in &mut streams {
        for expected in &whole[usize::try_from(*from).unwrap()..] {
            assert_eq!(stream.next().await.as_ref(), Some(expected));
        }
    }
    assert_eq!(filtered.next().await.as_ref(), whole.last());
    site.close().await;
    for (stream, _) in &mut streams {
        assert_eq!(stream.next().await, None, "the end of the server is that of its streams");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_that_are_cut_off_again_and_again_hear_everything_once_and_in_order() {
    let cuts = std::env::var("ORDERWIRE_STREAM_CUTS").map_or(CUTS, |cuts| cuts.parse().unwrap());
    // Whoever is cut off asks again at once, and more often than a key may.
    let often = NonZeroU32::new(1_000_000).unwrap();
    let limits = Limits { asks_per_second: often, asks_at_once: often, ..Limits::default() };
    let site = Arc::new(Site::with(limits).await);
    let (_, reseller, company) = in_service(&site, 1).await;
    let (stop, stopped) = watch::channel(false);
    let furthest = Arc::new(AtomicU64::new(0));
    let writer = tokio::spawn({
        let (site, furthest) = (Arc::clone(&site), Arc::clone(&furthest));
        async move {
            let mut told = 0;
            while !*stopped.borrow() {
                if told < furthest.load(Ordering::Relaxed) + AHEAD_MAX {
                    tell_two(&site.world, company).await;
                    told += 2;
                } else {
                    tokio::task::yield_now().await;
                }
            }
        }
    });
    let receivers: Vec<_> = (0..RECEIVERS)
        .map(|receiver| {
            let (reseller, furthest) = (reseller.clone(), Arc::clone(&furthest));
            tokio::spawn(async move {
                let mut heard: Vec<Value> = Vec::new();
                for cut in 0..cuts {
                    let last = heard.last().map(|notice| number(&notice["sequence"]));
                    let mut events = Events::open(&reseller, "?after=0", last).await;
                    // Sometimes in the middle of what is caught up on, sometimes of what happens.
                    for _ in 0..=(receiver * 31 + cut * 7) % 23 {
                        heard.push(events.next().await.unwrap());
                        furthest.fetch_max(heard.len() as u64, Ordering::Relaxed);
                    }
                }
                heard
            })
        })
        .collect();
    let mut longest = 0;
    for receiver in receivers {
        let heard = receiver.await.unwrap();
        chained(&heard);
        longest = longest.max(heard.len());
    }
    stop.send(true).unwrap();
    writer.await.unwrap();
    site.world.settle().await;
    assert!(longest >= cuts && all(&reseller, "", 500).await.len() >= longest);
    Arc::into_inner(site).unwrap().close().await;
}

/// Holds up whoever reads a reseller's notices from the table.
#[derive(Default)]
struct Gate {
    closed: watch::Sender<bool>,
}

#[async_trait]
impl Meddles for Gate {
    async fn select(&self, select: &Select) {
        if select.order == "sequence" {
            self.closed.subscribe().wait_for(|closed| !*closed).await.unwrap();
        }
    }
}

/// What is told while a stream reads what there is, it finds there and hears as well.
#[tokio::test]
async fn what_is_both_read_and_heard_is_told_once() {
    let gate = Arc::new(Gate::default());
    let store = Arc::new(Store::memory().await.meddled_with(Arc::clone(&gate)).await);
    let site = Site::sharing(&store, Limits::default(), true).await;
    let (_, reseller, company) = in_service(&site, 1).await;
    let last = all(&reseller, "", 500).await.len() as u64;
    let mut before = Events::open(&reseller, &format!("?after={}", last - 1), None).await;
    before.next().await.unwrap();
    tell_two(&site.world, company).await;
    for _ in 0..2 {
        before.next().await.unwrap();
    }
    gate.closed.send_replace(true);
    let mut events = Events::open(&reseller, &format!("?after={last}"), None).await;
    tell_two(&site.world, company).await;
    for _ in 0..2 {
        before.next().await.expect("it hears, and need not read");
    }
    gate.closed.send_replace(false);
    tell_two(&site.world, company).await;
    for expected in last + 1..=last + 6 {
        assert_eq!(number(&events.next().await.unwrap()["sequence"]), expected);
    }
    site.close().await;
}

#[tokio::test]
async fn what_a_notice_announces_a_query_can_see() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let mut events = Events::open(&reseller, "", None).await;
    let draft = reseller.post("/v1/orders", &super::order("PO-1", "Acme")).await;
    let path = draft.is(201).header("location").to_owned();
    reseller.post(&format!("{path}/submission"), &json!({})).await.is(202);
    let company = draft.text("company").to_owned();
    let mut told = 0;
    loop {
        let notice = events.next().await.unwrap();
        told += 1;
        let (data, of_order) = (&notice["data"], &notice["data"]["order"]);
        let found = match data.get("company") {
            Some(_) => reseller.get(&format!("/v1/companies/{company}")).await,
            None => reseller.get(&path).await,
        };
        let announced = if data.get("company").is_some() { &data["company"] } else { of_order };
        assert!(found.is(200).text("updated_at") >= announced["updated_at"].as_str().unwrap(), "{notice:#}");
        if announced["status"] == "completed" {
            break;
        }
    }
    assert_eq!(told, 6);
    let company: CompanyId = company.parse().unwrap();
    for _ in 0..10 {
        tell_two(&site.world, company).await;
        for expected in ["suspended", "active"] {
            let announced = events.next().await.unwrap();
            assert_eq!(announced["data"]["company"]["status"], expected);
            let found = reseller.get(&format!("/v1/companies/{company}")).await;
            assert!(found.is(200).text("updated_at") >= announced["time"].as_str().unwrap());
        }
    }
    site.close().await;
}

#[tokio::test]
async fn read_models_that_are_folded_again_tell_nobody_anything() {
    let site = Site::idle(Limits::default()).await;
    let (_, reseller, company) = in_service(&site, 1).await;
    let before = all(&reseller, "", 500).await;
    let mut events = Events::open(&reseller, "", None).await;
    site.world.engine.rebuild().await.unwrap();
    assert_eq!(all(&reseller, "", 500).await, before);
    tell_two(&site.world, company).await;
    site.world.settle().await;
    let after = all(&reseller, "", 500).await;
    assert_eq!(after[..before.len()], before);
    assert_eq!(events.next().await.as_ref(), after.get(before.len()), "the next one is a new one");
    chained(&after);
    site.close().await;
}

#[tokio::test]
async fn what_another_process_tells_is_heard_here() {
    let store = Arc::new(Store::sqlite());
    let telling = World::open(&store).await;
    let reseller = telling.reseller(1).await;
    telling.leeds().await;
    let company = telling.in_service(reseller, 1).await;
    // Its own readers never run.
    let site = Site::sharing(&store, Limits::default(), false).await;
    let client = site.client(keys::Role::Reseller, Some(reseller)).await;
    let mut events = Events::open(&client, "", None).await;
    for _ in 0..3 {
        tell_two(&telling, company).await;
        telling.settle().await;
        for expected in ["suspended", "active"] {
            assert_eq!(events.next().await.unwrap()["data"]["company"]["status"], expected);
        }
    }
    telling.engine.close().await;
    site.close().await;
}

#[tokio::test]
async fn a_key_has_so_many_streams_and_none_once_it_is_revoked() {
    let limits = Limits {
        streams_per_key: 2,
        keys_again_after: Duration::from_millis(10),
        heartbeat: Duration::from_millis(10),
        ..Limits::default()
    };
    let site = Site::with(limits).await;
    let (id, reseller, _) = in_service(&site, 1).await;
    let mut one = Events::open(&reseller, "", None).await;
    let two = Events::open(&reseller, "", None).await;
    reseller.get("/v1/notices/stream").await.problem(429, "too_many_streams");
    let another = site.client(keys::Role::Reseller, Some(id)).await;
    drop(Events::open(&another, "", None).await);
    drop(two);
    // The server finds out in its own time that somebody is gone.
    let mut again = loop {
        let request = reseller.request(Method::GET, "/v1/notices/stream");
        let response = request.send().await.unwrap();
        if response.status() == 200 {
            break Events { response, buffer: String::new(), comments: 0 };
        }
    };
    one.more().await.unwrap();
    assert!(
        one.buffer.starts_with(':'),
        "a stream on which nothing happens shows that it lives: {}",
        one.buffer
    );

    let mine = keys::list(&site.world.engine).await.unwrap();
    keys::revoke(&site.world.engine, &mine[0].id).await.unwrap().unwrap();
    assert_eq!(one.next().await, None);
    assert_eq!(again.next().await, None);
    site.close().await;
}

#[tokio::test]
async fn a_stream_ends_with_the_token_it_was_asked_for_with() {
    let site = Site::open().await;
    let (_, reseller, company) = in_service(&site, 1).await;
    let (id, secret) = reseller.token.as_deref().unwrap().split_once('.').unwrap();
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}");
    let request = site.nobody().request(Method::POST, "/oauth/token");
    let request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
    let token = super::said(request).await.is(200).text("access_token").to_owned();
    let (mut of_token, mut of_key) =
        (Events::open(&reseller.presenting(&token), "", None).await, Events::open(&reseller, "", None).await);
    site.world.clock.move_to(site.world.engine.now() + chrono::TimeDelta::minutes(16));
    let suspend = CompanyCommand::Suspend { reason: sealed("why") };
    site.world.done(Command::Company { company, command: suspend }).await;
    assert!(of_key.next().await.is_some());
    assert_eq!(of_token.next().await, None, "nothing is told to a token that has expired");
    site.close().await;
}

#[tokio::test]
async fn a_stream_is_asked_for_as_one() {
    let site = Site::open().await;
    let (_, reseller, _) = in_service(&site, 1).await;
    let path = "/v1/notices/stream";
    let json = reseller.request(Method::GET, path).header("accept", "application/json");
    super::said(json).await.problem(406, "not_acceptable");
    let events = reseller.request(Method::GET, "/v1/notices").header("accept", "text/event-stream");
    super::said(events).await.problem(406, "not_acceptable");
    for (last, code) in [("x", "number_out_of_bounds"), ("999", "sequence_beyond_last")] {
        let wrong = super::said(reseller.request(Method::GET, path).header("Last-Event-ID", last)).await;
        assert_eq!(wrong.problem(422, "invalid").errors(), [("Last-Event-ID".into(), code.into())]);
    }
    site.nobody().get(path).await.problem(401, "unauthenticated");
    site.close().await;
}

//! Webhooks: set up by their owner, and delivered to a receiver that verifies them as the official library does.

mod brisk;
mod changed;
mod deleted;
mod frozen;
mod hostile;
mod kept;
mod killed;
pub mod receiver;
mod rebuilt;
mod set_aside;
mod settings;
mod stuck;
mod untrusted;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use chrono::TimeDelta;
use orderwire::{
    domain::{
        company::commands::CompanyCommand,
        ids::{CompanyId, ResellerId},
        joint::Command,
        testing::company::sealed,
    },
    engine::fulfilment::AutoProvisioner,
    http::{Limits, delivery},
};
use reqwest::Method;
use serde_json::{Value, json};

use self::receiver::{Heard, Receiver, Reply};
use super::{Client, Said, Site, notices::all, said, with_json};
use crate::world::{Store, World};

/// Deliveries to this machine, within times that a test has.
pub fn here() -> delivery::Settings {
    delivery::Settings {
        deliver: true,
        allow_private: true,
        allow_http: true,
        connect_within: Duration::from_secs(2),
        read_within: Duration::from_millis(700),
        answer_within: Duration::from_millis(700),
    }
}

pub async fn site() -> Site {
    over(&Arc::new(Store::memory().await), here()).await
}

pub async fn over(store: &Arc<Store>, settings: delivery::Settings) -> Site {
    // Whoever waits for something here asks for it again and again.
    let often = NonZeroU32::new(1_000_000).unwrap();
    let limits = Limits { asks_per_second: often, asks_at_once: often, ..Limits::default() };
    Site::working(Arc::clone(store), limits, true, AutoProvisioner, None, settings).await
}

pub async fn hooked(client: &Client, url: &str) -> Said {
    let said = client.post("/v1/webhooks", &json!({ "url": url })).await;
    said.is(201);
    said
}

pub async fn patch(client: &Client, path: &str, body: &Value) -> Said {
    said(with_json(client.request(Method::PATCH, path), body)).await
}

/// A reseller with companies in service, about each of which it can be told.
pub async fn companies(site: &Site, n: u32, count: u32) -> (ResellerId, Client, Vec<CompanyId>) {
    let (id, client) = site.reseller(n).await;
    let mut companies = Vec::new();
    for serial in 0..count {
        companies.push(site.world.in_service(id, n * 100 + serial).await);
    }
    site.world.settle().await;
    (id, client, companies)
}

/// Tells a reseller something about a company, twice.
pub async fn tell_two(world: &World, company: CompanyId) {
    let suspend = CompanyCommand::Suspend { reason: sealed("credit control") };
    for command in [suspend, CompanyCommand::Resume] {
        world.done(Command::Company { company, command }).await;
    }
}

/// How often the notices of each sequence were taken, and whether those of one lane came in order.
#[track_caller]
pub fn in_order(taken: &[Heard]) {
    let mut last = std::collections::HashMap::new();
    let mut ids = std::collections::HashSet::new();
    for heard in taken {
        if !ids.insert(heard.id().to_owned()) {
            continue;
        }
        let (lane, sequence) = (heard.lane(), heard.sequence());
        let before = last.insert(lane.clone(), sequence);
        assert!(before.is_none_or(|before| before < sequence), "{sequence} after {before:?} of {lane}");
    }
}

#[tokio::test]
async fn a_notice_arrives_signed_as_polling_shows_it_and_in_order() {
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 2).await;
    let told = all(&client, "", 500).await.len();
    let receiver = Receiver::open().await;
    let hook = hooked(&client, &receiver.url).await;
    for company in &companies {
        tell_two(&site.world, *company).await;
    }
    let taken = receiver.took(4).await;
    in_order(&taken);
    let mut sent: Vec<_> = taken.iter().map(Heard::json).collect();
    sent.sort_by_key(|it| it["sequence"].as_str().unwrap().to_owned());
    assert_eq!(sent, all(&client, "", 500).await.split_off(told));
    for heard in &taken {
        assert!(heard.is_signed_with(hook.text("secret")));
        assert!(!heard.is_signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"));
        assert_eq!(heard.id(), heard.json()["id"]);
        assert_eq!(heard.headers["content-type"], "application/cloudevents+json; charset=utf-8");
    }
    site.close().await;
}

#[tokio::test]
async fn what_does_not_arrive_is_sent_again_and_what_follows_waits_for_it() {
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 2).await;
    let (failing, other) = (companies[0].to_string(), companies[1]);
    let away = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let is_away = Arc::clone(&away);
    let of_failing = failing.clone();
    let receiver = Receiver::replying(move |heard| {
        let away = is_away.load(std::sync::atomic::Ordering::SeqCst);
        if heard.lane() == of_failing && away { Reply::Status(503, "") } else { Reply::Status(204, "") }
    })
    .await;
    let hook = hooked(&client, &receiver.url).await;
    tell_two(&site.world, companies[0]).await;
    tell_two(&site.world, other).await;
    receiver.took(2).await;
    // Those of the other company came; of the failing one only the first was tried.
    let heard = receiver.until(|heard| heard.iter().any(|it| !it.taken)).await;
    let tried: std::collections::HashSet<_> =
        heard.iter().filter(|it| !it.taken).map(Heard::sequence).collect();
    assert_eq!(tried.len(), 1);
    let path = format!("/v1/webhooks/{}/deliveries", hook.text("id"));
    let waiting = until(&client, &format!("{path}?status=waiting"), |page| {
        page.body["items"].as_array().unwrap().iter().any(|it| it["response_status"] == 503)
    })
    .await;
    let first = waiting.body["items"].as_array().unwrap().last().unwrap().clone();
    assert_eq!((&first["failure"], &first["status"]), (&json!("status"), &json!("waiting")));
    assert!(first["next_attempt_at"].is_string(), "{first:#}");
    away.store(false, std::sync::atomic::Ordering::SeqCst);
    let clock = site.world.clock.clone();
    let ahead = move || clock.move_to(orderwire::engine::clock::Clock::now(&clock) + TimeDelta::seconds(30));
    receiver.until_with(|heard| heard.iter().filter(|it| it.taken).count() >= 4, ahead).await;
    in_order(&receiver.taken());
    let done = until(&client, &path, |page| {
        page.body["items"].as_array().unwrap().iter().filter(|it| it["status"] == "delivered").count() == 4
    })
    .await;
    let attempts = |it: &Value| it["attempts"].as_u64().unwrap();
    assert!(done.body["items"].as_array().unwrap().iter().any(|it| attempts(it) > 1));
    site.close().await;
}

/// Asks until the answer is what somebody waits for.
pub async fn until(client: &Client, path: &str, enough: impl Fn(&Said) -> bool) -> Said {
    let asked = async {
        loop {
            let said = client.get(path).await;
            said.is(200);
            if enough(&said) {
                return said;
            }
            tokio::task::yield_now().await;
        }
    };
    let within = tokio::time::timeout(Duration::from_secs(30), asked).await;
    within.unwrap_or_else(|_| panic!("{path} is never so"))
}

#[tokio::test]
async fn a_server_that_starts_again_goes_on_from_its_place() {
    let store = Arc::new(Store::sqlite());
    let first = over(&store, here()).await;
    first.world.leeds().await;
    let (_, client, companies) = companies(&first, 1, 1).await;
    let receiver = Receiver::open().await;
    let hook = hooked(&client, &receiver.url).await;
    tell_two(&first.world, companies[0]).await;
    receiver.took(2).await;
    let token = client.token.clone();
    first.close().await;
    let again = over(&store, here()).await;
    let client = Client { token, ..again.nobody() };
    tell_two(&again.world, companies[0]).await;
    receiver.took(4).await;
    let path = format!("/v1/webhooks/{}/deliveries", hook.text("id"));
    until(&client, &path, |page| page.body["items"].as_array().unwrap().len() == 4).await;
    assert_eq!(receiver.heard().len(), 4, "what had arrived is not sent again");
    in_order(&receiver.taken());
    again.close().await;
}

#[tokio::test]
async fn only_what_is_wanted_is_sent() {
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let receiver = Receiver::open().await;
    let wish = json!({ "url": receiver.url, "types": ["company.resumed"] });
    client.post("/v1/webhooks", &wish).await.is(201);
    for _ in 0..2 {
        tell_two(&site.world, companies[0]).await;
    }
    let taken = receiver.took(2).await;
    assert!(taken.iter().all(|it| it.json()["type"] == "com.orderwire.company.resumed.v1"));
    site.close().await;
    assert_eq!(receiver.heard().len(), 2);
}

#[tokio::test]
async fn an_endpoint_that_never_answers_does_not_delay_another() {
    let patient = Duration::from_mins(1);
    let settings = delivery::Settings { read_within: patient, answer_within: patient, ..here() };
    let site = over(&Arc::new(Store::memory().await), settings).await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 10).await;
    let silent = Receiver::replying(|_| Reply::Silence).await;
    let brisk = Receiver::open().await;
    for _ in 0..19 {
        hooked(&client, &silent.url).await;
    }
    hooked(&client, &brisk.url).await;
    for company in &companies {
        tell_two(&site.world, *company).await;
    }
    // Long before the first of the silent ones is given up.
    let begun = std::time::Instant::now();
    brisk.took(20).await;
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert!(silent.taken().is_empty());
    // A few at a time are enough for whoever never answers.
    assert!(silent.heard().len() <= 19 * 2, "{}", silent.heard().len());
    drop(silent);
    site.close().await;
}

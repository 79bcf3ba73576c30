//! A process that stands still for longer than its lease runs: what it goes on with is not sent.

use std::sync::{
    Mutex,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use orderwire::{
    domain::{
        ids::WebhookId,
        views::notices::{NOTICE, NoticeCounter},
        webhook::values::{SigningKey, WebhookDescription},
    },
    engine::{
        Engine,
        clock::SimulatedClock,
        log::{Select, SharedLog, Take},
        query,
    },
    http::delivery::{sender::Sender, signing},
};

use super::*;
use crate::world::{Meddles, beginning};

/// Short, since it is waited for.
const TTL: Duration = Duration::from_millis(600);
const LONG: Duration = Duration::from_hours(1);
/// The name of the lease.
const WEBHOOKS: &str = "webhooks";

/// Stops everything, in the middle of reading notices, until somebody else has the lease.
#[derive(Default)]
struct Freezing {
    thief: Mutex<Option<SharedLog>>,
    times: AtomicU64,
}

#[async_trait]
impl Meddles for Freezing {
    async fn select(&self, select: &Select) {
        if select.table.name != NOTICE.name || select.order != "sequence" {
            return;
        }
        let Some(log) = self.thief.lock().unwrap().take() else { return };
        // The test has one thread, and this keeps it.
        let stolen = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                while log.take_lease(WEBHOOKS, "somebody", LONG, Take::IfFree).await.unwrap().is_none() {}
            });
        });
        stolen.join().unwrap();
        self.times.fetch_add(1, Ordering::SeqCst);
    }
}

async fn hook(world: &World, reseller: ResellerId, url: &str) -> WebhookId {
    let secret = signing::fresh_secret();
    let secret = world.engine.seal(reseller.into(), &secret, &secret).await.unwrap();
    let key = SigningKey::Hmac { secret };
    let (url, types) = (url.parse().unwrap(), std::collections::BTreeSet::default());
    let description = WebhookDescription::default();
    let told: Option<NoticeCounter> = query::get(world.engine.log(), &reseller.to_string()).await.unwrap();
    let after = told.unwrap().last;
    let create = Command::CreateWebhook { reseller, url, types, description, key, after };
    world.done(create).await.id("webhook")
}

#[tokio::test]
async fn who_was_frozen_past_its_lease_sends_nothing_any_more() {
    let store = Store::memory().await;
    let freezing = Arc::new(Freezing::default());
    let meddled = store.meddled_with(Arc::clone(&freezing)).await;
    let clock = SimulatedClock::at(beginning());
    let builder = Engine::builder().clock(clock.clone()).provisioner(AutoProvisioner).lease_ttl(TTL);
    let engine = builder.open(meddled.log().await, meddled.master()).await.unwrap();
    let world = World { engine, clock };
    world.leeds().await;
    let reseller = world.reseller(1).await;
    let company = world.in_service(reseller, 1).await;
    let receiver = Receiver::open().await;
    hook(&world, reseller, &receiver.url).await;
    let running = delivery::start(&world.engine, &Sender::new(here()));
    tell_two(&world, company).await;
    receiver.took(2).await;

    *freezing.thief.lock().unwrap() = Some(store.log().await);
    tell_two(&world, company).await;
    while freezing.times.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    // Longer than whatever it had in hand would take.
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(receiver.heard().len(), 2, "another process delivers now");
    store.log().await.give_back("somebody", &[WEBHOOKS.to_owned()]).await.unwrap();
    in_order(&receiver.took(4).await);
    running.stop().await;
    world.engine.close().await;
}

//! One order whose notices do not arrive, while those of others do.

use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use orderwire::engine::clock::Clock as _;

use super::*;

/// Twice as many notices, of which none arrives.
const TIMES_TOLD: usize = 750;

#[tokio::test]
async fn however_many_notices_of_one_order_wait_those_of_another_arrive() {
    let store = Arc::new(Store::sqlite());
    let first = over(&store, here()).await;
    first.world.leeds().await;
    let (_, client, companies) = companies(&first, 1, 2).await;
    let is_stuck = Arc::new(AtomicBool::new(true));
    let (stuck, of_stuck) = (Arc::clone(&is_stuck), companies[0].to_string());
    let receiver = Receiver::replying(move |heard| {
        let fails = heard.lane() == of_stuck && stuck.load(Ordering::SeqCst);
        Reply::Status(if fails { 503 } else { 204 }, "")
    })
    .await;
    let hook = hooked(&client, &receiver.url).await;
    tell_two(&first.world, companies[0]).await;
    receiver.until(|heard| !heard.is_empty()).await;
    for _ in 1..TIMES_TOLD {
        tell_two(&first.world, companies[0]).await;
    }
    tell_two(&first.world, companies[1]).await;
    let arrived = receiver.took(2).await;
    assert!(arrived.iter().all(|heard| heard.lane() == companies[1].to_string()));
    let path = format!("/v1/webhooks/{}/deliveries?status=waiting&limit=500", hook.text("id"));
    let token = client.token.clone();
    first.close().await;

    // Whoever goes on from there knows what waits, and goes on with others too.
    let again = over(&store, here()).await;
    let client = Client { token, ..again.nobody() };
    tell_two(&again.world, companies[1]).await;
    receiver.took(4).await;
    let mut waiting = std::collections::BTreeSet::new();
    let mut next = Some(path.clone());
    while let Some(page) = next.take() {
        let said = client.get(&page).await;
        let items = said.is(200).body["items"].as_array().unwrap().clone();
        waiting.extend(items.iter().map(|it| it["sequence"].as_u64().unwrap()));
        next = said.body["next"].as_str().map(|cursor| format!("{path}&cursor={cursor}"));
    }
    assert_eq!(waiting.len(), 2 * TIMES_TOLD);
    is_stuck.store(false, Ordering::SeqCst);
    let clock = &again.world.clock;
    let all = 2 * TIMES_TOLD + 4;
    receiver
        .until_with(
            |heard| heard.iter().filter(|it| it.taken).count() >= all,
            || clock.move_to(clock.now() + TimeDelta::seconds(10)),
        )
        .await;
    in_order(&receiver.taken());
    assert_eq!(receiver.taken().len(), all, "each once");
    again.close().await;
}

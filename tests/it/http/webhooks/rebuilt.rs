//! Read models that are rebuilt while webhooks are delivered to.

use super::*;

#[tokio::test]
async fn a_rebuild_sends_nothing_to_a_webhook_and_loses_nothing() {
    let site = over(&Arc::new(Store::sqlite()), here()).await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 2).await;
    let receiver = Receiver::open().await;
    let hook = hooked(&client, &receiver.url).await;
    for company in &companies {
        tell_two(&site.world, *company).await;
    }
    receiver.took(4).await;
    for round in 1..=3 {
        site.world.engine.rebuild().await.unwrap();
        tell_two(&site.world, companies[0]).await;
        receiver.took(4 + 2 * round).await;
    }
    let path = format!("/v1/webhooks/{}/deliveries", hook.text("id"));
    until(&client, &path, |page| {
        let items = page.body["items"].as_array().unwrap();
        items.len() == 10 && items.iter().all(|it| it["status"] == "delivered" && it["attempts"] == 1)
    })
    .await;
    site.close().await;
    assert_eq!(receiver.heard().len(), 10, "each once");
    in_order(&receiver.taken());
}

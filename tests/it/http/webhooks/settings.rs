//! What an owner does with a webhook: rotate, test, pause, replay, delete; and where it may lead.

use std::sync::{
    Arc,
    atomic::{AtomicU16, Ordering},
};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use chrono::TimeDelta;
use orderwire::engine::clock::Clock as _;
use orderwire::http::delivery::Settings;

use super::*;

#[tokio::test]
async fn while_a_secret_is_replaced_both_sign_and_then_the_new_one_alone() {
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let receiver = Receiver::open().await;
    let hook = hooked(&client, &receiver.url).await;
    let path = format!("/v1/webhooks/{}", hook.text("id"));
    let rotated = client.post(&format!("{path}/secret"), &json!({ "overlap_hours": 2 })).await;
    let (old, new) = (hook.text("secret"), rotated.is(200).text("secret"));
    assert_ne!(old, new);
    tell_two(&site.world, companies[0]).await;
    for heard in receiver.took(2).await {
        assert!(heard.is_signed_with(old) && heard.is_signed_with(new));
    }
    site.world.clock.move_to(site.world.clock.now() + TimeDelta::hours(2));
    tell_two(&site.world, companies[0]).await;
    for heard in receiver.took(4).await.split_off(2) {
        assert!(!heard.is_signed_with(old) && heard.is_signed_with(new));
    }
    let shown = client.get(&path).await;
    assert!(shown.is(200).body.get("secret").is_none(), "a secret is shown once");
    site.close().await;
}

#[tokio::test]
async fn with_ed25519_the_public_key_verifies_and_no_secret_is_shown() {
    let site = site().await;
    let (_, client) = site.reseller(1).await;
    let receiver = Receiver::open().await;
    let wish = json!({ "url": receiver.url, "signing": "ed25519" });
    let hook = client.post("/v1/webhooks", &wish).await;
    assert!(hook.is(201).body.get("secret").is_none());
    let test = client.post(&format!("/v1/webhooks/{}/test", hook.text("id")), &json!(null)).await;
    assert_eq!(test.is(200).body["delivered"], true, "{:#}", test.body);
    let heard = &receiver.heard()[0];
    assert_eq!(heard.json()["type"], "com.orderwire.webhook.test.v1");
    let key = BASE64_STANDARD.decode(hook.text("public_key").strip_prefix("whpk_").unwrap()).unwrap();
    let signature = heard.headers["webhook-signature"].strip_prefix("v1a,").unwrap();
    let signed = format!("{}.{}.{}", heard.id(), heard.headers["webhook-timestamp"], heard.body);
    let signature = BASE64_STANDARD.decode(signature).unwrap();
    UnparsedPublicKey::new(&ED25519, key).verify(signed.as_bytes(), &signature).unwrap();
    site.close().await;
}

#[tokio::test]
async fn a_request_that_is_repeated_with_its_key_is_answered_with_the_same_secret() {
    let site = site().await;
    let (_, client) = site.reseller(1).await;
    let create = || {
        let request = client.request(Method::POST, "/v1/webhooks").header("Idempotency-Key", "once");
        said(with_json(request, &json!({ "url": "http://hooks.example/" })))
    };
    let (first, again) = (create().await, create().await);
    assert_eq!(first.is(201).body, again.is(201).body);
    assert_eq!(client.get("/v1/webhooks").await.body["items"].as_array().unwrap().len(), 1);
    site.close().await;
}

#[tokio::test]
async fn a_pause_holds_notices_back_and_what_was_told_meanwhile_comes_after_it() {
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let receiver = Receiver::open().await;
    let hook = hooked(&client, &receiver.url).await;
    let pause = format!("/v1/webhooks/{}/pause", hook.text("id"));
    // The carrier may pause it too, and its owner resumes it.
    assert_eq!(site.operator().await.post(&pause, &json!(null)).await.is(200).text("status"), "paused");
    client.post(&pause, &json!(null)).await.problem(409, "not_permitted");
    tell_two(&site.world, companies[0]).await;
    site.world.settle().await;
    assert!(receiver.heard().is_empty());
    assert_eq!(client.delete(&pause).await.is(200).text("status"), "active");
    in_order(&receiver.took(2).await);
    site.close().await;
}

#[tokio::test]
async fn a_replay_sends_everything_after_a_sequence_once_more_and_a_redelivery_one() {
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let receiver = Receiver::open().await;
    let hook = hooked(&client, &receiver.url).await;
    tell_two(&site.world, companies[0]).await;
    let first = receiver.took(2).await;
    let path = format!("/v1/webhooks/{}", hook.text("id"));
    let last = first[1].sequence();
    client.post(&format!("{path}/replay"), &json!({ "after": last + 1 })).await.problem(422, "refused");
    client.post(&format!("{path}/replay"), &json!({ "after": last - 1 })).await.is(200);
    assert_eq!(receiver.took(3).await[2].id(), first[1].id());
    let wish = json!({ "notice": first[0].id() });
    client.post(&format!("{path}/deliveries"), &wish).await.is(202);
    assert_eq!(receiver.took(4).await[3].body, first[0].body);
    let again = until(&client, &format!("{path}/deliveries"), |page| {
        page.body["items"].as_array().unwrap().iter().any(|it| it["again"] == true)
    })
    .await;
    assert_eq!(again.body["items"].as_array().unwrap().len(), 3);
    // What another is told, it cannot have.
    let (_, other) = site.reseller(2).await;
    let theirs = hooked(&other, &receiver.url).await;
    let wish = other.post(&format!("/v1/webhooks/{}/deliveries", theirs.text("id")), &wish).await;
    wish.problem(422, "refused");
    site.close().await;
}

#[tokio::test]
async fn a_deleted_webhook_is_nowhere_and_gives_its_place_up() {
    let site = site().await;
    let (_, client) = site.reseller(1).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        ids.push(hooked(&client, "http://hooks.example/").await.text("id").to_owned());
    }
    let one_more = client.post("/v1/webhooks", &json!({ "url": "http://hooks.example/" })).await;
    assert_eq!(one_more.problem(422, "refused").errors()[0].1, "too_many_webhooks");
    let path = format!("/v1/webhooks/{}", ids[7]);
    client.delete(&path).await.is(200);
    client.get(&path).await.problem(404, "not_found");
    client.delete(&path).await.problem(404, "not_found");
    assert_eq!(client.get("/v1/webhooks?limit=100").await.body["items"].as_array().unwrap().len(), 19);
    hooked(&client, "http://hooks.example/").await;
    site.close().await;
}

#[tokio::test]
async fn an_endpoint_that_is_gone_is_left_alone_and_its_owner_is_told() {
    let status = Arc::new(AtomicU16::new(410));
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let answers = Arc::clone(&status);
    let receiver = Receiver::replying(move |_| Reply::Status(answers.load(Ordering::SeqCst), "")).await;
    let hook = hooked(&client, &receiver.url).await;
    tell_two(&site.world, companies[0]).await;
    let path = format!("/v1/webhooks/{}", hook.text("id"));
    let gone = until(&client, &path, |said| said.text("status") == "gone").await;
    assert_eq!((&gone.body["last_status"], gone.body["failing_since"].is_string()), (&json!(410), true));
    let told = all(&client, "&types=webhook.disabled", 10).await;
    assert_eq!(told[0]["data"]["webhook"]["status"], "gone");
    assert!(!told[0].to_string().contains("whsec_"));
    assert_eq!(receiver.heard().len(), 1);
    status.store(204, Ordering::SeqCst);
    client.delete(&format!("{path}/pause")).await.is(200);
    in_order(&receiver.took(3).await);
    site.close().await;
}

#[tokio::test]
async fn an_endpoint_that_fails_for_three_days_is_stopped_and_goes_on_from_its_place() {
    let status = Arc::new(AtomicU16::new(500));
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let answers = Arc::clone(&status);
    let receiver = Receiver::replying(move |_| Reply::Status(answers.load(Ordering::SeqCst), "")).await;
    let hook = hooked(&client, &receiver.url).await;
    tell_two(&site.world, companies[0]).await;
    let begun = site.world.clock.now();
    let path = format!("/v1/webhooks/{}", hook.text("id"));
    let stopped = async {
        loop {
            let heard = receiver.heard().len();
            let said = client.get(&path).await;
            if said.is(200).text("status") == "stopped" {
                return said;
            }
            let clock = site.world.clock.clone();
            receiver
                .until_with(
                    move |all| all.len() > heard || clock.now() - begun > TimeDelta::days(4),
                    || {
                        site.world.clock.move_to(site.world.clock.now() + TimeDelta::minutes(90));
                    },
                )
                .await;
        }
    };
    let said = tokio::time::timeout(std::time::Duration::from_mins(1), stopped).await.unwrap();
    assert!(site.world.clock.now() - begun >= TimeDelta::days(3));
    assert_eq!(said.body["last_status"], 500);
    let told = all(&client, "&types=webhook.paused", 10).await;
    assert_eq!((told.len(), &told[0]["data"]["webhook"]["id"]), (1, &hook.body["id"]));
    status.store(204, Ordering::SeqCst);
    client.delete(&format!("{path}/pause")).await.is(200);
    receiver.took(3).await;
    in_order(&receiver.taken());
    site.close().await;
}

#[tokio::test]
async fn a_private_target_is_refused_by_number_at_once_and_by_name_when_a_connection_is_made() {
    let receiver = Receiver::open().await;
    let settings = Settings { allow_private: false, ..here() };
    let site = over(&Arc::new(Store::memory().await), settings).await;
    let (_, client) = site.reseller(1).await;
    for url in [receiver.url.as_str(), "http://[::1]/", "http://0x7f.1/", "http://169.254.169.254/latest"] {
        let refused = client.post("/v1/webhooks", &json!({ "url": url })).await;
        assert_eq!(refused.problem(422, "refused").errors()[0].1, "url_private", "{url}");
    }
    let by_name = receiver.url.replace("127.0.0.1", "localhost");
    let hook = hooked(&client, &by_name).await;
    let test = client.post(&format!("/v1/webhooks/{}/test", hook.text("id")), &json!(null)).await;
    assert_eq!(
        (&test.is(200).body["delivered"], &test.body["failure"]),
        (&json!(false), &json!("private_target"))
    );
    assert!(receiver.heard().is_empty());
    site.close().await;
}

#[tokio::test]
async fn an_address_without_tls_is_refused_unless_it_is_allowed() {
    let settings = Settings { allow_http: false, ..here() };
    let site = over(&Arc::new(Store::memory().await), settings).await;
    let (_, client) = site.reseller(1).await;
    let refused = client.post("/v1/webhooks", &json!({ "url": "http://hooks.example/" })).await;
    assert_eq!(refused.problem(422, "refused").errors(), [("/url".to_owned(), "url_scheme".to_owned())]);
    for url in ["https://ada:secret@hooks.example/", "https://hooks.example/#a", "nonsense"] {
        client.post("/v1/webhooks", &json!({ "url": url })).await.problem(422, "refused");
    }
    // Everything that is wrong is said at once.
    let worst = client.post("/v1/webhooks", &json!({ "url": "http://ada:secret@hooks.example/#a" })).await;
    let codes: Vec<String> =
        worst.problem(422, "refused").errors().into_iter().map(|(_, code)| code).collect();
    assert_eq!(codes, ["url_credentials", "url_fragment", "url_scheme"]);
    let types = json!({ "url": "https://hooks.example/", "types": ["order.done"] });
    let unknown = client.post("/v1/webhooks", &types).await;
    let expected = unknown.problem(422, "refused").body["errors"][0]["expected"].as_str().unwrap();
    assert!(expected.contains("order.completed") && expected.contains("port.accepted"), "{expected}");
    let hook = hooked(&client, "https://hooks.example/").await;
    let path = format!("/v1/webhooks/{}", hook.text("id"));
    patch(&client, &path, &json!({ "url": "http://hooks.example/" })).await.problem(422, "refused");
    let changed =
        patch(&client, &path, &json!({ "types": ["order.completed"], "description": "a desk" })).await;
    assert_eq!(changed.is(200).body["types"], json!(["com.orderwire.order.completed.v1"]));
    assert_eq!(changed.text("url"), "https://hooks.example/");
    site.close().await;
}

#[tokio::test]
async fn a_secret_stands_nowhere_in_the_store() {
    let store = Arc::new(Store::sqlite());
    let site = over(&store, here()).await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 1).await;
    let receiver = Receiver::open().await;
    let hook = hooked(&client, &receiver.url).await;
    tell_two(&site.world, companies[0]).await;
    let taken = receiver.took(2).await;
    let path = format!("/v1/webhooks/{}", hook.text("id"));
    let rotated = client.post(&format!("{path}/secret"), &json!(null)).await;
    let secrets = [hook.text("secret").to_owned(), rotated.is(200).text("secret").to_owned()];
    site.close().await;
    let folder = std::path::Path::new(&store.url).parent().unwrap();
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let has = |text: &[u8]| bytes.windows(text.len()).any(|window| window == text);
    assert!(has(taken[0].id().as_bytes()), "this looks where things are");
    for secret in secrets {
        assert!(!has(secret.as_bytes()) && !has(&secret.as_bytes()[6..]));
        assert!(!has(&BASE64_STANDARD.decode(&secret[6..]).unwrap()));
    }
}

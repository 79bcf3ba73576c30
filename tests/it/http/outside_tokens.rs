//! Tokens of an outside issuer: who their bearers are here, and what becomes of its keys.

use std::fs;

use chrono::{DateTime, TimeDelta};
use jsonwebtoken::{Algorithm, Header};
use orderwire::{
    config::KeysFrom,
    edge::keys::Role,
    http::auth::{
        issuer::{Issuer, IssuerError},
        key_set::KeySetError,
    },
};
use serde_json::{Value, json};

use super::{
    Said, Site, company,
    made_up_issuer::{AUDIENCE, Pair, Publisher, claims, settings, with},
};

const PATH: &str = "/v1/operator/resellers";

/// What somebody is answered who presents a token with these claims beside the usual ones.
async fn presented(site: &Site, pair: &Pair, others: Value) -> Said {
    let token = pair.sign(&with(claims(site.world.engine.now()), &others));
    site.nobody().presenting(&token).get(PATH).await
}

/// The one error that is listed.
#[track_caller]
fn error(said: &Said) -> String {
    let errors = said.errors();
    assert_eq!(errors.len(), 1, "{said:?}");
    errors[0].1.clone()
}

#[tokio::test]
async fn every_kind_of_public_key_is_taken_and_keys_go_on_working() {
    let pairs = [
        Pair::ec("ec"),
        Pair::ed("ed"),
        Pair::rsa("rsa", Algorithm::RS256),
        Pair::rsa("pss", Algorithm::PS384),
    ];
    let publisher = Publisher::of(&pairs.each_ref()).await;
    let site = Site::trusting(publisher.settings()).await;
    for pair in &pairs {
        presented(&site, pair, json!({})).await.is(200);
    }
    assert_eq!(publisher.asked(), 1, "one fetch is enough");
    site.operator().await.get(PATH).await.is(200);
    site.close().await;
}

#[tokio::test]
async fn a_bearer_is_who_the_claims_say() {
    let pair = Pair::ec("a");
    let publisher = Publisher::of(&[&pair]).await;
    let site = Site::trusting(publisher.settings()).await;
    let (id, owner) = site.reseller(1).await;
    let code = owner.get("/v1/reseller").await.text("code").to_owned();
    let as_reseller = |named: Value| {
        let others = json!({ "orderwire_role": "reseller", "orderwire_reseller": named });
        let token = pair.sign(&with(claims(site.world.engine.now()), &others));
        site.nobody().presenting(&token)
    };
    for named in [code, id.to_string()] {
        let bearer = as_reseller(json!(named));
        assert_eq!(bearer.get("/v1/reseller").await.is(200).text("id"), id.to_string());
        bearer.get(PATH).await.problem(403, "forbidden");
    }
    for unknown in
        [json!("R999"), json!("rsl_01890a5d000070008000000000000001"), json!(17), json!(""), Value::Null]
    {
        let denied = as_reseller(unknown).get("/v1/reseller").await;
        assert_eq!(error(denied.problem(403, "forbidden")), "reseller_unknown");
    }
    for role in [json!("admin"), json!(["operator"]), Value::Null] {
        let denied = presented(&site, &pair, json!({ "orderwire_role": role })).await;
        assert_eq!(error(denied.problem(403, "forbidden")), "role_unknown");
    }
    let both = presented(&site, &pair, json!({ "orderwire_reseller": "R100" })).await;
    assert_eq!(error(both.problem(403, "forbidden")), "reseller_unexpected");
    for scope in [json!("openid"), json!(""), Value::Null, json!(7), json!("orderwire.write")] {
        let denied = presented(&site, &pair, json!({ "scope": scope })).await;
        assert_eq!(error(denied.problem(403, "forbidden")), "insufficient_scope");
    }
    presented(&site, &pair, json!({ "scope": ["other", "orderwire.read"] })).await.is(200);

    // An auditor's token has the scope, and its role still may not.
    let auditor = pair.sign(&with(claims(site.world.engine.now()), &json!({ "orderwire_role": "auditor" })));
    let auditor = site.nobody().presenting(&auditor);
    auditor.get("/v1/companies").await.is(200);
    auditor.post("/v1/companies", &company("Acme")).await.problem(403, "forbidden");
    site.close().await;
}

#[tokio::test]
async fn an_event_names_the_bearer_without_what_the_issuer_calls_it() {
    let pair = Pair::ec("a");
    let publisher = Publisher::of(&[&pair]).await;
    let site = Site::trusting(publisher.settings()).await;
    let (_, owner) = site.reseller(1).await;
    let code = owner.get("/v1/reseller").await.text("code").to_owned();
    let bearer = |subject: &str| {
        let others = json!({ "orderwire_role": "reseller", "orderwire_reseller": code, "sub": subject });
        site.nobody().presenting(&pair.sign(&with(claims(site.world.engine.now()), &others)))
    };
    bearer("ada@acme.example").post("/v1/companies", &company("Acme")).await.is(201);
    bearer("ada@acme.example").post("/v1/companies", &company("Bolt")).await.is(201);
    bearer("grace@acme.example").post("/v1/companies", &company("Cord")).await.is(201);
    let events = site.world.engine.page(0, 100).await.unwrap();
    let mut actors: Vec<String> = Vec::new();
    for event in events.iter().filter(|event| event.event_type == "CompanyQualified") {
        assert!(!event.metadata.contains("ada"), "{}", event.metadata);
        let metadata: Value = serde_json::from_str(&event.metadata).unwrap();
        actors.push(metadata["actor"].as_str().unwrap().to_owned());
    }
    assert_eq!(actors.len(), 3, "{events:?}");
    assert!(actors[0] == actors[1] && actors[1] != actors[2] && actors[0].starts_with("sub_"), "{actors:?}");
    site.close().await;
}

#[tokio::test]
async fn clocks_may_differ_by_the_skew_and_no_more() {
    let pair = Pair::ec("a");
    let publisher = Publisher::of(&[&pair]).await;
    let site = Site::trusting(publisher.settings()).await;
    let at = |seconds: i64| (site.world.engine.now() + TimeDelta::seconds(seconds)).timestamp();
    presented(&site, &pair, json!({ "exp": at(-59), "nbf": at(-100) })).await.is(200);
    presented(&site, &pair, json!({ "nbf": at(60) })).await.is(200);
    presented(&site, &pair, json!({ "nbf": null, "iat": null })).await.is(200);
    #[expect(clippy::cast_precision_loss, reason = "a time of today has few digits")]
    let fraction = at(10) as f64 + 0.5;
    presented(&site, &pair, json!({ "exp": fraction })).await.is(200);
    for (others, code) in [
        (json!({ "exp": at(-60) }), "token_expired"),
        (json!({ "nbf": at(61) }), "token_not_yet_valid"),
        (json!({ "exp": null }), "claim_invalid"),
        (json!({ "exp": "tomorrow" }), "claim_invalid"),
        (json!({ "exp": 1e300 }), "claim_invalid"),
        (json!({ "nbf": "now" }), "claim_invalid"),
        (json!({ "sub": null }), "claim_invalid"),
        (json!({ "iss": null }), "issuer_wrong"),
        (json!({ "aud": null }), "audience_wrong"),
        (json!({ "aud": [] }), "audience_wrong"),
        (json!({ "aud": [format!("{AUDIENCE}/")] }), "audience_wrong"),
    ] {
        let refused = presented(&site, &pair, others.clone()).await;
        assert_eq!(error(refused.problem(401, "unauthenticated")), code, "{others}");
    }
    presented(&site, &pair, json!({ "aud": AUDIENCE })).await.is(200);
    site.close().await;
}

#[tokio::test]
async fn new_keys_are_fetched_when_a_token_names_them_and_not_too_often() {
    let (old, new, never) = (Pair::ec("old"), Pair::ed("new"), Pair::ec("never"));
    let publisher = Publisher::of(&[&old]).await;
    let site = Site::trusting(publisher.settings()).await;
    let clock = &site.world.clock;
    let later = |seconds: i64| clock.move_to(site.world.engine.now() + TimeDelta::seconds(seconds));
    presented(&site, &old, json!({})).await.is(200);
    publisher.publish(&[&old, &new]);
    // Somebody who makes up ids of keys has the issuer asked once in a while, not each time.
    for _ in 0..5 {
        presented(&site, &never, json!({})).await.problem(401, "unauthenticated");
    }
    assert_eq!(publisher.asked(), 1);
    later(30);
    presented(&site, &new, json!({})).await.is(200);
    presented(&site, &old, json!({})).await.is(200);
    assert_eq!(publisher.asked(), 2);

    // An issuer that is away changes nothing for the keys that are at hand.
    publisher.be_away(true);
    later(30);
    presented(&site, &never, json!({})).await.problem(401, "unauthenticated");
    assert_eq!(publisher.asked(), 3);
    presented(&site, &old, json!({})).await.is(200);
    later(2 * 60 * 60);
    presented(&site, &new, json!({})).await.is(200);

    // A key that it has withdrawn goes once it was asked again, which nobody waits for.
    publisher.be_away(false);
    publisher.publish(&[&new]);
    later(30);
    let mut withdrawn = presented(&site, &old, json!({})).await;
    while withdrawn.status == 200 {
        tokio::task::yield_now().await;
        withdrawn = presented(&site, &old, json!({})).await;
    }
    withdrawn.problem(401, "unauthenticated");
    presented(&site, &new, json!({})).await.is(200);
    site.close().await;
}

#[tokio::test]
async fn without_any_keys_nobody_is_called_a_liar() {
    let pair = Pair::ec("a");
    let publisher = Publisher::of(&[&pair]).await;
    publisher.be_away(true);
    let site = Site::trusting(publisher.settings()).await;
    let unknown = presented(&site, &pair, json!({})).await;
    assert_eq!(unknown.problem(503, "unavailable").header("retry-after"), "30");
    site.operator().await.get(PATH).await.is(200);
    publisher.be_away(false);
    site.world.clock.move_to(site.world.engine.now() + TimeDelta::seconds(30));
    presented(&site, &pair, json!({})).await.is(200);
    site.close().await;
}

#[tokio::test]
async fn a_key_is_used_for_what_it_is_published_for() {
    let (good, enciphers, exchanges, es, es_too) = (
        Pair::ec("good"),
        Pair::ec("enciphers"),
        Pair::ec("exchanges"),
        Pair::ec("es"),
        Pair::rsa("rs", Algorithm::RS256),
    );
    let mut keys: Vec<Value> = [&good, &enciphers, &exchanges, &es, &es_too].map(|it| it.jwk.clone()).into();
    keys[1]["use"] = json!("enc");
    keys[2]["key_ops"] = json!(["deriveBits"]);
    keys[3]["alg"] = json!("ES384");
    keys[4]["alg"] = json!("PS256");
    keys.push(json!({ "kty": "oct", "kid": "secret", "alg": "HS256", "k": "c2VjcmV0" }));
    keys.push(json!({ "kty": "EC", "crv": "secp256k1", "kid": "curve" }));
    keys.push(json!("nonsense"));
    let publisher = Publisher::of(&[]).await;
    publisher.publish_raw(keys);
    let site = Site::trusting(publisher.settings()).await;
    presented(&site, &good, json!({})).await.is(200);
    for pair in [&enciphers, &exchanges, &es, &es_too] {
        presented(&site, pair, json!({})).await.problem(401, "unauthenticated");
    }
    let now = site.world.engine.now();
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some("secret".to_owned());
    let secret = jsonwebtoken::EncodingKey::from_secret(b"secret");
    let symmetric = jsonwebtoken::encode(&header, &claims(now), &secret).unwrap();
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some("good".to_owned());
    header.crit = Some(vec!["exp".to_owned()]);
    let critical = good.sign_under(&header, &claims(now));
    for token in [symmetric, critical, good.sign_as(None, &claims(now))] {
        site.nobody().presenting(&token).get(PATH).await.problem(401, "unauthenticated");
    }
    site.close().await;
}

#[tokio::test]
async fn keys_come_from_a_file_too_which_must_be_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys.json");
    let from_file = || settings(KeysFrom::File(path.clone()));
    let open = || Issuer::open(from_file(), DateTime::UNIX_EPOCH);
    assert!(matches!(open().await, Err(IssuerError::Keys(KeySetError::File(_)))));
    fs::write(&path, "{ \"keys\": [").unwrap();
    assert!(matches!(open().await, Err(IssuerError::Keys(KeySetError::Malformed(_)))));
    fs::write(&path, "{ \"keys\": [{ \"kty\": \"oct\", \"kid\": \"secret\", \"k\": \"c2VjcmV0\" }] }")
        .unwrap();
    assert!(matches!(open().await, Err(IssuerError::Keys(KeySetError::Empty))));
    fs::write(&path, " ".repeat(300 * 1024)).unwrap();
    assert!(matches!(open().await, Err(IssuerError::Keys(KeySetError::TooLarge))));
    let pair = Pair::ec("a");
    fs::write(&path, json!({ "keys": [pair.jwk] }).to_string()).unwrap();
    let site = Site::trusting(from_file()).await;
    presented(&site, &pair, json!({})).await.is(200);
    site.close().await;
}

#[tokio::test]
async fn a_server_without_an_issuer_takes_none_of_its_tokens() {
    let site = Site::open().await;
    presented(&site, &Pair::ec("a"), json!({})).await.problem(401, "unauthenticated");
    site.client(Role::Operator, None).await.get(PATH).await.is(200);
    site.close().await;
}

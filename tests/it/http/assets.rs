//! What a company has over HTTP: listed with its personal data for whose it is, and given up leaf first.

use orderwire::edge::keys::Role;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Client, Site, order, reservations::qualified, said};

/// A company with a site, a user with a number and a device; its service reference.
pub async fn served(site: &Site, client: &Client) -> String {
    let mut document = order("PO-1", "Acme");
    let phone = json!({ "kind": "device", "id": "phone", "user": { "line": "ada" }, "model": "desk_phone_t1", "mac": "00:15:65:00:00:01" });
    let pbx = json!({ "kind": "pbx", "id": "pbx", "site": { "line": "leeds" }, "name": "Main" });
    let trunk =
        json!({ "kind": "trunk", "id": "trunk", "pbx": { "line": "pbx" }, "name": "T1", "channels": 2 });
    document["lines"].as_array_mut().unwrap().extend([phone, pbx, trunk]);
    let draft = client.post("/v1/orders", &document).await;
    let company = draft.is(201).text("company").to_owned();
    client.post(&format!("{}/submission", draft.header("location")), &json!({})).await.is(202);
    site.world.settle().await;
    company
}

/// Everything of a kind that a company has.
pub async fn all(site: &Site, client: &Client, company: &str, kind: &str) -> Vec<Value> {
    let path = format!("/v1/companies/{company}/{kind}?after_position={}", site.head().await);
    client.get(&path).await.is(200).body["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn what_a_company_has_is_listed_and_opened_for_whose_it_is() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let acme = served(&site, &reseller).await;
    let leeds = all(&site, &reseller, &acme, "sites").await.remove(0);
    assert_eq!(
        (&leeds["name"], &leeds["location_code"], &leeds["status"]),
        (&json!("Leeds"), &json!("45"), &json!("live"))
    );
    assert_eq!(leeds["address"]["key"], "A00000000001");
    let ada = all(&site, &reseller, &acme, "users").await.remove(0);
    assert_eq!(
        (&ada["first_name"], &ada["last_name"], &ada["username"]),
        (&json!("Ada"), &json!("Lovelace"), &json!("ada"))
    );
    assert_eq!((&ada["site"], &ada["extension"]), (&leeds["id"], &json!("201")));
    let auditor = site.client(Role::Auditor, None).await;
    for kind in ["users", "emergency-details"] {
        let shown = json!(all(&site, &auditor, &acme, kind).await).to_string();
        assert!(
            !shown.contains("Lovelace") && !shown.contains("ciphertext"),
            "an auditor is told nobody's name: {shown}"
        );
    }
    assert_eq!(all(&site, &auditor, &acme, "users").await[0]["first_name"], "sealed");
    let phone = all(&site, &reseller, &acme, "devices").await.remove(0);
    assert_eq!((&phone["user"], &phone["mac"]), (&ada["id"], &json!("00:15:65:00:00:01")));
    let trunk = all(&site, &reseller, &acme, "trunks").await.remove(0);
    assert_eq!((&trunk["name"], &trunk["channels"]), (&json!("T1"), &json!(2)));
    assert_eq!(all(&site, &reseller, &acme, "pbxs").await[0]["id"], trunk["pbx"]);
    let numbers = all(&site, &reseller, &acme, "numbers").await;
    let holdings: Vec<&str> = numbers.iter().map(|number| number["holding"].as_str().unwrap()).collect();
    assert_eq!(holdings.len(), 4);
    assert_eq!(holdings.iter().filter(|holding| **holding == "assigned_to_user").count(), 1);
    let of_ada = numbers.iter().find(|number| number["user"] == ada["id"]).unwrap();
    assert_eq!(of_ada["number"], ada["primary_number"]);

    let first = reseller.get(&format!("/v1/companies/{acme}/numbers?limit=3")).await;
    let next = first.is(200).header("link").split(['<', '>']).nth(1).unwrap().to_owned();
    assert_eq!(reseller.get(&next).await.is(200).body["items"], json!([numbers[3]]));
    for kind in ["sites", "users", "devices", "pbxs", "trunks", "numbers"] {
        for one in all(&site, &reseller, &acme, kind).await {
            let id = one.get("number").unwrap_or(&one["id"]).as_str().unwrap();
            let path = format!("/v1/companies/{acme}/{kind}/{id}");
            assert_eq!(reseller.get(&path).await.is(200).body, one, "{path}");
            let elsewhere = path.replace(kind, if kind == "sites" { "users" } else { "sites" });
            reseller.get(&elsewhere).await.problem(404, "not_found");
        }
    }
    let ada_alone = format!("/v1/companies/{acme}/users/{}", ada["id"].as_str().unwrap());
    assert_eq!(auditor.get(&ada_alone).await.is(200).text("last_name"), "sealed");
    let bolt = qualified(&reseller, "Bolt").await;
    reseller.get(&ada_alone.replace(&acme, &bolt)).await.problem(404, "not_found");
    for kind in ["numbers", "users"] {
        reseller.get(&format!("/v1/companies/{acme}/{kind}/nonsense")).await.problem(404, "not_found");
    }

    let seen = all(&site, &site.operator().await, &acme, "users").await.remove(0);
    assert_eq!(seen, ada, "the carrier sees it too");
    site.close().await;
}

#[tokio::test]
async fn what_a_company_has_is_given_up_leaf_first() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let acme = served(&site, &reseller).await;
    let path = async |kind: &str| {
        let one = all(&site, &reseller, &acme, kind).await.remove(0);
        let id = one.get("number").unwrap_or(&one["id"]).as_str().unwrap().to_owned();
        format!("/v1/companies/{acme}/{kind}/{id}")
    };
    let (leeds, ada, phone) = (path("sites").await, path("users").await, path("devices").await);
    let (pbx, trunk) = (path("pbxs").await, path("trunks").await);
    for parent in [&leeds, &ada, &pbx] {
        let refused = reseller.delete(parent).await;
        assert_eq!(refused.problem(422, "refused").errors()[0].1, "asset_has_dependants", "{parent}");
    }
    let number =
        all(&site, &reseller, &acme, "users").await[0]["primary_number"].as_str().unwrap().to_owned();
    let number = format!("/v1/companies/{acme}/numbers/{number}");
    let of_ada = reseller.delete(&number).await;
    let nowhere = (String::new(), "numbers_of_users".to_owned());
    assert_eq!(of_ada.problem(422, "refused").errors(), [nowhere], "there is no body to point into");
    reseller.delete(&phone.replace("devices", "users")).await.problem(404, "not_found");
    reseller.delete(&format!("/v1/companies/{acme}/numbers/+442079460000")).await.problem(404, "not_found");
    reseller.delete(&format!("/v1/companies/{acme}/numbers/nonsense")).await.problem(404, "not_found");

    let (_, other) = site.reseller(2).await;
    let bolt = qualified(&other, "Bolt").await;
    for theirs in [&phone, &number] {
        other.delete(theirs).await.problem(404, "not_found");
        other.delete(&theirs.replace(&acme, &bolt)).await.problem(404, "not_found");
    }

    let keyed = || reseller.request(Method::DELETE, &phone).header("Idempotency-Key", "k1");
    let gone = said(keyed()).await;
    assert_eq!(said(keyed()).await.is(200).body, gone.is(200).body, "a retry is answered the same");
    reseller.delete(&phone).await.problem(404, "not_found");
    for leaf in [&ada, &trunk, &pbx, &leeds] {
        reseller.delete(leaf).await.is(200);
    }
    for kind in ["sites", "users", "devices", "pbxs", "trunks"] {
        assert_eq!(all(&site, &reseller, &acme, kind).await, Vec::<Value>::new(), "{kind}");
    }
    for number in all(&site, &reseller, &acme, "numbers").await {
        assert_eq!(number["holding"], "allocated", "numbers stay with the company");
        reseller
            .delete(&format!("/v1/companies/{acme}/numbers/{}", number["number"].as_str().unwrap()))
            .await
            .is(200);
    }
    assert_eq!(all(&site, &reseller, &acme, "numbers").await, Vec::<Value>::new());
    reseller.post(&format!("/v1/companies/{acme}/cessation"), &json!({})).await.is(200);
    site.close().await;
}

#[tokio::test]
async fn what_an_open_order_is_for_stays() {
    let site = Site::manual().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    let draft = reseller.post("/v1/orders", &order("PO-1", "Acme")).await;
    let acme = draft.is(201).text("company").to_owned();
    reseller.post(&format!("{}/submission", draft.header("location")), &json!({})).await.is(202);
    site.world.settle().await;
    let planned = all(&site, &reseller, &acme, "sites").await.remove(0);
    assert_eq!(planned["status"], "planned");
    let path = format!("/v1/companies/{acme}/sites/{}", planned["id"].as_str().unwrap());
    let refused = reseller.delete(&path).await;
    assert_eq!(refused.problem(422, "refused").errors()[0].1, "asset_unknown", "it is none in service");
    assert_ne!(all(&site, &reseller, &acme, "sites").await, Vec::<Value>::new());
    site.close().await;
}

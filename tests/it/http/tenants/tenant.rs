//! A reseller that has one of everything, and what others must not get at.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use uuid::Uuid;

use super::super::{Client, Site, order, ports};

/// A reseller that has one of everything.
pub struct Tenant {
    pub client: Client,
    /// In service, with a site that was ordered with an entered address.
    pub company: String,
    pub site: String,
    pub user: String,
    pub pbx: String,
    pub draft: String,
    pub reservation: String,
    pub webhook: String,
    /// Accepted, for no company yet.
    pub port: String,
    /// Rejected.
    pub rejected: String,
    pub address: String,
    /// A number that nobody uses, of the site.
    pub number: String,
    /// Everything by the schema of its name.
    things: Vec<(&'static str, String)>,
}

/// What asset lists there are.
const ASSETS: [&str; 7] = ["sites", "users", "devices", "add-ons", "pbxs", "trunks", "emergency-details"];

/// A name that was not given before.
pub fn fresh(prefix: &str) -> String {
    static GIVEN: AtomicU32 = AtomicU32::new(1);
    format!("{prefix}{}", GIVEN.fetch_add(1, Ordering::Relaxed))
}

/// An id of this kind that nothing has.
pub fn nobodys(kind: &str) -> String {
    let id = |prefix: &str| format!("{prefix}_{}", Uuid::now_v7().simple());
    match kind {
        "AddressKey" => "T99999999999".to_owned(),
        "AssetId" => id("ast"),
        "CompanyId" => id("com"),
        "CugId" => "CUG4711".to_owned(),
        "OrderId" => id("ord"),
        "PortRequestId" => id("prt"),
        "ResellerCode" => "R4711".to_owned(),
        "ReservationId" => id("rsv"),
        "WebhookId" => id("whk"),
        "NoticeId" => id("ntf"),
        "TelephoneNumber" | "NumberRange" => "+441134960199".to_owned(),
        "OrderReference" => "PO-4711".to_owned(),
        "Domain" => "nobody.example".to_owned(),
        other => panic!("this test has no {other} of nobody's"),
    }
}

impl Tenant {
    pub async fn open(site: &Site, n: u32) -> Self {
        let (_, client) = site.reseller(n).await;
        let operator = site.operator().await;
        let entered = json!({ "lines": [format!("The Old Signal Box {n}")], "postcode": "LS1 4AP" });
        let address = client.post("/v1/addresses", &entered).await.is(201).text("key").to_owned();
        let (placed, company) = in_service(site, &client, n, &address).await;
        let drafted = client.post("/v1/orders", &order(&fresh("PO-D"), &format!("Draft {n}"))).await;
        let draft = drafted.is(201).text("id").to_owned();
        let one = json!({ "search": { "by": { "area_code": "0113" }, "quantity": 1 } });
        let held = json!({ "company": company, "kind": "ring_fence", "ask": one });
        let reservation = client.post("/v1/reservations", &held).await.is(201).text("id").to_owned();
        let port = ports::submitted(site, &client, &fresh("PO-P"), &format!("020 7946 012{n}")).await;
        let rejected = ports::submitted(site, &client, &fresh("PO-P"), &format!("020 7946 013{n}")).await;
        let accept = json!({ "message": format!("a-{n}"), "kind": "lcp_accept" });
        let reject =
            json!({ "message": format!("r-{n}"), "kind": "reject", "reasons": ["postcode_mismatch"] });
        for (port, message) in [(&port, accept), (&rejected, reject)] {
            operator.post(&format!("/v1/operator/port-requests/{port}/messages"), &message).await.is(200);
        }
        let hook = json!({ "url": format!("https://hooks-{n}.example/orders") });
        let webhook = client.post("/v1/webhooks", &hook).await.is(201).text("id").to_owned();
        site.world.settle().await;

        let mut things = vec![
            ("CompanyId", company.clone()),
            ("CompanyId", drafted.text("company").to_owned()),
            ("OrderId", placed),
            ("OrderId", draft.clone()),
            ("PortRequestId", port.clone()),
            ("PortRequestId", rejected.clone()),
            ("ReservationId", reservation.clone()),
            ("WebhookId", webhook.clone()),
            ("AddressKey", address.clone()),
            ("CugId", format!("CUG{n}")),
            ("ResellerCode", format!("R{n}")),
            ("OrderReference", drafted.text("reference").to_owned()),
            ("Domain", format!("acme-{n}.example")),
            ("TelephoneNumber", format!("+44207946012{n}")),
        ];
        let items = async |kind: &str| {
            let path = format!("/v1/companies/{company}/{kind}?after_position={}", site.head().await);
            client.get(&path).await.is(200).body["items"].as_array().unwrap().clone()
        };
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        for kind in ASSETS {
            let listed = items(kind).await;
            assert!(!listed.is_empty(), "a tenant should have {kind}");
            things.extend(listed.iter().map(|asset| ("AssetId", text(&asset["id"]))));
        }
        let numbers = items("numbers").await;
        let number = text(&numbers.iter().find(|it| it["holding"] == "assigned_to_site").unwrap()["number"]);
        things.extend(numbers.iter().map(|it| ("TelephoneNumber", text(&it["number"]))));
        Self {
            site: text(&items("sites").await[0]["id"]),
            user: text(&items("users").await[0]["id"]),
            pbx: text(&items("pbxs").await[0]["id"]),
            client,
            company,
            draft,
            reservation,
            webhook,
            port,
            rejected,
            address,
            number,
            things,
        }
    }

    /// Everything of this kind that it has.
    pub fn all(&self, kind: &str) -> Vec<&str> {
        let kind = if kind == "NumberRange" { "TelephoneNumber" } else { kind };
        self.things.iter().filter(|(known, _)| *known == kind).map(|(_, id)| id.as_str()).collect()
    }

    /// Something of its own with which a request is in order.
    pub fn own(&self, kind: &str) -> &str {
        match kind {
            "PortRequestId" => &self.port,
            "OrderId" => &self.draft,
            "TelephoneNumber" | "NumberRange" => &self.number,
            _ => self.all(kind)[0],
        }
    }

    /// The path of an operation, about what is its own.
    pub fn path(&self, path: &str) -> String {
        path.replace("/companies/{id}", &format!("/companies/{}", self.company))
            .replace("/orders/{id}", &format!("/orders/{}", self.draft))
            .replace("/port-requests/{id}/re-p", &format!("/port-requests/{}/re-p", self.rejected))
            .replace("/port-requests/{id}", &format!("/port-requests/{}", self.port))
            .replace("/reservations/{id}", &format!("/reservations/{}", self.reservation))
            .replace("/webhooks/{id}", &format!("/webhooks/{}", self.webhook))
            .replace("{asset}", &self.site)
            .replace("{number}", &self.number)
            .replace("{key}", &self.address)
            .replace("{line}", "1")
    }

    /// What no answer to another may have in it.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let telling =
            ["CompanyId", "OrderId", "PortRequestId", "ReservationId", "AssetId", "AddressKey", "WebhookId"];
        self.things.iter().filter(move |(kind, _)| telling.contains(kind)).map(|(_, id)| id.as_str())
    }

    /// Everything that it can see of its own.
    pub async fn seen(&self, site: &Site) -> Vec<Value> {
        let own = self.things.iter().filter_map(|(kind, id)| match *kind {
            "CompanyId" => Some(format!("/v1/companies/{id}")),
            "OrderId" => Some(format!("/v1/orders/{id}/history")),
            "PortRequestId" => Some(format!("/v1/port-requests/{id}")),
            "ReservationId" => Some(format!("/v1/reservations/{id}")),
            "AddressKey" => Some(format!("/v1/addresses/{id}")),
            "WebhookId" => Some(format!("/v1/webhooks/{id}")),
            _ => None,
        });
        let lists = ["orders", "companies", "port-requests", "notices"].map(|list| format!("/v1/{list}"));
        let assets = ASSETS.iter().chain(&["numbers"]);
        let assets = assets.map(|kind| format!("/v1/companies/{}/{kind}", self.company));
        let head = site.head().await;
        let mut seen = Vec::new();
        for path in own.chain(lists).chain(assets) {
            let path = format!("{path}?after_position={head}");
            let mut body = self.client.get(&path).await.is(200).body.clone();
            // How far it was looked, which moves with everybody's events.
            body.as_object_mut().unwrap().remove("through");
            seen.push(json!([path.split('?').next(), body]));
        }
        seen
    }
}

/// A company in service with one of everything; its order and its service reference.
async fn in_service(site: &Site, client: &Client, n: u32, address: &str) -> (String, String) {
    let mut document = order(&fresh("PO-S"), &format!("Acme {n}"));
    document["lines"][2]["address"] = json!({ "known": address });
    document["lines"].as_array_mut().unwrap().extend([
        json!({ "kind": "device", "id": "phone", "user": { "line": "ada" }, "model": "desk_phone_t1",
            "mac": format!("00:15:65:00:00:0{n}") }),
        json!({ "kind": "add_on", "id": "app", "user": { "line": "ada" }, "product": "mobile_app" }),
        json!({ "kind": "pbx", "id": "pbx", "site": { "line": "leeds" }, "name": "Main" }),
        json!({ "kind": "trunk", "id": "trunk", "pbx": { "line": "pbx" }, "name": "T1", "channels": 2 }),
        json!({ "kind": "emergency_details", "id": "999", "site": { "line": "leeds" },
            "contact": { "name": "Tom Aldous" } }),
    ]);
    let draft = client.post("/v1/orders", &document).await;
    client.post(&format!("{}/submission", draft.is(201).header("location")), &json!({})).await.is(202);
    site.world.settle().await;
    (draft.text("id").to_owned(), draft.text("company").to_owned())
}

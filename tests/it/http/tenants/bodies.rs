//! A request for every field of a body that names something: in order if that is the caller's own.

use reqwest::Method;
use serde_json::{Value, json};

use super::super::{Client, Said, said, with_json};
use super::tenant::{Tenant, fresh};

/// What was answered to a request, and to the submit of the order that it led to.
pub struct Outcome {
    pub first: Said,
    pub submit: Option<Said>,
}

/// Sends a body with this id at this place to an operation, once for each way to ask for it.
pub async fn sent(tenant: &Tenant, operation: &str, path: &str, pointer: &str, id: &str) -> Vec<Outcome> {
    let client = &tenant.client;
    let mut outcomes = Vec::new();
    let of_line = if operation == "create_order" { pointer.strip_prefix("/lines/-") } else { Some(pointer) };
    if let "create_order" | "add_order_line" | "change_order_line" = operation
        && let Some(pointer) = of_line
    {
        let ways = lines(tenant, pointer, id);
        let own = lines(tenant, pointer, tenant.own(kind_of(pointer)));
        for (way, own) in ways.into_iter().zip(own) {
            outcomes.push(with_line(tenant, operation, &way, &own).await);
        }
        return outcomes;
    }
    for body in bodies(tenant, operation, pointer, id) {
        let first = client.post(&tenant.path(path), &body).await;
        outcomes.push(Outcome { submit: submitted(client, &first).await, first });
    }
    outcomes
}

fn kind_of(pointer: &str) -> &'static str {
    match pointer.rsplit('/').next().unwrap() {
        "known" | "key" => "AddressKey",
        "reservation" => "ReservationId",
        "asset" => "AssetId",
        _ => "TelephoneNumber",
    }
}

/// One line in each of the three ways in which an order gets it.
async fn with_line(tenant: &Tenant, operation: &str, way: &[Value], own: &[Value]) -> Outcome {
    let client = &tenant.client;
    let (line, before) = way.split_last().unwrap();
    let draft = |lines: Vec<Value>| json!({ "reference": fresh("PO-L"), "company": { "service_reference": tenant.company }, "lines": lines });
    let unnamed = |line: &Value| {
        let mut line = line.clone();
        line.as_object_mut().unwrap().remove("id");
        line
    };
    let (order, first) = match operation {
        "create_order" => {
            let first = client.post("/v1/orders", &draft(way.to_vec())).await;
            (first.clone(), first)
        }
        "add_order_line" => {
            let order = client.post("/v1/orders", &draft(before.to_vec())).await;
            let path = format!("{}/lines", order.is(201).header("location"));
            let first = client.post(&path, &unnamed(line)).await;
            (order, first)
        }
        _ => {
            let order = client.post("/v1/orders", &draft(own.to_vec())).await;
            let path = format!("{}/lines/{}", order.is(201).header("location"), way.len());
            let first = said(with_json(client.request(Method::PATCH, &path), &unnamed(line))).await;
            (order, first)
        }
    };
    let submit = if first.status < 300 { submitted(client, &order).await } else { None };
    Outcome { first, submit }
}

/// Submits an order if one was made.
async fn submitted(client: &Client, made: &Said) -> Option<Said> {
    let place = made.headers.get("location")?.to_str().unwrap();
    if !place.starts_with("/v1/orders/") {
        return None;
    }
    Some(client.post(&format!("{place}/submission"), &json!({})).await)
}

/// The lines of an order, of which the last names the id at this place: one list for each kind of line that can.
fn lines(tenant: &Tenant, pointer: &str, id: &str) -> Vec<Vec<Value>> {
    let at = json!({ "asset": tenant.site });
    let id = match id {
        // Which asset is right depends on what hangs on it.
        own if own == tenant.own("AssetId") && pointer == "/user/asset" => tenant.user.as_str(),
        own if own == tenant.own("AssetId") && pointer == "/pbx/asset" => tenant.pbx.as_str(),
        id => id,
    };
    let user = |more: &Value| {
        let mut line = json!({ "kind": "user", "id": "2", "site": at, "first_name": "Tom", "last_name": "Aldous",
            "username": fresh("tom"), "extension": "290", "licence": "voice_standard" });
        line.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        line
    };
    let site = |address: &Value| {
        json!({ "kind": "site", "id": "1", "name": fresh("Site "), "location_code": format!("9{}", fresh("")), "extension_length": 3,
            "address": address })
    };
    let port = |field: &str, value: Value| {
        let mut line = json!({ "kind": "port", "id": "1", "class": "multi_line", "main_number": "020 7946 0700",
            "losing_provider": "205", "range_holder": "205", "postcode": "EC1A 1BB", "account": "AC-1",
            "signatory": "Rosalind Finch", "window": { "date": "2026-07-15", "from": "09:00", "to": "12:00" } });
        line[field] = value;
        vec![line]
    };
    let emergency = |more: &str, value: Value| {
        let mut line =
            json!({ "kind": "emergency_details", "id": "1", "site": at, "contact": { "name": "Tom" } });
        line[more] = value;
        vec![line]
    };
    let some =
        json!({ "kind": "numbers", "id": "1", "site": at, "ask": { "numbers": ["0113 496 0170-0171"] } });
    let by_line = json!({ "of": { "line": "1", "number": id } });
    let entered = json!({ "entered": { "key": id, "lines": ["1 Somewhere"], "postcode": "LS1 4AP" } });
    let asset = json!({ "asset": id });
    match pointer {
        "/address/known" => {
            vec![vec![site(&json!({ "known": id }))], emergency("address", json!({ "known": id }))]
        }
        "/address/entered/key" => vec![vec![site(&entered)], emergency("address", entered.clone())],
        "/primary_number/number" => vec![vec![user(&json!({ "primary_number": { "number": id } }))]],
        "/alternate_numbers/-/number" => {
            vec![vec![user(&json!({ "alternate_numbers": [{ "number": id }] }))]]
        }
        "/primary_number/of/number" => vec![vec![some, user(&json!({ "primary_number": by_line }))]],
        "/alternate_numbers/-/of/number" => {
            vec![vec![some, user(&json!({ "alternate_numbers": [by_line] }))]]
        }
        "/ask/numbers/-" => vec![vec![json!({ "kind": "numbers", "id": "1", "ask": { "numbers": [id] } })]],
        "/ask/reservation" => {
            vec![vec![json!({ "kind": "numbers", "id": "1", "ask": { "reservation": id } })]]
        }
        "/main_number" => vec![port("main_number", json!(id))],
        "/associated/-" => vec![port("associated", json!([id]))],
        "/ranges/-" => vec![port("ranges", json!([id]))],
        "/pbx/asset" => {
            vec![vec![json!({ "kind": "trunk", "id": "1", "pbx": asset, "name": fresh("T"), "channels": 1 })]]
        }
        "/user/asset" => vec![
            vec![
                json!({ "kind": "device", "id": "1", "user": asset, "model": "desk_phone_t1", "mac": "00:15:65:00:00:99" }),
            ],
            vec![json!({ "kind": "add_on", "id": "1", "user": asset, "product": "voicemail_to_text" })],
        ],
        "/site/asset" => {
            let mut numbers = some;
            numbers["site"] = asset.clone();
            let pbx = json!({ "kind": "pbx", "id": "1", "site": asset, "name": fresh("P") });
            let at_site = vec![user(&json!({ "site": asset }))];
            vec![vec![numbers], vec![pbx], at_site, port("site", asset.clone()), emergency("site", asset)]
        }
        other => panic!("this test has no line with {other}"),
    }
}

/// The bodies of the other operations.
fn bodies(tenant: &Tenant, operation: &str, pointer: &str, id: &str) -> Vec<Value> {
    let mut address = json!({ "lines": ["1 Somewhere"], "postcode": "LS1 4AP" });
    let mut import = json!({ "kind": "multi_line", "reference": fresh("PO-I"), "main_number": "020 7946 0710",
        "company": { "service_reference": tenant.company },
        "losing_provider": "205", "range_holder": "205", "postcode": "EC1A 1BB", "account": "AC-1",
        "signatory": "Rosalind Finch", "window": { "date": "2026-07-15", "from": "09:00", "to": "12:00" } });
    let mut new_numbers = json!({ "kind": "new_numbers", "reference": fresh("PO-I"), "area_code": "0113",
        "company": { "service_reference": tenant.company }, "quantity": 1 });
    let name = fresh("Company ");
    let company =
        json!({ "name": name, "domain": format!("{}.example", name.to_lowercase().replace(' ', "-")) });
    let check =
        |field: &str, kind: &str, name: &str| json!({ "names": [{ "kind": kind, "name": name, field: id }] });
    let body = match (operation, pointer) {
        ("enter_address", "/company" | "/reseller") => {
            address[&pointer[1..]] = json!(id);
            address
        }
        ("replace_address" | "replace_address_of_asset", "/by") => json!({ "by": id }),
        ("qualify_company", "/reseller") => {
            let mut company = company;
            company["reseller"] = json!(id);
            company
        }
        ("create_order", "/company/service_reference") => {
            json!({ "reference": fresh("PO-C"), "company": { "service_reference": id }, "lines": [] })
        }
        ("create_order", "/reseller") => {
            json!({ "reference": fresh("PO-C"), "company": company, "lines": [], "reseller": id })
        }
        ("create_import_order", "/reseller" | "/main_number") => {
            import[&pointer[1..]] = json!(id);
            import
        }
        ("create_import_order", "/associated/-" | "/ranges/-") => {
            import[pointer[1..].trim_end_matches("/-")] = json!([id]);
            import
        }
        ("create_import_order", "/company/service_reference") => {
            import["company"] = json!({ "service_reference": id });
            new_numbers["company"] = json!({ "service_reference": id });
            return vec![import, new_numbers];
        }
        ("create_import_order", "/site/asset") => {
            import["site"] = json!({ "asset": id });
            new_numbers["site"] = json!({ "asset": id });
            return vec![import, new_numbers];
        }
        ("check_names", "/names/-/company") => {
            let kinds =
                [("site_name", "Leeds"), ("username", "ada"), ("location_code", "45"), ("pbx_name", "Main")];
            return kinds.map(|(kind, name)| check("company", kind, name)).into();
        }
        ("check_names", "/names/-/site") => check("site", "extension", "201"),
        ("allocate_port", "/company") => json!({ "company": id }),
        ("represent_port", "/main_number") => json!({ "main_number": id }),
        ("reserve_numbers", "/company") => {
            json!({ "company": id, "kind": "reserve",
                "ask": { "search": { "by": { "area_code": "0113" }, "quantity": 1 } } })
        }
        ("reserve_numbers", "/ask/numbers/-") => {
            json!({ "company": tenant.company, "kind": "reserve", "ask": { "numbers": [id] } })
        }
        other => panic!("this test has no body for {other:?}"),
    };
    vec![body]
}

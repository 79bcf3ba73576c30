//! Bodies that cannot be read: each is refused for what is wrong with it, and changes nothing.

use reqwest::Method;

use super::{Client, Said, Site, said};

async fn sent(client: &Client, kind: &str, body: impl Into<reqwest::Body>) -> Said {
    said(client.request(Method::POST, "/v1/companies").header("content-type", kind).body(body)).await
}

#[tokio::test]
async fn a_body_is_json_in_utf_8_and_nothing_else() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let before = site.head().await;
    let good = r#"{"name": "Acme", "domain": "acme.example"}"#;
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "application/jsonp",
    ] {
        sent(&reseller, kind, good).await.problem(415, "unsupported_media_type");
    }
    let zipped = reseller.request(Method::POST, "/v1/companies").header("content-type", "application/json");
    said(zipped.header("content-encoding", "gzip").body(good)).await.problem(415, "unsupported_media_type");

    let json = "application/json";
    for malformed in ["", "{", "[1,]", "{} {}", "\u{feff}{}"] {
        sent(&reseller, json, malformed).await.problem(400, "malformed");
    }
    sent(&reseller, json, vec![b'{', 0xff, b'}']).await.problem(400, "malformed");
    for (open, close) in [("[", "]"), (r#"{"name":"#, "}")] {
        for depth in [500, 100_000] {
            let nested = format!("{}1{}", open.repeat(depth), close.repeat(depth));
            sent(&reseller, json, nested).await.problem(400, "malformed");
        }
    }
    for encoded in
        [r#"{"name": "\ud800"}"#, r#"{"name": "Acme" // Ltd"#, "{\"name\": \"a\nb\"}", r#"{"name": 1e999}"#]
    {
        sent(&reseller, json, encoded).await.problem(400, "malformed");
    }
    let utf_16: Vec<u8> = good.encode_utf16().flat_map(u16::to_le_bytes).collect();
    sent(&reseller, json, utf_16).await.problem(400, "malformed");
    assert_eq!(site.head().await, before);
    sent(&reseller, "Application/JSON; charset=\"UTF-8\"", good).await.is(201);
    site.close().await;
}

#[tokio::test]
async fn every_wrong_field_is_named() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let before = site.head().await;
    let body =
        r#"{"name": "", "domain": 5, "colour": "red", "domain": "a.example", "reseller": "R1", "name~/": 1}"#;
    let refused = sent(&reseller, "application/json", body).await;
    let expected = [
        ("/domain", "field_twice"),
        ("/name", "company_name_empty"),
        ("/colour", "field_unknown"),
        ("/name~0~1", "field_unknown"),
    ];
    let expected = expected.map(|(at, code)| (at.to_owned(), code.to_owned()));
    assert_eq!(refused.problem(422, "refused").errors(), expected);
    let list = sent(&reseller, "application/json", "[]").await;
    assert_eq!(list.problem(422, "refused").errors(), [(String::new(), "type_wrong".to_owned())]);
    assert_eq!(site.head().await, before);
    site.close().await;
}

#[tokio::test]
async fn a_reseller_asks_for_itself_only() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    site.reseller(2).await;
    let body = |code: &str| format!(r#"{{"name": "Acme", "domain": "acme.example", "reseller": "{code}"}}"#);
    for code in ["R2", "R3"] {
        let other = sent(&reseller, "application/json", body(code)).await;
        assert_eq!(other.problem(422, "refused").errors(), [("/reseller".into(), "reseller_other".into())]);
    }
    sent(&reseller, "application/json", body("R1")).await.is(201);
    let operator = site.operator().await;
    let for_nobody = sent(&operator, "application/json", r#"{"name": "B", "domain": "b.example"}"#).await;
    assert_eq!(for_nobody.problem(422, "refused").errors()[0].1, "reseller_missing");
    site.close().await;
}

//! Clients that go away in the middle: what they asked is done in full or not at all, and the server goes on.

use reqwest::{Method, header::AUTHORIZATION};
use tokio::{io::AsyncWriteExt as _, net::TcpStream};

use super::{Client, Site, company, said, with_json};

/// A request as it stands on the wire: its head, and its body.
fn written(client: &Client, body: &str, framing: &str) -> String {
    let authorization = client.request(Method::GET, "/").build().unwrap().headers()[AUTHORIZATION].clone();
    format!(
        "POST /v1/companies HTTP/1.1\r\nhost: x\r\nauthorization: {}\r\nidempotency-key: once\r\n\
         content-type: application/json\r\n{framing}\r\n\r\n{body}",
        authorization.to_str().unwrap()
    )
}

/// Says it, and hangs up without listening.
async fn hung_up(site: &Site, text: &str) {
    let mut stream = TcpStream::connect(site.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
}

#[tokio::test]
async fn half_a_body_does_nothing() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let before = site.head().await;
    let body = company("Acme").to_string();
    let announced = format!("content-length: {}", body.len());
    for length in [0, 1, body.len() / 2, body.len() - 1] {
        hung_up(&site, &written(&reseller, &body[..length], &announced)).await;
    }
    // In chunks, the last of which never comes: the document is whole, the request is not.
    let chunk = format!("{:x}\r\n{body}\r\n", body.len());
    hung_up(&site, &written(&reseller, &chunk, "transfer-encoding: chunked")).await;
    // Closing waits for every request that has begun.
    let engine = site.world.engine.clone();
    assert_eq!(reseller.get("/v1/companies").await.is(200).body["items"], serde_json::json!([]));
    site.served_to_the_end().await;
    assert_eq!(engine.head().await.unwrap().position, before);
    engine.close().await;
}

#[tokio::test]
async fn a_whole_request_of_somebody_who_left_is_done_whole_and_once() {
    let site = Site::open().await;
    let (_, reseller) = site.reseller(1).await;
    let before = site.head().await;
    let body = company("Acme");
    let announced = format!("content-length: {}", body.to_string().len());
    for _ in 0..5 {
        hung_up(&site, &written(&reseller, &body.to_string(), &announced)).await;
    }
    let again = reseller.request(Method::POST, "/v1/companies").header("idempotency-key", "once");
    let answered = said(with_json(again, &body)).await;
    assert_eq!(answered.is(201).text("domain"), "acme.example");
    let engine = site.world.engine.clone();
    site.served_to_the_end().await;
    assert_eq!(
        engine.head().await.unwrap().position,
        before + 1,
        "one company, however often it was asked for"
    );
    engine.close().await;
}

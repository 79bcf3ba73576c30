//! What a server never says of anybody, erased or not: in its log, however much it is to say there, and in what it keeps of
//! deliveries, whatever a receiver answers.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, mpsc},
    thread,
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};

use super::{
    Client, Said, order,
    stopping::{Server, done, orderwire},
    webhooks::receiver::{Receiver, Reply},
    with_json,
};

/// Longer than a server takes to start.
const STARTED_WITHIN: Duration = Duration::from_mins(2);

/// Longer than it takes to write down what was delivered.
const KEPT_WITHIN: Duration = Duration::from_mins(1);

/// What stands for a person here, and nowhere else.
const WORDS: [&str; 8] = [
    "Gwendolyn",
    "Thistlewood",
    "quillfeather",
    "fernhollow",
    "OSPREYHOLM",
    "Mistlethwaite",
    "Larkspurgate",
    "Wetherlam",
];

/// An order with everything personal that an order can have.
fn personal(reference: &str, name: &str) -> Value {
    let mut order = order(reference, name);
    let lines = order["lines"].as_array_mut().unwrap();
    lines[0]["contact"] = json!({
        "name": "Gwendolyn Thistlewood", "email": "fernhollow@acme.example", "telephone": "020 7946 0999",
    });
    lines[2]["address"] = json!({ "entered": {
        "key": "T00000000001", "lines": ["Larkspurgate House", "Leeds"], "postcode": "LS1 4AP",
    } });
    for (field, word) in
        [("first_name", "Gwendolyn"), ("last_name", "Thistlewood"), ("username", "quillfeather")]
    {
        lines[3][field] = word.into();
    }
    let mut port = super::port_order("", "020 7946 0123")["lines"][0].take();
    (port["account"], port["signatory"]) = ("OSPREYHOLM".into(), "Mistlethwaite".into());
    lines.push(port);
    order
}

/// Whether a text has one of the words, in any letters.
fn says(text: &str) -> Option<&'static str> {
    let text = text.to_lowercase();
    WORDS.into_iter().find(|word| text.contains(&word.to_lowercase()))
}

/// A server that says all it can, and everything that it said so far.
fn talkative(folder: &Path) -> (Server, String, Arc<Mutex<String>>) {
    let err = fs::File::create(folder.join("stderr")).unwrap();
    let mut command = orderwire(folder);
    command
        .args(["-vvv", "serve", "--listen", "127.0.0.1:0"])
        .env("ORDERWIRE_WEBHOOKS_ALLOW_PRIVATE", "true");
    command.env("ORDERWIRE_WEBHOOKS_ALLOW_HTTP", "true").env("ORDERWIRE_AUTO_PROVISION", "true");
    let mut process = command.stdout(Stdio::piped()).stderr(err).spawn().unwrap();
    let out = process.stdout.take().unwrap();
    let said = Arc::new(Mutex::new(String::new()));
    let (heard, (listens, listening)) = (Arc::clone(&said), mpsc::channel());
    thread::spawn(move || {
        for line in BufReader::new(out).lines().map_while(Result::ok) {
            if let Some(url) = line.strip_prefix("listening on ") {
                listens.send(url.to_owned()).unwrap();
            }
            heard.lock().unwrap().push_str(&(line + "\n"));
        }
    });
    let server = Server::of(process);
    let url = listening.recv_timeout(STARTED_WITHIN).unwrap();
    (server, url, said)
}

/// What is kept of deliveries, once two have arrived.
async fn arrived(client: &Client, path: &str) -> Said {
    let asked = async {
        loop {
            let said = client.get(&format!("{path}/deliveries?limit=500")).await;
            let items = said.is(200).body["items"].as_array().unwrap();
            if items.iter().filter(|it| it["status"] == "delivered").count() >= 2 {
                return said;
            }
        }
    };
    tokio::time::timeout(KEPT_WITHIN, asked).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_says_nobodys_name_in_its_log_or_of_what_a_receiver_echoes() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    done(at, &["migrate"]);
    done(
        at,
        &["stock", "load", "--range", "0113 496 0000-0999", "--place", "Leeds", "--range-holder", "001"],
    );
    done(at, &["resellers", "add", "R100", "--name", "Northern Voice"]);
    let token = |arguments: &[&str]| {
        done(at, &[&["keys", "create"], arguments].concat())["token"].as_str().unwrap().to_owned()
    };
    let (mine, carriers) =
        (token(&["--role", "reseller", "--reseller", "R100"]), token(&["--role", "operator"]));
    let (server, url, said) = talkative(at);
    let http = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
    let client = |token: &str| Client { http: http.clone(), url: url.clone(), token: Some(token.to_owned()) };
    let (reseller, operator) = (client(&mine), client(&carriers));

    let receiver = Receiver::replying(|_| Reply::Echo).await;
    let hook = reseller.post("/v1/webhooks", &json!({ "url": receiver.url })).await;
    let hook = format!("/v1/webhooks/{}", hook.is(201).text("id"));

    // What is right, what is wrong, and what is not even JSON.
    let draft = reseller.post("/v1/orders", &personal("PO-1", "Acme")).await;
    let (drafted, company) = (draft.is(201).header("location").to_owned(), draft.text("company").to_owned());
    let mut wrong = personal("PO-2", "Bolt");
    wrong["lines"][3]["first_name"] = json!({ "Gwendolyn": "Thistlewood" });
    wrong["Gwendolyn"] = "Thistlewood".into();
    reseller.post("/v1/orders", &wrong).await.problem(422, "refused");
    let broken = personal("PO-3", "Cog").to_string().replace(':', "");
    let broken =
        reseller.request(Method::POST, "/v1/orders").header("content-type", "application/json").body(broken);
    super::said(broken).await.problem(400, "malformed");
    reseller.get("/v1/companies?name=Gwendolyn%20Thistlewood").await;
    reseller.get("/v1/orders/Gwendolyn%20Thistlewood").await.is(404);
    let submitted = reseller.post(&format!("{drafted}/submission"), &json!({})).await;
    assert!(submitted.status < 500, "{submitted:?}");
    let check = json!({ "names": [{ "kind": "username", "name": "quillfeather", "company": company }] });
    super::said(with_json(reseller.request(Method::POST, "/v1/name-checks"), &check)).await;
    for path in [
        &drafted,
        &format!("{drafted}/lines"),
        &format!("{drafted}/history"),
        &format!("/v1/companies/{company}"),
    ] {
        reseller.get(path).await.is(200);
    }
    reseller.delete(&drafted).await;
    let release = reseller.delete(&format!("/v1/companies/{company}/qualification")).await;
    let erasure = json!({ "reason": "asked for by Mrs Wetherlam" });
    let erased = operator.post(&format!("/v1/operator/companies/{company}/erasure"), &erasure).await;
    assert_eq!((release.status, erased.status), (200, 200), "{release:?} {erased:?}");

    // Somebody who stays: what happens to the order is told, sent, and comes back.
    let mut stays = order("PO-4", "Dab");
    stays["lines"][0]["contact"]["name"] = "Gwendolyn Thistlewood".into();
    for (field, word) in
        [("first_name", "Gwendolyn"), ("last_name", "Thistlewood"), ("username", "quillfeather")]
    {
        stays["lines"][3][field] = word.into();
    }
    let stays = reseller.post("/v1/orders", &stays).await.is(201).header("location").to_owned();
    let submitted = reseller.post(&format!("{stays}/submission"), &json!({})).await;
    assert!(submitted.status < 300, "{submitted:?}");
    // Notices are sent and come back; what is kept of that names nobody either.
    let heard = receiver.until(|heard| heard.len() >= 2).await;
    let kept = arrived(&reseller, &hook).await;
    let excerpts = kept.body["items"].to_string();
    assert!(excerpts.contains("specversion"), "what the receiver said is kept: {excerpts}");
    for text in heard.iter().map(|it| it.body.as_str()).chain([excerpts.as_str()]) {
        assert_eq!(says(text), None, "{text}");
    }
    server.told("-TERM");
    let log = said.lock().unwrap().clone() + &fs::read_to_string(at.join("stderr")).unwrap();
    assert!(log.contains("served") && log.lines().count() > 30, "it was told to say much: {log}");
    assert_eq!(says(&log), None, "{log}");
    for file in ["orderwire.db", "orderwire.db-wal"] {
        let bytes = fs::read(at.join(file)).unwrap_or_default();
        assert_eq!(says(&String::from_utf8_lossy(&bytes)), None, "{file}");
    }
}

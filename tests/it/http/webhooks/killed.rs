//! The real binary delivering to a receiver that does everything wrong, and killed at any moment: SIGKILL, nothing in good order.
//!
//! What a receiver may do wrong takes time here, since a process has the real clock: each notice meets it once.
//! `ORDERWIRE_KILLS` says how often the process is killed (3 unless it is set).

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
    sync::Mutex,
};

use uuid::Uuid;

use super::*;
use crate::http::{
    order,
    stopping::{Server, done, orderwire, served_by},
};

/// Orders between one end and the next.
const ORDERS: u64 = 3;

fn served(folder: &Path) -> (Server, String) {
    let mut server = orderwire(folder);
    for name in
        ["ORDERWIRE_WEBHOOKS_ALLOW_HTTP", "ORDERWIRE_WEBHOOKS_ALLOW_PRIVATE", "ORDERWIRE_AUTO_PROVISION"]
    {
        server.env(name, "true");
    }
    served_by(&mut server)
}

/// What a notice meets when it comes first, by how many did before.
fn hostile(n: usize) -> Reply {
    match n % 12 {
        1 => Reply::Status(500, ""),
        3 => Reply::Status(429, "retry-after: 1\r\n"),
        4 => Reply::Cut,
        6 => Reply::Status(307, "location: /elsewhere\r\n"),
        7 => Reply::Long(3_000_000),
        9 => Reply::Drip,
        10 => Reply::Silence,
        _ => Reply::Status(200, ""),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_is_killed_again_and_again_loses_no_notice_and_confuses_no_order() {
    let kills = std::env::var("ORDERWIRE_KILLS").map_or(3, |text| text.parse::<u64>().unwrap());
    let seed = Uuid::now_v7().as_u64_pair().1;
    println!("seed {seed}");
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["migrate"]);
    let range = ["--range", "0113 496 0000-0999", "--place", "Leeds", "--range-holder", "001"];
    done(folder, &[&["stock", "load"][..], &range].concat());
    done(folder, &["resellers", "add", "R100", "--name", "Northern Voice"]);
    let key = done(folder, &["keys", "create", "--role", "reseller", "--reseller", "R100"]);
    let client = |url: &str| Client {
        http: reqwest::Client::new(),
        url: url.to_owned(),
        token: Some(key["token"].as_str().unwrap().to_owned()),
    };
    let known: Mutex<HashSet<String>> = Mutex::default();
    let receiver = Receiver::replying(move |heard| {
        let mut known = known.lock().unwrap();
        if known.insert(heard.id().to_owned()) { hostile(known.len()) } else { Reply::Status(200, "") }
    })
    .await;

    let (mut server, url) = served(folder);
    let mut carrier = client(&url);
    let hook = carrier.post("/v1/webhooks", &json!({ "url": receiver.url })).await;
    let secret = hook.is(201).text("secret").to_owned();
    for kill in 0..=kills {
        for n in 0..ORDERS {
            let (reference, name) = (format!("PO-{kill}-{n}"), format!("Company {kill} {n}"));
            let draft = carrier.post("/v1/orders", &order(&reference, &name)).await;
            let path = draft.is(201).header("location").to_owned();
            carrier.post(&format!("{path}/submission"), &json!({})).await.is(202);
        }
        if kill == kills {
            break;
        }
        let before = receiver.heard().len();
        let more = 1 + usize::try_from((seed >> (8 * kill % 64)) % 8).unwrap();
        receiver.until(|heard| heard.len() >= before + more).await;
        server.kill();
        let (next, url) = served(folder);
        (server, carrier) = (next, client(&url));
    }
    let wanted = async {
        loop {
            let told = all(&carrier, "", 500).await;
            let ended =
                told.iter().filter(|it| it["type"] == "com.orderwire.order.completed.v1").count() as u64;
            if ended == (kills + 1) * ORDERS {
                let id = |it: &Value| it["id"].as_str().unwrap().to_owned();
                return told.iter().map(id).collect::<BTreeSet<String>>();
            }
        }
    };
    let wanted =
        tokio::time::timeout(Duration::from_mins(2), wanted).await.expect("the orders are completed");
    receiver
        .until(|heard| {
            let taken = heard.iter().filter(|it| it.taken).map(|it| it.id().to_owned()).collect();
            wanted.is_subset(&taken)
        })
        .await;
    server.told("-TERM");
    let (heard, taken) = (receiver.heard(), receiver.taken());
    in_order(&taken);
    assert!(heard.iter().all(|heard| heard.is_signed_with(&secret)));
    let had: BTreeSet<String> = taken.iter().map(|heard| heard.id().to_owned()).collect();
    assert_eq!(had, wanted, "nothing that nobody told");
    // Each was in hand twice at most when a process ended, and once when it arrived; a few were refused before.
    let most = 3 + usize::try_from(kills).unwrap();
    for id in &wanted {
        let times = heard.iter().filter(|it| it.id() == id).count();
        assert!(times <= most, "{id} came {times} times");
    }
}

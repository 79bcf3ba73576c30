//! The real binary delivering to receivers that do everything wrong, and killed at any moment: SIGKILL, nothing in good order.
//!
//! What a receiver may do wrong takes time here, since a process has the real clock: each notice meets it once. One is gone now
//! and then, and somebody lets it go on; one has a certificate that only the later processes trust. `ORDERWIRE_KILLS` says how
//! often the process is killed (3 unless it is set).

use std::{
    collections::{BTreeSet, HashSet},
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use uuid::Uuid;

use super::{
    hostile::{Hook, all_is_well, gone_at_times, resuming},
    *,
};
use crate::http::{
    order,
    stopping::{Server, done, orderwire, served_by},
};

/// Orders between one end and the next.
const ORDERS: u64 = 3;
/// Longer than everything takes to arrive in the end.
const ARRIVED_WITHIN: Duration = Duration::from_mins(4);
/// Between two looks at what was told.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A server that trusts this certificate, or those that the machine does.
fn served(folder: &Path, trusted: Option<&Path>) -> (Server, String) {
    let mut server = orderwire(folder);
    for name in
        ["ORDERWIRE_WEBHOOKS_ALLOW_HTTP", "ORDERWIRE_WEBHOOKS_ALLOW_PRIVATE", "ORDERWIRE_AUTO_PROVISION"]
    {
        server.env(name, "true");
    }
    if let Some(trusted) = trusted {
        server.env("SSL_CERT_FILE", trusted);
    }
    served_by(&mut server)
}

/// What a notice meets when it comes first, by how many did before.
fn hostile(n: u64) -> Reply {
    match n % 12 {
        1 => Reply::Status(500, ""),
        3 => Reply::Status(429, "retry-after: 1\r\n"),
        4 => Reply::Cut,
        5 => Reply::Reset,
        6 => Reply::Status(307, "location: /elsewhere\r\n"),
        7 => Reply::Long(3_000_000),
        9 => Reply::Drip,
        10 => Reply::Silence,
        _ => Reply::Status(200, ""),
    }
}

/// A receiver that does this to a notice when it comes first, and takes it after that.
async fn at_first(replies: fn(u64) -> Reply) -> Receiver {
    let known: Mutex<HashSet<String>> = Mutex::default();
    Receiver::replying(move |heard| {
        let mut known = known.lock().unwrap();
        if known.insert(heard.id().to_owned()) { replies(known.len() as u64) } else { Reply::Status(200, "") }
    })
    .await
}

/// Waits until so many orders are completed and each of these has taken everything that was told; its ids.
async fn arrived(carrier: &Client, orders: u64, receivers: &[&Receiver]) -> BTreeSet<String> {
    let arrived = async {
        let mut look = tokio::time::interval(LOOK_EVERY);
        loop {
            look.tick().await;
            let told = all(carrier, "", 500).await;
            let ended = told.iter().filter(|it| it["type"] == "com.orderwire.order.completed.v1").count();
            let wanted: BTreeSet<String> =
                told.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect();
            if ended as u64 == orders && receivers.iter().all(|it| wanted.is_subset(&it.ids_taken())) {
                return wanted;
            }
        }
    };
    let said = |it: &&Receiver| format!("{} has {}", it.url, it.ids_taken().len());
    let arrived = tokio::time::timeout(ARRIVED_WITHIN, arrived).await;
    arrived.unwrap_or_else(|_| panic!("{:?}", receivers.iter().map(said).collect::<Vec<_>>()))
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
    let (receiver, gone) = (at_first(hostile).await, at_first(gone_at_times).await);
    let (stranger, certificate) = Receiver::self_signed(|_| Reply::Status(200, "")).await;
    let trusted = folder.join("trusted.pem");
    std::fs::write(&trusted, certificate).unwrap();
    let receivers = [&receiver, &gone, &stranger];

    let (mut server, url) = served(folder, None);
    let mut carrier = client(&url);
    let mut hooks = Vec::new();
    for receiver in receivers {
        let wish = json!({ "url": receiver.url, "after": 0 });
        let said = carrier.post("/v1/webhooks", &wish).await;
        hooks.push(Hook::from(said.is(201)));
    }
    let resumed = AtomicU32::new(0);
    for kill in 0..kills {
        submit(&carrier, kill).await;
        let before = receiver.heard().len();
        let more = 1 + usize::try_from((seed >> (8 * kill % 64)) % 8).unwrap();
        tokio::select! {
            () = resuming(&carrier, &hooks[1], &resumed) => {}
            _ = receiver.until(|heard| heard.len() >= before + more) => {}
        }
        if kill == 0 {
            // It is known to be a stranger before anything becomes of that.
            stranger.until(|_| stranger.met().0 > 0).await;
        }
        server.kill();
        let is_trusted = kill + 1 > kills / 2;
        if !is_trusted || kill == kills / 2 {
            assert_eq!((stranger.met().1, stranger.heard().len()), (0, 0), "it is told nothing");
        }
        let (next, url) = served(folder, is_trusted.then_some(&*trusted));
        (server, carrier) = (next, client(&url));
    }
    submit(&carrier, kills).await;
    // Who has seen to it need not wait for what failed for long.
    carrier.post(&format!("{}/pause", hooks[2].path), &json!(null)).await.is(200);
    carrier.delete(&format!("{}/pause", hooks[2].path)).await.is(200);
    let wanted = tokio::select! {
        () = resuming(&carrier, &hooks[1], &resumed) => unreachable!("it goes on for ever"),
        wanted = arrived(&carrier, (kills + 1) * ORDERS, &receivers) => wanted,
    };
    server.told("-TERM");
    all_is_well(&receivers, &hooks);
    for receiver in receivers {
        assert_eq!(receiver.ids_taken(), wanted, "nothing that nobody told");
    }
    assert!(resumed.load(Ordering::SeqCst) > 0, "it was never gone");
    // Each was in hand twice at most when a process ended, and once when it arrived; a few were refused before.
    let (heard, most) = (receiver.heard(), 3 + usize::try_from(kills).unwrap());
    for id in &wanted {
        let times = heard.iter().filter(|it| it.id() == id).count();
        assert!(times <= most, "{id} came {times} times");
    }
}

/// Submits some orders, of which each kill has its own.
async fn submit(carrier: &Client, kill: u64) {
    for n in 0..ORDERS {
        let (reference, name) = (format!("PO-{kill}-{n}"), format!("Company {kill} {n}"));
        let draft = carrier.post("/v1/orders", &order(&reference, &name)).await;
        let path = draft.is(201).header("location").to_owned();
        carrier.post(&format!("{path}/submission"), &json!({})).await.is(202);
    }
}

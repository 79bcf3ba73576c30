//! Receivers that do everything wrong, and a server that ends at any moment: every notice arrives, in order, signed.
//!
//! The server runs in a runtime of its own, which is taken away: nothing of it comes to an end in good order. `ORDERWIRE_CRASHES`
//! says how often (5 unless it is set).

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use orderwire::{domain::ids::CompanyId, engine::clock::Clock as _};

use super::*;

/// What every server but the first finds.
#[derive(Clone)]
struct Known {
    token: Option<String>,
    companies: Vec<CompanyId>,
    hooks: Vec<Hook>,
}

/// A webhook, as its owner knows it.
#[derive(Clone)]
pub struct Hook {
    pub path: String,
    pub secret: String,
}

impl From<&Said> for Hook {
    fn from(said: &Said) -> Self {
        Self { path: format!("/v1/webhooks/{}", said.text("id")), secret: said.text("secret").to_owned() }
    }
}

/// Companies that something is told about.
const COMPANIES: u32 = 10;
/// How often it is looked whether a webhook is gone.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// What a request meets, by how many came before.
fn hostile(n: u64) -> Reply {
    match n % 12 {
        0 => Reply::Silence,
        1 => Reply::Status(500, ""),
        2 => Reply::Status(429, "retry-after: 7\r\n"),
        3 => Reply::Cut,
        4 => Reply::Drip,
        5 => Reply::Long(3_000_000),
        6 => Reply::Status(307, "location: /elsewhere\r\n"),
        7 => Reply::Reset,
        _ => Reply::Status(200, ""),
    }
}

/// What a request meets where somebody has taken the endpoint away now and then, by how many came before.
pub fn gone_at_times(n: u64) -> Reply {
    Reply::Status(if n % 7 == 2 { 410 } else { 200 }, "")
}

/// Lets a webhook go on whenever it is gone, and counts how often, for as long as somebody waits for something else.
pub async fn resuming(client: &Client, hook: &Hook, times: &AtomicU32) {
    let mut look = tokio::time::interval(LOOK_EVERY);
    loop {
        look.tick().await;
        if client.get(&hook.path).await.is(200).text("status") == "gone" {
            client.delete(&format!("{}/pause", hook.path)).await.is(200);
            times.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// What is to become of each of several receivers.
#[track_caller]
pub fn all_is_well(receivers: &[&Receiver], hooks: &[Hook]) {
    for (receiver, hook) in receivers.iter().zip(hooks) {
        in_order(&receiver.taken());
        assert!(receiver.heard().iter().all(|heard| heard.is_signed_with(&hook.secret)), "{}", receiver.url);
    }
}

#[test]
fn whatever_receivers_do_and_however_the_server_ends_every_notice_arrives_in_order() {
    let crashes = std::env::var("ORDERWIRE_CRASHES").map_or(5, |text| text.parse::<u64>().unwrap());
    let outside = tokio::runtime::Runtime::new().unwrap();
    let store = Arc::new(Store::sqlite());
    // What lies between two answers is different each time.
    let counted = |replies: fn(u64) -> Reply| {
        let count = AtomicU64::new(0);
        Receiver::replying(move |_| replies(count.fetch_add(1, Ordering::SeqCst)))
    };
    let receiver = Arc::new(outside.block_on(counted(hostile)));
    let gone = Arc::new(outside.block_on(counted(gone_at_times)));
    // Nobody trusts it, so in the end it is moved to where somebody is trusted.
    let (stranger, _) = outside.block_on(Receiver::self_signed(|_| Reply::Status(200, "")));
    let trusted = Arc::new(outside.block_on(Receiver::open()));
    let urls = [&*receiver, &gone, &stranger].map(|it| it.url.clone());
    let known: Arc<Mutex<Option<Known>>> = Arc::default();
    let resumed = Arc::new(AtomicU32::new(0));
    for cycle in 0..=crashes {
        let server = tokio::runtime::Runtime::new().unwrap();
        server.block_on(async {
            let site = over(&store, here()).await;
            if cycle == 0 {
                site.world.leeds().await;
                let (_, client, companies) = companies(&site, 1, COMPANIES).await;
                let mut hooks = Vec::new();
                for url in &urls {
                    hooks.push(Hook::from(&hooked(&client, url).await));
                }
                *known.lock().unwrap() = Some(Known { token: client.token, companies, hooks });
            }
            let Known { token, companies, hooks } = known.lock().unwrap().clone().unwrap();
            let client = Client { token, ..site.nobody() };
            for company in &companies {
                tell_two(&site.world, *company).await;
            }
            let clock = site.world.clock.clone();
            // Slowly while the server is to end, so that it finds a lot that waits.
            let seconds = if cycle < crashes { 1 } else { 20 };
            let pass = || clock.move_to(clock.now() + TimeDelta::seconds(seconds));
            let meanwhile = async {
                if cycle < crashes {
                    let before = receiver.heard().len() as u64;
                    receiver.until_with(|heard| heard.len() as u64 >= before + 15 + cycle * 3, pass).await;
                    return;
                }
                patch(&client, &hooks[2].path, &json!({ "url": trusted.url })).await.is(200);
                site.world.settle().await;
                // What was told of orders came before there was a webhook, and what is told of webhooks comes after.
                let told = all(&client, "", 500).await;
                let of_company = ["com.orderwire.company.suspended.v1", "com.orderwire.company.resumed.v1"];
                let is_of_company = |it: &&Value| of_company.contains(&it["type"].as_str().unwrap());
                let id = |it: &Value| it["id"].as_str().unwrap().to_owned();
                let wanted: BTreeSet<String> = told.iter().filter(is_of_company).map(id).collect();
                assert_eq!(wanted.len() as u64, (crashes + 1) * u64::from(COMPANIES) * 2);
                for receiver in [&receiver, &gone, &trusted] {
                    receiver.until_with(|_| wanted.is_subset(&receiver.ids_taken()), pass).await;
                }
            };
            tokio::select! {
                () = resuming(&client, &hooks[1], &resumed) => {}
                () = meanwhile => {}
            }
            if cycle == crashes {
                site.close().await;
            }
        });
        server.shutdown_background();
    }
    let hooks = known.lock().unwrap().clone().unwrap().hooks;
    all_is_well(&[&receiver, &gone, &trusted], &hooks);
    let (connections, trusting) = stranger.met();
    assert!(connections > 0 && trusting == 0, "{connections} connections, {trusting} of them went on");
    assert!(resumed.load(Ordering::SeqCst) > 0, "it was never gone");
    let taken = receiver.taken();
    let mut times: HashMap<&str, u32> = HashMap::new();
    for heard in &taken {
        *times.entry(heard.id()).or_default() += 1;
    }
    assert!(times.values().all(|times| *times <= 1 + u32::try_from(crashes).unwrap()), "{times:?}");
}

#[tokio::test]
async fn an_endpoint_that_asks_to_be_left_alone_is() {
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 2).await;
    let begun = site.world.clock.now();
    let receiver = Receiver::replying(|_| Reply::Status(429, "retry-after: 3600\r\n")).await;
    let hook = hooked(&client, &receiver.url).await;
    tell_two(&site.world, companies[0]).await;
    let path = format!("/v1/webhooks/{}/deliveries?status=waiting", hook.text("id"));
    let waiting = until(&client, &path, |page| {
        page.body["items"].as_array().unwrap().iter().any(|it| it["attempts"] == 1)
    })
    .await;
    let items = waiting.body["items"].as_array().unwrap().clone();
    let first = items.iter().find(|it| it["attempts"] == 1).unwrap();
    let next: chrono::DateTime<chrono::Utc> = first["next_attempt_at"].as_str().unwrap().parse().unwrap();
    assert!(next - begun >= TimeDelta::seconds(3_600), "{first:#}");
    // Nor is it sent anything else meanwhile.
    tell_two(&site.world, companies[1]).await;
    site.world.clock.move_to(begun + TimeDelta::minutes(50));
    site.world.settle().await;
    let tested = client.post(&format!("/v1/webhooks/{}/test", hook.text("id")), &json!(null)).await;
    assert_eq!(tested.is(200).body["response_status"], 429);
    assert_eq!(receiver.heard().len(), 2, "the first, and the test");
    site.close().await;
}

#[tokio::test]
async fn an_answer_is_read_and_kept_within_bounds_and_a_redirect_is_not_followed() {
    let site = site().await;
    let (_, client) = site.reseller(1).await;
    let test = async |reply: Reply| {
        let receiver = Receiver::replying(move |_| reply.clone()).await;
        let hook = hooked(&client, &receiver.url).await;
        let said = client.post(&format!("/v1/webhooks/{}/test", hook.text("id")), &json!(null)).await;
        said.is(200);
        (said.body, receiver.heard().len())
    };
    let (long, _) = test(Reply::Long(50_000_000)).await;
    assert_eq!((&long["delivered"], long["response_excerpt"].as_str().unwrap().len()), (&json!(true), 512));
    let (moved, heard) = test(Reply::Status(302, "location: /elsewhere\r\n")).await;
    assert_eq!((&moved["failure"], heard), (&json!("redirect"), 1));
    assert_eq!(test(Reply::Silence).await.0["failure"], "timed_out");
    assert_eq!(test(Reply::Drip).await.0["failure"], "timed_out");
    assert_eq!(test(Reply::Cut).await.0["failure"], "cut_short");
    let nobody = Receiver::open().await;
    let hook = hooked(&client, &nobody.url.replace("http://", "https://")).await;
    // Whoever speaks no TLS is nobody that was meant.
    let said = client.post(&format!("/v1/webhooks/{}/test", hook.text("id")), &json!(null)).await;
    assert_eq!(said.is(200).body["delivered"], false);
    assert!(nobody.heard().is_empty());
    site.close().await;
}

//! The receivers of examples/receivers: three programs that must find the same in the same words.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{
    Site,
    notices::{all, carried_out},
    stopping::Server,
    webhooks::{companies, hooked, site, tell_two},
};

/// How long a receiver may take to have everything.
const WITHIN: Duration = Duration::from_mins(2);

/// The receivers, ready to run.
pub fn receivers() -> &'static [(&'static str, Vec<PathBuf>)] {
    static READY: OnceLock<Vec<(&'static str, Vec<PathBuf>)>> = OnceLock::new();
    READY.get_or_init(|| {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let made = Command::new(home.join("scripts/prepare-receivers")).status().unwrap();
        assert!(made.success(), "scripts/prepare-receivers makes the receivers ready");
        // Where only these tests were built, the example was not.
        let target = Path::new(env!("CARGO_BIN_EXE_orderwire")).parent().unwrap();
        let built = Command::new(env!("CARGO"))
            .args(["build", "--quiet", "--all-features", "--example", "receiver"])
            .env("CARGO_TARGET_DIR", target.parent().unwrap())
            .current_dir(home)
            .status();
        assert!(built.unwrap().success(), "the example `receiver` can be built");
        let prepared = home.join("target/receivers");
        vec![
            ("rust", vec![target.join("examples/receiver")]),
            (
                "python",
                vec![prepared.join("python/bin/python"), home.join("examples/receivers/python/receiver.py")],
            ),
            ("typescript", vec!["node".into(), prepared.join("typescript/dist/receiver.js")]),
        ]
    })
}

/// What each of them says of a file of notices; all the same.
#[track_caller]
fn checked(folder: &Path, notices: &[Value]) -> (bool, Vec<String>) {
    let file = folder.join("notices.jsonl");
    let lines: Vec<String> = notices.iter().map(|notice| format!("{notice}\n")).collect();
    fs::write(&file, lines.concat()).unwrap();
    let mut said: Vec<(bool, Vec<String>)> = Vec::new();
    for (name, command) in receivers() {
        let checked = Command::new(&command[0]).args(&command[1..]).arg("check").arg(&file).output().unwrap();
        let text = String::from_utf8(checked.stdout).unwrap();
        assert!(!text.is_empty(), "{name}: {}", String::from_utf8_lossy(&checked.stderr));
        said.push((checked.status.success(), text.lines().map(str::to_owned).collect()));
        assert_eq!(said[0], said[said.len() - 1], "{name} says the same as the first");
    }
    said.swap_remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_that_is_dropped_doubled_swapped_or_foreign_is_found_by_every_receiver() {
    let site = Site::open().await;
    site.world.leeds().await;
    let (_, reseller) = site.reseller(1).await;
    carried_out(&site, &reseller, "PO-1", "Acme Ltd").await;
    let told = all(&reseller, "", 500).await;
    assert_eq!(told.len(), 6);
    site.close().await;
    let folder = tempfile::tempdir().unwrap();
    let of = |changed: &dyn Fn(&mut Vec<Value>)| {
        let mut notices = told.clone();
        changed(&mut notices);
        checked(folder.path(), &notices)
    };
    let wrong = |lines: &[&str]| (false, lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>());

    assert_eq!(of(&|_| {}), (true, vec!["6 notices, complete and in order".to_owned()]));
    let dropped = of(&|notices| drop(notices.remove(2)));
    assert_eq!(dropped, wrong(&["line 3: gap: 4 came after 2", "missing: 3", "2 things are wrong"]));
    let doubled = of(&|notices| notices.insert(4, notices[1].clone()));
    assert_eq!(doubled, wrong(&["line 5: again: 2", "1 things are wrong"]));
    let swapped = of(&|notices| notices.swap(3, 4));
    assert_eq!(
        swapped,
        wrong(&["line 4: gap: 5 came after 3", "line 5: late: 4 came after 5", "2 things are wrong"])
    );
    let id = told[1]["id"].as_str().unwrap();
    let foreign = of(&|notices| notices[1]["id"] = json!("ntf_foreign"));
    let line = format!("line 3: other history: 3 follows {id}, and 2 is ntf_foreign");
    assert_eq!(foreign, wrong(&[&line, "1 things are wrong"]));
}

/// What stands between the carrier and a receiver, and cannot be trusted: it always says that it took what it was given.
#[derive(Default)]
struct Relay {
    to: OnceLock<String>,
    honest: AtomicBool,
    heard: Mutex<Vec<(HeaderMap, Bytes)>>,
    client: reqwest::Client,
}

impl Relay {
    async fn open() -> (Arc<Self>, String) {
        let relay = Arc::new(Self::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let router = Router::new().fallback(Self::take).with_state(Arc::clone(&relay));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (relay, url)
    }

    /// Of four it drops the first, doubles the second, and swaps the others.
    async fn take(State(relay): State<Arc<Self>>, headers: HeaderMap, body: Bytes) -> StatusCode {
        let mut passed = vec![(headers.clone(), body.clone())];
        if !relay.honest.load(Ordering::SeqCst) {
            let mut heard = relay.heard.lock().unwrap();
            heard.push((headers, body));
            passed = match heard.len() % 4 {
                1 | 3 => Vec::new(),
                2 => vec![passed[0].clone(), passed[0].clone()],
                _ => vec![passed[0].clone(), heard[heard.len() - 2].clone()],
            };
        }
        for (headers, body) in passed {
            let mut request = relay.client.post(relay.to.get().unwrap()).body(body);
            for name in ["webhook-id", "webhook-timestamp", "webhook-signature", "content-type"] {
                request = request.header(name, &headers[name]);
            }
            match request.send().await {
                Ok(answer) => assert_eq!(answer.status(), 204, "what was signed is taken"),
                // It has ended: the carrier tries again.
                Err(_) => return StatusCode::BAD_GATEWAY,
            }
        }
        StatusCode::NO_CONTENT
    }
}

/// A receiver at work: what it says is kept.
struct Running {
    said: Arc<Mutex<Vec<String>>>,
    url: String,
    process: Server,
}

impl Running {
    fn of(command: &[PathBuf], journal: &Path, api: &str, key: &str, secret: &str) -> Self {
        let mut process = Command::new(&command[0])
            .args(&command[1..])
            .arg("serve")
            .arg(journal)
            .args(["--listen", "127.0.0.1:0", "--api", api])
            .env("ORDERWIRE_KEY", key)
            .env("WEBHOOK_SECRET", secret)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        let process = Server::of(process);
        let url = lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned)).unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&said);
        std::thread::spawn(move || lines.for_each(|line| keep.lock().unwrap().push(line)));
        Self { said, url, process }
    }

    fn has_said(&self, what: &str) -> bool {
        self.said.lock().unwrap().iter().any(|line| line.starts_with(what))
    }
}

fn journal(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    let whole = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
    whole.map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_dropped_doubled_or_swapped_on_the_way_every_receiver_has_everything_once_and_in_order() {
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 4).await;
    let folder = tempfile::tempdir().unwrap();
    let mut running = Vec::new();
    for (name, command) in receivers() {
        let (relay, url) = Relay::open().await;
        let hook = hooked(&client, &url).await;
        let path = folder.path().join(format!("{name}.jsonl"));
        let key = client.token.clone().unwrap();
        let receiver = Running::of(command, &path, &client.url, &key, hook.text("secret"));
        relay.to.set(receiver.url.clone()).unwrap();
        running.push((name, relay, path, receiver));
    }
    for company in companies.iter().chain(&companies) {
        tell_two(&site.world, *company).await;
        site.world.settle().await;
    }
    // What was lied about last is found out with the next that comes.
    for (_, relay, ..) in &running {
        let begun = Instant::now();
        while relay.heard.lock().unwrap().len() < 16 {
            assert!(begun.elapsed() < WITHIN, "everything was sent");
            tokio::task::yield_now().await;
        }
        relay.honest.store(true, Ordering::SeqCst);
    }
    tell_two(&site.world, companies[0]).await;
    site.world.settle().await;
    let told = all(&client, "", 500).await;
    for (name, _, path, receiver) in &running {
        let begun = Instant::now();
        while journal(path).len() < told.len() {
            assert!(begun.elapsed() < WITHIN, "{name} has {} of {}", journal(path).len(), told.len());
            tokio::task::yield_now().await;
        }
        assert_eq!(journal(path), told, "{name}");
        for found in ["gap: ", "fetched ", "again ", "took "] {
            assert!(receiver.has_said(found), "{name} says what it found: {found}");
        }
        assert!(!receiver.has_said("failed") && !receiver.has_said("refused"), "{name}");
    }
    site.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_whose_disk_is_full_ends_with_a_whole_journal_and_goes_on_from_it() {
    let site = site().await;
    site.world.leeds().await;
    let (_, client, companies) = companies(&site, 1, 4).await;
    let folder = tempfile::tempdir().unwrap();
    let key = client.token.clone().unwrap();
    let there: usize = all(&client, "", 500).await.iter().map(|notice| notice.to_string().len() + 1).sum();
    let room = there + 1_000;
    let mut running = Vec::new();
    for (name, command) in receivers() {
        let path = folder.path().join(format!("{name}.jsonl"));
        // Files have room for what there is and little more, and the signal that would say so is not for them.
        let full = format!("trap '' XFSZ; exec prlimit --fsize={room} \"$@\"");
        let limited = ["sh", "-c", &full, "sh"].map(PathBuf::from);
        let limited = [&limited[..], &command[..]].concat();
        let (relay, url) = Relay::open().await;
        relay.honest.store(true, Ordering::SeqCst);
        let hook = hooked(&client, &url).await;
        let receiver = Running::of(&limited, &path, &client.url, &key, hook.text("secret"));
        relay.to.set(receiver.url.clone()).unwrap();
        running.push((name, command, path, receiver, hook));
    }
    for company in &companies {
        tell_two(&site.world, *company).await;
        site.world.settle().await;
    }
    let told = all(&client, "", 500).await;
    for (name, command, path, mut receiver, hook) in running {
        assert_eq!(receiver.process.ended(WITHIN), Some(1), "{name} ends");
        assert!(receiver.has_said("failed: the journal cannot be written: "), "{name} says why");
        let kept = fs::read_to_string(&path).unwrap();
        assert!(kept.ends_with('\n'), "{name} leaves no half line");
        assert!(told.starts_with(&journal(&path)) && journal(&path).len() < told.len(), "{name}");
        // Where there is room again it has the rest before it listens.
        let _again = Running::of(command, &path, &client.url, &key, hook.text("secret"));
        assert_eq!(journal(&path), told, "{name}");
    }
    site.close().await;
}

//! The tours in the documents, as they are printed there: one after the other, as a reader would.

use std::{fs, path::Path, process::Command};

use tokio::net::TcpListener;

#[tokio::test]
async fn the_tours_in_the_documents_can_be_taken() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let printed = |file: &str, mark: &str| {
        let text = fs::read_to_string(home.join(file)).unwrap();
        let tour =
            text.split(&format!("<!-- {mark} -->\n```\n")).nth(1).and_then(|it| it.split("```").next());
        tour.unwrap().to_owned()
    };
    let tour = printed("README.md", "tour");
    assert_eq!(tour.lines().count(), 10, "ten lines");
    // Nobody listens there any more once this is dropped.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let script = (tour + &printed("docs/api.md", "port tour"))
        .replace("serve --demo", &format!("serve --demo --listen {free}"))
        .replace("127.0.0.1:8080", &free)
        .replace("examples/", &format!("{}/examples/", home.display()));
    let binary = Path::new(env!("CARGO_BIN_EXE_orderwire")).parent().unwrap();
    let paths = std::env::var("PATH").unwrap();
    let taken = Command::new("bash")
        .args(["-c", &format!("set -e\ntrap 'kill %1; wait' EXIT\n{script}")])
        .current_dir(folder.path())
        .env("PATH", format!("{}:{paths}", binary.display()))
        .env("TMPDIR", folder.path())
        .env("XDG_STATE_HOME", folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8(taken.stdout).unwrap();
    let about = || format!("{said}\n{}", String::from_utf8_lossy(&taken.stderr));
    let answers: Vec<serde_json::Value> = said
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{}", about())))
        .collect();
    let [check, addresses, names, numbers, submitted, notices, allocated, activating, reported, ported] =
        answers.as_slice()
    else {
        panic!("{}", about())
    };
    assert_eq!(check["items"][0]["portable"], true);
    assert_eq!(addresses["items"][0]["postcode"], "LS1 4AP");
    assert_eq!(names["names"][0]["status"], "free");
    assert!(numbers["items"][0]["quantity"].as_u64().is_some_and(|count| count >= 10));
    assert_eq!(submitted["reference"], "PO-1");
    assert_eq!(notices["items"][0]["type"], "com.orderwire.order.acknowledged.v1");
    assert_eq!((&allocated["allocated"], &activating["status"]), (&true.into(), &"activating".into()));
    assert_eq!((&reported["outcome"], &ported["status"]), (&"applied".into(), &"ported".into()));
}

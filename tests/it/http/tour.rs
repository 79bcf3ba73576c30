//! The tour in the README, as it is printed there.

use std::{fs, path::Path, process::Command};

use tokio::net::TcpListener;

#[tokio::test]
async fn the_tour_in_the_readme_can_be_taken() {
    let home = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let readme = fs::read_to_string(home.join("README.md")).unwrap();
    let tour = readme.split("<!-- tour -->\n```\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    // Nobody listens there any more once this is dropped.
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let script = tour
        .replace("serve --demo", &format!("serve --demo --listen {free}"))
        .replace("127.0.0.1:8080", &free)
        .replace("examples/", &format!("{}/examples/", home.display()));
    assert_eq!(script.lines().count(), 10, "ten lines");
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
    let [check, addresses, names, numbers, submitted, notices] = answers.as_slice() else {
        panic!("{}", about())
    };
    assert_eq!(check["items"][0]["portable"], true);
    assert_eq!(addresses["items"][0]["postcode"], "LS1 4AP");
    assert_eq!(names["names"][0]["status"], "free");
    assert!(numbers["items"][0]["quantity"].as_u64().is_some_and(|count| count >= 10));
    assert_eq!(submitted["reference"], "PO-1");
    assert_eq!(notices["items"][0]["type"], "com.orderwire.order.acknowledged.v1");
}

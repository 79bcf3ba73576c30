//! The receivers of examples/receivers: three programs that must find the same in the same words.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use serde_json::{Value, json};

use super::{
    Site,
    notices::{all, carried_out},
};

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
    fs::write(&file, notices.iter().map(|notice| format!("{notice}\n")).collect::<String>()).unwrap();
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

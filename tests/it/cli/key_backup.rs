//! Data keys apart from the store, by the binary: a backup of them, what it brings back, and what it never does.

use std::fs;

use orderwire::{
    domain::{company::commands::CompanyCommand, ids::StreamId, joint::Command, sealed::Sealed},
    engine::Engine,
};
use serde_json::{Value, json};

use super::{
    Desk,
    erasure::{Customer, engine, operator, released},
};

/// A store with two companies, and a text that was sealed for each.
async fn two(desk: &Desk) -> (Engine, [(Customer, Sealed); 2]) {
    let engine = engine(desk).await;
    let mut customers = Vec::new();
    for n in [1, 2] {
        let customer = released(&engine, n).await;
        let sealed = engine.seal(StreamId::from(customer.company), "Ada", "ada").await.unwrap();
        customers.push((customer, sealed));
    }
    (engine, customers.try_into().ok().unwrap())
}

async fn erase(engine: &Engine, customer: &Customer) {
    let erase = Command::Company { company: customer.company, command: CompanyCommand::Erase };
    engine.execute(&erase, &operator(), None).await.unwrap();
}

fn sql(desk: &Desk, text: &str) -> usize {
    let connection = rusqlite::Connection::open(desk.store()).unwrap();
    connection.execute(text, []).unwrap()
}

/// The table of keys, as text.
fn keys(desk: &Desk) -> Vec<String> {
    let connection = rusqlite::Connection::open(desk.store()).unwrap();
    let sql = "SELECT key_id || ' ' || coalesce(hex(wrapped), '') || destroyed FROM data_keys ORDER BY 1";
    let mut statement = connection.prepare(sql).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

fn counts(restored: &Value) -> [u64; 5] {
    ["keys", "restored", "present", "erased", "destroyed"].map(|name| restored[name].as_u64().unwrap())
}

#[tokio::test]
async fn lost_keys_come_back_from_a_backup_but_those_of_erased_companies_do_not() {
    let desk = Desk::ready();
    let (engine, [(one, sealed_one), (other, sealed_other)]) = two(&desk).await;
    desk.done(&["keys", "checkpoint", "create", "orders.example/log"]);
    let taken = desk.json(&["keys", "backup", "-o", "kept/keys"]);
    assert_eq!((&taken["keys"], &taken["origin"]), (&json!(3), &json!("orders.example/log")));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(desk.path("kept/keys")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{mode:o}");
    }
    let file = fs::read_to_string(desk.path("kept/keys")).unwrap();
    let master = fs::read_to_string(desk.path("orderwire.db.master-key")).unwrap();
    assert!(!file.contains(master.trim()), "the master key is kept elsewhere");
    desk.refused(2, &["keys", "backup", "-o", "kept/keys"], &["kept/keys", "--overwrite"]);
    desk.refused(2, &["--as", "R100", "keys", "backup", "-o", "other"], &["the carrier's"]);
    assert_eq!(fs::read_to_string(desk.path("kept/keys")).unwrap(), file, "it is left as it was");
    desk.done(&["keys", "backup", "-o", "kept/keys", "--overwrite"]);
    assert_eq!(fs::read_dir(desk.path("kept")).unwrap().count(), 1, "no draft is left behind");

    erase(&engine, &one).await;
    engine.close().await;
    assert_eq!(sql(&desk, "DELETE FROM data_keys"), 3);
    let opened = |sealed: Sealed| {
        let desk = &desk;
        async move {
            let engine = super::erasure::engine(desk).await;
            let opened = engine.open_sealed(&sealed).await.unwrap();
            engine.close().await;
            opened
        }
    };
    assert_eq!(opened(sealed_other.clone()).await, None, "without its key nothing is read");
    let lost = other.company.to_string();
    desk.refused(
        2,
        &["keys", "backup", "-o", "kept/keys", "--overwrite"],
        &["left as it was", &lost, "keys restore"],
    );
    fs::write(desk.path("kept/note"), "no backup").unwrap();
    desk.refused(
        2,
        &["keys", "backup", "-o", "kept/note", "--overwrite"],
        &["left as it was", "another file"],
    );

    assert_eq!(counts(&desk.json(&["keys", "restore", "kept/keys"])), [3, 2, 0, 1, 0]);
    assert_eq!(opened(sealed_other.clone()).await.as_deref(), Some("Ada"));
    assert_eq!(opened(sealed_one).await, None);
    assert!(!keys(&desk).iter().any(|key| key.contains(&one.company.to_string())), "not even for a moment");
    assert_eq!(counts(&desk.json(&["keys", "restore", "kept/keys"])), [3, 0, 2, 1, 0], "twice is once");

    // What the store itself says was destroyed stays so, whatever the log has of it.
    let destroyed =
        format!("UPDATE data_keys SET wrapped = NULL, destroyed = 1 WHERE key_id = '{}'", other.company);
    assert_eq!(sql(&desk, &destroyed), 1);
    assert_eq!(counts(&desk.json(&["keys", "restore", "kept/keys"])), [3, 0, 1, 1, 1]);
    let reads = desk.done(&["audit", "reads"]);
    assert!(
        reads.contains("keys backup -o kept/keys") && reads.contains("keys restore kept/keys"),
        "{reads}"
    );
    assert_eq!(desk.json(&["verify", "--models"])["found"], Value::Null);
}

#[tokio::test]
async fn a_backup_that_was_changed_or_is_of_another_store_puts_nothing_back() {
    let desk = Desk::ready();
    let (engine, _) = two(&desk).await;
    engine.close().await;
    desk.done(&["keys", "backup", "-o", "good"]);
    let good = fs::read_to_string(desk.path("good")).unwrap();
    let lines: Vec<&str> = good.lines().collect();
    let joined = |lines: &[&str]| lines.join("\n") + "\n";
    let header = |change: &dyn Fn(&mut Value)| {
        let mut header: Value = serde_json::from_str(lines[0]).unwrap();
        change(&mut header);
        header.to_string()
    };
    // Another key for a company, wrapped for another one.
    let [third, fourth]: [Value; 2] = [2, 3].map(|line| serde_json::from_str(lines[line]).unwrap());
    let crossed = json!({ "key_id": third["key_id"], "wrapped": fourth["wrapped"] }).to_string();
    let two_keys = header(&|header| header["keys"] = 2.into());

    let elsewhere = Desk::ready();
    elsewhere.done(&["keys", "backup", "-o", "theirs"]);
    let theirs = fs::read_to_string(elsewhere.path("theirs")).unwrap();
    let their_header: Value = serde_json::from_str(theirs.lines().next().unwrap()).unwrap();
    let under_theirs = header(&|it| it["master_key_check"] = their_header["master_key_check"].clone());

    assert_eq!(sql(&desk, "DELETE FROM data_keys"), 3);
    for (text, named) in [
        (String::new(), ["line 1", "orderwire-keys-1"]),
        ("SQLite format 3".to_owned(), ["line 1", "cut short"]),
        ("x".repeat(1 << 20), ["line 1", "longer than 4096 bytes"]),
        (header(&|it| it["layout"] = "orderwire-keys-9".into()) + "\n", ["line 1", "not `orderwire-keys-1`"]),
        (good[..good.len() - 9].to_owned(), ["line 4", "cut short"]),
        (joined(&lines[..3]), ["line 3", "ends after 2 keys, and line 1 says that it has 3"]),
        (joined(&[&two_keys, lines[1], lines[2]]), ["line 1", "digest"]),
        (
            joined(&[&header(&|it| it["position"] = 1.into()), lines[1], lines[2], lines[3]]),
            ["line 1", "digest"],
        ),
        (joined(&[lines[0], lines[1], &crossed, lines[3]]), ["line 3", "not what the master key"]),
        (joined(&[lines[0], lines[2], lines[1], lines[3]]), ["line 3", "in the order of their ids"]),
        (joined(&[lines[0], lines[1], "{}", lines[3]]), ["line 3", "it is no key"]),
        (theirs.clone(), ["line 1", "of another store"]),
        (joined(&[&under_theirs, lines[1], lines[2], lines[3]]), ["line 1", "another master key"]),
    ] {
        desk.write("bad", &text);
        desk.refused(
            2,
            &["keys", "restore", "bad"],
            &[&["bad, ", "no key was put back"][..], &named].concat(),
        );
        assert_eq!(keys(&desk), Vec::<String>::new(), "{named:?}");
    }
    desk.refused(2, &["keys", "restore", "lost"], &["lost"]);
    assert_eq!(counts(&desk.json(&["keys", "restore", "good"]))[1], 3);

    // A key that the store has otherwise is somebody's to look at.
    assert!(sql(&desk, "UPDATE data_keys SET wrapped = zeroblob(60) WHERE key_id LIKE 'com_%'") == 2);
    sql(&desk, "DELETE FROM data_keys WHERE key_id LIKE 'rsl_%'");
    desk.refused(6, &["keys", "restore", "good"], &["another key"]);
    assert_eq!(keys(&desk).len(), 2, "the others are not put back either");
}

#[tokio::test]
async fn keys_of_an_older_copy_are_destroyed_again_where_the_log_knows_it_and_told_where_it_does_not() {
    let desk = Desk::ready();
    let (engine, [(one, sealed), _]) = two(&desk).await;
    engine.close().await;
    let connection = rusqlite::Connection::open(desk.store()).unwrap();
    connection.execute("VACUUM INTO 'file:' || ?1", [desk.path("old.db").to_str().unwrap()]).unwrap();
    connection.close().unwrap();
    let engine = super::erasure::engine(&desk).await;
    erase(&engine, &one).await;
    engine.close().await;
    desk.done(&["keys", "backup", "-o", "later"]);

    // Only the table of keys is put back.
    let connection = rusqlite::Connection::open(desk.store()).unwrap();
    connection.execute("ATTACH ?1 AS old", [desk.path("old.db").to_str().unwrap()]).unwrap();
    connection
        .execute_batch("DELETE FROM data_keys; INSERT INTO data_keys SELECT * FROM old.data_keys")
        .unwrap();
    connection.close().unwrap();
    let there = |desk: &Desk| {
        keys(desk).iter().any(|key| key.starts_with(&one.company.to_string()) && key.ends_with('0'))
    };
    assert!(there(&desk));
    assert!(desk.run(&["erase", "--reapply"]).err.contains("of 1 the key was there"));
    assert!(!there(&desk));

    // The whole store is put back: nothing in it knows of the erasure, and the later backup of the keys does.
    for name in ["orderwire.db-wal", "orderwire.db-shm"] {
        if desk.path(name).exists() {
            fs::remove_file(desk.path(name)).unwrap();
        }
    }
    fs::rename(desk.path("old.db"), desk.store()).unwrap();
    assert!(desk.run(&["erase", "--reapply"]).err.contains("of 0 the key was there"));
    let engine = super::erasure::engine(&desk).await;
    assert_eq!(engine.open_sealed(&sealed).await.unwrap().as_deref(), Some("Ada"), "the log knows nothing");
    engine.close().await;
    let restored = desk.json(&["keys", "restore", "later"]);
    assert_eq!(counts(&restored), [2, 0, 2, 0, 0]);
    assert_eq!(restored["erased_later"], json!([one.company.to_string()]));
    let said = desk.run(&["keys", "restore", "later"]).err;
    assert!(said.contains(&one.company.to_string()) && said.contains("erase them again"), "{said}");
}

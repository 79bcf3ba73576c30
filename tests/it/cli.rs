//! The real binary on real files: what it prints, how it ends, and that what is refused leaves nothing behind.

mod audit;
mod bad_input;
mod configured;
mod documents;
mod erased;
pub mod erasure;
mod everyday;
mod key_backup;
mod notices;
mod reference;
mod refusals;
mod transparency;
mod verifying;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use chrono::{NaiveDate, Utc};
use orderwire::{
    config::{FILE_VARIABLE, SETTINGS, Setting},
    domain::rules::Rules,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A folder with a store in it, and the binary to run there.
struct Desk {
    folder: TempDir,
}

/// How a run of the binary ended.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Desk {
    /// A store with stock in Leeds and one reseller.
    fn ready() -> Self {
        let desk = Self::empty();
        desk.done(&["migrate"]);
        desk.done(&[
            "stock",
            "load",
            "--range",
            "0113 496 0000-0999",
            "--place",
            "Leeds",
            "--range-holder",
            "001",
        ]);
        desk.done(&["resellers", "add", "R100", "--name", "Northern Voice"]);
        desk
    }

    /// No store yet.
    fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn store(&self) -> PathBuf {
        self.path("orderwire.db")
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The binary, which leaves nothing outside the folder.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_orderwire"));
        command.args(arguments).current_dir(self.folder.path());
        for name in SETTINGS.iter().map(Setting::variable).chain([FILE_VARIABLE.to_owned()]) {
            command.env_remove(name);
        }
        command.env("XDG_CONFIG_HOME", self.path("config")).env("APPDATA", self.path("config"));
        command.env("XDG_STATE_HOME", self.path("state")).env("TMPDIR", self.folder.path());
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let Output { status, stdout, stderr } = self.command(arguments).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: status.code().unwrap(), out: text(stdout), err: text(stderr) }
    }

    /// Runs what must succeed, and answers its data.
    fn done(&self, arguments: &[&str]) -> String {
        let ran = self.run(arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.err);
        ran.out
    }

    /// The same, as JSON.
    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[&["--format", "json"], arguments].concat())).unwrap()
    }

    /// How many events the log has.
    fn head(&self) -> usize {
        self.done(&["--format", "jsonl", "log", "--limit", "1000000"]).lines().count()
    }

    /// Runs what must be refused with this code, naming each of these, and storing nothing.
    fn refused(&self, code: i32, arguments: &[&str], named: &[&str]) {
        let before = self.head();
        let ran = self.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}: {}{}", ran.out, ran.err);
        for part in named {
            assert!(ran.err.contains(part), "{part} is not in: {}", ran.err);
        }
        assert_eq!(ran.out, "", "data where there is none");
        assert_eq!(self.head(), before, "the log has moved: {}", ran.err);
    }
}

/// An order of a new company with a site, a user and a device.
fn new_company() -> Value {
    json!({
        "reference": "PO-1",
        "reseller": "R100",
        "company": { "name": "Acme Ltd", "domain": "acme.example" },
        "lines": [
            { "kind": "company", "id": "acme", "channels": 10, "contact": { "name": "Grace Hopper" } },
            { "kind": "numbers", "id": "new", "ask": { "search": { "by": { "area_code": "0113" }, "quantity": 4 } } },
            { "kind": "site", "id": "leeds", "name": "Leeds", "location_code": "45", "extension_length": 3,
              "address": { "known": "A00000000001" }, "numbers": [{ "line": "new" }] },
            { "kind": "user", "id": "ada", "site": { "line": "leeds" }, "first_name": "Ada", "last_name": "Lovelace",
              "username": "ada", "extension": "201", "licence": "voice_standard", "primary_number": { "from": "new" } },
            { "kind": "device", "id": "phone", "user": { "line": "ada" }, "model": "desk_phone_t1",
              "mac": "00:15:65:00:00:01" },
        ],
    })
}

/// A port of one number for no company yet.
fn single_line_port(date: NaiveDate) -> Value {
    json!({
        "reference": "PORT-1",
        "reseller": "R100",
        "lines": [{
            "kind": "port", "id": "number", "class": "single_line", "main_number": "020 7946 0001",
            "losing_provider": "003", "range_holder": "003", "postcode": "LS1 4AP", "account": "ACC-1",
            "signatory": "Ada Lovelace", "window": { "date": date.to_string(), "from": "09:00", "to": "12:00" },
        }],
    })
}

/// A working day so many after (or before) today.
fn working_day(from_now: i32) -> NaiveDate {
    let rules = Rules::bundled();
    let (calendar, today) = (rules.calendar(), Utc::now().date_naive());
    let days = from_now.unsigned_abs();
    if from_now < 0 { calendar.subtract(today, days).unwrap() } else { calendar.add(today, days).unwrap() }
}

/// Compares with a golden file; `ORDERWIRE_BLESS=1` writes it anew.
fn golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cli").join(name);
    let text = normalised(text);
    if std::env::var_os("ORDERWIRE_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    let known = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, known, "{} differs; ORDERWIRE_BLESS=1 writes it anew", path.display());
}

/// The text with every id, time and rules version the same.
fn normalised(text: &str) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let id = rest.get(4..36).filter(|id| {
            matches!(&rest[..4], "ord_" | "com_" | "prt_" | "blk_" | "rsl_" | "ast_" | "rsv_")
                && id.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        if id.is_some() {
            shown += &rest[..4];
            shown += &"0".repeat(32);
            rest = &rest[36..];
        } else if rest.get(..19).is_some_and(is_time) {
            shown += "2026-06-01 09:00:00";
            rest = &rest[19..];
        } else {
            shown.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    shown
}

fn is_time(text: &str) -> bool {
    let shape = "0000-00-00 00:00:00";
    text.chars()
        .zip(shape.chars())
        .all(|(c, shape)| if shape == '0' { c.is_ascii_digit() } else { c == shape })
}

//! What is set outside the command line, and what shells and `man` are told about it.

use std::{collections::BTreeSet, fs};

use clap::{Command, CommandFactory as _};
use orderwire::{
    cli::Cli,
    config::{SETTINGS, Setting},
};
use serde_json::{Value, json};

use super::{Desk, Ran};

impl Desk {
    /// Runs with these variables.
    fn run_with(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Ran {
        let output = self.command(arguments).envs(variables.iter().copied()).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Ran { code: output.status.code().unwrap(), out: text(output.stdout), err: text(output.stderr) }
    }
}

/// What `config show` says of a setting: its value, and where that is from.
fn shown(ran: &Ran, setting: &str) -> (Value, Value, Value) {
    assert_eq!(ran.code, 0, "{}", ran.err);
    let rows: Vec<Value> = serde_json::from_str(&ran.out).unwrap();
    let row = rows.into_iter().find(|row| row["setting"] == setting).unwrap();
    (row["value"].clone(), row["source"].clone(), row["named"].clone())
}

#[test]
fn every_command_goes_by_the_file_unless_a_variable_or_a_flag_says_otherwise() {
    let desk = Desk::empty();
    desk.write(
        "orderwire.toml",
        "store = 'of-the-file.db'\nmigrate = true\nformat = 'json'\nactor = 'file'\n",
    );
    let show = ["config", "show"];
    assert_eq!(
        shown(&desk.run(&show), "store"),
        (json!("of-the-file.db"), json!("file"), json!("orderwire.toml"))
    );
    assert_eq!(shown(&desk.run(&show), "migrate").0, json!("true"));
    assert_eq!(shown(&desk.run(&show), "server.listen").1, json!("default"));
    let variables = [("ORDERWIRE_STORE", "of-the-environment.db")];
    let of_environment = desk.run_with(&variables, &show);
    assert_eq!(shown(&of_environment, "store").2, json!("ORDERWIRE_STORE"));
    let of_flag = desk.run_with(&variables, &["config", "show", "--store", "of-the-flag.db"]);
    assert_eq!(shown(&of_flag, "store"), (json!("of-the-flag.db"), json!("flag"), json!("--store")));

    // And that is the store that is opened, made and written to.
    for (variables, flag, file) in [
        (&[][..], &[][..], "of-the-file.db"),
        (&variables[..], &[][..], "of-the-environment.db"),
        (&variables[..], &["--store", "of-the-flag.db"][..], "of-the-flag.db"),
    ] {
        let add = [flag, &["resellers", "add", "R100", "--name", "Northern Voice"]].concat();
        let ran = desk.run_with(variables, &add);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(desk.path(file).exists(), "{file}");
        let log: Value =
            serde_json::from_str(&desk.run_with(variables, &[flag, &["log"]].concat()).out).unwrap();
        assert_eq!(log[0]["metadata"]["actor"], "file", "{file}");
    }
    assert!(!desk.store().exists(), "nothing went where it goes by default");
}

#[test]
fn made_up_data_goes_only_where_the_command_line_says() {
    let desk = Desk::empty();
    desk.write("orderwire.toml", "store = 'in-service.db'\n");
    let ran = desk.run_with(&[("ORDERWIRE_STORE", "in-service.db")], &["demo", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(!desk.path("in-service.db").exists());
}

#[test]
fn a_file_with_a_mistake_stops_every_command_but_those_that_need_none() {
    let desk = Desk::empty();
    desk.write("orderwire.toml", "stoer = 'orders.db'\nformat = 'xml'\n");
    for arguments in [&["migrate"][..], &["config", "show"], &["demo"]] {
        let ran = desk.run(arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}: {}", ran.err);
        for part in ["orderwire.toml", "line 1", "`stoer`", "perhaps `store`", "line 2", "one of table, json"]
        {
            assert!(ran.err.contains(part), "{part} is not in {}", ran.err);
        }
    }
    let checked = desk.run(&["--format", "json", "config", "check", "orderwire.toml"]);
    let error: Value = serde_json::from_str(&checked.err).unwrap();
    assert_eq!((checked.code, &error["error"]["problems"][0]["pointer"]), (2, &json!("line 1")));
    assert_eq!(error["error"]["problems"].as_array().unwrap().len(), 2);
    desk.done(&["completions", "bash"]);

    desk.write("other.toml", "store = 'orders.db'\n");
    desk.done(&["config", "check", "other.toml"]);
    desk.done(&["--config", "other.toml", "migrate"]);
    assert!(desk.path("orders.db").exists());
    assert_eq!(desk.run(&["--config", "lost.toml", "migrate"]).code, 2);
}

#[test]
fn no_password_and_no_key_is_printed_by_any_command() {
    let desk = Desk::empty();
    let key = "5ec2e7".repeat(10) + "abcd";
    let url = "postgres://orders:hunter2@127.0.0.1:1/orders?password=hunter2";
    desk.write("orderwire.toml", format!("store = '{url}'\nmaster_key = '{key}'\n"));
    for format in ["table", "json", "jsonl", "csv"] {
        for arguments in
            [&["config", "show"][..], &["-vvv", "readers"], &["config", "check", "orderwire.toml"]]
        {
            let ran = desk.run(&[&["--format", format], arguments].concat());
            for text in [&ran.out, &ran.err] {
                assert!(!text.contains("hunter2") && !text.contains("5ec2e7"), "{arguments:?}: {text}");
            }
        }
    }
    let ran = desk.run(&["config", "show"]);
    assert!(ran.out.contains("postgres://orders:***@127.0.0.1:1/orders?password=***"), "{}", ran.out);
}

#[test]
fn a_master_key_from_the_environment_opens_what_it_sealed() {
    let desk = Desk::empty();
    let (one, other) = ("a1".repeat(32), "b2".repeat(32));
    assert_eq!(desk.run_with(&[("ORDERWIRE_MASTER_KEY", &one)], &["migrate"]).code, 0);
    assert!(!desk.path("orderwire.db.master-key").exists(), "no file is made beside it");
    assert_eq!(desk.run_with(&[("ORDERWIRE_MASTER_KEY", &one)], &["readers"]).code, 0);
    let refused = desk.run_with(&[("ORDERWIRE_MASTER_KEY", &other)], &["readers"]);
    assert_eq!(refused.code, 6, "{}", refused.err);
    assert!(!refused.err.contains("b2b2"), "{}", refused.err);
}

#[test]
fn rows_are_printed_as_csv_with_what_is_nested_as_json() {
    let desk = Desk::ready();
    desk.write("order.json", super::new_company().to_string());
    desk.done(&["--auto-provision", "orders", "submit", "order.json"]);
    for arguments in [
        &["orders", "list"][..],
        &["companies", "list"],
        &["numbers", "list"],
        &["stock", "list"],
        &["resellers", "list"],
        &["history", "PO-1"],
        &["log"],
        &["readers"],
    ] {
        let records = desk.json(arguments);
        let text = desk.done(&[&["--format", "csv"], arguments].concat());
        assert!(text.ends_with("\r\n"), "{arguments:?}");
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let names = reader.headers().unwrap().clone();
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        let records = records.as_array().unwrap();
        assert!(!rows.is_empty() && rows.len() == records.len(), "{arguments:?}: {text}");
        for (row, record) in rows.iter().zip(records) {
            for (name, value) in record.as_object().unwrap() {
                let cell = &row[names.iter().position(|it| it == name).unwrap()];
                match value {
                    Value::Null => assert_eq!(cell, ""),
                    Value::String(text) => assert_eq!(cell, text),
                    other => assert_eq!(&serde_json::from_str::<Value>(cell).unwrap(), other, "{name}"),
                }
            }
        }
    }
    let order = desk.done(&["--format", "csv", "orders", "show", "PO-1"]);
    assert_eq!(csv::Reader::from_reader(order.as_bytes()).records().count(), 1, "{order}");
    let none = desk.run(&["--format", "csv", "port-requests", "list"]);
    assert_eq!((none.code, none.out.as_str(), none.err.as_str()), (0, "", "nothing to show\n"));
}

#[test]
fn nothing_is_drawn_where_nobody_looks() {
    let desk = Desk::ready();
    for arguments in [&["rebuild"][..], &["demo", "--orders", "14"]] {
        let ran = desk.run(arguments);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(!ran.err.contains(['\r', '\u{1b}']), "{:?}", ran.err);
    }
}

/// Every command, by the words that call it.
fn commands(command: &Command, path: &str, found: &mut BTreeSet<String>) {
    for inner in command.get_subcommands().filter(|it| it.get_name() != "help") {
        let words = format!("{path} {}", inner.get_name());
        commands(inner, &words, found);
        found.insert(words);
    }
}

#[test]
fn completions_and_pages_have_every_command() {
    let desk = Desk::empty();
    let mut known = BTreeSet::new();
    commands(&Cli::command(), "orderwire", &mut known);
    assert!(known.contains("orderwire orders submit"), "{known:?}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = desk.done(&["completions", shell]);
        for words in &known {
            let (above, word) = words.rsplit_once(' ').unwrap();
            // Bash goes from command to command by cases such as `orderwire__subcmd__orders,submit)`.
            let case = format!("{},{word})", above.replace(['-', ' '], "__subcmd__"));
            let there = if shell == "bash" { script.contains(&case) } else { script.contains(word) };
            assert!(there, "{shell} knows no `{words}`");
        }
        assert!(script.contains("auto-provision"), "{shell} knows no flags");
    }
    assert_eq!(desk.run(&["completions", "tcsh"]).code, 2);

    desk.done(&["man", "pages/man1"]);
    for words in known.iter().map(String::as_str).chain(["orderwire"]) {
        let page =
            fs::read_to_string(desk.path(&format!("pages/man1/{}.1", words.replace(' ', "-")))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{words}");
    }
    desk.write("file", "");
    assert_eq!(desk.run(&["man", "file"]).code, 2, "a file is no folder");
}

#[test]
fn bash_can_read_its_completions() {
    let desk = Desk::empty();
    desk.write("script", desk.done(&["completions", "bash"]));
    let ask = "set -e; . ./script; COMP_WORDS=(orderwire orders sub) COMP_CWORD=2; \
               _orderwire orderwire sub orders; echo \"${COMPREPLY[@]}\"";
    let output = std::process::Command::new("bash")
        .args(["-c", ask])
        .current_dir(desk.folder.path())
        .output()
        .expect("the scripts of this repository need bash too");
    assert_eq!(
        String::from_utf8(output.stdout).unwrap(),
        "submit\n",
        "{:?}",
        String::from_utf8(output.stderr)
    );
}

#[test]
fn help_names_the_variable_of_every_flag_that_is_a_setting() {
    let cli = Cli::command();
    let helps = cli.get_arguments().filter_map(|it| Some((it.get_long()?, it.get_help()?.to_string())));
    let helps: Vec<(&str, String)> = helps.collect();
    for setting in SETTINGS.iter().filter(|setting| !setting.key.contains('.')) {
        let Some(flag) = setting.flag else { continue };
        let (_, help) = helps.iter().find(|(long, _)| format!("--{long}") == flag).unwrap();
        assert!(help.contains(&format!("[env: {}]", Setting::variable(setting))), "{flag}: {help}");
    }
}

#[test]
fn the_documented_table_is_that_of_the_settings() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operating.md");
    let document = fs::read_to_string(&path).unwrap();
    let (begin, end) = ("<!-- settings, written by a test -->\n", "<!-- end of settings -->");
    let (before, rest) = document.split_once(begin).unwrap();
    let (table, after) = rest.split_once(end).unwrap();
    let code = |text: &str| if text.is_empty() { String::new() } else { format!("`{text}`") };
    let heading = "| in the file | flag | variable | what it may be | default | what it is for |\n|---|---|---|---|---|---|\n";
    let row = |setting: &Setting| {
        let default =
            setting.default_value().map_or_else(|| setting.default.words(), |value| code(&value.to_string()));
        let (key, flag) = (code(setting.key), code(setting.flag.unwrap_or_default()));
        let (variable, kind) = (code(&setting.variable()), setting.kind.expected());
        format!("| {key} | {flag} | {variable} | {kind} | {default} | {} |\n", setting.about)
    };
    let known = [heading.to_owned()].into_iter().chain(SETTINGS.iter().map(row)).collect::<String>();
    if std::env::var_os("ORDERWIRE_BLESS").is_some() {
        fs::write(&path, format!("{before}{begin}{known}{end}{after}")).unwrap();
    } else {
        assert_eq!(table, known, "ORDERWIRE_BLESS=1 writes it anew");
    }
}

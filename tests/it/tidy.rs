//! The layering of the crates, read from their own text: every arrow points down; and what the architecture says of it.

use std::path::{Path, PathBuf};

/// A file is one sitting.
const LINES_MAX: usize = 500;

/// A rule: a word that must not stand in a file, unless the file is one of these.
struct Rule {
    word: &'static str,
    allowed: &'static [&'static str],
    why: &'static str,
}

const fn only(word: &'static str, allowed: &'static [&'static str], why: &'static str) -> Rule {
    Rule { word, allowed, why }
}

const RULES: &[Rule] = &[
    only("sqlx", &["src/stores/"], "only stores know SQL"),
    only("rusqlite", &["src/stores/"], "only stores know SQL"),
    only("postgres_es", &["src/stores/"], "only stores know SQL"),
    only("cqrs_es", &["src/engine/", "src/stores/postgres/"], "only the engine knows cqrs-es"),
    only("env::args", &["src/main.rs", "src/config.rs"], "only the composition root reads the environment"),
    only("env::var", &["src/main.rs", "src/config.rs"], "only the composition root reads the environment"),
    only("env::var_os", &["src/main.rs", "src/config.rs"], "only the composition root reads the environment"),
    only("env::vars", &["src/main.rs", "src/config.rs"], "only the composition root reads the environment"),
    only("Utc::now", &["src/main.rs", "src/engine/clock.rs"], "time is a port"),
    only("SystemTime::now", &["src/main.rs"], "time is a port"),
    only("crate::cli", &["src/main.rs", "src/lib.rs", "src/cli/"], "nothing knows the command line"),
    only(
        "crate::http",
        &["src/main.rs", "src/lib.rs", "src/http/", "src/bench/http/", "src/cli/"],
        "only the command line and the bench know HTTP",
    ),
    only(
        "crate::audit",
        &["src/lib.rs", "src/audit/", "src/http/", "src/cli/", "src/bench/"],
        "the auditor's side is above everything but what shows it",
    ),
    only("axum", &["src/http/", "src/bench/http/"], "only http and its bench know HTTP"),
    only("hyper", &["src/http/", "src/bench/http/"], "only http and its bench know HTTP"),
    only("async_nats", &["src/http/jetstream/", "src/main.rs"], "one place speaks to the broker"),
    only("jsonwebtoken", &["src/http/auth/", "src/http/auth.rs"], "tokens are read in one place"),
    only("utoipa", &["src/http/"], "only http knows HTTP"),
    only("clap", &["src/main.rs", "src/config.rs", "src/cli/"], "only the command line knows its arguments"),
    only("todo!", &[], "nothing is left to do"),
    only("unimplemented!", &[], "nothing is left to do"),
    only("dbg!", &[], "nobody is debugging"),
    only("#[allow", &[], "an exception says why: #[expect(lint, reason = …)]"),
];

/// What the domain crate must not know, beside the rules above.
const NOT_IN_THE_DOMAIN: &[&str] =
    &["tokio", "rand::", "async fn", "std::fs", "std::net", "Instant::now", "tracing"];

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if is_source(&path) {
            found.push(path);
        }
    }
}

/// Files of these folders, by their path from the root.
fn sources(folders: &[&str]) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for folder in folders {
        files(&root.join(folder), &mut found);
    }
    let name = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    found.iter().map(|path| (name(path), std::fs::read_to_string(path).unwrap())).collect()
}

/// The code without comments: prose may name what code must not.
fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether the word stands in the code by itself, not as a part of another.
fn says(code: &str, word: &str) -> bool {
    let part_of_a_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| !code[..at].ends_with(part_of_a_word))
}

#[test]
fn every_arrow_points_down() {
    let mut broken = Vec::new();
    for (name, text) in sources(&["src", "domain/src"]) {
        let code = code(&text);
        for Rule { word, allowed, why } in RULES {
            if says(&code, word) && !allowed.iter().any(|prefix| name.starts_with(prefix)) {
                broken.push(format!("{name} says `{word}`: {why}"));
            }
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn the_domain_is_pure() {
    let mut broken = Vec::new();
    let tests = |name: &str| name.contains("/tests/") || name.ends_with("/tests.rs");
    for (name, text) in sources(&["domain/src"]).into_iter().filter(|(name, _)| !tests(name)) {
        let code = code(&text);
        broken.extend(
            NOT_IN_THE_DOMAIN.iter().filter(|word| says(&code, word)).map(|word| format!("{name}: {word}")),
        );
    }
    let manifest =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("domain/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap().split("\n[").next().unwrap();
    for word in ["tokio", "sqlx", "rusqlite", "cqrs-es", "rand", "tracing"] {
        let named = dependencies.lines().any(|line| line.split(['.', ' ', '=']).next() == Some(word));
        if named {
            broken.push(format!("domain/Cargo.toml depends on {word}"));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn a_file_is_one_sitting() {
    let long: Vec<String> = sources(&["src", "domain/src", "tests", "benches", "examples"])
        .into_iter()
        .filter(|(_, text)| text.lines().count() > LINES_MAX)
        .map(|(name, text)| format!("{name}: {} lines", text.lines().count()))
        .collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn stores_and_engine_do_not_reach_up() {
    let mut broken = Vec::new();
    for (name, text) in sources(&["src/engine"]) {
        if says(&code(&text), "crate::stores") || says(&code(&text), "super::stores") {
            broken.push(format!("{name} knows a store"));
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}

/// Everything that a text sets in backticks on one line, code blocks aside.
fn quoted(text: &str) -> Vec<&str> {
    let prose = text.split("```").step_by(2).flat_map(str::lines);
    prose.flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

/// Whether a path of the sources ends like this one, in which `*` is any folder.
fn is_path(sources: &[(String, String)], path: &str) -> bool {
    sources.iter().any(|(name, _)| {
        let (mut name, mut path) = (name.rsplit('/'), path.rsplit('/'));
        path.all(|part| name.next().is_some_and(|found| part == "*" || part == found))
    })
}

/// Whether the sources have `what` in the module or type of this name; `…` at its end is the rest of the name.
fn is_in(sources: &[(String, String)], owner: &str, what: &str) -> bool {
    let begins = |text: &str, word: &str| match word.strip_suffix('…') {
        Some(beginning) => text.contains(beginning),
        None => says(text, word),
    };
    let is_type = owner.starts_with(char::is_uppercase);
    sources.iter().any(|(name, text)| {
        let of_module = name.ends_with(&format!("/{owner}.rs")) || name.contains(&format!("/{owner}/"));
        let is_module =
            name.contains(&format!("/{owner}/{what}.rs")) || name.contains(&format!("/{owner}/{what}/"));
        is_module || ((of_module || is_type && says(text, owner)) && begins(text, what))
    })
}

#[test]
fn the_architecture_names_only_what_there_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let sources = sources(&["src", "domain/src", "tests", "benches", "examples"]);
    let text = std::fs::read_to_string(root.join("docs/architecture.md")).unwrap();
    let mut missing = Vec::new();
    for name in quoted(&text) {
        let bare = name.split('(').next().unwrap_or_default();
        let is_there = if is_source(Path::new(bare)) {
            is_path(&sources, bare)
        } else if let Some((owner, what)) = bare.rsplit_once("::") {
            is_in(&sources, owner.rsplit("::").next().unwrap_or_default(), what)
        } else if bare.matches('_').count() > 2 && !bare.starts_with('…') {
            // So long a name is a test's.
            sources.iter().any(|(_, text)| text.contains(&format!("fn {bare}")))
        } else {
            true
        };
        if !is_there {
            missing.push(name);
        }
    }
    // `NAME` of `a/file.rs` is in that file.
    for part in text.split("` of `").collect::<Vec<_>>().windows(2) {
        let (name, file) = (part[0].rsplit('`').next().unwrap(), part[1].split('`').next().unwrap());
        let name = name.rsplit("::").next().unwrap_or_default();
        let in_file = |(path, text): &(String, String)| path.ends_with(file) && says(text, name);
        if is_source(Path::new(file)) && !sources.iter().any(in_file) {
            missing.push(name);
        }
    }
    assert!(missing.is_empty(), "nothing in the sources is called {missing:#?}");
}

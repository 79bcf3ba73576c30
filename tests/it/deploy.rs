//! What `examples/deploy` says can be used, as far as that can be seen without systemd or containers running.

use std::{fs, path::Path, process::Command};

use orderwire::config::{self, FILE_VARIABLE, SETTINGS, Setting};
use yaml_rust2::{Yaml, YamlLoader};

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/deploy").join(name)).unwrap()
}

/// The values of a directive of the unit, in their order.
fn directives<'a>(unit: &'a str, name: &str) -> Vec<&'a str> {
    unit.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix('=')).collect()
}

fn is_known(variable: &str) -> bool {
    variable == FILE_VARIABLE || SETTINGS.iter().map(Setting::variable).any(|known| known == variable)
}

#[test]
fn the_settings_file_can_be_used_as_it_is_and_with_every_comment_taken_off() {
    let text = file("orderwire.toml");
    assert_eq!(config::check(&text), []);
    let (mut whole, mut set) = (String::new(), Vec::new());
    for line in text.lines() {
        let uncommented = line.strip_prefix("# ").filter(|rest| {
            rest.split_once(" = ")
                .is_some_and(|(name, _)| name.bytes().all(|it| it == b'_' || it.is_ascii_lowercase()))
        });
        let line = uncommented.unwrap_or(line);
        let name = line.split_once(" = ").map(|(name, _)| name);
        // The store is shown twice, once for each kind.
        if name.is_none_or(|name| line.starts_with('#') || !set.contains(&name)) {
            whole.extend([line, "\n"]);
            set.extend(name.filter(|_| !line.starts_with('#')));
        }
    }
    assert_eq!(config::check(&whole), []);
    let missing: Vec<&str> = SETTINGS
        .iter()
        .map(|setting| setting.key.rsplit('.').next().unwrap())
        .filter(|name| !set.contains(name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn what_is_commented_out_is_the_default() {
    for line in file("orderwire.toml").lines().filter_map(|line| line.strip_prefix("# ")) {
        let Some((name, value)) = line.split_once(" = ") else { continue };
        let setting = SETTINGS.iter().find(|setting| setting.key.rsplit('.').next() == Some(name));
        if let Some(default) = setting.filter(|it| it.key != "store").and_then(Setting::default_value) {
            assert_eq!(value.trim_matches('"'), default.to_string(), "{name}");
        }
    }
}

#[test]
fn the_unit_runs_the_server_with_little_and_hands_it_the_key() {
    let unit = file("orderwire.service");
    assert_eq!(directives(&unit, "ExecStart"), ["/usr/local/bin/orderwire serve"]);
    assert_eq!(directives(&unit, "LoadCredential"), ["master-key:/etc/orderwire/master-key"]);
    let environment = directives(&unit, "Environment");
    assert!(environment.contains(&"ORDERWIRE_MASTER_KEY_FILE=%d/master-key"), "{environment:?}");
    for (variable, _) in environment.iter().map(|it| it.split_once('=').unwrap()) {
        assert!(is_known(variable), "{variable}");
    }
    for name in [
        "DynamicUser",
        "NoNewPrivileges",
        "PrivateDevices",
        "PrivateTmp",
        "ProtectHome",
        "RestrictNamespaces",
    ] {
        assert_eq!(directives(&unit, name), ["yes"], "{name}");
    }
    assert_eq!(directives(&unit, "ProtectSystem"), ["strict"]);
    assert_eq!(directives(&unit, "CapabilityBoundingSet"), [""]);
}

#[test]
fn systemd_accepts_the_unit_where_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("orderwire.service");
    // The program must exist for it.
    let unit = file("orderwire.service").replace("/usr/local/bin/orderwire", env!("CARGO_BIN_EXE_orderwire"));
    fs::write(&path, unit).unwrap();
    match Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path).output() {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success() && !said.contains("orderwire.service"), "{said}");
        }
        Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
    }
}

#[test]
fn the_image_is_built_in_stages_and_runs_as_nobody_who_is_root() {
    let text = file("Dockerfile");
    let instructions: Vec<&str> = text.lines().filter(|line| !line.starts_with(['#', ' '])).collect();
    let bases: Vec<&str> = instructions.iter().filter_map(|line| line.strip_prefix("FROM ")).collect();
    assert_eq!(bases, ["rust:1.95-slim-bookworm AS build", "debian:bookworm-slim"]);
    let last = |name: &str| instructions.iter().rposition(|line| line.starts_with(name)).unwrap();
    assert_eq!(instructions[last("USER ")], "USER 10001");
    assert!(last("USER ") > last("RUN "), "what needs root comes before");
    assert!(last("ENTRYPOINT ") > last("USER "));
    let manifest = include_str!("../../Cargo.toml");
    assert!(
        manifest.contains("rust-version = \"1.95\""),
        "the image builds with the version of the manifest"
    );
    for variable in instructions.iter().filter_map(|line| line.strip_prefix("ENV ")?.split('=').next()) {
        assert!(is_known(variable), "{variable}");
    }
}

#[test]
fn compose_starts_the_server_once_the_database_is_healthy() {
    let documents = YamlLoader::load_from_str(&file("compose.yaml")).unwrap();
    let [compose] = documents.as_slice() else { panic!("{} documents", documents.len()) };
    let services = &compose["services"];
    for (name, service) in services.as_hash().unwrap() {
        assert!(!service["healthcheck"]["test"].as_vec().unwrap().is_empty(), "{name:?} has no health check");
    }
    let server = &services["orderwire"];
    assert_eq!(server["depends_on"]["database"]["condition"].as_str(), Some("service_healthy"));
    assert_eq!(server["healthcheck"]["test"][0].as_str(), Some("CMD"));
    let dockerfile = server["build"]["dockerfile"].as_str().unwrap();
    assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(dockerfile).exists(), "{dockerfile}");
    for (variable, value) in server["environment"].as_hash().unwrap() {
        assert!(is_known(variable.as_str().unwrap()), "{variable:?}");
        assert!(value.as_str().is_some(), "{variable:?} is no text to compose");
    }
    // Whatever names a secret takes it from outside the file.
    let password = services["database"]["environment"]["POSTGRES_PASSWORD"].as_str().unwrap();
    assert!(password.starts_with("${POSTGRES_PASSWORD:?"), "{password}");
    let url = server["environment"]["ORDERWIRE_STORE"].as_str().unwrap();
    assert!(url.contains(":${POSTGRES_PASSWORD}@database/"), "{url}");
    let secret = &server["secrets"][0];
    assert!(matches!(secret, Yaml::String(name) if !compose["secrets"][name.as_str()].is_badvalue()));
}

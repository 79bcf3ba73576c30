use std::{collections::HashMap, fs};

use proptest::prelude::*;

use super::{
    settings::{Default as Fallback, MASK, Secret, masked_url},
    *,
};

/// What there is outside, made up.
#[derive(Default)]
struct Outside {
    variables: HashMap<String, String>,
    folder: Option<tempfile::TempDir>,
}

impl Outside {
    fn variable(mut self, name: impl Into<String>, value: &str) -> Self {
        self.variables.insert(name.into(), value.to_owned());
        self
    }

    /// A file in the working folder.
    fn file(mut self, text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(NAME), text).unwrap();
        self.folder = Some(folder);
        self
    }

    fn read(&self) -> Result<Config, ConfigError> {
        let variable = |name: &str| self.variables.get(name).map(OsString::from);
        let none = || PathBuf::from("/nonexistent");
        let working_folder = self.folder.as_ref().map_or_else(none, |folder| folder.path().to_owned());
        read_from(&Surroundings { variable: &variable, working_folder }, None)
    }

    fn problems(&self) -> Vec<Problem> {
        match self.read() {
            Err(ConfigError::Problems { problems, .. }) => problems,
            other => panic!("{other:?} has no problems"),
        }
    }
}

/// A value that a setting may have, another one for every number below 2.
fn example(setting: &Setting, number: usize) -> String {
    match setting.kind {
        Kind::Text => format!("{}-{number}", setting.key),
        Kind::Word(words) => words[number].to_owned(),
        Kind::Url | Kind::OpenUrl => format!("https://somebody-{number}.example/at"),
        Kind::Servers => format!("nats://one-{number}.example:4222,tls://two.example"),
        Kind::Subject => format!("somebody-{number}"),
        Kind::Socket => format!("127.0.0.1:{}", 9_000 + number),
        Kind::Count(least, _) => (least + number as u64).to_string(),
        Kind::Switch => (number == 0).to_string(),
    }
}

/// The same as a line of the file.
fn line(setting: &Setting, text: &str) -> String {
    let quoted = match setting.kind {
        Kind::Count(..) | Kind::Switch => text.to_owned(),
        _ => format!("{text:?}"),
    };
    match setting.key.split_once('.') {
        Some((section, name)) => format!("[{section}]\n{name} = {quoted}\n"),
        None => format!("{} = {quoted}\n", setting.key),
    }
}

#[test]
fn the_command_line_is_before_the_environment_before_the_file_before_the_default() {
    for setting in SETTINGS {
        for (file, environment, flag) in (0..8).map(|bits| (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0)) {
            if flag && setting.flag.is_none() {
                continue;
            }
            let (in_file, in_environment) = (example(setting, 0), example(setting, 1));
            let mut outside = Outside::default();
            if file {
                outside = outside.file(&line(setting, &in_file));
            }
            if environment {
                outside = outside.variable(setting.variable(), &in_environment);
            }
            let on_command_line = example(setting, 0);
            let flags = flag.then(|| (setting.key, setting.kind.read(&on_command_line).unwrap()));
            let config = outside.read().unwrap().with(flags);
            let (value, source) = config.effective(setting);
            let value = value.map(|value| value.to_string());
            let expected = match (flag, environment, file, setting.default) {
                (true, ..) => (Some(on_command_line), "flag"),
                (_, true, ..) => (Some(in_environment), "environment"),
                (_, _, true, _) => (Some(in_file), "file"),
                (.., Fallback::Fixed(text)) => (Some(text.to_owned()), "default"),
                (.., Fallback::Otherwise(_)) => (None, "default"),
            };
            assert_eq!((value, source.word()), expected, "{}", setting.key);
        }
    }
}

#[test]
fn a_file_here_is_before_one_of_the_user_and_one_that_is_named_before_both() {
    let user = tempfile::tempdir().unwrap();
    fs::create_dir(user.path().join("orderwire")).unwrap();
    let of_user = user.path().join("orderwire").join(NAME);
    fs::write(&of_user, "actor = 'user'").unwrap();
    let named = user.path().join("named.toml");
    fs::write(&named, "actor = 'named'").unwrap();
    let (folder, user) =
        (if cfg!(windows) { "APPDATA" } else { "XDG_CONFIG_HOME" }, user.path().to_str().unwrap());

    let actor = |outside: &Outside| outside.read().unwrap().text("actor").unwrap();
    assert_eq!(actor(&Outside::default().variable(folder, user)), "user");
    let here = Outside::default().variable(folder, user).file("actor = 'here'");
    assert_eq!(actor(&here), "here");
    assert_eq!(actor(&here.variable(FILE_VARIABLE, named.to_str().unwrap())), "named");

    let lost =
        Outside::default().file("actor = 'here'").variable(FILE_VARIABLE, "/nonexistent/lost.toml").read();
    assert!(
        matches!(lost, Err(ConfigError::File { .. })),
        "a file that is named is not passed over: {lost:?}"
    );
}

#[test]
fn a_key_that_nobody_knows_is_refused_with_its_line_and_the_nearest_one() {
    let text = "store = 'orders.db'\nmaster_key_fiel = 'key'\n\n[server]\nlissen = '127.0.0.1:80'\n\n[sever]\nlisten = 1\n";
    let problems = check(&format!("{text}[[server.pets]]\n"));
    let found: Vec<_> = problems
        .iter()
        .map(|it| (it.pointer.as_str(), it.code.as_str(), it.expected.as_deref().unwrap()))
        .collect();
    assert_eq!(
        found,
        [
            ("line 2", "setting_unknown", "perhaps `master_key_file`"),
            ("line 5", "setting_unknown", "perhaps `server.listen`"),
            ("line 7", "setting_unknown", "perhaps `server`"),
            ("line 9", "setting_unknown", "a setting that `orderwire config show` names"),
        ]
    );
    assert_eq!(check("listen = '127.0.0.1:80'")[0].expected.as_deref(), Some("perhaps `server.listen`"));
    assert_eq!(check("server = 1")[0].code, "section_invalid");
    assert!(Outside::default().file("colour = 'blue'").read().is_err(), "and nothing runs with such a file");
}

#[test]
fn a_value_of_the_wrong_kind_is_refused_wherever_it_stands() {
    for (key, wrong) in [
        ("format", "'xml'"),
        ("verbosity", "4"),
        ("verbosity", "-1"),
        ("migrate", "'yes'"),
        ("store", "''"),
        ("store", "{ url = 'x' }"),
        ("server.listen", "'localhost'"),
        ("server.request_timeout_ms", "0"),
        ("server.body_bytes_max", "1.5"),
    ] {
        let problems = check(&format!("{key} = {wrong}"));
        assert_eq!(problems.len(), 1, "{key} = {wrong}");
        assert_eq!((problems[0].pointer.as_str(), problems[0].code.as_str()), ("line 1", "setting_invalid"));
    }
    let problems = Outside::default()
        .variable("ORDERWIRE_VERBOSITY", "loud")
        .variable("ORDERWIRE_SERVER_LISTEN", "80")
        .problems();
    let places: Vec<&str> = problems.iter().map(|problem| problem.pointer.as_str()).collect();
    assert_eq!(places, ["ORDERWIRE_VERBOSITY", "ORDERWIRE_SERVER_LISTEN"]);
}

#[test]
fn keys_are_fetched_over_tls_or_from_this_machine() {
    for right in
        ["https://issuer.example/keys", "http://127.0.0.1:8080/keys", "http://[::1]/", "http://localhost:1"]
    {
        assert!(Kind::Url.read(right).is_ok(), "{right}");
    }
    for wrong in [
        "http://issuer.example/keys",
        "http://127.0.0.1.issuer.example/",
        "http://127.0.0.1@issuer.example/",
        "http://127.0.0.1:80@issuer.example/",
        "http://127.0.0.1:80\\@issuer.example/",
        "https://",
        "https://user:hunter2@issuer.example/",
        "file:///etc/passwd",
        "issuer.example",
    ] {
        assert!(Kind::Url.read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn traces_are_sent_anywhere_without_a_password() {
    for right in
        ["https://collector.example/v1/traces", "http://collector:4318/v1/traces", "http://[::1]:4318"]
    {
        assert!(Kind::OpenUrl.read(right).is_ok(), "{right}");
    }
    for wrong in
        ["http://", "https://user:hunter2@collector.example/", "file:///etc/passwd", "collector:4318"]
    {
        assert!(Kind::OpenUrl.read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn brokers_are_named_without_a_password() {
    for right in ["nats://127.0.0.1:4222", "tls://one.example,nats://[::1]:4222,nats://two.example:4222"] {
        assert!(Kind::Servers.read(right).is_ok(), "{right}");
    }
    for wrong in [
        "",
        "nats://",
        "nats://token@one.example",
        "nats://user:hunter2@one.example",
        "http://one.example",
        "nats://one.example,",
    ] {
        assert!(Kind::Servers.read(wrong).is_err(), "{wrong}");
    }
    for wrong in ["", "orders.", ".orders", "orders.*", "orders.>", "or ders"] {
        assert!(Kind::Subject.read(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn half_a_broker_is_none() {
    let of =
        |text: &str| NatsSettings::of(&Outside::default().file(&format!("[nats]\n{text}")).read().unwrap());
    let missing = |text: &str| of(text).unwrap_err()[0].pointer.clone();
    let url = "url = 'nats://one.example'\n";
    assert_eq!(of("replicas = 3"), Ok(None), "what a stream would be like is no broker");
    assert_eq!(missing("user = 'orders'\npassword = 'hunter2'"), "nats.url");
    assert_eq!(missing(&format!("{url}user = 'orders'")), "nats.password");
    assert_eq!(missing(&format!("{url}password = 'hunter2'")), "nats.user");
    assert_eq!(missing(&format!("{url}stream = 'two.words'")), "nats.stream");
    let both = "credentials_file = 'orders.creds'\nuser = 'orders'\npassword = 'hunter2'";
    assert_eq!(missing(&format!("{url}{both}")), "nats.credentials_file");
    let broker = of(&format!("{url}user = 'orders'\npassword = 'hunter2'\nmax_bytes = 0")).unwrap().unwrap();
    assert_eq!(broker.login, Login::User("orders".into(), "hunter2".into()));
    assert_eq!((broker.replicas, broker.max_bytes), (1, None));
    assert!(!format!("{broker:?}").contains("hunter2"), "{broker:?}");
}

#[test]
fn half_an_issuer_is_none() {
    let of =
        |text: &str| IssuerSettings::of(&Outside::default().file(&format!("[auth]\n{text}")).read().unwrap());
    assert_eq!(of(""), Ok(None));
    assert_eq!(of("role_claim = 'role'"), Ok(None), "a name of a claim is no issuer");
    let whole =
        "issuer = 'https://issuer.example'\naudience = 'orders'\njwks_url = 'https://issuer.example/keys'\n";
    let issuer = of(&format!("{whole}clock_skew_ms = 5000")).unwrap().unwrap();
    assert_eq!(issuer.keys, KeysFrom::Url("https://issuer.example/keys".to_owned()));
    assert_eq!((issuer.clock_skew.num_seconds(), issuer.role_claim.as_str()), (5, "orderwire_role"));
    for line in whole.lines() {
        let problems = of(&whole.replace(line, "")).unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].code, "setting_missing", "{line}");
    }
    assert!(of(&format!("{whole}jwks_file = 'keys.json'")).is_err(), "keys come from one place");
}

#[test]
fn an_empty_variable_says_nothing() {
    let config = Outside::default().variable("ORDERWIRE_STORE", "").read().unwrap();
    assert_eq!(config.text("store").unwrap(), "orderwire.db");
}

#[test]
fn the_stronger_source_names_the_master_key_and_one_source_names_one() {
    let key = "ab".repeat(32);
    let file = Outside::default().file("master_key_file = 'file'");
    let config = file.variable("ORDERWIRE_MASTER_KEY", &key).read().unwrap();
    assert_eq!((config.master_key().as_ref(), config.master_key_file()), (Some(&key), None));
    let config = config.with([("master_key_file", Value::Text("flag".to_owned()))]);
    assert_eq!((config.master_key(), config.master_key_file()), (None, Some(PathBuf::from("flag"))));

    let twice = Outside::default().file(&format!("master_key_file = 'file'\nmaster_key = '{key}'\n"));
    assert_eq!(twice.problems()[0].code, "master_key_twice");
}

#[test]
fn a_file_that_cannot_be_read_is_refused_without_its_text() {
    for text in [
        "store = postgres://orders:hunter2@db/orders",
        "master_key = hunter2",
        "master_key = ['hunter2']",
        "store = 'postgres://orders:hunter2@db",
        "[store]\nurl = 'hunter2'",
        "actor = 'a'\nactor = 'hunter2'",
    ] {
        let problems = check(text);
        assert!(!problems.is_empty(), "{text}");
        assert!(!format!("{problems:?}").contains("hunter2"), "{problems:?}");
    }
}

proptest! {
    #[test]
    fn no_secret_is_ever_shown(
        password in "[A-Za-z0-9:/?#@&=%!+-]{8,24}",
        user in "[a-z]{1,8}",
        place in prop::sample::select(vec!["URL", "parameter", "key"]),
        from_file: bool,
    ) {
        // What no part of a URL or of a message has by chance.
        let secret = format!("S3{password}3S");
        let (key, value) = match place {
            "URL" => ("store", format!("postgres://{user}:{secret}@db.example/orders?sslmode=require")),
            "parameter" => ("store", format!("postgres://{user}@db.example/orders?password={}", secret.replace('&', "-"))),
            _ => ("master_key", secret.clone()),
        };
        let outside = if from_file {
            Outside::default().file(&format!("{key} = {value:?}"))
        } else {
            Outside::default().variable(setting(key).unwrap().variable(), &value)
        };
        let config = outside.read().unwrap();
        prop_assert_eq!(config.text(key).unwrap(), value, "it is in force all the same");
        let shown = serde_json::to_string(&config.shown()).unwrap();
        for part in secret.split(['@', '?', '#', '/', '&', ':', '=']).filter(|part| part.len() > 3) {
            prop_assert!(!shown.contains(part), "{} is in {}", part, shown);
        }
        prop_assert!(shown.contains(MASK));
    }
}

#[test]
fn a_url_keeps_what_is_no_secret() {
    for (url, shown) in [
        ("orders.db", "orders.db"),
        ("sqlite:/var/lib/orderwire/orders.db", "sqlite:/var/lib/orderwire/orders.db"),
        ("postgres://db/orders", "postgres://db/orders"),
        (
            "postgres://orders@db:5432/orders?sslmode=verify-full",
            "postgres://orders@db:5432/orders?sslmode=verify-full",
        ),
        (
            "postgres://orders:pw@db/orders?passfile=x&user=y",
            "postgres://orders:***@db/orders?passfile=***&user=y",
        ),
        ("postgres:orders:pw@db", "***"),
    ] {
        assert_eq!(masked_url(url), shown);
    }
}

#[test]
fn the_table_of_settings_is_sound() {
    let mut variables: Vec<String> = SETTINGS.iter().map(Setting::variable).collect();
    variables.push(FILE_VARIABLE.to_owned());
    variables.sort();
    variables.dedup();
    assert_eq!(variables.len(), SETTINGS.len() + 1, "two settings have one variable");
    for setting in SETTINGS {
        if let Fallback::Fixed(text) = setting.default {
            assert!(setting.kind.read(text).is_ok(), "{} cannot be its default", setting.key);
        }
        let secret = setting.secret != Secret::No;
        assert_eq!(
            secret,
            ["store", "master_key", "nats.password"].contains(&setting.key),
            "{}",
            setting.key
        );
    }
}

#[test]
fn the_settings_of_the_server_are_those_of_the_table() {
    let server = ServerSettings::default();
    assert_eq!(server.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(server.body_bytes_max, crate::edge::document::DOCUMENT_BYTES_MAX, "an order document fits");
    let config = Outside::default()
        .file("[server]\nlisten = '[::1]:9000'\nrequest_timeout_ms = 1_500\n")
        .variable("ORDERWIRE_SERVER_RATE_LIMIT_PER_SECOND", "7");
    let server = ServerSettings::of(&config.read().unwrap());
    assert_eq!(server.listen.to_string(), "[::1]:9000");
    assert_eq!((server.request_timeout.as_millis(), server.rate_limit_per_second.get()), (1_500, 7));
}

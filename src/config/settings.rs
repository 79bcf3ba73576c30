//! The table of settings: what each is called, what it may be, and what it is where nobody says.

use std::net::SocketAddr;

use serde::Serialize;

use crate::edge::Problem;

/// Something that can be set.
#[derive(Debug)]
pub struct Setting {
    /// Its name in the file; a dot stands between a section and a name in it.
    pub key: &'static str,
    /// Its flag, if it has one.
    pub flag: Option<&'static str>,
    /// What it may be.
    pub kind: Kind,
    /// What it is where nobody says.
    pub default: Default,
    /// Whether a part of it is nobody's business.
    pub secret: Secret,
    /// What it is for.
    pub about: &'static str,
}

/// What a value may be.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// Any text that is not empty, such as a path or a URL.
    Text,
    /// One of these.
    Word(&'static [&'static str]),
    /// The address and port of a socket.
    Socket,
    /// Where something is fetched: over TLS, or from this machine.
    Url,
    /// Where something is sent that is no secret, such as to a collector in the same network.
    OpenUrl,
    /// The servers of a NATS cluster.
    Servers,
    /// A name that is a word of a NATS subject, or with dots several.
    Subject,
    /// A whole number between two others.
    Count(u64, u64),
    /// Yes or no.
    Switch,
}

/// What a setting is where nobody says.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// This.
    Fixed(&'static str),
    /// Something that depends on other things, in words.
    Otherwise(&'static str),
}

impl Default {
    /// The default in words.
    pub fn words(self) -> String {
        match self {
            Self::Fixed(text) | Self::Otherwise(text) => text.to_owned(),
        }
    }
}

/// What must not be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// Nothing.
    No,
    /// What opens the place that a URL names.
    InUrl,
    /// All of it.
    Whole,
}

/// A value that its setting may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A text, path, word or address.
    Text(String),
    /// A number.
    Count(u64),
    /// Yes or no.
    Switch(bool),
}

/// A setting as `orderwire config show` has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Shown {
    /// Its name.
    pub setting: &'static str,
    /// What it is, without secrets.
    pub value: Option<String>,
    /// Which kind of place it came from.
    pub source: &'static str,
    /// The flag, the variable or the file.
    pub named: Option<String>,
}

/// What is shown in place of a secret.
pub const MASK: &str = "***";

const DAY_MS: u64 = 24 * 60 * 60 * 1_000;

const fn plain(key: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Setting {
    Setting { key, flag: None, kind, default: Default::Fixed(default), secret: Secret::No, about }
}

impl Setting {
    const fn flag(mut self, flag: &'static str) -> Self {
        self.flag = Some(flag);
        self
    }

    /// In place of a fixed default: what it depends on.
    const fn otherwise(mut self, words: &'static str) -> Self {
        self.default = Default::Otherwise(words);
        self
    }

    const fn secret(mut self, secret: Secret) -> Self {
        self.secret = secret;
        self
    }
}

/// Every setting, in the order in which it is shown.
#[rustfmt::skip]
pub const SETTINGS: &[Setting] = &[
    plain("store", Kind::Text, "orderwire.db", "the store: a path, `sqlite:PATH` or `postgres://…`")
        .flag("--store").secret(Secret::InUrl),
    plain("master_key_file", Kind::Text, "", "the file of the master key").flag("--master-key-file")
        .otherwise("beside a SQLite store; for PostgreSQL in the state folder"),
    plain("master_key", Kind::Text, "", "the master key itself, 64 hex digits, where no file can be had").secret(Secret::Whole)
        .otherwise("that of the file"),
    plain("state_folder", Kind::Text, "", "where this user's programs keep what they need to know")
        .otherwise("`$XDG_STATE_HOME`, else `~/.local/state`"),
    plain("migrate", Kind::Switch, "false", "create the store, or bring its schema up to date, before anything else").flag("--migrate"),
    plain("actor", Kind::Text, "operator", "an opaque id of whoever asks, kept with every event").flag("--actor"),
    plain("auto_provision", Kind::Switch, "false", "play the outside systems that provision lines").flag("--auto-provision"),
    plain("format", Kind::Word(FORMATS), "table", "how data is printed").flag("--format"),
    plain("verbosity", Kind::Count(0, 3), "0", "how much is said on stderr of what happens").flag("--verbose"),
    plain("server.listen", Kind::Socket, "127.0.0.1:8080", "the address and port that the server listens on").flag("--listen"),
    plain("server.request_timeout_ms", Kind::Count(1, DAY_MS), "30000", "how long a request may take"),
    plain("server.shutdown_timeout_ms", Kind::Count(0, DAY_MS), "40000", "how long requests in flight may take to end when the server stops"),
    plain("server.body_bytes_max", Kind::Count(1_024, 64 * 1024 * 1024), "5242880", "the longest body of a request"),
    plain("server.rate_limit_per_second", Kind::Count(1, 1_000_000), "200", "requests a second that one API key may make in the long run"),
    plain("server.rate_limit_burst", Kind::Count(1, 1_000_000), "1000", "requests that one API key may make at once after a quiet time"),
    plain("server.streams_per_key", Kind::Count(1, 1_000_000), "100", "streams of notices that one API key may have open at once, waiting requests included"),
    plain("server.stream_heartbeat_ms", Kind::Count(100, DAY_MS), "15000", "how often a stream on which nothing happens shows that it lives"),
    plain("server.readers_behind_max", Kind::Count(0, 1_000_000_000), "10000", "events that a reader may be behind while the server calls itself ready"),
    plain("traces.endpoint", Kind::OpenUrl, "", "where traces are sent: OTLP over HTTP, such as http://127.0.0.1:4318/v1/traces")
        .otherwise("traces are not made"),
    plain("traces.percent", Kind::Count(1, 100), "100", "how many of a hundred traces that begin here are sent; those that callers began are sent as they say"),
    plain("webhooks.deliver", Kind::Switch, "true", "send notices to webhooks from this server"),
    plain("webhooks.allow_private", Kind::Switch, "false", "let webhooks lead to private networks and to this machine"),
    plain("webhooks.allow_http", Kind::Switch, "false", "let webhooks lead to addresses without TLS"),
    plain("server.lease_ttl_ms", Kind::Count(1_000, 10 * 60 * 1_000), "10000", "how long others wait for the work of a server that was killed or is frozen"),
    plain("audit.origin", Kind::Text, "", "what the log is called worldwide, such as orders.example/log; its checkpoints are signed under this name")
        .otherwise("that of the key, if one was made"),
    plain("audit.checkpoint_key_file", Kind::Text, "", "the file of the key that signs checkpoints")
        .otherwise("beside a SQLite store; for PostgreSQL in the state folder"),
    plain("audit.public_tiles", Kind::Switch, "false", "let anybody ask for the checkpoint and for tiles of the log, without a key"),
    plain("audit.refusals_kept", Kind::Count(1_000, 10_000_000), "100000", "how many commands that rules refused are kept on record, the newest; at most a tenth of them of one actor"),
    plain("auth.issuer", Kind::Text, "", "the `iss` of tokens of an outside issuer").otherwise("no tokens but our own are taken"),
    plain("auth.audience", Kind::Text, "", "whom those tokens must be for: one of their `aud`").otherwise("none; an issuer needs one"),
    plain("auth.jwks_url", Kind::Url, "", "where the issuer publishes its keys (JWK set)").otherwise("the file"),
    plain("auth.jwks_file", Kind::Text, "", "a file with its keys, in place of the URL").otherwise("none"),
    plain("auth.clock_skew_ms", Kind::Count(0, 5 * 60 * 1_000), "60000", "how much the issuer's clock and ours may differ"),
    plain("auth.role_claim", Kind::Text, "orderwire_role", "the claim with the role: reseller, operator or auditor"),
    plain("auth.reseller_claim", Kind::Text, "orderwire_reseller", "the claim with the code or id of the reseller, for that role"),
    plain("auth.scope_claim", Kind::Text, "scope", "the claim with the scopes: orderwire.read, orderwire.write"),
    plain("nats.url", Kind::Servers, "", "where notices are published: the servers of a NATS with JetStream").otherwise("nothing is published"),
    plain("nats.credentials_file", Kind::Text, "", "a file with the credentials of a NATS user: a JWT and the seed of its key").otherwise("none"),
    plain("nats.user", Kind::Text, "", "the name of a NATS user, in place of that file").otherwise("none"),
    plain("nats.password", Kind::Text, "", "the password of that user").secret(Secret::Whole).otherwise("none"),
    plain("nats.ca_file", Kind::Text, "", "certificates to trust beside those that the system does, in PEM").otherwise("none"),
    plain("nats.stream", Kind::Subject, "ORDERWIRE_NOTICES", "the stream, a single word; it is made where it is missing"),
    plain("nats.subject", Kind::Subject, "orderwire.notices", "what subjects begin with; the reseller and the type follow"),
    plain("nats.replicas", Kind::Count(1, 5), "1", "on how many servers the stream is kept, if it has to be made"),
    plain("nats.max_age_hours", Kind::Count(1, 1_000_000), "720", "how long the stream keeps a notice, if it has to be made"),
    plain("nats.max_bytes", Kind::Count(0, 1 << 50), "0", "how much the stream keeps, if it has to be made; 0 for no bound"),
    plain("nats.after_position", Kind::Count(0, 1 << 62), "0", "the position in the log after which the notices of a stream begin that never had any"),
];

/// The words of `--format`; a test compares them with its type.
pub const FORMATS: &[&str] = &["table", "json", "jsonl", "csv"];

/// The setting of a name.
pub fn setting(key: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.key == key)
}

impl Setting {
    /// Its variable in the environment.
    pub fn variable(&self) -> String {
        format!("ORDERWIRE_{}", self.key.replace('.', "_").to_ascii_uppercase())
    }

    /// Its fixed default, if it has one.
    pub fn default_value(&self) -> Option<Value> {
        match self.default {
            Default::Fixed(text) => Some(self.kind.read(text).expect("a test reads every default")),
            Default::Otherwise(_) => None,
        }
    }

    /// A value without its secrets.
    pub fn masked(&self, value: &Value) -> String {
        match self.secret {
            Secret::No => value.to_string(),
            Secret::InUrl => masked_url(&value.to_string()),
            Secret::Whole => MASK.to_owned(),
        }
    }

    /// It cannot be what it was set to, which is not repeated: it may be a secret in the wrong place.
    pub fn problem(&self, place: &str, expected: String) -> Problem {
        let detail = format!("`{}` cannot be that", self.key);
        Problem::new(place, "setting_invalid", detail, expected)
    }
}

impl Kind {
    /// Reads a text of the environment; else what it should be.
    pub fn read(self, text: &str) -> Result<Value, String> {
        match self {
            Self::Count(..) => text.parse().map_err(|_| self.expected()).and_then(|count| self.count(count)),
            Self::Switch => text.parse().map(Value::Switch).map_err(|_| self.expected()),
            _ => self.text(text),
        }
    }

    /// A text, if it may be one; else what it should be.
    pub fn text(self, text: &str) -> Result<Value, String> {
        let fits = match self {
            Self::Text => !text.is_empty(),
            Self::Word(words) => words.contains(&text),
            Self::Socket => text.parse::<SocketAddr>().is_ok(),
            Self::Url => is_safe_url(text),
            Self::OpenUrl => is_plain_url(text),
            Self::Servers => text.split(',').all(is_nats_url),
            Self::Subject => text.split('.').all(is_nats_word),
            Self::Count(..) | Self::Switch => false,
        };
        if fits { Ok(Value::Text(text.to_owned())) } else { Err(self.expected()) }
    }

    /// A number, if it may be one; else what it should be.
    pub fn count(self, count: u64) -> Result<Value, String> {
        match self {
            Self::Count(least, most) if (least..=most).contains(&count) => Ok(Value::Count(count)),
            _ => Err(self.expected()),
        }
    }

    /// Yes or no, if it may be that; else what it should be.
    pub fn switch(self, on: bool) -> Result<Value, String> {
        if let Self::Switch = self { Ok(Value::Switch(on)) } else { Err(self.expected()) }
    }

    /// What it may be, in words.
    pub fn expected(self) -> String {
        match self {
            Self::Text => "a text that is not empty".to_owned(),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Url => "an https:// URL, or http:// of this machine".to_owned(),
            Self::OpenUrl => "an http:// or https:// URL without a password".to_owned(),
            Self::Servers => "nats:// or tls:// URLs without a password, with commas between them".to_owned(),
            Self::Subject => "words of letters, digits, - and _, with dots between them".to_owned(),
            Self::Socket => "an address and a port, such as 127.0.0.1:8080".to_owned(),
            Self::Count(least, most) => format!("a whole number from {least} to {most}"),
            Self::Switch => "true or false".to_owned(),
        }
    }
}

/// Whether it is a URL of the web that shows no user and no password.
fn is_plain_url(url: &str) -> bool {
    let printable = url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'@' | b'\\'));
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    printable
        && rest
            .is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '['))
}

/// Whether it is a server of NATS that shows no user, password or token.
fn is_nats_url(url: &str) -> bool {
    let rest = url.strip_prefix("nats://").or_else(|| url.strip_prefix("tls://"));
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(plain))
}

fn is_nats_word(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

/// Whether what is fetched there comes from whom it says: over TLS, or without leaving this machine. A URL with a user or a
/// password in it would show that, so it is none.
fn is_safe_url(url: &str) -> bool {
    let is_port = |rest: &str| {
        let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
        rest.is_empty() || rest.strip_prefix(':').is_some_and(digits)
    };
    let plain = |rest: &str| {
        let place = rest.split(['/', '?', '#']).next().unwrap_or_default();
        ["localhost", "127.0.0.1", "[::1]"].iter().any(|host| place.strip_prefix(host).is_some_and(is_port))
    };
    let printable = url.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'@' | b'\\'));
    let over_tls = |url: &str| url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty());
    printable && (over_tls(url) || url.strip_prefix("http://").is_some_and(plain))
}

/// Parameters of a PostgreSQL URL that say nothing secret; of all others only the name is shown.
const PARAMETERS_SHOWN: &[&str] = &["sslmode", "host", "port", "user", "dbname", "application_name"];

/// A store's URL without what would open it. What cannot be told apart for sure is masked rather than shown.
pub fn masked_url(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return if url.starts_with("postgres") { MASK.to_owned() } else { url.to_owned() };
    };
    let (place, query) = rest.split_once('?').map_or((rest, None), |(place, query)| (place, Some(query)));
    // A password with a question mark in it looks like this.
    if query.is_some_and(|query| query.contains('@')) {
        return format!("{scheme}://{MASK}");
    }
    let shown = match place.rsplit_once('@') {
        Some((who, place)) => match who.split_once(':') {
            Some((user, _)) => format!("{user}:{MASK}@{place}"),
            None => format!("{who}@{place}"),
        },
        None => place.to_owned(),
    };
    let parameters = query.map(|query| {
        let shown = query.split('&').map(|parameter| match parameter.split_once('=') {
            Some((name, _)) if !PARAMETERS_SHOWN.contains(&name) => format!("{name}={MASK}"),
            Some(_) => parameter.to_owned(),
            None => MASK.to_owned(),
        });
        format!("?{}", shown.collect::<Vec<_>>().join("&"))
    });
    format!("{scheme}://{shown}{}", parameters.unwrap_or_default())
}

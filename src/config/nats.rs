//! The broker that notices are published to, read once and whole.

use std::{fmt, path::PathBuf, time::Duration};

use super::{Config, setting};
use crate::edge::Problem;

/// How the broker knows us.
#[derive(Clone, PartialEq, Eq)]
pub enum Login {
    /// It asks nobody.
    Nobody,
    /// A file with a JWT and the seed of its key.
    Credentials(PathBuf),
    /// A user and a password.
    User(String, String),
}

/// Never the password: settings are shown where something is wrong with them.
impl fmt::Debug for Login {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nobody => out.write_str("Nobody"),
            Self::Credentials(file) => out.debug_tuple("Credentials").field(file).finish(),
            Self::User(user, _) => out.debug_tuple("User").field(user).finish(),
        }
    }
}

/// Where notices are published, and the stream that they are published to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsSettings {
    /// The servers.
    pub servers: Vec<String>,
    /// How they know us.
    pub login: Login,
    /// Certificates to trust beside the system's.
    pub ca_file: Option<PathBuf>,
    /// The name of the stream.
    pub stream: String,
    /// What its subjects begin with.
    pub subject: String,
    /// On how many servers a stream that is made is kept.
    pub replicas: usize,
    /// How long it keeps a message.
    pub max_age: Duration,
    /// How many bytes it keeps; `None` for no bound.
    pub max_bytes: Option<i64>,
    /// After which position of the log it begins.
    pub after_position: u64,
}

impl NatsSettings {
    /// What the configuration says of a broker; nothing where it names none. What would go with one that is not named, or
    /// two ways to be known, are refused.
    pub fn of(config: &Config) -> Result<Option<Self>, Vec<Problem>> {
        let file = |key| config.text(key).map(PathBuf::from);
        let (user, password) = (config.text("nats.user"), config.text("nats.password"));
        let (credentials, ca_file) = (file("nats.credentials_file"), file("nats.ca_file"));
        let Some(url) = config.text("nats.url") else {
            let lonely = user.is_some() || password.is_some() || credentials.is_some() || ca_file.is_some();
            return if lonely {
                Err(vec![missing("nats.url", "the rest of a broker is set")])
            } else {
                Ok(None)
            };
        };
        let mut problems = Vec::new();
        let login = match (credentials, user, password) {
            (None, None, None) => Login::Nobody,
            (Some(file), None, None) => Login::Credentials(file),
            (None, Some(user), Some(password)) => Login::User(user, password),
            (None, None, Some(_)) => {
                problems.push(missing("nats.user", "a password is set"));
                Login::Nobody
            }
            (None, Some(_), None) => {
                problems.push(missing("nats.password", "a user is set"));
                Login::Nobody
            }
            (Some(_), ..) => {
                let detail = "the broker is to know us in one way";
                let expected = "either nats.credentials_file, or nats.user and nats.password";
                problems.push(Problem::new("nats.credentials_file", "setting_twice", detail, expected));
                Login::Nobody
            }
        };
        let text = |key: &str| config.text(key).expect("it has a default");
        let stream = text("nats.stream");
        if stream.contains('.') {
            let detail = "the name of a stream has no dots";
            problems.push(Problem::new("nats.stream", "setting_invalid", detail, "a single word"));
        }
        if !problems.is_empty() {
            return Err(problems);
        }
        let bounded = |key| i64::try_from(config.count(key)).expect("the table bounds it");
        Ok(Some(Self {
            servers: url.split(',').map(str::to_owned).collect(),
            login,
            ca_file,
            stream,
            subject: text("nats.subject"),
            replicas: usize::try_from(config.count("nats.replicas")).expect("the table bounds it"),
            max_age: Duration::from_hours(config.count("nats.max_age_hours")),
            max_bytes: Some(bounded("nats.max_bytes")).filter(|bytes| *bytes > 0),
            after_position: config.count("nats.after_position"),
        }))
    }
}

fn missing(key: &'static str, detail: &str) -> Problem {
    let about = setting(key).map_or("", |setting| setting.about);
    Problem::new(key, "setting_missing", detail, about)
}

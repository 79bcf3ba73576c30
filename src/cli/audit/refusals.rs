//! `orderwire refusals`: who wanted something that a rule refused.

use clap::Args;
use orderwire_domain::ids::StreamId;

use crate::{
    cli::{
        Failure, Output,
        output::{Column, time},
        session::{LIST_MAX, Session},
    },
    engine::refusals::{Found, Refusal, Sought},
};

/// Which refusals.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Only what was to be done to this: an id, or a reseller's reference of an order
    #[arg(value_name = "ID")]
    about: Option<String>,
    /// Only what this actor was refused; over HTTP that is the id of a key
    #[arg(long, value_name = "ID")]
    of: Option<String>,
    /// Only this command, such as order.submit
    #[arg(long, value_name = "NAME")]
    command: Option<String>,
    /// Only what this rule refused, by its code
    #[arg(long, value_name = "CODE")]
    rule: Option<String>,
    /// At most so many
    #[arg(long, default_value_t = 100, value_name = "COUNT")]
    limit: usize,
}

impl Arguments {
    /// What is asked, on one line.
    pub fn asked(&self) -> String {
        let named = [("of", &self.of), ("command", &self.command), ("rule", &self.rule)];
        let named =
            named.into_iter().filter_map(|(name, value)| Some(format!(" --{name} {}", value.as_ref()?)));
        let about = self.about.as_ref().map(|about| format!(" {about}")).unwrap_or_default();
        format!("refusals{about}{}", named.collect::<String>())
    }
}

const REFUSAL: &[Column<Refusal>] = &[
    ("at", |it| time(it.at)),
    ("times", |it| it.times.to_string()),
    ("actor", |it| it.actor.clone()),
    ("via", |it| it.via.to_string().replace('_', " ")),
    ("wanted", |it| it.command.clone()),
    ("of", |it| it.about.map(|about| about.to_string()).unwrap_or_default()),
    ("which was", |it| it.status.clone().unwrap_or_default()),
    ("refused by", |it| it.rule.clone()),
    ("position", |it| it.position.to_string()),
];

/// Prints them.
pub async fn run(session: &Session, arguments: &Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    // What does not exist can have been asked for all the same.
    let about = match &arguments.about {
        None => None,
        Some(named) => Some(match named.parse::<StreamId>() {
            Ok(id) => id,
            Err(_) => session.order(named).await?.order.stream(),
        }),
    };
    let sought = Sought {
        actor: arguments.of.clone(),
        reseller: session.provenance.reseller,
        about,
        command: arguments.command.clone(),
        rule: arguments.rule.clone(),
        before: None,
    };
    let Found { refusals, not_recorded } =
        session.engine.refusals(&sought, arguments.limit.min(LIST_MAX)).await?;
    if not_recorded > 0 {
        output
            .remark(&format!("{not_recorded} refusals of any kind could not be recorded and are missing"))?;
    }
    Ok(output.list(&refusals, REFUSAL)?)
}

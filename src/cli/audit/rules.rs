//! `orderwire replay --rules`: every decision that would have been another under other rules.

use std::{fs, path::Path};

use super::{moment, plain};
use crate::{
    audit::{
        Moment,
        counterfactual::{self, Difference, Field, Would},
    },
    cli::{
        Failure, Output,
        output::{Column, time},
        session::Session,
    },
};

const DIFFERENCE: &[Column<Difference>] = &[
    ("position", |it| it.position.to_string()),
    ("decided at", |it| time(it.decided_at)),
    ("of", |it| it.order.as_ref().unwrap_or(&it.id).clone()),
    ("command", |it| it.command.clone()),
    ("event", |it| it.event.clone()),
    ("would have been", |it| would(&it.would)),
];

/// Prints what would have been decided otherwise.
pub(super) async fn run(
    session: &Session,
    file: &Path,
    (from, to): (Option<&str>, Option<&str>),
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    session.only_carrier("replaying under other rules")?;
    let text = fs::read_to_string(file).map_err(|source| Failure::File { file: file.to_owned(), source })?;
    let rules = counterfactual::rules(&text, session.engine.rules());
    let rules = rules.map_err(|error| Failure::from(error).in_file(file))?;
    let moment = |name, text: Option<&str>| text.map(|text| moment(name, text)).transpose();
    let from = moment("--from", from)?.unwrap_or(Moment::Position(0));
    let to = moment("--to", to)?;
    let found = counterfactual::counterfactual(&session.engine, rules, from, to).await?;
    let shown = found.differences.len();
    output.list_of(&[&found], &found.differences, DIFFERENCE)?;
    let more =
        if found.different > shown as u64 { format!(", of which {shown} are shown") } else { String::new() };
    output.remark(&format!(
        "{} events up to position {}: {} decisions decided again under {}, {} would have been others{more}",
        found.events, found.position, found.decided_again, found.rules, found.different
    ))?;
    Ok(())
}

/// What would have been, on one line.
fn would(would: &Would) -> String {
    let field = |Field { path, decided, would }: &Field| {
        let [decided, would] =
            [decided, would].map(|value| value.as_ref().map_or_else(|| "nothing".to_owned(), plain));
        format!("{} {would}, not {decided}", path.trim_start_matches('/').replace('/', "."))
    };
    match would {
        Would::Decide(fields) => fields.iter().map(field).collect::<Vec<_>>().join("; "),
        Would::Refuse(problems) => {
            let reasons = problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            format!("refused: {reasons}")
        }
        Would::LeadTo(event) => event.clone(),
        Would::FallDue { timer, at } => format!("{timer} due at {}", time(*at)),
        Would::HaveEnded { timer, at } => format!("too late: {timer} at {}", time(*at)),
    }
}

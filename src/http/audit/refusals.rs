//! Commands that rules refused, and to whom.

use orderwire_domain::ids::{ResellerId, StreamId};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    engine::{
        Actor,
        refusals::{Found, Refusal, Sought},
    },
    http::{
        answer::{Answer, Time},
        api::Api,
        auth::Access,
        openapi::tags,
        page,
        problem::Problem,
        request::Look,
        texts::{self, COMMAND_MAX},
        words,
    },
};

/// What can be asked for.
const PARAMETERS: [&str; 7] = ["actor", "reseller", "about", "command", "rule", "limit", "cursor"];

/// Adds the routes.
pub(super) fn routes(api: Api) -> Api {
    api.route(Access::Auditor, routes!(list))
}

/// Commands of one kind that a rule refused to one actor within a minute.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refusal)]
struct RefusalBody {
    /// When the first was refused.
    at: Time,
    /// When the last was.
    last_at: Time,
    /// How many there were.
    #[schema(minimum = 1, example = 1)]
    times: u64,
    /// An opaque id of whoever wanted it; of an API key its id.
    #[schema(example = "operator")]
    actor: String,
    /// How it was asked for.
    #[schema(value_type = words::Via)]
    via: &'static str,
    /// The id of the reseller that asked; null for the carrier itself.
    #[schema(value_type = Option<texts::ResellerId>)]
    reseller: Option<ResellerId>,
    /// What it was to be done to, as it was named; where it would have begun something new, what that would have belonged to.
    #[schema(value_type = Option<texts::ResourceId>)]
    about: Option<StreamId>,
    /// What was wanted.
    #[schema(value_type = texts::CommandName)]
    command: String,
    /// The rule that spoke against it, by its code.
    #[schema(value_type = texts::Code)]
    rule: String,
    /// How many reasons of this rule the first was given.
    #[schema(minimum = 1, example = 1)]
    reasons: u64,
    /// Where the resource was then; null where there was none for whoever asked.
    #[schema(example = "completed")]
    status: Option<String>,
    /// The position of the log's last event when the first was refused.
    #[schema(example = 1234)]
    position: u64,
    /// What ties the first to what else belongs to it.
    correlation: Option<String>,
}

/// A page of refusals.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Refusals)]
struct RefusalsBody {
    /// The newest first.
    items: Vec<RefusalBody>,
    /// The cursor of the next page; null on the last one.
    next: Option<String>,
    /// How many refusals of any kind are missing, because more came at once than could be written, or the store took none. An
    /// item of the actor `engine:refusals` says when.
    #[schema(example = 0)]
    not_recorded: u64,
}

/// List the commands that rules refused, the newest first.
///
/// Who wanted what of which thing, and which rule said no; nothing of what was typed. A command that several rules refused is an
/// item of each. The same within a minute is one item, with how often. Kept up to a bound, and never a part of the log.
#[utoipa::path(get, path = "/v1/audit/refusals", operation_id = "list_refusals", tag = tags::AUDIT,
    params(("actor" = Option<texts::ActorId>, Query, description = "Only what this actor was refused."),
        ("reseller" = Option<texts::ResellerId>, Query, description = "Only what this reseller was refused: its id."),
        ("about" = Option<texts::ResourceId>, Query, description = "Only what was to be done to this order, company, port request, number block, reseller or webhook."),
        ("command" = Option<texts::CommandName>, Query, description = "Only this command."),
        ("rule" = Option<texts::Code>, Query, description = "Only what this rule refused."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = RefusalsBody)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&PARAMETERS)?;
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let sought = Sought {
        actor: text(&look, "actor", "the id of an actor", |text| Actor::new(text).is_ok())?,
        reseller: id(&look, "reseller")?,
        about: id(&look, "about")?,
        command: text(&look, "command", "a command, such as order.submit", |text| {
            text.len() <= COMMAND_MAX
                && text.split_once('.').is_some_and(|(of, what)| {
                    !of.is_empty() && !what.is_empty() && of.chars().chain(what.chars()).all(word)
                })
        })?,
        rule: text(&look, "rule", "the code of a problem, such as not_permitted", |text| {
            (1..=texts::CODE_MAX).contains(&text.len()) && text.chars().all(word)
        })?,
        before: page::cursor(&look)?,
    };
    let limit = page::limit(&look)?;
    let Found { mut refusals, not_recorded } = look.app.engine.refusals(&sought, limit + 1).await?;
    let more = refusals.len() > limit;
    refusals.truncate(limit);
    let place = |last: &Refusal| page::opaque(&(last.at.timestamp_micros(), &last.id));
    let next = refusals.last().filter(|_| more).map(place);
    let items = refusals.into_iter().map(RefusalBody::from).collect();
    let body = RefusalsBody { items, next, not_recorded };
    Ok(Answer::ok(&body).linked(&look, "cursor", body.next.as_deref()))
}

fn id<T: std::str::FromStr>(look: &Look, name: &str) -> Result<Option<T>, Problem> {
    let wrong = || Problem::parameter(name, "id_malformed", "it is no id of this kind", "its id");
    look.text(name).map(|text| text.parse().map_err(|_| wrong())).transpose()
}

/// A text that may be one of this form.
fn text(
    look: &Look,
    name: &str,
    expected: &str,
    fits: impl Fn(&str) -> bool,
) -> Result<Option<String>, Problem> {
    let Some(text) = look.text(name) else { return Ok(None) };
    let wrong = || Problem::parameter(name, "text_malformed", "it cannot be one", expected);
    fits(text).then(|| Some(text.to_owned())).ok_or_else(wrong)
}

impl From<Refusal> for RefusalBody {
    fn from(refusal: Refusal) -> Self {
        let Refusal { at, last_at, times, actor, via, reseller, about, command, rule, .. } = refusal;
        let Refusal { reasons, status, position, correlation, .. } = refusal;
        Self {
            at: at.into(),
            last_at: last_at.into(),
            times,
            actor,
            via: via.into(),
            reseller,
            about,
            command,
            rule,
            reasons,
            status,
            position,
            correlation,
        }
    }
}

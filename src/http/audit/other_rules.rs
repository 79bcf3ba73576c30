//! What would have been decided under other rules.

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use utoipa_axum::routes;

use crate::{
    audit::{
        Moment,
        counterfactual::{self, Difference, Field, Would},
    },
    http::{
        answer::{Answer, Time},
        api::Api,
        auth::Access,
        openapi::tags,
        problem::{Fault, Problem},
        request::Call,
    },
};

/// Adds the routes.
pub(super) fn routes(api: Api) -> Api {
    api.question(Access::Auditor, routes!(ask))
}

/// Rules: the whole of them, or what is put in the place of those in force (RFC 7396).
#[derive(ToSchema)]
#[schema(as = OtherRules)]
#[expect(dead_code, reason = "the audit reads rules; this says to the reader of the API what they are")]
struct RulesBody {
    /// The dated lead-time tables, all of them.
    #[schema(value_type = Option<Vec<Object>>)]
    lead_times: Option<Value>,
    /// How long before its window a port can last be changed.
    #[schema(value_type = Option<Object>)]
    cut_off_hours: Option<Value>,
    /// How long a losing provider has to answer.
    #[schema(value_type = Option<Object>)]
    overdue_hours: Option<Value>,
    /// The bounds and periods.
    #[schema(value_type = Option<Object>)]
    limits: Option<Value>,
    /// The working days.
    #[schema(value_type = Option<Object>)]
    calendar: Option<Value>,
    /// The products.
    #[schema(value_type = Option<Object>)]
    catalogue: Option<Value>,
}

/// What would have been decided otherwise.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Counterfactual)]
struct AnswerBody {
    /// The version of the rules in question.
    rules: String,
    /// The last position that was read.
    position: u64,
    /// Events that were read.
    events: u64,
    /// How often something was decided again.
    decided_again: u64,
    /// How many of them would have been others.
    different: u64,
    /// Those, in the order of the log, up to 10,000.
    differences: Vec<DifferenceBody>,
}

/// Something that would have been decided otherwise.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CounterfactualDifference)]
struct DifferenceBody {
    /// The position of the event.
    position: u64,
    /// When it was decided.
    decided_at: Time,
    /// Whose event it is.
    id: String,
    /// The order it was decided for, where it is a port request's.
    order: Option<String>,
    /// An opaque id of whoever asked.
    actor: String,
    /// What was asked.
    command: String,
    /// What happened.
    event: String,
    /// The rules under which it did.
    rules: String,
    /// The same event with other values, where that is what would have been.
    values: Vec<FieldBody>,
    /// Why it would have been refused, where it would.
    refused: Vec<Fault>,
    /// The event that would have happened instead, where it is another.
    instead: Option<String>,
    /// The timer that would have been due at another time.
    #[schema(example = "qualification_expiry")]
    timer: Option<String>,
    /// When that would have been.
    timer_due: Option<Time>,
    /// Whether that timer would have been due before, so that this could not have happened.
    too_late: bool,
}

/// A value that would have been another.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CounterfactualValue)]
struct FieldBody {
    /// Where in the event it stands, as a JSON Pointer.
    path: String,
    /// What was decided.
    decided: Option<Value>,
    /// What would have been.
    would: Option<Value>,
}

/// Ask what would have been decided under other rules.
///
/// History is read again, and whatever a table or limit had a part in is decided once more. The body is a whole rules
/// document, or the part of one that differs from what is in force. A long log takes its time: the command line has no bound.
#[utoipa::path(post, path = "/v1/audit/counterfactual", operation_id = "audit_counterfactual", tag = tags::AUDIT,
    request_body(content = RulesBody, example = json!({ "limits": { "reservation_days": 21 } })),
    responses((status = 200, description = "Everything that would have been decided otherwise.", body = AnswerBody)))]
async fn ask(call: Call) -> Result<Answer, Problem> {
    let engine = &call.look.app.engine;
    let rules = counterfactual::rules(call.text(), engine.rules())?;
    let found = counterfactual::counterfactual(engine, rules, Moment::Position(0), None).await?;
    Ok(Answer::ok(&AnswerBody {
        rules: found.rules,
        position: found.position,
        events: found.events,
        decided_again: found.decided_again,
        different: found.different,
        differences: found.differences.into_iter().map(DifferenceBody::from).collect(),
    }))
}

impl From<Difference> for DifferenceBody {
    fn from(it: Difference) -> Self {
        let mut body = Self {
            position: it.position,
            decided_at: it.decided_at.into(),
            id: it.id,
            order: it.order,
            actor: it.actor,
            command: it.command,
            event: it.event,
            rules: it.rules,
            values: Vec::new(),
            refused: Vec::new(),
            instead: None,
            timer: None,
            timer_due: None,
            too_late: false,
        };
        match it.would {
            Would::Decide(fields) => {
                let field = |Field { path, decided, would }| FieldBody { path, decided, would };
                body.values = fields.into_iter().map(field).collect();
            }
            Would::Refuse(problems) => body.refused = problems.into_iter().map(Fault::from).collect(),
            Would::LeadTo(event) => body.instead = Some(event),
            Would::FallDue { timer, at } => (body.timer, body.timer_due) = (Some(timer), Some(at.into())),
            Would::HaveEnded { timer, at } => {
                (body.timer, body.timer_due) = (Some(timer), Some(at.into()));
                body.too_late = true;
            }
        }
        body
    }
}

//! What orders look like in JSON.

use orderwire_domain::views::order_status::{LineCounts, LineView, OrderView};
use serde::Serialize;
use utoipa::ToSchema;

use super::{answer::Time, problem::Fault, standing::Action};
use crate::edge::{self, history::Step};

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderBody {
    /// Its id.
    #[schema(example = "ord_01890a5d000070008000000000000001")]
    id: String,
    /// Whose it is.
    #[schema(example = "rsl_01890a5d000070008000000000000001")]
    reseller: String,
    /// The reseller's own reference.
    #[schema(example = "PO-2027-001")]
    reference: String,
    /// The service reference of the company that it is for.
    company: Option<String>,
    /// Where it is, by the lifecycle of orders.
    #[schema(example = "draft")]
    status: String,
    /// Its lines by status.
    lines: LinesBody,
    /// Why it was rejected.
    reasons: Vec<Fault>,
    /// By when the information must come, while it is pending.
    information_due: Option<Time>,
    /// The lines past their point of no return, where a cancellation was refused.
    past_no_return: Vec<u32>,
    /// When the draft was begun.
    created_at: Time,
    /// When it was submitted.
    submitted_at: Option<Time>,
    /// When it ended.
    ended_at: Option<Time>,
    /// When anything last happened to it.
    updated_at: Time,
}

/// How many lines are where.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineCounts)]
pub struct LinesBody {
    total: u32,
    waiting: u32,
    in_progress: u32,
    held: u32,
    completed: u32,
    failed: u32,
    cancelled: u32,
}

/// A line of an order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Line)]
pub struct LineBody {
    /// Its number, from 1, in the order of the document.
    line: u32,
    /// What kind of thing it asks for.
    #[schema(example = "site")]
    kind: String,
    /// How far it is: `waiting`, `in_progress`, `held`, `completed`, `failed` or `cancelled`.
    #[schema(example = "waiting")]
    status: String,
    /// The last milestone it reached.
    milestone: Option<String>,
    /// Why it failed.
    failure: Option<FailureBody>,
    /// The line it hung on, where that ended first.
    because_of: Option<u32>,
    /// The service id of what it makes.
    asset: Option<String>,
    /// The port request of a port line.
    port_request: Option<String>,
    /// How many numbers it asks for, where it says.
    numbers_asked: Option<u32>,
    /// How many numbers are committed to it or being ported for it.
    numbers: u32,
    /// When anything last happened to it.
    updated_at: Time,
}

/// Why a line failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LineFailure)]
pub struct FailureBody {
    /// A stable word.
    code: String,
    /// What happened.
    detail: String,
}

/// What may be asked of something now.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Actions)]
pub struct ActionsBody {
    /// Where it is.
    #[schema(example = "draft")]
    pub status: String,
    /// Everything that could be asked of it.
    pub actions: Vec<ActionBody>,
}

/// One thing that could be asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Action)]
pub struct ActionBody {
    /// Its name.
    #[schema(example = "submit")]
    action: String,
    /// Whether it can be asked for now. The rules may still refuse it.
    open: bool,
    /// Why not, where it cannot.
    why: Option<String>,
}

/// One event, as it happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Step)]
pub struct StepBody {
    /// Where it is in the log.
    position: u64,
    /// Its number in the history of this resource.
    sequence: u64,
    /// When it was recorded.
    recorded_at: Time,
    /// An opaque id of whoever wanted it.
    actor: String,
    /// What was asked.
    command: String,
    /// What happened.
    #[schema(example = "OrderSubmitted")]
    event: String,
    /// Why it was asked.
    reason: Option<String>,
    /// The rules by which it was decided.
    rules: String,
    /// What caused it: a position of the log.
    causation: Option<String>,
    /// What ties it to what else belongs to it.
    correlation: Option<String>,
    /// The event's own fields.
    #[schema(value_type = Object)]
    detail: serde_json::Value,
}

/// An order document.
#[derive(ToSchema)]
#[expect(
    dead_code,
    reason = "the edge reads order documents; this says to the reader of the API what they are"
)]
pub struct NewOrder {
    /// The reseller's own reference of it.
    #[schema(max_length = 80)]
    reference: String,
    /// The code of the reseller; only where the carrier asks.
    reseller: Option<String>,
    /// For which company; a port of numbers may name none.
    company: Option<OrderCompany>,
    /// Its lines.
    #[schema(min_items = 0, max_items = 10_000)]
    lines: Vec<NewLine>,
}

/// The company of an order: a new one by name and domain, one of the reseller's by service reference or domain.
#[derive(ToSchema)]
#[expect(dead_code, reason = "as above")]
pub struct OrderCompany {
    /// The service reference of a company that the reseller has.
    service_reference: Option<String>,
    /// The internet domain; with a name, of a new company.
    domain: Option<String>,
    /// The name of a new company.
    name: Option<String>,
}

/// A line of an order document; its further fields depend on its kind, see docs/command-line.md.
#[derive(ToSchema)]
#[expect(dead_code, reason = "as above")]
struct NewLine {
    /// What it asks for: `company`, `emergency_details`, `numbers`, `port`, `site`, `user`, `add_on`, `device`, `pbx` or
    /// `trunk`.
    kind: String,
    /// The reseller's own name of it, by which other lines of the document refer to it.
    #[schema(max_length = 80)]
    id: String,
}

/// What a line asks for; its further fields depend on its kind, see docs/command-line.md.
#[derive(ToSchema)]
#[schema(as = LineRequest)]
#[expect(dead_code, reason = "as above")]
pub struct LineRequestBody {
    /// What it asks for: `company`, `emergency_details`, `numbers`, `port`, `site`, `user`, `add_on`, `device`, `pbx` or
    /// `trunk`.
    kind: String,
}

impl From<OrderView> for OrderBody {
    fn from(view: OrderView) -> Self {
        Self {
            id: view.order.to_string(),
            reseller: view.reseller.to_string(),
            reference: view.reference.to_string(),
            company: view.company.map(|company| company.to_string()),
            status: view.status.to_string(),
            lines: view.lines.into(),
            reasons: view.reasons.into_iter().map(|reason| edge::Problem::from(reason).into()).collect(),
            information_due: view.information_due.map(Time),
            past_no_return: view.past_no_return.into_iter().map(|line| line.0).collect(),
            created_at: view.created_at.into(),
            submitted_at: view.submitted_at.map(Time),
            ended_at: view.ended_at.map(Time),
            updated_at: view.updated_at.into(),
        }
    }
}

impl From<LineCounts> for LinesBody {
    fn from(counts: LineCounts) -> Self {
        let LineCounts { total, waiting, in_progress, held, completed, failed, cancelled } = counts;
        Self { total, waiting, in_progress, held, completed, failed, cancelled }
    }
}

impl From<LineView> for LineBody {
    fn from(view: LineView) -> Self {
        Self {
            line: view.line.0,
            kind: view.kind.to_string(),
            status: view.status.to_string(),
            milestone: view.milestone.map(|milestone| <&str>::from(milestone).to_owned()),
            failure: view.failure.map(|failure| FailureBody { code: failure.code, detail: failure.detail }),
            because_of: view.because_of.map(|line| line.0),
            asset: view.asset.map(|asset| asset.to_string()),
            port_request: view.port_request.map(|port| port.to_string()),
            numbers_asked: view.numbers_asked,
            numbers: view.numbers,
            updated_at: view.updated_at.into(),
        }
    }
}

impl ActionBody {
    /// An action of a thing that is in this status.
    pub fn of(action: &Action, what: &str, status: &str) -> Self {
        let why = (!action.open).then(|| {
            format!("the {what} is {status}, and this is only asked while it is {}", action.from.join(", "))
        });
        Self { action: action.name.to_owned(), open: action.open, why }
    }
}

impl From<Step> for StepBody {
    fn from(step: Step) -> Self {
        Self {
            position: step.position,
            sequence: step.sequence,
            recorded_at: step.recorded_at.into(),
            actor: step.actor,
            command: step.command,
            event: step.event,
            reason: step.reason,
            rules: step.rules,
            causation: step.causation,
            correlation: step.correlation,
            detail: step.detail,
        }
    }
}

//! What orders look like in JSON.

use orderwire_domain::{
    order::Order,
    views::order_status::{LineCounts, LineView, OrderStage, OrderView},
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{
    answer::Time,
    line_requests,
    line_schemas::{LineRequest, NewLine},
    problem::Fault,
    request::Look,
    texts, words,
};
use crate::{
    edge::{
        self,
        history::{Step, seen},
    },
    engine::Error,
};

/// An order.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Order)]
pub struct OrderBody {
    /// Its id.
    #[schema(value_type = texts::OrderId)]
    id: String,
    /// Whose it is.
    #[schema(value_type = texts::ResellerId)]
    reseller: String,
    /// The reseller's own reference.
    #[schema(value_type = texts::OrderReference)]
    reference: String,
    /// The service reference of the company that it is for.
    #[schema(value_type = Option<texts::CompanyId>)]
    company: Option<String>,
    /// Where it is, by the lifecycle of orders.
    #[schema(value_type = words::OrderStatus)]
    status: String,
    /// Its lines by status.
    lines: LinesBody,
    /// Why it was rejected.
    reasons: Vec<Fault>,
    /// By when the information must come, while it is pending.
    information_due: Option<Time>,
    /// What that information is, while it is pending; absent otherwise, and in notices.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "which floor?")]
    information_question: Option<String>,
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
    #[schema(value_type = words::LineKind)]
    kind: String,
    /// What it asks for, as `PATCH` takes it: other lines by their numbers, what the company has by its service id. Absent
    /// where the draft was discarded, and in notices.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<LineRequest>)]
    request: Option<serde_json::Value>,
    /// How far it is: `waiting`, `in_progress`, `held`, `completed`, `failed` or `cancelled`.
    #[schema(value_type = words::LineStatus)]
    status: String,
    /// The last milestone it reached.
    #[schema(value_type = Option<words::Milestone>)]
    milestone: Option<String>,
    /// Why it failed.
    failure: Option<FailureBody>,
    /// The line it hung on, where that ended first.
    because_of: Option<u32>,
    /// The service id of what it makes.
    #[schema(value_type = Option<texts::AssetId>)]
    asset: Option<String>,
    /// The port request of a port line.
    #[schema(value_type = Option<texts::PortRequestId>)]
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
    #[schema(value_type = texts::OrderReference)]
    reference: String,
    /// The code of the reseller; only where the carrier asks.
    #[schema(value_type = Option<texts::ResellerCode>)]
    reseller: Option<String>,
    /// For which company; a port of numbers may name none.
    company: Option<OrderCompany>,
    /// Its lines.
    #[schema(max_items = 10_000)]
    lines: Vec<NewLine>,
}

/// The company of an order: one that the reseller has, by its service reference or domain, or a new one by name and domain.
#[derive(ToSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "as above")]
pub enum OrderCompany {
    Known(CompanyByReference),
    Named(CompanyByDomain),
}

/// A company that the reseller has.
#[derive(ToSchema)]
#[expect(dead_code, reason = "as above")]
pub struct CompanyByReference {
    /// Its service reference.
    #[schema(value_type = texts::CompanyId)]
    service_reference: String,
}

/// A company that the reseller has, or a new one.
#[derive(ToSchema)]
#[expect(dead_code, reason = "as above")]
pub struct CompanyByDomain {
    /// Its internet domain.
    #[schema(value_type = texts::Domain)]
    domain: String,
    /// The name of a new company, which is qualified with the order.
    #[schema(value_type = Option<texts::CompanyName>)]
    name: Option<String>,
}

impl OrderBody {
    /// An order for whoever asks, with the question that is open.
    pub async fn of(look: &Look, view: OrderView) -> Result<Self, Error> {
        let engine = &look.app.engine;
        let mut information_question = None;
        if view.status == OrderStage::Pending {
            let (_, order) = engine.load::<Order>(view.order).await?;
            if let Some(question) = order.information_question() {
                let seen = seen(engine, json!(question), look.caller.sight()).await?;
                information_question = seen.as_str().map(str::to_owned);
            }
        }
        Ok(Self { information_question, ..Self::from(view) })
    }
}

impl LineBody {
    /// A line of an order for whoever asks, with what it asks for.
    pub async fn of(look: &Look, order: &Order, view: LineView) -> Result<Self, Error> {
        let request = match order.line(view.line) {
            Some(line) => {
                Some(line_requests::shown(&look.app.engine, &line.request, look.caller.sight()).await?)
            }
            None => None,
        };
        Ok(Self { request, ..Self::from(view) })
    }
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
            information_question: None,
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
            request: None,
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

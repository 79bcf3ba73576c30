//! What port requests look like in JSON, and what may be said of them.
//!
//! Where one port request is shown, so is what the losing provider was told of it, with personal data opened for whoever may
//! see it. Deliberately absent: the same in lists and notices.

use orderwire_domain::{
    calendar::PortWindow,
    number::NumberSet,
    port_request::PortRequest,
    sealed::Sealed,
    views::port_diary::{PortStep, PortView, RejectionView},
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{answer::Time, request::Look, texts, words};
use crate::{
    edge::{history::seen, lines, reader::Spot},
    engine::Error,
};

/// A port request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PortRequest)]
pub struct PortBody {
    /// Its id.
    #[schema(value_type = texts::PortRequestId)]
    id: String,
    /// Whose it is.
    #[schema(value_type = texts::ResellerId)]
    reseller: String,
    /// The order that wants it.
    #[schema(value_type = texts::OrderId)]
    order: String,
    /// Its line.
    line: u32,
    /// The service reference of the company that the numbers are for, once there is one.
    #[schema(value_type = Option<texts::CompanyId>)]
    company: Option<String>,
    /// Whether the numbers belong to that company, though they may not work yet.
    allocated: bool,
    /// Where it is, by the lifecycle of port requests.
    #[schema(value_type = words::PortStatus)]
    status: String,
    /// `provide`, or `subsequent` where the range holder must accept too.
    #[schema(value_type = words::PortRoute)]
    route: String,
    /// `single_line` or `multi_line`.
    #[schema(value_type = words::PortClass)]
    class: String,
    /// The number, or the main billing number.
    #[schema(value_type = texts::TelephoneNumber)]
    main_number: String,
    /// How many numbers it is about.
    numbers: u32,
    /// How many of them work here.
    live: u32,
    /// The CUPID of whoever has the numbers.
    #[schema(value_type = texts::Cupid)]
    losing_provider: String,
    /// The CUPID of whoever Ofcom allocated them to.
    #[schema(value_type = texts::Cupid)]
    range_holder: String,
    /// When the numbers move, or are to move.
    window: WindowBody,
    /// Another window that was asked for or proposed.
    other_window: Option<WindowBody>,
    /// Which attempt this is, from 1.
    attempt: u32,
    /// What the last rejection said.
    rejection: Option<RejectionBody>,
    /// What is in danger: `answer_overdue` or `network_silent`.
    #[schema(value_type = Option<words::Jeopardy>)]
    jeopardy: Option<String>,
    /// When something of it is due next.
    next_due: Option<Time>,
    /// Until when the numbers can be moved back in an emergency.
    restorable_until: Option<Time>,
    /// When anything last happened to it.
    updated_at: Time,
    /// Its last steps, oldest first.
    timeline: Vec<PortStepBody>,
    /// Its numbers, and what the losing provider is told; absent in lists, notices and answers to messages.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<PortDetailsBody>,
}

/// The numbers of a port request, and what the losing provider is told beside them. Numbers are ranges, or single ones.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PortDetails)]
pub struct PortDetailsBody {
    /// Every number that it asks for.
    #[schema(example = json!(["+442079460123", "+442079460130-+442079460132"]))]
    numbers: Vec<String>,
    /// Those of them that work here, and that nobody gave back.
    live: Vec<String>,
    /// Those that their users gave back since; they are kept until none of the others is used any more.
    kept: Vec<String>,
    /// Those that went back to the losing provider, or to the range holder.
    returned: Vec<String>,
    /// The postcode, as the losing provider knows it.
    #[schema(value_type = texts::Postcode)]
    postcode: String,
    /// The account at the losing provider.
    #[schema(example = "AC-55871")]
    account: String,
    /// Who signed the letter of authority.
    #[schema(example = "Rosalind Finch")]
    signatory: String,
    /// The working day from which the lead time counts.
    #[schema(value_type = texts::Day)]
    day_zero: String,
}

/// A date with two times of day.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Window)]
pub struct WindowBody {
    /// The day.
    #[schema(value_type = texts::Day)]
    date: String,
    /// When it opens, by the clocks of the zone.
    #[schema(value_type = texts::TimeOfDay)]
    from: String,
    /// When it closes.
    #[schema(value_type = texts::TimeOfDay)]
    to: String,
    /// The zone of date and times.
    #[schema(example = "Europe/London")]
    zone: &'static str,
    /// The instant at which it opens.
    opens_at: Time,
    /// The instant at which it closes.
    closes_at: Time,
}

/// Why a port request was refused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PortRejection)]
pub struct RejectionBody {
    /// By whom: `lcp` or `rh`.
    #[schema(value_type = words::Supplier)]
    by: String,
    /// Every reason.
    reasons: Vec<RejectionReasonBody>,
}

/// One reason of a rejection.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PortRejectionReason)]
pub struct RejectionReasonBody {
    /// A stable word.
    #[schema(value_type = words::PortReason)]
    reason: String,
    /// The industry's code, where one is published.
    code: Option<String>,
    /// What it means.
    detail: String,
    /// Who must act: `reseller`, `gaining_provider`, `losing_provider` or `range_holder`.
    #[schema(value_type = words::MustAct)]
    must_act: String,
}

/// One step of a port request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PortStep)]
pub struct PortStepBody {
    /// Its position in the log.
    position: u64,
    /// When it was recorded.
    at: Time,
    /// What happened.
    #[schema(example = "LcpAccepted")]
    event: String,
}

/// A date with two times of day, in London.
#[derive(ToSchema)]
#[schema(as = NewWindow)]
#[expect(dead_code, reason = "the edge reads windows; this says to the reader of the API what they are")]
pub struct NewWindow {
    /// The day.
    #[schema(value_type = texts::Day)]
    date: String,
    /// When it opens.
    #[schema(value_type = texts::TimeOfDay)]
    from: String,
    /// When it closes.
    #[schema(value_type = texts::TimeOfDay)]
    to: String,
}

/// A window that somebody asks for.
#[derive(ToSchema)]
#[schema(as = WindowRequest)]
pub struct WindowRequest {
    /// When the numbers should move.
    #[schema(value_type = NewWindow)]
    pub window: PortWindow,
}

impl WindowRequest {
    /// Reads it from a body.
    pub fn read(spot: &Spot<'_>) -> Option<Self> {
        spot.object(|fields| Some(Self { window: fields.required("window", |it| lines::window(&it))? }))
    }
}

impl From<&PortWindow> for WindowBody {
    fn from(window: &PortWindow) -> Self {
        Self {
            date: window.date().to_string(),
            from: window.from().format("%H:%M").to_string(),
            to: window.to().format("%H:%M").to_string(),
            zone: "Europe/London",
            opens_at: window.opens_at().into(),
            closes_at: window.closes_at().into(),
        }
    }
}

impl From<RejectionView> for RejectionBody {
    fn from(view: RejectionView) -> Self {
        let reasons = view.reasons.into_iter().map(|it| RejectionReasonBody {
            reason: it.reason.to_string(),
            detail: it.reason.detail().to_owned(),
            code: it.code,
            must_act: it.must_act.to_string(),
        });
        Self { by: view.by.to_string(), reasons: reasons.collect() }
    }
}

impl From<PortStep> for PortStepBody {
    fn from(step: PortStep) -> Self {
        Self { position: step.position, at: step.at.into(), event: step.event }
    }
}

impl From<PortView> for PortBody {
    fn from(view: PortView) -> Self {
        Self {
            id: view.port_request.to_string(),
            reseller: view.reseller.to_string(),
            order: view.order.to_string(),
            line: view.line.0,
            company: view.company.map(|company| company.to_string()),
            allocated: view.allocated,
            status: view.status.to_string(),
            route: view.route.to_string(),
            class: view.class.to_string(),
            main_number: view.main_number.to_string(),
            numbers: view.numbers,
            live: view.live,
            losing_provider: view.losing_provider.to_string(),
            range_holder: view.range_holder.to_string(),
            window: (&view.window).into(),
            other_window: view.other_window.as_ref().map(WindowBody::from),
            attempt: view.attempt,
            rejection: view.rejection.map(RejectionBody::from),
            jeopardy: view.jeopardy.map(|jeopardy| jeopardy.to_string()),
            next_due: view.next_due.map(Time),
            restorable_until: view.restorable_until.map(Time),
            updated_at: view.updated_at.into(),
            timeline: view.timeline.into_iter().map(PortStepBody::from).collect(),
            details: None,
        }
    }
}

impl PortBody {
    /// A port request by itself, for whoever asks.
    pub async fn of(look: &Look, view: PortView) -> Result<Self, Error> {
        let engine = &look.app.engine;
        let (_, port) = engine.load::<PortRequest>(view.port_request).await?;
        let mut body = Self::from(view);
        if let Some(told) = port.details() {
            let opened = async |sealed: &Sealed| {
                let seen = seen(engine, json!(sealed), look.caller.sight()).await?;
                Ok::<_, Error>(seen.as_str().unwrap_or_default().to_owned())
            };
            body.details = Some(PortDetailsBody {
                numbers: ranges(&port.numbers()),
                live: ranges(&port.live_numbers()),
                kept: ranges(&port.kept_numbers()),
                returned: ranges(&port.returned_numbers()),
                postcode: told.postcode.to_string(),
                account: opened(&told.account).await?,
                signatory: opened(&told.signatory).await?,
                day_zero: told.day_zero.to_string(),
            });
        }
        Ok(body)
    }
}

fn ranges(numbers: &NumberSet) -> Vec<String> {
    numbers.runs().map(|run| run.to_string()).collect()
}

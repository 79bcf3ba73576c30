//! Where every port request is in its conversation, what is due next, and what is in danger.
//!
//! Absent: postcode, account and signatory, which only the losing provider needs, and the supplier's own words.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

use super::{
    fold::{Fault, broken, require, save},
    table::{Record, Rows, Table, Value, integer, text},
};
use crate::{
    calendar::PortWindow,
    fact::{Fact, Happened},
    ids::{CompanyId, OrderId, PortRequestId, ResellerId},
    lead_time::{PortClass, PortRoute},
    names::Cupid,
    number::TelephoneNumber,
    order::line::LineNumber,
    port_request::{
        events::{PortDetails, PortDraft, PortEvent, Supplier},
        reason::{MustAct, PortRejection},
    },
};

/// Most steps of a request that its row remembers; its stream has all of them.
pub const PORT_TIMELINE_MAX: usize = 50;

/// One row per port request; its parent is the order. The indexes answer: a reseller's requests, those of a status that
/// no company has yet, a company's requests, what is due, and what is in jeopardy.
pub static PORT_DIARY: Table = Table {
    name: "port_diary",
    columns: &[
        text("reseller"),
        text("company"),
        text("status"),
        integer("unallocated"),
        text("jeopardy"),
        integer("next_due"),
        integer("updated_at"),
    ],
    indexes: &[
        &["reseller"],
        &["reseller", "status", "unallocated"],
        &["reseller", "updated_at"],
        &["reseller", "status", "unallocated", "updated_at"],
        &["company", "updated_at"],
        &["status", "next_due"],
        &["jeopardy", "updated_at"],
    ],
};

/// Where a port request is, as its events tell.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the words of the port request's lifecycle, which says what each means")]
pub enum PortStage {
    Draft,
    AwaitingLcp,
    AwaitingRh,
    AwaitingDateAgreement,
    Rejected,
    Accepted,
    DateChangePending,
    ReadyToActivate,
    Activating,
    PartiallyPorted,
    Lapsed,
    Ported,
    Cancelled,
    Withdrawn,
    TimedOut,
    Restored,
    Returned,
}

impl PortStage {
    /// Whether nobody waits for the numbers any more.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Withdrawn | Self::TimedOut | Self::Restored | Self::Returned)
    }
}

/// Why a port may not come about in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Jeopardy {
    /// The losing provider has not answered in time.
    AnswerOverdue,
    /// The network has not answered in time.
    NetworkSilent,
}

/// A port request as queries and notices show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortView {
    /// Which.
    pub port_request: PortRequestId,
    /// Whose.
    pub reseller: ResellerId,
    /// The order that wants it.
    pub order: OrderId,
    /// Its line.
    pub line: LineNumber,
    /// The company that the numbers belong to once they are allocated.
    pub company: Option<CompanyId>,
    /// Whether they are allocated.
    pub allocated: bool,
    /// Where it is.
    pub status: PortStage,
    /// Where it goes if a date change is refused.
    pub date_change_from: Option<PortStage>,
    /// Whether the range holder must accept too.
    pub route: PortRoute,
    /// Single or multi line.
    pub class: PortClass,
    /// The number, or the main billing number.
    pub main_number: TelephoneNumber,
    /// How many numbers it is about.
    pub numbers: u32,
    /// How many of them work here.
    pub live: u32,
    /// Who has them.
    pub losing_provider: Cupid,
    /// To whom Ofcom allocated them.
    pub range_holder: Cupid,
    /// When they move, or are to move.
    pub window: PortWindow,
    /// Another date that was asked for or proposed.
    pub other_window: Option<PortWindow>,
    /// Which attempt this is.
    pub attempt: u32,
    /// What the last rejection said.
    pub rejection: Option<RejectionView>,
    /// What is in danger.
    pub jeopardy: Option<Jeopardy>,
    /// When the next timer of it is due.
    pub next_due: Option<DateTime<Utc>>,
    /// When it is given up unless it is answered, while it is with the losing provider.
    pub given_up_at: Option<DateTime<Utc>>,
    /// Until when an emergency restore is possible.
    pub restorable_until: Option<DateTime<Utc>>,
    /// When anything last happened to it.
    pub updated_at: DateTime<Utc>,
    /// The position of that event.
    pub position: u64,
    /// The last steps, oldest first.
    pub timeline: Vec<PortStep>,
}

/// A rejection, with who must act on each reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectionView {
    /// Who refused.
    pub by: Supplier,
    /// Why.
    pub reasons: Vec<RejectionReason>,
}

/// One reason of a rejection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectionReason {
    /// The slug.
    pub reason: PortRejection,
    /// The industry's code, where one is published.
    pub code: Option<String>,
    /// Who must act.
    pub must_act: MustAct,
}

/// One step of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortStep {
    /// The event's position.
    pub position: u64,
    /// When it was recorded.
    pub at: DateTime<Utc>,
    /// The event's type.
    pub event: String,
}

impl Record for PortView {
    const TABLE: &'static Table = &PORT_DIARY;

    fn key(&self) -> String {
        self.port_request.to_string()
    }

    fn parent(&self) -> String {
        self.order.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let jeopardy: Option<&str> = self.jeopardy.map(Into::into);
        vec![
            self.reseller.to_string().into(),
            self.company.map(|company| company.to_string()).into(),
            <&str>::from(self.status).into(),
            i64::from(!self.allocated).into(),
            jeopardy.into(),
            self.next_due.map(|due| due.timestamp_micros()).into(),
            self.updated_at.timestamp_micros().into(),
        ]
    }
}

/// Folds one event into port requests.
pub fn fold(rows: &mut dyn Rows, fact: &Fact) -> Result<(), Fault> {
    let Happened::PortRequest(id, event) = &fact.happened else { return Ok(()) };
    let mut port = match event {
        PortEvent::PortDrafted(draft) => begun(fact, *id, draft),
        _ => require::<PortView>(rows, &id.to_string())?,
    };
    port.converse(event)?;
    port.move_numbers(event);
    if port.timeline.len() == PORT_TIMELINE_MAX {
        port.timeline.remove(0);
    }
    let event = fact.happened.name().to_owned();
    port.timeline.push(PortStep { position: fact.position, at: fact.recorded_at, event });
    port.updated_at = fact.recorded_at;
    port.position = fact.position;
    save(rows, port);
    Ok(())
}

fn begun(fact: &Fact, port_request: PortRequestId, draft: &PortDraft) -> PortView {
    let details = &draft.details;
    PortView {
        port_request,
        reseller: draft.reseller,
        order: draft.order,
        line: draft.line,
        company: draft.company,
        allocated: false,
        status: PortStage::Draft,
        date_change_from: None,
        route: details.route,
        class: details.shape.class,
        main_number: details.main_number,
        numbers: details.shape.numbers,
        live: 0,
        losing_provider: details.losing_provider.clone(),
        range_holder: details.range_holder.clone(),
        window: details.window,
        other_window: None,
        attempt: 1,
        rejection: None,
        jeopardy: None,
        next_due: None,
        given_up_at: None,
        restorable_until: None,
        updated_at: fact.recorded_at,
        position: fact.position,
        timeline: Vec::new(),
    }
}

impl PortView {
    fn to(&mut self, status: PortStage, next_due: Option<DateTime<Utc>>) {
        self.status = status;
        self.next_due = next_due;
        self.given_up_at = None;
        self.jeopardy = None;
    }

    /// Accepted by everybody it needs, or not yet by the range holder.
    fn accepted(&mut self, window: PortWindow, given_up_at: Option<DateTime<Utc>>) {
        self.window = window;
        self.other_window = None;
        match given_up_at {
            Some(given_up_at) => self.to(PortStage::AwaitingRh, Some(given_up_at)),
            None => self.to(PortStage::Accepted, Some(window.opens_at())),
        }
    }

    /// The part of the conversation up to the window.
    fn converse(&mut self, event: &PortEvent) -> Result<(), Fault> {
        match event {
            PortEvent::PortSubmitted { overdue_at, given_up_at } => {
                self.to(PortStage::AwaitingLcp, Some(*overdue_at));
                self.given_up_at = Some(*given_up_at);
            }
            PortEvent::LcpAccepted { window, given_up_at, .. }
            | PortEvent::DateAgreed { window, given_up_at } => self.accepted(*window, *given_up_at),
            PortEvent::LcpAcceptedAsComplex { proposed, given_up_at, .. }
            | PortEvent::EarlierDateProposed { proposed, given_up_at, .. } => {
                self.other_window = Some(*proposed);
                self.to(PortStage::AwaitingDateAgreement, Some(*given_up_at));
            }
            PortEvent::RhAccepted { .. } => {
                self.to(PortStage::Accepted, Some(self.window.opens_at()));
            }
            PortEvent::PortRejected { by, reasons, given_up_at, .. } => {
                let reasons = reasons.iter().map(|reason| rejection_reason(*reason)).collect();
                self.rejection = Some(RejectionView { by: *by, reasons });
                self.to(PortStage::Rejected, Some(*given_up_at));
            }
            PortEvent::PortOverdue => {
                self.jeopardy = Some(Jeopardy::AnswerOverdue);
                self.next_due = self.given_up_at;
            }
            PortEvent::PortRepresented { details, attempt, overdue_at, given_up_at } => {
                self.present_again(details);
                self.attempt = *attempt;
                self.to(PortStage::AwaitingLcp, Some(*overdue_at));
                self.given_up_at = Some(*given_up_at);
            }
            PortEvent::DateChangeRequested { window, given_up_at, .. } => {
                self.date_change_from = Some(self.status);
                self.other_window = Some(*window);
                self.status = PortStage::DateChangePending;
                // A lapsed request has no old window to wait for: what is due next is its own end.
                self.next_due = given_up_at.or(self.next_due);
            }
            PortEvent::DateChangeAccepted { window, .. } => {
                self.date_change_from = None;
                self.accepted(*window, None);
            }
            PortEvent::DateChangeRefused { .. } => {
                let back = self.date_change_from.take();
                self.status = back.ok_or_else(|| broken("a date change is refused that nobody asked for"))?;
                self.other_window = None;
            }
            PortEvent::DateChangeLapsed | PortEvent::WindowOpened => {
                self.date_change_from = None;
                self.other_window = None;
                self.to(PortStage::ReadyToActivate, Some(self.window.closes_at()));
            }
            PortEvent::WindowClosed { given_up_at } => self.to(PortStage::Lapsed, Some(*given_up_at)),
            PortEvent::PortTimedOut { .. } => self.to(PortStage::TimedOut, None),
            PortEvent::PortWithdrawn { .. } => self.to(PortStage::Withdrawn, None),
            PortEvent::PortCancelled { .. } => self.to(PortStage::Cancelled, None),
            _ => {}
        }
        Ok(())
    }

    /// The part from the window on, and to whom the numbers belong.
    fn move_numbers(&mut self, event: &PortEvent) {
        match event {
            PortEvent::PortAllocated { company } => {
                self.company = Some(*company);
                self.allocated = true;
            }
            PortEvent::ActivationRequested { overdue_at } => {
                self.to(PortStage::Activating, Some(*overdue_at));
            }
            PortEvent::NetworkOverdue => {
                self.jeopardy = Some(Jeopardy::NetworkSilent);
                self.next_due = None;
            }
            PortEvent::PortCompleted { live, restorable_until, .. } => {
                self.live = len(live);
                self.restorable_until = Some(*restorable_until);
                self.to(PortStage::Ported, None);
            }
            PortEvent::PortPartlyCompleted { failed, .. } => {
                // What works grows with every attempt; what does not is always told in full.
                self.live = self.numbers.saturating_sub(len(failed));
                self.to(PortStage::PartiallyPorted, None);
            }
            PortEvent::ActivationFailed { given_up_at, .. } => match given_up_at {
                Some(given_up_at) => self.to(PortStage::Lapsed, Some(*given_up_at)),
                None => self.to(PortStage::ReadyToActivate, Some(self.window.closes_at())),
            },
            PortEvent::PortedNumbersCeased { numbers } => {
                self.live = self.live.saturating_sub(len(numbers));
            }
            PortEvent::PortRestored { .. } => {
                self.live = 0;
                self.to(PortStage::Restored, None);
            }
            PortEvent::PortReturned { .. } => {
                self.live = 0;
                self.to(PortStage::Returned, None);
            }
            _ => {}
        }
    }

    fn present_again(&mut self, details: &PortDetails) {
        self.class = details.shape.class;
        self.route = details.route;
        self.main_number = details.main_number;
        self.losing_provider = details.losing_provider.clone();
        self.range_holder = details.range_holder.clone();
        self.window = details.window;
        self.other_window = None;
    }
}

fn rejection_reason(reason: PortRejection) -> RejectionReason {
    RejectionReason { reason, code: reason.industry_code().map(str::to_owned), must_act: reason.must_act() }
}

fn len(numbers: &crate::number::NumberSet) -> u32 {
    u32::try_from(numbers.len()).unwrap_or(u32::MAX)
}

//! The rows of orders and their lines.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

use super::super::{
    fold::{Fault, broken},
    table::{Record, Table, Value, integer, text},
};
use crate::{
    ids::{AssetId, CompanyId, OrderId, PortRequestId, ResellerId},
    names::OrderReference,
    order::line::{LineFailure, LineKind, LineNumber, LineStatus, Milestone},
    refusal::Reason,
};

/// One row per order. The indexes answer: a reseller's orders, newest first, of any or one status; its order of a
/// reference; a company's orders; what has been in a status longest.
pub static ORDER_STATUS: Table = Table {
    name: "order_status",
    columns: &[
        text("reseller"),
        text("company"),
        text("reference"),
        text("status"),
        integer("created_at"),
        integer("updated_at"),
        integer("position"),
    ],
    indexes: &[
        &["reseller", "created_at"],
        &["reseller", "status", "created_at"],
        &["reseller", "reference"],
        &["company", "created_at"],
        &["status", "updated_at"],
    ],
};

/// One row per line; its parent is the order. The index answers what waits for an outside system, longest first.
pub static ORDER_LINE: Table = Table {
    name: "order_line",
    columns: &[text("status"), text("kind"), integer("updated_at")],
    indexes: &[&["status", "kind", "updated_at"]],
};

/// Where an order is, as its events tell.
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
#[expect(missing_docs, reason = "the words of the order's lifecycle, which says what each means")]
pub enum OrderStage {
    Draft,
    Submitted,
    Acknowledged,
    InProgress,
    Pending,
    Held,
    AssessingCancellation,
    PendingCancellation,
    Rejected,
    Completed,
    Partial,
    Failed,
    Cancelled,
    Discarded,
}

impl OrderStage {
    /// Whether the order has ended.
    pub fn is_terminal(self) -> bool {
        matches!(
            self,
            Self::Rejected
                | Self::Completed
                | Self::Partial
                | Self::Failed
                | Self::Cancelled
                | Self::Discarded
        )
    }
}

/// An order as queries and notices show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// Which.
    pub order: OrderId,
    /// Whose.
    pub reseller: ResellerId,
    /// For which company.
    pub company: Option<CompanyId>,
    /// The reseller's own reference.
    pub reference: OrderReference,
    /// Where it is.
    pub status: OrderStage,
    /// Where it goes when the information has come.
    pub pending_from: Option<OrderStage>,
    /// Where it goes when the cancellation is refused.
    pub assessed_from: Option<OrderStage>,
    /// Its lines by status.
    pub lines: LineCounts,
    /// Why it was rejected.
    pub reasons: Vec<Reason>,
    /// By when the information must come, while it is pending.
    pub information_due: Option<DateTime<Utc>>,
    /// The lines past their point of no return, where a cancellation was refused.
    pub past_no_return: Vec<LineNumber>,
    /// When the draft was begun.
    pub created_at: DateTime<Utc>,
    /// When it was submitted.
    pub submitted_at: Option<DateTime<Utc>>,
    /// When it ended.
    pub ended_at: Option<DateTime<Utc>>,
    /// When anything last happened to it.
    pub updated_at: DateTime<Utc>,
    /// The position of that event.
    pub position: u64,
}

/// How many lines are where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each word is a line status, but for the first")]
pub struct LineCounts {
    pub total: u32,
    pub waiting: u32,
    pub in_progress: u32,
    pub held: u32,
    pub completed: u32,
    pub failed: u32,
    pub cancelled: u32,
}

/// A line as queries and notices show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineView {
    /// Its order.
    pub order: OrderId,
    /// Its number.
    pub line: LineNumber,
    /// What kind of thing it asks for.
    pub kind: LineKind,
    /// How far it is.
    pub status: LineStatus,
    /// The last milestone it reached.
    pub milestone: Option<Milestone>,
    /// Why it failed.
    pub failure: Option<LineFailure>,
    /// The line it hung on, where that ended first.
    pub because_of: Option<LineNumber>,
    /// The service id of what it makes.
    pub asset: Option<AssetId>,
    /// The port request of a port line.
    pub port_request: Option<PortRequestId>,
    /// How many numbers it asks for, where it says.
    pub numbers_asked: Option<u32>,
    /// How many numbers are committed to it or being ported for it.
    pub numbers: u32,
    /// When anything last happened to it.
    pub updated_at: DateTime<Utc>,
}

impl Record for OrderView {
    const TABLE: &'static Table = &ORDER_STATUS;

    fn key(&self) -> String {
        self.order.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            self.reseller.to_string().into(),
            self.company.map(|company| company.to_string()).into(),
            self.reference.as_str().into(),
            <&str>::from(self.status).into(),
            self.created_at.timestamp_micros().into(),
            self.updated_at.timestamp_micros().into(),
            i64::try_from(self.position).unwrap_or(i64::MAX).into(),
        ]
    }
}

impl Record for LineView {
    const TABLE: &'static Table = &ORDER_LINE;

    fn key(&self) -> String {
        line_key(self.order, self.line)
    }

    fn parent(&self) -> String {
        self.order.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let (status, kind): (&str, &str) = (self.status.into(), self.kind.into());
        vec![status.into(), kind.into(), self.updated_at.timestamp_micros().into()]
    }
}

/// The key of a line's row; keys sort as the lines do.
pub fn line_key(order: OrderId, line: LineNumber) -> String {
    format!("{order}/{:05}", line.0)
}

impl LineCounts {
    /// How many lines have ended, of a hundred.
    pub fn progress_percent(self) -> u32 {
        let ended = self.completed + self.failed + self.cancelled;
        (ended * 100).checked_div(self.total).unwrap_or(0)
    }

    fn of(&mut self, status: LineStatus) -> &mut u32 {
        match status {
            LineStatus::Waiting => &mut self.waiting,
            LineStatus::InProgress => &mut self.in_progress,
            LineStatus::Held => &mut self.held,
            LineStatus::Completed => &mut self.completed,
            LineStatus::Failed => &mut self.failed,
            LineStatus::Cancelled => &mut self.cancelled,
        }
    }

    pub(super) fn add(&mut self, status: LineStatus) {
        self.total += 1;
        *self.of(status) += 1;
    }

    pub(super) fn take(&mut self, status: LineStatus) -> Result<(), Fault> {
        let count = self.of(status);
        *count = count.checked_sub(1).ok_or_else(|| broken(format!("no line is {status}")))?;
        self.total -= 1;
        Ok(())
    }
}

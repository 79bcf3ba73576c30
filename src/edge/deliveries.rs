//! What was delivered to webhooks, what waits to be, and up to where each of them is.
//!
//! Rows of tables beside the read models, which no rebuild touches: no event tells of a delivery, since there are thousands
//! a second. Deliberately absent: the webhooks themselves, which are events, and the sending (`http::delivery`).

use chrono::{DateTime, Utc};
use orderwire_domain::{
    ids::{NoticeId, WebhookId},
    notice::NoticeType,
    views::{
        notices::Notice,
        table::{Record, Table, Value, integer},
        webhooks::WebhookView,
    },
};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

/// One row per webhook: up to where it is.
pub static WEBHOOK_PLACE: Table = Table { name: "webhook_place", columns: &[], indexes: &[] };

/// One row per notice and webhook; the parent is the webhook. The indexes answer: what was and is to be delivered, newest
/// first; what waits; and what ended first.
pub static WEBHOOK_DELIVERY: Table = Table {
    name: "webhook_delivery",
    columns: &[integer("sequence"), integer("waits"), integer("ended_at")],
    indexes: &[&["parent", "sequence"], &["parent", "waits", "sequence"], &["parent", "ended_at"]],
};

/// One row per notice that somebody wants delivered once more, until that has begun; the parent is the webhook.
pub static WEBHOOK_REQUEST: Table = Table { name: "webhook_request", columns: &[], indexes: &[] };

/// All of them.
pub const TABLES: [&Table; 3] = [&WEBHOOK_PLACE, &WEBHOOK_DELIVERY, &WEBHOOK_REQUEST];

/// Up to where a webhook is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Which.
    pub webhook: WebhookId,
    /// Every notice up to this sequence has arrived, waits in a row of its own, or was not wanted.
    pub done_to: u64,
    /// The position of the event that said where to begin: another one begins anew.
    pub since: u64,
    /// It wants to be left alone for a while.
    #[serde(default)]
    pub hold: Option<Hold>,
}

/// An endpoint has asked for nothing to be sent for a while (`Retry-After`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// When it has asked.
    pub since: DateTime<Utc>,
    /// Until when.
    pub until: DateTime<Utc>,
}

/// How an attempt went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, IntoStaticStr, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum Failure {
    /// It answered with a status that is no success.
    Status,
    /// It answered that it is elsewhere, which is not followed.
    Redirect,
    /// It took too long.
    TimedOut,
    /// No connection came about.
    NotConnected,
    /// It could not prove who it is: nothing was sent.
    CertificateUntrusted,
    /// The connection ended before an answer came.
    CutShort,
    /// Its address leads to where nothing is delivered, such as a private network.
    PrivateTarget,
    /// There is no key to sign with any more.
    NoKey,
}

/// A notice on its way to a webhook, or there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// To which webhook.
    pub webhook: WebhookId,
    /// Which notice.
    pub notice: NoticeId,
    /// What that says.
    pub notice_type: NoticeType,
    /// Its number among the reseller's notices.
    pub sequence: u64,
    /// What it keeps its turn among: the order, or else what the notice is about.
    pub lane: String,
    /// Whether somebody wanted it once more, out of turn.
    pub again: bool,
    /// The beginning of the webhook that it belongs to, as [`Place::since`].
    pub since: u64,
    /// When it arrived, or was given up where somebody wanted it once more: then there is a failure.
    pub ended_at: Option<DateTime<Utc>>,
    /// How often it was sent.
    pub attempts: u32,
    /// Since when it does not arrive.
    pub failing_since: Option<DateTime<Utc>>,
    /// How many attempts failed since then.
    #[serde(default)]
    pub failures: u32,
    /// When it is sent again at the earliest.
    pub next_at: Option<DateTime<Utc>>,
    /// When it was sent last.
    pub sent_at: Option<DateTime<Utc>>,
    /// What was answered last: the HTTP status.
    pub status: Option<u16>,
    /// What went wrong last.
    pub failure: Option<Failure>,
    /// How long the last attempt took.
    pub latency_ms: Option<u64>,
    /// How the last answer began.
    pub excerpt: String,
}

/// A notice that somebody wants delivered once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// To which webhook.
    pub webhook: WebhookId,
    /// Which notice.
    pub notice: NoticeId,
}

impl Record for Place {
    const TABLE: &'static Table = &WEBHOOK_PLACE;

    fn key(&self) -> String {
        self.webhook.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

impl Delivery {
    /// A notice that was not sent to a webhook yet.
    pub fn new(view: &WebhookView, notice: &Notice, again: bool) -> Self {
        let lane = notice.order.map_or_else(|| notice.subject.clone(), |order| order.to_string());
        Self {
            webhook: view.webhook,
            notice: notice.id,
            notice_type: notice.notice_type,
            sequence: notice.sequence,
            lane: if again { format!("again {}", notice.sequence) } else { lane },
            again,
            since: view.after_since,
            ended_at: None,
            attempts: 0,
            failing_since: None,
            failures: 0,
            next_at: None,
            sent_at: None,
            status: None,
            failure: None,
            latency_ms: None,
            excerpt: String::new(),
        }
    }

    /// The key of the one of a sequence that nobody wanted once more.
    pub fn key_of(webhook: WebhookId, sequence: u64) -> String {
        format!("{webhook}/{sequence:019}")
    }
}

impl Record for Delivery {
    const TABLE: &'static Table = &WEBHOOK_DELIVERY;

    fn key(&self) -> String {
        let again = if self.again { "/again" } else { "" };
        format!("{}{again}", Self::key_of(self.webhook, self.sequence))
    }

    fn parent(&self) -> String {
        self.webhook.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let ended_at = self.ended_at.map(|at| at.timestamp_micros());
        vec![
            i64::try_from(self.sequence).unwrap_or(i64::MAX).into(),
            ended_at.is_none().then_some(1).into(),
            ended_at.into(),
        ]
    }
}

impl Record for Request {
    const TABLE: &'static Table = &WEBHOOK_REQUEST;

    fn key(&self) -> String {
        format!("{}/{}", self.webhook, self.notice)
    }

    fn parent(&self) -> String {
        self.webhook.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        Vec::new()
    }
}

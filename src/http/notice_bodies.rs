//! What notices look like in JSON: `CloudEvents` 1.0.
//!
//! The data of a notice is what the API shows of the same resource, as the event left it, in the same words. Deliberately
//! absent: personal data, which no receiver could be made to forget; a port's timeline, which its notices are.

use orderwire_domain::views::notices::{Notice, NoticeData};
use serde::Serialize;
use utoipa::ToSchema;

use super::{
    answer::Time,
    companies::CompanyBody,
    order_bodies::{LineBody, OrderBody},
    port_bodies::PortBody,
    reservations::ReservationBody,
    webhook_bodies::WebhookBody,
};

/// The log that notices come from. With `id`, it names a notice in the world.
pub const SOURCE: &str = "urn:orderwire:log:0";
/// As many digits as a sequence can have: so padded, sequences are in order as texts too.
const DIGITS: usize = 19;

/// A notice: a `CloudEvent`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Notice)]
pub struct NoticeBody {
    /// The version of `CloudEvents`.
    #[schema(example = "1.0")]
    specversion: &'static str,
    /// Its id. The same notice has the same id however often and by whichever way it comes.
    #[schema(example = "ntf_01890a5d000070008000000000000001")]
    id: String,
    /// The log that it comes from.
    #[schema(example = "urn:orderwire:log:0")]
    source: &'static str,
    /// What it says. Under one type, no other shape is ever sent.
    #[serde(rename = "type")]
    #[schema(example = "com.orderwire.order.completed.v1")]
    kind: &'static str,
    /// The id of what it is about: an order, a port request, a reservation or a company.
    #[schema(example = "ord_01890a5d000070008000000000000001")]
    subject: String,
    /// When it happened.
    time: Time,
    /// What `data` is.
    #[schema(example = "application/json")]
    datacontenttype: &'static str,
    /// Its number among the reseller's notices, from 1 and without a gap, with zeros in front.
    #[schema(example = "0000000000000000042")]
    sequence: String,
    /// The id of the reseller's notice before it; absent on the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    previousid: Option<String>,
    /// Its number among the notices of its order, from 1 and without a gap; absent where it belongs to no order, or to one
    /// that has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0000000000000000007")]
    ordersequence: Option<String>,
    /// The id of the order's notice before it.
    #[serde(skip_serializing_if = "Option::is_none")]
    orderpreviousid: Option<String>,
    /// What it is about, as it was then.
    data: NoticeDataBody,
}

/// What a notice is about, as the API showed it then; what it is not about is absent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NoticeData)]
pub struct NoticeDataBody {
    /// The order, as `GET /v1/orders/{id}` has it, without an open question.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<OrderBody>,
    /// The line of that order, as `GET /v1/orders/{id}/lines` has it, without its `request`.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<LineBody>,
    /// The port request, as `GET /v1/port-requests/{id}` has it, with an empty `timeline` and without `details`.
    #[serde(skip_serializing_if = "Option::is_none")]
    port_request: Option<PortBody>,
    /// The company, as `GET /v1/companies/{id}` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    company: Option<CompanyBody>,
    /// The reservation, as `GET /v1/reservations/{id}` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation: Option<ReservationBody>,
    /// The numbers that left the company, which it does not show any more: runs, or single ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["+441134960000-+441134960009"]))]
    numbers: Option<Vec<String>>,
    /// The webhook, as `GET /v1/webhooks/{id}` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    webhook: Option<WebhookBody>,
}

/// A page of notices.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NoticePage)]
pub struct NoticePage {
    /// The notices, in order of their sequence.
    pub items: Vec<NoticeBody>,
    /// Up to which sequence this page has everything that was asked for: where to go on from, whatever the filters.
    #[schema(example = 42)]
    pub through: u64,
    /// The same as a text, while there is more at once; null at the end.
    pub next: Option<String>,
}

impl From<Notice> for NoticeBody {
    fn from(notice: Notice) -> Self {
        let padded = |number: u64| format!("{number:0DIGITS$}");
        Self {
            specversion: "1.0",
            id: notice.id.to_string(),
            source: SOURCE,
            kind: notice.notice_type.word(),
            subject: notice.subject,
            time: notice.time.into(),
            datacontenttype: "application/json",
            sequence: padded(notice.sequence),
            previousid: notice.previous_id.map(|id| id.to_string()),
            ordersequence: notice.order_sequence.map(padded),
            orderpreviousid: notice.order_previous_id.map(|id| id.to_string()),
            data: notice.data.into(),
        }
    }
}

impl From<NoticeData> for NoticeDataBody {
    fn from(data: NoticeData) -> Self {
        let NoticeData { order, line, port_request, company, reservation, numbers, webhook } = data;
        Self {
            order: order.map(OrderBody::from),
            line: line.map(LineBody::from),
            port_request: port_request.map(PortBody::from),
            company: company.map(CompanyBody::from),
            reservation: reservation.map(ReservationBody::from),
            numbers: numbers.map(|numbers| numbers.runs().map(|run| run.to_string()).collect()),
            webhook: webhook.map(WebhookBody::from),
        }
    }
}

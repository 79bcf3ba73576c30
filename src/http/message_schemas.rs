//! What suppliers say of a port request, kind by kind, as the document has it.
//!
//! Nothing here is ever made; only its schema is asked for.

#![expect(dead_code, reason = "the edge reads them; these say to the reader of the API what they are")]

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{Ref, RefOr, Schema},
};

use super::{
    line_schemas::{by_kind, of_kind},
    port_bodies::NewWindow,
    texts, words,
};

/// A date, as it was asked for or otherwise.
#[derive(ToSchema)]
struct MessageOfDate {
    /// The date; else the one asked for.
    window: Option<NewWindow>,
}

/// The losing provider accepts as a part of a larger installation, and proposes a date.
#[derive(ToSchema)]
struct MessageOfProposal {
    /// The date proposed.
    window: NewWindow,
}

/// The losing provider takes its acceptance back.
#[derive(ToSchema)]
struct MessageOfWithdrawal {
    /// Why; kept sealed.
    reason: texts::FreeText,
}

/// The losing provider or the range holder refuses.
#[derive(ToSchema)]
struct MessageOfRejection {
    /// Who; else `lcp`.
    by: Option<Refuser>,
    /// Why; at least one.
    #[schema(max_items = 50)]
    reasons: Vec<words::PortReason>,
}

/// Who refuses a port.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
enum Refuser {
    Lcp,
    Rh,
}

/// Which numbers work here.
#[derive(ToSchema)]
struct MessageOfNetwork {
    /// These; none where it is empty.
    #[schema(max_items = 10_000)]
    live: Option<Vec<texts::NumberRange>>,
    /// All of them, instead of `live`.
    all_live: Option<bool>,
}

/// The numbers are moved back in an emergency.
#[derive(ToSchema)]
struct MessageOfRestoration {
    /// Who says so; else `lcp`.
    by: Option<words::Supplier>,
}

/// Nothing but that.
#[derive(ToSchema)]
struct MessageAlone {}

/// A message of a supplier.
#[derive(Debug)]
pub enum PortMessage {}

/// Every kind, as `kind` names it, with the name of its schema and its own fields.
fn kinds() -> [(&'static str, &'static str, RefOr<Schema>); 9] {
    [
        ("lcp_accept", "LcpAcceptMessage", MessageOfDate::schema()),
        ("lcp_accept_as_complex", "LcpAcceptAsComplexMessage", MessageOfProposal::schema()),
        ("lcp_withdraw", "LcpWithdrawMessage", MessageOfWithdrawal::schema()),
        ("rh_accept", "RhAcceptMessage", MessageAlone::schema()),
        ("reject", "RejectMessage", MessageOfRejection::schema()),
        ("accept_date_change", "AcceptDateChangeMessage", MessageOfDate::schema()),
        ("refuse_date_change", "RefuseDateChangeMessage", MessageAlone::schema()),
        ("network_report", "NetworkReportMessage", MessageOfNetwork::schema()),
        ("restore", "RestoreMessage", MessageOfRestoration::schema()),
    ]
}

impl PartialSchema for PortMessage {
    fn schema() -> RefOr<Schema> {
        by_kind("A message of a supplier.", kinds().iter().map(|(kind, name, _)| (*kind, *name)))
    }
}

impl ToSchema for PortMessage {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("PortMessage")
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        <MessageOfDate as ToSchema>::schemas(schemas);
        <MessageOfRejection as ToSchema>::schemas(schemas);
        for (kind, name, own) in kinds() {
            let message = vec![("message", Ref::from_schema_name("MessageId").into())];
            schemas.push((name.to_owned(), of_kind(kind, message, own)));
        }
    }
}

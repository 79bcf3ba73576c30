//! Which operation asks for which action of a lifecycle, and who takes the step: what the tables call an action, the document
//! calls an operation with a method and a path.
//!
//! Actions that have none here are nobody's to ask for over HTTP: time brings them, or the carrier's own engine.

use orderwire_domain::ids::AggregateKind;
use serde::Serialize;
use strum::{Display, VariantArray};
use utoipa::ToSchema;

use crate::edge::keys::Role;

/// Who takes a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Display, VariantArray)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum By {
    /// The reseller, or the carrier in its place.
    Reseller,
    /// Somebody at the carrier, or its systems in their place.
    Operator,
    /// The losing provider; an operator passes on what it says.
    LosingProvider,
    /// The range holder; an operator passes on what it says.
    RangeHolder,
    /// The network; an operator passes on what it reports.
    Network,
    /// The carrier's engine, of itself, when what it needs is there.
    Engine,
    /// Nobody: its time comes.
    Time,
}

/// Where an action is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ActionOperation)]
pub struct Operation {
    /// Its name in the document.
    #[schema(example = "submit_order")]
    pub operation_id: &'static str,
    /// The HTTP method.
    #[schema(example = "POST")]
    pub method: &'static str,
    /// The path, as the document has it.
    #[schema(example = "/v1/orders/{id}/submission")]
    pub path: &'static str,
}

/// An action; the operation's name, method and path.
type Row = (&'static str, &'static str, &'static str, &'static str);

const ORDERS: &[Row] = &[
    ("add_line", "add_order_line", "POST", "/v1/orders/{id}/lines"),
    ("change_line", "change_order_line", "PATCH", "/v1/orders/{id}/lines/{line}"),
    ("remove_line", "remove_order_line", "DELETE", "/v1/orders/{id}/lines/{line}"),
    ("discard", "discard_order", "DELETE", "/v1/orders/{id}"),
    ("submit", "submit_order", "POST", "/v1/orders/{id}/submission"),
    ("amend_line", "change_order_line", "PATCH", "/v1/orders/{id}/lines/{line}"),
    ("provide_information", "provide_information", "POST", "/v1/orders/{id}/information"),
    ("request_cancellation", "cancel_order", "POST", "/v1/orders/{id}/cancellation"),
];

const ORDERS_OF_CARRIER: &[Row] = &[
    ("acknowledge", "acknowledge_order", "POST", "/v1/operator/orders/{id}/acknowledgement"),
    ("reject", "reject_order", "POST", "/v1/operator/orders/{id}/rejection"),
    ("require_information", "require_information", "POST", "/v1/operator/orders/{id}/information"),
    ("hold", "hold_order", "POST", "/v1/operator/orders/{id}/hold"),
    ("resume", "resume_order", "DELETE", "/v1/operator/orders/{id}/hold"),
    ("complete_line", "complete_order_line", "POST", "/v1/operator/orders/{id}/lines/{line}/completion"),
    ("fail_line", "fail_order_line", "POST", "/v1/operator/orders/{id}/lines/{line}/failure"),
    ("hold_line", "hold_order_line", "POST", "/v1/operator/orders/{id}/lines/{line}/hold"),
    ("resume_line", "resume_order_line", "DELETE", "/v1/operator/orders/{id}/lines/{line}/hold"),
    ("reach_milestone", "reach_line_milestone", "POST", "/v1/operator/orders/{id}/lines/{line}/milestone"),
];

const COMPANIES: &[Row] = &[
    ("extend_qualification", "extend_qualification", "POST", "/v1/companies/{id}/qualification"),
    ("release", "release_company", "DELETE", "/v1/companies/{id}/qualification"),
    ("reserve_numbers", "reserve_numbers", "POST", "/v1/reservations"),
    ("release_reservation", "release_reservation", "DELETE", "/v1/reservations/{id}"),
    ("replace_address", "replace_address_of_asset", "POST", "/v1/companies/{id}/assets/{asset}/address"),
    ("remove_asset", "remove_company_site", "DELETE", "/v1/companies/{id}/sites/{asset}"),
    ("remove_asset", "remove_company_user", "DELETE", "/v1/companies/{id}/users/{asset}"),
    ("remove_asset", "remove_company_device", "DELETE", "/v1/companies/{id}/devices/{asset}"),
    ("remove_asset", "remove_company_add_on", "DELETE", "/v1/companies/{id}/add-ons/{asset}"),
    ("remove_asset", "remove_company_pbx", "DELETE", "/v1/companies/{id}/pbxs/{asset}"),
    ("remove_asset", "remove_company_trunk", "DELETE", "/v1/companies/{id}/trunks/{asset}"),
    (
        "remove_asset",
        "remove_company_emergency_details",
        "DELETE",
        "/v1/companies/{id}/emergency-details/{asset}",
    ),
    ("cease_numbers", "cease_company_number", "DELETE", "/v1/companies/{id}/numbers/{number}"),
    ("cease", "cease_company", "POST", "/v1/companies/{id}/cessation"),
];

const COMPANIES_OF_CARRIER: &[Row] = &[
    ("suspend", "suspend_company", "POST", "/v1/operator/companies/{id}/suspension"),
    ("resume", "resume_company", "DELETE", "/v1/operator/companies/{id}/suspension"),
    ("place_legal_hold", "place_legal_hold", "POST", "/v1/operator/companies/{id}/legal-holds"),
    ("lift_legal_hold", "lift_legal_hold", "DELETE", "/v1/operator/companies/{id}/legal-holds/{reference}"),
    ("erase", "erase_company", "POST", "/v1/operator/companies/{id}/erasure"),
];

const PORTS: &[Row] = &[
    ("represent", "represent_port", "POST", "/v1/port-requests/{id}/re-presentation"),
    ("agree_date", "agree_port_date", "POST", "/v1/port-requests/{id}/date/agreement"),
    ("refuse_date", "refuse_port_date", "POST", "/v1/port-requests/{id}/date/refusal"),
    ("allocate", "allocate_port", "POST", "/v1/port-requests/{id}/allocation"),
    ("request_date", "request_port_date", "POST", "/v1/port-requests/{id}/date"),
    ("activate", "activate_port", "POST", "/v1/port-requests/{id}/activation"),
    ("retry_activation", "retry_port_activation", "POST", "/v1/port-requests/{id}/retry"),
    ("return_rest", "return_rest_of_port", "POST", "/v1/port-requests/{id}/return"),
    ("cancel", "cancel_port", "POST", "/v1/port-requests/{id}/cancellation"),
];

const PORTS_OF_CARRIER: &[Row] = &[
    ("lcp_accept", "hear_port_message", "POST", MESSAGES),
    ("lcp_accept_as_complex", "hear_port_message", "POST", MESSAGES),
    ("rh_accept", "hear_port_message", "POST", MESSAGES),
    ("supplier_reject", "hear_port_message", "POST", MESSAGES),
    ("accept_date_change", "hear_port_message", "POST", MESSAGES),
    ("refuse_date_change", "hear_port_message", "POST", MESSAGES),
    ("lcp_withdraw", "hear_port_message", "POST", MESSAGES),
    ("network_report", "hear_port_message", "POST", MESSAGES),
    ("restore", "hear_port_message", "POST", MESSAGES),
];

const MESSAGES: &str = "/v1/operator/port-requests/{id}/messages";

const RESELLERS_OF_CARRIER: &[Row] = &[
    ("change_details", "rename_reseller", "PATCH", "/v1/operator/resellers/{id}"),
    ("suspend", "suspend_reseller", "POST", "/v1/operator/resellers/{id}/suspension"),
    ("resume", "resume_reseller", "DELETE", "/v1/operator/resellers/{id}/suspension"),
    ("close", "close_reseller", "POST", "/v1/operator/resellers/{id}/closure"),
];

const STOCK_OF_CARRIER: &[Row] = &[
    ("port_out", "port_numbers_out", "POST", "/v1/operator/stock/port-outs"),
    ("take_back", "take_numbers_back", "POST", "/v1/operator/stock/{id}/take-backs"),
    ("withdraw", "withdraw_stock", "DELETE", "/v1/operator/stock/{id}"),
];

const WEBHOOKS: &[Row] = &[
    ("pause", "pause_webhook", "POST", "/v1/webhooks/{id}/pause"),
    ("resume_deliveries", "resume_webhook", "DELETE", "/v1/webhooks/{id}/pause"),
];

/// What only the owner of a webhook may ask for.
const WEBHOOKS_OF_RESELLER: &[Row] = &[
    ("update", "change_webhook", "PATCH", "/v1/webhooks/{id}"),
    ("rotate_secret", "rotate_webhook_secret", "POST", "/v1/webhooks/{id}/secret"),
    ("replay", "replay_webhook", "POST", "/v1/webhooks/{id}/replay"),
    ("delete", "delete_webhook", "DELETE", "/v1/webhooks/{id}"),
];

/// Steps of one resource for which another one is asked.
const ELSEWHERE: &[(AggregateKind, By, Row)] = &[
    (
        AggregateKind::Company,
        By::Reseller,
        ("open_order", "submit_order", "POST", "/v1/orders/{id}/submission"),
    ),
    (
        AggregateKind::Company,
        By::Operator,
        ("activate", "complete_order_line", "POST", "/v1/operator/orders/{id}/lines/{line}/completion"),
    ),
    (
        AggregateKind::PortRequest,
        By::Operator,
        ("submit", "acknowledge_order", "POST", "/v1/operator/orders/{id}/acknowledgement"),
    ),
    (
        AggregateKind::PortRequest,
        By::Reseller,
        ("cease_numbers", "cease_company_number", "DELETE", "/v1/companies/{id}/numbers/{number}"),
    ),
];

/// Actions that time brings, of whichever lifecycle.
const TIMERS: [&str; 12] = [
    "discard_untouched",
    "information_deadline_passes",
    "announce_expiry",
    "expire",
    "announce_reservation_expiry",
    "expire_reservation",
    "answer_overdue",
    "time_out",
    "open_window",
    "close_window",
    "network_silent",
    "free",
];

/// The operations of a kind of resource: for everybody whose it is, for the reseller alone, for the carrier alone.
fn rows(kind: AggregateKind) -> [&'static [Row]; 3] {
    match kind {
        AggregateKind::Order => [ORDERS, &[], ORDERS_OF_CARRIER],
        AggregateKind::Company => [COMPANIES, &[], COMPANIES_OF_CARRIER],
        AggregateKind::PortRequest => [PORTS, &[], PORTS_OF_CARRIER],
        AggregateKind::Reseller => [&[], &[], RESELLERS_OF_CARRIER],
        AggregateKind::NumberBlock => [&[], &[], STOCK_OF_CARRIER],
        AggregateKind::Webhook => [WEBHOOKS, WEBHOOKS_OF_RESELLER, &[]],
    }
}

fn operation((_, operation_id, method, path): Row) -> Operation {
    Operation { operation_id, method, path }
}

/// What can be asked of a kind of resource, by the names of its actions. Who checks is shown what the carrier could ask.
pub fn of(kind: AggregateKind, role: Role) -> impl Iterator<Item = (&'static str, Operation)> {
    let [everybody, reseller, carrier] = rows(kind);
    let own = if role == Role::Reseller { reseller } else { carrier };
    everybody.iter().chain(own).map(|row| (row.0, operation(*row)))
}

/// Who takes a step from a status, and the operation by which it is asked for, if it is.
pub fn taken(kind: AggregateKind, from: &str, action: &str) -> (By, Option<Operation>) {
    if let Some((_, by, row)) = ELSEWHERE.iter().find(|(of, _, row)| *of == kind && row.0 == action) {
        return (*by, Some(operation(*row)));
    }
    let [everybody, reseller, carrier] = rows(kind);
    let find = |rows: &[Row]| rows.iter().find(|row| row.0 == action).map(|row| operation(*row));
    if let Some(found) = find(everybody).or_else(|| find(reseller)) {
        return (By::Reseller, Some(found));
    }
    match find(carrier) {
        Some(found) if found.path == MESSAGES => (speaker(from, action), Some(found)),
        Some(found) => (By::Operator, Some(found)),
        None if TIMERS.contains(&action) => (By::Time, None),
        None => (By::Engine, None),
    }
}

/// Whose message it is.
fn speaker(from: &str, action: &str) -> By {
    match action {
        "rh_accept" => By::RangeHolder,
        // Whoever was asked last refuses.
        "supplier_reject" if from == "awaiting_rh" => By::RangeHolder,
        "network_report" => By::Network,
        _ => By::LosingProvider,
    }
}

#[cfg(test)]
mod tests {
    use orderwire_domain::{
        company::commands::CompanyAction, number_block::commands::BlockAction, order::commands::OrderAction,
        port_request::commands::PortAction, reseller::commands::ResellerAction,
        webhook::commands::WebhookAction,
    };
    use strum::VariantArray;

    use super::*;

    fn words<A: VariantArray + Copy + Into<&'static str>>() -> Vec<&'static str> {
        A::VARIANTS.iter().map(|action| (*action).into()).collect()
    }

    #[test]
    fn every_operation_asks_for_an_action_of_its_lifecycle() {
        for (kind, known) in [
            (AggregateKind::Order, words::<OrderAction>()),
            (AggregateKind::Company, words::<CompanyAction>()),
            (AggregateKind::PortRequest, words::<PortAction>()),
            (AggregateKind::Reseller, words::<ResellerAction>()),
            (AggregateKind::NumberBlock, words::<BlockAction>()),
            (AggregateKind::Webhook, words::<WebhookAction>()),
        ] {
            for (action, operation) in of(kind, Role::Operator) {
                assert!(known.contains(&action), "{kind:?} knows no {action}: {operation:?}");
            }
            for (_, _, row) in ELSEWHERE.iter().filter(|(of, ..)| *of == kind) {
                assert!(known.contains(&row.0), "{kind:?} knows no {}", row.0);
            }
        }
    }

    #[test]
    fn whatever_time_brings_is_said_to_be_brought_by_it() {
        let timers =
            [words::<OrderAction>(), words::<CompanyAction>(), words::<PortAction>(), words::<BlockAction>()]
                .concat();
        for action in TIMERS {
            assert!(timers.contains(&action), "{action} is no action");
        }
        // What is left to the engine is named here, so that a new action has its doer thought of.
        let of_engine = |kind, actions: Vec<&'static str>| {
            let by = move |action: &&str| taken(kind, "", action).0 == By::Engine;
            actions.into_iter().filter(by).collect::<Vec<_>>()
        };
        assert_eq!(
            of_engine(AggregateKind::Order, words::<OrderAction>()),
            ["create", "start_line", "cancel_line", "accept_cancellation", "refuse_cancellation"]
        );
        assert_eq!(of_engine(AggregateKind::PortRequest, words::<PortAction>()), ["draft"]);
        assert_eq!(of_engine(AggregateKind::Reseller, words::<ResellerAction>()), ["create"]);
        assert_eq!(
            of_engine(AggregateKind::Webhook, words::<WebhookAction>()),
            ["create", "stop", "give_up"]
        );
        assert_eq!(taken(AggregateKind::PortRequest, "accepted", "open_window"), (By::Time, None));
    }
}

//! Which operation asks for which action of a lifecycle: what the tables call a step, the document calls a method and a path.
//!
//! Actions that have none here are nobody's to ask for over HTTP: timers and the engine itself take them.

use orderwire_domain::ids::AggregateKind;
use serde::Serialize;
use utoipa::ToSchema;

use crate::edge::keys::Role;

/// Where an action is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ActionOperation)]
pub struct Operation {
    /// The HTTP method.
    #[schema(example = "POST")]
    pub method: &'static str,
    /// The path, as the document has it.
    #[schema(example = "/v1/orders/{id}/submission")]
    pub path: &'static str,
}

type Row = (&'static str, &'static str, &'static str);

const ORDERS: &[Row] = &[
    ("add_line", "POST", "/v1/orders/{id}/lines"),
    ("change_line", "PATCH", "/v1/orders/{id}/lines/{line}"),
    ("remove_line", "DELETE", "/v1/orders/{id}/lines/{line}"),
    ("discard", "DELETE", "/v1/orders/{id}"),
    ("submit", "POST", "/v1/orders/{id}/submission"),
    ("amend_line", "PATCH", "/v1/orders/{id}/lines/{line}"),
    ("provide_information", "POST", "/v1/orders/{id}/information"),
    ("request_cancellation", "POST", "/v1/orders/{id}/cancellation"),
];

const ORDERS_OF_CARRIER: &[Row] = &[
    ("acknowledge", "POST", "/v1/operator/orders/{id}/acknowledgement"),
    ("reject", "POST", "/v1/operator/orders/{id}/rejection"),
    ("require_information", "POST", "/v1/operator/orders/{id}/information"),
    ("hold", "POST", "/v1/operator/orders/{id}/hold"),
    ("resume", "DELETE", "/v1/operator/orders/{id}/hold"),
    ("complete_line", "POST", "/v1/operator/orders/{id}/lines/{line}/completion"),
    ("fail_line", "POST", "/v1/operator/orders/{id}/lines/{line}/failure"),
    ("hold_line", "POST", "/v1/operator/orders/{id}/lines/{line}/hold"),
    ("resume_line", "DELETE", "/v1/operator/orders/{id}/lines/{line}/hold"),
    ("reach_milestone", "POST", "/v1/operator/orders/{id}/lines/{line}/milestone"),
];

const COMPANIES: &[Row] = &[
    ("extend_qualification", "POST", "/v1/companies/{id}/qualification"),
    ("release", "DELETE", "/v1/companies/{id}/qualification"),
    ("reserve_numbers", "POST", "/v1/reservations"),
    ("release_reservation", "DELETE", "/v1/reservations/{id}"),
    ("replace_address", "POST", "/v1/companies/{id}/assets/{asset}/address"),
    ("remove_asset", "DELETE", "/v1/companies/{id}/sites/{asset}"),
    ("remove_asset", "DELETE", "/v1/companies/{id}/users/{asset}"),
    ("remove_asset", "DELETE", "/v1/companies/{id}/devices/{asset}"),
    ("remove_asset", "DELETE", "/v1/companies/{id}/add-ons/{asset}"),
    ("remove_asset", "DELETE", "/v1/companies/{id}/pbxs/{asset}"),
    ("remove_asset", "DELETE", "/v1/companies/{id}/trunks/{asset}"),
    ("remove_asset", "DELETE", "/v1/companies/{id}/emergency-details/{asset}"),
    ("cease_numbers", "DELETE", "/v1/companies/{id}/numbers/{number}"),
    ("cease", "POST", "/v1/companies/{id}/cessation"),
];

const COMPANIES_OF_CARRIER: &[Row] = &[
    ("suspend", "POST", "/v1/operator/companies/{id}/suspension"),
    ("resume", "DELETE", "/v1/operator/companies/{id}/suspension"),
    ("erase", "POST", "/v1/operator/companies/{id}/erasure"),
];

const PORTS: &[Row] = &[
    ("represent", "POST", "/v1/port-requests/{id}/re-presentation"),
    ("agree_date", "POST", "/v1/port-requests/{id}/date/agreement"),
    ("refuse_date", "POST", "/v1/port-requests/{id}/date/refusal"),
    ("allocate", "POST", "/v1/port-requests/{id}/allocation"),
    ("request_date", "POST", "/v1/port-requests/{id}/date"),
    ("activate", "POST", "/v1/port-requests/{id}/activation"),
    ("retry_activation", "POST", "/v1/port-requests/{id}/retry"),
    ("return_rest", "POST", "/v1/port-requests/{id}/return"),
    ("cancel", "POST", "/v1/port-requests/{id}/cancellation"),
];

const PORTS_OF_CARRIER: &[Row] = &[
    ("lcp_accept", "POST", MESSAGES),
    ("lcp_accept_as_complex", "POST", MESSAGES),
    ("rh_accept", "POST", MESSAGES),
    ("supplier_reject", "POST", MESSAGES),
    ("accept_date_change", "POST", MESSAGES),
    ("refuse_date_change", "POST", MESSAGES),
    ("lcp_withdraw", "POST", MESSAGES),
    ("network_report", "POST", MESSAGES),
    ("restore", "POST", MESSAGES),
];

const MESSAGES: &str = "/v1/operator/port-requests/{id}/messages";

const RESELLERS_OF_CARRIER: &[Row] = &[
    ("change_details", "PATCH", "/v1/operator/resellers/{id}"),
    ("suspend", "POST", "/v1/operator/resellers/{id}/suspension"),
    ("resume", "DELETE", "/v1/operator/resellers/{id}/suspension"),
    ("close", "POST", "/v1/operator/resellers/{id}/closure"),
];

const STOCK_OF_CARRIER: &[Row] = &[
    ("port_out", "POST", "/v1/operator/stock/port-outs"),
    ("take_back", "POST", "/v1/operator/stock/{id}/take-backs"),
    ("withdraw", "DELETE", "/v1/operator/stock/{id}"),
];

const WEBHOOKS: &[Row] = &[
    ("update", "PATCH", "/v1/webhooks/{id}"),
    ("rotate_secret", "POST", "/v1/webhooks/{id}/secret"),
    ("pause", "POST", "/v1/webhooks/{id}/pause"),
    ("resume_deliveries", "DELETE", "/v1/webhooks/{id}/pause"),
    ("replay", "POST", "/v1/webhooks/{id}/replay"),
    ("delete", "DELETE", "/v1/webhooks/{id}"),
];

/// What can be asked of a kind of resource, by the names of its actions. Who checks is shown what the carrier could ask.
pub fn of(kind: AggregateKind, role: Role) -> impl Iterator<Item = (&'static str, Operation)> {
    let (everybody, carrier): (&[Row], &[Row]) = match kind {
        AggregateKind::Order => (ORDERS, ORDERS_OF_CARRIER),
        AggregateKind::Company => (COMPANIES, COMPANIES_OF_CARRIER),
        AggregateKind::PortRequest => (PORTS, PORTS_OF_CARRIER),
        AggregateKind::Reseller => (&[], RESELLERS_OF_CARRIER),
        AggregateKind::NumberBlock => (&[], STOCK_OF_CARRIER),
        AggregateKind::Webhook => (WEBHOOKS, &[]),
    };
    let carrier = if role == Role::Reseller { &[] } else { carrier };
    everybody.iter().chain(carrier).map(|(action, method, path)| (*action, Operation { method, path }))
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
        }
    }
}

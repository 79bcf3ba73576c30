//! Examples of events that random lives seldom come to.

use orderwire::domain::{
    company::{asset::AssetPlan, events::CompanyEvent},
    fact::Happened,
    ids::{AssetId, CompanyId, NumberBlockId, OrderId, PortRequestId, ResellerId, ReservationId, WebhookId},
    notice::NoticeType,
    number_block::events::BlockEvent,
    order::{events::OrderEvent, line::Parent},
    port_request::events::PortEvent,
    reseller::events::ResellerEvent,
    testing::{port_request::sealed, scenario::moment},
    webhook::{events::WebhookEvent, values::SigningKey},
};
use uuid::Uuid;

use crate::world::*;

pub fn examples() -> Vec<Happened> {
    let id = Uuid::from_u128(42);
    let (asset, untouched_until) = (AssetId(id), moment("2026-09-01T09:00:00Z"));
    let pbx = |name: &str| AssetPlan::Pbx { site: asset, name: name.parse().unwrap() };
    let orders = [
        OrderEvent::LineChanged { line: line(2), request: pbx_line("PBX 1"), untouched_until },
        OrderEvent::LineRemoved { line: line(2), untouched_until },
        OrderEvent::LineResumed { line: line(2) },
        OrderEvent::LineAmended { line: line(2), request: pbx_line("PBX 2") },
        OrderEvent::InformationRequired { question: sealed("which door"), deadline: untouched_until },
        OrderEvent::InformationProvided { answer: sealed("the red one") },
        OrderEvent::InformationOverdue,
        OrderEvent::OrderResumed,
        OrderEvent::CancellationTooLate,
    ];
    let (name, domain) = ("Acme Ltd".parse().unwrap(), "acme.example".parse().unwrap());
    let companies = [
        CompanyEvent::AssetReplanned { asset, from: pbx("PBX 1"), to: pbx("PBX 2") },
        CompanyEvent::AddressReplaced {
            asset,
            from: "T00000000017".parse().unwrap(),
            to: "A00000000017".parse().unwrap(),
        },
        CompanyEvent::CompanyCeased { name, domain },
        CompanyEvent::LegalHoldPlaced { reference: "case-7".parse().unwrap(), by: "op-1".parse().unwrap() },
        CompanyEvent::LegalHoldLifted { reference: "case-7".parse().unwrap(), by: "op-2".parse().unwrap() },
        CompanyEvent::CompanyLineDropped { order: OrderId(id) },
        CompanyEvent::QualificationExpiring { expires_at: untouched_until },
        CompanyEvent::ReservationExpiring { reservation: ReservationId(id), expires_at: untouched_until },
        CompanyEvent::QualificationExtended {
            expires_at: untouched_until,
            announce_at: Some(moment("2026-08-27T09:00:00Z")),
        },
    ];
    let ports = [
        PortEvent::PortNumbersAdded { numbers: leeds(500, 200) },
        PortEvent::OpenPortReleased { numbers: leeds(0, 500) },
        PortEvent::KeptNumbersReleased { numbers: leeds(0, 500) },
    ];
    let range = orderwire::domain::number::NumberRange::parse("0113 496 0000-0199").unwrap();
    let blocks = [
        BlockEvent::NumbersTakenBack { numbers: leeds(7, 2) },
        BlockEvent::NumbersUnstocked { numbers: leeds(0, 200) },
        BlockEvent::BlockWithdrawn { range },
    ];
    let resellers = [
        ResellerEvent::ResellerDetailsChanged { name: "Northern Voice".parse().unwrap() },
        ResellerEvent::ResellerClosed,
    ];
    let webhooks = webhooks(ResellerId(id), untouched_until);
    let mut all: Vec<Happened> = orders.map(|event| Happened::Order(OrderId(id), event)).into();
    all.extend(companies.map(|event| Happened::Company(CompanyId(id), event)));
    all.extend(ports.map(|event| Happened::PortRequest(PortRequestId(id), event)));
    all.extend(blocks.map(|event| Happened::NumberBlock(NumberBlockId(id), event)));
    all.extend(resellers.map(|event| Happened::Reseller(ResellerId(id), event)));
    all.extend(webhooks.map(|event| Happened::Webhook(WebhookId(id), event)));
    all
}

/// Random lives are of orders; nobody has a webhook in them.
fn webhooks(reseller: ResellerId, at: chrono::DateTime<chrono::Utc>) -> [WebhookEvent; 9] {
    let url: orderwire::domain::webhook::values::EndpointUrl =
        "https://hooks.example/orders".parse().unwrap();
    let types = std::collections::BTreeSet::from([NoticeType::OrderCompleted, NoticeType::PortAccepted]);
    let public_key = format!("whpk_{}=", "A".repeat(43)).parse().unwrap();
    [
        WebhookEvent::WebhookCreated {
            reseller,
            slot: 1,
            url: url.clone(),
            types: types.clone(),
            description: "orders".parse().unwrap(),
            key: SigningKey::Hmac { secret: sealed("whsec") },
            after: 41,
        },
        WebhookEvent::WebhookUpdated { url, types, description: "".parse().unwrap() },
        WebhookEvent::WebhookSecretRotated {
            key: SigningKey::Ed25519 { secret: sealed("whsk"), public_key },
            previous_until: at,
        },
        WebhookEvent::WebhookPaused,
        WebhookEvent::WebhookResumed,
        WebhookEvent::WebhookStopped { failing_since: at, last_status: Some(503) },
        WebhookEvent::WebhookGone,
        WebhookEvent::WebhookReplayed { after: 0 },
        WebhookEvent::WebhookDeleted { reseller, slot: 1 },
    ]
}

fn pbx_line(name: &str) -> orderwire::domain::order::line::LineRequest {
    let site = Parent::Line(line(1));
    orderwire::domain::order::line::LineRequest::Pbx(orderwire::domain::order::line::PbxLine {
        site,
        name: name.parse().unwrap(),
    })
}

//! Closed sets of words as the document has them: drawn from the enums that the server reads and shows.
//!
//! A body names one by `#[schema(value_type = …)]`, a parameter by its type. Deliberately absent: the words themselves.
//! Nothing here is ever made; only its schema is asked for.

use std::{borrow::Cow, fmt::Display};

use orderwire_domain::{
    address::AddressQualifier as DomainQualifier,
    lead_time::{PortClass as DomainClass, PortRoute as DomainRoute},
    order::line::{LineKind as DomainLineKind, LineStatus as DomainLineStatus, Milestone as DomainMilestone},
    port_request::{
        events::Supplier as DomainSupplier,
        reason::{MustAct as DomainMustAct, PortRejection},
    },
    portability::NotPortable as DomainNotPortable,
    reseller::ResellerStatus as DomainResellerStatus,
    views::{
        company_directory::CompanyStage,
        number_availability::{Holding, Network},
        order_status::OrderStage,
        port_diary::{Jeopardy as DomainJeopardy, PortStage},
        reservations::ReservationStage,
        webhooks::{Signing as DomainSigning, WebhookStage},
    },
};
use strum::VariantArray;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{ObjectBuilder, Type},
    },
};

use super::action_operations::By;
use crate::audit::export::Encoding;
use crate::edge::deliveries::Failure;
use crate::engine::Via as EngineVia;
use crate::engine::reference::loads::{LoadKind as EngineLoadKind, LoadState as EngineLoadState};

fn closed<T: VariantArray + Display>(about: &str) -> RefOr<Schema> {
    let words = T::VARIANTS.iter().map(ToString::to_string).collect::<Vec<_>>();
    let schema = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
    schema.description(Some(about.trim())).into()
}

macro_rules! words {
    ($(#[doc = $about:literal] $name:ident = $of:ty;)*) => {
        $(
            #[doc = $about]
            #[derive(Debug)]
            pub enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    closed::<$of>($about)
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed(stringify!($name))
                }
            }
        )*

        /// Every one of them, by its name among the schemas.
        pub fn all() -> Vec<(&'static str, RefOr<Schema>)> {
            vec![$((stringify!($name), $name::schema())),*]
        }
    };
}

words! {
    /// Where an order is, by its lifecycle.
    OrderStatus = OrderStage;
    /// How far a line of an order is.
    LineStatus = DomainLineStatus;
    /// Who takes a step that unlocks another.
    UnlockBy = By;
    /// What a line of an order asks for.
    LineKind = DomainLineKind;
    /// What a line reached last.
    Milestone = DomainMilestone;
    /// Where a company is, by its lifecycle.
    CompanyStatus = CompanyStage;
    /// Where a reseller is, by its lifecycle.
    ResellerStatus = DomainResellerStatus;
    /// Where a port request is, by its lifecycle.
    PortStatus = PortStage;
    /// Whether the range holder must accept too: then it is `subsequent`.
    PortRoute = DomainRoute;
    /// Whether one number moves, or a whole installation.
    PortClass = DomainClass;
    /// Who says something of a port.
    Supplier = DomainSupplier;
    /// Why a losing provider or range holder refuses a port.
    PortReason = PortRejection;
    /// Who must act after a rejection.
    MustAct = DomainMustAct;
    /// What of a port is in danger.
    Jeopardy = DomainJeopardy;
    /// Why a number cannot be ported.
    NotPortable = DomainNotPortable;
    /// Whether a reservation holds its numbers, or how it ended.
    ReservationStatus = ReservationStage;
    /// Where a webhook is, by its lifecycle.
    WebhookStatus = WebhookStage;
    /// How a webhook signs.
    Signing = DomainSigning;
    /// How an attempt to deliver went wrong.
    DeliveryFailure = Failure;
    /// Who has a number, and how.
    NumberHolding = Holding;
    /// Where a number works.
    NumberNetwork = Network;
    /// How well the carrier knows an address: `gold` itself, `silver` the building, `bronze` the street or nothing.
    AddressQualifier = DomainQualifier;
    /// How exported events are written.
    ExportEncoding = Encoding;
    /// How somebody asks.
    Via = EngineVia;
    /// What is loaded.
    LoadKind = EngineLoadKind;
    /// What became of a load.
    LoadState = EngineLoadState;
}

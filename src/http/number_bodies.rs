//! Numbers as the API shows them: one by one, or in runs of numbers that follow one another and are alike.
//!
//! Deliberately absent: who may see them, and which of them are looked for.

use orderwire_domain::{
    number::TelephoneNumber,
    views::number_availability::{FreeRun, Holding, Network, NumberView},
};
use serde::Serialize;
use utoipa::ToSchema;

use super::{answer::Time, texts, words};

/// Numbers in a row that are alike.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = NumberRun)]
pub struct NumberRunBody {
    /// The first of them.
    #[schema(value_type = texts::TelephoneNumber)]
    first: String,
    /// The last of them.
    #[schema(value_type = texts::TelephoneNumber)]
    last: String,
    /// How many.
    #[schema(example = 40)]
    quantity: u32,
    #[serde(flatten)]
    facts: NumberFacts,
}

/// A number that a company has.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = CompanyNumber)]
pub struct NumberBody {
    /// The number.
    #[schema(value_type = texts::TelephoneNumber)]
    number: String,
    #[serde(flatten)]
    facts: NumberFacts,
}

/// What is known of a number.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct NumberFacts {
    /// Who has it: `free`, `reserved`, `ring_fenced`, `committed` to a line of an order, `allocated` to a company,
    /// `assigned_to_site` or `assigned_to_user`.
    #[schema(value_type = words::NumberHolding)]
    holding: String,
    /// `new` from the carrier's stock, or `ported` from another provider.
    #[schema(example = "new")]
    origin: String,
    /// Whether it works here: `own`, `ported_in`, or `port_pending` until its port is done.
    #[schema(value_type = words::NumberNetwork)]
    network: String,
    /// Its area code.
    #[schema(value_type = texts::AreaCode)]
    area_code: String,
    /// Its place, where the carrier's stock says it.
    #[schema(value_type = Option<texts::SiteName>)]
    place: Option<String>,
    /// The company that has it.
    #[schema(value_type = Option<texts::CompanyId>)]
    company: Option<String>,
    /// The site that has it, or whose user has it.
    #[schema(value_type = Option<texts::AssetId>)]
    site: Option<String>,
    /// The user that has it.
    #[schema(value_type = Option<texts::AssetId>)]
    user: Option<String>,
    /// The reservation that it is under.
    #[schema(value_type = Option<texts::ReservationId>)]
    reservation: Option<String>,
    /// Until when it is reserved.
    until: Option<Time>,
    /// The port request that brings it, or brought it.
    #[schema(value_type = Option<texts::PortRequestId>)]
    port_request: Option<String>,
}

impl From<&NumberView> for NumberFacts {
    fn from(view: &NumberView) -> Self {
        Self {
            holding: view.holding.to_string(),
            origin: origin(view.network).to_owned(),
            network: view.network.to_string(),
            area_code: view.area.to_string(),
            place: view.place.as_ref().map(ToString::to_string),
            company: view.company.map(|id| id.to_string()),
            site: view.site.map(|id| id.to_string()),
            user: view.user.map(|id| id.to_string()),
            reservation: view.reservation.map(|id| id.to_string()),
            until: view.until.map(Time),
            port_request: view.port_request.map(|id| id.to_string()),
        }
    }
}

impl From<NumberView> for NumberBody {
    fn from(view: NumberView) -> Self {
        Self { number: view.number.to_string(), facts: (&view).into() }
    }
}

impl From<&FreeRun> for NumberRunBody {
    fn from(run: &FreeRun) -> Self {
        let last = run.start.offset(run.length - 1).unwrap_or(run.start);
        let facts = NumberFacts {
            holding: Holding::Free.to_string(),
            origin: origin(Network::Own).to_owned(),
            network: Network::Own.to_string(),
            area_code: run.area.to_string(),
            place: Some(run.place.to_string()),
            company: None,
            site: None,
            user: None,
            reservation: None,
            until: None,
            port_request: None,
        };
        Self { first: run.start.to_string(), last: last.to_string(), quantity: run.length, facts }
    }
}

/// `new` or `ported`.
pub fn origin(network: Network) -> &'static str {
    match network {
        Network::Own | Network::PortedOut => "new",
        Network::PortPending | Network::PortedIn => "ported",
    }
}

/// A run that grows while what follows is alike.
pub struct Growing {
    first: NumberView,
    last: TelephoneNumber,
    quantity: u32,
    /// The key of the row before its first, if there was one.
    pub before: Option<String>,
}

impl Growing {
    /// A run that begins with this number.
    pub fn from(view: NumberView, before: Option<String>) -> Self {
        Self { last: view.number, first: view, quantity: 1, before }
    }

    /// How many numbers it has.
    pub fn quantity(&self) -> u32 {
        self.quantity
    }

    /// Takes the number in if it follows and is alike; else gives it back.
    pub fn take(&mut self, view: NumberView) -> Option<NumberView> {
        let alike = NumberView { number: view.number, ..self.first.clone() } == view;
        if !alike || self.last.offset(1) != Some(view.number) {
            return Some(view);
        }
        self.last = view.number;
        self.quantity += 1;
        None
    }

    /// The run as it is shown.
    pub fn body(&self) -> NumberRunBody {
        NumberRunBody {
            first: self.first.number.to_string(),
            last: self.last.to_string(),
            quantity: self.quantity,
            facts: (&self.first).into(),
        }
    }
}

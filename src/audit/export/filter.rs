//! Which events are wanted, and reading them in order.

use std::collections::BTreeSet;

use orderwire_domain::{
    company::{Company, events::CompanyEvent},
    decider::Decider,
    fact::Happened,
    ids::{CompanyId, OrderId, ResellerId, StreamId},
    number_block::NumberBlock,
    order::{Order, events::OrderEvent},
    port_request::{PortRequest, events::PortEvent},
    reseller::Reseller,
    webhook::{Webhook, events::WebhookEvent},
};
use serde::{Deserialize, Serialize};
use strum::VariantArray as _;

use crate::{
    audit::{Moment, walk},
    edge::{self, Problem},
    engine::{
        Engine, Error,
        log::StoredEvent,
        readers::{PAGE_EVENTS_MAX, fact},
    },
};

/// Which events of the log are wanted: those of which all of this holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    /// After this position.
    pub after: u64,
    /// Up to this moment, as it was asked for; up to the end of the log where nobody said.
    pub until: Option<String>,
    /// Of this order, and of what was ported for it.
    pub order: Option<OrderId>,
    /// Of this company, its orders and its ports.
    pub company: Option<CompanyId>,
    /// Of this reseller, and of everything that is its own.
    pub reseller: Option<ResellerId>,
    /// Of one of these types; of any where there is none.
    pub types: Vec<String>,
}

impl Filter {
    /// Whether every event after `after` is wanted.
    pub fn takes_all(&self) -> bool {
        let Self { order, company, reseller, types, .. } = self;
        order.is_none() && company.is_none() && reseller.is_none() && types.is_empty()
    }

    /// Refuses what cannot be meant; answers the last position that can be wanted in a log of so many events.
    pub async fn check(&self, engine: &Engine, size: u64) -> Result<u64, edge::Error> {
        let known = names();
        if let Some(name) = self.types.iter().find(|name| !known.contains(&name.as_str())) {
            let detail = format!("no event is called `{name}`");
            let problem = Problem::new(
                "",
                "event_type_unknown",
                detail,
                "such as OrderSubmitted: docs/events.md has all",
            );
            return Err(edge::Error::refused(problem));
        }
        let after = Moment::Position(self.after);
        after.check(engine).await?;
        let Some(until) = &self.until else { return Ok(size) };
        let until: Moment =
            until.parse().map_err(|wrong| edge::Error::refused(Problem::invalid("", wrong)))?;
        until.check(engine).await?;
        let to = position(engine, until, size).await?;
        if self.after > to {
            let detail = format!("{until} is before {after}");
            let problem = Problem::new("", "moments_swapped", detail, "the earlier moment first");
            return Err(edge::Error::refused(problem));
        }
        Ok(to)
    }
}

/// The position of the last event that a moment takes in. Times never fall from one event to the next.
async fn position(engine: &Engine, moment: Moment, size: u64) -> Result<u64, Error> {
    if let Moment::Position(position) = moment {
        return Ok(position.min(size));
    }
    let (mut taken, mut left) = (0, size + 1);
    while left - taken > 1 {
        let middle = taken.midpoint(left);
        let event = walk::event(engine, middle).await?;
        let event = event.ok_or_else(|| lacking(middle))?;
        if moment.includes(&event) { taken = middle } else { left = middle }
    }
    Ok(taken)
}

/// The name of every event that there can be.
fn names() -> Vec<&'static str> {
    fn of<D: Decider>() -> impl Iterator<Item = &'static str> {
        D::EventKind::VARIANTS.iter().map(|kind| (*kind).into())
    }
    let names = of::<Order>().chain(of::<Company>()).chain(of::<PortRequest>());
    names.chain(of::<NumberBlock>()).chain(of::<Reseller>()).chain(of::<Webhook>()).collect()
}

/// The streams that belong to something: its own, and those that say in their first event that they are.
#[derive(Debug, Default)]
struct Belonging(BTreeSet<StreamId>);

impl Belonging {
    fn to(stream: StreamId) -> Self {
        Self(BTreeSet::from([stream]))
    }

    fn takes(&mut self, event: &StoredEvent, owners: &[StreamId]) -> bool {
        if owners.iter().any(|owner| self.0.contains(owner)) {
            self.0.insert(event.stream);
        }
        self.0.contains(&event.stream)
    }
}

/// To what a stream belongs, as its first event says.
fn owners(event: &StoredEvent) -> Result<Vec<StreamId>, Error> {
    Ok(match fact(event)?.happened {
        Happened::Order(_, OrderEvent::OrderCreated { reseller, company, .. }) => {
            [reseller.stream()].into_iter().chain(company.map(CompanyId::stream)).collect()
        }
        Happened::PortRequest(_, PortEvent::PortDrafted(draft)) => {
            [draft.reseller.stream(), draft.order.stream()]
                .into_iter()
                .chain(draft.company.map(CompanyId::stream))
                .collect()
        }
        Happened::Company(_, CompanyEvent::CompanyQualified { reseller, .. })
        | Happened::Webhook(_, WebhookEvent::WebhookCreated { reseller, .. }) => vec![reseller.stream()],
        _ => Vec::new(),
    })
}

/// The events that are wanted, page by page.
#[derive(Debug)]
pub struct Source {
    types: Vec<String>,
    belonging: Vec<Belonging>,
    at: u64,
    to: u64,
}

impl Source {
    /// From after one position up to another; whatever belongs to what is wanted is looked for before that too.
    pub async fn open(engine: &Engine, filter: &Filter, after: u64, to: u64) -> Result<Self, Error> {
        let of = [
            filter.order.map(OrderId::stream),
            filter.company.map(CompanyId::stream),
            filter.reseller.map(ResellerId::stream),
        ];
        let belonging: Vec<_> = of.into_iter().flatten().map(Belonging::to).collect();
        let at = if belonging.is_empty() { after } else { 0 };
        let mut source = Self { types: filter.types.clone(), belonging, at, to: after };
        while source.page(engine).await?.is_some() {}
        source.to = to;
        Ok(source)
    }

    /// Up to which position everything was looked at.
    pub fn through(&self) -> u64 {
        self.at
    }

    /// What is wanted of the next page of the log, which may be none of it; nothing at the end.
    pub async fn page(&mut self, engine: &Engine) -> Result<Option<Vec<StoredEvent>>, Error> {
        let left = self.to.saturating_sub(self.at);
        if left == 0 {
            return Ok(None);
        }
        let limit = PAGE_EVENTS_MAX.min(usize::try_from(left).unwrap_or(PAGE_EVENTS_MAX));
        let page = engine.page(self.at, limit).await?;
        if page.is_empty() {
            return Err(lacking(self.at + 1));
        }
        let mut wanted = Vec::new();
        for event in page {
            if event.position != self.at + 1 {
                return Err(lacking(self.at + 1));
            }
            self.at = event.position;
            if self.takes(&event)? {
                wanted.push(event);
            }
        }
        Ok(Some(wanted))
    }

    fn takes(&mut self, event: &StoredEvent) -> Result<bool, Error> {
        let asks = !self.belonging.is_empty() && event.sequence == 1;
        let owners = if asks { owners(event)? } else { Vec::new() };
        let mut belongs = true;
        for belonging in &mut self.belonging {
            // Each is asked: what belongs to the one is to be known, whatever the others say.
            belongs &= belonging.takes(event, &owners);
        }
        Ok(belongs && (self.types.is_empty() || self.types.contains(&event.event_type)))
    }
}

fn lacking(position: u64) -> Error {
    let detail = format!("position {position} is not there");
    Error::Corrupt { stream: "the log".to_owned(), detail }
}

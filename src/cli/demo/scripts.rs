//! The seven orders of a mix, each with the story of its life.
//!
//! The first order makes the company that the later ones add to, so it is placed first; the others go on beside one
//! another. Deliberately absent: what the orders ask for, which is in their documents.

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, bail};
use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::{
    documents::{self, Document, Variation},
    outside::{Port, execute},
    stage::{Script, Stage},
};
use crate::{
    domain::{
        address::Postcode,
        calendar::{PortWindow, london, london_date},
        ids::{CompanyId, OrderId},
        joint::Command,
        order::commands::OrderCommand,
        port_request::{commands::PortChanges, reason::PortRejection},
    },
    edge::{self, Problem, document::OrderDocument},
    engine::Provenance,
};

/// Mixes that are played at once. More make no use of two cores, and each holds its aggregates in memory.
pub const MIXES_AT_ONCE: u32 = 48;

/// When a mix begins.
const NINE: NaiveTime = NaiveTime::from_hms_opt(9, 0, 0).expect("it is a time of day");

/// Everybody who plays, and what is to be told of it.
#[derive(Clone)]
pub struct Cast {
    /// Where.
    pub stage: Stage,
    /// Who orders.
    pub reseller: Provenance,
    /// Who passes on what suppliers say.
    pub operator: Provenance,
    /// The orders of the first mix.
    pub told: Arc<Mutex<Vec<Told>>>,
}

/// An order that is told about.
#[derive(Clone, Debug)]
pub struct Told {
    /// Which document it is.
    pub document: Document,
    /// Which order.
    pub order: OrderId,
    /// When it was refused, and why.
    pub refused: Option<(DateTime<Utc>, Vec<Problem>)>,
}

/// Scripts for so many orders in all: whole mixes, and the first few of a last one.
pub fn scripts(cast: &Cast, orders: u32) -> Vec<Script<'static>> {
    let of_a_mix = u32::try_from(Document::ALL.len()).expect("a mix is a handful of orders");
    let mixes = orders.div_ceil(of_a_mix);
    let lane = |lane: u32| {
        let cast = cast.clone();
        let script: Script<'static> = Box::pin(async move {
            for mix in (lane..mixes).step_by(MIXES_AT_ONCE as usize) {
                let orders = of_a_mix.min(orders - mix * of_a_mix);
                Mix::begin(&cast, mix).await?.play(orders).await.with_context(|| format!("mix {mix}"))?;
            }
            Ok(())
        });
        script
    };
    (0..mixes.min(MIXES_AT_ONCE)).map(lane).collect()
}

/// One more port, left where its window has just opened, so that whoever tries a server can move its number. Its document
/// is that of a mix which `played` orders do not reach.
pub fn port_left_open(cast: &Cast, played: u32) -> Script<'static> {
    let cast = cast.clone();
    Box::pin(async move {
        let mix = Mix::begin(&cast, played).await?;
        let order = mix.order(Document::SingleLinePort).await?.order;
        for port in mix.ports(order).await? {
            mix.at(1, "09:20").await?;
            port.losing_provider_accepts().await?;
            port.window_opens().await?;
        }
        cast.stage.settled().await;
        Ok(())
    })
}

/// One mix of orders.
struct Mix<'a> {
    cast: &'a Cast,
    number: u32,
    first_day: NaiveDate,
}

impl<'a> Mix<'a> {
    /// Waits for the next working day at nine.
    async fn begin(cast: &'a Cast, number: u32) -> anyhow::Result<Self> {
        let now = cast.stage.engine().now();
        let today = london_date(now);
        let calendar = cast.stage.engine().rules().calendar();
        let on_time = calendar.is_working_day(today)? && now <= london(today, NINE);
        let first_day = if on_time { today } else { calendar.add(today, 1)? };
        cast.stage.until(london(first_day, NINE)).await;
        Ok(Self { cast, number, first_day })
    }

    async fn play(&self, orders: u32) -> anyhow::Result<()> {
        let company = self.new_company().await?;
        let others: Vec<Script<'_>> = vec![
            Box::pin(self.single_line(company)),
            Box::pin(self.multi_line()),
            Box::pin(self.later_order()),
            Box::pin(self.refused()),
            Box::pin(self.cancelled()),
            Box::pin(self.rejected()),
        ];
        self.cast.stage.together(others.into_iter().take(orders as usize - 1).collect()).await
    }

    /// A company with everything: its lines are done as soon as what they wait for is.
    async fn new_company(&self) -> anyhow::Result<CompanyId> {
        let placed = self.order(Document::NewCompany).await?;
        self.cast.stage.settled().await;
        placed.company.context("the first order makes a company")
    }

    /// The numbers belong to nobody until the reseller gives them to a company, ahead of the date.
    async fn single_line(&self, company: CompanyId) -> anyhow::Result<()> {
        self.at(0, "10:05").await?;
        let order = self.order(Document::SingleLinePort).await?.order;
        for port in self.ports(order).await? {
            self.at(1, "09:20").await?;
            port.losing_provider_accepts().await?;
            self.at(2, "09:45").await?;
            port.reseller_allocates(company).await?;
            port.goes_live().await?;
        }
        self.cast.stage.settled().await;
        Ok(())
    }

    /// A port of numbers that were ported before: the range holder must accept too.
    async fn multi_line(&self) -> anyhow::Result<()> {
        self.at(0, "10:40").await?;
        let order = self.order(Document::MultiLinePort).await?.order;
        for port in self.ports(order).await? {
            self.at(2, "14:10").await?;
            port.losing_provider_accepts().await?;
            self.at(4, "10:30").await?;
            port.range_holder_accepts().await?;
            port.goes_live().await?;
        }
        self.cast.stage.settled().await;
        Ok(())
    }

    /// The customer grows a week later.
    async fn later_order(&self) -> anyhow::Result<()> {
        self.at(5, "09:30").await?;
        self.order(Document::LaterOrder).await?;
        self.cast.stage.settled().await;
        Ok(())
    }

    /// It is told everything that is wrong at once, and is given up.
    async fn refused(&self) -> anyhow::Result<()> {
        self.at(1, "15:00").await?;
        let (engine, reseller) = (self.cast.stage.engine(), &self.cast.reseller);
        let document = self.document(Document::Refused)?;
        let order = edge::place::place(engine, reseller, &document).await?.order;
        let submitted = edge::place::submit(engine, reseller, order).await;
        let reasons = match submitted.map_err(|error| edge::place::in_document(&document, error)) {
            Err(edge::Error::Refused(reasons)) => reasons,
            Err(error) => return Err(error.into()),
            Ok(_) => bail!("the order that is to be refused was accepted"),
        };
        self.tell(Document::Refused, order, Some(reasons));
        self.at(1, "16:15").await?;
        self.command(order, OrderCommand::Discard).await
    }

    /// One losing provider has accepted and the other has not answered when the customer thinks better of it.
    async fn cancelled(&self) -> anyhow::Result<()> {
        self.at(2, "10:00").await?;
        let order = self.order(Document::Cancelled).await?.order;
        self.at(3, "11:00").await?;
        if let Some(port) = self.ports(order).await?.first() {
            port.losing_provider_accepts().await?;
        }
        self.at(3, "16:30").await?;
        self.command(order, OrderCommand::RequestCancellation { reason: None }).await?;
        self.cast.stage.settled().await;
        Ok(())
    }

    /// The losing provider knows another postcode; the lead time starts again with the second attempt.
    async fn rejected(&self) -> anyhow::Result<()> {
        self.at(0, "11:30").await?;
        let order = self.order(Document::RejectedPort).await?.order;
        for port in self.ports(order).await? {
            self.at(1, "13:50").await?;
            port.losing_provider_rejects(vec![PortRejection::PostcodeMismatch]).await?;
            self.at(2, "12:15").await?;
            let later = self.cast.stage.engine().rules().calendar().add(self.first_day, 12)?;
            let window = PortWindow::parse(&later.to_string(), "09:00", "12:00")?;
            port.reseller_presents_again(PortChanges {
                postcode: Some(Postcode::parse(documents::RIGHT_POSTCODE)?),
                window: Some(window),
                ..PortChanges::default()
            })
            .await?;
            self.at(4, "10:00").await?;
            port.losing_provider_accepts().await?;
            port.goes_live().await?;
        }
        self.cast.stage.settled().await;
        Ok(())
    }

    /// Places and submits a document, and has the carrier take it on.
    async fn order(&self, document: Document) -> anyhow::Result<edge::place::Placed> {
        let (engine, reseller) = (self.cast.stage.engine(), &self.cast.reseller);
        let sent = self.document(document)?;
        let placed = edge::place::place(engine, reseller, &sent).await.with_context(|| document.title())?;
        edge::place::submit(engine, reseller, placed.order).await.with_context(|| document.title())?;
        self.tell(document, placed.order, None);
        self.cast.stage.settled().await;
        Ok(placed)
    }

    fn document(&self, document: Document) -> anyhow::Result<OrderDocument> {
        let calendar = self.cast.stage.engine().rules().calendar();
        documents::varied(document, &Variation { mix: self.number, first_day: self.first_day, calendar })
    }

    async fn ports(&self, order: OrderId) -> anyhow::Result<Vec<Port<'_>>> {
        let Cast { stage, reseller, operator, .. } = self.cast;
        Port::of(stage, (reseller, operator), order).await
    }

    async fn command(&self, order: OrderId, command: OrderCommand) -> anyhow::Result<()> {
        execute(self.cast.stage.engine(), &Command::Order { order, command }, &self.cast.reseller).await
    }

    /// Waits for a time of a working day of this mix, counted from 0.
    async fn at(&self, day: u32, time: &str) -> anyhow::Result<()> {
        let day = self.cast.stage.engine().rules().calendar().add(self.first_day, day)?;
        let time = NaiveTime::parse_from_str(time, "%H:%M")?;
        self.cast.stage.until(london(day, time)).await;
        Ok(())
    }

    fn tell(&self, document: Document, order: OrderId, refused: Option<Vec<Problem>>) {
        if self.number == 0 {
            let refused = refused.map(|reasons| (self.cast.stage.engine().now(), reasons));
            let mut told = self.cast.told.lock().unwrap_or_else(PoisonError::into_inner);
            told.push(Told { document, order, refused });
        }
    }
}

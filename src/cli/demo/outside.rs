//! The parties outside: the reseller who waits for a date, the losing provider, the range holder and the network.
//!
//! Each says what a real one would, by the commands that an operator or a reseller sends, and each of its messages has an
//! id of its own. Deliberately absent: when they say it, which is the script's.

use anyhow::Context as _;
use chrono::TimeDelta;

use super::stage::Stage;
use crate::{
    domain::{
        calendar::PortWindow,
        ids::{CompanyId, OrderId, PortRequestId},
        joint::Command,
        names::MessageId,
        order::Order,
        port_request::{
            PortRequest,
            commands::{PortChanges, PortCommand},
            events::Supplier,
            reason::PortRejection,
        },
    },
    engine::{Engine, Provenance},
};

/// How long after the activation the network says that the numbers work.
const NETWORK_TAKES: TimeDelta = TimeDelta::minutes(40);

/// One port with everybody who has a say in it.
pub struct Port<'a> {
    stage: &'a Stage,
    reseller: &'a Provenance,
    operator: &'a Provenance,
    id: PortRequestId,
}

impl<'a> Port<'a> {
    /// The ports of an order, in the order of its lines.
    pub async fn of(
        stage: &'a Stage,
        (reseller, operator): (&'a Provenance, &'a Provenance),
        order: OrderId,
    ) -> anyhow::Result<Vec<Self>> {
        let (_, order) = stage.engine().load::<Order>(order).await?;
        Ok(order.port_requests().map(|(_, id)| Self { stage, reseller, operator, id }).collect())
    }

    /// The losing provider accepts the window that was asked for.
    pub async fn losing_provider_accepts(&self) -> anyhow::Result<()> {
        let window = self.window().await?;
        self.says("lcp-accept", |message| PortCommand::LcpAccept { message, window }).await
    }

    /// The losing provider refuses.
    pub async fn losing_provider_rejects(&self, reasons: Vec<PortRejection>) -> anyhow::Result<()> {
        let by = Supplier::Lcp;
        self.says("lcp-reject", |message| PortCommand::SupplierReject { message, by, reasons }).await
    }

    /// The range holder accepts too.
    pub async fn range_holder_accepts(&self) -> anyhow::Result<()> {
        self.says("rh-accept", |message| PortCommand::RhAccept { message }).await
    }

    /// The reseller changes the request and sends it again.
    pub async fn reseller_presents_again(&self, changes: PortChanges) -> anyhow::Result<()> {
        self.command(PortCommand::Represent { changes }, self.reseller).await
    }

    /// The reseller gives the numbers to a company, before they work.
    pub async fn reseller_allocates(&self, company: CompanyId) -> anyhow::Result<()> {
        self.command(PortCommand::Allocate { company }, self.reseller).await
    }

    /// Waits until the numbers may move.
    pub async fn window_opens(&self) -> anyhow::Result<()> {
        self.stage.until(self.window().await?.opens_at()).await;
        Ok(())
    }

    /// The reseller waits for the window and activates; a little later the network says that every number works.
    pub async fn goes_live(&self) -> anyhow::Result<()> {
        self.window_opens().await?;
        self.command(PortCommand::Activate, self.reseller).await?;
        self.stage.until(self.stage.engine().now() + NETWORK_TAKES).await;
        let live = self.request().await?.numbers();
        self.says("network-report", |message| PortCommand::NetworkReport { message, live }).await
    }

    /// When the numbers are to move: as confirmed, else as asked.
    async fn window(&self) -> anyhow::Result<PortWindow> {
        let request = self.request().await?;
        let asked = || request.details().map(|details| details.window);
        request.confirmed_window().or_else(asked).context("the port has no window")
    }

    async fn request(&self) -> Result<std::sync::Arc<PortRequest>, crate::engine::Error> {
        Ok(self.stage.engine().load::<PortRequest>(self.id).await?.1)
    }

    async fn says(&self, what: &str, command: impl FnOnce(MessageId) -> PortCommand) -> anyhow::Result<()> {
        // The attempt tells apart what a supplier says of a request that was presented again.
        let attempt = self.request().await?.attempt();
        let message = MessageId::parse(&format!("{what}-{attempt}-{}", self.id.0.simple()))?;
        self.command(command(message), self.operator).await
    }

    async fn command(&self, command: PortCommand, by: &Provenance) -> anyhow::Result<()> {
        execute(self.stage.engine(), &Command::Port { port_request: self.id, command }, by).await
    }
}

/// Runs a command that is expected to be accepted.
pub async fn execute(engine: &Engine, command: &Command, by: &Provenance) -> anyhow::Result<()> {
    engine.execute(command, by, None).await.with_context(|| command.name())?;
    Ok(())
}

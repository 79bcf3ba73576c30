//! The named cases of the specification that take more than one aggregate, through the whole engine.
//!
//! Beside their values stand, in the domain crate: exactly 30, 31, 150 and 151 numbers; lead time across Christmas and
//! Easter; 12:59 and 13:01; clock changes; one MAC in three notations; "Acme Ltd" as one name. In `race`: one number in
//! the same instant, overlapping sets, 50 of 48, a reservation that expires during submit, submitting at once. In
//! `invariants`, after every test: order complete after every line, nothing after a terminal event.

mod large;
mod orders;
mod ports;
mod waiting;

use orderwire::domain::{
    ids::{CompanyId, OrderId, PortRequestId},
    order::line::PortLine,
};

use crate::{invariants::Audit, world::*};

/// A company in service that ports numbers in, acknowledged and sent to the losing provider.
pub struct Porting {
    pub world: World,
    pub company: CompanyId,
    pub order: OrderId,
    pub port: PortRequestId,
}

impl Porting {
    pub async fn of(line: PortLine) -> Self {
        let world = World::in_memory().await;
        let reseller = world.reseller(1).await;
        world.leeds().await;
        let company = world.in_service(reseller, 1).await;
        let (order, ports) = world.submitted(company, "PO-PORT", vec![port(line)]).await;
        world.settle().await;
        Self { world, company, order, port: ports[0] }
    }

    /// The invariants hold, whatever the case did.
    pub async fn end(&self) {
        self.world.settle().await;
        Audit::of(&self.world.engine).await;
    }
}

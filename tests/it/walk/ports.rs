//! What is said about a port, in words that fit where it is; who says what and when is the machine's.

use chrono::TimeDelta;
use orderwire::domain::{
    calendar::{PortWindow, london_date},
    decider::Decider as _,
    ids::{CompanyId, StreamId},
    joint::{Command, State},
    names::MessageId,
    port_request::{
        PortRequest, PortStatus,
        commands::{PortAction, PortChanges, PortCommand},
        events::{PortCancellation, Supplier},
        reason::PortRejection,
    },
    testing::port_request::sealed,
};

use super::{carrier::Carrier, wish::Handle};
use crate::world::{World, morning_of};

/// A morning so many working days from now.
pub fn window(world: &World, working_days: i64) -> PortWindow {
    let today = london_date(world.engine.now());
    let days = u32::try_from(working_days.max(0)).unwrap();
    let from = if working_days < 0 { today + TimeDelta::days(working_days) } else { today };
    morning_of(world.engine.rules().calendar().add(from, days).unwrap())
}

/// Sleeps until the window opens that everybody accepted, if there is one.
pub async fn until_window(carrier: &mut Carrier, port: Handle) {
    carrier.world.settle().await;
    let Some((_, state)) = carrier.port(port).await else { return };
    if let Some(window) = state.confirmed_window()
        && window.opens_at() > carrier.world.engine.now()
    {
        carrier.world.sleep_until(window.opens_at()).await;
    }
}

/// Says something to a port, in the words that fit where it is.
pub async fn say(
    carrier: &mut Carrier,
    port: Handle,
    action: PortAction,
    message: u8,
    day: i64,
    all: bool,
) -> Option<bool> {
    let (port_request, state) = carrier.port(port).await?;
    let message = format!("m{message}").parse().unwrap();
    let words = Words { state: &state, message, window: window(&carrier.world, day), all };
    let mut command = words.saying(action)?;
    if let PortCommand::Allocate { company } = &mut command {
        // A port that was ordered for nobody goes to any company of its reseller.
        let request = state.request()?;
        let of_reseller = |(id, (_, state)): (&StreamId, &(_, State))| match state {
            State::Company(it) => (it.reseller() == Some(request.reseller)).then_some(CompanyId(id.id)),
            _ => None,
        };
        *company = match request.company {
            Some(company) => company,
            None => carrier.audit.states.iter().find_map(of_reseller)?,
        };
    }
    carrier.say(Command::Port { port_request, command }).await
}

struct Words<'a> {
    state: &'a PortRequest,
    message: MessageId,
    window: PortWindow,
    all: bool,
}

impl Words<'_> {
    /// Nothing for what only the engine or its timers say.
    fn saying(&self, action: PortAction) -> Option<PortCommand> {
        let (message, window) = (self.message.clone(), self.window);
        Some(match action {
            PortAction::LcpAccept => PortCommand::LcpAccept { message, window: self.asked() },
            PortAction::LcpAcceptAsComplex => PortCommand::LcpAcceptAsComplex { message, proposed: window },
            PortAction::RhAccept => PortCommand::RhAccept { message },
            PortAction::SupplierReject => {
                let by =
                    if self.state.status() == PortStatus::AwaitingRh { Supplier::Rh } else { Supplier::Lcp };
                let reasons = vec![PortRejection::PostcodeMismatch];
                PortCommand::SupplierReject { message, by, reasons }
            }
            PortAction::AcceptDateChange => PortCommand::AcceptDateChange { message, window },
            PortAction::RefuseDateChange => PortCommand::RefuseDateChange { message },
            PortAction::LcpWithdraw => {
                PortCommand::LcpWithdraw { message, reason: sealed("the customer stays") }
            }
            PortAction::NetworkReport => {
                let numbers = self.state.numbers();
                let half = || numbers.iter().take(numbers.len() / 2).collect();
                let live = if self.all { numbers.clone() } else { half() };
                PortCommand::NetworkReport { message, live }
            }
            PortAction::Restore => PortCommand::Restore { message, by: Supplier::Lcp },
            PortAction::Represent => {
                let postcode = "LS2 8JT".parse().ok();
                let changes = PortChanges { postcode, window: Some(window), ..PortChanges::default() };
                PortCommand::Represent { changes }
            }
            PortAction::AgreeDate => PortCommand::AgreeDate,
            PortAction::RefuseDate => PortCommand::RefuseDate,
            PortAction::RequestDate => PortCommand::RequestDate { window },
            PortAction::Activate => PortCommand::Activate,
            PortAction::RetryActivation => PortCommand::RetryActivation,
            PortAction::ReturnRest => PortCommand::ReturnRest,
            PortAction::Cancel => PortCommand::Cancel { why: PortCancellation::Requested },
            // The company is filled in by whoever knows one.
            PortAction::Allocate => PortCommand::Allocate { company: CompanyId(uuid::Uuid::nil()) },
            _ => return None,
        })
    }

    /// Mostly what was asked for, if somebody may still say so.
    fn asked(&self) -> PortWindow {
        self.state.details().filter(|_| self.all).map_or(self.window, |details| details.window)
    }
}

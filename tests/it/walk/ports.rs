//! What is said about a port: mostly what its stage suggests, sometimes what nobody expects.

use chrono::TimeDelta;
use orderwire::domain::{
    calendar::{PortWindow, london_date},
    decider::Decider as _,
    ids::PortRequestId,
    joint::Command,
    names::MessageId,
    number::NumberSet,
    port_request::{
        PortRequest, PortStatus,
        commands::{PortChanges, PortCommand},
        events::{PortCancellation, Supplier},
        reason::PortRejection,
    },
    testing::port_request::sealed,
};

use super::{
    carrier::{Carrier, pick},
    wish::{Pick, Wish},
};
use crate::world::{World, morning_of};

/// A morning so many working days from now.
pub fn window(world: &World, working_days: i64) -> PortWindow {
    let today = london_date(world.engine.now());
    let days = u32::try_from(working_days.max(0)).unwrap();
    let from = if working_days < 0 { today + TimeDelta::days(working_days) } else { today };
    morning_of(world.engine.rules().calendar().add(from, days).unwrap())
}

/// Mostly one of the last, where something still happens.
fn which(carrier: &Carrier, port: Pick) -> Option<PortRequestId> {
    let last = carrier.ports.len().saturating_sub(if port.is_multiple_of(5) { usize::MAX } else { 3 });
    pick(&carrier.ports[last..], port / 5)
}

/// Takes a port some way along, as if everybody did what they should.
pub async fn carry(carrier: &mut Carrier, port: Pick, steps: u8, message: u8) {
    let Some(id) = which(carrier, port) else { return };
    for step in 0..steps {
        carrier.world.settle().await;
        let state = carrier.world.state::<PortRequest>(id).await;
        let message: MessageId = format!("c{message}-{step}").parse().unwrap();
        let window = window(&carrier.world, 25);
        let words = Words { state: &state, message, window, all: !port.is_multiple_of(3) };
        let command = match state.status() {
            PortStatus::AwaitingLcp => {
                PortCommand::LcpAccept { message: words.message.clone(), window: words.asked() }
            }
            PortStatus::AwaitingDateAgreement => PortCommand::AgreeDate,
            PortStatus::AwaitingRh => words.rh(),
            PortStatus::Rejected => words.represent(),
            PortStatus::ReadyToActivate => PortCommand::Activate,
            PortStatus::Activating => words.report(),
            PortStatus::PartiallyPorted => PortCommand::RetryActivation,
            PortStatus::Lapsed => words.date(),
            PortStatus::DateChangePending => {
                PortCommand::AcceptDateChange { message: words.message.clone(), window: words.window }
            }
            PortStatus::Accepted => {
                let opens_at = state.confirmed_window().expect("an accepted port has a date").opens_at();
                carrier.world.sleep_until(opens_at).await;
                continue;
            }
            _ => return,
        };
        carrier.say(Command::Port { port_request: id, command }).await;
    }
}

pub async fn speak(carrier: &mut Carrier, wish: &Wish) {
    let Wish::Port { port, likely, what, message, day, all } = wish else { return };
    let Some(id) = which(carrier, *port) else { return };
    let state = carrier.world.state::<PortRequest>(id).await;
    let message: MessageId = format!("m{message}").parse().unwrap();
    let words = Words { state: &state, message, window: window(&carrier.world, *day), all: *all };
    let said = if *likely { words.likely() } else { words.any() };
    let Some(mut command) = said.get(usize::from(*what) % said.len().max(1)).cloned() else { return };
    if let PortCommand::Allocate { company } = &mut command {
        // A port that was ordered for nobody goes to any company.
        let companies: Vec<_> =
            carrier.audit.states.keys().filter(|it| it.kind.word() == "company").collect();
        let Some(any) = companies.get(usize::from(*what) % companies.len().max(1)) else { return };
        *company =
            state.request().and_then(|it| it.company).unwrap_or(orderwire::domain::ids::CompanyId(any.id));
    }
    carrier.say(Command::Port { port_request: id, command }).await;
}

struct Words<'a> {
    state: &'a PortRequest,
    message: MessageId,
    window: PortWindow,
    all: bool,
}

impl Words<'_> {
    fn likely(&self) -> Vec<PortCommand> {
        let accept = PortCommand::LcpAccept { message: self.message.clone(), window: self.asked() };
        match self.state.status() {
            PortStatus::AwaitingLcp => {
                vec![accept.clone(), accept.clone(), accept, self.complex(), self.reject(Supplier::Lcp)]
            }
            PortStatus::AwaitingDateAgreement => {
                vec![PortCommand::AgreeDate, PortCommand::AgreeDate, PortCommand::RefuseDate]
            }
            PortStatus::AwaitingRh => {
                vec![self.rh(), self.rh(), self.rh(), self.reject(Supplier::Rh), self.withdraw()]
            }
            PortStatus::Rejected => {
                vec![self.represent(), self.represent(), self.represent(), Self::cancel()]
            }
            PortStatus::Accepted => {
                vec![self.date(), Self::allocate(), self.withdraw(), Self::cancel(), Self::allocate()]
            }
            PortStatus::DateChangePending => vec![
                PortCommand::AcceptDateChange { message: self.message.clone(), window: self.window },
                PortCommand::RefuseDateChange { message: self.message.clone() },
            ],
            PortStatus::ReadyToActivate => {
                vec![PortCommand::Activate, PortCommand::Activate, Self::allocate()]
            }
            PortStatus::Activating => vec![self.report(), self.report()],
            PortStatus::PartiallyPorted => vec![PortCommand::RetryActivation, PortCommand::ReturnRest],
            PortStatus::Lapsed => vec![self.date(), self.date(), self.withdraw()],
            PortStatus::Ported => {
                vec![PortCommand::Restore { message: self.message.clone(), by: Supplier::Lcp }]
            }
            _ => self.any(),
        }
    }

    fn any(&self) -> Vec<PortCommand> {
        vec![
            PortCommand::LcpAccept { message: self.message.clone(), window: self.window },
            self.complex(),
            self.rh(),
            self.reject(Supplier::Lcp),
            self.reject(Supplier::Rh),
            PortCommand::AcceptDateChange { message: self.message.clone(), window: self.window },
            PortCommand::RefuseDateChange { message: self.message.clone() },
            self.withdraw(),
            self.report(),
            PortCommand::Restore { message: self.message.clone(), by: Supplier::Network },
            PortCommand::AgreeDate,
            PortCommand::Activate,
            PortCommand::RetryActivation,
            self.date(),
            Self::cancel(),
            self.represent(),
            Self::allocate(),
        ]
    }

    fn asked(&self) -> PortWindow {
        self.state.details().map_or(self.window, |details| details.window)
    }

    fn complex(&self) -> PortCommand {
        PortCommand::LcpAcceptAsComplex { message: self.message.clone(), proposed: self.window }
    }

    fn rh(&self) -> PortCommand {
        PortCommand::RhAccept { message: self.message.clone() }
    }

    fn reject(&self, by: Supplier) -> PortCommand {
        let reasons = vec![PortRejection::PostcodeMismatch];
        PortCommand::SupplierReject { message: self.message.clone(), by, reasons }
    }

    fn withdraw(&self) -> PortCommand {
        PortCommand::LcpWithdraw { message: self.message.clone(), reason: sealed("the customer stays") }
    }

    fn report(&self) -> PortCommand {
        let numbers = self.state.numbers();
        let live: NumberSet =
            if self.all { numbers } else { numbers.iter().take(numbers.len() / 2).collect() };
        PortCommand::NetworkReport { message: self.message.clone(), live }
    }

    fn represent(&self) -> PortCommand {
        let postcode = "LS2 8JT".parse().ok();
        PortCommand::Represent {
            changes: PortChanges { postcode, window: Some(self.window), ..PortChanges::default() },
        }
    }

    fn date(&self) -> PortCommand {
        PortCommand::RequestDate { window: self.window }
    }

    fn cancel() -> PortCommand {
        PortCommand::Cancel { why: PortCancellation::Requested }
    }

    /// The company is filled in by whoever knows one.
    fn allocate() -> PortCommand {
        PortCommand::Allocate { company: orderwire::domain::ids::CompanyId(uuid::Uuid::nil()) }
    }
}

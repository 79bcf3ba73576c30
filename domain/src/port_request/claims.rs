//! What its events take and release: the open port of each number, ceased numbers it keeps, and messages for good.

use super::events::{PortEvent, PortEventKind};
use crate::{
    claim::{Claim, ClaimChange, ClaimScope},
    decider::Event,
    ids::StreamId,
    names::MessageId,
    number::NumberSet,
    port_request::events::Supplier,
};

impl Event for PortEvent {
    type Kind = PortEventKind;

    fn kind(&self) -> PortEventKind {
        self.into()
    }

    fn name(&self) -> &'static str {
        self.into()
    }

    fn claims(&self, holder: StreamId) -> Vec<ClaimChange> {
        let take = |claim| ClaimChange::take(holder, claim);
        let release = |claim| ClaimChange::release(holder, claim);
        let message = self.message().map(|(by, message)| take(heard(by, message)));
        let numbers: Vec<ClaimChange> = match self {
            Self::PortDrafted(draft) => open_ports(&draft.numbers).map(take).collect(),
            Self::PortNumbersAdded { numbers } => open_ports(numbers).map(take).collect(),
            Self::OpenPortReleased { numbers }
            | Self::PortTimedOut { numbers }
            | Self::PortWithdrawn { numbers, .. }
            | Self::PortCancelled { numbers, .. }
            | Self::PortCompleted { numbers, .. } => open_ports(numbers).map(release).collect(),
            Self::PortedNumbersCeased { numbers } => kept(numbers).map(take).collect(),
            Self::KeptNumbersReleased { numbers }
            | Self::PortReturned { numbers }
            | Self::PortRestored { kept: numbers, .. } => kept(numbers).map(release).collect(),
            _ => vec![],
        };
        message.into_iter().chain(numbers).collect()
    }
}

/// No other request may ask for these numbers.
pub(super) fn open_ports(numbers: &NumberSet) -> impl Iterator<Item = Claim> + '_ {
    numbers.iter().map(|number| Claim::platform(ClaimScope::OpenPort, number.to_string()))
}

/// Nobody may have these numbers: no user needs them, and they are no stock of ours.
pub(super) fn kept(numbers: &NumberSet) -> impl Iterator<Item = Claim> + '_ {
    numbers.iter().map(|number| Claim::platform(ClaimScope::Number, number.to_string()))
}

/// This message of this sender was heard.
pub(super) fn heard(by: Supplier, message: &MessageId) -> Claim {
    Claim::within(ClaimScope::MessageId, by, message)
}

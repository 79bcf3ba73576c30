//! What its events take and release.

use super::events::{PortEvent, PortEventKind};
use crate::{claim::ClaimChange, decider::Event, ids::StreamId};

impl Event for PortEvent {
    type Kind = PortEventKind;

    fn kind(&self) -> PortEventKind {
        self.into()
    }

    fn name(&self) -> &'static str {
        self.into()
    }

    fn claims(&self, _holder: StreamId) -> Vec<ClaimChange> {
        Vec::new() // To be written.
    }
}

//! What its events take and release.

use super::events::{OrderEvent, OrderEventKind};
use crate::{claim::ClaimChange, decider::Event, ids::StreamId};

impl Event for OrderEvent {
    type Kind = OrderEventKind;

    fn kind(&self) -> OrderEventKind {
        self.into()
    }

    fn name(&self) -> &'static str {
        self.into()
    }

    fn claims(&self, _holder: StreamId) -> Vec<ClaimChange> {
        Vec::new() // To be written.
    }
}

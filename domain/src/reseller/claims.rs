//! What its events take and release.

use super::events::{ResellerEvent, ResellerEventKind};
use crate::{claim::ClaimChange, decider::Event, ids::StreamId};

impl Event for ResellerEvent {
    type Kind = ResellerEventKind;

    fn kind(&self) -> ResellerEventKind {
        self.into()
    }

    fn name(&self) -> &'static str {
        self.into()
    }

    fn claims(&self, _holder: StreamId) -> Vec<ClaimChange> {
        Vec::new() // To be written.
    }
}

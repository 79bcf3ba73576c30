//! What its events take and release.

use super::events::{BlockEvent, BlockEventKind};
use crate::{claim::ClaimChange, decider::Event, ids::StreamId};

impl Event for BlockEvent {
    type Kind = BlockEventKind;

    fn kind(&self) -> BlockEventKind {
        self.into()
    }

    fn name(&self) -> &'static str {
        self.into()
    }

    fn claims(&self, _holder: StreamId) -> Vec<ClaimChange> {
        Vec::new() // To be written.
    }
}

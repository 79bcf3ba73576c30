//! What its events take and release.

use super::events::{CompanyEvent, CompanyEventKind};
use crate::{claim::ClaimChange, decider::Event, ids::StreamId};

impl Event for CompanyEvent {
    type Kind = CompanyEventKind;

    fn kind(&self) -> CompanyEventKind {
        self.into()
    }

    fn name(&self) -> &'static str {
        self.into()
    }

    fn claims(&self, _holder: StreamId) -> Vec<ClaimChange> {
        Vec::new() // To be written.
    }
}

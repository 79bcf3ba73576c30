//! What its events take: its three ids, which are never released, so that nobody is mistaken for it later.

use super::events::{ResellerEvent, ResellerEventKind};
use crate::{
    claim::{Claim, ClaimChange, ClaimScope},
    decider::Event,
    ids::StreamId,
    names::{CugId, ResellerCode, SalesTag},
};

impl Event for ResellerEvent {
    type Kind = ResellerEventKind;

    fn kind(&self) -> ResellerEventKind {
        self.into()
    }

    fn name(&self) -> &'static str {
        self.into()
    }

    fn claims(&self, holder: StreamId) -> Vec<ClaimChange> {
        match self {
            Self::ResellerCreated { code, cug_id, sales_tag, .. } => {
                ids(code, cug_id, sales_tag).map(|claim| ClaimChange::take(holder, claim)).into()
            }
            Self::ResellerDetailsChanged { .. }
            | Self::ResellerSuspended { .. }
            | Self::ResellerResumed
            | Self::ResellerClosed => vec![],
        }
    }
}

/// The claims on the ids of a reseller.
pub(super) fn ids(code: &ResellerCode, cug_id: &CugId, sales_tag: &SalesTag) -> [Claim; 3] {
    [
        Claim::platform(ClaimScope::ResellerCode, code.key()),
        Claim::platform(ClaimScope::CugId, cug_id.key()),
        Claim::platform(ClaimScope::SalesTag, sales_tag.key()),
    ]
}

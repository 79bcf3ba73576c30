//! What its events take and release: the reseller's own reference, from the draft on; a discarded draft frees it.

use super::{
    Order,
    events::{OrderEvent, OrderEventKind},
};
use crate::{
    claim::{Claim, ClaimChange, ClaimScope},
    decider::Event,
    ids::{OrderId, ResellerId, StreamId},
    names::OrderReference,
};

impl Event for OrderEvent {
    type Kind = OrderEventKind;

    fn kind(&self) -> OrderEventKind {
        self.into()
    }

    fn name(&self) -> &'static str {
        self.into()
    }

    fn claims(&self, holder: StreamId) -> Vec<ClaimChange> {
        match self {
            Self::OrderCreated { reseller, reference, .. } => {
                vec![ClaimChange::take(holder, order_reference(*reseller, reference))]
            }
            Self::OrderDiscarded { reseller, reference, .. } => {
                vec![ClaimChange::release(holder, order_reference(*reseller, reference))]
            }
            _ => Vec::new(),
        }
    }
}

impl Order {
    /// What the order holds in this state; the same for every id, because its reference is the reseller's.
    pub fn held_claims(&self, _id: OrderId) -> std::collections::BTreeSet<Claim> {
        let head = self.head().filter(|_| !matches!(self, Self::Discarded(_)));
        head.map(|head| order_reference(head.reseller, &head.reference)).into_iter().collect()
    }
}

fn order_reference(reseller: ResellerId, reference: &OrderReference) -> Claim {
    Claim::within(ClaimScope::OrderReference, reseller, reference.key())
}

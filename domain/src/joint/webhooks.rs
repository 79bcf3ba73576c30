//! Webhooks: a new one takes the first free of its reseller's places, which is how many there are is bounded.

use std::collections::BTreeSet;

use super::{
    Outcome,
    companies::only_joined,
    desk::{Desk, Halt},
};
use crate::{
    ids::{ResellerId, WebhookId},
    notice::NoticeType,
    reseller::Reseller,
    webhook::{
        WEBHOOKS_MAX, Webhook,
        commands::{WebhookAction, WebhookCommand},
        slot,
        values::{EndpointUrl, SigningKey, WebhookDescription},
    },
};

/// Sends a reseller's notices somewhere. One that is suspended is still told what becomes of its orders.
pub fn create(
    desk: &mut Desk,
    reseller: ResellerId,
    url: &EndpointUrl,
    types: &BTreeSet<NoticeType>,
    description: &WebhookDescription,
    key: &SigningKey,
    after: u64,
) -> Result<Outcome, Halt> {
    if let Reseller::Closed(_) = &*desk.existing::<Reseller>(reseller)? {
        let expected = Some("a reseller that is not closed");
        return Err(Halt::refuse("reseller_not_active", None, "the reseller is closed", expected));
    }
    let id: WebhookId = desk.mint.fresh();
    let command = WebhookCommand::Create {
        reseller,
        slot: free_slot(desk, reseller)?,
        url: url.clone(),
        types: types.clone(),
        description: description.clone(),
        key: key.clone(),
        after,
    };
    desk.create::<Webhook>(id, &command)?;
    Ok(Outcome::made("webhook", id))
}

/// The first place that nobody holds and nobody was faster to take; the commit decides whose it is.
fn free_slot(desk: &Desk, reseller: ResellerId) -> Result<u32, Halt> {
    let slots = (1..=WEBHOOKS_MAX).map(|number| slot(reseller, number));
    let holders = desk.holders(slots.collect())?;
    let free = holders.iter().zip(1..).find(|((slot, holder), _)| holder.is_none() && !desk.lost(slot));
    free.map(|(_, number)| number).ok_or_else(|| {
        let detail = format!("there are {WEBHOOKS_MAX} webhooks");
        Halt::refuse("too_many_webhooks", None, detail, Some("one of them deleted first"))
    })
}

/// A command of the webhook alone.
pub fn webhook(desk: &mut Desk, id: WebhookId, command: &WebhookCommand) -> Result<Outcome, Halt> {
    if matches!(command, WebhookCommand::Create { .. }) {
        return Err(only_joined(WebhookAction::from(command).into()));
    }
    desk.tell::<Webhook>(id, command)?;
    Ok(Outcome::default())
}

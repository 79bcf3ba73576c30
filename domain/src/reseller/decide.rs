//! What a command leads to. Legality is in the table; here are the conditions.

use super::{ResellerCommand, ResellerError, ResellerEvent};

pub(super) fn decide(command: &ResellerCommand) -> Result<Vec<ResellerEvent>, Vec<ResellerError>> {
    use ResellerCommand as C;
    let event = match command.clone() {
        C::Create { code, cug_id, sales_tag, name } => {
            ResellerEvent::ResellerCreated { code, cug_id, sales_tag, name }
        }
        C::ChangeDetails { name } => ResellerEvent::ResellerDetailsChanged { name },
        C::Suspend { reason } => ResellerEvent::ResellerSuspended { reason },
        C::Resume => ResellerEvent::ResellerResumed,
        C::Close { live_companies: 0 } => ResellerEvent::ResellerClosed,
        C::Close { live_companies } => return Err(vec![ResellerError::LiveCompanies(live_companies)]),
    };
    Ok(vec![event])
}

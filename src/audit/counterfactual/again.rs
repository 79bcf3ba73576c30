//! Asking a decider again: the command is read off the event that it led to.
//!
//! Only events with something in them that a table or limit decides are of interest here.

use orderwire_domain::{
    company::{Company, commands::CompanyCommand, events::CompanyEvent},
    decider::{Context, Event as _, Refused, handle},
    fact::Happened,
    joint::{Seated, State},
    number::NumberSet,
    number_block::{NumberBlock, commands::BlockCommand, events::BlockEvent},
    order::{Order, commands::OrderCommand, events::OrderEvent},
    port_request::{
        PortError, PortRequest,
        commands::{PortChanges, PortCommand},
        events::{PortCancellation, PortDetails, PortDraft, PortEvent},
    },
    refusal::Reason,
};

/// What would have happened instead, or every reason why nothing would have.
pub(super) type Again = Result<Happened, Vec<Reason>>;

/// Whether a table has a part in such an event, or might have stood in its way.
pub(super) fn is_of_interest(happened: &Happened) -> bool {
    match happened {
        Happened::Order(_, event) => matches!(
            event,
            OrderEvent::OrderCreated { .. }
                | OrderEvent::LineAdded { .. }
                | OrderEvent::LineChanged { .. }
                | OrderEvent::LineRemoved { .. }
                | OrderEvent::OrderSubmitted { .. }
        ),
        Happened::Company(_, event) => matches!(
            event,
            CompanyEvent::CompanyQualified { .. }
                | CompanyEvent::QualificationExtended { .. }
                | CompanyEvent::NumbersReserved { .. }
                | CompanyEvent::OrderClosed { .. }
        ),
        Happened::PortRequest(_, event) => !matches!(
            event,
            PortEvent::PortNumbersAdded { .. }
                | PortEvent::OpenPortReleased { .. }
                | PortEvent::KeptNumbersReleased { .. }
                | PortEvent::PortOverdue
                | PortEvent::NetworkOverdue
                | PortEvent::PortTimedOut { .. }
                | PortEvent::WindowOpened
                | PortEvent::DateChangeLapsed
                | PortEvent::PortPartlyCompleted { .. }
                | PortEvent::PortedNumbersCeased { .. }
                | PortEvent::PortReturned { .. }
                | PortEvent::PortAllocated { .. }
                | PortEvent::PortWithdrawn { .. }
                | PortEvent::SupplierMessageIgnored { .. }
        ),
        Happened::NumberBlock(_, event) => matches!(event, BlockEvent::NumbersQuarantined { .. }),
        Happened::Reseller(..) | Happened::Webhook(..) => false,
    }
}

/// Decides again what led to an event; nothing where the event does not say enough.
pub(super) fn decide(before: &State, happened: &Happened, context: &Context) -> Option<Again> {
    match (before, happened) {
        (State::Order(order), Happened::Order(id, event)) => {
            let again = order_again(order, event, context)?;
            Some(again.map(|event| Happened::Order(*id, event)))
        }
        (State::Company(company), Happened::Company(id, event)) => {
            told(&**company, *id, &company_command(company, event)?, event, context)
        }
        (State::PortRequest(_), Happened::PortRequest(id, PortEvent::PortDrafted(draft))) => {
            let again = drafted(draft, context);
            Some(again.map(|draft| Happened::PortRequest(*id, PortEvent::PortDrafted(Box::new(draft)))))
        }
        (State::PortRequest(port), Happened::PortRequest(id, event)) => {
            told(&**port, *id, &port_command(port, event)?, event, context)
        }
        (State::NumberBlock(block), Happened::NumberBlock(id, event)) => {
            let BlockEvent::NumbersQuarantined { numbers, .. } = event else { return None };
            told::<NumberBlock>(
                block,
                *id,
                &BlockCommand::Quarantine { numbers: numbers.clone() },
                event,
                context,
            )
        }
        _ => None,
    }
}

/// Asks a decider; of what it answers, the event like the one that happened, or else the first.
fn told<D: Seated>(
    state: &D,
    id: D::Id,
    command: &D::Command,
    event: &D::Event,
    context: &Context,
) -> Option<Again> {
    match handle(state, command, context) {
        Ok(events) => {
            let like = events.iter().find(|it| it.kind() == event.kind()).or(events.first())?;
            Some(Ok(D::happened(id, like.clone())))
        }
        Err(Refused::NotPermitted { .. }) => None,
        Err(refused @ Refused::Rules(_)) => Some(Err(refused.reasons())),
    }
}

/// The same draft, with the lead time that would have applied.
fn drafted(draft: &PortDraft, context: &Context) -> Result<PortDraft, Vec<Reason>> {
    let details = draft.details.presented(context).map_err(|faults| {
        let reasons = faults.into_iter().map(|fault| PortError::Line(draft.line, fault));
        reasons.map(|error| Reason::from_rule(&error)).collect::<Vec<_>>()
    })?;
    Ok(PortDraft { details, ..draft.clone() })
}

/// How long a draft lasts is the same for every change of it; what is checked of its lines, is when it is submitted.
fn order_again(
    order: &Order,
    event: &OrderEvent,
    context: &Context,
) -> Option<Result<OrderEvent, Vec<Reason>>> {
    if let OrderEvent::OrderSubmitted { assets, port_requests } = event {
        let command = OrderCommand::Submit { assets: assets.clone(), port_requests: port_requests.clone() };
        return match handle(order, &command, context) {
            Ok(_) => Some(Ok(event.clone())),
            Err(Refused::NotPermitted { .. }) => None,
            Err(refused) => Some(Err(refused.reasons())),
        };
    }
    let mut again = event.clone();
    let (OrderEvent::OrderCreated { untouched_until, .. }
    | OrderEvent::LineAdded { untouched_until, .. }
    | OrderEvent::LineChanged { untouched_until, .. }
    | OrderEvent::LineRemoved { untouched_until, .. }) = &mut again
    else {
        return None;
    };
    *untouched_until = Order::untouched_from(context);
    Some(Ok(again))
}

fn company_command(company: &Company, event: &CompanyEvent) -> Option<CompanyCommand> {
    Some(match event {
        CompanyEvent::CompanyQualified { reseller, name, domain, .. } => {
            let (reseller, name, domain) = (*reseller, name.clone(), domain.clone());
            CompanyCommand::Qualify { reseller, name, domain }
        }
        CompanyEvent::QualificationExtended { .. } => CompanyCommand::ExtendQualification,
        // A large reservation is named by several events: the first says it all.
        CompanyEvent::NumbersReserved { reservation, .. } if company.reservation(*reservation).is_some() => {
            return None;
        }
        CompanyEvent::NumbersReserved { reservation, numbers, expires_at, .. } => {
            CompanyCommand::ReserveNumbers {
                reservation: *reservation,
                numbers: numbers.clone(),
                ring_fence: expires_at.is_none(),
            }
        }
        CompanyEvent::OrderClosed { order, .. } => CompanyCommand::CloseOrder { order: *order },
        _ => return None,
    })
}

fn port_command(port: &PortRequest, event: &PortEvent) -> Option<PortCommand> {
    Some(match event {
        PortEvent::PortSubmitted { .. } => PortCommand::Submit,
        PortEvent::LcpAccepted { message, window, .. } => {
            PortCommand::LcpAccept { message: message.clone(), window: *window }
        }
        PortEvent::EarlierDateProposed { message, proposed, .. } => {
            PortCommand::LcpAccept { message: message.clone(), window: *proposed }
        }
        PortEvent::LcpAcceptedAsComplex { message, proposed, .. } => {
            PortCommand::LcpAcceptAsComplex { message: message.clone(), proposed: *proposed }
        }
        PortEvent::DateAgreed { .. } => PortCommand::AgreeDate,
        PortEvent::RhAccepted { message } => PortCommand::RhAccept { message: message.clone() },
        PortEvent::PortRejected { message, by, reasons, .. } => {
            PortCommand::SupplierReject { message: message.clone(), by: *by, reasons: reasons.clone() }
        }
        PortEvent::PortRepresented { details, .. } => PortCommand::Represent { changes: changes(details) },
        PortEvent::DateChangeRequested { window, .. } => PortCommand::RequestDate { window: *window },
        PortEvent::DateChangeAccepted { message, window } => {
            PortCommand::AcceptDateChange { message: message.clone(), window: *window }
        }
        PortEvent::DateChangeRefused { message } => {
            PortCommand::RefuseDateChange { message: message.clone() }
        }
        PortEvent::PortCancelled { why: PortCancellation::DateRefused, .. } => PortCommand::RefuseDate,
        PortEvent::PortCancelled { why, .. } => PortCommand::Cancel { why: *why },
        PortEvent::WindowClosed { .. } => PortCommand::CloseWindow,
        PortEvent::ActivationRequested { .. } if matches!(port, PortRequest::PartiallyPorted { .. }) => {
            PortCommand::RetryActivation
        }
        PortEvent::ActivationRequested { .. } => PortCommand::Activate,
        PortEvent::ActivationFailed { message, .. } => {
            PortCommand::NetworkReport { message: message.clone(), live: NumberSet::default() }
        }
        PortEvent::PortCompleted { message: None, .. } => PortCommand::ReturnRest,
        PortEvent::PortCompleted { message: Some(message), live, .. } => {
            PortCommand::NetworkReport { message: message.clone(), live: live.clone() }
        }
        PortEvent::PortRestored { message, by, .. } => {
            PortCommand::Restore { message: message.clone(), by: *by }
        }
        _ => return None,
    })
}

/// Every change that leads to these details: what was so before is no change.
fn changes(details: &PortDetails) -> PortChanges {
    PortChanges {
        class: Some(details.shape.class),
        main_number: Some(details.main_number),
        losing_provider: Some(details.losing_provider.clone()),
        postcode: Some(details.postcode.clone()),
        account: Some(details.account.clone()),
        signatory: Some(details.signatory.clone()),
        window: Some(details.window),
    }
}

//! The lifecycle of a port request: every step there is.
//!
//! Absent: a cancellation of a request that is ready to activate, because its cut-off is over before its window opens.

#![cfg_attr(
    not(test),
    expect(clippy::enum_glob_use, reason = "a table of words reads best without their paths")
)]

use super::{PortStatus, commands::PortAction, events::PortEventKind};
use crate::lifecycle::{Lifecycle, Step, step};

/// A row of the table.
pub(super) type PortStep = Step<PortStatus, PortAction, PortEventKind>;

/// The steps, then the steps that ignore what a supplier says where it changes nothing.
pub(super) const LIFECYCLE: Lifecycle<PortStatus, PortAction, PortEventKind> = Lifecycle(&ROWS);

#[rustfmt::skip]
const STEPS: &[PortStep] = {
    use {PortAction::*, PortEventKind::*, PortStatus::*};
    // The one word that is both an action and a status.
    use PortStatus::Draft;
    &[
    //   from                   action              event                 to
    step(New,                   PortAction::Draft,  PortDrafted,          Draft),
    // A large draft is named by several events; a second draft of the same request is refused.
    step(Draft,                 PortAction::Draft,  PortNumbersAdded,     Draft),
    step(Draft,                 Submit,             PortSubmitted,        AwaitingLcp),
    step(Draft,                 Cancel,             OpenPortReleased,     Draft),
    step(Draft,                 Cancel,             PortCancelled,        Cancelled),

    step(AwaitingLcp,           LcpAccept,          LcpAccepted,          Accepted),
    step(AwaitingLcp,           LcpAccept,          LcpAccepted,          AwaitingRh),
    step(AwaitingLcp,           LcpAccept,          EarlierDateProposed,  AwaitingDateAgreement),
    step(AwaitingLcp,           LcpAcceptAsComplex, LcpAcceptedAsComplex, AwaitingDateAgreement),
    step(AwaitingLcp,           SupplierReject,     PortRejected,         Rejected),
    step(AwaitingLcp,           AnswerOverdue,      PortOverdue,          AwaitingLcp),
    step(AwaitingLcp,           TimeOut,            OpenPortReleased,     AwaitingLcp),
    step(AwaitingLcp,           TimeOut,            PortTimedOut,         TimedOut),
    step(AwaitingLcp,           Cancel,             OpenPortReleased,     AwaitingLcp),
    step(AwaitingLcp,           Cancel,             PortCancelled,        Cancelled),

    step(AwaitingDateAgreement, AgreeDate,          DateAgreed,           Accepted),
    step(AwaitingDateAgreement, AgreeDate,          DateAgreed,           AwaitingRh),
    step(AwaitingDateAgreement, RefuseDate,         OpenPortReleased,     AwaitingDateAgreement),
    step(AwaitingDateAgreement, RefuseDate,         PortCancelled,        Cancelled),
    step(AwaitingDateAgreement, TimeOut,            OpenPortReleased,     AwaitingDateAgreement),
    step(AwaitingDateAgreement, TimeOut,            PortTimedOut,         TimedOut),
    step(AwaitingDateAgreement, Cancel,             OpenPortReleased,     AwaitingDateAgreement),
    step(AwaitingDateAgreement, Cancel,             PortCancelled,        Cancelled),

    step(AwaitingRh,            RhAccept,           RhAccepted,           Accepted),
    step(AwaitingRh,            SupplierReject,     PortRejected,         Rejected),
    step(AwaitingRh,            LcpWithdraw,        OpenPortReleased,     AwaitingRh),
    step(AwaitingRh,            LcpWithdraw,        PortWithdrawn,        Withdrawn),
    step(AwaitingRh,            TimeOut,            OpenPortReleased,     AwaitingRh),
    step(AwaitingRh,            TimeOut,            PortTimedOut,         TimedOut),
    step(AwaitingRh,            Cancel,             OpenPortReleased,     AwaitingRh),
    step(AwaitingRh,            Cancel,             PortCancelled,        Cancelled),

    step(Rejected,              Represent,          PortRepresented,      AwaitingLcp),
    step(Rejected,              TimeOut,            OpenPortReleased,     Rejected),
    step(Rejected,              TimeOut,            PortTimedOut,         TimedOut),
    step(Rejected,              Cancel,             OpenPortReleased,     Rejected),
    step(Rejected,              Cancel,             PortCancelled,        Cancelled),

    step(Accepted,              Allocate,           PortAllocated,        Accepted),
    step(Accepted,              RequestDate,        DateChangeRequested,  DateChangePending),
    step(Accepted,              OpenWindow,         WindowOpened,         ReadyToActivate),
    step(Accepted,              LcpWithdraw,        OpenPortReleased,     Accepted),
    step(Accepted,              LcpWithdraw,        PortWithdrawn,        Withdrawn),
    step(Accepted,              Cancel,             OpenPortReleased,     Accepted),
    step(Accepted,              Cancel,             PortCancelled,        Cancelled),

    step(DateChangePending,     Allocate,           PortAllocated,        DateChangePending),
    step(DateChangePending,     AcceptDateChange,   DateChangeAccepted,   Accepted),
    step(DateChangePending,     RefuseDateChange,   DateChangeRefused,    Accepted),
    // A lapsed request has no old date to keep, so it lapses again, and it may be given up while it waits.
    step(DateChangePending,     RefuseDateChange,   DateChangeRefused,    Lapsed),
    step(DateChangePending,     TimeOut,            OpenPortReleased,     DateChangePending),
    step(DateChangePending,     TimeOut,            PortTimedOut,         TimedOut),
    step(DateChangePending,     OpenWindow,         DateChangeLapsed,     ReadyToActivate),
    step(DateChangePending,     LcpWithdraw,        OpenPortReleased,     DateChangePending),
    step(DateChangePending,     LcpWithdraw,        PortWithdrawn,        Withdrawn),
    step(DateChangePending,     Cancel,             OpenPortReleased,     DateChangePending),
    step(DateChangePending,     Cancel,             PortCancelled,        Cancelled),

    step(ReadyToActivate,       Allocate,           PortAllocated,        ReadyToActivate),
    step(ReadyToActivate,       Activate,           ActivationRequested,  Activating),
    step(ReadyToActivate,       CloseWindow,        WindowClosed,         Lapsed),
    step(ReadyToActivate,       LcpWithdraw,        OpenPortReleased,     ReadyToActivate),
    step(ReadyToActivate,       LcpWithdraw,        PortWithdrawn,        Withdrawn),

    step(Lapsed,                RequestDate,        DateChangeRequested,  DateChangePending),
    step(Lapsed,                LcpWithdraw,        OpenPortReleased,     Lapsed),
    step(Lapsed,                LcpWithdraw,        PortWithdrawn,        Withdrawn),
    step(Lapsed,                TimeOut,            OpenPortReleased,     Lapsed),
    step(Lapsed,                TimeOut,            PortTimedOut,         TimedOut),
    step(Lapsed,                Cancel,             OpenPortReleased,     Lapsed),
    step(Lapsed,                Cancel,             PortCancelled,        Cancelled),

    step(Activating,            NetworkReport,      OpenPortReleased,     Activating),
    step(Activating,            NetworkReport,      PortCompleted,        Ported),
    step(Activating,            NetworkReport,      PortPartlyCompleted,  PartiallyPorted),
    step(Activating,            NetworkReport,      ActivationFailed,     ReadyToActivate),
    step(Activating,            NetworkReport,      ActivationFailed,     Lapsed),
    step(Activating,            NetworkSilent,      NetworkOverdue,       Activating),

    step(PartiallyPorted,       RetryActivation,    ActivationRequested,  Activating),
    step(PartiallyPorted,       ReturnRest,         OpenPortReleased,     PartiallyPorted),
    step(PartiallyPorted,       ReturnRest,         PortCompleted,        Ported),

    step(Ported,                CeaseNumbers,       PortedNumbersCeased,  Ported),
    step(Ported,                CeaseNumbers,       KeptNumbersReleased,  Ported),
    step(Ported,                CeaseNumbers,       PortReturned,         Returned),
    step(Ported,                Restore,            KeptNumbersReleased,  Ported),
    step(Ported,                Restore,            PortRestored,         Restored),
    ]
};

/// What suppliers say: permitted wherever there is a request, because they cannot know where it is.
const MESSAGES: [PortAction; 9] = {
    use PortAction::*;
    [
        LcpAccept,
        LcpAcceptAsComplex,
        RhAccept,
        SupplierReject,
        AcceptDateChange,
        RefuseDateChange,
        LcpWithdraw,
        NetworkReport,
        Restore,
    ]
};

/// Every status but the one before the draft.
const AFTER_DRAFT: &[PortStatus] = <PortStatus as strum::VariantArray>::VARIANTS.split_at(1).1;

const ROWS: [PortStep; STEPS.len() + MESSAGES.len() * AFTER_DRAFT.len()] = {
    let mut rows = [STEPS[0]; STEPS.len() + MESSAGES.len() * AFTER_DRAFT.len()];
    let mut at = 0;
    while at < STEPS.len() {
        rows[at] = STEPS[at];
        at += 1;
    }
    while at < rows.len() {
        let cell = at - STEPS.len();
        let (status, message) = (AFTER_DRAFT[cell / MESSAGES.len()], MESSAGES[cell % MESSAGES.len()]);
        rows[at] = step(status, message, PortEventKind::SupplierMessageIgnored, status);
        at += 1;
    }
    rows
};

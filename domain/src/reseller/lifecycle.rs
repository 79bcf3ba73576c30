//! When what is legal for a reseller.

use super::{ResellerStatus, commands::ResellerAction, events::ResellerEventKind};
use crate::lifecycle::{Lifecycle, step};

#[rustfmt::skip]
pub(super) const LIFECYCLE: Lifecycle<ResellerStatus, ResellerAction, ResellerEventKind> = {
    use {ResellerAction as A, ResellerEventKind as E, ResellerStatus as S};
    Lifecycle(&[
        //   from          action             event                       to
        step(S::New,       A::Create,         E::ResellerCreated,         S::Active),

        step(S::Active,    A::ChangeDetails,  E::ResellerDetailsChanged,  S::Active),
        step(S::Active,    A::Suspend,        E::ResellerSuspended,       S::Suspended),

        step(S::Suspended, A::ChangeDetails,  E::ResellerDetailsChanged,  S::Suspended),
        step(S::Suspended, A::Resume,         E::ResellerResumed,         S::Active),
        step(S::Suspended, A::Close,          E::ResellerClosed,          S::Closed),
    ])
};

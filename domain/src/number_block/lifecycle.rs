//! When what is legal for a number block.

use super::{BlockStatus, commands::BlockAction, events::BlockEventKind};
use crate::lifecycle::{Lifecycle, step};

#[rustfmt::skip]
pub(super) const LIFECYCLE: Lifecycle<BlockStatus, BlockAction, BlockEventKind> = {
    use {BlockAction as A, BlockEventKind as E, BlockStatus as S};
    Lifecycle(&[
        //   from       action          event                   to
        step(S::New,    A::Load,        E::BlockLoaded,         S::Active),

        step(S::Active, A::Quarantine,  E::NumbersQuarantined,  S::Active),
        step(S::Active, A::Free,        E::NumbersFreed,        S::Active),
        step(S::Active, A::PortOut,     E::NumbersPortedOut,    S::Active),
        step(S::Active, A::TakeBack,    E::NumbersTakenBack,    S::Active),
        step(S::Active, A::Withdraw,    E::NumbersUnstocked,    S::Active),
        step(S::Active, A::Withdraw,    E::BlockWithdrawn,      S::Withdrawn),
    ])
};

//! Commands for resellers, and a model that is one word.

use proptest::{collection::vec, prelude::*};

use crate::{
    reseller::{ResellerStatus, commands::ResellerCommand},
    testing::{
        company::sealed,
        values::{a_company_name, a_cug_id, a_reseller_code, a_sales_tag},
    },
};

/// Any command.
pub fn a_command() -> impl Strategy<Value = ResellerCommand> {
    use ResellerCommand as C;
    let create = (a_reseller_code(), a_cug_id(), a_sales_tag(), a_company_name());
    prop_oneof![
        create.prop_map(|(code, cug_id, sales_tag, name)| C::Create { code, cug_id, sales_tag, name }),
        a_company_name().prop_map(|name| C::ChangeDetails { name }),
        Just(C::Suspend { reason: sealed("unpaid") }),
        Just(C::Resume),
        (0u32..3).prop_map(|live_companies| C::Close { live_companies }),
    ]
}

/// A walk.
pub fn a_walk() -> impl Strategy<Value = Vec<ResellerCommand>> {
    vec(a_command(), 0..20)
}

/// Where the command leads from a stage, if it may be.
pub fn follow(stage: ResellerStatus, command: &ResellerCommand) -> Option<ResellerStatus> {
    use {ResellerCommand as C, ResellerStatus as S};
    match (stage, command) {
        (S::New, C::Create { .. }) | (S::Active, C::ChangeDetails { .. }) | (S::Suspended, C::Resume) => {
            Some(S::Active)
        }
        (S::Active, C::Suspend { .. }) | (S::Suspended, C::ChangeDetails { .. }) => Some(S::Suspended),
        (S::Suspended, C::Close { live_companies: 0 }) => Some(S::Closed),
        _ => None,
    }
}

//! Commands for resellers, and a model that is one word.

use chrono::{DateTime, Utc};
use proptest::prelude::*;

use super::machine::{Model, Said, Wish};
use crate::{
    reseller::{Reseller, ResellerStatus, commands::ResellerCommand},
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

/// A reseller as the word for its stage.
#[derive(Clone, Copy, Debug)]
pub struct ResellerModel {
    /// The word.
    pub stage: ResellerStatus,
}

impl Model for ResellerModel {
    type Of = Reseller;

    fn begin() -> BoxedStrategy<Self> {
        Just(Self { stage: ResellerStatus::New }).boxed()
    }

    fn wishes(&self, now: DateTime<Utc>) -> BoxedStrategy<Wish<Self>> {
        a_command().prop_map(move |command| (now, command)).boxed()
    }

    fn hear(&mut self, command: &ResellerCommand, _: DateTime<Utc>) -> Said {
        let stage = follow(self.stage, command);
        self.stage = stage.unwrap_or(self.stage);
        Said::done(stage.is_some())
    }
}

/// Where the command leads from a stage, if it may be.
fn follow(stage: ResellerStatus, command: &ResellerCommand) -> Option<ResellerStatus> {
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

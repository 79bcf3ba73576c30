//! Every name that is held, and by whom: what a name check looks into.
//!
//! It is derived from what events claim, so it is no second opinion on who holds what. Numbers, open ports, hundreds and
//! message ids are claims too, but no names; they are absent.

use serde::{Deserialize, Serialize};

use super::{
    fold::{Fault, load, save},
    table::{Record, Rows, Table, Value, text},
};
use crate::{
    claim::{Claim, ClaimAction, ClaimChange, ClaimScope},
    fact::Fact,
    ids::StreamId,
};

/// One row per held name, by scope and normalised name; its parent is the holder.
pub static NAME_DIRECTORY: Table = Table {
    name: "name_directory",
    columns: &[text("scope"), text("name"), text("holder")],
    indexes: &[&["scope", "name"], &["holder", "scope"]],
};

/// A held name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldName {
    /// Where it may exist once.
    pub scope: ClaimScope,
    /// The normalised name, with whose it is before it where the scope belongs to somebody.
    pub name: String,
    /// Who holds it.
    pub holder: StreamId,
}

impl Record for HeldName {
    const TABLE: &'static Table = &NAME_DIRECTORY;

    fn key(&self) -> String {
        key(self.scope, &self.name)
    }

    fn parent(&self) -> String {
        self.holder.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        let scope: &str = self.scope.into();
        vec![scope.into(), self.name.as_str().into(), self.holder.to_string().into()]
    }
}

/// The key of a claim's row.
pub fn name_key(claim: &Claim) -> String {
    key(claim.scope, &claim.key)
}

/// Whether keys of this scope are names.
pub fn is_name(scope: ClaimScope) -> bool {
    !matches!(
        scope,
        ClaimScope::Number | ClaimScope::BlockHundred | ClaimScope::OpenPort | ClaimScope::MessageId
    )
}

/// Folds one event into held names.
pub fn fold(rows: &mut dyn Rows, fact: &Fact) -> Result<(), Fault> {
    fold_claims(rows, &fact.happened.claims())
}

/// Folds the claims of one event. In one event, and among the events of one commit, a name may be taken by its next
/// holder before the last one releases it; so a release only takes away what its own holder still has.
fn fold_claims(rows: &mut dyn Rows, changes: &[ClaimChange]) -> Result<(), Fault> {
    let of = |action| {
        let named = changes.iter().filter(|change| is_name(change.claim.scope));
        named.filter(move |change| change.action == action)
    };
    for change in of(ClaimAction::Release) {
        let key = name_key(&change.claim);
        if load::<HeldName>(rows, &key)?.is_some_and(|held| held.holder == change.holder) {
            rows.delete(&NAME_DIRECTORY, &key);
        }
    }
    for change in of(ClaimAction::Take) {
        let (scope, name) = (change.claim.scope, change.claim.key.clone());
        save(rows, HeldName { scope, name, holder: change.holder });
    }
    Ok(())
}

fn key(scope: ClaimScope, name: &str) -> String {
    format!("{scope}/{name}")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use strum::IntoEnumIterator;
    use uuid::Uuid;

    use super::*;
    use crate::{
        ids::CompanyId,
        views::{memory::MemoryRows, table::Need},
    };

    /// Events of a few companies about a few names of every scope; what is taken was free, what is released was held.
    fn legal(steps: Vec<(u8, usize, u8)>) -> Vec<Vec<ClaimChange>> {
        let scopes: Vec<ClaimScope> = ClaimScope::iter().collect();
        let mut held = BTreeMap::new();
        let step = |(holder, scope, name): (u8, usize, u8)| {
            let holder = CompanyId(Uuid::from_u128(u128::from(holder)));
            let claim = Claim::platform(scopes[scope], format!("name {name}"));
            match held.remove(&claim) {
                None => {
                    held.insert(claim.clone(), holder);
                    vec![ClaimChange::take(holder, claim)]
                }
                // The name moves: the next holder is named first.
                Some(before) if before != holder => {
                    held.insert(claim.clone(), holder);
                    let release = ClaimChange::release(before, claim.clone());
                    vec![ClaimChange::take(holder, claim), release]
                }
                Some(before) => vec![ClaimChange::release(before, claim)],
            }
        };
        steps.into_iter().map(step).collect()
    }

    proptest! {
        #[test]
        fn names_are_held_by_whom_the_claims_say(
            steps in prop::collection::vec((0u8..3, 0usize..17, 0u8..3), 0..60)
        ) {
            let mut held = BTreeMap::new();
            let mut rows = MemoryRows::default();
            for changes in legal(steps) {
                let (releases, takes): (Vec<_>, Vec<_>) =
                    changes.iter().partition(|change| change.action == ClaimAction::Release);
                for change in releases {
                    held.remove(&change.claim);
                }
                for change in takes {
                    held.insert(change.claim.clone(), change.holder);
                }
                // Whether the two come in one event or in two of one commit.
                if changes.len() % 2 == 0 && changes[0].claim.key.ends_with('0') {
                    for change in &changes {
                        fold_claims(&mut rows, std::slice::from_ref(change)).unwrap();
                    }
                } else {
                    fold_claims(&mut rows, &changes).unwrap();
                }
            }
            held.retain(|claim, _| is_name(claim.scope));
            let rows = rows.table(&NAME_DIRECTORY);
            prop_assert_eq!(rows.len(), held.len());
            for (claim, holder) in held {
                prop_assert_eq!(&rows[&name_key(&claim)].parent, &holder.to_string());
            }
        }
    }

    #[test]
    fn a_name_that_is_not_at_hand_is_asked_for() {
        let claim = Claim::platform(ClaimScope::Mac, "020000000001");
        let holder = CompanyId(Uuid::from_u128(1));
        let mut nothing = crate::views::overlay::Overlay::new();
        let fault = fold_claims(&mut nothing, &[ClaimChange::release(holder, claim)]).unwrap_err();
        assert_eq!(fault, Need::Key("name_directory", "mac/020000000001".to_owned()).into());
    }
}

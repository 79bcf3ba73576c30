//! Where a resource is, and what may be asked of it there: read off its lifecycle table.
//!
//! Deliberately absent: conditions beyond the table. Whether a draft can really be submitted is found out by submitting it.

use orderwire_domain::{decider::Decider, joint::State, lifecycle::Word};
use strum::VariantArray as _;

use crate::edge::keys::Role;

/// What a reseller can ask for over HTTP. Everything else in the tables is done by the carrier, by those it works with, or
/// by timers.
const FOR_RESELLERS: &[&str] = &[
    // orders
    "add_line",
    "change_line",
    "remove_line",
    "discard",
    "submit",
    "amend_line",
    "provide_information",
    "request_cancellation",
    // companies
    "extend_qualification",
    "release",
    "reserve_numbers",
    "release_reservation",
    "remove_asset",
    "cease_numbers",
    // port requests
    "represent",
    "agree_date",
    "refuse_date",
    "allocate",
    "request_date",
    "activate",
    "retry_activation",
    "return_rest",
    "cancel",
];

/// One thing that could be asked of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    /// Its name.
    pub name: &'static str,
    /// Whether it can be asked for where the resource is now.
    pub open: bool,
    /// Where it could be asked for.
    pub from: Vec<&'static str>,
}

/// The status, and the names of what may be asked for.
pub fn of(state: &State, role: Role) -> (&'static str, Vec<String>) {
    let (status, actions) = all(state, role);
    let open = actions.into_iter().filter(|action| action.open);
    (status, open.map(|action| action.name.to_owned()).collect())
}

/// The status, and everything that could be asked for.
pub fn all(state: &State, role: Role) -> (&'static str, Vec<Action>) {
    match state {
        State::Order(order) => table(&**order, role),
        State::Company(company) => table(&**company, role),
        State::PortRequest(port) => table(&**port, role),
        State::NumberBlock(block) => table(&**block, role),
        State::Reseller(reseller) => table(&**reseller, role),
    }
}

fn table<D: Decider>(state: &D, role: Role) -> (&'static str, Vec<Action>)
where
    D::Action: Word,
{
    let status = state.status();
    let asked = |name: &str| role != Role::Reseller || FOR_RESELLERS.contains(&name);
    let action = |action: &D::Action| {
        let name: &'static str = (*action).into();
        let from = D::Status::VARIANTS.iter().filter(|from| D::LIFECYCLE.permits(**from, *action));
        asked(name).then(|| Action {
            name,
            open: D::LIFECYCLE.permits(status, *action),
            from: from.map(|from| (*from).into()).collect(),
        })
    };
    (status.into(), D::Action::VARIANTS.iter().filter_map(action).collect())
}

//! Every bound and period that a decision may hit, each with a name that its refusal can say.
//!
//! Absent: a period for ring-fenced numbers. They stay until they are consumed or released.

use serde::{Deserialize, Serialize};

use crate::{invalid::Invalid, number::NUMBER_SET_MAX};

/// Most that an operator can set for the lines of one order; a larger one would not fit one commit.
const ORDER_LINES_CEILING: u32 = 10_000;
/// Most that any limit can be. As days it is a few centuries, so no date computed from one overflows.
pub const LIMIT_CEILING: u32 = 100_000;
/// Most keys that one event can name, whatever the operator sets.
const EVENT_KEYS_CEILING: u32 = 500;

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// The bounds and periods, in the unit that each name ends with.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Limits {
            $($(#[$doc])* pub $name: u32,)*
        }

        impl Limits {
            fn named(&self) -> impl Iterator<Item = (&'static str, u32)> {
                [$((stringify!($name), self.$name)),*].into_iter()
            }
        }
    };
}

limits! {
    /// How long a reservation holds numbers.
    reservation_days,
    /// How long a qualification holds a company's name and domain.
    qualification_days,
    /// How often a qualification can be extended.
    qualification_extensions_max,
    /// What a qualification has left at least, when its order ended without a company.
    qualification_left_days_min,
    /// How long before a qualification or reservation ends its reseller is told.
    expiry_notice_working_days,
    /// After how long an untouched draft is discarded.
    draft_untouched_days,
    /// How long the reseller has to give information, where nobody set a deadline.
    information_deadline_working_days,
    /// How long a number of our own rests after it ceased.
    quarantine_days,
    /// How long after a port it can be undone in an emergency.
    restoration_days,
    /// How long after it ceased a number can still be ported; it rests at least so long.
    portable_after_cease_days,
    /// After how long without progress a port request times out.
    port_no_progress_working_days,
    /// After how long a lapsed port request times out.
    port_lapsed_working_days,
    /// After how long of silence from the network a port being activated is in jeopardy.
    port_network_silent_hours,
    /// How often a port is presented to the losing provider, the first time included.
    port_attempts_max,
    /// Reasons in one rejection of a port.
    port_reasons_max,
    /// How often numbers are picked again after a lost race.
    number_picks_max,
    /// Lines of one order.
    order_lines_max,
    /// Reasons in one rejection of an order.
    order_reject_reasons_max,
    /// Keys that one event names.
    event_keys_max,
    /// Sites of one company.
    company_sites_max,
    /// Users of one company.
    company_users_max,
    /// Numbers of one company.
    company_numbers_max,
    /// Channels that one company can have.
    company_channels_max,
    /// Users of one site.
    site_users_max,
    /// Add-ons of one user.
    user_addons_max,
    /// Alternate numbers of one user.
    user_alternate_numbers_max,
    /// Devices of one user, whatever the licence says.
    user_devices_max,
}

impl Limits {
    /// Refuses a limit of nothing, and one beyond what the engine is built for.
    pub(super) fn check(&self) -> Result<(), Invalid> {
        if let Some((name, _)) = self.named().find(|(_, value)| *value == 0) {
            return Err(Invalid::new("limit_zero", format!("{name} is 0"), "a limit of at least 1"));
        }
        for (name, value) in self.named() {
            let ceiling = match name {
                "order_lines_max" => ORDER_LINES_CEILING,
                "event_keys_max" => EVENT_KEYS_CEILING,
                // Whatever a company or order holds must fit one set that can be read again.
                "company_numbers_max" => NUMBER_SET_MAX,
                _ => LIMIT_CEILING,
            };
            if value > ceiling {
                let expected = format!("at most {ceiling}");
                return Err(Invalid::new("limit_too_high", format!("{name} is {value}"), expected));
            }
        }
        // A number is nobody else's while its last user may still take it along.
        if self.quarantine_days < self.portable_after_cease_days {
            let detail = format!("quarantine_days is {}", self.quarantine_days);
            let expected = format!("at least portable_after_cease_days, {}", self.portable_after_cease_days);
            return Err(Invalid::new("quarantine_too_short", detail, expected));
        }
        Ok(())
    }
}

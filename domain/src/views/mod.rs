//! Read models as pure folds over facts: what queries, pages and resellers are shown.
//!
//! Nothing is decided on a row; only the log decides. Absent: SQL, checkpoints, and who runs a fold when.

pub mod table;
pub mod fold;
pub mod overlay;

pub mod order_status;
pub mod port_diary;
pub mod number_availability;
pub mod notices;
pub mod company_directory;
pub mod reservations;
pub mod webhooks;
pub mod name_directory;

#[cfg(feature = "testing")]
pub mod memory;
#[cfg(test)]
mod tests;

use fold::{Fault, Fold};
use table::{Rows, Table};

use crate::{fact::Fact, timer};

/// A reader of the log: its fold, and the tables that nobody else writes.
#[derive(Clone, Copy, Debug)]
pub struct Reader {
    /// The name of its checkpoint.
    pub name: &'static str,
    /// Its tables.
    pub tables: &'static [&'static Table],
    /// How one event changes them.
    pub fold: Fold,
}

/// The reader that folds whatever notices show, and writes them.
pub const ORDERS: &str = "orders";

/// The tables that a rebuild keeps: resellers are told of an event once.
pub static KEPT: &[&Table] = &[&notices::NOTICE, &notices::NOTICE_COUNTER];

/// Every reader of this crate.
pub static READERS: &[Reader] = &[
    Reader {
        name: ORDERS,
        tables: &[
            &order_status::ORDER_STATUS,
            &order_status::ORDER_LINE,
            &port_diary::PORT_DIARY,
            &number_availability::NUMBER,
            &number_availability::NUMBER_RUN,
            &number_availability::BLOCK_HUNDRED,
            &number_availability::STOCK_BLOCK,
            &number_availability::NUMBER_OWNER,
            &number_availability::NUMBER_ASSET,
            &number_availability::PORT_NUMBERS,
            &company_directory::COMPANY_DIRECTORY,
            &company_directory::ASSET,
            &reservations::RESERVATION,
            &webhooks::WEBHOOK,
            &notices::NOTICE,
            &notices::NOTICE_COUNTER,
        ],
        fold: fold_orders,
    },
    Reader { name: "names", tables: &[&name_directory::NAME_DIRECTORY], fold: name_directory::fold },
    Reader { name: "timers", tables: &[&timer::TIMER], fold: timer::fold_timers },
];

/// Every table of every reader.
pub fn tables() -> Vec<&'static Table> {
    READERS.iter().flat_map(|reader| reader.tables).copied().collect()
}

/// The table of a name, as a [`Need`](table::Need) gives it.
pub fn table_named(name: &str) -> Option<&'static Table> {
    tables().into_iter().find(|table| table.name == name)
}

/// Orders, port requests, numbers and companies, and then what resellers are told of them: one reader, so that a notice
/// shows the rows as its event left them.
pub fn fold_orders(rows: &mut dyn Rows, fact: &Fact) -> Result<(), Fault> {
    order_status::fold(rows, fact)?;
    port_diary::fold(rows, fact)?;
    // They ask where numbers came from, which numbers in service have forgotten.
    reservations::fold(rows, fact)?;
    number_availability::fold(rows, fact)?;
    company_directory::fold(rows, fact)?;
    webhooks::fold(rows, fact)?;
    notices::fold(rows, fact)
}

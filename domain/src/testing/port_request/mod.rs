//! Port requests for tests: port lines, a model to compare with, and a state machine that walks it.

mod model;
mod walk;

use proptest::prelude::*;
use sha2::{Digest, Sha256};
use uuid::Uuid;

pub use model::{ENDED, MESSAGES, PortModel, STEPS, steps};
pub use walk::PortLife;

use super::values::{a_number, a_range_of};
use crate::{
    address::Postcode,
    calendar::PortWindow,
    ids::{CompanyId, OrderId, ResellerId},
    lead_time::PortClass,
    names::{Cupid, MessageId},
    number::{NumberSet, TelephoneNumber},
    order::line::{LineNumber, PortLine},
    port_request::commands::PortCommand,
    sealed::Sealed,
};

/// The company for which ports of walks are ordered.
pub const COMPANY: CompanyId = CompanyId(Uuid::from_u128(0x0c0));
/// The company for which they are not.
pub const OTHER_COMPANY: CompanyId = CompanyId(Uuid::from_u128(0x0c1));

/// Text sealed under a key that nobody has: equal texts have equal tags.
pub fn sealed(text: &str) -> Sealed {
    let digest = format!("{:x}", Sha256::digest(text));
    Sealed { key_id: "test".to_owned(), nonce: "00".repeat(12), ciphertext: digest.clone(), tag: digest }
}

/// A single line of which the losing provider is the range holder.
pub fn single_line(window: PortWindow) -> PortLine {
    PortLine {
        class: PortClass::SingleLine,
        main_number: number("0113 496 0100"),
        associated: NumberSet::default(),
        ranges: vec![],
        losing_provider: cupid("001"),
        range_holder: cupid("001"),
        postcode: Postcode::parse("LS1 4AP").expect("a postcode"),
        account: sealed("account"),
        signatory: sealed("signatory"),
        window,
        site: None,
    }
}

/// A multi-line installation: its main number, then so many associated ones.
pub fn multi_line(associated: u32, window: PortWindow) -> PortLine {
    let main_number = number("0113 496 0100");
    let associated = (1..=associated).map(|n| main_number.offset(n).expect("a number of the same area"));
    PortLine { class: PortClass::MultiLine, associated: associated.collect(), ..single_line(window) }
}

/// The same port, which the range holder must accept too.
#[must_use]
pub fn subsequent(line: PortLine) -> PortLine {
    PortLine { losing_provider: cupid("002"), ..line }
}

/// The command that drafts a request for a line.
pub fn draft(line: PortLine) -> PortCommand {
    PortCommand::Draft {
        reseller: ResellerId(Uuid::from_u128(1)),
        order: OrderId(Uuid::from_u128(2)),
        line: LineNumber(3),
        company: Some(COMPANY),
        request: Box::new(line),
        simultaneous: 1,
    }
}

/// A message id.
pub fn message(text: &str) -> MessageId {
    MessageId::parse(text).expect("a message id")
}

/// A window from its three texts.
pub fn window(date: &str, from: &str, to: &str) -> PortWindow {
    PortWindow::parse(date, from, to).expect("a window")
}

/// A number.
pub fn number(text: &str) -> TelephoneNumber {
    TelephoneNumber::parse(text).expect("a number")
}

fn cupid(text: &str) -> Cupid {
    Cupid::parse(text).expect("three digits")
}

/// A port line of one number, of a few, or of a range; a window is chosen when it is drafted.
pub fn a_port_line() -> impl Strategy<Value = PortLine> {
    let some_window = window("2026-06-16", "09:00", "12:00");
    let single = a_number().prop_map(move |main_number| PortLine { main_number, ..single_line(some_window) });
    let several = (a_range_of(12), 1u32..=11).prop_map(move |(range, more)| PortLine {
        main_number: range.start(),
        associated: range.iter().skip(1).take(more as usize).collect(),
        ..multi_line(1, some_window)
    });
    let range =
        (prop_oneof![6 => 2u32..=12, 1 => 13u32..=200]).prop_flat_map(a_range_of).prop_map(move |range| {
            PortLine {
                main_number: range.start(),
                associated: NumberSet::default(),
                ranges: vec![range],
                ..multi_line(1, some_window)
            }
        });
    (prop_oneof![single, several, range], any::<bool>())
        .prop_map(|(line, again)| if again { subsequent(line) } else { line })
}

//! Port requests for tests: port lines, moves that somebody might make, and a model to compare with.

mod model;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use strum::VariantArray;
use uuid::Uuid;

pub use model::{ENDED, MESSAGES, PortModel, STEPS, Said, steps};

use super::values::{a_number, a_range_of};
use crate::{
    address::Postcode,
    calendar::{PortWindow, london_date},
    ids::{CompanyId, OrderId, ResellerId},
    lead_time::PortClass,
    names::{Cupid, MessageId},
    number::{NumberRange, NumberSet, TelephoneNumber},
    order::line::{LineNumber, PortLine},
    port_request::{
        commands::{PortAction, PortChanges, PortCommand},
        events::{PortCancellation, Supplier},
        reason::PortRejection,
    },
    rules::Rules,
    sealed::Sealed,
};

/// The company for which ports of [`Move`]s are ordered.
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

/// Something that somebody does next. What exactly depends on where the request is then.
#[derive(Clone, Debug)]
pub struct Move {
    /// Whether everybody sleeps until the next timer first.
    pub until_timer: bool,
    /// How long everybody sleeps, or goes on sleeping.
    pub wait: TimeDelta,
    /// Whether the timers run that are due by then.
    pub timers: bool,
    likely: bool,
    action: u16,
    message: u16,
    day: i64,
    choice: u8,
}

/// Moves: mostly those that the status suggests, sometimes any.
pub fn moves(most: usize) -> impl Strategy<Value = Vec<Move>> {
    let wait = prop_oneof![
        12 => (0i64..120).prop_map(TimeDelta::minutes),
        4 => (1i64..60).prop_map(TimeDelta::hours),
        1 => (1i64..35).prop_map(TimeDelta::days),
    ];
    let sleep = (prop::bool::weighted(0.3), wait, prop::bool::weighted(0.7));
    let day = prop_oneof![4 => 5i64..30, 1 => -4i64..60];
    let one = (sleep, prop::bool::weighted(0.85), any::<u16>(), 0u16..400, day, any::<u8>());
    let one = one.prop_map(|((until_timer, wait, timers), likely, action, message, day, choice)| Move {
        until_timer,
        wait,
        timers,
        likely,
        action,
        message,
        day,
        choice,
    });
    prop::collection::vec(one, 1..most)
}

impl Move {
    /// The command that it comes to.
    pub fn command(
        &self,
        line: &PortLine,
        model: &PortModel,
        at: DateTime<Utc>,
        rules: &Rules,
    ) -> PortCommand {
        let window = self.window(at, rules);
        let id = message(&format!("m{}", self.message));
        match self.action(model) {
            PortAction::Draft => draft(PortLine { window, ..line.clone() }),
            PortAction::Submit => PortCommand::Submit,
            PortAction::AnswerOverdue => PortCommand::AnswerOverdue,
            PortAction::TimeOut => PortCommand::TimeOut,
            PortAction::Represent => PortCommand::Represent { changes: self.changes(window) },
            PortAction::AgreeDate => PortCommand::AgreeDate,
            PortAction::RefuseDate => PortCommand::RefuseDate,
            PortAction::Allocate => {
                let company = if self.one_in(8) { OTHER_COMPANY } else { COMPANY };
                PortCommand::Allocate { company }
            }
            PortAction::RequestDate => PortCommand::RequestDate { window },
            PortAction::OpenWindow => PortCommand::OpenWindow,
            PortAction::CloseWindow => PortCommand::CloseWindow,
            PortAction::Activate => PortCommand::Activate,
            PortAction::NetworkSilent => PortCommand::NetworkSilent,
            PortAction::RetryActivation => PortCommand::RetryActivation,
            PortAction::ReturnRest => PortCommand::ReturnRest,
            PortAction::Cancel => PortCommand::Cancel { why: PortCancellation::Requested },
            PortAction::CeaseNumbers => PortCommand::CeaseNumbers { numbers: self.some_of(&model.live()) },
            action => self.said(action, id, window, model),
        }
    }

    fn said(
        &self,
        action: PortAction,
        message: MessageId,
        window: PortWindow,
        model: &PortModel,
    ) -> PortCommand {
        let by = Supplier::VARIANTS[usize::from(self.choice) % Supplier::VARIANTS.len()];
        match action {
            PortAction::LcpAcceptAsComplex => PortCommand::LcpAcceptAsComplex { message, proposed: window },
            PortAction::RhAccept => PortCommand::RhAccept { message },
            PortAction::SupplierReject => {
                let reason =
                    PortRejection::VARIANTS[usize::from(self.choice) % PortRejection::VARIANTS.len()];
                let reasons = if self.one_in(16) { vec![] } else { vec![reason] };
                PortCommand::SupplierReject { message, by, reasons }
            }
            PortAction::AcceptDateChange => PortCommand::AcceptDateChange { message, window },
            PortAction::RefuseDateChange => PortCommand::RefuseDateChange { message },
            PortAction::LcpWithdraw => PortCommand::LcpWithdraw { message, reason: sealed("no") },
            PortAction::NetworkReport => {
                PortCommand::NetworkReport { message, live: self.some_of(&model.numbers()) }
            }
            PortAction::Restore => PortCommand::Restore { message, by },
            _ => {
                let window = model.asked().filter(|_| !self.one_in(3)).unwrap_or(window);
                PortCommand::LcpAccept { message, window }
            }
        }
    }

    fn action(&self, model: &PortModel) -> PortAction {
        // Most walks would soon be over if every end were as likely as every step.
        let early = |to| ENDED.contains(&to) && !self.one_in(4);
        let suggested: Vec<&str> = steps()
            .iter()
            .filter(|(from, _, to)| *from == model.status() && !early(*to))
            .map(|(_, action, _)| *action)
            .collect();
        let pick = usize::from(self.action);
        let named =
            |word: &str| PortAction::VARIANTS.iter().copied().find(|action| <&str>::from(*action) == word);
        if self.likely && !suggested.is_empty() {
            named(suggested[pick % suggested.len()]).expect("the model's actions are those of the contract")
        } else {
            PortAction::VARIANTS[pick % PortAction::VARIANTS.len()]
        }
    }

    fn window(&self, at: DateTime<Utc>, rules: &Rules) -> PortWindow {
        let today = london_date(at);
        let date = today + TimeDelta::days(self.day);
        // Nine in ten land on a working day.
        let date =
            if self.one_in(10) { date } else { rules.calendar().add(date - Days::new(1), 1).unwrap_or(date) };
        let hours = [(9, 12), (8, 18), (13, 14), (7, 9)][usize::from(self.choice / 16) % 4];
        let hour = |hour| NaiveTime::from_hms_opt(hour, 0, 0).expect("an hour of the day");
        PortWindow::new(date, hour(hours.0), hour(hours.1)).expect("daytime windows always open")
    }

    fn changes(&self, window: PortWindow) -> PortChanges {
        let window = Some(window);
        match self.choice % 6 {
            0 => PortChanges::default(),
            1 => PortChanges { class: Some(PortClass::MultiLine), window, ..PortChanges::default() },
            2 => PortChanges { class: Some(PortClass::SingleLine), window, ..PortChanges::default() },
            3 => PortChanges { losing_provider: Some(cupid("003")), window, ..PortChanges::default() },
            4 => PortChanges { account: Some(sealed("other account")), ..PortChanges::default() },
            _ => PortChanges { window, ..PortChanges::default() },
        }
    }

    /// All, half, none, or a number that is not among them.
    fn some_of(&self, numbers: &NumberSet) -> NumberSet {
        match self.choice % 8 {
            0 => NumberSet::default(),
            1 => NumberSet::from(NumberRange::from(number("020 7946 0999"))),
            2..=4 => numbers.chunks(numbers.len().div_ceil(2).max(1)).into_iter().next().unwrap_or_default(),
            _ => numbers.clone(),
        }
    }

    fn one_in(&self, n: u8) -> bool {
        self.choice.is_multiple_of(n)
    }
}

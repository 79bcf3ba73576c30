//! The state machine of a port request: mostly what its status suggests, sometimes anything; suppliers speak late, twice
//! and out of turn, timers are answered late, and everybody sleeps now and then.

use std::sync::Arc;

use chrono::{DateTime, Days, NaiveTime, TimeDelta, Utc};
use proptest::{prelude::*, sample::Index};
use strum::VariantArray;

use super::{
    COMPANY, ENDED, OTHER_COMPANY, PortModel, a_port_line, cupid, draft, message, number, sealed, steps,
};
use crate::{
    calendar::{PortWindow, london_date},
    lead_time::PortClass,
    names::MessageId,
    number::{NumberRange, NumberSet},
    order::line::PortLine,
    port_request::{
        PortRequest,
        commands::{PortAction, PortChanges, PortCommand},
        events::{PortCancellation, Supplier},
        reason::PortRejection,
    },
    rules::Rules,
    testing::{
        machine::{Model, Said, Wish, rules_naming},
        scenario::moment,
    },
};

/// Nobody sleeps after this, so that no deadline runs off the bundled calendar.
const LAST_SLEEP: &str = "2028-06-01T00:00:00Z";

/// A model with the line it is drafted for.
#[derive(Clone, Debug)]
pub struct PortLife {
    /// The ledger.
    pub model: PortModel,
    line: PortLine,
    /// How many keys an event names at most: few, so that small ports are large ones, or many.
    keys_max: u32,
}

/// Something that somebody does next. What exactly depends on where the request is then.
#[derive(Clone, Debug)]
struct Move {
    /// When: now and then a timer's time, on time or late, or somewhat before or after it.
    timer: Option<(Index, u8)>,
    wait: TimeDelta,
    likely: bool,
    action: u16,
    message: u16,
    day: i64,
    choice: u8,
}

fn a_move() -> impl Strategy<Value = Move> {
    let wait = prop_oneof![
        12 => (0i64..120).prop_map(TimeDelta::minutes),
        4 => (1i64..60).prop_map(TimeDelta::hours),
        1 => (1i64..35).prop_map(TimeDelta::days),
    ];
    let timer = prop::option::weighted(0.4, (any::<Index>(), 0u8..4));
    let day = prop_oneof![4 => 5i64..30, 1 => -4i64..60];
    let rest = (prop::bool::weighted(0.85), any::<u16>(), 0u16..400, day, any::<u8>());
    (timer, wait, rest).prop_map(|(timer, wait, (likely, action, message, day, choice))| Move {
        timer,
        wait,
        likely,
        action,
        message,
        day,
        choice,
    })
}

impl Model for PortLife {
    type Of = PortRequest;

    fn begin() -> BoxedStrategy<Self> {
        (a_port_line(), prop::sample::select(&[3, 3, 3, 500][..]))
            .prop_map(|(line, keys_max)| Self { model: PortModel::new(), line, keys_max })
            .boxed()
    }

    fn wishes(&self, now: DateTime<Utc>) -> BoxedStrategy<Wish<Self>> {
        let (life, rules) = (self.clone(), self.rules());
        a_move().prop_map(move |step| step.wish(&life, now, &rules)).boxed()
    }

    fn hear(&mut self, command: &PortCommand, at: DateTime<Utc>) -> Said {
        let rules = self.rules();
        self.model.hear(command, at, &rules)
    }

    fn timers(&self) -> Vec<Wish<Self>> {
        self.model.timers()
    }

    fn rules(&self) -> Arc<Rules> {
        rules_naming(self.keys_max)
    }
}

impl Move {
    /// The command that it comes to, and when. A timer is on time, or answered late as of its time; or somebody does
    /// something else about that time, where cut-offs are.
    fn wish(&self, life: &PortLife, now: DateTime<Utc>, rules: &Rules) -> Wish<PortLife> {
        let timers = life.model.timers();
        let mut at = if now < moment(LAST_SLEEP) { now + self.wait } else { now };
        if let Some((which, how)) = self.timer.filter(|_| !timers.is_empty()) {
            let (due, command) = which.get(&timers);
            at = match how {
                0 | 1 => return (*due, command.clone()),
                2 => now.max(*due - self.wait),
                _ => now.max(*due) + self.wait,
            };
        }
        (at, self.command(&life.line, &life.model, at, rules))
    }

    fn command(&self, line: &PortLine, model: &PortModel, at: DateTime<Utc>, rules: &Rules) -> PortCommand {
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

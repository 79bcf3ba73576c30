//! A model of a port request to compare the aggregate with.
//!
//! It was written from the rules in words, not from the lifecycle: a table of where each action may lead, and a
//! ledger of what decides between them. Absent: claims, and the wording of refusals.

use std::{collections::BTreeSet, sync::LazyLock};

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};

use crate::{
    calendar::{PortWindow, london, london_date},
    ids::CompanyId,
    lead_time::PortClass,
    names::MessageId,
    number::NumberSet,
    order::line::PortLine,
    port_request::{
        commands::{PortAction, PortChanges, PortCommand},
        events::{IgnoredBecause, Supplier},
        reason::PortRejection,
    },
    rules::Rules,
    testing::machine::Said,
};

/// Where each action may lead from each status, suppliers' messages that change nothing left out.
pub const STEPS: &str = "
    new: draft>draft
    draft: draft>draft submit>awaiting_lcp cancel>cancelled
    awaiting_lcp: lcp_accept>accepted lcp_accept>awaiting_rh lcp_accept>awaiting_date_agreement
        lcp_accept_as_complex>awaiting_date_agreement supplier_reject>rejected answer_overdue>awaiting_lcp
        time_out>timed_out cancel>cancelled
    awaiting_date_agreement: agree_date>accepted agree_date>awaiting_rh refuse_date>cancelled time_out>timed_out
        cancel>cancelled
    awaiting_rh: rh_accept>accepted supplier_reject>rejected lcp_withdraw>withdrawn time_out>timed_out
        cancel>cancelled
    rejected: represent>awaiting_lcp time_out>timed_out cancel>cancelled
    accepted: allocate>accepted request_date>date_change_pending open_window>ready_to_activate
        lcp_withdraw>withdrawn cancel>cancelled
    date_change_pending: allocate>date_change_pending accept_date_change>accepted refuse_date_change>accepted
        refuse_date_change>lapsed open_window>ready_to_activate time_out>timed_out lcp_withdraw>withdrawn
        cancel>cancelled
    ready_to_activate: allocate>ready_to_activate activate>activating close_window>lapsed lcp_withdraw>withdrawn
    lapsed: request_date>date_change_pending time_out>timed_out lcp_withdraw>withdrawn cancel>cancelled
    activating: network_report>ported network_report>partially_ported network_report>ready_to_activate
        network_report>lapsed network_silent>activating
    partially_ported: retry_activation>activating return_rest>ported
    ported: cease_numbers>ported cease_numbers>returned restore>restored
";

/// What suppliers say; they may say it in every status but `new`.
pub const MESSAGES: [&str; 9] = [
    "lcp_accept",
    "lcp_accept_as_complex",
    "rh_accept",
    "supplier_reject",
    "accept_date_change",
    "refuse_date_change",
    "lcp_withdraw",
    "network_report",
    "restore",
];

/// The statuses in which nothing changes any more.
pub const ENDED: [&str; 5] = ["cancelled", "withdrawn", "timed_out", "restored", "returned"];

/// The table as (from, action, to).
pub fn steps() -> &'static BTreeSet<(&'static str, &'static str, &'static str)> {
    static STEPS_READ: LazyLock<BTreeSet<(&str, &str, &str)>> = LazyLock::new(|| {
        let mut from = "";
        let mut steps = BTreeSet::new();
        for word in STEPS.split_whitespace() {
            match word.split_once('>') {
                Some((action, to)) => drop(steps.insert((from, action, to))),
                None => from = word.trim_end_matches(':'),
            }
        }
        steps
    });
    &STEPS_READ
}

/// A ledger of one port request.
#[derive(Clone, Debug, Default)]
pub struct PortModel {
    status: &'static str,
    line: Option<PortLine>,
    simultaneous: u32,
    complex: bool,
    company: Option<CompanyId>,
    allocated: Option<CompanyId>,
    attempts: u32,
    code_25: bool,
    heard: BTreeSet<(Supplier, MessageId)>,
    /// The date proposed, confirmed or being asked for instead.
    proposed: Option<PortWindow>,
    confirmed: Option<PortWindow>,
    instead: Option<PortWindow>,
    answer_by: Option<DateTime<Utc>>,
    /// The last day on which the request is not given up.
    last_day: Option<NaiveDate>,
    live: NumberSet,
    restorable_until: Option<DateTime<Utc>>,
}

impl PortModel {
    /// Before the draft.
    pub fn new() -> Self {
        Self { status: "new", ..Self::default() }
    }

    /// The status by its word.
    pub fn status(&self) -> &'static str {
        self.status
    }

    /// Every number; none before the draft.
    pub fn numbers(&self) -> NumberSet {
        self.line.as_ref().map(PortLine::numbers).unwrap_or_default()
    }

    /// The window that the losing provider is asked for.
    pub fn asked(&self) -> Option<PortWindow> {
        self.line.as_ref().map(|line| line.window)
    }

    /// The numbers that work here and that somebody uses.
    pub fn live(&self) -> NumberSet {
        self.live.clone()
    }

    /// The timers that run: to ask where the answer is, to give up, to open and close the window.
    pub fn timers(&self) -> Vec<(DateTime<Utc>, PortCommand)> {
        let answer = match self.status {
            "awaiting_lcp" => self.answer_by.map(|due| (due, PortCommand::AnswerOverdue)),
            "activating" => self.answer_by.map(|due| (due, PortCommand::NetworkSilent)),
            _ => None,
        };
        let over = self.last_day.filter(|_| !ENDED.contains(&self.status));
        let over = over.map(|last| (london(last + Days::new(1), NaiveTime::MIN), PortCommand::TimeOut));
        let window = match self.status {
            "accepted" | "date_change_pending" => {
                self.confirmed.map(|window| (window.opens_at(), PortCommand::OpenWindow))
            }
            "ready_to_activate" => {
                self.confirmed.map(|window| (window.closes_at(), PortCommand::CloseWindow))
            }
            _ => None,
        };
        [answer, over, window].into_iter().flatten().collect()
    }

    /// Hears a command and goes where it leads.
    pub fn hear(&mut self, command: &PortCommand, at: DateTime<Utc>, rules: &Rules) -> Said {
        let (action, before): (&str, _) = (PortAction::from(command).into(), self.clone());
        let message = command.message().map(|(by, message)| (by, message.clone()));
        let known = steps().iter().any(|(from, a, _)| (*from, *a) == (self.status, action));
        if let Some(message) = message {
            if self.status == "new" {
                return Said::Refused;
            }
            if self.heard.contains(&message) {
                return Said::Repeated;
            }
            if matches!(command, PortCommand::SupplierReject { reasons, .. } if reasons.is_empty()) {
                return Said::Refused;
            }
            self.heard.insert(message);
            if ENDED.contains(&self.status) {
                return Said::Ignored(IgnoredBecause::Ended);
            }
            return if known {
                self.listen(command, at, rules)
            } else {
                Said::Ignored(IgnoredBecause::NotExpected)
            };
        }
        if known && self.act(command, at, rules) {
            return Said::Done;
        }
        *self = before;
        Said::Refused
    }

    /// What we or our timers want; `false` if a rule speaks against it.
    fn act(&mut self, command: &PortCommand, at: DateTime<Utc>, rules: &Rules) -> bool {
        use PortCommand as Do;
        match command {
            Do::Draft { company, request, simultaneous, .. } => {
                self.company = *company;
                self.simultaneous = *simultaneous;
                let numbers = request.numbers();
                let single = request.class == PortClass::SingleLine;
                let alone = request.associated.is_empty() && request.ranges.is_empty();
                let first = self.status == "new";
                self.line = Some((**request).clone());
                self.attempts = 1;
                self.status = "draft";
                first
                    && if single { alone } else { numbers.len() >= 2 }
                    && numbers.iter().all(|n| n.is_geographic() == request.main_number.is_geographic())
                    && self.can_be_on(&request.window, at, rules)
            }
            Do::Submit => self.present(at, rules),
            Do::Represent { changes } => self.represent(changes, at, rules),
            Do::AnswerOverdue | Do::NetworkSilent => self.answer_by.take().is_some_and(|due| at >= due),
            Do::TimeOut => {
                let over = self.last_day.is_some_and(|last| london_date(at) > last);
                self.go("timed_out") && over
            }
            Do::AgreeDate => {
                self.confirmed = self.proposed;
                let passed = self.proposed.is_none_or(|window| window.closes_at() <= at);
                self.after_lcp(at, rules);
                !passed
            }
            Do::RefuseDate => self.go("cancelled"),
            Do::Cancel { .. } => {
                let in_time = self.before_cut_off(at);
                self.go("cancelled") && in_time
            }
            Do::Allocate { company } => {
                let free = self.allocated.is_none() && self.company.is_none_or(|ordered| ordered == *company);
                self.allocated = Some(*company);
                free
            }
            Do::RequestDate { window } => {
                let in_time = self.before_cut_off(at) && self.confirmed != Some(*window);
                self.instead = Some(*window);
                self.last_day = if self.confirmed.is_none() { days(20, at, rules) } else { None };
                self.go("date_change_pending") && in_time && self.can_be_on(window, at, rules)
            }
            Do::OpenWindow => {
                let open = self.confirmed.is_some_and(|window| at >= window.opens_at());
                self.go("ready_to_activate") && open
            }
            Do::CloseWindow => {
                let over = self.window_over(at);
                self.lapse(at, rules) && over
            }
            Do::Activate => {
                let open = self.confirmed.is_some_and(|window| at >= window.opens_at());
                let open = open && !self.window_over(at) && self.allocated.is_some();
                self.answer_by = Some(at + TimeDelta::hours(4));
                self.go("activating") && open
            }
            Do::RetryActivation => {
                self.answer_by = Some(at + TimeDelta::hours(4));
                self.go("activating")
            }
            Do::ReturnRest => self.port(at),
            Do::CeaseNumbers { numbers } => {
                let used = !numbers.is_empty() && numbers.is_subset(&self.live);
                self.live = self.live.difference(numbers);
                self.status = if self.live.is_empty() { "returned" } else { "ported" };
                used
            }
            _ => false,
        }
    }

    /// What a supplier says, where something may follow from it.
    fn listen(&mut self, command: &PortCommand, at: DateTime<Utc>, rules: &Rules) -> Said {
        use PortCommand as Do;
        let impossible = |window: &PortWindow| {
            window.closes_at() <= at || rules.calendar().is_working_day(window.date()) != Ok(true)
        };
        match command {
            Do::LcpAccept { window, .. }
            | Do::LcpAcceptAsComplex { proposed: window, .. }
            | Do::AcceptDateChange { window, .. }
                if impossible(window) =>
            {
                return Said::Ignored(IgnoredBecause::ImpossibleDate);
            }
            Do::LcpAccept { window, .. }
                if self.line.as_ref().is_some_and(|it| window.date() < it.window.date()) =>
            {
                self.propose(window, at, rules);
            }
            Do::LcpAccept { window, .. } => {
                self.confirmed = Some(*window);
                self.after_lcp(at, rules);
            }
            Do::LcpAcceptAsComplex { proposed, .. } => {
                self.complex = true;
                self.propose(proposed, at, rules);
            }
            Do::RhAccept { .. } => {
                self.last_day = None;
                self.status = "accepted";
            }
            Do::SupplierReject { by, reasons, .. } => {
                if *by == Supplier::Network || (*by == Supplier::Rh && !self.subsequent()) {
                    return Said::Ignored(IgnoredBecause::NotExpected);
                }
                self.code_25 = reasons.contains(&PortRejection::SingleLineButMultiLine);
                self.confirmed = None;
                self.last_day = days(10, at, rules);
                self.status = "rejected";
            }
            Do::AcceptDateChange { window, .. } => {
                if self.instead.is_some_and(|asked| window.date() < asked.date()) {
                    return Said::Ignored(IgnoredBecause::EarlierThanAsked);
                }
                self.confirmed = Some(*window);
                self.last_day = None;
                self.status = "accepted";
            }
            Do::RefuseDateChange { .. } => {
                self.status = if self.confirmed.is_some() { "accepted" } else { "lapsed" };
            }
            Do::LcpWithdraw { .. } => self.status = "withdrawn",
            Do::NetworkReport { live, .. } => {
                if !live.is_subset(&self.numbers()) {
                    return Said::Ignored(IgnoredBecause::UnknownNumbers);
                }
                self.live = self.live.union(live);
                let window_over = self.window_over(at);
                if self.live == self.numbers() {
                    self.port(at);
                } else if !self.live.is_empty() {
                    self.status = "partially_ported";
                } else if window_over {
                    self.lapse(at, rules);
                } else {
                    self.status = "ready_to_activate";
                }
            }
            Do::Restore { .. } => {
                if self.restorable_until.is_some_and(|until| at > until) {
                    return Said::Ignored(IgnoredBecause::TooLate);
                }
                self.live = NumberSet::default();
                self.status = "restored";
            }
            _ => return Said::Ignored(IgnoredBecause::NotExpected),
        }
        Said::Done
    }

    fn go(&mut self, status: &'static str) -> bool {
        self.status = status;
        true
    }

    fn port(&mut self, at: DateTime<Utc>) -> bool {
        self.restorable_until = Some(at + TimeDelta::days(31));
        self.go("ported")
    }

    fn lapse(&mut self, at: DateTime<Utc>, rules: &Rules) -> bool {
        self.confirmed = None;
        self.last_day = days(20, at, rules);
        self.go("lapsed")
    }

    fn present(&mut self, at: DateTime<Utc>, rules: &Rules) -> bool {
        let single = self.line.as_ref().is_some_and(|line| line.class == PortClass::SingleLine);
        self.answer_by = Some(at + TimeDelta::hours(if single { 24 } else { 48 }));
        self.last_day = days(10, at, rules);
        self.go("awaiting_lcp")
    }

    fn represent(&mut self, changes: &PortChanges, at: DateTime<Utc>, rules: &Rules) -> bool {
        let numbers = self.numbers();
        let Some(line) = &mut self.line else { return false };
        let before = line.clone();
        let class = changes.class.unwrap_or(line.class);
        let fits = class == line.class
            || match class {
                PortClass::SingleLine => numbers.len() == 1,
                PortClass::MultiLine => numbers.len() > 1 || self.code_25,
            };
        line.class = class;
        line.window = changes.window.unwrap_or(line.window);
        line.postcode = changes.postcode.clone().unwrap_or(line.postcode.clone());
        line.losing_provider = changes.losing_provider.clone().unwrap_or(line.losing_provider.clone());
        if let Some(account) = changes.account.clone().filter(|account| account.tag != line.account.tag) {
            line.account = account;
        }
        let (same, window) = (*line == before, line.window);
        self.attempts += 1;
        self.present(at, rules) && fits && !same && self.attempts <= 5 && self.can_be_on(&window, at, rules)
    }

    fn propose(&mut self, window: &PortWindow, at: DateTime<Utc>, rules: &Rules) {
        self.proposed = Some(*window);
        self.last_day = days(10, at, rules);
        self.status = "awaiting_date_agreement";
    }

    fn after_lcp(&mut self, at: DateTime<Utc>, rules: &Rules) {
        let subsequent = self.subsequent();
        self.last_day = if subsequent { days(10, at, rules) } else { None };
        self.status = if subsequent { "awaiting_rh" } else { "accepted" };
    }

    fn subsequent(&self) -> bool {
        self.line.as_ref().is_some_and(|line| line.losing_provider != line.range_holder)
    }

    fn window_over(&self, at: DateTime<Utc>) -> bool {
        self.confirmed.is_none_or(|window| at >= window.closes_at())
    }

    /// Only what everybody accepted has a cut-off: 24, 48 or 72 hours before the window.
    fn before_cut_off(&self, at: DateTime<Utc>) -> bool {
        let (Some(line), Some(window)) = (&self.line, self.confirmed) else { return true };
        let hours = match (self.subsequent(), line.class) {
            (true, _) => 72,
            (false, PortClass::MultiLine) => 48,
            (false, PortClass::SingleLine) => 24,
        };
        let civil = window.date().and_time(window.from()) - TimeDelta::hours(hours);
        self.status == "awaiting_rh" || at <= london(civil.date(), civil.time())
    }

    fn can_be_on(&self, window: &PortWindow, at: DateTime<Utc>, rules: &Rules) -> bool {
        let hour = |text: &str| text.parse().expect("a time of day");
        let works = rules.calendar().is_working_day(window.date()) == Ok(true);
        let earliest = rules
            .calendar()
            .day_zero(at)
            .and_then(|day_zero| rules.calendar().add(day_zero, self.lead_days()));
        works
            && window.from() >= hour("08:00:00")
            && window.to() <= hour("18:00:00")
            && earliest.is_ok_and(|earliest| window.date() >= earliest)
    }

    /// The published table in words.
    fn lead_days(&self) -> u32 {
        let Some(line) = &self.line else { return 0 };
        let numbers = self.numbers().len();
        let range = line.ranges.iter().any(|range| range.len() > 1);
        let provide = if self.complex {
            22
        } else if !line.main_number.is_geographic() {
            7
        } else if line.class == PortClass::SingleLine {
            if self.simultaneous > 10 { 14 } else { 4 }
        } else if numbers >= 151 {
            17
        } else if numbers >= 30 || range {
            10
        } else {
            7
        };
        provide + if self.subsequent() { 3 } else { 0 }
    }
}

fn days(n: u32, at: DateTime<Utc>, rules: &Rules) -> Option<NaiveDate> {
    rules.calendar().add(london_date(at), n).ok()
}

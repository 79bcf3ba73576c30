//! What falls due when: timers as rows, set and cleared by events.
//!
//! A timer names its aggregate's command as data; when it is due, the engine issues that command with the due time as the
//! time of decision. An event that makes a timer void clears it, so what is due still means something. Absent: the clock.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::{
    company::events::CompanyEvent,
    fact::{Fact, Happened},
    ids::{ReservationId, StreamId},
    number::NumberSet,
    number_block::events::BlockEvent,
    order::events::OrderEvent,
    port_request::events::PortEvent,
    views::{
        fold::{Fault, load_children, save},
        table::{Record, Rows, Table, Value, integer},
    },
};

/// One row per timer; its parent is stream and name. The index answers what is due: `due` up to now, in order.
pub static TIMER: Table = Table { name: "timer", columns: &[integer("due")], indexes: &[&["due"]] };

/// Which command falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerName {
    /// A draft was not touched: order, discard untouched.
    DraftUntouched,
    /// Information did not come: order, information deadline passes.
    InformationDeadline,
    /// A qualification is about to end: company, announce expiry.
    QualificationExpiring,
    /// A qualification is over: company, expire.
    QualificationExpiry,
    /// A reservation is about to end: company, announce reservation expiry.
    ReservationExpiring(ReservationId),
    /// A reservation is over: company, expire reservation.
    ReservationExpiry(ReservationId),
    /// The losing provider has not answered: port request, answer overdue.
    PortAnswerOverdue,
    /// A port request came to nothing: port request, time out.
    PortGiveUp,
    /// A window opens: port request, open window.
    PortWindowOpens,
    /// A window closes: port request, close window.
    PortWindowCloses,
    /// The network has not answered: port request, network silent.
    PortNetworkSilent,
    /// Numbers have rested: number block, free the timer's numbers.
    QuarantineEnd,
}

/// What an event does to timers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimerChange {
    /// From here on there is this timer. The same one set again, for further numbers, is one timer for all of them.
    Set(Timer),
    /// All timers of the name are void.
    ClearAll {
        /// Whose.
        stream: StreamId,
        /// Which.
        name: TimerName,
    },
    /// All timers of the name rest: they are kept and do not fall due.
    Rest {
        /// Whose.
        stream: StreamId,
        /// Which.
        name: TimerName,
    },
    /// All timers of the name that rest fall due after all.
    Wake {
        /// Whose.
        stream: StreamId,
        /// Which.
        name: TimerName,
    },
    /// Numbers need no timer any more.
    ClearNumbers {
        /// Whose.
        stream: StreamId,
        /// Of which timers.
        name: TimerName,
        /// Which numbers.
        numbers: NumberSet,
    },
}

/// A timer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    /// Whose.
    pub stream: StreamId,
    /// Which command falls due.
    pub name: TimerName,
    /// When.
    pub due: DateTime<Utc>,
    /// Whether it is kept for later, and does not fall due yet.
    pub rests: bool,
    /// The numbers that the command names.
    pub numbers: NumberSet,
    /// What ties it to what it came from: that of the event that set it last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation: Option<String>,
}

impl TimerName {
    /// Every timer of a port request.
    pub const OF_PORTS: [Self; 5] = [
        Self::PortAnswerOverdue,
        Self::PortGiveUp,
        Self::PortWindowOpens,
        Self::PortWindowCloses,
        Self::PortNetworkSilent,
    ];
}

impl std::fmt::Display for TimerName {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(match self {
            Self::DraftUntouched => "draft_untouched",
            Self::InformationDeadline => "information_deadline",
            Self::QualificationExpiring => "qualification_expiring",
            Self::QualificationExpiry => "qualification_expiry",
            Self::ReservationExpiring(reservation) => {
                return write!(out, "reservation_expiring/{reservation}");
            }
            Self::ReservationExpiry(reservation) => return write!(out, "reservation_expiry/{reservation}"),
            Self::PortAnswerOverdue => "port_answer_overdue",
            Self::PortGiveUp => "port_give_up",
            Self::PortWindowOpens => "port_window_opens",
            Self::PortWindowCloses => "port_window_closes",
            Self::PortNetworkSilent => "port_network_silent",
            Self::QuarantineEnd => "quarantine_end",
        })
    }
}

impl Record for Timer {
    const TABLE: &'static Table = &TIMER;

    fn key(&self) -> String {
        format!("{}:{}", self.parent(), self.due.timestamp_micros())
    }

    fn parent(&self) -> String {
        parent(self.stream, self.name)
    }

    fn columns(&self) -> Vec<Value> {
        vec![(!self.rests).then(|| self.due.timestamp_micros()).into()]
    }
}

fn parent(stream: StreamId, name: TimerName) -> String {
    format!("{stream}:{name}")
}

/// Folds one event into timers.
pub fn fold_timers(rows: &mut dyn Rows, fact: &Fact) -> Result<(), Fault> {
    timers(fact).into_iter().try_for_each(|change| match change {
        TimerChange::Set(mut timer) => {
            for before in of(rows, timer.stream, timer.name)? {
                if before.due == timer.due {
                    timer.numbers = timer.numbers.union(&before.numbers);
                }
            }
            save(rows, timer);
            Ok(())
        }
        TimerChange::ClearAll { stream, name } => {
            of(rows, stream, name)?.iter().for_each(|timer| rows.delete(&TIMER, &timer.key()));
            Ok(())
        }
        TimerChange::Rest { stream, name } => rest(rows, stream, name, true),
        TimerChange::Wake { stream, name } => rest(rows, stream, name, false),
        TimerChange::ClearNumbers { stream, name, numbers } => {
            for mut timer in of(rows, stream, name)? {
                timer.numbers = timer.numbers.difference(&numbers);
                if timer.numbers.is_empty() {
                    rows.delete(&TIMER, &timer.key());
                } else {
                    save(rows, timer);
                }
            }
            Ok(())
        }
    })
}

fn of(rows: &mut dyn Rows, stream: StreamId, name: TimerName) -> Result<Vec<Timer>, Fault> {
    load_children(rows, &parent(stream, name))
}

fn rest(rows: &mut dyn Rows, stream: StreamId, name: TimerName, rests: bool) -> Result<(), Fault> {
    for mut timer in of(rows, stream, name)? {
        timer.rests = rests;
        save(rows, timer);
    }
    Ok(())
}

/// What an event does to timers, in order.
pub fn timers(fact: &Fact) -> Vec<TimerChange> {
    let of =
        Changes { stream: fact.happened.stream(), correlation: fact.correlation.clone(), made: Vec::new() };
    match &fact.happened {
        Happened::Order(_, event) => of.order(event),
        Happened::Company(_, event) => of.company(event),
        Happened::PortRequest(_, event) => of.port(event),
        Happened::NumberBlock(_, event) => of.block(event),
        Happened::Reseller(..) | Happened::Webhook(..) => Vec::new(),
    }
}

/// Changes of one stream's timers in the making.
struct Changes {
    stream: StreamId,
    correlation: Option<String>,
    made: Vec<TimerChange>,
}

impl Changes {
    fn clear(mut self, names: &[TimerName]) -> Self {
        let stream = self.stream;
        self.made.extend(names.iter().map(|name| TimerChange::ClearAll { stream, name: *name }));
        self
    }

    fn rest(mut self, name: TimerName) -> Self {
        self.made.push(TimerChange::Rest { stream: self.stream, name });
        self
    }

    fn wake(mut self, name: TimerName) -> Self {
        self.made.push(TimerChange::Wake { stream: self.stream, name });
        self
    }

    fn add(mut self, name: TimerName, due: DateTime<Utc>, rests: bool, numbers: NumberSet) -> Self {
        let (stream, correlation) = (self.stream, self.correlation.clone());
        self.made.push(TimerChange::Set(Timer { stream, name, due, rests, numbers, correlation }));
        self
    }

    /// One timer of that name, instead of any other.
    fn set(self, name: TimerName, due: DateTime<Utc>) -> Self {
        self.clear(&[name]).add(name, due, false, NumberSet::new())
    }

    /// The same, where there is something to announce.
    fn announce(self, name: TimerName, due: Option<DateTime<Utc>>) -> Self {
        match due {
            Some(due) => self.set(name, due),
            None => self.clear(&[name]),
        }
    }

    fn order(self, event: &OrderEvent) -> Vec<TimerChange> {
        use TimerName::{DraftUntouched, InformationDeadline};
        let after = match event {
            OrderEvent::OrderCreated { untouched_until, .. }
            | OrderEvent::LineAdded { untouched_until, .. }
            | OrderEvent::LineChanged { untouched_until, .. }
            | OrderEvent::LineRemoved { untouched_until, .. } => self.set(DraftUntouched, *untouched_until),
            OrderEvent::OrderDiscarded { .. } | OrderEvent::OrderSubmitted { .. } => {
                self.clear(&[DraftUntouched])
            }
            OrderEvent::InformationRequired { deadline, .. } => self.set(InformationDeadline, *deadline),
            // A refused cancellation leads back to pending, where the deadline counts again.
            OrderEvent::CancellationRequested { .. } => self.rest(InformationDeadline),
            OrderEvent::CancellationRefused { .. } => self.wake(InformationDeadline),
            OrderEvent::InformationProvided { .. }
            | OrderEvent::InformationOverdue
            | OrderEvent::CancellationAccepted
            | OrderEvent::OrderCompleted
            | OrderEvent::OrderPartlyCompleted
            | OrderEvent::OrderFailed => self.clear(&[InformationDeadline]),
            _ => self,
        };
        after.made
    }

    fn company(self, event: &CompanyEvent) -> Vec<TimerChange> {
        use TimerName::{QualificationExpiring, QualificationExpiry, ReservationExpiring, ReservationExpiry};
        let after = match event {
            CompanyEvent::CompanyQualified { expires_at, announce_at, .. }
            | CompanyEvent::QualificationExtended { expires_at, announce_at }
            | CompanyEvent::OrderClosed { qualified_until: Some(expires_at), announce_at, .. } => {
                self.set(QualificationExpiry, *expires_at).announce(QualificationExpiring, *announce_at)
            }
            CompanyEvent::QualificationExpiring { .. } => self.clear(&[QualificationExpiring]),
            CompanyEvent::OrderOpened { .. }
            | CompanyEvent::CompanyReleased { .. }
            | CompanyEvent::CompanyExpired { .. } => {
                self.clear(&[QualificationExpiring, QualificationExpiry])
            }
            CompanyEvent::NumbersReserved {
                reservation, expires_at: Some(expires_at), announce_at, ..
            } => self
                .set(ReservationExpiry(*reservation), *expires_at)
                .announce(ReservationExpiring(*reservation), *announce_at),
            CompanyEvent::ReservationExpiring { reservation, .. } => {
                self.clear(&[ReservationExpiring(*reservation)])
            }
            CompanyEvent::ReservationEnded { reservation, .. } => {
                self.clear(&[ReservationExpiring(*reservation), ReservationExpiry(*reservation)])
            }
            _ => self,
        };
        after.made
    }

    fn block(mut self, event: &BlockEvent) -> Vec<TimerChange> {
        let name = TimerName::QuarantineEnd;
        match event {
            BlockEvent::NumbersQuarantined { numbers, until } => {
                self = self.add(name, *until, false, numbers.clone());
            }
            BlockEvent::NumbersFreed { numbers }
            | BlockEvent::NumbersPortedOut { numbers, .. }
            | BlockEvent::NumbersTakenBack { numbers } => {
                let (stream, numbers) = (self.stream, numbers.clone());
                self.made.push(TimerChange::ClearNumbers { stream, name, numbers });
            }
            BlockEvent::BlockWithdrawn { .. } => self = self.clear(&[name]),
            BlockEvent::BlockLoaded { .. } | BlockEvent::NumbersUnstocked { .. } => {}
        }
        self.made
    }

    fn port(self, event: &PortEvent) -> Vec<TimerChange> {
        use TimerName::{
            PortAnswerOverdue, PortGiveUp, PortNetworkSilent, PortWindowCloses, PortWindowOpens,
        };
        let after = match event {
            PortEvent::PortSubmitted { overdue_at, given_up_at }
            | PortEvent::PortRepresented { overdue_at, given_up_at, .. } => self
                .clear(&TimerName::OF_PORTS)
                .add(PortAnswerOverdue, *overdue_at, false, NumberSet::new())
                .add(PortGiveUp, *given_up_at, false, NumberSet::new()),
            PortEvent::LcpAccepted { window, given_up_at, .. }
            | PortEvent::DateAgreed { window, given_up_at } => self.accepted(*window, *given_up_at),
            PortEvent::DateChangeAccepted { window, .. } => self.accepted(*window, None),
            PortEvent::RhAccepted { .. } => self.clear(&[PortGiveUp]).wake(PortWindowOpens),
            PortEvent::LcpAcceptedAsComplex { given_up_at, .. }
            | PortEvent::EarlierDateProposed { given_up_at, .. }
            | PortEvent::PortRejected { given_up_at, .. }
            | PortEvent::WindowClosed { given_up_at }
            | PortEvent::ActivationFailed { given_up_at: Some(given_up_at), .. } => {
                self.clear(&TimerName::OF_PORTS).add(PortGiveUp, *given_up_at, false, NumberSet::new())
            }
            PortEvent::PortOverdue => self.clear(&[PortAnswerOverdue]),
            // A lapsed request has no old date to fall back on: its own end counts while the change is pending, and after.
            PortEvent::DateChangeRequested { given_up_at: Some(given_up_at), .. } => {
                self.set(PortGiveUp, *given_up_at)
            }
            PortEvent::WindowOpened | PortEvent::DateChangeLapsed => {
                self.clear(&[PortWindowOpens]).wake(PortWindowCloses)
            }
            // A window that closes while the numbers move is no matter, unless none of them moves.
            PortEvent::ActivationRequested { overdue_at } => {
                self.rest(PortWindowCloses).set(PortNetworkSilent, *overdue_at)
            }
            PortEvent::ActivationFailed { given_up_at: None, .. } => {
                self.clear(&[PortNetworkSilent]).wake(PortWindowCloses)
            }
            PortEvent::NetworkOverdue | PortEvent::PortPartlyCompleted { .. } => {
                self.clear(&[PortNetworkSilent])
            }
            PortEvent::PortTimedOut { .. }
            | PortEvent::PortWithdrawn { .. }
            | PortEvent::PortCancelled { .. }
            | PortEvent::PortCompleted { .. } => self.clear(&TimerName::OF_PORTS),
            _ => self,
        };
        after.made
    }

    /// The window counts at once, or when the range holder has accepted too. It cannot close before it opened.
    fn accepted(self, window: crate::calendar::PortWindow, given_up_at: Option<DateTime<Utc>>) -> Self {
        let awaits_rh = given_up_at.is_some();
        let cleared = self.clear(&TimerName::OF_PORTS);
        let with_end = match given_up_at {
            Some(due) => cleared.add(TimerName::PortGiveUp, due, false, NumberSet::new()),
            None => cleared,
        };
        with_end.add(TimerName::PortWindowOpens, window.opens_at(), awaits_rh, NumberSet::new()).add(
            TimerName::PortWindowCloses,
            window.closes_at(),
            true,
            NumberSet::new(),
        )
    }
}

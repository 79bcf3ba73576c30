//! What somebody believes who only knows what was asked of the carrier, never what it holds: the reference of the walk.
//!
//! From it follows what is worth asking next, and of some answers it is sure: of names, references and numbers that must
//! still be held, of those that nobody can hold, of resellers that may not order. It is sure of nothing that hangs on
//! stock, fulfilment or a timer that may have run; the audit looks at those. Written from the specification alone.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use orderwire::domain::{port_request::commands::PortAction, testing::port_request::steps};

use super::wish::{End, Handle, Kind, Numbers, Whole, Wish};

/// How long a qualification and a reservation last at least, and a draft that nobody touches.
const QUALIFIED_DAYS: i64 = 30;
const RESERVED_DAYS: i64 = 14;
const DRAFT_DAYS: i64 = 90;
/// Numbers of the block in Bristol.
pub const BRISTOL: u32 = 100;

/// Everything believed.
#[derive(Clone, Debug, Default)]
pub struct Beliefs {
    /// What becomes of lines by their number, chosen once for a whole life.
    pub script: Vec<u8>,
    pub suspended: [bool; 2],
    pub companies: BTreeMap<Handle, Company>,
    pub orders: BTreeMap<Handle, Order>,
    pub reservations: BTreeMap<Handle, Reservation>,
    /// Whether somebody has said anything that can be said again.
    pub somebody_spoke: bool,
    /// What must have come of the last wish, where one can be sure.
    pub sure: Option<bool>,
    /// How much time has passed at least and at most.
    passed: (TimeDelta, TimeDelta),
}

#[derive(Clone, Debug)]
pub struct Company {
    pub reseller: usize,
    name: u8,
    /// Whether there must be one.
    sure: bool,
    since: TimeDelta,
    /// Whether somebody wished that it were no more, or stopped.
    pub doubtful: bool,
    /// Whether a site may be there by now.
    pub has_site: bool,
}

#[derive(Clone, Debug)]
pub struct Order {
    reseller: usize,
    company: Option<Handle>,
    reference: Option<u8>,
    kind: Kind,
    /// Whether it must be there still.
    sure: bool,
    since: TimeDelta,
    pub stage: Stage,
    /// The word for where the port of its first line is, if it has one.
    pub port: Option<&'static str>,
    /// Whether somebody allocated it to a company.
    pub allocated: bool,
    /// Whether the range holder must accept that port too.
    subsequent: bool,
}

/// Where an order is thought to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Draft,
    Submitted,
    AtWork,
    Pending,
    Held,
    Ended,
}

#[derive(Clone, Debug)]
pub struct Reservation {
    company: Handle,
    numbers: Option<Numbers>,
    /// Whether it must be there still.
    sure: bool,
    since: TimeDelta,
}

impl Beliefs {
    pub fn scripted(script: Vec<u8>) -> Self {
        Self { script, ..Self::default() }
    }

    /// A number that nothing has yet.
    pub fn fresh(&self) -> Handle {
        let last = |keys: Option<Handle>| keys.map_or(0, |last| last + 1);
        last(self.companies.keys().last().copied())
            .max(last(self.orders.keys().last().copied()))
            .max(last(self.reservations.keys().last().copied()))
    }

    /// Whether what the wish is about may be there, and what it makes is not.
    pub fn makes_sense(&self, wish: &Wish) -> bool {
        let known = |company: &Handle| self.companies.contains_key(company);
        match wish {
            Wish::Qualify { company, .. } => !known(company),
            Wish::Extend(company)
            | Wish::Release(company)
            | Wish::Cease { company, .. }
            | Wish::Remove { company, .. }
            | Wish::EndCompany { company, .. } => known(company),
            Wish::Reserve { reservation, company, .. } | Wish::ReserveAny { reservation, company, .. } => {
                known(company) && !self.reservations.contains_key(reservation)
            }
            Wish::ReleaseReservation(reservation) => self.reservations.contains_key(reservation),
            Wish::Order { order, company, .. } => known(company) && !self.orders.contains_key(order),
            Wish::OrderForNobody { order, .. } => !self.orders.contains_key(order),
            Wish::Submit { order, .. }
            | Wish::Discard(order)
            | Wish::WholeOrder { order, .. }
            | Wish::Line { order, .. } => self.orders.contains_key(order),
            Wish::Say { port, .. } | Wish::UntilWindow(port) => {
                self.orders.get(port).is_some_and(|order| order.port.is_some_and(|port| port != "new"))
            }
            Wish::Repeat { .. } => self.somebody_spoke,
            _ => true,
        }
    }

    /// What must come of a wish, where one can be sure.
    pub fn sure_of(&self, wish: &Wish) -> Option<bool> {
        match wish {
            Wish::SuspendReseller(reseller) | Wish::OrderForNobody { reseller, .. } => {
                Some(!self.suspended[*reseller])
            }
            Wish::ResumeReseller(reseller) => Some(self.suspended[*reseller]),
            Wish::Qualify { reseller, name, .. } => {
                let same = || self.companies.values().filter(|it| key(it.name) == key(*name));
                let held = self.suspended[*reseller] || same().any(|it| self.lives(it));
                if held { Some(false) } else { same().next().is_none().then_some(true) }
            }
            Wish::Reserve { company, numbers, .. } => {
                let company = &self.companies[company];
                let clashes = || {
                    let all = self.reservations.values();
                    all.filter(|it| it.numbers.is_some_and(|of| of.meets(*numbers)))
                };
                let held = self.suspended[company.reseller] || clashes().any(|it| self.lasts(it));
                let free = numbers.bristol && numbers.from + numbers.count <= BRISTOL;
                let free = free && clashes().next().is_none() && self.lives(company);
                if held { Some(false) } else { free.then_some(true) }
            }
            Wish::Order { company, reference, .. } => {
                let company = &self.companies[company];
                let same = || {
                    let all = self.orders.values().filter(|it| it.reseller == company.reseller);
                    all.filter(|it| it.reference == Some(*reference))
                };
                let held = self.suspended[company.reseller] || same().any(|it| self.keeps_reference(it));
                let free = same().next().is_none() && self.lives(company);
                if held { Some(false) } else { free.then_some(true) }
            }
            Wish::Submit { order, .. } => self.suspended[self.orders[order].reseller].then_some(false),
            _ => None,
        }
    }

    /// The companies that must be there, and hold their names.
    pub fn living_companies(&self) -> impl Iterator<Item = Handle> {
        self.companies.iter().filter(|(_, it)| self.lives(it)).map(|(company, _)| *company)
    }

    /// The numbers that must be held, each set with its company.
    pub fn lasting_reservations(&self) -> impl Iterator<Item = (Handle, Numbers)> {
        let lasting = self.reservations.values().filter(|it| self.lasts(it));
        lasting.filter_map(|it| Some((it.company, it.numbers?)))
    }

    /// The references that must be used up, each with its order and whose it is.
    pub fn kept_references(&self) -> impl Iterator<Item = (Handle, usize, u8)> {
        let kept = self.orders.iter().filter(|(_, it)| self.keeps_reference(it));
        kept.filter_map(|(order, it)| Some((*order, it.reseller, it.reference?)))
    }

    fn within(&self, since: TimeDelta, days: i64) -> bool {
        self.passed.1 < since + TimeDelta::days(days)
    }

    /// Whether a company must still be there and free to order.
    fn lives(&self, company: &Company) -> bool {
        company.sure && !company.doubtful && self.within(company.since, QUALIFIED_DAYS)
    }

    fn lasts(&self, reservation: &Reservation) -> bool {
        let company = &self.companies[&reservation.company];
        reservation.sure && self.within(reservation.since, RESERVED_DAYS) && self.lives(company)
    }

    /// Only a discarded draft gives its reference up.
    fn keeps_reference(&self, order: &Order) -> bool {
        order.sure && self.within(order.since, DRAFT_DAYS)
    }

    /// Takes a wish as granted, where it is not surely refused.
    pub fn hear(&mut self, wish: &Wish) {
        self.sure = self.sure_of(wish);
        let (sure, since) = (self.sure == Some(true), self.passed.0);
        if self.sure == Some(false) {
            return;
        }
        match *wish {
            Wish::SuspendReseller(reseller) => self.suspended[reseller] = true,
            Wish::ResumeReseller(reseller) => self.suspended[reseller] = false,
            Wish::Qualify { company, reseller, name } => {
                let new = Company { reseller, name, sure, since, doubtful: false, has_site: false };
                self.companies.insert(company, new);
            }
            Wish::Release(company) => self.doubt(company),
            Wish::EndCompany { company, what } if what != End::Resume => self.doubt(company),
            Wish::Reserve { reservation, company, numbers, .. } => {
                let numbers = Some(numbers);
                let new = Reservation { company, numbers, sure, since };
                self.reservations.insert(reservation, new);
            }
            Wish::ReserveAny { reservation, company, .. } => {
                let new = Reservation { company, numbers: None, sure, since };
                self.reservations.insert(reservation, new);
            }
            Wish::ReleaseReservation(reservation) => {
                self.reservations.entry(reservation).and_modify(|it| it.sure = false);
            }
            Wish::Order { order, company, kind, reference, n } => {
                let reseller = self.companies[&company].reseller;
                self.draft(order, Some(company), reseller, kind, Some(reference));
                let subsequent = kind == Kind::PortForSite && is_subsequent(n);
                self.orders.entry(order).and_modify(|it| it.subsequent = subsequent);
                // An order may use reserved numbers up, and give them back when it ends.
                let of_company = self.reservations.values_mut().filter(|it| it.company == company);
                of_company.for_each(|it| it.sure = false);
            }
            Wish::OrderForNobody { order, reseller, .. } => {
                self.draft(order, None, reseller, Kind::Port, None);
                self.submit(order);
            }
            Wish::Submit { order, .. } => self.submit(order),
            Wish::Discard(order) => {
                self.orders.entry(order).and_modify(|it| {
                    it.sure = false;
                    it.stage = Stage::Ended;
                });
            }
            Wish::WholeOrder { order, what } => {
                self.orders.entry(order).and_modify(|it| {
                    it.stage = it.stage.after(what);
                    let late = matches!(it.port, Some("ready_to_activate" | "activating"));
                    if it.stage == Stage::Ended && !late {
                        it.port = it.port.map(|_| "cancelled");
                    }
                });
            }
            Wish::Say { port, action, all, .. } => {
                self.somebody_spoke = true;
                self.orders
                    .entry(port)
                    .and_modify(|it| it.port = it.port.map(|from| it.moved(from, action, all)));
            }
            Wish::Minutes(minutes) => self.wait(TimeDelta::minutes(minutes), TimeDelta::minutes(minutes)),
            Wish::Days(days) => self.wait(TimeDelta::days(days), TimeDelta::days(days)),
            Wish::NextTimer(count) => self.wait(TimeDelta::zero(), TimeDelta::days(10) * i32::from(count)),
            Wish::UntilWindow(port) => {
                self.wait(TimeDelta::zero(), TimeDelta::days(120));
                self.orders.entry(port).and_modify(|it| {
                    it.port = it.port.map(|from| it.moved(from, PortAction::OpenWindow, true));
                });
            }
            Wish::Settle => self.settle(),
            _ => {}
        }
    }

    fn doubt(&mut self, company: Handle) {
        self.companies.entry(company).and_modify(|it| it.doubtful = true);
    }

    fn draft(
        &mut self,
        order: Handle,
        company: Option<Handle>,
        reseller: usize,
        kind: Kind,
        reference: Option<u8>,
    ) {
        let (sure, since) = (self.sure == Some(true), self.passed.0);
        let port = kind.has_port().then_some("new");
        let stage = Stage::Draft;
        let (allocated, subsequent) = (false, false);
        let new =
            Order { reseller, company, reference, kind, sure, since, stage, port, allocated, subsequent };
        self.orders.insert(order, new);
    }

    fn submit(&mut self, order: Handle) {
        let Some(it) = self.orders.get_mut(&order).filter(|it| it.stage == Stage::Draft) else { return };
        it.stage = Stage::Submitted;
        it.port = it.port.map(|_| "draft");
    }

    fn wait(&mut self, least: TimeDelta, most: TimeDelta) {
        self.passed = (self.passed.0 + least, self.passed.1 + most);
        self.settle();
        // Windows are hours long, and nobody came.
        let missed = self.orders.values_mut().filter(|it| it.port == Some("ready_to_activate"));
        missed.filter(|_| most > TimeDelta::hours(3)).for_each(|it| it.port = Some("lapsed"));
    }

    /// What was submitted is acknowledged, and fulfilment does what it can.
    fn settle(&mut self) {
        for order in self.orders.values_mut().filter(|it| it.stage == Stage::Submitted) {
            order.stage = Stage::AtWork;
            order.port = order.port.map(|from| order.moved(from, PortAction::Submit, true));
            if let (Kind::NewCompany | Kind::NewCompanyAndPort, Some(company)) = (order.kind, order.company) {
                self.companies.entry(company).and_modify(|it| it.has_site = true);
            }
        }
    }
}

impl Stage {
    fn after(self, what: Whole) -> Self {
        match (self, what) {
            (Self::AtWork, Whole::Hold) => Self::Held,
            (Self::AtWork, Whole::Require) => Self::Pending,
            (Self::Held, Whole::Resume) | (Self::Pending, Whole::Provide) => Self::AtWork,
            (Self::Submitted, Whole::Reject | Whole::Cancel) | (_, Whole::Cancel) => Self::Ended,
            _ => self,
        }
    }
}

impl Numbers {
    fn meets(self, other: Self) -> bool {
        let before = |a: Self, b: Self| a.from + a.count <= b.from;
        self.bristol == other.bristol && !before(self, other) && !before(other, self)
    }
}

impl Order {
    /// Where the published steps lead its port: mostly there is one way.
    fn moved(&self, from: &'static str, action: PortAction, all: bool) -> &'static str {
        let action: &str = action.into();
        let mut ways =
            steps().iter().filter(|(at, by, _)| (*at, *by) == (from, action)).map(|(_, _, to)| *to);
        let likely = match action {
            "lcp_accept" | "agree_date" if self.subsequent => "awaiting_rh",
            "lcp_accept" | "agree_date" | "refuse_date_change" => "accepted",
            "network_report" if all => "ported",
            "network_report" => "partially_ported",
            _ => return ways.next().unwrap_or(from),
        };
        if ways.any(|to| to == likely) { likely } else { from }
    }
}

/// Of the ports for a site, those of which the losing provider is not the range holder.
pub fn is_subsequent(n: u8) -> bool {
    n.is_multiple_of(3)
}

/// "Acme Ltd" and " ACME  LTD " are one name, as are the two of Delta.
fn key(name: u8) -> u8 {
    match name {
        1 => 0,
        5 => 4,
        other => other,
    }
}

/// A name as somebody spells it.
pub fn spelling(name: u8) -> String {
    match name {
        0 => "Acme Ltd".to_owned(),
        1 => " ACME  LTD ".to_owned(),
        4 => "Delta Ltd".to_owned(),
        5 => "delta ltd".to_owned(),
        other => format!("Company {other}"),
    }
}

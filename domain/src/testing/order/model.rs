//! A second, plainer order: a struct of words and loops over all lines, written from the specification alone.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

use crate::order::{
    OrderStatus,
    commands::OrderCommand,
    line::{LineKind, LineRequest, LineStatus, Milestone, Parent, UserNumber},
};

/// An order as the specification tells it.
#[derive(Clone, Debug)]
pub struct OrderModel {
    /// Where it is.
    pub status: OrderStatus,
    /// Its lines.
    pub lines: BTreeMap<u32, ModelLine>,
    came_from: Vec<OrderStatus>,
    overdue: bool,
    timer: Option<DateTime<Utc>>,
    last: u32,
    has_company: bool,
}

/// A line as the specification tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelLine {
    /// What it asks for.
    pub request: LineRequest,
    /// Where it is.
    pub status: LineStatus,
    /// Whether its numbers are allocated.
    pub allocated: bool,
    /// Whether it is committed.
    pub committed: bool,
}

impl Default for OrderModel {
    fn default() -> Self {
        let status = OrderStatus::New;
        Self {
            status,
            lines: BTreeMap::new(),
            came_from: Vec::new(),
            overdue: false,
            timer: None,
            last: 0,
            has_company: false,
        }
    }
}

impl ModelLine {
    fn new(request: &LineRequest) -> Self {
        let status = LineStatus::Waiting;
        Self { request: request.clone(), status, allocated: false, committed: false }
    }

    fn kind(&self) -> LineKind {
        (&self.request).into()
    }

    fn is_open(&self) -> bool {
        !matches!(self.status, LineStatus::Completed | LineStatus::Failed | LineStatus::Cancelled)
    }

    fn has_begun(&self) -> bool {
        matches!(self.status, LineStatus::InProgress | LineStatus::Held)
    }
}

/// The lines a request names, with the kinds that may stand there.
fn named(request: &LineRequest) -> Vec<(u32, Vec<LineKind>)> {
    let parent = |parent: &Parent, kind| match parent {
        Parent::Line(line) => vec![(line.0, vec![kind])],
        Parent::Asset(_) => vec![],
    };
    let source = |line: u32| (line, vec![LineKind::Numbers, LineKind::Port]);
    match request {
        LineRequest::Company(_) | LineRequest::Numbers(_) | LineRequest::Port(_) => vec![],
        LineRequest::Site(site) => site.numbers.iter().map(|from| source(from.line.0)).collect(),
        LineRequest::User(user) => {
            let numbers = user.primary_number.iter().chain(&user.alternate_numbers);
            let sources = numbers.filter_map(|number| match number {
                UserNumber::From(line) | UserNumber::Of { line, .. } => Some(source(line.0)),
                UserNumber::Number(_) => None,
            });
            parent(&user.site, LineKind::Site).into_iter().chain(sources).collect()
        }
        LineRequest::EmergencyDetails(it) => parent(&it.site, LineKind::Site),
        LineRequest::Pbx(it) => parent(&it.site, LineKind::Site),
        LineRequest::AddOn(it) => parent(&it.user, LineKind::User),
        LineRequest::Device(it) => parent(&it.user, LineKind::User),
        LineRequest::Trunk(it) => parent(&it.pbx, LineKind::Pbx),
    }
}

impl OrderModel {
    /// When the timer of a draft or of a question is due.
    pub(super) fn due(&self) -> Option<DateTime<Utc>> {
        self.timer
    }

    /// Does what is asked, or says that it may not be done.
    pub fn step(&mut self, command: &OrderCommand, at: DateTime<Utc>) -> bool {
        let mut after = self.clone();
        let done = after.attempt(command, at);
        if done {
            *self = after;
        }
        done
    }

    fn attempt(&mut self, command: &OrderCommand, at: DateTime<Utc>) -> bool {
        use OrderStatus::{
            Acknowledged, AssessingCancellation, Discarded, Draft, Held, InProgress, New, Pending,
            PendingCancellation, Rejected, Submitted,
        };
        let open = [Submitted, Acknowledged, InProgress, Pending, Held].contains(&self.status);
        let worked = [Acknowledged, InProgress, Pending, Held, AssessingCancellation, PendingCancellation]
            .contains(&self.status);
        match command {
            OrderCommand::Create { company, lines, .. } => {
                self.has_company = company.is_some();
                self.lines = (1..).zip(lines.iter().map(ModelLine::new)).collect();
                self.last = u32::try_from(lines.len()).expect("few lines");
                self.status == New && self.sound() && self.touch(at)
            }
            OrderCommand::AddLine { request } => {
                self.last += 1;
                self.lines.insert(self.last, ModelLine::new(request));
                self.status == Draft && self.sound() && self.touch(at)
            }
            OrderCommand::ChangeLine { line, request } => {
                let known = self.lines.insert(line.0, ModelLine::new(request)).is_some();
                self.status == Draft && known && self.sound() && self.touch(at)
            }
            OrderCommand::RemoveLine { line } => {
                let known = self.lines.remove(&line.0).is_some();
                self.status == Draft && known && self.sound() && self.touch(at)
            }
            OrderCommand::Discard => self.status == Draft && self.go(Discarded),
            OrderCommand::DiscardUntouched => {
                self.status == Draft && self.timer.is_some_and(|due| due <= at) && self.go(Discarded)
            }
            OrderCommand::Submit { assets, port_requests } => {
                let makes_none = [LineKind::Company, LineKind::Numbers, LineKind::Port];
                let lines_where = |wanted: &dyn Fn(LineKind) -> bool| -> Vec<u32> {
                    self.lines.iter().filter(|(_, line)| wanted(line.kind())).map(|(line, _)| *line).collect()
                };
                let exact = lines_where(&|kind| !makes_none.contains(&kind))
                    == assets.iter().map(|(line, _)| line.0).collect::<Vec<_>>()
                    && lines_where(&|kind| kind == LineKind::Port)
                        == port_requests.iter().map(|(line, _)| line.0).collect::<Vec<_>>();
                self.status == Draft && !self.lines.is_empty() && exact && self.go(Submitted)
            }
            OrderCommand::Acknowledge => {
                let may = self.status == Submitted && self.go(Acknowledged);
                for line in self.lines.values_mut() {
                    if line.kind() == LineKind::Port && line.status == LineStatus::Waiting {
                        line.status = LineStatus::InProgress;
                        self.status = InProgress;
                    }
                }
                may
            }
            OrderCommand::Reject { reasons } => {
                [Submitted, Acknowledged].contains(&self.status) && !reasons.is_empty() && self.go(Rejected)
            }
            OrderCommand::StartLine { line } => {
                let may = [Acknowledged, InProgress].contains(&self.status) && self.may_start(line.0);
                may && self.set(line.0, LineStatus::InProgress) && self.go(InProgress)
            }
            OrderCommand::ReachMilestone { line, milestone } => {
                let Some(line) = self.lines.get_mut(&line.0) else { return false };
                let is_port = line.kind() == LineKind::Port;
                let (fits, reached) = match milestone {
                    Milestone::Allocated => (is_port, &mut line.allocated),
                    Milestone::Committed => (!is_port, &mut line.committed),
                };
                let fresh = !std::mem::replace(reached, true);
                worked && fits && fresh && line.has_begun()
            }
            OrderCommand::HoldLine { line, .. } => {
                worked && self.is(line.0, &[LineStatus::InProgress]) && self.set(line.0, LineStatus::Held)
            }
            OrderCommand::ResumeLine { line } => {
                worked && self.is(line.0, &[LineStatus::Held]) && self.set(line.0, LineStatus::InProgress)
            }
            OrderCommand::CompleteLine { line } => {
                let may = worked && self.is(line.0, &[LineStatus::InProgress, LineStatus::Held]);
                may && self.end(line.0, LineStatus::Completed)
            }
            OrderCommand::FailLine { line, .. } => {
                let may = worked && self.lines.get(&line.0).is_some_and(ModelLine::is_open);
                may && self.end(line.0, LineStatus::Failed)
            }
            OrderCommand::CancelLine { line } => {
                let may = self.status == PendingCancellation
                    && self.lines.get(&line.0).is_some_and(ModelLine::is_open);
                may && self.end(line.0, LineStatus::Cancelled)
            }
            OrderCommand::AmendLine { line, request } => {
                let dated = self.status == AssessingCancellation && matches!(request, LineRequest::Port(_));
                (open || dated) && self.amend(line.0, request)
            }
            OrderCommand::RequireInformation { deadline, .. } => {
                // Tests of the whole set one; what is usual has a test of its own.
                let may =
                    [Acknowledged, InProgress].contains(&self.status) && deadline.is_none_or(|due| due > at);
                self.timer = *deadline;
                self.came_from.push(self.status);
                may && self.go(Pending)
            }
            OrderCommand::ProvideInformation { .. } => self.status == Pending && self.go_back(),
            OrderCommand::InformationDeadlinePasses => {
                // The stack keeps where it was before it was pending: a refusal leads there.
                let due = self.timer.is_some_and(|due| due <= at);
                self.overdue = true;
                self.status == Pending && due && self.go(AssessingCancellation)
            }
            OrderCommand::Hold { .. } => self.status == InProgress && self.go(Held),
            OrderCommand::Resume => self.status == Held && self.go(InProgress),
            OrderCommand::RequestCancellation { .. } => {
                self.came_from.push(self.status);
                self.overdue = false;
                open && self.go(AssessingCancellation)
            }
            OrderCommand::AcceptCancellation { ports_past_cut_off } => {
                let late = |(number, line): (&u32, &ModelLine)| {
                    line.is_open()
                        && (line.committed
                            || line.kind() == LineKind::Port
                                && ports_past_cut_off.iter().any(|port| port.0 == *number))
                };
                self.status == AssessingCancellation
                    && !self.lines.iter().any(late)
                    && self.go(PendingCancellation)
            }
            OrderCommand::RefuseCancellation { lines } => {
                let late = |number: u32| {
                    let line = self.lines.get(&number).filter(|line| line.is_open());
                    line.is_some_and(|line| line.kind() == LineKind::Port || line.committed)
                };
                let all_late = (self.overdue || !lines.is_empty()) && lines.iter().all(|line| late(line.0));
                self.status == AssessingCancellation && all_late && self.go_back()
            }
        }
    }

    fn go(&mut self, to: OrderStatus) -> bool {
        self.status = to;
        true
    }

    fn go_back(&mut self) -> bool {
        self.came_from.pop().is_some_and(|back| self.go(back))
    }

    fn touch(&mut self, at: DateTime<Utc>) -> bool {
        self.timer = Some(at + TimeDelta::days(90));
        self.go(OrderStatus::Draft)
    }

    fn is(&self, line: u32, statuses: &[LineStatus]) -> bool {
        self.lines.get(&line).is_some_and(|line| statuses.contains(&line.status))
    }

    fn set(&mut self, line: u32, status: LineStatus) -> bool {
        self.lines.get_mut(&line).is_some_and(|line| {
            line.status = status;
            true
        })
    }

    /// The lines one line must wait for: those it names, and the company line where nothing else leads to it.
    fn parents(&self, line: &ModelLine) -> Vec<u32> {
        let mut parents: Vec<u32> = named(&line.request).into_iter().map(|(parent, _)| parent).collect();
        let independent = [LineKind::Company, LineKind::Port].contains(&line.kind());
        let by_itself = [LineKind::Numbers, LineKind::Site].contains(&line.kind());
        let first_parent_is_new = named(&line.request).iter().any(|(_, kinds)| kinds.len() == 1);
        if !independent && (by_itself || !first_parent_is_new) {
            let company = self.lines.iter().find(|(_, line)| line.kind() == LineKind::Company);
            parents.extend(company.map(|(number, _)| *number));
        }
        parents
    }

    fn may_start(&self, number: u32) -> bool {
        let Some(line) = self.lines.get(&number) else { return false };
        let done = |parent: &u32| {
            let parent = &self.lines[parent];
            parent.status == LineStatus::Completed || (parent.allocated && parent.is_open())
        };
        line.status == LineStatus::Waiting && self.parents(line).iter().all(done)
    }

    /// Ends a line; whatever waits on a line that will not be done is cancelled; the last one ends the order.
    fn end(&mut self, number: u32, how: LineStatus) -> bool {
        self.set(number, how);
        let lost = |model: &Self, line: &ModelLine| {
            let ended = [LineStatus::Failed, LineStatus::Cancelled];
            line.status == LineStatus::Waiting
                && model.parents(line).iter().any(|parent| model.is(*parent, &ended))
        };
        while let Some(next) = self.lines.iter().find(|(_, line)| lost(self, line)).map(|(number, _)| *number)
        {
            self.set(next, LineStatus::Cancelled);
        }
        let count = |status| self.lines.values().filter(|line| line.status == status).count();
        let (completed, failed) = (count(LineStatus::Completed), count(LineStatus::Failed));
        let cancelled = count(LineStatus::Cancelled);
        let all = self.lines.len();
        if completed + failed + cancelled < all {
            return true;
        }
        self.status = match () {
            () if completed == all => OrderStatus::Completed,
            () if cancelled == all => OrderStatus::Cancelled,
            () if completed > 0 => OrderStatus::Partial,
            () => OrderStatus::Failed,
        };
        true
    }

    fn amend(&mut self, number: u32, request: &LineRequest) -> bool {
        let Some(line) = self.lines.get_mut(&number) else { return false };
        let before = std::mem::replace(&mut line.request, request.clone());
        let status = line.status;
        if let (LineRequest::Port(before), LineRequest::Port(after)) = (&before, request) {
            let mut moved = (**before).clone();
            moved.window = after.window;
            return line.is_open() && moved == **after;
        }
        let ended = [LineStatus::Failed, LineStatus::Cancelled];
        LineKind::from(&before) == LineKind::from(request)
            && status == LineStatus::Waiting
            && self.sound()
            && !self.parents(&self.lines[&number]).iter().any(|parent| self.is(*parent, &ended))
    }

    /// Every line that has not ended names lines that exist and are of the right kind; one company; its numbers.
    fn sound(&self) -> bool {
        let companies = self.lines.values().filter(|line| line.kind() == LineKind::Company).count();
        let served = self.has_company || self.lines.values().all(|line| line.kind() == LineKind::Port);
        companies <= 1 && served && self.lines.values().filter(|line| line.is_open()).all(|it| self.fits(it))
    }

    fn fits(&self, line: &ModelLine) -> bool {
        let kinds_fit = named(&line.request)
            .iter()
            .all(|(parent, kinds)| self.lines.get(parent).is_some_and(|it| kinds.contains(&it.kind())));
        let goes_to = |source: u32| match &self.lines[&source].request {
            LineRequest::Numbers(it) => it.site,
            LineRequest::Port(it) => it.site,
            _ => None,
        };
        kinds_fit
            && match &line.request {
                LineRequest::Site(site) => site.numbers.iter().all(|from| goes_to(from.line.0).is_none()),
                LineRequest::User(user) => {
                    let mut sources = named(&line.request).into_iter().filter(|(_, kinds)| kinds.len() > 1);
                    sources.all(|(source, _)| match user.site {
                        Parent::Asset(site) => goes_to(source) == Some(site),
                        Parent::Line(site) => {
                            named(&self.lines[&site.0].request).iter().any(|(of_site, _)| *of_site == source)
                        }
                    })
                }
                _ => true,
            }
    }
}

//! A carrier on a walk: makes wishes come true or be refused, and knows beforehand, where the claims of the log alone can
//! tell, which of the two it will be.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use chrono::TimeDelta;
use orderwire::{
    domain::{
        claim::{Claim, ClaimScope},
        company::{Company, commands::CompanyCommand},
        decider::Decider as _,
        ids::{AssetId, CompanyId, NumberBlockId, OrderId, PortRequestId, ResellerId, ReservationId},
        joint::Command,
        names::OrderReference,
        number::{NumberRange, NumberSet},
        number_block::commands::BlockCommand,
        order::{
            Order, OrderStatus,
            commands::OrderCommand,
            line::{LineFailure, LineNumber, Milestone, NumberAsk},
        },
        port_request::PortRequest,
        refusal::Reason,
        reseller::commands::ResellerCommand,
        testing::port_request::{number, sealed},
    },
    engine::{Error, Receipt, fulfilment::Provisioned},
};

use super::{
    beliefs::{self, Beliefs},
    lines::Now,
    machine::Step,
    ports,
    wish::{End, Handle, Kind, Numbers, OfLine, Pick, Whole, Wish},
};
use crate::{
    audit,
    invariants::Audit,
    world::{self, Script, Store, World},
};

/// [`beliefs::BRISTOL`] numbers that no search finds.
const BRISTOL_STOCK: &str = "0117 496 0000-0099";

/// A carrier and what it remembers of its own life: which of its things the walk means by a handle.
pub struct Carrier {
    pub world: World,
    pub audit: Audit,
    resellers: Vec<ResellerId>,
    pub companies: BTreeMap<Handle, CompanyId>,
    pub orders: BTreeMap<Handle, OrderId>,
    reservations: BTreeMap<Handle, (CompanyId, ReservationId)>,
    leeds: NumberBlockId,
    /// What suppliers have said, to say it again.
    said: Vec<Command>,
    serial: u32,
}

/// Whether it was done; nothing, where there was nobody to ask.
type Outcome = Option<bool>;

pub fn pick<T: Copy>(these: &[T], pick: Pick) -> Option<T> {
    (!these.is_empty()).then(|| these[usize::from(pick) % these.len()])
}

impl Carrier {
    pub async fn open(store: &Store, script: Vec<u8>) -> Self {
        // Of every ten lines one fails, two wait for somebody's word, the others are done at once.
        let provisioner = Script(move |line: &orderwire::engine::fulfilment::StartedLine| {
            match script[line.line.0 as usize % script.len()] % 10 {
                0 => Provisioned::Failed(LineFailure {
                    code: "no_power".into(),
                    detail: "no power at the site".into(),
                }),
                1 | 2 => Provisioned::Later,
                _ => Provisioned::Done,
            }
        });
        let world = World::open_with(store, provisioner).await;
        let resellers = vec![world.reseller(1).await, world.reseller(2).await];
        let leeds = world.leeds().await;
        world.stock(BRISTOL_STOCK, "Bristol").await;
        world.settle().await;
        Self {
            world,
            audit: Audit::default(),
            resellers,
            companies: BTreeMap::new(),
            orders: BTreeMap::new(),
            reservations: BTreeMap::new(),
            leeds,
            said: vec![],
            serial: 0,
        }
    }

    /// Makes a wish, sees that it came to what one could be sure of, then audits what it led to.
    pub async fn make(&mut self, step: &Step) {
        let outcome = self.try_to(&step.wish).await;
        match step.sure {
            Some(true) => assert_eq!(outcome, Some(true), "{:?} must be done", step.wish),
            Some(false) => assert_ne!(outcome, Some(true), "{:?} must be refused", step.wish),
            None => {}
        }
        self.audit.follow(&self.world.engine).await;
    }

    /// What must be held is held, by whom it must be.
    pub fn keeps(&self, beliefs: &Beliefs) {
        for company in beliefs.living_companies() {
            let id = self.companies[&company];
            let names =
                self.audit.held[&id.stream()].iter().filter(|claim| claim.scope == ClaimScope::CompanyName);
            assert_eq!(names.count(), 1, "{id} holds its name");
        }
        for (company, numbers) in beliefs.lasting_reservations() {
            for number in these(numbers).iter() {
                let holder = self.audit.holders.get(&Claim::platform(ClaimScope::Number, number.to_string()));
                assert_eq!(holder, Some(&self.companies[&company].stream()), "who holds {number}");
            }
        }
        for (order, reseller, reference) in beliefs.kept_references() {
            let claim = reference_claim(self.resellers[reseller], &order_reference(reference));
            assert_eq!(self.audit.holders.get(&claim), Some(&self.orders[&order].stream()), "{claim:?}");
        }
    }

    /// Settles and audits everything, also as an engine sees it that knows nothing yet.
    pub async fn end(&mut self, store: &Store) {
        self.world.settle().await;
        self.audit.finish(&self.world.engine).await;
        let cold = store.engine(&self.world.clock, orderwire::engine::fulfilment::AutoProvisioner, 1).await;
        Audit::of(&cold).await;
        audit::holds(&cold).await;
    }

    /// Asks; whatever the answer, it must be one that a caller can be given.
    pub async fn ask(&mut self, command: &Command) -> Result<Receipt, Vec<Reason>> {
        match self.world.ask(command).await {
            Ok(receipt) => Ok(receipt),
            Err(Error::Refused(reasons)) => {
                assert!(!reasons.is_empty(), "{command:?} was refused without a reason");
                Err(reasons)
            }
            Err(other) => panic!("{command:?}: {other}"),
        }
    }

    fn taken(&self, scope: ClaimScope, key: &str) -> bool {
        self.audit.holders.contains_key(&Claim::platform(scope, key))
    }

    async fn try_to(&mut self, wish: &Wish) -> Outcome {
        let step = match *wish {
            Wish::Qualify { company, reseller, name } => return self.qualify(company, reseller, name).await,
            Wish::Extend(company) => self.of_company(company, CompanyCommand::ExtendQualification),
            Wish::Release(company) => self.of_company(company, CompanyCommand::Release),
            Wish::Reserve { reservation, company, numbers, ring_fence } => {
                let company = *self.companies.get(&company)?;
                return self.reserve(reservation, company, these(numbers), ring_fence).await;
            }
            Wish::ReserveAny { reservation, company, count } => {
                let company = *self.companies.get(&company)?;
                let ask = world::search(count);
                return self.hold(reservation, company, ask, false).await.map(|done| done.is_ok());
            }
            Wish::ReleaseReservation(which) => {
                let (company, reservation) = *self.reservations.get(&which)?;
                let command = CompanyCommand::ReleaseReservation { reservation };
                Some(Command::Company { company, command })
            }
            Wish::Order { order, company, kind, n, reference } => {
                return self.draft(order, company, kind, n, reference).await;
            }
            Wish::OrderForNobody { order, reseller, n } => {
                return self.order_for_nobody(order, reseller, n).await;
            }
            Wish::Submit { order, twice } => return self.submit(*self.orders.get(&order)?, twice).await,
            Wish::Discard(order) => self.of_order(order, OrderCommand::Discard),
            Wish::WholeOrder { order, what } => self.of_order(order, self.order_wide(what)),
            Wish::Line { order, line, what } => return self.line(order, line, what).await,
            Wish::Say { port, action, message, day, all } => {
                return ports::say(self, port, action, message, day, all).await;
            }
            Wish::Repeat { message } => return self.repeat(message).await,
            Wish::Cease { company, number, count } => return self.cease(company, number, count).await,
            Wish::Remove { company, asset } => return self.remove(company, asset).await,
            Wish::EndCompany { company, what } => self.of_company(
                company,
                match what {
                    End::Suspend => CompanyCommand::Suspend { reason: sealed("unpaid") },
                    End::Resume => CompanyCommand::Resume,
                    End::Cease => CompanyCommand::Cease,
                    End::Erase => CompanyCommand::Erase,
                },
            ),
            Wish::PortOut { from, count, message } => Some(Command::PortOut {
                numbers: world::leeds(from, count),
                message: format!("out-{message}").parse().unwrap(),
            }),
            Wish::TakeBack { from, count } => Some(Command::Block {
                block: self.leeds,
                command: BlockCommand::TakeBack { numbers: world::leeds(from, count) },
            }),
            Wish::SuspendReseller(reseller) => {
                Some(self.of_reseller(reseller, ResellerCommand::Suspend { reason: sealed("unpaid") }))
            }
            Wish::ResumeReseller(reseller) => Some(self.of_reseller(reseller, ResellerCommand::Resume)),
            Wish::Stock(n) => Some(world::load(&format!("0113 496 0{}00-0{}99", n + 2, n + 2), "Leeds")),
            Wish::Minutes(minutes) => {
                self.world.sleep(TimeDelta::minutes(minutes)).await;
                None
            }
            Wish::Days(days) => {
                self.world.sleep(TimeDelta::days(days)).await;
                None
            }
            Wish::NextTimer(count) => {
                self.until_timers(count).await;
                None
            }
            Wish::UntilWindow(port) => {
                ports::until_window(self, port).await;
                None
            }
            Wish::Settle => {
                self.world.settle().await;
                None
            }
        };
        Some(self.ask(&step?).await.is_ok())
    }

    fn of_reseller(&self, reseller: usize, command: ResellerCommand) -> Command {
        Command::Reseller { reseller: self.resellers[reseller], command }
    }

    fn of_company(&self, which: Handle, command: CompanyCommand) -> Option<Command> {
        Some(Command::Company { company: *self.companies.get(&which)?, command })
    }

    fn of_order(&self, which: Handle, command: OrderCommand) -> Option<Command> {
        Some(Command::Order { order: *self.orders.get(&which)?, command })
    }

    fn order_wide(&self, what: Whole) -> OrderCommand {
        match what {
            Whole::Acknowledge => OrderCommand::Acknowledge,
            Whole::Hold => OrderCommand::Hold { reason: sealed("strike") },
            Whole::Resume => OrderCommand::Resume,
            Whole::Require => {
                let deadline = self.world.engine.now() + TimeDelta::days(3);
                OrderCommand::RequireInformation { question: sealed("which door"), deadline: Some(deadline) }
            }
            Whole::Provide => OrderCommand::ProvideInformation { answer: sealed("the red one") },
            Whole::Cancel => OrderCommand::RequestCancellation { reason: None },
            Whole::Reject => {
                let (code, detail) = ("credit".into(), "no credit".into());
                OrderCommand::Reject { reasons: vec![Reason { code, subject: None, detail, expected: None }] }
            }
        }
    }

    /// Name and domain go together: free for both, or refused for each that is not.
    async fn qualify(&mut self, company: Handle, reseller: usize, name: u8) -> Outcome {
        let spelling = beliefs::spelling(name);
        let command = world::qualify(self.resellers[reseller], &spelling);
        let Command::Qualify { name, domain, .. } = &command else { unreachable!() };
        let mut expected = BTreeSet::new();
        for (scope, key) in [(ClaimScope::CompanyName, name.key()), (ClaimScope::CompanyDomain, domain.key())]
        {
            if self.taken(scope, key.as_ref()) {
                expected.insert(format!("{}_taken", <&str>::from(scope)));
            }
        }
        match self.ask(&command).await {
            Ok(receipt) => {
                assert!(expected.is_empty(), "{spelling}: {expected:?}");
                self.companies.insert(company, receipt.id("company"));
                Some(true)
            }
            Err(reasons) => {
                let codes: BTreeSet<String> = reasons.into_iter().map(|reason| reason.code).collect();
                assert!(
                    codes == expected || codes.contains("reseller_not_active"),
                    "{spelling}: {codes:?} {expected:?}"
                );
                Some(false)
            }
        }
    }

    async fn hold(
        &mut self,
        reservation: Handle,
        company: CompanyId,
        ask: NumberAsk,
        ring_fence: bool,
    ) -> Option<Result<(), Vec<Reason>>> {
        let outcome = self.ask(&Command::ReserveNumbers { company, ask, ring_fence }).await;
        Some(outcome.map(|receipt| {
            self.reservations.insert(reservation, (company, receipt.id("reservation")));
        }))
    }

    /// All of the numbers, or none and the reason.
    async fn reserve(
        &mut self,
        reservation: Handle,
        company: CompanyId,
        numbers: NumberSet,
        ring_fence: bool,
    ) -> Outcome {
        let held =
            numbers.iter().filter(|number| self.taken(ClaimScope::Number, &number.to_string())).count();
        let outcome = self.hold(reservation, company, NumberAsk::Numbers(numbers), ring_fence).await?;
        match &outcome {
            Ok(()) => assert_eq!(held, 0, "somebody held {held} of them"),
            Err(reasons) => {
                let taken = reasons.iter().any(|reason| reason.code == "number_taken");
                assert!(held > 0 || !taken, "{company}: {reasons:?}");
            }
        }
        Some(outcome.is_ok())
    }

    async fn draft(&mut self, order: Handle, company: Handle, kind: Kind, n: u8, reference: u8) -> Outcome {
        let company = *self.companies.get(&company)?;
        let state = self.world.state::<Company>(company).await;
        let reserved = self.reservations.values().rev().find(|(of, _)| *of == company).map(|(_, id)| *id);
        self.serial += 1;
        let now = Now { world: &self.world, company: &state, reserved, serial: self.serial };
        let lines = now.lines(kind, n);
        let reseller = state.reseller().unwrap();
        let reference = order_reference(reference);
        let used = self.audit.holders.contains_key(&reference_claim(reseller, &reference));
        let command = Command::CreateOrder { reseller, reference, company: Some(company), lines };
        match self.ask(&command).await {
            Ok(receipt) => {
                assert!(!used, "{command:?}: the reference was used");
                self.orders.insert(order, receipt.id("order"));
                Some(true)
            }
            Err(reasons) => {
                let taken = reasons.iter().any(|reason| reason.code == "order_reference_taken");
                assert!(used || !taken, "{command:?}: {reasons:?}");
                Some(false)
            }
        }
    }

    async fn order_for_nobody(&mut self, order: Handle, reseller: usize, n: u8) -> Outcome {
        let reseller = self.resellers[reseller];
        let reference = format!("PO-N-{order}").parse().unwrap();
        let window = ports::window(&self.world, 8);
        let lines = vec![world::port(world::port_of(500 + u32::from(n) * 10, window))];
        let command = Command::CreateOrder { reseller, reference, company: None, lines };
        let Ok(receipt) = self.ask(&command).await else { return Some(false) };
        self.orders.insert(order, receipt.id("order"));
        self.submit(receipt.id("order"), false).await?;
        Some(true)
    }

    async fn submit(&mut self, order: OrderId, twice: bool) -> Outcome {
        let command = Command::Submit { order };
        let again = self.world.clone();
        let (first, second) = tokio::join!(self.ask(&command), async {
            if twice { Some(again.ask(&command).await) } else { None }
        });
        if let (Ok(_), Some(Ok(_))) = (&first, &second) {
            panic!("{order} was submitted twice");
        }
        let done = first.is_ok() || second.is_some_and(|second| second.is_ok());
        if done {
            assert_eq!(self.world.state::<Order>(order).await.status(), OrderStatus::Submitted);
        }
        Some(done)
    }

    async fn line(&mut self, order: Handle, line: Pick, what: OfLine) -> Outcome {
        let order = *self.orders.get(&order)?;
        let state = self.world.state::<Order>(order).await;
        let lines: Vec<LineNumber> = state.lines().map(|(line, _)| line).collect();
        let line = pick(&lines, line)?;
        let command = match what {
            OfLine::Complete => OrderCommand::CompleteLine { line },
            OfLine::Fail => {
                let (code, detail) = ("broken".into(), "it broke".into());
                OrderCommand::FailLine { line, failure: LineFailure { code, detail } }
            }
            OfLine::Hold => OrderCommand::HoldLine { line, reason: sealed("snow") },
            OfLine::Resume => OrderCommand::ResumeLine { line },
            OfLine::Commit => OrderCommand::ReachMilestone { line, milestone: Milestone::Committed },
        };
        Some(self.ask(&Command::Order { order, command }).await.is_ok())
    }

    /// The port of the first line of an order, and where it is.
    pub async fn port(&self, order: Handle) -> Option<(PortRequestId, Arc<PortRequest>)> {
        let order = self.world.state::<Order>(*self.orders.get(&order)?).await;
        let (_, port) = order.port_requests().next()?;
        Some((port, self.world.state::<PortRequest>(port).await))
    }

    /// Says something to a port; a supplier's word that was heard before must change nothing.
    pub async fn say(&mut self, command: Command) -> Outcome {
        let is_message = matches!(&command, Command::Port { command, .. } if command.message().is_some());
        let before = self.world.engine.head().await.unwrap().position;
        let outcome = self.ask(&command).await;
        if is_message && outcome.is_ok() {
            if self.said.contains(&command) {
                let after = self.world.engine.head().await.unwrap().position;
                assert_eq!(after, before, "{command:?} was heard twice");
            }
            self.said.push(command);
        }
        Some(outcome.is_ok())
    }

    async fn repeat(&mut self, which: Pick) -> Outcome {
        let which = usize::from(which) % self.said.len().max(1);
        let command = self.said.get(which)?.clone();
        self.say(command).await
    }

    async fn cease(&mut self, company: Handle, number: Pick, count: u8) -> Outcome {
        let company = *self.companies.get(&company)?;
        let state = self.world.state::<Company>(company).await;
        let numbers: Vec<_> =
            state.numbers().filter(|(_, held)| held.is_in_service()).map(|(number, _)| number).collect();
        let from = usize::from(number) % numbers.len().max(1);
        let numbers: NumberSet = numbers.get(from..)?.iter().copied().take(count.into()).collect();
        Some(self.ask(&Command::CeaseNumbers { company, numbers }).await.is_ok())
    }

    async fn remove(&mut self, company: Handle, asset: Pick) -> Outcome {
        let company = *self.companies.get(&company)?;
        let state = self.world.state::<Company>(company).await;
        let assets: Vec<AssetId> =
            state.assets().filter(|(_, asset)| asset.dependants.is_empty()).map(|(id, _)| id).collect();
        let asset = pick(&assets, asset)?;
        let command = CompanyCommand::RemoveAsset { asset };
        Some(self.ask(&Command::Company { company, command }).await.is_ok())
    }

    async fn until_timers(&mut self, count: u8) {
        for _ in 0..count {
            self.world.settle().await;
            let Some(due) = self.world.engine.next_timer().await.unwrap() else { return };
            // A draft that nobody touches would take the walk a quarter of a year on.
            let due = due.min(self.world.engine.now() + TimeDelta::days(10));
            self.world.sleep_until(due).await;
        }
    }
}

fn order_reference(n: u8) -> OrderReference {
    format!("PO-{n}").parse().unwrap()
}

fn reference_claim(reseller: ResellerId, reference: &OrderReference) -> Claim {
    Claim::within(ClaimScope::OrderReference, reseller, reference.key())
}

fn these(numbers: Numbers) -> NumberSet {
    if !numbers.bristol {
        return world::leeds(numbers.from, numbers.count);
    }
    let first = number("0117 496 0000").offset(numbers.from).unwrap();
    NumberSet::from(NumberRange::new(first, first.offset(numbers.count - 1).unwrap()).unwrap())
}

//! A carrier on a walk: makes wishes come true or be refused, and knows beforehand, where the claims of the log alone can
//! tell, which of the two it will be.

use std::{collections::BTreeSet, sync::Arc};

use chrono::TimeDelta;
use orderwire::{
    domain::{
        claim::{Claim, ClaimScope},
        company::{Company, commands::CompanyCommand},
        decider::Decider as _,
        ids::{
            AssetId, CompanyId, NumberBlockId, OrderId, PortRequestId, ResellerId, ReservationId, StreamId,
        },
        joint::Command,
        names::MessageId,
        number::NumberSet,
        number_block::commands::BlockCommand,
        order::{
            Order, OrderStatus,
            commands::OrderCommand,
            line::{
                LineFailure, LineNumber, LineRequest, Milestone, NumberAsk, Parent, SiteNumbers, UserNumber,
            },
        },
        refusal::Reason,
        reseller::commands::ResellerCommand,
        testing::port_request::sealed,
    },
    engine::{Error, Receipt, fulfilment::Provisioned},
};

use super::{
    ports,
    wish::{Pick, Wish},
};
use crate::{
    invariants::Audit,
    world::{self, Script, Store, World},
};

/// A carrier and what it remembers of its own life.
pub struct Carrier {
    pub world: World,
    pub audit: Audit,
    resellers: Vec<ResellerId>,
    pub companies: Vec<CompanyId>,
    pub orders: Vec<OrderId>,
    pub ports: Vec<PortRequestId>,
    reservations: Vec<(CompanyId, ReservationId)>,
    blocks: Vec<NumberBlockId>,
    /// What suppliers have said, to say it again.
    said: Vec<Command>,
    serial: u32,
}

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
        let blocks = vec![world.leeds().await];
        let (companies, orders, ports, reservations) = (vec![], vec![], vec![], vec![]);
        let audit = Audit::default();
        let mut carrier = Self {
            world,
            audit,
            resellers,
            companies,
            orders,
            ports,
            reservations,
            blocks,
            said: vec![],
            serial: 0,
        };
        carrier.world.settle().await;
        for reseller in 0..2 {
            carrier.make(&Wish::Qualify { reseller, name: 2 * u8::from(reseller > 0) }).await;
            carrier
                .make(&Wish::Order {
                    company: reseller,
                    kind: 0,
                    n: 7,
                    reference: 70 + u8::from(reseller > 0),
                    submit: true,
                })
                .await;
            carrier.make(&Wish::Settle).await;
        }
        carrier
    }

    /// Makes a wish, then audits what it led to.
    pub async fn make(&mut self, wish: &Wish) {
        self.try_to(wish).await;
        self.audit.follow(&self.world.engine).await;
    }

    /// Settles and audits everything, also as an engine sees it that knows nothing yet.
    pub async fn end(&mut self, store: &Store) {
        self.world.settle().await;
        self.audit.finish(&self.world.engine).await;
        let cold = store.engine(&self.world.clock, orderwire::engine::fulfilment::AutoProvisioner, 1).await;
        Audit::of(&cold).await;
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

    fn company(&self, which: Pick) -> Option<CompanyId> {
        pick(&self.companies, which)
    }

    /// Mostly one of the last, where something still happens.
    fn order(&self, which: Pick) -> Option<OrderId> {
        let last = self.orders.len().saturating_sub(if which.is_multiple_of(4) { usize::MAX } else { 4 });
        pick(&self.orders[last..], which / 4)
    }

    fn taken(&self, scope: ClaimScope, key: &str) -> bool {
        self.audit.holders.contains_key(&Claim::platform(scope, key))
    }

    async fn try_to(&mut self, wish: &Wish) {
        let step = match wish {
            Wish::Qualify { reseller, name } => return self.qualify(*reseller, *name).await,
            Wish::Extend(company) => self.of_company(*company, CompanyCommand::ExtendQualification),
            Wish::Release(company) => self.of_company(*company, CompanyCommand::Release),
            Wish::Reserve { company, from, count, ring_fence } => {
                let Some(company) = self.company(*company) else { return };
                return self.reserve(company, world::leeds(*from, *count), *ring_fence).await;
            }
            Wish::ReserveAny { company, count } => return self.reserve_any(*company, *count).await,
            Wish::ReleaseReservation(which) => {
                pick(&self.reservations, *which).map(|(company, reservation)| Command::Company {
                    company,
                    command: CompanyCommand::ReleaseReservation { reservation },
                })
            }
            Wish::Order { company, kind, n, reference, submit } => {
                return self.draft(*company, *kind, *n, *reference, *submit).await;
            }
            Wish::OrderForNobody { reseller, n } => return self.order_for_nobody(*reseller, *n).await,
            Wish::Submit { order, twice } => {
                let Some(order) = self.order(*order) else { return };
                return self.submit(order, *twice).await;
            }
            Wish::Discard(order) => self.of_order(*order, OrderCommand::Discard),
            Wish::WholeOrder { order, what } => self.of_order(*order, self.order_wide(*what)),
            Wish::Line { order, line, what } => return self.line(*order, *line, *what).await,
            Wish::Cancel(order) => self.of_order(*order, OrderCommand::RequestCancellation { reason: None }),
            Wish::Port { .. } => return ports::speak(self, wish).await,
            Wish::Carry { port, steps, message } => return ports::carry(self, *port, *steps, *message).await,
            Wish::Repeat { message } => return self.repeat(*message).await,
            Wish::Cease { company, number, count } => return self.cease(*company, *number, *count).await,
            Wish::Remove { company, asset } => return self.remove(*company, *asset).await,
            Wish::EndCompany { company, what } => self.of_company(
                *company,
                match what {
                    0 => CompanyCommand::Suspend { reason: sealed("unpaid") },
                    1 => CompanyCommand::Resume,
                    2 => CompanyCommand::Cease,
                    _ => CompanyCommand::Erase { legal_hold_until: None },
                },
            ),
            Wish::PortOut { from, count, message } => Some(Command::PortOut {
                numbers: world::leeds(*from, *count),
                message: format!("out-{message}").parse().unwrap(),
            }),
            Wish::TakeBack { from, count } => Some(Command::Block {
                block: self.blocks[0],
                command: BlockCommand::TakeBack { numbers: world::leeds(*from, *count) },
            }),
            Wish::Reseller { reseller, what } => Some(Command::Reseller {
                reseller: pick(&self.resellers, *reseller).unwrap(),
                command: match what {
                    0 => ResellerCommand::Suspend { reason: sealed("unpaid") },
                    _ => ResellerCommand::Resume,
                },
            }),
            Wish::Stock(n) => return self.stock(*n).await,
            Wish::Minutes(minutes) => return self.world.sleep(TimeDelta::minutes(*minutes)).await,
            Wish::Days(days) => return self.world.sleep(TimeDelta::days(*days)).await,
            Wish::NextTimer(count) => return self.until_timers(*count).await,
            Wish::Settle => return self.world.settle().await,
        };
        if let Some(command) = step {
            // Refused or not, the audit sees what came of it.
            self.ask(&command).await.ok();
        }
    }

    fn of_company(&self, which: Pick, command: CompanyCommand) -> Option<Command> {
        self.company(which).map(|company| Command::Company { company, command })
    }

    fn of_order(&self, which: Pick, command: OrderCommand) -> Option<Command> {
        self.order(which).map(|order| Command::Order { order, command })
    }

    fn order_wide(&self, what: u8) -> OrderCommand {
        match what {
            0 => OrderCommand::Hold { reason: sealed("strike") },
            1 => OrderCommand::Resume,
            2 => {
                let deadline = self.world.engine.now() + TimeDelta::days(3);
                OrderCommand::RequireInformation { question: sealed("which door"), deadline: Some(deadline) }
            }
            3 => OrderCommand::ProvideInformation { answer: sealed("the red one") },
            _ => {
                let (code, detail) = ("credit".into(), "no credit".into());
                OrderCommand::Reject { reasons: vec![Reason { code, subject: None, detail, expected: None }] }
            }
        }
    }

    /// Name and domain go together: free for both, or refused for each that is not.
    async fn qualify(&mut self, reseller: Pick, name: u8) {
        let reseller = pick(&self.resellers, reseller).unwrap();
        let spelling =
            ["Acme Ltd", " ACME  LTD ", "Beta Ltd", "Gamma Ltd", "Delta Ltd", "delta ltd"][usize::from(name)];
        let command = world::qualify(reseller, spelling);
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
                self.companies.push(receipt.id("company"));
            }
            Err(reasons) => {
                let codes: BTreeSet<String> = reasons.into_iter().map(|reason| reason.code).collect();
                assert!(
                    codes == expected || codes.contains("reseller_not_active"),
                    "{spelling}: {codes:?} {expected:?}"
                );
            }
        }
    }

    /// All of the numbers, or none and the reason.
    async fn reserve(&mut self, company: CompanyId, numbers: NumberSet, ring_fence: bool) {
        let held =
            numbers.iter().filter(|number| self.taken(ClaimScope::Number, &number.to_string())).count();
        let command = Command::ReserveNumbers { company, ask: NumberAsk::Numbers(numbers), ring_fence };
        match self.ask(&command).await {
            Ok(receipt) => {
                assert_eq!(held, 0, "{command:?}: somebody held {held} of them");
                self.reservations.push((company, receipt.id("reservation")));
            }
            Err(reasons) if held == 0 => {
                let state = self.world.state::<Company>(company).await;
                let taken = reasons.iter().any(|reason| reason.code == "number_taken");
                assert!(!taken, "{command:?} by {:?}: {reasons:?}", state.status());
            }
            Err(_) => {}
        }
    }

    async fn reserve_any(&mut self, company: Pick, quantity: u32) {
        let Some(company) = self.company(company) else { return };
        let command = Command::ReserveNumbers { company, ask: world::search(quantity), ring_fence: false };
        if let Ok(receipt) = self.ask(&command).await {
            self.reservations.push((company, receipt.id("reservation")));
        }
    }

    async fn draft(&mut self, which: Pick, kind: u8, n: u8, reference: u8, submit: bool) {
        let Some(company) = self.company(which) else { return };
        let state = self.world.state::<Company>(company).await;
        let lines = self.lines(company, &state, kind, u32::from(n));
        let reseller = state.reseller().unwrap();
        let reference: orderwire::domain::names::OrderReference = format!("PO-{reference}").parse().unwrap();
        let used = Claim::within(ClaimScope::OrderReference, reseller, reference.key());
        let used = self.audit.holders.contains_key(&used);
        let command = Command::CreateOrder { reseller, reference, company: Some(company), lines };
        match self.ask(&command).await {
            Ok(receipt) => {
                assert!(!used, "{command:?}: the reference was used");
                self.orders.push(receipt.id("order"));
                if submit {
                    self.audit.follow(&self.world.engine).await;
                    self.submit(receipt.id("order"), false).await;
                }
            }
            Err(reasons) => {
                let taken = reasons.iter().any(|reason| reason.code == "order_reference_taken");
                assert!(used || !taken, "{command:?}: {reasons:?}");
            }
        }
    }

    /// Lines of an order of some kind. Names repeat now and then, so that some orders cannot have theirs.
    fn lines(&mut self, company: CompanyId, state: &Company, kind: u8, n: u32) -> Vec<LineRequest> {
        self.serial += 1;
        let serial = if n.is_multiple_of(8) { n } else { 100 + self.serial };
        let window = ports::window(&self.world, i64::from(n % 10) + 9);
        let site = state.assets().find(|(_, asset)| {
            orderwire::domain::company::asset::AssetKind::from(&asset.plan)
                == orderwire::domain::company::asset::AssetKind::Site
        });
        let site: Option<AssetId> = site.map(|(id, _)| id);
        let reserved = self.reservations.iter().rev().find(|(of, _)| *of == company).map(|(_, id)| *id);
        let ask = match reserved.filter(|_| n.is_multiple_of(2)) {
            Some(reservation) => NumberAsk::Reservation(reservation),
            None => world::search(1 + n),
        };
        match (kind, site) {
            (0, _) => {
                let mut lines = world::new_company(serial, 3 + n);
                lines.push(world::pbx(serial, Parent::Line(LineNumber(3))));
                lines.push(world::trunk(serial, Parent::Line(LineNumber(6)), 1 + n % 12));
                lines
            }
            (1, Some(site)) => {
                let number = Some(UserNumber::From(LineNumber(1)));
                vec![world::numbers_for(ask, site), world::user(serial, Parent::Asset(site), number)]
            }
            (2, Some(site)) => {
                let line = world::port_of_range(n * 10, 2 + n % 8, window);
                let line = orderwire::domain::order::line::PortLine { site: Some(site), ..line };
                let line = if n.is_multiple_of(3) {
                    orderwire::domain::testing::port_request::subsequent(line)
                } else {
                    line
                };
                let user = world::user(serial, Parent::Asset(site), Some(UserNumber::From(LineNumber(1))));
                vec![world::port(line), user]
            }
            // A site that waits for the company alone.
            (3, _) if n.is_multiple_of(5) => {
                vec![world::numbers_line(ask), world::site(serial, LineNumber(1))]
            }
            (3, _) => {
                let site = world::site_with(
                    serial,
                    &serial.to_string(),
                    vec![SiteNumbers { line: LineNumber(1), quantity: Some(2) }],
                );
                vec![world::port(world::port_of_range(n * 10, 4, window)), world::numbers_line(ask), site]
            }
            (4, _) => vec![world::numbers_line(ask)],
            _ => vec![world::port(world::port_of(n * 10, window))],
        }
    }

    async fn order_for_nobody(&mut self, reseller: Pick, n: u8) {
        let reseller = pick(&self.resellers, reseller).unwrap();
        self.serial += 1;
        let reference = format!("PO-N-{}", self.serial).parse().unwrap();
        let window = ports::window(&self.world, 8);
        let lines = vec![world::port(world::port_of(500 + u32::from(n) * 10, window))];
        if let Ok(receipt) =
            self.ask(&Command::CreateOrder { reseller, reference, company: None, lines }).await
        {
            self.orders.push(receipt.id("order"));
            self.submit(receipt.id("order"), false).await;
        }
    }

    async fn submit(&mut self, order: OrderId, twice: bool) {
        let command = Command::Submit { order };
        let again = self.world.clone();
        let (first, second) = tokio::join!(self.ask(&command), async {
            if twice { Some(again.ask(&command).await) } else { None }
        });
        if let (Ok(_), Some(Ok(_))) = (&first, &second) {
            panic!("{order} was submitted twice");
        }
        if first.is_ok() || second.is_some_and(|second| second.is_ok()) {
            let state = self.world.state::<Order>(order).await;
            assert_eq!(state.status(), OrderStatus::Submitted);
            self.ports.extend(state.port_requests().map(|(_, port)| port));
        }
    }

    async fn line(&mut self, order: Pick, line: Pick, what: u8) {
        let Some(order) = self.order(order) else { return };
        let lines: Vec<LineNumber> =
            self.world.state::<Order>(order).await.lines().map(|(line, _)| line).collect();
        let Some(line) = pick(&lines, line) else { return };
        let command = match what {
            0 | 1 => OrderCommand::CompleteLine { line },
            2 => {
                let (code, detail) = ("broken".into(), "it broke".into());
                OrderCommand::FailLine { line, failure: LineFailure { code, detail } }
            }
            3 => OrderCommand::HoldLine { line, reason: sealed("snow") },
            4 => OrderCommand::ResumeLine { line },
            _ => OrderCommand::ReachMilestone { line, milestone: Milestone::Committed },
        };
        self.ask(&Command::Order { order, command }).await.ok();
    }

    /// Says something to a port; a supplier's word that was heard before must change nothing.
    pub async fn say(&mut self, command: Command) {
        let message: Option<(StreamId, MessageId)> = match &command {
            Command::Port { port_request, command } => {
                command.message().map(|(_, message)| (port_request.stream(), message.clone()))
            }
            _ => None,
        };
        let before = self.world.engine.head().await.unwrap().position;
        let outcome = self.ask(&command).await;
        if message.is_some() {
            if self.said.contains(&command) && outcome.is_ok() {
                let after = self.world.engine.head().await.unwrap().position;
                assert_eq!(after, before, "{command:?} was heard twice");
            }
            if outcome.is_ok() {
                self.said.push(command);
            }
        }
    }

    async fn repeat(&mut self, which: Pick) {
        if self.said.is_empty() {
            return;
        }
        let command = self.said[usize::from(which) % self.said.len()].clone();
        self.say(command).await;
    }

    async fn cease(&mut self, company: Pick, number: Pick, count: u8) {
        let Some(company) = self.company(company) else { return };
        let state = self.world.state::<Company>(company).await;
        let numbers: Vec<_> =
            state.numbers().filter(|(_, held)| held.is_in_service()).map(|(number, _)| number).collect();
        if numbers.is_empty() {
            return;
        }
        let from = usize::from(number) % numbers.len();
        let numbers = numbers[from..].iter().copied().take(count.into()).collect();
        self.ask(&Command::CeaseNumbers { company, numbers }).await.ok();
    }

    async fn remove(&mut self, company: Pick, asset: Pick) {
        let Some(company) = self.company(company) else { return };
        let state: Arc<Company> = self.world.state(company).await;
        let assets: Vec<AssetId> =
            state.assets().filter(|(_, asset)| asset.dependants.is_empty()).map(|(id, _)| id).collect();
        let Some(asset) = pick(&assets, asset) else { return };
        self.ask(&Command::Company { company, command: CompanyCommand::RemoveAsset { asset } }).await.ok();
    }

    async fn stock(&mut self, n: u8) {
        let command = world::load(&format!("0113 496 0{}00-0{}99", n + 2, n + 2), "Leeds");
        if let Ok(receipt) = self.ask(&command).await {
            self.blocks.push(receipt.id("number_block"));
        }
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

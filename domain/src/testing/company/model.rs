//! A plainer company: lists of numbers, orders and assets, and loops over them.
//!
//! Written from the specification alone, so that it errs elsewhere than the aggregate does. Absent: reasons of refusals,
//! and rules that the walks never touch, such as what dials like what.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};

use super::{
    assets::{Held, ModelAsset, Place},
    ends::Announcements,
};
use crate::{
    company::{
        CompanyStatus,
        asset::{AssetKind, AssetPlan},
        commands::{CompanyAction, CompanyCommand, LinePlan},
    },
    ids::{AssetId, OrderId, ReservationId},
    names::{ActorId, HoldReference},
    number::{NumberSet, TelephoneNumber},
    order::line::LineNumber,
};

/// A company as lists.
#[derive(Clone, Debug)]
pub struct CompanyModel {
    /// Its stage.
    pub stage: CompanyStatus,
    /// Until when it is qualified.
    pub qualified_until: Option<DateTime<Utc>>,
    /// Its numbers.
    pub numbers: BTreeMap<TelephoneNumber, Held>,
    /// The orders under way, with the channels they ask for.
    pub orders: BTreeMap<OrderId, Option<u32>>,
    /// The reservations that have not ended, and when they do; a ring-fence does not.
    pub reservations: BTreeMap<ReservationId, Option<DateTime<Utc>>>,
    /// The ends that are still to be announced.
    pub announcements: Announcements,
    /// What it has and will have.
    pub assets: BTreeMap<AssetId, ModelAsset>,
    /// The site and the user each number is meant for.
    meant_for_site: BTreeMap<TelephoneNumber, AssetId>,
    meant_for_user: BTreeMap<TelephoneNumber, AssetId>,
    extensions: u32,
    channels: Option<u32>,
    pub(super) legal_holds: Vec<(HoldReference, ActorId)>,
}

impl Default for CompanyModel {
    fn default() -> Self {
        Self {
            stage: CompanyStatus::New,
            qualified_until: None,
            numbers: BTreeMap::new(),
            orders: BTreeMap::new(),
            reservations: BTreeMap::new(),
            announcements: Announcements::default(),
            assets: BTreeMap::new(),
            meant_for_site: BTreeMap::new(),
            meant_for_user: BTreeMap::new(),
            extensions: 0,
            channels: None,
            legal_holds: Vec::new(),
        }
    }
}

impl CompanyModel {
    /// Whether the specification knows such a step.
    pub fn permits(&self, action: CompanyAction) -> bool {
        use CompanyAction as A;
        use CompanyStatus as S;
        let stages: &[S] = match action {
            A::Qualify => &[S::New],
            A::ExtendQualification | A::Release | A::AnnounceExpiry | A::Expire => &[S::Qualified],
            A::ReserveNumbers | A::OpenOrder => &[S::Qualified, S::Ordered, S::Active],
            A::ReleaseReservation
            | A::AnnounceReservationExpiry
            | A::ExpireReservation
            | A::AllocatePortedNumbers
            | A::MakeNumbersLive
            | A::WithdrawNumbers => &[S::Qualified, S::Ordered, S::Active, S::Suspended],
            A::ReplanLine | A::AllocateNumbers | A::DropLine | A::CloseOrder => {
                &[S::Ordered, S::Active, S::Suspended]
            }
            A::CeaseNumbers => &[S::Qualified, S::Active, S::Suspended],
            A::AddAsset | A::ReplaceAddress | A::RemoveAsset | A::Cease => &[S::Active, S::Suspended],
            A::Activate | A::DropCompanyLine => &[S::Ordered],
            A::Suspend => &[S::Active],
            A::Resume => &[S::Suspended],
            A::PlaceLegalHold | A::LiftLegalHold => {
                let kept = [S::New, S::Erased];
                return !kept.contains(&self.stage);
            }
            A::Erase => &[S::Expired, S::Released, S::Ceased],
        };
        stages.contains(&self.stage)
    }

    /// Does what is asked, or says that it may not be done; then the model is of no use any more.
    pub(super) fn attempt(&mut self, command: &CompanyCommand, at: DateTime<Utc>) -> bool {
        use CompanyCommand as C;
        // Numbers in service keep a qualification beyond its time.
        let overdue = self.stage == CompanyStatus::Qualified
            && self.qualified_until.is_some_and(|it| it <= at)
            && !self.has_numbers_in_service();
        self.permits(command.into())
            && match command {
                C::Qualify { .. } => {
                    self.qualify_until(at, Some(at + TimeDelta::days(30)));
                    self.go(CompanyStatus::Qualified)
                }
                C::ExtendQualification => {
                    self.extensions += 1;
                    let until = self.qualified_until.map(|until| until.max(at) + TimeDelta::days(30));
                    self.qualify_until(at, until);
                    !overdue && self.extensions <= 2
                }
                C::AnnounceExpiry => self.announcements.announce(None, self.qualified_until, at),
                C::Release => !self.has_numbers_in_service() && self.end(CompanyStatus::Released),
                C::Expire => overdue && self.end(CompanyStatus::Expired),
                C::Cease => {
                    let left = !(self.assets.is_empty() && self.numbers.is_empty() && self.orders.is_empty());
                    !left && self.end(CompanyStatus::Ceased)
                }
                C::PlaceLegalHold { reference, by } => {
                    let known = self.legal_holds.iter().any(|(held, _)| held == reference);
                    self.legal_holds.push((reference.clone(), by.clone()));
                    !known
                }
                C::LiftLegalHold { reference, by } => {
                    let before = self.legal_holds.len();
                    self.legal_holds.retain(|(held, placed_by)| held != reference || placed_by == by);
                    self.legal_holds.len() < before
                }
                C::Erase => self.legal_holds.is_empty() && self.go(CompanyStatus::Erased),
                C::Suspend { .. } => self.go(CompanyStatus::Suspended),
                C::Resume => self.go(CompanyStatus::Active),
                C::Activate { order } => {
                    self.channels = self.orders.get(order).copied().flatten();
                    self.channels.is_some() && self.go(CompanyStatus::Active)
                }
                C::ReserveNumbers { reservation, numbers, ring_fence } => {
                    let days = at + TimeDelta::days(14);
                    let qualified = self.qualified_until.filter(|_| self.stage == CompanyStatus::Qualified);
                    let until = qualified.filter(|until| *until > at).map_or(days, |until| until.min(days));
                    let until = (!ring_fence).then_some(until);
                    self.announcements.set(Some(*reservation), at, until);
                    !overdue
                        && self.reservations.insert(*reservation, until).is_none()
                        && self.take(numbers, Held { place: Place::Under(*reservation), port: None })
                }
                C::ReleaseReservation { reservation } => self.end_reservation(*reservation),
                C::AnnounceReservationExpiry { reservation } => {
                    let until = self.reservations.get(reservation).copied().flatten();
                    self.announcements.announce(Some(*reservation), until, at)
                }
                C::ExpireReservation { reservation } => {
                    let until = self.reservations.get(reservation).copied().flatten();
                    until.is_some_and(|until| until <= at) && self.end_reservation(*reservation)
                }
                C::OpenOrder { order, plans, numbers, channels, .. } => {
                    !overdue && self.open(*order, plans, numbers, *channels, at)
                }
                C::ReplanLine { order, line, plan, numbers } => {
                    self.orders.contains_key(order)
                        && plan.as_ref().is_none_or(|plan| self.replan(*order, *line, plan))
                        && numbers.as_ref().is_none_or(|numbers| self.renumber(*order, *line, numbers, at))
                }
                C::AllocateNumbers { order, line, site } => {
                    self.is_site(*site) && self.allocate(*order, *line, *site)
                }
                C::AllocatePortedNumbers { port_request, numbers, site } => {
                    let held = Held { place: Place::Idle, port: Some((*port_request, false)) };
                    let taken = !overdue && self.is_site(*site) && self.take(numbers, held);
                    if let Some(site) = site {
                        self.give(*site, numbers);
                    }
                    taken
                }
                C::MakeNumbersLive { port_request, numbers } => numbers.iter().all(|number| {
                    let now = Held { place: Place::Idle, port: Some((*port_request, true)) };
                    let held = self.numbers.entry(number).or_insert(now);
                    let same = held.port.is_some_and(|(from, _)| from == *port_request);
                    held.port = now.port;
                    same
                }),
                C::WithdrawNumbers { numbers, .. } => {
                    let fine = numbers.iter().all(|it| self.held(it).is_none_or(Held::in_service));
                    self.lose(numbers);
                    fine
                }
                C::CeaseNumbers { numbers } => {
                    let fine = numbers.iter().all(|number| self.may_cease(number));
                    self.lose(numbers);
                    fine
                }
                C::AddAsset { order, line } => self.orders.contains_key(order) && self.add(*order, *line),
                C::ReplaceAddress { asset, to } => {
                    let moved = self.assets.get_mut(asset).filter(|it| it.real && it.entered);
                    !to.is_temporary() && moved.map(|it| it.entered = false).is_some()
                }
                C::RemoveAsset { asset } => {
                    let needed = self.assets.values().any(|it| it.parent == Some(*asset));
                    self.assets.get(asset).is_some_and(|it| it.real) && !needed && self.remove(*asset)
                }
                C::DropLine { order, line } => {
                    self.drop_lines(*order, Some(*line));
                    self.orders.contains_key(order)
                }
                C::DropCompanyLine { order } => {
                    self.orders.get_mut(order).is_some_and(|channels| channels.take().is_some())
                }
                C::CloseOrder { order } => {
                    self.drop_lines(*order, None);
                    let known = self.orders.remove(order).is_some();
                    if self.stage == CompanyStatus::Ordered && self.orders.is_empty() {
                        self.qualify_until(at, self.qualified_until.max(Some(at + TimeDelta::days(7))));
                        self.stage = CompanyStatus::Qualified;
                    }
                    known
                }
            }
    }

    /// The channels it has, or will have by an order under way.
    pub(super) fn capacity(&self) -> Option<u32> {
        self.channels.or_else(|| self.orders.values().find_map(|channels| *channels))
    }

    fn qualify_until(&mut self, at: DateTime<Utc>, until: Option<DateTime<Utc>>) {
        self.qualified_until = until;
        self.announcements.set(None, at, until);
    }

    fn go(&mut self, stage: CompanyStatus) -> bool {
        self.stage = stage;
        true
    }

    fn end(&mut self, stage: CompanyStatus) -> bool {
        let legal_holds = std::mem::take(&mut self.legal_holds);
        *self = Self { stage, legal_holds, ..Self::default() };
        true
    }

    fn held(&self, number: TelephoneNumber) -> Option<Held> {
        self.numbers.get(&number).copied()
    }

    fn has_numbers_in_service(&self) -> bool {
        self.numbers.values().any(|held| held.in_service())
    }

    fn is_site(&self, site: Option<AssetId>) -> bool {
        let is_site = |id| self.assets.get(&id).is_some_and(|it| it.real && it.kind == AssetKind::Site);
        site.is_none_or(is_site)
    }

    /// Takes numbers that the company does not hold.
    fn take(&mut self, numbers: &NumberSet, held: Held) -> bool {
        numbers.iter().all(|number| self.numbers.insert(number, held).is_none())
    }

    /// Numbers are gone, with every wish for them; those that it does not hold are passed over.
    fn lose(&mut self, numbers: &NumberSet) {
        for number in numbers.iter() {
            if self.numbers.remove(&number).is_none() {
                continue;
            }
            let owners = [self.meant_for_site.remove(&number), self.meant_for_user.remove(&number)];
            for owner in owners.into_iter().flatten() {
                if let Some(asset) = self.assets.get_mut(&owner) {
                    asset.wants.remove(number);
                }
            }
        }
    }

    fn may_cease(&self, number: TelephoneNumber) -> bool {
        let owners = [self.meant_for_site.get(&number), self.meant_for_user.get(&number)];
        let planned = |id: &AssetId| self.assets.get(id).is_some_and(|asset| !asset.real);
        let held = self.held(number);
        held.is_some_and(|held| {
            let idle = matches!(held.place, Place::Idle | Place::AtSite(_));
            idle && held.port.is_none_or(|(_, live)| live)
        }) && !owners.into_iter().flatten().any(planned)
    }

    fn end_reservation(&mut self, reservation: ReservationId) -> bool {
        self.numbers.retain(|_, held| held.place != Place::Under(reservation));
        self.reservations.remove(&reservation).is_some()
    }

    fn open(
        &mut self,
        order: OrderId,
        plans: &[LinePlan],
        numbers: &[(LineNumber, NumberSet)],
        channels: Option<u32>,
        at: DateTime<Utc>,
    ) -> bool {
        let second = channels.is_some() && self.capacity().is_some();
        let first = self.orders.insert(order, channels).is_none();
        let served = self.capacity().is_some() || plans.is_empty();
        if self.stage == CompanyStatus::Qualified {
            self.stage = CompanyStatus::Ordered;
            self.announcements.forget(None);
        }
        first
            && served
            && !second
            && plans.iter().all(|it| {
                let new = ModelAsset::new(order, it.line, &it.plan);
                !self.assets.contains_key(&it.asset) && self.plan(it.asset, new)
            })
            && numbers.iter().all(|(line, numbers)| self.commit(order, *line, numbers, at))
    }

    /// Plans an asset, if its names and numbers are nobody else's and its channels fit.
    fn plan(&mut self, id: AssetId, new: ModelAsset) -> bool {
        let mut fine = self.assets.values().all(|it| it.names.is_disjoint(&new.names));
        for number in new.wants.iter() {
            let site = self.meant_for_site.get(&number).copied().filter(|site| {
                // A real site may still wish for a number that came to nothing.
                let real = self.assets.get(site).is_some_and(|it| it.real);
                self.numbers.contains_key(&number) || !real
            });
            if new.kind == AssetKind::User {
                fine &= site == new.parent && self.meant_for_user.insert(number, id).is_none();
            } else {
                fine &= site.is_none();
                self.meant_for_site.insert(number, id);
            }
        }
        self.assets.insert(id, new);
        let channels: u32 = self.assets.values().map(|it| it.channels).sum();
        fine && self.capacity().is_none_or(|capacity| channels <= capacity)
    }

    /// Takes back what an asset was meant to have.
    fn unplan(&mut self, id: AssetId) -> Option<ModelAsset> {
        self.meant_for_site.retain(|number, of| *of != id || !self.assets[&id].wants.contains(*number));
        self.meant_for_user.retain(|number, of| *of != id || !self.assets[&id].wants.contains(*number));
        self.assets.remove(&id)
    }

    fn planned(&self, order: OrderId, line: LineNumber) -> Option<AssetId> {
        let planned = |it: &ModelAsset| (it.order, it.line, it.real) == (order, line, false);
        self.assets.iter().find(|(_, it)| planned(it)).map(|(id, _)| *id)
    }

    fn replan(&mut self, order: OrderId, line: LineNumber, plan: &AssetPlan) -> bool {
        let Some(id) = self.planned(order, line) else { return false };
        let new = ModelAsset::new(order, line, plan);
        let users = self.assets.values().filter(|it| it.kind == AssetKind::User && it.parent == Some(id));
        let keeps = users.clone().all(|user| user.wants.is_subset(&new.wants));
        let same_kind = self.assets[&id].kind == new.kind;
        self.unplan(id).is_some() && keeps && same_kind && self.plan(id, new)
    }

    /// Commits numbers that are free or under a reservation that lasts.
    fn commit(&mut self, order: OrderId, line: LineNumber, numbers: &NumberSet, at: DateTime<Utc>) -> bool {
        numbers.iter().all(|number| {
            let from = match self.held(number).map(|held| held.place) {
                None => None,
                Some(Place::Under(reservation)) => Some(reservation),
                Some(_) => return false,
            };
            let over = from.and_then(|from| self.reservations[&from]).is_some_and(|until| until <= at);
            self.numbers.insert(number, Held { place: Place::With(order, line, from), port: None });
            !over
        })
    }

    fn renumber(&mut self, order: OrderId, line: LineNumber, numbers: &NumberSet, at: DateTime<Utc>) -> bool {
        let own = self.of_line(order, Some(line));
        let more = numbers.difference(&own);
        let fine = !own.is_empty() && !numbers.is_empty() && self.commit(order, line, &more, at);
        self.give_up(&own.difference(numbers));
        fine
    }

    fn of_line(&self, order: OrderId, line: Option<LineNumber>) -> NumberSet {
        let of_line = |held: &Held| match held.place {
            Place::With(of, at, _) => of == order && line.is_none_or(|line| line == at),
            _ => false,
        };
        self.numbers.iter().filter(|(_, held)| of_line(held)).map(|(number, _)| *number).collect()
    }

    /// Numbers go back under a reservation that still lives, or away.
    fn give_up(&mut self, numbers: &NumberSet) {
        for number in numbers.iter() {
            let back = self.held(number).and_then(|held| held.place.reservation());
            match back.filter(|reservation| self.reservations.contains_key(reservation)) {
                Some(reservation) => {
                    self.numbers.insert(number, Held { place: Place::Under(reservation), port: None });
                }
                None => drop(self.numbers.remove(&number)),
            }
        }
    }

    fn allocate(&mut self, order: OrderId, line: LineNumber, site: Option<AssetId>) -> bool {
        let numbers = self.of_line(order, Some(line));
        for number in numbers.iter() {
            self.numbers.insert(number, Held { place: Place::Idle, port: None });
        }
        if let Some(site) = site {
            self.give(site, &numbers);
        }
        // A reservation ends with the last of its numbers.
        let left: BTreeSet<_> = self.numbers.values().filter_map(|held| held.place.reservation()).collect();
        self.reservations.retain(|reservation, _| left.contains(reservation));
        !numbers.is_empty()
    }

    /// Numbers become those of a site or user.
    fn give(&mut self, id: AssetId, numbers: &NumberSet) {
        let Some(asset) = self.assets.get(&id) else { return };
        let (place, site) = match asset.kind {
            AssetKind::User => (Place::OfUser(id), asset.parent.unwrap_or(id)),
            _ => (Place::AtSite(id), id),
        };
        for number in numbers.iter() {
            self.meant_for_site.insert(number, site);
            if let Some(held) = self.numbers.get_mut(&number) {
                held.place = place;
            }
        }
    }

    fn add(&mut self, order: OrderId, line: LineNumber) -> bool {
        let Some(id) = self.planned(order, line) else { return false };
        let is_real = |id| self.assets.get(&id).is_some_and(|it| it.real);
        let asset = self.assets[&id].clone();
        let parent_exists = asset.parent.is_none_or(is_real);
        let there = |number: &TelephoneNumber| match self.held(*number).map(|held| held.place) {
            Some(Place::Idle) => true,
            Some(Place::AtSite(site)) => asset.parent == Some(site),
            _ => false,
        };
        let numbers: NumberSet = asset.wants.iter().filter(there).collect();
        self.assets.insert(id, ModelAsset { real: true, ..asset });
        self.give(id, &numbers);
        parent_exists
    }

    /// A user's numbers fall to its site, a site's to nobody.
    fn remove(&mut self, id: AssetId) -> bool {
        let Some(gone) = self.unplan(id) else { return false };
        let has = |held: &Held| held.place == Place::AtSite(id) || held.place == Place::OfUser(id);
        let numbers: NumberSet =
            self.numbers.iter().filter(|(_, held)| has(held)).map(|(number, _)| *number).collect();
        for number in numbers.iter() {
            self.meant_for_site.remove(&number);
            self.numbers.entry(number).and_modify(|held| held.place = Place::Idle);
        }
        if let Some(site) = gone.parent.filter(|_| gone.kind == AssetKind::User) {
            self.give(site, &numbers);
        }
        true
    }

    /// One line, or all of them, give up what they hold.
    fn drop_lines(&mut self, order: OrderId, line: Option<LineNumber>) {
        self.give_up(&self.of_line(order, line));
        let of_line =
            |it: &ModelAsset| !it.real && it.order == order && line.is_none_or(|line| line == it.line);
        let planned: Vec<AssetId> =
            self.assets.iter().filter(|(_, it)| of_line(it)).map(|(id, _)| *id).collect();
        for id in planned {
            self.remove(id);
        }
    }
}

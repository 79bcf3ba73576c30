//! How what happened changes what a company holds.
//!
//! Nothing here can fail: an event about something that is not there changes nothing, and the lifecycle table or an
//! auditor's comparison of claims finds it out.

use super::{
    asset::AssetPlan,
    estate::{Asset, AssetStage, Estate, HeldNumber, Holding, LineHolding, OpenOrder, Origin, Reservation},
    events::{CompanyEvent, NumberSource},
};
use crate::{
    ids::{AssetId, OrderId, PortRequestId, ReservationId},
    number::{NumberSet, TelephoneNumber},
    order::line::LineNumber,
};

impl Estate {
    /// Takes an event in, as far as it is about what is held.
    pub(super) fn record(&mut self, event: &CompanyEvent) {
        use CompanyEvent::{
            AddressReplaced, AssetAdded, AssetDropped, AssetPlanned, AssetRemoved, AssetReplanned,
            CompanyLineDropped, NumbersAllocated, NumbersAssigned, NumbersCeased, NumbersCommitted,
            NumbersLive, NumbersReleased, NumbersReserved, NumbersUncommitted, NumbersWithdrawn, OrderClosed,
            OrderOpened, PortedNumbersAllocated, ReservationEnded, ReservationExpiring,
        };
        match event {
            NumbersReserved { reservation, numbers, expires_at, announce_at } => {
                let empty = Reservation {
                    expires_at: *expires_at,
                    announce_at: *announce_at,
                    uncommitted: NumberSet::new(),
                    committed: NumberSet::new(),
                };
                let held = self.reservations.entry(*reservation).or_insert(empty);
                add(&mut held.uncommitted, numbers);
                let under = under(*reservation, held);
                self.hold(numbers, HeldNumber { holding: under, origin: Origin::Own });
            }
            NumbersReleased { reservation, numbers } => {
                if let Some(held) = self.reservations.get_mut(reservation) {
                    strike(&mut held.uncommitted, numbers);
                }
                self.forget(numbers);
            }
            ReservationExpiring { reservation, .. } => {
                if let Some(held) = self.reservations.get_mut(reservation) {
                    held.announce_at = None;
                }
            }
            ReservationEnded { reservation, .. } => {
                self.reservations.remove(reservation);
            }
            OrderOpened { order, channels } => {
                self.orders.insert(*order, OpenOrder { channels: *channels, ..OpenOrder::default() });
            }
            CompanyLineDropped { order } => {
                if let Some(open) = self.orders.get_mut(order) {
                    open.channels = None;
                }
            }
            OrderClosed { order, .. } => {
                self.orders.remove(order);
            }
            NumbersCommitted { order, line, numbers, source } => self.commit(*order, *line, numbers, *source),
            NumbersUncommitted { order, line, numbers, back_to } => {
                self.uncommit(*order, *line, numbers, *back_to);
            }
            NumbersAllocated { order, line, numbers } => {
                self.leave_reservations(numbers);
                self.hold_for_line(*order, *line, |held| strike(&mut held.numbers, numbers));
                self.hold(numbers, HeldNumber { holding: Holding::Allocated, origin: Origin::Own });
            }
            PortedNumbersAllocated { port_request, numbers } => {
                let origin = Origin::Ported { port_request: *port_request, live: false };
                self.hold(numbers, HeldNumber { holding: Holding::Allocated, origin });
            }
            NumbersLive { port_request, numbers } => self.make_live(*port_request, numbers),
            NumbersWithdrawn { numbers, .. } | NumbersCeased { numbers } => self.lose(numbers),
            NumbersAssigned { asset, numbers } => self.assign(*asset, numbers),
            AssetPlanned { order, line, asset, plan } => self.plan(*order, *line, *asset, plan),
            AssetReplanned { asset, to, .. } => self.replan(*asset, to),
            AssetDropped { asset, .. } | AssetRemoved { asset, .. } => self.remove(*asset),
            AddressReplaced { asset, to, .. } => {
                if let Some(it) = self.assets.get_mut(asset) {
                    it.plan.move_to(to);
                }
            }
            AssetAdded { asset } => {
                if let Some(it) = self.assets.get_mut(asset) {
                    it.stage = AssetStage::Real;
                    let (order, line) = (it.order, it.line);
                    self.hold_for_line(order, line, |held| held.asset = None);
                }
            }
            // The others are about the company's stage alone.
            _ => {}
        }
    }

    /// Plans an asset; a name or number that another has already stays with that one.
    pub(super) fn plan(&mut self, order: OrderId, line: LineNumber, asset: AssetId, plan: &AssetPlan) {
        let planned = Asset {
            plan: plan.clone(),
            order,
            line,
            stage: AssetStage::Planned,
            dependants: imbl::OrdSet::new(),
            numbers: NumberSet::new(),
        };
        self.assets.insert(asset, planned);
        self.connect(asset, plan);
        self.hold_for_line(order, line, |held| held.asset = Some(asset));
    }

    fn replan(&mut self, asset: AssetId, to: &AssetPlan) {
        if let Some(it) = self.assets.get_mut(&asset) {
            let from = std::mem::replace(&mut it.plan, to.clone());
            self.disconnect(asset, &from);
            self.connect(asset, to);
        }
    }

    fn remove(&mut self, asset: AssetId) {
        let Some(gone) = self.assets.remove(&asset) else { return };
        self.disconnect(asset, &gone.plan);
        self.hold_for_line(gone.order, gone.line, |held| held.asset = None);
        // A user's numbers fall back to the site, a site's to the company.
        match gone.plan {
            AssetPlan::User { site, .. } if self.assets.contains_key(&site) => {
                self.assign(site, &gone.numbers);
            }
            _ => {
                for number in gone.numbers.iter() {
                    self.site_of.remove(&number);
                    self.set_holding(number, Holding::Allocated);
                }
            }
        }
    }

    /// Enters an asset's names, its place under its parent and the numbers meant for it.
    fn connect(&mut self, asset: AssetId, plan: &AssetPlan) {
        for name in plan.names() {
            self.names.entry(name.scope).or_default().entry(name.key).or_insert(asset);
        }
        if let Some(parent) = plan.parent().and_then(|parent| self.assets.get_mut(&parent)) {
            parent.dependants.insert(asset);
        }
        for number in plan.numbers().iter() {
            match plan {
                AssetPlan::User { .. } => self.user_of.insert(number, asset),
                _ => self.site_of.insert(number, asset),
            };
        }
    }

    /// The reverse of [`Self::connect`]; what another asset has by now is left alone.
    pub(super) fn disconnect(&mut self, asset: AssetId, plan: &AssetPlan) {
        for name in plan.names() {
            if self.named(&name) == Some(asset)
                && let Some(names) = self.names.get_mut(&name.scope)
            {
                names.remove(&name.key);
                if names.is_empty() {
                    self.names.remove(&name.scope);
                }
            }
        }
        if let Some(parent) = plan.parent().and_then(|parent| self.assets.get_mut(&parent)) {
            parent.dependants.remove(&asset);
        }
        for number in plan.numbers().iter() {
            let owners = match plan {
                AssetPlan::User { .. } => &mut self.user_of,
                _ => &mut self.site_of,
            };
            if owners.get(&number) == Some(&asset) {
                owners.remove(&number);
            }
        }
    }

    fn commit(&mut self, order: OrderId, line: LineNumber, numbers: &NumberSet, source: NumberSource) {
        if let NumberSource::Reservation(id) = source
            && let Some(held) = self.reservations.get_mut(&id)
        {
            strike(&mut held.uncommitted, numbers);
            add(&mut held.committed, numbers);
        }
        self.hold_for_line(order, line, |held| add(&mut held.numbers, numbers));
        let holding = Holding::Committed { order, line, source };
        self.hold(numbers, HeldNumber { holding, origin: Origin::Own });
    }

    fn uncommit(
        &mut self,
        order: OrderId,
        line: LineNumber,
        numbers: &NumberSet,
        back_to: Option<ReservationId>,
    ) {
        self.hold_for_line(order, line, |held| strike(&mut held.numbers, numbers));
        self.leave_reservations(numbers);
        match back_to.and_then(|id| self.reservations.get_mut(&id).map(|held| (id, held))) {
            Some((id, held)) => {
                add(&mut held.uncommitted, numbers);
                let holding = under(id, held);
                self.hold(numbers, HeldNumber { holding, origin: Origin::Own });
            }
            None => self.forget(numbers),
        }
    }

    /// Strikes committed numbers off the reservations they come from.
    fn leave_reservations(&mut self, numbers: &NumberSet) {
        for (id, part) in self.sources(numbers) {
            if let Some(held) = self.reservations.get_mut(&id) {
                strike(&mut held.committed, &part);
            }
        }
    }

    fn make_live(&mut self, port_request: PortRequestId, numbers: &NumberSet) {
        for number in numbers.iter() {
            if let Some(held) = self.numbers.get_mut(&number) {
                held.origin = Origin::Ported { port_request, live: true };
            }
        }
    }

    /// Numbers are gone: nobody has them any more, and no site or user is to get them.
    fn lose(&mut self, numbers: &NumberSet) {
        for number in numbers.iter() {
            let owners = [self.site_of.remove(&number), self.user_of.remove(&number)];
            let gone = NumberSet::from_iter([number]);
            for owner in owners.into_iter().flatten() {
                if let Some(asset) = self.assets.get_mut(&owner) {
                    asset.plan.lose(&gone);
                    asset.numbers.remove(number);
                }
            }
        }
        self.forget(numbers);
    }

    fn assign(&mut self, asset: AssetId, numbers: &NumberSet) {
        let Some(it) = self.assets.get_mut(&asset) else { return };
        add(&mut it.numbers, numbers);
        let site = match it.plan {
            AssetPlan::User { site, .. } => site,
            _ => asset,
        };
        let holding =
            if site == asset { Holding::AssignedToSite(asset) } else { Holding::AssignedToUser(asset) };
        if let Some(site) = self.assets.get_mut(&site).filter(|_| site != asset) {
            strike(&mut site.numbers, numbers);
        }
        for number in numbers.iter() {
            self.site_of.insert(number, site);
            self.set_holding(number, holding);
        }
    }

    fn hold(&mut self, numbers: &NumberSet, held: HeldNumber) {
        for number in numbers.iter() {
            self.numbers.insert(number, held);
        }
    }

    fn set_holding(&mut self, number: TelephoneNumber, holding: Holding) {
        if let Some(held) = self.numbers.get_mut(&number) {
            held.holding = holding;
        }
    }

    fn forget(&mut self, numbers: &NumberSet) {
        for number in numbers.iter() {
            self.numbers.remove(&number);
        }
    }

    /// Changes what a line of an open order holds; a line that holds nothing is struck off.
    fn hold_for_line(&mut self, order: OrderId, line: LineNumber, change: impl FnOnce(&mut LineHolding)) {
        let Some(open) = self.orders.get_mut(&order) else { return };
        let held = open.lines.entry(line).or_default();
        change(held);
        if *held == LineHolding::default() {
            open.lines.remove(&line);
        }
    }
}

/// How a number under this reservation is held.
fn under(id: ReservationId, reservation: &Reservation) -> Holding {
    match reservation.expires_at {
        Some(_) => Holding::Reserved(id),
        None => Holding::RingFenced(id),
    }
}

/// Adds in place, so that the cost is that of what is added.
fn add(set: &mut NumberSet, more: &NumberSet) {
    more.runs().for_each(|run| set.insert_range(run));
}

/// Takes away in place.
fn strike(set: &mut NumberSet, gone: &NumberSet) {
    gone.runs().for_each(|run| set.remove_range(run));
}

//! What the lines of an order will make, with every number they name resolved to one that the order has.

use std::collections::BTreeMap;

use super::{numbers::reason, reads};
use crate::{
    company::{Company, asset::AssetPlan, commands::LinePlan},
    ids::{AssetId, OrderId},
    number::{NumberSet, TelephoneNumber},
    order::{
        Order,
        line::{LineKind, LineNumber, LineRequest, Parent, SiteLine, UserLine, UserNumber},
    },
    refusal::Reason,
};

/// The kinds of line that make assets, parents first.
const MAKERS: [LineKind; 7] = [
    LineKind::Site,
    LineKind::EmergencyDetails,
    LineKind::Pbx,
    LineKind::User,
    LineKind::AddOn,
    LineKind::Device,
    LineKind::Trunk,
];

/// Everything that planning an order goes by.
pub struct Planner<'a> {
    company: &'a Company,
    assets: &'a BTreeMap<LineNumber, AssetId>,
    /// Numbers of each numbers or port line.
    lines: &'a BTreeMap<LineNumber, NumberSet>,
    /// Those of them that no site took yet.
    left: BTreeMap<LineNumber, NumberSet>,
    /// The numbers of each site that no user took yet.
    site_left: BTreeMap<AssetId, NumberSet>,
    /// The same, of one line only; made when first asked for.
    site_line_left: BTreeMap<(AssetId, LineNumber), NumberSet>,
    /// Numbers that come to a site by themselves, after the site may be there, with the line that brings each.
    coming: BTreeMap<TelephoneNumber, LineNumber>,
    reasons: Vec<Reason>,
}

impl<'a> Planner<'a> {
    /// A planner for one order.
    pub fn new(
        company: &'a Company,
        assets: &'a BTreeMap<LineNumber, AssetId>,
        lines: &'a BTreeMap<LineNumber, NumberSet>,
    ) -> Self {
        Self {
            company,
            assets,
            lines,
            left: lines.clone(),
            site_left: BTreeMap::new(),
            site_line_left: BTreeMap::new(),
            coming: BTreeMap::new(),
            reasons: Vec::new(),
        }
    }

    /// The plans of every line that makes an asset, parents first, and what speaks against them.
    pub fn plan(mut self, order: &Order) -> (Vec<LinePlan>, Vec<Reason>) {
        for (number, line) in order.lines() {
            if let LineRequest::Numbers(numbers) = &*line.request
                && let Some(site) = numbers.site
            {
                self.give_to_existing_site(site, number);
            }
            if line.kind() == LineKind::Port
                || line.request.asset().is_some() && self.lines.contains_key(&number)
            {
                let brought = self.lines.get(&number).into_iter().flat_map(NumberSet::iter);
                self.coming.extend(brought.map(|it| (it, number)));
            }
            if let LineRequest::Port(port) = &*line.request
                && let Some(site) = port.site
            {
                self.give_to_existing_site(site, number);
            }
        }
        // Numbers that users name exactly are gone before anybody is given the lowest of the rest.
        let exact: Vec<(AssetId, TelephoneNumber)> = order
            .lines()
            .filter_map(|(_, line)| match &*line.request {
                LineRequest::User(user) => Some(user),
                _ => None,
            })
            .flat_map(|user| {
                let site = self.resolve(user.site);
                let numbers = user.primary_number.iter().chain(&user.alternate_numbers);
                numbers.filter_map(move |number| match number {
                    UserNumber::Number(number) | UserNumber::Of { number, .. } => Some((site?, *number)),
                    UserNumber::From(_) => None,
                })
            })
            .collect();

        let mut plans = Vec::new();
        for kind in MAKERS {
            for (number, line) in order.lines().filter(|(_, line)| line.kind() == kind) {
                let Some(asset) = self.assets.get(&number).copied() else { continue };
                if let Some(plan) = self.plan_line(number, &line.request) {
                    if let AssetPlan::Site { numbers, .. } = &plan {
                        self.site_left.insert(asset, numbers.clone());
                    }
                    plans.push(LinePlan { line: number, asset, plan });
                }
            }
            if kind == LineKind::Site {
                for (site, number) in &exact {
                    self.site_numbers(*site).remove(*number);
                }
            }
        }
        (plans, self.reasons)
    }

    fn give_to_existing_site(&mut self, site: AssetId, line: LineNumber) {
        let numbers = self.left.insert(line, NumberSet::default()).unwrap_or_default();
        let all = self.site_numbers(site).union(&numbers);
        self.site_left.insert(site, all);
    }

    fn site_numbers(&mut self, site: AssetId) -> &mut NumberSet {
        self.site_left.entry(site).or_insert_with(|| reads::unused_numbers_of_site(self.company, site))
    }

    fn resolve(&self, parent: Parent) -> Option<AssetId> {
        match parent {
            Parent::Asset(asset) => Some(asset),
            Parent::Line(line) => self.assets.get(&line).copied(),
        }
    }

    /// The plan of one line; `None` where its parent makes no asset, which the order itself complains about.
    fn plan_line(&mut self, number: LineNumber, request: &LineRequest) -> Option<AssetPlan> {
        Some(match request {
            LineRequest::Site(site) => {
                let numbers = self.take_for_site(number, site);
                site_plan(site, numbers)
            }
            LineRequest::User(user) => {
                let site = self.resolve(user.site)?;
                let primary = user.primary_number.and_then(|wish| self.take_for_user(number, site, wish));
                let alternates = user.alternate_numbers.iter();
                let alternates =
                    alternates.filter_map(|wish| self.take_for_user(number, site, *wish)).collect();
                user_plan(user, site, primary, alternates)
            }
            LineRequest::EmergencyDetails(details) => AssetPlan::EmergencyDetails {
                site: self.resolve(details.site)?,
                address: details.address.clone(),
                contact: details.contact.clone(),
            },
            LineRequest::AddOn(add_on) => {
                AssetPlan::AddOn { user: self.resolve(add_on.user)?, product: add_on.product.clone() }
            }
            LineRequest::Device(device) => AssetPlan::Device {
                user: self.resolve(device.user)?,
                model: device.model.clone(),
                mac: device.mac.clone(),
            },
            LineRequest::Pbx(pbx) => AssetPlan::Pbx { site: self.resolve(pbx.site)?, name: pbx.name.clone() },
            LineRequest::Trunk(trunk) => AssetPlan::Trunk {
                pbx: self.resolve(trunk.pbx)?,
                name: trunk.name.clone(),
                channels: trunk.channels,
            },
            LineRequest::Company(_) | LineRequest::Numbers(_) | LineRequest::Port(_) => return None,
        })
    }

    fn take_for_site(&mut self, number: LineNumber, site: &SiteLine) -> NumberSet {
        let mut taken = NumberSet::default();
        for (index, wish) in site.numbers.iter().enumerate() {
            let Some(left) = self.left.get_mut(&wish.line) else { continue };
            let wanted = wish.quantity.map_or(left.len(), |quantity| quantity as usize);
            if wanted > left.len() {
                let detail =
                    format!("{wanted} numbers of line {} were asked for, {} are left", wish.line, left.len());
                let subject = format!("/lines/{number}/numbers/{index}/quantity");
                self.reasons.push(reason(
                    "not_enough_numbers_on_line",
                    &subject,
                    detail,
                    "no more than are left",
                ));
                continue;
            }
            let chosen: NumberSet = left.iter().take(wanted).collect();
            *left = left.difference(&chosen);
            taken = taken.union(&chosen);
        }
        taken
    }

    fn take_for_user(
        &mut self,
        number: LineNumber,
        site: AssetId,
        wish: UserNumber,
    ) -> Option<TelephoneNumber> {
        let line = match wish {
            UserNumber::Number(wanted) => {
                // Nothing would make the user wait for a number that a line is still to bring.
                if let Some(line) = self.coming.get(&wanted) {
                    let detail = format!("{wanted} comes with line {line} of this order");
                    let expected = "the line with the number: `of` instead of `number`";
                    self.reasons.push(reason(
                        "number_of_line",
                        &format!("/lines/{number}"),
                        detail,
                        expected,
                    ));
                }
                return Some(wanted);
            }
            UserNumber::Of { line, number: wanted } => {
                if self.lines.get(&line).is_some_and(|numbers| !numbers.contains(wanted)) {
                    let detail = format!("line {line} does not bring {wanted}");
                    let subject = format!("/lines/{number}");
                    self.reasons.push(reason(
                        "number_not_of_line",
                        &subject,
                        detail,
                        "one of the line's numbers",
                    ));
                }
                return Some(wanted);
            }
            UserNumber::From(line) => line,
        };
        let of_line = self.lines.get(&line)?;
        if !self.site_line_left.contains_key(&(site, line)) {
            let both = self.site_numbers(site).intersection(of_line);
            self.site_line_left.insert((site, line), both);
        }
        let left = self.site_line_left.get_mut(&(site, line)).expect("it was just put there");
        let first = left.iter().next();
        if let Some(first) = first {
            left.remove(first);
        } else {
            let detail = format!("no number of line {line} is left for this user at its site");
            let subject = format!("/lines/{number}");
            self.reasons.push(reason(
                "not_enough_numbers_on_line",
                &subject,
                detail,
                "a line with more numbers",
            ));
        }
        first
    }
}

/// The plan of one amended line, with the numbers it had: those are never amended.
pub fn replan(order: &Order, company: &Company, id: OrderId, number: LineNumber) -> Option<AssetPlan> {
    let request = LineRequest::clone(&order.line(number)?.request);
    let (_, old) = company.planned_for(id, number)?;
    let assets: BTreeMap<LineNumber, AssetId> = order.assets().collect();
    let lines = BTreeMap::new();
    let mut planner = Planner::new(company, &assets, &lines);
    let mut plan = planner.plan_line(number, &request)?;
    match (&mut plan, old) {
        (AssetPlan::Site { numbers, .. }, AssetPlan::Site { numbers: had, .. }) => *numbers = had.clone(),
        (
            AssetPlan::User { primary_number, alternate_numbers, .. },
            AssetPlan::User { primary_number: had, alternate_numbers: had_too, .. },
        ) => {
            *primary_number = *had;
            *alternate_numbers = had_too.clone();
        }
        _ => {}
    }
    Some(plan)
}

fn site_plan(site: &SiteLine, numbers: NumberSet) -> AssetPlan {
    AssetPlan::Site {
        name: site.name.clone(),
        location_code: site.location_code.clone(),
        extension_length: site.extension_length,
        address: site.address.clone(),
        numbers,
    }
}

fn user_plan(
    user: &UserLine,
    site: AssetId,
    primary_number: Option<TelephoneNumber>,
    alternate_numbers: NumberSet,
) -> AssetPlan {
    AssetPlan::User {
        site,
        first_name: user.first_name.clone(),
        last_name: user.last_name.clone(),
        username: user.username.clone(),
        extension: user.extension.clone(),
        licence: user.licence.clone(),
        add_ons: user.add_ons.clone(),
        primary_number,
        alternate_numbers,
    }
}

//! Whether what an order will make fits what the company has and what the same order makes beside it.
//!
//! Each plan is judged against the company as it would be with the plans before it, then added to that. So an order of
//! ten thousand lines is judged in one pass, and two of its lines clash exactly as two orders would.

use std::collections::BTreeMap;

use super::{
    asset::{AssetKind, AssetPlan},
    dialling,
    errors::{CompanyError, LineProblem, Listed, Parenthood},
    estate::{Asset, AssetStage, Estate},
};
use crate::{
    claim::ClaimScope,
    decider::Context,
    ids::{AssetId, OrderId},
    names::{EXTENSION_MAX, EXTENSION_MIN, Extension, ProductCode},
    number::NumberSet,
    order::line::LineNumber,
};

/// The company as it would be, and what speaks against it.
pub(super) struct Review<'a> {
    estate: Estate,
    order: OrderId,
    coming: BTreeMap<AssetId, NumberSet>,
    capacity: Option<u32>,
    /// The channels of all trunks so far.
    channels: u64,
    context: &'a Context,
    /// The last line that adds a user to each site.
    crowded: BTreeMap<AssetId, LineNumber>,
    errors: Vec<CompanyError>,
}

impl<'a> Review<'a> {
    /// Begins with the company as it is. `coming` are numbers that the order brings to existing sites.
    pub(super) fn of(
        estate: Estate,
        order: OrderId,
        coming: &[(AssetId, NumberSet)],
        capacity: Option<u32>,
        context: &'a Context,
    ) -> Self {
        let mut by_site = BTreeMap::<_, NumberSet>::new();
        for (site, numbers) in coming {
            let all = by_site.entry(*site).or_default();
            *all = all.union(numbers);
        }
        let trunks = estate.names_of(ClaimScope::TrunkName);
        let channels = trunks.filter_map(|(_, asset)| Some(channels(&estate.assets.get(&asset)?.plan))).sum();
        let (crowded, errors) = (BTreeMap::new(), vec![]);
        Self { estate, order, coming: by_site, capacity, channels, context, crowded, errors }
    }

    /// Judges one more plan.
    pub(super) fn add(&mut self, line: LineNumber, asset: AssetId, plan: &AssetPlan) {
        if self.estate.assets.contains_key(&asset) {
            self.refuse(line, LineProblem::AssetExists(asset));
            return;
        }
        if self.estate.line(self.order, line).is_some_and(|held| held.asset.is_some()) {
            self.refuse(line, LineProblem::LineTwice);
        }
        self.judge(line, asset, plan);
        self.estate.plan(self.order, line, asset, plan);
        self.channels += channels(plan);
    }

    /// Judges what a planned asset would be instead.
    pub(super) fn replace(&mut self, line: LineNumber, asset: AssetId, planned: &Asset, plan: &AssetPlan) {
        let (from, to) = (AssetKind::from(&planned.plan), AssetKind::from(plan));
        if from != to {
            self.refuse(line, LineProblem::KindChanged(from, to));
            return;
        }
        // Its old names are free for it, and the numbers it was promised stay promised.
        self.estate.disconnect(asset, &planned.plan);
        self.channels = self.channels.saturating_sub(channels(&planned.plan));
        if let AssetPlan::User { site, .. } = plan
            && planned.plan.parent() == Some(*site)
        {
            self.coming.insert(*site, planned.plan.numbers());
        }
        self.judge(line, asset, plan);
        self.judge_dependants(line, planned, plan);
    }

    /// Every reason against all plans together.
    pub(super) fn finish(mut self) -> Vec<CompanyError> {
        let max = self.context.rules.limits().site_users_max;
        for (site, line) in std::mem::take(&mut self.crowded) {
            let prefix = format!("{site}/");
            let users = self.estate.names.get(&ClaimScope::Extension).map_or(0, |names| {
                names.range(prefix.clone()..).take_while(|(key, _)| key.starts_with(&prefix)).count()
            });
            if users > max as usize {
                self.refuse(line, LineProblem::SiteUsersMax(users, max));
            }
        }
        self.errors
    }

    fn refuse(&mut self, line: LineNumber, problem: LineProblem) {
        self.errors.push(CompanyError::Line(line, problem));
    }

    fn judge(&mut self, line: LineNumber, asset: AssetId, plan: &AssetPlan) {
        let mut problems = self.parent_problems(plan);
        let taken = plan.names().into_iter().filter(|name| self.estate.named(name).is_some());
        problems.extend(taken.map(|name| LineProblem::NameTaken(name.scope)));
        problems.extend(match plan {
            AssetPlan::Site { .. } => self.site_problems(plan),
            AssetPlan::User { site, .. } => {
                self.crowded.insert(*site, line);
                self.user_problems(*site, plan)
            }
            AssetPlan::AddOn { user, product } => self.add_on_problems(asset, *user, product),
            AssetPlan::Device { user, model, .. } => self.device_problems(asset, *user, model),
            AssetPlan::Trunk { channels, .. } => self.trunk_problems(*channels),
            AssetPlan::Pbx { .. } | AssetPlan::EmergencyDetails { .. } => vec![],
        });
        self.errors.extend(problems.into_iter().map(|problem| CompanyError::Line(line, problem)));
    }

    fn parent_problems(&self, plan: &AssetPlan) -> Vec<LineProblem> {
        let (Some(asset), Some(kind)) = (plan.parent(), plan.parent_kind()) else { return vec![] };
        let wanted = Parenthood { kind, asset };
        match self.estate.assets.get(&asset) {
            None => vec![LineProblem::ParentUnknown(wanted)],
            Some(parent) if AssetKind::from(&parent.plan) != kind => {
                vec![LineProblem::ParentKind(wanted, AssetKind::from(&parent.plan))]
            }
            Some(parent) if parent.stage == AssetStage::Planned && parent.order != self.order => {
                vec![LineProblem::ParentPlanned(wanted)]
            }
            Some(_) => vec![],
        }
    }

    fn site_problems(&self, plan: &AssetPlan) -> Vec<LineProblem> {
        let AssetPlan::Site { location_code, extension_length, numbers, .. } = plan else { return vec![] };
        let mut problems = vec![];
        let max = self.context.rules.limits().company_sites_max;
        let sites = self.estate.names_len(ClaimScope::SiteName) + 1;
        if sites > max as usize {
            problems.push(LineProblem::CompanySitesMax(sites, max));
        }
        if !(EXTENSION_MIN..=EXTENSION_MAX).contains(&usize::from(*extension_length)) {
            problems.push(LineProblem::SiteExtensionLength(*extension_length));
        }
        if let Some(extension) = dialling::extension_like(&self.estate, location_code) {
            problems.push(LineProblem::DiallingAmbiguous(location_code.clone(), extension, "location_code"));
        }
        let elsewhere: NumberSet =
            numbers.iter().filter(|number| self.estate.site_for(*number).is_some()).collect();
        problems.extend(listed(elsewhere, LineProblem::NumbersOfAnotherSite));
        problems
    }

    fn user_problems(&self, site: AssetId, plan: &AssetPlan) -> Vec<LineProblem> {
        let AssetPlan::User { extension, licence, add_ons, primary_number, alternate_numbers, .. } = plan
        else {
            return vec![];
        };
        let limits = self.context.rules.limits();
        let mut problems = self.extension_problems(site, extension);
        let users = self.estate.names_len(ClaimScope::Username) + 1;
        if users > limits.company_users_max as usize {
            problems.push(LineProblem::CompanyUsersMax(users, limits.company_users_max));
        }
        let (alternates, max) = (alternate_numbers.len(), limits.user_alternate_numbers_max);
        if alternates > max as usize {
            problems.push(LineProblem::UserAlternateNumbersMax(alternates, max));
        }
        if let Some(number) = primary_number.filter(|number| alternate_numbers.contains(*number)) {
            problems.push(LineProblem::NumberTwice(number));
        }
        let numbers = plan.numbers();
        let coming = self.coming.get(&site);
        let strange = numbers.iter().filter(|number| {
            self.estate.site_for(*number) != Some(site) && !coming.is_some_and(|it| it.contains(*number))
        });
        problems.extend(listed(strange.collect(), LineProblem::NumbersNotOfSite));
        let of_others = numbers.iter().filter(|number| self.estate.user_of.contains_key(number));
        problems.extend(listed(of_others.collect(), LineProblem::NumbersOfAnotherUser));
        problems.extend(self.licence_problem(licence.as_ref()));
        problems.extend(self.add_ons_problems(add_ons, licence.as_ref()));
        problems
    }

    fn extension_problems(&self, site: AssetId, extension: &Extension) -> Vec<LineProblem> {
        let mut problems = vec![];
        let digits = extension.as_str().len();
        if let Some(AssetPlan::Site { extension_length, .. }) =
            self.estate.assets.get(&site).map(|site| &site.plan)
            && usize::from(*extension_length) != digits
        {
            problems.push(LineProblem::ExtensionLength(digits, *extension_length));
        }
        if dialling::is_public_service(extension) {
            problems.push(LineProblem::ExtensionReserved(extension.clone()));
        }
        if let Some(code) = dialling::code_like(&self.estate, extension) {
            problems.push(LineProblem::DiallingAmbiguous(code, extension.clone(), "extension"));
        }
        problems
    }

    fn licence_problem(&self, licence: Option<&ProductCode>) -> Option<LineProblem> {
        let catalogue = self.context.rules.catalogue();
        let unknown = licence.filter(|code| catalogue.licence(code).is_none())?;
        Some(LineProblem::LicenceUnknown(unknown.clone()))
    }

    fn add_ons_problems(&self, add_ons: &[ProductCode], licence: Option<&ProductCode>) -> Vec<LineProblem> {
        let max = self.context.rules.limits().user_addons_max;
        if add_ons.len() > max as usize {
            return vec![LineProblem::UserAddonsMax(add_ons.len(), max)];
        }
        let twice = add_ons.iter().enumerate().filter(|(at, it)| add_ons[..*at].contains(it));
        let twice = twice.map(|(_, it)| LineProblem::AddOnTwice(it.clone()));
        // The kind says which field is meant: these came with the user.
        let unfit = add_ons.iter().filter_map(|it| self.unfit(it, AssetKind::User, licence));
        twice.chain(unfit).collect()
    }

    fn add_on_problems(&self, asset: AssetId, user: AssetId, product: &ProductCode) -> Vec<LineProblem> {
        let Some((user, AssetPlan::User { licence, add_ons, .. })) = self.user(user) else { return vec![] };
        let siblings = self.dependants(user, asset).filter_map(|plan| match plan {
            AssetPlan::AddOn { product, .. } => Some(product),
            _ => None,
        });
        let others: Vec<&ProductCode> = add_ons.iter().chain(siblings).collect();
        let max = self.context.rules.limits().user_addons_max;
        let mut problems: Vec<_> =
            self.unfit(product, AssetKind::AddOn, licence.as_ref()).into_iter().collect();
        if others.contains(&product) {
            problems.push(LineProblem::AddOnTwice(product.clone()));
        }
        if others.len() >= max as usize {
            problems.push(LineProblem::UserAddonsMax(others.len() + 1, max));
        }
        problems
    }

    fn device_problems(&self, asset: AssetId, user: AssetId, model: &ProductCode) -> Vec<LineProblem> {
        let Some((user, AssetPlan::User { licence, .. })) = self.user(user) else { return vec![] };
        let mut problems: Vec<_> =
            self.unfit(model, AssetKind::Device, licence.as_ref()).into_iter().collect();
        let catalogue = self.context.rules.catalogue();
        let allowed = licence.as_ref().and_then(|code| catalogue.licence(code)).map(|it| it.devices_max);
        let max = self.context.rules.limits().user_devices_max;
        let max = allowed.map_or(max, |allowed| allowed.min(max));
        let siblings = self.dependants(user, asset);
        let devices = siblings.filter(|plan| matches!(plan, AssetPlan::Device { .. })).count() + 1;
        if devices > max as usize {
            problems.push(LineProblem::UserDevicesMax(devices, max));
        }
        problems
    }

    fn trunk_problems(&self, channels: u32) -> Vec<LineProblem> {
        let total = self.channels + u64::from(channels);
        let exceeded = self.capacity.filter(|capacity| total > u64::from(*capacity));
        let zero = (channels == 0).then_some(LineProblem::ChannelsZero);
        zero.into_iter().chain(exceeded.map(|max| LineProblem::ChannelsExceeded(total, max))).collect()
    }

    /// What hangs on a planned asset must fit what it would be instead.
    fn judge_dependants(&mut self, line: LineNumber, planned: &Asset, plan: &AssetPlan) {
        let dependants: Vec<AssetPlan> = planned
            .dependants
            .iter()
            .filter_map(|id| Some(self.estate.assets.get(id)?.plan.clone()))
            .collect();
        let problems: Vec<LineProblem> = match (&planned.plan, plan) {
            (
                AssetPlan::Site { extension_length: old, .. },
                AssetPlan::Site { extension_length: new, numbers, .. },
            ) => {
                let users = dependants.iter().filter(|plan| matches!(plan, AssetPlan::User { .. }));
                let theirs = users.clone().fold(NumberSet::new(), |all, user| all.union(&user.numbers()));
                let longer = (old != new && users.count() > 0).then_some(*old);
                let lost = listed(theirs.difference(numbers), LineProblem::NumbersOfSiteUsers);
                longer.map(LineProblem::ExtensionLengthInUse).into_iter().chain(lost).collect()
            }
            (_, AssetPlan::User { licence, .. }) => dependants
                .iter()
                .filter_map(|plan| match plan {
                    AssetPlan::AddOn { product, .. } => {
                        self.unfit(product, AssetKind::User, licence.as_ref())
                    }
                    AssetPlan::Device { model, .. } => self.unfit(model, AssetKind::Device, licence.as_ref()),
                    _ => None,
                })
                .collect(),
            _ => vec![],
        };
        self.errors.extend(problems.into_iter().map(|problem| CompanyError::Line(line, problem)));
    }

    fn user(&self, id: AssetId) -> Option<(&Asset, &AssetPlan)> {
        self.estate.assets.get(&id).map(|user| (user, &user.plan))
    }

    /// What hangs on an asset, but for one.
    fn dependants<'e>(&'e self, parent: &'e Asset, but: AssetId) -> impl Iterator<Item = &'e AssetPlan> {
        let others = parent.dependants.iter().filter(move |id| **id != but);
        others.filter_map(|id| self.estate.assets.get(id)).map(|asset| &asset.plan)
    }

    fn unfit(
        &self,
        product: &ProductCode,
        kind: AssetKind,
        licence: Option<&ProductCode>,
    ) -> Option<LineProblem> {
        let catalogue = self.context.rules.catalogue();
        let is_device = kind == AssetKind::Device;
        let known =
            if is_device { catalogue.device(product).is_some() } else { catalogue.addon(product).is_some() };
        if !known {
            return Some(LineProblem::ProductUnknown(product.clone(), kind));
        }
        let Some(licence) = licence else { return Some(LineProblem::LicenceMissing(product.clone(), kind)) };
        let fits = if is_device {
            catalogue.device_fits(product, licence)
        } else {
            catalogue.addon_fits(product, licence)
        };
        (!fits).then(|| LineProblem::ProductUnfit(product.clone(), licence.clone(), kind))
    }
}

fn listed(numbers: NumberSet, problem: impl Fn(Listed) -> LineProblem) -> Option<LineProblem> {
    (!numbers.is_empty()).then(|| problem(Listed(numbers)))
}

/// How many channels a trunk takes; anything else takes none.
fn channels(plan: &AssetPlan) -> u64 {
    match plan {
        AssetPlan::Trunk { channels, .. } => u64::from(*channels),
        _ => 0,
    }
}

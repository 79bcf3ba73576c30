//! Which line hangs on which.
//!
//! A line names others in its request; each field takes certain kinds only, and every kind comes after the kinds it may
//! name (numbers and ports, then sites, then users and PBXs, then what hangs on those), so there is no circle to look for.
//! Deliberately absent: assets the company has already. Whether those exist, the company says.

use std::fmt;

use super::{
    errors::OrderError,
    line::{LineKind, LineNumber, LineRequest, LineState, Parent, UserNumber},
    lines::Lines,
};

/// Another line that one must wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dependency {
    /// Which.
    pub line: LineNumber,
    /// How far it must be.
    pub until: Until,
}

/// How far a line must be before what hangs on it may start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "snake_case")]
pub enum Until {
    /// Its numbers belong to the company, though they may not work yet.
    Allocated,
    /// It is done.
    Completed,
}

/// A place in a request, as the end of a JSON Pointer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// The field.
    pub name: &'static str,
    /// Which entry, where it is a list.
    pub index: Option<usize>,
}

impl Field {
    /// The whole field.
    pub const fn named(name: &'static str) -> Self {
        Self { name, index: None }
    }

    const fn at(name: &'static str, index: usize) -> Self {
        Self { name, index: Some(index) }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.index {
            Some(index) => write!(out, "{}/{index}", self.name),
            None => out.write_str(self.name),
        }
    }
}

/// Another line named in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reference {
    /// Where.
    pub field: Field,
    /// Which line.
    pub to: LineNumber,
    /// What kinds it may be.
    pub expects: &'static [LineKind],
}

const NUMBER_SOURCES: &[LineKind] = &[LineKind::Numbers, LineKind::Port];

/// Every other line that a request names.
pub fn references(request: &LineRequest) -> Vec<Reference> {
    match request {
        LineRequest::Company(_) | LineRequest::Numbers(_) | LineRequest::Port(_) => Vec::new(),
        LineRequest::Site(site) => {
            let source = |(index, from): (usize, &super::line::SiteNumbers)| {
                let field = Field::at("numbers", index);
                Reference { field, to: from.line, expects: NUMBER_SOURCES }
            };
            site.numbers.iter().enumerate().map(source).collect()
        }
        LineRequest::EmergencyDetails(line) => parent("site", line.site, &[LineKind::Site]),
        LineRequest::User(user) => {
            let mut all = parent("site", user.site, &[LineKind::Site]);
            let primary = user.primary_number.iter().map(|number| (Field::named("primary_number"), number));
            let alternates = user.alternate_numbers.iter().enumerate();
            let alternates =
                alternates.map(|(index, number)| (Field::at("alternate_numbers", index), number));
            all.extend(primary.chain(alternates).filter_map(|(field, number)| match number {
                UserNumber::From(line) | UserNumber::Of { line, .. } => {
                    Some(Reference { field, to: *line, expects: NUMBER_SOURCES })
                }
                UserNumber::Number(_) => None,
            }));
            all
        }
        LineRequest::AddOn(line) => parent("user", line.user, &[LineKind::User]),
        LineRequest::Device(line) => parent("user", line.user, &[LineKind::User]),
        LineRequest::Pbx(line) => parent("site", line.site, &[LineKind::Site]),
        LineRequest::Trunk(line) => parent("pbx", line.pbx, &[LineKind::Pbx]),
    }
}

fn parent(name: &'static str, parent: Parent, expects: &'static [LineKind]) -> Vec<Reference> {
    match parent {
        Parent::Line(to) => vec![Reference { field: Field::named(name), to, expects }],
        Parent::Asset(_) => Vec::new(),
    }
}

/// Whether nothing but the company itself must be there first, as far as this order goes.
pub fn hangs_on_company(request: &LineRequest) -> bool {
    match request {
        LineRequest::Company(_) | LineRequest::Port(_) => false,
        // A site does not come with its ports: those wait for nothing, so the site must wait by itself.
        LineRequest::Numbers(_) | LineRequest::Site(_) => true,
        LineRequest::EmergencyDetails(line) => is_asset(line.site),
        LineRequest::User(line) => is_asset(line.site),
        LineRequest::AddOn(line) => is_asset(line.user),
        LineRequest::Device(line) => is_asset(line.user),
        LineRequest::Pbx(line) => is_asset(line.site),
        LineRequest::Trunk(line) => is_asset(line.pbx),
    }
}

fn is_asset(parent: Parent) -> bool {
    matches!(parent, Parent::Asset(_))
}

/// What a line waits for before it may start, by line number; empty for a line that is not there.
pub fn dependencies(lines: &Lines, line: LineNumber) -> Vec<Dependency> {
    let Some(request) = lines.get(line).map(|line| &line.request) else { return Vec::new() };
    let until = |on: LineNumber| match lines.get(on).map(super::lines::Line::kind) {
        Some(LineKind::Port) => Until::Allocated,
        _ => Until::Completed,
    };
    let named = references(request).into_iter().map(|reference| reference.to);
    let company = lines.companies().filter(|_| hangs_on_company(request));
    let mut all: Vec<Dependency> =
        company.chain(named).map(|on| Dependency { line: on, until: until(on) }).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Every reason why what a line names is not sound.
pub(super) fn check(lines: &Lines, line: LineNumber, wrong: &mut Vec<OrderError>) {
    let Some(request) = lines.get(line).map(|line| &*line.request) else { return };
    if matches!(request, LineRequest::Company(_)) {
        let other = lines.companies().find(|other| *other != line);
        wrong.extend(other.map(|other| OrderError::SecondCompany { line, other }));
    }
    for Reference { field, to, expects } in references(request) {
        let Some(found) = lines.get(to) else {
            wrong.push(OrderError::ParentUnknown { line, field, parent: to });
            continue;
        };
        if !expects.contains(&found.kind()) {
            wrong.push(OrderError::ParentWrong { line, field, parent: to, found: found.kind(), expects });
        } else if matches!(found.state, LineState::Failed(_) | LineState::Cancelled) {
            wrong.push(OrderError::ParentEnded { line, field, parent: to });
        } else if !may_draw(lines, request, to, &found.request) {
            wrong.push(OrderError::NumbersElsewhere { line, field, parent: to });
        }
    }
}

/// Whether the numbers of a line that a site or user names go to that site.
fn may_draw(lines: &Lines, request: &LineRequest, from: LineNumber, source: &LineRequest) -> bool {
    let goes_to = match source {
        LineRequest::Numbers(numbers) => numbers.site,
        LineRequest::Port(port) => port.site,
        _ => return true, // A parent, and no source of numbers.
    };
    match request {
        LineRequest::User(user) => match user.site {
            Parent::Asset(site) => goes_to == Some(site),
            Parent::Line(site) => match lines.get(site).map(|site| &*site.request) {
                Some(LineRequest::Site(site)) => site.numbers.iter().any(|numbers| numbers.line == from),
                _ => true, // Another reason says that there is no such site.
            },
        },
        _ => goes_to.is_none(),
    }
}

//! Every company, what it has, and how much of it.
//!
//! Absent: which numbers it has, see [`number_availability`](super::number_availability). Personal data stays sealed.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

use super::{
    fold::{Fault, broken, require, save},
    table::{Record, Rows, Table, Value, integer, text},
};
use crate::{
    company::{
        asset::{AssetKind, AssetPlan},
        events::CompanyEvent,
    },
    fact::{Fact, Happened},
    ids::{AssetId, CompanyId, OrderId, ResellerId},
    names::{CompanyName, Domain},
    number::NumberSet,
    order::line::LineNumber,
};

/// One row per company; the key is its service reference. The indexes answer: a reseller's companies of any or one
/// status, and the company of a domain.
pub static COMPANY_DIRECTORY: Table = Table {
    name: "company_directory",
    columns: &[
        text("reseller"),
        text("status"),
        text("name"),
        text("domain"),
        integer("expires_at"),
        integer("created_at"),
    ],
    indexes: &[&["reseller", "created_at"], &["reseller", "status", "created_at"], &["domain"]],
};

/// One row per asset, planned or real; its parent is the company. The indexes answer what hangs on an asset, and which
/// assets of a kind a company has.
pub static ASSET: Table = Table {
    name: "asset",
    columns: &[text("company"), text("kind"), text("status"), text("hangs_on")],
    indexes: &[&["hangs_on"], &["company", "kind"]],
};

/// Where a company is, as its events tell.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    Display,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[expect(missing_docs, reason = "the words of the company's lifecycle, which says what each means")]
pub enum CompanyStage {
    Qualified,
    Ordered,
    Active,
    Suspended,
    Ceased,
    Released,
    Expired,
}

/// A company as queries show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyView {
    /// Which; its service reference.
    pub company: CompanyId,
    /// Whose.
    pub reseller: ResellerId,
    /// As the reseller wrote it.
    pub name: CompanyName,
    /// Its internet domain.
    pub domain: Domain,
    /// Where it is.
    pub status: CompanyStage,
    /// Whether its data key was destroyed.
    pub erased: bool,
    /// Until when it stays qualified, while nothing is ordered for it.
    pub expires_at: Option<DateTime<Utc>>,
    /// How many trunk channels all its sites may have together.
    pub channels: u32,
    /// How many sites it has.
    pub sites: u32,
    /// How many users it has.
    pub users: u32,
    /// How many numbers are allocated to it.
    pub numbers: u32,
    /// How many orders for it are under way.
    pub open_orders: u32,
    /// When it was qualified.
    pub created_at: DateTime<Utc>,
    /// When anything last happened to it.
    pub updated_at: DateTime<Utc>,
    /// The position of that event.
    pub position: u64,
}

/// Whether an asset is there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Display, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AssetStage {
    /// An order will make it.
    Planned,
    /// It exists.
    Live,
}

/// An asset as queries show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetView {
    /// Which; its service id.
    pub asset: AssetId,
    /// Whose.
    pub company: CompanyId,
    /// Whether it is there yet.
    pub status: AssetStage,
    /// The order that makes or made it.
    pub order: OrderId,
    /// Its line.
    pub line: LineNumber,
    /// What it is.
    pub plan: AssetPlan,
}

impl Record for CompanyView {
    const TABLE: &'static Table = &COMPANY_DIRECTORY;

    fn key(&self) -> String {
        self.company.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            self.reseller.to_string().into(),
            <&str>::from(self.status).into(),
            self.name.key().into(),
            self.domain.as_str().into(),
            self.expires_at.map(|at| at.timestamp_micros()).into(),
            self.created_at.timestamp_micros().into(),
        ]
    }
}

impl Record for AssetView {
    const TABLE: &'static Table = &ASSET;

    fn key(&self) -> String {
        self.asset.to_string()
    }

    fn parent(&self) -> String {
        self.company.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            self.company.to_string().into(),
            <&str>::from(AssetKind::from(&self.plan)).into(),
            <&str>::from(self.status).into(),
            self.plan.parent().map(|asset| asset.to_string()).into(),
        ]
    }
}

/// Folds one event into companies and assets.
pub fn fold(rows: &mut dyn Rows, fact: &Fact) -> Result<(), Fault> {
    let Happened::Company(id, event) = &fact.happened else { return Ok(()) };
    let mut company = match event {
        CompanyEvent::CompanyQualified { reseller, name, domain, expires_at, .. } => {
            qualified(fact, *id, *reseller, (name.clone(), domain.clone()), *expires_at)
        }
        _ => require::<CompanyView>(rows, &id.to_string())?,
    };
    move_status(&mut company, event);
    move_numbers(&mut company, event)?;
    move_assets(rows, &mut company, event)?;
    company.updated_at = fact.recorded_at;
    company.position = fact.position;
    save(rows, company);
    Ok(())
}

fn qualified(
    fact: &Fact,
    company: CompanyId,
    reseller: ResellerId,
    (name, domain): (CompanyName, Domain),
    expires_at: DateTime<Utc>,
) -> CompanyView {
    CompanyView {
        company,
        reseller,
        name,
        domain,
        status: CompanyStage::Qualified,
        erased: false,
        expires_at: Some(expires_at),
        channels: 0,
        sites: 0,
        users: 0,
        numbers: 0,
        open_orders: 0,
        created_at: fact.recorded_at,
        updated_at: fact.recorded_at,
        position: fact.position,
    }
}

fn move_status(company: &mut CompanyView, event: &CompanyEvent) {
    match event {
        CompanyEvent::QualificationExtended { expires_at, .. } => company.expires_at = Some(*expires_at),
        CompanyEvent::OrderOpened { .. } if company.status == CompanyStage::Qualified => {
            company.status = CompanyStage::Ordered;
            company.expires_at = None;
        }
        CompanyEvent::OrderClosed { qualified_until: Some(until), .. } => {
            company.status = CompanyStage::Qualified;
            company.expires_at = Some(*until);
        }
        CompanyEvent::CompanyActivated { channels } => {
            company.status = CompanyStage::Active;
            company.channels = *channels;
        }
        CompanyEvent::CompanySuspended { .. } => company.status = CompanyStage::Suspended,
        CompanyEvent::CompanyResumed => company.status = CompanyStage::Active,
        CompanyEvent::CompanyReleased { .. } => end(company, CompanyStage::Released),
        CompanyEvent::CompanyExpired { .. } => end(company, CompanyStage::Expired),
        CompanyEvent::CompanyCeased { .. } => end(company, CompanyStage::Ceased),
        CompanyEvent::CompanyErased => company.erased = true,
        _ => {}
    }
}

fn end(company: &mut CompanyView, status: CompanyStage) {
    company.status = status;
    company.expires_at = None;
}

fn move_numbers(company: &mut CompanyView, event: &CompanyEvent) -> Result<(), Fault> {
    match event {
        CompanyEvent::NumbersAllocated { numbers, .. }
        | CompanyEvent::PortedNumbersAllocated { numbers, .. } => company.numbers += len(numbers),
        CompanyEvent::NumbersWithdrawn { numbers, .. } | CompanyEvent::NumbersCeased { numbers } => {
            company.numbers = less(company.numbers, len(numbers), "numbers")?;
        }
        _ => {}
    }
    Ok(())
}

fn move_assets(rows: &mut dyn Rows, company: &mut CompanyView, event: &CompanyEvent) -> Result<(), Fault> {
    match event {
        CompanyEvent::OrderOpened { .. } => company.open_orders += 1,
        CompanyEvent::OrderClosed { .. } => {
            company.open_orders = less(company.open_orders, 1, "open orders")?;
        }
        CompanyEvent::AssetPlanned { order, line, asset, plan } => {
            let (company, plan, status) = (company.company, plan.clone(), AssetStage::Planned);
            save(rows, AssetView { asset: *asset, company, status, order: *order, line: *line, plan });
        }
        CompanyEvent::AssetReplanned { asset, to, .. } => {
            let mut view: AssetView = require(rows, &asset.to_string())?;
            view.plan = to.clone();
            save(rows, view);
        }
        CompanyEvent::AddressReplaced { asset, to, .. } => {
            let mut view: AssetView = require(rows, &asset.to_string())?;
            view.plan.move_to(to);
            save(rows, view);
        }
        CompanyEvent::AssetAdded { asset } => {
            let mut view: AssetView = require(rows, &asset.to_string())?;
            view.status = AssetStage::Live;
            match view.plan {
                AssetPlan::Site { .. } => company.sites += 1,
                AssetPlan::User { .. } => company.users += 1,
                _ => {}
            }
            save(rows, view);
        }
        CompanyEvent::AssetDropped { asset, .. } => rows.delete(&ASSET, &asset.to_string()),
        CompanyEvent::AssetRemoved { asset, plan } => {
            match plan {
                AssetPlan::Site { .. } => company.sites = less(company.sites, 1, "sites")?,
                AssetPlan::User { .. } => company.users = less(company.users, 1, "users")?,
                _ => {}
            }
            rows.delete(&ASSET, &asset.to_string());
        }
        _ => {}
    }
    Ok(())
}

fn less(count: u32, by: u32, what: &str) -> Result<u32, Fault> {
    count.checked_sub(by).ok_or_else(|| broken(format!("a company has {count} {what} and loses {by}")))
}

fn len(numbers: &NumberSet) -> u32 {
    u32::try_from(numbers.len()).unwrap_or(u32::MAX)
}

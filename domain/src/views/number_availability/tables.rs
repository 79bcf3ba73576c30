//! The rows of number availability, besides free stock.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr, VariantArray};

use super::super::table::{Record, Table, Value, text};
use crate::{
    ids::{AssetId, CompanyId, NumberBlockId, OrderId, PortRequestId, ResellerId, ReservationId},
    names::SiteName,
    number::{AreaCode, NumberSet, TelephoneNumber},
    order::line::LineNumber,
};

/// Numbers that are not free stock; the key is the number, the parent whoever has it: the user or site, else the company,
/// else the port request or block. The indexes answer what a reseller, a company or a site has, in order of the number, and
/// which ported numbers of a reseller wait for a company. Deliberately absent: an index of the reseller alone. A database that
/// knows little of the table takes it for the other one, and then looks at every number that the reseller has.
pub static NUMBER: Table = Table {
    name: "number",
    columns: &[
        text("holding"),
        text("network"),
        text("reseller"),
        text("company"),
        text("site"),
        text("area"),
        text("place"),
    ],
    indexes: &[&["reseller", "holding"], &["company"], &["site"]],
};

/// Whose each company is.
pub static NUMBER_OWNER: Table = Table { name: "number_owner", columns: &[], indexes: &[] };

/// The sites and users that numbers can belong to.
pub static NUMBER_ASSET: Table = Table { name: "number_asset", columns: &[], indexes: &[] };

/// The numbers of each port request.
pub static PORT_NUMBERS: Table = Table { name: "port_numbers", columns: &[], indexes: &[] };

/// Who has a number.
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
pub enum Holding {
    /// Nobody. Free stock has no row, so a row says this of ported numbers that wait for a company of their reseller.
    Free,
    /// A company, for a while.
    Reserved,
    /// A company, until it uses or releases it.
    RingFenced,
    /// A line of an order.
    Committed,
    /// A company, as its own.
    Allocated,
    /// A site.
    AssignedToSite,
    /// A user.
    AssignedToUser,
    /// Nobody, for a while.
    Quarantined,
    /// Another provider again.
    Returned,
}

/// Where a number works.
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
pub enum Network {
    /// Here, from our own stock.
    Own,
    /// At the losing provider still.
    PortPending,
    /// Here, from another provider.
    PortedIn,
    /// At another provider.
    PortedOut,
}

/// A number that is not free stock.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberView {
    /// Which.
    pub number: TelephoneNumber,
    /// Who has it.
    pub holding: Holding,
    /// Where it works.
    pub network: Network,
    /// The reseller that may see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reseller: Option<ResellerId>,
    /// The company that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<CompanyId>,
    /// The site that has it, or whose user has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site: Option<AssetId>,
    /// The user that has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<AssetId>,
    /// The order and line to which it was committed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub committed_to: Option<(OrderId, LineNumber)>,
    /// The reservation that it is under, or came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reservation: Option<ReservationId>,
    /// Until when it is reserved or quarantined.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// The port request that brings it, or brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port_request: Option<PortRequestId>,
    /// The block that it is stock of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub block: Option<NumberBlockId>,
    /// Its area.
    pub area: AreaCode,
    /// Its place as its block names it, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<SiteName>,
}

/// Whose a company is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NumberOwner {
    pub(super) company: CompanyId,
    pub(super) reseller: ResellerId,
}

/// A site, or a user of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct NumberAsset {
    pub(super) asset: AssetId,
    /// The site of a user; nothing for a site.
    pub(super) site: Option<AssetId>,
}

/// The numbers of a port request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PortNumbers {
    pub(super) port_request: PortRequestId,
    pub(super) numbers: NumberSet,
    /// Whether the reseller sees them as its own to give to a company.
    pub(super) offered: bool,
}

impl NumberView {
    /// A number that nobody has yet.
    pub(super) fn of(number: TelephoneNumber, network: Network, area: AreaCode) -> Self {
        Self {
            number,
            holding: Holding::Free,
            network,
            reseller: None,
            company: None,
            site: None,
            user: None,
            committed_to: None,
            reservation: None,
            until: None,
            port_request: None,
            block: None,
            area,
            place: None,
        }
    }

    /// Nobody has it any more; where it came from stays.
    pub(super) fn leave(&mut self, holding: Holding) {
        self.holding = holding;
        self.company = None;
        self.reseller = None;
        self.site = None;
        self.user = None;
        self.committed_to = None;
        self.reservation = None;
    }
}

impl Record for NumberView {
    const TABLE: &'static Table = &NUMBER;

    fn key(&self) -> String {
        self.number.to_string()
    }

    fn parent(&self) -> String {
        let asset = self.user.or(self.site).map(|asset| asset.to_string());
        asset
            .or_else(|| self.company.map(|company| company.to_string()))
            .or_else(|| self.port_request.map(|port| port.to_string()))
            .or_else(|| self.block.map(|block| block.to_string()))
            .unwrap_or_else(|| self.key())
    }

    fn columns(&self) -> Vec<Value> {
        vec![
            <&str>::from(self.holding).into(),
            <&str>::from(self.network).into(),
            self.reseller.map(|reseller| reseller.to_string()).into(),
            self.company.map(|company| company.to_string()).into(),
            self.site.map(|site| site.to_string()).into(),
            self.area.to_string().into(),
            self.place.as_ref().map(SiteName::key).into(),
        ]
    }
}

macro_rules! keyed_by {
    ($($record:ident $key:ident $table:ident)*) => {$(
        impl Record for $record {
            const TABLE: &'static Table = &$table;

            fn key(&self) -> String {
                self.$key.to_string()
            }

            fn columns(&self) -> Vec<Value> {
                Vec::new()
            }
        }
    )*};
}

keyed_by! {
    NumberOwner company NUMBER_OWNER
    NumberAsset asset NUMBER_ASSET
    PortNumbers port_request PORT_NUMBERS
}

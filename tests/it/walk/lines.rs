//! What an order on a walk asks for.

use orderwire::domain::{
    company::{Company, asset::AssetKind},
    ids::ReservationId,
    order::line::{LineNumber, LineRequest, NumberAsk, Parent, PortLine, SiteNumbers, UserNumber},
    testing::port_request::subsequent,
};

use super::{beliefs, ports, wish::Kind};
use crate::world::{self, World};

/// For whom an order is, and what there is to order from.
pub struct Now<'a> {
    pub world: &'a World,
    pub company: &'a Company,
    /// Numbers that the company has reserved.
    pub reserved: Option<ReservationId>,
    /// Of this order; names are made of it.
    pub serial: u32,
}

impl Now<'_> {
    /// Lines of an order of some kind. Names repeat now and then, so that some orders cannot have theirs.
    pub fn lines(&self, kind: Kind, n: u8) -> Vec<LineRequest> {
        let subsequently = beliefs::is_subsequent(n);
        let n = u32::from(n);
        let serial = if n.is_multiple_of(8) { n } else { 100 + self.serial };
        let window = ports::window(self.world, i64::from(n % 10) + 12);
        let site = self.company.assets().find(|(_, asset)| AssetKind::from(&asset.plan) == AssetKind::Site);
        let ask = match self.reserved.filter(|_| n.is_multiple_of(2)) {
            Some(reservation) => NumberAsk::Reservation(reservation),
            None => world::search(1 + n),
        };
        match (kind, site.map(|(id, _)| id)) {
            (Kind::NewCompany | Kind::NewCompanyAndPort, _) => {
                let mut lines = world::new_company(serial, 3 + n);
                lines.push(world::pbx(serial, Parent::Line(LineNumber(3))));
                lines.push(world::trunk(serial, Parent::Line(LineNumber(6)), 1 + n % 12));
                // It goes on when the company line has failed.
                if kind.has_port() {
                    lines.push(world::port(world::port_of(n * 10, window)));
                }
                lines
            }
            (Kind::NumbersForSite, Some(site)) => {
                let number = Some(UserNumber::From(LineNumber(1)));
                vec![world::numbers_for(ask, site), world::user(serial, Parent::Asset(site), number)]
            }
            (Kind::PortForSite, Some(site)) => {
                let line = world::port_of_range(n * 10, 2 + n % 8, window);
                let line = PortLine { site: Some(site), ..line };
                let line = if subsequently { subsequent(line) } else { line };
                let user = world::user(serial, Parent::Asset(site), Some(UserNumber::From(LineNumber(1))));
                vec![world::port(line), user]
            }
            (Kind::PortAndSite, _) => {
                let site = world::site_with(
                    serial,
                    &serial.to_string(),
                    vec![SiteNumbers { line: LineNumber(1), quantity: Some(2) }],
                );
                vec![world::port(world::port_of_range(n * 10, 4, window)), world::numbers_line(ask), site]
            }
            // A site that waits for the company alone.
            (Kind::NumbersAndSite, _) => {
                vec![world::numbers_line(ask), world::site(serial, LineNumber(1))]
            }
            (Kind::Numbers | Kind::NumbersForSite, _) => vec![world::numbers_line(ask)],
            (Kind::Port | Kind::PortForSite, _) => vec![world::port(world::port_of(n * 10, window))],
        }
    }
}

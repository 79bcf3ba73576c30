//! What somebody wishes next, of orders, companies and ports that are known by a number of the walk's own, so that a
//! shortened life still means the same ones.

use orderwire::domain::port_request::commands::PortAction;

/// A company, an order (and the port of its first line), or a reservation of this walk.
pub type Handle = u32;

/// Chooses among whatever there is.
pub type Pick = u16;

#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    Qualify { company: Handle, reseller: usize, name: u8 },
    Extend(Handle),
    Release(Handle),
    Reserve { reservation: Handle, company: Handle, numbers: Numbers, ring_fence: bool },
    ReserveAny { reservation: Handle, company: Handle, count: u32 },
    ReleaseReservation(Handle),
    Order { order: Handle, company: Handle, kind: Kind, n: u8, reference: u8 },
    OrderForNobody { order: Handle, reseller: usize, n: u8 },
    Submit { order: Handle, twice: bool },
    Discard(Handle),
    WholeOrder { order: Handle, what: Whole },
    Line { order: Handle, line: Pick, what: OfLine },
    Say { port: Handle, action: PortAction, message: u8, day: i64, all: bool },
    Repeat { message: Pick },
    Cease { company: Handle, number: Pick, count: u8 },
    Remove { company: Handle, asset: Pick },
    EndCompany { company: Handle, what: End },
    PortOut { from: u32, count: u32, message: u8 },
    TakeBack { from: u32, count: u32 },
    SuspendReseller(usize),
    ResumeReseller(usize),
    Stock(u8),
    Minutes(i64),
    Days(i64),
    NextTimer(u8),
    UntilWindow(Handle),
    Settle,
}

/// Numbers by name: of Leeds, where searches look too, or of Bristol, where none does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Numbers {
    pub bristol: bool,
    pub from: u32,
    pub count: u32,
}

/// What an order is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    NewCompany,
    NewCompanyAndPort,
    NumbersForSite,
    PortForSite,
    PortAndSite,
    NumbersAndSite,
    Numbers,
    Port,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    Acknowledge,
    Hold,
    Resume,
    Require,
    Provide,
    Reject,
    Cancel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OfLine {
    Complete,
    Fail,
    Hold,
    Resume,
    Commit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Suspend,
    Resume,
    Cease,
    Erase,
}

impl Kind {
    pub fn has_port(self) -> bool {
        matches!(self, Self::NewCompanyAndPort | Self::PortForSite | Self::PortAndSite | Self::Port)
    }
}

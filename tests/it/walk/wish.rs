//! What somebody wishes next. Which company, order or port is meant is chosen among those there are by then, so that a
//! shortened life still means something.

use proptest::prelude::*;

/// Chooses among whatever there is.
pub type Pick = u16;

#[derive(Clone, Debug)]
pub enum Wish {
    Qualify { reseller: Pick, name: u8 },
    Extend(Pick),
    Release(Pick),
    Reserve { company: Pick, from: u32, count: u32, ring_fence: bool },
    ReserveAny { company: Pick, count: u32 },
    ReleaseReservation(Pick),
    Order { company: Pick, kind: u8, n: u8, reference: u8, submit: bool },
    OrderForNobody { reseller: Pick, n: u8 },
    Submit { order: Pick, twice: bool },
    Discard(Pick),
    WholeOrder { order: Pick, what: u8 },
    Line { order: Pick, line: Pick, what: u8 },
    Cancel(Pick),
    Port { port: Pick, likely: bool, what: Pick, message: u8, day: i64, all: bool },
    Carry { port: Pick, steps: u8, message: u8 },
    Repeat { message: Pick },
    Cease { company: Pick, number: Pick, count: u8 },
    Remove { company: Pick, asset: Pick },
    EndCompany { company: Pick, what: u8 },
    PortOut { from: u32, count: u32, message: u8 },
    TakeBack { from: u32, count: u32 },
    Reseller { reseller: Pick, what: u8 },
    Stock(u8),
    Minutes(i64),
    NextTimer(u8),
    Days(i64),
    Settle,
}

pub fn a_wish() -> impl Strategy<Value = Wish> {
    let pick = any::<Pick>;
    let late = (pick(), prop::bool::weighted(0.85), pick(), 0u8..60, -3i64..30, any::<bool>());
    let of_ports = late.prop_map(|(port, likely, what, message, day, all)| Wish::Port {
        port,
        likely,
        what,
        message,
        day,
        all,
    });
    let more = (pick(), 0u8..6, 0u8..30, 0u8..60, prop::bool::weighted(0.9));
    let order = more.prop_map(|(company, kind, n, reference, submit)| Wish::Order {
        company,
        kind,
        n,
        reference,
        submit,
    });
    prop_oneof![
        5 => (pick(), 0u8..6).prop_map(|(reseller, name)| Wish::Qualify { reseller, name }),
        1 => pick().prop_map(Wish::Extend),
        1 => pick().prop_map(Wish::Release),
        4 => (pick(), 0u32..230, 1u32..30, any::<bool>())
            .prop_map(|(company, from, count, ring_fence)| Wish::Reserve { company, from, count, ring_fence }),
        2 => (pick(), 1u32..120).prop_map(|(company, count)| Wish::ReserveAny { company, count }),
        2 => pick().prop_map(Wish::ReleaseReservation),
        10 => order,
        1 => (pick(), 0u8..30).prop_map(|(reseller, n)| Wish::OrderForNobody { reseller, n }),
        3 => (pick(), any::<bool>()).prop_map(|(order, twice)| Wish::Submit { order, twice }),
        1 => pick().prop_map(Wish::Discard),
        5 => (pick(), 0u8..7).prop_map(|(order, what)| Wish::WholeOrder { order, what }),
        4 => (pick(), pick(), 0u8..6).prop_map(|(order, line, what)| Wish::Line { order, line, what }),
        3 => pick().prop_map(Wish::Cancel),
        22 => of_ports,
        8 => (pick(), 1u8..9, 60u8..200).prop_map(|(port, steps, message)| Wish::Carry { port, steps, message }),
        2 => pick().prop_map(|message| Wish::Repeat { message }),
        3 => (pick(), pick(), 1u8..12).prop_map(|(company, number, count)| Wish::Cease { company, number, count }),
        2 => (pick(), pick()).prop_map(|(company, asset)| Wish::Remove { company, asset }),
        2 => (pick(), 0u8..4).prop_map(|(company, what)| Wish::EndCompany { company, what }),
        2 => (0u32..230, 1u32..8, 0u8..9).prop_map(|(from, count, message)| Wish::PortOut { from, count, message }),
        1 => (0u32..230, 1u32..8).prop_map(|(from, count)| Wish::TakeBack { from, count }),
        1 => (pick(), 0u8..3).prop_map(|(reseller, what)| Wish::Reseller { reseller, what }),
        1 => (0u8..3).prop_map(Wish::Stock),
        5 => (1i64..600).prop_map(Wish::Minutes),
        9 => Just(Wish::NextTimer(1)),
        2 => (2u8..5).prop_map(Wish::NextTimer),
        3 => (1i64..20).prop_map(Wish::Days),
        8 => Just(Wish::Settle),
    ]
}

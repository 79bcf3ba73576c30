//! Reservations: what they hold, and what is told of their end.

use super::{
    super::{
        fold_orders,
        memory::MemoryRows,
        notices::{NOTICE, Notice},
        reservations::{RESERVATION, ReservationStage, ReservationView},
    },
    numbers::{beginning, happened, set},
    orders::{facts, order},
};
use crate::{
    company::events::{CompanyEvent as E, NumberSource, ReservationEnd},
    ids::ReservationId,
    notice::NoticeType,
    number::NumberSet,
    order::line::LineNumber,
    testing::{company::reservation, scenario::moment},
};

fn reserved(id: ReservationId, numbers: &str) -> E {
    let (expires_at, announce_at) =
        (Some(moment("2026-07-01T10:00:00Z")), Some(moment("2026-06-29T10:00:00Z")));
    E::NumbersReserved { reservation: id, numbers: set(numbers), expires_at, announce_at }
}

fn committed(id: ReservationId, numbers: &str) -> E {
    let source = NumberSource::Reservation(id);
    E::NumbersCommitted { order: order(1), line: LineNumber(1), numbers: set(numbers), source }
}

fn rows(events: &[E]) -> MemoryRows {
    let mut rows = MemoryRows::default();
    let all = beginning().into_iter().chain(events.iter().cloned().map(happened));
    for fact in facts(all) {
        fold_orders(&mut rows, &fact).unwrap();
    }
    rows
}

fn shown(rows: &MemoryRows, id: ReservationId) -> ReservationView {
    serde_json::from_str(&rows.table(&RESERVATION)[&id.to_string()].doc).unwrap()
}

fn told(rows: &MemoryRows) -> Vec<Notice> {
    let mut all: Vec<Notice> =
        rows.table(&NOTICE).into_values().map(|row| serde_json::from_str(&row.doc).unwrap()).collect();
    all.sort_by_key(|notice| notice.sequence);
    all
}

#[test]
fn a_reservation_shows_what_no_order_uses_and_what_one_does() {
    let (one, two) = (reservation(1), reservation(2));
    let back = set("0113 496 0103");
    let (order, line) = (order(1), LineNumber(1));
    let mut events = vec![
        reserved(one, "0113 496 0100-104"),
        reserved(one, "0113 496 0110-114"),
        reserved(two, "0113 496 0150"),
        committed(one, "0113 496 0100-103"),
        committed(two, "0113 496 0150"),
        E::NumbersUncommitted { order, line, numbers: back, back_to: Some(one) },
        E::NumbersReleased { reservation: one, numbers: set("0113 496 0114") },
    ];
    let before = rows(&events);
    let left: NumberSet = set("0113 496 0103-104").union(&set("0113 496 0110-113"));
    let of = |rows: &MemoryRows, id| {
        let view = shown(rows, id);
        (view.uncommitted, view.committed)
    };
    assert_eq!(of(&before, one), (left.clone(), set("0113 496 0100-102")));
    assert_eq!(of(&before, two), (NumberSet::new(), set("0113 496 0150")));

    let numbers = set("0113 496 0100-101").union(&set("0113 496 0150"));
    events.push(E::NumbersAllocated { order, line, numbers });
    events.push(E::ReservationEnded { reservation: two, how: ReservationEnd::Consumed });
    let after = rows(&events);
    assert_eq!(of(&after, one), (left, set("0113 496 0102")));
    assert_eq!(shown(&after, two).status, ReservationStage::Consumed);
}

#[test]
fn the_end_of_a_reservation_is_told_with_what_it_held_and_holds() {
    let one = reservation(1);
    let expires_at = moment("2026-07-01T10:00:00Z");
    let mut events = vec![
        reserved(one, "0113 496 0100-104"),
        E::ReservationExpiring { reservation: one, expires_at },
        E::NumbersReleased { reservation: one, numbers: set("0113 496 0100-104") },
        E::ReservationEnded { reservation: one, how: ReservationEnd::Expired },
        E::QualificationExpiring { expires_at },
    ];
    let notices = told(&rows(&events));
    let types: Vec<_> = notices.iter().map(|notice| notice.notice_type).collect();
    assert_eq!(
        types,
        [NoticeType::ReservationExpiring, NoticeType::ReservationExpired, NoticeType::QualificationExpiring]
    );
    let held = |notice: &Notice| notice.data.reservation.clone().unwrap();
    assert_eq!((held(&notices[0]).uncommitted, held(&notices[0]).ended_at), (set("0113 496 0100-104"), None));
    assert_eq!(held(&notices[1]), shown(&rows(&events), one));
    assert_eq!((&notices[0].subject, notices[2].data.reservation.is_none()), (&one.to_string(), true));
    // What the reseller gave up itself, it is not told.
    events[3] = E::ReservationEnded { reservation: one, how: ReservationEnd::Released };
    assert_eq!(told(&rows(&events)).len(), 2);
}

//! Commands for companies, and a model of a company that is nothing but a stage and a list of numbers.
//!
//! The model is written from the specification alone, so that it errs elsewhere than the aggregate does. Deliberately
//! absent: why a command is refused. The model follows what was accepted.

use std::collections::{BTreeMap, BTreeSet};

use proptest::{collection::vec, prelude::*, sample::select};
use uuid::Uuid;

use crate::{
    company::{
        CompanyStatus,
        asset::AssetPlan,
        commands::{CompanyAction, CompanyCommand, LinePlan},
        events::WithdrawalReason,
    },
    ids::{AssetId, OrderId, PortRequestId, ResellerId, ReservationId},
    names::{CompanyName, Domain, Extension, LocationCode, MacAddress, ProductCode},
    number::{NumberRange, NumberSet, TelephoneNumber},
    order::line::{LineNumber, SiteAddress},
    sealed::{Contact, Sealed},
};

const FIRST_NUMBER: &str = "+441134960000";
const POOL: u32 = 16;

/// Some consecutive numbers of a small pool, so that commands meet.
pub fn numbers(from: u32, len: u32) -> NumberSet {
    let first = TelephoneNumber::parse(FIRST_NUMBER).expect("a drama range begins with a number");
    let at = |n| first.offset(n).expect("the pool lies in one area");
    NumberRange::new(at(from), at(from + len - 1)).expect("the pool is small").into()
}

/// The n-th order of a test.
pub fn order(n: u8) -> OrderId {
    OrderId(Uuid::from_u128(u128::from(n)))
}

/// The n-th reservation of a test.
pub fn reservation(n: u8) -> ReservationId {
    ReservationId(Uuid::from_u128(u128::from(n)))
}

/// The n-th port request of a test.
pub fn port_request(n: u8) -> PortRequestId {
    PortRequestId(Uuid::from_u128(u128::from(n)))
}

/// The asset that a line of an order makes.
pub fn asset(order: u8, line: u32) -> AssetId {
    AssetId(Uuid::from_u128(u128::from(order) << 32 | u128::from(line)))
}

/// A sealed text whose tag is the text itself.
pub fn sealed(text: &str) -> Sealed {
    Sealed {
        key_id: "com_test".to_owned(),
        nonce: "00".repeat(12),
        ciphertext: "00".repeat(16),
        tag: text.to_owned(),
    }
}

/// Qualifies the company of every test.
pub fn qualify() -> CompanyCommand {
    CompanyCommand::Qualify {
        reseller: ResellerId(Uuid::from_u128(7)),
        name: CompanyName::parse("Acme Ltd").expect("a name"),
        domain: Domain::parse("acme.example").expect("a domain"),
    }
}

/// A site with four-digit extensions.
pub fn site(name: &str, code: &str, numbers: NumberSet) -> AssetPlan {
    AssetPlan::Site {
        name: name.parse().expect("a site name"),
        location_code: LocationCode::parse(code).expect("a location code"),
        extension_length: 4,
        address: SiteAddress::Known("A00000000001".parse().expect("an address key")),
        numbers,
    }
}

/// An address entered by hand.
pub fn entered() -> SiteAddress {
    SiteAddress::Entered {
        key: "T00000000009".parse().expect("an address key"),
        lines: sealed("the signal box"),
        postcode: "LS1 4AP".parse().expect("a postcode"),
    }
}

/// A user with the standard licence.
pub fn user(site: AssetId, name: &str, extension: &str, number: Option<TelephoneNumber>) -> AssetPlan {
    AssetPlan::User {
        site,
        first_name: sealed("first"),
        last_name: sealed("last"),
        username: sealed(name),
        extension: Extension::parse(extension).expect("an extension"),
        licence: Some(product("voice_standard")),
        add_ons: vec![],
        primary_number: number,
        alternate_numbers: NumberSet::new(),
    }
}

/// A device that fits every ordinary licence.
pub fn device(user: AssetId, mac: &str) -> AssetPlan {
    AssetPlan::Device {
        user,
        model: product("desk_phone_t1"),
        mac: MacAddress::parse(mac).expect("a MAC address"),
    }
}

/// A product of the bundled catalogue.
pub fn product(code: &str) -> ProductCode {
    ProductCode::parse(code).expect("a product code")
}

/// An order with one line of every kind that makes something; line 2 holds its numbers. `n` varies the names.
pub fn full_order(id: u8, n: u32, channels: Option<u32>, numbers: NumberSet) -> CompanyCommand {
    let line = |at, plan| LinePlan { line: LineNumber(at), asset: asset(id, at), plan };
    let (site_id, user_id, pbx) = (asset(id, 3), asset(id, 4), asset(id, 6));
    let name = format!("Site {n}");
    let contact = Contact { name: sealed("contact"), telephone: None, email: None };
    let plans = vec![
        line(3, site(&name, &format!("{}", 70 + n), numbers.clone())),
        line(4, user(site_id, &format!("user{n}"), &format!("{}", 4000 + n), numbers.iter().next())),
        line(5, device(user_id, &format!("001A2B3C4D{n:02}"))),
        line(6, AssetPlan::Pbx { site: site_id, name: format!("pbx {n}").parse().expect("a PBX name") }),
        line(7, AssetPlan::Trunk { pbx, name: format!("t {n}").parse().expect("a trunk name"), channels: 2 }),
        line(8, AssetPlan::AddOn { user: user_id, product: product("call_recording") }),
        line(9, AssetPlan::EmergencyDetails { site: site_id, address: Some(entered()), contact }),
    ];
    let numbers = vec![(LineNumber(2), numbers)];
    CompanyCommand::OpenOrder { order: order(id), plans, numbers, coming: vec![], channels }
}

/// Any command, over few enough ids, names and numbers that they meet.
pub fn a_command() -> impl Strategy<Value = CompanyCommand> {
    use CompanyCommand as C;
    let set = || (0..POOL - 3, 1u32..4).prop_map(|(from, len)| numbers(from, len));
    let order_id = || (1u8..4).prop_map(order);
    let line = || (2u32..10).prop_map(LineNumber);
    let reservation_id = || (1u8..4).prop_map(reservation);
    let an_asset = || (1u8..4, 3u32..10).prop_map(|(order, line)| asset(order, line));
    let existing_site = || prop::option::of((1u8..4).prop_map(|order| asset(order, 3)));
    let why = select(&[WithdrawalReason::LcpWithdrew, WithdrawalReason::PortedOut][..]);
    let early = prop_oneof![
        Just(qualify()),
        Just(C::ExtendQualification),
        Just(C::Release),
        Just(C::Expire),
        prop::option::of(crate::testing::values::an_instant())
            .prop_map(|legal_hold_until| C::Erase { legal_hold_until }),
    ];
    let numbers = prop_oneof![
        (reservation_id(), set(), any::<bool>()).prop_map(|(reservation, numbers, ring_fence)| {
            C::ReserveNumbers { reservation, numbers, ring_fence }
        }),
        reservation_id().prop_map(|reservation| C::ReleaseReservation { reservation }),
        reservation_id().prop_map(|reservation| C::ExpireReservation { reservation }),
        (order_id(), existing_site()).prop_map(|(order, site)| C::AllocateNumbers {
            order,
            line: LineNumber(2),
            site
        }),
        (1u8..3, set(), existing_site()).prop_map(|(n, numbers, site)| {
            C::AllocatePortedNumbers { port_request: port_request(n), numbers, site }
        }),
        (1u8..3, set())
            .prop_map(|(n, numbers)| C::MakeNumbersLive { port_request: port_request(n), numbers }),
        (set(), why).prop_map(|(numbers, why)| C::WithdrawNumbers { numbers, why }),
        set().prop_map(|numbers| C::CeaseNumbers { numbers }),
    ];
    let orders = prop_oneof![
        2 => (1u8..4, 1u32..9, prop::option::of(5u32..20), set(), 0usize..8).prop_map(|(id, n, channels, set, len)| {
            let mut command = full_order(id, n, channels, set);
            if let C::OpenOrder { plans, .. } = &mut command {
                plans.truncate(len);
            }
            command
        }),
        1 => (1u8..4, 1u32..9, set(), any::<bool>()).prop_map(|(id, n, set, site_line)| {
            let plan = site_line.then(|| site(&format!("Site {n}"), &format!("{}", 70 + n), set.clone()));
            let numbers = (!site_line).then_some(set);
            C::ReplanLine { order: order(id), line: LineNumber(if site_line { 3 } else { 2 }), plan, numbers }
        }),
        6 => (order_id(), line()).prop_map(|(order, line)| C::AddAsset { order, line }),
        1 => (order_id(), line()).prop_map(|(order, line)| C::DropLine { order, line }),
        2 => order_id().prop_map(|order| C::DropCompanyLine { order }),
        1 => order_id().prop_map(|order| C::CloseOrder { order }),
        2 => order_id().prop_map(|order| C::Activate { order }),
        2 => (an_asset(), crate::testing::values::an_address_key())
            .prop_map(|(asset, to)| C::ReplaceAddress { asset, to }),
        4 => an_asset().prop_map(|asset| C::RemoveAsset { asset }),
    ];
    let stages = prop_oneof![Just(C::Suspend { reason: sealed("why") }), Just(C::Resume), Just(C::Cease)];
    prop_oneof![1 => early, 4 => numbers, 5 => orders, 1 => stages]
}

/// A walk: hours to wait, then a command. It begins with a company that is qualified, in service, built or bare.
pub fn a_walk() -> impl Strategy<Value = Vec<(i64, CompanyCommand)>> {
    use CompanyCommand as C;
    let one = order(1);
    let add = |line| C::AddAsset { order: one, line: LineNumber(line) };
    let allocate = C::AllocateNumbers { order: one, line: LineNumber(2), site: None };
    let mut bare_order = full_order(1, 1, Some(10), numbers(0, 3));
    if let C::OpenOrder { plans, .. } = &mut bare_order {
        plans.clear();
    }
    let in_service =
        vec![qualify(), full_order(1, 1, Some(10), numbers(0, 3)), C::Activate { order: one }, allocate];
    let built = [in_service.clone(), (3..=9).map(add).collect()].concat();
    let bare = vec![qualify(), bare_order, C::Activate { order: one }, C::CloseOrder { order: one }];
    let start = select(vec![vec![qualify()], in_service, built, bare]);
    let hours = prop_oneof![9 => 0i64..40, 1 => 300i64..900];
    (start, vec((hours, a_command()), 0..90))
        .prop_map(|(start, rest)| start.into_iter().map(|command| (0, command)).chain(rest).collect())
}

/// Where the model thinks a number is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Under a reservation or ring-fence.
    Under(ReservationId),
    /// With a line, coming from a reservation or from stock.
    With(OrderId, LineNumber, Option<ReservationId>),
    /// In service, at a site or of a user.
    Used,
}

/// A company as a stage and a list of numbers.
#[derive(Clone, Debug)]
pub struct CompanyModel {
    /// Its stage.
    pub stage: CompanyStatus,
    /// Its numbers.
    pub numbers: BTreeMap<TelephoneNumber, Place>,
    /// The orders under way.
    pub orders: BTreeSet<OrderId>,
    /// The reservations and ring-fences that have not ended.
    pub reservations: BTreeSet<ReservationId>,
}

impl Default for CompanyModel {
    fn default() -> Self {
        Self {
            stage: CompanyStatus::New,
            numbers: BTreeMap::new(),
            orders: BTreeSet::new(),
            reservations: BTreeSet::new(),
        }
    }
}

impl CompanyModel {
    /// Whether the specification knows such a step.
    pub fn permits(&self, action: CompanyAction) -> bool {
        use CompanyAction as A;
        use CompanyStatus as S;
        let stages: &[S] = match action {
            A::Qualify => &[S::New],
            A::ExtendQualification | A::Release | A::Expire => &[S::Qualified],
            A::ReserveNumbers | A::OpenOrder => &[S::Qualified, S::Ordered, S::Active],
            A::ReleaseReservation
            | A::ExpireReservation
            | A::AllocatePortedNumbers
            | A::MakeNumbersLive
            | A::WithdrawNumbers => &[S::Qualified, S::Ordered, S::Active, S::Suspended],
            A::ReplanLine | A::AllocateNumbers | A::DropLine | A::CloseOrder => {
                &[S::Ordered, S::Active, S::Suspended]
            }
            A::CeaseNumbers => &[S::Qualified, S::Active, S::Suspended],
            A::AddAsset | A::ReplaceAddress | A::RemoveAsset | A::Cease => &[S::Active, S::Suspended],
            A::Activate | A::DropCompanyLine => &[S::Ordered],
            A::Suspend => &[S::Active],
            A::Resume => &[S::Suspended],
            A::Erase => &[S::Expired, S::Released, S::Ceased],
        };
        stages.contains(&self.stage)
    }

    /// What an accepted command changes.
    pub fn follow(&mut self, command: &CompanyCommand) {
        use CompanyCommand as C;
        match command {
            C::Qualify { .. } => self.stage = CompanyStatus::Qualified,
            C::Release => self.end(CompanyStatus::Released),
            C::Expire => self.end(CompanyStatus::Expired),
            C::Cease => self.end(CompanyStatus::Ceased),
            C::Erase { .. } => self.stage = CompanyStatus::Erased,
            C::Activate { .. } | C::Resume => self.stage = CompanyStatus::Active,
            C::Suspend { .. } => self.stage = CompanyStatus::Suspended,
            C::ReserveNumbers { reservation, numbers, .. } => {
                self.reservations.insert(*reservation);
                self.numbers.extend(numbers.iter().map(|number| (number, Place::Under(*reservation))));
            }
            C::ReleaseReservation { reservation } | C::ExpireReservation { reservation } => {
                self.reservations.remove(reservation);
                self.numbers.retain(|_, place| *place != Place::Under(*reservation));
            }
            C::OpenOrder { order, numbers, .. } => {
                self.orders.insert(*order);
                if self.stage == CompanyStatus::Qualified {
                    self.stage = CompanyStatus::Ordered;
                }
                for (line, set) in numbers {
                    self.commit(*order, *line, set);
                }
            }
            C::ReplanLine { order, line, numbers: Some(set), .. } => {
                let lost = |number: &TelephoneNumber| !set.contains(*number);
                self.give_up(|number, o, l| (o, l) == (*order, *line) && lost(number));
                self.commit(*order, *line, set);
            }
            C::DropLine { order, line } => self.give_up(|_, o, l| (o, l) == (*order, *line)),
            C::CloseOrder { order } => {
                self.give_up(|_, o, _| o == *order);
                self.orders.remove(order);
                if self.stage == CompanyStatus::Ordered && self.orders.is_empty() {
                    self.stage = CompanyStatus::Qualified;
                }
            }
            C::AllocateNumbers { order, line, .. } => {
                for place in self.numbers.values_mut() {
                    if matches!(place, Place::With(o, l, _) if (*o, *l) == (*order, *line)) {
                        *place = Place::Used;
                    }
                }
                let left: BTreeSet<ReservationId> =
                    self.numbers.values().filter_map(|place| place.reservation()).collect();
                self.reservations.retain(|reservation| left.contains(reservation));
            }
            C::AllocatePortedNumbers { numbers, .. } | C::MakeNumbersLive { numbers, .. } => {
                self.numbers.extend(numbers.iter().map(|number| (number, Place::Used)));
            }
            C::WithdrawNumbers { numbers, .. } | C::CeaseNumbers { numbers } => {
                self.numbers.retain(|number, _| !numbers.contains(*number));
            }
            C::ExtendQualification
            | C::DropCompanyLine { .. }
            | C::ReplanLine { numbers: None, .. }
            | C::AddAsset { .. }
            | C::ReplaceAddress { .. }
            | C::RemoveAsset { .. } => {}
        }
    }

    fn end(&mut self, stage: CompanyStatus) {
        *self = Self { stage, ..Self::default() };
    }

    fn commit(&mut self, order: OrderId, line: LineNumber, numbers: &NumberSet) {
        for number in numbers.iter() {
            let from = self.numbers.get(&number).and_then(|place| place.reservation());
            self.numbers.insert(number, Place::With(order, line, from));
        }
    }

    /// Numbers go back under a reservation that still lives, or away.
    fn give_up(&mut self, which: impl Fn(&TelephoneNumber, OrderId, LineNumber) -> bool) {
        let live = &self.reservations;
        self.numbers.retain(|number, place| match *place {
            Place::With(order, at, from) if which(number, order, at) => {
                let back = from.filter(|reservation| live.contains(reservation));
                if let Some(reservation) = back {
                    *place = Place::Under(reservation);
                }
                back.is_some()
            }
            _ => true,
        });
    }
}

impl Place {
    fn reservation(self) -> Option<ReservationId> {
        match self {
            Self::Under(reservation) | Self::With(_, _, Some(reservation)) => Some(reservation),
            Self::With(_, _, None) | Self::Used => None,
        }
    }
}

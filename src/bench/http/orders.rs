//! The load: orders for companies that are qualified, drafted and submitted; over HTTP, and the same in process.
//!
//! An order asks for two numbers by area code, a site that has them, and a user of the site; a reseller sends such orders
//! all day. Every company has its turn, so none has much more than the others.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicUsize, Ordering},
};

use hyper::StatusCode;
use orderwire_domain::{
    ids::{CompanyId, OrderId, ResellerId},
    joint::Command,
    names::{CompanyName, CugId, Cupid, Domain, OrderReference, ResellerCode, SalesTag, SiteName},
    number::NumberRange,
    order::line::{
        CompanyLine, LineNumber, LineRequest, NumberAsk, NumberSearch, NumbersLine, Parent, SearchBy,
        SiteAddress, SiteLine, SiteNumbers, UserLine, UserNumber,
    },
    sealed::Sealed,
};
use serde_json::json;

use super::{Error, client::Client};
use crate::{
    bench::load::{Random, number, value},
    edge::{
        document::Personal,
        keys::{self, Role},
        place,
    },
    engine::{self, Actor, Engine, IdempotencyKey, Provenance},
};

/// The area that all stock of the bench is in.
const AREA: &str = "01632";
/// Numbers of a block, as the carrier loads them.
const BLOCK_NUMBERS: u64 = 10_000;
/// Companies qualified at once while the load is prepared.
const PREPARED_AT_ONCE: usize = 256;
/// Orders remembered to be looked at.
const ORDERS_MAX: usize = 20_000;
/// The location code of the first order of each company; every further one has the next. Long enough that none of a million
/// begins like an extension, or like another one.
const FIRST_LOCATION: usize = 1_000_000;

/// The load.
#[derive(Clone)]
pub(super) struct Orders {
    pub(super) engine: Engine,
    /// What the reseller presents.
    pub(super) token: String,
    reseller: ResellerId,
    provenance: Provenance,
    companies: Arc<Vec<CompanyId>>,
    made: Arc<AtomicUsize>,
    known: Arc<Mutex<Vec<OrderId>>>,
}

/// What makes an order its own.
struct Order {
    index: usize,
    company: CompanyId,
    location: String,
}

impl Orders {
    /// A reseller with its key, stock, and companies in service. The engine must provision their orders.
    pub(super) async fn prepare(engine: &Engine, companies: usize, numbers: u64) -> Result<Self, Error> {
        let operator = Provenance::of(Actor::new("bench").expect("a word is an actor"));
        let command = Command::CreateReseller {
            code: value("BENCH", ResellerCode::parse),
            cug_id: value("BENCH", CugId::parse),
            sales_tag: value("BENCH", SalesTag::parse),
            name: value("Bench", CompanyName::parse),
        };
        let reseller: ResellerId = engine.execute(&command, &operator, None).await?.id("reseller");
        for first in (0..numbers).step_by(usize::try_from(BLOCK_NUMBERS).unwrap_or(usize::MAX)) {
            let last = (first + BLOCK_NUMBERS).min(numbers) - 1;
            let range = NumberRange::new(number(first), number(last));
            let command = Command::LoadBlock {
                range: range.expect("numbers of one area are a range"),
                range_holder: value("001", Cupid::parse),
                place: value("Bench", SiteName::parse),
            };
            engine.execute(&command, &operator, None).await?;
        }
        let label = "bench".parse().expect("a word is a label");
        let (_, token) = keys::create(engine, Role::Reseller, Some(reseller), &label).await?;
        let mut orders = Self {
            engine: engine.clone(),
            token,
            reseller,
            provenance: Provenance::of_reseller(operator.actor.clone(), reseller),
            companies: Arc::default(),
            made: Arc::default(),
            known: Arc::default(),
        };
        let mut made = Vec::with_capacity(companies);
        let all: Vec<usize> = (0..companies).collect();
        for some in all.chunks(PREPARED_AT_ONCE) {
            let some = some.iter().map(|company| orders.company(*company));
            made.extend(futures::future::try_join_all(some).await?);
        }
        orders.companies = Arc::new(made);
        engine.settle().await?;
        Ok(orders)
    }

    /// The same load for another engine on the same store.
    pub(super) fn with(self, engine: &Engine) -> Self {
        Self { engine: engine.clone(), ..self }
    }

    /// A company that is in service, once its order was provisioned.
    async fn company(&self, company: usize) -> Result<CompanyId, Error> {
        let command = Command::Qualify {
            reseller: self.reseller,
            name: value(&format!("Bench company {company}"), CompanyName::parse),
            domain: value(&format!("bench-{company}.example"), Domain::parse),
        };
        let qualified: CompanyId = self.execute(&command).await?.id("company");
        let command = Command::CreateOrder {
            reseller: self.reseller,
            reference: value(&format!("COMPANY-{company}"), OrderReference::parse),
            company: Some(qualified),
            lines: vec![LineRequest::Company(CompanyLine { channels: 10, contact: None })],
        };
        let order = self.execute(&command).await?.id("order");
        self.execute(&Command::Submit { order }).await?;
        Ok(qualified)
    }

    /// An order is drafted and submitted by two commands, in process.
    pub(super) async fn in_process(&self) -> Result<(), Error> {
        let order = self.next();
        let lines = self.lines(&order).await?;
        let create = Command::CreateOrder {
            reseller: self.reseller,
            reference: value(&order.reference(), OrderReference::parse),
            company: Some(order.company),
            lines,
        };
        let drafted: OrderId = self.execute(&create).await?.id("order");
        self.execute(&Command::Submit { order: drafted }).await?;
        self.remember(drafted);
        Ok(())
    }

    /// The same by two requests.
    pub(super) async fn over_http(&self, client: &mut Client) -> Result<(), Error> {
        let path = self.drafted(client).await?;
        let path = format!("{path}/submission");
        client.post(&path, String::new()).await?.with(StatusCode::ACCEPTED, "POST …/submission")?;
        Ok(())
    }

    /// An order is drafted by a request; answers its path.
    pub(super) async fn drafted(&self, client: &mut Client) -> Result<String, Error> {
        let order = self.next();
        let answer = client.post("/v1/orders", order.document()).await?;
        let path = answer.with(StatusCode::CREATED, "POST /v1/orders")?.located()?;
        if let Some(Ok(order)) = path.rsplit('/').next().map(str::parse) {
            self.remember(order);
        }
        Ok(path)
    }

    /// The path of an order that there is.
    pub(super) fn any(&self, random: &mut Random) -> String {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let index = usize::try_from(random.below(known.len() as u64)).unwrap_or(0);
        format!("/v1/orders/{}", known[index])
    }

    fn remember(&self, order: OrderId) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < ORDERS_MAX {
            known.push(order);
        }
    }

    fn next(&self) -> Order {
        let index = self.made.fetch_add(1, Ordering::Relaxed);
        let (nth, company) = (index / self.companies.len(), self.companies[index % self.companies.len()]);
        Order { index, company, location: (FIRST_LOCATION + nth).to_string() }
    }

    async fn execute(&self, command: &Command) -> Result<engine::Receipt, Error> {
        let key = IdempotencyKey {
            owner: self.reseller.to_string(),
            key: uuid::Uuid::now_v7().simple().to_string(),
            fingerprint: None,
        };
        Ok(self.engine.execute(command, &self.provenance, Some(&key)).await?)
    }

    /// The lines of the document, as an embedder makes them.
    async fn lines(&self, order: &Order) -> Result<Vec<LineRequest>, Error> {
        let seal = async |text: &str| -> Result<Sealed, Error> {
            Ok(place::seal(&self.engine, order.company.into(), &Personal::new(text)).await?)
        };
        let ask = NumberAsk::Search(search(2));
        let site = SiteLine {
            name: value(&order.site(), SiteName::parse),
            location_code: order.location.parse().expect("a few digits are a location code"),
            extension_length: 3,
            address: SiteAddress::Known("A00000000001".parse().expect("this is the key of an address")),
            numbers: vec![SiteNumbers { line: LineNumber(1), quantity: None }],
        };
        let user = UserLine {
            site: Parent::Line(LineNumber(2)),
            first_name: seal("Ada").await?,
            last_name: seal("Lovelace").await?,
            username: seal(&order.username()).await?,
            extension: "201".parse().expect("three digits are an extension"),
            licence: Some("voice_standard".parse().expect("this is a word")),
            add_ons: Vec::new(),
            primary_number: Some(UserNumber::From(LineNumber(1))),
            alternate_numbers: Vec::new(),
        };
        Ok(vec![
            LineRequest::Numbers(NumbersLine { ask, site: None }),
            LineRequest::Site(Box::new(site)),
            LineRequest::User(Box::new(user)),
        ])
    }
}

impl Order {
    fn reference(&self) -> String {
        format!("BENCH-{}", self.index)
    }

    fn site(&self) -> String {
        format!("Site {}", self.index)
    }

    fn username(&self) -> String {
        format!("ada.{}", self.index)
    }

    /// The document as it is sent.
    fn document(&self) -> String {
        json!({
            "reference": self.reference(),
            "company": { "service_reference": self.company.to_string() },
            "lines": [
                { "kind": "numbers", "id": "new", "ask": { "search": { "by": { "area_code": AREA }, "quantity": 2 } } },
                { "kind": "site", "id": "site", "name": self.site(), "location_code": self.location,
                  "extension_length": 3, "address": { "known": "A00000000001" }, "numbers": [{ "line": "new" }] },
                { "kind": "user", "id": "ada", "site": { "line": "site" }, "first_name": "Ada",
                  "last_name": "Lovelace", "username": self.username(), "extension": "201",
                  "licence": "voice_standard", "primary_number": { "from": "new" } },
            ],
        })
        .to_string()
    }
}

/// So many numbers of the bench's area.
fn search(quantity: u32) -> NumberSearch {
    NumberSearch {
        by: SearchBy::AreaCode(AREA.parse().expect("this is an area code")),
        quantity,
        contiguous: false,
    }
}

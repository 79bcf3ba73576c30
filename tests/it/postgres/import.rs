//! A history that the stock crates wrote becomes ours: whole and through every check, or not at all.

use std::{collections::HashMap, process::Command as Process};

use chrono::TimeDelta;
use cqrs_es::{CqrsFramework, persist::PersistedEventStore};
use orderwire::{
    domain::{
        company::{Company, commands::CompanyCommand},
        ids::{CompanyId, NumberBlockId, ResellerId, ReservationId},
        joint::{Command, Seated},
        number_block::{NumberBlock, commands::BlockCommand},
        reseller::{Reseller, commands::ResellerCommand},
        rules::Rules,
        testing::company::{numbers, sealed},
    },
    engine::{
        Error,
        clock::{Clock as _, SimulatedClock},
        hosted::{Hosted, Services},
        import::StockEvent,
    },
    stores::{read_stock, sql::TableName},
};
use postgres_es::PostgresEventRepository;
use sqlx::PgPool;

use super::*;
use crate::world::{Store, World, beginning};

const TABLE: &str = "legacy.order_events";
const RESELLER: ResellerId = ResellerId(Uuid::from_u128(7));
const BLOCK: NumberBlockId = NumberBlockId(Uuid::from_u128(1));
const COMPANY: CompanyId = CompanyId(Uuid::from_u128(10));
/// It had its name first; the other, whose id is smaller, has it now.
const FORMER: CompanyId = CompanyId(Uuid::from_u128(12));
const LATTER: CompanyId = CompanyId(Uuid::from_u128(11));
const RESERVATION: ReservationId = ReservationId(Uuid::from_u128(20));

/// The stock framework on tables of its own, and a clock that goes on by a minute per command.
struct Stock {
    pool: PgPool,
    clock: SimulatedClock,
}

impl Stock {
    async fn on(database: &Database) -> Self {
        let ddl = format!(
            "CREATE SCHEMA legacy; CREATE TABLE {TABLE} (aggregate_type text NOT NULL, aggregate_id text NOT NULL, \
             sequence bigint CHECK (sequence >= 0) NOT NULL, event_type text NOT NULL, event_version text NOT NULL, \
             payload json NOT NULL, metadata json NOT NULL, PRIMARY KEY (aggregate_type, aggregate_id, sequence))"
        );
        let pool = PgPool::connect_with(database.options.clone()).await.unwrap();
        pool.execute(ddl.as_str()).await.unwrap();
        Self { pool, clock: SimulatedClock::at(beginning() - TimeDelta::days(1)) }
    }

    async fn execute<D: Seated>(&self, id: D::Id, command: D::Command) {
        let repository =
            PostgresEventRepository::new(self.pool.clone()).with_tables(TABLE, "legacy.snapshots");
        let services = Services { clock: Arc::new(self.clock.clone()), rules: Arc::new(Rules::bundled()) };
        let framework: CqrsFramework<Hosted<D>, _> =
            CqrsFramework::new(PersistedEventStore::new_event_store(repository), vec![], services);
        self.clock.move_to(self.clock.now() + TimeDelta::minutes(1));
        let at = self.clock.now().to_rfc3339();
        let metadata = [("actor", "legacy"), ("decided_at", &at)].map(|(k, v)| (k.to_owned(), v.to_owned()));
        let stream: StreamId = id.into();
        framework.execute_with_metadata(&stream.to_string(), command, HashMap::from(metadata)).await.unwrap();
    }

    async fn history(&self) {
        self.execute::<Reseller>(RESELLER, create("R100")).await;
        let load = BlockCommand::Load {
            range: "0113 496 0000-0999".parse().unwrap(),
            range_holder: "001".parse().unwrap(),
            place: "Leeds".parse().unwrap(),
        };
        self.execute::<NumberBlock>(BLOCK, load).await;
        self.execute::<Company>(FORMER, qualify("Twice Ltd", "twice.example")).await;
        self.execute::<Reseller>(RESELLER, ResellerCommand::Suspend { reason: reason() }).await;
        self.execute::<Company>(FORMER, CompanyCommand::Release).await;
        self.execute::<Reseller>(RESELLER, ResellerCommand::Resume).await;
        self.execute::<Company>(LATTER, qualify("Twice Ltd", "twice.example")).await;
        self.execute::<Company>(COMPANY, qualify("Acme Ltd", "acme.example")).await;
        let (reservation, numbers) = (RESERVATION, numbers(0, 4));
        let reserve = CompanyCommand::ReserveNumbers { reservation, numbers, ring_fence: false };
        self.execute::<Company>(COMPANY, reserve).await;
    }
}

fn create(code: &str) -> ResellerCommand {
    ResellerCommand::Create {
        code: code.parse().unwrap(),
        cug_id: "CUG100".parse().unwrap(),
        sales_tag: "TAG100".parse().unwrap(),
        name: "Northern Voice".parse().unwrap(),
    }
}

fn qualify(name: &str, domain: &str) -> CompanyCommand {
    let (name, domain) = (name.parse().unwrap(), domain.parse().unwrap());
    CompanyCommand::Qualify { reseller: RESELLER, name, domain }
}

fn reason() -> orderwire::domain::sealed::Sealed {
    let key_id = RESELLER.to_string();
    orderwire::domain::sealed::Sealed { key_id, ..sealed("unpaid") }
}

/// The n-th number of the block.
fn of_block(n: u32) -> Claim {
    let number = numbers(n, 1).iter().next().unwrap();
    Claim::platform(ClaimScope::Number, number.to_string())
}

async fn read(database: &Database) -> Vec<StockEvent> {
    read_stock(&database.url(), &TABLE.parse::<TableName>().unwrap()).await.unwrap()
}

fn codes(error: &Error) -> Vec<&str> {
    error.reasons().iter().map(|reason| reason.code.as_str()).collect()
}

async fn imports_into(store: Store, database: &Database) {
    let world = World::open(&store).await;
    let (engine, stock) = (&world.engine, read(database).await);
    let imported = engine.import(stock.clone(), TABLE).await.unwrap();
    assert_eq!((imported.streams, imported.events), (5, 9));
    assert_eq!(imported.head, engine.head().await.unwrap());
    assert_eq!(imported.head.frontier.leaves(), 9);

    // In the order in which it was decided, and as it was.
    let page = engine.page(0, 100).await.unwrap();
    let order: Vec<_> = page.iter().map(|event| (event.stream, event.sequence)).collect();
    let (rsl, former) = (RESELLER.stream(), FORMER.stream());
    let expected = [
        (rsl, 1),
        (BLOCK.stream(), 1),
        (former, 1),
        (rsl, 2),
        (former, 2),
        (rsl, 3),
        (LATTER.stream(), 1),
        (COMPANY.stream(), 1),
        (COMPANY.stream(), 2),
    ];
    assert_eq!(order, expected);
    for event in &page {
        let id = event.stream.to_string();
        let same = |it: &&StockEvent| it.aggregate_id == id && it.sequence == event.sequence;
        let was = stock.iter().find(same).unwrap();
        assert_eq!((&event.payload, &event.event_type), (&was.payload, &was.event_type));
        let mut metadata: HashMap<String, String> = serde_json::from_str(&event.metadata).unwrap();
        assert_eq!(metadata.remove("imported_from").unwrap(), TABLE);
        assert_eq!(metadata.remove("commit").unwrap().len(), 32);
        assert_eq!(metadata, serde_json::from_str(&was.metadata).unwrap());
    }

    // Its claims are held, and the engine goes on from here.
    let holders = engine.log().holders(&[of_block(0), of_block(3), of_block(4)]).await.unwrap();
    assert_eq!(holders, [Some(COMPANY.stream()), Some(COMPANY.stream()), None]);
    world.settle().await;
    let again = |name: &str, domain: &str| Command::Qualify {
        reseller: RESELLER,
        name: name.parse().unwrap(),
        domain: domain.parse().unwrap(),
    };
    let taken = ["company_name_taken", "company_domain_taken"];
    world.refused(again("Twice Ltd", "twice.example"), &taken).await;
    world.done(again("New Ltd", "new.example")).await;
    let release = CompanyCommand::ReleaseReservation { reservation: RESERVATION };
    world.done(Command::Company { company: COMPANY, command: release }).await;
    assert_eq!(engine.log().holders(&[of_block(0)]).await.unwrap(), [None]);
    world.settle().await;

    // What was sealed stays sealed; of whom nothing was sealed has a key now.
    assert_eq!(engine.open_sealed(&reason()).await.unwrap(), None);
    engine.seal(RESELLER.stream(), "why", "why").await.unwrap_err();
    let why = engine.seal(COMPANY.stream(), "why", "why").await.unwrap();
    assert_eq!(engine.open_sealed(&why).await.unwrap().as_deref(), Some("why"));

    let head = engine.head().await.unwrap();
    let refused = engine.import(stock, TABLE).await.unwrap_err();
    assert_eq!(codes(&refused), ["log_not_empty"]);
    assert_eq!(engine.head().await.unwrap(), head);
    engine.close().await;
}

#[tokio::test]
async fn a_stock_history_becomes_ours() {
    on_a_database(async |database: Database| {
        let stock = Stock::on(&database).await;
        stock.history().await;
        imports_into(Store::sqlite(), &database).await;
        imports_into(Store::at(&database.url()), &database).await;
        stock.pool.close().await;
    })
    .await;
}

/// An event of the history.
fn event(events: &mut [StockEvent], stream: impl Into<StreamId>, sequence: u64) -> &mut StockEvent {
    let id = stream.into().to_string();
    events.iter_mut().find(|it| it.aggregate_id == id && it.sequence == sequence).unwrap()
}

fn forget_times(events: &mut [StockEvent]) {
    for event in events {
        event.metadata = "{}".into();
    }
}

type Harm = (&'static str, fn(&mut Vec<StockEvent>));

const HARMS: &[Harm] = &[
    ("sequence_gap", |events| event(events, RESELLER, 3).sequence = 4),
    ("sequence_gap", |events| event(events, BLOCK, 1).sequence = 0),
    ("event_unknown", |events| event(events, RESELLER, 3).payload = "\"ResellerPromoted\"".into()),
    ("event_misnamed", |events| event(events, RESELLER, 3).event_type = "ResellerClosed".into()),
    ("event_version_unknown", |events| event(events, RESELLER, 3).event_version = "2".into()),
    ("metadata_invalid", |events| event(events, RESELLER, 3).metadata = "{\"actor\":{}}".into()),
    ("kind_mismatch", |events| event(events, BLOCK, 1).aggregate_type = "company".into()),
    ("id_unknown", |events| event(events, BLOCK, 1).aggregate_id = "block-1".into()),
    ("step_illegal", |events| {
        let resumed = event(events, RESELLER, 3).clone();
        *event(events, RESELLER, 2) = StockEvent { sequence: 2, ..resumed };
    }),
    ("number_taken", |events| {
        // Two companies, each legal for itself, hold the same numbers.
        let mut reserved = event(events, COMPANY, 2).clone();
        reserved.aggregate_id = LATTER.to_string();
        events.push(reserved);
    }),
    ("company_name_taken", |events| {
        // Without times, nobody can tell that one gave the name up before the other took it.
        forget_times(events);
    }),
];

#[tokio::test]
async fn a_history_that_cannot_be_ours_leaves_nothing() {
    on_a_database(async |database: Database| {
        let stock = Stock::on(&database).await;
        stock.history().await;
        let world = World::in_memory().await;
        let sound = read(&database).await;
        for (code, harm) in HARMS {
            let mut events = sound.clone();
            harm(&mut events);
            let error = world.engine.import(events, TABLE).await.expect_err(code);
            assert!(
                codes(&error).iter().all(|found| found == code || code.starts_with("company_")),
                "{error}"
            );
            assert!(codes(&error).contains(code), "{code}: {error}");
            let places = error.reasons().iter().filter_map(|reason| reason.subject.as_deref());
            assert!(places.into_iter().all(|place| place.starts_with('/')), "{error}");
            assert_eq!(world.engine.head().await.unwrap().position, 0, "{code}");
        }

        // Without the name that changed hands, a history needs no times.
        let mut untimed = sound;
        untimed.retain(|event| event.aggregate_id != FORMER.to_string());
        forget_times(&mut untimed);
        let imported = world.engine.import(untimed, TABLE).await.unwrap();
        assert_eq!(imported.events, 7);
        world.engine.close().await;
        stock.pool.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_long_history_takes_several_pages_and_batches() {
    on_a_database(async |database: Database| {
        let stock = Stock::on(&database).await;
        stock.history().await;
        // Suspended and resumed over and over.
        let more = format!(
            "INSERT INTO {TABLE} SELECT aggregate_type, aggregate_id, sequence + 2 * n, event_type, event_version, \
             payload, metadata FROM {TABLE}, generate_series(1, 1100) n WHERE aggregate_id = $1 AND sequence > 1"
        );
        sqlx::query(&more).bind(RESELLER.to_string()).execute(&stock.pool).await.unwrap();
        // Kept for as long as the engine works on its file.
        let store = Store::sqlite();
        let world = World::open(&store).await;
        let imported = world.engine.import(read(&database).await, TABLE).await.unwrap();
        assert_eq!(imported.events, 2_209);
        assert_eq!(world.engine.state(RESELLER.stream()).await.unwrap().0, 2_203);
        world.engine.close().await;
        stock.pool.close().await;
    })
    .await;
}

#[tokio::test]
async fn the_command_line_imports() {
    on_a_database(async |database: Database| {
        let stock = Stock::on(&database).await;
        stock.history().await;
        let folder = tempfile::tempdir().unwrap();
        let url = database.url();
        let run = |arguments: &[&str]| {
            let mut process = Process::new(env!("CARGO_BIN_EXE_orderwire"));
            process.args(["--migrate", "--format", "json", "import"]).args(arguments);
            process.env_remove("ORDERWIRE_STORE").env_remove("ORDERWIRE_MASTER_KEY_FILE");
            let ran = process.current_dir(folder.path()).output().unwrap();
            let text = |bytes| String::from_utf8(bytes).unwrap();
            (ran.status.code().unwrap(), text(ran.stdout), text(ran.stderr))
        };
        let refused = |code: i32, arguments: &[&str], named: &str| {
            let (ended, _, said) = run(arguments);
            assert!(ended == code && said.contains(named), "{arguments:?}: {ended} {said}");
        };
        refused(2, &["--from-stock", TABLE], "--from");
        refused(2, &["--from-stock", "events; DROP TABLE x", "--from", &url], "not the name of a table");
        refused(6, &["--from-stock", "legacy.missing", "--from", &url], "missing");
        let (code, out, err) = run(&["--from-stock", "LEGACY.order_events", "--from", &url]);
        assert_eq!(code, 0, "{err}");
        let summary: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!((&summary["streams"], &summary["events"]), (&5.into(), &9.into()));
        assert_eq!((&summary["position"], summary["merkle_root"].as_str().unwrap().len()), (&9.into(), 64));
        refused(3, &["--from-stock", TABLE, "--from", &url], "log_not_empty");
        stock.pool.close().await;
    })
    .await;
}

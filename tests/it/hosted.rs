//! Our deciders under the frameworks of cqrs-es, as an embedder runs them.

use std::sync::Arc;

use cqrs_es::{AggregateError, CqrsFramework, EventStore, test::TestFramework};
use orderwire::{
    domain::{
        decider::Decider as _,
        ids::ResellerId,
        reseller::{Reseller, ResellerStatus, commands::ResellerCommand, events::ResellerEvent},
        rules::Rules,
        testing::{company::sealed, scenario::moment},
    },
    engine::{
        clock::SimulatedClock,
        hosted::{Hosted, HostedEvent, LogEventStore, Services},
        log::SharedLog,
    },
    stores::memory::MemoryLog,
};
use uuid::Uuid;

fn services() -> Services {
    let clock = SimulatedClock::at(moment("2026-06-01T09:00:00Z"));
    Services { clock: Arc::new(clock), rules: Arc::new(Rules::bundled()) }
}

fn create() -> ResellerCommand {
    ResellerCommand::Create {
        code: "R100".parse().unwrap(),
        cug_id: "CUG100".parse().unwrap(),
        sales_tag: "TAG100".parse().unwrap(),
        name: "Northern Voice".parse().unwrap(),
    }
}

fn created() -> HostedEvent<ResellerEvent> {
    let ResellerCommand::Create { code, cug_id, sales_tag, name } = create() else { unreachable!() };
    HostedEvent(ResellerEvent::ResellerCreated { code, cug_id, sales_tag, name })
}

#[test]
fn a_decider_runs_under_the_test_framework() {
    let framework = || TestFramework::<Hosted<Reseller>>::with(services());
    framework().given_no_previous_events().when(create()).then_expect_events(vec![created()]);
    let reason = sealed("unpaid");
    framework()
        .given(vec![created()])
        .when(ResellerCommand::Suspend { reason: reason.clone() })
        .then_expect_events(vec![HostedEvent(ResellerEvent::ResellerSuspended { reason })]);

    let refused = framework().given(vec![created()]).when(ResellerCommand::Resume).inspect_result();
    let codes: Vec<_> = refused.unwrap_err().0.into_iter().map(|reason| reason.code).collect();
    assert_eq!(codes, ["not_permitted"]);

    // A history that cannot be: the framework applies it without a word, so the next command says it.
    let impossible = vec![created(), HostedEvent(ResellerEvent::ResellerResumed)];
    let refused = framework().given(impossible).when(ResellerCommand::Resume).inspect_result();
    assert_eq!(refused.unwrap_err().0[0].code, "corrupt");
}

#[tokio::test]
async fn a_decider_runs_under_the_framework_on_our_log() {
    let log: SharedLog = Arc::new(MemoryLog::new());
    let store = LogEventStore::new(Arc::clone(&log), services().clock);
    let framework: CqrsFramework<Hosted<Reseller>, _> = CqrsFramework::new(store.clone(), vec![], services());
    let [one, other] = [1, 2].map(|n| ResellerId(Uuid::from_u128(n)).to_string());

    framework.execute(&one, create()).await.unwrap();
    framework.execute(&one, ResellerCommand::Suspend { reason: sealed("unpaid") }).await.unwrap();
    let taken = framework.execute(&other, create()).await.unwrap_err();
    let AggregateError::UserError(refusal) = taken else { panic!("{taken:?}") };
    let codes: Vec<_> = refusal.0.into_iter().map(|reason| reason.code).collect();
    assert_eq!(codes, ["reseller_code_taken", "cug_id_taken", "sales_tag_taken"]);
    framework.execute(&one, ResellerCommand::Suspend { reason: sealed("again") }).await.unwrap_err();
    framework.execute("one of theirs", create()).await.unwrap_err();

    assert_eq!(log.head().await.unwrap().position, 2);
    let events = EventStore::<Hosted<Reseller>>::load_events(&store, &one).await.unwrap();
    assert_eq!((events.len(), &events[0].payload), (2, &created()));
    let mut loaded = EventStore::<Hosted<Reseller>>::load_aggregate(&store, &one).await.unwrap();
    let aggregate = cqrs_es::AggregateContext::aggregate(&mut loaded);
    assert_eq!(aggregate.state().status(), ResellerStatus::Suspended);
}

//! What other rules would have decided: exactly what depended on them.

use chrono::TimeDelta;
use orderwire::{
    audit::{
        Moment,
        counterfactual::{self, Counterfactual, Would},
    },
    domain::{joint::Command, rules::Rules},
    engine::Engine,
};
use serde_json::{Value, json};

use crate::world::*;

async fn under(engine: &Engine, rules: &Value) -> Counterfactual {
    let rules = counterfactual::rules(&rules.to_string(), engine.rules()).unwrap();
    counterfactual::counterfactual(engine, rules, Moment::Position(0), None).await.unwrap()
}

/// The rules in force with another lead time of single lines.
fn single_lines_take(working_days: u32) -> Value {
    let mut rules: Value = serde_json::from_str(&Rules::bundled().to_json()).unwrap();
    rules["lead_times"][0]["rows"][0]["provide"] = json!(working_days);
    json!({ "lead_times": rules["lead_times"] })
}

#[tokio::test]
async fn a_longer_lead_time_lists_exactly_the_orders_whose_decision_depended_on_it() {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.in_service(reseller, 1).await;
    let soon = port(port_of(1, morning("2026-06-05")));
    let late = port(port_of(2, morning("2026-07-15")));
    let range = port(port_of_range(20, 10, morning("2026-06-15")));
    let (soon, _) = world.submitted(company, "PO-SOON", vec![soon]).await;
    let (late, _) = world.submitted(company, "PO-LATE", vec![late]).await;
    let (range, _) = world.submitted(company, "PO-RANGE", vec![range]).await;
    world.settle().await;

    let found = under(&world.engine, &single_lines_take(6)).await;
    let listed: Vec<&str> = found.differences.iter().filter_map(|it| it.order.as_deref()).collect();
    assert_eq!(listed, [soon.to_string(), late.to_string()], "not {range}: {:#?}", found.differences);
    let Would::Refuse(problems) = &found.differences[0].would else { panic!("{:?}", found.differences[0]) };
    assert_eq!(problems[0].code, "port_window_too_early");
    let Would::Decide(fields) = &found.differences[1].would else { panic!("{:?}", found.differences[1]) };
    assert_eq!(fields.len(), 1);
    assert_eq!(
        (fields[0].path.as_str(), &fields[0].would),
        ("/details/lead_time/working_days", &Some(json!(6)))
    );
    assert_eq!((found.differences[0].command.as_str(), found.different), ("order.submit", 2));
}

#[tokio::test]
async fn the_same_rules_would_have_decided_the_same() {
    let life = super::Life::lived().await;
    let same = under(&life.world.engine, &single_lines_take(4)).await;
    assert_eq!((same.different, same.rules.as_str()), (0, life.world.engine.rules().version().as_str()));
    assert!(same.decided_again > 10, "{same:?}");
    assert_eq!(same.events, life.world.engine.head().await.unwrap().position);
}

#[tokio::test]
async fn what_would_have_ended_sooner_is_listed_where_it_was_used_later() {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let used = world.company(reseller, "Acme").await;
    let unused = world.company(reseller, "Bolt").await;
    world.reserve(used, leeds(0, 5)).await;
    let order = world.order(used, "PO-1", vec![company_line(10)]).await;
    world.sleep(TimeDelta::days(8)).await;
    world.done(Command::Submit { order }).await;
    world.settle().await;
    world.sleep(TimeDelta::days(30)).await;
    let found = under(&world.engine, &json!({ "limits": { "qualification_days": 7 } })).await;
    let told: Vec<(&str, &str, &str)> = found
        .differences
        .iter()
        .map(|it| {
            let outcome = match &it.would {
                Would::Decide(_) => "decide",
                Would::Refuse(_) => "refuse",
                Would::LeadTo(_) => "lead to",
                Would::FallDue { .. } => "fall due",
                Would::HaveEnded { .. } => "have ended",
            };
            (it.id.as_str(), it.event.as_str(), outcome)
        })
        .collect();
    let (used, unused) = (used.to_string(), unused.to_string());
    for expected in [
        (used.as_str(), "CompanyQualified", "decide"),
        (unused.as_str(), "CompanyQualified", "decide"),
        (used.as_str(), "OrderOpened", "have ended"),
        (unused.as_str(), "QualificationExpiring", "fall due"),
        (unused.as_str(), "CompanyExpired", "fall due"),
    ] {
        assert!(told.contains(&expected), "{expected:?} is not in {told:#?}");
    }
    let expired = found.differences.iter().find(|it| it.event == "CompanyExpired").unwrap();
    let Would::FallDue { timer, at } = &expired.would else { panic!("{expired:?}") };
    assert_eq!((timer.as_str(), *at), ("qualification_expiry", beginning() + TimeDelta::days(7)));

    let part = Moment::Time(beginning() + TimeDelta::days(1));
    let rules =
        counterfactual::rules(r#"{"limits":{"qualification_days":7}}"#, world.engine.rules()).unwrap();
    let begun =
        counterfactual::counterfactual(&world.engine, rules, Moment::Position(0), Some(part)).await.unwrap();
    assert!(begun.differences.iter().all(|it| it.event == "CompanyQualified"), "{begun:#?}");
}

#[tokio::test]
async fn rules_that_cannot_be_are_refused_as_what_they_are() {
    let in_force = Rules::bundled();
    for (text, code) in [
        ("", "rules_malformed"),
        ("[]", "rules_malformed"),
        (r#"{"limits":{"reservation_day":3}}"#, "rules_malformed"),
        (r#"{"limits":{"reservation_days":0}}"#, "limit_zero"),
        (r#"{"limits":null}"#, "rules_malformed"),
    ] {
        let error = counterfactual::rules(text, &in_force).unwrap_err();
        assert_eq!(error.problems()[0].code, code, "{text}: {error}");
    }
    assert_eq!(counterfactual::rules("{}", &in_force).unwrap(), in_force);
    assert_eq!(counterfactual::rules(&in_force.to_json(), &in_force).unwrap(), in_force);
}

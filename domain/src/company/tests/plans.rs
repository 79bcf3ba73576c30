//! What an order may make: names, dialling, users, capacity.

use super::{active, after, built, qualified};
use crate::{
    company::{
        Company,
        asset::AssetPlan,
        commands::{CompanyCommand as C, LinePlan},
    },
    decider::{Refused, handle},
    ids::AssetId,
    number::{NumberSet, TelephoneNumber},
    order::line::LineNumber,
    testing::{
        company::{asset, device, full_order, numbers, order, product, qualify, sealed, site, user},
        scenario::Given,
    },
};

/// Order 2 with these plans on its lines 1, 2, …
fn asking(plans: Vec<AssetPlan>) -> C {
    let line = |(at, plan)| LinePlan { line: LineNumber(at), asset: asset(2, at), plan };
    let plans = (1..).zip(plans).map(line).collect();
    C::OpenOrder { order: order(2), plans, numbers: vec![], coming: vec![], channels: None }
}

/// The codes and subjects of a refusal.
fn refusal(company: &Given<Company>, command: &C) -> Vec<(String, String)> {
    match handle(company.state(), command, company.context()) {
        Err(refused @ Refused::Rules(_)) => {
            let reasons = refused.reasons().into_iter();
            reasons.map(|reason| (reason.code, reason.subject.unwrap_or_default())).collect()
        }
        other => panic!("expected a refusal by rules, got {other:?}"),
    }
}

#[track_caller]
fn refused(company: &Given<Company>, plans: Vec<AssetPlan>, expected: &[(&str, &str)]) {
    let found = refusal(company, &asking(plans));
    let found: Vec<_> = found.iter().map(|(code, subject)| (code.as_str(), subject.as_str())).collect();
    assert_eq!(found, expected);
}

fn first(n: u32) -> Option<TelephoneNumber> {
    numbers(n, 1).iter().next()
}

const SITE: u32 = 3;

fn live(line: u32) -> AssetId {
    asset(1, line)
}

#[test]
fn location_code_45_and_extension_4501_cannot_be_told_apart() {
    let own = vec![site("Depot", "45", NumberSet::new()), user(asset(2, 1), "ann", "4501", None)];
    refused(&built(), own, &[("dialling_ambiguous", "/lines/2/extension")]);
    let code = vec![site("Depot", "40", NumberSet::new())];
    refused(&built(), code, &[("dialling_ambiguous", "/lines/1/location_code")]);
    let longer = vec![site("Depot", "400123", NumberSet::new())];
    refused(&built(), longer, &[("dialling_ambiguous", "/lines/1/location_code")]);
    let under = vec![site("Depot", "456789", NumberSet::new()), user(live(SITE), "ann", "4567", None)];
    refused(&built(), under, &[("dialling_ambiguous", "/lines/2/extension")]);
}

#[test]
fn the_same_extension_on_two_sites_yes_on_one_no() {
    let two = vec![site("Depot", "88", NumberSet::new()), user(asset(2, 1), "ann", "4001", None)];
    built().when(&asking(two)).accepted();
    let one = vec![user(live(SITE), "ann", "4001", None)];
    refused(&built(), one, &[("name_taken", "/lines/1/extension")]);
}

#[test]
fn every_name_is_taken_once_and_every_clash_is_told_at_once() {
    let plans = vec![
        site("SITE  1", "71", NumberSet::new()),
        user(live(SITE), "user1", "4002", None),
        device(live(4), "00-1a-2b-3c-4d-01"),
        AssetPlan::Pbx { site: live(SITE), name: "PBX 1".parse().unwrap() },
        AssetPlan::Trunk { pbx: live(6), name: "T 1".parse().unwrap(), channels: 1 },
        user(live(SITE), "eve", "4003", None),
        user(live(SITE), "eve", "4003", None),
    ];
    refused(
        &built(),
        plans,
        &[
            ("name_taken", "/lines/1/name"),
            ("name_taken", "/lines/1/location_code"),
            ("name_taken", "/lines/2/username"),
            ("name_taken", "/lines/3/mac"),
            ("name_taken", "/lines/4/name"),
            ("name_taken", "/lines/5/name"),
            ("name_taken", "/lines/7/username"),
            ("name_taken", "/lines/7/extension"),
        ],
    );
}

#[test]
fn an_extension_has_the_length_of_its_site_and_is_no_public_service() {
    refused(
        &built(),
        vec![user(live(SITE), "ann", "400", None)],
        &[("extension_length", "/lines/1/extension")],
    );
    let mut three = site("Depot", "88", NumberSet::new());
    if let AssetPlan::Site { extension_length, .. } = &mut three {
        *extension_length = 3;
    }
    let plans = vec![three.clone(), user(asset(2, 1), "ann", "101", None)];
    refused(&built(), plans, &[("extension_reserved", "/lines/2/extension")]);
    if let AssetPlan::Site { extension_length, .. } = &mut three {
        *extension_length = 21;
    }
    refused(&built(), vec![three], &[("site_extension_length", "/lines/1/extension_length")]);
}

#[test]
fn a_parent_exists_and_is_of_the_right_kind() {
    let unknown = AssetId(uuid::Uuid::from_u128(99));
    let plans = vec![
        user(unknown, "ann", "4002", None),
        AssetPlan::Pbx { site: live(4), name: "main".parse().unwrap() },
        device(live(SITE), "001A2B3C4DFF"),
    ];
    refused(
        &built(),
        plans,
        &[
            ("parent_unknown", "/lines/1/site"),
            ("parent_kind", "/lines/2/site"),
            ("parent_kind", "/lines/3/user"),
        ],
    );
    let of_open_order = vec![user(live(SITE), "ann", "4002", None)];
    refused(&active(), of_open_order, &[("parent_planned", "/lines/1/site")]);
}

#[test]
fn add_ons_and_devices_fit_the_licence() {
    let mut odd = user(live(SITE), "ann", "4002", None);
    if let AssetPlan::User { licence, add_ons, .. } = &mut odd {
        *licence = Some(product("no_such_licence"));
        *add_ons = vec![product("call_recording")];
    }
    let mut bare = user(live(SITE), "bob", "4003", None);
    if let AssetPlan::User { licence, add_ons, .. } = &mut bare {
        *licence = None;
        *add_ons = vec![product("call_recording"), product("no_such_product")];
    }
    let plans = vec![
        odd,
        bare,
        AssetPlan::AddOn { user: live(4), product: product("crm_connector") },
        AssetPlan::AddOn { user: live(4), product: product("call_recording") },
        device(live(4), "001A2B3C4D10"),
        device(live(4), "001A2B3C4D11"),
        device(asset(2, 2), "001A2B3C4D12"),
    ];
    refused(
        &built(),
        plans,
        &[
            ("licence_unknown", "/lines/1/licence"),
            ("product_unfit", "/lines/1/add_ons"),
            ("licence_missing", "/lines/2/add_ons"),
            ("product_unknown", "/lines/2/add_ons"),
            ("product_unfit", "/lines/3/product"),
            ("add_on_twice", "/lines/4/add_ons"),
            ("user_devices_max", "/lines/6/user"),
            ("licence_missing", "/lines/7/model"),
        ],
    );
}

#[test]
fn a_users_numbers_are_of_its_site_and_of_nobody_else() {
    let taken = vec![user(live(SITE), "ann", "4002", first(0))];
    refused(&built(), taken, &[("numbers_of_another_user", "/lines/1/numbers")]);
    let strange = vec![user(live(SITE), "ann", "4002", first(9))];
    refused(&built(), strange.clone(), &[("numbers_not_of_site", "/lines/1/numbers")]);
    let mut with_numbers = asking(strange);
    if let C::OpenOrder { coming, .. } = &mut with_numbers {
        coming.push((live(SITE), numbers(9, 1)));
    }
    built().when(&with_numbers).accepted();
    let another = vec![site("Depot", "88", numbers(2, 1))];
    refused(&built(), another, &[("numbers_of_another_site", "/lines/1/numbers")]);
    let mut twice = user(live(SITE), "ann", "4002", first(1));
    if let AssetPlan::User { alternate_numbers, .. } = &mut twice {
        *alternate_numbers = numbers(1, 1);
    }
    refused(&built(), vec![twice], &[("number_twice", "/lines/1/primary_number")]);
}

#[test]
fn trunks_stay_within_the_channels_of_the_company() {
    let trunk =
        |name: &str, channels| AssetPlan::Trunk { pbx: live(6), name: name.parse().unwrap(), channels };
    built().when(&asking(vec![trunk("a", 8)])).accepted();
    let over = vec![trunk("a", 5), trunk("b", 4), trunk("c", 0)];
    refused(
        &built(),
        over,
        &[
            ("channels_exceeded", "/lines/2/channels"),
            ("channels_zero", "/lines/3/channels"),
            ("channels_exceeded", "/lines/3/channels"),
        ],
    );
    // A trunk that is only planned counts as much as a real one.
    let planned = built().when(&asking(vec![trunk("a", 8)])).accepted();
    let mut more = full_order(3, 3, None, numbers(9, 1));
    if let C::OpenOrder { plans, .. } = &mut more {
        plans.retain(|it| it.line < LineNumber(8));
    }
    planned.when(&more).refused(&["channels_exceeded"]);
}

#[test]
fn a_company_comes_into_service_by_one_company_line() {
    qualified().when(&full_order(1, 1, None, numbers(0, 1))).refused(&["company_line_missing"]);
    let ordered = after([qualify(), full_order(1, 1, Some(10), numbers(0, 1))]);
    ordered.when(&full_order(2, 2, Some(10), numbers(1, 1))).refused(&["company_line_twice"]);
    built().when(&full_order(2, 2, Some(10), numbers(5, 1))).refused(&["company_line_twice"]);
    let huge = full_order(1, 1, Some(20_000), numbers(0, 1));
    qualified().when(&huge).refused(&["company_channels_max"]);
    let second =
        after([qualify(), full_order(1, 1, Some(10), numbers(0, 1)), full_order(2, 2, None, numbers(1, 1))]);
    second.when(&C::Activate { order: order(2) }).refused(&["company_line_missing"]);
    second.when(&C::Activate { order: order(3) }).refused(&["order_not_open"]);
}

#[test]
fn submitting_twice_opens_one_order() {
    let again = full_order(1, 1, None, numbers(0, 3));
    let codes = refusal(&active(), &again).into_iter().map(|(code, _)| code).collect::<Vec<_>>();
    assert!(codes.contains(&"order_open".to_owned()) && codes.contains(&"numbers_in_use".to_owned()));
}

#[test]
fn an_asset_is_added_after_its_parent() {
    let add = |line| C::AddAsset { order: order(1), line: LineNumber(line) };
    active().when(&add(4)).refused(&["parent_planned"]);
    let added = active().when(&add(3)).accepted();
    added.when(&add(3)).refused(&["line_without_asset"]);
    added.when(&add(4)).accepted();
}

#[test]
fn an_amended_line_moves_its_names_and_stays_what_it_is() {
    let replan = |line, plan| C::ReplanLine {
        order: order(1),
        line: LineNumber(line),
        plan: Some(plan),
        numbers: None,
    };
    let renamed = active().when(&replan(3, site("Depot", "71", numbers(0, 3)))).accepted();
    renamed.when(&asking(vec![site("Site 1", "88", NumberSet::new())])).accepted();
    active().when(&replan(3, device(live(4), "001A2B3C4D55"))).refused(&["kind_changed"]);
    active().when(&replan(3, site("Depot", "71", numbers(1, 2)))).refused(&["numbers_of_site_users"]);
    let mut longer = site("Depot", "71", numbers(0, 3));
    if let AssetPlan::Site { extension_length, .. } = &mut longer {
        *extension_length = 5;
    }
    active().when(&replan(3, longer)).refused(&["extension_length_in_use"]);
    let mut basic = user(live(SITE), "user1", "4001", first(1));
    if let AssetPlan::User { licence, first_name, .. } = &mut basic {
        *licence = Some(product("voice_basic"));
        *first_name = sealed("other");
    }
    active().when(&replan(4, basic)).refused(&["product_unfit"]);
    active().when(&replan(4, user(live(SITE), "user1", "4001", first(1)))).accepted();
}

#[test]
fn a_five_thousand_user_order_is_judged_in_one_pass() {
    let mut plans = vec![site("Tower", "999999", NumberSet::new())];
    plans.extend((0..4_999).map(|n| user(asset(2, 1), &format!("u{n}"), &format!("{}", 2000 + n), None)));
    let ordered = built().when(&asking(plans)).accepted();
    assert_eq!(ordered.state().assets().count(), 5_000 + 7);
}

/// What an order under way may add is measured by the company line that will be done, not by one that failed.
#[test]
fn a_replanned_trunk_is_measured_by_the_company_line_that_lives() {
    let one = order(1);
    let failed = qualified().when(&full_order(1, 1, Some(10), NumberSet::new())).accepted();
    let failed = failed.when(&C::DropCompanyLine { order: one }).accepted();
    failed.when(&C::DropCompanyLine { order: one }).refused(&["company_line_missing"]);
    let bare =
        C::OpenOrder { order: order(2), plans: vec![], numbers: vec![], coming: vec![], channels: Some(3) };
    let coming = failed.when(&bare).accepted();
    let with = |channels| {
        let plan = AssetPlan::Trunk { pbx: asset(1, 6), name: "t 1".parse().unwrap(), channels };
        C::ReplanLine { order: one, line: LineNumber(7), plan: Some(plan), numbers: None }
    };
    coming.when(&with(3)).accepted();
    coming.when(&with(4)).refused(&["channels_exceeded"]);
}

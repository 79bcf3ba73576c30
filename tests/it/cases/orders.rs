//! Cases of companies and orders.

use chrono::TimeDelta;
use orderwire::{
    domain::{
        company::{Company, CompanyStatus, commands::CompanyCommand},
        decider::Decider as _,
        joint::Command,
        names::MacAddress,
        notice::NoticeType,
        order::{
            Order, OrderStatus,
            commands::OrderCommand,
            line::{
                LineFailure, LineStatus,
                LineStatus::{Cancelled, Completed, Failed},
                NumberAsk, Parent, PortLine, UserNumber,
            },
        },
        port_request::PortRequest,
        refusal::Reason,
        reseller::commands::ResellerCommand,
    },
    engine::fulfilment::{Provisioned, StartedLine},
};

use crate::{
    invariants::{Audit, notices},
    world::*,
};

async fn start() -> (World, orderwire::domain::ids::ResellerId) {
    let world = World::in_memory().await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    (world, reseller)
}

async fn end(world: &World) {
    world.settle().await;
    Audit::of(&world.engine).await;
}

#[tokio::test]
async fn a_reservation_that_expires_between_create_and_submit_is_not_there_any_more() {
    let (world, reseller) = start().await;
    let company = world.in_service(reseller, 1).await;
    let reservation = world.reserve(company, leeds(100, 5)).await;
    let lines = vec![numbers_line(NumberAsk::Reservation(reservation))];
    let order = world.order(company, "PO-2", lines).await;
    world.sleep(TimeDelta::days(14)).await;
    let error = world.ask(&Command::Submit { order }).await.unwrap_err();
    assert!(error.reasons().iter().any(|reason| reason.code == "reservation_empty"), "{error}");
    end(&world).await;
}

#[tokio::test]
async fn a_qualification_expires_and_another_reseller_takes_the_name() {
    let (world, reseller) = start().await;
    let first = world.company(reseller, "Acme Ltd").await;
    let other = world.reseller(2).await;
    world.refused(qualify(other, " ACME  LTD "), &["company_name_taken", "company_domain_taken"]).await;
    world.sleep(TimeDelta::days(30)).await;
    assert_eq!(world.state::<Company>(first).await.status(), CompanyStatus::Expired);
    world.company(other, " ACME  LTD ").await;
    end(&world).await;
}

/// Numbers in service keep an overdue company; it expires with the last of them, and its name is free.
#[tokio::test]
async fn an_overdue_qualification_expires_with_the_last_number_in_service() {
    let (world, reseller) = start().await;
    let company = world.company(reseller, "Acme Ltd").await;
    world.settle().await;
    world.submitted(company, "PO-1", vec![numbers_line(search(3))]).await;
    world.sleep(TimeDelta::days(60)).await;
    let state = world.state::<Company>(company).await;
    assert_eq!(state.status(), CompanyStatus::Qualified);
    let numbers = state.numbers().map(|(number, _)| number).collect();
    world.done(Command::CeaseNumbers { company, numbers }).await;
    assert_eq!(world.state::<Company>(company).await.status(), CompanyStatus::Expired);
    world.company(reseller, "Acme Ltd").await;
    end(&world).await;
}

#[tokio::test]
async fn one_mac_in_three_notations_is_one_device() {
    let (world, reseller) = start().await;
    let company = world.in_service(reseller, 1).await;
    let state = world.state::<Company>(company).await;
    let (user, _) = state.assets().find(|(_, asset)| asset.plan.parent().is_some()).unwrap();
    for (n, notation) in ["00:15:65:00:00:01", "00-15-65-00-00-01", "001565000001"].into_iter().enumerate() {
        let mac = MacAddress::parse(notation).unwrap();
        let order =
            world.order(company, &format!("PO-{n}"), vec![device_with(mac, Parent::Asset(user))]).await;
        let error = world.ask(&Command::Submit { order }).await.unwrap_err();
        let codes: Vec<&str> = error.reasons().iter().map(|reason| reason.code.as_str()).collect();
        assert_eq!(codes, ["name_taken"], "{notation}: {error}");
    }
    end(&world).await;
}

#[tokio::test]
async fn the_same_extension_is_possible_on_two_sites_and_not_on_one() {
    let (world, reseller) = start().await;
    let company = world.company(reseller, "Acme").await;
    let both = |second| {
        vec![
            company_line(1),
            site_with(1, "61", vec![]),
            site_with(2, "62", vec![]),
            user_at(1, "301", Parent::Line(line(2)), None),
            user_at(2, "301", Parent::Line(line(second)), None),
        ]
    };
    let order = world.order(company, "PO-1", both(2)).await;
    let error = world.ask(&Command::Submit { order }).await.unwrap_err();
    assert!(error.reasons().iter().all(|reason| reason.code == "name_taken"), "{error}");
    world.submitted(company, "PO-2", both(3)).await;
    world.settle().await;
    assert_eq!(world.state::<Company>(company).await.status(), CompanyStatus::Active);
    end(&world).await;
}

#[tokio::test]
async fn location_code_45_and_extension_4501_cannot_be_told_apart() {
    let (world, reseller) = start().await;
    let company = world.company(reseller, "Acme").await;
    let orderwire::domain::order::line::LineRequest::Site(mut long) = site_with(1, "61", vec![]) else {
        unreachable!()
    };
    long.extension_length = 4;
    let long = orderwire::domain::order::line::LineRequest::Site(long);
    let lines = vec![
        company_line(1),
        long,
        site_with(2, "45", vec![]),
        user_at(1, "4501", Parent::Line(line(2)), None),
    ];
    let order = world.order(company, "PO-1", lines).await;
    let error = world.ask(&Command::Submit { order }).await.unwrap_err();
    assert!(error.to_string().contains("4501") && error.to_string().contains("45"), "{error}");
    end(&world).await;
}

/// Lines of these numbers wait for somebody's word; the others are done at once.
fn waiting_for(numbers: &'static [u32]) -> Script<impl Fn(&StartedLine) -> Provisioned> {
    Script(
        |line: &StartedLine| {
            if numbers.contains(&line.line.0) { Provisioned::Later } else { Provisioned::Done }
        },
    )
}

#[tokio::test]
async fn an_order_cancelled_with_some_lines_complete_ends_partial() {
    let world = World::open_with(&Store::memory().await, waiting_for(&[4])).await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    let (order, _) = world.submitted(company, "PO-1", new_company(1, 20)).await;
    world.settle().await;
    world.tell(order, OrderCommand::RequestCancellation { reason: None }).await;
    world.settle().await;
    let state = world.state::<Order>(order).await;
    assert_eq!(state.status(), OrderStatus::Partial);
    let company = world.state::<Company>(company).await;
    assert_eq!((company.status(), company.assets().count()), (CompanyStatus::Active, 1), "the site stays");
    end(&world).await;
}

#[tokio::test]
async fn a_cancellation_is_refused_for_one_port_past_its_cut_off_and_other_lines_are_untouched() {
    let (world, reseller) = start().await;
    let company = world.in_service(reseller, 1).await;
    let lines = vec![port(port_of(1, morning("2026-06-12"))), port(port_of(2, morning("2026-07-15")))];
    let (order, ports) = world.submitted(company, "PO-2", lines).await;
    world.settle().await;
    world.accepted(ports[0], "m1").await;
    world.accepted(ports[1], "m2").await;
    world.sleep_until("2026-06-11T12:00:00Z".parse().unwrap()).await;
    world.tell(order, OrderCommand::RequestCancellation { reason: None }).await;
    world.settle().await;
    let state = world.state::<Order>(order).await;
    assert_eq!((state.status(), state.open_lines().len()), (OrderStatus::InProgress, 2));
    for port in ports {
        assert!(world.state::<PortRequest>(port).await.is_open());
    }
    end(&world).await;
}

#[tokio::test]
async fn a_failed_parent_cancels_its_children_only() {
    let fails = Script(|line: &StartedLine| match line.line.0 {
        3 => Provisioned::Failed(LineFailure { code: "no_power".into(), detail: "no power".into() }),
        _ => Provisioned::Done,
    });
    let world = World::open_with(&Store::memory().await, fails).await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    let mut lines = new_company(1, 20);
    lines.push(site_with(2, "77", vec![]));
    lines.push(user(2, Parent::Line(line(6)), None));
    let (order, _) = world.submitted(company, "PO-1", lines).await;
    world.settle().await;
    let state = world.state::<Order>(order).await;
    let statuses: Vec<LineStatus> = state.lines().map(|(_, line)| line.status()).collect();
    assert_eq!(statuses, [Completed, Completed, Failed, Cancelled, Cancelled, Completed, Completed]);
    assert_eq!(state.status(), OrderStatus::Partial);
    end(&world).await;
}

/// Claims that others hold are looked up though a new site's id is minted with the answer.
#[tokio::test]
async fn a_refused_submit_gives_every_reason_at_once() {
    let (world, reseller) = start().await;
    world.in_service(reseller, 1).await;
    let company = world.company(reseller, "Acme").await;
    let lines = vec![
        company_line(5),
        numbers_line(search(500)),
        site_with(2, "45", vec![]),
        user(2, Parent::Line(line(3)), None),
        device(1, Parent::Line(line(4))),
    ];
    let order = world.order(company, "PO-2", lines).await;
    let error = world.ask(&Command::Submit { order }).await.unwrap_err();
    let codes: Vec<&str> = error.reasons().iter().map(|reason| reason.code.as_str()).collect();
    assert!(codes.contains(&"not_enough_numbers") && codes.contains(&"mac_taken"), "{codes:?}");
    end(&world).await;
}

#[tokio::test]
async fn an_order_of_5000_users_is_carried_out() {
    let (world, reseller) = start().await;
    let company = world.company(reseller, "Acme").await;
    let mut lines = vec![company_line(10)];
    for n in 0..5 {
        let orderwire::domain::order::line::LineRequest::Site(mut site) =
            site_with(n, &format!("{}", 10 + n), vec![])
        else {
            unreachable!()
        };
        site.extension_length = 5;
        lines.push(orderwire::domain::order::line::LineRequest::Site(site));
    }
    lines.extend(
        (0..5_000).map(|n| user_at(n, &(20_000 + n).to_string(), Parent::Line(line(2 + n % 5)), None)),
    );
    let (order, _) = world.submitted(company, "PO-1", lines).await;
    world.settle().await;
    assert_eq!(world.state::<Order>(order).await.status(), OrderStatus::Completed);
    // An audit looks at the whole company after each of its commits, which is too much for one of this size.
    let company = world.state::<Company>(company).await;
    assert_eq!((company.assets().count(), company.open_orders().count()), (5_005, 0));
}

/// An event names no more numbers than can be read again, so what an order would bring is counted first.
#[tokio::test]
async fn an_order_that_brings_more_numbers_than_the_bound_is_refused_before_anything_is_made() {
    let (world, reseller) = start().await;
    let company = world.in_service(reseller, 1).await;
    // Twenty times as many as there are for drama, and twenty more that the company holds.
    let lines = (0..20).map(|_| port(port_of_range(0, 1_000, morning("2026-07-15")))).collect();
    let order = world.order(company, "PO-2", lines).await;
    let error = world.ask(&Command::Submit { order }).await.unwrap_err();
    let found = error.reasons().iter().find(|reason| reason.code == "numbers_out_of_bounds").unwrap();
    assert_eq!(found.expected.as_deref(), Some("at most 20000 numbers in all"));
    let made = |reason: &&_| matches!(reason, Reason { code, .. } if code.starts_with("port_"));
    assert_eq!(error.reasons().iter().find(made), None, "no port was drafted");
    end(&world).await;
}

#[tokio::test]
async fn a_number_named_by_two_port_lines_is_refused_naming_both() {
    let (world, reseller) = start().await;
    let company = world.in_service(reseller, 1).await;
    let same = || port(port_of(1, morning("2026-07-15")));
    let order = world.order(company, "PO-2", vec![same(), same()]).await;
    let error = world.ask(&Command::Submit { order }).await.unwrap_err();
    let found = error.reasons().iter().find(|reason| reason.code == "number_of_two_ports").unwrap();
    assert!(found.detail.contains("line 1 and by line 2"), "{found}");
    end(&world).await;
}

#[tokio::test]
async fn numbers_go_to_a_site_that_the_company_has() {
    let (world, reseller) = start().await;
    let company = world.in_service(reseller, 1).await;
    let state = world.state::<Company>(company).await;
    let (user, _) = state.assets().find(|(_, asset)| asset.plan.parent().is_some()).unwrap();
    let ported = PortLine { site: Some(user), ..port_of(1, morning("2026-07-15")) };
    let order = world.order(company, "PO-2", vec![numbers_for(search(1), user), port(ported)]).await;
    let error = world.refused(Command::Submit { order }, &["site_unknown", "site_unknown"]).await;
    let subjects: Vec<_> = error.reasons().iter().map(|reason| reason.subject.as_deref()).collect();
    assert_eq!(subjects, [Some("/lines/1/site"), Some("/lines/2/site")]);
    end(&world).await;
}

#[tokio::test]
async fn nobody_answers_the_cancellation_of_another_resellers_order() {
    let (world, reseller) = start().await;
    let company = world.company(reseller, "Acme").await;
    let (order, _) = world.submitted(company, "PO-1", new_company(1, 5)).await;
    let other = world.reseller(2).await;
    world.tell(order, OrderCommand::RequestCancellation { reason: None }).await;
    let answer = Command::AnswerCancellation { order };
    let error = world.engine.execute(&answer, &of(other), None).await.unwrap_err();
    assert_eq!(error.reasons()[0].code, "not_found");
    end(&world).await;
}

/// Sites and users were given their numbers at submit, so nothing that would move them is amended.
#[tokio::test]
async fn an_amendment_keeps_the_numbers_of_sites_and_users() {
    let world = World::open_with(&Store::memory().await, waiting_for(&[1])).await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    let (order, _) = world.submitted(company, "PO-1", new_company(1, 5)).await;
    let planned = |state: &Company, n| state.planned_for(order, line(n)).unwrap().1.clone();
    let before = world.state::<Company>(company).await;
    let amend =
        |n, request| Command::Order { order, command: OrderCommand::AmendLine { line: line(n), request } };

    world.refused(amend(1, company_line(20)), &["line_not_amendable"]).await;
    for (n, request) in [
        (2, numbers_line(search(6))),
        (3, site_with(1, "4001", vec![])),
        (4, user(1, Parent::Line(line(3)), None)),
    ] {
        let error = world.refused(amend(n, request), &["numbers_cannot_be_amended"]).await;
        assert_eq!(error.reasons()[0].expected.as_deref(), Some("cancel the line and order another"));
    }
    let renamed = user(2, Parent::Line(line(3)), Some(UserNumber::From(line(2))));
    world.done(amend(4, renamed)).await;
    world.done(amend(3, site(2, line(2)))).await;
    let state = world.state::<Company>(company).await;
    for n in [3, 4] {
        assert_ne!(planned(&state, n), planned(&before, n), "line {n} has another name");
        assert_eq!(planned(&state, n).numbers(), planned(&before, n).numbers(), "line {n}");
    }
    end(&world).await;
}

#[tokio::test]
async fn a_numbers_line_on_which_nobody_draws_keeps_the_numbers_that_still_fit() {
    let (world, reseller) = start().await;
    let company = world.in_service(reseller, 1).await;
    let reservation = world.reserve(company, leeds(100, 5)).await;
    let reserved = || NumberAsk::Reservation(reservation);
    let (order, _) =
        world.submitted(company, "PO-2", vec![numbers_line(reserved()), numbers_line(search(5))]).await;
    let amend =
        |n, request| Command::Order { order, command: OrderCommand::AmendLine { line: line(n), request } };
    let state = world.state::<Company>(company).await;
    let (site, _) = state.assets().find(|(_, asset)| asset.plan.parent().is_none()).unwrap();
    world.done(amend(1, numbers_for(reserved(), site))).await;
    let had = state.committed_to(order, line(2));
    for count in [3, 8] {
        world.done(amend(2, numbers_line(search(count)))).await;
        let has = world.state::<Company>(company).await.committed_to(order, line(2));
        assert_eq!(has.len(), count as usize);
        assert_eq!(has.intersection(&had).len(), 3, "the lowest stay, and only what is missing is taken");
    }
    assert_eq!(world.state::<Company>(company).await.committed_to(order, line(1)), leeds(100, 5));
    end(&world).await;
}

/// Running orders go on while a reseller or company is suspended, with what they were ordered with.
#[tokio::test]
async fn an_amendment_takes_nothing_more_for_whoever_is_suspended() {
    let world = World::open_with(&Store::memory().await, waiting_for(&[1])).await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.in_service(reseller, 1).await;
    let (site, _) =
        world.state::<Company>(company).await.assets().find(|(_, it)| it.plan.parent().is_none()).unwrap();
    let lines =
        vec![pbx(1, Parent::Asset(site)), trunk(1, Parent::Line(line(1)), 2), numbers_line(search(5))];
    let (order, _) = world.submitted(company, "PO-2", lines).await;
    let amend =
        |n, request| Command::Order { order, command: OrderCommand::AmendLine { line: line(n), request } };
    let reason = || orderwire::domain::testing::port_request::sealed("unpaid");
    let of_company = |command| Command::Company { company, command };
    let of_reseller = |command| Command::Reseller { reseller, command };
    let company_is = of_company(CompanyCommand::Suspend { reason: reason() });
    let reseller_is = of_reseller(ResellerCommand::Suspend { reason: reason() });
    for (suspend, resume, code) in [
        (company_is, of_company(CompanyCommand::Resume), "company_suspended"),
        (reseller_is, of_reseller(ResellerCommand::Resume), "reseller_not_active"),
    ] {
        world.done(suspend).await;
        for more in [
            amend(1, pbx(2, Parent::Asset(site))),
            amend(2, trunk(1, Parent::Line(line(1)), 3)),
            amend(3, numbers_line(search(6))),
        ] {
            world.refused(more, &[code]).await;
        }
        world.done(amend(2, trunk(1, Parent::Line(line(1)), 1))).await;
        world.done(amend(3, numbers_line(search(4)))).await;
        world.done(resume).await;
        world.done(amend(2, trunk(1, Parent::Line(line(1)), 2))).await;
        world.done(amend(3, numbers_line(search(5)))).await;
    }
    end(&world).await;
}

/// What somebody else took in the meantime is found out only by the commit, and still belongs to a line.
#[tokio::test]
async fn a_claim_lost_at_the_commit_names_its_line() {
    let (world, reseller) = start().await;
    let first = world.in_service(reseller, 1).await;
    let taken = world.state::<Company>(first).await.numbers().map(|(number, _)| number).take(1).collect();
    world.submitted(first, "PO-1", vec![port(port_of(1, morning("2026-07-15")))]).await;
    let second = world.in_service(reseller, 2).await;
    let state = world.state::<Company>(second).await;
    let (user, _) = state.assets().find(|(_, asset)| asset.plan.parent().is_some()).unwrap();
    let lines = vec![
        device(1, Parent::Asset(user)),
        numbers_line(NumberAsk::Numbers(taken)),
        port(port_of(1, morning("2026-07-15"))),
    ];
    for (n, wanted) in lines.into_iter().enumerate() {
        let order = world.order(second, &format!("PO-2-{n}"), vec![numbers_line(search(1)), wanted]).await;
        let error = world.ask(&Command::Submit { order }).await.unwrap_err();
        let subjects: Vec<_> = error.reasons().iter().map(|reason| reason.subject.as_deref()).collect();
        assert_eq!(subjects, [Some("/lines/2")], "{error}");
    }
    end(&world).await;
}

#[tokio::test]
async fn a_company_line_that_failed_lets_another_order_bring_the_company() {
    let fails = Script(|line: &StartedLine| match line.line.0 {
        1 => Provisioned::Later,
        _ => Provisioned::Done,
    });
    let world = World::open_with(&Store::memory().await, fails).await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    let lines = vec![company_line(10), port(port_of(1, morning("2026-07-15")))];
    let (order, _) = world.submitted(company, "PO-1", lines).await;
    let failure = LineFailure { code: "no_credit".into(), detail: "no credit".into() };
    world.tell(order, OrderCommand::Acknowledge).await;
    world.tell(order, OrderCommand::FailLine { line: line(1), failure }).await;
    let site = world.order(company, "PO-2", vec![site_with(1, "61", vec![])]).await;
    world.refused(Command::Submit { order: site }, &["company_line_missing"]).await;
    world.submitted(company, "PO-3", vec![company_line(20)]).await;
    end(&world).await;
}

#[tokio::test]
async fn a_claim_lost_by_an_amendment_names_its_line() {
    let world = World::open_with(&Store::memory().await, waiting_for(&[3])).await;
    let reseller = world.reseller(1).await;
    world.leeds().await;
    let company = world.company(reseller, "Acme").await;
    let (order, _) = world.submitted(company, "PO-1", new_company(1, 5)).await;
    world.settle().await;
    world.submitted(world.company(reseller, "Beta").await, "PO-2", new_company(2, 5)).await;
    let request = device(2, Parent::Line(line(4)));
    let amend = Command::Order { order, command: OrderCommand::AmendLine { line: line(5), request } };
    let error = world.refused(amend, &["mac_taken"]).await;
    assert_eq!(error.reasons()[0].subject.as_deref(), Some("/lines/5"));
    end(&world).await;
}

/// What happens to a company and not to one of its orders or ports, its reseller is told as well.
#[tokio::test]
async fn a_reseller_is_told_that_numbers_moved_on_and_that_a_company_was_suspended() {
    let (world, reseller) = start().await;
    let company = world.in_service(reseller, 1).await;
    let numbers = leeds(15, 2);
    world.done(Command::PortOut { numbers: numbers.clone(), message: "out-1".parse().unwrap() }).await;
    let reason = orderwire::domain::testing::port_request::sealed("unpaid");
    for command in [CompanyCommand::Suspend { reason }, CompanyCommand::Resume] {
        world.done(Command::Company { company, command }).await;
    }
    world.settle().await;
    let told = notices::all(&world.engine).await;
    let last = &told[told.len() - 3..];
    let types: Vec<_> = last.iter().map(|notice| notice.notice_type).collect();
    assert_eq!(
        types,
        [NoticeType::NumbersPortedOut, NoticeType::CompanySuspended, NoticeType::CompanyResumed]
    );
    assert_eq!(
        (last[0].data.company.as_ref().map(|it| it.company), last[0].data.numbers.clone()),
        (Some(company), Some(numbers))
    );
    assert!(last.iter().all(|notice| notice.subject == company.to_string()));
    end(&world).await;
}

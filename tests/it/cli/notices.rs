//! What resellers are told, as an operator looks at it.

use orderwire::{
    domain::views::notices::NOTICE,
    engine::log::RowChange,
    stores::{self, Migrate},
};
use serde_json::{Value, json};

use super::{Desk, new_company};

fn kinds(told: &Value) -> Vec<&str> {
    told.as_array().unwrap().iter().map(|notice| notice["type"].as_str().unwrap()).collect()
}

#[test]
fn what_was_told_is_shown_and_proved_whole() {
    let desk = Desk::ready();
    desk.write("order.json", new_company().to_string());
    desk.done(&["--auto-provision", "orders", "submit", "order.json"]);
    let told = desk.json(&["notices", "tail", "--reseller", "R100"]);
    let line = "order.line_completed";
    assert_eq!(kinds(&told), ["order.acknowledged", line, line, line, line, line, "order.completed"]);
    assert_eq!(desk.json(&["notices", "tail"]), told);
    let rest = desk.json(&["notices", "tail", "--reseller", "R100", "--after", "5"]);
    assert_eq!(kinds(&rest), [line, "order.completed"]);
    assert_eq!(desk.json(&["notices", "verify"]), json!({ "notices": 7, "resellers": 1, "orders": 1 }));
    desk.refused(3, &["notices", "tail", "--reseller", "R9"], &["not_found"]);
    desk.refused(2, &["--as", "R100", "notices", "verify"], &["--as"]);

    let lost = told[3]["notice"].as_str().unwrap().to_owned();
    let store = desk.store().display().to_string();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let log = stores::open(&store, Migrate::No).await.unwrap();
        log.change_rows(&[RowChange::Delete(&NOTICE, lost)], None).await.unwrap();
        log.close().await;
    });
    let broken = desk.run(&["notices", "verify"]);
    assert_ne!(broken.code, 0);
    assert!(broken.err.contains("has the number 5, and 4 would be next"), "{}", broken.err);
}

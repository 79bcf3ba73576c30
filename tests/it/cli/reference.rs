//! Reference data on the command line: files loaded, refused and looked up, and what orders make of it.

use serde_json::json;

use super::*;

const ADDRESSES: &str = "key,qualifier,number,street,town,postcode\n\
                         A00000000001,gold,1,Larkspur Street,Leeds,LS1 4AP\n\
                         A00000000002,silver,2,Larkspur Street,Leeds,LS1 4AP\n";
const BLOCKS: &str = "NMS Number Block: Number Block,Block Status,CP Name,Geographic Number Length\n\
                      1134 96,Allocated,Example Telecom,3+7\n2079 46,Allocated,Capital Voice,2+8\n";

#[test]
fn addresses_are_loaded_searched_and_shown() {
    let desk = Desk::ready();
    let sample = desk.run(&["addresses", "search", "--postcode", "LS1"]);
    assert!(sample.err.contains("invented"), "{}", sample.err);
    desk.write("addresses.csv", ADDRESSES);
    let loaded = desk.json(&["addresses", "load", "addresses.csv"]);
    assert_eq!((&loaded[0]["state"], &loaded[0]["files"][0]["rows"]), (&json!("loaded"), &json!(2)));
    assert_eq!(desk.json(&["addresses", "loads"]), loaded);
    golden("addresses-search.txt", &desk.done(&["addresses", "search", "--postcode", "ls1 4ap"]));
    assert_eq!(desk.json(&["addresses", "search", "--text", "lark 2"])[0]["key"], "A00000000002");
    assert_eq!(desk.json(&["addresses", "show", "A00000000001"])["street"], "Larkspur Street");
    desk.refused(3, &["addresses", "show", "A00000000009"], &["A00000000009"]);
    desk.refused(2, &["addresses", "search", "--text", "l"], &["at least 3 letters"]);
    desk.refused(2, &["--as", "R100", "addresses", "load", "addresses.csv"], &["carrier"]);
    desk.refused(2, &["addresses", "load", "missing.csv"], &["missing.csv"]);
}

#[test]
fn a_file_with_bad_rows_ends_as_a_refusal_that_names_line_column_and_rule() {
    let desk = Desk::ready();
    desk.write("bad.csv", format!("{ADDRESSES}A00000000003,gold,3,Larkspur Street,Leeds,LS14\n"));
    let ran = desk.run(&["addresses", "load", "bad.csv"]);
    assert_eq!(ran.code, 3);
    assert!(ran.err.contains("bad.csv, line 4, postcode") && ran.err.contains("[postcode_"), "{}", ran.err);
    assert_eq!(desk.json(&["addresses", "search", "--postcode", "LS1 4AP"]).as_array().unwrap().len(), 2);

    desk.write("bad-blocks.csv", format!("{BLOCKS}11x4,Allocated,Example Telecom,3+7\n"));
    let ran = desk.run(&["numbering", "load", "bad-blocks.csv"]);
    assert_eq!(ran.code, 3);
    assert!(
        ran.err.contains("bad-blocks.csv, line 4") && ran.out.contains("refused"),
        "{}{}",
        ran.err,
        ran.out
    );
    assert_eq!(desk.run(&["numbering", "load", "--keep-going", "bad-blocks.csv"]).code, 3);
    desk.refused(3, &["numbering", "load", "bad.csv"], &["the columns are: key, qualifier"]);
}

#[test]
fn a_portability_check_says_of_each_number_whether_and_when() {
    let desk = Desk::ready();
    desk.write("blocks.csv", BLOCKS);
    desk.write("providers.csv", "provider,cupid\nCAPITAL VOICE,044\n");
    desk.done(&["numbering", "load", "blocks.csv", "--providers", "providers.csv"]);
    let asked = ["numbering", "check", "020 7946 0001", "0113 496 0001", "01204 600000", "07700 900123"];
    let checked = desk.json(&asked);
    assert_eq!(checked[1]["verdict"]["not_portable"]["reason"], "already_here");
    assert_eq!(checked[2]["verdict"]["not_portable"]["reason"], "unknown_range");
    assert_eq!(checked[0]["verdict"]["portable"]["class_hint"], "single_line");
    assert_eq!(checked[0]["range"]["holder"], json!({ "name": "Capital Voice", "cupid": "044" }));
    assert_eq!(checked[3]["reason"], "outside_product");

    // A port that leaves the range holder out gets it from there.
    let mut order = single_line_port(working_day(15));
    order["lines"][0].as_object_mut().unwrap().remove("range_holder");
    desk.write("port.json", order.to_string());
    desk.done(&["orders", "submit", "port.json"]);
    assert_eq!(desk.json(&["port-requests", "list"])[0]["range_holder"], "044");
    assert_eq!(desk.json(&asked)[0]["verdict"]["not_portable"]["reason"], "open_request");
    order["reference"] = json!("PORT-2");
    order["lines"][0]["main_number"] = json!("01204 600000");
    desk.write("port.json", order.to_string());
    desk.refused(3, &["orders", "submit", "port.json"], &["/lines/0/range_holder", "range_holder_unknown"]);
}

#[test]
fn an_entered_address_goes_into_an_order_and_is_replaced_without_losing_what_it_was() {
    let desk = Desk::ready();
    let enter = ["--as", "R100", "addresses", "enter", "--line", "The Signal Box", "--postcode", "LS1 4AP"];
    let entered = desk.json(&enter);
    assert_eq!((&entered["qualifier"], &entered["lines"]), (&json!("bronze"), &json!(["The Signal Box"])));
    let key = entered["key"].as_str().unwrap();
    let mut order = new_company();
    order["lines"][2]["address"] = json!({ "known": key });
    desk.write("order.json", order.to_string());
    desk.done(&["--auto-provision", "orders", "submit", "order.json"]);
    let site = || {
        let shown = desk.json(&["companies", "show", "acme.example"]);
        let assets = shown["assets"].as_array().unwrap().clone();
        assets.into_iter().find(|asset| asset["plan"]["site"].is_object()).unwrap()
    };
    let before = site();
    assert_eq!(before["plan"]["site"]["address"]["entered"]["lines"], "The Signal Box");

    let asset = before["asset"].as_str().unwrap();
    let replace =
        |by| ["companies", "replace-address", "acme.example", "--asset", asset, "--by", by].to_vec();
    desk.refused(3, &replace("A99999999999"), &["address_not_known"]);
    desk.done(&replace("A00000000001"));
    assert_eq!(site()["plan"]["site"]["address"], json!({ "known": "A00000000001" }));
    desk.refused(3, &replace("A00000000002"), &["address_not_entered"]);
    let company = before["company"].as_str().unwrap();
    let history = desk.done(&["--format", "jsonl", "history", company]);
    assert!(history.contains("AddressReplaced") && history.contains("The Signal Box"), "{history}");

    let replaced = desk.json(&["--as", "R100", "addresses", "replace", key, "--by", "A00000000001"]);
    assert_eq!(replaced["replaced_by"], "A00000000001");
    order["reference"] = json!("PO-2");
    order["company"] = json!({ "name": "Other Ltd", "domain": "other.example" });
    order["lines"][2]["address"] = json!({ "known": "T00000000001" });
    desk.write("order.json", order.to_string());
    desk.refused(3, &["orders", "submit", "order.json"], &["/lines/2/address/known", "address_unknown"]);
}

#[test]
fn places_with_stock_and_what_the_rules_say_are_listed() {
    let desk = Desk::ready();
    assert_eq!(
        desk.json(&["stock", "places"]),
        json!([{ "area": "0113", "place": "Leeds", "numbers": 1000, "free": 1000 }])
    );
    golden("rules-lead-times.txt", &desk.done(&["rules", "lead-times"]));
    golden("rules-rejections.txt", &desk.done(&["rules", "rejections"]));
}

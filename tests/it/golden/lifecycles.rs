//! The diagrams in `docs/lifecycles` are drawn from the tables that decide.

use orderwire::domain::{
    company::Company, decider::Decider, number_block::NumberBlock, order::Order, port_request::PortRequest,
    reseller::Reseller, webhook::Webhook,
};

use super::{bless, path};

fn page<D: Decider>() -> String {
    let name = D::KIND.word().replace('_', " ");
    let mut text = format!(
        "# The lifecycle of a{} {name}\n\nDrawn from its table in `domain/src/{}/lifecycle.rs` by a test; not edited by hand. \
         Whatever has no row here is refused.\n\n```mermaid\n{}```\n\n| from | command | event | to |\n|---|---|---|---|\n",
        if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "n" } else { "" },
        D::KIND.word(),
        D::LIFECYCLE.to_mermaid(D::default().status()),
    );
    for step in D::LIFECYCLE.0 {
        let words: [&str; 4] = [step.from.into(), step.action.into(), step.event.into(), step.to.into()];
        text.push_str("| ");
        text.push_str(&words.join(" | "));
        text.push_str(" |\n");
    }
    text
}

#[test]
fn the_diagrams_are_those_of_the_tables() {
    let pages = [
        ("order", page::<Order>()),
        ("company", page::<Company>()),
        ("port_request", page::<PortRequest>()),
        ("number_block", page::<NumberBlock>()),
        ("reseller", page::<Reseller>()),
        ("webhook", page::<Webhook>()),
    ];
    for (name, text) in pages {
        let path = path(&format!("docs/lifecycles/{name}.md"));
        // Unlike what is stored, a document follows the code.
        if bless() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let drawn = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(drawn == text, "docs/lifecycles/{name}.md is old; ORDERWIRE_BLESS=1 draws it again");
    }
}

//! Views have words of their own for where something is. They must be the words of the lifecycles.

use strum::VariantArray;

use super::super::{
    company_directory::CompanyStage, order_status::OrderStage, port_diary::PortStage, webhooks::WebhookStage,
};
use crate::{
    company::CompanyStatus,
    decider::Decider,
    lifecycle::Word,
    order::{Order, OrderStatus},
    port_request::PortStatus,
    webhook::WebhookStatus,
};

fn words<W: VariantArray + Copy + Into<&'static str>>() -> Vec<&'static str> {
    W::VARIANTS.iter().map(|word| (*word).into()).collect()
}

/// The words of a lifecycle without those that no row shows.
fn shown<S: Word>(unseen: &[S]) -> Vec<&'static str> {
    S::VARIANTS.iter().filter(|status| !unseen.contains(status)).map(|status| (*status).into()).collect()
}

fn sorted(mut words: Vec<&'static str>) -> Vec<&'static str> {
    words.sort_unstable();
    words
}

#[test]
fn a_view_has_exactly_the_words_of_the_lifecycle() {
    assert_eq!(sorted(words::<OrderStage>()), sorted(shown(&[OrderStatus::New])));
    assert_eq!(sorted(words::<PortStage>()), sorted(shown(&[PortStatus::New])));
    assert_eq!(sorted(words::<WebhookStage>()), sorted(shown(&[WebhookStatus::New])));
    // That a company was erased stands beside how it ended.
    assert_eq!(sorted(words::<CompanyStage>()), sorted(shown(&[CompanyStatus::New, CompanyStatus::Erased])));
}

#[test]
fn a_view_says_that_an_order_has_ended_where_its_lifecycle_does() {
    for stage in OrderStage::VARIANTS {
        let word: &str = stage.into();
        let status =
            OrderStatus::VARIANTS.iter().find(|status| word == Into::<&str>::into(**status)).unwrap();
        assert_eq!(stage.is_terminal(), Order::LIFECYCLE.is_terminal(*status), "{word}");
    }
}

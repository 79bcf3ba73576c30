//! References that systems and contracts give: exact, made of plain characters.

use crate::invalid::Invalid;
use crate::text::{at_most, is_unprintable, made_of, text_value, unexpected};

/// Longest order reference, in characters.
pub const ORDER_REFERENCE_MAX: usize = 80;
/// Longest reseller id, CUG id or sales tag.
pub const RESELLER_ID_MAX: usize = 40;
/// Length of a CUPID.
pub const CUPID_LEN: usize = 3;
/// Longest id of a message from a supplier.
pub const MESSAGE_ID_MAX: usize = 128;
/// Longest reference of a legal hold.
pub const HOLD_REFERENCE_MAX: usize = 80;
/// Longest id of whoever wants something.
pub const ACTOR_ID_MAX: usize = 80;
/// Longest product code.
pub const PRODUCT_CODE_MAX: usize = 60;

text_value! {
    /// The reseller's own reference of an order, compared exactly.
    OrderReference <- order_reference
}

text_value! {
    /// The id by which a reseller is known to the carrier.
    ResellerCode <- |text| reseller_id("reseller_id", text)
}

text_value! {
    /// The reseller's own customer id with the carrier.
    CugId <- |text| reseller_id("cug_id", text)
}

text_value! {
    /// The tag under which a reseller's sales are counted.
    SalesTag <- |text| reseller_id("sales_tag", text)
}

text_value! {
    /// The three digits that identify a communications provider.
    Cupid <- |text| made_of("cupid", text, (CUPID_LEN, CUPID_LEN), |c| c.is_ascii_digit(), "three digits")
}

text_value! {
    /// The id that the sender gave to a message; the same id never takes effect twice.
    MessageId <- |text| {
        let expected = "1 to 128 printable ASCII characters without spaces";
        made_of("message_id", text, (1, MESSAGE_ID_MAX), |c| c.is_ascii_graphic(), expected)
    }
}

text_value! {
    /// The reference of a legal hold, such as the number of a case: what it is about, and never whom.
    HoldReference <- |text| {
        let expected = "1 to 80 printable ASCII characters without spaces";
        made_of("hold_reference", text, (1, HOLD_REFERENCE_MAX), |c| c.is_ascii_graphic(), expected)
    }
}

text_value! {
    /// The opaque id of whoever wants something; never a name.
    ActorId <- |text| {
        let expected = "1 to 80 printable ASCII characters without spaces";
        made_of("actor_id", text, (1, ACTOR_ID_MAX), |c| c.is_ascii_graphic(), expected)
    }
}

text_value! {
    /// The code of a licence, add-on or device model, such as `voice_standard`.
    ProductCode <- product_code
}

macro_rules! ascii_key {
    ($($name:ident)*) => {$(
        impl $name {
            /// The form compared: two ids that differ only in case would be mistaken for each other.
            pub fn key(&self) -> String {
                self.as_str().to_ascii_lowercase()
            }
        }
    )*};
}

ascii_key!(ResellerCode CugId SalesTag);

impl OrderReference {
    /// The form compared, which is the value itself.
    pub fn key(&self) -> String {
        self.to_string()
    }
}

/// Kept exactly, so spaces around it are refused, not removed.
fn order_reference(text: &str) -> Result<String, Invalid> {
    const EXPECTED: &str = "1 to 80 printable characters without spaces around them";
    if text.is_empty() {
        return Err(Invalid::new("order_reference_empty", "the reference is empty", EXPECTED));
    }
    at_most("order_reference", text, ORDER_REFERENCE_MAX)?;
    if text.trim() != text {
        return Err(Invalid::new(
            "order_reference_spaces",
            "there are spaces around the reference",
            EXPECTED,
        ));
    }
    match text.chars().find(|c| is_unprintable(*c)) {
        Some(c) => Err(unexpected("order_reference", c, EXPECTED)),
        None => Ok(text.to_owned()),
    }
}

fn reseller_id(what: &str, text: &str) -> Result<String, Invalid> {
    const EXPECTED: &str = "1 to 40 letters, digits, dots, underscores and hyphens, a letter or digit first";
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let id = made_of(what, text, (1, RESELLER_ID_MAX), allowed, EXPECTED)?;
    // Ids appear in paths and file names, where `..` and `-x` mean something else.
    match id.chars().next().filter(|c| !c.is_ascii_alphanumeric()) {
        Some(first) => Err(unexpected(what, first, EXPECTED)),
        None => Ok(id),
    }
}

fn product_code(text: &str) -> Result<String, Invalid> {
    const EXPECTED: &str = "1 to 60 of a-z, 0-9 and underscore, a letter first";
    let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '_');
    let code = made_of("product_code", text, (1, PRODUCT_CODE_MAX), allowed, EXPECTED)?;
    match code.chars().next().filter(|c| !c.is_ascii_lowercase()) {
        Some(first) => Err(unexpected("product_code", first, EXPECTED)),
        None => Ok(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_reference_is_kept_exactly() {
        assert_eq!(OrderReference::parse("PO  17/b").unwrap().key(), "PO  17/b");
        assert_eq!(OrderReference::parse(" PO").unwrap_err().code, "order_reference_spaces");
        assert_eq!(OrderReference::parse("").unwrap_err().code, "order_reference_empty");
    }

    #[test]
    fn ids_are_plain() {
        assert_eq!(ResellerCode::parse("Acme-1").unwrap().key(), "acme-1");
        assert_eq!(CugId::parse("..").unwrap_err().code, "cug_id_character");
        assert_eq!(SalesTag::parse("").unwrap_err().code, "sales_tag_too_short");
        assert_eq!(Cupid::parse("12").unwrap_err().code, "cupid_too_short");
        assert_eq!(Cupid::parse("1234").unwrap_err().code, "cupid_too_long");
        assert_eq!(HoldReference::parse("case 7").unwrap_err().code, "hold_reference_character");
        assert_eq!(ActorId::parse("").unwrap_err().code, "actor_id_too_short");
        assert_eq!(MessageId::parse("a b").unwrap_err().code, "message_id_character");
        assert_eq!(ProductCode::parse("1st").unwrap_err().code, "product_code_character");
    }
}

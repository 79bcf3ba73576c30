//! Texts with a grammar as the document has them: ids, names, numbers, codes.
//!
//! A pattern says what its parser would refuse for its form. Deliberately absent: what only a parser can say, such as which
//! area codes exist; that is answered by a 422. Nothing here is ever made; only its schema is asked for.

use std::borrow::Cow;

use orderwire_domain::{
    ids,
    names::{
        COMPANY_NAME_MAX, CUPID_LEN, DOMAIN_MAX, EXTENSION_MAX, EXTENSION_MIN, FREE_TEXT_MAX,
        HOLD_REFERENCE_MAX, LOCATION_CODE_MAX, MESSAGE_ID_MAX, ORDER_REFERENCE_MAX, PBX_NAME_MAX,
        PERSON_NAME_MAX, PRODUCT_CODE_MAX, RESELLER_ID_MAX, SITE_NAME_MAX, TRUNK_NAME_MAX,
        USERNAME_LOCAL_MAX,
    },
    number::NUMBER_TEXT_MAX,
    webhook::values::{ENDPOINT_URL_MAX, WEBHOOK_DESCRIPTION_MAX},
};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr, Schema,
        schema::{ObjectBuilder, Type},
    },
};

pub use super::order_operations::CODE_MAX;
use crate::{
    edge::{
        document::LINE_ID_MAX,
        lines::{ADDRESS_LINE_MAX, PERSONAL_MAX},
    },
    engine::provenance::ACTOR_MAX,
};

/// What no text may have: controls, but for line ends, and what is invisible or turns the direction of the text.
const HIDDEN: &str = "\\u0000-\\u0009\\u000b-\\u001f\\u007f-\\u009f\\u00ad\\u061c\\u180e\\u200b-\\u200f\\u2028-\\u202e\
                      \\u2060-\\u206f\\ufeff\\ufff9-\\ufffb\u{e0000}-\u{e007f}";

/// An address without a user, a fragment, or a character that addresses do not have.
const ENDPOINT_URL: &str = r"^https?://[!$-.0-;=A-\[\]^_a-~]+(?:[/?][!$-;=?-\[\]^_a-~]*)?$";

/// Longest name of a command.
pub const COMMAND_MAX: usize = 80;

/// What a text may be.
struct Grammar {
    min: usize,
    max: usize,
    pattern: String,
}

fn grammar(min: usize, max: usize, pattern: impl Into<String>) -> Grammar {
    Grammar { min, max, pattern: pattern.into() }
}

fn id(prefix: &str) -> Grammar {
    let len = prefix.len() + 32;
    grammar(len, len, format!("^{prefix}[0-9a-f]{{32}}$"))
}

/// One line of visible text.
fn line(max: usize) -> Grammar {
    grammar(1, max, format!("^[^{HIDDEN}\\n]*[^{HIDDEN}\\s][^{HIDDEN}\\n]*$"))
}

/// Visible text of several lines.
fn lines(max: usize) -> Grammar {
    grammar(1, max, format!("^(?:[^{HIDDEN}]|\\r\\n)*[^{HIDDEN}\\s](?:[^{HIDDEN}]|\\r\\n)*$"))
}

fn digits(min: usize, max: usize) -> Grammar {
    grammar(min, max, "^[0-9]+$")
}

fn reseller_id() -> Grammar {
    grammar(1, RESELLER_ID_MAX, "^[A-Za-z0-9][A-Za-z0-9._-]*$")
}

macro_rules! texts {
    ($(#[doc = $about:literal] $name:ident = $grammar:expr, $example:literal;)*) => {
        $(
            #[doc = $about]
            #[derive(Debug)]
            pub enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    let Grammar { min, max, pattern } = $grammar;
                    let text = ObjectBuilder::new().schema_type(Type::String).description(Some($about.trim()));
                    let text = text.min_length(Some(min)).max_length(Some(max)).pattern(Some(pattern));
                    text.examples([$example]).into()
                }
            }

            impl ToSchema for $name {
                fn name() -> Cow<'static, str> {
                    Cow::Borrowed(stringify!($name))
                }
            }
        )*

        /// Every one of them, by its name among the schemas.
        pub fn all() -> Vec<(&'static str, RefOr<Schema>)> {
            vec![$((stringify!($name), $name::schema())),*]
        }
    };
}

texts! {
    /// The id of an order.
    OrderId = id(ids::OrderId::PREFIX), "ord_01890a5d000070008000000000000001";
    /// The id of a company: its service reference.
    CompanyId = id(ids::CompanyId::PREFIX), "com_01890a5d000070008000000000000001";
    /// The id of a port request.
    PortRequestId = id(ids::PortRequestId::PREFIX), "prt_01890a5d000070008000000000000001";
    /// The id of a block of the carrier's numbers.
    NumberBlockId = id(ids::NumberBlockId::PREFIX), "blk_01890a5d000070008000000000000001";
    /// The id of a reseller.
    ResellerId = id(ids::ResellerId::PREFIX), "rsl_01890a5d000070008000000000000001";
    /// The id of a reservation or ring-fence.
    ReservationId = id(ids::ReservationId::PREFIX), "rsv_01890a5d000070008000000000000001";
    /// The id of what a company has: its service id.
    AssetId = id(ids::AssetId::PREFIX), "ast_01890a5d000070008000000000000001";
    /// The id of a webhook.
    WebhookId = id(ids::WebhookId::PREFIX), "whk_01890a5d000070008000000000000001";
    /// The id of a notice.
    NoticeId = id(ids::NoticeId::PREFIX), "ntf_01890a5d000070008000000000000001";
    /// The address of an endpoint, without a user and without a fragment.
    EndpointUrl = grammar(9, ENDPOINT_URL_MAX, ENDPOINT_URL), "https://hooks.example/orderwire";
    /// What a webhook is for, in a few words; empty where nobody says.
    WebhookDescription = grammar(0, WEBHOOK_DESCRIPTION_MAX, format!("^[^{HIDDEN}\\n]*$")), "our order desk";
    /// The key of an address: `A` or `R` and 11 digits from the carrier, `T` and 11 digits where it was entered by hand.
    AddressKey = grammar(12, 12, "^[ART][0-9]{11}$"), "A00000000001";
    /// A UK postcode.
    Postcode = grammar(5, 10, "^[A-Za-z0-9 ]+$"), "LS1 4AP";
    /// A UK telephone number in any usual notation; it is shown as +44 and digits.
    TelephoneNumber = grammar(9, NUMBER_TEXT_MAX, "^[0-9 .()+-]+$"), "020 7946 0123";
    /// A UK telephone number, or a range: its last digits, or its last number, after a hyphen.
    NumberRange = grammar(9, NUMBER_TEXT_MAX * 2 + 1, "^[0-9 .()+–-]+$"), "0113 496 0100-0119";
    /// The leading digits of a number that name its place.
    AreaCode = grammar(2, 12, "^ *(?:[+]44|0)?[0-9]{2,5} *$"), "0113";
    /// The CUPID of a communications provider.
    Cupid = digits(CUPID_LEN, CUPID_LEN), "205";
    /// The id by which a reseller is known to the carrier.
    ResellerCode = reseller_id(), "R100";
    /// A reseller's own customer id.
    CugId = reseller_id(), "CUG100";
    /// The tag under which a reseller's sales are counted.
    SalesTag = reseller_id(), "TAG100";
    /// A reseller's own reference of an order, without spaces around it.
    OrderReference = grammar(1, ORDER_REFERENCE_MAX,
        format!("^[^{HIDDEN}\\s](?:[^{HIDDEN}\\n]*[^{HIDDEN}\\s])?$")), "PO-2027-001";
    /// The id that its sender gave a message.
    MessageId = grammar(1, MESSAGE_ID_MAX, "^[!-~]+$"), "205-4711";
    /// The reference of a legal hold.
    HoldReference = grammar(1, HOLD_REFERENCE_MAX, "^[!-~]+$"), "case-7";
    /// The code of a licence, add-on or device model.
    ProductCode = grammar(1, PRODUCT_CODE_MAX, "^[a-z][a-z0-9_]*$"), "voice_standard";
    /// The name of a company; names that differ in case and spacing only are one.
    CompanyName = line(COMPANY_NAME_MAX), "Acme Ltd";
    /// An internet domain of at least two labels, none of them internationalised.
    Domain = grammar(3, DOMAIN_MAX, "^[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)+$"), "acme.example";
    /// The name of a site, or of a place.
    SiteName = line(SITE_NAME_MAX), "Leeds";
    /// The name of a PBX.
    PbxName = line(PBX_NAME_MAX), "Cellar";
    /// The name of a trunk.
    TrunkName = line(TRUNK_NAME_MAX), "Main";
    /// The digits dialled before an extension to reach another site.
    LocationCode = digits(1, LOCATION_CODE_MAX), "45";
    /// The digits dialled to reach a user of the same site; no emergency or operator number.
    Extension = digits(EXTENSION_MIN, EXTENSION_MAX), "201";
    /// A given name or a family name.
    PersonName = line(PERSON_NAME_MAX), "Ada";
    /// The part of a username before the `@`.
    Username = grammar(1, USERNAME_LOCAL_MAX, "^[a-z0-9_-]+(?:\\.[a-z0-9_-]+)*$"), "ada";
    /// A MAC address, bare or in the usual groups.
    MacAddress = grammar(12, 17, "^[0-9A-Fa-f:.-]+$"), "00:15:65:00:00:01";
    /// What somebody says in their own words.
    FreeText = lines(FREE_TEXT_MAX), "the customer stays where it is";
    /// One line of personal data; kept sealed.
    PersonalText = line(PERSONAL_MAX), "Rosalind Finch";
    /// One line of an address as it is written on a letter.
    AddressLine = line(ADDRESS_LINE_MAX), "Station Approach";
    /// A reseller's own name of a line, unique in its document.
    LineId = line(LINE_ID_MAX), "leeds";
    /// A day.
    Day = grammar(10, 10, "^2[0-9]{3}-[0-9]{2}-[0-9]{2}$"), "2027-02-09";
    /// A time of day.
    TimeOfDay = grammar(5, 5, "^(?:[01][0-9]|2[0-3]):[0-5][0-9]$"), "09:00";
    /// What happened, without personal data.
    Detail = line(super::order_operations::DETAIL_MAX), "there is no cable to the site";
    /// The id of an order, company, port request, number block, reseller or webhook.
    ResourceId = grammar(36, 36, "^(?:ord|com|prt|blk|rsl|whk)_[0-9a-f]{32}$"), "ord_01890a5d000070008000000000000001";
    /// An opaque id of whoever asks; of an API key its id.
    ActorId = grammar(1, ACTOR_MAX, "^[!-~]+$"), "operator";
    /// What is asked of the engine: a kind of thing, and what is to be done to it.
    CommandName = grammar(3, COMMAND_MAX, "^[a-z0-9_]+[.][a-z0-9_]+$"), "order.submit";
    /// A stable word.
    Code = grammar(1, CODE_MAX, "^[a-z0-9_]+$"), "address_unserviceable";
}

#[cfg(test)]
mod tests {
    use orderwire_domain::webhook::values::EndpointUrl as ParsedUrl;
    use proptest::{prelude::*, string::string_regex};

    use super::ENDPOINT_URL;

    proptest! {
        #[test]
        fn what_the_pattern_calls_an_address_has_the_form_of_one(
            text in string_regex(ENDPOINT_URL.trim_start_matches('^').trim_end_matches('$')).unwrap()
        ) {
            prop_assert!(ParsedUrl::parse(&text).is_ok(), "{text}: {:?}", ParsedUrl::parse(&text));
        }
    }
}

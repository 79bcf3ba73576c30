//! What things are called: names that people choose, and references that systems give.
//!
//! Where two spellings count as one, the value has a `key()`, and the key is what a claim holds.
//! Absent: whether a name is free. A verify answer is advice; only a claim decides.

mod mac;
mod people;
mod places;
mod references;

pub use mac::MacAddress;
pub use people::{
    FREE_TEXT_MAX, FreeText, PERSON_NAME_MAX, PersonNamePart, USERNAME_LOCAL_MAX, UsernameLocal,
};
pub use places::{
    COMPANY_NAME_MAX, CompanyName, DOMAIN_MAX, Domain, EXTENSION_MAX, EXTENSION_MIN, Extension,
    LOCATION_CODE_MAX, LocationCode, PBX_NAME_MAX, PbxName, SITE_NAME_MAX, SiteName, TRUNK_NAME_MAX,
    TrunkName,
};
pub use references::{
    ACTOR_ID_MAX, ActorId, CUPID_LEN, CugId, Cupid, HOLD_REFERENCE_MAX, HoldReference, MESSAGE_ID_MAX,
    MessageId, ORDER_REFERENCE_MAX, OrderReference, PRODUCT_CODE_MAX, ProductCode, RESELLER_ID_MAX,
    ResellerCode, SalesTag,
};

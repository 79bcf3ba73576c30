//! What shares +44 with this product's numbers and is none of them.

use crate::invalid::Invalid;

#[rustfmt::skip]
const OUTSIDE: [(&str, &str, &str); 19] = [
    ("1534", "number_jersey", "Jersey has its own numbering"),
    ("1481", "number_guernsey", "Guernsey has its own numbering"),
    ("1624", "number_isle_of_man", "the Isle of Man has its own numbering"),
    ("4", "number_range_unused", "04 is not in use"),
    ("55", "number_corporate", "055 is a corporate number"),
    ("56", "number_location_independent", "056 is a location-independent number"),
    ("5", "number_range_unused", "05 other than 055 and 056 is not in use"),
    ("6", "number_range_unused", "06 is not in use"),
    ("70", "number_personal", "070 is a personal number"),
    ("76", "number_pager", "076 is a pager or an island mobile"),
    ("7", "number_mobile", "07 is a mobile number"),
    ("81", "number_range_unused", "081 is not in use"),
    ("82", "number_range_unused", "082 is not in use"),
    ("83", "number_range_unused", "083 is not in use"),
    ("85", "number_range_unused", "085 is not in use"),
    ("86", "number_range_unused", "086 is not in use"),
    ("88", "number_range_unused", "088 is not in use"),
    ("89", "number_range_unused", "089 is not in use"),
    ("9", "number_premium", "09 is a premium-rate number"),
];

/// Refuses what shares +44 but is no number of this product, each kind with a code of its own.
pub(super) fn refuse_outside(nsn: &str) -> Result<(), Invalid> {
    match OUTSIDE.iter().find(|(prefix, ..)| nsn.starts_with(prefix)) {
        Some((_, code, detail)) => {
            Err(Invalid::new(code, *detail, "a number beginning 01, 02, 03, 080, 084 or 087"))
        }
        None => Ok(()),
    }
}

/// Whether a number was refused because it is of a kind that this product does not have, and not because it is no number.
pub fn is_outside_product(code: &str) -> bool {
    let kinds = OUTSIDE.iter().map(|(_, code, _)| *code).filter(|code| *code != "number_range_unused");
    kinds.chain(["number_not_uk"]).any(|kind| kind == code)
}

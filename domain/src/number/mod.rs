//! Telephone numbers of the UK plan: one number, its area code, a range, a set.
//!
//! Absent: whether a number is allocated, in service or portable. The plan says only what a number can look like.

mod area;
mod outside;
mod range;
mod set;
mod telephone;

pub use area::AreaCode;
pub use outside::is_outside_product;
pub use range::{NUMBER_RANGE_MAX, NumberRange};
pub use set::{NUMBER_SET_MAX, NumberSet};
pub use telephone::{NUMBER_TEXT_MAX, TelephoneNumber};

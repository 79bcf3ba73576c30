//! Read models as pure folds over facts.

pub mod table;
pub mod fold;
pub mod overlay;

pub mod order_status;
pub mod port_diary;
pub mod number_availability;
pub mod company_directory;
pub mod name_directory;

#[cfg(feature = "testing")]
pub mod memory;

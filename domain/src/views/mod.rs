//! Read models as pure folds over facts.

pub mod table;

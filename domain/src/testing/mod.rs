//! What an embedder's own tests can use: generators of every value, without ever naming a real number.

pub mod values;
pub mod matrix;
pub mod scenario;
pub mod ledger;
pub mod company;
pub mod number_block;
pub mod reseller;

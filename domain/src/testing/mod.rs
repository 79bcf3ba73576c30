//! What an embedder's own tests can use: generators of every value, without ever naming a real number.

pub mod company;
pub mod ledger;
pub mod matrix;
pub mod number_block;
pub mod order;
pub mod port_request;
pub mod reseller;
pub mod scenario;
pub mod values;

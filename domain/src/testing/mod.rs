//! What an embedder's own tests can use: generators of every value, without ever naming a real number; models of every
//! aggregate; and state machines that walk them.

pub mod machine;
pub mod beside;

pub mod order;
pub mod company;
pub mod port_request;
pub mod number_block;
pub mod reseller;
pub mod webhook;

pub mod scenario;
pub mod matrix;
pub mod ledger;
pub mod values;

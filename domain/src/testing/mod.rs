//! What an embedder's own tests can use: generators of every value, without ever naming a real number.

pub mod values;
pub mod matrix;
pub mod port_request;
pub mod scenario;
pub mod order;

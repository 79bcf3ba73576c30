//! What a port request must and must not do.

mod walk;

use crate::port_request::PortRequest;

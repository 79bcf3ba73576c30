//! The auditor's side: what happened, how it was at any moment, what changed it, what it led to, and what would have been;
//! and what shows that all this is so to people who trust neither the store nor us.
//!
//! Everything here is read off the log with the domain's own folds and rules; no read model is asked. Events are streamed page
//! by page, and no part keeps more of the log than its module says. It stands above `edge` and below `http` and `cli`, and
//! builds without a server: what is verified offline needs none. Deliberately absent: SQL, HTTP, arguments of the command line,
//! and who may ask.

mod origin;
mod walk;
pub mod moment;
pub mod timeline;
pub mod document;
pub mod as_of;
pub mod diff;
pub mod trace;
pub mod why_not;
pub mod stats;
pub mod counterfactual;
pub mod tree;
pub mod note;
pub mod key_file;
pub mod proofs;
pub mod tiles;

pub use self::{moment::Moment, origin::Origin};

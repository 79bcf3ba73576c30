//! The auditor's side: what happened, how it was at any moment, what changed it, what it led to, and what would have been.
//!
//! Everything here is read off the log with the domain's own folds and rules; no read model is asked. Events are streamed page
//! by page, and no part keeps more of the log than its module says. Deliberately absent: SQL, HTTP, arguments of the command
//! line, and who may ask.

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

pub use self::{moment::Moment, origin::Origin};

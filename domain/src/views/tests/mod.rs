//! The read models as a whole: against naive models, and against themselves folded another way.

mod overlay;
mod numbers;
mod orders;
mod reservations;
mod timers;
mod words;

//! What the engine counts of itself; nothing is kept unless the process has a recorder.

use super::{Receipt, error::Error};

/// Counts a command by its outcome, and answers the word for that.
pub(super) fn command(name: String, outcome: &Result<Receipt, Error>) -> &'static str {
    let outcome = match outcome {
        Ok(receipt) if receipt.repeated => "repeated",
        Ok(_) => "done",
        Err(error) => error.kind().word(),
    };
    metrics::counter!("orderwire_commands_total", "command" => name, "outcome" => outcome).increment(1);
    outcome
}

/// Counts refusals that could not be recorded.
pub(super) fn refusals_dropped(why: &'static str, count: u64) {
    metrics::counter!("orderwire_refusals_dropped_total", "why" => why).increment(count);
}

/// Notes how many commits share one transaction.
pub(super) fn batch(commits: usize) {
    #[expect(clippy::cast_precision_loss, reason = "a batch is far smaller than what a float holds exactly")]
    metrics::histogram!("orderwire_batch_commits").record(commits as f64);
}

//! `orderwire erase`: destroys the key of a company's personal data.
//!
//! The commit that says so destroys the key, so neither is ever without the other. What is left to do after that is the
//! store's: to overwrite what the key leaves behind in its files.

use clap::Args;
use orderwire_domain::{company::commands::CompanyCommand, joint};

use super::{Failure, Output, companies, session::Session};
use crate::engine::{Provenance, log::Sweep};

/// Whose personal data, and why.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("what").required(true).args(["company", "reapply"]))]
pub struct Arguments {
    /// Its service reference (com_…), its internet domain or its name
    #[arg(requires = "reason")]
    company: Option<String>,
    /// Why, in a few words and without personal data; sealed with the key of the reseller, so it stays readable
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Destroy again every key that the log says is destroyed, after keys came back from a backup
    #[arg(long, conflicts_with = "reason")]
    reapply: bool,
    /// Write the store's files anew, so that nothing is left between their pages; takes its time where they are large
    #[arg(long)]
    vacuum: bool,
}

/// Does what was asked.
pub async fn run(session: &Session, arguments: Arguments, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("erasing personal data")?;
    if let (Some(company), Some(reason)) = (&arguments.company, &arguments.reason) {
        erase(session, company, reason, output).await?;
    } else {
        let reapplied = session.engine.reapply_erasures().await?;
        let (erased, destroyed) = (reapplied.erased, reapplied.destroyed);
        output.remark(&format!(
            "the log says that {erased} companies are erased; of {destroyed} the key was there, and was destroyed again"
        ))?;
    }
    let sweep = if arguments.vacuum { Sweep::Whole } else { Sweep::Light };
    // The key is destroyed by now, whatever becomes of this.
    session.engine.sweep(sweep).await.map_err(|error| Failure::pending(error.into()))
}

async fn erase(
    session: &Session,
    company: &str,
    reason: &str,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let found = companies::find(session, "COMPANY", company).await?;
    let reason = session.seal(found.reseller.into(), "--reason", reason).await?;
    let provenance = Provenance { reason: Some(reason), ..session.provenance.clone() };
    let command = joint::Command::Company { company: found.company, command: CompanyCommand::Erase };
    session.execute_as(&provenance, &command, None, output).await?;
    companies::show(session, &found.company.to_string(), output).await
}

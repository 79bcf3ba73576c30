//! `orderwire legal-hold`: what keeps the personal data of a company, whatever becomes of it.
//!
//! Who places a hold and who lifts it is `--actor`, and they are not the same. Absent: that actors are who they say, which
//! whoever lets them at this command line has to see to; over HTTP their keys do.

use clap::Subcommand;
use orderwire_domain::{
    company::{Company, commands::CompanyCommand, holds::LegalHolds},
    ids::CompanyId,
    joint,
    names::{ActorId, HoldReference},
};
use serde::Serialize;

use super::{Failure, Output, companies::find, output::Column, session::Session};

/// What can be asked about legal holds.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Keep the personal data of a company
    Place {
        /// Its service reference (com_…), its internet domain or its name
        company: String,
        /// What it is about, such as the number of a case; never whom
        reference: String,
    },
    /// Keep it for this no longer; another actor does than placed it
    Lift {
        /// Its service reference (com_…), its internet domain or its name
        company: String,
        /// What the hold is about, as it was placed
        reference: String,
    },
    /// Every hold on a company
    List {
        /// Its service reference (com_…), its internet domain or its name
        company: String,
    },
}

#[derive(Serialize)]
struct Hold {
    reference: HoldReference,
    placed_by: ActorId,
}

const HOLD: &[Column<Hold>] =
    &[("reference", |it| it.reference.to_string()), ("placed by", |it| it.placed_by.to_string())];

/// Does what was asked.
pub async fn run(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    session.only_carrier("keeping personal data")?;
    let by: ActorId = session.provenance.actor.as_str().parse().expect("an actor of the engine is one here");
    let read = |text: &str| text.parse().map_err(|error| Failure::of_argument("REFERENCE", error));
    let (company, change) = match command {
        Command::Place { company, reference } => {
            let reference = read(&reference)?;
            (company, Some(CompanyCommand::PlaceLegalHold { reference, by }))
        }
        Command::Lift { company, reference } => {
            let reference = read(&reference)?;
            (company, Some(CompanyCommand::LiftLegalHold { reference, by }))
        }
        Command::List { company } => (company, None),
    };
    let company = find(session, "COMPANY", &company).await?.company;
    if let Some(command) = change {
        session.execute(&joint::Command::Company { company, command }, output).await?;
    }
    list(session, company, output).await
}

async fn list(session: &Session, company: CompanyId, output: &mut Output<'_>) -> Result<(), Failure> {
    let (_, company) = session.engine.load::<Company>(company).await?;
    let holds = company.legal_holds().into_iter().flat_map(LegalHolds::iter);
    let holds: Vec<Hold> =
        holds.map(|(reference, by)| Hold { reference: reference.clone(), placed_by: by.clone() }).collect();
    Ok(output.list(&holds, HOLD)?)
}

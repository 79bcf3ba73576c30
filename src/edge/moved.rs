//! A site's address that was entered by hand, and the carrier's address that it turned out to be.

use orderwire_domain::{
    address::AddressKey,
    company::commands::CompanyCommand,
    ids::{AssetId, CompanyId},
    joint::Command,
};

use super::problem::{Error, Problem};
use crate::engine::Engine;

/// The command that lets an address of the carrier take the place of the one that was entered for a site or its emergency
/// details. What was entered stays in the site's history.
pub async fn replacing_address(
    engine: &Engine,
    company: CompanyId,
    asset: AssetId,
    by: AddressKey,
) -> Result<Command, Error> {
    // A temporary key is the rules' to refuse.
    if !by.is_temporary() && engine.addresses().get(&by).await?.is_none() {
        let detail = format!("the carrier has no address {by}");
        let problem = Problem::new("/by", "address_not_known", detail, "a key that a search finds");
        return Err(Error::refused(problem));
    }
    Ok(Command::Company { company, command: CompanyCommand::ReplaceAddress { asset, to: by } })
}

//! The order core inside another program: an engine without a server, a reseller, stock, and a first company.

use orderwire::{
    domain::{ids::ResellerId, joint::Command, names::Cupid, number::NumberRange},
    engine::{Actor, Engine, Provenance},
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A path instead of `memory:` keeps everything in a SQLite file.
    let engine = Engine::open("memory:").await?;

    let operator = Provenance::of(Actor::new("operator-1")?);
    let (code, cug_id, sales_tag) = ("R100".parse()?, "CUG100".parse()?, "TAG100".parse()?);
    let command = Command::CreateReseller { code, cug_id, sales_tag, name: "Northern Voice".parse()? };
    let reseller: ResellerId = engine.execute(&command, &operator, None).await?.id("reseller");
    let range = NumberRange::parse("0113 496 0000-0999")?;
    let command = Command::LoadBlock { range, range_holder: Cupid::parse("001")?, place: "Leeds".parse()? };
    engine.execute(&command, &operator, None).await?;

    let us = Provenance::of_reseller(Actor::new("alice")?, reseller);
    let command = Command::Qualify { reseller, name: "Acme Ltd".parse()?, domain: "acme.example".parse()? };
    println!("{:#?}", engine.execute(&command, &us, None).await?);
    engine.close().await;
    Ok(())
}

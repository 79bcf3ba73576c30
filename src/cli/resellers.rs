//! `orderwire resellers`: who places orders.

use std::collections::BTreeSet;

use clap::{Args, Subcommand};
use orderwire_domain::{
    claim::ClaimScope,
    decider::Decider as _,
    ids::{AggregateKind, ResellerId},
    joint,
    reseller::Reseller,
    views::name_directory::HeldName,
};
use serde::Serialize;

use super::{Failure, Output, output::Column, session::Session};
use crate::{
    edge::Problem,
    engine::{
        log::Select,
        query::{self, equal},
    },
};

/// What can be asked about resellers.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Let a new reseller order
    Add(Add),
    /// Every reseller
    List,
}

/// A new reseller.
#[derive(Debug, Args)]
pub struct Add {
    /// The code by which it is known, such as R100
    code: String,
    /// Its name
    #[arg(long)]
    name: String,
    /// Its own customer id; the code where none is given
    #[arg(long)]
    cug_id: Option<String>,
    /// The tag under which its sales are counted; the code where none is given
    #[arg(long)]
    sales_tag: Option<String>,
}

#[derive(Serialize)]
struct Shown {
    reseller: ResellerId,
    code: String,
    name: String,
    status: String,
    cug_id: String,
    sales_tag: String,
}

const SHOWN: &[Column<Shown>] = &[
    ("code", |it| it.code.clone()),
    ("name", |it| it.name.clone()),
    ("status", |it| it.status.clone()),
    ("cug id", |it| it.cug_id.clone()),
    ("sales tag", |it| it.sales_tag.clone()),
    ("reseller", |it| it.reseller.to_string()),
];

/// Does what was asked.
pub async fn run(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        Command::Add(add) => {
            session.only_carrier("adding resellers")?;
            let added = session.execute(&command_of(&add)?, output).await;
            let id: ResellerId = added.map_err(|failure| as_typed(failure, &add))?.id("reseller");
            let shown = shown(session, id).await?;
            Ok(output.list(&shown.into_iter().collect::<Vec<_>>(), SHOWN)?)
        }
        Command::List => {
            let mut all = Vec::new();
            for id in everybody(session).await? {
                all.extend(shown(session, id).await?);
            }
            all.sort_by(|one: &Shown, other| one.code.cmp(&other.code));
            Ok(output.list(&all, SHOWN)?)
        }
    }
}

/// Codes are compared in lower case; whoever typed one finds it as it was typed.
fn as_typed(failure: Failure, add: &Add) -> Failure {
    let Failure::Refused { file, problems } = failure else { return failure };
    let typed = |problem: Problem| {
        let typed = match problem.code.as_str() {
            "reseller_code_taken" => Some(&add.code),
            "cug_id_taken" => add.cug_id.as_ref().or(Some(&add.code)),
            "sales_tag_taken" => add.sales_tag.as_ref().or(Some(&add.code)),
            _ => None,
        };
        match typed.map(|typed| typed.trim()) {
            Some(typed) => problem.as_typed(&typed.to_lowercase(), typed),
            None => problem,
        }
    };
    Failure::Refused { file, problems: problems.into_iter().map(typed).collect() }
}

fn command_of(add: &Add) -> Result<joint::Command, Failure> {
    let wrong = |name: &'static str| move |invalid| Failure::of_argument(name, invalid);
    Ok(joint::Command::CreateReseller {
        code: add.code.parse().map_err(wrong("CODE"))?,
        name: add.name.parse().map_err(wrong("--name"))?,
        cug_id: add.cug_id.as_ref().unwrap_or(&add.code).parse().map_err(wrong("--cug-id"))?,
        sales_tag: add.sales_tag.as_ref().unwrap_or(&add.code).parse().map_err(wrong("--sales-tag"))?,
    })
}

/// Every reseller that whoever asks may see: all hold their code, for good.
async fn everybody(session: &Session) -> Result<BTreeSet<ResellerId>, Failure> {
    if let Some(caller) = session.provenance.reseller {
        return Ok(BTreeSet::from([caller]));
    }
    let scope: &str = ClaimScope::ResellerCode.into();
    let look = Select {
        table: &orderwire_domain::views::name_directory::NAME_DIRECTORY,
        filters: vec![equal("scope", scope)],
        order: "name",
        descending: false,
        after: None,
        limit: super::session::LIST_MAX,
    };
    let names: Vec<HeldName> = query::select(session.engine.log(), &look).await?;
    let holders = names.into_iter().map(|name| name.holder);
    Ok(holders
        .filter(|holder| holder.kind == AggregateKind::Reseller)
        .map(|holder| ResellerId(holder.id))
        .collect())
}

async fn shown(session: &Session, id: ResellerId) -> Result<Option<Shown>, Failure> {
    let (_, reseller) = session.engine.load::<Reseller>(id).await?;
    Ok(reseller.tenant().map(|tenant| Shown {
        reseller: id,
        code: tenant.code.to_string(),
        name: tenant.name.to_string(),
        status: reseller.status().to_string(),
        cug_id: tenant.cug_id.to_string(),
        sales_tag: tenant.sales_tag.to_string(),
    }))
}

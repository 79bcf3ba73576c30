//! `orderwire companies`: business customers and what they have.

use clap::Subcommand;
use orderwire_domain::{
    claim::{Claim, ClaimScope},
    company::commands::CompanyCommand,
    ids::{AssetId, CompanyId},
    joint,
    names::{CompanyName, Domain},
    views::company_directory::{AssetView, CompanyView},
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Exit, Failure, Output,
    output::{Column, time},
    session::{LIST_MAX, Session},
};
use crate::{
    edge::{history::opened, moved::replacing_address},
    engine::{
        self,
        query::{self, equal},
    },
};

/// What can be asked about companies.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every company
    List,
    /// One company, with what it has
    Show {
        /// Its service reference (com_…), its internet domain or its name
        company: String,
    },
    /// Give up a company that is only qualified; its name and domain are free again
    Release {
        /// Its service reference, its internet domain or its name
        company: String,
    },
    /// Let an address of the carrier take the place of the one entered for a site
    ReplaceAddress {
        /// Its service reference (com_…), its internet domain or its name
        company: String,
        /// The site, or its emergency details (ast_…)
        #[arg(long)]
        asset: AssetId,
        /// The key of the carrier's address: A or R and 11 digits
        #[arg(long, value_name = "KEY")]
        by: String,
    },
}

const COMPANY: &[Column<CompanyView>] = &[
    ("name", |it| it.name.to_string()),
    ("domain", |it| it.domain.to_string()),
    ("status", |it| if it.erased { format!("{}, erased", it.status) } else { it.status.to_string() }),
    ("sites", |it| it.sites.to_string()),
    ("users", |it| it.users.to_string()),
    ("numbers", |it| it.numbers.to_string()),
    ("open orders", |it| it.open_orders.to_string()),
    ("company", |it| it.company.to_string()),
];

const ALONE: &[Column<CompanyView>] = &[
    ("company", |it| it.company.to_string()),
    ("name", |it| it.name.to_string()),
    ("domain", |it| it.domain.to_string()),
    ("status", |it| it.status.to_string()),
    ("erased", |it| if it.erased { "yes".to_owned() } else { String::new() }),
    ("qualified until", |it| it.expires_at.map(time).unwrap_or_default()),
    ("channels", |it| it.channels.to_string()),
    ("sites", |it| it.sites.to_string()),
    ("users", |it| it.users.to_string()),
    ("numbers", |it| it.numbers.to_string()),
    ("open orders", |it| it.open_orders.to_string()),
    ("reseller", |it| it.reseller.to_string()),
    ("since", |it| time(it.created_at)),
];

const ASSET: &[Column<Value>] = &[
    ("asset", |it| text(&it["asset"])),
    ("kind", |it| plan(it).0),
    ("what", |it| what(plan(it).1)),
    ("status", |it| text(&it["status"])),
    ("order", |it| text(&it["order"])),
    ("line", |it| it["line"].to_string()),
];

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What an asset is: its kind, and what is known of it.
fn plan(asset: &Value) -> (String, &Value) {
    let plan = asset["plan"].as_object().and_then(|plan| plan.iter().next());
    plan.map_or((String::new(), &Value::Null), |(kind, plan)| (kind.clone(), plan))
}

/// What people call it.
fn what(plan: &Value) -> String {
    let named = ["name", "username", "mac", "product"].into_iter().find_map(|field| plan[field].as_str());
    named.unwrap_or_default().to_owned()
}

/// A company with what it has, as JSON shows it.
#[derive(Serialize)]
struct Whole {
    company: CompanyView,
    assets: Vec<Value>,
}

/// Does what was asked.
pub async fn run(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    match command {
        Command::List => {
            let companies = session.records(Vec::new(), "created_at", LIST_MAX).await?;
            Ok(output.list(&companies, COMPANY)?)
        }
        Command::Show { company } => show(session, &company, output).await,
        Command::Release { company } => {
            let company = find(session, "COMPANY", &company).await?.company;
            let command = joint::Command::Company { company, command: CompanyCommand::Release };
            session.execute(&command, output).await?;
            show(session, &company.to_string(), output).await
        }
        Command::ReplaceAddress { company, asset, by } => {
            let by = by.parse().map_err(|invalid| Failure::of_argument("--by", invalid))?;
            let found = find(session, "COMPANY", &company).await?.company;
            let command = replacing_address(&session.engine, found, asset, by).await?;
            session.execute(&command, output).await?;
            show(session, &found.to_string(), output).await
        }
    }
}

/// Shows a company, with what it has.
pub async fn show(session: &Session, named: &str, output: &mut Output<'_>) -> Result<(), Failure> {
    let company = find(session, "COMPANY", named).await?;
    let views: Vec<AssetView> = query::children(session.engine.log(), &company.company.to_string()).await?;
    let mut assets = Vec::new();
    for view in views {
        assets.push(opened(&session.engine, json!(view)).await?);
    }
    let whole = Whole { company, assets };
    output.one_of(&whole, &whole.company, ALONE)?;
    Ok(output.below(&whole.assets, ASSET)?)
}

/// The company that an argument names: by its service reference, its internet domain, or the name that it holds.
pub async fn find(session: &Session, argument: &str, named: &str) -> Result<CompanyView, Failure> {
    if named.parse::<CompanyId>().is_ok() {
        return session.record("company", named, |company: &CompanyView| company.reseller).await;
    }
    let missing = || Failure::not_found("company", named);
    if let Ok(domain) = named.parse::<Domain>() {
        // A domain that was given up is kept by the companies that had it; the newest one is meant.
        let companies: Vec<CompanyView> =
            session.records(vec![equal("domain", domain.as_str())], "created_at", LIST_MAX).await?;
        return companies.into_iter().next_back().ok_or_else(missing);
    }
    let name: CompanyName = named.parse().map_err(|error| Failure::of_argument(argument, error))?;
    let claim = Claim::platform(ClaimScope::CompanyName, name.key());
    let holders = session.engine.log().holders(&[claim]).await.map_err(engine::Error::from)?;
    let holder = holders.into_iter().flatten().next().ok_or_else(missing)?;
    let id = holder.to_string();
    let company = session.record("company", &id, |company: &CompanyView| company.reseller).await;
    // Whoever may not see it is told what was asked for, not whose it is.
    company.map_err(|failure| if failure.exit() == Exit::Refused { missing() } else { failure })
}

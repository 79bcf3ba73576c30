//! `orderwire orders`: placed, looked at, given up, and their lines as outside systems report them.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use orderwire_domain::{
    ids::OrderId,
    joint,
    order::{
        Order,
        commands::OrderCommand,
        line::{LineFailure, LineNumber},
    },
    views::order_status::{LineView, OrderStage, OrderView},
};
use serde::Serialize;

use super::{
    Failure, Output,
    output::{Column, or_dash, time},
    session::{LIST_MAX, Session, known},
};
use crate::{
    edge::{
        Problem,
        document::{self, DOCUMENT_BYTES_MAX, OrderDocument},
        order_places, place,
        rehearse::rehearse,
    },
    engine::query::{self, equal},
};

/// What can be asked about orders.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Place and submit order documents; what is refused leaves no order and no company behind
    ///
    /// Every file is read first: where one is malformed, none is placed. Then file by file, each is rehearsed and, if
    /// nothing speaks against it, placed; a file that is refused does not keep back those after it.
    /// docs/command-line.md says what a document can ask for; examples/orders has some.
    Submit {
        /// JSON files, one order in each
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// One order with its lines
    Show {
        /// Its id (ord_…) or the reseller's reference
        order: String,
    },
    /// Every order
    List {
        /// Only those in this status
        #[arg(long)]
        status: Option<String>,
    },
    /// Give a draft up; its reference is free again
    Discard {
        /// Its id or reference
        order: String,
    },
    /// Ask for an order to be cancelled
    Cancel {
        /// Its id or reference
        order: String,
        /// Why, in a few words; kept sealed
        #[arg(long)]
        reason: Option<String>,
    },
    /// An outside system has done a line
    CompleteLine(Line),
    /// An outside system cannot do a line
    FailLine {
        #[command(flatten)]
        line: Line,
        #[arg(long, help = "A stable word for the reason, such as address_unserviceable")]
        code: String,
        /// What happened, without personal data
        #[arg(long)]
        detail: String,
    },
    /// Work on a line stops for a while
    HoldLine {
        #[command(flatten)]
        line: Line,
        /// Why, in a few words; kept sealed
        #[arg(long)]
        reason: String,
    },
    /// Work on a line goes on
    ResumeLine(Line),
}

/// A line of an order.
#[derive(Debug, Args)]
pub struct Line {
    /// The order's id or reference
    order: String,
    /// The number of the line, from 1
    line: u32,
}

const ORDER: &[Column<OrderView>] = &[
    ("reference", |it| it.reference.to_string()),
    ("status", |it| it.status.to_string()),
    ("lines", |it| it.lines.total.to_string()),
    ("done", |it| it.lines.completed.to_string()),
    ("failed", |it| it.lines.failed.to_string()),
    ("cancelled", |it| it.lines.cancelled.to_string()),
    ("updated", |it| time(it.updated_at)),
    ("order", |it| it.order.to_string()),
];

const ALONE: &[Column<OrderView>] = &[
    ("order", |it| it.order.to_string()),
    ("reference", |it| it.reference.to_string()),
    ("status", |it| it.status.to_string()),
    ("reasons", |it| it.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    ("company", |it| or_dash(it.company)),
    ("reseller", |it| it.reseller.to_string()),
    ("created", |it| time(it.created_at)),
    ("submitted", |it| it.submitted_at.map(time).unwrap_or_default()),
    ("ended", |it| it.ended_at.map(time).unwrap_or_default()),
];

const LINE: &[Column<LineView>] = &[
    ("line", |it| it.line.to_string()),
    ("kind", |it| it.kind.to_string()),
    ("status", |it| it.status.to_string()),
    ("numbers", |it| if it.numbers == 0 { String::new() } else { it.numbers.to_string() }),
    ("makes", |it| it.asset.map(|asset| asset.to_string()).unwrap_or_default()),
    ("port request", |it| it.port_request.map(|port| port.to_string()).unwrap_or_default()),
    ("why", |it| match (&it.failure, it.because_of) {
        (Some(failure), _) => format!("{} [{}]", failure.detail, failure.code),
        (None, Some(line)) => format!("because of line {line}"),
        (None, None) => String::new(),
    }),
];

/// An order with its lines, as JSON shows it.
#[derive(Serialize)]
struct Whole {
    order: OrderView,
    lines: Vec<LineView>,
}

/// Does what was asked.
pub async fn run(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    if let Command::CompleteLine(_)
    | Command::FailLine { .. }
    | Command::HoldLine { .. }
    | Command::ResumeLine(_) = command
    {
        session.only_carrier("reporting a line")?;
    }
    match command {
        Command::Submit { files } => submit(session, &files, output).await,
        Command::Show { order } => show(session, &order, output).await,
        Command::List { status } => {
            let status = status.map(|word| known::<OrderStage>("--status", word)).transpose()?;
            let filters = status.map(|status| equal("status", status)).into_iter().collect();
            let orders: Vec<OrderView> = session.records(filters, "created_at", LIST_MAX).await?;
            Ok(output.list(&orders, ORDER)?)
        }
        Command::Discard { order } => {
            let order = session.order(&order).await?.order;
            tell(session, order, OrderCommand::Discard, output).await
        }
        Command::Cancel { order, reason } => {
            let order = session.order(&order).await?.order;
            let reason = match reason {
                Some(reason) => {
                    let (_, key) = session.owners(order.into()).await?;
                    Some(session.seal(key, "--reason", &reason).await?)
                }
                None => None,
            };
            tell(session, order, OrderCommand::RequestCancellation { reason }, output).await
        }
        Command::CompleteLine(line) => {
            on_line(session, &line, |line| OrderCommand::CompleteLine { line }, output).await
        }
        Command::ResumeLine(line) => {
            on_line(session, &line, |line| OrderCommand::ResumeLine { line }, output).await
        }
        Command::FailLine { line, code, detail } => {
            let failure = LineFailure { code, detail };
            on_line(session, &line, |line| OrderCommand::FailLine { line, failure }, output).await
        }
        Command::HoldLine { line, reason } => {
            let order = session.order(&line.order).await?.order;
            let (_, key) = session.owners(order.into()).await?;
            let reason = session.seal(key, "--reason", &reason).await?;
            on_line(session, &line, |line| OrderCommand::HoldLine { line, reason }, output).await
        }
    }
}

/// Every file is read before the first order is placed: what is malformed keeps all of them back. What the rules refuse
/// keeps back only itself.
async fn submit(session: &Session, files: &[PathBuf], output: &mut Output<'_>) -> Result<(), Failure> {
    let mut documents = Vec::new();
    let mut failures = Vec::new();
    for file in files {
        match read(file) {
            Ok(document) => documents.push((file, document)),
            Err(failure) => failures.push(failure),
        }
    }
    let mut placed = Vec::new();
    let mut pending = None;
    if failures.is_empty() {
        for (file, document) in documents {
            match submit_one(session, &document).await {
                Ok(order) => {
                    output.remark(&format!("{}: {order} is submitted", file.display()))?;
                    placed.push(order);
                }
                Err(failure) => failures.push(failure.in_file(file)),
            }
            // The next rehearsal searches what this order has left.
            if let Err(failure) = session.settle().await {
                pending.get_or_insert(failure.pending());
            }
        }
    }
    if pending.is_none() && !placed.is_empty() {
        pending = list(session, &placed, output).await.err().map(Failure::pending);
    }
    if files.len() > 1 {
        for failure in failures.iter().chain(pending.as_ref().filter(|_| !failures.is_empty())) {
            output.failure(failure)?;
        }
    }
    match failures.into_iter().next() {
        None => pending.map_or(Ok(()), Err),
        Some(failure) if files.len() == 1 => Err(failure),
        Some(first) => {
            Err(Failure::Several { placed: placed.len(), all: files.len(), first: Box::new(first) })
        }
    }
}

async fn list(session: &Session, placed: &[OrderId], output: &mut Output<'_>) -> Result<(), Failure> {
    let mut orders = Vec::new();
    for order in placed {
        orders.push(session.order(&order.to_string()).await?);
    }
    Ok(output.list(&orders, ORDER)?)
}

fn read(file: &Path) -> Result<OrderDocument, Failure> {
    let unreadable = |source| Failure::File { file: file.to_owned(), source };
    let refused = |problems| Failure::Refused { file: Some(file.to_owned()), problems };
    // A file that is far too large is not even read.
    let bytes = std::fs::metadata(file).map_err(unreadable)?.len();
    if bytes > DOCUMENT_BYTES_MAX as u64 {
        let detail = format!("the document has {bytes} bytes");
        let expected = format!("at most {DOCUMENT_BYTES_MAX} bytes");
        return Err(refused(vec![Problem::new("", "document_too_large", detail, expected)]));
    }
    let bytes = std::fs::read(file).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        refused(vec![Problem::new(
            "",
            "json_malformed",
            format!("this is not text: {error}"),
            "JSON in UTF-8",
        )])
    })?;
    document::parse(&text).map_err(refused)
}

async fn submit_one(session: &Session, document: &OrderDocument) -> Result<OrderId, Failure> {
    let Session { engine, provenance, .. } = session;
    // What is bound to be refused is found here, before a draft or a company is stored.
    rehearse(engine, provenance, document).await?;
    let placed = place::place(engine, provenance, document).await?;
    Ok(place::submit_or_give_up(engine, provenance, document, &placed).await?)
}

async fn show(session: &Session, named: &str, output: &mut Output<'_>) -> Result<(), Failure> {
    let order = session.order(named).await?;
    let mut lines: Vec<LineView> = query::children(session.engine.log(), &order.order.to_string()).await?;
    lines.sort_by_key(|line| line.line);
    let whole = Whole { order, lines };
    output.one_of(&whole, &whole.order, ALONE)?;
    Ok(output.below(&whole.lines, LINE)?)
}

async fn on_line(
    session: &Session,
    line: &Line,
    command: impl FnOnce(LineNumber) -> OrderCommand,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let order = session.order(&line.order).await?.order;
    tell(session, order, command(LineNumber(line.line)), output).await
}

async fn tell(
    session: &Session,
    order: OrderId,
    command: OrderCommand,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let told = session.execute(&joint::Command::Order { order, command }, output).await;
    if let Err(Failure::Refused { file, problems }) = told {
        let (_, state) = session.engine.load::<Order>(order).await?;
        return Err(Failure::Refused { file, problems: order_places::in_order(problems, &state) });
    }
    told?;
    show(session, &order.to_string(), output).await
}

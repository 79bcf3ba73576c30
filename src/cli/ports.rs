//! `orderwire port-requests`: the conversation about a port, as an operator passes it on.
//!
//! What losing providers, range holders and the network say carries the id of their message, and is heard once.

use clap::{Args, Subcommand, ValueEnum};
use orderwire_domain::{
    calendar::PortWindow,
    fact::Happened,
    ids::PortRequestId,
    invalid::Invalid,
    joint,
    lead_time::PortClass,
    names::MessageId,
    number::{NumberRange, NumberSet},
    port_request::{
        PortRequest,
        commands::{PortChanges, PortCommand},
        events::{IgnoredBecause, PortCancellation, PortEvent, Supplier},
        reason::PortRejection,
    },
    views::port_diary::{PortStage, PortStep, PortView},
};
use strum::VariantArray as _;

use super::{
    Failure, Output, companies,
    output::{Column, or_dash, time},
    session::{LIST_MAX, Session, known},
};
use crate::engine::{Receipt, log::Appended, query::equal, readers::fact};

/// What can be asked about port requests.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Every port request
    List {
        /// Only those in this status
        #[arg(long)]
        status: Option<String>,
    },
    /// One port request with its last steps
    Show {
        /// Its id (prt_…)
        port_request: PortRequestId,
    },
    /// The losing provider accepts, for the date asked for unless another is named
    Accept {
        #[command(flatten)]
        message: Message,
        #[command(flatten)]
        window: Window,
    },
    /// The losing provider accepts as part of a range, and proposes a date
    AcceptComplex {
        #[command(flatten)]
        message: Message,
        #[command(flatten)]
        window: Window,
    },
    /// Losing provider or range holder rejects
    Reject {
        #[command(flatten)]
        message: Message,
        /// Who: lcp or rh
        #[arg(long, value_enum, default_value_t = By::Lcp, hide_possible_values = true)]
        by: By,
        #[arg(
            long = "reason",
            required = true,
            value_name = "REASON",
            help = "Why, such as postcode_mismatch; may be given several times"
        )]
        reasons: Vec<String>,
    },
    /// The range holder accepts
    RhAccept(Message),
    /// The losing provider withdraws
    Withdraw {
        #[command(flatten)]
        message: Message,
        /// Why, in a few words; kept sealed
        #[arg(long)]
        reason: String,
    },
    /// Another date: asked for, then accepted or refused by the losing provider
    #[command(subcommand)]
    DateChange(DateChange),
    /// Agree to the date that the losing provider proposed
    AgreeDate(Named),
    /// Refuse the date that the losing provider proposed
    RefuseDate(Named),
    /// Let the numbers belong to a company
    Allocate {
        #[command(flatten)]
        named: Named,
        /// Its service reference (com_…), internet domain or name
        #[arg(long)]
        company: String,
    },
    /// Move the numbers now; the window must be open
    Activate(Named),
    /// The network says which numbers work here
    NetworkReport {
        #[command(flatten)]
        message: Message,
        /// all, none, or numbers and ranges; may be given several times
        #[arg(long, required = true, value_name = "NUMBERS")]
        live: Vec<String>,
    },
    /// Try the rest of the numbers again
    Retry(Named),
    /// Keep the numbers that work; the rest goes back to the losing provider
    ReturnRest(Named),
    /// Change a rejected request and send it again
    Represent {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        changes: Changes,
    },
    /// Do not want the numbers any more
    Cancel(Named),
    /// The numbers moved back in an emergency
    Restore {
        #[command(flatten)]
        message: Message,
        /// Who says so: lcp, rh or network
        #[arg(long, value_enum, default_value_t = By::Lcp, hide_possible_values = true)]
        by: By,
    },
}

/// What can be said about another date.
#[derive(Debug, Subcommand)]
pub enum DateChange {
    /// Ask for another date
    Request {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        window: Window,
    },
    /// The losing provider accepts it
    Accept {
        #[command(flatten)]
        message: Message,
        #[command(flatten)]
        window: Window,
    },
    /// The losing provider refuses it
    Refuse(Message),
}

/// A port request.
#[derive(Debug, Args)]
pub struct Named {
    /// Its id (prt_…)
    port_request: PortRequestId,
}

/// A supplier's message about a port request.
#[derive(Debug, Args)]
pub struct Message {
    /// The id of the port request (prt_…)
    port_request: PortRequestId,
    /// The id that its sender gave to the message
    #[arg(long)]
    message: MessageId,
}

/// A date and two times of day, in London.
#[derive(Debug, Args)]
#[group(id = "window")]
pub struct Window {
    /// The day, such as 2026-06-17
    #[arg(long, requires_all = ["from", "to"])]
    date: Option<String>,
    /// When the window opens, such as 09:00
    #[arg(long, requires = "date")]
    from: Option<String>,
    /// When it closes, such as 12:00
    #[arg(long, requires = "date")]
    to: Option<String>,
}

/// What a request says otherwise.
#[derive(Debug, Args)]
pub struct Changes {
    #[arg(long, help = "single_line or multi_line")]
    class: Option<String>,
    /// Another main billing number, of those in the request
    #[arg(long)]
    main_number: Option<String>,
    /// The three digits of another losing provider
    #[arg(long, value_name = "CUPID")]
    losing_provider: Option<String>,
    /// Another postcode
    #[arg(long)]
    postcode: Option<String>,
    /// Another account at the losing provider; kept sealed
    #[arg(long)]
    account: Option<String>,
    /// Another signatory of the letter of authority; kept sealed
    #[arg(long)]
    signatory: Option<String>,
    #[command(flatten)]
    window: Window,
}

/// A supplier.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum By {
    /// The losing provider
    Lcp,
    /// The range holder
    Rh,
    /// The network
    Network,
}

impl From<By> for Supplier {
    fn from(by: By) -> Self {
        match by {
            By::Lcp => Self::Lcp,
            By::Rh => Self::Rh,
            By::Network => Self::Network,
        }
    }
}

const PORT: &[Column<PortView>] = &[
    ("main number", |it| it.main_number.national()),
    ("numbers", |it| it.numbers.to_string()),
    ("live", |it| it.live.to_string()),
    ("status", |it| it.status.to_string()),
    ("window", |it| shown(&it.window)),
    ("attempt", |it| it.attempt.to_string()),
    ("jeopardy", |it| or_dash(it.jeopardy)),
    ("port request", |it| it.port_request.to_string()),
];

const ALONE: &[Column<PortView>] = &[
    ("port request", |it| it.port_request.to_string()),
    ("status", |it| it.status.to_string()),
    ("main number", |it| it.main_number.national()),
    ("numbers", |it| format!("{}, {} of them live", it.numbers, it.live)),
    ("class", |it| format!("{}, {}", it.class, it.route)),
    ("losing provider", |it| it.losing_provider.to_string()),
    ("range holder", |it| it.range_holder.to_string()),
    ("window", |it| shown(&it.window)),
    ("other window", |it| it.other_window.as_ref().map(shown).unwrap_or_default()),
    ("attempt", |it| it.attempt.to_string()),
    ("rejected for", |it| {
        let reasons = it.rejection.iter().flat_map(|rejection| &rejection.reasons);
        reasons
            .map(|it| format!("{} (for {} to act)", it.reason.detail(), it.must_act))
            .collect::<Vec<_>>()
            .join("\n")
    }),
    ("jeopardy", |it| it.jeopardy.map(|jeopardy| jeopardy.to_string()).unwrap_or_default()),
    ("next due", |it| it.next_due.map(time).unwrap_or_default()),
    ("company", |it| or_dash(it.company)),
    ("allocated", |it| if it.allocated { "yes" } else { "no" }.to_owned()),
    ("order", |it| format!("{}, line {}", it.order, it.line)),
];

const STEP: &[Column<PortStep>] = &[
    ("at", |it| time(it.at)),
    ("position", |it| it.position.to_string()),
    ("what happened", |it| it.event.clone()),
];

fn shown(window: &PortWindow) -> String {
    format!("{} {}-{}", window.date(), window.from().format("%H:%M"), window.to().format("%H:%M"))
}

/// Does what was asked.
pub async fn run(session: &Session, command: Command, output: &mut Output<'_>) -> Result<(), Failure> {
    let (id, command) = match command {
        Command::List { status } => {
            let status = status.map(|word| known::<PortStage>("--status", word)).transpose()?;
            let filters = status.map(|status| equal("status", status)).into_iter().collect();
            let ports: Vec<PortView> = session.records(filters, "updated_at", LIST_MAX).await?;
            return Ok(output.list(&ports, PORT)?);
        }
        Command::Show { port_request } => return show(session, port_request, output).await,
        command => command_of(session, command).await?,
    };
    if command.message().is_some() {
        session.only_carrier("passing on a supplier's message")?;
    }
    let receipt = session.execute(&joint::Command::Port { port_request: id, command }, output).await?;
    if let Some(why) = ignored(session, &receipt).await? {
        output.remark(&format!("the message is noted and changes nothing: {why}"))?;
    }
    show(session, id, output).await
}

/// Why a supplier's message changed nothing, if it did not.
async fn ignored(session: &Session, receipt: &Receipt) -> Result<Option<&'static str>, Failure> {
    let Appended { first, count, .. } = receipt.appended;
    let events = session.engine.page(first.saturating_sub(1), usize::try_from(count).unwrap_or(0)).await?;
    for event in &events {
        if let Happened::PortRequest(_, PortEvent::SupplierMessageIgnored { why, .. }) = fact(event)?.happened
        {
            return Ok(Some(match why {
                IgnoredBecause::NotExpected => "the port request does not expect it now",
                IgnoredBecause::Ended => "the port request has ended",
                IgnoredBecause::UnknownNumbers => "it names numbers that are not in the request",
                IgnoredBecause::ImpossibleDate => "it names a date that cannot be",
                IgnoredBecause::EarlierThanAsked => "it accepts an earlier date than was asked for",
                IgnoredBecause::TooLate => "the restoration period is over",
            }));
        }
    }
    Ok(None)
}

async fn show(session: &Session, id: PortRequestId, output: &mut Output<'_>) -> Result<(), Failure> {
    let port: PortView =
        session.record("port request", &id.to_string(), |port: &PortView| port.reseller).await?;
    output.one(&port, ALONE)?;
    Ok(output.below(&port.timeline, STEP)?)
}

async fn command_of(session: &Session, command: Command) -> Result<(PortRequestId, PortCommand), Failure> {
    use PortCommand as P;
    let with = |it: Message, command: fn(MessageId) -> PortCommand| (it.port_request, command(it.message));
    Ok(match command {
        Command::Accept { message: it, window } => {
            let window = window_or_asked(session, it.port_request, &window).await?;
            (it.port_request, P::LcpAccept { message: it.message, window })
        }
        Command::AcceptComplex { message: it, window } => {
            let proposed = named_window(&window)?;
            (it.port_request, P::LcpAcceptAsComplex { message: it.message, proposed })
        }
        Command::Reject { message: it, by, reasons } => {
            let reasons = reasons.iter().map(|reason| rejection(reason)).collect::<Result<_, _>>()?;
            (it.port_request, P::SupplierReject { message: it.message, by: by.into(), reasons })
        }
        Command::RhAccept(it) => with(it, |message| P::RhAccept { message }),
        Command::Withdraw { message: it, reason } => {
            let reason = sealed(session, it.port_request, "--reason", &reason).await?;
            (it.port_request, P::LcpWithdraw { message: it.message, reason })
        }
        Command::DateChange(DateChange::Request { named, window }) => {
            (named.port_request, P::RequestDate { window: named_window(&window)? })
        }
        Command::DateChange(DateChange::Accept { message: it, window }) => {
            let window = window_or_asked(session, it.port_request, &window).await?;
            (it.port_request, P::AcceptDateChange { message: it.message, window })
        }
        Command::DateChange(DateChange::Refuse(it)) => with(it, |message| P::RefuseDateChange { message }),
        Command::AgreeDate(it) => (it.port_request, P::AgreeDate),
        Command::RefuseDate(it) => (it.port_request, P::RefuseDate),
        Command::Allocate { named, company } => {
            let company = companies::find(session, "--company", &company).await?.company;
            (named.port_request, P::Allocate { company })
        }
        Command::Activate(it) => (it.port_request, P::Activate),
        Command::NetworkReport { message: it, live } => {
            let live = live_numbers(session, it.port_request, &live).await?;
            (it.port_request, P::NetworkReport { message: it.message, live })
        }
        Command::Retry(it) => (it.port_request, P::RetryActivation),
        Command::ReturnRest(it) => (it.port_request, P::ReturnRest),
        Command::Represent { named, changes } => {
            let changes = changed(session, named.port_request, changes).await?;
            (named.port_request, P::Represent { changes })
        }
        Command::Cancel(it) => (it.port_request, P::Cancel { why: PortCancellation::Requested }),
        Command::Restore { message: it, by } => {
            (it.port_request, P::Restore { message: it.message, by: by.into() })
        }
        Command::List { .. } | Command::Show { .. } => unreachable!("they only look"),
    })
}

fn rejection(word: &str) -> Result<PortRejection, Failure> {
    let word = known::<PortRejection>("--reason", word.to_owned())?;
    let known = PortRejection::VARIANTS.iter().find(|reason| reason.to_string() == word);
    Ok(*known.expect("the word is one of theirs"))
}

fn given_window(window: &Window) -> Result<Option<PortWindow>, Failure> {
    let Window { date: Some(date), from: Some(from), to: Some(to) } = window else { return Ok(None) };
    let window = PortWindow::parse(date, from, to).map_err(|error| Failure::of_argument("--date", error))?;
    Ok(Some(window))
}

fn named_window(window: &Window) -> Result<PortWindow, Failure> {
    given_window(window)?
        .ok_or_else(|| Failure::of_argument("--date", "a date with --from and --to is needed"))
}

/// The window that was named; else the one that was asked for last.
async fn window_or_asked(
    session: &Session,
    id: PortRequestId,
    window: &Window,
) -> Result<PortWindow, Failure> {
    if let Some(window) = given_window(window)? {
        return Ok(window);
    }
    let port: PortView =
        session.record("port request", &id.to_string(), |port: &PortView| port.reseller).await?;
    Ok(port.other_window.unwrap_or(port.window))
}

async fn live_numbers(session: &Session, id: PortRequestId, live: &[String]) -> Result<NumberSet, Failure> {
    match live {
        [word] if word == "none" => Ok(NumberSet::new()),
        [word] if word == "all" => {
            session.owners(id.into()).await?;
            let (_, port) = session.engine.load::<PortRequest>(id).await?;
            Ok(port.numbers())
        }
        ranges => {
            let mut numbers = NumberSet::new();
            for range in ranges {
                let range =
                    NumberRange::parse(range).map_err(|error| Failure::of_argument("--live", error))?;
                numbers.insert_range(range);
            }
            Ok(numbers)
        }
    }
}

async fn changed(session: &Session, id: PortRequestId, changes: Changes) -> Result<PortChanges, Failure> {
    fn read<T: std::str::FromStr<Err = Invalid>>(
        name: &str,
        text: Option<String>,
    ) -> Result<Option<T>, Failure> {
        text.map(|text| text.parse()).transpose().map_err(|error: Invalid| Failure::of_argument(name, error))
    }
    let class = changes.class.map(|word| {
        let known = PortClass::VARIANTS.iter().find(|class| class.to_string() == word);
        known.copied().ok_or_else(|| Failure::of_argument("--class", "single_line or multi_line is needed"))
    });
    let mut new = PortChanges {
        class: class.transpose()?,
        main_number: read("--main-number", changes.main_number)?,
        losing_provider: read("--losing-provider", changes.losing_provider)?,
        postcode: read("--postcode", changes.postcode)?,
        window: given_window(&changes.window)?,
        ..PortChanges::default()
    };
    if let Some(account) = changes.account {
        new.account = Some(sealed(session, id, "--account", &account).await?);
    }
    if let Some(signatory) = changes.signatory {
        new.signatory = Some(sealed(session, id, "--signatory", &signatory).await?);
    }
    Ok(new)
}

async fn sealed(
    session: &Session,
    id: PortRequestId,
    name: &str,
    text: &str,
) -> Result<orderwire_domain::sealed::Sealed, Failure> {
    let (_, key) = session.owners(id.into()).await?;
    session.seal(key, name, text).await
}

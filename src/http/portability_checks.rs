//! The portability check: advice about numbers, which promises and keeps nothing.
//!
//! Deliberately absent: who has a number. A number of another reseller and one of the carrier's own stock are both here.

use chrono::NaiveDate;
use orderwire_domain::{
    port_request::reason::rejection_entries,
    portability::{
        CHECK_NUMBERS_MAX, EarliestDates, NumberCheck, PortabilityAsk, RangeHolder, Unread, Verdict,
    },
    rules::EarliestPortDate,
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    answer::Answer,
    api::Api,
    auth::Access,
    openapi::tags,
    page::Listed,
    problem::Problem,
    request::{Call, Look},
    words,
};
use crate::edge;

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.question(Access::Tenant, routes!(check))
        .route(Access::Tenant, routes!(lead_times))
        .route(Access::Tenant, routes!(rejection_reasons))
}

/// The numbers to check.
#[derive(ToSchema)]
#[schema(as = PortabilityCheck)]
#[expect(dead_code, reason = "it is read field by field, and stands here for the document")]
struct Ask {
    /// Numbers and ranges, at most 10,000 numbers in all.
    #[schema(min_items = 1, max_items = 10_000)]
    numbers: Vec<String>,
}

/// What a check says, number by number.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckedNumbers)]
struct Checked {
    /// Each number once, and each text that is none, in the order in which they were asked for.
    items: Vec<CheckedNumber>,
}

/// What a check says of one number.
#[derive(Debug, Serialize, ToSchema)]
struct CheckedNumber {
    /// The number; as it was sent, where it is none.
    #[schema(example = "+442079460001")]
    number: String,
    /// Whether nothing known here speaks against a port.
    portable: bool,
    /// What does: `invalid`, `outside_product`, `already_here`, `open_request`, `unknown_range` or
    /// `range_not_allocated`.
    #[schema(value_type = Option<words::NotPortable>)]
    reason: Option<String>,
    /// The same in words.
    detail: Option<String>,
    /// Whose range it is, where the numbering data says so.
    range_holder: Option<HolderBody>,
    /// `single_line` or `multi_line`: a hint, since only the losing provider knows the installation.
    #[schema(value_type = Option<words::PortClass>)]
    class_hint: Option<String>,
    /// How many portable numbers of the check follow one another there.
    in_a_row: Option<u32>,
    /// The earliest dates, were it submitted now; null where the calendar of working days ends before.
    earliest: Option<EarliestBody>,
}

/// Whose range it is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RangeHolder)]
struct HolderBody {
    /// Its name, as the regulator writes it.
    name: Option<String>,
    /// Its CUPID.
    #[schema(example = "001")]
    cupid: Option<String>,
}

/// The earliest dates of a port.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EarliestDates)]
struct EarliestBody {
    /// Where the losing provider is the range holder.
    provide: EarliestDate,
    /// Where it is not.
    subsequent: EarliestDate,
}

/// The earliest date, and how it was found.
#[derive(Debug, Serialize, ToSchema)]
struct EarliestDate {
    /// The date.
    #[schema(value_type = String, format = Date, example = "2026-06-12")]
    date: NaiveDate,
    /// Working days from the day that it counts from.
    working_days: u32,
    /// The working day that it counts from.
    #[schema(value_type = String, format = Date, example = "2026-06-01")]
    day_zero: NaiveDate,
    /// The row of the lead times that decided.
    rule: String,
}

/// A lead time of ports.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = LeadTime)]
struct LeadTimeBody {
    /// From when on it holds, until a later table does.
    #[schema(value_type = String, format = Date)]
    effective_from: NaiveDate,
    /// Who published it.
    source: String,
    /// What it is called.
    rule: String,
    /// For ports of this class only.
    #[schema(value_type = Option<words::PortClass>)]
    class: Option<String>,
    /// For numbers with (true) or without (false) a place only.
    geographic: Option<bool>,
    /// For ports with (true) or without (false) a range only.
    has_range: Option<bool>,
    /// For a part of a range only (true), or for all but that (false).
    complex: Option<bool>,
    /// From so many numbers on.
    numbers_min: Option<u32>,
    /// Up to so many numbers.
    numbers_max: Option<u32>,
    /// From so many single lines at once on.
    simultaneous_min: Option<u32>,
    /// Working days where the losing provider holds the range.
    provide: u32,
    /// Working days where it does not.
    subsequent: u32,
}

/// Why a losing provider may refuse a port.
#[derive(Debug, Serialize, ToSchema)]
struct RejectionReason {
    /// The reason, as ports show it.
    #[schema(value_type = words::PortReason)]
    reason: String,
    /// The industry's code, where one is published.
    industry_code: Option<&'static str>,
    /// Who must act.
    #[schema(value_type = words::MustAct)]
    must_act: String,
    /// What it means.
    detail: &'static str,
}

impl From<RangeHolder> for HolderBody {
    fn from(holder: RangeHolder) -> Self {
        Self { name: holder.name, cupid: holder.cupid.map(|cupid| cupid.to_string()) }
    }
}

impl From<EarliestDates> for EarliestBody {
    fn from(dates: EarliestDates) -> Self {
        let one = |it: EarliestPortDate| EarliestDate {
            date: it.date,
            working_days: it.lead_time.working_days,
            day_zero: it.day_zero,
            rule: it.lead_time.row,
        };
        Self { provide: one(dates.provide), subsequent: one(dates.subsequent) }
    }
}

impl From<NumberCheck> for CheckedNumber {
    fn from(check: NumberCheck) -> Self {
        let holder = check.range.and_then(|range| range.holder).map(HolderBody::from);
        let number = check.number.to_string();
        match check.verdict {
            Verdict::Portable { class_hint, in_a_row, earliest } => Self {
                number,
                portable: true,
                reason: None,
                detail: None,
                range_holder: holder,
                class_hint: Some(class_hint.to_string()),
                in_a_row: Some(in_a_row),
                earliest: earliest.map(EarliestBody::from),
            },
            Verdict::NotPortable { reason } => {
                Self { range_holder: holder, ..Self::refused(number, reason.into(), reason.detail()) }
            }
        }
    }
}

impl From<Unread> for CheckedNumber {
    fn from(unread: Unread) -> Self {
        let detail = format!("{}; expected {}", unread.invalid.detail, unread.invalid.expected);
        Self::refused(unread.text, unread.reason.into(), &detail)
    }
}

impl CheckedNumber {
    fn refused(number: String, reason: &str, detail: &str) -> Self {
        Self {
            number,
            portable: false,
            reason: Some(reason.to_owned()),
            detail: Some(detail.to_owned()),
            range_holder: None,
            class_hint: None,
            in_a_row: None,
            earliest: None,
        }
    }
}

/// Say of numbers whether they could be ported here, and how soon.
///
/// What is said is true now and keeps nothing: a submit asks again, and may find that somebody else was faster.
#[utoipa::path(post, path = "/v1/portability-checks", operation_id = "check_portability", tag = tags::PORTABILITY,
    request_body(content = Ask, example = json!({ "numbers": ["020 7946 0001", "0113 496 0100-0119"] })),
    responses((status = 200, description = "What is known of each.", body = Checked)))]
async fn check(call: Call) -> Result<Answer, Problem> {
    call.unconditional()?;
    let texts: Vec<String> = call.read(|it| {
        it.object(|fields| {
            fields.required("numbers", |it| {
                let texts = it.list(CHECK_NUMBERS_MAX, |it| it.text().map(str::to_owned))?;
                if texts.is_empty() {
                    return it.refuse("list_empty", "the list is empty", "at least one number or range");
                }
                Some(texts)
            })
        })
    })?;
    let ask = PortabilityAsk::read(&texts)
        .map_err(|invalid| Problem::from(vec![edge::Problem::invalid("/numbers", invalid)]))?;
    let checked = call.look.app.engine.check_portability(&ask.numbers).await?;
    let answers = ask.in_order(checked).into_iter();
    let items = answers.map(|answer| answer.map_or_else(CheckedNumber::from, CheckedNumber::from));
    Ok(Answer::ok(&Checked { items: items.collect() }))
}

/// List the lead times of ports; of all rows that apply to a port, the longest counts.
#[utoipa::path(get, path = "/v1/lead-times", operation_id = "list_lead_times", tag = tags::PORTABILITY,
    responses((status = 200, description = "Every row of every dated table.", body = Listed<LeadTimeBody>)))]
async fn lead_times(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let tables = look.app.engine.rules().lead_times().tables();
    let rows = tables.iter().flat_map(|table| {
        table.rows().iter().map(|row| LeadTimeBody {
            effective_from: table.effective_from(),
            source: table.source().to_owned(),
            rule: row.slug.clone(),
            class: row.class.map(|class| class.to_string()),
            geographic: row.geographic,
            has_range: row.has_range,
            complex: row.complex,
            numbers_min: row.numbers_min,
            numbers_max: row.numbers_max,
            simultaneous_min: row.simultaneous_min,
            provide: row.provide,
            subsequent: row.subsequent,
        })
    });
    Ok(Answer::ok(&Listed { items: rows.collect(), next: None }))
}

/// List why a losing provider may refuse a port, and who must act then.
#[utoipa::path(get, path = "/v1/rejection-reasons", operation_id = "list_rejection_reasons", tag = tags::IMPORT,
    responses((status = 200, description = "Every reason.", body = Listed<RejectionReason>)))]
async fn rejection_reasons(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let items = rejection_entries().into_iter().map(|entry| RejectionReason {
        reason: entry.slug.to_string(),
        industry_code: entry.industry_code,
        must_act: entry.must_act.to_string(),
        detail: entry.detail,
    });
    Ok(Answer::ok(&Listed { items: items.collect(), next: None }))
}

//! The carrier's own numbers: blocks, and numbers that go to another provider or come back.
//!
//! Deliberately absent: quarantine, which follows from numbers that were given back and ends by itself.

use axum::http::StatusCode;
use orderwire_domain::{
    ids::NumberBlockId,
    joint::Command,
    names::{Cupid, MessageId, SiteName},
    number::{AreaCode, NumberRange, NumberSet},
    number_block::commands::BlockCommand,
    views::number_availability::{STOCK_BLOCK, StockBlock},
};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    answer::{Answer, Done},
    api::Api,
    auth::Access,
    openapi::tags,
    page::{self, Listed},
    problem::Problem,
    request::{Call, Look},
    texts,
};
use crate::{
    edge::{
        lines,
        reader::{Fields, Spot},
    },
    engine::{
        Receipt,
        query::{self, equal},
    },
};

const WHAT: &str = "number block";
/// What the paths of blocks begin with.
pub const PATH: &str = "/v1/operator/stock";

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Operator, routes!(load, list))
        .route(Access::Operator, routes!(port_out))
        .route(Access::Operator, routes!(show, withdraw))
        .route(Access::Operator, routes!(take_back))
}

/// A block in stock.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StockBlock)]
struct BlockBody {
    /// Its id.
    #[schema(value_type = texts::NumberBlockId)]
    id: String,
    /// Its first number.
    #[schema(value_type = texts::TelephoneNumber)]
    first: String,
    /// Its last number.
    #[schema(value_type = texts::TelephoneNumber)]
    last: String,
    /// Its area code.
    #[schema(value_type = texts::AreaCode)]
    area_code: String,
    /// The place that its numbers belong to.
    #[schema(value_type = texts::SiteName)]
    place: String,
    /// The CUPID of whoever Ofcom allocated it to.
    #[schema(value_type = texts::Cupid)]
    range_holder: String,
    /// How many numbers it has.
    numbers: u32,
    /// How many of them are free.
    free: u32,
}

/// A block to be.
#[derive(ToSchema)]
#[schema(as = NewStockBlock)]
struct NewBlock {
    /// The range: whole hundreds.
    #[schema(value_type = texts::NumberRange)]
    range: NumberRange,
    /// The place that its numbers belong to.
    #[schema(value_type = texts::SiteName)]
    place: SiteName,
    /// The CUPID of whoever Ofcom allocated it to.
    #[schema(value_type = texts::Cupid)]
    range_holder: Cupid,
}

/// Numbers of our stock that another provider takes over.
#[derive(ToSchema)]
#[schema(as = PortOut)]
struct PortedOut {
    /// The id that its sender gave the message.
    #[schema(value_type = texts::MessageId)]
    message: MessageId,
    /// Numbers and ranges, all of one block.
    #[schema(value_type = Vec<texts::NumberRange>, min_items = 1, max_items = 10_000)]
    numbers: NumberSet,
}

/// What became of a message.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PortOutHeard)]
struct Heard {
    /// `applied`; or `known`, where it was heard before and changes nothing.
    #[schema(example = "applied")]
    outcome: &'static str,
    /// Where it is in the log; of a message that was known, where the log was.
    position: u64,
}

/// Numbers that come back.
#[derive(ToSchema)]
#[schema(as = TakeBack)]
struct TakenBack {
    /// Numbers and ranges of the block.
    #[schema(value_type = Vec<texts::NumberRange>, min_items = 1, max_items = 10_000)]
    numbers: NumberSet,
}

impl From<StockBlock> for BlockBody {
    fn from(block: StockBlock) -> Self {
        Self {
            id: block.block.to_string(),
            first: block.range.start().to_string(),
            last: block.range.end().to_string(),
            area_code: block.area.to_string(),
            place: block.place.to_string(),
            range_holder: block.range_holder.to_string(),
            numbers: block.range.len(),
            free: block.free,
        }
    }
}

/// Make a range of whole hundreds stock.
#[utoipa::path(post, path = "/v1/operator/stock", operation_id = "load_stock", tag = tags::OPERATOR,
    request_body(content = NewBlock, example = json!({
        "range": "0113 496 0000-0999", "place": "Leeds", "range_holder": "001" })),
    responses((status = 201, description = "Its numbers are free.", body = BlockBody),
        (status = 202, description = "They are, and cannot be shown yet.", body = Done)))]
async fn load(call: Call) -> Result<Answer, Problem> {
    let NewBlock { range, place, range_holder } = call.read(|it| {
        it.object(|fields| {
            let range = fields.required("range", |it| it.parsed());
            let place = fields.required("place", |it| it.parsed());
            let range_holder = fields.required("range_holder", |it| it.parsed());
            Some(NewBlock { range: range?, place: place?, range_holder: range_holder? })
        })
    })?;
    let receipt = call.create(&Command::LoadBlock { range, place, range_holder }).await?;
    let id: NumberBlockId = receipt.id("number_block");
    let answer = shown(&call, StatusCode::CREATED, id, &receipt).await?;
    Ok(answer.located(format!("/v1/operator/stock/{id}")))
}

/// List the blocks in stock, with what is free of each.
#[utoipa::path(get, path = "/v1/operator/stock", operation_id = "list_stock", tag = tags::OPERATOR,
    params(("area_code" = Option<texts::AreaCode>, Query, description = "Only those of this area code."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = Listed<BlockBody>)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&["area_code", "limit", "cursor"])?;
    let area: Option<AreaCode> = look.parsed("area_code")?;
    let filters = area.map(|area| equal("area", area.to_string())).into_iter().collect();
    let page = page::of::<StockBlock>(&look, filters, "area", false).await?;
    Ok(Answer::list(&look, &page.listed(BlockBody::from)))
}

/// Show a block in stock.
#[utoipa::path(get, path = "/v1/operator/stock/{id}", operation_id = "get_stock_block", tag = tags::OPERATOR,
    params(("id" = String, Path, description = "The id of the block.")),
    responses((status = 200, description = "The block.", body = BlockBody)))]
async fn show(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let id: NumberBlockId = look.id(WHAT)?;
    look.ready(&STOCK_BLOCK).await?;
    let block: Option<StockBlock> = query::get(look.app.engine.log(), &id.to_string()).await?;
    let block = block.ok_or_else(|| Problem::not_found(WHAT, &id.to_string()))?;
    Ok(Answer::ok(&BlockBody::from(block)))
}

/// Take a block out of stock, none of whose numbers anybody has.
#[utoipa::path(delete, path = "/v1/operator/stock/{id}", operation_id = "withdraw_stock", tag = tags::OPERATOR,
    params(("id" = String, Path, description = "The id of the block.")),
    responses((status = 200, description = "Its numbers are no stock any more.", body = Done)))]
async fn withdraw(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    let block = named(&call)?;
    let command = Command::Block { block, command: BlockCommand::Withdraw };
    Ok(done(&call.change(block.into(), &command).await?))
}

/// Hear that another provider takes numbers of our stock over.
///
/// Whoever has them here loses them. The message is applied at most once: of the same id again, nothing happens. The ids are
/// those of the network, which its reports on port requests share: one that was used for another block or a port request is
/// refused as `message_known`.
#[utoipa::path(post, path = "/v1/operator/stock/port-outs", operation_id = "port_numbers_out", tag = tags::OPERATOR,
    request_body(content = PortedOut, example = json!({
        "message": "N-4711", "numbers": ["0113 496 0100", "0113 496 0110-0119"] })),
    responses((status = 200, description = "It is heard.", body = Heard)))]
async fn port_out(call: Call) -> Result<Answer, Problem> {
    let PortedOut { message, numbers } = call.read(|it| {
        it.object(|fields| {
            let message = fields.required("message", |it| it.parsed());
            Some(PortedOut { numbers: numbers(fields)?, message: message? })
        })
    })?;
    let receipt = call.create(&Command::PortOut { numbers, message }).await?;
    let (outcome, position) =
        (if receipt.appended.count == 0 { "known" } else { "applied" }, receipt.appended.last());
    Ok(Answer::ok(&Heard { outcome, position }).at(position))
}

/// Have numbers back that another provider had taken over.
#[utoipa::path(post, path = "/v1/operator/stock/{id}/take-backs", operation_id = "take_numbers_back",
    tag = tags::OPERATOR, params(("id" = String, Path, description = "The id of the block.")),
    request_body(content = TakenBack, example = json!({ "numbers": ["0113 496 0100"] })),
    responses((status = 200, description = "They are free.", body = BlockBody),
        (status = 202, description = "They are, and cannot be shown yet.", body = Done)))]
async fn take_back(call: Call) -> Result<Answer, Problem> {
    let block = named(&call)?;
    let TakenBack { numbers } =
        call.read(|it| it.object(|fields| Some(TakenBack { numbers: numbers(fields)? })))?;
    let command = Command::Block { block, command: BlockCommand::TakeBack { numbers } };
    let receipt = call.change(block.into(), &command).await?;
    shown(&call, StatusCode::OK, block, &receipt).await
}

/// The block that the path names. What is free of it changes without an event of its own, so it has no tag to rest on.
fn named(call: &Call) -> Result<NumberBlockId, Problem> {
    let block = call.look.id(WHAT)?;
    call.untagged()?;
    Ok(block)
}

fn numbers(fields: &Fields<'_>) -> Option<NumberSet> {
    fields.required("numbers", |it: Spot<'_>| lines::number_set(&it, 1))
}

fn done(receipt: &Receipt) -> Answer {
    Answer::ok(&Done::of(receipt)).at(receipt.appended.last())
}

async fn shown(
    call: &Call,
    status: StatusCode,
    id: NumberBlockId,
    receipt: &Receipt,
) -> Result<Answer, Problem> {
    let Some(block) = call.shown::<StockBlock>(receipt, &id.to_string()).await? else {
        return Ok(call.done(receipt));
    };
    Ok(Answer::new(status, &BlockBody::from(block)).at(receipt.appended.last()))
}

//! What was sent to a webhook and what waits, one notice sent once more, and a test.
//!
//! Deliberately absent: the sending ([`delivery`](super::delivery)), but for the test, which is sent at once.

use axum::http::StatusCode;
use chrono::SecondsFormat;
use orderwire_domain::{
    ids::NoticeId,
    views::{
        notices::Notice,
        table::Record as _,
        webhooks::{WebhookStage, WebhookView},
    },
    webhook::Webhook,
};
use serde::Serialize;
use strum::{Display, IntoStaticStr, VariantArray};
use utoipa::ToSchema;
use utoipa_axum::routes;
use uuid::Uuid;

use super::{
    answer::Answer,
    api::Api,
    auth::Access,
    delivery::{self, sender::Message},
    notice_bodies::SOURCE,
    openapi::tags,
    page::{self, Listed},
    problem::Problem,
    request::{Call, Look},
    texts,
    webhook_bodies::{DeliveryBody, TestBody, WebhookBody},
    webhooks::visible,
};
use crate::{
    edge::{
        self,
        deliveries::{Delivery, Request},
    },
    engine::{
        Error,
        log::RowChange,
        query::{self, equal},
    },
};

/// The type of what a test sends.
const TEST: &str = "com.orderwire.webhook.test.v1";

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Tenant, routes!(list))
        .route(Access::Reseller, routes!(redeliver))
        .route(Access::Reseller, routes!(test))
}

/// Which deliveries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Display, IntoStaticStr, VariantArray, ToSchema)]
#[schema(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
enum Which {
    Waiting,
}

/// A notice to be sent once more.
#[derive(ToSchema)]
#[schema(as = Redelivery)]
#[expect(dead_code, reason = "this says to the reader of the API what is read field by field")]
struct RedeliveryBody {
    /// Which.
    #[schema(value_type = texts::NoticeId)]
    notice: String,
}

/// A notice that will be sent once more.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Redelivered)]
struct RedeliveredBody {
    /// Which.
    #[schema(value_type = texts::NoticeId)]
    notice: String,
}

/// List what was sent to a webhook and what waits, newest first.
///
/// What has arrived is shown for seven days, and the last 10,000.
#[utoipa::path(get, path = "/v1/webhooks/{id}/deliveries", operation_id = "list_deliveries", tag = tags::NOTIFICATION,
    params(("id" = String, Path, description = "The id of the webhook."),
        ("status" = inline(Option<Which>), Query, description = "Only what waits."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = Listed<DeliveryBody>)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&["status", "limit", "cursor"])?;
    let webhook = visible(&look).await?.webhook;
    let waiting = look.word::<Which>("status")?;
    let mut filters = vec![equal("parent", webhook.to_string())];
    filters.extend(waiting.map(|Which::Waiting| equal("waits", 1)));
    let page = page::of::<Delivery>(&look, filters, "sequence", true).await?;
    Ok(Answer::list(&look, &page.listed(DeliveryBody::from)))
}

/// Send one notice once more.
///
/// Out of turn, whatever its type, and besides what is sent anyway. It has the id that it always had.
#[utoipa::path(post, path = "/v1/webhooks/{id}/deliveries", operation_id = "redeliver_notice", tag = tags::NOTIFICATION,
    params(("id" = String, Path, description = "The id of the webhook.")),
    request_body(content = RedeliveryBody, example = json!({ "notice": "ntf_01890a5d000070008000000000000001" })),
    responses((status = 202, description = "It will be sent.", body = RedeliveredBody)))]
async fn redeliver(call: Call) -> Result<Answer, Problem> {
    let id: NoticeId = call.read(|it| it.object(|fields| fields.required("notice", |it| it.parsed())))?;
    let view = visible(&call.look).await?;
    call.unconditional()?;
    if view.status != WebhookStage::Active {
        let detail = format!("the webhook is {}", view.status);
        return Err(Problem::new(StatusCode::CONFLICT, "not_permitted", detail));
    }
    let engine = &call.look.app.engine;
    let notice: Option<Notice> = query::get(engine.log(), &id.to_string()).await?;
    if notice.is_none_or(|notice| notice.reseller != view.reseller) {
        let detail = format!("there is no notice {id}");
        let problem = edge::Problem::new("/notice", "notice_unknown", detail, "a notice of this reseller");
        return Err(Problem::from(vec![problem]));
    }
    let request = Request { webhook: view.webhook, notice: id };
    let asked = engine.log().change_rows(&[RowChange::Put(Request::TABLE, request.to_row())], None).await;
    asked.map_err(Error::from)?;
    Ok(Answer::new(StatusCode::ACCEPTED, &RedeliveredBody { notice: id.to_string() }))
}

/// What a test sends: a `CloudEvent` that is no notice, so it has no sequence.
#[derive(Serialize)]
struct TestEvent {
    specversion: &'static str,
    id: String,
    source: &'static str,
    r#type: &'static str,
    subject: String,
    time: String,
    datacontenttype: &'static str,
    data: TestData,
}

#[derive(Serialize)]
struct TestData {
    webhook: WebhookBody,
}

/// Send something now, and say what came of it.
///
/// A signed event of the type `com.orderwire.webhook.test.v1`, which is no notice and has no sequence. It is sent once, also
/// where the webhook is paused.
#[utoipa::path(post, path = "/v1/webhooks/{id}/test", operation_id = "test_webhook", tag = tags::NOTIFICATION,
    params(("id" = String, Path, description = "The id of the webhook.")),
    responses((status = 200, description = "It was sent, and may have arrived.", body = TestBody)))]
async fn test(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    let view = visible(&call.look).await?;
    call.unconditional()?;
    let engine = &call.look.app.engine;
    let (_, webhook) = engine.load::<Webhook>(view.webhook).await?;
    let Some(target) = webhook.endpoint() else { return Err(Problem::not_found("webhook", &view.key())) };
    let signers = delivery::signers(engine, target).await?;
    let (url, now) = (view.url.clone(), engine.now());
    let message = message(view, &now.to_rfc3339_opts(SecondsFormat::Millis, true));
    let answered = call.look.app.sender.send(&url, &message, &signers).await;
    Ok(Answer::ok(&TestBody::from(answered)))
}

fn message(view: WebhookView, time: &str) -> Message {
    let id = NoticeId(Uuid::now_v7()).to_string();
    let event = TestEvent {
        specversion: "1.0",
        id: id.clone(),
        source: SOURCE,
        r#type: TEST,
        subject: view.webhook.to_string(),
        time: time.to_owned(),
        datacontenttype: "application/json",
        data: TestData { webhook: view.into() },
    };
    Message { id, body: serde_json::to_vec(&event).expect("an event has string keys only").into() }
}

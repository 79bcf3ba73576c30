//! Webhooks: where a reseller's notices are sent, as its owner sets it up.
//!
//! Deliberately absent: the sending ([`delivery`](super::delivery)), and what was sent ([`webhook_deliveries`]).
//!
//! [`webhook_deliveries`]: super::webhook_deliveries

use std::collections::BTreeSet;

use axum::http::StatusCode;
use orderwire_domain::{
    ids::{ResellerId, WebhookId},
    invalid::Invalid,
    joint::Command,
    names::ResellerCode,
    notice::NoticeType,
    views::webhooks::{Signing, WebhookStage, WebhookView},
    webhook::{
        OVERLAP_HOURS, OVERLAP_HOURS_MAX,
        commands::WebhookCommand,
        values::{EndpointUrl, SigningKey, WebhookDescription},
    },
};
use strum::VariantArray as _;
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::{
    action_bodies::ActionsBody,
    answer::{Answer, Done},
    api::Api,
    auth::Access,
    delivery::{sender::Sender, signing},
    notices,
    openapi::tags,
    page::{self, Listed},
    problem::Problem,
    request::{Call, Look},
    texts,
    webhook_bodies::WebhookBody,
    words,
};
use crate::{
    edge::{self, place, reader::Spot},
    engine::{Engine, Receipt, query::equal},
};

const WHAT: &str = "webhook";
/// Most types that one webhook names: more than there are is a mistake.
const TYPES_MAX: usize = 100;
/// The largest sequence that a store can keep.
const SEQUENCE_MAX: u64 = i64::MAX.unsigned_abs();

/// Adds the routes.
pub fn routes(api: Api) -> Api {
    api.route(Access::Reseller, routes!(create))
        .route(Access::Tenant, routes!(list))
        .route(Access::Tenant, routes!(show))
        .route(Access::Reseller, routes!(change, remove))
        .route(Access::Reseller, routes!(rotate))
        .route(Access::Tenant, routes!(pause, resume))
        .route(Access::Reseller, routes!(replay))
        .route(Access::Tenant, routes!(actions))
}

/// A webhook to be.
struct NewWebhook {
    url: EndpointUrl,
    types: BTreeSet<NoticeType>,
    description: WebhookDescription,
    signing: Signing,
    after: Option<u64>,
}

/// A webhook to be.
#[derive(ToSchema)]
#[schema(as = NewWebhook)]
#[expect(dead_code, reason = "this says to the reader of the API what is read field by field")]
struct NewWebhookBody {
    /// Where notices are sent to: over TLS, on the public internet.
    #[schema(value_type = texts::EndpointUrl)]
    url: String,
    /// Only these types, in full or short; all of them where none is named.
    #[schema(max_items = 100)]
    types: Option<Vec<String>>,
    /// What it is for, in a few words; not a person's name.
    #[schema(value_type = Option<texts::WebhookDescription>)]
    description: Option<String>,
    /// How it signs; `hmac` where nobody says.
    #[schema(value_type = Option<words::Signing>)]
    signing: Option<String>,
    /// After which sequence it begins, 0 for everything there ever was; with what comes next where nobody says.
    #[schema(minimum = 0)]
    after: Option<u64>,
}

/// What may change about a webhook; what is absent stays.
#[derive(ToSchema)]
#[schema(as = WebhookChange)]
#[expect(dead_code, reason = "this says to the reader of the API what is read field by field")]
struct ChangeBody {
    /// Where notices are sent to.
    #[schema(value_type = Option<texts::EndpointUrl>)]
    url: Option<String>,
    /// Only these types; all of them where the list is empty.
    #[schema(max_items = 100)]
    types: Option<Vec<String>>,
    /// What it is for; empty for nothing.
    #[schema(value_type = Option<texts::WebhookDescription>)]
    description: Option<String>,
}

/// A change of secret.
#[derive(ToSchema)]
#[schema(as = SecretRotation)]
#[expect(dead_code, reason = "this says to the reader of the API what is read field by field")]
struct RotationBody {
    /// How it signs from now on; as before where nobody says.
    #[schema(value_type = Option<words::Signing>)]
    signing: Option<String>,
    /// For how many hours the secret before signs too, 24 where nobody says.
    #[schema(maximum = 168)]
    overlap_hours: Option<u32>,
}

/// Where to begin once more.
#[derive(ToSchema)]
#[schema(as = Replay)]
#[expect(dead_code, reason = "this says to the reader of the API what is read field by field")]
struct ReplayBody {
    /// After which sequence, 0 for everything there ever was.
    #[schema(minimum = 0)]
    after: u64,
}

/// Have a reseller's notices sent somewhere.
///
/// The answer has the secret with which signatures are verified, and no other has but that to a retry under the same key.
/// A reseller has 20 webhooks at most.
#[utoipa::path(post, path = "/v1/webhooks", operation_id = "create_webhook", tag = tags::NOTIFICATION,
    request_body(content = NewWebhookBody, example = json!({
        "url": "https://hooks.example/orderwire", "types": ["order.completed", "port.accepted"],
        "description": "our order desk" })),
    responses((status = 201, description = "They are sent from now on.", body = WebhookBody),
        (status = 202, description = "They are, and it cannot be shown yet; asked again with the same key, the secret is.", body = Done)))]
async fn create(call: Call) -> Result<Answer, Problem> {
    let sender = &call.look.app.sender;
    let new = call.read(|it| {
        it.object(|fields| {
            let url = fields.required("url", |it| address(&it, sender));
            let types = fields.optional("types", |it| types(&it));
            let description = fields.optional("description", |it| it.parsed());
            let signing = fields.optional("signing", |it| it.word(Signing::VARIANTS));
            let after = fields.optional("after", |it| it.whole(0, SEQUENCE_MAX));
            Some(NewWebhook {
                url: url?,
                types: types?.unwrap_or_default(),
                description: description?.unwrap_or_default(),
                signing: signing?.unwrap_or(Signing::Hmac),
                after: after?,
            })
        })
    })?;
    let reseller = call.look.caller.reseller.ok_or_else(|| Problem::not_found("reseller", "of this key"))?;
    let engine = &call.look.app.engine;
    let after = match new.after {
        Some(after) => within_told(engine, reseller, after).await?,
        None => notices::told(engine, reseller).await?,
    };
    let (key, secret) = fresh(engine, reseller, new.signing).await?;
    let NewWebhook { url, types, description, signing, .. } = new;
    let command = Command::CreateWebhook { reseller, url, types, description, key, after };
    let receipt = call.create(&command).await?;
    let id: WebhookId = receipt.id(WHAT);
    let answer = shown(&call, StatusCode::CREATED, id, &receipt, signing, Some(secret)).await?;
    Ok(answer.located(format!("/v1/webhooks/{id}")))
}

/// List webhooks, newest first.
#[utoipa::path(get, path = "/v1/webhooks", operation_id = "list_webhooks", tag = tags::NOTIFICATION,
    params(("reseller" = Option<texts::ResellerCode>, Query, description = "The code of the reseller; only where the carrier asks."),
        ("limit" = Option<u16>, Query, description = "At most so many, up to 500."),
        ("cursor" = Option<String>, Query, description = "The `next` of the page before.")),
    responses((status = 200, description = "A page of them.", body = Listed<WebhookBody>)))]
async fn list(look: Look) -> Result<Answer, Problem> {
    look.only(&["reseller", "limit", "cursor"])?;
    let named: Option<ResellerCode> = look.parsed("reseller")?;
    let reseller = match named {
        Some(_) => Some(notices::reseller(&look).await?),
        None => look.caller.reseller,
    };
    let mut filters: Vec<_> = reseller.map(|it| equal("reseller", it.to_string())).into_iter().collect();
    filters.push(equal("live", 1));
    let page = page::of::<WebhookView>(&look, filters, "created_at", true).await?;
    Ok(Answer::list(&look, &page.listed(WebhookBody::from)))
}

/// Show a webhook.
#[utoipa::path(get, path = "/v1/webhooks/{id}", operation_id = "get_webhook", tag = tags::NOTIFICATION,
    params(("id" = String, Path, description = "The id of the webhook.")),
    responses((status = 200, description = "The webhook.", body = WebhookBody)))]
async fn show(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let view = visible(&look).await?;
    let position = view.position;
    Ok(Answer::ok(&WebhookBody::from(view)).tagged(position))
}

/// Change where notices are sent, which, or what that is for.
#[utoipa::path(patch, path = "/v1/webhooks/{id}", operation_id = "change_webhook", tag = tags::NOTIFICATION,
    params(("id" = String, Path, description = "The id of the webhook.")),
    request_body(content = ChangeBody, example = json!({ "types": [] })),
    responses((status = 200, description = "It is so from here on.", body = WebhookBody),
        (status = 202, description = "It is, and cannot be shown yet.", body = Done)))]
async fn change(call: Call) -> Result<Answer, Problem> {
    let sender = &call.look.app.sender;
    let command = call.read(|it| {
        it.object(|fields| {
            let url = fields.optional("url", |it| address(&it, sender));
            let types = fields.optional("types", |it| types(&it));
            let description = fields.optional("description", |it| it.parsed());
            Some(WebhookCommand::Update { url: url?, types: types?, description: description? })
        })
    })?;
    done(&call, command).await
}

/// Let there be no such webhook any more.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", operation_id = "delete_webhook", tag = tags::NOTIFICATION,
    params(("id" = String, Path, description = "The id of the webhook.")),
    responses((status = 200, description = "There is none.", body = Done)))]
async fn remove(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    let webhook = visible(&call.look).await?.webhook;
    let receipt =
        call.change(webhook.into(), &Command::Webhook { webhook, command: WebhookCommand::Delete }).await?;
    call.shown::<WebhookView>(&receipt, &webhook.to_string()).await?;
    Ok(Answer::ok(&Done::of(&receipt)).at(receipt.appended.last()))
}

/// Sign with another secret.
///
/// The one before signs too for a while, so that there is time to bring the new one to whoever verifies. The answer has the
/// new one, and no other has but that to a retry under the same key.
#[utoipa::path(post, path = "/v1/webhooks/{id}/secret", operation_id = "rotate_webhook_secret", tag = tags::NOTIFICATION,
    params(("id" = String, Path, description = "The id of the webhook.")),
    request_body(content = Option<RotationBody>, example = json!({ "overlap_hours": 24 })),
    responses((status = 200, description = "Both sign.", body = WebhookBody),
        (status = 202, description = "They do, and it cannot be shown yet; asked again with the same key, the secret is.", body = Done)))]
async fn rotate(call: Call) -> Result<Answer, Problem> {
    let asked = call.read_any(|it| {
        it.object(|fields| {
            let signing = fields.optional("signing", |it| it.word(Signing::VARIANTS));
            let hours = fields.optional("overlap_hours", |it| it.whole(0, OVERLAP_HOURS_MAX.into()));
            Some((signing?, hours?))
        })
    })?;
    let (signing, hours) = asked.unwrap_or_default();
    let view = visible(&call.look).await?;
    let signing = signing.unwrap_or(view.signing);
    let (key, secret) = fresh(&call.look.app.engine, view.reseller, signing).await?;
    let command = WebhookCommand::RotateSecret { key, overlap_hours: hours.unwrap_or(OVERLAP_HOURS) };
    let webhook = view.webhook;
    let receipt = call.change(webhook.into(), &Command::Webhook { webhook, command }).await?;
    shown(&call, StatusCode::OK, webhook, &receipt, signing, Some(secret)).await
}

/// Send none for now.
///
/// What is in flight may still arrive. The carrier may do this too.
#[utoipa::path(post, path = "/v1/webhooks/{id}/pause", operation_id = "pause_webhook", tag = tags::NOTIFICATION,
    params(("id" = String, Path, description = "The id of the webhook.")),
    responses((status = 200, description = "None are sent.", body = WebhookBody),
        (status = 202, description = "None are, and it cannot be shown yet.", body = Done)))]
async fn pause(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    done(&call, WebhookCommand::Pause).await
}

/// Send them again, from where it was left.
///
/// Also after notices did not arrive for too long, and after the endpoint said that it is gone.
#[utoipa::path(delete, path = "/v1/webhooks/{id}/pause", operation_id = "resume_webhook", tag = tags::NOTIFICATION,
    params(("id" = String, Path, description = "The id of the webhook.")),
    responses((status = 200, description = "They are sent.", body = WebhookBody),
        (status = 202, description = "They are, and it cannot be shown yet.", body = Done)))]
async fn resume(call: Call) -> Result<Answer, Problem> {
    call.nothing()?;
    done(&call, WebhookCommand::ResumeDeliveries).await
}

/// Begin once more after a sequence.
///
/// Whatever comes after it is sent, also what has arrived before; whatever comes up to it is not, also what waits.
#[utoipa::path(post, path = "/v1/webhooks/{id}/replay", operation_id = "replay_webhook", tag = tags::NOTIFICATION,
    params(("id" = String, Path, description = "The id of the webhook.")),
    request_body(content = ReplayBody, example = json!({ "after": 0 })),
    responses((status = 200, description = "It begins there.", body = WebhookBody),
        (status = 202, description = "It does, and cannot be shown yet.", body = Done)))]
async fn replay(call: Call) -> Result<Answer, Problem> {
    let after =
        call.read(|it| it.object(|fields| fields.required("after", |it| it.whole(0, SEQUENCE_MAX))))?;
    let reseller = visible(&call.look).await?.reseller;
    let after = within_told(&call.look.app.engine, reseller, after).await?;
    done(&call, WebhookCommand::Replay { after }).await
}

/// Say what may be asked of a webhook now.
///
/// For what may not: the rule, and what would unlock it.
#[utoipa::path(get, path = "/v1/webhooks/{id}/actions", operation_id = "list_webhook_actions", tag = tags::NOTIFICATION,
    params(("id" = String, Path, description = "The id of the webhook.")),
    responses((status = 200, description = "Everything that the caller could ask of one.", body = ActionsBody)))]
async fn actions(look: Look) -> Result<Answer, Problem> {
    look.only(&[])?;
    let webhook = visible(&look).await?.webhook;
    Ok(Answer::ok(&ActionsBody::of(&look, webhook.into()).await?))
}

/// The webhook that the path names, if the caller may see it and there still is one.
pub(super) async fn visible(look: &Look) -> Result<WebhookView, Problem> {
    let id: WebhookId = look.id(WHAT)?;
    let view = look.record(id.into(), |view: &WebhookView| view.reseller).await?;
    if view.status == WebhookStage::Deleted {
        return Err(Problem::not_found(WHAT, &id.to_string()));
    }
    Ok(view)
}

async fn done(call: &Call, command: WebhookCommand) -> Result<Answer, Problem> {
    let webhook = visible(&call.look).await?.webhook;
    let receipt = call.change(webhook.into(), &Command::Webhook { webhook, command }).await?;
    shown(call, StatusCode::OK, webhook, &receipt, Signing::Hmac, None).await
}

/// The webhook as the write left it. A secret that was made is shown; where the write is one of before, the secret of then is,
/// for as long as nothing else has happened to the webhook.
async fn shown(
    call: &Call,
    status: StatusCode,
    id: WebhookId,
    receipt: &Receipt,
    signing: Signing,
    secret: Option<String>,
) -> Result<Answer, Problem> {
    let Some(view) = call.shown::<WebhookView>(receipt, &id.to_string()).await? else {
        return Ok(call.done(receipt));
    };
    let position = view.position;
    let secret = match secret {
        Some(_) if receipt.repeated && position == receipt.appended.last() => {
            kept(&call.look.app.engine, id).await?
        }
        secret => secret.filter(|_| !receipt.repeated),
    };
    let body = WebhookBody::from(view).showing(signing, secret);
    Ok(Answer::new(status, &body).at(receipt.appended.last()).tagged(position))
}

/// The secret that a webhook has.
async fn kept(engine: &Engine, id: WebhookId) -> Result<Option<String>, Problem> {
    let (_, webhook) = engine.load::<orderwire_domain::webhook::Webhook>(id).await?;
    match webhook.endpoint() {
        Some(target) => Ok(engine.open_sealed(target.key.secret()).await?),
        None => Ok(None),
    }
}

/// A fresh key, sealed; and its secret half.
async fn fresh(
    engine: &Engine,
    reseller: ResellerId,
    signing: Signing,
) -> Result<(SigningKey, String), Problem> {
    let (secret, public) = match signing {
        Signing::Hmac => (signing::fresh_secret(), None),
        Signing::Ed25519 => {
            let (private, public) = signing::fresh_key_pair();
            (private, Some(public.parse().expect("a fresh public key is one")))
        }
    };
    let personal = edge::document::Personal { text: secret.clone(), normalised: secret.clone() };
    let sealed = place::seal(engine, reseller.into(), &personal).await?;
    let key = match public {
        None => SigningKey::Hmac { secret: sealed },
        Some(public_key) => SigningKey::Ed25519 { secret: sealed, public_key },
    };
    Ok((key, secret))
}

fn address(spot: &Spot<'_>, sender: &Sender) -> Option<EndpointUrl> {
    match sender.address(spot.text()?) {
        Ok(url) => Some(url),
        Err(faults) => {
            for Invalid { code, detail, expected } in faults {
                spot.refuse::<()>(&code, detail, expected);
            }
            None
        }
    }
}

fn types(spot: &Spot<'_>) -> Option<BTreeSet<NoticeType>> {
    let types = spot.list(TYPES_MAX, |it| {
        let name = it.text()?;
        let unknown = || {
            let detail = format!("there is no type `{}`", edge::reader::shown(name));
            let known: Vec<&str> = NoticeType::VARIANTS.iter().map(|known| known.short()).collect();
            it.refuse("notice_type_unknown", detail, format!("one of {}", known.join(", ")))
        };
        NoticeType::named(name).or_else(unknown)
    })?;
    Some(types.into_iter().collect())
}

/// Whoever names a sequence that was never given has it from somewhere else.
async fn within_told(engine: &Engine, reseller: ResellerId, after: u64) -> Result<u64, Problem> {
    let last = notices::told(engine, reseller).await?;
    if after <= last {
        return Ok(after);
    }
    let detail = format!("the last notice is {last}");
    let expected = "the sequence of a notice, or 0";
    Err(Problem::from(vec![edge::Problem::new("/after", "sequence_beyond_last", detail, expected)]))
}

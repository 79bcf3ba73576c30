//! The OpenAPI document: drawn from the handlers, and completed here with what all of them share.
//!
//! A handler documents what is its own. Who may ask, the problems that can come back, and the headers of every request are
//! said once, as components that each operation refers to.

use axum::http::{Method, StatusCode};
use serde_json::json;
use utoipa::{
    PartialSchema as _, ToSchema as _,
    openapi::{
        ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref, RefOr,
        Required, Response, ResponseBuilder,
        extensions::ExtensionsBuilder,
        header::HeaderBuilder,
        path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
        schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type},
        security::{
            ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityRequirement,
            SecurityScheme,
        },
        tag::TagBuilder,
    },
};

use super::{
    auth::{Access, Purpose},
    oauth, precise,
    problem::{Fault, MEDIA_TYPE, ProblemDocument},
    request::{AFTER_POSITION, IDEMPOTENCY_KEY, KEY_MAX},
    stock, texts, words,
};
use crate::edge::keys::{Role, Scope};

/// The name of the security scheme of keys, and of tokens however somebody came by them.
const BEARER: &str = "bearer";
/// The name of the security scheme of our own tokens.
const OAUTH: &str = "oauth2";

/// The capabilities, by the names they have in docs/domain.md; every operation has one of them as its tag.
pub mod tags {
    #![expect(missing_docs, reason = "the names say what they name")]
    pub const PORTABILITY: &str = "Number portability check";
    pub const ADDRESSES: &str = "Geographic address management";
    pub const IMPORT: &str = "Single-line / multi-line import order";
    pub const VERIFY: &str = "Verify data";
    pub const QUALIFY: &str = "Validate and qualify company";
    pub const NUMBERS: &str = "Get available numbers";
    pub const RESERVE: &str = "Reserve numbers";
    pub const CREATE_ORDER: &str = "Create order";
    pub const SUBMIT_ORDER: &str = "Submit order";
    pub const ACTIVATE: &str = "Port activation";
    pub const NOTIFICATION: &str = "Order notification";
    pub const OPERATOR: &str = "Operator";
    pub const AUDIT: &str = "Audit";
    pub const AUTHENTICATION: &str = "Authentication";
    pub const OPERATIONS: &str = "Running the server";

    pub const ALL: [(&str, &str); 15] = [
        (PORTABILITY, "Which numbers can be ported, and when at the earliest."),
        (ADDRESSES, "Addresses of sites."),
        (IMPORT, "New and ported numbers for a company."),
        (VERIFY, "A reseller's key data, and whether names are free."),
        (QUALIFY, "Companies: from name and domain to a service reference, and what becomes of them."),
        (NUMBERS, "Numbers by reseller, company or site."),
        (RESERVE, "Numbers held for a company."),
        (CREATE_ORDER, "Orders and their lines."),
        (SUBMIT_ORDER, "From a draft to work."),
        (ACTIVATE, "Ports going live."),
        (NOTIFICATION, "What resellers are told."),
        (OPERATOR, "The carrier's own side."),
        (AUDIT, "Checking what happened."),
        (AUTHENTICATION, "From a key to a token that does not last."),
        (OPERATIONS, "Whether it runs, and how well."),
    ];
}

/// The document before any operation.
pub fn beginning() -> OpenApi {
    let description = "The order core of telecom wholesale: eleven capabilities over one event-sourced engine. Requests are \
        strict: a field or parameter that is not described is refused. Problems follow RFC 9457 and list everything that is \
        wrong at once.\n\n\
        Whoever asks presents a key or a token of one, as a reseller, an operator or an auditor; `x-roles` says of each \
        operation who may. A write may carry an `Idempotency-Key`: asked again with the same key and body it is answered \
        the same and done once; that is remembered for seven days. It is answered with `Orderwire-Position`, and a read with \
        `?after_position=` shows everything up to there. `If-Match` with the `ETag` of an answer has a write done on what \
        the caller saw, or answered 412. Lists have `limit`, and in `next` and `Link` where they go on.";
    let license = LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build();
    let info = InfoBuilder::new()
        .title("Orderwire")
        .version("1")
        .description(Some(description))
        .license(Some(license))
        .build();
    let tags = tags::ALL.map(|(name, about)| TagBuilder::new().name(name).description(Some(about)).build());
    OpenApiBuilder::new().info(info).tags(Some(tags)).components(Some(components())).build()
}

/// Lists of what something has that a parameter names, which may not be there; and what needs a key of the log.
const SCOPED: [&str; 4] = ["/v1/numbers", "/v1/reservations", "/checkpoint", "/v1/audit/checkpoint"];

/// Operations that are sent a body and append nothing: there is no key to keep for them, no position to answer, and no
/// state that a tag could be of.
const APPEND_NOTHING: [&str; 8] = [
    "audit_counterfactual",
    "check_portability",
    "check_names",
    "enter_address",
    "replace_address",
    "load_addresses",
    "redeliver_notice",
    "test_webhook",
];

/// The problems that an operation can answer with, by status.
const PROBLEMS: [(StatusCode, &str, &str); 15] = [
    (StatusCode::BAD_REQUEST, "malformed", "The body cannot be read."),
    (
        StatusCode::UNAUTHORIZED,
        "unauthenticated",
        "Nobody says who asks, or the key or token is not accepted.",
    ),
    (StatusCode::FORBIDDEN, "forbidden", "The caller's role or scopes are not for this."),
    (
        StatusCode::NOT_FOUND,
        "not_found",
        "There is no such thing, or it is another's: nobody can tell which.",
    ),
    (StatusCode::NOT_ACCEPTABLE, "not_acceptable", "The caller does not take JSON."),
    (StatusCode::REQUEST_TIMEOUT, "time_out", "The body did not arrive in time."),
    (
        StatusCode::CONFLICT,
        "not_permitted",
        "Somebody holds it already, or the resource is not where this can be asked of it; `state` and `actions` say where \
         it is and what can be asked.",
    ),
    (
        StatusCode::PRECONDITION_FAILED,
        "precondition_failed",
        "Something happened to the resource since the caller saw it.",
    ),
    (StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The body is too large."),
    (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", "The body is not JSON in UTF-8."),
    (
        StatusCode::UNPROCESSABLE_ENTITY,
        "refused",
        "The document or the rules speak against it, a parameter is not right, or the Idempotency-Key was used for another \
         request.",
    ),
    (
        StatusCode::TOO_MANY_REQUESTS,
        "too_many_requests",
        "The key asks too often; `Retry-After` says when to go on.",
    ),
    (StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large", "Target and headers are too large."),
    (StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something is wrong on our side, and was logged."),
    (StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not now; `Retry-After` says when to ask again."),
];

fn components() -> utoipa::openapi::Components {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "An API key, as `orderwire keys create` shows it once; a token that the token endpoint made of one; or a token of \
             the issuer that the server is set to take them from.",
        ))
        .build();
    let scopes = Scopes::from_iter([
        (Scope::Read.to_string(), "To look.".to_owned()),
        (Scope::Write.to_string(), "To change something.".to_owned()),
    ]);
    let credentials = Flow::ClientCredentials(ClientCredentials::new(oauth::PATH, scopes));
    let about = "Client credentials: the id of a key, and the half of its token after the dot.";
    let oauth = OAuth2::with_description([credentials], about);
    let mut components = ComponentsBuilder::new()
        .security_scheme(BEARER, SecurityScheme::Http(bearer))
        .security_scheme(OAUTH, SecurityScheme::OAuth2(oauth))
        .schema("Problem", ProblemDocument::schema())
        .schema(Fault::name(), Fault::schema())
        .build();
    // Parameters refer to these too, and nobody collects what parameters refer to.
    components
        .schemas
        .extend(texts::all().into_iter().chain(words::all()).map(|(name, it)| (name.to_owned(), it)));
    for (status, code, about) in PROBLEMS {
        components.responses.insert(name(status), RefOr::T(problem(status, code, about)));
    }
    for (name, parameter) in parameters().into_iter().chain(precise::parameters()) {
        components.parameters.insert(name.to_owned(), RefOr::T(parameter));
    }
    for (name, about, example) in [
        (
            "Orderwire-Position",
            "Where in the log the write is; `?after_position=` on a read waits for it.",
            "17",
        ),
        ("ETag", "What the resource is, for `If-Match`.", "\"17\""),
        ("X-Correlation-Id", "What ties the request to log lines and events.", "PO-2027-001"),
    ] {
        let header = HeaderBuilder::new().description(Some(about)).example(Some(json!(example))).build();
        components.headers.insert(name.to_owned(), RefOr::T(header));
    }
    components
}

fn parameters() -> [(&'static str, Parameter); 3] {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let number = ObjectBuilder::new()
        .schema_type(Type::Integer)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
        .minimum(Some(0));
    let parameter = |name: &str, place, about: &str| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(Required::False)
            .description(Some(about))
    };
    let key =
        "Names this request: asked again with the same key and body, it is answered the same and done once.";
    let tag = "The `ETag` that the caller saw: what is asked is done on that, or answered 412.";
    let after =
        "Waits, at most 5 seconds, until what is shown has everything up to this `Orderwire-Position`.";
    [
        (
            "IdempotencyKey",
            parameter(IDEMPOTENCY_KEY.as_str(), ParameterIn::Header, key)
                .schema(Some(
                    text()
                        .min_length(Some(1))
                        .max_length(Some(KEY_MAX))
                        .pattern(Some("^[!-~](?:[ -~]*[!-~])?$")),
                ))
                .build(),
        ),
        ("IfMatch", parameter("if-match", ParameterIn::Header, tag).schema(Some(text())).build()),
        ("AfterPosition", parameter(AFTER_POSITION, ParameterIn::Query, after).schema(Some(number)).build()),
    ]
}

fn problem(status: StatusCode, code: &str, about: &str) -> Response {
    let example = json!({
        "type": format!("https://orderwire.example/problems/{code}"),
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "code": code,
        "detail": about,
        "errors": [],
    });
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).example(Some(example)).build();
    ResponseBuilder::new().description(about).content(MEDIA_TYPE, content).build()
}

fn name(status: StatusCode) -> String {
    status.canonical_reason().unwrap_or_default().split([' ', '-']).collect()
}

/// Says of the operations of one path what is the same for all of their kind.
pub fn complete(path: &str, access: Option<(Access, Purpose)>, item: &mut PathItem) {
    let methods = [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ];
    for (method, operation) in methods {
        if let Some(operation) = operation {
            completed(path, access, operation, &method);
        }
    }
}

fn completed(path: &str, access: Option<(Access, Purpose)>, operation: &mut Operation, method: &Method) {
    let sends = *method != Method::GET;
    let appends = sends && !operation.operation_id.as_deref().is_some_and(|id| APPEND_NOTHING.contains(&id));
    let of_one = path.contains('{');
    let mut problems = vec![431, 500, 503];
    let mut parameters = Vec::new();
    if let Some((access, purpose)) = access {
        let scope = purpose.scope(method);
        operation.security = Some(vec![
            SecurityRequirement::new(BEARER, Vec::<String>::new()),
            SecurityRequirement::new(OAUTH, [scope.to_string()]),
        ]);
        let roles: Vec<&str> = access.roles(scope).iter().map(|role: &Role| role.into()).collect();
        operation
            .extensions
            .get_or_insert_default()
            .merge(ExtensionsBuilder::new().add("x-roles", roles).build());
        problems.extend([401, 403, 406, 422, 429]);
        if of_one || sends || SCOPED.contains(&path) {
            problems.push(404);
        }
        if sends {
            problems.extend([400, 408, 409, 413, 415]);
            if appends {
                parameters.push("IdempotencyKey");
            }
        } else {
            parameters.push("AfterPosition");
        }
        if appends && of_one && !path.starts_with(stock::PATH) {
            problems.push(412);
            parameters.push("IfMatch");
        }
    }
    for (status, _, _) in PROBLEMS.iter().filter(|(status, ..)| problems.contains(&status.as_u16())) {
        let shared = RefOr::Ref(Ref::from_response_name(name(*status)));
        operation.responses.responses.entry(status.as_str().to_owned()).or_insert(shared);
    }
    let refer = |name: &&str| RefOr::Ref(Ref::new(format!("#/components/parameters/{name}")));
    operation.parameters.get_or_insert_default().extend(parameters.iter().map(refer));
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let mut header = |name: &str| {
            let shared = RefOr::Ref(Ref::new(format!("#/components/headers/{name}")));
            response.headers.insert(name.to_owned(), shared);
        };
        header("X-Correlation-Id");
        if appends && status.starts_with('2') && access.is_some() {
            header("Orderwire-Position");
        }
    }
}

//! What the finished document says of every request alike, however its operation came to be described.
//!
//! Request bodies are closed: what is not described is refused, so their schemas say that nothing else may be there. Parameters
//! that several operations have are described once. Deliberately absent: answers, which may gain fields.

use std::collections::BTreeSet;

use utoipa::openapi::{
    OpenApi, Ref, RefOr, Required, Schema,
    path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem},
    schema::{AdditionalProperties, ArrayItems, KnownFormat, ObjectBuilder, SchemaFormat, SchemaType, Type},
};

use super::page;

/// What a reference to a schema begins with.
const SCHEMAS: &str = "#/components/schemas/";
/// Which schema an id has that stands in a path after this word.
const IDS: [(&str, &str); 7] = [
    ("orders", "OrderId"),
    ("companies", "CompanyId"),
    ("port-requests", "PortRequestId"),
    ("stock", "NumberBlockId"),
    ("resellers", "ResellerId"),
    ("reservations", "ReservationId"),
    ("webhooks", "WebhookId"),
];

/// The parameters of every list, by their names among the components.
pub fn parameters() -> [(&'static str, Parameter); 2] {
    let parameter = |name: &str, about: String| {
        let it = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Query);
        it.required(Required::False).description(Some(about))
    };
    let number = ObjectBuilder::new().schema_type(Type::Integer);
    let number = number.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)));
    #[expect(clippy::cast_precision_loss, reason = "it is a page of a list")]
    let limit = number.minimum(Some(1)).maximum(Some(page::LIMIT_MAX as f64));
    let cursor = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9a-f]+$"));
    let most = format!("At most so many, up to {}.", page::LIMIT_MAX);
    [
        ("Limit", parameter("limit", most).schema(Some(limit)).build()),
        (
            "Cursor",
            parameter("cursor", "The `next` of the page before.".to_owned()).schema(Some(cursor)).build(),
        ),
    ]
}

/// Completes the document.
pub fn finish(document: &mut OpenApi) {
    // How the router is told that a part of a path may have slashes is nobody else's business.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths.into_iter().map(|(path, item)| (path.replace("{*", "{"), item)).collect();
    let mut bodies = BTreeSet::new();
    for (path, item) in &mut document.paths.paths {
        for operation in operations(item) {
            parameters_of(path, operation);
            if let Some(RefOr::T(body)) = &mut operation.request_body {
                for content in body.content.values_mut() {
                    let RefOr::T(content) = content else { continue };
                    content.schema.iter_mut().for_each(|schema| close(schema, &mut bodies));
                }
            }
        }
    }
    let Some(components) = &mut document.components else { return };
    let mut closed = BTreeSet::new();
    while let Some(name) = bodies.pop_first() {
        if let Some(schema) = components.schemas.get_mut(&name).filter(|_| closed.insert(name)) {
            close(schema, &mut bodies);
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch].into_iter().flatten()
}

fn parameters_of(path: &str, operation: &mut Operation) {
    let refer = |name: &str| RefOr::Ref(Ref::new(format!("#/components/parameters/{name}")));
    for parameter in operation.parameters.iter_mut().flatten() {
        let RefOr::T(described) = parameter else { continue };
        match (described.name.as_str(), &described.parameter_in) {
            ("limit", ParameterIn::Query) => *parameter = refer("Limit"),
            ("cursor", ParameterIn::Query) => *parameter = refer("Cursor"),
            ("line", ParameterIn::Path) => {
                let number = ObjectBuilder::new().schema_type(Type::Integer);
                let number = number.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int32)));
                described.schema = Some(number.minimum(Some(1)).build().into());
            }
            (name, ParameterIn::Path) => {
                if let Some(schema) = named_in(path, name) {
                    described.schema = Some(Ref::from_schema_name(schema).into());
                }
            }
            // Nothing but a body can say `null`.
            _ => {
                if let Some(RefOr::T(Schema::Object(schema))) = &mut described.schema
                    && let SchemaType::Array(types) = &mut schema.schema_type
                {
                    types.retain(|it| *it != Type::Null);
                }
            }
        }
    }
}

/// The schema of a name that stands in a path.
fn named_in(path: &str, name: &str) -> Option<&'static str> {
    match name {
        "asset" => return Some("AssetId"),
        "number" => return Some("TelephoneNumber"),
        "key" if path.contains("/addresses/") => return Some("AddressKey"),
        _ => {}
    }
    let (before, _) = path.split_once(&format!("/{{{name}}}"))?;
    let word = before.rsplit('/').next()?;
    IDS.iter().find(|(known, _)| *known == word).map(|(_, schema)| *schema)
}

/// Says that an object has the described fields only, and collects what it refers to.
fn close(schema: &mut RefOr<Schema>, referred: &mut BTreeSet<String>) {
    match schema {
        RefOr::Ref(it) => referred.extend(it.ref_location.strip_prefix(SCHEMAS).map(str::to_owned)),
        RefOr::T(schema) => close_schema(schema, referred),
    }
}

fn close_schema(schema: &mut Schema, referred: &mut BTreeSet<String>) {
    match schema {
        Schema::Object(object) => {
            let is_object = object.schema_type == SchemaType::Type(Type::Object);
            if is_object && !object.properties.is_empty() {
                object.additional_properties = Some(Box::new(AdditionalProperties::FreeForm(false)));
            }
            object.properties.values_mut().for_each(|field| close(field, referred));
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items {
                close(items, referred);
            }
        }
        Schema::OneOf(choice) => choice.items.iter_mut().for_each(|item| close(item, referred)),
        Schema::AllOf(parts) => parts.items.iter_mut().for_each(|item| close(item, referred)),
        Schema::AnyOf(choice) => choice.items.iter_mut().for_each(|item| close(item, referred)),
        _ => {}
    }
}

//! What a line asks for, as it is shown: the same that is sent, so whoever reads it can send it again.
//!
//! Other lines are named by their numbers, what the company has by its service id, numbers as they are kept. Personal data is
//! opened for whoever may see it. Deliberately absent: the reseller's own names of the lines of its document
//! (docs/decisions/0033).

use orderwire_domain::{
    calendar::PortWindow,
    number::NumberSet,
    order::line::{
        LineRequest, NumberAsk, NumbersLine, Parent, PortLine, SearchBy, SiteAddress, SiteLine, UserLine,
        UserNumber,
    },
    sealed::Contact,
};
use serde_json::{Value, json};

use crate::{
    edge::history::{Sight, seen},
    engine::{Engine, Error},
};

/// What a line asks for, with its personal data as somebody is shown it.
pub async fn shown(engine: &Engine, request: &LineRequest, sight: Sight) -> Result<Value, Error> {
    let mut shown = seen(engine, document(request), sight).await?;
    // The lines of an address were sealed as one text.
    if let Some(lines) = shown.pointer_mut("/address/entered/lines")
        && let Some(text) = lines.as_str()
    {
        *lines = text.lines().collect();
    }
    Ok(shown)
}

/// Whether two lines ask for the same. What was sealed anew is compared by what it says.
pub async fn are_alike(engine: &Engine, one: &LineRequest, other: &LineRequest) -> Result<bool, Error> {
    let (one, other) = (shown(engine, one, Sight::Opened), shown(engine, other, Sight::Opened));
    Ok(one.await? == other.await?)
}

fn document(request: &LineRequest) -> Value {
    let fields = match request {
        LineRequest::Company(line) => {
            json!({ "channels": line.channels, "contact": line.contact.as_ref().map(contact) })
        }
        LineRequest::Numbers(line) => numbers(line),
        LineRequest::Port(line) => port(line),
        LineRequest::Site(line) => site(line),
        LineRequest::EmergencyDetails(line) => json!({
            "site": parent(line.site),
            "address": line.address.as_ref().map(address),
            "contact": contact(&line.contact),
        }),
        LineRequest::User(line) => user(line),
        LineRequest::AddOn(line) => json!({ "user": parent(line.user), "product": line.product.to_string() }),
        LineRequest::Device(line) => json!({
            "user": parent(line.user),
            "model": line.model.to_string(),
            "mac": line.mac.colon(),
        }),
        LineRequest::Pbx(line) => json!({ "site": parent(line.site), "name": line.name.as_str() }),
        LineRequest::Trunk(line) => json!({
            "pbx": parent(line.pbx),
            "name": line.name.as_str(),
            "channels": line.channels,
        }),
    };
    let mut document = json!({ "kind": request.kind().to_string() });
    if let (Value::Object(document), Value::Object(fields)) = (&mut document, fields) {
        document.extend(fields.into_iter().filter(|(_, value)| !value.is_null()));
    }
    document
}

fn numbers(line: &NumbersLine) -> Value {
    let ask = match &line.ask {
        NumberAsk::Reservation(reservation) => json!({ "reservation": reservation.to_string() }),
        NumberAsk::Numbers(numbers) => json!({ "numbers": ranges(numbers) }),
        NumberAsk::Search(search) => {
            let by = match &search.by {
                SearchBy::AreaCode(area) => json!({ "area_code": area.to_string() }),
                SearchBy::Place(place) => json!({ "place": place.as_str() }),
            };
            let (quantity, contiguous) = (search.quantity, search.contiguous);
            json!({ "search": { "by": by, "quantity": quantity, "contiguous": contiguous } })
        }
    };
    json!({ "ask": ask, "site": line.site.map(|site| json!({ "asset": site.to_string() })) })
}

fn port(line: &PortLine) -> Value {
    json!({
        "class": line.class.to_string(),
        "main_number": line.main_number.to_string(),
        "associated": ranges(&line.associated),
        "ranges": line.ranges.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "losing_provider": line.losing_provider.to_string(),
        "range_holder": line.range_holder.to_string(),
        "postcode": line.postcode.to_string(),
        "account": line.account,
        "signatory": line.signatory,
        "window": window(&line.window),
        "site": line.site.map(|site| json!({ "asset": site.to_string() })),
    })
}

fn window(window: &PortWindow) -> Value {
    let time = |time: chrono::NaiveTime| time.format("%H:%M").to_string();
    json!({ "date": window.date().to_string(), "from": time(window.from()), "to": time(window.to()) })
}

fn site(line: &SiteLine) -> Value {
    let sources = line.numbers.iter().map(|source| match source.quantity {
        Some(quantity) => json!({ "line": source.line.to_string(), "quantity": quantity }),
        None => json!({ "line": source.line.to_string() }),
    });
    json!({
        "name": line.name.as_str(),
        "location_code": line.location_code.to_string(),
        "extension_length": line.extension_length,
        "address": address(&line.address),
        "numbers": sources.collect::<Vec<_>>(),
    })
}

fn user(line: &UserLine) -> Value {
    json!({
        "site": parent(line.site),
        "first_name": line.first_name,
        "last_name": line.last_name,
        "username": line.username,
        "extension": line.extension.to_string(),
        "licence": line.licence.as_ref().map(ToString::to_string),
        "add_ons": line.add_ons.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "primary_number": line.primary_number.map(user_number),
        "alternate_numbers": line.alternate_numbers.iter().copied().map(user_number).collect::<Vec<_>>(),
    })
}

fn user_number(number: UserNumber) -> Value {
    match number {
        UserNumber::Number(number) => json!({ "number": number.to_string() }),
        UserNumber::From(line) => json!({ "from": line.to_string() }),
        UserNumber::Of { line, number } => {
            json!({ "of": { "line": line.to_string(), "number": number.to_string() } })
        }
    }
}

fn parent(parent: Parent) -> Value {
    match parent {
        Parent::Line(line) => json!({ "line": line.to_string() }),
        Parent::Asset(asset) => json!({ "asset": asset.to_string() }),
    }
}

fn address(address: &SiteAddress) -> Value {
    match address {
        SiteAddress::Known(key) => json!({ "known": key.to_string() }),
        SiteAddress::Entered { key, lines, postcode } => json!({
            "entered": { "key": key.to_string(), "lines": lines, "postcode": postcode.to_string() }
        }),
    }
}

fn contact(contact: &Contact) -> Value {
    let mut fields = json!({ "name": contact.name });
    for (name, value) in [("telephone", &contact.telephone), ("email", &contact.email)] {
        if let Some(value) = value {
            fields[name] = json!(value);
        }
    }
    fields
}

fn ranges(numbers: &NumberSet) -> Vec<String> {
    numbers.runs().map(|run| run.to_string()).collect()
}

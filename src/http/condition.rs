//! `If-Match`: what is asked is done on what the caller saw, or not at all.
//!
//! The tag of a resource is the position of its last event, which its read model carries, so tag and body never differ.
//! The engine then checks the event's sequence in the commit itself: a race that is lost is answered 412.

use axum::http::{HeaderMap, header};
use orderwire_domain::ids::StreamId;

use super::problem::Problem;
use crate::engine::{Engine, Error, Expected};

/// Tags that one request may name.
const TAGS_MAX: usize = 10;

/// What the caller rests its request on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    None,
    /// That there is such a resource at all.
    Any,
    /// That it is as one of these positions left it.
    OneOf(Vec<u64>),
}

/// The tag of a resource whose last event has this position.
pub fn tag(position: u64) -> String {
    format!("\"{position}\"")
}

/// What a request says of it.
pub fn read(headers: &HeaderMap) -> Result<Condition, Problem> {
    let mut tags = Vec::new();
    for value in headers.get_all(header::IF_MATCH) {
        tags.extend(value.to_str().unwrap_or_default().split(',').map(str::trim));
    }
    if tags.len() > TAGS_MAX {
        let (detail, expected) = (format!("{} tags are named", tags.len()), format!("at most {TAGS_MAX}"));
        return Err(Problem::parameter("If-Match", "tags_too_many", detail, expected));
    }
    if tags.is_empty() {
        return Ok(Condition::None);
    }
    if tags.contains(&"*") {
        return Ok(Condition::Any);
    }
    let is_tag = |tag: &str| {
        let quoted =
            tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"').and_then(|it| it.strip_suffix('"'));
        quoted.is_some_and(|text| !text.contains('"'))
    };
    if !tags.iter().all(|tag| is_tag(tag)) {
        let expected = "tags as `ETag` has them, in quotes: \"42\"";
        return Err(Problem::parameter("If-Match", "tag_malformed", "that is no tag", expected));
    }
    // A weak tag, or one that is none of ours, matches nothing.
    let ours = |tag: &str| {
        let position: u64 = tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()?;
        i64::try_from(position).is_ok().then_some(position)
    };
    Ok(Condition::OneOf(tags.into_iter().filter_map(ours).collect()))
}

/// What is said to whom rests on something that does not exist yet.
pub fn not_here() -> Problem {
    let detail = "there is nothing yet that it could match";
    Problem::parameter("If-Match", "condition_without_resource", detail, "no If-Match")
}

/// What is said to whom rests on something that nobody was given a tag of.
pub fn no_tag() -> Problem {
    let detail = "this has no `ETag` that it could match";
    Problem::parameter("If-Match", "condition_without_tag", detail, "no If-Match")
}

impl Condition {
    /// The same for the engine: a stream at a sequence.
    pub async fn expected(&self, engine: &Engine, stream: StreamId) -> Result<Option<Expected>, Error> {
        let Self::OneOf(positions) = self else { return Ok(None) };
        // No resource is at 0, so where no tag is one of its own, none matches.
        let mut sequence = 0;
        for position in positions {
            let page = engine.page(position.saturating_sub(1), 1).await?;
            let own = page.first().filter(|event| event.position == *position && event.stream == stream);
            sequence = sequence.max(own.map_or(0, |event| event.sequence));
        }
        Ok(Some(Expected { stream, sequence }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Condition {
        read(&named(values)).unwrap()
    }

    fn named(values: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::IF_MATCH, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn what_is_no_tag_is_not_taken_for_an_old_one() {
        for wrong in ["3", "abc", "\"3", "W/3", "", "\"3\", 4", "\"3\"\"4\""] {
            assert!(read(&named(&[wrong])).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_strong_tags_of_ours_match() {
        assert_eq!(of(&[]), Condition::None);
        assert_eq!(of(&["\"3\"", "*"]), Condition::Any);
        assert_eq!(of(&["\"18446744073709551615\""]), Condition::OneOf(vec![]), "no log goes that far");
        assert_eq!(of(&["\"3\", W/\"4\"", "\"five\""]), Condition::OneOf(vec![3]));
    }
}

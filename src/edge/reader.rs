//! Reads values out of JSON and collects every problem on the way, where serde would stop at the first.
//!
//! Reading answers `None` where something was wrong; the problem is written down then, once, where it was found.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    fmt::Display,
    str::FromStr,
};

use orderwire_domain::{invalid::Invalid, names::FreeText};

use super::{
    json::{self, Node, below},
    problem::Problem,
};

/// Most problems that are listed; whoever has more can find the others the same way.
pub const PROBLEMS_MAX: usize = 200;
/// Above this, a float may stand for several whole numbers.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// Longest text that a message repeats.
const SHOWN_MAX: usize = 60;

/// The problems found so far.
#[derive(Debug, Default)]
pub struct Problems {
    listed: RefCell<Vec<Problem>>,
    unlisted: Cell<usize>,
}

impl Problems {
    /// Writes a problem down.
    pub fn add(&self, problem: Problem) {
        let mut listed = self.listed.borrow_mut();
        if listed.len() < PROBLEMS_MAX {
            listed.push(problem);
        } else {
            self.unlisted.set(self.unlisted.get() + 1);
        }
    }

    /// Every problem, in the order of the document's fields.
    pub fn into_vec(self) -> Vec<Problem> {
        let mut listed = self.listed.into_inner();
        if self.unlisted.get() > 0 {
            let detail = format!("{} more problems are not listed", self.unlisted.get());
            listed.push(Problem::new("", "too_many_problems", detail, "the listed ones put right first"));
        }
        listed
    }
}

/// Reads a JSON document of at most so many bytes, or says everything that is wrong with it.
pub fn read<T>(
    text: &str,
    bytes_max: usize,
    read: impl FnOnce(Spot<'_>) -> Option<T>,
) -> Result<T, Vec<Problem>> {
    let node = json::parse(text, bytes_max).map_err(|problem| vec![problem])?;
    let problems = Problems::default();
    let value = read(Spot::document(&node, &problems));
    let problems = problems.into_vec();
    value.filter(|_| problems.is_empty()).ok_or(problems)
}

/// A value and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Spot<'a> {
    node: &'a Node,
    at: &'a str,
    problems: &'a Problems,
}

impl<'a> Spot<'a> {
    /// The whole document.
    pub fn document(node: &'a Node, problems: &'a Problems) -> Self {
        Self { node, at: "", problems }
    }

    /// Where it stands, as a JSON Pointer.
    pub fn pointer(&self) -> &str {
        self.at
    }

    /// Writes down that the value is wrong.
    pub fn refuse<T>(&self, code: &str, detail: impl Into<String>, expected: impl Into<String>) -> Option<T> {
        self.problems.add(Problem::new(self.at, code, detail, expected));
        None
    }

    /// What it is, whatever it should be.
    pub fn kind(&self) -> &'static str {
        self.node.kind()
    }

    /// Whether it has fields.
    pub fn is_object(&self) -> bool {
        matches!(self.node, Node::Object(_))
    }

    fn wrong_type<T>(&self, expected: &str) -> Option<T> {
        self.refuse("type_wrong", format!("this is {}", self.node.kind()), expected)
    }

    /// A string.
    pub fn text(&self) -> Option<&'a str> {
        match self.node {
            Node::Text(text) => Some(text),
            _ => self.wrong_type("a string"),
        }
    }

    /// A value with a parser of the domain.
    pub fn parsed<T: FromStr<Err = Invalid>>(&self) -> Option<T> {
        match self.text()?.parse() {
            Ok(value) => Some(value),
            Err(invalid) => {
                self.problems.add(Problem::invalid(self.at, invalid));
                None
            }
        }
    }

    /// Text on one line, of at most so many characters.
    pub fn line(&self, max: usize) -> Option<String> {
        let text = self.parsed::<FreeText>()?.to_string();
        if text.contains('\n') || text.chars().count() > max {
            return self.refuse(
                "text_too_long",
                "the text is too long",
                format!("one line of at most {max} characters"),
            );
        }
        Some(text)
    }

    /// A whole number within bounds.
    pub fn whole<T: TryFrom<u64>>(&self, min: u64, max: u64) -> Option<T> {
        let expected = bounds(min, max);
        let Node::Number(number) = self.node else { return self.wrong_type(&expected) };
        // `3.0` is the integer 3 to JSON Schema, and so to whoever writes requests by it.
        let float = || number.as_f64().filter(|it| (0.0..EXACT_MAX).contains(it) && it.fract() == 0.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is whole and in bounds"
        )]
        let whole = number.as_u64().or_else(|| float().map(|it| it as u64));
        let within = whole.filter(|number| (min..=max).contains(number));
        within.and_then(|number| T::try_from(number).ok()).or_else(|| {
            let detail = out_of_bounds(&number.to_string(), min, max);
            self.refuse("number_out_of_bounds", detail, expected)
        })
    }

    /// `true` or `false`.
    pub fn flag(&self) -> Option<bool> {
        match self.node {
            Node::Flag(flag) => Some(*flag),
            _ => self.wrong_type("true or false"),
        }
    }

    /// One of a few words.
    pub fn word<T: Copy + Display>(&self, words: &[T]) -> Option<T> {
        let text = self.text()?;
        let known = words.iter().find(|word| word.to_string() == text);
        known.copied().or_else(|| {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            self.refuse(
                "word_unknown",
                format!("`{}` is not one of the words", shown(text)),
                words.join(", "),
            )
        })
    }

    /// A list of at most so many items; every item is read, also after a wrong one.
    pub fn list<T>(&self, max: usize, mut read: impl FnMut(Spot<'_>) -> Option<T>) -> Option<Vec<T>> {
        let Node::List(items) = self.node else { return self.wrong_type("an array") };
        if items.len() > max {
            return self.refuse(
                "list_too_long",
                format!("there are {} items", items.len()),
                format!("at most {max}"),
            );
        }
        let mut values = Some(Vec::new());
        for (index, node) in items.iter().enumerate() {
            let value = read(Spot { node, at: &below(self.at, index), problems: self.problems });
            values = values.zip(value).map(|(mut values, value)| {
                values.push(value);
                values
            });
        }
        values
    }

    /// The fields of an object; `read` asks for each of them, and what it does not ask for is unknown.
    pub fn object<T>(&self, read: impl FnOnce(&Fields<'a>) -> Option<T>) -> Option<T> {
        let Node::Object(entries) = self.node else { return self.wrong_type("an object") };
        let mut given = BTreeMap::new();
        for (name, node) in entries {
            if given.insert(name.as_str(), node).is_some() {
                let at = below(self.at, name);
                self.problems.add(Problem::new(
                    &at,
                    "field_twice",
                    "the field is given twice",
                    "each field once",
                ));
            }
        }
        let fields = Fields { spot: *self, given, asked: RefCell::default(), any: Cell::default() };
        let value = read(&fields);
        fields.finish().and(value)
    }

    /// An object with exactly one field, whose name says what it is.
    pub fn choice<T>(
        &self,
        names: &'static [&'static str],
        read: impl FnOnce(&str, Spot<'_>) -> Option<T>,
    ) -> Option<T> {
        self.object(|fields| {
            let given: Vec<&'static str> = names.iter().copied().filter(|name| fields.has(name)).collect();
            if let [name] = given.as_slice() {
                return fields.required(name, |spot| read(name, spot));
            }
            // So that none of them is reported as unknown too.
            fields.take_all();
            let detail =
                if given.is_empty() { "none of them is given" } else { "more than one of them is given" };
            self.refuse("choice", detail, format!("exactly one of {}", names.join(", ")))
        })
    }
}

/// The fields of an object while they are read.
#[derive(Debug)]
pub struct Fields<'a> {
    spot: Spot<'a>,
    given: BTreeMap<&'a str, &'a Node>,
    asked: RefCell<Vec<&'static str>>,
    any: Cell<bool>,
}

impl Fields<'_> {
    /// Whether there is such a field.
    pub fn has(&self, name: &str) -> bool {
        self.given.contains_key(name)
    }

    /// A field that must be there.
    pub fn required<T>(&self, name: &'static str, read: impl FnOnce(Spot<'_>) -> Option<T>) -> Option<T> {
        self.asked.borrow_mut().push(name);
        let at = below(self.spot.at, name);
        let Some(node) = self.given.get(name) else {
            let problem =
                Problem::new(&at, "field_missing", "the field is missing", format!("the field `{name}`"));
            self.spot.problems.add(problem);
            return None;
        };
        read(Spot { node, at: &at, problems: self.spot.problems })
    }

    /// A field that may be absent or null; the outer `None` says that it was wrong.
    pub fn optional<T>(
        &self,
        name: &'static str,
        read: impl FnOnce(Spot<'_>) -> Option<T>,
    ) -> Option<Option<T>> {
        match self.given.get(name) {
            None | Some(Node::Null) => {
                self.asked.borrow_mut().push(name);
                Some(None)
            }
            Some(_) => self.required(name, read).map(Some),
        }
    }

    /// A list that may be absent.
    pub fn list<T>(
        &self,
        name: &'static str,
        max: usize,
        read: impl FnMut(Spot<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        self.optional(name, |spot| spot.list(max, read)).map(Option::unwrap_or_default)
    }

    /// Writes down that exactly one of these fields should be there, where all of them are or none is.
    pub fn one_of<T>(&self, names: &[&'static str], all: bool) -> Option<T> {
        self.asked.borrow_mut().extend(names);
        let detail = if all { "more than one of them is given" } else { "none of them is given" };
        self.spot.refuse("choice", detail, format!("exactly one of {}", names.join(", ")))
    }

    /// Takes every field for known, where nobody can say which ones there should be.
    pub fn take_all(&self) {
        self.any.set(true);
    }

    /// Names every field that nobody asked for.
    fn finish(self) -> Option<()> {
        if self.any.get() {
            return Some(());
        }
        let asked = self.asked.into_inner();
        let unknown: Vec<&str> = self.given.into_keys().filter(|name| !asked.contains(name)).collect();
        for name in &unknown {
            let at = below(self.spot.at, shown(name));
            let expected = format!("only {}", asked.join(", "));
            self.spot.problems.add(Problem::new(&at, "field_unknown", "there is no such field", expected));
        }
        unknown.is_empty().then_some(())
    }
}

/// The whole numbers that would be right. A bound that is none of the trade, only the most that fits, is not told.
pub fn bounds(min: u64, max: u64) -> String {
    if max >= u64::from(u32::MAX) {
        format!("a whole number, at least {min}")
    } else {
        format!("a whole number from {min} to {max}")
    }
}

/// What is wrong with a number that is not among those.
pub fn out_of_bounds(given: &str, min: u64, max: u64) -> String {
    let text = shown(given);
    match given.parse::<f64>() {
        Ok(number) if number.fract() != 0.0 => format!("{text} is not whole"),
        #[expect(
            clippy::cast_precision_loss,
            reason = "it says on which side a number is, which is known already"
        )]
        Ok(number) if number < min as f64 => format!("{text} is less than {min}"),
        Ok(_) if max < u64::from(u32::MAX) => format!("{text} is more than {max}"),
        Ok(_) => format!("{text} is too large"),
        Err(_) => format!("`{text}` is no whole number"),
    }
}

/// Text from outside, short enough to be repeated in a message.
pub fn shown(text: &str) -> String {
    let mut shown: String =
        text.chars().take(SHOWN_MAX).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().count() > SHOWN_MAX {
        shown.push('…');
    }
    shown
}

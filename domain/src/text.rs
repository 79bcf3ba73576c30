//! What every value made of text shares: one way in, one way out, and the checks that most of them need.
//!
//! A value is parsed once; serde goes through the same parser, so stored and received data are checked alike.
//! Absent: Unicode normalisation. Two spellings of one accented letter are two names.

use crate::invalid::Invalid;

/// Gives a type with `parse` and `Display` its other ways in and out of text.
macro_rules! canonical_text {
    ($name:ident) => {
        impl std::str::FromStr for $name {
            type Err = $crate::invalid::Invalid;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::invalid::Invalid;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}

/// Declares a value that is a string in canonical form, made only by the parser named after the arrow.
macro_rules! text_value {
    ($(#[$meta:meta])* $name:ident <- $parser:expr) => {
        $(#[$meta])*
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Reads the value, or says what was wrong and what would be right.
            pub fn parse(text: &str) -> Result<Self, $crate::invalid::Invalid> {
                let parser: fn(&str) -> Result<String, $crate::invalid::Invalid> = $parser;
                parser(text).map(Self)
            }

            /// The canonical text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        $crate::text::canonical_text!($name);
    };
}

pub(crate) use {canonical_text, text_value};

/// Refuses text longer than `max` characters, before anything else looks at it.
pub(crate) fn at_most(what: &str, text: &str, max: usize) -> Result<(), Invalid> {
    // Bytes bound the work: no character takes more than four.
    if text.len() > max * 4 || text.chars().count() > max {
        let code = format!("{what}_too_long");
        return Err(Invalid::new(&code, "the text is too long", format!("at most {max} characters")));
    }
    Ok(())
}

/// Text of 1 to `max` visible characters and spaces, without the spaces around it.
pub(crate) fn printable(what: &str, text: &str, max: usize) -> Result<String, Invalid> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        let code = format!("{what}_empty");
        return Err(Invalid::new(&code, "the text is empty", format!("1 to {max} printable characters")));
    }
    at_most(what, trimmed, max)?;
    match trimmed.chars().find(|c| is_unprintable(*c)) {
        Some(c) => Err(unexpected(what, c, "printable characters only")),
        None => Ok(trimmed.to_owned()),
    }
}

/// Text of `min` to `max` characters, each of which `allowed` accepts.
pub(crate) fn made_of(
    what: &str,
    text: &str,
    (min, max): (usize, usize),
    allowed: impl Fn(char) -> bool,
    expected: &str,
) -> Result<String, Invalid> {
    at_most(what, text, max)?;
    if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        return Err(unexpected(what, c, expected));
    }
    if text.chars().count() < min {
        return Err(Invalid::new(&format!("{what}_too_short"), "the text is too short", expected));
    }
    Ok(text.to_owned())
}

/// The refusal of one character; unprintable ones are shown escaped.
pub(crate) fn unexpected(what: &str, c: char, expected: &str) -> Invalid {
    Invalid::new(&format!("{what}_character"), format!("{c:?} cannot be part of it"), expected)
}

/// The form in which names are compared: trimmed, inner spaces collapsed, case folded.
pub(crate) fn folded(text: &str) -> String {
    let collapsed = text.split_whitespace().collect::<Vec<_>>().join(" ");
    // Upper, then lower, character by character: `ß` meets `SS`, and a sigma is the same at the end of a word.
    collapsed.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// Controls, line separators, and marks that are invisible or turn the direction of the text.
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_without_case_or_spacing() {
        assert_eq!(folded(" ACME  LTD "), folded("Acme Ltd"));
        assert_eq!(folded("Straße"), folded("STRASSE"));
        assert_eq!(folded("ΟΔΟΣ"), folded("οδος"));
    }

    #[test]
    fn what_cannot_be_seen_is_not_printable() {
        for hidden in ["a\u{202e}b", "a\u{200b}b", "a\u{0}b", "a\nb"] {
            assert_eq!(printable("name", hidden, 9).unwrap_err().code, "name_character", "{hidden:?}");
        }
        assert_eq!(printable("name", " \t ", 9).unwrap_err().code, "name_empty");
        assert_eq!(printable("name", "0123456789", 9).unwrap_err().code, "name_too_long");
    }
}

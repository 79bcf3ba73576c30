//! What people are called and what they write. All of it is personal data, sealed before a command carries it.

use crate::invalid::Invalid;
use crate::text::{at_most, is_unprintable, made_of, printable, text_value, unexpected};

/// Longest part of a username before the `@`.
pub const USERNAME_LOCAL_MAX: usize = 80;
/// Longest given name or family name, in characters.
pub const PERSON_NAME_MAX: usize = 30;
/// Longest free text, in characters.
pub const FREE_TEXT_MAX: usize = 500;

text_value! {
    /// The part of a username before the `@`; the company's domain follows it.
    UsernameLocal <- username_local
}

text_value! {
    /// A given name or a family name.
    PersonNamePart <- |text| printable("person_name", text, PERSON_NAME_MAX)
}

text_value! {
    /// A reason or remark in somebody's own words, over several lines if need be.
    FreeText <- free_text
}

impl UsernameLocal {
    /// The form compared, which is the value itself.
    pub fn key(&self) -> String {
        self.to_string()
    }
}

fn username_local(text: &str) -> Result<String, Invalid> {
    const EXPECTED: &str = "1 to 80 of a-z, 0-9, dot, underscore and hyphen, dots only single and inside";
    let allowed = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '.' | '_' | '-');
    let local = made_of("username", text, (1, USERNAME_LOCAL_MAX), allowed, EXPECTED)?;
    if local.starts_with('.') || local.ends_with('.') || local.contains("..") {
        return Err(Invalid::new("username_dots", "a dot is first, last or doubled", EXPECTED));
    }
    Ok(local)
}

fn free_text(text: &str) -> Result<String, Invalid> {
    // Line ends come in two kinds, which double the length at most; one of them is kept.
    at_most("free_text", text, FREE_TEXT_MAX * 2)?;
    let lines = text.trim().replace("\r\n", "\n");
    if lines.is_empty() {
        return Err(Invalid::new("free_text_empty", "the text is empty", "1 to 500 characters"));
    }
    at_most("free_text", &lines, FREE_TEXT_MAX)?;
    match lines.chars().find(|c| *c != '\n' && is_unprintable(*c)) {
        Some(c) => Err(unexpected("free_text", c, "printable characters and line ends")),
        None => Ok(lines),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_username_has_its_dots_inside() {
        assert_eq!(UsernameLocal::parse("jo.bloggs_2-x").unwrap().to_string(), "jo.bloggs_2-x");
        for bad in [".jo", "jo.", "jo..b"] {
            assert_eq!(UsernameLocal::parse(bad).unwrap_err().code, "username_dots", "{bad}");
        }
        assert_eq!(UsernameLocal::parse("Jo").unwrap_err().code, "username_character");
        assert_eq!(UsernameLocal::parse("").unwrap_err().code, "username_too_short");
        assert_eq!(UsernameLocal::parse(&"a".repeat(81)).unwrap_err().code, "username_too_long");
    }

    #[test]
    fn free_text_may_have_lines() {
        assert_eq!(FreeText::parse(" one\r\ntwo ").unwrap().to_string(), "one\ntwo");
        assert_eq!(FreeText::parse("one\ttwo").unwrap_err().code, "free_text_character");
        assert_eq!(FreeText::parse("\n \n").unwrap_err().code, "free_text_empty");
        assert_eq!(FreeText::parse(&"a".repeat(501)).unwrap_err().code, "free_text_too_long");
    }
}

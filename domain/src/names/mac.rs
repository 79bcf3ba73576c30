//! The hardware address of a device.

use crate::invalid::Invalid;
use crate::text::{at_most, text_value};

const OCTETS: usize = 6;
const HEX_DIGITS: usize = OCTETS * 2;
/// Twelve digits and five separators.
const MAC_TEXT_MAX: usize = 17;
/// The lowest bit of the first octet marks an address of many devices (IEEE 802).
const MULTICAST_BIT: u32 = 1;
const EXPECTED: &str = "12 hex digits, bare or as 00:1A:2B:3C:4D:5E, 00-1A-2B-3C-4D-5E or 001A.2B3C.4D5E";

text_value! {
    /// A device's MAC address: 12 upper-case hex digits, never of a group of devices.
    MacAddress <- mac
}

impl MacAddress {
    /// The address in pairs: `00:1A:2B:3C:4D:5E`.
    pub fn colon(&self) -> String {
        (0..OCTETS).map(|octet| &self.as_str()[octet * 2..octet * 2 + 2]).collect::<Vec<_>>().join(":")
    }

    /// The form compared, which is the value itself.
    pub fn key(&self) -> String {
        self.to_string()
    }
}

fn mac(text: &str) -> Result<String, Invalid> {
    at_most("mac", text, MAC_TEXT_MAX)?;
    let refused = |code, detail: &str| Err(Invalid::new(code, detail, EXPECTED));
    let Some(hex) = ungrouped(text) else {
        return refused("mac_grouping", "the digits are not grouped in one of the usual ways");
    };
    if hex.len() != HEX_DIGITS || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return refused("mac_malformed", "these are not 12 hex digits");
    }
    if hex.bytes().all(|b| b == b'0') {
        return refused("mac_all_zero", "all zeros is no device");
    }
    if hex.bytes().all(|b| b == b'F') {
        return refused("mac_broadcast", "all Fs is every device");
    }
    match hex[..2].chars().nth(1).and_then(|low| low.to_digit(16)) {
        Some(low) if low & MULTICAST_BIT != 0 => {
            refused("mac_multicast", "this addresses a group of devices")
        }
        _ => Ok(hex),
    }
}

/// The digits alone, in upper case, if the separators stand where one notation has them.
fn ungrouped(text: &str) -> Option<String> {
    let Some(separator) = text.chars().find(|c| matches!(c, ':' | '-' | '.')) else {
        return Some(text.to_ascii_uppercase());
    };
    let group = if separator == '.' { 4 } else { 2 };
    let groups: Vec<&str> = text.split(separator).collect();
    groups.iter().all(|it| it.len() == group).then(|| groups.concat().to_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_device_has_one_address_in_every_notation() {
        for text in ["00:1a:2b:3c:4d:5e", "00-1A-2B-3C-4D-5E", "001A.2b3c.4D5E", "001a2b3c4d5e"] {
            let mac = MacAddress::parse(text).unwrap();
            assert_eq!(
                (mac.key().as_str(), mac.colon().as_str()),
                ("001A2B3C4D5E", "00:1A:2B:3C:4D:5E"),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_single_device_is_refused() {
        for (text, code) in [
            ("00:00:00:00:00:00", "mac_all_zero"),
            ("FF:FF:FF:FF:FF:FF", "mac_broadcast"),
            ("01:00:5E:00:00:01", "mac_multicast"),
            ("00:1A-2B:3C-4D:5E", "mac_grouping"),
            ("001A:2B3C:4D5E", "mac_grouping"),
            ("001A2B3C4D5", "mac_malformed"),
            ("001A2B3C4D5G", "mac_malformed"),
            ("00é1A2B3C4D", "mac_malformed"),
            ("", "mac_malformed"),
        ] {
            assert_eq!(MacAddress::parse(text).unwrap_err().code, code, "{text}");
        }
    }
}

//! What a user can have: licences, add-ons, devices, and what fits what.
//!
//! Absent: prices and stock of devices. Products are data, so a new one needs no release.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::invalid::Invalid;
use crate::names::ProductCode;

/// Most products of one kind.
pub const CATALOGUE_KIND_MAX: usize = 1_000;

/// The products on offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Products", into = "Products")]
pub struct Catalogue(Products);

/// The catalogue as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Products {
    licences: BTreeMap<ProductCode, Licence>,
    addons: BTreeMap<ProductCode, Addon>,
    devices: BTreeMap<ProductCode, DeviceModel>,
}

/// The right to use the service in one way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// What people call it.
    pub name: String,
    /// How many devices its user can have.
    pub devices_max: u32,
}

/// Something more for a user with a licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Addon {
    /// What people call it.
    pub name: String,
    /// The licences it can be added to.
    pub fits: BTreeSet<ProductCode>,
}

/// A kind of device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceModel {
    /// What people call it.
    pub name: String,
    /// The licences it works with.
    pub fits: BTreeSet<ProductCode>,
}

impl Catalogue {
    /// The licence with this code.
    pub fn licence(&self, code: &ProductCode) -> Option<&Licence> {
        self.0.licences.get(code)
    }

    /// The add-on with this code.
    pub fn addon(&self, code: &ProductCode) -> Option<&Addon> {
        self.0.addons.get(code)
    }

    /// The device model with this code.
    pub fn device(&self, code: &ProductCode) -> Option<&DeviceModel> {
        self.0.devices.get(code)
    }

    /// Whether both exist and the add-on can be added to the licence.
    pub fn addon_fits(&self, addon: &ProductCode, licence: &ProductCode) -> bool {
        self.addon(addon).is_some_and(|addon| addon.fits.contains(licence))
    }

    /// Whether both exist and the device works with the licence.
    pub fn device_fits(&self, device: &ProductCode, licence: &ProductCode) -> bool {
        self.device(device).is_some_and(|device| device.fits.contains(licence))
    }

    /// Every licence, by code.
    pub fn licences(&self) -> &BTreeMap<ProductCode, Licence> {
        &self.0.licences
    }

    /// Every add-on, by code.
    pub fn addons(&self) -> &BTreeMap<ProductCode, Addon> {
        &self.0.addons
    }

    /// Every device model, by code.
    pub fn devices(&self) -> &BTreeMap<ProductCode, DeviceModel> {
        &self.0.devices
    }
}

impl From<Catalogue> for Products {
    fn from(catalogue: Catalogue) -> Self {
        catalogue.0
    }
}

impl TryFrom<Products> for Catalogue {
    type Error = Invalid;

    fn try_from(products: Products) -> Result<Self, Invalid> {
        let counts = [products.licences.len(), products.addons.len(), products.devices.len()];
        if counts.iter().any(|count| *count > CATALOGUE_KIND_MAX) {
            let expected = format!("at most {CATALOGUE_KIND_MAX} products of one kind");
            return Err(Invalid::new("catalogue_too_large", "there are too many products", expected));
        }
        let addons = products.addons.values().flat_map(|addon| &addon.fits);
        let devices = products.devices.values().flat_map(|device| &device.fits);
        match addons.chain(devices).find(|licence| !products.licences.contains_key(*licence)) {
            Some(unknown) => {
                let detail = format!("something fits {unknown}, which is no licence");
                Err(Invalid::new("catalogue_licence_unknown", detail, "licences of the same catalogue"))
            }
            None => Ok(Self(products)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Rules;

    fn code(text: &str) -> ProductCode {
        ProductCode::parse(text).unwrap()
    }

    #[test]
    fn an_addon_fits_some_licences() {
        let rules = Rules::bundled();
        let catalogue = rules.catalogue();
        assert!(catalogue.addon_fits(&code("call_recording"), &code("voice_premium")));
        assert!(!catalogue.addon_fits(&code("call_recording"), &code("voice_basic")));
        assert!(!catalogue.addon_fits(&code("no_such_addon"), &code("voice_basic")));
        assert!(catalogue.device_fits(&code("desk_phone_t1"), &code("voice_standard")));
        assert!(catalogue.licence(&code("voice_standard")).is_some());
        assert!(catalogue.device(&code("voice_standard")).is_none());
    }

    #[test]
    fn an_addon_for_an_unknown_licence_is_refused() {
        let text = r#"{"licences":{},"addons":{"a":{"name":"A","fits":["b"]}},"devices":{}}"#;
        assert!(serde_json::from_str::<Catalogue>(text).unwrap_err().to_string().contains("no licence"));
    }
}

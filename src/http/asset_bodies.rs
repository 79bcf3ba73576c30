//! What a company has, as the API shows it. Personal data is opened, and reads `erased` once its key was destroyed.
//!
//! Deliberately absent: who may see it; whoever gets a body made has found that out.

use orderwire_domain::{
    company::asset::AssetPlan, number::NumberSet, order::line::SiteAddress, sealed::Sealed,
    views::company_directory::AssetView,
};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use super::{request::Look, texts};
use crate::{edge::history::seen, engine::Error};

/// A kind of asset as it is shown.
pub trait Shown: Serialize + Sized {
    /// The asset, if it is of this kind.
    async fn of(look: &Look, asset: Asset, plan: AssetPlan) -> Result<Option<Self>, Error>;
}

/// What is known of every asset.
#[derive(Debug, Serialize, ToSchema)]
pub struct Asset {
    /// Its service id.
    #[schema(value_type = texts::AssetId)]
    id: String,
    /// The company that has it.
    #[schema(value_type = texts::CompanyId)]
    company: String,
    /// `planned` until the order that makes it has made it; then `live`.
    #[schema(example = "live")]
    status: String,
    /// The order that makes or made it.
    #[schema(value_type = texts::OrderId)]
    order: String,
    /// Its line.
    line: u32,
}

impl From<&AssetView> for Asset {
    fn from(view: &AssetView) -> Self {
        Self {
            id: view.asset.to_string(),
            company: view.company.to_string(),
            status: view.status.to_string(),
            order: view.order.to_string(),
            line: view.line.0,
        }
    }
}

/// A site.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Site)]
pub struct SiteBody {
    #[serde(flatten)]
    asset: Asset,
    /// Its name.
    #[schema(example = "Leeds")]
    name: String,
    /// Dialled before an extension of it at another site.
    #[schema(example = "45")]
    location_code: String,
    /// How many digits its extensions have.
    extension_length: u8,
    /// Where it is.
    address: AddressBody,
}

/// Where something is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SiteAddress)]
pub struct AddressBody {
    /// The key of the address.
    #[schema(example = "A00000000001")]
    key: String,
    /// As it is written on a letter, without the postcode, one line below the other; null where the carrier's data does not
    /// have the key any more.
    lines: Option<String>,
    /// The postcode; null where the lines are.
    postcode: Option<String>,
}

/// A user of a site.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = User)]
pub struct UserBody {
    #[serde(flatten)]
    asset: Asset,
    /// The site.
    site: String,
    /// Given name.
    #[schema(example = "Ada")]
    first_name: String,
    /// Family name.
    #[schema(example = "Lovelace")]
    last_name: String,
    /// The part of the username before the company's domain.
    #[schema(example = "ada")]
    username: String,
    /// Its extension at the site.
    #[schema(example = "201")]
    extension: String,
    /// Its licence.
    licence: Option<String>,
    /// Add-ons that came with the user; later ones are assets of their own.
    add_ons: Vec<String>,
    /// The number shown to who is called.
    primary_number: Option<String>,
    /// Further numbers that reach the user, as ranges.
    alternate_numbers: Vec<String>,
}

/// A device of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Device)]
pub struct DeviceBody {
    #[serde(flatten)]
    asset: Asset,
    /// The user.
    user: String,
    /// Its model.
    #[schema(example = "desk_phone_t1")]
    model: String,
    /// Its MAC address.
    #[schema(example = "00:15:65:00:00:01")]
    mac: String,
}

/// An add-on of a user.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AddOn)]
pub struct AddOnBody {
    #[serde(flatten)]
    asset: Asset,
    /// The user.
    user: String,
    /// Which product.
    product: String,
}

/// A PBX at a site.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Pbx)]
pub struct PbxBody {
    #[serde(flatten)]
    asset: Asset,
    /// The site.
    site: String,
    /// Its name.
    name: String,
}

/// A trunk of a PBX.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Trunk)]
pub struct TrunkBody {
    #[serde(flatten)]
    asset: Asset,
    /// The PBX.
    pbx: String,
    /// Its name.
    name: String,
    /// How many calls at once.
    channels: u32,
}

/// What emergency services are told about a site.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EmergencyDetails)]
pub struct EmergencyBody {
    #[serde(flatten)]
    asset: Asset,
    /// The site.
    site: String,
    /// Where help must go, if not to the address of the site.
    address: Option<AddressBody>,
    /// Whom to ask for.
    name: String,
    /// How to call them.
    telephone: Option<String>,
    /// How to write to them.
    email: Option<String>,
}

impl Shown for SiteBody {
    async fn of(look: &Look, asset: Asset, plan: AssetPlan) -> Result<Option<Self>, Error> {
        let AssetPlan::Site { name, location_code, extension_length, address: at, .. } = plan else {
            return Ok(None);
        };
        let (name, location_code) = (name.to_string(), location_code.to_string());
        let address = address(look, &at).await?;
        Ok(Some(Self { asset, name, location_code, extension_length, address }))
    }
}

impl Shown for UserBody {
    async fn of(look: &Look, asset: Asset, plan: AssetPlan) -> Result<Option<Self>, Error> {
        let AssetPlan::User {
            site,
            first_name,
            last_name,
            username,
            extension,
            licence,
            add_ons,
            primary_number,
            alternate_numbers,
        } = plan
        else {
            return Ok(None);
        };
        Ok(Some(Self {
            asset,
            site: site.to_string(),
            first_name: open(look, &first_name).await?,
            last_name: open(look, &last_name).await?,
            username: open(look, &username).await?,
            extension: extension.to_string(),
            licence: licence.map(|licence| licence.to_string()),
            add_ons: add_ons.iter().map(ToString::to_string).collect(),
            primary_number: primary_number.map(|number| number.to_string()),
            alternate_numbers: ranges(&alternate_numbers),
        }))
    }
}

impl Shown for DeviceBody {
    async fn of(_: &Look, asset: Asset, plan: AssetPlan) -> Result<Option<Self>, Error> {
        let AssetPlan::Device { user, model, mac } = plan else { return Ok(None) };
        Ok(Some(Self { asset, user: user.to_string(), model: model.to_string(), mac: mac.colon() }))
    }
}

impl Shown for AddOnBody {
    async fn of(_: &Look, asset: Asset, plan: AssetPlan) -> Result<Option<Self>, Error> {
        let AssetPlan::AddOn { user, product } = plan else { return Ok(None) };
        Ok(Some(Self { asset, user: user.to_string(), product: product.to_string() }))
    }
}

impl Shown for PbxBody {
    async fn of(_: &Look, asset: Asset, plan: AssetPlan) -> Result<Option<Self>, Error> {
        let AssetPlan::Pbx { site, name } = plan else { return Ok(None) };
        Ok(Some(Self { asset, site: site.to_string(), name: name.to_string() }))
    }
}

impl Shown for TrunkBody {
    async fn of(_: &Look, asset: Asset, plan: AssetPlan) -> Result<Option<Self>, Error> {
        let AssetPlan::Trunk { pbx, name, channels } = plan else { return Ok(None) };
        Ok(Some(Self { asset, pbx: pbx.to_string(), name: name.to_string(), channels }))
    }
}

impl Shown for EmergencyBody {
    async fn of(look: &Look, asset: Asset, plan: AssetPlan) -> Result<Option<Self>, Error> {
        let AssetPlan::EmergencyDetails { site, address: at, contact } = plan else { return Ok(None) };
        let address = match at {
            Some(at) => Some(address(look, &at).await?),
            None => None,
        };
        Ok(Some(Self {
            asset,
            site: site.to_string(),
            address,
            name: open(look, &contact.name).await?,
            telephone: open_any(look, contact.telephone.as_ref()).await?,
            email: open_any(look, contact.email.as_ref()).await?,
        }))
    }
}

async fn address(look: &Look, address: &SiteAddress) -> Result<AddressBody, Error> {
    Ok(match address {
        SiteAddress::Known(key) => {
            let known = look.app.engine.addresses().get(key).await?;
            AddressBody {
                key: key.to_string(),
                lines: known.as_ref().map(|it| it.lines().join("\n")),
                postcode: known.map(|it| it.postcode.to_string()),
            }
        }
        SiteAddress::Entered { key, lines, postcode } => AddressBody {
            key: key.to_string(),
            lines: Some(open(look, lines).await?),
            postcode: Some(postcode.to_string()),
        },
    })
}

async fn open_any(look: &Look, sealed: Option<&Sealed>) -> Result<Option<String>, Error> {
    match sealed {
        Some(sealed) => open(look, sealed).await.map(Some),
        None => Ok(None),
    }
}

async fn open(look: &Look, sealed: &Sealed) -> Result<String, Error> {
    Ok(seen(&look.app.engine, json!(sealed), look.caller.sight())
        .await?
        .as_str()
        .unwrap_or_default()
        .to_owned())
}

fn ranges(numbers: &NumberSet) -> Vec<String> {
    numbers.runs().map(|run| run.to_string()).collect()
}

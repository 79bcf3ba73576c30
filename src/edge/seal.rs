//! From the lines of a document to those that a command carries: what is said about people is sealed, and names of what
//! the company has become its ids.

use orderwire_domain::{
    address::AddressKey,
    company::Company,
    ids::{AssetId, CompanyId, ResellerId, StreamId},
    names::Cupid,
    order::line::{
        AddOnLine, CompanyLine, DeviceLine, EmergencyLine, LineRequest, NumbersLine, Parent, PbxLine,
        PortLine, SiteAddress, SiteLine, TrunkLine, UserLine,
    },
    sealed::{Contact, Sealed},
};

use tokio::sync::OnceCell;

use super::{
    document::{
        DocumentAddress, DocumentAsset, DocumentContact, DocumentEmergency, DocumentParent, DocumentPort,
        DocumentRequest, DocumentSite, DocumentUser, OrderDocument, Personal,
    },
    named::Named,
    problem::{Error, Problem},
    reader::Problems,
};
use crate::engine::{
    self, Engine,
    sealing::{DataKey, MasterKey, SealingError},
};

/// Who seals, and whose names are known.
pub(super) struct Sealer<'a> {
    engine: &'a Engine,
    reseller: Option<ResellerId>,
    key: Key,
    named: Named,
}

enum Key {
    /// The engine's, of a company or reseller; asked for once, where there is something to seal.
    Engine(StreamId, OnceCell<DataKey>),
    /// One that is thrown away, for what is only rehearsed: the company's own does not exist yet.
    ThrownAway(DataKey),
}

impl<'a> Sealer<'a> {
    /// The data key of a company, and the names of what it has.
    pub(super) async fn of_company(engine: &'a Engine, company: CompanyId) -> Result<Self, Error> {
        let (_, state) = engine.load::<Company>(company).await?;
        let reseller = state.reseller();
        Ok(Self {
            engine,
            reseller,
            key: Key::Engine(company.into(), OnceCell::new()),
            named: Named::of(state),
        })
    }

    /// The data key of a reseller, where no company is named.
    pub(super) fn of_reseller(engine: &'a Engine, reseller: ResellerId) -> Self {
        let key = Key::Engine(reseller.into(), OnceCell::new());
        Self { engine, reseller: Some(reseller), key, named: Named::default() }
    }

    /// A key that nobody keeps.
    pub(super) fn thrown_away(engine: &'a Engine, reseller: ResellerId) -> Self {
        let key = Key::ThrownAway(MasterKey::generate().make_data_key("rehearsal").0);
        Self { engine, reseller: Some(reseller), key, named: Named::default() }
    }

    /// The lines of a document as the domain takes them, or every name in them that names nothing.
    pub(super) async fn lines(&self, document: &OrderDocument) -> Result<Vec<LineRequest>, Error> {
        let mut lines = Vec::with_capacity(document.lines.len());
        let problems = Problems::default();
        for (index, line) in document.lines.iter().enumerate() {
            let at = format!("/lines/{index}");
            match self.line(&at, &line.request).await {
                Ok(line) => lines.push(line),
                // What is wrong with the document as a whole is said once.
                Err(Error::Refused(found))
                    if found.iter().all(|problem| problem.pointer.starts_with(&at)) =>
                {
                    for problem in found {
                        problems.add(problem);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        let problems = problems.into_vec();
        if problems.is_empty() { Ok(lines) } else { Err(Error::Refused(problems)) }
    }

    /// A line; `at` is where it stands in what was sent.
    pub(super) async fn line(&self, at: &str, request: &DocumentRequest) -> Result<LineRequest, Error> {
        Ok(match request {
            DocumentRequest::Company { channels, contact } => {
                let contact = match contact {
                    Some(contact) => Some(self.contact(contact).await?),
                    None => None,
                };
                LineRequest::Company(CompanyLine { channels: *channels, contact })
            }
            DocumentRequest::Numbers { ask, site } => {
                let site = self.any_site(at, site.as_ref()).await?;
                LineRequest::Numbers(NumbersLine { ask: ask.clone(), site })
            }
            DocumentRequest::Port(port) => LineRequest::Port(Box::new(self.port(at, port).await?)),
            DocumentRequest::Site(site) => LineRequest::Site(Box::new(self.site(at, site).await?)),
            DocumentRequest::EmergencyDetails(line) => {
                LineRequest::EmergencyDetails(self.emergency(at, line).await?)
            }
            DocumentRequest::User(user) => LineRequest::User(Box::new(self.user(at, user).await?)),
            DocumentRequest::AddOn { user, product } => {
                let user = self.parent(at, "user", user).await?;
                LineRequest::AddOn(AddOnLine { user, product: product.clone() })
            }
            DocumentRequest::Device { user, model, mac } => {
                let user = self.parent(at, "user", user).await?;
                LineRequest::Device(DeviceLine { user, model: model.clone(), mac: mac.clone() })
            }
            DocumentRequest::Pbx { site, name } => {
                let site = self.parent(at, "site", site).await?;
                LineRequest::Pbx(PbxLine { site, name: name.clone() })
            }
            DocumentRequest::Trunk { pbx, name, channels } => {
                let pbx = self.parent(at, "pbx", pbx).await?;
                LineRequest::Trunk(TrunkLine { pbx, name: name.clone(), channels: *channels })
            }
        })
    }

    async fn parent(&self, at: &str, field: &str, parent: &DocumentParent) -> Result<Parent, Error> {
        Ok(match parent {
            DocumentParent::Line(line) => Parent::Line(*line),
            DocumentParent::Asset(asset) => Parent::Asset(self.asset(at, field, asset).await?),
        })
    }

    async fn any_site(&self, at: &str, site: Option<&DocumentAsset>) -> Result<Option<AssetId>, Error> {
        match site {
            Some(site) => self.asset(at, "site", site).await.map(Some),
            None => Ok(None),
        }
    }

    async fn asset(&self, at: &str, field: &str, asset: &DocumentAsset) -> Result<AssetId, Error> {
        let found = match asset {
            DocumentAsset::Id(id) => return Ok(*id),
            DocumentAsset::Site(name) => self.named.site(name),
            DocumentAsset::Pbx(name) => self.named.pbx(name),
            DocumentAsset::User(username) => self.named.user(username, &self.seal(username).await?),
        };
        found.map_err(|mut problem| {
            problem.pointer = format!("{at}/{field}{}", problem.pointer);
            Error::refused(problem)
        })
    }

    async fn port(&self, at: &str, port: &DocumentPort) -> Result<PortLine, Error> {
        Ok(PortLine {
            class: port.class,
            main_number: port.main_number,
            associated: port.associated.clone(),
            ranges: port.ranges.clone(),
            losing_provider: port.losing_provider.clone(),
            range_holder: self.range_holder(at, port).await?,
            postcode: port.postcode.clone(),
            account: self.seal(&port.account).await?,
            signatory: self.seal(&port.signatory).await?,
            window: port.window,
            site: self.any_site(at, port.site.as_ref()).await?,
        })
    }

    /// Who holds the range: as the document says, else as the numbering data has it.
    async fn range_holder(&self, at: &str, port: &DocumentPort) -> Result<Cupid, Error> {
        if let Some(named) = &port.range_holder {
            return Ok(named.clone());
        }
        self.engine.reference().refresh().await?;
        self.engine.reference().range_holder(port.main_number).ok_or_else(|| {
            let detail = format!("the numbering data does not say whose {} is", port.main_number);
            let (pointer, expected) = (format!("{at}/range_holder"), "the three digits of the range holder");
            Error::refused(Problem::new(&pointer, "range_holder_unknown", detail, expected))
        })
    }

    async fn site(&self, at: &str, site: &DocumentSite) -> Result<SiteLine, Error> {
        Ok(SiteLine {
            name: site.name.clone(),
            location_code: site.location_code.clone(),
            extension_length: site.extension_length,
            address: self.address(at, &site.address).await?,
            numbers: site.numbers.clone(),
        })
    }

    async fn emergency(&self, at: &str, line: &DocumentEmergency) -> Result<EmergencyLine, Error> {
        let address = match &line.address {
            Some(address) => Some(self.address(at, address).await?),
            None => None,
        };
        let site = self.parent(at, "site", &line.site).await?;
        Ok(EmergencyLine { site, address, contact: self.contact(&line.contact).await? })
    }

    async fn user(&self, at: &str, user: &DocumentUser) -> Result<UserLine, Error> {
        Ok(UserLine {
            site: self.parent(at, "site", &user.site).await?,
            first_name: self.seal(&user.first_name).await?,
            last_name: self.seal(&user.last_name).await?,
            username: self.seal(&user.username).await?,
            extension: user.extension.clone(),
            licence: user.licence.clone(),
            add_ons: user.add_ons.clone(),
            primary_number: user.primary_number,
            alternate_numbers: user.alternate_numbers.clone(),
        })
    }

    async fn address(&self, at: &str, address: &DocumentAddress) -> Result<SiteAddress, Error> {
        Ok(match address {
            DocumentAddress::Known(key) if key.is_temporary() => self.entered(at, key).await?,
            DocumentAddress::Known(key) => SiteAddress::Known(key.clone()),
            DocumentAddress::Entered { key, lines, postcode } => SiteAddress::Entered {
                key: key.clone(),
                lines: self.seal(lines).await?,
                postcode: postcode.clone(),
            },
        })
    }

    /// What the reseller entered under a temporary key, sealed again with the key of whoever the order is for; or the
    /// address that it turned out to be.
    async fn entered(&self, at: &str, key: &AddressKey) -> Result<SiteAddress, Error> {
        let refuse = |code, detail: String| {
            let pointer = format!("{at}/address/known");
            Error::refused(Problem::new(&pointer, code, detail, "a known address, or one entered before"))
        };
        let unknown = || refuse("address_unknown", format!("nothing was entered under {key}"));
        let reseller = self.reseller.ok_or_else(unknown)?;
        let entered = self.engine.entered_address(reseller, key).await?.ok_or_else(unknown)?;
        if let Some(known) = entered.replaced_by {
            return Ok(SiteAddress::Known(known));
        }
        let erased = || refuse("address_erased", format!("what was entered under {key} was erased"));
        let lines = self.engine.entered_lines(&entered).await?.ok_or_else(erased)?;
        let lines = self.seal(&Personal::new(lines.join("\n"))).await?;
        Ok(SiteAddress::Entered { key: key.clone(), lines, postcode: entered.postcode })
    }

    async fn contact(&self, contact: &DocumentContact) -> Result<Contact, Error> {
        Ok(Contact {
            name: self.seal(&contact.name).await?,
            telephone: self.seal_any(contact.telephone.as_ref()).await?,
            email: self.seal_any(contact.email.as_ref()).await?,
        })
    }

    async fn seal_any(&self, text: Option<&Personal>) -> Result<Option<Sealed>, Error> {
        match text {
            Some(text) => self.seal(text).await.map(Some),
            None => Ok(None),
        }
    }

    async fn seal(&self, personal: &Personal) -> Result<Sealed, Error> {
        match &self.key {
            Key::Engine(owner, key) => {
                let key = key.get_or_try_init(|| data_key(self.engine, *owner)).await?;
                Ok(key.seal(&personal.text, &personal.normalised))
            }
            Key::ThrownAway(key) => Ok(key.seal(&personal.text, &personal.normalised)),
        }
    }
}

/// Seals a text with the data key of a company or reseller, which must not have been erased.
pub async fn seal(engine: &Engine, owner: StreamId, personal: &Personal) -> Result<Sealed, Error> {
    Ok(data_key(engine, owner).await?.seal(&personal.text, &personal.normalised))
}

async fn data_key(engine: &Engine, owner: StreamId) -> Result<DataKey, Error> {
    match engine.data_key(owner).await {
        Err(engine::Error::Sealing(SealingError::Erased(id))) => {
            let detail = format!("the personal data of {id} was erased, so nothing new is kept for it");
            Err(Error::refused(Problem::new("/company", "erased", detail, "a company that was not erased")))
        }
        key => Ok(key?),
    }
}

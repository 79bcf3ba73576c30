//! Sealing what a document says about people, just before a command carries it.

use orderwire_domain::{
    ids::StreamId,
    order::line::{CompanyLine, EmergencyLine, LineRequest, PortLine, SiteAddress, SiteLine, UserLine},
    sealed::{Contact, Sealed},
};

use super::{
    document::{
        DocumentAddress, DocumentContact, DocumentEmergency, DocumentPort, DocumentRequest, DocumentSite,
        DocumentUser, OrderDocument, Personal,
    },
    problem::{Error, Problem},
};
use crate::engine::{
    self, Engine,
    sealing::{DataKey, MasterKey, SealingError},
};

/// Who seals.
pub(super) enum Sealer<'a> {
    /// The engine, with the data key of a company or reseller.
    Engine(&'a Engine, StreamId),
    /// A key that is thrown away, for what is only rehearsed: the company's own does not exist yet.
    ThrownAway(DataKey),
}

impl<'a> Sealer<'a> {
    /// The data key of a company or reseller.
    pub(super) fn of(engine: &'a Engine, owner: impl Into<StreamId>) -> Self {
        Self::Engine(engine, owner.into())
    }

    /// A key that nobody keeps.
    pub(super) fn thrown_away() -> Self {
        Self::ThrownAway(MasterKey::generate().make_data_key("rehearsal").0)
    }

    /// The lines of a document as the domain takes them.
    pub(super) async fn lines(&self, document: &OrderDocument) -> Result<Vec<LineRequest>, Error> {
        let mut lines = Vec::with_capacity(document.lines.len());
        for line in &document.lines {
            lines.push(self.line(&line.request).await?);
        }
        Ok(lines)
    }

    async fn line(&self, request: &DocumentRequest) -> Result<LineRequest, Error> {
        Ok(match request {
            DocumentRequest::Plain(request) => LineRequest::clone(request),
            DocumentRequest::Company { channels, contact } => {
                let contact = match contact {
                    Some(contact) => Some(self.contact(contact).await?),
                    None => None,
                };
                LineRequest::Company(CompanyLine { channels: *channels, contact })
            }
            DocumentRequest::Port(port) => LineRequest::Port(Box::new(self.port(port).await?)),
            DocumentRequest::Site(site) => LineRequest::Site(Box::new(self.site(site).await?)),
            DocumentRequest::EmergencyDetails(line) => {
                LineRequest::EmergencyDetails(self.emergency(line).await?)
            }
            DocumentRequest::User(user) => LineRequest::User(Box::new(self.user(user).await?)),
        })
    }

    async fn port(&self, port: &DocumentPort) -> Result<PortLine, Error> {
        Ok(PortLine {
            class: port.class,
            main_number: port.main_number,
            associated: port.associated.clone(),
            ranges: port.ranges.clone(),
            losing_provider: port.losing_provider.clone(),
            range_holder: port.range_holder.clone(),
            postcode: port.postcode.clone(),
            account: self.seal(&port.account).await?,
            signatory: self.seal(&port.signatory).await?,
            window: port.window,
            site: port.site,
        })
    }

    async fn site(&self, site: &DocumentSite) -> Result<SiteLine, Error> {
        Ok(SiteLine {
            name: site.name.clone(),
            location_code: site.location_code.clone(),
            extension_length: site.extension_length,
            address: self.address(&site.address).await?,
            numbers: site.numbers.clone(),
        })
    }

    async fn emergency(&self, line: &DocumentEmergency) -> Result<EmergencyLine, Error> {
        let address = match &line.address {
            Some(address) => Some(self.address(address).await?),
            None => None,
        };
        Ok(EmergencyLine { site: line.site, address, contact: self.contact(&line.contact).await? })
    }

    async fn user(&self, user: &DocumentUser) -> Result<UserLine, Error> {
        Ok(UserLine {
            site: user.site,
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

    async fn address(&self, address: &DocumentAddress) -> Result<SiteAddress, Error> {
        Ok(match address {
            DocumentAddress::Known(key) => SiteAddress::Known(key.clone()),
            DocumentAddress::Entered { key, lines, postcode } => SiteAddress::Entered {
                key: key.clone(),
                lines: self.seal(lines).await?,
                postcode: postcode.clone(),
            },
        })
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
        match self {
            Self::Engine(engine, owner) => seal(engine, *owner, personal).await,
            Self::ThrownAway(key) => Ok(key.seal(&personal.text, &personal.normalised)),
        }
    }
}

/// Seals a text with the data key of a company or reseller, which must not have been erased.
pub async fn seal(engine: &Engine, owner: StreamId, personal: &Personal) -> Result<Sealed, Error> {
    match engine.seal(owner, &personal.text, &personal.normalised).await {
        Err(engine::Error::Sealing(SealingError::Erased(id))) => {
            let detail = format!("the personal data of {id} was erased, so nothing new is kept for it");
            Err(Error::refused(Problem::new("/company", "erased", detail, "a company that was not erased")))
        }
        sealed => Ok(sealed?),
    }
}

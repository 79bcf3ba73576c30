//! Addresses that resellers entered by hand, because the carrier's data had none that fits.
//!
//! Each has a temporary key and what was entered, sealed: with the company's data key where a company is named, so that
//! it is erased with it, else with the reseller's. Whoever else asks for it is told that it does not exist. Deliberately
//! absent: any check that the place exists, which the qualifier bronze says.

use chrono::{DateTime, Utc};
use orderwire_domain::{
    address::{AddressKey, AddressQualifier, Postcode},
    company::Company,
    decider::Decider as _,
    ids::{CompanyId, ResellerId, StreamId},
    refusal::Reason,
    reseller::{Reseller, ResellerStatus},
    sealed::Sealed,
    views::table::{Record, Table, Value, text},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::engine::{
    Engine, Error, Provenance,
    log::{RowChange, Select},
    query,
};

/// Entered addresses by their temporary key; the parent is the reseller.
pub static ENTERED_ADDRESS: Table =
    Table { name: "entered_address", columns: &[text("postcode")], indexes: &[&["parent", "postcode"]] };

/// Lines of an entered address at most.
pub const ENTERED_LINES_MAX: usize = 10;
/// Characters of one line at most.
pub const ENTERED_LINE_MAX: usize = 100;
/// There are a hundred billion temporary keys; so many in a row are not all taken by chance.
const KEYS_TRIED_MAX: u32 = 20;
const KEYS: u64 = 100_000_000_000;

/// An address that was entered by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnteredAddress {
    /// Its temporary key.
    pub key: AddressKey,
    /// Always bronze: nobody has looked whether it exists.
    pub qualifier: AddressQualifier,
    /// Who entered it, and alone sees it.
    pub reseller: ResellerId,
    /// The company it was entered for.
    pub company: Option<CompanyId>,
    /// The lines, one below the other.
    pub lines: Sealed,
    /// The postcode.
    pub postcode: Postcode,
    /// By whom: an opaque id.
    pub actor: String,
    /// When.
    pub entered_at: DateTime<Utc>,
    /// The carrier's address that it turned out to be.
    pub replaced_by: Option<AddressKey>,
}

/// What is entered.
#[derive(Clone)]
pub struct AddressEntry {
    /// By which reseller.
    pub reseller: ResellerId,
    /// For which of its companies, if that is known.
    pub company: Option<CompanyId>,
    /// The lines, without the postcode.
    pub lines: Vec<String>,
    /// The postcode.
    pub postcode: Postcode,
}

impl Record for EnteredAddress {
    const TABLE: &'static Table = &ENTERED_ADDRESS;

    fn key(&self) -> String {
        self.key.to_string()
    }

    fn parent(&self) -> String {
        self.reseller.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.postcode.as_str().into()]
    }
}

impl Engine {
    /// Keeps an address under a temporary key. The same address entered again by the same reseller is the same key.
    pub async fn enter_address(
        &self,
        entry: &AddressEntry,
        who: &Provenance,
    ) -> Result<EnteredAddress, Error> {
        self.active(entry.reseller).await?;
        let owner = self.owner_of(entry).await?;
        let text = text_of(&entry.lines)?;
        let sealed = self.seal(owner, &text, &normalised(&text)).await?;
        for attempt in 0..KEYS_TRIED_MAX {
            let key = temporary_key(&sealed, &entry.postcode, attempt);
            match query::get::<EnteredAddress>(self.log(), key.as_str()).await? {
                Some(known) if known.is(entry, &sealed) => return Ok(known),
                Some(_) => {}
                None => {
                    let entered = EnteredAddress {
                        key,
                        qualifier: AddressQualifier::Bronze,
                        reseller: entry.reseller,
                        company: entry.company,
                        lines: sealed,
                        postcode: entry.postcode.clone(),
                        actor: who.actor.as_str().to_owned(),
                        entered_at: self.now(),
                        replaced_by: None,
                    };
                    self.keep_entered(&entered).await?;
                    return Ok(entered);
                }
            }
        }
        Err(refuse("address_keys_taken", "no temporary key was free", "the same address, entered later"))
    }

    /// An address that this reseller entered; another's does not exist for it.
    pub async fn entered_address(
        &self,
        reseller: ResellerId,
        key: &AddressKey,
    ) -> Result<Option<EnteredAddress>, Error> {
        let found = query::get::<EnteredAddress>(self.log(), key.as_str()).await?;
        Ok(found.filter(|entered| entered.reseller == reseller))
    }

    /// What a reseller has entered, by key, after the given one.
    pub async fn entered_addresses(
        &self,
        reseller: ResellerId,
        after: Option<&AddressKey>,
        limit: usize,
    ) -> Result<Vec<EnteredAddress>, Error> {
        let look = Select {
            table: &ENTERED_ADDRESS,
            filters: vec![query::equal("parent", reseller.to_string())],
            order: "key",
            descending: false,
            after: after.map(|key| (key.as_str().into(), key.to_string())),
            limit,
        };
        query::select(self.log(), &look).await
    }

    /// The lines of an entered address; nothing once they were erased.
    pub async fn entered_lines(&self, entered: &EnteredAddress) -> Result<Option<Vec<String>>, Error> {
        let text = self.open_sealed(&entered.lines).await?;
        Ok(text.map(|text| text.lines().map(str::to_owned).collect()))
    }

    /// Notes which of the carrier's addresses an entered one is, once: whoever was told of the first rests on it. Sites that
    /// name it are told by a command each.
    pub async fn replace_entered_address(
        &self,
        reseller: ResellerId,
        key: &AddressKey,
        by: &AddressKey,
    ) -> Result<EnteredAddress, Error> {
        let unknown = || refuse("address_unknown", "there is no such address", "a key that was entered");
        let mut entered = self.entered_address(reseller, key).await?.ok_or_else(unknown)?;
        if by.is_temporary() || self.addresses().get(by).await?.is_none() {
            return Err(refuse(
                "address_not_known",
                "the carrier has no such address",
                "a key beginning A or R",
            ));
        }
        match &entered.replaced_by {
            Some(known) if known == by => return Ok(entered),
            Some(known) => {
                let detail = format!("it is known to be {known}");
                return Err(refuse("address_replaced", &detail, "the key that was noted"));
            }
            None => entered.replaced_by = Some(by.clone()),
        }
        self.keep_entered(&entered).await?;
        Ok(entered)
    }

    /// Forgets what was entered, where nobody is to keep it. Orders that carry it keep their own sealed copy.
    pub async fn forget_entered_address(
        &self,
        reseller: ResellerId,
        key: &AddressKey,
    ) -> Result<bool, Error> {
        let found = self.entered_address(reseller, key).await?.is_some();
        if found {
            self.log().change_rows(&[RowChange::Delete(&ENTERED_ADDRESS, key.to_string())], None).await?;
        }
        Ok(found)
    }

    /// Refuses for a reseller that may start nothing new.
    async fn active(&self, reseller: ResellerId) -> Result<(), Error> {
        let status = self.load::<Reseller>(reseller).await?.1.status();
        if status == ResellerStatus::Active {
            return Ok(());
        }
        let detail = format!("the reseller is {status}");
        Err(refuse("reseller_not_active", &detail, "an active reseller"))
    }

    async fn keep_entered(&self, entered: &EnteredAddress) -> Result<(), Error> {
        Ok(self.log().change_rows(&[RowChange::Put(&ENTERED_ADDRESS, entered.to_row())], None).await?)
    }

    /// Whose data key seals it.
    async fn owner_of(&self, entry: &AddressEntry) -> Result<StreamId, Error> {
        let Some(id) = entry.company else { return Ok(entry.reseller.into()) };
        let (_, company) = self.load::<Company>(id).await?;
        if company.status() == Company::default().status() || company.reseller() != Some(entry.reseller) {
            return Err(refuse("company_unknown", "there is no such company", "a company of this reseller"));
        }
        Ok(id.into())
    }
}

impl EnteredAddress {
    fn is(&self, entry: &AddressEntry, sealed: &Sealed) -> bool {
        self.reseller == entry.reseller
            && self.company == entry.company
            && self.postcode == entry.postcode
            && self.lines.hides_the_same_as(sealed)
    }
}

fn text_of(lines: &[String]) -> Result<String, Error> {
    let lines: Vec<&str> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    let fits = |line: &&str| line.chars().count() <= ENTERED_LINE_MAX && !line.contains(char::is_control);
    if lines.is_empty() || lines.len() > ENTERED_LINES_MAX || !lines.iter().all(fits) {
        let expected =
            format!("1 to {ENTERED_LINES_MAX} lines of at most {ENTERED_LINE_MAX} printable characters");
        return Err(refuse("address_lines_invalid", "these lines are no address", &expected));
    }
    Ok(lines.join("\n"))
}

/// What equal addresses have in common, whatever their case and spacing.
fn normalised(text: &str) -> String {
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.collect::<Vec<_>>().join("\n").to_lowercase()
}

/// The tag is a keyed hash, so the key of an address tells nothing about it.
fn temporary_key(sealed: &Sealed, postcode: &Postcode, attempt: u32) -> AddressKey {
    let digest = Sha256::digest(format!("{}/{}/{postcode}/{attempt}", sealed.key_id, sealed.tag));
    let (first, _) = digest.split_at(size_of::<u64>());
    let number = first.iter().fold(0u64, |number, byte| number << 8 | u64::from(*byte)) % KEYS;
    AddressKey::parse(&format!("T{number:011}")).expect("a T and 11 digits are a key")
}

fn refuse(code: &str, detail: &str, expected: &str) -> Error {
    let (code, detail) = (code.to_owned(), detail.to_owned());
    Error::Refused(vec![Reason { code, subject: None, detail, expected: Some(expected.to_owned()) }])
}

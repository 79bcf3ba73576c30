//! Addresses as a port: what was loaded into the store, or else a bundled sample that is invented.
//!
//! A search is bounded by a postcode, a district, or the beginning of a street's name; further words narrow what is found.
//! Deliberately absent: spelling, likeness and ranking. Who writes `Sreet` finds nothing, and `Mill, Unit 3` without a
//! postcode finds only streets that begin with `Mill`.

use async_trait::async_trait;
use orderwire_domain::{
    address::{Address, AddressKey, Postcode, search_words},
    invalid::Invalid,
    views::table::{Record, Table, Value, text},
};
use serde::{Deserialize, Serialize};
use strum::{Display, IntoStaticStr};

use super::loads::{LoadKind, LoadRecord, LoadState, LoadedFile, Writer};
use crate::engine::{
    Engine, Error, Provenance,
    log::{Comparison, Filter, Select, SharedLog},
    query::{self, equal},
};

/// Addresses by key; the parent is the postcode. The indexes answer a postcode, a district and a street, each in the
/// order in which people read streets.
pub static ADDRESS: Table = Table {
    name: "address",
    columns: &[text("district"), text("sort")],
    indexes: &[&["parent", "sort"], &["district", "sort"], &["sort"]],
};

/// Addresses of one page at most.
pub const ADDRESS_PAGE_MAX: usize = 500;
/// Characters of a searched text at most.
pub const ADDRESS_TEXT_MAX: usize = 100;
/// A street alone must be named with so many letters, or half the country is looked through.
const STREET_LETTERS_MIN: usize = 3;
/// Rows looked at in one question.
const ROWS_PER_LOOK: usize = 500;
/// Questions for one page. Where words fit few of very many rows, a page ends early and says where to go on.
const LOOKS_MAX: usize = 20;

/// Where addresses come from.
#[async_trait]
pub trait AddressSource: Send + Sync + 'static {
    /// One page of what a search finds, in order of street and number.
    async fn search(&self, search: &AddressSearch) -> Result<AddressPage, Error>;

    /// The address of a key.
    async fn get(&self, key: &AddressKey) -> Result<Option<Address>, Error>;
}

/// What to search for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressSearch {
    within: Option<AddressWithin>,
    words: Vec<String>,
    /// Where the last page ended.
    pub after: Option<AddressCursor>,
    /// At most so many addresses.
    pub limit: usize,
}

/// A part of the country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressWithin {
    /// A postcode, such as `LS1 4AP`.
    Postcode(Postcode),
    /// The first part of one, such as `LS1`.
    District(String),
}

/// Where a page ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressCursor {
    /// What addresses are ordered by.
    pub sort: String,
    /// The key of the last one looked at.
    pub key: String,
}

/// A page of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AddressPage {
    /// What was found.
    pub addresses: Vec<Address>,
    /// Where to go on, if there may be more; a page may have fewer addresses than asked for, or none, and yet not be the
    /// last.
    pub next: Option<AddressCursor>,
    /// Where they come from.
    pub origin: AddressOrigin,
}

/// Where addresses come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Display, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub enum AddressOrigin {
    /// The bundled sample: invented, for demos and tests.
    Sample,
    /// What the operator loaded.
    Loaded,
}

impl AddressWithin {
    /// Reads a postcode, or the first part of one.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        Postcode::parse(text).map(Self::Postcode).or_else(|invalid| {
            // A district is a word that makes a postcode when a second part follows; `LS1 4` is not the district LS14.
            let district = text.trim();
            if district.contains(char::is_whitespace) {
                return Err(invalid);
            }
            let whole = Postcode::parse(&format!("{district} 1AA"));
            whole.map(|postcode| Self::District(postcode.outward().to_owned())).map_err(|_| invalid)
        })
    }
}

impl AddressSearch {
    /// A search by a part of the country, by words, or by both; without the former, by a street.
    pub fn new(within: Option<AddressWithin>, text: Option<&str>) -> Result<Self, Invalid> {
        let given = text.is_some();
        let text = text.unwrap_or_default();
        if text.chars().count() > ADDRESS_TEXT_MAX {
            let expected = format!("at most {ADDRESS_TEXT_MAX} characters");
            return Err(Invalid::new("address_text_too_long", "the text is too long", expected));
        }
        let words = search_words(text);
        if given && words.is_empty() {
            let expected = "words with letters or digits, or no text";
            return Err(Invalid::new("address_text_no_words", "there is no word in the text", expected));
        }
        let search = Self { within, words, after: None, limit: ADDRESS_PAGE_MAX };
        let street = search.street().map_or(0, |street| street.chars().count());
        if search.within.is_none() && street < STREET_LETTERS_MIN {
            let expected = format!(
                "a postcode, its first part, or the beginning of a street with at least {STREET_LETTERS_MIN} letters"
            );
            return Err(Invalid::new(
                "address_search_too_wide",
                "this would look through everything",
                expected,
            ));
        }
        Ok(search)
    }

    /// The word that must begin the street, unless a postcode bounds the search already.
    fn street(&self) -> Option<&str> {
        if matches!(self.within, Some(AddressWithin::Postcode(_))) {
            return None;
        }
        let is_name = |word: &&String| !word.starts_with(|first: char| first.is_ascii_digit());
        self.words.iter().find(is_name).map(String::as_str)
    }

    fn limit(&self) -> usize {
        self.limit.clamp(1, ADDRESS_PAGE_MAX)
    }

    /// What an index finds of it.
    fn filters(&self) -> Vec<Filter> {
        let within = match &self.within {
            Some(AddressWithin::Postcode(postcode)) => Some(equal("parent", postcode.as_str())),
            Some(AddressWithin::District(district)) => Some(equal("district", district.as_str())),
            None => None,
        };
        let sort = |comparison, value: String| Filter { column: "sort", comparison, value: value.into() };
        let street = self.street().map(|street| {
            let last = format!("{street}{}", char::MAX);
            [sort(Comparison::AtLeast, street.to_owned()), sort(Comparison::AtMost, last)]
        });
        within.into_iter().chain(street.into_iter().flatten()).collect()
    }

    /// Whether an address is one of those that the index finds.
    fn bounds(&self, address: &Address) -> bool {
        let within = match &self.within {
            Some(AddressWithin::Postcode(postcode)) => address.postcode == *postcode,
            Some(AddressWithin::District(district)) => address.postcode.outward() == district,
            None => true,
        };
        within && self.street().is_none_or(|street| address.sort().starts_with(street))
    }
}

/// An address as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(transparent)]
struct AddressRow(Address);

impl Record for AddressRow {
    const TABLE: &'static Table = &ADDRESS;

    fn key(&self) -> String {
        self.0.key.to_string()
    }

    fn parent(&self) -> String {
        self.0.postcode.to_string()
    }

    fn columns(&self) -> Vec<Value> {
        vec![self.0.postcode.outward().into(), self.0.sort().into()]
    }
}

/// The addresses of the store; the sample as long as none was loaded.
pub struct LoadedAddresses {
    log: SharedLog,
    sample: SampleAddresses,
}

impl LoadedAddresses {
    /// Those of this store.
    pub fn over(log: &SharedLog) -> Self {
        Self { log: SharedLog::clone(log), sample: SampleAddresses::bundled() }
    }

    async fn is_empty(&self) -> Result<bool, Error> {
        Ok(self.log.select(&Select::page(&ADDRESS, None, 1)).await?.is_empty())
    }
}

#[async_trait]
impl AddressSource for LoadedAddresses {
    async fn search(&self, search: &AddressSearch) -> Result<AddressPage, Error> {
        if self.is_empty().await? {
            return self.sample.search(search).await;
        }
        let (mut addresses, mut next) = (Vec::new(), search.after.clone());
        for _ in 0..LOOKS_MAX {
            let look = Select {
                table: &ADDRESS,
                filters: search.filters(),
                order: "sort",
                descending: false,
                after: next.take().map(|after| (after.sort.into(), after.key)),
                limit: ROWS_PER_LOOK,
            };
            let rows: Vec<AddressRow> = query::select(&self.log, &look).await?;
            let all = rows.len() < ROWS_PER_LOOK;
            for (index, AddressRow(address)) in rows.iter().enumerate() {
                if address.has_words(&search.words) {
                    addresses.push(address.clone());
                }
                let full = addresses.len() == search.limit();
                let last = index + 1 == rows.len();
                if (full || last) && !(last && all) {
                    next = Some(AddressCursor { sort: address.sort(), key: address.key.to_string() });
                }
                if full {
                    return Ok(AddressPage { addresses, next, origin: AddressOrigin::Loaded });
                }
            }
            if all {
                break;
            }
        }
        Ok(AddressPage { addresses, next, origin: AddressOrigin::Loaded })
    }

    async fn get(&self, key: &AddressKey) -> Result<Option<Address>, Error> {
        match query::get::<AddressRow>(&self.log, key.as_str()).await? {
            Some(AddressRow(found)) => Ok(Some(found)),
            None if self.is_empty().await? => self.sample.get(key).await,
            None => Ok(None),
        }
    }
}

/// The bundled addresses: invented streets in postcodes that look real.
pub struct SampleAddresses(Vec<Address>);

impl SampleAddresses {
    /// All of them, in order of street and number.
    pub fn bundled() -> Self {
        let text = include_str!("../../../data/addresses.json");
        let file: SampleFile = serde_json::from_str(text).expect("the bundled addresses are tested");
        let mut addresses = file.addresses;
        addresses.sort_by_cached_key(|address| (address.sort(), address.key.clone()));
        Self(addresses)
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "the sample is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SampleFile {
    #[serde(rename = "source")]
    _source: String,
    addresses: Vec<Address>,
}

#[async_trait]
impl AddressSource for SampleAddresses {
    async fn search(&self, search: &AddressSearch) -> Result<AddressPage, Error> {
        let place = |address: &Address| (address.sort(), address.key.to_string());
        let after = search.after.clone().map(|after| (after.sort, after.key));
        let fits = |address: &&Address| search.bounds(address) && address.has_words(&search.words);
        let mut found = self
            .0
            .iter()
            .filter(|address| after.as_ref().is_none_or(|after| place(address) > *after))
            .filter(fits);
        let addresses: Vec<Address> = found.by_ref().take(search.limit()).cloned().collect();
        let more = found.next().is_some();
        let cursor = |address: &Address| AddressCursor { sort: address.sort(), key: address.key.to_string() };
        let next = addresses.last().filter(|_| more).map(cursor);
        Ok(AddressPage { addresses, next, origin: AddressOrigin::Sample })
    }

    async fn get(&self, key: &AddressKey) -> Result<Option<Address>, Error> {
        Ok(self.0.iter().find(|address| address.key == *key).cloned())
    }
}

/// A load of addresses: each takes the place of the one with its key, as soon as it is written.
pub struct AddressLoad<'a> {
    engine: &'a Engine,
    record: LoadRecord,
    writer: Writer<'a>,
}

impl<'a> AddressLoad<'a> {
    /// Begins one.
    pub async fn begin(engine: &'a Engine, who: &Provenance) -> Result<Self, Error> {
        let record = LoadRecord::begin(engine, LoadKind::Addresses, who).await?;
        Ok(Self { engine, record, writer: Writer::new(engine.log(), &ADDRESS) })
    }

    /// Takes an address in.
    pub async fn put(&mut self, address: Address) -> Result<(), Error> {
        self.writer.put(AddressRow(address).to_row()).await
    }

    /// Ends it.
    pub async fn end(mut self, files: Vec<LoadedFile>) -> Result<LoadRecord, Error> {
        self.writer.flush().await?;
        self.record.files = files;
        self.record.end(self.engine, LoadState::Loaded).await?;
        Ok(self.record)
    }
}

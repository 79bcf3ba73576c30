//! A file of addresses: each row takes the place of the address with its key.

use orderwire_domain::{
    address::{Address, AddressKey, AddressPart, AddressQualifier, Postcode},
    invalid::Invalid,
};

use super::{
    LoadError, LoadReport, Refused, RefusedRow, Source,
    csv_file::{Column, CsvFile, CsvRow},
};
use crate::engine::{Engine, Provenance, reference::addresses::AddressLoad};

const fn column(name: &'static str, headings: &'static [&'static str], needed: bool) -> Column {
    Column { name, headings, needed }
}

const KEY: usize = 0;
const QUALIFIER: usize = 1;
const ORGANISATION: usize = 2;
const BUILDING: usize = 3;
const NUMBER: usize = 4;
const STREET: usize = 5;
const LOCALITY: usize = 6;
const TOWN: usize = 7;
const POSTCODE: usize = 8;

/// In the order of the constants above.
const COLUMNS: [Column; 9] = [
    column("key", &["key", "addresskey"], true),
    column("qualifier", &["qualifier", "addressqualifier"], true),
    column("organisation", &["organisation", "organisationname", "organization"], false),
    column("building", &["building", "buildingname"], false),
    column("number", &["number", "buildingnumber", "streetnumber", "streetnr"], false),
    column("street", &["street", "streetname", "thoroughfare"], true),
    column("locality", &["locality", "dependentlocality"], false),
    column("town", &["town", "posttown", "city"], true),
    column("postcode", &["postcode", "postalcode"], true),
];

/// Loads a file. Rows that break a rule are left out and reported; the others are in force as soon as they are written,
/// so a load that is cut short is simply done again.
pub async fn load_addresses(
    engine: &Engine,
    who: &Provenance,
    source: Source<'_>,
) -> Result<LoadReport, LoadError> {
    let mut file = CsvFile::open(source, &COLUMNS)?;
    let mut load = AddressLoad::begin(engine, who).await?;
    let mut refused = Refused::default();
    // A row borrows the file, so it ends before anything is waited for.
    loop {
        let read = file.next()?.map(|row| address(&row));
        let Some(read) = read else { break };
        match read {
            Ok(address) => {
                load.put(address).await?;
                file.counts.rows += 1;
            }
            Err(row) => {
                refused.add(*row);
                file.counts.refused += 1;
            }
        }
    }
    let record = load.end(vec![file.end()]).await?;
    Ok(LoadReport { record, refused: refused.0 })
}

fn address(row: &CsvRow<'_>) -> Result<Address, Box<RefusedRow>> {
    Ok(Address {
        key: row.value(KEY, carrier_key)?,
        qualifier: row.value(QUALIFIER, |text| AddressQualifier::parse(&text.to_ascii_lowercase()))?,
        organisation: row.any(ORGANISATION, AddressPart::parse)?,
        building: row.any(BUILDING, AddressPart::parse)?,
        number: row.any(NUMBER, AddressPart::parse)?,
        street: row.value(STREET, AddressPart::parse)?,
        locality: row.any(LOCALITY, AddressPart::parse)?,
        town: row.value(TOWN, AddressPart::parse)?,
        postcode: row.value(POSTCODE, Postcode::parse)?,
    })
}

/// A key of the carrier's own: a temporary one is made when an address is entered by hand.
fn carrier_key(text: &str) -> Result<AddressKey, Invalid> {
    let key = AddressKey::parse(text)?;
    if key.is_temporary() {
        return Err(Invalid::new(
            "address_key_temporary",
            "this key is a temporary one",
            "A or R and 11 digits",
        ));
    }
    Ok(key)
}

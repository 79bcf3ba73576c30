//! The regulator's files of number blocks: who holds which range.
//!
//! They are published per first digit, so several files are one load, and it takes the place of the load before. Providers
//! are named there, not numbered; a second file may say which three digits each name has.

use std::collections::HashMap;

use chrono::NaiveDate;
use orderwire_domain::{
    invalid::Invalid,
    names::Cupid,
    portability::{RangeHolder, RangeStatus},
};

use super::{
    LoadError, LoadReport, Refused, RefusedRow, Source,
    csv_file::{Column, CsvFile, CsvRow, plain},
};
use crate::{
    edge::Problem,
    engine::{
        Engine, Provenance,
        reference::{
            loads::{LoadState, LoadedFile},
            numbering::{LoadedRange, NumberingLoad, RANGE_DIGITS_MAX, RANGES_MAX},
        },
    },
};

/// Longest name of a provider.
const PROVIDER_MAX: usize = 120;
/// Most providers in a file that numbers them; there are a thousand possible numbers.
const PROVIDERS_MAX: usize = 20_000;
/// Files of one load.
const FILES_MAX: usize = 20;

const BLOCK: usize = 0;
const STATUS: usize = 1;
const HOLDER: usize = 2;
const CUPID: usize = 3;
const ALLOCATED_ON: usize = 4;
const BLOCK_END: usize = 5;

/// In the order of the constants above. Older files cut a block's digits in two columns.
const COLUMNS: [Column; 6] = [
    Column {
        name: "the block",
        headings: &[
            "nmsnumberblock",
            "nmsnumberblocknumberblock",
            "numberblock",
            "block",
            "numberrange",
            "prefix",
            "sabcdef",
            "sabcde",
            "sabc",
        ],
        needed: true,
    },
    Column { name: "the status", headings: &["blockstatus", "status"], needed: true },
    Column {
        name: "the provider",
        headings: &["cpname", "communicationsprovider", "providername", "provider", "rangeholder"],
        needed: true,
    },
    Column { name: "the CUPID", headings: &["cupid"], needed: false },
    Column {
        name: "the date",
        headings: &["allocationdate", "dateofallocation", "dateallocated"],
        needed: false,
    },
    Column { name: "the end of the block", headings: &["dde", "ddef", "de"], needed: false },
];

/// What to do about rows that break a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusing {
    /// With one of them, nothing is loaded: a range that is missing would hide who holds its numbers.
    Everything,
    /// They alone are left out.
    RowsOnly,
}

/// The three digits of providers, by name.
#[derive(Debug, Default)]
pub struct Providers(HashMap<String, Cupid>);

impl Providers {
    /// Reads a file with a column for the name and one for the CUPID. Every row must be right.
    pub fn read(source: Source<'_>) -> Result<Self, LoadError> {
        const NAME: usize = 0;
        const ID: usize = 1;
        let columns = [Column { needed: true, ..COLUMNS[HOLDER] }, Column { needed: true, ..COLUMNS[CUPID] }];
        let (mut file, mut providers, mut problems) =
            (CsvFile::open(source, &columns)?, Self::default(), vec![]);
        while let Some(row) = file.next()? {
            let read = row.value(NAME, provider).and_then(|name| Ok((name, row.value(ID, Cupid::parse)?)));
            match read {
                Ok((name, cupid)) => drop(providers.0.insert(plain(&name), cupid)),
                Err(row) => problems.push(Problem::from(*row)),
            }
            if providers.0.len().max(problems.len()) > PROVIDERS_MAX {
                let (detail, expected) = ("there are too many rows", format!("at most {PROVIDERS_MAX}"));
                problems.push(Problem::new(&file.counts.name, "providers_too_many", detail, expected));
                break;
            }
        }
        if problems.is_empty() { Ok(providers) } else { Err(LoadError::Refused(problems)) }
    }
}

/// Loads all files as one. Until every row was read nothing changes; then they take the place of what was loaded before.
/// The report's state says which of the two happened.
pub async fn load_numbering(
    engine: &Engine,
    who: &Provenance,
    sources: Vec<Source<'_>>,
    providers: &Providers,
    refusing: Refusing,
) -> Result<LoadReport, LoadError> {
    if sources.is_empty() || sources.len() > FILES_MAX {
        let detail = format!("there are {} files", sources.len());
        let problem = Problem::new("", "files_out_of_bounds", detail, format!("1 to {FILES_MAX} files"));
        return Err(LoadError::Refused(vec![problem]));
    }
    // The headings of every file first: most mistakes show there.
    let files = sources.into_iter().map(|source| CsvFile::open(source, &COLUMNS));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let mut load = NumberingLoad::begin(engine, who).await?;
    let (mut refused, mut ended) = (Refused::default(), Vec::new());
    for file in files {
        match take(&mut load, file, providers, &mut refused).await {
            Ok(file) => ended.push(file),
            Err(error) => {
                load.refuse(ended).await?;
                return Err(error);
            }
        }
        if ended.iter().map(|file: &LoadedFile| file.rows).sum::<u64>() > RANGES_MAX as u64 {
            load.refuse(ended).await?;
            let (detail, expected) = ("there are too many ranges", format!("at most {RANGES_MAX}"));
            return Err(LoadError::Refused(vec![Problem::new("", "ranges_too_many", detail, expected)]));
        }
    }
    let wrong = ended.iter().any(|file| file.refused > 0) && refusing == Refusing::Everything;
    let empty = ended.iter().all(|file| file.rows == 0);
    let record = if wrong || empty { load.refuse(ended).await? } else { load.accept(ended).await? };
    if empty && record.refused() == 0 {
        let (detail, expected) = ("there is no range of this product", "at least one");
        return Err(LoadError::Refused(vec![Problem::new("", "ranges_missing", detail, expected)]));
    }
    debug_assert!(matches!(record.state, LoadState::Loaded | LoadState::Refused), "a load has ended");
    Ok(LoadReport { record, refused: refused.0 })
}

async fn take(
    load: &mut NumberingLoad<'_>,
    mut file: CsvFile<'_>,
    providers: &Providers,
    refused: &mut Refused,
) -> Result<LoadedFile, LoadError> {
    while let Some(row) = file.next()? {
        let read = range(&row, providers);
        match read {
            Ok(Some(range)) => {
                load.put(range).await?;
                file.counts.rows += 1;
            }
            Ok(None) => file.counts.passed_over += 1,
            Err(row) => {
                refused.add(*row);
                file.counts.refused += 1;
            }
        }
        if file.counts.rows > RANGES_MAX as u64 {
            break;
        }
    }
    Ok(file.end())
}

/// The range of a row; nothing for a block of another product.
fn range(row: &CsvRow<'_>, providers: &Providers) -> Result<Option<LoadedRange>, Box<RefusedRow>> {
    let end = row.cell(BLOCK_END)?.to_owned();
    let digits = row.value(BLOCK, |text| block(&format!("{text}{end}")))?;
    if !is_ours(&digits) {
        return Ok(None);
    }
    let status = row.value(STATUS, status)?;
    let holder = match status {
        RangeStatus::NotAllocated => None,
        RangeStatus::Allocated => {
            let name = row.value(HOLDER, provider)?;
            let own = row.any(CUPID, Cupid::parse)?;
            let cupid = own.or_else(|| providers.0.get(&plain(&name)).cloned());
            Some(RangeHolder { name: Some(name), cupid })
        }
    };
    // Nothing rests on it, and publishers write what they like there.
    let allocated_on = date(row.cell(ALLOCATED_ON)?);
    let digits = row.value(BLOCK, |_| digits.parse().map_err(|_| malformed()))?;
    Ok(Some(LoadedRange { digits, status, holder, allocated_on }))
}

fn malformed() -> Invalid {
    let expected = format!("1 to {RANGE_DIGITS_MAX} digits after the 0, such as 1134 96");
    Invalid::new("block_malformed", "this is no block of numbers", expected)
}

/// The digits of a block after +44.
fn block(text: &str) -> Result<String, Invalid> {
    let compact: String = text.chars().filter(|c| !matches!(c, ' ' | '-' | '/')).collect();
    let digits = compact.strip_prefix("+44").or_else(|| compact.strip_prefix('0')).unwrap_or(&compact);
    let fits = (1..=RANGE_DIGITS_MAX).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if fits && !digits.starts_with('0') { Ok(digits.to_owned()) } else { Err(malformed()) }
}

/// Whether numbers of this block can be numbers of the product: 01, 02, 03 and 08, but for the islands.
fn is_ours(digits: &str) -> bool {
    const ISLANDS: [&str; 3] = ["1534", "1481", "1624"];
    digits.starts_with(['1', '2', '3', '8']) && !ISLANDS.iter().any(|island| digits.starts_with(island))
}

/// `Allocated`, also with more behind it, such as `Allocated(Closed Range)`; every other word is a range that nobody has.
fn status(text: &str) -> Result<RangeStatus, Invalid> {
    match plain(text) {
        word if word.is_empty() => {
            Err(Invalid::new("status_empty", "the status is empty", "Allocated, Free, Reserved or the like"))
        }
        word if word.starts_with("allocated") => Ok(RangeStatus::Allocated),
        _ => Ok(RangeStatus::NotAllocated),
    }
}

fn provider(text: &str) -> Result<String, Invalid> {
    let expected = || format!("1 to {PROVIDER_MAX} printable characters");
    if text.is_empty() || plain(text).is_empty() {
        return Err(Invalid::new("provider_empty", "the provider is not named", expected()));
    }
    if text.chars().count() > PROVIDER_MAX || text.contains(char::is_control) {
        return Err(Invalid::new("provider_malformed", "this is no name of a provider", expected()));
    }
    Ok(text.to_owned())
}

/// As the regulator writes dates, or as everybody should.
fn date(text: &str) -> Option<NaiveDate> {
    // Of two formats one may fit; where none does, the caller refuses the row.
    let read = |format| NaiveDate::parse_from_str(text, format).ok();
    ["%d/%m/%Y", "%Y-%m-%d"].into_iter().find_map(read)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_block_is_read_however_it_is_spaced() {
        for text in ["1134 96", "01134 96", "+44113496", "113/496", "1134-96"] {
            assert_eq!(block(text).unwrap(), "113496", "{text}");
        }
        for text in ["", "0", "00113", "1134x", "12345678901", "٣"] {
            assert_eq!(block(text).unwrap_err().code, "block_malformed", "{text}");
        }
    }

    #[test]
    fn only_allocated_blocks_have_a_holder() {
        for text in ["Allocated", "ALLOCATED", "Allocated (Closed Range)"] {
            assert_eq!(status(text).unwrap(), RangeStatus::Allocated, "{text}");
        }
        for text in ["Free", "Reserved", "Quarantined", "Protected", "Unavailable"] {
            assert_eq!(status(text).unwrap(), RangeStatus::NotAllocated, "{text}");
        }
        assert_eq!(status(" ").unwrap_err().code, "status_empty");
    }

    #[test]
    fn two_notations_of_a_date() {
        assert_eq!(date("21/05/1997"), date("1997-05-21"));
        assert!(date("21/05/1997").is_some());
        assert_eq!(date("05/21/1997"), None);
    }

    proptest! {
        #[test]
        fn what_is_read_as_a_block_is_digits_that_a_number_can_begin_with(text in ".{0,20}") {
            if let Ok(digits) = block(&text) {
                prop_assert!(digits.len() <= RANGE_DIGITS_MAX && digits.parse::<u64>().unwrap() > 0);
            }
        }

        #[test]
        fn no_cell_makes_a_parser_panic(text in "\\PC{0,40}") {
            let named = provider(&text).is_ok();
            prop_assert!(!named || text.chars().any(|c| c.is_ascii_alphanumeric()));
            prop_assert_eq!(status(&text).is_ok(), !plain(&text).is_empty());
            prop_assert!(date(&text).is_none() || text.bytes().any(|b| b.is_ascii_digit()));
        }
    }
}

//! Reference data as ports: to whom ranges of numbers belong, what places are called, which addresses there are.
//!
//! Bundled are small invented samples for demos and tests; in service the operator loads its own licensed data, which
//! lives in tables with a row about each load. It informs the edge, which puts what it found into a command. Deliberately
//! absent: events, since nothing is decided on it here, and the reading of files, which is the edge's.

pub mod addresses;
pub mod entered;
pub mod loads;
pub mod numbering;
pub mod sample;

use std::sync::Arc;

use async_trait::async_trait;
use orderwire_domain::{
    names::{Cupid, SiteName},
    number::TelephoneNumber,
    portability::NumberingRange,
    views::table::Table,
};

pub use self::sample::Ranges;
use self::{
    addresses::{AddressSource, LoadedAddresses},
    numbering::LoadedRanges,
};
use super::{Builder, Engine, Error, log::SharedLog};

/// Every table of reference data. No reader writes them, and a rebuild leaves them as they are.
pub static TABLES: &[&Table] =
    &[&loads::REFERENCE_LOAD, &numbering::NUMBERING_RANGE, &addresses::ADDRESS, &entered::ENTERED_ADDRESS];

/// Looks up what the regulator and the map say about a number.
#[async_trait]
pub trait ReferenceData: Send + Sync + 'static {
    /// The range that the number lies in: the one with the longest prefix.
    fn range(&self, number: TelephoneNumber) -> Option<NumberingRange>;

    /// The place the number's area code serves.
    fn place(&self, number: TelephoneNumber) -> Option<SiteName>;

    /// The provider to which the number's range was allocated, where the data has its three digits.
    fn range_holder(&self, number: TelephoneNumber) -> Option<Cupid> {
        self.range(number)?.holder?.cupid
    }

    /// Takes what was loaded since it was last asked, also by another process.
    async fn refresh(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// What an engine looks things up in.
pub(super) struct References {
    numbering: Arc<dyn ReferenceData>,
    addresses: Arc<dyn AddressSource>,
}

/// What the embedder chose of it; the rest is what was loaded into the store, or else the samples.
#[derive(Default)]
pub(super) struct Chosen {
    numbering: Option<Arc<dyn ReferenceData>>,
    addresses: Option<Arc<dyn AddressSource>>,
}

impl Chosen {
    pub(super) async fn open(self, log: &SharedLog) -> Result<References, Error> {
        let numbering = self.numbering.unwrap_or_else(|| Arc::new(LoadedRanges::over(log)));
        numbering.refresh().await?;
        let addresses = self.addresses.unwrap_or_else(|| Arc::new(LoadedAddresses::over(log)));
        Ok(References { numbering, addresses })
    }
}

impl Builder {
    /// Other numbering data than what was loaded into the store.
    #[must_use]
    pub fn reference(mut self, reference: impl ReferenceData) -> Self {
        self.reference.numbering = Some(Arc::new(reference));
        self
    }

    /// Another source of addresses than what was loaded into the store.
    #[must_use]
    pub fn addresses(mut self, addresses: impl AddressSource) -> Self {
        self.reference.addresses = Some(Arc::new(addresses));
        self
    }
}

impl Engine {
    /// To whom ranges belong, and what places are called.
    pub fn reference(&self) -> &dyn ReferenceData {
        &*self.inner.reference.numbering
    }

    /// The carrier's addresses; those that resellers entered are in [`entered`].
    pub fn addresses(&self) -> &dyn AddressSource {
        &*self.inner.reference.addresses
    }
}

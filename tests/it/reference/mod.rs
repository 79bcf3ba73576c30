//! Reference data on every store: addresses, numbering ranges, and what a portability check says of them.

mod addresses;
mod entered;
mod numbering;
mod portability;

use orderwire::edge::loads::{LoadReport, Providers, Refusing, Source, load_addresses, load_numbering};

use crate::world::*;

/// A text as the file of that name.
fn file<'a>(name: &str, text: &'a str) -> Source<'a> {
    Source { name: name.to_owned(), bytes: Box::new(text.as_bytes()) }
}

async fn addresses(world: &World, text: &str) -> LoadReport {
    load_addresses(&world.engine, &operator(), file("addresses.csv", text)).await.unwrap()
}

async fn blocks(world: &World, texts: &[&str], refusing: Refusing) -> LoadReport {
    let files = texts.iter().map(|text| file("blocks.csv", text)).collect();
    let providers = file("providers.csv", "CP Name,CUPID\nExample Telecom,044\n");
    let providers = Providers::read(providers).unwrap();
    load_numbering(&world.engine, &operator(), files, &providers, refusing).await.unwrap()
}

/// The same on a fresh world over each kind of store; on `PostgreSQL` where there is a server.
async fn on_every_store(case: impl AsyncFn(World)) {
    for store in [Store::memory().await, Store::sqlite()] {
        case(World::open(&store).await).await;
    }
    #[cfg(feature = "postgres")]
    if let Some(database) = crate::postgres::Scratch::make().await {
        let world = World::open(&Store::at(database.url())).await;
        case(world.clone()).await;
        world.engine.close().await;
        database.drop_it().await;
    }
}

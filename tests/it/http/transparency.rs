//! The log as others follow it: by tiles with a library of somebody else's, and by proofs.

use std::{cell::RefCell, collections::BTreeMap};

use orderwire::{
    audit::{
        note::{SignedCheckpoint, SignerKey, VerifierKey},
        proofs, tiles,
    },
    edge::keys::Role,
    engine::leaf::{Hash, hex},
    http::{App, Limits, audit::Proving, server as serving},
};
use reqwest::{Method, Response, header};
use serde_json::json;
use tlog_tiles::{Error, HashReader, Tile, TileHashReader, TileReader, tlog};
use tokio::net::TcpListener;

use super::{Client, Site};

/// What a site has signed with.
fn trusted() -> VerifierKey {
    SignerKey::from_seed("orders.example/log", &[7; 32]).unwrap().verifier().clone()
}

/// A site with more events than a tile has, and somebody who checks it.
async fn long() -> (Site, Client) {
    let site = Site::open().await;
    for n in 1..=310 {
        site.world.reseller(n).await;
    }
    let auditor = site.client(Role::Auditor, None).await;
    (site, auditor)
}

async fn fetched(client: &Client, path: &str) -> Response {
    client.request(Method::GET, path).send().await.unwrap()
}

async fn bytes(client: &Client, path: &str) -> Vec<u8> {
    let response = fetched(client, path).await;
    assert_eq!(response.status(), 200, "{path}");
    response.bytes().await.unwrap().to_vec()
}

async fn checkpoint(client: &Client) -> SignedCheckpoint {
    let note = String::from_utf8(bytes(client, "/checkpoint").await).unwrap();
    SignedCheckpoint::open_of("orders.example/log", &note, &[trusted()]).unwrap()
}

/// Tiles that were fetched, and those that the library would have.
#[derive(Default)]
struct Fetched {
    tiles: RefCell<BTreeMap<String, Option<Vec<u8>>>>,
}

impl TileReader for Fetched {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, Error> {
        let mut known = self.tiles.borrow_mut();
        let read = |tile: &Tile| known.entry(tile.path()).or_default().clone();
        let read: Vec<_> = tiles.iter().map(read).collect();
        read.into_iter().collect::<Option<_>>().ok_or_else(|| Error::InvalidInput("not fetched yet".into()))
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

impl Fetched {
    /// Fetches what the library asked for; whether that was anything.
    async fn fetch(&self, client: &Client) -> bool {
        let missing: Vec<String> = {
            let known = self.tiles.borrow();
            known.iter().filter(|(_, bytes)| bytes.is_none()).map(|(path, _)| path.clone()).collect()
        };
        for path in &missing {
            // It has the height of tiles in its names, which the specification has left out.
            let bytes = bytes(client, &path.replace("tile/8/", "/tile/")).await;
            self.tiles.borrow_mut().insert(path.clone(), Some(bytes));
        }
        !missing.is_empty()
    }

    /// What the library makes of tiles, once it has all that it needs.
    async fn made<T>(
        &self,
        client: &Client,
        of: &SignedCheckpoint,
        make: impl Fn(&TileHashReader<'_>) -> Result<T, Error>,
    ) -> T {
        loop {
            let said = of.checkpoint();
            match make(&TileHashReader::new(said.size, tlog::Hash(said.root), self)) {
                Ok(it) => return it,
                Err(error) => assert!(self.fetch(client).await, "{error}"),
            }
        }
    }
}

fn ours(proof: &[tlog::Hash]) -> Vec<Hash> {
    proof.iter().map(|hash| hash.0).collect()
}

#[tokio::test]
async fn a_library_of_somebody_elses_follows_the_log_by_its_tiles() {
    let (site, auditor) = long().await;
    let first = checkpoint(&auditor).await;
    assert!(first.checkpoint().size > 300 && first.checkpoint().size == site.head().await);
    site.world.reseller(500).await;
    let second = checkpoint(&auditor).await;
    let (old, end) = (first.checkpoint().size, second.checkpoint().size);
    let engine = &site.world.engine;
    let fetched = Fetched::default();

    let theirs = fetched.made(&auditor, &second, |reader| tlog::prove_tree(end, old, reader)).await;
    let own = proofs::consistency(engine, old, Some(end)).await.unwrap();
    assert_eq!((ours(&theirs), own.from_root), (own.proof, first.checkpoint().root));

    for position in [1, 256, 257, 300, end] {
        let theirs =
            fetched.made(&auditor, &second, |reader| tlog::prove_record(end, position - 1, reader)).await;
        let own = proofs::inclusion(engine, position, Some(end)).await.unwrap();
        assert_eq!(ours(&theirs), own.proof, "{position}");
        let index = tlog::stored_hash_index(0, position - 1);
        let leaf = fetched.made(&auditor, &second, |reader| reader.read_hashes(&[index])).await;
        assert_eq!(leaf[0].0, own.leaf);
    }
    site.close().await;
}

#[tokio::test]
async fn entries_are_what_the_leaves_are_hashes_of() {
    let (site, auditor) = long().await;
    for (path, start, count) in [("000", 0, 256), ("001.p/20", 256, 20)] {
        let bundle = bytes(&auditor, &format!("/tile/entries/{path}")).await;
        let leaves = bytes(&auditor, &format!("/tile/0/{path}")).await;
        let events = site.world.engine.page(start, count).await.unwrap();
        let (mut rest, mut hashes) = (bundle.as_slice(), leaves.as_chunks::<32>().0.iter());
        for event in &events {
            let (length, after) = rest.split_first_chunk::<2>().unwrap();
            let (entry, after) = after.split_at(u16::from_be_bytes(*length).into());
            rest = after;
            assert_eq!(entry, tiles::entry(event).bytes());
            assert_eq!(&tlog::record_hash(entry).0, hashes.next().unwrap());
        }
        assert!(rest.is_empty() && hashes.next().is_none() && events.len() == count);
    }
    assert!(site.head().await > 276);
    site.close().await;
}

#[tokio::test]
async fn a_tile_is_for_good_and_what_there_is_none_of_is_not_found() {
    let (site, auditor) = long().await;
    let whole = fetched(&auditor, "/tile/0/000").await;
    assert_eq!(whole.headers()[header::CONTENT_TYPE], "application/octet-stream");
    assert_eq!(whole.headers()[header::CACHE_CONTROL], "private, max-age=31536000, immutable");
    assert_eq!(whole.bytes().await.unwrap().len(), 8_192);
    assert_eq!(bytes(&auditor, "/tile/1/000.p/1").await.len(), 32);
    let note = fetched(&auditor, "/checkpoint").await;
    assert_eq!(note.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
    assert_eq!(note.headers()[header::CACHE_CONTROL], "no-store");
    for path in
        ["0/001", "0/001.p/255", "1/000", "1/000.p/2", "2/000.p/1", "64/000", "0/1", "0/000.p/0", "x/000"]
    {
        auditor.get(&format!("/tile/{path}")).await.problem(404, "not_found");
    }
    auditor.get("/tile/entries/002").await.problem(404, "not_found");
    auditor.get("/checkpoint?size=1").await.problem(422, "invalid");
    site.close().await;
}

#[tokio::test]
async fn proofs_are_asked_for_by_position_and_size() {
    let (site, auditor) = long().await;
    let end = site.head().await;
    let said = auditor.get("/v1/audit/checkpoint").await;
    let note = said.is(200).text("note").to_owned();
    let key: VerifierKey = said.text("key").parse().unwrap();
    let signed = SignedCheckpoint::open(&note, &[key]).unwrap();
    assert_eq!((said.body["size"].as_u64().unwrap(), said.text("origin")), (end, "orders.example/log"));
    let included = auditor.get("/v1/audit/proofs/inclusion?position=7").await;
    assert_eq!(included.is(200).text("root"), said.text("root"));
    let events = site.world.engine.page(6, 1).await.unwrap();
    assert_eq!(included.text("leaf"), hex(&events[0].leaf));
    let earlier = auditor.get("/v1/audit/proofs/inclusion?position=7&size=9").await;
    assert_eq!(
        (earlier.body["size"].clone(), earlier.body["proof"].as_array().unwrap().len()),
        (json!(9), 4)
    );
    let consistent = auditor.get(&format!("/v1/audit/proofs/consistency?from=9&to={end}")).await;
    assert_eq!(
        (consistent.is(200).text("from_root"), consistent.text("to_root")),
        (earlier.text("root"), said.text("root"))
    );
    assert_eq!(signed.checkpoint().size, end);
    for (asked, parameter, code) in [
        ("inclusion", "position", "parameter_missing"),
        ("inclusion?position=0", "position", "position_beyond_log"),
        ("inclusion?position=10&size=9", "position", "position_beyond_log"),
        ("inclusion?position=1&size=999999", "size", "size_beyond_log"),
        ("inclusion?position=1&sise=9", "sise", "parameter_unknown"),
        ("consistency?from=9&to=8", "from", "sizes_backwards"),
        ("consistency?from=1&to=999999", "to", "size_beyond_log"),
    ] {
        let refused = auditor.get(&format!("/v1/audit/proofs/{asked}")).await;
        assert_eq!(refused.problem(422, "invalid").errors(), [(parameter.into(), code.into())], "{asked}");
    }
    site.close().await;
}

#[tokio::test]
async fn resellers_and_strangers_see_no_tiles_unless_that_is_set() {
    let (site, _) = long().await;
    let (_, reseller) = site.reseller(999).await;
    let paths = ["/checkpoint", "/tile/0/000", "/tile/entries/000"];
    for path in paths {
        reseller.get(path).await.problem(403, "forbidden");
        site.nobody().get(path).await.problem(401, "unauthenticated");
    }
    // Beside it, a server that is set to let anybody in, and has no key.
    let proving = Proving { signer: None, public_tiles: true };
    let app = App::new(site.world.engine.clone(), Limits::default()).proving(proving);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let served =
        tokio::spawn(serving::serve(listener, app, async move { stopped.await.unwrap_or_default() }));
    let stranger = Client { url, ..site.nobody() };
    for path in &paths[1..] {
        let public = fetched(&stranger, path).await;
        assert_eq!(public.status(), 200);
        assert_eq!(public.headers()[header::CACHE_CONTROL], "public, max-age=31536000, immutable");
    }
    stranger.get(paths[0]).await.problem(404, "no_checkpoint_key");
    stranger.get("/v1/audit/proofs/inclusion?position=1").await.problem(401, "unauthenticated");
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
    site.close().await;
}

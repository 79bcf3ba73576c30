//! `orderwire serve`: the engine over HTTP, until it is told to stop.

use std::{fs, io::ErrorKind, net::SocketAddr, sync::Arc};

use clap::Args;
use serde::Serialize;
use strum::VariantArray as _;
use tokio::net::TcpListener;

use super::{
    Failure, Globals, Output, Surroundings,
    audit::checkpoint,
    demo::{self, Demo},
    output::Column,
    session,
};
#[cfg(feature = "nats")]
use crate::http::jetstream::Publisher;
use crate::{
    audit::key_file::KeyFileError,
    config::{AuditSettings, Config, IssuerSettings, NatsSettings, ServerSettings},
    edge::{
        Problem,
        keys::{self, Role},
        open::{OpenOptions, open_engine},
        place,
    },
    engine::{Engine, clock::AheadClock, fulfilment::AutoProvisioner},
    http::{
        App, Limits,
        audit::Proving,
        auth::issuer::{Issuer, IssuerError},
        delivery, server,
    },
};

/// Where to serve.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The address to listen on; port 0 takes a free one
    #[arg(
        help = "The address to listen on, 127.0.0.1:8080 where none is named; port 0 takes a free one \
                [env: ORDERWIRE_SERVER_LISTEN]",
        long,
        value_name = "ADDRESS"
    )]
    pub(super) listen: Option<SocketAddr>,
    /// Begin with the orders of `orderwire demo` and with keys, which are printed; lines are provisioned at once
    #[arg(long)]
    demo: bool,
}

/// Serves until a signal comes; then lets what is under way end, and closes the store.
pub async fn run(
    arguments: &Arguments,
    store_named: bool,
    globals: &Globals,
    surroundings: &Surroundings,
    config: &Config,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let unusable = |problems| Failure::Settings { file: None, problems };
    let settings = ServerSettings::of(config);
    let issuer = IssuerSettings::of(config).map_err(unusable)?;
    let broker = NatsSettings::of(config).map_err(unusable)?;
    #[cfg(not(feature = "nats"))]
    if broker.is_some() {
        return Err(unusable(no_broker()));
    }
    // Before the store: an address in use is found out without opening anything.
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| Failure::of_argument("--listen", format!("{}: {error}", settings.listen)))?;
    let signalled = signalled()?;
    let mut options = session::open_options(globals, surroundings);
    // Whoever names no store for the demo has no use for it afterwards; it goes last of all, however this ends.
    let passing = (arguments.demo && !store_named).then(|| Passing(demo::fresh_file()));
    if let Some(Passing(file)) = &passing {
        output.remark("the demo's store goes when the server ends; --store names one that is kept")?;
        options = OpenOptions::of(file.clone());
    }
    let mut builder = Engine::builder()
        .lease_ttl(settings.lease_ttl)
        .refusals_kept(AuditSettings::of(config).refusals_kept);
    if let Some(clock) = &surroundings.clock {
        builder = builder.clock(clock.clone());
    }
    if arguments.demo {
        let demo = Demo { store: Some(options), orders: demo::ORDERS, leaves_a_port: true };
        let played = demo::fill(demo, output).await?;
        // Weeks have passed in it: the log's time goes on from there.
        builder = builder.clock(AheadClock::from(played.ended));
        options = played.store;
    }
    if globals.auto_provision || arguments.demo {
        builder = builder.provisioner(AutoProvisioner);
    }
    let engine = open_engine(&options, builder).await;
    let engine = engine.map_err(|error| Failure::Open { store: session::shown(&options.store), error })?;
    let app = App::new(engine.clone(), limits(&settings)).delivering(delivery(&settings));
    let app = match proving(&options, config) {
        Ok(proving) => app.proving(proving),
        Err(error) => {
            engine.close().await;
            return Err(checkpoint::unusable(error));
        }
    };
    let app = match issuer {
        None => app,
        Some(issuer) => match Issuer::open(issuer, engine.now()).await {
            Ok(issuer) => app.trusting(issuer),
            Err(error) => {
                engine.close().await;
                return Err(untrusted(error));
            }
        },
    };
    if arguments.demo {
        ready_made(&engine, output).await?;
    }
    let address = listener.local_addr()?;
    #[cfg(feature = "nats")]
    let publisher = broker.map(|settings| Publisher::start(&engine, settings));
    tracing::info!(%address, "listening");
    output.say(&format!("listening on http://{address}"))?;
    let served = server::serve(listener, app, signalled).await;
    #[cfg(feature = "nats")]
    if let Some(publisher) = publisher {
        publisher.end().await;
    }
    // Whatever was taken in is appended before the store is closed.
    engine.close().await;
    tracing::info!("stopped");
    Ok(served?)
}

/// A file of a store that is not kept.
struct Passing(String);

impl Drop for Passing {
    fn drop(&mut self) {
        // What SQLite keeps beside it, and its master key.
        for beside in ["", "-wal", "-shm", "-lease", ".master-key", ".checkpoint-key"] {
            let file = format!("{}{beside}", self.0);
            match fs::remove_file(&file) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(%error, file, "the demo's store is left behind"),
            }
        }
    }
}

/// A broker is set, and nothing here can speak to it.
#[cfg(not(feature = "nats"))]
fn no_broker() -> Vec<Problem> {
    let detail = "this binary was built without NATS";
    vec![Problem::new("nats.url", "nats_unusable", detail, "a binary built with `--features nats`")]
}

/// What is set of an issuer cannot be used.
fn untrusted(error: IssuerError) -> Failure {
    let detail = format!("{:#}", anyhow::Error::new(error));
    let problem = Problem::new("auth", "issuer_unusable", detail, "a set of public keys (RFC 7517)");
    Failure::Settings { file: None, problems: vec![problem] }
}

/// A key of the demo.
#[derive(Serialize)]
struct Ready {
    role: Role,
    reseller: Option<&'static str>,
    token: String,
}

const READY: &[Column<Ready>] = &[
    ("role", |it| it.role.to_string()),
    ("reseller", |it| it.reseller.unwrap_or_default().to_owned()),
    ("token", |it| it.token.clone()),
];

/// Makes a key for every role and shows it: in a demo nobody else could have made one.
async fn ready_made(engine: &Engine, output: &mut Output<'_>) -> Result<(), Failure> {
    let code = demo::RESELLER.parse().expect("the demo has made it by this code");
    let reseller = place::reseller(engine, &code).await?;
    let label = "ready-made for the demo".parse().expect("it is free text");
    let mut ready = Vec::new();
    for role in Role::VARIANTS {
        let own = reseller.filter(|_| *role == Role::Reseller);
        let (_, token) = keys::create(engine, *role, own, &label).await?;
        ready.push(Ready { role: *role, reseller: own.map(|_| demo::RESELLER), token });
    }
    Ok(output.list(&ready, READY)?)
}

fn limits(settings: &ServerSettings) -> Limits {
    Limits {
        body_bytes: settings.body_bytes_max,
        answer_within: settings.request_timeout,
        drain_within: settings.shutdown_timeout,
        asks_per_second: settings.rate_limit_per_second,
        asks_at_once: settings.rate_limit_burst,
        streams_per_key: settings.streams_per_key,
        heartbeat: settings.stream_heartbeat,
        reader_lag: settings.readers_behind_max,
        ..Limits::default()
    }
}

/// How the log speaks for itself. Where it is known what it is called, its key is made at first need.
fn proving(options: &OpenOptions, config: &Config) -> Result<Proving, KeyFileError> {
    let key = session::checkpoint_key(options, config).map(|file| file.at_first_need()).transpose()?;
    let public_tiles = AuditSettings::of(config).public_tiles;
    Ok(Proving { signer: key.flatten().map(Arc::new), public_tiles, ..Proving::default() })
}

fn delivery(settings: &ServerSettings) -> delivery::Settings {
    delivery::Settings {
        deliver: settings.webhooks_deliver,
        allow_private: settings.webhooks_allow_private,
        allow_http: settings.webhooks_allow_http,
        ..delivery::Settings::default()
    }
}

/// Done once the process is asked to stop.
fn signalled() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

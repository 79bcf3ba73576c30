//! `orderwire serve`: the engine over HTTP, until it is told to stop.

use std::net::SocketAddr;

use clap::Args;
use tokio::net::TcpListener;

use super::{Failure, Globals, Output, Surroundings, session};
use crate::{
    config::ServerSettings,
    edge::open::open_engine,
    engine::{Engine, fulfilment::AutoProvisioner},
    http::{App, Limits, server},
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
}

/// Serves until a signal comes; then lets what is under way end, and closes the store.
pub async fn run(
    globals: &Globals,
    surroundings: &Surroundings,
    settings: &ServerSettings,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    // Before the store: an address in use is found out without opening anything.
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| Failure::of_argument("--listen", format!("{}: {error}", settings.listen)))?;
    let signalled = signalled()?;
    let options = session::open_options(globals, surroundings);
    let mut builder = Engine::builder();
    if let Some(clock) = &surroundings.clock {
        builder = builder.clock(clock.clone());
    }
    if globals.auto_provision {
        builder = builder.provisioner(AutoProvisioner);
    }
    let engine = open_engine(&options, builder).await;
    let engine = engine.map_err(|error| Failure::Open { store: session::shown(&options.store), error })?;
    let address = listener.local_addr()?;
    tracing::info!(%address, "listening");
    output.say(&format!("listening on http://{address}"))?;
    let served = server::serve(listener, App::new(engine.clone(), limits(settings)), signalled).await;
    // Whatever was taken in is appended before the store is closed.
    engine.close().await;
    tracing::info!("stopped");
    Ok(served?)
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

//! The server: connections, how long they may keep us waiting, and how they end.
//!
//! Deliberately absent: TLS and HTTP/2, which a load balancer in front of several of these brings.

use std::{future::Future, io, sync::Arc, time::Duration};

use axum::Router;
use hyper::{Request, body::Incoming, server::conn::http1, service::Service};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
};

use super::{App, auth::guesses::Peer, delivery, observe, patience::Patient, routes};

/// Headers of one request; more are answered 431 before anything else is looked at.
const HEADERS_MAX: usize = 100;
/// Bytes of a head that are buffered; past this the connection is answered 431 and closed.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// Rest after a connection could not be accepted: most often there are no more file handles for a moment.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Serves until `stop` is done; then takes nothing new in, and lets everything under way end.
pub async fn serve(listener: TcpListener, app: App, stop: impl Future<Output = ()>) -> io::Result<()> {
    // From here on it is counted, not from the first look at it.
    observe::recorded();
    let (router, _) = routes(&app);
    let delivery = app.sender.settings.deliver.then(|| delivery::start(&app.engine, &app.sender));
    let served = accept(listener, router, app, stop).await;
    if let Some(delivery) = delivery {
        delivery.stop().await;
    }
    served
}

/// Serves these routes alone, within the same bounds.
pub(crate) async fn accept(
    listener: TcpListener,
    router: Router,
    app: App,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let connections = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(app.limits.connections));
    let mut stop = std::pin::pin!(stop);
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let accepted = async { (place.await, listener.accept().await) };
        let (place, accepted) = tokio::select! {
            accepted = accepted => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, address)) => {
                // An answer is whole when it is sent: nothing is won by waiting for more of it.
                if let Err(error) = stream.set_nodelay(true) {
                    tracing::debug!(%error, "a connection sends as the system has it");
                }
                let service =
                    Peered { service: TowerToHyperService::new(router.clone()), peer: address.ip().into() };
                let connection = connections.watch(connection(stream, service, &app));
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "a connection ended early");
                    }
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
            }
        }
    }
    drop(listener);
    drain(connections, &app).await;
    Ok(())
}

/// The routes, for one connection: every request on it says from whom it comes.
struct Peered {
    service: TowerToHyperService<Router>,
    peer: Peer,
}

impl Service<Request<Incoming>> for Peered {
    type Response = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Response;
    type Error = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Error;
    type Future = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        self.service.call(request)
    }
}

fn connection(
    stream: TcpStream,
    service: Peered,
    app: &App,
) -> http1::Connection<TokioIo<Patient<TcpStream>>, Peered> {
    let stream = Patient::new(stream, app.limits.taken_within);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(app.limits.head_within)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service)
}

/// Lets connections answer what they have begun, and handlers end whose caller is gone.
async fn drain(connections: GracefulShutdown, app: &App) {
    app.tasks.close();
    app.hub.close();
    let ended = async {
        connections.shutdown().await;
        app.tasks.wait().await;
    };
    if tokio::time::timeout(app.limits.drain_within, ended).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

//! The settings of the server, read once and typed.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use super::Config;

/// How the server listens, and what it bounds. [`Default`] is what it does where nobody says anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// The address and port to listen on: 127.0.0.1:8080.
    pub listen: SocketAddr,
    /// How long a request may take: 30 s.
    pub request_timeout: Duration,
    /// How long requests in flight may take to end when the server stops: 40 s.
    pub shutdown_timeout: Duration,
    /// The longest body of a request: 5 MiB, as long as an order document may be.
    pub body_bytes_max: usize,
    /// Requests a second that one API key may make in the long run: 200.
    pub rate_limit_per_second: NonZeroU32,
    /// Requests that one API key may make at once after a quiet time: 1,000.
    pub rate_limit_burst: NonZeroU32,
    /// Streams of notices that one API key may have open at once, waiting requests included: 100.
    pub streams_per_key: usize,
    /// How often a stream on which nothing happens shows that it lives: 15 s.
    pub stream_heartbeat: Duration,
    /// Events that a reader may be behind while the server calls itself ready: 10,000.
    pub readers_behind_max: u64,
    /// Whether notices are sent to webhooks: yes.
    pub webhooks_deliver: bool,
    /// Whether webhooks may lead to private networks and to this machine: no.
    pub webhooks_allow_private: bool,
    /// Whether webhooks may lead to addresses without TLS: no.
    pub webhooks_allow_http: bool,
    /// How long others wait for the work of a server that was killed or is frozen: 10 s.
    pub lease_ttl: Duration,
}

impl ServerSettings {
    /// What the configuration says of the server.
    pub fn of(config: &Config) -> Self {
        let ms = |key| Duration::from_millis(config.count(key));
        let listen = config.text("server.listen").expect("it has a default");
        let small = |key| {
            let count = u32::try_from(config.count(key)).ok().and_then(NonZeroU32::new);
            count.expect("the table bounds it")
        };
        Self {
            listen: listen.parse().expect("it was checked when it was read"),
            request_timeout: ms("server.request_timeout_ms"),
            shutdown_timeout: ms("server.shutdown_timeout_ms"),
            body_bytes_max: usize::try_from(config.count("server.body_bytes_max"))
                .expect("the table bounds it"),
            rate_limit_per_second: small("server.rate_limit_per_second"),
            rate_limit_burst: small("server.rate_limit_burst"),
            streams_per_key: usize::try_from(config.count("server.streams_per_key"))
                .expect("the table bounds it"),
            stream_heartbeat: ms("server.stream_heartbeat_ms"),
            readers_behind_max: config.count("server.readers_behind_max"),
            webhooks_deliver: config.switch("webhooks.deliver"),
            webhooks_allow_private: config.switch("webhooks.allow_private"),
            webhooks_allow_http: config.switch("webhooks.allow_http"),
            lease_ttl: ms("server.lease_ttl_ms"),
        }
    }
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self::of(&Config::default())
    }
}

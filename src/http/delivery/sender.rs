//! One attempt: a signed request to an endpoint, and what came of it.
//!
//! Nothing of an endpoint is trusted: how long it takes and how much it says is bounded, it is followed nowhere, and where it
//! is is looked at when a connection is made. Deliberately absent: trying again.

use std::{
    error::Error as StdError,
    sync::{Arc, OnceLock},
    time::Instant,
};

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use orderwire_domain::{
    invalid::Invalid,
    webhook::values::{EndpointUrl, endpoint_faults},
};
use reqwest::{
    Client, ClientBuilder, Response, StatusCode, Url,
    header::{CONTENT_TYPE, RETRY_AFTER},
    redirect::Policy,
};

use super::{
    Settings, backoff,
    places::{self, NotPublic, PublicOnly},
    signing::{self, Signer},
};
use crate::{
    edge::deliveries::Failure,
    engine::clock::{Clock as _, SystemClock},
};

/// The media type of what is sent.
const MEDIA_TYPE: &str = "application/cloudevents+json; charset=utf-8";
/// Who sends.
const AGENT: &str = concat!("orderwire/", env!("CARGO_PKG_VERSION"));
/// Bytes of an answer that are read; of what is longer the connection is closed.
const ANSWER_BYTES_MAX: usize = 16 * 1024;
/// Bytes of an answer that are kept.
const EXCERPT_BYTES_MAX: usize = 512;
/// Idle connections that are kept to one endpoint.
const IDLE_MAX: usize = 16;

/// Sends to endpoints.
#[derive(Debug)]
pub struct Sender {
    /// Made when it is needed first: looking for certificates takes its time.
    client: OnceLock<Client>,
    /// What it was set to.
    pub settings: Settings,
}

/// What is sent.
#[derive(Clone, Debug)]
pub struct Message {
    /// Its id, the same however often it is sent.
    pub id: String,
    /// A `CloudEvent` in JSON.
    pub body: Bytes,
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct Answered {
    /// Whether it arrived; else what went wrong.
    pub failure: Option<Failure>,
    /// What was answered.
    pub status: Option<u16>,
    /// How long it took.
    pub latency_ms: u64,
    /// How the answer began.
    pub excerpt: String,
    /// How long the endpoint wants to be left alone.
    pub retry_after: Option<TimeDelta>,
}

impl Answered {
    /// Whether the endpoint said that it is there no more.
    pub fn is_gone(&self) -> bool {
        self.status == Some(StatusCode::GONE.as_u16())
    }

    pub(super) fn failed(failure: Failure) -> Self {
        Self {
            failure: Some(failure),
            status: None,
            latency_ms: 0,
            excerpt: String::new(),
            retry_after: None,
        }
    }
}

impl Sender {
    /// One with these settings.
    pub fn new(settings: Settings) -> Arc<Self> {
        Arc::new(Self { client: OnceLock::new(), settings })
    }

    fn client(&self) -> &Client {
        self.client.get_or_init(|| {
            let settings = self.settings;
            client(settings).build().unwrap_or_else(|error| {
                // Without certificates nobody over TLS can be trusted; everybody else is delivered to all the same.
                tracing::warn!(%error, "this machine has no certificates, so webhooks over TLS will fail");
                let trusting_nobody = client(settings).tls_certs_only([]).build();
                trusting_nobody.expect("a client that trusts nobody needs nothing")
            })
        })
    }

    /// The address of an endpoint as it is kept, or everything for which it may not be one.
    pub fn address(&self, text: &str) -> Result<EndpointUrl, Vec<Invalid>> {
        let mut faults = endpoint_faults(text);
        match Url::parse(text) {
            Ok(url) => {
                faults.extend(self.unreachable(&url));
                if faults.is_empty() {
                    return EndpointUrl::parse(url.as_str()).map_err(|fault| vec![fault]);
                }
            }
            // Where its form is wrong, that says more.
            Err(error) if faults.is_empty() => {
                let expected = "an address such as https://hooks.example/orderwire";
                faults.push(Invalid::new("url_malformed", format!("it cannot be read: {error}"), expected));
            }
            Err(_) => {}
        }
        Err(faults)
    }

    /// Why nothing is sent to an address, whatever else it is.
    fn unreachable(&self, url: &Url) -> Vec<Invalid> {
        let mut faults = Vec::new();
        if url.scheme() == "http" && !self.settings.allow_http {
            let expected = "an address that begins with https://";
            faults.push(Invalid::new("url_scheme", "it is not over TLS", expected));
        }
        if !self.settings.allow_private && places::check_literal(url).is_err() {
            let expected = "an address of the public internet";
            faults.push(Invalid::new("url_private", NotPublic.to_string(), expected));
        }
        faults
    }

    /// Sends once.
    pub async fn send(&self, url: &EndpointUrl, message: &Message, signers: &[Signer]) -> Answered {
        let Some(url) = Url::parse(url.as_str()).ok().filter(|url| self.reaches(url)) else {
            return Answered::failed(Failure::PrivateTarget);
        };
        if signers.is_empty() {
            return Answered::failed(Failure::NoKey);
        }
        // Whoever receives it compares with a clock of its own, so it is the world's time whatever the engine's clock shows.
        let now = SystemClock.now();
        let timestamp = now.timestamp();
        let request = self
            .client()
            .post(url)
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .header("webhook-id", &message.id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signing::signature(signers, &message.id, timestamp, &message.body))
            .body(message.body.clone());
        let begun = Instant::now();
        let mut answered = match request.send().await {
            Ok(response) => answered(response, now).await,
            Err(error) => Answered::failed(failure(&error)),
        };
        answered.latency_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        answered
    }

    /// Whether it may be asked for at all; what it is called is looked at when a connection is made.
    fn reaches(&self, url: &Url) -> bool {
        (url.scheme() == "https" || self.settings.allow_http)
            && (self.settings.allow_private || places::check_literal(url).is_ok())
    }
}

fn client(settings: Settings) -> ClientBuilder {
    let client = Client::builder()
        .user_agent(AGENT)
        .no_proxy()
        .redirect(Policy::none())
        .connect_timeout(settings.connect_within)
        .read_timeout(settings.read_within)
        .timeout(settings.answer_within)
        .pool_max_idle_per_host(IDLE_MAX);
    if settings.allow_private { client } else { client.dns_resolver(Arc::new(PublicOnly)) }
}

/// What an endpoint says. Its status decides; what goes wrong after that is no matter.
async fn answered(mut response: Response, now: DateTime<Utc>) -> Answered {
    let status = response.status();
    let failure = match status {
        status if status.is_success() => None,
        status if status.is_redirection() => Some(Failure::Redirect),
        _ => Some(Failure::Status),
    };
    let asked = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let retry_after = asked.and_then(|text| backoff::retry_after(text, now));
    let mut body = Vec::new();
    while body.len() < ANSWER_BYTES_MAX
        && let Ok(Some(chunk)) = response.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    Answered { failure, status: Some(status.as_u16()), latency_ms: 0, excerpt: excerpt(&body), retry_after }
}

/// How an answer begins, as text that can be shown.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(EXCERPT_BYTES_MAX)]);
    text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect()
}

/// Whether a certificate was refused. What TLS says of it is wrapped as an error of the connection, once or twice.
fn is_untrusted(error: &(dyn StdError + 'static)) -> bool {
    if let Some(said) = error.downcast_ref::<rustls::Error>() {
        return matches!(said, rustls::Error::InvalidCertificate(_));
    }
    let inner = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    inner.is_some_and(|inner| is_untrusted(inner))
}

fn failure(error: &reqwest::Error) -> Failure {
    let mut cause: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<NotPublic>() {
            return Failure::PrivateTarget;
        }
        if is_untrusted(error) {
            return Failure::CertificateUntrusted;
        }
        cause = error.source();
    }
    match error {
        error if error.is_timeout() => Failure::TimedOut,
        error if error.is_connect() => Failure::NotConnected,
        _ => Failure::CutShort,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_as_it_will_be_asked_for() {
        let strict = Sender::new(Settings::default());
        let code = |text: &str| strict.address(text).unwrap_err()[0].code.clone();
        assert_eq!(strict.address("https://HOOKS.example").unwrap().as_str(), "https://hooks.example/");
        assert_eq!(code("http://hooks.example/"), "url_scheme");
        assert_eq!(code("https://10.0.0.1/"), "url_private");
        assert_eq!(code("https://0x7f.1/"), "url_private");
        assert_eq!(code("https://[::1]/"), "url_private");
        assert_eq!(code("https://hooks.example:99999/"), "url_malformed");
        let lax = Sender::new(Settings { allow_http: true, allow_private: true, ..Settings::default() });
        assert_eq!(lax.address("http://127.0.0.1:8080/a").unwrap().as_str(), "http://127.0.0.1:8080/a");
    }

    #[test]
    fn an_excerpt_is_short_and_can_be_shown() {
        assert_eq!(excerpt(b"no\x00 \xff\nway"), "no\u{fffd} \u{fffd}\nway");
        assert_eq!(excerpt(&[b'a'; 2_000]).len(), EXCERPT_BYTES_MAX);
    }
}

//! A client of the bench: one connection that is kept, one request at a time, and no more read of an answer than counts.
//!
//! It shares the machine with the server, so whatever it did would be missing there. Deliberately absent: pools, retries,
//! redirects, TLS.

use std::{net::SocketAddr, pin::Pin};

use axum::body::{Body, Bytes, to_bytes};
use hyper::{
    HeaderMap, Method, Request, StatusCode,
    client::conn::http1::{self, Connection, SendRequest},
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue},
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Error;

/// Longest answer that is read.
const ANSWER_BYTES_MAX: usize = 4 * 1024 * 1024;

/// A connection to a server.
pub(super) struct Client {
    sender: SendRequest<Body>,
    /// What reads and writes. It has no task of its own: whoever asks moves it.
    wire: Pin<Box<Connection<TokioIo<TcpStream>, Body>>>,
    host: HeaderValue,
    authorization: Option<HeaderValue>,
}

/// What a server has answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Client {
    /// Connects, to ask as the owner of a key or as nobody.
    pub(super) async fn connect(address: SocketAddr, token: Option<&str>) -> Result<Self, Error> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, wire) = http1::handshake(TokioIo::new(stream)).await?;
        let printable =
            |text: String| HeaderValue::from_str(&text).expect("addresses and keys are printable");
        Ok(Self {
            sender,
            wire: Box::pin(wire),
            host: printable(address.to_string()),
            authorization: token.map(|token| printable(format!("Bearer {token}"))),
        })
    }

    /// Asks, and reads the answer.
    pub(super) async fn get(&mut self, path: &str) -> Result<Answer, Error> {
        self.ask(self.request(Method::GET, path), String::new()).await
    }

    /// Asks for something to be done, once, under a key of its own.
    pub(super) async fn post(&mut self, path: &str, body: String) -> Result<Answer, Error> {
        let mut request = self.request(Method::POST, path);
        let key = uuid::Uuid::now_v7().simple().to_string();
        let key = HeaderValue::from_str(&key).expect("an id is printable");
        request.headers_mut().insert("idempotency-key", key);
        if !body.is_empty() {
            request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        self.ask(request, body).await
    }

    fn request(&self, method: Method, path: &str) -> Request<()> {
        let mut request = Request::new(());
        *request.method_mut() = method;
        *request.uri_mut() = path.parse().expect("the bench writes well-formed paths");
        request.headers_mut().insert(HOST, self.host.clone());
        if let Some(authorization) = &self.authorization {
            request.headers_mut().insert(AUTHORIZATION, authorization.clone());
        }
        request
    }

    async fn ask(&mut self, request: Request<()>, body: String) -> Result<Answer, Error> {
        let Self { sender, wire, .. } = self;
        let asked = async {
            let response = sender.send_request(request.map(|()| Body::from(body))).await?;
            let (parts, body) = response.into_parts();
            let body = to_bytes(Body::new(body), ANSWER_BYTES_MAX).await.map_err(|_| Error::Cut)?;
            sender.ready().await?;
            Ok(Answer { status: parts.status, headers: parts.headers, body })
        };
        tokio::select! {
            biased;
            answer = asked => answer,
            ended = wire => Err(ended.map_or_else(Error::from, |()| Error::Cut)),
        }
    }
}

impl Answer {
    /// The answer, if it has this status.
    pub(super) fn with(self, status: StatusCode, asked: &str) -> Result<Self, Error> {
        if self.status == status {
            return Ok(self);
        }
        let said = String::from_utf8_lossy(&self.body).chars().take(500).collect();
        Err(Error::Answered { asked: asked.to_owned(), status: self.status.as_u16(), said })
    }

    /// The end of the path that it names as the place of what was made.
    pub(super) fn located(&self) -> Result<String, Error> {
        let location = self.headers.get(hyper::header::LOCATION).and_then(|location| location.to_str().ok());
        location.map(str::to_owned).ok_or(Error::Cut)
    }
}

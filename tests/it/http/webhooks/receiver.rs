//! A receiver of webhooks on a loopback port, which answers as it is told to; and what it has heard.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use standardwebhooks::Webhook;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::{JoinHandle, JoinSet},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{ServerConfig, crypto::aws_lc_rs, pki_types::PrivateKeyDer},
};

use crate::world::pem;

/// Longer than anything here takes, and shorter than a test may.
const HEARD_WITHIN: Duration = Duration::from_mins(4);

/// How a receiver takes one request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// With this status, and further headers.
    Status(u16, &'static str),
    /// With 200 and a body of so many bytes.
    Long(usize),
    /// With 200 and what was sent.
    Echo,
    /// Not at all: the line stays open.
    Silence,
    /// The line is closed before an answer.
    Cut,
    /// The line is reset before an answer.
    Reset,
    /// With this status, once somebody lets it.
    After(watch::Receiver<bool>, u16),
    /// One byte of an answer after the other, for as long as somebody listens.
    Drip,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Heard {
    pub headers: HashMap<String, String>,
    pub body: String,
    /// Whether it was answered with success.
    pub taken: bool,
}

type Replies = Arc<dyn Fn(&Heard) -> Reply + Send + Sync>;

/// A receiver that runs until it is dropped.
pub struct Receiver {
    pub url: String,
    heard: Arc<Mutex<Vec<Heard>>>,
    count: watch::Sender<usize>,
    met: Arc<Met>,
    task: JoinHandle<()>,
}

/// Who came so far, however that ended.
#[derive(Default)]
struct Met {
    connections: AtomicUsize,
    trusting: AtomicUsize,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Heard {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn id(&self) -> &str {
        &self.headers["webhook-id"]
    }

    pub fn sequence(&self) -> u64 {
        self.json()["sequence"].as_str().unwrap().parse().unwrap()
    }

    /// What it keeps its turn among.
    pub fn lane(&self) -> String {
        let json = self.json();
        let order = &json["data"]["order"]["id"];
        order.as_str().or(json["subject"].as_str()).unwrap().to_owned()
    }

    /// Whether one of its signatures is the one that the official library makes of this secret.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let timestamp = self.headers["webhook-timestamp"].parse().unwrap();
        let webhook = Webhook::new(secret).unwrap();
        let signature = webhook.sign(self.id(), timestamp, self.body.as_bytes()).unwrap();
        self.headers["webhook-signature"].split(' ').any(|one| one == signature)
    }
}

impl Receiver {
    /// One that takes everything.
    pub async fn open() -> Self {
        Self::replying(|_| Reply::Status(204, "")).await
    }

    pub async fn replying(replies: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> Self {
        Self::listening(None, Arc::new(replies)).await
    }

    /// One over TLS, with a certificate that it has made itself; the same as PEM, for whoever is to trust it.
    pub async fn self_signed(replies: impl Fn(&Heard) -> Reply + Send + Sync + 'static) -> (Self, String) {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        (Self::listening(Some(acceptor), Arc::new(replies)).await, pem("CERTIFICATE", made.cert.der()))
    }

    async fn listening(tls: Option<TlsAcceptor>, replies: Replies) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let url = match tls {
            Some(_) => format!("https://localhost:{port}/hook"),
            None => format!("http://127.0.0.1:{port}/hook"),
        };
        let (heard, count, met) = (Arc::new(Mutex::default()), watch::channel(0).0, Arc::new(Met::default()));
        let shared = (Arc::clone(&heard), count.clone(), Arc::clone(&met));
        let task = tokio::spawn(async move {
            // They end with this task.
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (tls, replies, (heard, count, met)) = (tls.clone(), Arc::clone(&replies), shared.clone());
                met.connections.fetch_add(1, Ordering::SeqCst);
                connections.spawn(async move {
                    let Some(tls) = tls else {
                        return serve(stream, |stream| stream, replies, heard, count).await;
                    };
                    // Whoever does not trust it goes away at once.
                    let Ok(stream) = tls.accept(stream).await else { return };
                    met.trusting.fetch_add(1, Ordering::SeqCst);
                    serve(stream, |stream| stream.get_ref().0, replies, heard, count).await;
                });
            }
        });
        Self { url, heard, count, met, task }
    }

    /// How many have come, and how many of them trusted it.
    pub fn met(&self) -> (usize, usize) {
        (self.met.connections.load(Ordering::SeqCst), self.met.trusting.load(Ordering::SeqCst))
    }

    /// The ids of what was answered with success.
    pub fn ids_taken(&self) -> BTreeSet<String> {
        self.heard.lock().unwrap().iter().filter(|it| it.taken).map(|it| it.id().to_owned()).collect()
    }

    /// Everything that came.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.lock().unwrap().clone()
    }

    /// What was answered with success.
    pub fn taken(&self) -> Vec<Heard> {
        self.heard().into_iter().filter(|heard| heard.taken).collect()
    }

    /// Waits until what came is enough; `meanwhile` is done now and then.
    pub async fn until_with(
        &self,
        mut enough: impl FnMut(&[Heard]) -> bool,
        mut meanwhile: impl FnMut(),
    ) -> Vec<Heard> {
        let mut count = self.count.subscribe();
        let waited = tokio::time::timeout(HEARD_WITHIN, async {
            loop {
                count.borrow_and_update();
                let heard = self.heard();
                if enough(&heard) {
                    return heard;
                }
                meanwhile();
                // Whoever waits for time has it pass above; whoever waits for a request is woken by it.
                if let Ok(changed) = tokio::time::timeout(Duration::from_millis(50), count.changed()).await {
                    changed.unwrap();
                }
            }
        });
        let last = || {
            self.heard()
                .iter()
                .map(|it| (it.body.chars().take(300).collect::<String>(), it.taken))
                .collect::<Vec<_>>()
        };
        waited.await.unwrap_or_else(|_| panic!("it did not come in time: {:#?}", last()))
    }

    pub async fn until(&self, enough: impl FnMut(&[Heard]) -> bool) -> Vec<Heard> {
        self.until_with(enough, || {}).await
    }

    /// Waits until so many were answered with success.
    pub async fn took(&self, count: usize) -> Vec<Heard> {
        self.until(|heard| heard.iter().filter(|it| it.taken).count() >= count).await;
        self.taken()
    }
}

async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    line: impl Fn(&S) -> &TcpStream,
    replies: Replies,
    heard: Arc<Mutex<Vec<Heard>>>,
    count: watch::Sender<usize>,
) {
    let mut buffer = Vec::new();
    while let Some(mut request) = read(&mut stream, &mut buffer).await {
        let reply = replies(&request);
        request.taken = matches!(reply, Reply::Status(200..300, _) | Reply::Long(_) | Reply::Echo);
        let body = request.body.clone();
        heard.lock().unwrap().push(request);
        count.send_modify(|count| *count += 1);
        match reply {
            Reply::Status(status, headers) => {
                let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n{headers}\r\n");
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Long(bytes) => {
                let answer =
                    format!("HTTP/1.1 200 OK\r\ncontent-length: {bytes}\r\n\r\n{}", "z".repeat(bytes));
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::Echo => {
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    return;
                }
            }
            Reply::After(mut let_go, status) => {
                let answer = format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n\r\n");
                if let_go.wait_for(|is| *is).await.is_err()
                    || stream.write_all(answer.as_bytes()).await.is_err()
                {
                    return;
                }
            }
            Reply::Silence => {
                // Until the other side has had enough.
                let mut rest = [0; 64];
                while stream.read(&mut rest).await.is_ok_and(|count| count > 0) {}
                return;
            }
            Reply::Cut => return,
            Reply::Reset => return line(&stream).set_zero_linger().unwrap(),
            Reply::Drip => {
                for byte in b"HTTP/1.1 200 OK\r\nx-slow: ".iter().chain(std::iter::repeat(&b'z')) {
                    if stream.write_all(&[*byte]).await.is_err() {
                        return;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
    }
}

/// The next request on a connection.
async fn read(stream: &mut (impl AsyncRead + Unpin), buffer: &mut Vec<u8>) -> Option<Heard> {
    loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(buffer[..end].to_vec()).unwrap();
            let headers: HashMap<String, String> = head
                .lines()
                .skip(1)
                .filter_map(|line| line.split_once(": "))
                .map(|(name, value)| (name.to_lowercase(), value.to_owned()))
                .collect();
            let length: usize = headers["content-length"].parse().unwrap();
            if buffer.len() >= end + 4 + length {
                let body = String::from_utf8(buffer[end + 4..end + 4 + length].to_vec()).unwrap();
                buffer.drain(..end + 4 + length);
                return Some(Heard { headers, body, taken: false });
            }
        }
        let mut chunk = vec![0; 16_384];
        match stream.read(&mut chunk).await {
            Ok(0) | Err(_) => return None,
            Ok(count) => buffer.extend_from_slice(&chunk[..count]),
        }
    }
}

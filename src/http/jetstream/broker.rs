//! The broker as the publisher needs it: its stream, where that ends, and one message more.
//!
//! Absent: what a notice is, and when to try again.

use std::{error::Error as StdError, time::Duration};

use async_nats::{
    ConnectErrorKind, ConnectOptions, HeaderMap,
    header::{NATS_EXPECTED_LAST_SEQUENCE, NATS_EXPECTED_STREAM, NATS_MESSAGE_ID},
    jetstream::{
        Context, ErrorCode,
        context::{
            ContextBuilder, CreateStreamErrorKind, GetStreamErrorKind, PublishAckFuture, PublishErrorKind,
        },
        message::PublishMessage,
        stream::{Config, DiscardPolicy, Info, RawMessageErrorKind, RetentionPolicy, StorageType, Stream},
    },
};
use orderwire_domain::ids::NoticeId;

use super::{
    POSITION, PREVIOUS, Trouble,
    place::{End, Last, Place},
};
use crate::{
    config::{Login, NatsSettings},
    engine::log::Position,
    http::hub::Told,
};

/// How long the broker may take to answer anything: a cluster that elects a leader takes longer, and is asked again.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How often a server is tried again before the connection is given up and made anew, with a rest between.
const RECONNECTS: usize = 3;
/// How long the broker itself notes the ids of messages. Nothing rests on that; and some versions note the id of a message
/// that they then refuse, which can only be sent again once it is forgotten.
const DUPLICATES_WITHIN: Duration = Duration::from_secs(10);

/// A connection, and the stream at its other end.
pub struct Broker {
    context: Context,
    stream: Stream,
    subject: String,
}

/// What has become of a message.
pub enum Outcome {
    /// The stream ends with it.
    Published,
    /// Somebody else has published it, or something after it.
    Overtaken,
}

/// All that an error says, down to its cause, once.
fn whole(error: &dyn StdError) -> String {
    let (mut said, mut next) = (error.to_string(), error.source());
    while let Some(cause) = next {
        let text = cause.to_string();
        if !said.ends_with(&text) {
            said = format!("{said}: {text}");
        }
        next = cause.source();
    }
    said
}

fn away(error: impl StdError) -> Trouble {
    Trouble::Away(whole(&error))
}

fn refused(error: impl StdError) -> Trouble {
    Trouble::Refused(whole(&error))
}

impl Broker {
    /// Connects, and makes the stream where there is none. What an existing one is like is said and left as it is.
    pub async fn connect(settings: &NatsSettings) -> Result<Self, Trouble> {
        let mut options = ConnectOptions::new()
            .name("orderwire")
            .connection_timeout(ANSWER_WITHIN)
            .request_timeout(Some(ANSWER_WITHIN))
            .max_reconnects(RECONNECTS * settings.servers.len());
        options = match &settings.login {
            Login::Nobody => options,
            Login::Credentials(file) => options.credentials_file(file).await.map_err(|error| {
                Trouble::Refused(format!("the credentials in {}: {error}", file.display()))
            })?,
            Login::User(user, password) => options.user_and_password(user.clone(), password.clone()),
        };
        if let Some(file) = &settings.ca_file {
            options = options.add_root_certificates(file.clone());
        }
        let client =
            options.connect(settings.servers.as_slice()).await.map_err(|error| match error.kind() {
                ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => refused(error),
                _ => away(error),
            })?;
        let context = ContextBuilder::new().timeout(ANSWER_WITHIN).build(client);
        let stream = match context.get_stream(&settings.stream).await {
            Ok(stream) => {
                for difference in differences(&settings.into(), &stream.cached_info().config) {
                    tracing::warn!(stream = settings.stream, "{difference}; it is left as it is");
                }
                stream
            }
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(cause) if cause.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    make(&context, settings).await?
                }
                GetStreamErrorKind::JetStream(_) | GetStreamErrorKind::InvalidStreamName => {
                    return Err(refused(error));
                }
                _ => return Err(away(error)),
            },
        };
        Ok(Self { context, stream, subject: settings.subject.clone() })
    }

    /// Where the stream ends.
    pub async fn end(&self) -> Result<End, Trouble> {
        let Info { state, .. } = self.stream.get_info().await.map_err(away)?;
        let sequence = state.last_sequence;
        if state.messages == 0 {
            return Ok(End { sequence, last: None });
        }
        let message = match self.stream.get_raw_message(sequence).await {
            Ok(message) => message,
            // It aged out, or somebody removed it.
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => {
                return Ok(End { sequence, last: None });
            }
            Err(error) => return Err(away(error)),
        };
        let header = |name: &str| message.headers.get(name).map(async_nats::HeaderValue::as_str);
        let id = header("Nats-Msg-Id").and_then(|id| id.parse::<NoticeId>().ok());
        let position = header(POSITION).and_then(|position| position.parse::<Position>().ok());
        match (id, position) {
            (Some(id), Some(position)) => Ok(End { sequence, last: Some(Last { id, position }) }),
            _ => Err(Trouble::Foreign(format!("its message {sequence} is no notice"))),
        }
    }

    /// Sends a notice that comes after a place, and does not wait for the answer.
    pub async fn send(&self, place: &Place, told: &Told) -> Result<PublishAckFuture, Trouble> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, told.notice.id.to_string());
        headers.insert(NATS_EXPECTED_STREAM, self.stream.cached_info().config.name.as_str());
        headers.insert(NATS_EXPECTED_LAST_SEQUENCE, place.sequence.to_string());
        headers.insert(POSITION, told.notice.position.to_string());
        headers.insert("Content-Type", "application/cloudevents+json");
        if let Some(previous) = place.id {
            headers.insert(PREVIOUS, previous.to_string());
        }
        let kind = told.notice.notice_type.word();
        let kind = kind.strip_prefix("com.orderwire.").unwrap_or(kind);
        let subject = format!("{}.{}.{kind}", self.subject, told.notice.reseller);
        let message = PublishMessage::build().headers(headers).payload(told.json.clone().into());
        self.context.send_publish(subject, message).await.map_err(|error| match error.kind() {
            PublishErrorKind::MaxPayloadExceeded => {
                Trouble::Refused(format!("{} is too long for it: {}", told.notice.id, whole(&error)))
            }
            _ => away(error),
        })
    }
}

/// Waits for what has become of a message that would be the next after a place.
pub async fn outcome(sent: PublishAckFuture, place: &Place) -> Result<Outcome, Trouble> {
    match sent.await {
        Ok(ack) if ack.duplicate || ack.sequence != place.sequence => Ok(Outcome::Overtaken),
        Ok(_) => Ok(Outcome::Published),
        Err(error) => match error.kind() {
            PublishErrorKind::WrongLastSequence => Ok(Outcome::Overtaken),
            // Another publisher's copy of it is under way to the replicas.
            PublishErrorKind::Other if code(&error) == Some(ErrorCode::STREAM_DUPLICATE_MESSAGE_CONFLICT) => {
                Ok(Outcome::Overtaken)
            }
            PublishErrorKind::Other => Err(refused(error)),
            // Without a leader nobody listens to the subject either.
            _ => Err(away(error)),
        },
    }
}

/// What the broker calls an error.
fn code(error: &dyn StdError) -> Option<ErrorCode> {
    let error = error.source()?.downcast_ref::<async_nats::jetstream::Error>()?;
    Some(error.error_code())
}

async fn make(context: &Context, settings: &NatsSettings) -> Result<Stream, Trouble> {
    let made = context.create_stream(Config::from(settings)).await;
    let stream = made.map_err(|error| match error.kind() {
        CreateStreamErrorKind::TimedOut | CreateStreamErrorKind::JetStreamUnavailable => away(error),
        _ => refused(error),
    })?;
    tracing::info!(stream = settings.stream, replicas = settings.replicas, "the stream of notices was made");
    Ok(stream)
}

/// The stream as it is made.
impl From<&NatsSettings> for Config {
    fn from(settings: &NatsSettings) -> Self {
        Self {
            name: settings.stream.clone(),
            subjects: vec![format!("{}.>", settings.subject)],
            num_replicas: settings.replicas,
            max_age: settings.max_age,
            max_bytes: settings.max_bytes.unwrap_or(-1),
            max_messages: -1,
            max_messages_per_subject: -1,
            retention: RetentionPolicy::Limits,
            discard: DiscardPolicy::Old,
            storage: StorageType::File,
            duplicate_window: DUPLICATES_WITHIN,
            // A message that somebody took out would look like one that we have lost.
            deny_delete: true,
            description: Some(
                "Notices of Orderwire, each as a CloudEvent, in the order of its log".to_owned(),
            ),
            ..Self::default()
        }
    }
}

/// What a stream has otherwise than it would be made, of what matters to whoever reads it.
fn differences(wanted: &Config, found: &Config) -> Vec<String> {
    let mut said = Vec::new();
    let mut compare = |what: &str, wanted: String, found: String| {
        if wanted != found {
            said.push(format!("the stream has {what} {found}, and {wanted} is set"));
        }
    };
    compare("subjects", wanted.subjects.join(" "), found.subjects.join(" "));
    compare("replicas", wanted.num_replicas.to_string(), found.num_replicas.to_string());
    compare("max_age", format!("{:?}", wanted.max_age), format!("{:?}", found.max_age));
    compare("max_bytes", wanted.max_bytes.to_string(), found.max_bytes.to_string());
    compare("max_messages", wanted.max_messages.to_string(), found.max_messages.to_string());
    let per_subject = |config: &Config| config.max_messages_per_subject.to_string();
    compare("max_messages_per_subject", per_subject(wanted), per_subject(found));
    compare("retention", format!("{:?}", wanted.retention), format!("{:?}", found.retention));
    compare("discard", format!("{:?}", wanted.discard), format!("{:?}", found.discard));
    compare("storage", format!("{:?}", wanted.storage), format!("{:?}", found.storage));
    said
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> NatsSettings {
        NatsSettings {
            servers: vec!["nats://127.0.0.1:4222".to_owned()],
            login: Login::Nobody,
            ca_file: None,
            stream: "ORDERWIRE_NOTICES".to_owned(),
            subject: "orderwire.notices".to_owned(),
            replicas: 3,
            max_age: Duration::from_hours(720),
            max_bytes: None,
            after_position: 0,
        }
    }

    #[test]
    fn what_a_stream_has_otherwise_than_it_is_set_is_said() {
        let wanted = Config::from(&settings());
        assert!(differences(&wanted, &wanted).is_empty());
        let found = Config { num_replicas: 1, max_age: Duration::from_hours(24), ..wanted.clone() };
        assert_eq!(
            differences(&wanted, &found),
            ["the stream has replicas 1, and 3 is set", "the stream has max_age 86400s, and 2592000s is set"]
        );
        let found = Config { subjects: vec!["orders.>".to_owned()], max_bytes: 1_000, ..wanted.clone() };
        assert_eq!(differences(&wanted, &found).len(), 2);
        // The broker has more to say of a stream than is set, which is no difference.
        let found = Config { max_consumers: -1, num_replicas: 3, allow_direct: true, ..wanted.clone() };
        assert!(differences(&wanted, &found).is_empty());
    }
}

//! The composition root of the binary: arguments, configuration, output and how it all ends.
//!
//! Beside `config`, which reads the environment, the only place that knows what is around the process.

use std::{env, ffi::OsString, io, process::ExitCode};

use clap::Parser as _;
use orderwire::{
    cli::{self, Bars, Cli, Failure, Format, Output, Surroundings},
    config::{self, Config, ConfigError},
    edge::Problem,
};
use tracing_subscriber::{
    Layer, Registry,
    filter::{LevelFilter, Targets},
    fmt,
    layer::{Layered, SubscriberExt as _},
    util::SubscriberInitExt as _,
};

/// Decisions allocate much and briefly, on every thread; the system's allocator costs them a quarter of their time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<OsString> = env::args_os().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) => {
            return unread(&cli::unreadable(&arguments, error), cli::format_asked(&arguments));
        }
    };
    let config = match configuration(&cli) {
        Ok(config) => config.with(cli.flags()),
        Err(error) => return ended(&error.into(), cli.format()),
    };
    // A server says what it does, unasked.
    let verbosity = config.count("verbosity") + u64::from(cli.serves());
    let traces = match tell(verbosity, &cli, &config) {
        Ok(traces) => traces,
        Err(failure) => return ended(&failure, cli.format()),
    };
    let format = Format::of(&config);
    // What the engine says would go through a bar.
    let bars = if verbosity == 0 { Bars::on_a_terminal() } else { Bars::None };
    let mut output = Output::new(format, io::BufWriter::new(io::stdout()), io::stderr()).with_bars(bars);
    let surroundings = Surroundings { state_folder: config.state_folder(), clock: None, config };
    let done = cli::run(cli, &surroundings, &mut output).await;
    traces.end();
    match done.and_then(|()| Ok(output.flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever read the output has had enough of it.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => ended(&failure, format),
    }
}

fn ended(failure: &Failure, format: Format) -> ExitCode {
    eprintln!("{}", failure.shown(format));
    ExitCode::from(failure.exit() as u8)
}

/// Ends where the arguments are not a command: with what is wrong, or with the help or version that was asked for.
fn unread(error: &clap::Error, format: Format) -> ExitCode {
    match format {
        Format::Json | Format::Jsonl if error.use_stderr() => ended(&Failure::of_arguments(error), format),
        _ => error.exit(),
    }
}

/// What the environment and the configuration file say, to those who ask.
fn configuration(cli: &Cli) -> Result<Config, ConfigError> {
    if cli.is_configured() { config::read(cli.config_file()) } else { Ok(Config::default()) }
}

/// Lets the engine say on stderr what it does; nothing unless it was asked for, or it serves others. A measured server
/// does as one in service does, and nobody reads it. A server's traces go to a collector, if one is set.
fn tell(verbosity: u64, cli: &Cli, config: &Config) -> Result<Traces, Failure> {
    let level = match verbosity {
        _ if cli.measures_serving() && verbosity == 0 => LevelFilter::INFO,
        0 => LevelFilter::OFF,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // What its client says of a broker that is away, at every attempt, the publisher says once.
    let of_client = if level == LevelFilter::TRACE { level } else { LevelFilter::OFF };
    let level = Targets::new().with_default(level).with_target("async_nats", of_client);
    let json = fmt::layer().json().flatten_event(true).with_span_list(false);
    let shown: Box<dyn Layer<Registry> + Send + Sync> = if cli.measures_serving() && verbosity == 0 {
        json.with_writer(io::sink).with_filter(level).boxed()
    } else if cli.serves() {
        json.with_writer(io::stderr).with_filter(level).boxed()
    } else {
        fmt::layer().with_writer(io::stderr).with_filter(level).boxed()
    };
    let (spans, traces) = match config.text("traces.endpoint").filter(|_| cli.serves()) {
        Some(endpoint) => collector(&endpoint, config.count("traces.percent"))?,
        None => (None, Traces::default()),
    };
    tracing_subscriber::registry().with(shown).with(spans).init();
    Ok(traces)
}

/// Spans go there over the layer of the log.
type Traced = Option<Box<dyn Layer<Layered<Box<dyn Layer<Registry> + Send + Sync>, Registry>> + Send + Sync>>;

/// What is left to do for traces when the command has ended.
#[derive(Default)]
struct Traces {
    #[cfg(feature = "otel")]
    sent: Option<orderwire::http::traces::Sent>,
}

impl Traces {
    /// Sends what is left.
    #[cfg(feature = "otel")]
    fn end(self) {
        if let Some(sent) = self.sent {
            sent.end();
        }
    }

    /// Without the feature there is nothing to send.
    #[cfg(not(feature = "otel"))]
    fn end(self) {
        let Self {} = self;
    }
}

#[cfg(feature = "otel")]
fn collector(endpoint: &str, percent: u64) -> Result<(Traced, Traces), Failure> {
    let made = orderwire::http::traces::layer(endpoint, percent);
    let (layer, sent) =
        made.map_err(|error| untraced(&error, "a collector that takes OTLP over HTTP, in protobuf"))?;
    Ok((Some(layer.boxed()), Traces { sent: Some(sent) }))
}

#[cfg(not(feature = "otel"))]
fn collector(_: &str, _: u64) -> Result<(Traced, Traces), Failure> {
    Err(untraced(&"this binary was built without traces", "a binary built with `--features otel`"))
}

/// What is set of traces cannot be used.
fn untraced(why: &dyn std::fmt::Display, expected: &str) -> Failure {
    let problem = Problem::new("traces.endpoint", "traces_unusable", why.to_string(), expected);
    Failure::Settings { file: None, problems: vec![problem] }
}

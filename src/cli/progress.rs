//! How far long work is: a bar on stderr while somebody looks at it, and nothing otherwise.
//!
//! Work that counts its own steps moves its bar itself; work inside the engine is looked at from outside, so that the engine
//! knows of no terminal.

use std::{
    future::Future,
    io::{self, IsTerminal as _},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How often work is looked at that does not say itself how far it is.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// What a bar looks like.
const STYLE: &str = "{msg} [{bar:30}] {pos} of {len}, {eta} to go";

/// Where bars go.
#[derive(Default)]
pub enum Bars {
    /// Nobody looks.
    #[default]
    None,
    /// To a terminal.
    Terminal {
        /// The one that is there now.
        now: ProgressBar,
        /// Makes the place where one is drawn.
        target: fn() -> ProgressDrawTarget,
    },
}

/// The bar of a piece of work; it goes when the work is done or given up.
pub struct Bar(ProgressBar);

impl Bars {
    /// On stderr, if that is a terminal.
    pub fn on_a_terminal() -> Self {
        if io::stderr().is_terminal() {
            Self::Terminal { now: ProgressBar::hidden(), target: ProgressDrawTarget::stderr }
        } else {
            Self::None
        }
    }

    /// Shows a bar in place of the one before.
    pub fn begin(&mut self, doing: &'static str, steps: u64) -> Bar {
        let Self::Terminal { now, target } = self else { return Bar(ProgressBar::hidden()) };
        let style = ProgressStyle::with_template(STYLE).expect("the template is right");
        let bar =
            ProgressBar::with_draw_target(Some(steps), target()).with_style(style.progress_chars("=> "));
        bar.set_message(doing);
        *now = bar.clone();
        Bar(bar)
    }

    /// Takes the bar away while something else is written.
    pub fn suspended<T>(&self, write: impl FnOnce() -> T) -> T {
        match self {
            Self::None => write(),
            Self::Terminal { now, .. } => now.suspend(write),
        }
    }
}

impl Bar {
    /// One step more is done.
    pub fn step(&self) {
        self.0.inc(1);
    }

    /// So many steps are done.
    pub fn at(&self, steps: u64) {
        self.0.set_position(steps);
    }

    /// Waits for work, and looks meanwhile how far it is.
    pub async fn watch<T, L: Future<Output = Option<u64>>>(
        &self,
        work: impl Future<Output = T>,
        look: impl Fn() -> L,
    ) -> T {
        if self.0.is_hidden() {
            return work.await;
        }
        let looking = async {
            loop {
                tokio::time::sleep(LOOK_EVERY).await;
                // Who cannot say it now may say it later.
                if let Some(steps) = look().await {
                    self.at(steps);
                }
            }
        };
        tokio::select! {
            biased;
            done = work => done,
            () = looking => unreachable!("looking does not end"),
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

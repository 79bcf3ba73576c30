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
        target: Box<dyn Fn() -> ProgressDrawTarget>,
    },
}

/// The bar of a piece of work; it goes when the work is done or given up.
pub struct Bar(ProgressBar);

impl Bars {
    /// On stderr, if that is a terminal.
    pub fn on_a_terminal() -> Self {
        if io::stderr().is_terminal() {
            Self::Terminal { now: ProgressBar::hidden(), target: Box::new(ProgressDrawTarget::stderr) }
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

    /// A reader of so many bytes, each of which is a step more to do.
    pub fn reading<R: io::Read>(&self, from: R, bytes: u64) -> impl io::Read + use<R> {
        self.0.inc_length(bytes);
        self.0.wrap_read(from)
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use indicatif::InMemoryTerm;

    use super::*;
    use crate::cli::{Format, Output};

    /// Bars on a terminal of a test.
    fn bars() -> (InMemoryTerm, Bars) {
        let terminal = InMemoryTerm::new(10, 80);
        let drawn = terminal.clone();
        let target = Box::new(move || ProgressDrawTarget::term_like(Box::new(drawn.clone())));
        (terminal, Bars::Terminal { now: ProgressBar::hidden(), target })
    }

    #[test]
    fn a_bar_shows_how_far_it_is_and_leaves_nothing_behind() {
        let (terminal, mut bars) = bars();
        let bar = bars.begin("loading ranges", 3);
        bar.step();
        bar.step();
        bar.0.tick();
        assert!(
            terminal.contents().starts_with("loading ranges [====================>"),
            "{}",
            terminal.contents()
        );
        assert!(terminal.contents().contains("2 of 3"), "{}", terminal.contents());
        bars.suspended(|| assert_eq!(terminal.contents(), "", "a remark has the line for itself"));
        drop(bar);
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn without_a_terminal_nothing_is_drawn() {
        let mut remarks = Vec::new();
        let mut output = Output::new(Format::Table, io::sink(), &mut remarks);
        let bar = output.bar("loading ranges", 3);
        bar.step();
        assert!(bar.0.is_hidden());
        drop(bar);
        output.remark("done").unwrap();
        drop(output);
        assert_eq!(remarks, b"done\n");
    }

    #[tokio::test(start_paused = true)]
    async fn work_inside_the_engine_is_looked_at_until_it_is_done() {
        let (terminal, mut bars) = bars();
        let bar = bars.begin("folding events", 100);
        let looks = AtomicU64::new(0);
        let look = || {
            let look = looks.fetch_add(1, Ordering::Relaxed) + 1;
            // The first time it cannot say.
            async move { (look > 1).then_some(look * 10) }
        };
        let done = bar.watch(tokio::time::sleep(LOOK_EVERY * 4 + LOOK_EVERY / 2), look).await;
        bar.0.tick();
        assert_eq!((done, looks.into_inner()), ((), 4));
        assert!(terminal.contents().contains("40 of 100"), "{}", terminal.contents());
    }
}
